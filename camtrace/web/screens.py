"""What stands on each till's screen now, for pages that come in the middle of a ticket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from camtrace import clock
from camtrace.bus import Bus
from camtrace.events import LineReceived
from camtrace.model import Line
from camtrace.tickets.overlay import TIMEOUT, Overlay

MOST_SOURCES = 2000
AT_START = 1000


class RecentLines(Protocol):
    """The external log, oldest first from `start`."""

    async def lines(self, *, start: datetime | None, ascending: bool, limit: int) -> list[Line]: ...


class Screens:
    """One overlay per source, fed by the lines as they become durable."""

    def __init__(self, bus: Bus, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now
        self._overlays: dict[str, Overlay] = {}
        self._forget = bus.subscribe(LineReceived, lambda fact: self._add(fact.line))

    async def load(self, log: RecentLines, back: timedelta = TIMEOUT) -> None:
        """Fill the screens with what was received before the server started."""
        for line in await log.lines(start=self._now() - back, ascending=True, limit=AT_START):
            self._add(line)

    def on_screen(self, source: str) -> list[Line]:
        """The lines that stand on the screen of `source`, oldest first."""
        overlay = self._overlays.get(source)
        return [] if overlay is None else [shown.line for shown in overlay.lines(self._now())]

    def stop(self) -> None:
        """Listen no more."""
        self._forget()

    def _add(self, line: Line) -> None:
        overlay = self._overlays.pop(line.source, None) or Overlay()
        overlay.add(line)
        self._overlays[line.source] = overlay  # the latest last
        if len(self._overlays) > MOST_SOURCES:
            del self._overlays[next(iter(self._overlays))]
