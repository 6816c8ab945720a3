"""Rules at work: what they find becomes a fact, once, and raises alarms; a restart goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from support.rules import CAMERA, NOON, Shop, said
from twisted.internet import defer
from twisted.trial.unittest import TestCase

from camtrace.errors import Conflict
from camtrace.events import AlarmTriggered, LineMasked, RuleMet
from camtrace.model import (
    AbsenceTest,
    Alarm,
    Line,
    LineTest,
    MotionSettings,
    Rule,
    StillTest,
    TicketTest,
    Trigger,
    WindowTest,
)
from camtrace.tickets.trial import Outcome, Trials

VOIDS = Rule(id=1, name="Voids", enabled=True, lines=LineTest(deeds=("void",)), changed_at=NOON)
THREE = Rule(
    id=2,
    name="Three",
    enabled=True,
    kind="window",
    lines=LineTest(deeds=("void",)),
    window=WindowTest(600, "seller", "count", Decimal(3)),
    alarm=False,
    changed_at=NOON,
)


def void(second: float) -> Line:
    return said(second, "S", special="ANNULE", text="TARTE", amount="16.00")


class ExceptionsTests(TestCase):
    async def test_a_rule_that_is_met_is_a_fact_and_raises_an_alarm(self) -> None:
        shop = Shop(VOIDS, replace(VOIDS, id=3, enabled=False))
        await shop.start()
        facts: list[RuleMet] = []
        shop.bus.subscribe(RuleMet, facts.append)
        shop.say(said(1, "A"), void(2), replace(void(3), cameras=(999,)))
        self.assertEqual(shop.found, [(1, 2001), (1, 3001)])
        one = facts[0].exception
        self.assertEqual((one.rule, one.source, one.seller, one.text), ("Voids", "1", "7", "TARTE"))
        self.assertEqual((one.amount, one.lines, one.cameras, one.deed), (Decimal("16.00"), (2001,), (101,), "void"))
        at = NOON + timedelta(seconds=2)
        self.assertEqual(shop.raised, [([CAMERA], "rule", "Voids", "Voids · 1 · 7 · TARTE · 16.00", at)])
        shop.till_names = {"1": "Bakery"}
        shop.say(void(4))
        self.assertEqual(shop.raised[-1][3], "Voids · Bakery · 7 · TARTE · 16.00")
        await shop.stop()
        shop.say(void(5))
        self.assertEqual(len(shop.found), 3)

    async def test_an_alarm_begins_with_the_picture(self) -> None:
        """Earlier than the line at once, later once it is shown; over a restart, too, and once."""
        shop = Shop(VOIDS)
        shop.offset_seconds = -20
        await shop.start()
        shop.say(void(30))
        self.assertEqual([one[-1] for one in shop.raised], [NOON + timedelta(seconds=10)])
        await shop.stop()
        shop = Shop(VOIDS)
        shop.offset_seconds = 20
        await shop.start()
        shop.say(void(40), void(50))
        self.assertEqual((len(shop.found), shop.raised), (2, []))
        shop.wait(11)
        self.assertEqual([one[-1] for one in shop.raised], [NOON + timedelta(seconds=60)])
        await shop.stop()
        shop.wait(20)
        self.assertEqual(len(shop.raised), 1)
        shop.begin()
        await shop.start()
        self.assertEqual([one[-1] for one in shop.raised[1:]], [NOON + timedelta(seconds=70)])
        await shop.stop()

    async def test_what_a_line_does_not_say_any_more_is_not_told(self) -> None:
        """Part of a card's number was found in it before the rule was met."""
        shop = Shop(
            replace(VOIDS, kind="absence", lines=LineTest(deeds=("no_sale", "drawer")), absence=AbsenceTest(30))
        )
        await shop.start()
        facts: list[RuleMet] = []
        shop.bus.subscribe(RuleMet, facts.append)
        drawer = replace(said(1, "D"), text="CB 4111 1111")
        shop.say(drawer)
        shop.bus.publish(LineMasked(9, replace(drawer, text="CB **** ****")))
        shop.wait(33)
        self.assertEqual([fact.exception.text for fact in facts], ["CB **** ****"])
        await shop.stop()

    async def test_how_far_back_alarms_reach(self) -> None:
        drawer = replace(VOIDS, kind="absence", lines=LineTest(deeds=("drawer",)), absence=AbsenceTest(30))
        till = replace(CAMERA, overlay_ids=("1",))
        for rule, offset, seconds in (
            (VOIDS, 0, 0),
            (VOIDS, -20, 20),
            (VOIDS, 20, 0),
            (replace(VOIDS, alarm=False), -20, 0),
            (replace(VOIDS, lines=LineTest(sources=("2",))), -20, 0),
            (drawer, -20, 53),
            (replace(drawer, absence=AbsenceTest(3000)), 0, 300),
        ):
            shop = Shop(rule)
            shop.offset_seconds = offset
            await shop.start()
            self.assertEqual(shop.exceptions.reach(till), seconds)
            self.assertEqual(shop.exceptions.reach(CAMERA), 0)
            await shop.stop()

    async def test_a_restart_goes_on_counting(self) -> None:
        shop = Shop(THREE)
        await shop.start()
        shop.say(void(1), void(2), void(3), void(4), void(5))
        self.assertEqual(shop.found, [(2, 3001)])
        await shop.stop()
        shop.begin()
        await shop.start()
        self.assertEqual(shop.found, [(2, 3001)])
        shop.say(void(6))
        self.assertEqual(shop.found, [(2, 3001), (2, 6001)])
        self.assertEqual(shop.raised, [])
        await shop.stop()

    async def test_what_was_not_told_before_the_stop_is_told_at_the_start(self) -> None:
        shop = Shop(VOIDS, THREE)
        shop.shelves.lines = [void(-1), void(1), void(2), void(3)]  # the first is older than the rules
        shop.seconds = 10
        await shop.start()
        self.assertEqual(sorted(shop.found), [(1, 1001), (1, 2001), (1, 3001), (2, 3001)])
        self.assertEqual(len(shop.raised), 3)
        await shop.stop()

    async def test_silence_is_told_when_its_time_is_over(self) -> None:
        rule = replace(VOIDS, kind="absence", lines=LineTest(deeds=("drawer",)), absence=AbsenceTest(30))
        shop = Shop(rule)
        await shop.start()
        shop.say(said(1, "D"))
        shop.wait(31)
        self.assertEqual(shop.found, [])  # a line may be on its way
        shop.wait(2)
        self.assertEqual(shop.found, [(1, 1001)])
        await shop.stop()

    async def test_a_till_that_falls_silent_is_told_once_over_a_restart(self) -> None:
        left = replace(VOIDS, kind="ticket", ticket=TicketTest(unfinished=True, silence_seconds=60))
        drawer = replace(VOIDS, id=4, kind="absence", lines=LineTest(deeds=("drawer",)), absence=AbsenceTest(30))
        shop = Shop(left, drawer)
        await shop.start()
        shop.say(said(1, "A", position=1), said(2, "D", position=2))
        shop.wait(61)
        self.assertEqual(shop.found, [(4, 2001)])
        shop.wait(2)
        self.assertEqual(shop.found, [(4, 2001), (1, 2001)])
        await shop.stop()
        shop.begin()
        await shop.start()
        shop.wait(1)
        shop.say(said(90, "A", position=3), said(91, "E", position=4))
        self.assertEqual((len(shop.found), len(shop.raised)), (2, 2))
        await shop.stop()

    async def test_a_till_that_fell_silent_while_the_server_was_stopped_is_told_at_the_start(self) -> None:
        shop = Shop(replace(VOIDS, kind="ticket", ticket=TicketTest(unfinished=True, silence_seconds=60)))
        shop.shelves.lines = [said(1, "A", position=1)]
        shop.seconds = 62
        await shop.start()
        self.assertEqual(shop.found, [])
        await shop.stop()
        shop.begin()
        shop.seconds = 100
        await shop.start()
        self.assertEqual(shop.found, [(1, 1001)])
        await shop.stop()

    async def test_a_rule_that_is_changed_acts_at_once_and_others_go_on(self) -> None:
        shop = Shop(THREE)
        await shop.start()
        shop.say(void(1), void(2))
        shop.shelves.rules[1] = VOIDS
        await shop.exceptions.changed()
        shop.say(void(3))
        self.assertEqual(sorted(shop.found), [(1, 3001), (2, 3001)])
        shop.shelves.rules.clear()
        await shop.exceptions.changed()
        shop.say(void(4))
        self.assertEqual(len(shop.found), 2)
        await shop.stop()

    async def test_nobody_before_the_till(self) -> None:
        rule = replace(VOIDS, lines=LineTest(deeds=("return",)), still=StillTest(seconds=30, zone="counter"))
        shop = Shop(rule)
        await shop.start()

        def back(second: float) -> Line:
            return said(second, "S", special="RETOUR")

        def move(second: float, message: str) -> None:
            at = NOON + timedelta(seconds=second)
            alarm = Alarm(id=1, camera_uid=101, started_at=at, last_at=at, until=at)
            shop.bus.publish(AlarmTriggered(1, alarm, Trigger(at=at, cause="motion", message=message)))

        shop.say(back(0))
        move(20, "door, counter")
        shop.say(back(40))
        move(70, "door")
        shop.say(back(80))
        self.assertEqual(shop.found, [(1, 1), (1, 80001)])
        self.assertEqual(shop.exceptions.unseen(rule, [("1", (101,)), ("2", ())]), ["2"])
        shop.camera = replace(CAMERA, motion=MotionSettings())
        shop.say(back(200))
        self.assertEqual(len(shop.found), 2)
        self.assertEqual(shop.exceptions.unseen(rule, [("1", (101,))]), ["1"])
        self.assertEqual(shop.exceptions.unseen(VOIDS, [("1", (101,))]), [])
        await shop.stop()

    async def test_nobody_before_the_till_is_asked_of_the_picture(self) -> None:
        rule = replace(VOIDS, still=StillTest(seconds=30))
        shop = Shop(rule)
        shop.offset_seconds = 20
        await shop.start()

        def move(second: float) -> None:
            at = NOON + timedelta(seconds=second)
            alarm = Alarm(id=1, camera_uid=101, started_at=at, last_at=at, until=at)
            shop.bus.publish(AlarmTriggered(1, alarm, Trigger(at=at, cause="motion")))

        shop.say(void(10))
        self.assertEqual(shop.found, [])
        move(28)  # the customer, who is in the picture when it shows that line
        shop.wait(30)
        shop.say(void(90))
        shop.wait(22)
        self.assertEqual(shop.found, [])
        move(111)  # behind the picture of the line
        shop.wait(1)
        self.assertEqual(shop.found, [(1, 90001)])
        self.assertEqual(shop.raised[0][-1], NOON + timedelta(seconds=110))
        self.assertEqual(shop.exceptions.reach(replace(CAMERA, overlay_ids=("1",))), 3.0)
        shop.say(void(200))
        await shop.stop()
        shop.begin()  # what waited when the server ended
        await shop.start()
        shop.wait(24)
        self.assertEqual(shop.found, [(1, 90001), (1, 200001)])
        await shop.stop()


