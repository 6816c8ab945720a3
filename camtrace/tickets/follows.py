"""What rules remember from line to line: several within a time, what does not come, tickets without an end. Pure.

All of it is bounded, whatever the tills say.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from camtrace.model import Line, Rule
from camtrace.tickets.fits import LineFits, ticket_fits
from camtrace.tickets.hits import MOST_SHOWN, Hit
from camtrace.tickets.movements import Sight
from camtrace.tickets.sales import MOST_SOURCES, Key, Said, Sale

MOST_KEYS = 2000  # sellers, sources or cards that one rule counts for; those heard of least recently are forgotten
MOST_KEPT = 5000  # lines of one of them; the oldest are forgotten
MOST_PENDING = 1000


class Follow(Protocol):
    """What one rule remembers. `deadline`: when `over` should be asked, because silence itself may meet the rule."""

    @property
    def deadline(self) -> datetime | None: ...

    def hear(self, said: Said, fits: bool) -> Iterable[Hit]:
        """The hits that a line makes known; `fits`: whether it is one of those that the rule means."""

    def over(self, now: datetime) -> Iterator[Hit]:
        """The hits of what has not come until `now`."""

    def forget(self, line: Line) -> None:
        """What was counted with `line` counts no further."""


class Window:
    """Lines of each seller, source or card within some time. What was told of counts no further."""

    deadline: datetime | None = None

    def __init__(self, rule: Rule, lines: LineFits) -> None:
        self._test = rule.window
        self._lines = lines
        self._span = timedelta(seconds=rule.window.seconds)
        self._among = frozenset(rule.window.among)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def over(self, now: datetime) -> Iterator[Hit]:
        """Silence meets none of these."""
        return iter(())

    def hear(self, said: Said, fits: bool) -> Iterator[Hit]:
        line, test = said.line, self._test
        base = test.measure == "ratio" and said.deed in self._among and not said.part
        if not fits and not (base and self._lines.concerns(line, said.seller)):
            return
        key = self._key(line, said.seller)
        if key is None:
            return
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept()
            if len(self._kept) > MOST_KEYS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        kept.forget_until(line.received_at - self._span)
        value = abs(said.amount or Decimal()) if test.measure == "sum" else Decimal(1)
        kept.add(_Counted(line.received_at, line.id, value if fits else Decimal(), base, self._tag(line)))
        figure = kept.sum
        if test.measure == "ratio":
            if kept.base < max(test.base, 1):
                return
            figure = (100 * kept.sum / kept.base).quantize(Decimal("0.1"))
        elif test.measure in ("tickets", "tills"):
            figure = Decimal(len(kept.tags))
        if fits and figure >= test.at_least:
            ids = tuple(one.id for one in kept.lines if one.value)[-MOST_SHOWN:]
            del self._kept[key]
            yield Hit(line, said.deed, said.amount, ids or (line.id,), figure)

    def forget(self, line: Line) -> None:
        for key, kept in tuple(self._kept.items()):
            if any(one.id == line.id for one in kept.lines):
                del self._kept[key]

    def _key(self, line: Line, seller: str) -> str | None:
        """For whom the line counts; None where that is not told."""
        match self._test.per:
            case "seller":
                seller = seller.casefold()
                return seller or (None if self._test.measure == "tills" else "")
            case "source":
                return line.source
            case "card":
                return f"{line.tender.casefold()} {line.card[-4:]}" if line.card else None
            case _:
                return ""

    def _tag(self, line: Line) -> str:
        match self._test.measure:
            case "tickets":
                return str(line.ticket_id)
            case "tills":
                return line.source
            case _:
                return ""


class _Counted(NamedTuple):
    at: datetime
    id: int
    value: Decimal
    base: bool
    tag: str


class _Kept:
    """What counts within a window, with its sum, its tags, and how many lines of it are the base of a ratio."""

    def __init__(self) -> None:
        self.lines: deque[_Counted] = deque()
        self.sum = Decimal()
        self.base = 0
        self.tags: Counter[str] = Counter()

    def add(self, one: _Counted) -> None:
        self.lines.append(one)
        self.sum += one.value
        self.base += one.base
        self.tags[one.tag] += 1
        if len(self.lines) > MOST_KEPT:
            self._drop()

    def forget_until(self, at: datetime) -> None:
        while self.lines and self.lines[0].at <= at:
            self._drop()

    def _drop(self) -> None:
        oldest = self.lines.popleft()
        self.sum -= oldest.value
        self.base -= oldest.base
        self.tags[oldest.tag] -= 1
        if not self.tags[oldest.tag]:
            del self.tags[oldest.tag]


class Absence:
    """Lines that wait for others of their till, or the others that came last.

    What could not be heard all the time is no silence.
    """

    def __init__(self, rule: Rule, sight: Sight) -> None:
        self._sight = sight
        self._span = timedelta(seconds=rule.absence.seconds)
        self._after = rule.absence.when == "after"
        self._deeds = frozenset(rule.absence.deeds)
        self._pending: deque[tuple[datetime, Hit]] = deque()
        self._last: OrderedDict[Key, datetime] = OrderedDict()

    @property
    def deadline(self) -> datetime | None:
        return self._pending[0][0] if self._pending else None

    def over(self, now: datetime) -> Iterator[Hit]:
        while self._pending and self._pending[0][0] < now:
            end, hit = self._pending.popleft()
            if self._sight.heard(hit.line.received_at, end):
                yield hit

    def forget(self, line: Line) -> None:
        """Nothing is counted."""

    def hear(self, said: Said, fits: bool) -> Iterator[Hit]:
        line, key = said.line, said.key
        comes = said.deed in self._deeds if self._deeds else said.deed != "aside"
        if not self._after:
            last, since = self._last.get(key), line.received_at - self._span
            if fits and (last is None or last < since) and self._sight.heard(since, line.received_at):
                yield Hit(line, said.deed, said.amount, (line.id,))
            if comes:
                self._last[key] = line.received_at
                self._last.move_to_end(key)
                if len(self._last) > MOST_SOURCES:
                    self._last.popitem(last=False)
            return
        if comes and self._pending:
            self._pending = deque(
                (end, one) for end, one in self._pending if (one.line.protocol, one.line.source) != key
            )
        if fits:
            self._pending.append((line.received_at + self._span, Hit(line, said.deed, said.amount, (line.id,))))
            if len(self._pending) > MOST_PENDING:
                self._pending.popleft()


class Tickets:
    """Tickets, each judged once: at its end, when another one begins in its stead, or after a silence."""

    def __init__(self, rule: Rule, lines: LineFits, sight: Sight) -> None:
        self._test = rule.ticket
        self._lines = lines
        self._sight = sight
        self._silence = timedelta(seconds=rule.ticket.silence_seconds)
        self._waiting: OrderedDict[Key, Sale] = OrderedDict()
        self._told: OrderedDict[Key, int] = OrderedDict()  # the ticket that was judged before its end

    @property
    def deadline(self) -> datetime | None:
        if not self._waiting:
            return None
        return next(iter(self._waiting.values())).last.received_at + self._silence

    def over(self, now: datetime) -> Iterator[Hit]:
        while self._waiting:
            key, sale = next(iter(self._waiting.items()))
            if sale.last.received_at + self._silence >= now:
                return
            del self._waiting[key]
            self._remember(key, sale)
            yield from self._judge(sale, sale.last.received_at + self._silence)

    def forget(self, line: Line) -> None:
        """Nothing is counted."""

    def hear(self, said: Said, fits: bool) -> Iterable[Hit]:
        if said.deed == "aside":
            return ()
        if said.left is None and self._waiting.get(said.key) is said.sale and not said.sale.ended:
            self._waiting.move_to_end(said.key)  # the most lines: the ticket goes on
            return ()
        return self._hear(said)

    def _hear(self, said: Said) -> Iterator[Hit]:
        sale, key = said.sale, said.key
        for one in said.over():
            if self._told.get(key) != one.last.ticket_id:
                yield from self._judge(one, said.line.received_at)
        # a receipt's change may come behind its end
        if said.deed == "change" and sale.ended and self._test.change_off is not None:
            yield from self._judge(sale, said.line.received_at)
        if not sale.whole:
            return
        self._waiting.pop(key, None)
        if not sale.ended and self._told.get(key) != sale.last.ticket_id:
            self._waiting[key] = sale
            if len(self._waiting) > MOST_SOURCES:
                self._waiting.popitem(last=False)

    def _remember(self, key: Key, sale: Sale) -> None:
        self._told[key] = sale.last.ticket_id
        self._told.move_to_end(key)
        if len(self._told) > MOST_SOURCES:
            self._told.popitem(last=False)

    def _judge(self, sale: Sale, until: datetime) -> Iterator[Hit]:
        line = sale.last
        heard = self._sight.heard(sale.opened_at, until)
        if sale.whole and self._lines.concerns(line, sale.seller) and ticket_fits(self._test, sale, heard):
            figure = None if self._test.change_off is None else sale.change_off()
            yield Hit(line, "end" if sale.ended else "other", sale.total, (line.id,), figure)
