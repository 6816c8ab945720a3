"""A camera that becomes another one at the same address: the running server records both, apart, and tells it."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
import time
from itertools import pairwise
from typing import Any

from PIL import Image
from support.cameras import HttpCamera, RtspCamera, looped
from support.clips import clip
from support.needs import needs
from support.outside import OneServer, http_call, soon, unix

LOGIN = "admin:correct%20horse%20battery"
Picture = tuple[str, int]
"""A codec and a width."""


@needs("postgresql", "ffmpeg", "gst-rtsp-server")
class CodecTests(OneServer):
    """What the API and players get before and after a change."""

    def lasting(self, number: int, count: int, seconds: float = 3) -> list[tuple[float, float]]:
        """The spans as Unix times, once there are `count` and the last is `seconds` long."""

        def there() -> Any:
            found = self.get(f"/cameras/{number}/recordings")["spans"]
            spans = [(unix(span["start"]), unix(span["stop"])) for span in found]
            return spans if len(spans) == count and spans[-1][1] - spans[-1][0] >= seconds else None

        return soon(there, f"{seconds} s of span {count}")

    def becomes(self, number: int, picture: Picture) -> None:
        """The camera is active and sends this."""

        def so() -> bool:
            status = self.get(f"/cameras/{number}/status")
            return status["status"] == "active" and (status["codec"], status["width"]) == picture

        soon(so, f"{picture}")

    def downloaded(self, number: int, start: float, stop: float) -> tuple[Picture, int]:
        """Codec, width and count of the pictures of a clip, each of which can be decoded."""
        token = {"Authorization": f"Bearer {self.server.token}"}
        path = f"/api/v1/cameras/{number}/video.mp4?start={start:.3f}&stop={stop:.3f}"
        reply = http_call(self.server.web, "GET", path, token)
        self.assertEqual(reply.status, 200, reply.body[:200])
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(reply.body)
            file.flush()
            return self.probed("-count_frames", file.name)

    def played(self, number: int, start: float, stop: float) -> Picture:
        """Codec and width of what a player gets over RTSP."""
        url = f"rtsp://{LOGIN}@127.0.0.1:{self.server.rtsp}/player/regul/{number}/"
        return self.probed("-rtsp_transport", "tcp", f"{url}?start={start:.3f}&stop={stop:.3f}")[0]

    def probed(self, *what: str) -> tuple[Picture, int]:
        """What ffprobe says of the picture."""
        command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", *what]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        if "-count_frames" in what:  # then every picture was decoded
            self.assertEqual(done.stderr, "")
        stream = json.loads(done.stdout)["streams"][0]
        return (stream["codec_name"], int(stream["width"])), int(stream.get("nb_read_frames", 0))

    def check_sides(self, number: int, spans: list[tuple[float, float]], pictures: list[Picture], rate: float) -> None:
        """Each span is footage of its own picture, whole, by download and by player."""
        for (start, stop), expected in zip(spans, pictures, strict=True):
            with self.subTest(expected):
                picture, count = self.downloaded(number, start, stop)
                self.assertEqual(picture, expected)
                self.assertGreater(count, rate * (stop - start) * 0.8 - 2)
                self.assertEqual(self.played(number, start + 0.5, stop), expected)

    def test_another_codec_at_the_same_address(self) -> None:
        """An RTSP camera is set to MJPEG, then to H.265: three spans with gaps, active with the new codec each time."""
        camera = RtspCamera()
        self.addCleanup(lambda: camera.kill())
        number = self.add_camera(url=camera.url)["id"]
        pictures: list[Picture] = [("h264", 320), ("mjpeg", 320), ("hevc", 640)]
        self.becomes(number, ("h264", 320))
        self.lasting(number, 1)
        for count, (name, codec, width) in enumerate(
            [("standard_huffman.mkv", "mjpeg", 320), ("vtest_h265.mp4", "h265", 640)], 2
        ):
            port = camera.port
            camera.kill()
            camera = RtspCamera(looped(clip(name)), codec=codec, port=port)
            self.becomes(number, (codec, width))
            spans = self.lasting(number, count)
        gaps = self.get(f"/cameras/{number}/recordings")["gaps"]
        self.assertEqual({gap["cause"] for gap in gaps}, {"camera"})
        self.assertEqual(len(gaps), 2)
        for gap, ((_, ended), (began, _)) in zip(gaps, pairwise(spans), strict=True):
            self.assertAlmostEqual(unix(gap["start"]), ended, delta=2)
            self.assertAlmostEqual(unix(gap["stop"]), began, delta=2)
        self.check_sides(number, spans, pictures, 9)

    def test_another_size_in_the_stream(self) -> None:
        """An MJPEG camera that sends larger pictures without a break: one span with both, active all the time."""
        camera = HttpCamera()
        self.addCleanup(camera.stop)
        made = self.add_camera(url=camera.url)
        number = made["id"]
        larger = [_enlarged(picture) for picture in camera.pictures]
        self.becomes(number, ("mjpeg", 320))
        ((start, _),) = self.lasting(number, 1)
        before, camera.pictures = time.time(), larger
        self.becomes(number, ("mjpeg", 640))
        after = time.time()
        ((began, stop),) = self.lasting(number, 1, after - start + 3)
        self.assertEqual(began, start)
        self.assertEqual(self.get(f"/cameras/{number}/recordings")["gaps"], [])
        sides = [(start, before - 0.5, 320), (after + 0.5, stop, 640), (start, stop, 320)]
        for first, last, width in sides:
            picture, count = self.downloaded(number, first, last)
            self.assertEqual(picture, ("mjpeg", width))
            self.assertGreater(count, 10)
        entries = [one for one in self.get("/journal?limit=1000")["items"] if one["camera_uid"] == made["uid"]]
        self.assertEqual([one["text"] for one in entries if one["text"].startswith("camera_lost")], [])
        self.assertEqual(len(camera.requests), 1)


def _enlarged(picture: bytes) -> bytes:
    """The same JPEG at twice its size."""
    image = Image.open(io.BytesIO(picture))
    kept = io.BytesIO()
    image.resize((2 * image.width, 2 * image.height)).save(kept, "JPEG")
    return kept.getvalue()
