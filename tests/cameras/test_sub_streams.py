"""Second streams, on a clock of our own and without a network: connected while watched, the main stream meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from support.feeds import FakeFeed, FakeFeeds, Rows
from support.watching import Viewer
from twisted.internet import defer, task
from twisted.trial.unittest import TestCase

from camtrace.cameras.directory import Directory
from camtrace.cameras.sub_connection import LINGER_SECONDS, PATIENCE_SECONDS, sentence_of
from camtrace.cameras.sub_streams import SubStreams
from camtrace.errors import FAILURE_KINDS
from camtrace.model import Camera
from camtrace.notes import TEXTS

UID = 11
ENTRANCE = Camera(uid=UID, id=1, name="Entrance", url="rtsp://10.0.0.1/a", password=b"sealed")
DOOR = replace(ENTRANCE, sub_url="rtsp://me:hidden@10.0.0.1/b", login="cam", transport="udp", codec="h264")


class Pictures:
    """What one kind of streams shows, as the test says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.there = name == "main"
        self.viewers: list[Any] = []
        self.stills: list[bool] = []
        self.closers: list[Callable[[], None]] = []
        self.awaiting: list[defer.Deferred[None]] = []
        self.forgotten: list[int] = []

    def watch(self, camera_uid: int, viewer: Any, stills: bool = False) -> Callable[[], None]:
        self.viewers.append(viewer)
        self.stills.append(stills)
        if self.there:
            viewer.live_started(self.name, b"", "")
        return lambda: self.viewers.remove(viewer)

    def open(self, camera_uid: int, closed: Callable[[], None] = lambda: None) -> str | None:
        if not self.there:
            return None
        self.closers.append(closed)
        return self.name

    def opened(self, camera_uid: int) -> defer.Deferred[None]:
        self.awaiting.append(defer.Deferred())
        return self.awaiting[-1]

    def forget(self, camera_uid: int) -> None:
        self.forgotten.append(camera_uid)


class SlowFeed(FakeFeed):
    """A connection whose end takes as long as the test says."""

    def stop(self) -> defer.Deferred[None]:
        self.stopped = True
        self.over: defer.Deferred[None] = defer.Deferred()
        return self.over

    def finish(self) -> None:
        self.listener.ended(None)
        self.over.callback(None)


class World:
    """Second streams of one camera, and everything around them."""

    def __init__(self, camera: Camera = DOOR) -> None:
        self.rows, self.feeds, self.clock = Rows(camera), FakeFeeds(), task.Clock()
        self.directory = Directory(self.rows)
        self.main, self.sub = Pictures("main"), Pictures("sub")
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        self.streams: SubStreams[str] = SubStreams(
            self.directory, self.feeds, self.main, self.sub, self._note, self, self.clock, lambda: 0.5
        )

    def unseal(self, sealed: bytes) -> str:
        return "opened" if sealed else ""

    def _note(self, kind: str, text: str, values: Any, camera_uid: int | None = None, user: str = "") -> None:
        self.notes.append((kind, text, dict(values)))

    async def change(self, *cameras: Camera) -> None:
        self.rows.cameras = list(cameras)
        await self.directory.load()
        await self.streams.refresh()

    def arrive(self) -> None:
        """The second stream's pictures are there."""
        self.sub.there = True
        self.sub.awaiting.pop().callback(None)

    def lose(self, kind: str = "ended", status: int = 0) -> None:
        """The second stream's connection fails."""
        self.sub.there = False
        self.feeds.last.fail(kind, status, "words")


class SubCase(TestCase):
    """A camera with a second stream."""

    async def world(self, camera: Camera = DOOR) -> World:
        world = World(camera)
        await world.directory.load()
        return world

    async def up(self) -> tuple[World, Viewer, Callable[[], None]]:
        world, viewer = await self.world(), Viewer()
        stop = world.streams.watch(UID, viewer)
        world.arrive()
        return world, viewer, stop


