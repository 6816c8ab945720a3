"""Users and profiles over the API; and what is open already when somebody's rights change."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from support.events import Reader
from support.web import PASSWORD, Browser, WebShop, sale
from twisted.internet.task import Clock

from camtrace import auth
from camtrace.model import RIGHTS, Profile, User
from camtrace.web.event_stream import HEARTBEAT_SECONDS

USERS, PROFILES = "/api/v1/users", "/api/v1/profiles"
CARLA = {"name": "Carla", "profile": "operator", "email": "carla@shop.example", "language": "fr"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> WebShop:
    monkeypatch.setattr(auth, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    return WebShop()


@pytest.fixture
def anna(shop: WebShop) -> Browser:
    return Browser(shop, token=shop.token())


def notes(shop: WebShop) -> list[tuple[str, dict[str, Any], str]]:
    """What stands in the journal, and who did it; then it is empty."""
    found = [(text, values, user) for kind, text, values, _, user in shop.notes if kind == "audit"]
    shop.notes.clear()
    return found


# ── users ──


def test_a_user_is_made_changed_locked_and_removed(shop: WebShop, anna: Browser) -> None:
    made = anna.ask("POST", USERS, json={**CARLA, "password": PASSWORD})
    assert (made.code, made.header("location")) == (201, f"{USERS}/3")
    shown = made.json
    assert {key: shown[key] for key in CARLA} == CARLA and "link" not in shown
    assert (shown["id"], shown["locked"], shown["has_password"], shown["link_until"]) == ("3", False, True, None)
    assert (shown["own"], shown["editable"], shown["tokens"], shown["seen_at"]) == (False, True, 0, None)
    assert notes(shop) == [("user_added", {"person": "Carla", "profile": "operator"}, "anna")]
    assert anna.get(f"{USERS}/3").json == shown
    assert [one["name"] for one in anna.get(USERS).json["items"]] == ["anna", "boris", "Carla"]

    assert anna.ask("PATCH", f"{USERS}/3", json=shown).json == shown  # read and sent back whole
    assert notes(shop) == []
    body = {"profile": "viewer", "email": "", "language": "", "locked": True, "password": "another sentence"}
    changed = anna.ask("PATCH", f"{USERS}/3", json=body).json
    assert (changed["profile"], changed["email"], changed["language"], changed["locked"]) == ("viewer", "", "", True)
    assert notes(shop) == [
        ("user_profile_changed", {"person": "Carla", "before": "operator", "profile": "viewer"}, "anna"),
        ("mail_address_changed", {"person": "Carla"}, "anna"),
        ("user_language_changed", {"person": "Carla"}, "anna"),
        ("user_locked", {"person": "Carla"}, "anna"),
        ("user_password_changed", {"person": "Carla"}, "anna"),
    ]
    anna.ask("PATCH", f"{USERS}/3", json={"locked": False})
    token = shop.token("Carla")
    assert anna.get(f"{USERS}/3").json["tokens"] == 1
    assert anna.ask("DELETE", f"{USERS}/3/tokens").code == 204
    assert Browser(shop, token=token).get("/api/v1/cameras").code == 401
    assert anna.ask("DELETE", f"{USERS}/3").code == 204
    assert [text for text, _, _ in notes(shop)] == ["user_unlocked", "user_tokens_ended", "user_removed"]
    assert anna.get(f"{USERS}/3").code == 404


def test_a_user_gets_another_name(shop: WebShop, anna: Browser) -> None:
    """At once, also one's own; sessions and tokens stay, the journal tells it."""
    token = shop.token("boris")
    renamed = anna.ask("PATCH", f"{USERS}/2", json={"name": "Борис"}).json
    assert (renamed["id"], renamed["name"], renamed["tokens"]) == ("2", "Борис", 1)
    assert Browser(shop, token=token).get("/api/v1/cameras").code == 200
    assert anna.ask("PATCH", f"{USERS}/1", json={"name": "ANNA"}).json["name"] == "ANNA"  # her own, in capitals
    assert anna.get(USERS).code == 200
    assert notes(shop) == [
        ("user_renamed", {"former": "boris", "person": "Борис"}, "anna"),
        ("user_renamed", {"former": "anna", "person": "ANNA"}, "anna"),
    ]
    for name in ("", "a:b", 3):
        assert anna.ask("PATCH", f"{USERS}/2", json={"name": name}).json["error"]["field"] == "name"


