"""Two network cameras whose pictures tell the second they were taken in, in a process of their own.

The left half's grey is the tens, the right half's the units of the second of the minute; a white block below moves on
with each of the eight pictures a second. One camera speaks RTSP (H.264 with sound), the other HTTP (MJPEG, Basic login
`viewer` and `secret`). Prints `ready RTSP_URL HTTP_URL` and ends with its standard input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from twisted.internet import reactor
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO

from camtrace.demo import film, http_camera, rtsp_camera, script
from camtrace.demo.beat import Beat

HOME = "127.0.0.1"
SIZE = (640, 448)
ROOT = Path(__file__).resolve().parent.parent.parent

# over (x, y) → [r, g, b] of the picture: the second of the minute that it shows
SECOND = "(pixel) => 10 * Math.round((pixel(0.25, 0.3) - 20) / 40) + Math.round((pixel(0.75, 0.3) - 20) / 24)"


def picture(beat: int) -> Image.Image:
    """The picture of a beat of the minute."""
    second = beat // script.BEATS_PER_SECOND % 60
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for left, level in ((0, 20 + 40 * (second // 10)), (320, 20 + 24 * (second % 10))):
        draw.rectangle((left, 0, left + 319, 383), fill=(level,) * 3)
    place = 80 * (beat % script.BEATS_PER_SECOND)
    draw.rectangle((place, 384, place + 79, 447), fill=(255,) * 3)
    return image


class TimedCameras:
    """The process. `rtsp` and `http` are the cameras' addresses."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._told: list[str] = []

    def _addresses(self) -> list[str]:
        if not self._told:
            assert self._process.stdout
            self._told = self._process.stdout.readline().split()
            assert self._told[:1] == ["ready"], self._told
        return self._told

    @property
    def rtsp(self) -> str:
        return self._addresses()[1]

    @property
    def http(self) -> str:
        return self._addresses()[2]

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.communicate(timeout=10)


class _UntilEnd(Protocol):
    def connectionLost(self, reason: Any = None) -> None:
        if reactor.running:  # type: ignore[attr-defined]
            reactor.stop()  # type: ignore[attr-defined]


def main() -> None:
    """Draw the films, listen, serve."""
    modern = rtsp_camera.RtspCamera(film.h264_film(picture, script.TILLS[0]), "MODERN")
    legacy = http_camera.HttpCamera(film.jpeg_film(picture), "LEGACY", "viewer", "secret")
    modern.listen_udp(reactor, HOME)
    ports = [
        reactor.listenTCP(0, camera, interface=HOME).getHost().port  # type: ignore[attr-defined]
        for camera in (modern, legacy)
    ]
    beat = Beat(reactor)
    beat.listeners += [modern.beat, legacy.beat]
    beat.start()
    rtsp, http = f"rtsp://{HOME}:{ports[0]}{rtsp_camera.PATH}", f"http://{HOME}:{ports[1]}{http_camera.STREAM}"
    print(f"ready {rtsp} {http}", flush=True)
    StandardIO(_UntilEnd())
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
