"""Intake, sentence by sentence, with a database and a spool that do as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from twisted.internet import defer, task
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable, FactRefused
from camtrace.events import Noted
from camtrace.intake import BATCH_FACTS, Ids, Intake
from camtrace.metrics import Metrics
from camtrace.model import JournalEntry

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def fact(number: int, text: str = "") -> Noted:
    return Noted(number, JournalEntry(id=number, at=NOON, kind="system", text=text))


class Store:
    """A database: `commits` are the batches asked for, answered by `answer` or at once according to `mode`."""

    def __init__(self) -> None:
        self.mode = "up"
        self.commits: list[list[int]] = []
        self.pending: list[tuple[list[int], defer.Deferred[None]]] = []
        self.rows: list[int] = []
        self.poison: set[int] = set()
        self.most = BATCH_FACTS  # that it takes in time
        self.kept: dict[int, str] = {}
        self.prepared: list[Sequence[Any]] = []
        self.as_prepared: list[int] = []

    def prepare(self, facts: Sequence[Any]) -> None:
        self.prepared.append(facts)

    async def write(self, facts: Sequence[Any]) -> None:
        if self.prepared and self.prepared[-1] is facts:
            self.as_prepared.append(len(self.commits))
        ids = [fact.id for fact in facts]
        self.commits.append(ids)
        if self.mode == "slow":
            answer: defer.Deferred[None] = defer.Deferred()
            self.pending.append((ids, answer))
            await answer
        elif self.mode == "away" or len(ids) > self.most:
            raise DatabaseUnavailable("away")
        if self.poison & set(ids):
            raise FactRefused("poison")
        self.rows += [id for id in ids if id not in self.rows]

    def answer(self, error: Exception | None = None) -> None:
        _, answer = self.pending.pop(0)
        answer.callback(None) if error is None else answer.errback(error)

    async def quarantine(self, fact: Any, reason: str) -> bool:
        new = fact.id not in self.kept
        self.kept[fact.id] = reason
        return new


class Disk:
    """A spool in memory; `full` makes it refuse, `slow` makes every append wait for `answer`."""

    def __init__(self) -> None:
        self.facts: list[Any] = []
        self.given = 0
        self.full = False
        self.slow = False
        self.closed = False
        self.pending: list[defer.Deferred[None]] = []
        self.count = 0

    async def open(self) -> None:
        self.count = len(self.facts)

    async def append(self, facts: Sequence[Any]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        if self.slow:
            answer: defer.Deferred[None] = defer.Deferred()
            self.pending.append(answer)
            await answer
        self.facts += facts
        self.count += len(facts)

    async def first(self, limit: int) -> list[Any]:
        found = self.facts[:limit]
        self.given = len(found)
        return found

    async def drop(self) -> None:
        del self.facts[: self.given]
        self.count -= self.given
        self.given = 0

    async def close(self) -> None:
        self.closed = True


class IntakeCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.store, self.disk, self.clock, self.metrics = Store(), Disk(), task.Clock(), Metrics()
        bus = Bus()
        self.published: list[int] = []
        bus.subscribe(Noted, lambda noted: self.published.append(noted.id))
        self.bus = bus
        self.intake: Any = self.make()

    def make(self) -> Intake:
        return Intake(self.store, self.disk, self.bus, Ids(), self.clock, metrics=self.metrics)  # type: ignore[arg-type]

    def record(self, *numbers: int) -> list[defer.Deferred[None]]:
        return [self.intake.record(fact(number)) for number in numbers]


class Batches(IntakeCase):
    def test_since_when_the_oldest_waits(self) -> None:
        self.store.mode = "slow"
        self.assertIsNone(self.intake.waits_since)
        self.record(5_000_000 << 10, 7_000_000 << 10)
        self.assertEqual(self.intake.waits_since, clock.from_us(5_000_000))
        self.store.answer()
        self.assertEqual(self.intake.waits_since, clock.from_us(7_000_000))
        self.clock.advance(0.02)
        self.assertEqual(self.intake.waits_since, clock.from_us(7_000_000))
        self.store.answer()
        self.assertIsNone(self.intake.waits_since)

    def test_the_first_commits_at_once_what_arrives_meanwhile_is_the_next(self) -> None:
        self.store.mode = "slow"
        self.record(1, 2, 3)
        self.assertEqual(self.store.commits, [[1]])
        self.assertEqual(self.intake.waiting, 2)
        self.store.answer()
        self.assertEqual(self.store.commits, [[1]])
        self.clock.advance(0.02)
        self.assertEqual(self.store.commits, [[1], [2, 3]])
        self.record(4)
        self.clock.advance(0.03)  # longer than a batch may grow: it goes as soon as the one before it is done
        self.store.answer()
        self.assertEqual(self.store.commits, [[1], [2, 3], [4]])

    def test_a_full_batch_does_not_wait(self) -> None:
        self.store.mode = "slow"
        self.record(1, 2)
        self.store.answer()
        self.assertEqual(self.store.commits, [[1]])
        self.intake.record_all([fact(number) for number in range(3, BATCH_FACTS + 2)])
        self.assertEqual(self.store.commits, [[1], list(range(2, BATCH_FACTS + 2))])
        self.assertEqual(self.clock.getDelayedCalls()[1:], [])  # one: the patience with the commit under way

    def test_stop_does_not_wait_for_a_batch_to_grow(self) -> None:
        self.store.mode = "slow"
        self.record(1, 2)
        self.store.answer()
        stopped = defer.ensureDeferred(self.intake.stop())
        self.store.answer()
        self.successResultOf(stopped)
        self.assertEqual(self.published, [1, 2])

    def test_nothing_waits_for_a_timer_where_little_arrives(self) -> None:
        self.record(1)
        self.record(2)
        self.assertEqual(self.published, [1, 2])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_batch_has_an_end(self) -> None:
        self.store.mode = "slow"
        self.record(*range(1, BATCH_FACTS + 10))
        self.store.answer()
        self.store.answer()
        self.clock.advance(0.02)
        self.assertEqual([len(batch) for batch in self.store.commits], [1, BATCH_FACTS, 8])

    def test_published_only_after_the_commit(self) -> None:
        self.store.mode = "slow"
        (one,) = self.record(1)
        self.assertEqual(self.published, [])
        self.assertNoResult(one)
        self.store.answer()
        self.assertEqual(self.published, [1])
        self.assertIsNone(self.successResultOf(one))

    def test_a_batch_is_published_while_the_next_is_written(self) -> None:
        self.store.mode = "slow"
        self.record(*range(1, BATCH_FACTS + 2))
        self.store.answer()
        self.assertEqual((self.published, len(self.store.pending)), ([1], 1))

    def test_a_full_batch_is_prepared_while_the_one_before_it_is_written(self) -> None:
        """Not one that may grow, and none behind one that goes to the spool."""
        self.store.mode = "slow"
        self.record(*range(1, 2 * BATCH_FACTS + 5))
        self.store.answer()
        self.assertEqual([fact.id for fact in self.store.prepared[0]], [*range(BATCH_FACTS + 2, 2 * BATCH_FACTS + 2)])
        self.store.answer()
        self.store.answer()
        self.clock.advance(0.02)
        self.store.answer()
        self.assertEqual((len(self.store.prepared), self.store.as_prepared), (1, [2]))
        self.assertEqual(self.published, [*range(1, 2 * BATCH_FACTS + 5)])
        self.store.mode = "away"
        self.record(5000)
        self.disk.slow = True
        self.record(*range(5001, 5002 + 3 * BATCH_FACTS))
        while self.disk.pending:
            self.disk.pending.pop(0).callback(None)
        self.assertEqual((len(self.store.prepared), self.published[-1]), (1, 5001 + 3 * BATCH_FACTS))

    def test_what_arrives_together(self) -> None:
        self.store.mode = "slow"
        done = self.intake.record_all([fact(1), fact(2), fact(3)])
        self.assertEqual(self.store.commits, [[1, 2, 3]])
        self.assertNoResult(done)
        self.store.answer()
        self.assertEqual(self.published, [1, 2, 3])
        self.successResultOf(done)
        self.successResultOf(self.intake.record_all([]))

    def test_a_listener_may_record(self) -> None:
        """What a fact causes is durable after it."""
        self.bus.subscribe(Noted, lambda noted: noted.id < 5 and self.intake.record(fact(noted.id + 1)))
        self.record(1)
        self.clock.pump([0.02] * 5)
        self.assertEqual(self.published, [1, 2, 3, 4, 5])
        self.assertEqual(self.store.rows, [1, 2, 3, 4, 5])


class Away(IntakeCase):
    def test_to_the_spool_and_published_from_there(self) -> None:
        self.store.mode = "away"
        (one,) = self.record(1)
        self.successResultOf(one)
        self.assertEqual((self.published, self.disk.count, self.store.rows), ([1], 1, []))
        self.assertIn("camtrace_spool_facts 1", self.metrics.text())

    def test_published_only_after_the_fsync(self) -> None:
        self.store.mode = "away"
        self.disk.slow = True
        (one,) = self.record(1)
        self.assertNoResult(one)
        self.assertEqual(self.published, [])
        self.disk.pending.pop().callback(None)
        self.successResultOf(one)

    def test_everything_goes_through_the_spool_until_it_is_empty(self) -> None:
        """The database is back before the spool is drained: what is new must not overtake what is old."""
        self.store.mode = "away"
        self.record(1, 2)
        self.store.mode = "slow"
        self.clock.advance(0.5)
        self.assertEqual(self.store.pending[0][0], [1, 2])
        self.record(3)  # while the drain is under way
        self.assertEqual(self.published, [1, 2, 3])
        self.store.answer()
        self.assertEqual(self.store.pending[0][0], [3])
        (four,) = self.record(4)  # the last batch of the spool: this one waits for it
        self.assertNoResult(four)
        self.store.answer()
        self.assertEqual((self.store.pending[0][0], self.disk.count), ([4], 0))
        self.store.answer()
        self.successResultOf(four)
        self.assertEqual(self.store.rows, [1, 2, 3, 4])

    def test_away_again_in_the_last_batch(self) -> None:
        self.store.mode = "away"
        self.record(1)
        self.store.mode = "slow"
        self.clock.advance(0.5)
        self.record(2)
        self.store.answer()
        (three,) = self.record(3)
        self.store.answer(DatabaseUnavailable("again"))
        self.successResultOf(three)
        self.assertEqual([fact.id for fact in self.disk.facts], [2, 3])
        self.store.mode = "up"
        self.clock.advance(0.5)
        self.assertEqual(self.store.rows, [1, 2, 3])

    def test_it_is_tried_again_and_again(self) -> None:
        self.store.mode = "away"
        self.record(1)
        for _ in range(20):
            self.clock.advance(0.5)
        self.assertEqual(len(self.store.commits), 22)
        self.store.mode = "up"
        self.clock.advance(0.5)
        self.assertEqual((self.store.rows, self.disk.count, self.published), ([1], 0, [1]))
        self.record(2)
        self.assertEqual(self.store.rows, [1, 2])

    def test_a_database_that_does_not_answer(self) -> None:
        """After a while it counts as away; should the commit come after all, nothing is doubled."""
        self.store.mode = "slow"
        (one,) = self.record(1)
        self.clock.advance(5)
        self.successResultOf(one)
        self.assertEqual((self.published, self.disk.count), ([1], 1))
        self.store.answer()
        self.store.answer()
        self.assertEqual((self.store.rows, self.disk.count), ([1], 0))

    def test_neither_database_nor_disk(self) -> None:
        """Facts wait in memory, nobody hears of them, and the senders are told by `waiting`."""
        self.store.mode, self.disk.full = "away", True
        (one,) = self.record(1)
        self.record(2, 3)
        self.assertNoResult(one)
        self.assertEqual((self.published, self.intake.waiting), ([], 2))
        self.disk.full = False
        self.clock.advance(0.5)
        self.assertEqual(self.published, [1, 2, 3])

    def test_many_in_the_spool(self) -> None:
        self.store.mode = "away"
        self.intake.record_all([fact(number) for number in range(1, 3501)])
        self.store.mode = "up"
        self.clock.advance(0.5)
        self.assertEqual(self.store.rows, list(range(1, 3501)))
        self.assertEqual(self.published, self.store.rows)

    def test_a_database_that_is_too_slow_for_many(self) -> None:
        """It is asked to take fewer at a time until it can, then more again; all in order."""
        self.store.most = 120
        self.store.mode = "away"
        self.record(*range(1, 1501))
        self.store.mode = "up"
        self.clock.pump([0.5] * 40)
        self.assertEqual((self.store.rows, self.disk.count), (list(range(1, 1501)), 0))
        sizes = [len(ids) for ids in self.store.commits]
        self.assertLess(sizes.index(62), 10)
        self.assertEqual(self.published, list(range(1, 1501)))


class Refused(IntakeCase):
    def test_halved_until_the_offender_is_alone(self) -> None:
        self.store.mode = "slow"
        waiting = self.record(*range(1, 10))
        self.store.mode = "up"
        self.store.poison = {6}
        self.store.answer()
        self.clock.advance(0.02)
        self.assertEqual(sorted(set(self.store.rows) - {9999})[:8], [1, 2, 3, 4, 5, 7, 8, 9])
        self.assertEqual(self.store.kept, {6: "poison"})
        self.failureResultOf(waiting[5], FactRefused)
        self.assertEqual(self.published[:8], [1, 2, 3, 4, 5, 7, 8, 9])
        for done in waiting[:5] + waiting[6:]:
            self.successResultOf(done)

    def test_not_tried_again_and_journaled(self) -> None:
        self.store.poison = {1}
        entries: list[JournalEntry] = []
        self.bus.subscribe(Noted, lambda noted: entries.append(noted.entry))
        other = type("LineReceived", (), {"id": 1})()
        self.failureResultOf(self.intake.record(other), FactRefused)
        self.clock.advance(0.02)
        self.assertEqual(self.store.commits[0], [1])
        self.assertEqual(sum(batch == [1] for batch in self.store.commits), 1)
        (entry,) = entries
        self.assertEqual((entry.kind, entry.text, entry.values["fact"]), ("system", "fact_quarantined", "LineReceived"))

    def test_a_refused_journal_entry_is_not_journaled(self) -> None:
        self.store.poison = {1}
        self.failureResultOf(self.record(1)[0], FactRefused)
        self.assertEqual((len(self.store.commits), self.published), (1, []))

    def test_a_fault_of_the_program_is_one_of_the_fact(self) -> None:
        """Whatever cannot be written must not stand in the way of all others."""

        async def broken(facts: Sequence[Any]) -> None:
            raise TypeError("cannot adapt")

        self.store.write = broken  # type: ignore[method-assign]
        self.failureResultOf(self.record(1)[0], TypeError)
        self.assertEqual(list(self.store.kept), [1])

    def test_in_the_spool_too(self) -> None:
        self.store.mode = "away"
        self.record(1, 2, 3)
        self.store.mode, self.store.poison = "up", {2}
        self.clock.advance(0.5)
        self.assertEqual((self.store.rows, self.disk.count, list(self.store.kept)), ([1, 3], 0, [2]))


class StartAndStop(IntakeCase):
    def test_what_an_earlier_run_left_comes_first(self) -> None:
        """It is brought into the database before the start is over, and nobody is told of it again."""
        self.disk.facts = [fact(1), fact(2)]
        self.store.mode = "slow"
        started = defer.ensureDeferred(self.intake.start())
        self.assertNoResult(started)
        self.store.answer()
        self.successResultOf(started)
        self.assertEqual((self.store.rows, self.disk.count, self.published), ([1, 2], 0, []))

    def test_a_start_without_a_spool(self) -> None:
        self.successResultOf(defer.ensureDeferred(self.intake.start()))
        self.assertEqual(self.store.commits, [])

    def test_stop_makes_durable_what_has_arrived(self) -> None:
        self.store.mode = "slow"
        waiting = self.record(1, 2)
        stopped = defer.ensureDeferred(self.intake.stop())
        self.assertNoResult(stopped)
        self.failureResultOf(self.intake.record(fact(3)), RuntimeError)
        self.store.answer()
        self.store.answer()
        self.successResultOf(stopped)
        self.assertEqual((self.store.rows, self.published, self.disk.closed), ([1, 2], [1, 2], True))
        for done in waiting:
            self.successResultOf(done)

    def test_stop_while_the_database_is_away(self) -> None:
        """It does not wait for the database: the spool is for the next start."""
        self.store.mode = "away"
        self.record(1)
        self.successResultOf(defer.ensureDeferred(self.intake.stop()))
        self.assertEqual((self.disk.count, self.clock.getDelayedCalls()), (1, []))

    def test_stop_when_nothing_takes_facts(self) -> None:
        self.store.mode, self.disk.full = "away", True
        (one,) = self.record(1)
        self.successResultOf(defer.ensureDeferred(self.intake.stop()))
        self.failureResultOf(one, OSError)
        self.assertEqual(self.published, [])


class Numbers(SynchronousTestCase):
    def test_ordered_by_time_whatever_the_clock_does(self) -> None:
        times = iter([5, 5, 3, 6, 1 << 50])
        ids = Ids(lambda: next(times))
        given = [ids.next() for _ in range(5)]
        self.assertEqual(given, [5 << 10, (5 << 10) + 1, (5 << 10) + 2, 6 << 10, 1 << 60])
        self.assertLess(given[-1], 1 << 63)

    def test_after_those_of_an_earlier_run(self) -> None:
        ids = Ids(lambda: 1)
        ids.start_after(1 << 40)
        ids.start_after(3)
        self.assertEqual(ids.next(), (1 << 40) + 1)


class Faults(IntakeCase):
    """Errors that nobody expects cost time, never a fact."""

    def setUp(self) -> None:
        super().setUp()
        self.write, self.broken = self.store.write, True

        async def write(facts: Sequence[Any]) -> None:
            if self.broken:
                raise ValueError("nobody knows this one")
            await self.write(facts)

        self.store.write = write  # type: ignore[method-assign]

    async def refuse(self, fact: Any, reason: str) -> bool:
        raise DatabaseUnavailable("away") if self.broken else RuntimeError("not even here")

    def test_neither_written_nor_set_apart(self) -> None:
        """The facts wait in the spool, in order, and come out of it."""
        self.store.quarantine = self.refuse  # type: ignore[method-assign]
        done = self.record(1, 2)
        self.clock.advance(0.02)
        self.assertEqual((self.disk.count, self.published), (2, [1, 2]))
        for _ in range(3):
            self.clock.advance(0.5)
        self.broken = False
        self.clock.advance(0.5)
        self.assertEqual((self.store.rows, self.disk.count), ([1, 2], 0))
        for one in done:
            self.successResultOf(one)

    def test_a_spool_that_fails(self) -> None:
        """Whatever reading it raises, it is tried again."""
        self.store.mode, self.broken = "away", False
        self.record(1)
        first, failing = self.disk.first, [True, True]

        async def broken(limit: int) -> list[Any]:
            if failing:
                failing.pop()
                raise RuntimeError("nobody knows this one either")
            return await first(limit)

        self.disk.first = broken  # type: ignore[method-assign]
        self.store.mode = "up"
        self.clock.pump([0.5] * 3)
        self.assertEqual((self.store.rows, self.disk.count), ([1], 0))

    def test_refused_by_the_quarantine_too(self) -> None:
        """It stands in the log, and holds up nobody."""
        self.broken, self.store.poison = False, {1}
        self.store.quarantine = self.refuse  # type: ignore[method-assign]
        one, two = self.record(1, 2)
        self.clock.advance(0.02)
        self.failureResultOf(one, FactRefused)
        self.successResultOf(two)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.store.rows, [2])
