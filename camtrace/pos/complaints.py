"""What tills do wrong, told now and then: into the log for who repairs them, into the journal for who owns the shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from camtrace import clock
from camtrace.pos.ports import Note

LOG_SECONDS = 60.0
NOTE_SECONDS = 600.0
FORGET_SECONDS = 3600.0
MOST_REMEMBERED = 1000  # addresses and reasons; beyond that nothing new is told until some are forgotten


@dataclass(slots=True)
class _Told:
    """What is known of one address and reason."""

    count: int = 0
    unsaid: int = 0
    at: float = float("-inf")
    logged_at: float = float("-inf")
    noted_at: float = float("-inf")


class Complaints:
    """Tells each fault of each address at once, then at most once a period, with how often it was.

    A fault is known by its `code`: the journal's sentence is `till_CODE`.
    """

    log = Logger()

    def __init__(self, note: Note, seconds: Callable[[], float] = clock.monotonic) -> None:
        self._note = note
        self._seconds = seconds
        self._told: dict[tuple[str, str], _Told] = {}

    def __len__(self) -> int:
        return len(self._told)

    def tell(self, peer: str, code: str, reason: str, **values: str | int | float) -> None:
        """Something is wrong with `peer`: `reason` in words for the log, `values` for the journal's sentence."""
        now = self._seconds()
        told = self._told.get((peer, code))
        if told is None:
            if len(self._told) >= MOST_REMEMBERED:
                self._forget(now)
            if len(self._told) >= MOST_REMEMBERED:
                return
            told = self._told[peer, code] = _Told()
        told.count += 1
        told.at = now
        if now - told.logged_at < LOG_SECONDS:
            told.unsaid += 1
            return
        self.log.warn("till at {peer}: {reason} ({unsaid} more before)", peer=peer, reason=reason, unsaid=told.unsaid)
        told.logged_at, told.unsaid = now, 0
        if now - told.noted_at >= NOTE_SECONDS:
            told.noted_at = now
            self._note("system", f"till_{code}", {"address": peer, "count": told.count, **values})

    def _forget(self, now: float) -> None:
        self._told = {key: told for key, told in self._told.items() if now - told.at < FORGET_SECONDS}
