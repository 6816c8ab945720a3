"""The camera test against real cameras and liars: every step in words, in bounded time, for cameras not saved yet."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support.cameras import Habits, HttpCamera, RtspCamera, SilentPort, gstreamer_missing
from support.ports import free_port
from support.scripted_camera import Guard, ScriptedCamera, reply
from support.watching import until
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from camtrace.cameras import probe
from camtrace.cameras.probe import Probe
from camtrace.media.feeds import Feeds
from camtrace.media.source import Patience
from camtrace.metrics import Metrics
from camtrace.model import Camera
from camtrace.pools import Pools

needs_gstreamer = pytest.mark.skipif(bool(gstreamer_missing()), reason=gstreamer_missing())


class ProbeTests(TestCase):
    """What the test of a camera says."""

    def setUp(self) -> None:
        self.probe = self.patient(Patience(opening=15, silence=15, turn=0.1))

    def patient(self, patience: Patience) -> Probe:
        pools = Pools(reactor)
        self.addCleanup(pools.stop)
        return Probe(reactor, Feeds(reactor, pools, Metrics(), patience=patience))

    async def try_camera(
        self, url: str, password: str = "", **fields: Any
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        found = await self.probe.test(Camera(uid=0, id=0, name="x", url=url, **fields), password)
        for step in found["steps"]:
            step["text"].format(**step["values"])
        return found, [(step["code"], step["result"]) for step in found["steps"]]

    @needs_gstreamer
    async def test_good_camera(self) -> None:
        with RtspCamera(auth="digest", login="me", password="pass word", audio="opus") as camera:
            found, steps = await self.try_camera(camera.url, "pass word", login="me")
        good = [(code, "ok") for code in ("address", "port", "login")]
        self.assertEqual(steps, [*good, ("sound", "warn"), ("pictures", "ok"), ("rate", "ok")])
        self.assertTrue(found["ok"])
        self.assertEqual((found["codec"], found["width"], found["height"]), ("h264", 320, 240))
        self.assertTrue(7 < found["frames_per_second"] < 13, found)
        self.assertNotIn("pass word", repr(found))

    @needs_gstreamer
    async def test_wrong_password(self) -> None:
        with RtspCamera(auth="basic", password="right") as camera:
            found, steps = await self.try_camera(camera.url, "wrong", login="viewer")
        self.assertFalse(found["ok"])
        self.assertEqual(steps[-1], ("unauthorized", "bad"))
        self.assertEqual(found["steps"][-1]["text"], "answers, but wants another password")

    @needs_gstreamer
    async def test_other_failures(self) -> None:
        with RtspCamera(codec="mpeg4") as camera:
            _, steps = await self.try_camera(camera.url + "/nothing")
            self.assertEqual(steps[-1], ("not_found", "bad"))
            _, steps = await self.try_camera(camera.url, codec="h264")
            self.assertEqual(steps[-1], ("declared_codec", "bad"))

    async def test_legacy_camera(self) -> None:
        """By model, address and port; the steps of a camera that speaks HTTP."""
        with HttpCamera() as camera:
            found, steps = await self.try_camera("", model="Axis 2100", address="127.0.0.1", http_port=camera.port)
            self.assertEqual(steps, [(code, "ok") for code in ("address", "port", "pictures", "rate")])
            self.assertIn("GET /axis-cgi/mjpg/video.cgi?camera=1 ", camera.requests[0])
            camera.habits = Habits(fault="single")
            _, steps = await self.try_camera(camera.url)
            self.assertEqual(steps[-1], ("single_picture", "bad"))
            camera.habits = Habits(fault="html")
            _, steps = await self.try_camera(camera.url)
            self.assertEqual(steps[-1], ("not_video", "bad"))
        self.assertEqual(found["codec"], "mjpeg")

    async def test_nobody_there(self) -> None:
        _, steps = await self.try_camera(f"rtsp://127.0.0.1:{free_port()}/x")
        self.assertEqual(steps, [("address", "ok"), ("refused", "bad")])
        _, steps = await self.try_camera("rtsp://no-such-camera.invalid/x")
        self.assertEqual(steps, [("address", "ok"), ("name", "bad")])
        _, steps = await self.try_camera("nonsense")
        self.assertEqual(steps, [("bad_url", "bad")])
        _, steps = await self.try_camera("", model="Toaster", address="127.0.0.1")
        self.assertEqual(steps, [("unknown_model", "bad")])

    async def test_black_hole(self) -> None:
        self.probe = self.patient(Patience(opening=1, turn=0.1))
        port = SilentPort()
        self.addCleanup(port.stop)
        _, steps = await self.try_camera(f"rtsp://127.0.0.1:{port.port}/x")
        self.assertEqual(steps, [("address", "ok"), ("port", "ok"), ("timeout", "bad")])

    async def test_refused(self) -> None:
        """A camera that answers with an error, whatever else it may say: the status, and no more steps."""
        self.probe = self.patient(Patience(opening=15, silence=1.5, turn=0.1))
        with ScriptedCamera(lambda request: reply(503)) as camera:
            found, steps = await self.try_camera(camera.url)
            self.assertEqual(steps, [("address", "ok"), ("port", "ok"), ("status", "bad")])
            self.assertEqual(found["steps"][-1]["values"], {"detail": "503", "status": 503})
            camera.script = Guard()
            found, steps = await self.try_camera(camera.url, "wrong", login="viewer")
            self.assertEqual(steps, [("address", "ok"), ("port", "ok"), ("unauthorized", "bad")])
            self.assertNotIn("wrong", repr(found))
            _, steps = await self.try_camera(camera.url, "geheim", login="viewer")
            self.assertEqual(steps[:3], [("address", "ok"), ("port", "ok"), ("login", "ok")])

    async def test_nobody_waits_for_ever(self) -> None:
        """The answer has its time, however patient the feeds are."""
        port = SilentPort()
        self.addCleanup(port.stop)
        self.patch(probe, "_ANSWER_SECONDS", 0.2)
        self.probe = self.patient(Patience(opening=60, turn=0.05))
        _, steps = await self.try_camera(f"rtsp://127.0.0.1:{port.port}/x")
        self.assertEqual(steps, [("address", "ok"), ("port", "ok"), ("timeout", "bad")])
        await until(lambda: not any(thread.name == "lane question" for thread in threading.enumerate()))