class LifeTests(SubCase):
    """When it is connected, and when not."""

    async def test_first_second_and_last_viewer(self) -> None:
        """Connected by the first viewer, kept for the second, let go some seconds after the last has left."""
        world, first, second = await self.world(), Viewer(), Viewer()
        self.assertEqual(world.feeds.opened, [])
        stop_first = world.streams.watch(UID, first)
        self.assertEqual(len(world.feeds.opened), 1)
        world.arrive()
        self.assertEqual(first.starts, [("sub", "")])
        stop_second = world.streams.watch(UID, second)
        self.assertEqual(second.starts, [("sub", "")])
        stop_first()
        stop_first()
        world.clock.advance(100)
        self.assertFalse(world.feeds.last.stopped)
        self.assertEqual(world.streams.figures(), [({}, 1)])
        stop_second()
        world.clock.advance(LINGER_SECONDS - 0.1)
        self.assertFalse(world.feeds.last.stopped)
        world.clock.advance(0.2)
        self.assertTrue(world.feeds.last.stopped)
        self.assertEqual((len(world.feeds.opened), world.clock.getDelayedCalls()), (1, []))
        self.assertEqual((world.sub.viewers, world.main.viewers, world.notes), ([], [], []))
        self.assertEqual(world.streams.figures(), [({}, 0)])

    async def test_held_without_a_viewer(self) -> None:
        """For who takes its packets: connected until it is released, beside viewers who come and go."""
        world, viewer = await self.world(), Viewer()
        release = world.streams.hold(UID)
        self.assertEqual(len(world.feeds.opened), 1)
        world.arrive()
        world.streams.watch(UID, viewer)()
        world.clock.advance(LINGER_SECONDS + 1)
        self.assertFalse(world.feeds.last.stopped)
        release()
        release()
        world.clock.advance(LINGER_SECONDS + 1)
        self.assertTrue(world.feeds.last.stopped)
        self.assertEqual(world.clock.getDelayedCalls(), [])

    async def test_held_where_there_is_none(self) -> None:
        """Nothing is connected; once the camera has one, it is."""
        world = await self.world(ENTRANCE)
        release = world.streams.hold(UID)
        self.assertEqual(world.feeds.opened, [])
        await world.change(DOOR)
        self.assertEqual(len(world.feeds.opened), 1)
        await world.change()
        release()
        world.streams.hold(UID)()
        self.assertEqual(len(world.feeds.opened), 1)

    async def test_address_and_login(self) -> None:
        """Its own address, the main stream's login and transport; no codec is declared for it, nothing records it."""
        world, _, _ = await self.up()
        options = dict(world.feeds.last.options)
        self.assertEqual(
            options,
            {
                "uid": UID, "url": DOOR.sub_url, "sinks": [], "login": "cam", "password": "opened",
                "transport": "udp", "label": "1/sub",
            },
        )  # fmt: skip

    async def test_single_pictures(self) -> None:
        """Who asks for pictures gets pictures, of whichever stream."""
        world = await self.world()
        world.streams.watch(UID, Viewer(), stills=True)
        world.arrive()
        self.assertEqual((world.main.stills, world.sub.stills), ([], [True]))
        world.streams.watch(404, Viewer(), stills=True)
        self.assertEqual(world.main.stills, [True])

    async def test_back_within_the_seconds(self) -> None:
        """A page that is loaded again finds it connected."""
        world, _, stop = await self.up()
        stop()
        world.clock.advance(LINGER_SECONDS - 1)
        again = Viewer()
        world.streams.watch(UID, again)
        world.clock.advance(100)
        self.assertEqual(again.starts, [("sub", "")])
        self.assertEqual((len(world.feeds.opened), world.feeds.last.stopped), (1, False))

    async def test_wanted_again_while_it_is_being_stopped(self) -> None:
        """Two connections never are at once."""
        world = await self.world()
        world.feeds.make = SlowFeed
        stop = world.streams.watch(UID, Viewer())
        world.arrive()
        stop()
        world.clock.advance(LINGER_SECONDS)
        world.sub.there = False
        again = Viewer()
        world.streams.watch(UID, again)
        self.assertEqual(len(world.feeds.opened), 1)
        world.feeds.last.finish()  # type: ignore[attr-defined]
        self.assertEqual(len(world.feeds.opened), 2)
        world.arrive()
        self.assertEqual(again.starts, [("sub", "")])

    async def test_samples(self) -> None:
        """A player's reading holds it like a viewer."""
        world = await self.world()
        asked = defer.ensureDeferred(world.streams.open(UID))
        self.assertNoResult(asked)
        world.arrive()
        self.assertEqual(self.successResultOf(asked), "sub")
        self.assertEqual(self.successResultOf(defer.ensureDeferred(world.streams.open(UID))), "sub")
        world.clock.advance(100)
        world.sub.closers.pop()()
        world.clock.advance(100)
        self.assertFalse(world.feeds.last.stopped)
        world.sub.closers.pop()()
        world.clock.advance(LINGER_SECONDS)
        self.assertTrue(world.feeds.last.stopped)

    async def test_stop(self) -> None:
        """The server's stop ends it at once; who asks later gets the main stream, nothing is connected."""
        world, viewer, stop = await self.up()
        await world.streams.stop()
        self.assertTrue(world.feeds.last.stopped)
        stop()
        world.streams.watch(UID, viewer)
        self.assertEqual(await world.streams.open(UID), "main")
        self.assertEqual((len(world.feeds.opened), world.clock.getDelayedCalls()), (1, []))

    async def test_stop_while_somebody_waits(self) -> None:
        world = await self.world()
        asked = defer.ensureDeferred(world.streams.open(UID))
        await world.streams.stop()
        self.assertEqual(self.successResultOf(asked), "main")
        self.assertEqual(world.clock.getDelayedCalls(), [])


