"""The articles of one ticket that nothing has struck out yet, and what a cancellation strikes out of them. Pure.

Two lines are of the same article by their code, or, where neither has one, by their description. A cancellation takes
as many as its quantity says, from the latest line of the article on backwards, and part of a line where fewer are
left; one that says none takes the latest line. Weighed goods count as one to a line where whole numbers are taken, and
so does a line that tells no quantity. The same is reckoned in the database by the function `cost_of`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from camtrace.model import Line


class Struck(NamedTuple):
    """What was struck out: the lines of which nothing is left, the latest first, and what all of it came to.

    `amount` is None where no line that was struck out tells one. `found`: whether there was such an article at all.
    """

    lines: tuple[Line, ...] = ()
    amount: Decimal | None = None
    found: bool = False


class Articles:
    """The lines of a ticket's articles, oldest first; of more than `most` the oldest are forgotten."""

    def __init__(self, most: int) -> None:
        self.lines: list[Line] = []
        self._most = most
        self._gone: dict[int, tuple[Decimal, Decimal]] = {}  # how many of a line were taken, and for how much

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, line: Line) -> None:
        """An article was entered."""
        self.lines.append(line)
        del self.lines[: -self._most]

    def same(self, line: Line) -> Line | None:
        """The latest line of the same article."""
        return next((article for article in reversed(self.lines) if is_same(article, line)), None)

    def remove(self, line: Line) -> None:
        """All of this line is taken off."""
        self.lines.remove(line)
        self._gone.pop(line.id, None)

    def strike(self, line: Line) -> Struck:
        """What the cancelling `line` takes off."""
        wanted = abs(line.quantity) if line.quantity else None
        struck: list[Line] = []
        amounts: list[Decimal] = []
        found = False
        while (article := self.same(line)) is not None:
            found = True
            gone, paid = self._gone.get(article.id, (Decimal(), Decimal()))
            has = article.quantity if article.quantity is not None and article.quantity > 0 else None
            if wanted is not None and has is not None and wanted < has - gone:
                part = _part(article, wanted, line)
                self._gone[article.id] = (gone + wanted, paid + (part or Decimal()))
                amounts += [] if part is None else [part]
                break
            self.remove(article)
            struck.append(article)
            if article.amount is not None:
                amounts.append(article.amount - paid)
            if wanted is None:
                break
            wanted -= _pieces(None if has is None else has - gone, wanted)
            if wanted <= 0:
                break
        return Struck(tuple(struck), sum(amounts, Decimal()) if amounts else None, found)


def is_same(one: Line, other: Line) -> bool:
    """Whether two lines are of the same article."""
    if one.code or other.code:
        return one.code == other.code
    return one.text.casefold() == other.text.casefold()


def _part(article: Line, wanted: Decimal, line: Line) -> Decimal | None:
    """What so many of an article come to; where that tells no amount, what the cancelling line says."""
    if article.amount is None or article.quantity is None:
        return None if line.amount is None else abs(line.amount)
    return (article.amount * wanted / article.quantity).quantize(article.amount, ROUND_HALF_UP)


def _pieces(left: Decimal | None, wanted: Decimal) -> Decimal:
    """For how many of those `wanted` a line counts of which so much is `left`."""
    is_weighed = left is not None and left % 1 != 0 and wanted % 1 == 0
    return Decimal(1) if left is None or is_weighed else left