def test_without_a_password_a_link_sets_it(shop: WebShop, anna: Browser) -> None:
    """Once, by the person, who is signed in then; neither password nor link stands in the journal."""
    made = anna.ask("POST", USERS, json=CARLA).json
    assert made["link"].startswith("/password?code=") and made["link_until"] and not made["has_password"]
    assert "link" not in anna.get(f"{USERS}/3").json
    newer = anna.ask("POST", f"{USERS}/3/link").json["link"]
    code = newer.partition("=")[2]
    found = shop.gate.link_user(made["link"].partition("=")[2])
    with pytest.raises(StopIteration) as old:
        found.send(None)
    assert old.value.value is None
    assert code not in repr(shop.notes)
    assert [text for text, _, _ in notes(shop)] == ["user_added", "user_link_made", "user_link_made"]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"name": ""}, "name", "must not be empty"),
        ({"name": "a:b"}, "name", "no colon"),
        ({"name": 3}, "name", "must be a text"),
        ({"name": "x" * 65}, "name", "more than 64"),
        ({"profile": ""}, "profile", "must not be empty"),
        ({"email": "carla"}, "email", "must be a mail address"),
        ({"language": "xx"}, "language", "must be one of"),
        ({"locked": "no"}, "locked", "must be true or false"),
        ({"locked": True}, "locked", "is not locked"),
        ({"password": "short"}, "password", "at least 12"),
        ({"password": 12}, "password", "must be a text"),
        ({"rights": []}, "rights", "no setting"),
    ],
)
def test_poor_users(shop: WebShop, anna: Browser, body: dict[str, Any], field: str, words: str) -> None:
    answer = anna.ask("POST", USERS, json={**CARLA, **body})
    assert (answer.code, answer.json["error"]["field"]) == (400, field)
    assert words in answer.json["error"]["message"]
    assert len(shop.users.users) == 2 and shop.notes == []


def test_conflicts_of_users(anna: Browser) -> None:
    assert anna.ask("POST", USERS, json={**CARLA, "name": "Boris"}).code == 409
    assert anna.ask("POST", USERS, json={**CARLA, "profile": "emperor"}).code == 404
    assert anna.ask("POST", USERS, json={"name": "Carla"}).json["error"]["field"] == "profile"
    for body in ({"locked": True}, {"profile": "viewer"}, {"password": PASSWORD}):
        assert anna.ask("PATCH", f"{USERS}/1", json=body).code == 409
    assert anna.ask("PATCH", f"{USERS}/2", json={"name": "Anna"}).json["error"]["field"] == "name"
    assert (anna.ask("DELETE", f"{USERS}/1").code, anna.ask("POST", f"{USERS}/1/link").code) == (409, 409)
    for path in ("/0", "/x", "/٣", "/99999999999"):
        assert anna.ask("PATCH", USERS + path, json={}).code == 404


# ── profiles ──


def test_a_profile_is_copied_changed_and_removed(shop: WebShop, anna: Browser) -> None:
    made = anna.ask("POST", PROFILES, json={"name": "Till manager", "copy_of": "3", "rights": ["lines", "live"]})
    assert (made.code, made.header("location")) == (201, f"{PROFILES}/4")
    assert made.json == {
        "id": "4", "name": "Till manager", "rights": ["live", "lines"], "cameras": [1], "users": 0, "fixed": False,
        "editable": True,
    }  # fmt: skip
    assert notes(shop) == [
        ("profile_added", {"profile": "Till manager", "origin": "viewer"}, "anna"),
        ("profile_right_taken", {"profile": "Till manager", "right": "Watch recordings"}, "anna"),
        ("profile_right_given", {"profile": "Till manager", "right": "Look for tickets and their lines"}, "anna"),
    ]
    assert anna.ask("PATCH", f"{PROFILES}/4", json=made.json).json == made.json
    assert notes(shop) == []
    body = {"name": "Shift", "rights": ["live", "cards", "lines"], "cameras": [1, 2]}
    changed = anna.ask("PATCH", f"{PROFILES}/4", json=body).json
    assert (changed["name"], changed["rights"], changed["cameras"]) == ("Shift", ["live", "lines", "cards"], [1, 2])
    assert [text for text, _, _ in notes(shop)] == [
        "profile_renamed", "profile_right_given", "profile_cameras_changed"
    ]  # fmt: skip
    assert anna.ask("PATCH", f"{PROFILES}/4", json={"cameras": None}).json["cameras"] is None
    anna.ask("PATCH", f"{USERS}/2", json={"profile": "Shift"})
    assert anna.get(f"{PROFILES}/4").json["users"] == 1
    refused = anna.ask("DELETE", f"{PROFILES}/4")
    assert (refused.code, refused.json["error"]["code"]) == (409, "conflict")
    anna.ask("PATCH", f"{USERS}/2", json={"profile": "viewer"})
    assert anna.ask("DELETE", f"{PROFILES}/4").code == 204
    shown = anna.get(PROFILES).json["items"]
    assert [(one["name"], one["fixed"], one["users"]) for one in shown] == [
        ("administrator", True, 1), ("operator", False, 0), ("viewer", False, 1)
    ]  # fmt: skip
    assert shown[0]["rights"] == list(RIGHTS) and shown[0]["cameras"] is None


