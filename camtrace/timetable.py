"""The calendars an administrator made, from memory: whether one applies now, and when the next one changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, tzinfo

from camtrace import clock
from camtrace.calendar import applies, last_change, next_change
from camtrace.model import ALWAYS, NEVER, Calendar

_BUILT_IN = {calendar.name: calendar for calendar in (ALWAYS, NEVER)}


class Timetable:
    """All calendars by name, as of the last `load`; "always" and "never" exist from the start."""

    def __init__(
        self,
        rows: Callable[[], Awaitable[Iterable[Calendar]]],
        zone: tzinfo,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._rows = rows
        self._zone = zone
        self._now = now
        self._calendars = dict(_BUILT_IN)

    async def load(self) -> None:
        """Read the calendars from the database. Raises DatabaseUnavailable, and keeps what it knew."""
        self._calendars = {calendar.name: calendar for calendar in await self._rows()} | _BUILT_IN

    @property
    def names(self) -> list[str]:
        """The names of all calendars, the built-in ones first."""
        return [*_BUILT_IN, *sorted(self._calendars.keys() - _BUILT_IN.keys())]

    def applies(self, name: str, at: datetime | None = None) -> bool:
        """Whether a calendar applies at an instant, now if none is given. An unknown one always does.

        Footage too much is worth more than footage that is missing.
        """
        return applies(self._calendars.get(name, ALWAYS), at or self._now(), self._zone)

    def since(self, name: str, at: datetime) -> datetime | None:
        """Since when a calendar has applied, or not, as it does at `at`; None where that is long ago."""
        calendar = self._calendars.get(name, ALWAYS)
        return None if calendar in (ALWAYS, NEVER) else last_change(calendar, at, self._zone)

    def next_change(self, names: Iterable[str]) -> datetime | None:
        """The first instant from now on at which one of these calendars changes."""
        now = self._now()
        calendars = (self._calendars[name] for name in set(names) - _BUILT_IN.keys() if name in self._calendars)
        changes = (next_change(calendar, now, self._zone) for calendar in calendars)
        return min((change for change in changes if change is not None), default=None)
