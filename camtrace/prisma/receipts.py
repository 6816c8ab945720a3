"""Which receipt an event belongs to. Pure: events go in, tickets come out; nothing is stored here.

Per source, all others going on beside it. While a receipt is open every event belongs to it. It is opened by event 4 or
46, and by an event that is grouping and counts the number, with another number than the one before. It is closed by 5
and 47, by an event with the attribute closing, by one with another number (which opens the next), and by any with
number 0. Besides:

- A blank number says nothing: it opens nothing but with 4 and 46, and closes nothing.
- Heartbeats, fired rules and what the till says of its own state neither open nor close.
- A till that opens receipts without a number (0 or blank) may go on so: there, 0 closes nothing.
- An event with number 0 in the middle of a receipt, as of a drawer, ends it; what bears the receipt's number behind it
  belongs to it all the same, but for another 4 or 46.
- UDP loses, repeats and reorders. What bears the number of the receipt just closed belongs to it; what bears that of
  one closed some seconds ago does, too, and disturbs nothing that was opened since. A 4 that comes behind the first
  lines of its receipt does not open another.
- A source that was silent for longer than the timeout has abandoned its receipt.
- An event outside of any receipt is a ticket of its own, of the kind "event".
- A dispenser's receipt may come behind the event that ties a till's to it: the till's waits for it some minutes.
- The total is the `Sum` of the latest event that may tell it, by the sender's clock where it gives the time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from camtrace.model import Ticket
from camtrace.prisma.catalogue import HEARTBEAT, OWN, RETURN, RETURN_END, SALE, SALE_END, Kind

PROTOCOL = "prisma"
TIMEOUT = timedelta(minutes=30)
LATE = timedelta(seconds=10)  # for so long a receipt that another one followed still takes what the network delayed
AWAITED = timedelta(minutes=5)  # for so long a till's receipt waits for the dispenser's that it names
MOST_AWAITED = 200
MOST_FORMER = 4  # receipts of a source that are remembered for that
ANSWER = timedelta(minutes=5)  # between an attempt and what came of it
# an attempt, and what may come of it: the refusal and the deed
ATTEMPTS = {
    1: (2, 3),
    7: (8, 9),
    10: (11, 12),
    13: (14, 15),
    16: (17, 18),
    19: (20, 22),
    23: (24, 25),
    28: (29, 30),
    41: (79,),
    42: (43, 46),
    44: (45, 46),
    77: (78,),
    201: (202, 203),
    205: (238,),
    206: (239,),
}
_ATTEMPTS_OF: dict[int, tuple[int, ...]] = {}
for _attempt, _answers in ATTEMPTS.items():
    for _answer in _answers:
        _ATTEMPTS_OF[_answer] = (*_ATTEMPTS_OF.get(_answer, ()), _attempt)


class Entry(NamedTuple):
    """What of an event decides about receipts. `number`: "" none, "0" outside; `sent_at`: by the sender's clock.

    `linked`: the id of another source's ticket that it ties to its own, 0 for none.
    """

    source: str
    at: datetime
    kind: Kind
    number: str = ""
    seller: str = ""
    total: Decimal | None = None
    sent_at: datetime | None = None
    linked: int = 0


class Placed(NamedTuple):
    """Where an event belongs. `late`: another receipt has begun since. `other_seller`: not who began the receipt."""

    ticket: Ticket
    late: bool = False
    other_seller: bool = False


@dataclass(slots=True)
class _Receipt:
    ticket: Ticket
    last_at: datetime
    begun: bool = False  # its 4 or 46 was here
    total_at: datetime | None = None
    cut: bool = False  # number 0 has ended it: what bears its number all the same goes on with it


@dataclass(slots=True)
class _Source:
    """`current`: the latest receipt, open or closed. `former`: those before it, by number."""

    current: _Receipt | None = None
    former: OrderedDict[str, _Receipt] | None = None


class _Awaited(NamedTuple):
    """A till's ticket that is to be tied to a receipt of `source` that was not there yet; `number` "" for any."""

    source: str
    number: str
    ticket: Ticket
    at: datetime


