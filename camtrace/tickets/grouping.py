"""Which sale a till's line belongs to. Pure: lines go in, tickets come out; nothing is stored here.

The rule, per source and whatever the connection: a ticket runs from its first line until the E line, both included; the
next line opens another. Besides:

- A D line outside a ticket (the drawer opened without a sale) is a ticket of its own, of that one line.
- A line with another ticket number than the open ticket has already shows that its E was lost: it opens another.
- A line that is known to begin a ticket opens one, where a till's dialect has such lines.
- A source that was silent for longer than the timeout has abandoned its ticket: the next line opens another.
- The number and the seller are the first ones that a line of the ticket gives.
- The total is the sum of what its T and E lines settled: of their totals, or of the amounts given where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from camtrace.model import Ticket

TIMEOUT = timedelta(minutes=30)
Source = tuple[str, str]  # protocol, source


class Entry(NamedTuple):
    """What of a line decides about tickets. `settled`: what a means of payment contributes to the total."""

    protocol: str
    source: str
    at: datetime
    number: str = ""
    seller: str = ""
    settled: Decimal | None = None
    closes: bool = False
    stands_alone: bool = False
    opens: bool = False


@dataclass(slots=True)
class _Open:
    ticket: Ticket
    last_at: datetime


class Grouping:
    """The open tickets of all sources."""

    def __init__(self, new_id: Callable[[], int], timeout: timedelta = TIMEOUT) -> None:
        self._new_id = new_id
        self._timeout = timeout
        self._open: dict[Source, _Open] = {}
        self._over: dict[Source, Ticket] = {}  # the latest that was closed

    def resume(self, tickets: Iterable[tuple[Ticket, datetime]]) -> None:
        """Go on with the tickets that were open when the server stopped, each with the instant of its last line."""
        for ticket, last_at in tickets:
            self._open[ticket.protocol, ticket.source] = _Open(ticket, last_at)

    def place(self, entry: Entry) -> Ticket:
        """The ticket of this line, as it stands with the line in it. Its `line_count` is the line's place."""
        source = (entry.protocol, entry.source)
        known = self._open.get(source)
        if known is not None and self._is_over(known, entry):
            del self._open[source]
            known = None
        ticket = self._continued(known.ticket, entry) if known else self._opened(entry)
        if ticket.closed_at is not None:
            self._open.pop(source, None)
            self._over[source] = ticket
        elif known:
            known.ticket, known.last_at = ticket, entry.at
        else:
            self._open[source] = _Open(ticket, entry.at)
        return ticket

    def beside(self, source: Source, at: datetime, id: int = 0) -> Ticket:
        """The ticket, as it stands, that a line belongs to which the server itself adds: it changes no ticket.

        The till's latest one, if that has this `id`; without an id the open one; else a new one of that line alone.
        """
        known, over = self._open.get(source), self._over.get(source)
        if known is not None and (known.ticket.id == id if id else at - known.last_at <= self._timeout):
            return known.ticket
        if over is not None and over.id == id:
            return over
        return Ticket(
            id=self._new_id(), protocol=source[0], source=source[1], opened_at=at, closed_at=at, line_count=1,
            kind="event",
        )  # fmt: skip

    def _is_over(self, known: _Open, entry: Entry) -> bool:
        if entry.opens or entry.at - known.last_at > self._timeout:
            return True
        return bool(entry.number and known.ticket.number and entry.number != known.ticket.number)

    def _opened(self, entry: Entry) -> Ticket:
        return Ticket(
            id=self._new_id(),
            protocol=entry.protocol,
            source=entry.source,
            number=entry.number,
            opened_at=entry.at,
            closed_at=entry.at if entry.closes or entry.stands_alone else None,
            seller=entry.seller,
            total=entry.settled,
            line_count=1,
        )

    def _continued(self, ticket: Ticket, entry: Entry) -> Ticket:
        settled = entry.settled
        return Ticket(
            id=ticket.id,
            protocol=ticket.protocol,
            source=ticket.source,
            number=ticket.number or entry.number,
            opened_at=ticket.opened_at,
            closed_at=entry.at if entry.closes else None,
            seller=ticket.seller or entry.seller,
            total=ticket.total if settled is None else (ticket.total or Decimal()) + settled,
            line_count=ticket.line_count + 1,
        )