def test_a_camera_that_was_removed_stays_listed(shop: WebShop, anna: Browser) -> None:
    """Who could see what it left still can, though nobody can choose it any more."""
    shop.people.known[3] = replace(shop.people.known[3], cameras=frozenset({90, 101}))
    assert anna.get(f"{PROFILES}/3").json["cameras"] == [1]
    anna.ask("PATCH", f"{PROFILES}/3", json={"cameras": [2]})
    assert shop.people.known[3].cameras == frozenset({90, 102})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 1}, "name"),
        ({"rights": "live"}, "rights"),
        ({"rights": ["live", "fly"]}, "rights"),
        ({"rights": [["live"]]}, "rights"),
        ({"cameras": "all"}, "cameras"),
        ({"cameras": [99]}, "cameras"),
        ({"cameras": [True]}, "cameras"),
        ({"mail": True}, "mail"),
    ],
)
def test_poor_profiles(anna: Browser, body: dict[str, Any], field: str) -> None:
    for answer in (
        anna.ask("PATCH", f"{PROFILES}/2", json=body),
        anna.ask("POST", PROFILES, json={"name": "X", "copy_of": "2", **body}),
    ):
        assert (answer.code, answer.json["error"]["field"]) == (400, field)


def test_conflicts_of_profiles(anna: Browser) -> None:
    assert anna.ask("PATCH", f"{PROFILES}/1", json={"rights": ["live"]}).code == 409
    assert anna.ask("PATCH", f"{PROFILES}/1", json={"name": "boss"}).code == 409
    assert anna.ask("DELETE", f"{PROFILES}/1").code == 409
    assert anna.ask("PATCH", f"{PROFILES}/2", json={"name": "VIEWER"}).json["error"]["field"] == "name"
    assert anna.ask("POST", PROFILES, json={"copy_of": "2"}).json["error"]["field"] == "name"
    for origin in ("", "9", "x", 2, None):
        assert anna.ask("POST", PROFILES, json={"name": "X", "copy_of": origin}).code == 404


# ── who may ──


def test_only_who_has_the_right(shop: WebShop) -> None:
    boris = Browser(shop, token=shop.token("boris"))
    for method, path in (("GET", USERS), ("POST", USERS), ("PATCH", f"{USERS}/2"), ("DELETE", f"{USERS}/1"),
                         ("GET", PROFILES), ("POST", PROFILES), ("PATCH", f"{PROFILES}/3")):  # fmt: skip
        assert boris.ask(method, path, json={} if method != "GET" else None).code == 403


