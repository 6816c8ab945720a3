"""A volume that is really full, under the running server: what stops, what goes on, and how it comes back."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import unittest
from typing import Any

from support.browser import PASSWORD, chromium, person
from support.cameras import RtspCamera
from support.needs import needs
from support.outside import http_call, soon, unix
from support.server import Server
from support.small_disk import SmallDisk


@needs("postgresql", "ffmpeg", "gst-rtsp-server", "chromium")
class FullDiskTests(unittest.TestCase):
    """One camera whose footage goes to a small disk."""

    def setUp(self) -> None:
        self.disk = SmallDisk()
        self.addCleanup(self.disk.remove)
        self.server = Server(extra=f'volumes = ["{self.disk.folder}"]', keep_free_gb=0)
        self.addCleanup(self.server.remove)
        self.server.start()
        self.server.administrator("anna", PASSWORD)
        self.camera = RtspCamera()
        self.addCleanup(self.camera.kill)
        status, made = self.server.call("POST", "/api/v1/cameras", {"name": "Caisse", "url": self.camera.url})
        self.assertEqual(status, 201, made)

    def get(self, path: str) -> Any:
        return self.server.get(f"/api/v1{path}")

    def recorded(self) -> tuple[list[tuple[float, float]], list[dict[str, Any]]]:
        """Spans, as Unix times, and gaps."""
        found = self.get("/cameras/1/recordings")
        return [(unix(span["start"]), unix(span["stop"])) for span in found["spans"]], found["gaps"]

    def lasting(self, count: int, seconds: float) -> list[tuple[float, float]]:
        """The spans, once there are `count` and the last is `seconds` long."""

        def there() -> Any:
            spans, _ = self.recorded()
            return spans if len(spans) >= count and spans[-1][1] - spans[-1][0] >= seconds else None

        return soon(there, f"{seconds} s of span {count}")

    def noted(self, words: str) -> bool:
        return any(words in entry["message"] for entry in self.get("/journal?kind=system&limit=1000")["items"])

    def volume(self) -> str:
        """The state of the only volume."""
        (volume,) = self.get("/volumes")["items"]
        return str(volume["state"])

    def sell(self, code: str) -> None:
        """A till's line, which must be in the external log at once."""
        with socket.create_connection(("127.0.0.1", self.server.pos)) as till:
            till.sendall(f"1|0|7|0|A|1|{code}|TARTE|16,00\n".encode())
        soon(lambda: self.get(f"/lines?code={code}")["items"], "the line")

    def pictures(self, start: float, stop: float) -> int:
        """How many pictures the clip of this time has."""
        token = {"Authorization": f"Bearer {self.server.token}"}
        path = f"/api/v1/cameras/1/video.mp4?start={start:.3f}&stop={stop:.3f}"
        reply = http_call(self.server.web, "GET", path, token)
        self.assertEqual(reply.status, 200, reply.body[:200])
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(reply.body)
            file.flush()
            command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", file.name]
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(done.stderr, "")
        return int(json.loads(done.stdout)["streams"][0]["nb_read_frames"])

    def test_full_and_room_again(self) -> None:
        """Recording stops with a gap "disk" and the pages say so; all else goes on; with room it records again."""
        self.lasting(1, 3)
        assert self.server.process is not None
        self.disk.fill(self.server.process.pid)
        soon(lambda: self.noted("stopped"), "the journal's entry")
        (gap,) = soon(lambda: self.recorded()[1], "a gap")
        self.assertEqual((gap["cause"], gap["stop"]), ("disk", None))
        if self.disk.is_real:
            soon(lambda: self.volume() == "full", "the volume")
            with chromium() as browser, person(browser, self.server.url) as anna:
                anna.go("/live/1")
                anna.page.wait_for_selector("#picture.moving")  # live goes on
                full = f"The disk {self.disk.folder} is full: nothing is being recorded on it."
                anna.page.wait_for_selector(f"#banner .bad:has-text('{full}')")
        self.sell("148")
        self.assertEqual(self.get("/cameras/1/status")["status"], "active")
        self.assertEqual(self.get("/health")["status"], "ok")
        before, _ = self.recorded()
        self.assertEqual(len(before), 1)

        self.disk.make_room()
        soon(lambda: self.volume() == "ok", "the volume")
        spans = self.lasting(2, 3)
        soon(lambda: self.noted("goes on"), "the journal's entry")
        self.assertEqual(spans[0], before[0])
        gaps = [one for one in self.recorded()[1] if one["cause"] == "disk"]
        self.assertAlmostEqual(unix(gaps[0]["start"]), spans[0][1], delta=1.5)
        self.assertAlmostEqual(unix(gaps[-1]["stop"]), spans[-1][0], delta=1.5)
        for start, stop in (spans[0], spans[-1]):
            self.assertGreater(self.pictures(start, stop), 10 * (stop - start) - 15)
        self.sell("149")
        self.assertEqual([line for line in self.server.output if "Traceback" in line], [])
        self.assertEqual(self.server.stop(), 0)
