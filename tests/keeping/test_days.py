"""Days that an administrator sets: what goes by that is told before, confirmed, and has a week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.keeping import NIGHT, Rows
from twisted.internet import defer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.errors import Conflict, Invalid
from camtrace.keeping.days import KeptDays
from camtrace.keeping.retention import GRACE, Step, are_fewer, expiry, in_force, step
from camtrace.keeping.service import FIRST_SECONDS, LOOK_SECONDS, Keeping
from camtrace.model import ALARMS, FOOTAGE, JOURNALS, LINES, DaysPlan, Leaving, Profile, Removal, User

ANNA = User(1, "anna", Profile(1, "administrator", frozenset({"settings"})), "en")
DAY = timedelta(days=1)
IN_FILE = {FOOTAGE: 0, ALARMS: 90, LINES: 730, JOURNALS: 365}
DAYS = st.integers(0, 4000)


class Footage:
    """A file of footage for each of the last `days` days."""

    days = 60

    async def leaving(self, days: int, alarm_days: int) -> Leaving:
        files = max(0, self.days - days) if days else 0
        return Leaving({"files": files, "bytes": 10**9 * files}, NIGHT - self.days * DAY if files else None)


class DaysTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.at, self.notes = Clock(), NIGHT + timedelta(hours=9), []
        self.rows = Rows(self.clock)
        self.rows.rows["lines"] = [NIGHT - number * DAY for number in range(1, 731)]
        self.rows.removals[LINES] = Removal(LINES, reached=expiry(NIGHT, 730, UTC), done_at=NIGHT)
        self.rows.seconds = 0

        def note(kind: str, text: str, values: dict[str, Any], user: str = "") -> defer.Deferred[None]:
            self.notes.append((kind, text, values, user))
            return defer.succeed(None)

        now = lambda: self.at  # noqa: E731
        self.days = KeptDays(self.rows, Footage(), note, UTC, IN_FILE, now)
        self.keeping = Keeping(
            self.rows, self.rows, note, lambda: False, self.clock, UTC,
            {LINES: 730, JOURNALS: 365}, now, self.clock.seconds,
        )  # fmt: skip
        self.done(self.keeping.start())
        self.clock.advance(FIRST_SECONDS)
        self.addCleanup(lambda: self.done(self.keeping.stop()))

    def done(self, work: Any) -> Any:
        return self.successResultOf(defer.Deferred.fromCoroutine(work))

    def refused(self, kind: type[Exception], what: str, days: int | None, **more: Any) -> str:
        work = self.days.change(what, days, ANNA, **more)
        return str(self.failureResultOf(defer.Deferred.fromCoroutine(work), kind).value)

    def change(self, what: str, days: int | None, confirmed: bool = True) -> DaysPlan:
        plan: DaysPlan = self.done(self.days.change(what, days, ANNA, confirmed))
        return plan

    def pass_days(self, count: float) -> None:
        """So many days go by, in steps of half a day."""
        for _ in range(round(2 * count)):
            self.at += DAY / 2
            self.clock.advance(LOOK_SECONDS)
            for _ in range(20):
                self.clock.advance(1)

    @property
    def left(self) -> int:
        return len(self.rows.rows["lines"])

    def test_in_the_file_until_it_is_set(self) -> None:
        self.assertEqual((self.days.of(LINES).wanted, self.days.of(LINES).days), (730, None))
        self.assertEqual(self.days.for_footage(), (0, 90))
        self.change(ALARMS, 100)
        self.assertEqual(self.days.for_footage(), (0, 100), "more days count at once")
        self.change(ALARMS, None)
        self.assertEqual((self.days.of(ALARMS).days, self.days.of(ALARMS).wanted), (None, 90))
        self.assertEqual(
            [(text, values["before"], values["days"], user) for _, text, values, user in self.notes],
            [("kept_days_set", 90, 100, "anna"), ("kept_days_set", 100, 90, "anna")],
        )

    def test_what_would_go_is_told_before(self) -> None:
        plan = self.done(self.days.plan(LINES, 400))
        self.assertEqual((plan.before, plan.after, plan.leaving.count), (730, 400, {"lines": 330}))
        self.assertEqual(plan.begins_at, self.at + GRACE)
        self.assertEqual(plan.leaving.oldest, NIGHT - 730 * DAY)
        self.assertEqual(self.notes, [], "asking changes nothing")
        self.assertFalse(self.done(self.days.plan(LINES, 800)).leaving)
        self.assertFalse(self.done(self.days.plan(LINES, 0)).leaving)

    def test_it_must_be_confirmed(self) -> None:
        self.assertIn("confirmed", self.refused(Conflict, LINES, 400))
        self.assertIn("meanwhile", self.refused(Conflict, LINES, 400, confirmed=True, before=365))
        self.assertEqual((self.rows.removals[LINES].days, self.notes), (None, []))
        self.done(self.days.change(LINES, 740, ANNA))  # nothing goes by that

    def test_bounds(self) -> None:
        for what, days in ((JOURNALS, 30), (LINES, -1), (LINES, 40_000)):
            self.refused(Invalid, what, days, confirmed=True)
        self.change(JOURNALS, 0)

    def test_a_week_even_for_a_few_days(self) -> None:
        """Twenty days more would go the next night, had nobody set them."""
        self.change(LINES, 710)
        self.assertEqual(self.notes[-1][1:], (
            "kept_days_fewer",
            {"what": "Tickets and exceptions", "before": 730, "days": 710, "day": "2026-12-03"},
            "anna",
        ))  # fmt: skip
        self.pass_days(6.5)
        self.assertEqual(self.left, 730)
        self.pass_days(1)
        self.assertEqual(self.left, 710 - 8 + 1)
        self.assertEqual(self.notes[-1][1], "lines_gone")

    def test_who_made_a_mistake_mends_it(self) -> None:
        self.change(LINES, 31)
        self.pass_days(6)
        self.change(LINES, None, confirmed=False)
        self.pass_days(3)
        self.assertEqual(self.left, 730 - 9)
        self.assertEqual([text for _, text, _, _ in self.notes[:2]], ["kept_days_fewer", "kept_days_set"])
        self.assertNotIn("lines_will_go", [text for _, text, _, _ in self.notes])

    def test_more_days_in_the_week_keep_its_end(self) -> None:
        begins_at = self.change(LINES, 100).begins_at
        self.pass_days(5)
        self.assertEqual(self.change(LINES, 500, confirmed=False).begins_at, begins_at)
        self.pass_days(1.5)
        self.assertEqual(self.left, 730)
        self.pass_days(1)
        self.assertEqual(self.left, 500 - 8 + 1)

    def test_fewer_days_in_the_week_begin_another(self) -> None:
        self.change(LINES, 700)
        self.pass_days(5)
        self.assertIn("confirmed", self.refused(Conflict, LINES, 400))
        self.assertEqual(self.change(LINES, 400).begins_at, self.at + GRACE)
        self.pass_days(6.5)
        self.assertEqual(self.left, 730)
        self.pass_days(1)
        self.assertLess(self.left, 400)

    def test_footage_stays_for_the_week_too(self) -> None:
        plan = self.change(FOOTAGE, 20)
        self.assertEqual(plan.leaving.count["files"], 40)
        self.assertEqual(self.days.for_footage(), (0, 90))
        found = self.days.of(FOOTAGE)
        self.assertEqual((found.wanted, found.held, found.begins_at), (20, 0, self.at + GRACE))
        self.at += GRACE
        self.assertEqual(self.days.for_footage(), (20, 90))
        self.assertIsNone(self.days.of(FOOTAGE).begins_at)
        self.change(FOOTAGE, 10)
        self.assertEqual(self.days.for_footage(), (20, 90))
        self.change(FOOTAGE, 0, confirmed=False)
        self.assertEqual(self.days.for_footage(), (0, 90))

    def test_days_set_between_a_look_and_its_deed(self) -> None:
        """What was decided by other days does not begin."""
        looked_at = self.rows.removals[LINES]
        self.change(LINES, 710)
        self.assertFalse(self.done(self.rows.begin(NIGHT - 729 * DAY, looked_at)))
        self.assertIsNotNone(self.rows.removals[LINES].announced_at)

    def test_another_road(self) -> None:
        self.done(self.rows.set(LINES, 99, None, None, None))
        self.done(self.days.setting_changed("prisma_events"))
        self.assertEqual(self.days.of(LINES).wanted, 730)
        self.done(self.days.setting_changed("kept_days"))
        self.assertEqual(self.days.of(LINES).wanted, 99)
        self.assertEqual(self.days.all_wanted()[LINES], {"days": 99, "held": None})


class Pure(SynchronousTestCase):
    @given(DAYS, DAYS, DAYS)
    def test_fewer_is_an_order(self, one: int, two: int, three: int) -> None:
        self.assertFalse(are_fewer(one, one))
        if are_fewer(one, two):
            self.assertFalse(are_fewer(two, one))
            if are_fewer(two, three):
                self.assertTrue(are_fewer(one, three))

    @given(
        st.none() | DAYS, st.none() | DAYS, DAYS, st.none() | st.integers(-20, 20), st.sampled_from([FOOTAGE, LINES])
    )
    def test_never_fewer_than_wanted(
        self, days: int | None, held: int | None, in_file: int, told: int | None, what: str
    ) -> None:
        """What counts at a moment is what is wanted or more, and more for a week at most."""
        told_at = None if told is None else NIGHT - told * DAY
        found = in_force(NIGHT, in_file, Removal(what, announced_at=told_at, days=days, held=held))
        self.assertEqual(found.wanted, in_file if days is None else days)
        self.assertFalse(are_fewer(found.counting, found.wanted))
        if found.held is not None:
            assert found.begins_at is not None
            self.assertGreater(found.begins_at, NIGHT)

    @given(st.integers(0, 6), st.integers(1, 3000), st.integers(1, 3000))
    def test_nothing_goes_in_the_week(self, day: int, reached: int, announced: int) -> None:
        removal = Removal(
            LINES, reached=NIGHT - reached * DAY, announced=NIGHT - announced * DAY, announced_at=NIGHT - day * DAY
        )
        before: datetime = NIGHT - (announced - day) * DAY
        self.assertIs(step(NIGHT, before, removal), Step.WAIT)
