"""A real camera, the real server, a real player: every frame comes out as it went in, over the boundaries of files."""

from __future__ import annotations

import subprocess
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from support.cameras import RtspCamera, as_mjpeg, as_mpeg4
from support.needs import needs
from support.server import Server

MEDIA = Path(__file__).resolve().parent.parent / "media"
SEGMENT_SECONDS = 3


def hashes(*source: str | Path) -> list[str]:
    """The MD5 of each decoded picture of what ffmpeg reads from `source`, in order of presentation."""
    command = ["ffmpeg", "-v", "error", *source, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return [line.rpartition(",")[2].strip() for line in done.stdout.splitlines() if line and not line.startswith("#")]


@needs("ffmpeg", "gst-rtsp-server", "postgresql")
class EveryFrameTests(unittest.TestCase):
    """gst-rtsp-server plays a clip once; what ffmpeg decodes from /player/regul equals the clip, picture by picture."""

    def test_all_codecs(self) -> None:
        """H.264 with and without B-frames, H.265, MPEG-4 and MJPEG; TCP and UDP; sound where the camera has some."""
        server = Server(extra=f"segment_seconds = {SEGMENT_SECONDS}\n[rtsp]\nanonymous = true")
        self.addCleanup(server.remove)
        server.start()
        server.administrator()
        baseline = MEDIA / "vtest_h264_baseline.mp4"
        clips = {
            "h264": (baseline, RtspCamera(baseline), "tcp"),
            "sound": (baseline, RtspCamera(baseline, audio="aac"), "tcp"),
            "b-frames": (path := MEDIA / "vtest_h264_main_bframes.mp4", RtspCamera(path), "udp"),
            "h265": (path := MEDIA / "vtest_h265.mp4", RtspCamera(path, codec="h265"), "tcp"),
            "mpeg4": (path := as_mpeg4(baseline), RtspCamera(path, codec="mpeg4"), "tcp"),
            "mjpeg": (path := as_mjpeg(baseline), RtspCamera(path, codec="mjpeg"), "tcp"),
        }
        numbers = {}
        for name, (_, camera, _) in clips.items():
            self.addCleanup(camera.kill)
            status, made = server.call("POST", "/api/v1/cameras", {"name": name, "url": camera.url})
            self.assertEqual(status, 201, made)
            numbers[name] = made["id"]
        spans = {name: self._first_span(server, number) for name, number in numbers.items()}

        def played(name: str) -> list[str]:
            start, stop = spans[name]
            url = f"rtsp://127.0.0.1:{server.rtsp}/player/regul/{numbers[name]}/?start={start}&stop={stop}"
            return hashes("-rtsp_transport", clips[name][2], "-i", url)

        with ThreadPoolExecutor(len(clips)) as players:
            results = dict(zip(clips, players.map(played, clips), strict=True))
        for name, (clip, _, _) in clips.items():
            with self.subTest(name):
                self.assertEqual(results[name], hashes("-i", clip))
                folder = server.folder / "data" / "footage"
                self.assertGreaterEqual(len(list(folder.glob(f"{numbers[name]}/**/*.mp4"))), 12 // SEGMENT_SECONDS - 1)
        self.assertGreater(self._sound_seconds(server, numbers["sound"], spans["sound"]), 11)

    def _first_span(self, server: Server, number: int) -> tuple[str, str]:
        """The span of the clip's first playing: it is over when another one has begun."""
        deadline = time.monotonic() + 120
        while True:
            answer = server.get(f"/api/v1/cameras/{number}/recordings?kind=regular&start=0&stop={time.time() + 60}")
            if len(answer["spans"]) > 1:
                first = answer["spans"][0]
                return str(_unix(first["start"])), str(_unix(first["stop"]))
            self.assertLess(time.monotonic(), deadline, server.get(f"/api/v1/cameras/{number}/status"))
            time.sleep(0.2)  # the API is the only witness from outside

    def _sound_seconds(self, server: Server, number: int, span: tuple[str, str]) -> float:
        """How long the sound of the clip's download is, decoded."""
        clip = server.folder / "clip.mp4"
        clip.write_bytes(server.get(f"/api/v1/cameras/{number}/video.mp4?start={span[0]}&stop={span[1]}"))
        command = ["ffmpeg", "-v", "error", "-i", clip, "-map", "0:a", "-f", "s16le", "-ac", "1", "-ar", "8000", "-"]
        done = subprocess.run(command, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return len(done.stdout) / 2 / 8000


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
