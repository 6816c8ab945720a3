"""What is set for each till and other source, from memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from camtrace.model import SourceSettings
from camtrace.tickets.overlay import TIMEOUT


class SourceBook:
    """The settings of all sources, as of the last `load`; a source of which nothing is known has the defaults."""

    def __init__(self, rows: Callable[[], Awaitable[Iterable[SourceSettings]]]) -> None:
        self._rows = rows
        self._known: dict[str, SourceSettings] = {}

    async def load(self) -> None:
        """Read them from the database. Raises DatabaseUnavailable, and keeps what it knew."""
        self._known = {row.source: row for row in await self._rows()}

    def of(self, source: str) -> SourceSettings:
        """What is set for `source`."""
        return self._known.get(source) or SourceSettings(source)

    def offset(self, source: str) -> timedelta:
        """How much later than the lines of `source` the picture shows what they tell of; negative: earlier."""
        return timedelta(milliseconds=self.of(source).offset_ms)

    def all(self) -> list[SourceSettings]:
        """Every source for which something is set."""
        return list(self._known.values())

    def silence(self, source: str) -> timedelta:
        """After how long without a line the screen of `source` is cleared."""
        known = self._known.get(source)
        return TIMEOUT if known is None else timedelta(seconds=known.clear_seconds)
