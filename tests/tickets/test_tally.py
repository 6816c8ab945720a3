"""What the lines of a ticket come to, against the total that its payments settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.demo.script import TILLS
from camtrace.model import Line
from camtrace.pos.wire import decode
from camtrace.tickets.sales import Tills
from camtrace.tickets.tally import MOST_ARTICLES, Tally

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def lines(*said: str, first: int = 1) -> list[Line]:
    """What a till said, as it is stored: the fields behind the customer."""
    found = []
    for place, text in enumerate(said, first):
        message = decode(f"1|0|7|0|{text}".encode())
        found.append(
            Line(
                id=place, received_at=NOON + timedelta(seconds=place), protocol="pos", source="1", ticket_id=1,
                position=place, type=message.type, special=message.special, code=message.code, text=message.text,
                quantity=message.quantity, amount=message.amount, total=message.total, tender=message.tender,
            )
        )  # fmt: skip
    return found


def settled(said: list[Line]) -> Decimal:
    return sum((line.total or Decimal() for line in said if line.type in "TE"), Decimal())


def test_articles_less_cancellations_are_what_is_paid() -> None:
    sale = lines(
        "A|1|148|TARTE POELEE|16,00", "A|1|165|OEUF PARMESAN|10,00", "A|1|165|OEUF PARMESAN|10,00",
        "S|1|165|OEUF PARMESAN|ANNULE", "T|ESPECES|20,00|10,00", "D|10,00", "E|CHEQUES|16,00|16,00",
    )  # fmt: skip
    tally = Tally.of(sale)
    assert tally.sum == Decimal("26.00") == settled(sale)
    assert tally.taken_back == {4: (3,)}
    assert tally.taken_amounts == {4: Decimal("10.00")}
    assert tally.cancelled_amount == Decimal("10.00")
    assert tally.counts == {"articles": 3, "cancelled": 1, "returned": 0, "offered": 0, "lost": 0, "other": 0}


def test_each_kind_is_counted_in_its_own_word() -> None:
    said = ("A|1|1|X|5", "S|1|2|Y|OFFERT", "S|1|3|Z|PERTE", "S|1|4|V|RETOUR", "S|1|1|X|ANNULE", "S|1|9|R|-1")
    tally = Tally.of(lines(*said))
    assert tally.counts == {"articles": 1, "cancelled": 1, "returned": 1, "offered": 1, "lost": 1, "other": 1}
    assert tally.taken_back == {5: (1,)}  # only a cancellation strikes out


@pytest.mark.parametrize(
    ("said", "sum_"),
    [
        (("A|1|1|X|5,00", "S|1|1|X|ANNULE"), "0.00"),
        (("A|1|1|X|5,00", "A|1|1|X|4,00", "S|1|1|X|ANNULE", "S|1|1|X|ANNULE"), "0.00"),
        (("A|1|1|X|5,00", "S|1|2|Y|-2,00|ANNULE"), "3.00"),  # its article was not seen, its amount is there
        (("A|1|1|X|5,00", "S|1|1|X|-5,00|ANNULE"), "0.00"),  # not taken off twice
        (("A|1|1|X|5,00", "S|1|2|Y|-2,00|RETOUR"), "3.00"),
        (("A|1|1|X|5,00", "S|1|2|Y|2,00|RETOUR"), "3.00"),  # given back whatever the sign
        (("A|1|1|X|5,00", "S|1|1|X|RETOUR"), "0.00"),
        (("A|1|1|X|5,00", "S|1|1|X|OFFERT"), "5.00"),
        (("A|1|1|X|5,00", "S|1|2|Y|2,00|OFFERT"), "5.00"),  # what the gift is worth
        (("A|1|1|X|5,00", "S|1|1|X|-5,00|OFFERT"), "0.00"),
        (("A|1|1|X|5,00", "S|1|2|Y|PERTE"), "5.00"),
        (("A|1|1|X|5,00", "S|1|0|REMISE|-0,50"), "4.50"),  # an S line with an amount only
        (("A|1|1|X|5,00", "S|1|0|SUPPLEMENT|0,50"), "5.50"),
        (("A|1|1|X|5,00", "A|1||SANS SUCRE"), "5.00"),
        (("A|1||Tarte|5,00", "A|1|9|TARTE|7,00", "S|1||TARTE|ANNULE"), "7.00"),  # no code: by description
    ],
)
def test_the_running_sum(said: tuple[str, ...], sum_: str) -> None:
    assert Tally.of(lines(*said)).sum == Decimal(sum_)


@pytest.mark.parametrize(
    "said",
    [
        ("S|1|118|CAFE|RETOUR", "A|1|1|X|5,00"),  # what was given back for it stands nowhere
        ("A|1|1|X|5,00", "S|1|2|Y|ANNULE"),
        (),
        ("D|10,00",),
    ],
)
def test_no_sum_where_an_amount_is_not_known(said: tuple[str, ...]) -> None:
    assert Tally.of(lines(*said)).sum is None


def test_as_many_as_the_line_says_are_taken_off() -> None:
    """The quantity of an S line is field 5, as that of the article: one of three leaves two, and takes a third."""
    said = lines("A|3|148|TARTE|9,00", "S|1|148|TARTE|ANNULE")
    tally = Tally.of(said)
    assert (tally.sum, tally.taken_back, tally.cancelled_amount) == (6, {}, 3)
    assert tally.taken_amounts == {said[1].id: 3}
    said = lines("A|3|148|TARTE|10,00", "S|1|148|TARTE|ANNULE", "S|2|148|TARTE|ANNULE", "S|1|148|TARTE|-1|ANNULE")
    tally = Tally.of(said)
    assert (tally.sum, tally.taken_back) == (-1, {said[2].id: (said[0].id,)})  # the rest, to the cent
    assert [str(tally.taken_amounts[line.id]) for line in said[1:3]] == ["3.33", "6.67"]
    assert Tally.of(lines("A|0,350|77|CERISES|3,15", "S|0,350|77|CERISES|ANNULE")).sum == 0
    assert Tally.of(lines("A|1|148|TARTE|9,00", "S|3|148|TARTE|ANNULE")).sum == 0


@pytest.mark.parametrize(
    ("said", "struck", "cost", "sum_"),
    [
        (("A|1|1|X|3", "A|1|1|X|4", "A|1|1|X|5", "S|2|1|X|ANNULE"), (3, 2), 9, 3),
        (("A|1|1|X|3", "A|1|1|X|4", "A|1|1|X|5", "S|3|1|X|ANNULE"), (3, 2, 1), 12, 0),
        (("A|1|1|X|3", "A|1|2|Y|4", "A|1|1|X|5", "S|2|1|X|ANNULE"), (3, 1), 8, 4),  # the other article stays
        (("A|1|1|X|3", "A|1|1|X|4", "A|1|1|X|5", "S|-2|1|X|-9|ANNULE"), (3, 2), 9, 3),  # as many, below zero
        (("A|1|1|X|3", "A|1|1|X|4", "A|1|1|X|5", "S||1|X|ANNULE"), (3,), 5, 7),  # one that says none: one
        (("A|1|1|X|3", "A|1|1|X|4", "S|1|1|X|ANNULE", "S|7|1|X|ANNULE"), (1,), 3, 0),  # more than there are
        (("A|3|1|X|9", "A|1|1|X|3", "S|2|1|X|ANNULE"), (2,), 6, 6),  # a rest of one, of three
        (("A|3|1|X|9", "A|1|1|X|3", "S|2|1|X|ANNULE", "S|2|1|X|ANNULE"), (1,), 6, 0),  # and the rest of that
        (("A|0,35|1|X|3", "A|0,5|1|X|4", "S|1|1|X|ANNULE"), (2,), 4, 3),  # weighed: a line is one
        (("A|0,35|1|X|3", "A|0,5|1|X|4", "S|2|1|X|ANNULE"), (2, 1), 7, 0),
        (("A|0,35|1|X|3", "A|0,5|1|X|4", "S|0,85|1|X|ANNULE"), (2, 1), 7, 0),  # by weight
        (("A||1|X|3", "A||1|X|4", "A||1|X|5", "S|2|1|X|ANNULE"), (3, 2), 9, 3),
    ],
)
def test_as_many_lines_as_the_quantity_says_are_struck_out(
    said: tuple[str, ...], struck: tuple[int, ...], cost: int, sum_: int
) -> None:
    """The latest first; the last S line is looked at, and the rules' `Sale` comes to the same."""
    tally, sale = Tally.of(lines(*said)), Tills()
    amount = [sale.hear(line).amount for line in lines(*said)][-1]
    assert (tally.taken_back[len(said)], tally.taken_amounts[len(said)], tally.sum) == (struck, cost, sum_)
    assert amount is not None and abs(amount) == cost