class Receipts:
    """The receipts of all sources."""

    def __init__(self, new_id: Callable[[], int], timeout: timedelta = TIMEOUT) -> None:
        self._new_id = new_id
        self._timeout = timeout
        self._sources: dict[str, _Source] = {}
        self._attempts: dict[tuple[str, int], tuple[int, datetime]] = {}
        self._awaited: OrderedDict[int, _Awaited] = OrderedDict()  # by the till's ticket

    def resume(self, tickets: Iterable[tuple[Ticket, datetime]]) -> None:
        """Go on with the receipts that were open when the server stopped, each with the instant of its last line."""
        for ticket, last_at in tickets:
            self._sources[ticket.source] = _Source(_Receipt(ticket, last_at, True))

    def find(self, source: str, number: str = "") -> Ticket | None:
        """The receipt of a source with this number, as far as it is remembered; without a number its latest."""
        known = self._sources.get(source)
        if known is None:
            return None
        current = known.current
        if current is not None and number in ("", current.ticket.number):
            return current.ticket
        if not known.former:
            return None
        found = known.former.get(number) if number else next(reversed(known.former.values()))
        return found.ticket if found is not None else None

    def wait(self, ticket: Ticket, source: str, number: str, at: datetime) -> None:
        """Tie `ticket` to the receipt of `source` with this number, or to any, as soon as there is one."""
        self._awaited.pop(ticket.id, None)  # it is the last word that counts
        self._awaited[ticket.id] = _Awaited(source, number, ticket, at)
        if len(self._awaited) > MOST_AWAITED:
            self._awaited.popitem(last=False)

    def came(self, source: str, at: datetime) -> list[Ticket]:
        """The tickets that waited for what `source` has said by now, tied to it, as they stand."""
        while self._awaited and at - next(iter(self._awaited.values())).at > AWAITED:
            self._awaited.popitem(last=False)
        tied = []
        for awaited in [each for each in self._awaited.values() if each.source == source]:
            found = self.find(source, awaited.number)
            if found is not None:
                del self._awaited[awaited.ticket.id]
                tied.append(self._tied(awaited.ticket, found.id))
        return tied

    def _tied(self, ticket: Ticket, linked: int) -> Ticket:
        """The latest state of `ticket`, as far as it is remembered, with its tie."""
        known = self._sources.get(ticket.source)
        receipts = [known.current, *(known.former or {}).values()] if known is not None else []
        for receipt in receipts:
            if receipt is not None and receipt.ticket.id == ticket.id:
                receipt.ticket = replace(receipt.ticket, linked=linked)
                return receipt.ticket
        return replace(ticket, linked=linked)

    def follows(self, source: str, code: int, id: int, at: datetime) -> int:
        """The id of the attempt that the event `id` answers, 0 for none; an attempt is remembered for its answer."""
        if code in ATTEMPTS:
            self._attempts[source, code] = (id, at)
            return 0
        for attempt in _ATTEMPTS_OF.get(code, ()):
            made = self._attempts.pop((source, attempt), None)
            if made is not None and timedelta() <= at - made[1] <= ANSWER:
                return made[0]
        return 0

    def place(self, entry: Entry) -> Placed:
        """The receipt of this event, as it stands with the event in it."""
        known = self._sources.setdefault(entry.source, _Source())
        delayed = self._delayed(known, entry)
        if delayed is not None:
            return self._continued(delayed, entry)._replace(late=True)
        current = known.current
        if current is not None and self._belongs(current, entry):
            return self._continued(current, entry)
        if self._opens(entry):
            return Placed(self._opened(known, entry))
        if current is not None and current.ticket.closed_at is None:
            if entry.at - current.last_at > self._timeout:
                self._retire(known)
            else:
                current.ticket, current.cut = replace(current.ticket, closed_at=current.last_at), True
        return Placed(self._alone(entry))

    # ── the rules ──

    def _delayed(self, known: _Source, entry: Entry) -> _Receipt | None:
        """The receipt before the current one that this event bears the number of, if that is only just over."""
        if not known.former or not entry.number or entry.kind.code in (SALE, RETURN):
            return None
        if known.current is not None and known.current.ticket.number == entry.number:
            return None
        found = known.former.get(entry.number)
        if found is None or entry.at - found.last_at > LATE:
            return None
        return found

    def _belongs(self, current: _Receipt, entry: Entry) -> bool:
        ticket, kind = current.ticket, entry.kind
        if entry.at - current.last_at > self._timeout:
            return False
        if ticket.closed_at is not None:  # what follows the end: the print, the change, the drawer
            same = _is_number(entry.number) and entry.number == ticket.number
            return same and kind.code not in (SALE, RETURN)
        if kind.code in (SALE, RETURN):
            return not current.begun and _is_number(entry.number) and entry.number == ticket.number
        return not self._ends(current, entry)

    def _ends(self, current: _Receipt, entry: Entry) -> bool:
        """Whether the event shows, from outside, that the open receipt is over."""
        kind, number = entry.kind, entry.number
        if kind.is_aside or not number:
            return False
        if number == "0":
            return _is_number(current.ticket.number) and kind.code not in (SALE_END, RETURN_END)
        return kind.grouping and kind.numbered and bool(current.ticket.number) and number != current.ticket.number

    def _opens(self, entry: Entry) -> bool:
        kind = entry.kind
        if kind.code in (SALE, RETURN):
            return True
        return kind.grouping and kind.numbered and _is_number(entry.number) and not kind.is_aside

    # ── tickets ──

    def _opened(self, known: _Source, entry: Entry) -> Ticket:
        self._retire(known)
        ticket = Ticket(
            id=self._new_id(),
            protocol=PROTOCOL,
            source=entry.source,
            number=entry.number if _is_number(entry.number) else "",
            opened_at=entry.at,
            closed_at=entry.at if entry.kind.closing else None,
            seller=entry.seller,
            total=entry.total,
            line_count=1,
            kind="return" if entry.kind.code in (RETURN, RETURN_END) else "sale",
            linked=entry.linked,
        )
        known.current = _Receipt(ticket, entry.at, entry.kind.code in (SALE, RETURN), entry.sent_at)
        return ticket

    def _alone(self, entry: Entry) -> Ticket:
        return Ticket(
            id=self._new_id(),
            protocol=PROTOCOL,
            source=entry.source,
            number=entry.number if _is_number(entry.number) else "",
            opened_at=entry.at,
            closed_at=entry.at,
            seller=entry.seller,
            total=entry.total,
            line_count=1,
            kind="event",
            linked=entry.linked,
        )

    def _continued(self, receipt: _Receipt, entry: Entry) -> Placed:
        before, kind = receipt.ticket, entry.kind
        closed_at = before.closed_at
        if (closed_at is None and kind.closing and kind.code not in OWN) or receipt.cut:
            closed_at = entry.at
        total = before.total
        if (
            entry.total is not None
            and _tells_total(entry, before.number)
            and _is_later(entry.sent_at, receipt.total_at)
        ):
            total = entry.total
            receipt.total_at = entry.sent_at or receipt.total_at
        ticket = Ticket(  # written out: this is done for every event
            id=before.id,
            protocol=PROTOCOL,
            source=before.source,
            number=before.number or (entry.number if _is_number(entry.number) else ""),
            opened_at=before.opened_at,
            closed_at=closed_at,
            seller=before.seller or entry.seller,
            total=total,
            line_count=before.line_count + 1,
            kind="return" if kind.code in (RETURN, RETURN_END) else before.kind,
            linked=entry.linked or before.linked,
        )
        receipt.ticket = ticket
        receipt.begun = receipt.begun or kind.code in (SALE, RETURN)
        if kind.code not in OWN:
            receipt.last_at = max(receipt.last_at, entry.at)
        other = bool(entry.seller and before.seller and entry.seller != before.seller)
        return Placed(ticket, False, other)

    def _retire(self, known: _Source) -> None:
        """The current receipt is over, if its end was not told; it still takes what comes late."""
        current, known.current = known.current, None
        if current is None or not current.ticket.number:
            return
        if current.ticket.closed_at is None:
            current.ticket = replace(current.ticket, closed_at=current.last_at)
        if known.former is None:
            known.former = OrderedDict()
        known.former[current.ticket.number] = current
        known.former.move_to_end(current.ticket.number)
        while len(known.former) > MOST_FORMER:
            known.former.popitem(last=False)


def _is_number(number: str) -> bool:
    return number not in ("", "0")


def _tells_total(entry: Entry, number: str) -> bool:
    """Whether an event within the receipt `number` has the receipt's total in `Sum`, as the manual asks of all of them.

    One of another number has not. Of what the till says of itself only what bears the number (127, a changed price).
    """
    if entry.kind.code == HEARTBEAT or entry.kind.code in OWN:
        return False
    if entry.kind.is_aside:
        return _is_number(number) and entry.number == number
    return not _is_number(entry.number) or number in ("", entry.number)


def _is_later(sent_at: datetime | None, before: datetime | None) -> bool:
    """Whether one instant of a sender's clock is behind another. A greater step back is no delay: the clock was set."""
    return sent_at is None or before is None or sent_at >= before or before - sent_at > LATE
