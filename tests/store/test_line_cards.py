"""Searching without the right to see cards: what is found tells no digit, in a real PostgreSQL."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from support.database import DatabaseCase

from camtrace.cards import hidden
from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Line, LineSearch, Named, Ticket
from camtrace.store import line_asked
from camtrace.store.facts import FactsStore
from camtrace.store.line_texts import searchable
from camtrace.store.lines import LineStore

FIRST, SECOND = datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
FORMS = ("************{}", "**** **** **** {}", "****-****-****-{} x", "*********{}", "***************{}")
FIELDS = ("ticket", "seller", "customer", "tender", "code", "text", "special")
DAY = timedelta(days=1)


def lines_of(day: datetime, digits: Iterator[str], first: int) -> list[Line]:
    """The same lines each day, but for the digits: a card in every form wherever a text may stand, and no cards."""
    lines, at = [], iter(range(1000))

    def add(**texts: str) -> None:
        number = next(at)
        lines.append(
            Line(id=first + number, received_at=day + timedelta(minutes=number), protocol="pos", source="1",
                 ticket_id=first, type="A", **texts)
        )  # fmt: skip

    for form in FORMS:
        for field in FIELDS:
            card = form.format(next(digits))
            add(**{"text": "Bread 8673", field: f"CB {card}" if field in ("tender", "text") else card})
        add(text=f"CB {form.format(next(digits))}", tender=f"CB {form.format(next(digits))}", seller="Zoé 12")
    add(text="Pain 5 * 7 = 35", seller="8673", ticket="8673", customer="1234", tender="CB 1234", code="1234")
    return lines


def digits(seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    while True:
        yield chance.choice(("8673", "1234", "".join(chance.choices("0123456789", k=4))))


def parts() -> Iterator[str]:
    """What somebody looks for who wants to know a digit, and what others look for."""
    for text in ("8673", "1234", "7", "73", "*8", "* 1", "-12", "***8673", "************1234", "**** **** **** 8673"):
        yield text
        yield f"CB {text}"
    yield from ("CB", "cb ****", "****", "bread", "x", "8673 x", "zoe 12", "pain 5 * 7", "35", "zo", "*", "5", "%", "_")


class Cards(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate line, line_words, line_watch, ticket")
        self.store = LineStore(self.database)
        facts = FactsStore(self.database, self.store, Metrics())
        self.days = [lines_of(FIRST, digits(1), 1000), lines_of(SECOND, digits(2), 2000)]
        for lines in self.days:
            ticket = Ticket(id=lines[0].ticket_id, protocol="pos", source="1", opened_at=lines[0].received_at)
            await facts.write([LineReceived(line.id, line, replace(ticket, line_count=1)) for line in lines])

    async def found(self, wanted: LineSearch, day: int) -> set[int]:
        return {line.id - 1000 * (day + 1) for line in await self.store.search(on(wanted, day))}

    async def test_two_days_that_differ_in_digits_only(self) -> None:
        """No question tells them apart, and each finds what is shown to who asks it."""
        shown = [(number, words_of(line)) for number, line in enumerate(self.days[0])]
        for part in parts():
            for texts, without in (((part,), ()), ((), (part,)), (("cb",), (part,)), ((part, "cb"), ())):
                wanted = LineSearch(texts=texts, without=without, without_cards=True)
                one, other = [await self.found(wanted, day) for day in (0, 1)]
                self.assertEqual(one, other, wanted)
                expected = {
                    number
                    for number, words in shown
                    if all(searchable(each) in words for each in texts)
                    and not any(searchable(each) in words for each in without)
                }
                self.assertEqual(one, expected, wanted)
            counts = [sum(hour.lines for hour in await self.store.hits(on(wanted, day)) or ()) for day in (0, 1)]
            self.assertEqual(counts, [len(one)] * 2)

    async def test_names(self) -> None:
        """Neither what a name is nor what it is not; as people write it or exactly so; and with too many names."""
        names = [field for field in FIELDS if field != "text"]
        for most in (1000, 1):
            self.patch(line_asked, "_MOST_NAMES", most)
            for field in names:
                real = next(value for line in self.days[0] if "*" in (value := getattr(line, field)))
                for value in (real, hidden(real), "8673", "cb 1234"):
                    named = (Named(field, (value,)),)
                    for wanted in (
                        LineSearch(names=named),
                        LineSearch(exactly=named),
                        LineSearch(excluded=named),
                        LineSearch(excluded_exactly=named),
                    ):
                        one, other = [await self.found(replace(wanted, without_cards=True), day) for day in (0, 1)]
                        self.assertEqual(one, other, wanted)

    async def test_with_the_right(self) -> None:
        """Who may see the digits finds by them."""
        card = next(line.text for line in self.days[0] if line.text.startswith("CB ************"))
        number = next(place for place, line in enumerate(self.days[0]) if line.text == card)
        self.assertIn(number, await self.found(LineSearch(texts=(card[-4:],)), 0))
        self.assertNotIn(number, await self.found(LineSearch(texts=(card,), without_cards=True), 0))
        self.assertIn(number, await self.found(LineSearch(texts=(hidden(card),), without_cards=True), 0))

    async def test_the_database_hides_what_the_pages_hide(self) -> None:
        chance = random.Random(3)
        texts = ["".join(chance.choices("**********0123 -./x\r\n", k=chance.randrange(40))) for _ in range(3000)]
        rows = await self.rows("select without_cards(each) from unnest(%s::text[]) as each", (texts,))
        for text, (told,) in zip(texts, rows, strict=True):
            self.assertEqual(told == text, hidden(text) == text, text)
            self.assertEqual(re.findall("[0-9]+", told), re.findall("[0-9]+", hidden(text)), text)


def on(wanted: LineSearch, day: int) -> LineSearch:
    start = (FIRST, SECOND)[day]
    return replace(wanted, start=start, before=start + DAY)


def words_of(line: Line) -> str:
    """What can be searched of a line as it is shown to who may not see cards."""
    shown = (hidden(each) for each in (line.text, line.tender, line.special, line.seller))
    return searchable("\n".join(shown))