class TrialTests(TestCase):
    async def _tried(self, shop: Shop, rule: Rule, most: int = 100, **more: Any) -> tuple[Outcome, list[int]]:
        heard: list[int] = []

        async def tell(outcome: Outcome) -> None:
            heard.append(outcome.lines)

        trials = Trials(shop.shelves, shop.shelves, shop.shelves, shop, shop, shop.offset)
        stop = NOON + timedelta(hours=1)
        return await trials.run(rule, NOON, stop, most, more.get("may_read", lambda line: True), tell), heard

    async def test_the_past_is_read_in_pages(self) -> None:
        shop = Shop()
        shop.shelves.lines = [void(n) if n % 10 == 0 else said(n, "A", ticket_id=n // 100 + 1) for n in range(1, 2500)]
        outcome, heard = await self._tried(shop, VOIDS, most=3)
        self.assertEqual((outcome.count, outcome.lines, heard), (249, 2499, [*range(250, 2499, 250), 2499]))
        self.assertEqual([hit.line.id for hit in outcome.hits], [10001, 20001, 30001])
        self.assertEqual((outcome.share, outcome.by_source, outcome.by_hour), (1.0, {"1": 249}, {NOON: 249}))
        outcome, _ = await self._tried(shop, VOIDS, may_read=lambda line: False)
        self.assertEqual((outcome.count, outcome.lines), (0, 0))

    async def test_motion_of_the_past_counts(self) -> None:
        shop = Shop()
        shop.shelves.lines = [void(100), void(300), void(500)]
        shop.shelves.moved = [(NOON + timedelta(seconds=290), 101, "counter")]
        outcome, _ = await self._tried(shop, replace(VOIDS, still=StillTest(seconds=30)))
        self.assertEqual([hit.line.id for hit in outcome.hits], [100001, 500001])
        shop.camera = replace(CAMERA, motion=MotionSettings())
        outcome, _ = await self._tried(shop, replace(VOIDS, still=StillTest(seconds=30)))
        self.assertEqual((outcome.count, outcome.unknown), (0, 3))

    async def test_motion_counts_until_the_picture(self) -> None:
        shop, still = Shop(), replace(VOIDS, still=StillTest(seconds=30))
        shop.shelves.lines = [void(100), void(300)]
        shop.shelves.moved = [(NOON + timedelta(seconds=310), 101, "counter")]
        for offset, found in ((0, [100001, 300001]), (9, [100001, 300001]), (10, [100001]), (-10, [100001, 300001])):
            shop.offset_seconds = offset
            outcome, _ = await self._tried(shop, still)
            self.assertEqual([hit.line.id for hit in outcome.hits], found)
        shop.shelves.moved = [(NOON + timedelta(seconds=259), 101, "counter"), (NOON + timedelta(seconds=290), 101, "")]
        for offset, found in ((-15, [100001]), (-41, [100001]), (-42, [100001, 300001]), (30, [100001, 300001])):
            shop.offset_seconds = offset
            outcome, _ = await self._tried(shop, still)
            self.assertEqual([hit.line.id for hit in outcome.hits], found)

    async def test_two_at_a_time_and_cancelled_when_nobody_waits(self) -> None:
        shop = Shop()
        shop.shelves.lines = [void(1)]
        trials = Trials(shop.shelves, shop.shelves, shop.shelves, shop, shop, shop.offset)
        waits = True

        async def tell(outcome: Outcome) -> None:
            if waits:
                await defer.Deferred()

        def run() -> Any:
            stop = NOON + timedelta(hours=1)
            return defer.ensureDeferred(trials.run(VOIDS, NOON, stop, 1, lambda line: True, tell))

        first, second = run(), run()
        with self.assertRaises(Conflict):
            await run()
        first.cancel()
        with self.assertRaises(defer.CancelledError):
            await first
        waits = False
        self.assertEqual((await run()).count, 1)
        second.cancel()
        with self.assertRaises(defer.CancelledError):
            await second
