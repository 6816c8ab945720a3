"""From the recorder's files to a player: every frame, over the boundaries of segments."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.packets import CLIPS, Clip
from support.players import frames, run
from support.recording import SECOND, START_US, RecordingCase
from support.rtsp_server import Served
from twisted.internet import reactor

from camtrace import clock

START = clock.from_us(START_US)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
class Recorded(RecordingCase):
    """A clip is recorded on a real volume and played by ffmpeg."""

    segment_us = 2 * SECOND
    timeout = 120

    async def serve(self, path: Path) -> str:
        """Record the clip and serve it; answers the URL."""
        Clip(path).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart()
        assert len(self.files()) >= 3
        self.served = Served(reactor, self.footage, cameras=(self.camera,), now=lambda: START + timedelta(hours=1))
        self.served.service.startService()
        port: Any = reactor.listenTCP(0, self.served.service, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(self.served.service.stopService)
        self.addCleanup(port.stopListening)
        return f"rtsp://127.0.0.1:{port.getHost().port}/player/regul/{self.camera.id}/?start={START_US // SECOND - 5}"

    async def test_h264_bframes(self) -> None:
        """H.264 with B-frames, which come in another order than they are shown."""
        clip = CLIPS / "vtest_h264_main_bframes.mp4"
        played = await frames("-rtsp_transport", "tcp", "-i", await self.serve(clip))
        self.assertEqual(played, await frames("-i", clip))

    async def test_h265(self) -> None:
        """H.265, by UDP; and what ffprobe shows is the recording's length."""
        url = await self.serve(CLIPS / "vtest_h265.mp4")
        out, err, _ = await run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", url)
        self.assertAlmostEqual(float(out), 12.0, delta=0.2, msg=err)
        self.assertEqual(
            await frames("-rtsp_transport", "udp", "-i", url), await frames("-i", CLIPS / "vtest_h265.mp4")
        )
