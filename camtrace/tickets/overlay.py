"""What stands on the screen beside a camera's picture now: the ticket as its lines arrive. Pure.

The rules of the till protocol: quantity, description and amount of each line are shown; S lines stand out; the lines
are cleared at the first line *after* an E line, so that a finished ticket stays to be read. A source that says nothing
for `timeout` is cleared too. The browser follows the same rules from what it is sent on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from camtrace.model import Line, Ticket
from camtrace.tickets.roles import END, role_of
from camtrace.tickets.tally import Tally

TIMEOUT = timedelta(minutes=5)
MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A screen that is not empty: its lines, oldest first, their ticket and what that comes to so far."""

    lines: Sequence[Line]
    ticket: Ticket
    tally: Tally


class Overlay:
    """The screen of one source, cleared after a silence of `timeout`."""

    def __init__(self, timeout: timedelta = TIMEOUT) -> None:
        self.timeout = timeout
        self._lines: list[Line] = []
        self._ticket: Ticket | None = None
        self._tally = Tally()

    def add(self, line: Line, ticket: Ticket) -> None:
        """Show `line` of `ticket`, after clearing what it makes obsolete. A hidden one only counts."""
        if line.is_hidden:
            if self._ticket is not None and self._ticket.id == ticket.id:
                self._ticket = ticket
                self._tally.add(line)
            return
        if self._lines and self._is_new(line):
            self._lines.clear()
        if self._ticket is None or self._ticket.id != ticket.id:
            self._tally = Tally()
        self._ticket = ticket
        self._tally.add(line)
        self._lines.append(line)
        del self._lines[:-MAX_LINES]

    def update(self, ticket: Ticket) -> None:
        """`ticket` is another than when its latest line came, if it is the one that is shown."""
        if self._ticket is not None and self._ticket.id == ticket.id:
            self._ticket = ticket

    def mask(self, line: Line) -> bool:
        """The line with the id of `line` is another than when it came; whether it is one of those shown."""
        places = [place for place, each in enumerate(self._lines) if each.id == line.id]
        for place in places:
            self._lines[place] = line
        return bool(places)

    def shown(self, now: datetime) -> Shown | None:
        """What stands on the screen at `now`."""
        if self._ticket is None or not self._lines or now - self._lines[-1].received_at > self.timeout:
            return None
        return Shown(tuple(self._lines), self._ticket, self._tally)

    def _is_new(self, line: Line) -> bool:
        last = self._lines[-1]
        over = line.ticket_id != last.ticket_id if line.ticket_id and last.ticket_id else role_of(last) == END
        return over or line.received_at - last.received_at > self.timeout
