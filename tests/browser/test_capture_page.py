"""The page of tills in a real browser: what arrives, a dialect written beside it, and what a till is called."""

from __future__ import annotations

import base64
from typing import Any

from support.browser import Person, PreviewProcess
from support.needs import needs

from camtrace.pos.presets import BY_NAME

pytestmark = needs("chromium")


def api(anna: Person, path: str) -> Any:
    return anna.page.evaluate("(path) => fetch(`/api/v1${path}`).then((answer) => answer.json())", path)


def test_a_printer_is_taught(anna: Person, site: PreviewProcess) -> None:
    """Its bytes are not understood, become the sample, and are read by a copy of a preset, which is then its own."""
    page = anna.go("/capture")
    page.wait_for_selector("#outcome li")
    site.tell("print " + base64.b64encode(BY_NAME["escpos"].sample).decode())
    page.wait_for_selector("#arrived li.bad")
    page.click("label[for=as-hex]")
    assert "1b 40 1b 74" in (page.text_content("#arrived li:last-child code") or "")
    page.click("label[for=as-text]")
    page.click("#take")
    assert "\\x1b@" in page.input_value("#sample")
    page.select_option("#base", "escpos")
    page.fill("#name", "bar")
    page.fill("#d-ignore", "EPICERIE*")
    page.wait_for_function(
        "() => document.querySelector('#outcome').textContent.includes('article TARTE POELEE 16.00')"
        " && document.querySelectorAll('#outcome li.faint').length === 3"
    )
    page.fill("#d-end", "/(/")
    page.wait_for_selector("[data-field=end].bad .msg")
    page.fill("#d-end", "")
    page.wait_for_function("() => !document.querySelector('[data-field].bad')")
    page.click("#save")
    page.wait_for_selector("#remove:not([hidden])")
    saved = api(anna, "/dialects/bar")["definition"]
    assert saved["ignore"] == [{"match": "wildcard", "text": "EPICERIE*"}] and saved["control_codes"] == "escpos"
    page.wait_for_selector("#senders td:has-text('192.168.10.40')")
    page.select_option("#senders select", "bar")
    page.wait_for_selector(".toast")
    site.tell("print " + base64.b64encode(BY_NAME["escpos"].sample).decode())
    page.wait_for_selector("#arrived li:first-child:has-text('end of ticket')")
    assert page.locator("#arrived li:has-text('payment TOTAL total 17.30')").count() == 1


def test_a_till_is_named_and_its_ticket_put_in_step(anna: Person) -> None:
    """The name stands on its tickets; an offset is set while replaying, kept, and moves the line that is marked."""
    page = anna.go("/capture")
    page.fill("#tills input[aria-label^='Name of 1']", "Bar")
    page.keyboard.press("Tab")
    page.wait_for_selector(".toast")
    anna.go("/log?q=type:S")
    page.click("label[for=v-list]")
    page.locator(".lines tbody a").first.click()
    page.wait_for_url("**/replay/1?at=*")
    page.wait_for_selector("#ticket li.now.void")
    page.keyboard.press("Space")
    assert page.text_content("#ticket .tk-head b") == "Bar"
    for _ in range(10):
        page.click("[data-step='1000']")
    page.wait_for_selector("#ticket li.next.void")  # in the picture it is still to come
    assert page.text_content("#nudge output") == "+10 s"
    page.wait_for_selector(".toast")
    (kept,) = [each for each in api(anna, "/sources")["items"] if each["source"] == "1"]
    assert (kept["label"], kept["offset_ms"]) == ("Bar", 10000)
    page.click("#line-after")  # rung up 7 s before the cancelled one: its picture is 3 s from here
    page.wait_for_selector("#ticket li.now:not(.void)")
    page.click("#line-after")
    page.wait_for_selector("#ticket li.now.void")


def test_how_the_ticket_is_shown_is_remembered(anna: Person) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#tickets .tk-lines li")
    page.click("label[for=tk-over]")
    page.click("#ticket-look summary")
    for name, value in (("corner", "bottom-left"), ("size", "large"), ("contrast", "high")):
        page.select_option(f"#tk-{name}", value)
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("#over-lines li")
    shown, stage = page.locator(".over").bounding_box(), page.locator(".stagebox").bounding_box()
    assert shown and stage
    assert shown["x"] - stage["x"] < 10 and shown["y"] > stage["y"] + stage["height"] / 2
    looks = page.evaluate("getComputedStyle(document.querySelector('.over')).backgroundColor")
    assert looks == "rgb(0, 0, 0)"
