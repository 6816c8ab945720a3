"""A recorded camera as programs and players see it: spans, pictures, clips, RTSP by every URL and every player."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import tempfile
import time
import unittest
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from support.cameras import RtspCamera
from support.needs import needs
from support.outside import OneServer, http_call, raw_call, soon, unix

PASSWORD = "correct horse battery"
LOGIN = "admin:correct%20horse%20battery"
RECORDED = 6.0  # seconds that the tests play
JPEG = b"\xff\xd8\xff"


def run(*command: str | Path, seconds: float = 90) -> subprocess.CompletedProcess[str]:
    """A player that must end by itself."""
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL
    )


@needs("postgresql", "ffmpeg", "gst-rtsp-server", "gstreamer")
class FootageTests(OneServer):
    """One camera with picture and sound, recorded for some seconds and longer."""

    camera: ClassVar[RtspCamera]
    number: ClassVar[int]
    uid: ClassVar[str]
    start: ClassVar[float]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.camera = RtspCamera(audio="aac", auth="digest", password="cam-secret-77")
        cls.addClassCleanup(cls.camera.kill)
        body = {"name": "Caisse", "url": cls.camera.url, "login": "viewer", "password": "cam-secret-77"}
        status, made = cls.server.call("POST", "/api/v1/cameras", {**body, "overlay_ids": ["1"]})
        assert status == 201, made
        cls.number, cls.uid = made["id"], made["uid"]
        spans = soon(lambda: [span for span in cls.spans() if span[1] - span[0] >= RECORDED], "recording")
        cls.start = spans[-1][0]

    @classmethod
    def spans(cls, camera: str = "") -> list[tuple[float, float]]:
        """What is recorded, as Unix times."""
        found = cls.server.get(f"/api/v1/cameras/{camera or cls.number}/recordings")["spans"]
        return [(unix(span["start"]), unix(span["stop"])) for span in found]

    def clip(self, path: str, **headers: str) -> Any:
        """A GET with the administrator's token."""
        token = {"Authorization": f"Bearer {self.server.token}"}
        return http_call(self.server.web, "GET", path, {**token, **headers})

    def probed(self, *source: str | Path) -> dict[str, Any]:
        """What ffprobe says of it."""
        done = run("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", *source)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    # ── the API ──

    def test_status(self) -> None:
        """`active`, with codec, size, frame rate and bit rate."""

        def measured() -> Any:
            status = self.get(f"/cameras/{self.number}/status")
            return status if status["frame_rate"] > 5 and status["bit_rate"] > 10_000 else None

        status = soon(measured, "figures")
        self.assertEqual((status["status"], status["codec"]), ("active", "h264"))
        self.assertEqual(status["reason"], "the camera sends pictures")
        self.assertGreater(self.server.metric("camtrace_camera_packets_total"), 0)

    def test_recordings(self) -> None:
        """The span includes the open segment and grows; `start` and `stop` clip it; alarms have none."""
        before = self.spans()[-1]
        after = soon(lambda: self.spans()[-1] if self.spans()[-1][1] > before[1] else None, "growth")
        self.assertEqual(after[0], before[0])
        self.assertLess(time.time() - after[1], 10)  # a segment lasts a minute
        clipped = self.get(f"/cameras/{self.number}/recordings", start=self.start + 2, stop=self.start + 4)["spans"]
        self.assertEqual([unix(clipped[0]["start"]), unix(clipped[0]["stop"])], [self.start + 2, self.start + 4])
        alarms = self.get(f"/cameras/{self.number}/recordings", kind="alarm")
        self.assertEqual(alarms["spans"], [])

    def test_snapshots(self) -> None:
        """A picture now and one of an instant; none of an instant before the first."""
        for query in ("", f"?at={self.start + 3}", f"?at={datetime.fromtimestamp(self.start + 3, UTC).isoformat()}"):
            reply = self.clip(f"/api/v1/cameras/{self.number}/snapshot.jpg{query}".replace("+00:00", "Z"))
            self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "image/jpeg"), reply.body[:200])
            self.assertEqual(reply.body[:3], JPEG)
        self.refused(404, "not_found", None, "GET", f"/cameras/{self.number}/snapshot.jpg?at={self.start - 3600}")

    def test_video(self) -> None:
        """The MP4 plays in ffprobe, has picture and sound, covers the span; ranges and HEAD work."""
        path = f"/api/v1/cameras/{self.number}/video.mp4?kind=regular&start={self.start + 1}&stop={self.start + 6}"
        whole = self.clip(path)
        self.assertEqual((whole.status, whole.headers["Content-Type"]), (200, "video/mp4"), whole.body[:200])
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(whole.body)
            file.flush()
            found = self.probed(file.name)
            decoded = run("ffmpeg", "-v", "error", "-i", file.name, "-f", "null", "-")
            self.assertEqual((decoded.returncode, decoded.stderr), (0, ""))
        self.assertEqual([stream["codec_name"] for stream in found["streams"]], ["h264", "aac"])
        self.assertGreaterEqual(float(found["format"]["duration"]), 4.9)
        self.assertLess(float(found["format"]["duration"]), 7.2)  # from the key frame before
        part = self.clip(path, Range="bytes=100-199")
        self.assertEqual((part.status, part.body), (206, whole.body[100:200]))
        self.assertEqual(part.headers["Content-Range"], f"bytes 100-199/{len(whole.body)}")
        self.assertEqual(self.clip(path, Range=f"bytes={len(whole.body)}-").status, 416)
        self.assertEqual(self.clip(path, Range="bytes=-10").body, whole.body[-10:])
        named = self.clip(f"{path}&download=1").headers["Content-Disposition"]
        self.assertRegex(named, r'^attachment; filename="Caisse .*\.mp4"')
        self.refused(404, "not_found", None, "GET", f"/cameras/{self.number}/video.mp4?start=1000&stop=2000")

    def test_line_and_its_video(self) -> None:
        """The link of a line gives the footage around it."""
        self.say(b"1|0|7|0|A|1|148|TARTE POELEE|16,00\n")
        (line,) = self.lines(1, source="1")
        (video,) = line["video"]
        self.assertEqual((line["cameras"], video["camera"]), ([self.number], self.number))
        soon(lambda: self.spans()[-1][1] > unix(line["received_at"]), "the instant to be recorded")
        reply = self.clip(video["url"])
        self.assertEqual((reply.status, reply.body[4:8]), (200, b"ftyp"))

    # ── RTSP ──

    def url(self, path: str, login: str = LOGIN) -> str:
        return f"rtsp://{login}@127.0.0.1:{self.server.rtsp}{path}"

    def played(self, path: str, transport: str = "tcp", login: str = LOGIN) -> float:
        """How many seconds of picture ffmpeg gets until it ends by itself."""
        done = run(
            "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", transport, "-i", self.url(path, login),
            "-map", "0:v", "-c", "copy", "-f", "framecrc", "-",
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split(",") for line in done.stdout.splitlines() if not line.startswith("#")]
        numerator, denominator = re.search(r"#tb 0: (\d+)/(\d+)", done.stdout).groups()
        ticks = int(rows[-1][2]) + int(rows[-1][3]) - int(rows[0][2])
        return ticks * int(numerator) / int(denominator)

    def test_every_url(self) -> None:
        """With and without slash, Unix and ISO, relative: each plays what it names and ends by itself."""
        start, stop = self.start + 1, self.start + 2
        begin, end = (datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") for at in (start, stop))
        ago = time.time() - self.start
        for query in (
            f"?start={start:.3f}&stop={stop:.3f}",
            f"/?start={start:.3f}&stop={stop:.3f}",
            f"/?start={begin}&stop={end}",
            f"?rstart={ago - 1:.1f}&rstop={ago - 2:.1f}",
            f"/?stop={stop:.3f}&start={start:.3f}&other=1",
        ):
            with self.subTest(query):
                self.assertAlmostEqual(self.played(f"/player/regul/{self.number}{query}"), 1.0, delta=1.3)

    def test_defaults(self) -> None:
        """No parameter is the last 60 seconds; an open end is now; both are told in the description."""
        for query in ("", "/", "/?rstart=60", f"/?start={self.start:.3f}"):
            asked = time.time()
            body = self.ask("DESCRIBE", f"/player/regul/{self.number}{query}").body
            (length,) = map(float, re.findall(r"a=range:npt=0(?:\.0+)?-([\d.]+)", body))
            self.assertAlmostEqual(length, min(asked - self.start, 60), delta=6, msg=query)

    def test_players(self) -> None:
        """ffmpeg, ffprobe and GStreamer by TCP and UDP end by themselves."""
        path = f"/player/regul/{self.number}/?start={self.start + 1:.3f}&stop={self.start + 2:.3f}"
        for transport in ("tcp", "udp"):
            with self.subTest("ffmpeg", transport=transport):
                self.assertAlmostEqual(self.played(path, transport), 1.0, delta=1.3)
            with self.subTest("ffprobe", transport=transport):
                streams = self.probed("-rtsp_transport", transport, self.url(path))["streams"]
                self.assertEqual({stream["codec_name"] for stream in streams}, {"h264", "aac"})
            with self.subTest("GStreamer", transport=transport):
                plain = self.url(path).replace(f"{LOGIN}@", "")
                source = ["rtspsrc", f"location={plain}", f"protocols={transport}", "user-id=admin"]
                source += [f"user-pw={PASSWORD}", "name=s"]
                sinks = ["s.", "!", "rtph264depay", "!", "fakesink", "s.", "!", "rtpmp4gdepay", "!", "fakesink"]
                done = run("gst-launch-1.0", *source, *sinks)
                # its exit code tells nothing: at the end it interrupts its own PAUSE, now and then
                self.assertIn("Got EOS", done.stdout, done.stderr)

    def test_follow_and_live(self) -> None:
        """`follow=1` goes on into what is recorded meanwhile; /live shows what comes."""
        for path in (
            f"/player/regul/{self.number}/?rstart=1&follow=1",
            f"/live/{self.number}",
            f"/live/{self.number}/sub",
        ):
            with self.subTest(path):
                done = run(
                    "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", self.url(path),
                    "-map", "0:v", "-t", "2", "-c", "copy", "-f", "framecrc", "-",
                )  # fmt: skip
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertGreater(len([one for one in done.stdout.splitlines() if not one.startswith("#")]), 10)

    # ── RTSP, word by word ──

    def ask(self, method: str, path: str, *headers: str, login: str = f"admin:{PASSWORD}") -> Spoken:
        """One request on a connection of its own."""
        with Talk(self.server.rtsp) as talk:
            return talk.ask(method, path, *headers, login=login)

    def test_statuses(self) -> None:
        """Spans empty, inverted, unreadable, in the future; cameras and kinds that do not exist."""
        now = time.time()
        base = f"/player/regul/{self.number}/"
        for path, status in (
            (f"{base}?start=5&stop=5", 400),
            (f"{base}?start={now - 10:.0f}&stop={now - 60:.0f}", 400),
            (f"{base}?start=yesterday", 400),
            (f"{base}?rstart=-5", 404),
            (f"{base}?rstart=10&rstop=20", 400),
            (f"{base}?start={now + 3600:.0f}", 404),
            (f"{base}?start=1000&stop=2000", 404),
            (f"/player/alarm/{self.number}/", 404),
            ("/player/regul/999/", 404),
            ("/player/regul/x/", 404),
            ("/player/other/1/", 404),
            ("/live/999", 404),
            ("/", 404),
            ("/../../etc/passwd", 404),
        ):
            with self.subTest(path):
                answer = self.ask("DESCRIBE", path)
                self.assertEqual(answer.status, status, answer)
                self.assertGreater(len(answer.reason), 5)

    def test_login(self) -> None:
        """Nothing without a login, nothing by a wrong one; OPTIONS are open."""
        path = f"/player/regul/{self.number}/"
        for method in ("DESCRIBE", "SETUP", "PLAY"):
            answer = self.ask(method, path, "Transport: RTP/AVP/TCP;interleaved=0-1", login="")
            self.assertEqual(answer.status, 401)
            self.assertIn('Basic realm="CamTrace"', answer.head)
        self.assertEqual(self.ask("DESCRIBE", path, login="admin:wrong").status, 401)
        self.assertEqual(self.ask("DESCRIBE", path, "Authorization: Bearer x", login="").status, 401)
        options = self.ask("OPTIONS", "*", login="")
        self.assertEqual(options.status, 200)
        for word in ("DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"):
            self.assertIn(word, options.head)

    def test_rights(self) -> None:
        """Locked users are out."""
        create = ("user", "create", "watcher", "--profile", "viewer", "--password-file", "-")
        self.server.command(*create, text="long enough text\n")
        path = f"/live/{self.number}"
        self.assertEqual(self.ask("DESCRIBE", path, login="watcher:long enough text").status, 200)
        self.server.command("user", "lock", "watcher")
        self.assertEqual(self.ask("DESCRIBE", path, login="watcher:long enough text").status, 401)

    def test_misspoken(self) -> None:
        """No CSeq, no session, unknown methods, odd transports: a status each, and the connection goes on."""
        path = f"/player/regul/{self.number}/"
        with Talk(self.server.rtsp) as talk:
            talk.send(f"OPTIONS rtsp://h{path} RTSP/1.0\r\n\r\n".encode())
            self.assertEqual(talk.answer().status, 400)
            login = f"admin:{PASSWORD}"
            self.assertEqual(talk.ask("PLAY", path, "Session: nonsense", login=login).status, 454)
            self.assertEqual(talk.ask("TEARDOWN", path, "Session: nonsense", login=login).status, 454)
            self.assertEqual(talk.ask("BREW", path, login=login).status, 501)
            self.assertEqual(talk.ask("SETUP", f"{path}track1", "Transport: RAW/RAW/UDP", login=login).status, 461)
            multicast = "Transport: RTP/AVP;multicast"
            self.assertEqual(talk.ask("SETUP", f"{path}track1", multicast, login=login).status, 461)
            self.assertEqual(talk.ask("DESCRIBE", path, "Require: telepathy", login=login).status, 551)
            talk.send(b"OPTIONS * RTSP/1.0\r\nCS")  # half a request, the rest later
            talk.send(b"eq: 77\r\n\r\n")
            self.assertEqual(talk.answer().status, 200)
            self.assertEqual(talk.ask("DESCRIBE", path, login=login).status, 200)

    def test_garbage(self) -> None:
        """Bytes that are no RTSP end the connection with 400 and harm nobody."""
        for data in (
            b"\x16\x03\x01" + bytes(300),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"x" * 100_000,
            b"\r\n" * 5000 + b"GET / HTTP/1.1\r\nHost: x",
        ):
            said = raw_call(self.server.rtsp, data + b"\r\n\r\n", b"\r\n\r\n")
            self.assertTrue(said == b"" or b" 400 " in said or b" 505 " in said or b" 501 " in said, said[:80])
        with socket.create_connection(("127.0.0.1", self.server.rtsp)) as half:
            half.sendall(b"DESCRIBE rtsp://127.0.0.1/player")
        self.assertEqual(self.ask("OPTIONS", "*", login="").status, 200)
        self.assertFalse([line for line in self.server.output if "Traceback" in line])

    def test_z_player_password(self) -> None:
        """Once somebody has a player password Digest is offered, works with it, and Basic goes on with the login's."""
        made = self.server.command("user", "player", "admin").stdout.splitlines()[-1]
        path = f"/player/regul/{self.number}/?start={self.start + 1:.3f}&stop={self.start + 2:.3f}"
        refusal = self.ask("DESCRIBE", path, login="")
        self.assertLess(refusal.head.index("Digest"), refusal.head.index("Basic"))
        self.assertAlmostEqual(self.played(path, login=f"admin:{made}"), 1.0, delta=1.3)
        self.assertEqual(self.ask("DESCRIBE", path).status, 200)
        wrong = run(
            "ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", self.url(path, "admin:wrong"), "-f", "null", "-"
        )
        self.assertIn("401", wrong.stderr)

    def test_zz_deleted_camera(self) -> None:
        """What a deleted camera left stays under its uid and never shows under the next one with its number."""
        self.say(b"1|0|7|0|A|1|149|LEFT BEHIND|16,00\n")
        (line,) = self.lines(1, code="149")
        span = f"start={self.start + 1}&stop={self.start + 3}"
        self.assertEqual(self.server.call("DELETE", f"/api/v1/cameras/{self.number}")[0], 204)
        status, following = self.server.call("POST", "/api/v1/cameras", {"name": "next", "url": "rtsp://127.0.0.1:9/x"})
        self.assertEqual((status, following["id"]), (201, self.number))
        self.assertEqual(self.spans(), [])
        self.refused(404, "not_found", None, "GET", f"/cameras/{self.number}/video.mp4?{span}")
        self.refused(404, "not_found", None, "GET", f"/cameras/{self.number}/snapshot.jpg")
        self.refused(404, "not_found", None, "GET", f"/cameras/{self.number}/snapshot.jpg?at={self.start + 2}")
        self.assertEqual(self.get("/lines", camera=self.number)["items"], [])
        rtsp = f"/player/regul/{self.number}/?{span}"
        self.assertEqual(self.ask("DESCRIBE", rtsp).status, 404)
        self.assertEqual(self.ask("DESCRIBE", f"/live/{self.number}").status, 503)

        grave = f"uid:{self.uid}"
        self.assertEqual(self.get(f"/cameras/{grave}")["name"], "Caisse")
        self.assertIn(self.uid, [one["uid"] for one in self.get("/cameras", deleted=1)["items"]])
        self.assertTrue(self.spans(grave))
        self.assertEqual(self.clip(f"/api/v1/cameras/{grave}/video.mp4?{span}").status, 200)
        self.assertEqual(self.clip(f"/api/v1/cameras/{grave}/snapshot.jpg?at={self.start + 2}").body[:3], JPEG)
        (left,) = self.get("/lines", camera=grave, code="149")["items"]
        self.assertEqual((left["id"], left["cameras"], left["video"][0]["camera"]), (line["id"], [], None))
        self.assertEqual(self.clip(left["video"][0]["url"]).status, 200)

        texts = [json.dumps(self.get("/journal", limit=1000)), "\n".join(self.server.output)]
        self.assertNotIn("cam-secret-77", "".join(texts))


class Spoken:
    """An RTSP answer."""

    def __init__(self, head: str, body: str) -> None:
        self.head, self.body = head, body
        _, status, self.reason = head.split("\r\n")[0].split(" ", 2)
        self.status = int(status)

    def __repr__(self) -> str:
        return self.head


class Talk:
    """An RTSP connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")
        self._sequence = 0

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def ask(self, method: str, path: str, *headers: str, login: str = "") -> Spoken:
        self._sequence += 1
        url = path if path == "*" else f"rtsp://127.0.0.1:{self._port}{path}"
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._sequence}", *headers]
        if login:
            lines.append(f"Authorization: Basic {b64encode(login.encode()).decode()}")
        self.send("\r\n".join([*lines, "", ""]).encode())
        return self.answer()

    def answer(self) -> Spoken:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            if not line:
                raise AssertionError(f"the connection ended after {head!r}")
            head += line
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        return Spoken(head.decode(), self._file.read(int(length[1])).decode() if length else "")

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()


if __name__ == "__main__":
    unittest.main()
