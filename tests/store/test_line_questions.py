"""What people type in the search box, asked of the real PostgreSQL and of the log in memory: they answer alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from support import log_search
from support.database import DatabaseCase

from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Line, Ticket
from camtrace.store import line_asked
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore
from camtrace.tickets.meaning import search_of
from camtrace.tickets.query import parse

PARIS = ZoneInfo("Europe/Paris")
SATURDAY = datetime(2026, 3, 28, 12, tzinfo=UTC)  # clocks go forward that night
TEXTS = (
    *(
        "Café crème",
        "CAFE",
        "ŒUF 50%",
        "a_b",
        "a\\b",
        "🥖 baguette",
        "שלום עולם",
        "пирог Ёж",
        "«x»",
        "ﬁn",
        "İstanbul",
        "ß",
    ),
    *("'", '"q"', "", "e\u0301t\u00e9", "\u202eabc", "1 234,50 €", "x" * 300, "CB ************8673", "* 8673"),
)
NAMES = ("", "Zoé", "ZOE", "MARIE", "Иван", "DUPONT, MARIE", "1042", "%", "_", "KKM:12", "12", "1", "************8673")
SELLERS = ("seller:1042", "seller:12", "-seller:1042", "seller:zoe", "seller:************8673")
VALUES = {
    "amount": (":5", ">20", ">=-20,5", "<20.01", "<=5", ":0-10", ":5..20,01", ":-30..5"),
    "qty": (":1", ":3", ":2-3"),
    "date": (":today", ":yesterday", ":2026-03-29", ":2026-03-28..2026-03-29", ":2d", ":last-week"),
    "from": (":2026-03-29", ":2026-03-29T02:30", ":yesterday"),
    "to": (":2026-03-29T03:00", ":yesterday"),
    "time": (":1-4", ":22-3", ":2:30-3", ":0-24", ":12-18", ":23:59-0:01"),
    "type": (":S", ":A", ":E"),
    "camera": (":7", ":8"),
    "what": (":cancelled", ":payment", ":article", ":returned"),
}


def log(chance: random.Random) -> Iterator[Line]:
    for number in range(250):
        kind = chance.choice("AASTED")
        yield Line(
            id=1000 + number,
            received_at=SATURDAY + timedelta(minutes=chance.randrange(3 * 1440), microseconds=number),
            protocol="pos",
            source=chance.choice(("1", "12", "KKM:12", "Ä")),
            ticket=chance.choice(("", "1", "31")),
            ticket_id=chance.choice((1, 2, 3)),
            seller=chance.choice(NAMES),
            seller_code=chance.choice(("", "", "1042", "12", "************8673")),
            customer=chance.choice(("", "C1")),
            type=kind,
            special=chance.choice(("ANNULE", "RETOUR")) if kind == "S" else "",
            code=chance.choice(("", "148", "12")),
            barcode=chance.choice(("", "3760")),
            text=chance.choice(TEXTS),
            tender=chance.choice(("", "CB", "ESPÈCES", "CB ************1234")),
            amount=chance.choice((None, Decimal(5), Decimal("-20.5"), Decimal("20.01"))),
            quantity=chance.choice((None, Decimal(1), Decimal(3), Decimal("0.35"), Decimal(2), Decimal(-1))),
            cameras=chance.choice(((7,), (8,), (7, 8), ())),
        )


def condition(chance: random.Random) -> str:
    minus = chance.choice(("", "", "-"))
    kind = chance.randrange(3)
    if kind == 0:
        return f'{minus}"{chance.choice(TEXTS)[: chance.choice((1, 2, 3, 99))] or "x"}"'
    if kind == 1:
        field = chance.choice(("till", "seller", "tender", "special", "ticket", "customer", "code", "barcode"))
        return f'{minus}{field}{chance.choice((":", "=="))}"{chance.choice((*NAMES, "cb", "annule", "148", "31"))}"'
    field = chance.choice(list(VALUES))
    return f"{minus}{field}{chance.choice(VALUES[field])}"


class Questions(DatabaseCase):
    async def test_the_store_and_the_log_in_memory_answer_alike(self) -> None:
        chance = random.Random(7)
        await self.database.execute("truncate line, line_words, line_watch, ticket")
        store, lines = LineStore(self.database), list(log(chance))
        ticket = Ticket(id=1, protocol="pos", source="1", opened_at=SATURDAY, line_count=1)
        await FactsStore(self.database, store, Metrics()).write([LineReceived(line.id, line, ticket) for line in lines])
        texts = [" ".join(condition(chance) for _ in range(chance.choice((1, 1, 2, 3)))) for _ in range(100)]
        for number, text in enumerate(
            [*texts, "annule amount>4", "type:S -amount:5", "what:returned amount>20", *SELLERS]
        ):
            wanted, _ = search_of(parse(text), SATURDAY + timedelta(days=2), PARIS, {"7": 7, "8": 8}.get)
            wanted = replace(wanted, without_cards=number % 3 == 0)
            self.patch(line_asked, "_MOST_KEYS", 3000 if number % 2 else 2)
            found = [line.id for line in await store.search(wanted, limit=1000)]
            expected = [line.id for line in log_search.found(lines, wanted, None, False, 1000)]
            self.assertEqual(found, expected, text)
            if number % 5 == 0:
                self.assertEqual(sum(hour.lines for hour in await store.hits(wanted) or ()), len(expected), text)
