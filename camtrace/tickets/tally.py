"""What the lines of a ticket come to, as they arrive: the running sum, what was taken back and counted. Pure.

A closed ticket's own total is what its T and E lines settled (see `grouping`); this is the sum before that. Per line:

- An article (A) adds its amount; one without an amount adds nothing.
- ANNULE takes as many as it says of the article of the same code (or, without codes, description) off the ticket, from
  the latest line of it on backwards (see `articles`). Where there is none, it lowers the sum by its own amount.
- RETOUR lowers the sum by its own amount, or by that of the same article of this ticket.
- OFFERT and PERTE add nothing, unless they carry an amount below zero.
- Any other S line adds the amount it carries.

Where an amount that belongs to the sum is not known, or the ticket's first lines are not, there is no sum.

Prisma's events carry what their receipt comes to, so the sum is that of the latest. Its articles are known by their
place in the receipt; when one is taken off, those behind it move up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from camtrace.model import Line
from camtrace.tickets.articles import Articles, is_same
from camtrace.tickets.roles import ARTICLE, role_of

ANNULLED, RETURNED, OFFERED, LOST = "ANNULE", "RETOUR", "OFFERT", "PERTE"
KINDS = {ANNULLED: "cancelled", RETURNED: "returned", OFFERED: "offered", LOST: "lost"}
_NO_TOTAL = (60, 61, 130)  # a sign of life, and what the server itself says
_OF_ITSELF = range(101, 201)  # what a till says of itself: part of a receipt where it bears the number
LATE = timedelta(seconds=10)  # by more no event is delayed: the till's clock was set
MOST_ARTICLES = 2000  # of a ticket whose end never comes, older articles are not looked for any more


class Tally:
    """One ticket. `taken_back`: the id of each annulling line with those of the lines it takes off, the latest first;
    `taken_amounts`: with what it takes off came to, part of a line too, for who sees the articles no more."""

    def __init__(self) -> None:
        self.taken_back: dict[int, tuple[int, ...]] = {}
        self.taken_amounts: dict[int, Decimal] = {}
        self.cancelled_amount: Decimal | None = None
        self._counts: Counter[str] = Counter()
        self._articles = Articles(MOST_ARTICLES)
        self._sum: Decimal | None = None
        self._known = True
        self._whole = True
        self._begun = False
        self._number = ""  # of a Prisma receipt
        self._sum_at: datetime | None = None  # when its sum was told, by the till's clock

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Tally:
        """The tally of these lines, oldest first."""
        tally = cls()
        for line in lines:
            tally.add(line)
        return tally

    @property
    def is_whole(self) -> bool:
        """Whether the ticket's first line is among those counted."""
        return self._whole

    @property
    def sum(self) -> Decimal | None:
        """What the lines come to; None where that is not known."""
        return self._sum if self._known and self._whole else None

    @property
    def counts(self) -> dict[str, int]:
        """How many articles, cancellations, returns, gifts, losses and other special lines there are."""
        return {kind: self._counts[kind] for kind in ("articles", *KINDS.values(), "other")}

    def add(self, line: Line) -> None:
        """Count `line`."""
        if not self._begun:
            self._begun = True
            self._whole = line.position in (None, 1) or line.protocol == "prisma"
        if line.protocol == "prisma":
            self._event(line)
        elif line.type == "A":
            self._counts["articles"] += 1
            self._articles.add(line)
            self._plus(line.amount)
        elif line.type == "S":
            self._counts[KINDS.get(line.special, "other")] += 1
            self._special(line)

    def _event(self, line: Line) -> None:
        """One event of a Prisma receipt: 9 and 18 take an article off, 25 all of them."""
        if line.total is not None and self._tells_total(line):
            self._sum, self._sum_at = line.total, line.sent_at or self._sum_at
        self._number = self._number or line.ticket
        role = role_of(line)
        if role == ARTICLE:
            self._counts["articles"] += 1
            self._articles.add(line)
        elif line.type in ("9", "18"):
            self._counts["cancelled"] += 1
            article = self._at_position(line)
            if article is not None:
                self._take_back(line, article)
            amount = line.amount if article is None or line.amount is not None else article.amount
            if amount is not None:
                self.cancelled_amount = (self.cancelled_amount or Decimal()) + abs(amount)
        elif line.type == "25":
            self._counts["cancelled"] += len(self._articles)
            self._articles = Articles(MOST_ARTICLES)
        elif line.special == RETURNED and line.amount is not None:
            self._counts["returned"] += 1

    def _tells_total(self, line: Line) -> bool:
        """Whether the receipt comes to what an event says: as `prisma.receipts` has it, shown on screens or not."""
        code = int(line.type)
        is_ours = line.ticket == self._number
        if code in _NO_TOTAL or (code in _OF_ITSELF and not (line.ticket and is_ours)):
            return False
        if line.ticket and self._number and not is_ours:
            return False
        before = self._sum_at
        return before is None or line.sent_at is None or line.sent_at >= before or before - line.sent_at > LATE

    def _at_position(self, line: Line) -> Line | None:
        """The article at the place that `line` names, or else the latest of the same code."""
        place, articles = (line.position or 0) - 1, self._articles.lines
        if 0 <= place < len(articles) and is_same(articles[place], line):
            return articles[place]
        return self._articles.same(line)

    def _special(self, line: Line) -> None:
        if line.special == ANNULLED:
            self._annul(line)
        elif line.special == RETURNED:
            article = self._articles.same(line) if line.amount is None else line
            self._minus(article.amount if article else None)
        elif line.special not in (OFFERED, LOST) or (line.amount or 0) < 0:
            self._plus(line.amount)

    def _annul(self, line: Line) -> None:
        struck = self._articles.strike(line)
        if not struck.found:
            amount = line.amount
            self._minus(amount)
        else:
            amount = struck.amount
            self._plus(None if amount is None else -amount)
            if struck.lines:
                self._counts["cancelled"] += len(struck.lines) - 1
                self.taken_back[line.id] = tuple(article.id for article in struck.lines)
            if amount is not None:
                self.taken_amounts[line.id] = amount
        if amount is not None:
            self.cancelled_amount = (self.cancelled_amount or Decimal()) + abs(amount)

    def _take_back(self, line: Line, article: Line) -> None:
        self._articles.remove(article)
        self.taken_back[line.id] = (article.id,)
        if article.amount is not None:
            self.taken_amounts[line.id] = article.amount

    def _plus(self, amount: Decimal | None) -> None:
        if amount is not None:
            self._sum = (self._sum or Decimal()) + amount

    def _minus(self, amount: Decimal | None) -> None:
        if amount is None:
            self._known = False
        else:
            self._plus(-abs(amount))
