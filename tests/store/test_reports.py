"""Figures against a real PostgreSQL: each is as many lines as its question finds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from support import log_search
from support.database import DatabaseCase

from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import DEEDS, Line, LineSearch, Ticket
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore
from camtrace.store.reports import ReportStore
from camtrace.tickets.comparison import FRAMES, KINDS, TRACES
from camtrace.tickets.deeds import DEEDS_OF, PRISMA, SALE, deed_of, traces_of
from camtrace.tickets.meaning import search_of
from camtrace.tickets.query import parse
from camtrace.tickets.questions import question

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 10, 23, 22, tzinfo=UTC)  # midnight; the night of the 25th has an hour twice
STOP = START + timedelta(days=3, hours=1)
SELLERS = ("MARIE", "Marie", "ZOÉ", "", 'O"NEIL, J.', "«A» “B”")
SOURCES = ("7", "KKM:7", "KKM:12", "bar  1")
POS = [("A", ""), ("A", "RETOUR"), ("S", "ANNULE"), ("S", "RETOUR"), ("S", "OFFERT"), ("S", "PERTE"), ("S", "X")]
POS += [("D", ""), ("T", ""), ("X", "ANNULE")]


def drawn(chance: random.Random, count: int) -> list[LineReceived]:
    """Tickets of both protocols as tills may send them, and lines outside of any."""
    facts: list[LineReceived] = []
    events = sorted({kind for protocol, kind, _ in DEEDS_OF if protocol == PRISMA})
    for number in range(count):
        id, at = number * 100 + 1, START + (STOP - START) * chance.random() - timedelta(hours=1)
        source, own = chance.choice(SOURCES), chance.choice(SELLERS)
        protocol = "prisma" if source.startswith("KKM") and chance.random() < 0.8 else "pos"
        ticket = Ticket(id=id, protocol=protocol, source=source, opened_at=at, seller="")
        length = chance.choice((1, 2, 5))
        for place in range(1, length + 1):
            at += timedelta(seconds=chance.randrange(1, 4000))
            kind, special = chance.choice(POS) if protocol == "pos" else (chance.choice(events), "")
            if protocol == "prisma" and chance.random() < 0.2:
                special = "RETOUR"
            seller = chance.choice((own, own, "", chance.choice(SELLERS)))
            amount = chance.choice((None, Decimal(chance.randrange(-50, 90))))
            closes = place == length and chance.random() < 0.8
            ticket = replace(
                ticket,
                opened_at=at if place == 1 else ticket.opened_at,
                seller=ticket.seller or seller,
                line_count=place,
                closed_at=at if closes else None,
                total=chance.choice((ticket.total, Decimal(20))),
            )
            line = Line(
                id=id + place, received_at=at, protocol=protocol, source=source, ticket=chance.choice(("", "0", "31")),
                ticket_id=id, seller=seller, type=kind, special=special, amount=amount, text="x",
                position=chance.choice((None, place)), cameras=chance.choice(((), (101,), (101, 102))),
            )  # fmt: skip
            facts.append(LineReceived(line.id, line, ticket))
    return facts


class ReportStoreTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate line, line_words, line_watch, ticket")
        self.lines, self.store = LineStore(self.database), ReportStore(self.database)
        self.facts = drawn(random.Random(11), 120)
        await FactsStore(self.database, self.lines, Metrics()).write(self.facts)

    async def test_each_figure_is_as_many_lines_as_its_question_finds(self) -> None:
        asked, said = 0, [fact.line for fact in self.facts]
        for by, uids in (
            (("seller",), None), (("source",), [102]), (("hour",), None), (("day",), [102]),
            (("seller", "day"), None), (("source", "hour"), None),
        ):  # fmt: skip
            figures = await self.store.figures(by, START, STOP, "Europe/Paris", TRACES, uids)
            self.assertEqual({kind for _, kind, *_ in figures}, {SALE, *KINDS})
            for keys, kind, count, amount in figures:
                named = dict(zip(by, keys, strict=True))
                text = question(START, STOP, named, KINDS.get(kind, (SALE,)), PARIS, "fr", FRAMES.get(kind, ()))
                assert text is not None
                wanted, notes = search_of(parse(text), STOP, PARIS, lambda name: None)
                self.assertFalse(notes)
                if uids is not None:
                    wanted = replace(wanted, camera_uids=tuple(uids))
                found = await self.lines.search(wanted, limit=1000)
                self.assertEqual(len(found), count, text)
                if asked % 4 == 0:
                    hits = await self.lines.hits(wanted)
                    self.assertEqual(sum(each.lines for each in hits or []), count, text)
                if kind != SALE:
                    costs = [log_search.cost(line, said) for line in found]
                    amounts = [abs(cost) for cost in costs if cost is not None]
                    self.assertEqual(sum(amounts) if amounts else None, amount, text)
                asked += 1
        self.assertGreater(asked, 150)

    async def test_what_came_back_is_no_sale_and_counts_once_for_each_article(self) -> None:
        await self.database.execute("truncate line, line_words, line_watch, ticket")
        at = START + timedelta(hours=9)

        def receipt(id: int, events: Sequence[tuple[str, str | None]]) -> list[LineReceived]:
            closed = at + timedelta(seconds=len(events))
            ticket = Ticket(
                id=id, protocol="prisma", source="KKM:7", opened_at=at, seller="LUC", closed_at=closed, total=Decimal(9)
            )
            special = "RETOUR" if events[0][0] == "46" else ""
            return [
                LineReceived(id + n, Line(
                    id=id + n, received_at=at + timedelta(seconds=n), protocol="prisma", source="KKM:7", ticket="3",
                    ticket_id=id, seller="LUC", type=kind, special=special if kind in ("6", "46") else "",
                    amount=None if amount is None else Decimal(amount),
                ), ticket)
                for n, (kind, amount) in enumerate(events, 1)
            ]  # fmt: skip

        sold = receipt(1000, [("4", None), ("6", "9"), ("37", "9"), ("5", None)])
        back = receipt(2000, [("46", None), ("6", "5"), ("6", "4"), ("47", None)])
        await FactsStore(self.database, self.lines, Metrics()).write([*sold, *back])
        figures = await self.store.figures(("seller",), START, STOP, "UTC", TRACES)
        self.assertEqual(sorted(figures), [(("LUC",), "returns", 2, Decimal(9)), (("LUC",), SALE, 1, Decimal(9))])

    async def test_all_figures_together_are_the_lines_of_their_deeds(self) -> None:
        figures = await self.store.figures(("day",), START, STOP, "UTC", TRACES)
        counted: Counter[str] = Counter()
        for _, kind, count, _ in figures:
            counted[kind] += count
        kinds = {deed: kind for kind, deeds in KINDS.items() for deed in deeds}
        lines = [fact.line for fact in self.facts if START <= fact.line.received_at < STOP]
        framed = [line for line in lines if line.protocol == PRISMA and line.type == "46"]
        expected = Counter(kinds[deed] for line in lines if line not in framed and (deed := deed_of(line)) in kinds)
        self.assertTrue(framed)
        expected[SALE] = counted[SALE]
        self.assertEqual(counted, expected)
        self.assertGreater(counted[SALE], 25)

    async def test_what_a_line_is_the_trace_of_is_the_same_in_the_store(self) -> None:
        lines = {fact.line.id: deed_of(fact.line) for fact in self.facts}
        for deed in DEEDS:
            found = {line.id for line in await self.lines.search(LineSearch(deeds=traces_of([deed])), limit=2000)}
            self.assertEqual(found, {id for id, own in lines.items() if own == deed}, deed)
            others = LineSearch(excluded_deeds=traces_of([deed, "void"]))
            found = {line.id for line in await self.lines.search(others, limit=2000)}
            self.assertEqual(found, {id for id, own in lines.items() if own not in (deed, "void")}, deed)
        pair = await self.lines.search(LineSearch(deeds=traces_of(["other", "void"])), limit=2000)
        self.assertEqual({line.id for line in pair}, {id for id, own in lines.items() if own in ("other", "void")})

    async def test_what_must_not_be(self) -> None:
        def shown(text: str) -> LineSearch:
            return search_of(parse(text), STOP, PARIS, {"2": 102}.get)[0]

        all_lines = [fact.line for fact in self.facts]
        for text, fits in (
            ("-till:7", lambda line: line.source not in ("7", "KKM:7")),
            ("-till==7", lambda line: line.source != "7"),
            ("-vendeur:marie -vendeur==ZOÉ", lambda line: line.seller not in ("MARIE", "Marie", "ZOÉ")),
            ("-type:S", lambda line: line.type != "S" and not line.special),
            ("-special:retour -camera:2", lambda line: line.special != "RETOUR" and 102 not in line.cameras),
            ("-amount>20 -code:9", lambda line: line.amount is not None and line.amount <= 20),
            ('seller==""', lambda line: not line.seller),
        ):
            found = {line.id for line in await self.lines.search(shown(text), limit=2000)}
            self.assertEqual(found, {line.id for line in all_lines if fits(line)}, text)
