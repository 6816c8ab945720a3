"""Journals over the API: asked for, as files, alarms as marks, as events and as pictures."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.events import Reader
from support.web import NOON, Browser, WebShop
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.model import Disconnection, JournalEntry
from camtrace.web import csv_file
from camtrace.web.csv_file import csv_rows, guarded

SECOND = timedelta(seconds=1)


def lost(number: int, uid: int = 101, **more: object) -> Disconnection:
    """Camera 1 was lost for a minute."""
    begin = NOON + number * timedelta(minutes=5)
    values: dict = {
        "camera_uid": uid,
        "camera_id": uid - 100,
        "camera_name": {101: "Front till", 102: "Stock"}.get(uid, "Old till"),
        "lost_at": begin,
        "back_at": begin + timedelta(minutes=1),
        "reason": "timeout",
        "last_reason": "status",
        "last_detail": "503",
        "ending": "back",
    }
    return Disconnection(id=number, **(values | more))


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.shop = WebShop(Clock())
        self.anna = Browser(self.shop, self.shop.token())
        self.boris = Browser(self.shop, self.shop.token("boris"))

    def allow(self, *rights: str) -> None:
        """Give boris these rights instead of his own."""
        boris = self.shop.users.users["boris"]
        self.shop.users.users["boris"] = replace(boris, profile=replace(boris.profile, rights=frozenset(rights)))

    def rows(self, path: str, separator: str = ",", **headers: str) -> list[list[str]]:
        answer = self.anna.get(path, headers=headers)
        self.assertEqual((answer.code, answer.header("content-type")), (200, "text/csv; charset=utf-8"))
        self.assertIn("attachment", answer.header("content-disposition"))
        text = answer.body.decode("utf-8-sig")
        self.assertTrue(answer.body.startswith(b"\xef\xbb\xbf"))
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


class DisconnectionTests(Case):
    def test_shape(self) -> None:
        gone = lost(1, 90, camera_id=1, camera_deleted_at=NOON, back_at=None, ending="")
        self.shop.losses.stored = [lost(2), gone]
        one, other = self.anna.get("/api/v1/disconnections").json["items"]
        self.assertEqual((one["camera"], one["seconds"], one["code"], one["ending"]), (1, 60, "timeout", "back"))
        self.assertEqual((one["reason"], one["last_code"]), ("the camera does not answer", "status"))
        self.assertEqual((other["camera"], other["camera_uid"], other["name"]), (None, "90", "Old till"))
        self.assertEqual((other["back_at"], other["ending"]), (None, None))
        self.assertGreater(other["seconds"], 0)

    def test_asked(self) -> None:
        self.shop.losses.stored = [lost(3), lost(2, 102), lost(1)]
        page = self.anna.get("/api/v1/disconnections?limit=2").json
        rest = self.anna.get(f"/api/v1/disconnections?limit=2&cursor={page['next']}").json
        self.assertEqual([one["id"] for one in page["items"] + rest["items"]], ["3", "2", "1"])
        self.assertEqual(len(self.anna.get("/api/v1/disconnections?camera=2").json["items"]), 1)
        french = {"Accept-Language": "fr"}
        found = self.anna.get("/api/v1/disconnections?text=repond%20pas", headers=french).json["items"]
        self.assertEqual(len(found), 3)  # by the words of the language
        self.assertEqual(self.anna.get("/api/v1/disconnections?camera=77").code, 404)
        self.assertEqual(self.anna.get("/api/v1/disconnections?start=x").code, 400)

    def test_rights(self) -> None:
        self.shop.losses.stored = [lost(2, 102), lost(1)]
        self.assertEqual(self.boris.get("/api/v1/disconnections").code, 403)
        self.allow("journal")
        self.assertEqual([one["id"] for one in self.boris.get("/api/v1/disconnections").json["items"]], ["1"])
        self.assertEqual(self.boris.get("/api/v1/disconnections.csv?camera=2").code, 404)

    def test_file(self) -> None:
        self.shop.losses.stored = [lost(2), lost(1, camera_name="=cmd()", back_at=None, ending="")]
        heads, one, other = self.rows("/api/v1/disconnections.csv")
        self.assertEqual(heads[:4], ["Lost", "Back", "Seconds", "Camera"])
        self.assertEqual(one[:5], ["2026-11-20 13:10:00", "2026-11-20 13:11:00", "60", "1", "Front till"])
        self.assertEqual((other[1], other[4]), ("", "'=cmd()"))
        french = self.rows("/api/v1/disconnections.csv", ";", **{"Accept-Language": "fr"})
        self.assertEqual((len(french), len(french[0])), (3, 8))
        self.assertEqual(french[1][5], "ne répond pas")

    def test_a_long_file(self) -> None:
        """It is asked for page by page, and ends somewhere."""
        self.patch(csv_file, "PAGE_ROWS", 4)
        self.shop.losses.stored = [lost(number) for number in range(10, 0, -1)]
        self.assertEqual(len(self.rows("/api/v1/disconnections.csv")), 11)
        self.assertEqual(self.shop.losses.limits, [4, 4, 4])
        self.patch(csv_file, "MOST_ROWS", 8)
        rows = self.rows("/api/v1/disconnections.csv")
        self.assertEqual((len(rows), rows[-1][0][:19]), (10, "Only the newest 8 r"))

    def test_head(self) -> None:
        answer = self.anna.ask("HEAD", "/api/v1/disconnections.csv")
        self.assertEqual((answer.code, answer.body), (200, b""))


class JournalTests(Case):
    def test_asked_and_file(self) -> None:
        values = {"number": 1, "name": "Front till", "address": "rtsp://10.0.0.1/main", "status": 503}
        self.shop.journal.stored = [
            JournalEntry(id=2, at=NOON, kind="system", text="camera_lost_status", values=values, camera_uid=101),
            JournalEntry(id=1, at=NOON - SECOND, kind="audit", text="password_changed", user="anna"),
        ]
        self.assertEqual(len(self.anna.get("/api/v1/journal?camera=1").json["items"]), 1)
        self.assertEqual(len(self.anna.get("/api/v1/journal?text=password").json["items"]), 1)
        _, one, other = self.rows("/api/v1/journal.csv")
        self.assertEqual(one[:3], ["2026-11-20 13:00:00", "System", "1"])
        self.assertEqual(one[4], "Camera 1, Front till: rtsp://10.0.0.1/main answers with status 503.")
        self.assertEqual((other[3], other[4]), ("anna", "anna changed the login password."))
        self.assertEqual(self.boris.get("/api/v1/journal.csv").code, 403)


class MailTests(Case):
    def test_asked_and_file(self) -> None:
        self.shop.shelf.fill()
        self.assertEqual(len(self.anna.get("/api/v1/mail/queue?state=failed").json["items"]), 1)
        self.assertEqual(self.anna.get("/api/v1/mail/queue?state=lost").code, 400)
        _, waits, failed, _ = self.rows("/api/v1/mail/queue.csv")
        self.assertEqual(
            (waits[5], failed[2], failed[8]), ("waits", "anna@shop.example", "550 5.1.1 nobody of this name")
        )


class AlarmTests(Case):
    def raised(self, **body: object) -> list[dict]:
        return self.anna.ask("POST", "/api/v1/alarms", json={"cameras": [1], **body}).json["items"]

    def test_asked_and_file(self) -> None:
        at = clock.now() - timedelta(hours=1)
        self.raised(message="-2+3 at the door", at=clock.iso(at))
        self.raised(cameras=[2], cause="motion")
        self.assertEqual(len(self.anna.get("/api/v1/alarms?text=door").json["items"]), 1)
        self.assertEqual(len(self.anna.get("/api/v1/alarms?cause=motion,rule").json["items"]), 1)
        self.assertEqual(len(self.anna.get("/api/v1/alarms?seen=1").json["items"]), 0)
        self.assertEqual(self.anna.get("/api/v1/alarms?cause=motion,ghosts").code, 400)
        _, newest, oldest = self.rows("/api/v1/alarms.csv")
        self.assertEqual((newest[1], newest[3:6]), ("", ["2", "Stock", "movement"]))
        self.assertEqual(oldest[2:8], ["20", "1", "Front till", "another program", "'-2+3 at the door", "1"])

    def test_marks(self) -> None:
        now = clock.now()
        for minutes in (60, 50, 10):
            self.raised(at=clock.iso(now - timedelta(minutes=minutes)), cameras=[1, 2])
        span = f"start={clock.iso(now - timedelta(hours=2))}&stop={clock.iso(now)}"
        marks = self.anna.get(f"/api/v1/alarms/marks?{span}").json["items"]
        self.assertEqual(len(marks), 6)
        one, other = self.anna.get(f"/api/v1/alarms/marks?{span}&most=2").json["items"]
        self.assertEqual((one["count"], one["camera"], one["cameras"], one["causes"]), (4, "1", [1, 2], ["program"]))
        self.assertEqual(other["count"], 2)
        self.assertEqual(len(self.anna.get(f"/api/v1/alarms/marks?{span}&camera=2").json["items"]), 3)
        self.assertEqual(self.anna.get("/api/v1/alarms/marks?start=0&stop=2000000000").code, 400)
        self.allow("alarms")
        self.assertEqual({one["camera"] for one in self.boris.get(f"/api/v1/alarms/marks?{span}").json["items"]}, {"1"})

    def test_events(self) -> None:
        """Begun, seen: each comes with the alarm as it stands, to who may see it."""
        reader = Reader(self.shop, self.shop.token())
        stranger = Reader(self.shop, self.shop.token("boris"))
        (alarm,) = self.raised(message="the door")
        self.anna.ask("POST", f"/api/v1/alarms/{alarm['id']}/acknowledge", json={})
        begun, seen = reader.events()
        self.assertEqual((begun[1], begun[2]["id"], begun[2]["camera"]), ("alarm", alarm["id"], 1))
        self.assertEqual(begun[2]["triggers"][0]["message"], "the door")
        self.assertEqual((seen[2]["acknowledged_by"], seen[2]["triggers"]), ("anna", []))
        self.assertEqual(stranger.events(), [])
        self.allow("alarms")
        allowed = Reader(self.shop, self.shop.token("boris"))
        self.raised(cameras=[2])
        self.assertEqual(allowed.events(), [])

    def test_picture(self) -> None:
        """The one that came with it, else the recorded one, else, for a moment, the newest; then none, in words."""
        (alarm,) = self.raised()
        path = f"/api/v1/alarms/{alarm['id']}/picture.jpg"
        self.assertEqual(alarm["picture"], path)
        missing = self.anna.get(path)
        self.assertEqual(
            (missing.code, missing.json["error"]["message"]), (404, "there is no picture of this alarm any more")
        )
        self.shop.live.pictures[101] = b"live"
        self.assertEqual(
            (self.anna.get(path).body, self.anna.get(path).header("cache-control")), (b"live", "private, no-cache")
        )
        self.shop.footage.pictures[101] = b"recorded"
        recorded = self.anna.get(path)
        self.assertEqual((recorded.body, recorded.header("content-type")), (b"recorded", "image/jpeg"))
        self.assertEqual(recorded.header("cache-control"), "private, no-cache")  # the alarm goes on
        self.assertEqual(self.anna.get(path, headers={"If-None-Match": recorded.header("etag")}).code, 304)
        self.shop.pictures.keep(int(alarm["id"]), b"its own")
        self.assertEqual(self.anna.get(path).body, b"its own")
        self.assertEqual(self.boris.get(path).body, b"its own")  # a viewer's live page shows it
        self.allow("lines")
        self.assertEqual(self.boris.get(path).code, 403)

    def test_picture_of_the_past(self) -> None:
        (alarm,) = self.raised(at=clock.iso(clock.now() - timedelta(hours=1)), cameras=[2])
        path = f"/api/v1/alarms/{alarm['id']}/picture.jpg"
        self.shop.live.pictures[102] = b"live"
        self.assertEqual(self.anna.get(path).code, 404)
        self.shop.footage.pictures[102] = b"recorded"
        recorded = self.anna.get(path)
        self.assertEqual((recorded.body, recorded.header("cache-control")), (b"recorded", "private, max-age=3600"))
        self.assertEqual(self.boris.get(path).code, 404)  # not his camera
        self.assertEqual(self.anna.get("/api/v1/alarms/12/picture.jpg").code, 404)
        self.assertEqual(self.anna.get(f"/api/v1/alarms/{2**63}/picture.jpg").code, 404)


@given(st.lists(st.lists(st.text(), min_size=2, max_size=4), max_size=5), st.sampled_from(["en", "fr", "ru"]))
def test_files_can_be_read_and_start_no_formula(rows: list[list[str]], language: str) -> None:
    text = csv_rows(rows, language).decode()
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter="," if language == "en" else ";"))
    assert read == [[guarded(cell) for cell in row] for row in rows]
    assert not [cell for row in read for cell in row if cell.lstrip(" ")[:1] in set("=+-@\t\r\n") - {""}]


def test_figures_are_no_formulae() -> None:
    assert [guarded(cell) for cell in (-3, 2.5, None, "-3", " =1+1", "a-3")] == [
        "-3",
        "2.5",
        "",
        "'-3",
        "' =1+1",
        "a-3",
    ]
