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
LOOK_SECONDS = 60.0  # between two looks at what can be forgotten: who forges addresses makes it no work
MOST_REMEMBERED = 1000  # addresses and reasons
MOST_NAMED = 30  # addresses that are told by name of one reason, at once and in an hour: more are told together


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


@dataclass(slots=True)
class _Names:
    """How many further addresses may be told by name of one reason: it fills up in an hour. And all the others."""

    left: float
    at: float
    others: _Told


class Complaints:
    """Tells each fault of each address at once, then at most once a period, with how often it was.

    `who` they are, in a word; a fault is known by its `code`: the journal's sentence is `WHO_CODE`. Where more
    addresses have the same fault than anybody repairs one by one, as of a sender that forges them, the others are told
    together, as `WHO_others`.
    """

    log = Logger()

    def __init__(self, who: str, note: Note, seconds: Callable[[], float] = clock.monotonic) -> None:
        self._who = who
        self._note = note
        self._seconds = seconds
        self._told: dict[tuple[str, str], _Told] = {}
        self._names: dict[str, _Names] = {}
        self._looked_at = float("-inf")

    def __len__(self) -> int:
        return len(self._told)

    def tell(self, peer: str, code: str, reason: str, **values: str | int | float) -> None:
        """Something is wrong with `peer`: `reason` in words for the log, `values` for the journal's sentence.

        Whoever reads them sees nothing of card numbers that a device sent and that are masked in them.
        """
        now = self._seconds()
        told = self._told.get((peer, code))
        if told is None:
            names = self._names_of(code, now)
            if not self._has_memory(now) or names.left < 1:
                told, code, values = names.others, "others", {}
            else:
                names.left -= 1
                told = self._told[peer, code] = _Told()
        told.count += 1
        told.at = now
        if now - told.logged_at < LOG_SECONDS:
            told.unsaid += 1
            return
        self.log.warn(
            "{who} at {peer}: {reason} ({unsaid} more before{others})",
            who=self._who,
            peer=peer,
            reason=hidden(reason),
            unsaid=told.unsaid,
            others=", of many addresses" if code == "others" else "",
        )
        told.logged_at, told.unsaid = now, 0
        if now - told.noted_at >= NOTE_SECONDS:
            told.noted_at = now
            safe = {name: hidden(value) if isinstance(value, str) else value for name, value in values.items()}
            self._note("system", f"{self._who}_{code}", {"address": peer, "count": told.count, **safe})

    def _names_of(self, code: str, now: float) -> _Names:
        names = self._names.setdefault(code, _Names(MOST_NAMED, now, _Told()))
        names.left = min(MOST_NAMED, names.left + (now - names.at) * MOST_NAMED / FORGET_SECONDS)
        names.at = now
        return names

    def _has_memory(self, now: float) -> bool:
        """Whether one address more can be remembered; old ones make room."""
        if len(self._told) >= MOST_REMEMBERED and now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._told = {key: told for key, told in self._told.items() if now - told.at < FORGET_SECONDS}
        return len(self._told) < MOST_REMEMBERED
