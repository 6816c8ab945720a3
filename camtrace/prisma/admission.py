"""Who may speak to the Prisma receiver: `[prisma] sources`, what is registered, and how much one may say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from camtrace.peers import Peers

# A sender may say so much at once, and so much a second in the long run. A gateway that forwards for a whole chain
# sends 10,000 a second; a core reads and stores about 26,000, so the loudest sender leaves others as much as it takes.
BURST, RATE = 100_000.0, 12_500.0
MOST_SENDERS = 4096
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,2}:[0-9]+")


class Admission:
    """`"any"`, or a list of addresses, networks and sources (`KKM:12`).

    Where the list has addresses a source must speak from one of them; where it has sources it must be one of them.
    """

    def __init__(self, sources: Sequence[str] | None = None) -> None:
        entries = [entry.strip() for entry in sources or ()]
        self._names = {_plain(entry) for entry in entries if _NAME.fullmatch(entry)}
        networks = [entry for entry in entries if not _NAME.fullmatch(entry)]
        self._any = sources is None
        self._peers = Peers(None if self._any or (self._names and not networks) else networks)

    def admits(self, source: str, peer: str) -> bool:
        """Whether events of this source from this address are taken."""
        return self._any or (self._peers.admits(peer) and (not self._names or source in self._names))


class Allowance:
    """How much each address may still say: a bucket that fills by `rate` a second up to `burst`."""

    def __init__(self, burst: float = BURST, rate: float = RATE) -> None:
        self._burst = burst
        self._rate = rate
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, peer: str, now: float) -> bool:
        """Whether `peer` may say one thing more at the monotonic second `now`."""
        left, at = self._left.get(peer, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        if peer not in self._left and len(self._left) >= MOST_SENDERS:
            del self._left[next(iter(self._left))]  # the oldest: its bucket is as good as full
        allowed = left >= 1
        self._left[peer] = (left - 1 if allowed else left, now)
        return allowed


def _plain(name: str) -> str:
    prefix, _, number = name.partition(":")
    return f"{prefix.upper()}:{int(number)}"
