"""The pages as the server draws them: who gets which, in which language, with what in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from support.web import PASSWORD, Browser, WebShop
from support.web import _now as now
from support.words import static, templates

from camtrace import assets, i18n
from camtrace.config import Site
from camtrace.errors import Conflict, DatabaseUnavailable
from camtrace.model import Profile, User
from camtrace.web.pages import Pages
from camtrace.web.pages_account import AccountPages
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame, own_address
from camtrace.web.site import Website
from camtrace.web.templating import as_data_block


class Shop(WebShop):
    """The fake site with the real pages."""

    def __init__(self, default_ftp_password: bool = False) -> None:
        super().__init__()
        frame = Frame(templates(), Site("Marché Sud", "Europe/Paris"), self.cameras, default_ftp_password)
        door = Door(frame, self.access, self._note)
        pages = Pages(frame, self.access, self.cameras, self.rows)
        account = AccountPages(frame, self.access, self._note, lambda: 8554)
        self.website = Website(None, pages=[static(), door, pages, account], error_page=door.error_page)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def visitor(shop: Shop, name: str = "anna") -> Browser:
    """A browser in which `name` is signed in."""
    return Browser(shop, session=shop.session(name)[0])


def facts(page: bytes) -> dict[str, Any]:
    """What the page tells its scripts."""
    found = re.search(rb'<script type="application/json" id="facts">(.*?)</script>', page, re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


class Strict(HTMLParser):
    """Finds what the content policy forbids, and elements that are not closed."""

    VOID = ("meta", "link", "input", "img", "br", "hr", "use", "path", "circle", "rect", "line")

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.faults.append(f"{tag} {name}={value}")
            if name == "id" and value:
                self.ids.append(value)
        if tag == "style" or (tag == "script" and not {"src", "type"} & {name for name, _ in attrs}):
            self.faults.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


PLACES = ("/live/1", "/wall", "/replay/1", "/log", "/cameras", "/cameras/1", "/cameras/new", "/journal", "/account")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("path", PLACES)
def test_every_page_is_drawn_in_every_language_without_anything_inline(shop: Shop, path: str, language: str) -> None:
    answer = visitor(shop).get(path, headers={"Accept-Language": language})
    assert answer.code == 200
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("cache-control") == "no-store"
    text = answer.body.decode()
    assert f'<html lang="{language}"' in text
    page = Strict()
    page.feed(text)
    assert not page.faults and not page.open
    assert len(page.ids) == len(set(page.ids))
    known = set(page.ids)
    assert all(target in known for target in re.findall(r'(?:\bfor|aria-labelledby)="([^"]+)"', text))
    assert all(icon in known for icon in re.findall(r'href="#([^"]+)"', text))


def test_every_script_and_sheet_of_a_page_is_served(shop: Shop) -> None:
    browser = visitor(shop)
    for path in PLACES:
        for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', browser.get(path).body.decode()):
            assert browser.get(address).code == 200, address


def test_scripts_import_only_what_exists() -> None:
    folder = assets.web() / "static" / "js"
    for script in folder.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', script.read_text()):
            assert (folder / name).exists(), f"{script.name} imports {name}"


def test_scripts_know_what_they_need(shop: Shop) -> None:
    told = facts(visitor(shop).get("/live/1", headers={"Accept-Language": "fr"}).body)
    assert told["camera"] == 1 and told["zone"] == "Europe/Paris" and told["language"] == "fr"
    assert told["csrf"] == shop.session()[1] or len(told["csrf"]) > 20
    assert [camera["id"] for camera in told["cameras"]] == [1, 2]
    assert told["cameras"][0]["overlay_ids"] == ["1"]
    assert told["texts"]["Connecting…"] == "Connexion…"
    assert "secret" not in json.dumps(told) and "10.0.0.1" not in json.dumps(told)


def test_nobody_sees_cameras_that_are_not_theirs(shop: Shop) -> None:
    boris = visitor(shop, "boris")
    assert [camera["id"] for camera in facts(boris.get("/live/1").body)["cameras"]] == [1]
    assert boris.get("/live/2").code == 404
    assert boris.get("/replay/2").code == 404
    assert boris.get("/cameras").code == 403
    assert b"/cameras" not in boris.get("/live/1").body.split(b'<nav class="nav"')[1].split(b"</nav>")[0]


@pytest.mark.parametrize("path", ["/", "/live/1", "/replay/1?at=1795179000", "/log", "/cameras", "/journal"])
def test_strangers_are_sent_to_the_door_and_back(shop: Shop, path: str) -> None:
    answer = Browser(shop).get(path)
    assert answer.code == 303
    assert answer.header("location").startswith("/login?next=%2F")


def test_signing_in_leads_to_where_one_wanted_to_go(shop: Shop) -> None:
    page = Browser(shop).get("/login?next=%2Freplay%2F1%3Fat%3D5")
    assert b'value="/replay/1?at=5"' in page.body
    form = {"name": "anna", "password": PASSWORD, "next": "/replay/1?at=5"}
    answer = Browser(shop).ask("POST", "/login", data=form)
    assert answer.code == 303 and answer.header("location") == "/replay/1?at=5"
    assert "HttpOnly" in answer.header("set-cookie")


def test_a_wrong_password_is_told_at_its_field_and_kept_out_of_the_page(shop: Shop) -> None:
    form = {"name": "anna", "password": "wrong wrong wrong"}
    answer = Browser(shop).ask("POST", "/login", data=form, headers={"Accept-Language": "fr"})
    assert answer.code == 401
    text = answer.body.decode()
    assert "ne vont pas ensemble" in text and 'value="anna"' in text and "wrong wrong" not in text
    assert 'aria-invalid="true" aria-describedby="refusal"' in text


def test_after_too_many_tries_the_door_says_how_long_to_wait(shop: Shop) -> None:
    for _ in range(12):
        answer = Browser(shop).ask("POST", "/login", data={"name": "anna", "password": "wrong wrong wrong"})
        if answer.code == 429:
            break
    assert answer.code == 429
    assert b"The next one is possible in 1 minute." in answer.body


def test_signing_out_needs_the_pages_own_form(shop: Shop) -> None:
    cookie, csrf = shop.session()
    anna = Browser(shop, session=cookie)
    assert anna.ask("POST", "/logout", data={"csrf": "of another site"}).code == 403
    answer = anna.ask("POST", "/logout", data={"csrf": csrf})
    assert answer.code == 303 and answer.header("location") == "/login"
    assert anna.get("/live/1").code == 303


def test_language_and_theme_are_kept_by_the_browser(shop: Shop) -> None:
    cookie, csrf = shop.session()
    anna = Browser(shop, session=cookie)
    answer = anna.ask("POST", "/settings", data={"csrf": csrf, "language": "ru", "theme": "dark", "back": "/log"})
    assert answer.code == 303 and answer.header("location") == "/log"
    kept = answer.headers.getRawHeaders("set-cookie")
    assert any(one.startswith("language=ru") for one in kept) and any(one.startswith("theme=dark") for one in kept)
    page = anna.get("/log", headers={"Cookie": f"camtrace_80={cookie}; language=ru; theme=dark"}).body.decode()
    assert '<html lang="ru" data-theme="dark">' in page


def link(shop: Shop) -> str:
    """The code of a link that works."""
    return now(shop.gate.new_link())


@pytest.mark.parametrize(
    ("name", "password", "again", "words"),
    [
        ("", "correct horse battery", "correct horse battery", "A name is needed"),
        ("olga", "short", "short", "shorter than 12"),
        ("olga", "correct horse battery", "correct horse buttery", "not the same"),
    ],
)
def test_the_first_user_is_told_what_is_missing(shop: Shop, name: str, password: str, again: str, words: str) -> None:
    form = {"code": link(shop), "name": name, "password": password, "again": again}
    answer = Browser(shop).ask("POST", "/setup", data=form)
    assert answer.code == 400 and words in answer.body.decode()


@pytest.mark.parametrize("anybody", [True, False])
def test_a_used_set_up_link_says_what_to_do(shop: Shop, anybody: bool) -> None:
    """At once, not after the form is filled; whether or not there is a user."""
    if not anybody:
        shop.users.users.clear()
    form = {"code": "used", "name": "olga", "password": PASSWORD, "again": PASSWORD}
    for answer in (Browser(shop).ask("POST", "/setup", data=form), Browser(shop).get("/setup?code=used")):
        page = answer.body.decode()
        assert "This link does not work" in page and "camtrace link" in page and 'name="password"' not in page
    page = Browser(shop).get("/setup").body.decode()
    assert "This link does not work" not in page and "camtrace link" in page
    assert 'name="password"' in Browser(shop).get(f"/setup?code={link(shop)}").body.decode()


def test_a_name_that_is_taken_is_told_at_its_field(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(*_: object) -> None:
        raise Conflict("there is already a user {name}", "name", name="anna")

    monkeypatch.setattr(shop.users, "redeem_link", taken)
    form = {"code": link(shop), "name": "anna", "password": PASSWORD, "again": PASSWORD}
    answer = Browser(shop).ask("POST", "/setup", data=form, headers={"Accept-Language": "fr"})
    assert answer.code == 400 and "un utilisateur anna existe déjà" in answer.body.decode()


def test_the_first_visit_says_where_the_link_is(shop: Shop) -> None:
    """With nobody to sign in there is no form for it, until the database can tell."""
    shop.users.users.clear()
    first = "signs in by the link that the server printed on its console"
    assert Browser(shop).get("/").header("location") == "/login?next=%2F"
    page = Browser(shop).get("/login?next=%2F").body.decode()
    assert first in page and "camtrace link" in page and 'name="password"' not in page
    form = {"name": "anna", "password": PASSWORD}
    assert first in Browser(shop).ask("POST", "/login", data=form).body.decode()


def test_the_door_stands_without_the_database(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> int:
        raise DatabaseUnavailable("the database is away")

    monkeypatch.setattr(shop.users, "count", away)
    assert 'name="password"' in Browser(shop).get("/login").body.decode()


def test_errors_are_pages_in_the_persons_language(shop: Shop) -> None:
    answer = visitor(shop).get("/live/77", headers={"Accept-Language": "fr"})
    assert answer.code == 404 and "Il n’y a rien ici" in answer.body.decode()
    assert visitor(shop).get("/nowhere").code == 404


def test_without_the_database_the_page_says_that_recording_goes_on(shop: Shop) -> None:
    anna = visitor(shop)
    shop.users.away = True
    answer = anna.get("/live/1")
    assert answer.code == 503 and b"still recorded" in answer.body
    assert b"js/waiting.js" in answer.body  # it works again by itself, as it says


def test_a_site_without_cameras_offers_to_add_one(shop: Shop) -> None:
    shop.cameras._known = []
    assert b'href="/cameras/new"' in visitor(shop).get("/").body
    assert b'href="/cameras/new"' in visitor(shop).get("/replay").body


def test_a_person_without_live_begins_where_they_may(shop: Shop) -> None:
    shop.users.users["clara"] = User(3, "clara", Profile(9, "office", frozenset({"lines"})))
    assert visitor(shop, "clara").get("/").header("location") == "/log"
    shop.users.users["dora"] = User(4, "dora", Profile(10, "nobody", frozenset()))
    assert visitor(shop, "dora").get("/").header("location") == "/account"


def test_a_password_that_everybody_knows_is_flagged_until_it_is_changed() -> None:
    told = b"is still the one that everybody knows"
    for path in ("/live/1", "/log", "/cameras", "/journal", "/account"):
        assert told in visitor(Shop(default_ftp_password=True)).get(path).body
    assert told not in visitor(Shop(default_ftp_password=True), "boris").get("/live/1").body
    assert told not in visitor(Shop()).get("/live/1").body


def test_names_of_cameras_are_text_everywhere(shop: Shop) -> None:
    evil = '</script><script>alert("x")</script>'
    shop.cameras._known = [replace(shop.cameras._known[0], name=evil)]
    for path in ("/live/1", "/replay/1", "/cameras/1"):
        assert evil.encode() not in visitor(shop).get(path).body


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("/live/1?x=2", "/live/1?x=2"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_to_another_site(wanted: str, sent: str) -> None:
    assert own_address(wanted) == sent


def test_facts_cannot_end_their_element() -> None:
    assert "<" not in as_data_block({"name": "</script>"})
    assert json.loads(str(as_data_block({"name": "</script>\u2028"}))) == {"name": "</script>\u2028"}
