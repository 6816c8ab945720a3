"""What shops look for in tickets, one by one, as the ready-made rules find it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rules import NOON, Blind, hits, said

from camtrace.model import AbsenceTest, Line, LineTest, NumberTest, Rule, TicketTest, WindowTest
from camtrace.tickets.presets import PRESETS
from camtrace.tickets.rules import Watch, listen
from camtrace.tickets.sales import Tills

PRESET = {rule.name: rule for rule in PRESETS}


def event(second: float, number: int, ticket: str = "12", **more: Any) -> Line:
    """An event of a Prisma till in a receipt."""
    given = {"ticket_id": int(ticket or 0), **more}
    return replace(said(second, str(number), source="KKM:1", **given), protocol="prisma", ticket=ticket)


def seconds(found: list[Any]) -> list[float]:
    return [(hit.line.received_at - NOON).total_seconds() for hit in found]


def money(text: str) -> Decimal:
    return Decimal(text)


# ── the money ──


def receipt(given: str, total: str, change: str | None, *more: Line) -> list[Line]:
    lines = [event(0, 4), event(1, 6), *more, event(8, 37, amount=given, total=money(total))]
    if change is not None:
        lines.append(event(9, 50, amount=change, total=money(total)))
    return [*lines, event(10, 5, total=money(total))]


@pytest.mark.parametrize(
    ("lines", "off"),
    [
        (receipt("20", "15.50", "4.50"), None),
        (receipt("20", "15.50", "14.50"), "10.00"),
        (receipt("20", "15.50", "3"), "1.50"),
        (receipt("20", "15.50", None), None),  # nothing was told of the change
        (receipt("20", "15.50", "9", event(5, 38, total=money("15.50"))), None),  # what the card paid is not told
        (receipt("20", "15.50", "9", event(5, 25)), None),
    ],
)
def test_change_of_a_receipt(lines: list[Line], off: str | None) -> None:
    found = hits(PRESET["Change that is not what was due"], lines)
    assert [str(hit.figure) for hit in found] == ([] if off is None else [off])


def test_change_that_comes_behind_the_end() -> None:
    *lines, end = receipt("20", "15.50", "14.50")
    change = replace(lines.pop(), received_at=end.received_at + timedelta(seconds=1))
    (hit,) = hits(PRESET["Change that is not what was due"], [*lines, end, change])
    assert (hit.line.type, hit.figure) == ("50", 10)


@pytest.mark.parametrize(
    ("lines", "off"),
    [
        ("D9,00 E20,00:11,00", None),
        ("D11,00 E20,00:11,00", None),  # some tills tell the cash that stays
        ("D20,00 E20,00:11,00", None),
        ("D12,00 E20,00:11,00", "1.00"),
        ("T20,00:10,00 D10,00 E16,00:16,00", None),
        ("D5,00 E10,00:11,00", "5.00"),
        ("E10,00:11,00", "1.00"),  # less was given than was due
        ("D9,00 D9,00 E20,00:11,00", None),
        ("D9,00 E:11,00", None),
    ],
)
def test_change_of_a_till(lines: str, off: str | None) -> None:
    said_ = [said(0, "A", position=1)]
    for place, word in enumerate(lines.replace(",", ".").split(), 2):
        first, _, second = word[1:].partition(":")
        total = money(second) if second else None
        said_.append(said(place, word[0], amount=first or None, total=total, position=place))
    found = hits(PRESET["Change that is not what was due"], said_)
    assert [str(hit.figure) for hit in found] == ([] if off is None else [off])


def test_a_drawer_left_open() -> None:
    """Until anything happens at the till; a heartbeat is nothing."""
    rule = PRESET["Drawer open for more than two minutes"]
    lines = [event(0, 40, ""), event(60, 60, ""), event(119, 3, "")]
    assert seconds(hits(rule, lines, until=500)) == []
    assert seconds(hits(rule, [*lines[:2], event(200, 60, "")], until=500)) == [0]


# ── cards, cashiers, prices ──


def test_a_card_on_too_many_tickets() -> None:
    def card(second: float, number: str, ticket: int, tender: str = "1") -> Line:
        return event(second, 35, str(ticket), card=f"************{number}", tender=tender)

    lines = [card(0, "1234", 1), card(1, "1234", 1), card(9, "1234", 2), card(20, "1234", 3), card(21, "1234", 3, "2")]
    lines += [event(30, 35, "4"), event(31, 35, "5"), card(40, "9999", 6)]
    rule = PRESET["One card on more than three tickets a day"]
    assert hits(rule, lines) == []
    (hit,) = hits(rule, [*lines, card(50, "1234", 7)])
    assert (hit.figure, len(hit.lines)) == (4, 5)
    assert hits(rule, [*lines, card(86_401 + 9, "1234", 7)]) == []  # those of a day ago count no more


def test_a_cashier_at_two_tills() -> None:
    rule = PRESET["A cashier at two tills within three minutes"]
    lines = [said(0, "A"), said(5, "A", source="2", seller="8"), said(9, "A"), said(100, "A", source="2")]
    (hit,) = hits(rule, lines)
    assert (hit.line, hit.figure) == (lines[3], 2)
    assert hits(rule, [said(0, "A"), said(181, "A", source="2")]) == []
    assert hits(rule, [said(0, "A", seller=""), said(1, "A", source="2", seller="")]) == []


def test_cancelled_after_the_payment_began() -> None:
    rule = PRESET["Line cancelled after the payment began"]
    lines = [event(0, 4), event(1, 6), event(2, 18), event(3, 26), event(4, 18), event(5, 37), event(6, 9)]
    assert seconds(hits(rule, lines)) == [4, 6]
    till = [said(0, "A"), said(1, "T"), said(2, "S", special="ANNULE"), said(3, "E")]
    assert seconds(hits(rule, [*till, said(4, "S", special="ANNULE", ticket_id=2)])) == [2]


def test_prices_and_discounts() -> None:
    cheap = PRESET["Article sold under 0.50"]
    lines = [said(0, "A", amount="0.40"), said(1, "A", amount="1.20", quantity=Decimal(3)), said(2, "A", amount="2")]
    assert seconds(hits(cheap, [*lines, said(3, "A"), replace(lines[2], price=money("0.10"))])) == [0, 1, 2]
    much = PRESET["Discount over twenty in a hundred"]
    discounts = [
        event(0, 52, discount=money("10"), total=money("30")),
        event(1, 52, discount=money("5"), total=money("30")),
        event(2, 22, discount=money("5"), amount="15"),
        event(3, 22, discount=money("5")),
        event(4, 52, discount=money("0"), total=money("0")),
    ]
    assert seconds(hits(much, discounts)) == [0, 2]
    loyal = Rule(lines=LineTest(deeds=("discount_card",), discount_percent=Decimal(20)))
    assert seconds(hits(loyal, [event(0, 35, discount=money("25")), event(1, 35, discount=money("10"))])) == [0]


def test_a_card_refused_then_cash() -> None:
    rule = PRESET["Card refused, then paid in cash"]
    paid = [event(5, 37, amount="5"), event(6, 5, total=money("5"))]
    assert seconds(hits(rule, [event(0, 4), event(1, 6), event(2, 32), *paid])) == [6]
    assert hits(rule, [event(0, 4), event(1, 6), event(2, 17), *paid]) == []


def test_a_long_time_without_a_line() -> None:
    rule = PRESET["Ticket with nothing said for three minutes"]
    lines = [event(0, 4), event(100, 6), event(190, 60, ""), event(281, 6), event(300, 5)]
    assert seconds(hits(rule, lines)) == [300]
    assert hits(rule, [*lines[:2], event(200, 6), event(300, 5), event(900, 39)]) == []


def test_what_the_till_tells_of_its_day() -> None:
    lines = [event(0, 110, ""), event(1, 209, ""), event(7200, 210, "")]
    assert seconds(hits(PRESET["Shift longer than 24 hours"], lines)) == [0]
    report = PRESET["Report printed outside opening hours"]
    assert seconds(hits(report, lines)) == [1, 7200]  # at any hour, until it is said when the shop is open
    assert seconds(hits(replace(report, lines=replace(report.lines, calendar="open")), lines)) == [7200]


# ── tickets that a till leaves ──

LEFT = Rule(kind="ticket", ticket=TicketTest(unfinished=True, silence_seconds=600))


def test_a_ticket_is_left_after_a_silence_once() -> None:
    lines = [said(0, "A", position=1), said(5, "A", position=2), said(9, "A", source="2", position=1)]
    assert seconds(hits(LEFT, lines, until=605)) == []
    assert seconds(hits(LEFT, lines, until=606)) == [5]
    assert seconds(hits(LEFT, lines, until=5000)) == [5, 9]
    later = [said(700, "A", position=3), said(2000, "A", position=4), said(2001, "E", position=5)]
    assert seconds(hits(LEFT, [*lines, *later], until=5000)) == [5, 9]  # it went on: told of once
    other = [said(700, "A", position=1, ticket_id=2), said(701, "E", position=2, ticket_id=2)]
    assert seconds(hits(LEFT, [*lines, *other], until=5000)) == [5, 9]
    assert hits(LEFT, [*lines[:2], said(6, "E", position=3)], until=5000) == []
    half = [said(3, "A", position=3)]  # its beginning was not heard
    assert hits(LEFT, half, until=5000) == []


def test_a_ticket_left_is_judged_as_it_was() -> None:
    rule = replace(LEFT, ticket=TicketTest(lacks=("void",), silence_seconds=600))
    lines = [said(0, "A", position=1), said(700, "S", special="ANNULE", position=2), said(701, "E", position=3)]
    assert seconds(hits(rule, lines)) == [0]


def test_heartbeats_do_not_keep_a_ticket() -> None:
    lines = [event(0, 4), event(1, 6), *(event(n, 60, "0", ticket_id=12) for n in range(60, 1200, 60))]
    assert seconds(hits(LEFT, lines)) == [1]
    other = [said(2, "A", position=1), said(590, "A", position=2)]  # nor behind that of another till
    watch, tills = Watch(LEFT, Blind()), Tills()
    for line in sorted([*lines[:11], *other], key=lambda line: line.received_at):
        assert listen(line, tills, (watch,)) == []
    assert watch.deadline == NOON + timedelta(seconds=601)


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from("12"), st.sampled_from("AAE")), max_size=40))
def test_silence_is_the_same_heard_later(said_: list[Any]) -> None:
    """Who looks at the clock between the lines finds what who hears the past finds, each ticket once."""
    at, lines, tickets = 0.0, [], {"1": [1, 0], "2": [1001, 0]}
    for step, source, kind in said_:
        at += step + 0.5
        ticket = tickets[source]
        ticket[1] += 1
        lines.append(said(at, kind, source=source, ticket_id=ticket[0], position=ticket[1]))
        if kind == "E":
            tickets[source] = [ticket[0] + 1, 0]
    watch, tills, live = Watch(LEFT, Blind()), Tills(), []
    clock = NOON
    for line in lines:
        while clock < line.received_at:
            live += watch.advance(clock - timedelta(seconds=2))
            clock += timedelta(seconds=61)
        live += [hit for _, hit in listen(line, tills, (watch,))]
    live += watch.advance(NOON + timedelta(seconds=at + 10_000))
    past = hits(LEFT, lines, until=at + 10_000)
    assert sorted(seconds(live)) == sorted(seconds(past))
    assert len({hit.line.ticket_id for hit in past}) == len(past)


# ── numbers ──

GAP, TWICE = PRESET["Ticket number missing"], PRESET["Ticket number used twice"]


def numbered(*numbers: int | None, step: float = 60) -> list[Line]:
    """Tickets of one till with these numbers, None for one that tells none; a minute between them."""
    lines = []
    for place, number in enumerate(numbers):
        head = {"ticket_id": place + 1, "ticket": "" if number is None else str(number)}
        lines += [said(place * step, "A", position=1, **head), said(place * step + 2, "E", position=2, **head)]
    return lines


@pytest.mark.parametrize(
    ("numbers", "missing", "twice"),
    [
        ((5, 6, 7), [], []),
        ((5, 6, 9, 10), [(2, 2)], []),
        ((5, 6, 5, 7), [], [2]),
        ((5, 6, 7, 5, 6, 7, 8), [], [3]),  # another count: 6 after 5 is no accident
        ((5, 6, 7, 1, 2, 4), [(5, 1)], []),
        ((1, 1, 2), [], [1]),
        ((5, 6, 300, 301), [], []),  # too far for a gap
        ((5, None, 7, 9), [(3, 1)], []),  # the one without a number may have been 6
        ((5, 8, 6, 7, 9), [(1, 2)], []),  # a minute late is too late for the network
        ((50, 51, 20, 21, 22, 24), [(5, 1)], []),
        ((None, None), [], []),
    ],
)
def test_numbers(numbers: tuple[int | None, ...], missing: list[tuple[int, int]], twice: list[int]) -> None:
    lines = numbered(*numbers)
    found = hits(GAP, lines, until=5000)
    assert [((hit.line.ticket_id - 1), hit.figure) for hit in found] == missing
    assert [hit.line.ticket_id - 1 for hit in hits(TWICE, lines, until=5000)] == twice


def test_the_network_changes_the_order() -> None:
    lines = numbered(5, 7, 6, 8, step=4)
    assert hits(GAP, lines, until=500) == []
    parted = [*numbered(5, 6, step=1), said(5, "A", ticket="5", ticket_id=9, position=1)]
    assert hits(TWICE, parted) == []


def test_a_ticket_that_was_taken_for_two_has_its_number_once() -> None:
    lines = [said(0, "A", ticket="5", position=1), said(2000, "A", ticket="5", ticket_id=2, position=1)]
    assert hits(TWICE, lines) == []
    assert len(hits(TWICE, [lines[0], said(1, "E", ticket="5", position=2), lines[1]])) == 1


def test_counts_begin_anew() -> None:
    first, second = numbered(57, 58), numbered(3, 4)
    moved = [replace(line, received_at=line.received_at + timedelta(hours=5), ticket_id=90) for line in second]
    assert hits(GAP, [*first, *moved], until=90_000) == []
    z = [event(0, 4, "57"), event(1, 5, "57"), event(2, 210, ""), event(60, 4, "57"), event(61, 5, "57")]
    assert hits(TWICE, [*z[:3], *(replace(line, ticket_id=99) for line in z[3:])]) == []
    assert len(hits(TWICE, [*z[:2], *(replace(line, ticket_id=99) for line in z[3:])])) == 1


def test_only_receipts_count_and_each_till_for_itself() -> None:
    lines = [
        event(0, 4, "41"),
        event(1, 5, "41"),
        event(30, 51, "17", ticket_id=98),  # a copy of another one
        event(60, 4, "42"),
        event(61, 5, "42"),
        replace(event(62, 4, "90"), source="KKM:2"),
        event(63, 9, "41", flags=("late",)),
    ]
    assert hits(GAP, lines, until=500) == [] and hits(TWICE, lines, until=500) == []
    ours = replace(GAP, lines=LineTest(sources=("KKM:2",)))
    gap = [*lines, event(70, 4, "45")]
    assert [hit.figure for hit in hits(GAP, gap, until=500)] == [2] and hits(ours, gap, until=500) == []
    assert hits(replace(GAP, number=NumberTest("gap", 1)), gap, until=500) == []


@given(st.permutations(range(10, 20)), st.sets(st.integers(11, 18)))
def test_a_gap_is_what_never_came(order: list[int], lost: set[int]) -> None:
    """Numbers that come within ten seconds, in whatever order, are missing only where they never came."""
    numbers = [9, *(number for number in order if number not in lost), 20]
    found = hits(GAP, numbered(*numbers, step=0.5), until=500)
    assert sum(int(hit.figure or 0) for hit in found) in ({len(lost)} if order[0] == 10 else range(len(lost) + 1))


# ── the server's own lines ──


def test_no_rule_is_met_by_what_the_server_says_of_rules() -> None:
    everything = Rule(lines=LineTest(types=("61",)))
    fired = event(1, 61)
    assert hits(everything, [fired]) == []
    silent = Rule(kind="absence", lines=LineTest(deeds=("no_sale",)), absence=AbsenceTest(30, "after", ()))
    assert seconds(hits(silent, [event(0, 40, ""), fired, event(60, 6)])) == [0]
    counting = Rule(kind="window", lines=LineTest(sources=("KKM:1",), types=("61", "6")), window=WindowTest(60, "all"))
    assert hits(counting, [fired] * 5) == []
