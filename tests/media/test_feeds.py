"""Connections with their threads: what is heard of them, and that a stop always comes back."""

from __future__ import annotations

import threading
import time
from typing import Any

import av
from support.cameras import Habits, HttpCamera, SilentPort, descriptors
from support.ports import free_port
from support.scripted_camera import Guard, ScriptedCamera, reply
from support.watching import Heard, until
from twisted.internet import defer, reactor
from twisted.trial.unittest import TestCase

from camtrace.errors import StreamFailure
from camtrace.media.feeds import Feeds
from camtrace.media.http_input import Pictures
from camtrace.media.hub import Began, Flowed, Hub, News, Remarked
from camtrace.media.packets import SourceTrack
from camtrace.media.source import Patience
from camtrace.metrics import Metrics
from camtrace.pools import Pools

QUICK = Patience(opening=30, silence=30, turn=0.1)  # to stop; a busy machine is no camera that fails


class Counted:
    """A sink that counts, and remembers in which thread it was ended."""

    def __init__(self) -> None:
        self.begun = self.packets = 0
        self.ends: list[str] = []

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        self.begun += 1

    def packet(self, track: int, packet: Any, arrived_us: int) -> None:
        self.packets += 1

    def end(self, reason: str) -> None:
        self.ends.append(reason)


class Failing(Counted):
    """A sink with a fault."""

    def packet(self, track: int, packet: Any, arrived_us: int) -> None:
        raise ZeroDivisionError("oh")


class FeedTests(TestCase):
    """One connection."""

    def setUp(self) -> None:
        self.pools, self.metrics = Pools(reactor), Metrics()
        self.feeds = Feeds(reactor, self.pools, self.metrics, patience=QUICK)
        self.heard, self.sink = Heard(), Counted()
        self.addCleanup(self.pools.stop)

    def camera(self, habits: Habits | None = None) -> HttpCamera:
        camera = HttpCamera(habits=habits)
        self.addCleanup(camera.stop)
        return camera

    async def test_flow(self) -> None:
        """It begins, has figures, is counted, and ends when it is stopped."""
        camera = self.camera()
        feed = self.feeds.open(7, camera.url, [self.sink], self.heard, label="3")
        await until(lambda: self.heard.flows)
        await feed.stop()
        self.assertEqual(self.heard.began_with, [("mjpeg", 320, 240)])
        rate, bits = self.heard.flows[0]
        self.assertTrue(15 < rate < 25, rate)
        self.assertGreater(bits, 10_000)
        self.assertEqual((self.sink.ends, self.heard.ends), (["stopped"], [None]))
        self.assertEqual(self.metrics.value("camtrace_camera_packets_total", camera="3"), self.sink.packets)

    async def test_failure(self) -> None:
        self.feeds.open(7, f"http://127.0.0.1:{free_port()}/", [self.sink], self.heard)
        failure = await self.heard.over
        assert failure is not None
        self.assertEqual(failure.kind, "refused")
        self.assertEqual(self.sink.begun, 0)

    async def test_single_picture_never_begins(self) -> None:
        camera = self.camera(Habits(fault="once"))
        self.feeds.open(7, camera.url, [self.sink], self.heard)
        failure = await self.heard.over
        assert failure is not None
        self.assertEqual((failure.kind, self.heard.began_with), ("single_picture", []))

    async def test_stop_of_a_stuck_thread(self) -> None:
        """A thread that waits for a camera that never answers does not hold up the stop."""
        port = SilentPort(full=True)
        self.addCleanup(port.stop)
        feeds = Feeds(reactor, self.pools, self.metrics, patience=Patience(opening=3.0))
        feed = feeds.open(7, f"http://127.0.0.1:{port.port}/", [self.sink], self.heard)
        began = time.monotonic()
        await feed.stop()
        self.assertLess(time.monotonic() - began, 2.5)
        self.assertEqual(self.heard.ends, [None])

    async def test_stop_before_anything(self) -> None:
        camera = self.camera()
        feed = self.feeds.open(7, camera.url, [self.sink], self.heard)
        await feed.stop()
        await feed.stop()
        self.assertEqual(self.heard.ends, [None])

    async def test_a_thousand_connections_leak_nothing(self) -> None:
        """Threads, descriptors and sinks of lost connections are gone."""
        camera = self.camera(Habits(fault="cut", pictures=3, rate=1000))
        await self._lose(camera, 5)
        files = descriptors()
        threads = threading.active_count()
        await self._lose(camera, 1000)
        await until(lambda: threading.active_count() <= threads + 1)
        await until(lambda: descriptors() <= files + 2)

    async def _lose(self, camera: HttpCamera, times: int) -> None:
        for _ in range(times):
            heard = Heard()
            self.feeds.open(7, camera.url, [self.sink], heard)
            failure = await heard.over
            assert failure is not None
            self.assertEqual(failure.kind, "ended")


