"""Alarms on the running server: from a socket, a browser's program or FTP to a recording that is replayed."""

from __future__ import annotations

import ftplib
import io
import re
import socket
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from PIL import Image
from support.cameras import RtspCamera
from support.mail_server import MailServer
from support.needs import needs
from support.outside import OneServer, soon, unix
from support.ports import free_port
from support.server import Server

LOGIN = "admin:correct%20horse%20battery"
GROUP = 1.0  # seconds between the key frames of the camera
FRAME = 1 / 25
PRE, POST = 5, 8


def told(port: int, message: bytes) -> None:
    """Say `message` on the control channel and hang up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(message)


@needs("postgresql", "gst-rtsp-server", "ffmpeg")
class AlarmTests(OneServer):
    """One camera that is recorded for alarms only, one that is recorded always."""

    camera: RtspCamera

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.camera = RtspCamera(rate=25)
        cls.addClassCleanup(cls.camera.kill)
        for name, calendar, address, post in (
            ("yard", "never", "127.0.0.4", POST),
            ("till", "always", "127.0.0.5", POST),
            ("door", "never", "127.0.0.6", 1),
        ):
            alarm = {"pre_seconds": PRE, "post_seconds": post}
            body = {"name": name, "url": cls.camera.url, "regular": {"calendar": calendar}, "alarm": alarm}
            status, made = cls.server.call("POST", "/api/v1/cameras", {**body, "address": address})
            assert status == 201, made

    def active(self) -> None:
        """Both cameras have sent pictures for as long as an alarm looks back."""
        apart = PRE + 2 * GROUP

        def ready() -> bool:
            states = [self.get(f"/cameras/{number}/status") for number in (1, 2)]
            return all(one["status"] == "active" and time.time() > unix(one["since"]) + apart for one in states)

        soon(ready, "the cameras")
        soon(lambda: self.spans(2, "regular") and self.length(2) > apart, "something to look back to")

    def spans(self, number: int, kind: str) -> list[tuple[float, float]]:
        found = self.get(f"/cameras/{number}/recordings", kind=kind)["spans"]
        return [(unix(span["start"]), unix(span["stop"])) for span in found]

    def length(self, number: int) -> float:
        start, stop = self.spans(number, "regular")[-1]
        return stop - start

    def over(self, count: int) -> list[dict[str, Any]]:
        """The newest alarms of cameras 1 and 2 once none is under way and there are at least `count`."""

        def ended() -> list[dict[str, Any]]:
            found = [alarm for alarm in self.get("/alarms")["items"] if alarm["camera"] in (1, 2)]
            return found if len(found) >= count and all(alarm["state"] == "ended" for alarm in found) else []

        return soon(ended, "the end of the alarms")

    def played(self, number: int, start: float, stop: float) -> tuple[float, int]:
        """Length in seconds and number of the pictures that ffmpeg gets of the camera's alarms between two instants."""
        address = f"rtsp://{LOGIN}@127.0.0.1:{self.server.rtsp}/player/alarm/{number}/"
        url = f"{address}?start={start:.3f}&stop={stop:.3f}"
        command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-select_streams", "v"]
        command += ["-show_entries", "packet=pts_time", "-of", "csv=p=0", url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
        times = sorted(float(found) for found in re.findall(r"[0-9.]+", done.stdout))
        return times[-1] - times[0], len(times)

    def test_prolonged_and_replayed(self) -> None:
        """Five seconds before, eight after, prolonged twice: what is replayed, in three parts at once, has 25 pictures
        a second from the last key frame before the span to its end, on both cameras; the one that is recorded for
        alarms only has nothing else."""
        self.active()
        sent = time.time()
        told(self.server.control, b"alarm 1,2")
        soon(lambda: len(self.get("/alarms")["items"]) >= 2, "both alarms")
        time.sleep(1.5)  # the pace of triggers
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.control}/alarm?idlist=1,2&Message=more") as answer:
            self.assertEqual((answer.status, answer.read()), (200, b"alarm 1,2\n"))
        time.sleep(1.5)
        status, raised = self.server.call("POST", "/api/v1/alarms", {"cameras": [1, 2], "message": "again"})
        answered = time.time()
        self.assertEqual((status, {alarm["trigger_count"] for alarm in raised["items"]}), (201, {3}))
        alarms = {alarm["camera"]: alarm for alarm in self.over(2)[:2]}
        for alarm in alarms.values():
            self.assertEqual(alarm["causes"], ["tcp", "http", "program"])
            self.assertEqual(alarm["ended_at"], alarm["until"])
        # the instants are the server's: when a trigger that nobody answers for is read, nobody knows
        first, until = unix(alarms[1]["started_at"]), unix(alarms[1]["until"])
        self.assertEqual(first, unix(alarms[2]["started_at"]))
        self.assertTrue(sent <= first + 0.1 and until - POST <= answered + 0.1, (sent, first, until, answered))
        self.assertGreaterEqual(until - first, 3 + POST)
        spans = [self.spans(number, "alarm")[-1] for number in (1, 2)]
        for start, stop in spans:
            self.assertAlmostEqual(start, first - PRE, delta=2)  # a fragment of one second more, on a busy machine
            self.assertAlmostEqual(stop, until, delta=2)
        cuts = [first - PRE - 1, first + 2, first + 7, until + 60]
        parts = [(number, *part) for number in (1, 2) for part in pairwise(cuts)]
        with ThreadPoolExecutor(len(parts)) as players:
            played = players.map(lambda part: self.played(*part), parts)
        for (number, begin, end), (seconds, pictures) in zip(parts, played, strict=True):
            with self.subTest((number, begin - first)):
                start, stop = spans[number - 1]
                asked = min(end, stop) - max(begin, start)
                self.assertTrue(-8 * FRAME <= seconds - asked <= GROUP + 8 * FRAME, (seconds, asked))
                self.assertGreater(pictures, 0.9 * seconds / FRAME)
        self.assertEqual(self.spans(1, "regular"), [])
        begins, ends = self.spans(1, "all")[-1]
        self.assertTrue(first - PRE - 2.5 * GROUP <= begins <= first - PRE, (begins - first, first))
        self.assertTrue(until - 0.5 <= ends <= until + 2.5 * GROUP, ends - until)

    def test_who_speaks(self) -> None:
        """Without ids it is the camera at the sender's address; what is not understood is journaled."""

        def raised() -> bool:
            found = self.get("/alarms", camera=3)["items"]
            return bool(found) and found[0]["causes"][-1] == "tcp"

        with socket.create_connection(
            ("127.0.0.1", self.server.control), timeout=10, source_address=("127.0.0.6", 0)
        ) as connection:
            connection.sendall(b"ALARME\r\n")
            soon(raised, "the alarm")
        newest = self.get("/alarms", camera=3)["items"][0]
        self.assertEqual(newest["triggers"][-1]["from"], "127.0.0.6")
        told(self.server.control, b"alarm 77\n")
        told(self.server.control, b"hello\n")

        def journaled() -> bool:
            said = "\n".join(entry["message"] for entry in self.get("/journal", kind="system")["items"])
            return "cameras that do not exist: 77" in said and "hello" in said

        soon(journaled, "the journal")
        self.assertGreaterEqual(self.server.metric("camtrace_control_errors_total"), 2)

    def test_by_ftp(self) -> None:
        """A picture that a camera uploads is an alarm on it."""
        picture = io.BytesIO()
        Image.new("RGB", (320, 240), "grey").save(picture, "JPEG")
        picture.seek(0)
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", self.server.ftp, timeout=20, source_address=("127.0.0.6", 0))
            ftp.login("camtrace", "camera")
            ftp.storbinary("STOR image1_26-11-25_10-00-00-01.jpg", picture)

        def raised() -> bool:
            found = self.get("/alarms", cause="ftp")["items"]
            return bool(found) and found[0]["camera"] == 3

        soon(raised, "the alarm")
        alarm = self.get("/alarms", cause="ftp")["items"][0]
        self.assertEqual(self.server.get(alarm["picture"]), picture.getvalue())  # as it was sent


