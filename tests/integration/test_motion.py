"""Motion on the running server: from a camera before which somebody walks to an alarm, its recording and its mail."""

from __future__ import annotations

import time
from typing import Any

from support.cameras import CLIPS, RtspCamera, looped, still
from support.mail_server import MailServer
from support.needs import needs
from support.outside import OneServer, soon, unix

CORRIDOR = CLIPS / "corridor_h264.mp4"
POST = 4
PICTURES = 60  # looked at, of the camera before which nothing moves


@needs("postgresql", "gst-rtsp-server", "ffmpeg")
class MotionTests(OneServer):
    """Two cameras that are recorded for alarms only, both looked at with the default settings."""

    def test_somebody_walks(self) -> None:
        """An alarm of cause motion, recorded, mailed with a picture, and ended; none where nothing moves."""
        office = MailServer().start()
        self.addCleanup(office.stop)
        self.mails_by(office)
        cameras = []
        for name, clip in (("corridor", looped(CORRIDOR)), ("store", still(CORRIDOR))):
            simulated = RtspCamera(clip)
            self.addCleanup(simulated.kill)
            alarm = {"pre_seconds": 2, "post_seconds": POST, "mail_calendar": "always"}
            settings = {"motion": {"enabled": True}, "regular": {"calendar": "never"}, "alarm": alarm}
            cameras.append(self.add_camera(name=name, url=simulated.url, **settings)["id"])
        soon(lambda: self.get("/alarms")["items"], "an alarm")
        alarm = self.get("/alarms")["items"][-1]
        self.assertEqual((alarm["camera"], alarm["causes"]), (cameras[0], ["motion"]))
        (mail, *_) = soon(office.mails, "a mail")
        self.assertIn("corridor", str(mail["Subject"]))
        self.assertEqual([part.get_content_type() for part in mail.walk()][-1], "image/jpeg")
        soon(lambda: time.time() > unix(alarm["started_at"]) + POST, "the time of a recording")
        began = self.recorded(cameras[0], unix(alarm["started_at"]) + 1)
        self.assertLessEqual(began, unix(alarm["started_at"]) - 1)
        soon(lambda: self.server.metric("camtrace_motion_pictures_total") > 2 * PICTURES, "pictures looked at")
        self.assertEqual({each["camera"] for each in self.get("/alarms")["items"]}, {cameras[0]})
        self.assertEqual(self.get(f"/cameras/{cameras[1]}/recordings", kind="all")["spans"], [])

    def recorded(self, number: int, until: float) -> float:
        """When what was recorded first for an alarm of this camera begins, once it goes on to `until`."""

        def there() -> Any:
            spans = self.get(f"/cameras/{number}/recordings", kind="alarm")["spans"]
            return spans if spans and unix(spans[0]["stop"]) >= until else None

        return unix(soon(there, "a recording")[0]["start"])

    def mails_by(self, office: MailServer) -> None:
        """The administrator gets mails about alarms, and no others."""
        server = {"host": "127.0.0.1", "port": office.port, "security": "none", "sender": "cam@shop.example"}
        rights: dict[str, Any] = {"alarms": None, "lost": [], "contacts": False, "purge": False}
        for path, change in (
            ("", server),
            ("/users/admin", {"email": "anna@shop.example"}),
            ("/profiles/administrator", rights),
        ):
            status, answer = self.server.call("PATCH", f"/api/v1/mail{path}", change)
            self.assertEqual(status, 200, answer)
