"""Cameras over the API: what is accepted, what is shown, what a deleted one leaves."""

from __future__ import annotations

from dataclasses import replace

from support.alarms import ALARM
from support.web import NOON, Browser, Disk, WebShop
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from camtrace.errors import Invalid
from camtrace.model import CameraState, Status
from camtrace.web.api.camera_fields import read_fields

TRIANGLE = [[0, 0], [1, 0], [0.5, 1]]


class FieldTests(SynchronousTestCase):
    """Settings given by people and programs."""

    GOOD = {"name": "Till", "url": "rtsp://10.0.0.1:554/main"}

    def test_least(self) -> None:
        """A name and an address suffice; so do a name, a model and a host."""
        self.assertEqual(read_fields(self.GOOD), self.GOOD)
        least = {"name": "Till", "model": "axis", "address": "cam.shop"}
        self.assertEqual(read_fields(least), least)

    def test_refused(self) -> None:
        """Each fault names its field."""
        for more, field in (
            ({"name": " "}, "name"),
            ({"name": 5}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"url": ""}, "url"),
            ({"url": "ftp://host/x"}, "url"),
            ({"url": "rtsp://"}, "url"),
            ({"url": "rtsp://[bad/x"}, "url"),
            ({"url": "rtsp://host:99999/x"}, "url"),
            ({"address": "http://host"}, "address"),
            ({"address": "a b"}, "address"),
            ({"http_port": 0}, "http_port"),
            ({"http_port": "80"}, "http_port"),
            ({"http_port": True}, "http_port"),
            ({"channel": 1.5}, "channel"),
            ({"transport": "tcp4"}, "transport"),
            ({"codec": "av1"}, "codec"),
            ({"overlay_ids": "1"}, "overlay_ids"),
            ({"overlay_ids": [""]}, "overlay_ids"),
            ({"overlay_ids": [1]}, "overlay_ids"),
            ({"regular": "always"}, "regular"),
            ({"regular": {"calendar": "sometimes"}}, "regular.calendar"),
            ({"regular": {"days": 0}}, "regular.days"),
            ({"regular": {"weeks": 1}}, "regular.weeks"),
            ({"alarm": {"pre_seconds": -1}}, "alarm.pre_seconds"),
            ({"mail": {"lost_calendar": "sometimes"}}, "mail.lost_calendar"),
            ({"mail": {"grace_seconds": -1}}, "mail.grace_seconds"),
            ({"mail": {"most_per_hour": 0}}, "mail.most_per_hour"),
            ({"mail": {"colour": "red"}}, "mail.colour"),
            ({"motion": True}, "motion"),
            ({"motion": {"colour": 1}}, "motion.colour"),
            ({"motion": {"enabled": 1}}, "motion.enabled"),
            ({"motion": {"sensitivity": 101}}, "motion.sensitivity"),
            ({"motion": {"object_size": -1}}, "motion.object_size"),
            ({"motion": {"history_seconds": 0}}, "motion.history_seconds"),
            ({"motion": {"minimum_seconds": float("nan")}}, "motion.minimum_seconds"),
            ({"motion": {"minimum_seconds": True}}, "motion.minimum_seconds"),
            ({"motion": {"zones": {}}}, "motion.zones"),
            ({"motion": {"zones": [{"polygon": TRIANGLE}] * 9}}, "motion.zones"),
            ({"motion": {"zones": ["all"]}}, "motion.zones.0"),
            ({"motion": {"zones": [{"polygon": TRIANGLE}, {"polygon": TRIANGLE[:2]}]}}, "motion.zones.1.polygon"),
            ({"motion": {"zones": [{"polygon": TRIANGLE * 7}]}}, "motion.zones.0.polygon"),
            ({"motion": {"zones": [{"polygon": [*TRIANGLE, [0, 1.1]]}]}}, "motion.zones.0.polygon"),
            ({"motion": {"zones": [{"polygon": [*TRIANGLE, [0, "0"]]}]}}, "motion.zones.0.polygon"),
            ({"motion": {"zones": [{"polygon": [*TRIANGLE, 0]}]}}, "motion.zones.0.polygon"),
            ({"motion": {"zones": [{"polygon": TRIANGLE, "name": 1}]}}, "motion.zones.0.name"),
            ({"motion": {"zones": [{"polygon": TRIANGLE, "exclude": 1}]}}, "motion.zones.0.exclude"),
            ({"stop_streams_automatically": 1}, "stop_streams_automatically"),
            ({"password": "x" * 257}, "password"),
            ({"colour": "red"}, "colour"),
        ):
            error = self.assertRaises(Invalid, read_fields, {**self.GOOD, **more})
            self.assertEqual(error.field, field, more)

    def test_login_in_the_url(self) -> None:
        """A login typed into the address is kept as login and password, and no longer shown."""
        fields = read_fields({"name": "Till", "url": "rtsp://us%40er:p%2Fw@10.0.0.1:554/main?x=1"})
        self.assertEqual(fields["url"], "rtsp://10.0.0.1:554/main?x=1")
        self.assertEqual((fields["login"], fields["password"]), ("us@er", "p/w"))

    def test_tidy(self) -> None:
        """Spaces at the ends go, sources are named once, a password stays as it is."""
        fields = read_fields({**self.GOOD, "name": "  Till ", "overlay_ids": ["1 ", "1"], "password": " p "})
        self.assertEqual((fields["name"], fields["overlay_ids"], fields["password"]), ("Till", ("1",), " p "))


