"""The one thread that reads all cameras: who ends, who goes on, and when there is a thread at all."""

from __future__ import annotations

import threading

from support.watching import until
from twisted.internet import defer, reactor
from twisted.trial.unittest import TestCase

from camtrace.errors import StreamFailure
from camtrace.media.sweep import Sweep
from camtrace.pools import Pools


class Stepped:
    """A reading that goes on until it is told how to end."""

    def __init__(self) -> None:
        self.steps = 0
        self.threads: set[str] = set()
        self.stopped = False
        self.problem: BaseException | None = None

    def step(self) -> bool:
        self.steps += 1
        self.threads.add(threading.current_thread().name)
        if self.problem is not None:
            raise self.problem
        return not self.stopped


class SweepTests(TestCase):
    """Readings that come and go."""

    timeout = 120

    def setUp(self) -> None:
        pools = Pools(reactor)
        self.addCleanup(pools.stop)
        self.sweep = Sweep(pools)

    def tearDown(self) -> defer.Deferred[None]:
        """No test leaves the thread behind."""
        return defer.Deferred.fromCoroutine(until(lambda: not self.sweeping()))

    def sweeping(self) -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "lane cameras"]

    async def test_steps_until_the_end(self) -> None:
        """Stepped again and again in the thread of all cameras; the end is told on the reactor."""
        reading = Stepped()
        over = self.sweep.add(reading)
        heard: list[str] = []
        over.addCallback(lambda _: heard.append(threading.current_thread().name))
        await until(lambda: reading.steps > 3)
        self.assertFalse(over.called)
        reading.stopped = True
        await over
        self.assertEqual((reading.threads, heard), ({"lane cameras"}, [threading.current_thread().name]))
        steps = reading.steps
        await until(lambda: not self.sweeping())
        self.assertEqual(reading.steps, steps)

    async def test_failure(self) -> None:
        """It is told as it is; the other goes on."""
        good, bad = Stepped(), Stepped()
        going, over = self.sweep.add(good), self.sweep.add(bad)
        bad.problem = StreamFailure("ended", "camera", 554)
        failure = await self.assertFailure(over, StreamFailure)
        self.assertIs(failure, bad.problem)
        steps = good.steps
        await until(lambda: good.steps > steps + 2)
        self.assertFalse(going.called)
        good.stopped = True
        await going

    async def test_the_unexpected(self) -> None:
        """A fault of the program ends the one it met, whatever it says; the others do not notice."""
        good, bad = Stepped(), Stepped()
        going, over = self.sweep.add(good), self.sweep.add(bad)
        bad.problem = ZeroDivisionError("rtsp://me:secret@camera/")
        failure = await self.assertFailure(over, StreamFailure)
        self.assertEqual((failure.kind, failure.detail), ("internal", "ZeroDivisionError"))
        self.assertNotIn("secret", f"{failure} {failure.detail}")
        steps = good.steps
        await until(lambda: good.steps > steps + 2)
        good.stopped = True
        await going

    async def test_one_that_joins(self) -> None:
        """Added while the sweep goes on, by another reading's step even: the same thread takes it."""
        second = Stepped()
        joined: list[defer.Deferred[None]] = []

        class First(Stepped):
            def step(inner) -> bool:  # noqa: N805
                if inner.steps == 2:
                    joined.append(self.sweep.add(second))
                return super().step()

        first = First()
        going = self.sweep.add(first)
        await until(lambda: second.steps > 2)
        self.assertEqual(self.sweeping(), ["lane cameras"])
        first.stopped = second.stopped = True
        await going
        await joined[0]

    async def test_begins_again(self) -> None:
        """Without readings there is no thread; the next one makes another."""
        for _ in range(3):
            reading = Stepped()
            reading.stopped = True
            await self.sweep.add(reading)
            await until(lambda: not self.sweeping())
            self.assertEqual(reading.steps, 1)

    async def test_many_that_come_and_go(self) -> None:
        """Whether the thread is just ending or not, each is stepped to its end, and there is never a second thread."""
        for turn in range(100):
            reading = Stepped()
            reading.stopped = True
            await self.sweep.add(reading)
            self.assertEqual(reading.steps, 1, turn)
