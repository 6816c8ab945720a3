"""Each rule to begin with, from the form to a real sale: met by what it is for, and not by what is nearly that."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from support.rules import Blind, said
from support.rules import hits as found_in

from camtrace import factcode
from camtrace.model import Line, Rule
from camtrace.tickets.presets import PRESETS
from camtrace.web.api.rule_fields import read_rule, rule_shape

PRESET = {rule.name: rule for rule in PRESETS}


def till(*told: tuple[Any, ...], ticket: int = 1, seller: str = "7", source: str = "1") -> list[Line]:
    """Lines of a till: second, letter or special word, amount, and what else is told."""
    lines = []
    for place, (second, word, amount, *more) in enumerate(told, 1):
        letter, special = (word, "") if len(word) == 1 else ("S", word)
        lines.append(
            said(
                second, letter, special=special, amount=amount, position=place, ticket_id=ticket,
                ticket=str(ticket + 9), seller=seller, source=source, text="TARTE", **(more[0] if more else {}),
            )
        )  # fmt: skip
    return lines


def events(*told: tuple[Any, ...], ticket: str = "12") -> list[Line]:
    """Events of a Prisma till: second, number, amount, and what else is told."""
    lines = []
    for second, number, amount, *more in told:
        given = {"ticket": ticket, "ticket_id": int(ticket or 0) + 100, **(more[0] if more else {})}
        made = said(second, str(number), amount=amount, source="KKM:1", text="TARTE", **given)
        lines.append(replace(made, protocol="prisma"))
    return lines


def total(amount: str) -> dict[str, Any]:
    return {"total": Decimal(amount)}


SALE = till((0, "A", "4"), (5, "A", "3"), (20, "A", "2"), (30, "T", "9"), (31, "E", None))
OTHERS = [
    till((400 + n, "A", "4"), (410 + n, "A", "3"), (440 + n, "T", "7"), (441 + n, "E", None), ticket=2) for n in (0,)
]
VOIDS = [
    till((n, "A", "4"), (n + 1, "A", "3"), (n + 2, "ANNULE", "4"), (n + 9, "T", "3"), ticket=n) for n in (1, 100, 200)
]
MANY = [till((n, "A", "4"), (n + 1, "A", "3"), (n + 9, "T", "7"), ticket=n) for n in range(1, 1000, 40)]
CARD = {"card": "************1234", "tender": "VISA"}


def card(second: int, ticket: int) -> list[Line]:
    return till((second, "A", "4"), (second + 1, "T", "4", CARD), (second + 2, "E", None), ticket=ticket)


def flat(tickets: list[list[Line]]) -> list[Line]:
    return [line for lines in tickets for line in lines]


# the rule; what meets it once; what does not
TABLE: list[tuple[str, list[Line], list[Line]]] = [
    ("Line cancelled over 20", till((0, "A", "20"), (1, "ANNULE", None)), till((0, "A", "19.99"), (1, "ANNULE", None))),
    ("Line cancelled after the payment began", till((0, "A", "2"), (1, "T", "2"), (2, "ANNULE", "2")), VOIDS[0]),
    ("Whole ticket cancelled", events((0, 4, None), (1, 6, "2"), (2, 25, None)), events((0, 4, None), (1, 18, "2"))),
    (
        "Half of a ticket cancelled",
        till((0, "A", "2"), (1, "A", "3"), (2, "ANNULE", "3"), (3, "T", "2"), (4, "E", None)),
        till((0, "A", "2"), (1, "A", "3"), (2, "A", "4"), (3, "ANNULE", "3"), (4, "T", "6"), (5, "E", None)),
    ),
    ("Three cancellations of one cashier in ten minutes", flat(VOIDS), flat(VOIDS[:2])),
    (
        "A cashier cancels more than ten in a hundred articles",
        [*flat(MANY), *till(*((2000 + n, "ANNULE", "1") for n in range(5)), ticket=9000)],
        [*flat(MANY), *till(*((2000 + n, "ANNULE", "1") for n in range(4)), ticket=9000)],
    ),
    ("Goods returned over 50", till((0, "RETOUR", "50")), till((0, "RETOUR", "49.99"))),
    ("Goods returned with nobody before the till", till((0, "RETOUR", "5")), SALE),
    (
        "Goods returned on a ticket without a sale",
        till((0, "RETOUR", "5"), (1, "T", "-5"), (2, "E", None)),
        till((0, "A", "8"), (1, "RETOUR", "5"), (2, "T", "3"), (3, "E", None)),
    ),
    ("Discount given", events((0, 4, None), (1, 52, None)), events((0, 4, None), (1, 6, "2"))),
    (
        "Discount over twenty in a hundred",
        events((0, 4, None), (1, 22, "8", {"discount": Decimal(2)})),
        events((0, 4, None), (1, 22, "8.01", {"discount": Decimal(2)})),
    ),
    ("Article given away or written off", till((0, "A", "2"), (1, "OFFERT", None)), SALE),
    ("Price changed", events((0, 4, None), (1, 127, "2")), events((0, 4, None), (1, 12, "2"))),
    ("Article sold under 0.50", till((0, "A", "1.50", {"quantity": Decimal(3)})), till((0, "A", "0.51"))),
    ("Quantity changed", events((0, 4, None), (1, 12, "2")), events((0, 4, None), (1, 15, "2"))),
    ("Article typed in by hand", events((0, 4, None), (1, 66, "2")), events((0, 4, None), (1, 65, "2"))),
    ("Article scanned outside a ticket", events((0, 62, None), ticket=""), events((0, 4, None), (1, 6, "2"))),
    ("Prohibited article", events((0, 4, None), (1, 70, None)), events((0, 4, None), (1, 6, "2"))),
    ("Drawer opened without a sale", till((0, "D", None)), till((0, "A", "2"), (1, "D", None))),
    (
        "Drawer opened and nothing sold for half a minute",
        [*till((0, "D", None)), *till((31, "A", "2"), ticket=2)],
        [*till((0, "D", None)), *till((29, "A", "2"), ticket=2)],
    ),
    (
        "Drawer open for more than two minutes",
        [*till((0, "D", None)), *till((121, "A", "2"), ticket=2)],
        [*till((0, "D", None)), *till((119, "A", "2"), ticket=2)],
    ),
    (
        "Change that is not what was due",
        events((0, 4, None), (1, 37, "20", total("15")), (2, 50, "4", total("15")), (3, 5, None, total("15"))),
        events((0, 4, None), (1, 37, "20", total("15")), (2, 50, "5", total("15")), (3, 5, None, total("15"))),
    ),
    ("Too much cash in the till", events((0, 129, None), ticket=""), SALE),
    (
        "Card refused, then another payment",
        events((0, 4, None), (1, 32, None), (2, 38, "5"), (3, 5, None, total("5"))),
        events((0, 4, None), (1, 32, None), (3, 5, None)),
    ),
    (
        "Card refused, then paid in cash",
        events((0, 4, None), (1, 32, None), (2, 37, "5"), (3, 5, None, total("5"))),
        events((0, 4, None), (1, 32, None), (2, 38, "5"), (3, 5, None, total("5"))),
    ),
    (
        "One card on more than three tickets a day",
        flat([card(3600 * n, n + 1) for n in range(4)]),
        flat([card(3600 * n, n + 1) for n in range(3)]),
    ),
    ("Ticket over 500", till((0, "A", "500"), (1, "T", "500"), (2, "E", None)), SALE),
    ("Ticket under 1", till((0, "A", "0.99"), (1, "T", "0.99"), (2, "E", None)), SALE),
    ("Ticket of less than five seconds", till((0, "A", "2"), (2, "T", "2"), (4, "E", None)), SALE),
    (
        "Ticket with nothing said for three minutes",
        till((0, "A", "2"), (180, "T", "2"), (181, "E", None)),
        till((0, "A", "2"), (179, "T", "2"), (181, "E", None)),
    ),
    ("Ticket without an article", till((0, "T", "2"), (1, "E", None)), SALE),
    (
        "Ticket that was never ended",
        [*SALE[:3], *till((300, "A", "4"), (310, "E", None), ticket=2)],
        [*SALE, *flat(OTHERS)],
    ),
    ("Ticket put aside or taken up again", events((0, 4, None), (1, 55, None)), events((0, 4, None), (1, 6, "2"))),
    ("Ticket printed again", events((0, 58, None)), events((0, 4, None), (1, 6, "2"))),
    (
        "Ticket number missing",
        [*SALE, *till((60, "A", "2"), (61, "E", None), ticket=3)],
        [*SALE, *till((60, "A", "2"), (61, "E", None), ticket=2)],
    ),
    (
        "Ticket number used twice",
        [
            *SALE,
            *(
                replace(line, ticket_id=99, received_at=line.received_at.replace(minute=9), id=line.id + 10**6)
                for line in SALE
            ),
        ],
        [*SALE, *flat(OTHERS)],
    ),
    (
        "A cashier at two tills within three minutes",
        [*SALE, *till((200, "A", "2"), ticket=2, source="2")],
        [*SALE, *till((212, "A", "2"), ticket=2, source="2")],
    ),
    ("Shift longer than 24 hours", events((0, 110, None), ticket=""), SALE),
    ("Report printed outside opening hours", events((0, 210, None), ticket=""), SALE),
]


class Cameras:
    """None exist."""

    def by_uid(self, uid: int) -> None:
        return None


def test_none_is_forgotten() -> None:
    assert [name for name, *_ in TABLE] == [rule.name for rule in PRESETS]


@pytest.mark.parametrize(("name", "meets", "does_not"), TABLE, ids=[name for name, *_ in TABLE])
def test_from_the_form_to_the_sale(name: str, meets: list[Line], does_not: list[Line]) -> None:
    sent: Any = json.loads(json.dumps(rule_shape(PRESET[name], Cameras()), default=str))  # type: ignore[arg-type]
    rule = read_rule(sent, None, ("always", "never"), lambda number: None)
    assert replace(rule, id=0) == PRESET[name]
    assert factcode.restored(Rule, json.loads(json.dumps(factcode.plain(rule)))) == rule
    assert len(found_in(rule, meets, Blind(True), until=30_000)) == 1
    assert found_in(rule, does_not, Blind(True), until=30_000) == []
