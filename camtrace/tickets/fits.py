"""Whether a line, or a whole ticket, is what a rule means. Pure."""

from __future__ import annotations

from decimal import Decimal

from camtrace.cards import hidden
from camtrace.model import Line, LineTest, TicketTest
from camtrace.tickets.deeds import ADDING
from camtrace.tickets.movements import Sight
from camtrace.tickets.sales import Said, Sale


class LineFits:
    """`LineTest` made ready to be asked often.

    No name and no text is a card's: what a rule found would tell of cards who may not see them.

    A Prisma receipt of goods that came back is one return, met at its end, with its sum; where articles are asked for,
    or kinds of events, each of its lines is met that fits. `begins`: it is met at its first line, unless a sum is
    asked for.
    """

    def __init__(self, test: LineTest, sight: Sight, begins: bool = False) -> None:
        self._test = test
        self._sight = sight
        self._deeds = frozenset(test.deeds)
        self._types = frozenset(test.types)
        self._specials = _folded(test.specials)
        self._articles = tuple(text.casefold() for text in test.articles)
        self._sellers = _folded(test.sellers)
        self._sources = _folded(test.sources)
        self._asks_parts = bool(test.articles or test.types) or any(
            bound is not None
            for bound in (
                test.quantity_min,
                test.quantity_max,
                test.discount_min,
                test.discount_max,
                test.price_min,
                test.price_max,
                test.discount_percent,
            )
        )
        self._begins = begins and test.amount_min is None and test.amount_max is None
        self._in_bounds = self._asks_parts or any(bound is not None for bound in (test.amount_min, test.amount_max))

    def concerns(self, line: Line, seller: str) -> bool:
        """Whether the till, the seller and the time are meant."""
        if self._sources and line.source.casefold() not in self._sources:
            return False
        if self._sellers and hidden(seller).casefold() not in self._sellers:
            return False
        if self._test.calendar == "always" and not self._test.outside:
            return True
        return self._sight.applies(self._test.calendar, line.received_at) != self._test.outside

    def fit(self, said: Said) -> bool:
        """Whether the line is meant."""
        line, test = said.line, self._test
        if self._deeds and said.deed not in self._deeds:
            return False
        if (said.part or said.sums_up) and not self._is_counted(said):
            return False
        if self._types and line.type not in self._types:
            return False
        if test.paying and not said.paying:
            return False
        if self._specials and hidden(line.special).casefold() not in self._specials:
            return False
        if self._articles and not self._is_article(line):
            return False
        if self._in_bounds and not self._is_within(said):
            return False
        return self.concerns(line, said.seller)

    def _is_counted(self, said: Said) -> bool:
        """Whether this of a return is what counts: a line of it, or all together."""
        if not self._deeds or self._asks_parts:
            return said.part
        return said.is_first if self._begins else said.sums_up

    def _is_within(self, said: Said) -> bool:
        line, test = said.line, self._test
        return (
            within(said.amount, test.amount_min, test.amount_max)
            and within(line.quantity, test.quantity_min, test.quantity_max)
            and within(line.discount, test.discount_min, test.discount_max)
            and within(_price(line), test.price_min, test.price_max)
            and within(_percent(line), test.discount_percent, None)
        )

    def _is_article(self, line: Line) -> bool:
        codes, text = (hidden(line.code).casefold(), line.barcode.casefold()), hidden(line.text).casefold()
        return any(article in codes or article in text for article in self._articles)


def ticket_fits(test: TicketTest, sale: Sale, heard: bool = True) -> bool:
    """Whether the ticket, which is over, is meant. Unless all of it was `heard`, it may have had what it lacks."""
    if test.unfinished and sale.ended:
        return False
    if not heard and _asks_for_silence(test):
        return False
    if any(deeds and not any(sale.deeds[deed] for deed in deeds) for deeds in (test.has, test.also)):
        return False
    if any(sale.deeds[deed] for deed in test.lacks):
        return False
    seconds = (sale.last.received_at - sale.opened_at).total_seconds()
    return (
        within(sale.total, test.total_min, test.total_max)
        and _between(sale.line_count, test.lines_min, test.lines_max)
        and _between(seconds, test.seconds_min, test.seconds_max)
        and _between(sale.pause.total_seconds(), test.pause_min, None)
        and (test.voids_percent is None or _voids_percent(sale) >= test.voids_percent)
        and (test.change_off is None or within(sale.change_off(), test.change_off, None))
    )


def _asks_for_silence(test: TicketTest) -> bool:
    most = (test.total_max, test.lines_max, test.pause_min, test.voids_percent, test.change_off)
    return test.unfinished or bool(test.lacks) or any(one is not None for one in most)


def within(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether the size of `value` lies between the two; one that is not known does where neither is given."""
    if low is None and high is None:
        return True
    return value is not None and (low is None or abs(value) >= low) and (high is None or abs(value) <= high)


def _between(value: float, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _voids_percent(sale: Sale) -> float:
    articles = sum(sale.deeds[deed] for deed in ADDING)
    if sale.deeds["ticket_void"]:
        return 100.0
    return 100 * sale.voids / articles if articles else 0.0


def _price(line: Line) -> Decimal | None:
    """Of one piece: as it was told, or what the pieces cost together by their number."""
    if line.price is not None:
        return line.price
    if line.amount is None:
        return None
    return line.amount / line.quantity if line.quantity else line.amount


def _percent(line: Line) -> Decimal | None:
    """How much of a hundred a discount is; None where that cannot be known.

    Event 35 tells it (Prisma, packet of 35). Of others it is known beside what is left to pay: the receipt's total with
    52, the article's sum with all else.
    """
    if line.discount is None:
        return None
    if line.protocol != "pos" and line.type == "35":
        return line.discount
    left = line.total if line.type == "52" else line.amount
    if left is None or abs(line.discount) + abs(left) == 0:
        return None
    return 100 * abs(line.discount) / (abs(line.discount) + abs(left))


def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.casefold() for word in words)