class InsteadTests(SubCase):
    """The main stream, while the second one cannot be had."""

    async def test_none(self) -> None:
        """A camera without one, and a camera that is not there."""
        world, viewer = await self.world(ENTRANCE), Viewer()
        world.streams.watch(UID, viewer)
        self.assertEqual(viewer.starts, [("main", "")])
        self.assertEqual(await world.streams.open(UID), "main")
        world.main.there = False
        self.assertIsNone(await world.streams.open(UID))
        world.streams.watch(4711, Viewer())()
        self.assertEqual(world.feeds.opened, [])

    async def test_failure(self) -> None:
        """Viewers and players get the main stream at once; the second one is tried again, and shown when it is back."""
        world, viewer = await self.world(), Viewer()
        world.streams.watch(UID, viewer)
        asked = defer.ensureDeferred(world.streams.open(UID))
        world.lose("refused")
        self.assertEqual(viewer.starts, [("main", "")])
        self.assertEqual(self.successResultOf(asked), "main")
        self.assertEqual(await world.streams.open(UID), "main")
        world.clock.advance(1)
        self.assertEqual(len(world.feeds.opened), 2)
        world.arrive()
        self.assertEqual(viewer.starts, [("main", ""), ("sub", "")])
        self.assertEqual((viewer.ends, world.main.viewers), ([], []))

    async def test_patience(self) -> None:
        """Nobody waits longer than some seconds; pictures that come later are shown then."""
        world, viewer = await self.world(), Viewer()
        world.streams.watch(UID, viewer)
        asked = defer.ensureDeferred(world.streams.open(UID))
        world.clock.advance(PATIENCE_SECONDS - 0.1)
        self.assertEqual(viewer.starts, [])
        world.clock.advance(0.2)
        self.assertEqual(viewer.starts, [("main", "")])
        self.assertEqual(self.successResultOf(asked), "main")
        self.assertFalse(world.feeds.last.stopped)
        world.arrive()
        self.assertEqual(viewer.starts[1:], [("sub", "")])

    async def test_lost_in_the_middle(self) -> None:
        """The viewer hears of the end, sees the main stream, and the second one again when it is back."""
        world, viewer, _ = await self.up()
        world.lose()
        self.assertEqual((viewer.ends, viewer.starts), (["sub_lost"], [("sub", ""), ("main", "")]))
        world.clock.advance(1)
        world.arrive()
        self.assertEqual(viewer.starts[2:], [("sub", "")])

    async def test_attempts_grow_apart_and_end_with_the_last_viewer(self) -> None:
        world, viewer = await self.world(), Viewer()
        stop = world.streams.watch(UID, viewer)
        for expected in (1, 2, 4, 8, 16, 32, 60, 60):
            opened = len(world.feeds.opened)
            world.lose("refused")
            world.clock.advance(expected - 0.01)
            self.assertEqual(len(world.feeds.opened), opened)
            world.clock.advance(0.02)
            self.assertEqual(len(world.feeds.opened), opened + 1)
        world.lose("refused")
        stop()
        world.clock.advance(1000)
        self.assertEqual((len(world.feeds.opened), world.clock.getDelayedCalls()), (9, []))
        world.streams.watch(UID, viewer)
        self.assertEqual(len(world.feeds.opened), 10)

    async def test_journal(self) -> None:
        """A kind of failure is written down once an hour, whoever comes and goes, without a password."""
        world = await self.world()
        for _ in range(70):
            for kind, status in (("refused", 0), ("unauthorized", 401)):
                stop = world.streams.watch(UID, Viewer())
                world.lose(kind, status)
                stop()
                world.clock.advance(60)
        told = [(kind, text) for kind, text, _ in world.notes]
        self.assertEqual(told, [("camera", "sub_unreachable"), ("system", "sub_unauthorized")] * 3)
        self.assertEqual(world.notes[0][2]["address"], "rtsp://10.0.0.1/b")
        self.assertNotIn("hidden", repr(world.notes))
        await world.change(replace(DOOR, password=b"new"))
        world.streams.watch(UID, Viewer())
        world.lose("unauthorized", 401)
        self.assertEqual(len(world.notes), 7)  # another password was tried
        for kind in FAILURE_KINDS:
            TEXTS[sentence_of(kind)].format_map({**world.notes[0][2]})


