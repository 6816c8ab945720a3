"""Exception rules: what is looked for in the lines of tills. Pure: lines go in, in order, hits come out.

A rule is data (`model.Rule`). `Tills` reads each line in its ticket once, for all rules; a `Watch` holds what one rule
has to remember, which is bounded whatever the tills say. What a watch finds depends on nothing but the lines it heard:
the past, heard again, gives the same hits.

- "line": each line that fits.
- "ticket": each ticket that fits, at its end, or when another one begins in its stead.
- "window": lines that fit, counted, summed or in relation, within some time. What was told of counts no further.
- "absence": a line that fits, and nothing of a kind at the same till for some time after it, or before.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from camtrace.model import Line, LineTest, Rule, TicketTest
from camtrace.tickets.deeds import ADDING, POS, RECEIPT_BEGINS, deed_of, settled_by

LATE = "late"
MOST_SOURCES = 5000
MOST_ARTICLES = 500  # of an open ticket that can be taken back
MOST_KEYS = 2000  # sellers or sources that one rule counts for; the ones heard of least recently are forgotten
MOST_KEPT = 5000  # lines of one of them; the oldest are forgotten
MOST_PENDING = 1000
MOST_SHOWN = 50  # lines that a hit names
MOTION_SECONDS = 5  # how long one sign of motion stands for: while it lasts there is another within that time
LONGEST_SECONDS = 24 * 3600
TICKET_SECONDS = 2 * 3600  # how far back a start reads for tickets that are open
LEAST_SECONDS = 600


class Sight(Protocol):
    """What the rules ask besides the lines."""

    def applies(self, name: str, at: datetime | None = None) -> bool:
        """Whether a calendar applies then."""

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved before these cameras between the two; None where nobody can tell."""


@dataclass(slots=True)
class Sale:
    """A ticket so far."""

    last: Line
    opened_at: datetime
    seller: str = ""
    number: str = ""
    line_count: int = 0
    total: Decimal | None = None
    deeds: Counter[str] = field(default_factory=Counter)
    articles: list[Line] = field(default_factory=list)
    ended: bool = False
    whole: bool = True  # whether its first line was heard

    def add(self, line: Line, deed: str) -> Decimal | None:
        """Take `line` in; returns its amount, or that of the article it takes back."""
        self.last = line
        self.line_count += 1
        self.seller = self.seller or line.seller
        self.number = self.number or line.ticket
        self.deeds[deed] += 1
        self.ended = self.ended or deed in ("end", "no_sale")
        paid = settled_by(line, deed)
        if paid is not None:
            self.total = (self.total or Decimal()) + paid
        if deed in ADDING:
            self.articles.append(line)
            del self.articles[:-MOST_ARTICLES]
        elif deed in ("void", "return", "gift", "loss"):
            article = next((one for one in reversed(self.articles) if _is_same_article(one, line)), None)
            if article is not None and deed == "void":
                self.articles.remove(article)
            if line.amount is None and article is not None:
                return article.amount
        return line.amount


class Said(NamedTuple):
    """A line as the rules see it. `left`: the ticket before it at the same till, if its end never came."""

    line: Line
    deed: str
    amount: Decimal | None
    sale: Sale
    left: Sale | None


class Hit(NamedTuple):
    """A rule was met at `line`, by lines of these ids; `figure` is what was counted, summed, or the percentage."""

    line: Line
    deed: str
    amount: Decimal | None
    lines: tuple[int, ...]
    figure: Decimal | None = None


class Tills:
    """Reads lines, each in its ticket."""

    def __init__(self) -> None:
        self._sales: OrderedDict[tuple[str, str], Sale] = OrderedDict()

    def hear(self, line: Line) -> Said:
        """`line` in its ticket."""
        key = (line.protocol, line.source)
        deed = deed_of(line)
        if LATE in line.flags:  # it belongs to a ticket before the one that goes on
            return Said(line, deed, line.amount, Sale(line, line.received_at, whole=False), None)
        sale = self._sales.get(key)
        left = None
        if sale is None or sale.last.ticket_id != line.ticket_id:
            left = sale if sale is not None and not sale.ended else None
            sale = self._sales[key] = Sale(line, line.received_at, whole=_is_first(line, sale is not None))
            sale.ended = _is_no_ticket(line)
            if len(self._sales) > MOST_SOURCES:
                self._sales.popitem(last=False)
        self._sales.move_to_end(key)
        return Said(line, deed, sale.add(line, deed), sale, left)


