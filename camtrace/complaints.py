"""What devices do wrong, told now and then: in the log to who repairs them, in the journal to who owns the shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from twisted.logger import Logger

from camtrace import clock
from camtrace.cards import hidden

LOG_SECONDS = 60.0
NOTE_SECONDS = 600.0
FORGET_SECONDS = 3600.0
MOST_REMEMBERED = 1000  # addresses and reasons; beyond that nothing new is told until some are forgotten


class Note(Protocol):
    """Writes an entry into the journal."""

    def __call__(self, kind: str, text: str, values: Mapping[str, str | int | float]) -> object: ...


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

    `who` they are, in a word; a fault is known by its `code`: the journal's sentence is `WHO_CODE`.
    """

    log = Logger()

    def __init__(self, who: str, note: Note, seconds: Callable[[], float] = clock.monotonic) -> None:
        self._who = who
        self._note = note
        self._seconds = seconds
        self._told: dict[tuple[str, str], _Told] = {}

    def __len__(self) -> int:
        return len(self._told)

    def tell(self, peer: str, code: str, reason: str, **values: str | int | float) -> None:
        """Something is wrong with `peer`: `reason` in words for the log, `values` for the journal's sentence.

        Whoever reads them sees nothing of card numbers that a device sent and that are masked in them.
        """
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
        self.log.warn(
            "{who} at {peer}: {reason} ({unsaid} more before)",
            who=self._who,
            peer=peer,
            reason=hidden(reason),
            unsaid=told.unsaid,
        )
        told.logged_at, told.unsaid = now, 0
        if now - told.noted_at >= NOTE_SECONDS:
            told.noted_at = now
            safe = {name: hidden(value) if isinstance(value, str) else value for name, value in values.items()}
            self._note("system", f"{self._who}_{code}", {"address": peer, "count": told.count, **safe})

    def _forget(self, now: float) -> None:
        self._told = {key: told for key, told in self._told.items() if now - told.at < FORGET_SECONDS}