@needs("postgresql")
class KilledTests(OneServer):
    """kill -9 while alarms are under way and mails about them are queued."""

    server: Server

    def mails_by(self, port: int) -> None:
        """The administrator gets mails about alarms by the mail server at this port."""
        body = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "cam@shop.example"}
        for path, change in (
            ("", body),
            ("/users/admin", {"email": "anna@shop.example"}),
            ("/profiles/administrator", {"alarms": None, "lost": [], "contacts": False, "purge": False}),
        ):
            status, answer = self.server.call("PATCH", f"/api/v1/mail{path}", change)
            self.assertEqual(status, 200, answer)

    def queue(self, **expected: Any) -> list[dict[str, Any]]:
        """The mails, once so many are in each state."""

        def there() -> list[dict[str, Any]]:
            mails = self.get("/mail/queue")["items"]
            states = [mail["state"] for mail in mails]
            return mails if all(states.count(state) == count for state, count in expected.items()) else []

        return soon(there, f"mails: {expected}")

    def test_goes_on_or_has_ended(self) -> None:
        """After the restart one alarm has ended when it should have, the other goes on and takes the next trigger. The
        mail that was sent before is not sent again, those that waited are, once."""
        office = MailServer().start()
        self.addCleanup(office.stop)
        for name, post in (("short", 3), ("long", 60), ("first", 3)):
            alarm = {"post_seconds": post, "mail_calendar": "always"}
            self.add_camera(name=name, url="rtsp://127.0.0.1:9/x", alarm=alarm)
        self.mails_by(office.port)
        self.assertEqual(self.server.call("POST", "/api/v1/alarms", {"camera": 3})[0], 201)
        self.queue(sent=1)
        self.mails_by(free_port())
        status, raised = self.server.call("POST", "/api/v1/alarms", {"cameras": [1, 2]})
        self.assertEqual(status, 201)
        self.queue(sent=1, queued=2)
        self.server.kill()
        time.sleep(max(0.0, unix(raised["items"][0]["until"]) - time.time()))  # the short one's time passes meanwhile
        self.server.start()
        ended, lasting = sorted(self.get("/alarms")["items"], key=lambda alarm: alarm["camera"])[:2]
        self.assertEqual((ended["state"], ended["ended_at"]), ("ended", ended["until"]))
        self.assertEqual((lasting["state"], lasting["id"]), ("active", raised["items"][1]["id"]))
        _, again = self.server.call("POST", "/api/v1/alarms", {"camera": 2})
        self.assertEqual((again["items"][0]["id"], again["items"][0]["trigger_count"]), (lasting["id"], 2))
        self.queue(sent=1, queued=2)
        self.mails_by(office.port)
        self.queue(sent=3)
        self.assertEqual(
            sorted(str(mail["Subject"]).rpartition(" ")[2] for mail in office.mails()), ["first", "long", "short"]
        )
        self.assertEqual(len({mail["Message-ID"] for mail in office.mails()}), 3)
