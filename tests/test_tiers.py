"""Starting upwards, stopping downwards, and being stopped half-way."""

from __future__ import annotations

import atexit

from twisted.internet import defer, reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace import tiers
from camtrace.errors import StartError
from camtrace.tiers import Tier, Tiers


class Doors:
    """What Tiers needs of the doors."""

    def __init__(self, busy: str = "") -> None:
        self.busy = busy
        self.said: list[str] = []

    def bind(self) -> None:
        if self.busy:
            raise StartError(self.busy)
        self.said.append("bound")

    def close(self) -> None:
        self.said.append("closed")


class Clockwork:
    """The reactor, whose own stop is only noted."""

    def __init__(self) -> None:
        self.running = True
        self.stopped = 0
        self.callLater = reactor.callLater

    def stop(self) -> None:
        self.stopped += 1


class TiersTests(TestCase):
    """Order, failure, and an end within the time there is."""

    def setUp(self) -> None:
        self.said: list[str] = []
        self.doors = Doors()
        self.clockwork = Clockwork()
        self.patch(atexit, "register", lambda call: self.said.append("exit 1"))

    def tier(self, name: str, start: object = None, stop: object = None, leaves: float = 0) -> Tier:
        """A tier that notes what is asked of it, and then does as `start` and `stop` say."""

        async def up() -> None:
            self.said.append(f"+{name}")
            if start is not None:
                await start()

        async def down() -> None:
            self.said.append(f"-{name}")
            if stop is not None:
                await stop()

        return Tier(name, up, down, leaves)

    def service(self, *storeys: Tier) -> Tiers:
        return Tiers(list(storeys), self.doors, self.clockwork, foreground=True)

    async def test_order(self) -> None:
        """Up in order, down in reverse."""
        service = self.service(self.tier("cellar"), self.tier("floor"), self.tier("roof"))
        service.startService()
        await service.stopService()
        self.assertEqual(self.said, ["+cellar", "+floor", "+roof", "-roof", "-floor", "-cellar"])
        self.assertEqual(self.doors.said, ["closed"])

    async def test_each_is_awaited(self) -> None:
        """The next one starts when the one below says that it is up."""
        laid: defer.Deferred[None] = defer.Deferred()

        async def lay() -> None:
            await laid

        service = self.service(self.tier("cellar", lay), self.tier("roof"))
        service.startService()
        self.assertEqual(self.said, ["+cellar"])
        laid.callback(None)
        self.assertEqual(self.said, ["+cellar", "+roof"])
        await service.stopService()

    async def test_stopped_while_starting(self) -> None:
        """The start is cancelled; what was half up is stopped too, and nothing more starts."""

        async def for_ever() -> None:
            await defer.Deferred()

        service = self.service(self.tier("cellar"), self.tier("floor", for_ever), self.tier("roof"))
        service.startService()
        await service.stopService()
        self.assertEqual(self.said, ["+cellar", "+floor", "-floor", "-cellar"])
        self.assertEqual(self.clockwork.stopped, 0)

    async def test_start_that_minds_not(self) -> None:
        """A start that swallows its cancellation is waited for before anything is stopped."""
        done: defer.Deferred[None] = defer.Deferred()

        async def stubborn() -> None:
            try:
                await defer.Deferred()
            except defer.CancelledError:
                await done
            self.said.append("floor ends")

        service = self.service(self.tier("floor", stubborn), self.tier("roof"))
        service.startService()
        stopped = service.stopService()
        self.assertEqual(self.said, ["+floor"])
        done.callback(None)
        await stopped
        self.assertEqual(self.said, ["+floor", "floor ends", "-floor"])

    async def test_failure(self) -> None:
        """An error on purpose ends the process with 1, and says in which tier."""

        async def fail() -> None:
            raise StartError("the ground is wet")

        service = self.service(self.tier("cellar", fail), self.tier("roof"))
        service.startService()
        self.assertEqual(self.clockwork.stopped, 1)
        self.assertEqual(self.said, ["+cellar", "exit 1"])
        await service.stopService()
        self.assertEqual(self.said[-1], "-cellar")

    async def test_fault(self) -> None:
        """A fault of the program does the same, and stands in the log with its traceback."""

        async def fail() -> None:
            raise ZeroDivisionError

        service = self.service(self.tier("cellar", fail))
        service.startService()
        self.assertEqual(self.clockwork.stopped, 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        await service.stopService()

    async def test_failing_stop(self) -> None:
        """A tier that cannot be stopped does not keep those below it up."""

        async def fail() -> None:
            raise ZeroDivisionError

        service = self.service(self.tier("cellar"), self.tier("roof", stop=fail))
        service.startService()
        await service.stopService()
        self.assertEqual(self.said[-2:], ["-roof", "-cellar"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_stop_that_hangs(self) -> None:
        """It is cancelled in time to leave those below their seconds."""
        self.patch(tiers, "STOP_SECONDS", 5)
        self.patch(tiers, "LEAST_SECONDS", 0.01)

        async def for_ever() -> None:
            try:
                await defer.Deferred()
            except defer.CancelledError:
                self.said.append("cancelled")
                raise

        service = self.service(self.tier("cellar"), self.tier("roof", stop=for_ever, leaves=4.99))
        service.startService()
        await service.stopService()
        self.assertEqual(self.said[-3:], ["-roof", "cancelled", "-cellar"])


class BindTests(SynchronousTestCase):
    """Listeners are bound before anything starts."""

    def test_bound(self) -> None:
        """Once, synchronously."""
        doors = Doors()
        Tiers([], doors, Clockwork(), foreground=True).privilegedStartService()
        self.assertEqual(doors.said, ["bound"])

    def test_busy_in_the_foreground(self) -> None:
        """One line and 1."""
        with self.assertRaises(SystemExit) as ended:
            Tiers([], Doors("taken"), Clockwork(), foreground=True).privilegedStartService()
        self.assertEqual(ended.exception.code, 1)

    def test_busy_in_the_background(self) -> None:
        """twistd's parent process tells it."""
        with self.assertRaisesRegex(StartError, "taken"):
            Tiers([], Doors("taken"), Clockwork(), foreground=False).privilegedStartService()
