"""The cameras' pages in a real browser: adding, trying, changing, removing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from support.browser import Person, PreviewProcess, person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: cameras come and go


def test_the_life_of_a_camera(anna: Person) -> None:
    page = anna.go("/cameras/new")
    page.click("#save")
    assert "A camera needs a name" in (page.locator("[data-field=name] .msg").text_content() or "")
    assert "2 things to correct" in (page.locator("#wrong").text_content() or "")
    page.fill("[name=name]", "Back door")
    page.fill("[name=url]", "rtsp://camera:secret@192.168.10.30/main")
    page.fill("[name=overlay_ids]", "7, 8")
    page.click("#test")
    page.wait_for_selector("#tested:not(:empty)")
    assert "Pictures arrive: H.264, 768 × 576" in (page.locator("#steps").text_content() or "")
    page.click("#save")
    page.wait_for_url("**/live/5")

    page = anna.go("/cameras/5")
    page.wait_for_function("() => document.querySelector('[name=url]').value === 'rtsp://192.168.10.30/main'")
    assert page.input_value("[name=login]") == "camera" and page.input_value("[name=password]") == ""
    page.click("details.more summary")
    page.check("#f-stop_streams_automatically")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    page.wait_for_function("() => document.querySelector('#f-stop_streams_automatically').checked")
    assert page.input_value("[name=overlay_ids]") == "7, 8"
    page.fill("[name='regular.days']", "14")
    assert "1 change not saved" in (page.locator("#unsaved").text_content() or "")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    page.wait_for_function("() => document.querySelector(\"[name='regular.days']\").value === '14'")

    page.click("#remove")
    assert "Remove camera 5, Back door?" in (page.locator("#sure-title").text_content() or "")
    assert page.evaluate("document.activeElement.textContent") == "Keep it"  # the safe one has the focus
    page.keyboard.press("Enter")
    assert page.locator("#sure").is_hidden()
    page.click("#remove")
    page.click("#sure .danger")
    page.wait_for_url("**/cameras")
    page.wait_for_selector("#list tbody tr")
    assert "Back door" not in (page.locator("#list").text_content() or "")


def test_what_the_server_refuses_is_told_at_its_field(anna: Person) -> None:
    page = anna.go("/cameras/1")
    page.wait_for_function("() => document.querySelector('[name=url]').value !== ''")
    page.click("details.more summary")
    page.fill("[name=volume]", "/mnt/z")
    page.click("details.more summary")
    page.click("#save")
    page.wait_for_selector("[data-field=volume] .msg")  # opened for it
    assert "this server's volumes: /mnt/a" in (page.text_content("[data-field=volume] .msg") or "")
    page.fill("[name=volume]", "/mnt/a")
    page.fill("[name=id]", "2")
    page.click("#save")
    page.wait_for_selector(".toast, [data-field=id] .msg")


def test_the_list_tells_states_in_words(anna: Person) -> None:
    page = anna.go("/cameras")
    page.wait_for_selector("#list tbody tr")
    text = page.locator("#list").text_content() or ""
    assert "recording" in text and "lost since" in text and "wants another password" in text
    assert "3 of 4 cameras send pictures" in (page.locator("#summary").text_content() or "")


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
        assert words["amount"] in (page.text_content(".readnote") or "")
        page = anna.go("/cameras/1")
        page.wait_for_function("() => document.querySelector('[name=url]').value !== ''")
        before = page.input_value("[name=url]")
        page.fill("[name=url]", "not an address")
        page.click("#save")
        assert page.text_content("[data-field=url] .msg") == words["url"]
        page.fill("[name=url]", before)
        for name, value in (("name", "x" * 101), ("id", "2")):
            if name == "id":
                page.fill("[name=name]", "Till 1")
                page.click("details.more summary")
            page.fill(f"[name={name}]", value)
            page.click("#save")
            page.wait_for_selector(f"[data-field={name}] .msg")
            assert words[name] in (page.text_content(f"[data-field={name}] .msg") or "")
        page.click("#putback")
        page = anna.go("/account")
        assert (page.text_content(".page-head p") or "").endswith(words["profile"])
        assert page.text_content(".menu-head span") == words["profile"]
