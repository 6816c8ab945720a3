"""The cameras' directory and connections, on a clock of our own and without a network."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import Any

from support.feeds import FakeFeeds, Rows
from twisted.internet import defer, task
from twisted.trial.unittest import TestCase

from camtrace import clock
from camtrace.backoff import Backoff
from camtrace.bus import Bus
from camtrace.cameras.directory import Directory
from camtrace.cameras.service import Cameras
from camtrace.events import SettingChanged, VolumeStateChanged
from camtrace.model import Camera, CameraState, Status

ENTRANCE = Camera(
    uid=11, id=1, name="Entrance", url="rtsp://10.0.0.1/a", overlay_ids=("1", "KKM:2"), password=b"sealed"
)
TILL = Camera(uid=22, id=2, name="Till", model="Axis 207", address="10.0.0.2", overlay_ids=("1",))


class Recording:
    """Gives each camera a sink, unless its volume is absent."""

    def __init__(self) -> None:
        self.absent: set[str] = set()
        self.down: list[int] = []
        self.refreshed = 0

    def sink(self, camera: Camera) -> str | None:
        return None if camera.volume in self.absent else f"sink of {camera.uid}"

    def camera_down(self, camera_uid: int) -> None:
        self.down.append(camera_uid)

    def refresh(self) -> None:
        self.refreshed += 1


class Beside:
    """Connections beside the main ones: counts what it hears."""

    def __init__(self) -> None:
        self.refreshed = self.stopped = 0

    async def refresh(self) -> None:
        self.refreshed += 1

    async def stop(self) -> None:
        self.stopped += 1


class World:
    """Everything around the cameras, fake; facts and notes in lists."""

    def __init__(self, *cameras: Camera) -> None:
        self.rows, self.feeds, self.recording = Rows(*cameras), FakeFeeds(), Recording()
        self.clock, self.bus, self.beside = task.Clock(), Bus(), Beside()
        self.states: list[CameraState] = []
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        self.forgotten: list[int] = []
        self.needed: set[int] = set()  # cameras whose pictures somebody wants
        self.followed: list[list[str]] = []  # the cameras' names, each time a follower was told
        self._next = 0
        self.cameras = Cameras(
            Directory(self.rows), self.feeds, self.recording, self, self, self._note, self, self.bus, self.clock,
            sub_streams=self.beside, forgetful=[self], followers=[self], chance=lambda: 0.5,
            is_needed=lambda camera: camera.uid in self.needed,
        )  # fmt: skip

    def record(self, fact: Any) -> defer.Deferred[None]:
        self.states.append(fact.state)
        return defer.succeed(None)

    def next(self) -> int:
        self._next += 1
        return self._next

    def unseal(self, sealed: bytes) -> str:
        return "opened" if sealed else ""

    def forget(self, camera_uid: int) -> None:
        self.forgotten.append(camera_uid)

    def refresh(self) -> None:
        self.followed.append([camera.name for camera in self.cameras.all()])

    def _note(self, kind: str, text: str, values: Any, camera_uid: int | None = None, user: str = "") -> None:
        self.notes.append((kind, text, dict(values)))


class NapTests(TestCase):
    """A camera whose streams are stopped automatically."""

    async def setUp(self) -> None:
        self.world = World(replace(ENTRANCE, stop_streams_automatically=True), TILL)
        await self.world.cameras.start()
        self.addCleanup(self.world.cameras.stop)

    def state(self) -> tuple[Status, str]:
        state = self.world.cameras.state(11)
        return state.status, state.reason

    def opened(self) -> list[int]:
        return [feed.options["uid"] for feed in self.world.feeds.opened if not feed.stopped]

    async def test_rests_until_it_is_needed(self) -> None:
        """Nobody needs it: no connection, told as it is. Somebody does: connected, and for a while after."""
        self.assertEqual((self.state(), self.opened()), ((Status.IGNORED, "resting"), [22]))
        self.world.clock.pump([0.5] * 100)
        self.assertEqual(self.opened(), [22])
        self.world.needed.add(11)
        self.world.clock.advance(0.5)
        self.assertEqual((self.state(), self.opened()), ((Status.INACTIVE, "connecting"), [22, 11]))
        self.world.feeds.last.listener.began("h264", 640, 480)
        self.world.needed.clear()
        self.world.clock.pump([0.5] * 20)
        self.assertEqual((self.state()[0], self.opened()), (Status.ACTIVE, [22, 11]))
        self.world.clock.pump([0.5] * 20)
        self.assertEqual((self.state(), self.opened()), ((Status.IGNORED, "resting"), [22]))
        self.assertEqual([name for _, name, _ in self.world.notes], ["camera_back"])

    async def test_no_attempt_while_it_rests(self) -> None:
        """A camera that failed while somebody looked is not tried again for nobody."""
        self.world.needed.add(11)
        self.world.clock.advance(0.5)
        self.world.feeds.last.fail("timeout")
        self.world.needed.clear()
        self.world.clock.pump([0.5] * 60)
        self.assertEqual(self.state(), (Status.IGNORED, "resting"))
        attempts = len(self.world.feeds.opened)
        self.world.clock.pump([0.5] * 200)
        self.assertEqual((self.state(), len(self.world.feeds.opened)), ((Status.IGNORED, "resting"), attempts))

    async def test_switched_off(self) -> None:
        """Set to stay connected, it is connected at once."""
        self.world.rows.cameras = [ENTRANCE, TILL]
        await self.world.cameras.refresh()
        self.world.clock.advance(0.5)
        self.assertEqual(self.opened(), [22, 11])


class DirectoryTests(TestCase):
    """Which cameras there are."""

    async def test_followers_hear_of_each_change(self) -> None:
        """Once the directory is as the database; a change that cannot be read is told when it can."""
        world = World(ENTRANCE)
        await world.cameras.start()
        world.rows.cameras = [replace(ENTRANCE, name="Door"), TILL]
        await world.cameras.refresh()
        await world.cameras.stop()
        self.assertEqual(world.followed, [["Entrance"], ["Door", "Till"]])

    async def test_directory(self) -> None:
        world = World(TILL, ENTRANCE)
        await world.cameras.load()
        self.assertEqual(world.cameras.all(), [ENTRANCE, TILL])
        self.assertEqual(world.cameras.by_id(2), TILL)
        self.assertEqual(world.cameras.by_uid(11), ENTRANCE)
        self.assertIsNone(world.cameras.by_id(3))
        self.assertEqual(world.cameras.watching("1"), (11, 22))
        self.assertEqual(world.cameras.watching("KKM:2"), (11,))
        self.assertEqual(world.cameras.watching("x"), ())
        self.assertEqual(world.feeds.opened, [], "loading connects nothing")

    async def test_follows_changes(self) -> None:
        """A new camera is connected, a deleted one disconnected and forgotten, whoever changed it."""
        world = World(ENTRANCE)
        await world.cameras.start()
        world.rows.cameras = [TILL]
        world.bus.publish(SettingChanged("camera", "22"))
        self.assertEqual(world.cameras.all(), [TILL])
        self.assertTrue(world.feeds.opened[0].stopped)
        self.assertEqual(world.feeds.last.options["url"], "http://10.0.0.2/axis-cgi/mjpg/video.cgi?camera=1")
        self.assertEqual(world.forgotten, [11])
        self.assertEqual(world.beside.refreshed, 2)
        self.assertEqual(world.cameras.state(11).status, Status.IGNORED)
        await world.cameras.stop()

    async def test_number_used_again(self) -> None:
        """The next camera with the number of a deleted one starts with nothing of it."""
        world = World(ENTRANCE)
        await world.cameras.start()
        world.feeds.last.fail("unauthorized", 401)
        world.rows.cameras = [replace(TILL, id=1)]
        await world.cameras.refresh()
        found = world.cameras.by_id(1)
        assert found is not None
        self.assertEqual((found.uid, world.cameras.state(found.uid).reason), (22, "connecting"))

    async def test_only_what_matters_reconnects(self) -> None:
        world = World(ENTRANCE)
        world.needed.add(11)
        await world.cameras.start()
        world.rows.cameras = [replace(ENTRANCE, name="Door", overlay_ids=("9",), stop_streams_automatically=True)]
        await world.cameras.refresh()
        self.assertEqual(len(world.feeds.opened), 1)
        self.assertEqual(world.cameras.watching("9"), (11,))
        for change in ({"url": "rtsp://10.0.0.9/a"}, {"password": b"new"}, {"transport": "udp"}, {"codec": "h264"}):
            world.rows.cameras = [replace(world.rows.cameras[0], **change)]
            await world.cameras.refresh()
        self.assertEqual(len(world.feeds.opened), 5)
        self.assertEqual([feed.stopped for feed in world.feeds.opened], [True] * 4 + [False])

    async def test_database_away(self) -> None:
        """A change that cannot be read now is read later; nothing is disconnected for it."""
        world = World(ENTRANCE)
        await world.cameras.start()
        world.rows.away, world.rows.cameras = True, [ENTRANCE, TILL]
        world.bus.publish(SettingChanged("camera", "22"))
        self.assertEqual(world.cameras.all(), [ENTRANCE])
        world.rows.away = False
        world.clock.advance(5)
        self.assertEqual(world.cameras.all(), [ENTRANCE, TILL])


class ConnectionTests(TestCase):
    """What a connection goes through."""

    async def connected(self, camera: Camera = ENTRANCE) -> World:
        world = World(camera)
        await world.cameras.start()
        return world

    async def test_active(self) -> None:
        world = await self.connected()
        self.assertEqual(world.cameras.state(11).reason, "connecting")
        options = world.feeds.last.options
        self.assertEqual((options["password"], options["label"], options["sinks"]), ("opened", "1", ["sink of 11"]))
        world.feeds.last.listener.began("h264", 1280, 720)
        world.feeds.last.listener.flowed(25.0, 4e6)
        state = world.cameras.state(11)
        self.assertEqual((state.status, state.codec, state.width, state.height), (Status.ACTIVE, "h264", 1280, 720))
        self.assertEqual((state.frames_per_second, state.bits_per_second), (25.0, 4e6))
        self.assertEqual([one.status for one in world.states], [Status.ACTIVE])
        self.assertEqual([note[1] for note in world.notes], ["camera_back"])

    async def test_verdicts(self) -> None:
        """Every failure has its status; one with a status code is an error of the camera."""
        for kind, status, expected in [
            ("unauthorized", 401, (Status.ERROR, "unauthorized", "401")),
            ("not_found", 404, (Status.ERROR, "not_found", "404")),
            ("status", 454, (Status.ERROR, "status", "454")),
            ("refused", 0, (Status.INACTIVE, "refused", "")),
            ("timeout", 0, (Status.INACTIVE, "timeout", "")),
            ("name", 0, (Status.INACTIVE, "name", "")),
            ("not_video", 200, (Status.INACTIVE, "not_video", "")),
            ("single_picture", 200, (Status.INACTIVE, "single_picture", "")),
            ("ended", 0, (Status.INACTIVE, "ended", "")),
            ("surprise", 0, (Status.INACTIVE, "internal", "")),
        ]:
            world = await self.connected()
            world.status = 503 if kind == "status" else 0
            world.feeds.last.fail(kind, status, "words")
            state = world.cameras.state(11)
            self.assertEqual((state.status, state.reason, state.detail), expected)
        world = await self.connected()
        world.feeds.last.fail("declared_codec", 0, "mpeg4")
        state = world.cameras.state(11)
        self.assertEqual((state.status, state.reason, state.detail), (Status.INACTIVE, "declared_codec", "mpeg4"))

    async def test_errors_are_journaled(self) -> None:
        """An error status stands in the system journal with status and address, without password."""
        world = await self.connected(replace(ENTRANCE, url="rtsp://me:secret@10.0.0.1:8554/a?b=1"))
        world.feeds.last.fail("unauthorized", 401)
        kind, text, values = world.notes[-1]
        self.assertEqual((kind, text, values["status"]), ("system", "camera_lost_unauthorized", 401))
        self.assertEqual(values["address"], "rtsp://10.0.0.1:8554/a?b=1")
        self.assertNotIn("secret", repr(world.notes))

    async def test_same_failure_is_told_once_an_hour(self) -> None:
        world = await self.connected()
        for _ in range(130):  # at most a minute apart
            world.feeds.last.fail("refused")
            world.clock.advance(60)
        self.assertEqual(len(world.states), 1)
        self.assertEqual(len(world.notes), 3)

    async def test_a_camera_that_flaps_does_not_fill_the_journal(self) -> None:
        """Each error is told once an hour; a camera that breaks off after each picture is not told to be back."""
        world = await self.connected()
        for round in range(60):
            world.feeds.last.listener.began("h264", 1, 1)
            world.feeds.last.fail("status", 503 if round % 2 else 404)
            world.clock.advance(60)
        told = [(kind, values.get("status")) for kind, _, values in world.notes]
        self.assertEqual(told[:3], [("camera", None), ("system", 404), ("system", 503)])
        self.assertLessEqual(len(told), 5)
        world.feeds.last.listener.began("h264", 1, 1)
        before = len(world.notes)
        world.feeds.last.listener.flowed(25.0, 1e6)
        self.assertEqual(len(world.notes), before)
        world.clock.advance(31)
        world.feeds.last.listener.flowed(25.0, 1e6)
        world.feeds.last.listener.flowed(25.0, 1e6)
        self.assertEqual([name for _, name, _ in world.notes[before:]], ["camera_back"])
        world.feeds.last.fail("status", 503)  # after a good time it is another failure
        self.assertEqual(world.notes[-1][2]["status"], 503)

    async def test_delays_grow_and_start_again(self) -> None:
        world = await self.connected()
        for expected in (1, 2, 4, 8, 16, 32, 60, 60):
            opened = len(world.feeds.opened)
            world.feeds.last.fail("refused")
            world.clock.advance(expected - 0.01)
            self.assertEqual(len(world.feeds.opened), opened)
            world.clock.advance(0.02)
            self.assertEqual(len(world.feeds.opened), opened + 1)
        world.feeds.last.listener.began("h264", 1, 1)
        world.clock.advance(31)
        world.feeds.last.fail("ended")
        world.clock.advance(1.01)
        self.assertFalse(world.feeds.last.stopped)
        self.assertEqual(len(world.feeds.opened), 10)

    async def test_short_success_is_no_success(self) -> None:
        """A camera that sends a picture and breaks off each time is not tried every second."""
        world = await self.connected()
        for _ in range(10):
            world.feeds.last.listener.began("h264", 1, 1)
            world.feeds.last.fail("ended")
            world.clock.advance(60)
        opened = len(world.feeds.opened)
        world.feeds.last.fail("ended")
        world.clock.advance(50)
        self.assertEqual(len(world.feeds.opened), opened)

    async def test_unusable_is_ignored(self) -> None:
        world = await self.connected(replace(ENTRANCE, url="", model="Toaster", address="10.0.0.1"))
        self.assertEqual(world.cameras.state(11).reason, "unknown_model")
        self.assertEqual(world.feeds.opened, [])

    async def test_absent_volume(self) -> None:
        """A camera whose volume is absent is not connected; it is as soon as the volume is back."""
        world = World(replace(ENTRANCE, volume="b"))
        world.recording.absent = {"b"}
        await world.cameras.start()
        self.assertEqual((world.cameras.state(11).status, world.cameras.state(11).reason), (Status.IGNORED, "volume"))
        world.recording.absent = set()
        world.bus.publish(VolumeStateChanged("b", "ok", 1))
        world.feeds.last.listener.began("h264", 1, 1)
        self.assertEqual(world.cameras.state(11).status, Status.ACTIVE)
        world.recording.absent = {"b"}
        world.bus.publish(VolumeStateChanged("b", "absent", 0))
        self.assertTrue(world.feeds.last.stopped)
        self.assertEqual(world.cameras.state(11).reason, "volume")

    async def test_stop_is_final(self) -> None:
        world = await self.connected()
        feed = world.feeds.last
        feed.fail("refused")
        await world.cameras.stop()
        world.clock.advance(1000)
        self.assertEqual(len(world.feeds.opened), 1)
        self.assertEqual(world.clock.getDelayedCalls(), [])
        self.assertEqual(world.beside.stopped, 1)

    async def test_three_thousand_reconnections(self) -> None:
        """Nothing grows with the number of attempts: no timer, no fact, no note, no memory."""
        world = await self.connected()
        for _ in range(200):
            self._lose(world)
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(3000):
            self._lose(world)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        self.assertLess(after - before, 100_000)
        self.assertLessEqual(len(world.clock.getDelayedCalls()), 1)
        self.assertEqual(len(world.states), 1)

    def _lose(self, world: World) -> None:
        world.feeds.opened.pop().fail("refused")
        world.clock.advance(60)
        del world.notes[:]


class BackoffTests(TestCase):
    """How long to wait."""

    def test_jitter(self) -> None:
        """Cameras lost together do not come back together, and none waits longer than a minute."""
        for chance, first, last in ((0.0, 0.75, 45.0), (1.0, 1.25, 60.0)):
            backoff = Backoff(lambda chance=chance: chance)
            delays = [backoff.next() for _ in range(10)]
            self.assertEqual((delays[0], delays[-1]), (first, last))
            backoff.reset()
            self.assertEqual(backoff.next(), first)


class SinceTests(TestCase):
    """`since` tells when the present state began."""

    async def test_since(self) -> None:
        world = World(ENTRANCE)
        await world.cameras.start()
        before = clock.now()
        world.feeds.last.fail("refused")
        since = world.cameras.state(11).since
        self.assertGreaterEqual(since, before)
        world.clock.advance(2)
        world.feeds.last.fail("refused")
        self.assertEqual(world.cameras.state(11).since, since)
