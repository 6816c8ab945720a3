"""Mails over the API and on their page: settings, test, queue, addresses, rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.mail_office import office
from support.web import Browser, WebShop
from support.words import static, templates, translations

from camtrace.config import Site
from camtrace.mail.smtp import TROUBLES, MailTrouble
from camtrace.notes import TEXTS
from camtrace.web.api.mail import MailApi
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame
from camtrace.web.pages_settings import SettingsPages
from camtrace.web.site import Website

SERVER = {"host": "smtp.shop", "sender": "cam@shop.example", "login": "cam", "password": "s3cret word"}


class Shop(WebShop):
    """The fake site with mails."""

    def __init__(self) -> None:
        super().__init__()
        frame = Frame(templates(), Site("Marché Sud", "Europe/Paris"), self.cameras)
        door = Door(frame, self.access, self._note)
        api = MailApi(
            None, self.access, self.cameras, self.rows, office(self.shelf, self.vault, self._note), self.voices
        )
        self.website = Website(
            None, pages=[static(), door, SettingsPages(frame, self.access)], api=[api], error_page=door.error_page
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def anna(shop: Shop) -> Browser:
    return Browser(shop, token=shop.token())


def test_settings_are_read_and_changed(shop: Shop, anna: Browser) -> None:
    before = anna.get("/api/v1/mail").json
    assert (before["on"], before["host"], before["port"], before["security"]) == (False, "", 25, "none")
    assert (before["life"], before["life_hour"], before["verify"]) == ("day", 8, True)
    assert before["without_address"] == ["boris"]
    after = anna.ask("PATCH", "/api/v1/mail", json={**SERVER, "security": "starttls"}).json
    assert (after["on"], after["port"], after["has_password"]) == (True, 587, True)
    assert shop.notes[-1][:2] == ("audit", "mail_settings_changed")
    assert anna.ask("PATCH", "/api/v1/mail", json={"life": "week"}).json["host"] == "smtp.shop"


def test_the_password_is_sealed_and_never_shown(shop: Shop, anna: Browser) -> None:
    answers = [anna.ask("PATCH", "/api/v1/mail", json=SERVER), anna.get("/api/v1/mail")]
    assert all(b"s3cret" not in answer.body for answer in answers)
    assert "s3cret" not in json.dumps(shop.shelf.stored) + repr(shop.notes)


def test_another_host_forgets_the_password(shop: Shop, anna: Browser) -> None:
    """Else its owner would be told the password of the one before."""
    anna.ask("PATCH", "/api/v1/mail", json=SERVER)
    anna.ask("POST", "/api/v1/mail/test", json={"host": "evil.example"})
    assert shop.shelf.sent[-1][0].password == ""
    anna.ask("POST", "/api/v1/mail/test", json={})
    assert shop.shelf.sent[-1][0].password == "s3cret word"
    assert anna.ask("PATCH", "/api/v1/mail", json={"host": "other.shop"}).json["has_password"] is False


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"host": "http://x"}, "host"),
        ({"host": "smtp.shop"}, "sender"),
        ({"host": "smtp.shop", "sender": "nobody"}, "sender"),
        ({"sender": "a b@shop.example"}, "sender"),
        ({"sender": "a@shop.example\r\nBcc: x@y.example"}, "sender"),
        ({"port": 0}, "port"),
        ({"port": "25"}, "port"),
        ({"security": "ssl"}, "security"),
        ({"verify": 1}, "verify"),
        ({"password": "x" * 257}, "password"),
        ({"login": "a\nb"}, "login"),
        ({"life": "hour"}, "life"),
        ({"life_hour": 24}, "life_hour"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_set_names_its_field(anna: Browser, body: dict[str, Any], field: str) -> None:
    answer = anna.ask("PATCH", "/api/v1/mail", json=body)
    assert (answer.code, answer.json["error"]["field"]) == (400, field)


def test_a_test_mail_leaves_at_once_with_settings_that_are_not_saved(shop: Shop, anna: Browser) -> None:
    assert anna.ask("POST", "/api/v1/mail/test", json=SERVER).json == {"ok": True}
    [(server, sender, recipient, data)] = shop.shelf.sent
    assert (server.host, server.password, sender) == ("smtp.shop", "s3cret word", "cam@shop.example")
    assert recipient == "anna@shop.example" and b"To: anna@shop.example" in data
    assert shop.shelf.stored == {}
    anna.ask("POST", "/api/v1/mail/test", json={**SERVER, "to": "x@пример.рф"})
    assert shop.shelf.sent[-1][2] == "x@xn--e1afmkfd.xn--p1ai"


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_test_says_what_is_wrong(shop: Shop, anna: Browser, kind: str) -> None:
    shop.shelf.trouble = MailTrouble(kind, "535 5.7.8 no")
    told = anna.ask("POST", "/api/v1/mail/test", json={**SERVER, "port": 587}).json
    assert (told["ok"], told["code"], told["text"]) == (False, kind, TEXTS[f"mail_trouble_{kind}"])
    assert "{" not in told["message"] and "s3cret" not in json.dumps(told)
    for language in ("fr", "ru"):
        assert translations()[language].gettext(told["text"]) != told["text"]


def test_a_test_needs_a_host_and_an_address(shop: Shop, anna: Browser) -> None:
    assert anna.ask("POST", "/api/v1/mail/test", json={}).json["error"]["field"] == "host"
    shop.shelf.people.clear()
    assert anna.ask("POST", "/api/v1/mail/test", json=SERVER).json["error"]["field"] == "to"


def test_the_queue_is_listed_by_pages(shop: Shop, anna: Browser) -> None:
    shop.shelf.fill()
    first = anna.get("/api/v1/mail/queue?limit=2").json
    assert [mail["state"] for mail in first["items"]] == ["queued", "failed"]
    assert first["items"][1]["said"] == "550 5.1.1 nobody of this name" and first["items"][1]["next_at"] is None
    rest = anna.get(f"/api/v1/mail/queue?limit=2&cursor={first['next']}").json
    assert [mail["state"] for mail in rest["items"]] == ["sent"] and rest["next"] is None
    assert anna.get("/api/v1/mail").json["waiting"] == 1


def test_addresses(shop: Shop, anna: Browser) -> None:
    people = {one["user"]: one for one in anna.get("/api/v1/mail/users").json["items"]}
    assert people["boris"]["flagged"] and not people["anna"]["flagged"]
    boris = anna.ask("PATCH", "/api/v1/mail/users/boris", json={"email": " boris@shop.example "}).json
    assert (boris["email"], boris["flagged"]) == ("boris@shop.example", False)
    assert shop.notes[-1] == ("audit", "mail_address_changed", {"person": "boris"}, None, "anna")
    assert anna.ask("PATCH", "/api/v1/mail/users/boris", json={"email": "@"}).json["error"]["field"] == "email"
    assert anna.ask("PATCH", "/api/v1/mail/users/boris", json={}).code == 400
    assert anna.ask("PATCH", "/api/v1/mail/users/nobody", json={"email": ""}).code == 404


def test_rights_of_profiles(shop: Shop, anna: Browser) -> None:
    """Cameras by their numbers, null for all; what is not named stays."""
    profiles = {one["profile"]: one for one in anna.get("/api/v1/mail/profiles").json["items"]}
    assert profiles["operator"]["alarms"] == [1] and profiles["administrator"]["alarms"] is None
    changed = anna.ask("PATCH", "/api/v1/mail/profiles/viewer", json={"lost": [1, 2], "life": True}).json
    assert (changed["lost"], changed["life"], changed["alarms"]) == ([1, 2], True, [])
    assert shop.shelf.profiles["viewer"].lost == {101, 102}
    for body, field in (({"alarms": [99]}, "alarms"), ({"alarms": "all"}, "alarms"), ({"purge": 1}, "purge")):
        answer = anna.ask("PATCH", "/api/v1/mail/profiles/viewer", json=body)
        assert answer.json["error"]["field"] == field
    assert anna.ask("PATCH", "/api/v1/mail/profiles/none", json={"purge": True}).code == 404


def test_without_the_right_there_is_nothing(shop: Shop) -> None:
    boris = Browser(shop, token=shop.token("boris"))
    calls = (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("POST", "/test", {}),
        ("GET", "/queue", None),
        ("GET", "/users", None),
        ("PATCH", "/users/boris", {"email": ""}),
        ("GET", "/profiles", None),
        ("PATCH", "/profiles/viewer", {}),
    )
    for method, path, body in calls:
        assert boris.ask(method, f"/api/v1/mail{path}", **({} if body is None else {"json": body})).code == 403


@pytest.mark.parametrize(("language", "title"), [("en", "Mails"), ("fr", "Courriels"), ("ru", "Письма")])
def test_the_page_in_each_language(shop: Shop, language: str, title: str) -> None:
    session, _ = shop.session()
    page = Browser(shop, session=session).get("/mail", headers={"Accept-Language": language}).body.decode()
    assert f"<h1>{title}</h1>" in page and 'href="/mail" aria-current="page"' in page
    for name in ("host", "port", "security", "sender", "login", "password", "verify", "purge", "life", "life_hour"):
        assert f'id="f-{name}"' in page


def test_the_page_is_for_who_has_the_right(shop: Shop) -> None:
    session, _ = shop.session("boris")
    assert Browser(shop, session=session).get("/mail").code == 403