class AskTests(TestCase):
    """A question without a stream."""

    def setUp(self) -> None:
        pools = Pools(reactor)
        self.addCleanup(pools.stop)
        self.feeds = Feeds(reactor, pools, Metrics(), patience=QUICK)
        self.camera = ScriptedCamera()
        self.addCleanup(self.camera.stop)

    async def test_told(self) -> None:
        """It fires when the camera has told, with a login where it wants one; nothing is begun."""
        self.camera.script = Guard()
        await self.feeds.ask(self.camera.url, login="viewer", password="geheim")
        self.assertEqual(self.camera.methods, ["DESCRIBE", "DESCRIBE"])

    async def test_refused(self) -> None:
        """With the exact status; and what is no address is told like everything else, later."""
        for status, kind in ((401, "unauthorized"), (404, "not_found"), (454, "status"), (503, "status")):
            self.camera.script = lambda request, status=status: reply(status)
            failure = await self.assertFailure(self.feeds.ask(self.camera.url), StreamFailure)
            self.assertEqual((failure.kind, failure.status, failure.port), (kind, status, self.camera.port))
        failure = await self.assertFailure(self.feeds.ask("camera"), StreamFailure)
        self.assertEqual(failure.kind, "bad_url")

    async def test_given_up(self) -> None:
        """Cancelled: its thread does not wait for the camera any more."""
        self.camera.script = lambda request: None
        feeds = Feeds(reactor, self.feeds._pools, Metrics(), patience=Patience(opening=60, turn=0.05))
        asked = feeds.ask(self.camera.url)
        await until(lambda: self.camera.requests)
        asked.cancel()
        await self.assertFailure(asked, defer.CancelledError)
        await until(lambda: not any(thread.name == "lane question" for thread in threading.enumerate()))


class HubTests(TestCase):
    """Handing on to several."""

    def setUp(self) -> None:
        self.news: list[News] = []

    def picture(self) -> bytes:
        with HttpCamera() as camera:
            return camera.pictures[0]

    def test_a_failing_sink_hurts_nobody(self) -> None:
        """It is ended, and tried again at each key frame; that is told once."""
        good, bad = Counted(), Failing()
        hub = Hub([bad, good], self.news.append)
        pictures = Pictures(hub)
        for _ in range(3):
            pictures.add(self.picture())
        hub.end("stopped")
        self.assertEqual((good.packets, good.ends), (3, ["stopped"]))
        self.assertEqual((bad.begun, bad.ends), (3, ["internal"] * 3))
        self.assertEqual([one.code for one in self.news if isinstance(one, Remarked)], ["sink_failed"])
        self.assertEqual([one for one in self.news if isinstance(one, Began)], [Began("mjpeg", 320, 240)])
        self.assertEqual(sum(one.packets for one in self.news if isinstance(one, Flowed)), 3)

    def test_abandoned(self) -> None:
        """Nothing that a stuck thread does later reaches a sink."""
        sink = Counted()
        hub = Hub([sink], self.news.append)
        pictures = Pictures(hub)
        pictures.add(self.picture())
        self.assertTrue(hub.abandon("stopped"))
        pictures.add(self.picture())
        pictures.end("ended")
        self.assertEqual((sink.packets, sink.ends), (1, ["stopped"]))


def test_libav_is_silent() -> None:
    """The log of libav is off: it quotes URLs with passwords."""
    assert av.logging.get_level() is None
