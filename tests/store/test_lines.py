"""The external log against a real PostgreSQL: batches, searching, pages, tickets."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from support.cluster import cluster
from support.database import DatabaseCase
from twisted.internet import reactor

from camtrace.errors import FactRefused
from camtrace.events import LineMasked, LineReceived, Noted, TicketTied
from camtrace.metrics import Metrics
from camtrace.model import Comparison, HitCount, JournalEntry, Line, LineSearch, Named, Range, Ticket
from camtrace.store import line_asked, line_search, migrate
from camtrace.store.database import Database
from camtrace.store.facts import FactsStore
from camtrace.store.line_texts import containing, searchable
from camtrace.store.lines import LineStore

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 4, 12, 0, 0, 123457, UTC)
SALE = [  # type, code, text, tender, amount, special, seller
    ("A", "148", "TARTE POÊLÉE", "", "16.00", "", "Zoé"),
    ("A", "165", "ŒUF PARMESAN", "", "10.00", "", "Zoé"),
    ("S", "165", "ŒUF PARMESAN", "", None, "ANNULE", "Zoé"),
    ("A", "90", "Молоко Ёжик 50%_\\", "", "-1.50", "", "Zoé"),
    ("D", "", "", "", "10.00", "", "Zoé"),
    ("E", "", "", "CHÈQUES", "16.00", "", "Zoé"),
]


def sale(first: int = 1, source: str = "1", at: datetime = NOON, cameras: tuple[int, ...] = (7, 8)) -> list:
    ticket = Ticket(id=first, protocol="pos", source=source, opened_at=at)
    received = []
    for number, (kind, code, text, tender, amount, special, seller) in enumerate(SALE, 1):
        instant = at + timedelta(seconds=number - 1)
        closes = instant if kind == "E" else None
        ticket = replace(ticket, line_count=number, closed_at=closes, seller=seller)
        line = Line(
            id=first + number,
            received_at=instant,
            protocol="pos",
            source=source,
            ticket_id=ticket.id,
            seller=seller,
            type=kind,
            special=special,
            position=number,
            code=code,
            text=text,
            tender=tender,
            amount=None if amount is None else Decimal(amount),
            raw=f"{source}|{number}|\x1e\xff\\".encode("latin-1"),
            cameras=cameras,
        )
        received.append((line, ticket))
    return received


def rich(first: int = 200) -> list:
    """A line of another till in which everything is said, received at 00:30 by the clock of Paris."""
    at = NOON.replace(hour=23, minute=30)
    line = Line(
        id=first + 1, received_at=at, protocol="prisma", source="KKM:12", ticket="31", ticket_id=first, seller="Ирина",
        seller_code="K-1042", customer="C7", type="118", code="9", barcode="3760001", text="Кофе", quantity=Decimal(3),
        amount=Decimal("99.90"), cameras=(12,),
    )  # fmt: skip
    return [(line, Ticket(id=first, protocol="prisma", source="KKM:12", opened_at=at, line_count=1))]


def search(
    names: Sequence[tuple[str, ...]] = (),
    exactly: Sequence[tuple[str, ...]] = (),
    comparisons: Sequence[tuple[str, str, str]] = (),
    texts: Sequence[str] = (),
    without: Sequence[str] = (),
    **more: Any,
) -> LineSearch:
    """A search, its names as (field, value, value …)."""
    return LineSearch(
        names=tuple(Named(field, values) for field, *values in names),
        exactly=tuple(Named(field, values) for field, *values in exactly),
        comparisons=tuple(Comparison(field, sign, Decimal(value)) for field, sign, value in comparisons),
        texts=tuple(texts),
        without=tuple(without),
        **more,
    )


class LinesCase(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate line, line_words, line_watch, ticket, quarantine, journal")
        self.store = LineStore(self.database)
        self.metrics = Metrics()
        self.facts = FactsStore(self.database, self.store, self.metrics)

    async def write(self, received: list) -> None:
        await self.facts.write([LineReceived(line.id, line, ticket) for line, ticket in received])

    async def found(self, **wanted: object) -> list[int]:
        return [line.id for line in await self.store.lines(**wanted)]


class Writing(LinesCase):
    async def test_a_line_comes_back_as_it_was(self) -> None:
        """Every field survives: microseconds, absent amounts, bytes that are no text, separators in texts."""
        full = Line(
            id=5,
            received_at=NOON,
            sent_at=NOON - timedelta(seconds=3),
            protocol="pos",
            source="caisse 'é'",
            peer="10.0.0.7",
            ticket="12",
            ticket_id=4,
            seller="Zoé",
            customer="c",
            type="A",
            special="OFFERT",
            position=3,
            code="148",
            barcode="3760001234567",
            text='a "b" {c}, \\ NULL',
            quantity=Decimal("0.350"),
            price=Decimal("3"),
            amount=Decimal("16.00"),
            total=Decimal("-2.5"),
            tender="T",
            discount=Decimal("0"),
            card="****1111",
            raw=bytes(range(256)),
            cameras=(1, 2, 3),
            seller_code="1042",
            follows=3,
            flags=("hidden", "late"),
        )
        ticket = Ticket(
            id=4,
            protocol="pos",
            source=full.source,
            opened_at=NOON,
            line_count=1,
            total=Decimal("1.10"),
            kind="return",
            linked=77,
        )
        bare = Line(id=6, received_at=NOON, protocol="pos", source="2")
        await self.write([(full, ticket), (bare, Ticket(id=9, protocol="pos", source="2", opened_at=NOON))])
        self.assertEqual(await self.store.lines(ascending=True), [full, bare])
        self.assertEqual(await self.store.ticket(4), (ticket, [full]))
        self.assertIsNone(await self.store.ticket(5))

    async def test_events_of_prisma(self) -> None:
        """Single events are no tickets unless asked for; what is cancelled is found whatever the protocol."""
        await self.write(sale(1))
        for id, kind, special in ((100, "event", ""), (110, "return", "RETOUR"), (120, "sale", "ANNULE")):
            ticket = Ticket(id=id, protocol="prisma", source="KKM:1", opened_at=NOON, line_count=1, kind=kind)
            line = Line(id=id + 1, received_at=NOON, protocol="prisma", source="KKM:1", type="6", special=special)
            await self.write([(line, ticket)])
        self.assertEqual([ticket.id for ticket in await self.store.tickets()], [120, 110, 1])
        self.assertEqual([ticket.id for ticket in await self.store.tickets(kind="event")], [100])
        red = await self.store.lines(type="S")
        self.assertTrue({111, 121} < {line.id for line in red})
        self.assertTrue(all(line.special or line.type == "S" for line in red))

    async def test_what_stood_on_the_screens(self) -> None:
        """The newest ticket of each source with a line that is shown: a heartbeat since does not hide it."""
        ticket = Ticket(id=1, protocol="prisma", source="KKM:1", opened_at=NOON, line_count=1)
        shown = Line(id=2, received_at=NOON, protocol="prisma", source="KKM:1", ticket_id=1)
        alone = replace(ticket, id=3, kind="event", closed_at=NOON)
        beat = replace(shown, id=4, ticket_id=3, received_at=NOON + timedelta(seconds=1), flags=("hidden",))
        await self.write([(shown, ticket), (beat, alone)])
        self.assertEqual([found.id for found, _ in await self.store.last_tickets()], [1])

    async def test_one_empty_text(self) -> None:
        """A batch of a single line without any text is a line all the same."""
        line, ticket = Line(id=1, received_at=NOON, protocol="pos", source=""), sale()[0][1]
        await self.write([(line, ticket)])
        self.assertEqual(await self.store.lines(), [line])

    async def test_separators_in_a_text_become_spaces(self) -> None:
        line = replace(sale()[0][0], text="a\x1eb\x1fc")
        await self.write([(line, sale()[0][1]), sale()[1]])
        self.assertEqual((await self.store.lines(ascending=True))[0].text, "a b c")

    async def test_a_batch_that_says_the_same_in_every_line(self) -> None:
        """Amounts that are equal keep the digits each was sent with; what is said once comes back in all of them."""
        line, ticket = sale()[0]
        same = replace(line, text="a\x1eb\x1fc", amount=Decimal("16.00"), special="", flags=("late",))
        lines = [replace(same, id=id, received_at=NOON + timedelta(seconds=id)) for id in range(1, 5)]
        lines[1] = replace(lines[1], amount=Decimal("16.0"))
        await self.write([(each, ticket) for each in lines])
        found = await self.store.lines(ascending=True)
        self.assertEqual(found, [replace(each, text="a b c") for each in lines])
        self.assertEqual([str(each.amount) for each in found], ["16.00", "16.0", "16.00", "16.00"])

    async def test_prepared_before_it_is_written(self) -> None:
        """What was prepared serves the very same facts, once; others are written as they are."""
        facts = [LineReceived(line.id, line, ticket) for line, ticket in sale()]
        self.facts.prepare(facts)
        await self.facts.write(facts[:2])
        self.facts.prepare(rest := facts[2:])
        await self.facts.write(rest)
        self.assertEqual(await self.found(ascending=True), [fact.id for fact in facts])
        self.assertEqual(self.metrics.value("camtrace_lines_stored_total"), 6)
        broken = [LineReceived(9, replace(facts[0].line, id=9, cameras=None), facts[0].ticket)]
        self.facts.prepare(broken)
        with self.assertRaises(TypeError):
            await self.facts.write(broken)

    async def test_twice_is_once(self) -> None:
        """A batch that is written again adds nothing, and is not counted again."""
        await self.write(sale())
        await self.write(sale())
        self.assertEqual(len(await self.store.lines()), 6)
        self.assertEqual(self.metrics.value("camtrace_lines_stored_total"), 6)

    async def test_an_older_state_of_a_ticket_does_not_come_back(self) -> None:
        await self.write(sale())
        await self.write(sale()[:3])
        ticket, lines = await self.store.ticket(1)
        self.assertEqual((ticket.state, ticket.line_count, len(lines)), ("closed", 6, 6))

    async def test_a_ticket_that_is_tied_afterwards(self) -> None:
        """In the batch that writes it, or later; a repeated batch does not untie it."""
        received = sale()
        tied = replace(received[-1][1], linked=900)
        lines = [LineReceived(line.id, line, ticket) for line, ticket in received]
        await self.facts.write([TicketTied(90, tied), *lines])
        await self.write(received)
        self.assertEqual((await self.store.ticket(1))[0].linked, 900)
        tied = replace(tied, linked=901)
        await self.facts.write([TicketTied(91, tied)])
        self.assertEqual((await self.store.ticket(1))[0].linked, 901)

    async def test_a_line_that_is_masked_afterwards(self) -> None:
        """In the batch that writes it, or later: nothing keeps what it said, but another line that says it."""
        received = [(replace(line, text="CB 4111 1111", raw=b"CB 4111 1111"), ticket) for line, ticket in sale()[:2]]
        masked = replace(received[0][0], text="CB **** ****", raw=b"CB **** ****")
        lines = [LineReceived(line.id, line, ticket) for line, ticket in received]
        await self.facts.write([LineMasked(90, masked), *lines])
        self.assertEqual((await self.store.lines())[1], masked)
        self.assertEqual([line.id for line in await self.store.search(search(texts=["4111"]))], [3])
        self.assertEqual([line.id for line in await self.store.search(search(texts=["cb ****"]))], [2])
        other = replace(received[1][0], text="CB **** ****", raw=b"CB **** ****")
        await self.facts.write([LineMasked(91, other), LineMasked(92, replace(other, id=999))])
        self.assertEqual(await self.rows("select words from line_words where words like '%%4111%%'", ()), [])
        again = [(replace(line, id=50, text="CB 4111 1111"), ticket) for line, ticket in received[:1]]
        await self.write(again)  # a text that was forgotten is written again
        self.assertEqual([line.id for line in await self.store.search(search(texts=["4111"]))], [50])

    async def test_an_opened_ticket_closes_the_one_that_was_abandoned(self) -> None:
        """It is closed at its last line, since nothing else is known of its end."""
        await self.write(sale()[:3])
        await self.write(sale(first=100, at=NOON + timedelta(hours=1))[:1])
        ticket, _ = await self.store.ticket(1)
        self.assertEqual(ticket.closed_at, NOON + timedelta(seconds=2))
        opened = [(ticket.id, last_at) for ticket, last_at in await self.store.open_tickets()]
        self.assertEqual(opened, [(100, NOON + timedelta(hours=1))])

    async def test_a_text_learnt_in_a_transaction_that_failed_is_written_again(self) -> None:
        """What is remembered as known is what was committed."""
        line, ticket = sale()[0]
        bad = replace(line, id=3, amount=Decimal("NaN"), position=1 << 40)
        with self.assertRaises(FactRefused):
            await self.write([(line, ticket), (bad, ticket)])
        self.flushWarnings()
        await self.write([(line, ticket)])
        self.assertEqual(await self.found(text="tarte"), [line.id])

    async def test_nul_is_refused_and_quarantine_takes_it(self) -> None:
        """psycopg2 refuses NUL before the server sees it: that too is a fault of the content."""
        line, ticket = sale()[0]
        fact = LineReceived(line.id, replace(line, text="a\0b"), ticket)
        with self.assertRaises(FactRefused):
            await self.facts.write([fact])
        self.assertTrue(await self.facts.quarantine(fact, "NUL \0 inside"))
        self.assertFalse(await self.facts.quarantine(fact, "again"))
        self.assertEqual(await self.rows("select id, kind from quarantine"), [(line.id, "LineReceived")])

    async def test_journal_entries_travel_in_the_same_batch(self) -> None:
        entry = JournalEntry(id=77, at=NOON, kind="system", text="started")
        line, ticket = sale()[0]
        await self.facts.write([Noted(77, entry), LineReceived(line.id, line, ticket)])
        self.assertEqual(await self.rows("select id from journal"), [(77,)])
        self.assertEqual(await self.store.last_id(), 77)


class Searching(LinesCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.write(sale())
        await self.write(sale(first=100, source="2", at=NOON + timedelta(minutes=1), cameras=(9,)))

    async def test_newest_first_by_pages(self) -> None:
        whole = await self.store.lines()
        self.assertEqual([line.id for line in whole], [*range(106, 100, -1), *range(7, 1, -1)])
        pages, after = [], None
        while page := await self.store.lines(limit=5, after=after):
            pages += page
            after = (page[-1].received_at, page[-1].id)
        self.assertEqual(pages, whole)

    async def test_oldest_first_by_pages(self) -> None:
        first = await self.store.lines(ascending=True, limit=3)
        rest = await self.store.lines(ascending=True, after=(first[-1].received_at, first[-1].id))
        self.assertEqual([line.id for line in first + rest], [*range(2, 8), *range(101, 107)])

    async def test_each_criterion(self) -> None:
        cases: list[tuple[dict[str, object], list[int]]] = [
            ({"source": "1", "type": "A"}, [5, 3, 2]),
            ({"source": ["1", "2"], "type": "D"}, [105, 6]),
            ({"code": "165", "source": "2"}, [103, 102]),
            ({"special": "ANNULE"}, [103, 4]),
            ({"seller": "Zoé", "limit": 1}, [106]),
            ({"ticket_id": 100, "type": "E"}, [106]),
            ({"ticket": "12"}, []),
            ({"amount_min": Decimal("10.01"), "source": "1"}, [7, 2]),
            ({"amount_max": Decimal("0")}, [104, 5]),
            ({"start": NOON + timedelta(minutes=1, seconds=4)}, [106, 105]),
            ({"stop": NOON + timedelta(seconds=1)}, [3, 2]),
            ({"camera_uids": [8], "type": "E"}, [7]),
            ({"camera_uids": [9, 7], "type": "E"}, [106, 7]),
            ({"camera_uids": []}, []),
        ]
        for wanted, expected in cases:
            self.assertEqual(await self.found(**wanted), expected, wanted)

    async def test_any_part_of_a_text(self) -> None:
        """Case and accents do not count, in Latin and Cyrillic; LIKE's signs are letters like others."""
        only = {"source": "1"}
        for text, expected in [
            ("poel", [2]),
            ("TARTE Poêlée", [2]),
            ("cheques", [7]),
            ("zoe", [7, 6, 5, 4, 3, 2]),
            ("МОЛОКО", [5]),
            ("ежик", [5]),
            ("50%_\\", [5]),
            ("5_%", []),
            ("parmesan", [4, 3]),
            ("oeuf p", [4, 3]),
            ("absent", []),
        ]:
            self.assertEqual(await self.found(text=text, **only), expected, text)

    async def test_each_kind_of_question(self) -> None:
        """As people ask it: names in any case, bounds, hours, what does not occur, and all of them together."""
        await self.write(rich())
        for wanted, expected in [
            (search(names=[("till", "kkm:12")]), [201]),
            (search(names=[("till", "12")]), [201]),
            (search(names=[("till", "1", "2")], texts=["poelee"]), [101, 2]),
            (search(names=[("till", "99")]), []),
            (search(names=[("seller", "zoé")], texts=["tarte"]), [101, 2]),
            (search(names=[("seller", "ИРИНА")]), [201]),
            (search(names=[("customer", "C7")]), [201]),
            (search(names=[("barcode", "3760001")]), [201]),
            (search(names=[("code", "3760001")]), [201]),
            (search(names=[("special", "annulé")]), [103, 4]),
            (search(names=[("special", "rien")]), []),
            (search(names=[("tender", "cheques")]), [106, 7]),
            (search(names=[("tender", "cheques")], texts=["cheq"]), [106, 7]),
            (search(names=[("tender", "cheques")], texts=["tarte"]), []),
            (search(names=[("special", "ANNULE")], texts=["oeuf"]), [103, 4]),
            (search(names=[("special", "ANNULE")], texts=["tarte"]), []),
            (search(names=[("type", "118", "E")]), [201, 106, 7]),
            (search(names=[("ticket", "31")]), [201]),
            (search(exactly=[("seller", "zoé")]), []),
            (search(names=[("seller", "k-1042")]), [201]),
            (search(names=[("seller", "К-1042", "k-1042", "ирина")]), [201]),
            (search(names=[("seller", "K-1042", "zoe")], texts=["tarte"]), [101, 2]),
            (search(excluded=(Named("seller", ("k-1042",)),), names=[("type", "A", "118")], texts=["tarte"]), [101, 2]),
            (search(excluded=(Named("seller", ("k-1042",)),), names=[("type", "118")]), []),
            (search(exactly=[("cashier", "K-1042")]), [201]),
            (search(exactly=[("cashier", "k-1042")]), []),
            (search(exactly=[("cashier", "Zoé")], texts=["tarte"]), [101, 2]),
            (search(exactly=[("cashier", "")]), []),
            (search(sources=("1",), texts=["annule"]), [4]),
            (search(texts=["annule", "oeuf"]), [103, 4]),
            (search(texts=["parmesan"], without=["annule"]), [102, 3]),
            (search(without=["zoe"]), [201]),
            (search(texts=["zoe", "tarte"]), [101, 2]),
            (search(texts=["кофе"], without=["ирина"]), []),
            (search(texts=["ирин"]), [201]),
            (search(texts=["zoe"], without=["tarte"], names=[("till", "1")]), [7, 6, 5, 4, 3]),
            (search(texts=["ирина", "tarte"]), []),
            (search(texts=["и", "кофе"]), [201]),
            (search(texts=["о"], names=[("till", "1")]), [5]),
            (search(comparisons=[("amount", ">", "16")]), [201]),
            (search(comparisons=[("amount", ">=", "16"), ("amount", "<=", "16")], names=[("till", "1")]), [7, 2]),
            (search(comparisons=[("quantity", ">=", "3")]), [201]),
            (search(comparisons=[("quantity", "=", "2")]), []),
            (search(camera_uids=(9,), texts=["молоко"]), [104]),
            (search(camera_uids=(9, 12)), [201, *range(106, 100, -1)]),
            (search(camera_uids=(77,)), []),
            (search(camera_uids=()), []),
            (search(before=NOON + timedelta(seconds=2), start=NOON), [3, 2]),
            (search(hours=((13 * 60, 13 * 60 + 1),), zone=PARIS), [*range(7, 1, -1)]),
            (search(hours=((0, 60), (23 * 60, 60), (13 * 60 + 1, 14 * 60)), zone=PARIS), [201, *range(106, 100, -1)]),
            (search(hours=((23 * 60, 90),), zone=PARIS, names=[("customer", "C7")]), [201]),
            (search(hours=((13 * 60 + 1, 14 * 60),), zone=PARIS, texts=["poel"]), [101]),
            (search(hours=((180, 240),), zone=PARIS), []),
            (search(hours=()), []),
            (search(hours=((0, 781), (782, 1440)), zone=PARIS), [201, 7, 6, 5, 4, 3, 2]),
            (search(apart=((NOON, NOON + timedelta(seconds=3)),), names=[("till", "1")]), [7, 6, 5]),
            (
                search(
                    apart=((NOON, NOON + timedelta(hours=1)), (NOON.replace(hour=23), NOON.replace(hour=23, minute=59)))
                ),
                [],
            ),
            (search(outside=(Range("amount", Decimal(10), Decimal(16)),)), [201, 104, 103, 5, 4]),
            (search(outside=(Range("amount", Decimal(16), Decimal(16)),), names=[("till", "1")]), [6, 5, 4, 3]),
        ]:
            self.assertEqual([line.id for line in await self.store.search(wanted)], expected, wanted)

    async def test_a_cashier_is_found_by_an_index(self) -> None:
        """By name, by number, by one that is both, or must not be: of 20,000 lines no search reads all."""
        await self.database.execute(
            "insert into line (id, received_at, protocol, source, peer, ticket, ticket_id, seller, seller_code,"
            " customer, type, special, code, barcode, text, tender, card, raw, cameras, words) select 1000 + n,"
            " %s + n * interval '1 s', 'prisma', 'KKM:' || n %% 40, '', '', n / 10, 'N' || n %% 200,"
            " (n %% 200 + 1000)::text, '', '6', '', '', '', 'x', '', '', '', '{}', 1"
            " from generate_series(1, 20000) as n",
            (NOON,),
        )
        await self.database.execute("update line set seller = seller_code where id % 400 = 7")
        await self.database.execute("analyze line")
        for wanted, count in (
            (search(names=[("seller", "n7")]), 50),
            (search(names=[("seller", "1008")]), 100),
            (search(names=[("seller", "1007")]), 100),
            (search(exactly=[("cashier", "1009")]), 100),
            (search(exactly=[("seller", "N9")]), 100),
        ):
            asked = await self.store._questions.understood(wanted)
            assert asked is not None
            plan = await self.database.query(
                f"explain select id from line where {asked.sql} order by received_at desc, id desc limit 101",
                asked.values,
            )
            told = "\n".join(row[0] for row in plan)
            self.assertNotIn("Seq Scan", told)
            self.assertEqual(len(await self.store.search(wanted, limit=1000)), count, wanted)

    async def test_pages_of_every_way_to_search(self) -> None:
        """By words, by hours, by names: each line once, in both orders."""
        await self.write([pair for day in range(1, 12) for pair in sale(1000 * day, at=NOON + timedelta(days=day))])
        for wanted in (
            search(texts=["a"]),
            search(texts=["zoe"], before=NOON + timedelta(days=9)),
            search(hours=((12 * 60, 12 * 60 + 2),)),
            search(names=[("seller", "zoe")], hours=((12 * 60, 12 * 60 + 2),)),
        ):
            whole = await self.store.search(wanted, limit=1000)
            self.assertGreater(len(whole), 20)
            for ascending in (False, True):
                pages, after = [], None
                while page := await self.store.search(wanted, after, ascending, limit=7):
                    pages += page
                    after = (page[-1].received_at, page[-1].id)
                self.assertEqual(pages, whole[::-1] if ascending else whole)

    async def test_many_texts(self) -> None:
        """A part that more texts hold than can be named is found all the same."""
        self.patch(line_asked, "_MOST_KEYS", 2)
        self.assertEqual(await self.found(text="e", limit=3), [106, 105, 104])
        self.assertEqual(await self.found(text="e", source="1", limit=3), [7, 6, 5])
        self.patch(line_asked, "_MOST_NAMES", 0)
        self.assertEqual([line.id for line in await self.store.search(search(names=[("till", "2")]), limit=1)], [106])

    async def test_hits(self) -> None:
        """Counted by the hour, the newest of them, in any kind of search."""
        await self.write(rich())
        hour = NOON.replace(minute=0, second=0, microsecond=0)
        self.assertEqual(await self.store.hits(search(texts=["tarte"])), [HitCount(hour, 2)])
        self.assertEqual(await self.store.hits(search()), [HitCount(hour, 12), HitCount(hour + timedelta(hours=11), 1)])
        self.assertEqual(
            await self.store.hits(search(), most=3), [HitCount(hour, 2), HitCount(hour + timedelta(hours=11), 1)]
        )
        self.assertEqual(await self.store.hits(search(hours=((12 * 60, 12 * 60 + 1),))), [HitCount(hour, 6)])
        self.assertEqual(await self.store.hits(search(texts=["absent"])), [])

    async def test_the_newest_hits_of_several_texts(self) -> None:
        """Whatever part of the time they lie in, those counted are the newest ones."""
        chance = random.Random(3)
        received = []
        for number in range(400):
            at = NOON - timedelta(seconds=int(10 ** (chance.random() * 7)))
            line = Line(
                id=1000 + number, received_at=at, protocol="pos", source=str(number), ticket_id=1, type="A",
                text=f"CREAM {number % 7}" if number % 3 else "BREAD",
            )  # fmt: skip
            received.append((line, Ticket(id=1, protocol="pos", source="1", opened_at=NOON, line_count=1)))
        await self.write(received)
        for wanted in (
            search(texts=["cream"]),
            search(texts=["cream"], start=NOON - timedelta(days=2), before=NOON - timedelta(minutes=5)),
            search(texts=["bread"], stop=NOON - timedelta(days=30)),
            search(texts=["bread"], start=NOON + timedelta(days=1)),
        ):
            for most in (1, 7, 60, 1000):
                newest = await self.store.search(wanted, limit=most)
                counts = Counter(line.received_at.replace(minute=0, second=0, microsecond=0) for line in newest)
                expected = [HitCount(*pair) for pair in sorted(counts.items())]
                self.assertEqual(await self.store.hits(wanted, most), expected)

    async def test_hits_that_take_too_long(self) -> None:
        self.patch(line_search, "HITS_SECONDS", 0.001)
        holder = psycopg2.connect(self.dsn)
        self.addCleanup(holder.close)
        with holder.cursor() as cursor:
            cursor.execute("lock table line in access exclusive mode")
            self.assertIsNone(await self.store.hits(search()))

    async def test_tickets(self) -> None:
        tickets = await self.store.tickets()
        self.assertEqual([ticket.id for ticket in tickets], [100, 1])
        self.assertEqual(tickets[0].state, "closed")
        self.assertEqual([t.id for t in await self.store.tickets(source="1")], [1])
        self.assertEqual([t.id for t in await self.store.tickets(camera_uids=[9])], [100])
        self.assertEqual(await self.store.tickets(state="open"), [])
        self.assertEqual([t.id for t in await self.store.tickets(after=(tickets[0].opened_at, 100))], [1])

    async def test_what_a_start_needs(self) -> None:
        end = timedelta(seconds=5)
        self.assertEqual(await self.store.last_received(), {"1": NOON + end, "2": NOON + timedelta(minutes=1) + end})
        self.assertEqual(await self.store.last_id(), 106)
        screens = await self.store.last_tickets()
        self.assertEqual([ticket.id for ticket, _ in screens], [1, 100])
        self.assertEqual([[line.id for line in lines] for _, lines in screens], [[*range(2, 8)], [*range(101, 107)]])

    async def test_when_a_source_spoke_itself(self) -> None:
        """What the server adds is no word of the till."""
        before = await self.store.last_received()
        added = [
            ("pos", "1", "MOTION", ("hidden",)), ("pos", "2", "RULE", ()), ("prisma", "KKM:5", "61", ()),
        ]  # fmt: skip
        for id, (protocol, source, kind, flags) in enumerate(added, 900):
            at = NOON + timedelta(hours=id - 899)
            line = Line(
                id=id, received_at=at, protocol=protocol, source=source, type=kind, flags=flags, ticket_id=id,
            )  # fmt: skip
            await self.write([(line, Ticket(id=id, protocol=protocol, source=source, opened_at=at, closed_at=at))])
        told = await self.store.last_received(said_itself=True)
        self.assertEqual(told, {"1": before["1"], "2": NOON + timedelta(hours=2)})
        self.assertEqual((await self.store.last_received())["KKM:5"], NOON + timedelta(hours=3))

    async def test_resuming_after_an_id(self) -> None:
        self.assertEqual([line.id for line in await self.store.since(6, limit=3)], [7, 101, 102])


