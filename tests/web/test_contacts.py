"""Contact boxes over the API, and what a camera is asked to tell of itself."""

from __future__ import annotations

from typing import Any

import pytest
from support.web import NOON, Browser, WebShop

from camtrace.model import ContactsState, InputState, LinkState

BOX = {"name": "CamIO 1", "host": "192.168.10.50"}
PATH = "/api/v1/contact-boxes"


@pytest.fixture
def shop() -> WebShop:
    return WebShop()


@pytest.fixture
def anna(shop: WebShop) -> Browser:
    return Browser(shop, token=shop.token())


def test_a_box_is_made_shown_changed_and_removed(shop: WebShop, anna: Browser) -> None:
    made = anna.ask("POST", PATH, json=BOX)
    assert made.code == 201
    box = made.json
    assert (box["id"], box["port"], box["unit"], box["reads"], box["first"], box["count"]) == (
        "1",
        502,
        1,
        "inputs",
        0,
        8,
    )
    assert box["contacts"][7] == {
        "name": "", "normally": "open", "cameras": [], "enabled": True, "closed": None, "away": False
    }  # fmt: skip
    assert (box["state"]["status"], box["state"]["code"]) == ("inactive", "refused")
    assert box["state"]["reason"] == "the contact box does not answer: nothing listens at its address and port"
    assert shop.notes[-1] == ("audit", "contact_box_added", {"box": "CamIO 1"}, None, "anna")

    door = {"name": "Back door", "normally": "closed", "cameras": [1, 2], "enabled": True}
    changed = anna.ask("PATCH", f"{PATH}/1", json={"contacts": [door, {}]}).json
    assert changed["count"] == 2 and changed["contacts"][0]["cameras"] == [1, 2]
    assert shop.boxes.stored[1].contacts[0].cameras == (101, 102)  # by what is never reused
    shop.boxes.closed[1] = [False, True]
    now = anna.get(f"{PATH}/1").json
    assert [(one["closed"], one["away"]) for one in now["contacts"]] == [(False, True), (True, True)]
    assert anna.ask("PATCH", f"{PATH}/1", json={"count": 3}).json["contacts"][0]["name"] == "Back door"
    notes = len(shop.notes)
    assert anna.ask("PATCH", f"{PATH}/1", json=anna.get(f"{PATH}/1").json).code == 200  # read and sent back whole
    assert len(shop.notes) == notes

    assert [one["id"] for one in anna.get(PATH).json["items"]] == ["1"]
    assert anna.ask("DELETE", f"{PATH}/1").code == 204
    assert shop.notes[-1][1] == "contact_box_deleted"
    assert anna.get(f"{PATH}/1").code == 404


def test_the_name_is_unique(anna: Browser) -> None:
    anna.ask("POST", PATH, json=BOX)
    assert anna.ask("POST", PATH, json=BOX).code == 409


@pytest.mark.parametrize("path", ["/0", "/x", "/1e3", "/٣", "/99999999999"])
def test_no_such_box(anna: Browser, path: str) -> None:
    assert anna.ask("PATCH", PATH + path, json={}).code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"host": ""}, "host"),
        ({"host": "http://x"}, "host"),
        ({"port": 0}, "port"),
        ({"unit": 256}, "unit"),
        ({"reads": "registers"}, "reads"),
        ({"first": -1}, "first"),
        ({"first": 65530}, "first"),
        ({"count": 65}, "count"),
        ({"count": 3, "contacts": [{}]}, "count"),
        ({"interval_ms": 49}, "interval_ms"),
        ({"enabled": 1}, "enabled"),
        ({"colour": 1}, "colour"),
        ({"contacts": {}}, "contacts"),
        ({"contacts": []}, "contacts"),
        ({"contacts": [{}] * 65}, "contacts"),
        ({"contacts": [1]}, "contacts.0"),
        ({"contacts": [{"name": 1}]}, "contacts.0.name"),
        ({"contacts": [{}, {"normally": "shut"}]}, "contacts.1.normally"),
        ({"contacts": [{"cameras": [9]}]}, "contacts.0.cameras"),
        ({"contacts": [{"cameras": [True]}]}, "contacts.0.cameras"),
        ({"contacts": [{"cameras": 1}]}, "contacts.0.cameras"),
        ({"contacts": [{"token": "DI_1"}]}, "contacts.0.token"),
    ],
)
def test_what_cannot_be_set_names_its_field(anna: Browser, body: dict[str, Any], field: str) -> None:
    answer = anna.ask("POST", PATH, json={**BOX, **body})
    assert (answer.code, answer.json["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", ""), ("GET", "/1"), ("PATCH", "/1"), ("DELETE", "/1")]
)
def test_boxes_are_for_those_who_set_the_server_up(shop: WebShop, method: str, path: str) -> None:
    boris = Browser(shop, token=shop.token("boris"))
    assert boris.ask(method, PATH + path, json={}).code == 403


# ── cameras ──


def test_a_camera_is_asked_for_its_events(shop: WebShop, anna: Browser) -> None:
    assert anna.get("/api/v1/cameras/1").json["events"] == {
        "enabled": False, "motion": True, "audio": False, "tampering": True, "inputs": []
    }  # fmt: skip
    door = {"token": "DI_1", "name": "Rear", "normally": "closed", "cameras": [2], "enabled": True}
    changed = anna.ask("PATCH", "/api/v1/cameras/1", json={"events": {"enabled": True, "inputs": [door]}})
    assert changed.json["events"]["inputs"] == [door] and changed.json["events"]["motion"] is True
    (camera,) = [each for each in shop.cameras.stored if each.id == 1 and each.deleted_at is None]
    assert camera.events.inputs[0].cameras == (102,)
    assert anna.ask("PATCH", "/api/v1/cameras/1", json={"events": {"audio": True}}).json["events"]["inputs"] == [door]


@pytest.mark.parametrize(
    ("events", "field"),
    [
        (True, "events"),
        ({"enabled": 1}, "events.enabled"),
        ({"video": True}, "events.video"),
        ({"inputs": 1}, "events.inputs"),
        ({"inputs": [{"name": "x"}]}, "events.inputs.0.token"),
        ({"inputs": [{"token": "1"}, {"token": "1"}]}, "events.inputs"),
        ({"inputs": [{"token": "1", "cameras": [7]}]}, "events.inputs.0.cameras"),
    ],
)
def test_events_that_cannot_be_set(anna: Browser, events: Any, field: str) -> None:
    answer = anna.ask("PATCH", "/api/v1/cameras/1", json={"events": events})
    assert (answer.code, answer.json["error"]["field"]) == (400, field)


def test_what_the_events_are_worth(shop: WebShop, anna: Browser) -> None:
    assert anna.get("/api/v1/cameras/1/status").json["events"]["status"] == "off"
    link = LinkState("inactive", "fault", NOON, "no such pull point")
    shop.camera_events.states[101] = ContactsState(link, (InputState(None, False, "DI_1"),))
    told = anna.get("/api/v1/cameras/1/status").json["events"]
    assert told["reason"] == "the camera refuses to tell of its events (no such pull point)"
    assert told["inputs"] == [{"token": "DI_1", "closed": None, "away": False}]
    assert Browser(shop, token=shop.token("boris")).get("/api/v1/cameras/1/status").json["events"] is None
