"""A camera that falls silent with its connection open: given up, told, a gap with its cause, and recorded again."""

from __future__ import annotations

from typing import Any

from support.cameras import Habits, HttpCamera
from support.feeds import Rows
from support.recording import RecordingCase
from support.watching import until
from twisted.internet import defer, reactor

from camtrace import clock
from camtrace.cameras.directory import Directory
from camtrace.cameras.service import Cameras
from camtrace.media.feeds import Feeds
from camtrace.media.source import Patience
from camtrace.model import Camera, CameraState, RegularRecording, Status
from camtrace.pools import Pools

PICTURES = 20
SILENCE_SECONDS = 2.0


class Beside:
    """No second streams."""

    async def refresh(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class SilentCameraTests(RecordingCase):
    """One camera over a real socket into a real volume; its silence is short, and so is our patience."""

    timeout = 120

    @staticmethod
    def monotonic_us() -> int:
        return int(clock.monotonic() * 1_000_000)

    async def setUp(self) -> None:
        await super().setUp()
        self.device = HttpCamera(habits=Habits(fault="silent", pictures=PICTURES))
        self.addCleanup(self.device.stop)
        self.camera = Camera(uid=3, id=1, name="till", url=self.device.url, regular=RegularRecording())
        self.cameras.cameras[3] = self.camera
        self.states: list[CameraState] = []
        pools = Pools(reactor)
        self.addCleanup(pools.stop)
        self.service: Cameras[Any] = Cameras(
            Directory(Rows(self.camera)),
            Feeds(reactor, pools, self.metrics, patience=Patience(opening=10, silence=SILENCE_SECONDS, turn=0.1)),
            self.recording,
            self,
            self.ids,
            lambda kind, text, values, camera_uid=None: self.notes.append((text, dict(values))),
            self,
            self.bus,
            reactor,
            sub_streams=Beside(),
            chance=lambda: 0.5,
        )
        self.addCleanup(self.service.stop)

    def record(self, fact: Any) -> defer.Deferred[None]:
        """Instead of the intake."""
        self.states.append(fact.state)
        return defer.succeed(None)

    def unseal(self, sealed: bytes) -> str:
        """Instead of the vault."""
        return ""

    async def test_silent(self) -> None:
        """What the server does within the minute that a camera is silent: its patience ends long before."""
        self.assertLess(Patience().silence, 60)
        began = clock.now()
        await self.service.start()
        await until(lambda: any(state.status == Status.INACTIVE for state in self.states[1:]))
        self.assertEqual([(state.status, state.reason) for state in self.states], [
            (Status.ACTIVE, ""), (Status.INACTIVE, "timeout"),
        ])  # fmt: skip
        told = [text for text, _ in self.notes if text.startswith("camera_")]
        self.assertEqual(told, ["camera_back", "camera_lost_timeout"])
        await until(lambda: self.recording.lasting_gap(3))  # as soon as the last picture is on the disk
        lasting = self.recording.lasting_gap(3)
        assert lasting is not None
        self.assertEqual((lasting.cause, lasting.stop), ("camera", None))

        self.device.habits.fault = ""  # it is well again; nobody has to do anything
        await until(lambda: self.states[-1].status == Status.ACTIVE)
        await until(lambda: self.recording.lasting_gap(3) is None)
        await self.service.stop()
        await self.stop()
        gaps = [one for one in await self.footage.gaps(3, began, clock.now()) if one.cause != "settings"]  # the stop's
        self.assertEqual(len(gaps), 1, gaps)
        (gap,) = gaps
        before, after = await self.footage.spans(3, "regular", began, clock.now())
        self.assertEqual((gap.start, gap.stop, gap.cause), (before.stop, after.start, "camera"))
        self.assertGreaterEqual((gap.stop - gap.start).total_seconds(), SILENCE_SECONDS)
        counted = self.metrics.value("camtrace_camera_gap_seconds_total", camera=1, cause="camera")
        self.assertEqual(counted, (gap.stop - gap.start).total_seconds())
