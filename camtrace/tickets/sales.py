"""Each line in its ticket, read once for all exception rules: what was paid, cancelled, and how long it took. Pure."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from camtrace.model import Line
from camtrace.tickets.articles import Articles
from camtrace.tickets.deeds import ADDING, PAYING, POS, RECEIPT_BEGINS, RETURN_ENDS, deed_of, number_of, settled_by

LATE = "late"
MOST_SOURCES = 5000
MOST_ARTICLES = 500  # of an open ticket that can be taken back
MOST_PAYMENTS = 50
Key = tuple[str, str]  # protocol, source
Payment = tuple[Decimal | None, Decimal | None]  # what was given, what was due


@dataclass(slots=True)
class Money:
    """What was given for a ticket and what came back. `payments`: of a till that speaks lines, means by means."""

    given: Decimal = Decimal()
    back: Decimal | None = None
    due: Decimal | None = None
    payments: list[Payment] = field(default_factory=list)
    drawers: list[Decimal | None] = field(default_factory=list)

    def add(self, line: Line, deed: str) -> None:
        """Take in what `line` says of money."""
        if line.protocol == POS:
            if deed in ("payment", "end") and (line.amount is not None or line.total is not None):
                self.payments.append((line.amount, line.total))
                del self.payments[:-MOST_PAYMENTS]
            elif deed == "drawer":
                self.drawers.append(line.amount)
                del self.drawers[:-MOST_PAYMENTS]
        elif deed == "cash":
            self.given += line.amount or Decimal()
            self.due = line.total if line.amount is not None else None
        elif deed == "change" and line.amount is not None:
            self.back = (self.back or Decimal()) + line.amount


@dataclass(slots=True)
class Sale:
    """A ticket so far. `counted`: its number, once it is known; `pause`: the longest time in it without a line.

    `voids`: how many articles were cancelled again.
    """

    last: Line
    opened_at: datetime
    seller: str = ""
    line_count: int = 0
    total: Decimal | None = None
    deeds: Counter[str] = field(default_factory=Counter)
    articles: Articles = field(default_factory=lambda: Articles(MOST_ARTICLES))
    voids: int = 0
    returned: Decimal | None = None  # what the articles of a Prisma return come to
    money: Money = field(default_factory=Money)
    counted: int | None = None
    pause: timedelta = timedelta()
    paying: bool = False
    ended: bool = False
    whole: bool = True  # whether its first line was heard

    def add(self, line: Line, deed: str) -> Decimal | None:
        """Take `line` in; returns its amount, or that of what it takes back."""
        if not self.ended:
            self.pause = max(self.pause, line.received_at - self.last.received_at)
        self.last = line
        self.line_count += 1
        self.seller = self.seller or line.seller
        self.deeds[deed] += 1
        self.ended = self.ended or deed in ("end", "no_sale")
        self.paying = self.paying or deed in PAYING
        paid = settled_by(line, deed)
        if paid is not None:
            self.total = (self.total or Decimal()) + paid
        self.money.add(line, deed)
        if line.protocol != POS:
            self._count_returned(line, deed)
        if deed in ADDING:
            self.articles.add(line)
        elif deed == "void" and line.protocol == POS:
            struck = self.articles.strike(line)
            self.voids += max(1, len(struck.lines))
            return struck.amount if line.amount is None else line.amount
        elif deed in ("void", "return", "gift", "loss"):
            self.voids += deed == "void"
            article = self.articles.same(line)
            if article is not None and deed == "void":
                self.articles.remove(article)
            if line.amount is None and article is not None:
                return article.amount
        return line.amount

    def _count_returned(self, line: Line, deed: str) -> None:
        if line.amount is not None and (deed == "return" or (deed == "void" and self.deeds["return"])):
            amount = abs(line.amount) if deed == "return" else -abs(line.amount)
            self.returned = (self.returned or Decimal()) + amount

    def change_off(self) -> Decimal | None:
        """By how much the change differs from what it should be; None where that cannot be known.

        Of Prisma: what event 50 hands back against the cash of 37 less the receipt's total, where all was paid in cash.
        A till's D line may tell the change, the cash that stays or the cash that was given: it is right where it is one
        of these, of one means of payment or of all. Less given than was due is wrong as well.
        """
        money = self.money
        if self.deeds["return"] or self.deeds["ticket_void"]:
            return None
        if self.last.protocol != POS:
            if money.back is None or money.due is None or self.deeds["payment"]:
                return None
            return abs(money.back - (money.given - money.due))
        known = [(given, due) for given, due in money.payments if given is not None and due is not None]
        if not known or len(known) < len(money.payments) or any(due < 0 for _, due in known):
            return None
        off = sum((max(due - given, Decimal()) for given, due in known), Decimal())
        if money.drawers:
            if len(money.drawers) > 1 or money.drawers[0] is None:
                return None
            told = abs(money.drawers[0])
            sums = [*known, (sum(given for given, _ in known), sum(due for _, due in known))]
            off = max(off, min(abs(told - right) for given, due in sums for right in (given - due, due, given)))
        return off


class Said(NamedTuple):
    """A line as the rules see it. `left`: the ticket before it at the same till, if its end never came.

    `paying`: whether the payment of its ticket had begun before it. `number`: its ticket's, where it is the first to
    give it. `seller`: whose line it is, by what its ticket told until then.

    A Prisma receipt of goods that came back is one return, whose lines are `part` of it, 46 or an article; `is_first`
    is the first of them. `back`: that return, with what it comes to, where this line shows that it is over. It stands
    at the receipt's last line, and `sums_up`.
    """

    line: Line
    deed: str
    amount: Decimal | None
    sale: Sale
    left: Sale | None = None
    paying: bool = False
    number: int | None = None
    seller: str = ""
    part: bool = False
    is_first: bool = False
    back: Said | None = None
    sums_up: bool = False

    @property
    def key(self) -> Key:
        """Of the till."""
        return self.line.protocol, self.line.source

    def over(self) -> Iterator[Sale]:
        """The tickets that this line shows to be over."""
        if self.left is not None:
            yield self.left
        if self.deed in ("end", "no_sale"):
            yield self.sale


class Tills:
    """Reads lines, each in its ticket."""

    def __init__(self) -> None:
        self._sales: OrderedDict[Key, Sale] = OrderedDict()

    def hear(self, line: Line) -> Said:
        """`line` in its ticket. What says nothing of a sale, a heartbeat, leaves the ticket that is open as it is."""
        key = (line.protocol, line.source)
        deed = deed_of(line)
        part = deed == "return" and line.protocol != POS
        if LATE in line.flags:  # it belongs to a ticket before the one that goes on
            apart = Sale(line, line.received_at, whole=False)
            return Said(line, deed, line.amount, apart, seller=line.seller, part=part)
        sale = self._sales.get(key)
        if deed == "aside":
            sale = sale or Sale(line, line.received_at, whole=False)
            return Said(line, deed, line.amount, sale, seller=line.seller or sale.seller)
        left = None
        if sale is None or sale.last.ticket_id != line.ticket_id:
            left = sale if sale is not None and not sale.ended else None
            sale = self._sales[key] = Sale(line, line.received_at, whole=_is_first(line, sale is not None))
            sale.ended = _is_no_ticket(line)
            if len(self._sales) > MOST_SOURCES:
                self._sales.popitem(last=False)
        self._sales.move_to_end(key)
        paying, number, was_ended = sale.paying, None, sale.ended
        if sale.counted is None:
            number = sale.counted = number_of(line, deed)
        amount = sale.add(line, deed)
        back = _return_of(left, None) if left is not None else None
        if deed == "end" and not was_ended:
            back = _return_of(sale, line.total) or back
        is_first = part and sale.deeds["return"] == 1
        return Said(line, deed, amount, sale, left, paying, number, line.seller or sale.seller, part, is_first, back)


def _return_of(sale: Sale, total: Decimal | None) -> Said | None:
    """The return that a receipt is which is over, its end telling `total`; None where it is none, or was voided."""
    line = sale.last
    is_return = sale.deeds["return"] or line.type == RETURN_ENDS
    if line.protocol == POS or not is_return or sale.deeds["ticket_void"]:
        return None
    return Said(line, "return", total or sale.returned, sale, paying=sale.paying, seller=sale.seller, sums_up=True)


def _is_no_ticket(line: Line) -> bool:
    """Whether `line` is an event outside of any receipt, which stands alone."""
    return line.protocol != POS and line.ticket in ("", "0") and line.type not in RECEIPT_BEGINS


def _is_first(line: Line, follows: bool) -> bool:
    """Whether `line` is its ticket's first; `follows` another ticket of its till that was heard."""
    if line.protocol == POS:
        return line.position in (None, 1)
    return follows or line.type in RECEIPT_BEGINS
