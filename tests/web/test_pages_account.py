"""My account, and what removed cameras left: the pages as the server draws them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.web import GONE, PASSWORD, Browser, WebShop
from support.words import static, templates

from camtrace.config import Site
from camtrace.web.pages import Pages
from camtrace.web.pages_account import AccountPages
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame
from camtrace.web.site import Website

NEW = "a sentence nobody knows"


class Shop(WebShop):
    """The fake site with the pages of who is signed in."""

    def __init__(self, player_port: int = 8554) -> None:
        super().__init__()
        frame = Frame(templates(), Site("Marché Sud", "Europe/Paris"), self.cameras)
        pages = Pages(frame, self.access, self.cameras, self.rows)
        account = AccountPages(frame, self.access, self._note, lambda: player_port)
        door = Door(frame, self.access, self._note)
        self.website = Website(None, pages=[static(), door, pages, account], error_page=door.error_page)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def send(shop: Shop, path: str, name: str = "anna", **form: str) -> Any:
    """Send a form of the account page as its own page would."""
    session, csrf = shop.session(name)
    return Browser(shop, session=session).ask("POST", path, data={"csrf": csrf, **form})


def signs_in(shop: Shop, password: str) -> bool:
    return Browser(shop).ask("POST", "/login", data={"name": "anna", "password": password}).code == 303


def test_ones_own_password_is_changed_and_this_browser_stays_signed_in(shop: Shop) -> None:
    elsewhere = Browser(shop, session=shop.session("anna")[0])
    answer = send(shop, "/account/password", old=PASSWORD, password=NEW, again=NEW)
    assert answer.code == 303 and answer.header("location") == "/account?done=password"
    cookie = re.match(r"camtrace_80=([^;]+)", answer.header("set-cookie"))
    assert cookie
    assert b"The password is changed." in Browser(shop, session=cookie[1]).get("/account?done=password").body
    assert elsewhere.get("/account").header("location").startswith("/login")
    assert signs_in(shop, NEW) and not signs_in(shop, PASSWORD)
    assert ("audit", "password_changed", {}, None, "anna") in shop.notes


@pytest.mark.parametrize(
    ("old", "new", "again", "field", "words"),
    [
        ("wrong wrong wrong", NEW, NEW, "old", "This is not your password until now."),
        (PASSWORD, "short", "short", "password", "shorter than 12 characters"),
        (PASSWORD, NEW, NEW + "!", "again", "The two passwords are not the same."),
    ],
)
def test_what_is_wrong_is_told_at_its_field(shop: Shop, old: str, new: str, again: str, field: str, words: str) -> None:
    answer = send(shop, "/account/password", old=old, password=new, again=again)
    assert answer.code == 400
    text = answer.body.decode()
    assert words in text and re.search(rf'id="{field}"[^>]*aria-invalid="true"', text)
    assert NEW not in text and signs_in(shop, PASSWORD)


def test_guessing_the_old_password_is_throttled(shop: Shop) -> None:
    codes = [send(shop, "/account/password", old="wrong wrong", password=NEW, again=NEW).code for _ in range(7)]
    assert codes[:5] == [400] * 5 and codes[-1] == 429


def test_the_form_of_another_page_changes_nothing(shop: Shop) -> None:
    anna = Browser(shop, session=shop.session("anna")[0])
    form = {"old": PASSWORD, "password": NEW, "again": NEW}
    assert anna.ask("POST", "/account/password", data=form).code == 403
    assert anna.ask("POST", "/account/player", data={}).code == 403
    assert signs_in(shop, PASSWORD)


def test_a_player_password_is_shown_once_with_its_address(shop: Shop) -> None:
    answer = send(shop, "/account/player")
    text = answer.body.decode()
    password = re.search(r'id="player-password">([^<]+)<', text)
    assert answer.code == 200 and answer.header("cache-control") == "no-store" and password
    assert f"rtsp://anna:{password[1]}@shop:8554/player/regul/1/?rstart=60" in text
    assert password[1].encode() not in Browser(shop, session=shop.session("anna")[0]).get("/account").body
    assert shop.users.users["anna"].player_ha1
    assert ("audit", "player_password_made", {}, None, "anna") in shop.notes


def test_without_a_port_for_players_there_is_no_address() -> None:
    text = send(Shop(player_port=0), "/account/player").body.decode()
    assert 'id="player-password"' in text and "rtsp://anna" not in text


def test_a_viewer_has_an_account_too(shop: Shop) -> None:
    assert Browser(shop, session=shop.session("boris")[0]).get("/account").code == 200
    assert send(shop, "/account/player", "boris").code == 200


def test_what_a_removed_camera_left_is_replayed_under_its_own_name(shop: Shop) -> None:
    anna = Browser(shop, session=shop.session("anna")[0])
    page = anna.get(f"/replay/uid:{GONE.uid}").body.decode()
    assert "<title>Old till replayed" in page and "Old till (removed)" in page
    assert f'"key":"uid:{GONE.uid}"' in page and 'id="live"' not in page
    boris = Browser(shop, session=shop.session("boris")[0])
    assert boris.get(f"/replay/uid:{GONE.uid}").code == 404
    assert anna.get("/replay/uid:7777").code == 404
