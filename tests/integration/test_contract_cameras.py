"""Cameras that do not do as they should: their status, the words for it, and what the journal says."""

from __future__ import annotations

import unittest
from typing import Any

from support.cameras import Babbler, Habits, HttpCamera, RtspCamera, SilentPort
from support.needs import needs
from support.outside import OneServer, soon
from support.ports import free_port

NO_FILE = b"RTSP/1.0 404 Stream Not Found\r\n%CSEQ%\r\n\r\n"
BUSY = b"RTSP/1.0 453 Not Enough Bandwidth\r\n%CSEQ%\r\n\r\n"
LOCKED = b'RTSP/1.0 401 Unauthorized\r\n%CSEQ%\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'


@needs("postgresql")
class LyingCameraTests(OneServer):
    """Each camera stays for the length of its test."""

    def seen(
        self, status: str, reason: str, seconds: float = 60, **fields: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The camera, and its status once it is this one with these words."""
        camera = self.add_camera(**fields)

        def as_wanted() -> Any:
            found = self.get(f"/cameras/{camera['id']}/status")
            return found if found["status"] == status and reason in found["reason"] else None

        try:
            soon(as_wanted, reason, seconds)
        except AssertionError:
            found = self.get(f"/cameras/{camera['id']}/status")
            self.fail(f"{found} is not {status}: {reason}")
        return camera

    def noted(self, camera: dict[str, Any], *words: str) -> None:
        """The journal has an entry of this camera with these words."""

        def entry() -> bool:
            entries = self.get("/journal", limit=1000)["items"]
            mine = [one["message"] for one in entries if one["camera_uid"] == camera["uid"]]
            return any(all(word in message for word in words) for message in mine)

        soon(entry, f"a journal entry with {words}")

    def http(self, habits: Habits | None = None, **options: Any) -> HttpCamera:
        """A camera that speaks HTTP."""
        camera = HttpCamera(None, habits, **options)
        self.addCleanup(camera.stop)
        return camera

    def liar(self, answer: bytes) -> str:
        """The address of a camera that gives this answer to everything."""
        camera = Babbler(answer)
        self.addCleanup(camera.stop)
        return f"rtsp://127.0.0.1:{camera.port}/stream"

    def test_nobody_listens(self) -> None:
        """Connection refused: inactive, by RTSP and by HTTP."""
        for scheme in ("rtsp", "http"):
            port = free_port()
            camera = self.seen("inactive", "nothing listens", url=f"{scheme}://127.0.0.1:{port}/x")
            self.noted(camera, "nothing listens at 127.0.0.1", str(port))

    def test_unknown_name(self) -> None:
        """A name that does not resolve: inactive, and it delays nothing else."""
        camera = self.seen("inactive", "name that the network does not know", url="rtsp://no-such-camera.invalid/x")
        self.noted(camera, "no-such-camera.invalid")
        self.seen("active", "sends pictures", url=self.http().url)

    def test_black_hole(self) -> None:
        """A port that says nothing, and one that does not even accept: "does not answer" within half a minute."""
        for full in (False, True):
            hole = SilentPort(full=full)
            self.addCleanup(hole.stop)
            camera = self.seen("inactive", "does not answer", 35, url=f"rtsp://127.0.0.1:{hole.port}/x")
            self.noted(camera, "does not answer", str(hole.port))

    def test_http_black_hole(self) -> None:
        """An HTTP camera that takes the request and says nothing."""
        camera = self.http(Habits(fault="black_hole"))
        self.seen("inactive", "does not answer", 35, url=camera.url)

    def test_rtsp_errors(self) -> None:
        """401, 404 and any other RTSP status: error, with status and address in the journal."""
        for answer, reason, words in (
            (LOCKED, "answers, but wants another password", ("401",)),
            (NO_FILE, "answers, but has no picture at this address", ("404",)),
            (BUSY, "answers with an error", ("453",)),
        ):
            with self.subTest(reason):
                url = self.liar(answer)
                camera = self.seen("error", reason, url=url)
                self.noted(camera, url, *words)

    def test_http_errors(self) -> None:
        """The same by HTTP."""
        for status, reason in ((404, "has no picture at this address"), (503, "with an error"), (500, "with an error")):
            with self.subTest(status):
                url = self.http(Habits(status=status)).url
                camera = self.seen("error", reason, url=url)
                self.noted(camera, url, str(status))

    def test_passwords(self) -> None:
        """A wrong password is told as such; the right one, given meanwhile, is used at once; it appears nowhere."""
        for auth in ("basic", "digest"):
            with self.subTest(auth):
                url = self.http(Habits(auth=auth)).url
                camera = self.seen(
                    "error", "wants another password", url=url, login="viewer", password="wrong-secret-1"
                )
                self.noted(camera, url, "401")
                path = f"/cameras/{camera['id']}"
                self.assertEqual(self.server.call("PATCH", f"/api/v1{path}", {"password": "secret"})[0], 200)
                soon(lambda p=path: self.get(f"{p}/status")["status"] == "active", "active")
        everything = str(self.get("/journal", limit=1000)) + "\n".join(self.server.output)
        self.assertNotIn("wrong-secret-1", everything)

    def test_no_video(self) -> None:
        """A page instead of a picture, a web server behind rtsp://, and an RTSP answer that makes no sense."""
        page = self.http(Habits(fault="html")).url
        camera = self.seen("inactive", "page instead of a picture", url=page)
        self.noted(camera, page)
        for url in (self.liar(b"HTTP/1.0 400 Bad Request\r\n\r\n"), self.liar(b"\x00\xff garbage\r\n\r\n")):
            camera = self.add_camera(url=url)
            path = f"/cameras/{camera['id']}/status"
            found = soon(lambda p=path: (one := self.get(p))["code"] != "connecting" and one, "a verdict")
            self.assertIn(found["status"], ("inactive", "error"), found)
            self.assertNotEqual(found["code"], "internal", found)

    def test_single_pictures(self) -> None:
        """A camera that is not in motion mode is told so."""
        for fault in ("single", "once"):
            with self.subTest(fault):
                url = self.http(Habits(fault=fault)).url
                camera = self.seen("inactive", "sends single pictures: set it to motion mode", 30, url=url)
                self.noted(camera, "Set the camera to motion mode")

    def test_cut_in_a_picture(self) -> None:
        """A connection cut in the middle of a picture comes back, and neither the half picture nor time is invented."""
        camera = self.add_camera(url=self.http(Habits(fault="cut", pictures=20)).url)
        self.noted(camera, "sends pictures: mjpeg")
        self.noted(camera, "stopped sending")
        number = camera["id"]
        soon(lambda: len(self.get(f"/cameras/{number}/recordings")["spans"]) >= 2, "two spans")
        gaps = self.get(f"/cameras/{number}/recordings")["gaps"]
        self.assertIn("camera", {gap["cause"] for gap in gaps})

    def test_silent(self) -> None:
        """A camera that falls silent with the connection open is given up, and told as not answering."""
        camera = self.add_camera(url=self.http(Habits(fault="silent", pictures=10)).url)
        self.noted(camera, "sends pictures: mjpeg")
        path = f"/cameras/{camera['id']}/status"
        found = soon(lambda: (one := self.get(path))["status"] == "inactive" and one, "inactive")
        self.assertIn("does not answer", found["reason"])

    def test_other_codec(self) -> None:
        """What is declared and what comes differ: inactive, and it says so with the codec."""
        camera = self.seen("inactive", "than declared: mjpeg", url=self.http().url, codec="h264")
        self.noted(camera, "another codec is declared")

    def test_boundaries(self) -> None:
        """Every way cameras write their multipart."""
        for name, habits in {
            "dashes in the header": Habits(header="multipart/x-mixed-replace; boundary=--myboundary"),
            "quoted, with a space": Habits(header='multipart/x-mixed-replace; boundary ="myboundary"'),
            "no first delimiter": Habits(first_delimiter=False),
            "lower case length": Habits(length_name="content-length"),
            "no length": Habits(length_name=""),
            "bare line feeds": Habits(line_end="\n"),
            "another delimiter": Habits(delimiter="--other"),
            "chunks": Habits(version="HTTP/1.1", chunked=True),
            "digest": Habits(auth="digest"),
        }.items():
            with self.subTest(name):
                url = self.http(habits).url
                self.seen("active", "sends pictures", url=url, login="viewer", password="secret")

    def test_model(self) -> None:
        """A model with an address and a port finds its picture; an unknown one is not tried and says why."""
        http = self.http()
        self.seen("active", "sends pictures", model="Axis 207", address="127.0.0.1", http_port=http.port)
        self.assertIn("/axis-cgi/mjpg/video.cgi", http.requests[-1])
        self.seen("ignored", "model without a known picture address", model="Lumière 1", address="127.0.0.1")

    def test_never_recorded(self) -> None:
        """A camera whose calendar says never is active all the same, and nothing of it is recorded."""
        camera = self.seen("active", "sends pictures", url=self.http().url, regular={"calendar": "never"})
        recordings = self.get(f"/cameras/{camera['id']}/recordings")
        self.assertEqual(recordings, {"spans": [], "gaps": []})
        picture = soon(
            lambda: self.server.call("GET", f"/api/v1/cameras/{camera['id']}/snapshot.jpg")[1][:3] == b"\xff\xd8\xff",
            "a picture",
        )
        self.assertTrue(picture)

    @needs("gst-rtsp-server")
    def test_lost_and_back(self) -> None:
        """An RTSP camera that dies leaves a gap with its cause, comes back by itself, and a new span begins."""
        rtsp = RtspCamera()
        self.addCleanup(lambda: rtsp.kill())
        camera = self.seen("active", "sends pictures", url=rtsp.url)
        path = f"/cameras/{camera['id']}"
        soon(lambda: self.get(f"{path}/recordings")["spans"], "a span")
        port = rtsp.port
        rtsp.kill()
        soon(lambda: self.get(f"{path}/status")["status"] == "inactive", "inactive")
        gap = soon(lambda: [one for one in self.get(f"{path}/recordings")["gaps"] if one["stop"] is None], "a gap")[-1]
        self.assertEqual(gap["cause"], "camera")
        rtsp = RtspCamera(port=port)
        self.addCleanup(rtsp.kill)
        soon(lambda: len(self.get(f"{path}/recordings")["spans"]) == 2, "a second span")
        self.assertTrue(all(one["stop"] for one in self.get(f"{path}/recordings")["gaps"]))
        self.noted(camera, "127.0.0.1", str(port))

    def test_tried(self) -> None:
        """`POST /cameras/test` tells in words what the camera answers, without saving anything."""
        before = len(self.get("/cameras")["items"])
        url = self.http(Habits(auth="basic")).url
        for password, good in (("secret", True), ("wrong", False)):
            status, told = self.server.call(
                "POST", "/api/v1/cameras/test", {"name": "x", "url": url, "login": "viewer", "password": password}
            )
            self.assertEqual(status, 200, told)
            self.assertEqual("wants another password" in str(told), not good, told)
            self.assertNotIn("secret", str(told))
        self.assertEqual(len(self.get("/cameras")["items"]), before)


if __name__ == "__main__":
    unittest.main()
