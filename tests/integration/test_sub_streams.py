"""A camera with a second stream, as players see it: connected while they watch, the main one where it cannot be had."""

from __future__ import annotations

import json
import subprocess
from typing import ClassVar

from support.cameras import CLIPS, RtspCamera, SilentPort, looped
from support.needs import needs
from support.outside import OneServer, soon
from support.ports import free_port

LOGIN = "admin:correct%20horse%20battery"
SECRET = "cam-secret-77"
MAIN, SUB = 640, 320  # the widths of the two pictures


@needs("postgresql", "ffmpeg", "gst-rtsp-server")
class SubStreamTests(OneServer):
    """One recorded camera; its second stream is given by each test."""

    camera: ClassVar[RtspCamera]
    number: ClassVar[int]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        clip = looped(CLIPS / "vtest_h264_baseline.mp4")
        cls.camera = RtspCamera(clip, auth="digest", password=SECRET)
        cls.addClassCleanup(cls.camera.kill)
        body = {"name": "Caisse", "url": cls.camera.url, "login": "viewer", "password": SECRET}
        status, made = cls.server.call("POST", "/api/v1/cameras", body)
        assert status == 201, made
        cls.number = made["id"]
        soon(lambda: cls.server.get(f"/api/v1/cameras/{cls.number}/status")["status"] == "active", "active")

    def tearDown(self) -> None:
        """Whatever a test did to the second stream: the main one was active all the time, and is recorded as one."""
        self.give("")
        self.assertEqual(self.get(f"/cameras/{self.number}/status")["status"], "active")
        self.assertEqual(len(self.get(f"/cameras/{self.number}/recordings")["spans"]), 1)
        soon(lambda: not self.connected(), "the end of the second stream")

    def second(self) -> RtspCamera:
        """Another stream with the same login, given to the camera."""
        camera = RtspCamera(auth="digest", password=SECRET)
        self.addCleanup(camera.kill)
        self.give(camera.url)
        return camera

    def give(self, sub_url: str) -> None:
        """Set the address of the second stream."""
        status, answer = self.server.call("PATCH", f"/api/v1/cameras/{self.number}", {"sub_url": sub_url})
        self.assertEqual(status, 200, answer)

    def connected(self) -> float:
        """How many second streams the server has."""
        return self.server.metric("camtrace_sub_streams")

    def url(self, path: str = "/sub", number: int = 0) -> str:
        return f"rtsp://{LOGIN}@127.0.0.1:{self.server.rtsp}/live/{number or self.number}{path}"

    def width(self, path: str = "/sub", transport: str = "tcp") -> int:
        """How wide the picture is that a player gets."""
        command = ["ffprobe", "-v", "error", "-rtsp_transport", transport, "-show_streams", "-of", "json"]
        done = subprocess.run([*command, self.url(path)], capture_output=True, text=True, timeout=40, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(json.loads(done.stdout)["streams"][0]["width"])

    def player(self, number: int = 0) -> subprocess.Popen[str]:
        """A player of the second stream that plays until the server ends it; it has its first pictures."""
        command = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", self.url(number=number)]
        player = subprocess.Popen(
            [*command, "-map", "0:v", "-c", "copy", "-flush_packets", "1", "-f", "framecrc", "-"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(_end, player)
        assert player.stdout is not None
        while not (line := player.stdout.readline()) or line.startswith("#"):
            self.assertIsNone(player.poll(), "the player ended")
        return player

    def noted(self, *words: str) -> list[str]:
        """The journal's sentences of this camera that hold these words."""
        entries = self.get("/journal", limit=1000)["items"]
        return [one["message"] for one in entries if all(word in one["message"] for word in words)]

    def test_on_demand(self) -> None:
        """Its own picture by TCP and UDP; the connection is made for it, and ends some seconds after the last."""
        self.second()
        self.assertEqual(self.connected(), 0)
        for transport in ("tcp", "udp"):
            self.assertEqual(self.width(transport=transport), SUB)
        self.assertEqual(self.width(""), MAIN)
        player = self.player()
        self.assertEqual(self.connected(), 1)
        _end(player)
        soon(lambda: not self.connected(), "the end of the second stream")

    def test_not_to_be_had(self) -> None:
        """Nobody listens, nobody answers, another login: the main picture instead, and a line in the journal."""
        silent = SilentPort()
        self.addCleanup(silent.stop)
        locked = RtspCamera(auth="digest", password="another")
        self.addCleanup(locked.kill)
        for url, words in (
            (f"rtsp://127.0.0.1:{free_port()}/x", "does not answer"),
            (f"rtsp://127.0.0.1:{silent.port}/y", "does not answer"),
            (locked.url, "refuses the login (status 401)"),
        ):
            with self.subTest(url):
                self.give(url)
                self.assertEqual(self.width(), MAIN)
                soon(lambda url=url, words=words: self.noted("second stream", url, words), "a journal entry")
        self.assertEqual(self.noted("nothing listens"), [])

    def test_changed_while_it_plays(self) -> None:
        """Another address ends it at once; the next player gets what is there then."""
        self.second()
        player = self.player()
        self.give("")
        soon(lambda: not self.connected(), "its end")
        player.wait(60)
        self.assertEqual(self.width(), MAIN)

    def test_lost_while_it_plays(self) -> None:
        """A second stream that dies ends its players; who asks again sees the main one until it is back."""
        camera = self.second()
        player = self.player()
        camera.kill()
        player.wait(60)
        soon(lambda: not self.connected(), "its end")
        self.assertEqual(self.width(), MAIN)
        soon(lambda: self.noted("second stream", "stopped sending"), "a journal entry")

    def test_deleted_while_it_plays(self) -> None:
        """With the camera its second stream ends."""
        sub = RtspCamera()
        self.addCleanup(sub.kill)
        number = self.add_camera(url=sub.url, sub_url=sub.url)["id"]
        player = self.player(number)
        self.assertEqual(self.server.call("DELETE", f"/api/v1/cameras/{number}")[0], 204)
        soon(lambda: not self.connected(), "its end")
        player.wait(60)


@needs("postgresql", "ffmpeg", "gst-rtsp-server")
class StopTests(OneServer):
    """The end of the server."""

    def test_stop_while_it_plays(self) -> None:
        """A second stream that is watched delays no stop."""
        with RtspCamera() as sub:
            body = {"name": "Caisse", "url": sub.url, "sub_url": sub.url}
            self.assertEqual(self.server.call("POST", "/api/v1/cameras", body)[0], 201)
            url = f"rtsp://{LOGIN}@127.0.0.1:{self.server.rtsp}/live/1/sub"
            command = ["ffmpeg", "-nostdin", "-v", "quiet", "-rtsp_transport", "tcp", "-i", url, "-f", "null", "-"]
            player = subprocess.Popen(command, text=True)
            self.addCleanup(_end, player)
            soon(lambda: self.server.metric("camtrace_sub_streams") == 1, "the second stream")
            self.assertEqual(self.server.stop(20), 0)


def _end(player: subprocess.Popen[str]) -> None:
    player.kill()
    player.wait(60)
    if player.stdout is not None:
        player.stdout.close()
