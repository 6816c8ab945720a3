"""Threads and the ways between them and the reactor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from twisted.internet import defer, reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace.pools import Inbox, Inline, Lane, Pools


class Turns:
    """A reactor of which only `callFromThread` is there; `turn` runs what it was given."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def callFromThread(self, call: Callable[..., Any], *args: Any) -> None:
        """Remember it."""
        self.calls.append(lambda: call(*args))

    def turn(self) -> None:
        """One turn of the reactor."""
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class InboxTests(SynchronousTestCase):
    """A bounded way towards the reactor."""

    def setUp(self) -> None:
        self.turns = Turns()
        self.received: list[list[int]] = []
        self.inbox = Inbox(self.turns, self.received.append, limit=3)

    def test_one_wake_for_many(self) -> None:
        """What came since the last turn arrives together, in order, by one call."""
        for item in (1, 2, 3):
            self.assertTrue(self.inbox.put(item))
        self.assertEqual(len(self.turns.calls), 1)
        self.turns.turn()
        self.assertEqual(self.received, [[1, 2, 3]])

    def test_full(self) -> None:
        """A full inbox refuses and counts; emptied, it takes again."""
        self.assertEqual([self.inbox.put(item) for item in range(5)], [True, True, True, False, False])
        self.assertEqual(self.inbox.dropped, 2)
        self.turns.turn()
        self.assertTrue(self.inbox.put(9))
        self.turns.turn()
        self.assertEqual(self.received, [[0, 1, 2], [9]])
        self.assertEqual(self.inbox.dropped, 2)

    def test_many_at_once(self) -> None:
        """Several items wake the reactor once; in order, behind what waits already."""
        self.inbox.put(1)
        self.assertTrue(self.inbox.put_all((2, 3)))
        self.assertTrue(self.inbox.put_all([]))
        self.assertEqual(len(self.turns.calls), 1)
        self.turns.turn()
        self.assertEqual(self.received, [[1, 2, 3]])
        self.assertTrue(self.inbox.put_all([]))
        self.assertEqual(self.turns.calls, [])

    def test_more_than_fits(self) -> None:
        """The first ones are taken as far as there is room, the others counted; a full inbox takes none."""
        self.inbox.put(1)
        self.assertFalse(self.inbox.put_all([2, 3, 4, 5]))
        self.assertFalse(self.inbox.put_all([6, 7]))
        self.assertTrue(self.inbox.put_all([]))
        self.assertEqual(self.inbox.dropped, 4)
        self.turns.turn()
        self.assertEqual((self.received, self.turns.calls), ([[1, 2, 3]], []))
        self.assertTrue(self.inbox.put_all([8, 9]))
        self.turns.turn()
        self.assertEqual(self.received, [[1, 2, 3], [8, 9]])
        self.assertEqual(self.inbox.dropped, 4)

    def test_put_while_receiving(self) -> None:
        """What is put while the receiver runs comes in the next turn."""

        def receive(items: list[int]) -> None:
            self.received.append(items)
            if items == [1]:
                inbox.put(2)

        inbox = Inbox(self.turns, receive)
        inbox.put(1)
        self.turns.turn()
        self.assertEqual(self.received, [[1]])
        self.turns.turn()
        self.assertEqual(self.received, [[1], [2]])


class LaneTests(TestCase):
    """One thread for one object."""

    timeout = 120

    async def test_order_in_one_thread(self) -> None:
        """Calls run one after the other, all in the same thread, which is not the reactor's."""
        lane = Lane(reactor, "test")
        said: list[int] = []
        first = lane.run(lambda: (said.append(1), threading.get_ident())[1])
        second = lane.run(lambda: (said.append(2), threading.get_ident())[1])
        self.assertEqual(await second, await first)
        self.assertNotEqual(await lane.run(threading.get_ident), threading.get_ident())
        self.assertEqual(said, [1, 2])
        await lane.stop()

    async def test_stop(self) -> None:
        """What was asked is finished first; afterwards nothing is taken; stopping twice is nothing."""
        lane = Lane(reactor, "test")
        asked = lane.run(int, "7")
        await lane.stop()
        self.assertEqual(await asked, 7)
        await self.assertFailure(lane.run(int), RuntimeError)
        await lane.stop()

    async def test_never_used(self) -> None:
        """A lane nobody used can be stopped all the same."""
        await Lane(reactor, "test").stop()

    async def test_failure(self) -> None:
        """An exception reaches the caller, and the lane goes on."""
        lane = Lane(reactor, "test")
        await self.assertFailure(lane.run(int, "seven"), ValueError)
        self.assertEqual(await lane.run(int, "8"), 8)
        await lane.stop()

    async def test_cancelled(self) -> None:
        """Who does not wait any more hears nothing, and the lane goes on."""
        lane = Lane(reactor, "test")
        going = threading.Event()
        asked = lane.run(going.wait, 10)
        asked.addErrback(lambda failure: failure.trap(defer.CancelledError))
        asked.cancel()
        going.set()
        self.assertEqual(await lane.run(int, "8"), 8)
        await lane.stop()


class JobTests(TestCase):
    """The bounded pool."""

    timeout = 120

    async def test_jobs(self) -> None:
        """Results and exceptions come back on the reactor's thread."""
        pools = Pools(reactor, jobs=2)
        self.addCleanup(pools.stop)
        answers = await defer.gatherResults([pools.job(pow, 2, power) for power in range(20)])
        self.assertEqual(answers, [2**power for power in range(20)])
        await self.assertFailure(pools.job(int, "seven"), ValueError)

    async def test_crowded(self) -> None:
        """Beyond the queue's length a job is refused at once."""
        pools = Pools(reactor, jobs=1, waiting=2)
        self.addCleanup(pools.stop)
        begun, going = threading.Event(), threading.Event()
        busy = pools.job(lambda: (begun.set(), going.wait(10)))
        self.assertTrue(begun.wait(10))
        waiting = [pools.job(int, "1"), pools.job(int, "2")]
        self.assertEqual(pools.waiting(), 2)
        await self.assertFailure(pools.job(int, "3"), RuntimeError)
        going.set()
        self.assertEqual(await defer.gatherResults(waiting), [1, 2])
        await busy

    async def test_stopped(self) -> None:
        """What was asked ends; nothing is taken afterwards."""
        pools = Pools(reactor, jobs=1)
        asked = pools.job(int, "7")
        pools.stop()
        self.assertEqual(await asked, 7)
        await self.assertFailure(pools.job(int), RuntimeError)

    def test_inline(self) -> None:
        """Without threads: done before one asks."""
        self.assertEqual(self.successResultOf(Inline().job(pow, 2, 3)), 8)
        self.failureResultOf(Inline().job(int, "seven"), ValueError)