class Movements:
    """When something last moved, by camera and zone. `can_see`: whether motion of a camera is detected at all."""

    def __init__(self, can_see: Callable[[int], bool]) -> None:
        self._can_see = can_see
        self._last: dict[int, dict[str, datetime]] = {}

    def moved(self, camera_uid: int, at: datetime, zones: tuple[str, ...] = ()) -> None:
        """Something moved before a camera, in these zones."""
        known = self._last.setdefault(camera_uid, {})
        for zone in ("", *zones[:20]):
            known[zone] = max(at, known.get(zone, at))
        while len(known) > 100:
            del known[next(iter(known))]

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved between the two; None where motion is detected on none of `cameras`."""
        seeing = [uid for uid in cameras if self._can_see(uid)]
        if not seeing:
            return None
        lasts = timedelta(seconds=MOTION_SECONDS)
        latest = [self._last.get(uid, {}).get(zone) for uid in seeing]
        return all(moved is None or moved + lasts < start for moved in latest)


def horizon(rule: Rule) -> timedelta:
    """How far back `rule` remembers."""
    seconds = {"ticket": TICKET_SECONDS, "window": rule.window.seconds, "absence": rule.absence.seconds}.get(rule.kind)
    return timedelta(seconds=max(seconds or 0, LEAST_SECONDS))


class Watch:
    """One rule, as it follows the lines. `unknown` counts those that would fit if it were known that nothing moved."""

    def __init__(self, rule: Rule, sight: Sight) -> None:
        self.rule = rule
        self.unknown = 0
        self._sight = sight
        self._lines = _LineFits(rule.lines, sight)
        self._follow: _Window | _Absence | None = None
        if rule.kind == "window":
            self._follow = _Window(rule, self._lines)
        elif rule.kind == "absence":
            self._follow = _Absence(rule)

    @property
    def deadline(self) -> datetime | None:
        """When `advance` should be called, because silence itself may meet the rule."""
        return self._follow.deadline if isinstance(self._follow, _Absence) else None

    def hear(self, said: Said) -> list[Hit]:
        """The hits that this line makes known, those of silence before it included."""
        if self.rule.kind == "ticket":
            return [hit for sale in _over(said) if (hit := self._ticket(sale)) is not None]
        before = self.advance(said.line.received_at)
        fits = self._lines.fit(said) and self._is_still(said)
        if self._follow is not None:
            return [*before, *self._follow.hear(said, fits)]
        return [Hit(said.line, said.deed, said.amount, (said.line.id,))] if fits else []

    def advance(self, now: datetime) -> list[Hit]:
        """The hits of what has not come until `now`."""
        return list(self._follow.over(now)) if isinstance(self._follow, _Absence) else []

    def reset(self, line: Line) -> None:
        """This line met the rule already: what led to it counts no further."""
        if isinstance(self._follow, _Window):
            self._follow.forget(line)

    def _is_still(self, said: Said) -> bool:
        still, line = self.rule.still, said.line
        if still.seconds == 0:
            return True
        cameras = line.cameras if still.camera is None else (still.camera,)
        start = line.received_at - timedelta(seconds=still.seconds)
        known = self._sight.still(cameras, still.zone, start, line.received_at)
        self.unknown += known is None
        return known is True

    def _ticket(self, sale: Sale) -> Hit | None:
        line = sale.last
        if not sale.whole or not self._lines.concerns(line, sale.seller) or not _ticket_fits(self.rule.ticket, sale):
            return None
        return Hit(line, "end" if sale.ended else "other", sale.total, (line.id,))


class _LineFits:
    """`LineTest` made ready to be asked often."""

    def __init__(self, test: LineTest, sight: Sight) -> None:
        self._test = test
        self._sight = sight
        self._deeds = frozenset(test.deeds)
        self._types = frozenset(test.types)
        self._specials = _folded(test.specials)
        self._articles = tuple(text.casefold() for text in test.articles)
        self._sellers = _folded(test.sellers)
        self._sources = _folded(test.sources)
        self._in_bounds = any(
            bound is not None
            for bound in (
                test.amount_min,
                test.amount_max,
                test.quantity_min,
                test.quantity_max,
                test.discount_min,
                test.discount_max,
            )
        )

    def concerns(self, line: Line, seller: str) -> bool:
        """Whether the till, the seller and the time are meant."""
        if self._sources and line.source.casefold() not in self._sources:
            return False
        if self._sellers and seller.casefold() not in self._sellers:
            return False
        if self._test.calendar == "always" and not self._test.outside:
            return True
        return self._sight.applies(self._test.calendar, line.received_at) != self._test.outside

    def fit(self, said: Said) -> bool:
        """Whether the line is meant."""
        line, test = said.line, self._test
        if self._deeds and said.deed not in self._deeds:
            return False
        if self._types and line.type not in self._types:
            return False
        if self._specials and line.special.casefold() not in self._specials:
            return False
        if self._articles and not self._is_article(line):
            return False
        if self._in_bounds and not (
            _within(said.amount, test.amount_min, test.amount_max)
            and _within(line.quantity, test.quantity_min, test.quantity_max)
            and _within(line.discount, test.discount_min, test.discount_max)
        ):
            return False
        return self.concerns(line, line.seller or said.sale.seller)

    def _is_article(self, line: Line) -> bool:
        codes, text = (line.code.casefold(), line.barcode.casefold()), line.text.casefold()
        return any(article in codes or article in text for article in self._articles)


class _Window:
    """Lines of each seller or source within some time."""

    def __init__(self, rule: Rule, lines: _LineFits) -> None:
        self._test = rule.window
        self._lines = lines
        self._span = timedelta(seconds=rule.window.seconds)
        self._among = frozenset(rule.window.among)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def hear(self, said: Said, fits: bool) -> Iterator[Hit]:
        line, test = said.line, self._test
        base = test.measure == "ratio" and said.deed in self._among
        if not fits and not (base and self._lines.concerns(line, line.seller or said.sale.seller)):
            return
        key = self._key(line, said.sale.seller)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept()
            if len(self._kept) > MOST_KEYS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        kept.forget_until(line.received_at - self._span)
        value = abs(said.amount or Decimal()) if test.measure == "sum" else Decimal(1)
        kept.add(_Counted(line.received_at, line.id, value if fits else Decimal(), base))
        figure = kept.sum
        if test.measure == "ratio":
            if kept.base < max(test.base, 1):
                return
            figure = (100 * kept.sum / kept.base).quantize(Decimal("0.1"))
        if fits and figure >= test.at_least:
            ids = tuple(one.id for one in kept.lines if one.value)[-MOST_SHOWN:]
            del self._kept[key]
            yield Hit(line, said.deed, said.amount, ids or (line.id,), figure)

    def forget(self, line: Line) -> None:
        """What was counted with `line` counts no further."""
        for key, kept in tuple(self._kept.items()):
            if any(one.id == line.id for one in kept.lines):
                del self._kept[key]

    def _key(self, line: Line, seller: str) -> str:
        match self._test.per:
            case "seller":
                return (line.seller or seller).casefold()
            case "source":
                return line.source
            case _:
                return ""


class _Counted(NamedTuple):
    at: datetime
    id: int
    value: Decimal
    base: bool


class _Kept:
    """What counts within a window, with its sum and how many lines of it are the base of a ratio."""

    def __init__(self) -> None:
        self.lines: deque[_Counted] = deque()
        self.sum = Decimal()
        self.base = 0

    def add(self, one: _Counted) -> None:
        self.lines.append(one)
        self.sum += one.value
        self.base += one.base
        if len(self.lines) > MOST_KEPT:
            self._drop()

    def forget_until(self, at: datetime) -> None:
        while self.lines and self.lines[0].at <= at:
            self._drop()

    def _drop(self) -> None:
        oldest = self.lines.popleft()
        self.sum -= oldest.value
        self.base -= oldest.base


class _Absence:
    """Lines that wait for others of their till, or the others that came last."""

    def __init__(self, rule: Rule) -> None:
        self._span = timedelta(seconds=rule.absence.seconds)
        self._after = rule.absence.when == "after"
        self._deeds = frozenset(rule.absence.deeds)
        self._pending: deque[tuple[datetime, Hit]] = deque()
        self._last: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    @property
    def deadline(self) -> datetime | None:
        return self._pending[0][0] if self._pending else None

    def over(self, now: datetime) -> Iterator[Hit]:
        while self._pending and self._pending[0][0] < now:
            yield self._pending.popleft()[1]

    def hear(self, said: Said, fits: bool) -> Iterator[Hit]:
        line = said.line
        key = (line.protocol, line.source)
        hit = Hit(line, said.deed, said.amount, (line.id,))
        if not self._after:
            last = self._last.get(key)
            if fits and (last is None or last < line.received_at - self._span):
                yield hit
            if said.deed in self._deeds:
                self._last[key] = line.received_at
                self._last.move_to_end(key)
                if len(self._last) > MOST_SOURCES:
                    self._last.popitem(last=False)
            return
        if said.deed in self._deeds and self._pending:
            self._pending = deque(
                (end, one) for end, one in self._pending if (one.line.protocol, one.line.source) != key
            )
        if fits:
            self._pending.append((line.received_at + self._span, hit))
            if len(self._pending) > MOST_PENDING:
                self._pending.popleft()


def _over(said: Said) -> Iterator[Sale]:
    """The tickets that this line shows to be over."""
    if said.left is not None:
        yield said.left
    if said.deed in ("end", "no_sale"):
        yield said.sale


def _is_no_ticket(line: Line) -> bool:
    """Whether `line` is an event outside of any receipt, which stands alone."""
    return line.protocol != POS and line.ticket in ("", "0") and line.type not in RECEIPT_BEGINS


def _is_first(line: Line, follows: bool) -> bool:
    """Whether `line` is its ticket's first; `follows` another ticket of its till that was heard."""
    if line.protocol == POS:
        return line.position in (None, 1)
    return follows or line.type in RECEIPT_BEGINS