QUANTITIES = st.sampled_from([None, Decimal("0.35"), Decimal(1), Decimal(2), Decimal(3), Decimal(-1)])


@given(st.lists(st.tuples(st.sampled_from("AAS"), QUANTITIES, st.sampled_from([None, Decimal(3), Decimal("9.99")]))))
def test_nothing_is_struck_out_twice(said: list[tuple[str, Decimal | None, Decimal | None]]) -> None:
    ticket = [
        Line(
            id=place, received_at=NOON, protocol="pos", source="1", ticket_id=1, position=place, type=kind, code="1",
            special="ANNULE" if kind == "S" else "", quantity=quantity, amount=amount if kind == "A" else None,
        )
        for place, (kind, quantity, amount) in enumerate(said, 1)
    ]  # fmt: skip
    tally = Tally.of(ticket)
    struck = [id for ids in tally.taken_back.values() for id in ids]
    assert len(struck) == len(set(struck))
    entered = sum((line.amount for line in ticket if line.amount is not None), Decimal())
    assert sum(tally.taken_amounts.values(), Decimal()) <= entered


def test_no_sum_of_a_ticket_whose_beginning_is_missing() -> None:
    tally = Tally.of(lines("A|1|1|X|5,00", first=3))
    assert (tally.sum, tally.is_whole) == (None, False)


