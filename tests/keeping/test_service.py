"""Rows whose days are over: when they are removed, how gently, and what the journal hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from support.keeping import NIGHT, Rows
from twisted.internet import defer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.keeping.service import AT_ONCE, FIRST_SECONDS, LOOK_SECONDS, Keeping
from camtrace.model import JOURNALS, LINES, Removal

DAY = timedelta(days=1)


class KeepingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.at, self.notes, self.busy = Clock(), NIGHT, [], False
        self.rows = Rows(self.clock)
        self.keeping = self.made()

    def made(self, lines: int = 730, journals: int = 365) -> Keeping:
        def note(kind: str, text: str, values: dict[str, Any]) -> defer.Deferred[None]:
            self.notes.append((text, values))
            return defer.succeed(None)

        keeping = Keeping(
            self.rows, self.rows, note, lambda: self.busy, self.clock, UTC, {LINES: lines, JOURNALS: journals},
            now=lambda: self.at + timedelta(seconds=self.clock.seconds()), monotonic=self.clock.seconds,
        )  # fmt: skip
        self.successResultOf(defer.Deferred.fromCoroutine(keeping.start()))
        return keeping

    def tearDown(self) -> None:
        self.stop()

    def stop(self) -> None:
        stopped = defer.Deferred.fromCoroutine(self.keeping.stop())
        self.clock.advance(self.rows.seconds)
        self.successResultOf(stopped)

    def pass_seconds(self, seconds: float, step: float = 0.05) -> None:
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def next_look(self, later: timedelta = timedelta()) -> None:
        self.at += later
        self.clock.advance(LOOK_SECONDS)
        self.pass_seconds(5)

    def test_told_a_week_before_then_every_night(self) -> None:
        self.rows.rows["lines"] = [NIGHT - (740 - number) * DAY for number in range(740)]
        self.clock.advance(FIRST_SECONDS)
        self.assertEqual(self.notes, [("lines_will_go", {"day": "2026-12-03", "days": 730})])
        self.next_look(timedelta(days=6))
        self.assertEqual((len(self.notes), len(self.rows.rows["lines"])), (1, 740))
        self.assertIsNone(self.keeping.kept_since(LINES))
        self.next_look(timedelta(days=1))
        values = {"day": "2024-12-03", "tickets": 0, "lines": 17, "exceptions": 0}
        self.assertEqual(self.notes[1:], [("lines_gone", values)])
        self.assertEqual(self.keeping.kept_since(LINES), datetime(2024, 12, 3, tzinfo=UTC))
        self.assertEqual(min(self.rows.rows["lines"]), datetime(2024, 12, 3, 3, tzinfo=UTC))
        self.next_look()
        self.assertEqual(len(self.notes), 2, "once a night")
        self.next_look(timedelta(days=1))
        self.assertEqual(
            self.notes[2:], [("lines_gone", {"day": "2024-12-04", "tickets": 0, "lines": 1, "exceptions": 0})]
        )

    def test_what_is_kept_for_ever(self) -> None:
        self.stop()
        self.rows.removals[LINES] = Removal(LINES, announced=NIGHT, announced_at=NIGHT)
        self.rows.rows["lines"] = self.rows.rows["entries"] = [NIGHT - 9000 * DAY]
        self.keeping = self.made(0, 0)
        self.clock.advance(FIRST_SECONDS)
        for _ in range(9):
            self.next_look(timedelta(days=10))
        self.assertEqual(self.notes, [])
        self.assertIsNone(self.rows.removals[LINES].announced, "what was announced with other days is off")

    def test_nothing_that_old(self) -> None:
        """Nothing is announced, and the next look is the next night's."""
        self.rows.rows["lines"] = [NIGHT - 9 * DAY]
        self.clock.advance(FIRST_SECONDS)
        self.assertEqual(self.notes, [])
        self.assertIsNotNone(self.rows.removals[LINES].done_at)
        self.assertIsNone(self.rows.removals[LINES].reached)

    def due(self, count: int) -> None:
        """`count` lines are to go this night."""
        self.rows.removals[LINES] = Removal(LINES, reached=NIGHT - 732 * DAY)
        self.rows.rows["lines"] = [NIGHT - 732 * DAY + timedelta(seconds=number) for number in range(count)]

    def test_it_rests_four_times_as_long_as_it_works(self) -> None:
        self.due(4 * AT_ONCE)
        self.rows.seconds = 0.1
        self.clock.advance(FIRST_SECONDS)
        self.pass_seconds(5)
        pauses = [round(b - a, 2) for a, b in zip(self.rows.steps, self.rows.steps[1:], strict=False)]
        self.assertEqual(len(self.rows.rows["lines"]), 0)
        self.assertTrue(all(pause >= 0.5 for pause in pauses), pauses)

    def test_what_comes_in_goes_first(self) -> None:
        self.due(4 * AT_ONCE)
        self.busy = True
        self.clock.advance(FIRST_SECONDS)
        self.pass_seconds(5)
        self.assertEqual(self.rows.steps, [])
        self.busy = False
        self.pass_seconds(5)
        self.assertEqual(self.rows.rows["lines"], [])

    def test_a_stop_in_the_middle(self) -> None:
        """What had gone is told together with the rest, by the next start."""
        self.due(3 * AT_ONCE)
        self.clock.advance(FIRST_SECONDS)
        self.clock.advance(self.rows.seconds)
        self.stop()
        self.assertEqual(len(self.rows.rows["lines"]), 2 * AT_ONCE)
        self.assertEqual(self.notes, [])
        self.keeping = self.made()
        self.clock.advance(FIRST_SECONDS)
        self.pass_seconds(5)
        values = {"day": "2024-11-26", "tickets": 0, "lines": 3 * AT_ONCE, "exceptions": 0}
        self.assertEqual(self.notes, [("lines_gone", values)])

    def test_texts_are_forgotten_before_they_go(self) -> None:
        self.due(1)
        self.clock.advance(FIRST_SECONDS)
        self.pass_seconds(5)
        texts = [("forgotten", (1, 2)), ("removed", (1, 2)), ("forgotten", ("9", (7,))), ("removed", ("9", (7,)))]
        self.assertEqual(self.rows.texts, texts)

    def test_the_database_is_away(self) -> None:
        self.due(1)
        self.rows.away = True
        self.clock.advance(FIRST_SECONDS)
        self.assertEqual(self.rows.steps, [])
        self.rows.away = False
        self.next_look()
        self.assertEqual(self.rows.rows["lines"], [])
