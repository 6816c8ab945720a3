"""Alarms and calendars over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.web import Browser, WebShop
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.model import Hours

SHOP = {
    "name": "shop",
    "week": {"monday": [{"from": "14:00", "to": "19:30"}, {"from": "08:00", "to": "12:00"}]},
    "special_days": [{"first": "2026-12-24", "last": "2026-12-26", "name": "Christmas"}],
}


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.shop = WebShop(self.clock)
        self.anna = Browser(self.shop, self.shop.token())
        self.boris = Browser(self.shop, self.shop.token("boris"))


class AlarmTests(Case):
    """Raising, reading, acknowledging."""

    def raised(self, **body: object) -> list[dict]:
        answer = self.anna.ask("POST", "/api/v1/alarms", json={"cameras": [1], **body})
        self.assertEqual(answer.code, 201, answer.body)
        return answer.json["items"]

    def test_raised_and_read(self) -> None:
        one, other = self.raised(cameras=[1, 2], message="the door")
        self.assertEqual((one["camera"], one["state"], one["causes"]), (1, "active", ["program"]))
        self.assertEqual(one["triggers"][0]["from"], "anna")
        self.assertEqual((one["triggers"][0]["message"], one["acknowledged_by"]), ("the door", None))
        listed = self.anna.get("/api/v1/alarms").json["items"]
        self.assertEqual([alarm["id"] for alarm in listed], [other["id"], one["id"]])
        self.assertEqual(self.anna.get(f"/api/v1/alarms/{one['id']}").json, one)
        self.assertEqual(len(self.anna.get("/api/v1/alarms?camera=2").json["items"]), 1)
        self.assertEqual(self.anna.get("/api/v1/alarms?cause=motion").json["items"], [])

    def test_prolonged(self) -> None:
        (first,) = self.raised()
        (second,) = self.raised(cause="rule")
        self.assertEqual(
            (second["id"], second["causes"], second["trigger_count"]), (first["id"], ["program", "rule"], 2)
        )

    def test_of_the_past(self) -> None:
        at = clock.now() - timedelta(hours=1)
        (alarm,) = self.raised(at=clock.iso(at))
        self.assertEqual((alarm["state"], alarm["started_at"]), ("ended", clock.iso(at)))
        self.assertEqual(alarm["recorded"]["start"], clock.iso(at - timedelta(seconds=5)))
        self.assertIn("kind=alarm", alarm["video"])

    def test_refused(self) -> None:
        for body, field in (
            ({}, "camera"),
            ({"cameras": []}, "cameras"),
            ({"cameras": ["1"]}, "cameras"),
            ({"cameras": [99]}, "cameras"),
            ({"camera": 1, "cause": "ghosts"}, "cause"),
            ({"camera": 1, "message": 5}, "message"),
            ({"camera": 1, "message": "x" * 501}, "message"),
            ({"camera": 1, "at": "yesterday"}, "at"),
            ({"camera": 1, "at": clock.iso(clock.now() + timedelta(minutes=1))}, "at"),
            ({"camera": 1, "colour": "red"}, "colour"),
        ):
            answer = self.anna.ask("POST", "/api/v1/alarms", json=body)
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field), body)
        self.assertEqual(self.shop.stored_alarms.facts, [])

    def test_acknowledged(self) -> None:
        (alarm,) = self.raised()
        seen = self.anna.ask("POST", f"/api/v1/alarms/{alarm['id']}/acknowledge", json={})
        self.assertEqual((seen.code, seen.json["acknowledged_by"]), (200, "anna"))
        self.assertEqual(self.anna.ask("POST", "/api/v1/alarms/12345/acknowledge", json={}).code, 404)

    def test_rights(self) -> None:
        """Who lacks the right sees none; cameras that are not one's own are as if they were not."""
        (alarm,) = self.raised(cameras=[2])
        self.assertEqual(self.boris.get("/api/v1/alarms").code, 403)
        boris = self.shop.users.users["boris"]
        profile = replace(boris.profile, rights=boris.profile.rights | {"alarms"})
        self.shop.users.users["boris"] = replace(boris, profile=profile)
        self.assertEqual(self.boris.get("/api/v1/alarms").json["items"], [])
        self.assertEqual(self.boris.get(f"/api/v1/alarms/{alarm['id']}").code, 404)
        self.assertEqual(self.boris.ask("POST", "/api/v1/alarms", json={"camera": 2}).code, 400)
        self.assertEqual(self.boris.ask("POST", "/api/v1/alarms", json={"camera": 1}).code, 201)
        self.assertEqual(len(self.boris.get("/api/v1/alarms").json["items"]), 1)

    def test_advice(self) -> None:
        """The camera's status says when its events fall into pieces."""
        self.assertIsNone(self.anna.get("/api/v1/cameras/1/status").json["advised_post_seconds"])