class Nothing(LinesCase):
    async def test_an_empty_log(self) -> None:
        self.assertEqual(await self.store.last_received(), {})
        self.assertEqual(await self.store.last_id(), 0)
        self.assertEqual(await self.store.lines(), [])
        self.assertEqual(await self.store.open_tickets(), [])


def test_searchable() -> None:
    assert searchable("Œuf Élevé ÀÉ") == "oeuf eleve ae"
    assert searchable("Ёж Й") == "еж и"
    assert containing(" A_b ") == "%a\\_b%"


class Before(DatabaseCase):
    async def test_lines_of_before_are_found_as_later_ones(self) -> None:
        """Their texts hold the seller; those that are marked get another text, with the mark."""
        cluster().make("test_lines_of_before")
        self.addCleanup(cluster().drop, "test_lines_of_before")
        steps = {step.number: step.sql for step in migrate.read()}
        connection = psycopg2.connect(cluster().dsn("test_lines_of_before"))
        with connection, connection.cursor() as cursor:
            for number in sorted(number for number in steps if number < 10):
                cursor.execute(steps[number])
            cursor.execute("insert into line_words values (1, E'tarte poelee\n\nzoe'), (2, E'cafe\n\nzoe')")
            for id, special, words, cameras in ((5, "ANNULE", 1, "{7}"), (6, "", 1, "{7}"), (7, "", 2, "{}")):
                cursor.execute(
                    "insert into line (id, received_at, protocol, source, peer, ticket, ticket_id, seller, customer,"
                    " type, special, code, barcode, text, tender, card, raw, cameras, words) values"
                    " (%s, %s, 'pos', '1', '', '', 1, 'Zoé', '', 'A', %s, '', '', 'x', '', '', '', %s, %s)",
                    (id, NOON + timedelta(seconds=id), special, cameras, words),
                )
            cursor.execute(steps[10])
        connection.close()
        database = Database(cluster().dsn("test_lines_of_before"), reactor, connections=1)
        await database.start(wait_seconds=20)
        store = LineStore(database)
        for wanted, expected in (
            (search(texts=["annule"]), [5]),
            (search(texts=["poelee"]), [6, 5]),
            (search(texts=["zoe"]), [7, 6, 5]),
            (search(texts=["tarte"], without=["annule"]), [6]),
            (search(camera_uids=(7,)), [6, 5]),
        ):
            self.assertEqual([line.id for line in await store.search(wanted)], expected, wanted)
        await database.stop()