def _ticket_fits(test: TicketTest, sale: Sale) -> bool:
    if test.unfinished and sale.ended:
        return False
    if test.has and not any(sale.deeds[deed] for deed in test.has):
        return False
    if any(sale.deeds[deed] for deed in test.lacks):
        return False
    seconds = (sale.last.received_at - sale.opened_at).total_seconds()
    return (
        _within(sale.total, test.total_min, test.total_max)
        and _between(sale.line_count, test.lines_min, test.lines_max)
        and _between(seconds, test.seconds_min, test.seconds_max)
        and (test.voids_percent is None or _voids_percent(sale) >= test.voids_percent)
    )


def _voids_percent(sale: Sale) -> float:
    articles = sum(sale.deeds[deed] for deed in ADDING)
    if sale.deeds["ticket_void"]:
        return 100.0
    return 100 * sale.deeds["void"] / articles if articles else 0.0


def _within(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether the size of `value` lies between the two; one that is not known does where neither is given."""
    if low is None and high is None:
        return True
    return value is not None and (low is None or abs(value) >= low) and (high is None or abs(value) <= high)


def _between(value: float, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.casefold() for word in words)


def _is_same_article(one: Line, other: Line) -> bool:
    if one.code or other.code:
        return one.code == other.code
    return one.text.casefold() == other.text.casefold()
