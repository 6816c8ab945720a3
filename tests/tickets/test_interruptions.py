"""Silence that was not heard, and a picture that nobody saw, meet no rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rules import NOON, Blind, Shop, hits, said, told
from twisted.trial.unittest import TestCase

from camtrace.events import CameraStateChanged
from camtrace.model import (
    AbsenceTest,
    CameraState,
    Line,
    LineTest,
    NumberTest,
    Rule,
    Span,
    Status,
    StillTest,
    TicketTest,
)
from camtrace.tickets.interruptions import Interruptions

DRAWER = Rule(kind="absence", lines=LineTest(deeds=("drawer",)), absence=AbsenceTest(30))
BEFORE = Rule(kind="absence", lines=LineTest(deeds=("return",)), absence=AbsenceTest(30, "before", ("article",)))
LEFT = Rule(kind="ticket", ticket=TicketTest(unfinished=True, silence_seconds=60))
DEAR = Rule(kind="ticket", ticket=TicketTest(has=("end",), lines_min=2))
CHEAP = Rule(kind="ticket", ticket=TicketTest(has=("end",), lines_max=2))
GAP = Rule(kind="number", number=NumberTest("gap"))
TICKET = [said(0, "A", position=1, ticket="5"), said(20, "E", position=2, ticket="5")]
LATER = [*TICKET, said(40, "A", ticket_id=2, position=1, ticket="8"), said(41, "E", ticket_id=2, ticket="8")]


def span(start: float, stop: float) -> Span:
    return Span(NOON + timedelta(seconds=start), NOON + timedelta(seconds=stop))


@pytest.mark.parametrize(
    ("rule", "lines", "down", "met"),
    [
        (DRAWER, [said(0, "D", position=2)], (31, 40), 1),
        (DRAWER, [said(0, "D", position=2)], (10, 12), 0),
        (BEFORE, [said(40, "S", special="RETOUR")], (0, 5), 1),
        (BEFORE, [said(40, "S", special="RETOUR")], (5, 11), 0),
        (LEFT, TICKET[:1], (61, 70), 1),
        (LEFT, TICKET[:1], (50, 70), 0),
        (DEAR, TICKET, (5, 10), 1),  # what was heard is enough
        (CHEAP, TICKET, (25, 30), 1),
        (CHEAP, TICKET, (5, 10), 0),  # there may have been more
        (GAP, LATER, (100, 110), 1),
        (GAP, LATER, (25, 30), 0),  # they may have been printed meanwhile
    ],
)
def test_what_was_not_heard(rule: Rule, lines: list[Line], down: tuple[float, float], met: int) -> None:
    sight = Blind()
    sight.deaf = [span(*down)]
    assert len(hits(rule, lines, sight, until=1000)) == met
    assert len(hits(rule, lines, until=1000)) == 1


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9))), st.integers(0, 40), st.integers(0, 9))
def test_spans(drawn: list[tuple[int, int]], start: int, length: int) -> None:
    spans = [span(first, first + long) for first, long in drawn]
    asked = span(start, start + length)
    touched = any(one.start <= asked.stop and asked.start <= one.stop for one in spans)
    assert Interruptions(spans).touch(asked.start, asked.stop) == touched


def test_one_that_lasts() -> None:
    lasting = Interruptions([span(0, 5)])
    lasting.end(NOON + timedelta(seconds=4))  # none lasts
    lasting.begin(NOON + timedelta(seconds=10))
    lasting.begin(NOON + timedelta(seconds=12))

    def touches(start: float, stop: float) -> bool:
        return lasting.touch(span(start, stop).start, span(start, stop).stop)

    assert (touches(6, 9), touches(1000, 1001)) == (False, True)
    lasting.end(NOON + timedelta(seconds=20))
    assert (touches(15, 16), touches(21, 30), touches(5, 6)) == (True, False, True)


class SightTests(TestCase):
    async def test_a_camera_that_was_lost_saw_nobody_leave(self) -> None:
        rule = Rule(
            id=1,
            name="r",
            enabled=True,
            lines=LineTest(deeds=("return",)),
            still=StillTest(seconds=30),
            changed_at=NOON,
        )
        shop = Shop(rule)
        await shop.start()

        def back(second: float) -> Line:
            return said(second, "S", special="RETOUR")

        def state(status: Status, second: float) -> None:
            at = NOON + timedelta(seconds=second)
            shop.bus.publish(CameraStateChanged(1, CameraState(101, status, "", at)))
            if status == Status.ACTIVE:
                shop.shelves.lost.append((101, span(100, second)))

        shop.say(back(50))
        state(Status.INACTIVE, 100)
        shop.say(back(110))
        state(Status.ACTIVE, 120)
        shop.say(back(140), back(151))
        self.assertEqual(shop.found, [(1, 50001), (1, 151001)])
        await shop.stop()
        shop.shelves.down.append(span(200, 300))
        shop.begin()
        shop.seconds, shop.active_since = 300, NOON + timedelta(seconds=305)
        await shop.start()
        shop.say(back(310), back(334), back(336))
        self.assertEqual(shop.found[2:], [(1, 336001)])
        await shop.stop()

    async def test_what_is_on_its_way_breaks_the_silence(self) -> None:
        """A line that has arrived and is not durable yet may be what was waited for."""
        shop = Shop(replace(DRAWER, id=1, name="r", enabled=True, changed_at=NOON))
        await shop.start()
        shop.say(said(0, "D", position=2))
        shop.waits_since = NOON + timedelta(seconds=29)
        shop.wait(34)
        self.assertEqual(shop.found, [])
        late = said(29, "E", position=3)
        shop.waits_since = None
        shop.shelves.lines.append(late)
        shop.bus.publish(told(late))
        shop.wait(1)
        self.assertEqual(shop.found, [])
        await shop.stop()