class CamerasApiTests(SynchronousTestCase):
    """The life of a camera."""

    def setUp(self) -> None:
        self.shop = WebShop()
        self.anna = Browser(self.shop, token=self.shop.token())
        self.boris = Browser(self.shop, token=self.shop.token("boris"))

    def test_create(self) -> None:
        """A new camera gets the lowest free number, is there at once, and its password is sealed and not shown."""
        body = {"name": "Door", "url": "rtsp://10.0.0.3/main", "login": "root", "password": "pass word"}
        answer = self.anna.ask("POST", "/api/v1/cameras", json=body)
        self.assertEqual((answer.code, answer.header("location")), (201, "/api/v1/cameras/3"))
        shown = answer.json
        self.assertEqual((shown["id"], shown["has_password"], shown["http_port"], shown["channel"]), (3, True, 80, 1))
        self.assertEqual(shown["alarm"], ALARM | {"pre_seconds": 5})
        self.assertEqual((shown["regular"]["calendar"], shown["overlay_ids"]), ("always", []))
        self.assertNotIn("password", shown)
        stored = self.shop.cameras.stored[-1]
        self.assertEqual(self.shop.vault.unseal(stored.password), "pass word")
        self.assertEqual(self.anna.get("/api/v1/cameras/3").json["name"], "Door")
        self.assertEqual(
            self.shop.notes, [("audit", "camera_added", {"name": "Door", "number": 3}, stored.uid, "anna")]
        )

    def test_number_asked_for(self) -> None:
        """A free number may be asked for; a taken one is a conflict and leaves nothing behind."""
        body = {"name": "Door", "url": "rtsp://10.0.0.3/main", "id": 7}
        self.assertEqual(self.anna.ask("POST", "/api/v1/cameras", json=body).json["id"], 7)
        answer = self.anna.ask("POST", "/api/v1/cameras", json={**body, "id": 2})
        self.assertEqual((answer.code, answer.json["error"]["code"]), (409, "conflict"))
        self.assertEqual([camera["id"] for camera in self.anna.get("/api/v1/cameras").json["items"]], [1, 2, 7])

    def test_bad_bodies(self) -> None:
        """What is no JSON object is refused as such; a wrong field by its name."""
        for content, kind in ((b"{", "application/json"), (b"[]", "application/json"), (b"{}", "text/plain")):
            answer = self.anna.ask("POST", "/api/v1/cameras", data=content, headers={"Content-Type": kind})
            self.assertEqual((answer.code, answer.json["error"]["code"]), (400, "invalid"))
        answer = self.anna.ask("POST", "/api/v1/cameras", json={"name": "x", "url": "gopher://x"})
        self.assertEqual(answer.json["error"]["field"], "url")

    def test_volume(self) -> None:
        """Only a volume of the configuration, by its folder or the last part of it, absent or not; "" is the first."""
        self.shop.volumes = [Disk("/mnt/a"), Disk("/mnt/b", "absent")]
        new = {"name": "Door", "url": "rtsp://10.0.0.3/main"}
        for method, path, body in (
            ("POST", "", new),
            ("PATCH", "/1", {}),
            ("POST", "/test", new),
            ("POST", "/1/test", {}),
        ):
            for wrong in ("/mnt/c", "/mnt", "b ackup", "a/"):
                answer = self.anna.ask(method, f"/api/v1/cameras{path}", json={**body, "volume": wrong})
                self.assertEqual(answer.code, 400)
                error = answer.json["error"]
                self.assertEqual((error["code"], error["field"]), ("invalid", "volume"))
                self.assertIn("/mnt/a, /mnt/b", error["message"])
        self.assertEqual(len(self.shop.cameras.stored), 3)
        for right in ("/mnt/a", "a", "/mnt/b", "b", ""):
            answer = self.anna.ask("PATCH", "/api/v1/cameras/1", json={"volume": right})
            self.assertEqual((answer.code, answer.json["volume"]), (200, right))

    def test_volume_that_left_the_configuration(self) -> None:
        """A camera that was set to it can still be sent back whole, but no other one be set to it."""
        self.shop.volumes = [Disk("/mnt/a"), Disk("/mnt/b")]
        self.anna.ask("PATCH", "/api/v1/cameras/1", json={"volume": "b"})
        del self.shop.volumes[1]
        shown = self.anna.get("/api/v1/cameras/1").json
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/cameras/1", json=shown).json, shown)
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/cameras/2", json={"volume": "b"}).code, 400)

    def test_change(self) -> None:
        """Only what is sent changes; nested settings keep their other halves; the password stays."""
        answer = self.anna.ask("PATCH", "/api/v1/cameras/1", json={"alarm": {"pre_seconds": 9}, "name": "Till A"})
        self.assertEqual(answer.json["alarm"], ALARM | {"pre_seconds": 9})
        self.assertEqual((answer.json["name"], answer.json["url"]), ("Till A", "rtsp://10.0.0.1/main"))
        self.assertTrue(answer.json["has_password"])
        self.assertFalse(self.anna.ask("PATCH", "/api/v1/cameras/1", json={"password": ""}).json["has_password"])

    def test_what_cannot_be_set(self) -> None:
        """What is only shown, and what is no setting, is refused by its name, and nothing is noted."""
        body = {"name": "Door", "url": "rtsp://10.0.0.3/main"}
        for field, value in (
            ("status", "active"), ("has_password", False), ("deleted_at", None), ("uid", "7"), ("colour", 1),
        ):  # fmt: skip
            for method, path, more in (("PATCH", "/1", {}), ("POST", "", body), ("PATCH", "/1", {"name": "Other"})):
                answer = self.anna.ask(method, f"/api/v1/cameras{path}", json={**more, field: value})
                self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field))
        self.assertEqual((self.shop.notes, self.anna.get("/api/v1/cameras/1").json["name"]), ([], "Front till"))

    def test_no_change(self) -> None:
        """What is as it was already is not written into the journal, whatever it is."""
        for same in (
            {}, {"name": "Front till"}, {"password": "secret"}, {"alarm": {}}, {"overlay_ids": ["1"], "http_port": 80},
        ):  # fmt: skip
            self.assertEqual(self.anna.ask("PATCH", "/api/v1/cameras/1", json=same).code, 200)
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/cameras/2", json={"password": ""}).code, 200)
        self.assertEqual(self.shop.notes, [])
        self.anna.ask("PATCH", "/api/v1/cameras/1", json={"name": "Front till", "password": "other"})
        self.anna.ask("PATCH", "/api/v1/cameras/2", json={"password": "one"})
        self.assertEqual([note[1] for note in self.shop.notes], ["camera_changed"] * 2)

    def test_password_of_another_key(self) -> None:
        """A password that cannot be read any more can be replaced."""
        self.shop.cameras.stored[0] = replace(self.shop.cameras.stored[0], password=b"sealed elsewhere")
        self.successResultOf(Deferred.fromCoroutine(self.shop.cameras.refresh()))
        answer = self.anna.ask("PATCH", "/api/v1/cameras/1", json={"password": "new"})
        self.assertEqual((answer.code, len(self.shop.notes)), (200, 1))

    def test_sent_back(self) -> None:
        """A camera that was read can be sent back whole."""
        shown = self.anna.get("/api/v1/cameras/1").json
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/cameras/1", json=shown).json, shown)

    def test_status(self) -> None:
        """The status with its reason."""
        status = self.boris.get("/api/v1/cameras/1/status").json
        self.assertEqual((status["status"], status["reason"]), ("active", "the camera sends pictures"))
        self.shop.cameras.states[101] = CameraState(101, Status.INACTIVE, "codec", NOON, detail="VP9")
        status = self.boris.get("/api/v1/cameras/1/status").json
        self.assertEqual((status["code"], status["detail"]), ("codec", "VP9"))
        self.assertEqual(status["reason"], "the camera sends a kind of picture that cannot be recorded: VP9")
        self.assertEqual(status["since"], "2026-11-20T12:00:00.000000Z")

    def test_what_a_viewer_sees(self) -> None:
        """Only the cameras of the profile, without how they are reached; the others do not exist."""
        shown = self.boris.get("/api/v1/cameras").json["items"]
        self.assertEqual([camera["id"] for camera in shown], [1])
        self.assertNotIn("url", shown[0])
        for path in ("2", "uid:102", "2/status", "2/snapshot.jpg", "0", "-1", "x", "uid:x", "9" * 30):
            self.assertEqual(self.boris.get(f"/api/v1/cameras/{path}").code, 404, path)
        self.assertEqual(self.boris.ask("DELETE", "/api/v1/cameras/1").code, 403)

    def test_deleted(self) -> None:
        """What a deleted camera left is under its uid, for administrators, and not under the next one's number."""
        self.assertEqual(self.anna.ask("DELETE", "/api/v1/cameras/2").code, 204)
        self.assertEqual(self.anna.get("/api/v1/cameras/2").code, 404)
        again = self.anna.ask("POST", "/api/v1/cameras", json={"name": "New", "url": "rtsp://10.0.0.3/x"}).json
        self.assertEqual(again["id"], 2)
        self.assertEqual(self.anna.get("/api/v1/cameras/2").json["name"], "New")
        self.assertEqual(self.anna.get("/api/v1/cameras/uid:102").json["name"], "Stock")
        listed = self.anna.get("/api/v1/cameras?deleted=1").json["items"]
        self.assertEqual({camera["uid"] for camera in listed}, {"90", "102"})
        self.assertEqual(self.boris.get("/api/v1/cameras?deleted=1").json["items"], [])
        self.assertEqual(self.boris.get("/api/v1/cameras/uid:90").code, 404)
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/cameras/uid:90", json={"name": "x"}).code, 404)

    def test_try(self) -> None:
        """Settings are tried unsaved; an existing camera with its stored password unless another is sent."""
        body = {"name": "Door", "url": "rtsp://u:p@10.0.0.3/main"}
        self.assertTrue(self.anna.ask("POST", "/api/v1/cameras/test", json=body).json["ok"])
        self.anna.ask("POST", "/api/v1/cameras/1/test", json={"url": "rtsp://10.0.0.1/sub"})
        self.anna.ask("POST", "/api/v1/cameras/1/test", json={"password": "other"})
        tried = [(camera.url, password) for camera, password in self.shop.probe.given]
        self.assertEqual(
            tried,
            [
                ("rtsp://10.0.0.3/main", "p"),
                ("rtsp://10.0.0.1/sub", "secret"),
                ("rtsp://10.0.0.1/main", "other"),
            ],
        )
        self.assertEqual(len(self.shop.cameras.stored), 3)
