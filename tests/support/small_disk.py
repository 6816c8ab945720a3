"""A disk for footage that a test can fill: a small file system of its own, or, where none may be mounted, a limit."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from pathlib import Path

MEGABYTES = 120  # recording goes on when 64 MiB are free


class SmallDisk:
    """A folder on a tmpfs of some megabytes (as root).

    Where the machine allows no mount, as most containers do, the folder lies on the common disk, and `fill` forbids the
    server to let any file grow: it sees the refusal of a write, but not that room is wanting. `is_real` tells which.
    """

    def __init__(self) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="camtrace-disk-"))
        self._place.chmod(0o711)
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "camtrace-test", str(self._place)]
        try:
            self.is_real = subprocess.run(command, capture_output=True, timeout=20).returncode == 0
        except OSError:
            self.is_real = False
        self.folder = self._place / "footage"
        self._filler = self._place / "filler"
        self._limited: int | None = None

    def fill(self, server: int) -> None:
        """Leave no byte free; `server` is the process that writes to the disk."""
        if not self.is_real:
            self._limited = server
            _, hard = resource.prlimit(server, resource.RLIMIT_FSIZE)
            resource.prlimit(server, resource.RLIMIT_FSIZE, (0, hard))
            return
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(descriptor, bytes(1 << 20))
        except OSError:  # full
            pass
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        """Take back what `fill` did."""
        self._filler.unlink(missing_ok=True)
        if self._limited is not None:
            _, hard = resource.prlimit(self._limited, resource.RLIMIT_FSIZE)
            resource.prlimit(self._limited, resource.RLIMIT_FSIZE, (hard, hard))

    def remove(self) -> None:
        """Unmount it; what was on it is gone. Called when nobody writes any more."""
        if self.is_real:
            subprocess.run(["umount", str(self._place)], check=True, timeout=20)
        else:
            subprocess.run(["rm", "-rf", str(self.folder)], check=True, timeout=20)
        self._place.rmdir()
