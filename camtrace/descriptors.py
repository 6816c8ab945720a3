"""How many files and connections the process may have open, and whether nearly all are in use.

At the system's limit no file can be begun, no camera read and no database asked: connections end before that.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress

WANTED = 65_536
KEPT = 1024  # for cameras, footage, the database and pictures by FTP; of a small limit a quarter


def raise_limit() -> int:
    """Let the process open as many as the system allows it, at most `WANTED`; answers how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft


class Descriptors:
    """Those of this process. `limit`: how many it may have, `kept`: how many of them are for no connection."""

    def __init__(self, limit: int, kept: int = KEPT) -> None:
        self.limit = limit
        self.kept = min(kept, limit // 4)
        self._own = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def share(self, wanted: int) -> int:
        """How many of `wanted` connections of one kind can be promised: others shall have a third."""
        return min(wanted, 2 * (self.limit - self.kept) // 3)

    def are_scarce(self, promised: int = 0) -> bool:
        """Whether only those are left that are kept, or promised to others.

        The system always gives the lowest free number, so that it tells how many are in use.
        """
        try:
            lowest = os.dup(self._own)
        except OSError:
            return True
        os.close(lowest)
        return lowest >= self.limit - self.kept - promised

    def close(self) -> None:
        """Give back the one this needs itself."""
        os.close(self._own)
