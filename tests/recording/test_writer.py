"""The volume's writer: order, group commit, refusal instead of waiting, errors of the disk."""

from __future__ import annotations

import errno
import tempfile
import threading
from pathlib import Path

from twisted.internet import defer, reactor
from twisted.trial.unittest import TestCase

from camtrace.pools import Pools
from camtrace.recording.writer import Closed, FileSystem, Grown, Missed, Opened, SegmentName, Stuck, VolumeWriter


class SlowDisk(FileSystem):
    """A disk that waits at each sync until it is let go, and may fail."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.waiting = threading.Event()
        self.syncs = 0
        self.write_error = self.sync_error = 0

    def write(self, descriptor: int, data: bytes) -> None:
        if self.write_error:
            raise OSError(self.write_error, "refused")
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self.waiting.set()
        self.go.acquire()
        self.syncs += 1
        if self.sync_error:
            raise OSError(self.sync_error, "failed")
        super().sync(descriptor)


class Case(TestCase):
    timeout = 120

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.told: list[object] = []
        self.disk = SlowDisk()
        pools = Pools(reactor)
        self.writer = VolumeWriter(
            self.folder, pools.lane("volume"), pools.inbox, self.told.extend, disk=self.disk, limit=10_000
        )

    async def end(self) -> None:
        self.disk.go.release(1000)
        await self.writer.stop()

    def name(self, number: int = 0) -> SegmentName:
        return SegmentName(1, "main", 5, 5, 0, f"1/day/{number}.mp4")


class Writing(Case):
    async def test_order(self) -> None:
        """What is told stands on the disk, in order: opened, grown, closed."""
        name = self.name()
        self.assertTrue(self.writer.begin(name, b"init"))
        for number in range(3):
            self.assertTrue(self.writer.append(name, b"fragment", number, 1, number == 0))
        self.writer.finish(name)
        await self.end()
        self.assertEqual([type(one) for one in self.told], [Opened, Grown, Grown, Grown, Closed])
        places = [(one.fragment.offset, one.fragment.length) for one in self.told if isinstance(one, Grown)]
        self.assertEqual(places, [(4, 8), (12, 8), (20, 8)])
        self.assertEqual((self.folder / name.path).read_bytes(), b"init" + b"fragment" * 3)

    async def test_group_commit(self) -> None:
        """What comes while the disk is busy is synced together, once per file."""
        name = self.name()
        self.writer.begin(name, b"init")
        self.disk.waiting.wait(10)
        for number in range(30):
            self.writer.append(name, b"fragment", number, 1, False)
        self.writer.finish(name)
        await self.end()
        self.assertEqual(self.disk.syncs, 2)
        self.assertEqual(sum(isinstance(one, Grown) for one in self.told), 30)

    async def test_overload(self) -> None:
        """A camera is never made to wait: beyond the limit it is refused, and what is missed is told in its place."""
        name = self.name()
        self.writer.begin(name, b"init")
        self.disk.waiting.wait(10)
        taken = 0
        while self.writer.append(name, bytes(1000), taken, 1, False):
            taken += 1
        self.assertLess(taken, 10)
        self.assertGreater(taken, 5)
        self.writer.missed(1, "overload")
        self.writer.finish(name)
        await self.end()
        self.assertEqual(sum(isinstance(one, Grown) for one in self.told), taken)
        self.assertEqual([one for one in self.told if isinstance(one, Missed)], [Missed(1, "overload")])
        self.assertEqual(self.writer.queued_bytes, 0)

    async def test_files_left_open(self) -> None:
        """Stopping closes what is still open."""
        self.writer.begin(self.name(), b"init")
        await self.end()
        self.assertEqual(self.told[-1], Closed(self.told[0].name, ""))


class Errors(Case):
    async def test_full(self) -> None:
        """No room: the file ends at its last whole fragment, nothing more is taken until there is room again."""
        name = self.name()
        self.disk.go.release(1000)
        self.writer.begin(name, b"init")
        self.writer.append(name, b"fragment", 0, 1, True)
        await self.told_of(Grown)
        self.disk.write_error = errno.ENOSPC
        self.writer.append(name, b"fragment", 1, 1, False)
        await self.told_of(Closed)
        self.assertTrue(self.writer.stuck)
        self.assertFalse(self.writer.accepting)
        self.assertFalse(self.writer.append(name, b"fragment", 2, 1, False))
        self.assertFalse(self.writer.begin(self.name(1), b"init"))
        self.assertIn(Stuck(True, "refused"), self.told)
        self.assertEqual((self.folder / name.path).read_bytes(), b"initfragment")
        self.disk.write_error = 0
        self.writer.resume()
        self.assertTrue(self.writer.begin(self.name(2), b"init"))
        self.assertFalse(self.writer.append(name, b"fragment", 2, 1, False))
        await self.end()
        self.assertTrue((self.folder / self.name(2).path).exists())

    async def test_sync_fails(self) -> None:
        """What could not be brought to the disk is not told, and cut off."""
        name = self.name()
        self.disk.go.release(1000)
        self.writer.begin(name, b"init")
        await self.told_of(Opened)
        self.disk.sync_error = errno.EIO
        self.writer.append(name, b"fragment", 0, 1, True)
        await self.told_of(Closed)
        self.assertNotIn(Grown, [type(one) for one in self.told])
        self.assertEqual((self.folder / name.path).read_bytes(), b"init")
        self.assertIn(Stuck(False, "failed"), self.told)
        await self.end()

    async def test_name_taken(self) -> None:
        """A file that is there already is left alone; others are written."""
        name = self.name()
        (self.folder / name.path).parent.mkdir(parents=True)
        (self.folder / name.path).write_bytes(b"evidence")
        self.disk.go.release(1000)
        self.writer.begin(name, b"init")
        other = self.name(1)
        self.writer.begin(other, b"init")
        await self.told_of(Opened)
        self.assertFalse(self.writer.append(name, b"fragment", 0, 1, True))
        self.assertTrue(self.writer.append(other, b"fragment", 0, 1, True))
        await self.end()
        self.assertEqual((self.folder / name.path).read_bytes(), b"evidence")
        self.assertFalse(self.writer.stuck)

    async def told_of(self, kind: type) -> None:
        while not any(isinstance(one, kind) for one in self.told):
            turn: defer.Deferred[None] = defer.Deferred()
            reactor.callLater(0.001, turn.callback, None)
            await turn