def test_nobody_gives_what_they_do_not_have(shop: WebShop, anna: Browser) -> None:
    """Nor sees, of others, which cameras they see that the one who asks does not."""
    shop.people.known[5] = Profile(5, "manager", frozenset({"users", "live", "replay"}), frozenset({101}))
    shop.users.users["mia"] = User(9, "mia", shop.people.known[5])
    shop.people.known[6] = Profile(6, "yard", frozenset({"live"}), frozenset({101, 102}))
    mia = Browser(shop, token=shop.token("mia"))
    shown = {one["name"]: (one["editable"], one["cameras"]) for one in mia.get(PROFILES).json["items"]}
    assert shown["manager"] == (True, [1]) and shown["viewer"] == (True, [1]) and shown["yard"] == (False, [1])
    assert [one["editable"] for one in mia.get(USERS).json["items"]] == [False, True, True]
    for method, path, body in (
        ("PATCH", f"{USERS}/2", {"profile": "operator"}),
        ("PATCH", f"{USERS}/1", {"password": PASSWORD}),
        ("POST", f"{USERS}/1/link", {}),
        ("DELETE", f"{USERS}/1", None),
        ("PATCH", f"{PROFILES}/3", {"rights": ["live", "cards"]}),
        ("PATCH", f"{PROFILES}/3", {"cameras": None}),
        ("PATCH", f"{PROFILES}/6", {"rights": []}),
        ("POST", PROFILES, {"name": "X", "copy_of": "1"}),
    ):
        answer = mia.ask(method, path, json=body)
        assert (answer.code, answer.json["error"]["code"]) == (403, "forbidden"), (method, path)
    assert mia.ask("PATCH", f"{PROFILES}/3", json={"cameras": [1, 2]}).code == 400  # a camera mia does not know of
    assert notes(shop) == []
    assert mia.ask("PATCH", f"{USERS}/2", json={"locked": True}).code == 200


# ── what is open ──


class TestOpenStreams:
    """Server-sent events on a clock that the test turns."""

    def test_events_follow_the_rights(self) -> None:
        """What a right allowed ends with it, on a stream that goes on; a lock ends the stream."""
        shop = WebShop(Clock())
        shop.people.known[3] = replace(shop.people.known[3], rights=frozenset({"lines"}))
        shop.users.users["boris"] = replace(shop.users.users["boris"], profile=shop.people.known[3])
        anna, reader = Browser(shop, token=shop.token()), Reader(shop, shop.token("boris"))
        card = replace(sale(1).line, card="1234")
        shop.bus.publish(replace(sale(1), line=card))
        assert [event[2]["card"] for event in reader.events()] == ["****"]
        anna.ask("PATCH", f"{PROFILES}/3", json={"rights": ["lines", "cards"]})
        shop.bus.publish(replace(sale(2), line=replace(card, id=sale(2).line.id)))
        assert [event[2]["card"] for event in reader.events()] == ["1234"]
        anna.ask("PATCH", f"{PROFILES}/3", json={"cameras": [2]})
        shop.bus.publish(sale(3))
        anna.ask("PATCH", f"{PROFILES}/3", json={"cameras": [1], "rights": []})
        shop.bus.publish(sale(4))
        assert reader.events() == [] and len(shop.events._streams) == 1
        anna.ask("PATCH", f"{USERS}/2", json={"locked": True})
        assert len(shop.events._streams) == 0

    def test_who_reads_nothing_is_cut_off(self) -> None:
        """What waits would be told when the reader goes on."""
        shop = WebShop(Clock())
        reader = Reader(shop, shop.token("boris"))
        reader.wire.producer.pauseProducing()
        Browser(shop, token=shop.token()).ask("PATCH", f"{USERS}/2", json={"locked": True})
        assert reader.wire.aborted

    def test_the_next_look(self) -> None:
        """What was not told is seen at the heartbeat; while the database is away everything stays."""
        clock = Clock()
        shop = WebShop(clock)
        reader = Reader(shop, shop.token("boris"))
        shop.users.away = True
        clock.advance(HEARTBEAT_SECONDS)
        assert len(shop.events._streams) == 1
        shop.users.away = False
        del shop.users.users["boris"]
        clock.advance(HEARTBEAT_SECONDS)
        assert len(shop.events._streams) == 0 and reader.head.startswith(b"HTTP/1.1 200")


def test_journal_values_are_plain(shop: WebShop, anna: Browser) -> None:
    """No password and no hash stands in what is told."""
    anna.ask("POST", USERS, json={**CARLA, "password": PASSWORD})
    anna.ask("PATCH", f"{USERS}/3", json={"password": "another sentence"})
    told = json.dumps(shop.notes) + json.dumps(anna.get(USERS).json)
    assert PASSWORD not in told and "another sentence" not in told and "argon2" not in told