class ChangeTests(SubCase):
    """A camera that is changed or deleted."""

    async def test_what_matters(self) -> None:
        """Another address, login, transport or number ends it at once and connects anew; the rest leaves it alone."""
        world, viewer, _ = await self.up()
        await world.change(replace(DOOR, name="Back door", overlay_ids=("9",), url="rtsp://10.0.0.9/a"))
        self.assertFalse(world.feeds.last.stopped)
        changed = DOOR
        for change in ({"sub_url": "rtsp://10.0.0.1/c"}, {"password": b"new"}, {"transport": "tcp"}, {"id": 9}):
            former, changed = world.feeds.last, replace(changed, **change)
            world.sub.there = False
            await world.change(changed)
            self.assertTrue(former.stopped)
            self.assertEqual(viewer.starts[-1], ("main", ""))
            world.arrive()
            self.assertEqual(viewer.starts[-1], ("sub", ""))
        self.assertEqual(len(world.feeds.opened), 5)
        self.assertEqual(world.feeds.last.options["label"], "9/sub")

    async def test_taken_away_and_given(self) -> None:
        world, viewer, _ = await self.up()
        await world.change(ENTRANCE)
        self.assertEqual((world.feeds.last.stopped, viewer.starts[-1]), (True, ("main", "")))
        world.clock.advance(1000)
        self.assertEqual(len(world.feeds.opened), 1)
        await world.change(DOOR)
        world.arrive()
        self.assertEqual((len(world.feeds.opened), viewer.starts[-1]), (2, ("sub", "")))

    async def test_nobody_watches(self) -> None:
        """A change connects nothing for nobody."""
        world, _, stop = await self.up()
        stop()
        await world.change(replace(DOOR, sub_url="rtsp://10.0.0.1/c"))
        self.assertEqual((len(world.feeds.opened), world.feeds.last.stopped), (1, True))
        self.assertEqual(world.clock.getDelayedCalls(), [])

    async def test_deleted(self) -> None:
        world, viewer, stop = await self.up()
        await world.change()
        self.assertTrue(world.feeds.last.stopped)
        world.streams.forget(UID)
        self.assertEqual(world.sub.forgotten, [UID])
        stop()
        self.assertEqual((world.sub.viewers, world.main.viewers, world.clock.getDelayedCalls()), ([], [], []))
        world.streams.watch(UID, viewer)
        self.assertEqual(len(world.feeds.opened), 1)
