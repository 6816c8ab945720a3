"""Exception rules, each kind by example, and against a plain reckoning over the whole past."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rules import NOON, Blind, hits, said

from camtrace.model import DEEDS, AbsenceTest, Line, LineTest, Rule, StillTest, TicketTest, WindowTest
from camtrace.tickets import follows, sales
from camtrace.tickets.deeds import DEEDS_OF, deed_of
from camtrace.tickets.movements import MOTION_SECONDS, Movements
from camtrace.tickets.presets import PRESETS
from camtrace.tickets.rules import Watch, horizon
from camtrace.tickets.sales import Tills


def ids(found: list[Any]) -> list[int]:
    return [hit.line.id for hit in found]


def event(number: int, **more: Any) -> Line:
    return replace(said(number, str(number)), protocol="prisma", source="KKM:1", **more)


# ── deeds ──


def test_every_deed_of_the_table_has_a_name() -> None:
    assert set(DEEDS_OF.values()) | {"no_sale", "other"} == set(DEEDS)


@pytest.mark.parametrize(
    ("line", "deed"),
    [
        (said(1, "A"), "article"),
        (said(1, "S", special="ANNULE"), "void"),
        (said(1, "S", special="RETOUR"), "return"),
        (said(1, "S", special="?"), "other"),
        (said(1, "D", position=1), "no_sale"),
        (said(1, "D", position=4), "drawer"),
        (said(1, "X"), "other"),
        (event(6), "article"),
        (event(6, special="RETOUR"), "return"),
        (event(9, special="ANNULE"), "void"),
        (event(18), "void"),
        (event(25), "ticket_void"),
        (event(46), "return"),
        (event(40, ticket="12"), "drawer"),
        (event(40), "no_sale"),
        (event(236, ticket="12"), "no_sale"),
        (event(66), "manual_entry"),
        (event(999), "other"),
    ],
)
def test_deeds(line: Line, deed: str) -> None:
    assert deed_of(line) == deed


# ── lines ──


def test_a_line_by_all_that_is_asked_of_it() -> None:
    lines = [
        said(1, "A", amount="25.00", code="148", text="VODKA 70CL", quantity=Decimal(2)),
        said(2, "A", amount="15.00", code="201", text="Baguette"),
        said(3, "A", amount="-30.00", code="9", text="VODKA 35CL", seller="8", source="2"),
        said(4000, "A", amount="40.00", code="148", text="VODKA 70CL"),
        said(4001, "T", amount="40.00"),
    ]

    def found(**asked: Any) -> list[int]:
        return [lines.index(hit.line) for hit in hits(Rule(lines=LineTest(**{"deeds": ("article",), **asked})), lines)]

    assert found() == [0, 1, 2, 3]
    assert found(amount_min=Decimal(20)) == [0, 2, 3]
    assert found(amount_min=Decimal(20), amount_max=Decimal(30)) == [0, 2]
    assert found(articles=("vodka",)) == [0, 2, 3]
    assert found(articles=("148", "bague")) == [0, 1, 3]
    assert found(sellers=("8",)) == [2] and found(sources=("2",)) == [2]
    assert found(quantity_min=Decimal(2)) == [0]
    assert found(discount_min=Decimal(1)) == []
    assert found(calendar="open") == [0, 1, 2]
    assert found(calendar="open", outside=True) == [3]
    assert found(types=("T",), deeds=()) == [4]
    assert found(specials=("annule",), deeds=()) == []


def test_a_cancellation_costs_what_the_article_did() -> None:
    rule = Rule(lines=LineTest(deeds=("void",), amount_min=Decimal(20)))
    lines = [
        said(1, "A", amount="24.90", code="1"),
        said(2, "A", amount="5.00", code="2"),
        said(3, "S", special="ANNULE", code="1"),
        said(4, "S", special="ANNULE", code="1"),  # there is none of it any more
        said(5, "S", special="ANNULE", code="2"),
    ]
    (hit,) = hits(rule, lines)
    assert (hit.line.id, hit.amount) == (lines[2].id, Decimal("24.90"))


def test_a_cancellation_of_several_articles() -> None:
    """It costs what they did together, and counts as many."""
    three = [said(at, "A", amount="9", code="1", quantity=Decimal(1)) for at in (1, 2, 3)]
    both = said(4, "S", special="ANNULE", code="1", quantity=Decimal(2))
    (hit,) = hits(Rule(lines=LineTest(deeds=("void",), amount_min=Decimal(18))), [*three, both])
    assert hit.amount == 18
    half = Rule(kind="ticket", ticket=TicketTest(voids_percent=60))
    assert hits(half, [*three, both, said(5, "E", total=Decimal(9))])
    assert not hits(half, [*three, replace(both, quantity=Decimal(1)), said(5, "E", total=Decimal(18))])


# ── tickets ──

TICKET = [said(1, "A", amount="10"), said(2, "S", special="ANNULE"), said(3, "T", amount="8"), said(9, "E", total=None)]


@pytest.mark.parametrize(
    ("test", "met"),
    [
        (TicketTest(has=("end",)), True),
        (TicketTest(has=("return", "void")), True),
        (TicketTest(has=("return",)), False),
        (TicketTest(lacks=("article",)), False),
        (TicketTest(total_min=Decimal(8), total_max=Decimal(8)), True),
        (TicketTest(total_min=Decimal("8.01")), False),
        (TicketTest(lines_min=4, lines_max=4), True),
        (TicketTest(lines_min=5), False),
        (TicketTest(seconds_min=8, seconds_max=8), True),
        (TicketTest(seconds_max=7), False),
        (TicketTest(voids_percent=100), True),
        (TicketTest(unfinished=True), False),
    ],
)
def test_tickets(test: TicketTest, met: bool) -> None:
    assert ids(hits(Rule(kind="ticket", ticket=test), TICKET)) == ([TICKET[-1].id] if met else [])


def test_a_ticket_that_another_one_replaces_was_never_ended() -> None:
    rule = Rule(kind="ticket", ticket=TicketTest(unfinished=True))
    lines = [*TICKET, said(20, "A", ticket_id=2), said(21, "A", ticket_id=2), said(30, "A", ticket_id=3)]
    assert ids(hits(rule, lines)) == [lines[-2].id]


def test_a_ticket_whose_beginning_was_not_heard_is_left_alone() -> None:
    rule = Rule(kind="ticket", ticket=TicketTest(has=("end",), lacks=("article",)))
    lines = [said(3, "E", position=3), said(5, "E", position=1, ticket_id=2)]
    assert ids(hits(rule, lines)) == [lines[1].id]


def test_receipts_of_prisma() -> None:
    """Events outside of receipts, and those the network delayed, disturb none."""
    rule = Rule(kind="ticket", ticket=TicketTest(lines_min=2))
    unfinished = replace(rule, ticket=TicketTest(unfinished=True))
    lines = [
        replace(event(3), ticket_id=1),  # the cashier signs in
        replace(event(4, ticket="12"), ticket_id=2),
        replace(event(6, ticket="12"), received_at=NOON + timedelta(seconds=5), ticket_id=2),
        replace(event(9, ticket="11", flags=("late",)), received_at=NOON + timedelta(seconds=6), ticket_id=99),
        replace(event(5, ticket="12", total=Decimal(7)), id=5, received_at=NOON + timedelta(seconds=7), ticket_id=2),
        replace(event(40), received_at=NOON + timedelta(seconds=8), ticket_id=3),
        replace(event(4, ticket="13"), received_at=NOON + timedelta(seconds=9), ticket_id=4),
        replace(event(4, ticket="14"), received_at=NOON + timedelta(seconds=10), ticket_id=5),
    ]
    (hit,) = hits(rule, lines)
    assert (hit.line.id, hit.amount) == (5, 7)
    (hit,) = hits(unfinished, lines)
    assert hit.line is lines[6]


def returned(*codes: tuple[int, str | None], first: int = 1, total: str | None = None) -> list[Line]:
    """A Prisma receipt of goods that came back: events with their amounts, and the total of the last one."""
    lines = []
    for place, (code, amount) in enumerate(codes):
        at, number = NOON + timedelta(seconds=first + place), first + place
        lines.append(replace(
            event(code, ticket=str(first), special="RETOUR" if code in (6, 46) else ""),
            id=number, received_at=at, ticket_id=first, amount=None if amount is None else Decimal(amount),
            total=Decimal(total) if total and place == len(codes) - 1 else None, code=str(place), seller="Anna",
        ))  # fmt: skip
    return lines


RETURN = returned((46, None), (6, "30"), (6, "12"), (47, None), total="42")


def test_a_prisma_return_is_met_once_with_its_sum() -> None:
    """At its end; or where another receipt shows that its end was lost, at its last line."""
    rule = Rule(lines=LineTest(deeds=("return",)))
    (hit,) = hits(rule, [*RETURN, replace(event(39, ticket="1"), id=9, ticket_id=1)])
    assert (hit.line, hit.deed, hit.amount) == (RETURN[3], "return", 42)
    untold = returned((46, None), (6, "30"), (6, "12"), (18, "30"), (5, None))
    (hit,) = hits(rule, untold)
    assert (hit.line, hit.amount) == (untold[4], 12)
    (hit,) = hits(rule, [*RETURN[:3], *returned((4, None), first=20)])
    assert (hit.line, hit.amount) == (RETURN[2], 42)
    assert hits(rule, RETURN[:3]) == hits(rule, returned((46, None), (6, "30"), (25, None), (47, None))) == []
    over = Rule(lines=LineTest(deeds=("return",), amount_min=Decimal(40)))
    assert ids(hits(over, RETURN)) == [4]
    assert hits(replace(over, lines=replace(over.lines, amount_min=Decimal(43))), RETURN) == []
    assert ids(hits(Rule(lines=LineTest(deeds=("end",))), RETURN)) == [4]  # and that is what it was


def test_what_counts_of_a_prisma_return() -> None:
    """Two of them are two; articles, where they are asked for, are met each; an absence is asked of the first line."""
    second = returned((46, None), (6, "5"), (47, None), first=20, total="5")
    count = Rule(kind="window", lines=LineTest(deeds=("return",)), window=WindowTest(seconds=60, at_least=Decimal(2)))
    (hit,) = hits(count, [*RETURN, *second])
    assert (hit.line, hit.lines, hit.figure) == (second[2], (4, 22), 2)
    summed = replace(count, window=replace(count.window, measure="sum", at_least=Decimal(47)))
    assert [hit.figure for hit in hits(summed, [*RETURN, *second])] == [47]
    assert ids(hits(Rule(lines=LineTest(deeds=("return",), articles=("2",))), RETURN)) == [3]
    assert ids(hits(Rule(lines=LineTest(deeds=("return",), types=("6",))), RETURN)) == [2, 3]
    assert ids(hits(Rule(lines=LineTest(articles=("2",))), RETURN)) == [3]
    nothing = Rule(kind="absence", lines=LineTest(deeds=("return",)), absence=AbsenceTest(60, "before", ()))
    assert ids(hits(nothing, RETURN)) == [1]
    assert ids(hits(replace(nothing, lines=LineTest(deeds=("return", "void"))), RETURN)) == [1]
    has = Rule(kind="ticket", ticket=TicketTest(has=("return",)))
    assert ids(hits(has, RETURN)) == [4]


# ── windows ──


def window(**more: Any) -> Rule:
    return Rule(kind="window", lines=LineTest(deeds=("void",)), window=WindowTest(**{"seconds": 60, **more}))


def void(second: float, seller: str = "7", amount: str | None = None) -> Line:
    return said(second, "S", special="ANNULE", seller=seller, amount=amount)


def test_three_in_a_minute() -> None:
    lines = [void(0), void(1, "8"), void(10), void(59), void(60), void(61), void(62)]
    (first, second) = hits(window(at_least=Decimal(3)), lines)
    assert (first.line, first.lines, first.figure) == (lines[3], (lines[0].id, lines[2].id, lines[3].id), 3)
    assert second.line is lines[6]
    assert hits(window(at_least=Decimal(3)), [void(0), void(30), void(60)]) == []  # the first is a minute old


def test_a_sum_and_a_share() -> None:
    lines = [void(0, amount="-40"), void(5, amount="70"), void(6)]
    (hit,) = hits(window(measure="sum", per="source", at_least=Decimal(100)), lines)
    assert (hit.line, hit.figure) == (lines[1], 110)
    ratio = window(measure="ratio", per="all", at_least=Decimal(50), base=4)
    sale = [said(n, "A") for n in range(4)]
    (hit,) = hits(ratio, [*sale[:3], void(3.5), void(3.6), sale[3], void(5)])
    assert (hit.line.id, hit.figure) == (5001, 75)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("78"), st.booleans()), max_size=60),
    st.integers(1, 5),
    st.integers(1, 60),
)
def test_windows_are_as_reckoned_over_the_whole_past(said_: list[Any], at_least: int, seconds: int) -> None:
    """Line by line gives what looking back over everything gives."""
    at, lines = 0.0, []
    for step, seller, voids in said_:
        at += step + 0.5
        lines.append(void(at, seller) if voids else said(at, "A", seller=seller))
    expected, done = [], {"7": NOON - timedelta(days=1), "8": NOON - timedelta(days=1)}
    for line in lines:
        if line.special and (
            sum(
                one.seller == line.seller
                and bool(one.special)
                and done[one.seller] < one.received_at <= line.received_at
                and one.received_at > line.received_at - timedelta(seconds=seconds)
                for one in lines
            )
            >= at_least
        ):
            expected.append(line.id)
            done[line.seller] = line.received_at
    assert ids(hits(window(seconds=seconds, at_least=Decimal(at_least)), lines)) == expected


# ── absences ──


def absence(when: str = "after", **more: Any) -> Rule:
    test = AbsenceTest(30, when, ("article", "end"))
    return Rule(kind="absence", lines=LineTest(deeds=("drawer", "no_sale", "return")), absence=test, **more)


def test_a_drawer_without_a_sale_is_known_once_the_time_is_over() -> None:
    lines = [said(0, "D"), said(5, "A", source="2"), said(10, "D", source="2"), said(40, "E", source="2")]
    assert ids(hits(absence(), lines[:3])) == []
    assert ids(hits(absence(), lines)) == [lines[0].id]  # the other till's came after 30 seconds, just in time
    assert ids(hits(absence(), lines[:3], until=40)) == [lines[0].id]
    assert ids(hits(absence(), lines[:3], until=40.1)) == [lines[0].id, lines[2].id]


def test_goods_returned_without_a_sale_before() -> None:
    lines = [said(0, "A"), said(30, "S", special="RETOUR"), said(31, "S", special="RETOUR")]
    assert ids(hits(absence("before"), lines)) == [lines[2].id]


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("12"), st.sampled_from("DATE")), max_size=60))
def test_absences_are_as_reckoned_over_the_whole_past(said_: list[Any]) -> None:
    at, lines = 0.0, []
    for step, source, kind in said_:
        at += step + 0.5
        lines.append(said(at, kind, source=source))
    span = timedelta(seconds=30)

    def some(one: Line, first: timedelta, last: timedelta) -> bool:
        return any(
            other.source == one.source
            and other.type in "AE"
            and one.received_at + first <= other.received_at <= one.received_at + last
            and other is not one
            for other in lines
        )

    drawers = [line for line in lines if line.type == "D"]
    after = [one.id for one in drawers if not some(one, timedelta(), span)]
    assert ids(hits(absence(), lines, until=at + 100)) == after
    before = [one.id for one in drawers if not some(one, -span, timedelta())]
    assert ids(hits(absence("before"), lines)) == before


# ── nobody there ──


def test_nobody_before_the_till() -> None:
    rule = Rule(lines=LineTest(deeds=("return",)), still=StillTest(seconds=30))
    lines = [said(0, "S", special="RETOUR")]
    assert ids(hits(rule, lines, Blind(True))) == [lines[0].id]
    assert hits(rule, lines, Blind(False)) == []
    doubted: list[Line] = []
    watch = Watch(rule, Blind(None), doubted.append)
    assert watch.hear(Tills().hear(lines[0])) == [] and doubted == lines


def test_what_is_known_of_movement() -> None:
    movements = Movements(lambda uid: uid != 3)

    def still(zone: str = "", *cameras: int) -> bool | None:
        return movements.still(cameras or (1,), zone, NOON - timedelta(seconds=30), NOON)

    assert still() is True and still("", 3) is None and still("", 3, 1) is True
    movements.moved(1, NOON - timedelta(seconds=36))
    assert still() is True
    movements.moved(1, NOON - timedelta(seconds=34), ("door",))  # it may have lasted
    assert still() is False and still("counter") is True and still("door") is False and still("", 2) is True
    movements.moved(1, NOON - timedelta(minutes=9))
    assert still() is False
    movements.moved(2, NOON + timedelta(seconds=1))  # behind the time that is asked for
    assert still("", 2) is True
    assert still("counter", 2) is True
    movements.moved(2, NOON, ("*",))  # it may have been anywhere
    assert still("counter", 2) is False and still("", 2) is False


@given(st.lists(st.integers(0, 300), max_size=40), st.sampled_from((0, 1, 10, 60)), st.integers(0, 300))
def test_motion_within_a_time_is_known_in_whatever_order_it_is_told(moved: list[int], seconds: int, at: int) -> None:
    movements = Movements(lambda uid: True)
    for second in moved:
        movements.moved(1, NOON + timedelta(seconds=second))
    stop = NOON + timedelta(seconds=at)
    still = movements.still((1,), "", stop - timedelta(seconds=seconds), stop)
    assert still is not any(at - seconds - MOTION_SECONDS <= second <= at for second in moved)


# ── what is remembered ──


def test_what_a_rule_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("MOST_KEPT", 5), ("MOST_KEYS", 3), ("MOST_PENDING", 4)):
        monkeypatch.setattr(follows, name, most)
    monkeypatch.setattr(sales, "MOST_SOURCES", 3)
    counting, waiting = Watch(window(at_least=Decimal(99), seconds=9999), Blind()), Watch(absence(), Blind())
    tills = Tills()
    for n in range(50):
        for line in (void(n, str(n % 7)), said(n + 0.1, "D", source=str(n % 9))):
            for watch in (counting, waiting):
                list(watch.hear(tills.hear(line)))
    assert isinstance(counting._follow, follows.Window) and isinstance(waiting._follow, follows.Absence)
    assert len(counting._follow._kept) == 3 and all(len(kept.lines) <= 5 for kept in counting._follow._kept.values())
    assert len(waiting._follow._pending) == 4 and len(tills._sales) == 3


def test_a_line_that_met_a_rule_before_counts_no_further() -> None:
    watch, tills = Watch(window(at_least=Decimal(3)), Blind()), Tills()
    lines = [void(n) for n in range(4)]
    assert [watch.hear(tills.hear(line)) for line in lines[:2]] == [[], []]
    watch.reset(lines[1])
    assert watch.hear(tills.hear(lines[2])) == [] and watch.hear(tills.hear(lines[3])) == []


def test_presets_are_rules_that_can_be_heard() -> None:
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)
    for preset in PRESETS:
        assert horizon(preset) >= timedelta(minutes=10)
        assert isinstance(hits(preset, TICKET, until=1000), list)