class CalendarTests(Case):
    """Made, changed, used, removed."""

    def test_built_in(self) -> None:
        always, never = self.anna.get("/api/v1/calendars").json["items"]
        self.assertEqual((always["name"], always["built_in"], always["applies_now"]), ("always", True, True))
        self.assertEqual((never["name"], never["week"]["monday"], never["applies_now"]), ("never", [], False))
        self.assertEqual(self.anna.ask("PATCH", "/api/v1/calendars/always", json={}).code, 400)
        self.assertEqual(self.anna.ask("DELETE", "/api/v1/calendars/never").code, 400)

    def test_life(self) -> None:
        made = self.anna.ask("POST", "/api/v1/calendars", json=SHOP)
        self.assertEqual(made.code, 201, made.body)
        self.assertEqual(
            made.json["week"]["monday"], [{"from": "08:00", "to": "12:00"}, {"from": "14:00", "to": "19:30"}]
        )
        self.assertEqual(made.json["special_days"][0]["hours"], [])
        self.assertEqual(self.anna.ask("POST", "/api/v1/calendars", json=SHOP).code, 409)
        camera = self.anna.ask(
            "PATCH", "/api/v1/cameras/1", json={"alarm": {"calendar": "shop"}, "regular": {"calendar": "shop"}}
        )
        self.assertEqual((camera.code, camera.json["alarm"]["calendar"]), (200, "shop"))
        changed = self.anna.ask(
            "PATCH", "/api/v1/calendars/shop", json={"week": {"sunday": [{"from": "00:00", "to": "24:00"}]}}
        )
        self.assertEqual(changed.json["week"]["sunday"], [{"from": "00:00", "to": "24:00"}])
        self.assertEqual(changed.json["week"]["monday"], made.json["week"]["monday"])
        self.assertEqual(self.shop.calendars.by_name["shop"].week[6], (Hours(0, 1440),))
        self.shop.calendars.used.add("shop")
        self.assertEqual(self.anna.ask("DELETE", "/api/v1/calendars/shop").code, 409)
        self.shop.calendars.used.clear()
        self.assertEqual(self.anna.ask("DELETE", "/api/v1/calendars/shop").code, 204)
        self.assertEqual(self.anna.get("/api/v1/calendars/shop").code, 404)
        texts = [note[1] for note in self.shop.notes if note[1].startswith("calendar")]
        self.assertEqual(texts, ["calendar_added", "calendar_changed", "calendar_deleted"])

    def test_refused(self) -> None:
        hours = [{"from": "10:00", "to": "09:00"}]
        for body, field in (
            ({}, "name"),
            ({"name": " x"}, "name"),
            ({"name": "a/b"}, "name"),
            ({"name": "always"}, "name"),
            ({"name": "x", "week": []}, "week"),
            ({"name": "x", "week": {"someday": []}}, "week.someday"),
            ({"name": "x", "week": {"monday": hours}}, "week.monday"),
            ({"name": "x", "week": {"monday": [{"from": "25:00", "to": "26:00"}]}}, "week.monday"),
            ({"name": "x", "week": {"monday": [{"from": "08:00", "to": "24:01"}]}}, "week.monday"),
            ({"name": "x", "week": {"monday": [{"from": "08:00"}]}}, "week.monday"),
            ({"name": "x", "special_days": [{"first": "2026-02-30"}]}, "special_days.0.first"),
            ({"name": "x", "special_days": [{"first": "2026-02-02", "last": "2026-02-01"}]}, "special_days.0.last"),
            ({"name": "x", "special_days": [{"first": "2026-02-02", "hours": hours}]}, "special_days.0.hours"),
            ({"name": "x", "colour": "red"}, "colour"),
        ):
            answer = self.anna.ask("POST", "/api/v1/calendars", json=body)
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field), body)

    def test_rights(self) -> None:
        self.assertEqual(self.boris.ask("POST", "/api/v1/calendars", json=SHOP).code, 403)
        self.assertEqual(self.boris.get("/api/v1/calendars").code, 200)

    def test_unknown_calendar_of_a_camera(self) -> None:
        answer = self.anna.ask("PATCH", "/api/v1/cameras/1", json={"alarm": {"popup_calendar": "holidays"}})
        self.assertEqual((answer.code, answer.json["error"]["field"]), (400, "alarm.popup_calendar"))
