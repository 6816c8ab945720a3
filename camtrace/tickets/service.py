"""What stands on the screen now, for every source: kept from the facts as they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from camtrace import clock
from camtrace.bus import Bus
from camtrace.events import LineReceived
from camtrace.model import Line
from camtrace.tickets.overlay import Overlay, overlay_state


class Screens:
    """The overlays of all sources."""

    def __init__(self, bus: Bus, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now
        self._overlays: dict[str, Overlay] = {}
        bus.subscribe(LineReceived, self._received)

    def resume(self, lines: Iterable[Line]) -> None:
        """Show again what stood there before a restart; oldest first within a source."""
        for line in lines:
            self._add(line)

    def on_screen(self, source: str) -> Sequence[Line]:
        """The lines that stand on the screen for `source` now, oldest first."""
        overlay = self._overlays.get(source)
        return [shown.line for shown in overlay.lines(self._now())] if overlay else []

    def state(self, source: str) -> dict[str, Any]:
        """The same as JSON, what was annulled marked."""
        return overlay_state(source, self._overlays.get(source) or Overlay(), self._now())

    def _received(self, fact: LineReceived) -> None:
        self._add(fact.line)

    def _add(self, line: Line) -> None:
        self._overlays.setdefault(line.source, Overlay()).add(line)
