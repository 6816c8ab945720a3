"""The cameras' pages in a real browser: adding, trying, changing, removing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from support.browser import Person, PreviewProcess, person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: cameras come and go


def filled(anna: Person, number: int) -> Page:
    """The page of a camera, with what is known of it."""
    page = anna.go(f"/cameras/{number}")
    expect(page.locator("[name=url]")).not_to_have_value("")
    return page


def test_the_life_of_a_camera(anna: Person) -> None:
    page = anna.go("/cameras/new")
    page.click("#save")
    expect(page.locator("[data-field=name] .msg")).to_contain_text("A camera needs a name")
    expect(page.locator("#wrong")).to_contain_text("2 things to correct")
    page.fill("[name=name]", "Back door")
    page.fill("[name=url]", "rtsp://camera:secret@192.168.10.30/main")
    page.fill("[name=overlay_ids]", "7, 8")
    page.click("#test")
    expect(page.locator("#steps")).to_contain_text("Pictures arrive: H.264, 768 × 576")
    expect(page.locator("#tested")).not_to_be_empty()
    page.click("#save")
    page.wait_for_url("**/live/5")

    page = filled(anna, 5)
    for name, value in (("url", "rtsp://192.168.10.30/main"), ("login", "camera"), ("password", "")):
        expect(page.locator(f"[name={name}]")).to_have_value(value)
    page.click("details.more summary")
    page.check("#f-stop_streams_automatically")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    expect(page.locator("#f-stop_streams_automatically")).to_be_checked()
    expect(page.locator("[name=overlay_ids]")).to_have_value("7, 8")
    page.fill("[name='regular.days']", "14")
    expect(page.locator("#unsaved")).to_contain_text("1 change not saved")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    expect(page.locator("[name='regular.days']")).to_have_value("14")

    page.click("#remove")
    expect(page.locator("#sure-title")).to_contain_text("Remove camera 5, Back door?")
    expect(page.locator("#sure :focus")).to_have_text("Keep it")  # the safe one has the focus
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_be_hidden()
    page.click("#remove")
    page.click("#sure .danger")
    page.wait_for_url("**/cameras")
    page.wait_for_selector("#list tbody tr")
    expect(page.locator("#list")).not_to_contain_text("Back door")


def test_what_the_server_refuses_is_told_at_its_field(anna: Person) -> None:
    held: list[Route] = []
    anna.page.route("**/api/v1/cameras/1", lambda route: held.append(route))
    page = anna.go("/cameras/1")
    tills = page.locator("[name=overlay_ids]")
    tills.fill("1, 9")  # before it is known what is set
    anna.soon(lambda: held, "the question what is set")
    held[0].continue_()
    page.unroute_all()
    expect(page.locator("[name=url]")).not_to_have_value("")
    expect(tills).to_have_value("1, 9")
    expect(page.locator("#unsaved")).to_contain_text("1 change not saved")
    page.click("#putback")
    expect(tills).to_have_value("1")
    page.click("details.more summary")
    page.fill("[name=volume]", "/mnt/z")
    page.click("details.more summary")
    page.click("#save")
    told = page.locator("[data-field=volume] .msg")
    told.wait_for()  # opened for it
    expect(told).to_contain_text("this server's volumes: /mnt/a")
    page.fill("[name=volume]", "/mnt/a")
    page.fill("[name=id]", "2")
    page.click("#save")
    page.wait_for_selector(".toast, [data-field=id] .msg")


def test_the_list_tells_states_in_words(anna: Person) -> None:
    page = anna.go("/cameras")
    for words in ("recording", "lost since", "wants another password"):
        expect(page.locator("#list")).to_contain_text(words)
    expect(page.locator("#summary")).to_contain_text("3 of 4 cameras send pictures")


REFUSED = {
    "fr": {
        "amount": "« abc » n’est pas compris.",
        "url": "Elle commence par rtsp:// ou http:// et n’a pas d’espace.",
        "name": "« Nom sur le mur » a plus de 100 caractères.",
        "id": "Une autre caméra porte le numéro 2.",
        "profile": "administrateur",
    },
    "ru": {
        "amount": "«abc» не понято.",
        "url": "Он начинается с rtsp:// или http:// и не содержит пробелов.",
        "name": "больше 100 знаков.",
        "id": "Номер 2 занят другой камерой.",
        "profile": "администратор",
    },
    "en": {
        "amount": "“abc” is not understood.",
        "url": "It begins with rtsp:// or http:// and has no spaces.",
        "name": "“Name on the wall” has more than 100 characters.",
        "id": "Another camera has the number 2.",
        "profile": "administrator",
    },
}


@pytest.mark.parametrize("language", REFUSED)
def test_what_is_refused_is_said_in_the_pages_language(browser: Browser, site: PreviewProcess, language: str) -> None:
    words = REFUSED[language]
    with person(browser, site.address, locale=language) as anna:
        page = anna.go("/log")
        page.fill("#amount_min", "abc")
        page.keyboard.press("Tab")
        expect(page.locator(".readnote")).to_contain_text(words["amount"])
        page = filled(anna, 1)
        before = page.input_value("[name=url]")
        page.fill("[name=url]", "not an address")
        page.click("#save")
        expect(page.locator("[data-field=url] .msg")).to_have_text(words["url"])
        page.fill("[name=url]", before)
        for name, value in (("name", "x" * 101), ("id", "2")):
            if name == "id":
                page.fill("[name=name]", "Till 1")
                page.click("details.more summary")
            page.fill(f"[name={name}]", value)
            page.click("#save")
            expect(page.locator(f"[data-field={name}] .msg")).to_contain_text(words[name])
        page.click("#putback")
        page = anna.go("/account")
        expect(page.locator(".page-head p")).to_have_text(re.compile(f"{words['profile']}$"))
        expect(page.locator(".menu-head span")).to_have_text(words["profile"])