def test_a_ticket_without_an_end_is_bounded() -> None:
    endless = lines("S|1|7|FIRST|ANNULE", "A|1|7|FIRST|1", *["A|1|8|NEXT|1"] * MOST_ARTICLES, "S|1|7|FIRST|-1|ANNULE")
    assert Tally.of(endless).taken_back == {}


def test_the_demos_tills_settle_what_their_lines_come_to() -> None:
    """Where a return tells no amount the sum is left open, not wrong."""
    for till in TILLS:
        for sale in till.sales:
            said = [till._line(sale, step, 2).decode(till.encoding).strip().split("|", 4)[4] for step in sale.steps]
            sold = lines(*said)
            assert Tally.of(sold).sum in (settled(sold), None)
            assert (Tally.of(sold).sum is None) == any("RETOUR" in text for text in said)


def event(number: int, code: int, position: int, amount: str = "", total: str = "", special: str = "") -> Line:
    """An event of a Prisma receipt, its article known by the amount."""
    return Line(
        id=number, received_at=NOON, protocol="prisma", source="KKM:1", ticket_id=1, type=str(code), special=special,
        position=position, code=amount, text=amount, amount=Decimal(amount) if amount else None,
        total=Decimal(total) if total else None,
    )  # fmt: skip


def test_a_prisma_receipt() -> None:
    """The sum is the latest event's; when a position is taken off, those behind it move up."""
    tally = Tally.of([
        event(1, 4, 0, total="0"), event(2, 6, 1, "5", "5"), event(3, 65, 2, "7", "12"), event(4, 66, 3, "9", "21"),
        event(5, 18, 1, "5", "16", "ANNULE"), event(6, 18, 2, "9", "7", "ANNULE"), event(7, 37, 1, "50"),
    ])  # fmt: skip
    assert tally.sum == 7
    assert tally.taken_back == {5: (2,), 6: (4,)}
    assert (tally.counts["articles"], tally.counts["cancelled"], tally.cancelled_amount) == (3, 2, 14)
    voided = Tally.of(
        [event(1, 6, 1, "5", "5"), event(2, 6, 2, "5", "10"), event(3, 25, 2, total="0", special="ANNULE")]
    )
    assert (voided.sum, voided.counts["cancelled"]) == (0, 2)
    returned = Tally.of([event(1, 46, 0, special="RETOUR"), event(2, 6, 1, "5", "5", "RETOUR")])
    assert (returned.counts["returned"], returned.counts["articles"], returned.sum) == (1, 0, 5)


def test_an_event_that_names_the_wrong_place() -> None:
    """The latest of the same code is taken off instead."""
    tally = Tally.of([event(1, 6, 1, "5", "5"), event(2, 6, 2, "7", "12"), event(3, 9, 9, "5", "7", "ANNULE")])
    assert tally.taken_back == {3: (1,)}
