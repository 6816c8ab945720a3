"""Rules and exceptions as rows, and the reading of long stretches of lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from support.database import DatabaseCase
from support.rules import said, told

from camtrace import factcode
from camtrace.errors import Conflict, NotFound
from camtrace.events import AlarmEnded, AlarmTriggered, RuleMet
from camtrace.metrics import Metrics
from camtrace.model import (
    AbsenceTest,
    Alarm,
    ExceptionQuery,
    LineTest,
    NumberTest,
    Rule,
    RuleException,
    StillTest,
    TicketTest,
    Trigger,
    WindowTest,
)
from camtrace.store import migrate
from camtrace.store.alarms import AlarmStore
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore
from camtrace.store.rules import RuleStore

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, UTC)
RULE = Rule(
    name="Voids",
    enabled=True,
    kind="window",
    lines=LineTest(deeds=("void",), amount_min=Decimal("12.50"), sellers=("Zoé",), outside=True, calendar="open"),
    window=WindowTest(60, "source", "sum", Decimal("99.9")),
    absence=AbsenceTest(9, "before", ("end",)),
    still=StillTest(30, "counter", 101),
    alarm=False,
    changed_at=NOON,
)

NAMED = ("begin", "subtotal", "change", "discount_card", "money", "sign_on", "long_shift", "aside")  # by step 13


def met(id: int, line: int = 0, seconds: int = 0, cameras: tuple[int, ...] = (7,)) -> RuleMet:
    exception = RuleException(
        id=id, rule_id=1, rule="Voids", at=NOON + timedelta(seconds=seconds), source="KKM:1", seller="Zoé", ticket="12",
        ticket_id=5, line_id=line or id, lines=(1, 2), deed="void", text="TARTE", amount=Decimal("-16.00"),
        figure=Decimal("3"), cameras=cameras, alarm=True,
    )  # fmt: skip
    return RuleMet(id, exception)


class RuleStoreTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate rule, rule_exception, line, ticket, alarm, trigger")
        self.store, self.lines = RuleStore(self.database), LineStore(self.database)
        self.facts = FactsStore(self.database, self.lines, Metrics())

    async def test_rules_are_made_changed_removed(self) -> None:
        made = await self.store.create(RULE)
        self.assertEqual(made, replace(RULE, id=made.id))
        self.assertEqual(await self.store.by_id(made.id), made)
        with self.assertRaises(Conflict):
            await self.store.create(RULE)
        changed = await self.store.update(replace(made, enabled=False, kind="line", still=StillTest()))
        self.assertEqual(await self.store.all(), [changed])
        self.assertEqual(await self.store.delete(made.id), changed)
        for work in (self.store.delete(made.id), self.store.update(made)):
            with self.assertRaises(NotFound):
                await work

    async def test_rules_that_meant_more_go_on_to_do_so(self) -> None:
        """The step that tells cash and cards apart."""
        (step,) = [one for one in migrate.read() if one.number == 13]
        made = [
            await self.store.create(replace(RULE, name="a", lines=LineTest(deeds=("payment", "end", "denied")))),
            await self.store.create(
                replace(RULE, name="b", ticket=TicketTest(has=("denied",), lacks=("payment", "other")))
            ),
            await self.store.create(RULE),
            await self.store.create(replace(RULE, name="n", kind="number", number=NumberTest("repeat", 7))),
        ]
        await self.database.execute(step.sql)
        first, second, *others = [await self.store.by_id(rule.id) for rule in made]
        self.assertEqual(others, made[2:])
        assert first and second
        self.assertEqual(first.lines.deeds, ("payment", "end", "denied", "cash", "card_denied"))
        self.assertEqual(
            (second.ticket.has, second.ticket.lacks), (("denied", "card_denied"), ("payment", "other", "cash", *NAMED))
        )

    async def test_an_exception_is_kept_once_for_a_rule_and_a_line(self) -> None:
        fact = met(11)
        self.assertEqual(factcode.decode(factcode.encode(fact)), fact)
        await self.facts.write([fact, fact, met(12, line=11), told(said(1, "A"))])
        self.assertEqual(await self.store.exceptions(ExceptionQuery()), [fact.exception])
        self.assertEqual(await self.store.exception(11), fact.exception)
        self.assertEqual(await self.store.met_since(NOON), {(1, 11)})
        self.assertEqual(len(await self.lines.lines()), 1)
        self.assertIsNone(await self.store.exception(12))
        self.assertEqual(await self.lines.last_id(), 1001)

    async def test_exceptions_are_found_and_judged(self) -> None:
        await self.facts.write([met(n, seconds=n, cameras=(n % 2,)) for n in range(1, 6)])

        async def ids(limit: int = 100, before: tuple[datetime, int] | None = None, **asked: Any) -> list[int]:
            return [one.id for one in await self.store.exceptions(ExceptionQuery(**asked), limit, before)]

        self.assertEqual(await ids(2), [5, 4])
        self.assertEqual(await ids(before=(NOON + timedelta(seconds=4), 4)), [3, 2, 1])
        self.assertEqual(await ids(camera_uids=[1], stop=NOON + timedelta(seconds=4)), [3, 1])
        self.assertEqual(await ids(seller="Zoé", source="KKM:1", rule_id=1, start=NOON + timedelta(seconds=5)), [5])
        self.assertEqual(await ids(seller="ZOE"), [5, 4, 3, 2, 1])
        self.assertEqual(await ids(seller="Zo"), [])
        self.assertEqual(
            await self.store.counts(ExceptionQuery(source="KKM:1", seller="zoé"), "seller"), [("Zoé", "", 5)]
        )
        judged = await self.store.review(3, "anna", NOON, "harmless", "asked", before="")
        self.assertEqual((judged.verdict, judged.comment, judged.reviewed_by), ("harmless", "asked", "anna"))
        self.assertEqual(await ids(verdict="harmless"), [3])
        self.assertEqual(await ids(verdict=""), [5, 4, 2, 1])
        self.assertEqual(await self.store.counts(ExceptionQuery()), [("1", "", 4), ("1", "harmless", 1)])
        self.assertEqual(
            await self.store.counts(ExceptionQuery(NOON + timedelta(seconds=3), camera_uids=[0])), [("1", "", 1)]
        )
        await self.facts.write([met(3, seconds=3)])  # the spool says it again
        self.assertEqual(await ids(verdict="harmless"), [3])
        noted = await self.store.review(3, "boris", NOON, comment="x")
        self.assertEqual((noted.verdict, noted.comment, noted.reviewed_by), ("harmless", "x", "boris"))
        with self.assertRaises(Conflict):
            await self.store.review(3, "anna", NOON, "real", before="")
        self.assertEqual((await self.store.exception(3)).verdict, "harmless")
        with self.assertRaises(NotFound):
            await self.store.review(99, "anna", NOON, "real")
        self.assertEqual(await self.store.counts(ExceptionQuery(rule_id=1)), [("1", "", 4), ("1", "harmless", 1)])
        self.assertEqual(await self.store.counts(ExceptionQuery(rule_id=2)), [])
        await self.facts.write([met(n, seconds=n) for n in range(100, 551)])  # many at once
        self.assertEqual(sum(count for *_, count in await self.store.counts(ExceptionQuery())), 456)

    async def test_lines_in_long_stretches(self) -> None:
        lines = [said(n, "A", amount="1.50", text="Ü", position=n) for n in range(1, 8)]
        await self.facts.write([told(line) for line in lines])
        start, stop = lines[1].received_at, lines[6].received_at
        first = await self.lines.said(start, stop, limit=4)
        self.assertEqual(first, lines[1:5])
        after = first[-1].received_at, first[-1].id
        self.assertEqual(await self.lines.said(start, stop, after, limit=4), lines[5:])
        self.assertEqual(await self.lines.instant_of_newest(6), lines[0].received_at)
        self.assertIsNone(await self.lines.instant_of_newest(7))

    async def test_which_raised_their_alarm(self) -> None:
        at = NOON + timedelta(seconds=30)
        alarm = Alarm(id=1, camera_uid=7, started_at=at, last_at=at, until=at, causes=("rule",))
        triggers = [
            Trigger(at=at, cause="rule", origin="Voids"),
            Trigger(at=at + timedelta(seconds=1), cause="rule", origin="Drawer"),
            Trigger(at=at + timedelta(seconds=2), cause="http", origin="Voids"),
        ]
        facts = [AlarmTriggered(n, replace(alarm, triggers=n), one) for n, one in enumerate(triggers, 1)]
        met_facts = [met(11), met(12, seconds=5, cameras=(8,)), met(13, seconds=-5)]
        silent = replace(met(14), exception=replace(met(14).exception, alarm=False))
        await self.facts.write([*facts, *met_facts, silent])
        found = await self.store.alarmed_since(NOON)
        self.assertEqual([(one.id, raised) for one, raised in found], [(11, {at}), (12, set())])

    async def test_motion_of_the_past(self) -> None:
        facts = []
        for n, (cause, message) in enumerate([("motion", "door"), ("camera_motion", "x"), ("http", "y")], 1):
            at = NOON + timedelta(seconds=n)
            alarm = Alarm(id=1, camera_uid=7, started_at=at, last_at=at, until=at, causes=(cause,), triggers=n)
            facts.append(AlarmTriggered(n, alarm, Trigger(at=at, cause=cause, message=message)))
        await self.facts.write(facts)
        rows = AlarmStore(self.database)
        at = [NOON + timedelta(seconds=n) for n in range(4)]
        self.assertEqual(await rows.motions(at[0], at[3]), [(at[1], 7, "door"), (at[2], 7, "")])
        self.assertEqual(await rows.motions(at[1], at[2]), [(at[2], 7, "")])
        long = replace(facts[-1].alarm, last_at=NOON + timedelta(seconds=60), causes=("motion",), triggers=1002)
        await self.facts.write([AlarmEnded(9, long)])
        moved = await rows.motions(at[3], NOON + timedelta(seconds=30))
        self.assertEqual({(uid, zones) for _, uid, zones in moved}, {(7, "*")})
        steps = [(one[0] - NOON).total_seconds() for one in moved]
        self.assertTrue(steps[0] <= 7 and steps[-1] > 25 and max(b - a for a, b in pairwise(steps)) <= 5, steps)
