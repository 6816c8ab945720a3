"""The script: what the tills say is the till protocol, adds up, and is in step with the minute."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from support.rules import Blind

from camtrace.demo.script import LOOP, RULES, SALE, TILLS, Till, euros
from camtrace.model import Line
from camtrace.pos import wire
from camtrace.tickets.grouping import Entry, Grouping
from camtrace.tickets.presets import PRESETS
from camtrace.tickets.rules import Watch, listen
from camtrace.tickets.sales import Tills

START = datetime(2026, 11, 20, 12, tzinfo=UTC)

NOON = 222_222_222 * LOOP  # a full minute, in beats since the epoch
tills = pytest.mark.parametrize("till", TILLS, ids=lambda till: till.name)


def said(till: Till, minutes: int = 3) -> list[tuple[int, wire.Message]]:
    """Every line of some minutes, with its beat after the first full minute."""
    first = NOON + till.delay
    return [
        (beat - first, wire.decode(line.removesuffix(b"\n")))
        for beat in range(first, first + minutes * LOOP)
        for line in till.lines(beat)
    ]


@tills
def test_every_line_is_understood(till: Till) -> None:
    """Each line names the till, and its accents survive the till's own encoding."""
    lines = [message for _, message in said(till)]
    assert len(lines) >= 2 * 5 * 3
    assert {message.source for message in lines} == {till.name}
    assert not any("\ufffd" in message.text for message in lines)


@tills
def test_every_sale_is_whole(till: Till) -> None:
    """Half a minute holds one sale, whose last line is its E, but for a drawer that is opened behind it."""
    for minute_half in range(6):
        types = [m.type for at, m in said(till) if at // SALE == minute_half]
        if types[-2:] == ["E", "D"]:
            types.pop()
        assert types[-1] == "E"
        assert types.count("E") == 1


@tills
def test_what_is_paid_is_what_was_sold(till: Till) -> None:
    """The tenders of a sale add up to its articles, less what was cancelled or brought back."""
    for sale in till.sales:
        paid = sum(step.cents for step in sale.steps if step.type in "TE")
        assert paid == sale.total(30)


@tills
def test_a_cancelled_article_was_sold_before(till: Till) -> None:
    """ANNULE names an article of the same ticket."""
    for half in range(6):
        sold = set()
        for at, message in said(till):
            if at // SALE != half:
                continue
            if message.type == "A":
                sold.add(message.code)
            elif message.special == "ANNULE":
                assert message.code in sold


def test_the_shop_knows_cancelled_offered_and_returned_articles() -> None:
    """Between them the tills show every special word but PERTE."""
    words = {message.special for till in TILLS for _, message in said(till)}
    assert {"ANNULE", "OFFERT", "RETOUR"} <= words


def test_the_same_second_of_every_minute_has_the_same_prices() -> None:
    """Only the articles change, so that a picture drawn once tells the truth in every minute."""
    till = TILLS[0]

    def amounts(minute: int) -> list[tuple[int, str]]:
        return [(at % LOOP, str(m.amount)) for at, m in said(till) if at // LOOP == minute and m.type != "D"]

    assert amounts(0) == amounts(1) == amounts(2)
    names = [{m.text for at, m in said(till) if at // LOOP == minute} for minute in range(2)]
    assert names[0] != names[1]


def test_each_rule_of_the_demo_is_met_every_three_minutes() -> None:
    """Once in three minutes, at the till that the script says, as the rules read the lines."""
    drawer, dear, late = RULES
    rules = [preset for preset in PRESETS if preset.name in RULES]
    assert len(rules) == len(RULES)
    grouping = Grouping(count(1).__next__)
    found = []
    for till in TILLS:
        hearing, watches = Tills(), [Watch(rule, Blind()) for rule in rules]
        for beat, message in said(till, 6):
            at = START + timedelta(seconds=beat / 8)
            ends = message.type == "E"
            ticket = grouping.place(Entry("pos", till.name, at, message.ticket, message.seller, None, ends))
            line = Line(
                id=beat + 1,
                received_at=at,
                protocol="pos",
                source=till.name,
                ticket_id=ticket.id,
                type=message.type,
                special=message.special,
                position=ticket.line_count,
                code=message.code,
                amount=message.amount,
            )
            found += [(till.name, watch.rule.name) for watch, _ in listen(line, hearing, watches)]
    assert Counter(found) == {("1", drawer): 2, ("2", dear): 2, ("2", late): 2}


@pytest.mark.parametrize(("cents", "text"), [(1600, "16,00"), (5, "0,05"), (-1050, "-10,50")])
def test_euros(cents: int, text: str) -> None:
    """Amounts are written the French way."""
    assert euros(cents) == text
