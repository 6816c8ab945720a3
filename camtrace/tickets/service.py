"""What stands on the screen now, for every source: kept from the facts as they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from camtrace import clock
from camtrace.bus import Bus
from camtrace.events import LineMasked, LineReceived, TicketTied
from camtrace.model import Line, Ticket
from camtrace.tickets.overlay import TIMEOUT, Overlay, Shown


class Screens:
    """The overlays of all sources. `silence`: after how long without a line the screen of a source is cleared."""

    def __init__(
        self,
        bus: Bus,
        now: Callable[[], datetime] = clock.now,
        silence: Callable[[str], timedelta] = lambda source: TIMEOUT,
    ) -> None:
        self._now = now
        self._silence = silence
        self._overlays: dict[str, Overlay] = {}
        bus.subscribe(LineReceived, self._received)
        bus.subscribe(LineMasked, self._masked)
        bus.subscribe(TicketTied, self._tied)

    def resume(self, ticket: Ticket, lines: Iterable[Line]) -> None:
        """Show again what stood there before a restart: a ticket with its lines, oldest first."""
        for line in lines:
            self._add(line, ticket)

    def on_screen(self, source: str) -> Shown | None:
        """What stands on the screen for `source` now; None if nothing does."""
        overlay = self._overlays.get(source)
        if overlay is None:
            return None
        overlay.timeout = self._silence(source)
        return overlay.shown(self._now())

    def _received(self, fact: LineReceived) -> None:
        self._add(fact.line, fact.ticket)

    def _masked(self, fact: LineMasked) -> None:
        overlay = self._overlays.get(fact.line.source)
        if overlay is not None:
            overlay.mask(fact.line)

    def _tied(self, fact: TicketTied) -> None:
        overlay = self._overlays.get(fact.ticket.source)
        if overlay is not None:
            overlay.update(fact.ticket)

    def _add(self, line: Line, ticket: Ticket) -> None:
        overlay = self._overlays.setdefault(line.source, Overlay())
        overlay.timeout = self._silence(line.source)
        overlay.add(line, ticket)
