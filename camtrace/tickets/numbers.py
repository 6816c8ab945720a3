"""How the numbers of a till's tickets follow on one another: which are missing, which come again. Pure.

Each till counts for itself. A count begins anew with number 1, with a Z or shift report, after four hours without a
numbered ticket, and where the numbers go on from another one: a jump over more than a rule's `most`, or two in a row
behind a number that was lower. Besides:

- The network changes the order: a number that comes within ten seconds is not missing, nor does it come again.
- A ticket that goes on after so long a silence that it was taken for another one has its number once.
- A ticket that ended without a number may have had any: so many missing ones are excused.
- What was printed while the server did not run is not missing.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from camtrace.model import Line, Rule
from camtrace.tickets.deeds import POS, SHIFT_ENDS
from camtrace.tickets.fits import LineFits
from camtrace.tickets.hits import Hit
from camtrace.tickets.movements import Sight
from camtrace.tickets.sales import MOST_SOURCES, Key, Said

REORDERED = timedelta(seconds=10)
PAUSE = timedelta(hours=4)
MOST_SEEN = 5000  # numbers of one till; the oldest are forgotten
MOST_PENDING = 1000


class _Seen(NamedTuple):
    at: datetime
    ticket_id: int


@dataclass(slots=True)
class _Count:
    """Of one till. `lost`: numbers that were missing. `odd`: one out of turn, with which another count may begin."""

    last: int
    at: datetime
    seen: OrderedDict[int, _Seen] = field(default_factory=OrderedDict)
    lost: set[int] = field(default_factory=set)
    odd: int | None = None
    unnumbered: int = 0

    def see(self, number: int, line: Line) -> None:
        self.at = line.received_at
        self.seen[number] = _Seen(line.received_at, line.ticket_id)
        self.seen.move_to_end(number)
        if len(self.seen) > MOST_SEEN:
            self.seen.popitem(last=False)


@dataclass(slots=True)
class _Gap:
    due: datetime
    key: Key
    missing: set[int]
    excused: int
    hit: Hit


class Numbers:
    """The counts of all tills."""

    def __init__(self, rule: Rule, lines: LineFits, sight: Sight) -> None:
        self._sight = sight
        self._gaps = rule.number.looks_for == "gap"
        self._most = rule.number.most
        self._lines = lines
        self._counts: OrderedDict[Key, _Count] = OrderedDict()
        self._pending: deque[_Gap] = deque()

    @property
    def deadline(self) -> datetime | None:
        return self._pending[0].due if self._pending else None

    def forget(self, line: Line) -> None:
        """Nothing is counted that was told of."""

    def over(self, now: datetime) -> Iterator[Hit]:
        while self._pending and self._pending[0].due < now:
            gap = self._pending.popleft()
            count = len(gap.missing) - gap.excused
            if count > 0 and self._sight.heard(gap.hit.line.received_at, gap.due):
                yield gap.hit._replace(figure=Decimal(count))

    def hear(self, said: Said, fits: bool) -> Iterator[Hit]:
        line, key, number = said.line, said.key, said.number
        count = self._counts.get(key)
        if line.protocol != POS and line.type in SHIFT_ENDS:
            self._counts.pop(key, None)
            return
        if number is not None and self._is_new(count, number, line):
            self._begin(key, number, line)
        elif number is not None and count is not None:
            yield from self._next(count, number, said)
        count = self._counts.get(key)
        if count is not None:
            count.unnumbered += sum(sale.whole and sale.counted is None and sale.line_count > 1 for sale in said.over())

    def _next(self, count: _Count, number: int, said: Said) -> Iterator[Hit]:
        line, key = said.line, said.key
        seen = count.seen.get(number)
        concerned = self._lines.concerns(line, line.seller or said.sale.seller)
        hit = Hit(line, said.deed, said.amount, (line.id,))
        if count.odd is not None and number == count.odd + 1 and number != count.last + 1:
            self._begin(key, number, line)
            return
        if seen is not None:
            goes_on = seen.ticket_id == line.ticket_id or (said.left is not None and said.left.counted == number)
            if not goes_on and line.received_at - seen.at > REORDERED:
                count.odd = number
                if not self._gaps and concerned:
                    yield hit
            count.see(number, line)
            return
        if number < count.last:
            if number in count.lost:  # it was late
                count.lost.discard(number)
                self._fill(key, number)
            else:
                count.odd = number
            count.see(number, line)
            return
        missing = number - count.last - 1
        if missing > self._most:
            self._begin(key, number, line)
            return
        if missing:
            numbers = set(range(count.last + 1, number))
            count.lost = numbers | (count.lost if len(count.lost) < MOST_SEEN else set())
            if self._gaps and concerned and self._sight.heard(count.at, line.received_at):
                self._pending.append(_Gap(line.received_at + REORDERED, key, numbers.copy(), count.unnumbered, hit))
                if len(self._pending) > MOST_PENDING:
                    self._pending.popleft()
        count.last, count.odd, count.unnumbered = number, None, 0
        count.see(number, line)

    def _fill(self, key: Key, number: int) -> None:
        for gap in self._pending:
            if gap.key == key:
                gap.missing.discard(number)

    def _is_new(self, count: _Count | None, number: int, line: Line) -> bool:
        if count is None or line.received_at - count.at > PAUSE:
            return True
        return number == 1 and count.last > 1 and line.received_at - count.at > REORDERED

    def _begin(self, key: Key, number: int, line: Line) -> None:
        count = self._counts[key] = _Count(number, line.received_at)
        count.see(number, line)
        self._counts.move_to_end(key)
        if len(self._counts) > MOST_SOURCES:
            self._counts.popitem(last=False)
