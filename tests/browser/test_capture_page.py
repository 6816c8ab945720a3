"""The page of tills in a real browser: what arrives, a dialect written beside it, and what a till is called."""

from __future__ import annotations

import base64
import re
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browser import Person, PreviewProcess, renewed
from support.needs import needs

from camtrace.pos.presets import BY_NAME

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: tills are set up


def api(anna: Person, path: str) -> Any:
    return anna.page.evaluate("(path) => fetch(`/api/v1${path}`).then((answer) => answer.json())", path)


BREAD = """\
   AU BON PAIN
 LE 26/11/26 A 10:42
 NO 4512   HOTE: MARC
 BAGUETTE             1,30
 CROISSANT            2,40
 REPRIS CROISSANT    -1,20
 A REGLER             2,50
 CB                   2,50
 A TRÈS BIENTÔT
"""


def listening(anna: Person) -> Page:
    """The page, once nothing that a till says escapes it and a dialect is drawn."""
    page = anna.go("/capture")
    page.wait_for_selector("#arrive-state:has-text('Waiting for a till')")
    page.wait_for_selector("#outcome li")
    return page


def answered(page: Page, path: str) -> AbstractContextManager[Any]:
    """What is done inside is done by the server, too, when it is left."""
    return page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.url.endswith(path))


def printed(site: PreviewProcess, data: bytes) -> None:
    site.tell("print " + base64.b64encode(data).decode())


def test_a_till_is_taught_by_pointing(anna: Person, site: PreviewProcess) -> None:
    """A baker's receipts are like no preset: what each line is is said of it, saving puts it to use at once."""
    page = listening(anna)
    printed(site, BREAD.encode("cp858"))
    page.wait_for_selector("#arrived li.bad:has-text('A TRÈS BIENTÔT')")
    page.click("#take")
    page.wait_for_selector("#guessed:has-text('“receipt” understands most of it')")
    expect(page.locator("#save")).to_have_text("Use “receipt”")

    def say(line: str, saying: str, outcome: str) -> None:
        page.locator(f"#outcome li:has(code:has-text('{line}')) .say").select_option(saying)
        page.wait_for_selector(f"#outcome li:has-text('{outcome}')")

    say("A REGLER", "T", "payment A REGLER total 2.50")
    say("REPRIS", "ANNULE", "special ANNULE REPRIS CROISSANT -1.20")
    say("NO 4512", "ticket", "BAGUETTE 1.30 · till 192.168.10.40, ticket 4512")
    say("HOTE", "seller", "ticket 4512, Cashier MARC")  # the number that the same line tells is still known
    say("BIENT", "end", "end of ticket A TRÈS BIENTÔT")
    say("LE 26", "ignore", "left out")
    expect(page.locator("#outcome .tickethead").first).to_contain_text("ended · total 2.50")
    page.fill("#name", "bread")
    page.click("#save")
    page.wait_for_selector(".toast:has-text('192.168.10.40')")
    kept = api(anna, "/dialects/bread")
    assert kept["used_by"] == ["192.168.10.40"]
    assert {"match": "wildcard", "text": "REPRIS *", "means": "ANNULE"} in kept["definition"]["rules"]
    assert {"match": "exact", "text": "A REGLER", "means": "T"} in kept["definition"]["rules"]
    assert {"match": "wildcard", "text": "NO {ticket}*HOTE: {seller}", "means": "N"} in kept["definition"]["rules"]
    assert kept["definition"]["ignore"] == [{"match": "wildcard", "text": "LE * A *"}]
    printed(site, BREAD.replace("4512", "4513").replace("CROISSANT", "BRIOCHE").encode("cp858"))
    page.wait_for_selector("#arrived li:first-child:has-text('end of ticket')")
    expect(page.locator("#arrived li:has-text('special ANNULE REPRIS BRIOCHE')")).to_have_count(1)
    expect(page.locator("#arrived li:has-text('ticket 4513')")).to_have_count(7)


def test_a_printer_is_taught(anna: Person, site: PreviewProcess) -> None:
    """Its bytes become the sample, a preset reads them; settings are written by hand, faults told beside them."""
    page = listening(anna)
    printed(site, BY_NAME["escpos"].sample)
    page.wait_for_selector("#arrived li.bad:first-child")
    page.click("label[for=as-hex]")
    page.wait_for_selector("#arrived li code:has-text('1b 40 1b 74')")
    page.click("label[for=as-text]")
    page.click("#take")
    page.wait_for_selector("#guessed:has-text('“escpos”')")
    page.click("#more-sample summary")
    expect(page.locator("#sample")).to_have_value(re.compile(r"\\x1b@"))
    page.click("#more-settings summary")
    page.fill("#d-ignore", "EPICERIE*")
    page.wait_for_function(
        "() => document.querySelector('#outcome').textContent.includes('article TARTE POELEE 16.00')"
        " && document.querySelectorAll('#outcome li.faint').length === 3"
    )
    page.click("#more-settings summary")
    page.evaluate("document.querySelector('#d-end').value = '/(/'")
    page.dispatch_event("#d-end", "input")
    page.wait_for_selector("[data-field=end].bad .msg")  # what is folded away opens
    page.fill("#d-end", "")
    page.wait_for_function("() => !document.querySelector('[data-field].bad')")
    page.fill("#name", "bar")
    page.click("#save")
    page.wait_for_selector("#remove:not([hidden])")
    saved = api(anna, "/dialects/bar")["definition"]
    assert saved["ignore"] == [{"match": "wildcard", "text": "EPICERIE*"}] and saved["control_codes"] == "escpos"
    page.wait_for_selector("#senders td:has-text('192.168.10.40')")
    expect(page.locator("#senders select").first).to_have_value("bar")
    printed(site, BY_NAME["escpos"].sample)
    page.wait_for_selector("#arrived li:first-child:has-text('end of ticket')")
    expect(page.locator("#arrived li:has-text('payment TOTAL total 18.20')")).to_have_count(1)
    page.select_option("#base", "receipt-ru")  # the till's sample stays until its own is asked for
    expect(page.locator("#base-words")).to_be_empty()  # nobody uses that
    expect(page.locator("#sample")).to_have_value(re.compile("EPICERIE"))
    page.click("#example")
    page.wait_for_selector("#outcome li:has-text('КАССИР: ПЕТРОВА')")


def test_a_till_is_named_and_its_ticket_put_in_step(anna: Person) -> None:
    """The name stands on its tickets; an offset is set while replaying, kept, and moves the line that is marked."""
    page = anna.go("/capture")
    page.fill("#tills input[aria-label^='Name of 1']", "Bar")
    with answered(page, "/sources/1"):
        page.keyboard.press("Tab")
    anna.go("/log?q=type:S")
    page.click("label[for=v-list]")
    page.locator(".lines tbody a").first.click()
    page.wait_for_url("**/replay/1?at=*")
    page.wait_for_selector("#ticket li.now.void")
    page.keyboard.press("Space")
    expect(page.locator("#ticket .tk-head b").first).to_have_text("Bar")
    for _ in range(10):
        page.click("[data-step='1000']")
    page.wait_for_selector("#ticket li.next.void")  # in the picture it is still to come
    expect(page.locator("#nudge output")).to_have_text("+10 s")

    def kept() -> Any:
        (till,) = [each for each in api(anna, "/sources")["items"] if each["source"] == "1"]
        return till["offset_ms"] == 10000 and till

    assert anna.soon(kept, "the offset of ten steps")["label"] == "Bar"  # a slow hand has several kept
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
    page.wait_for_function(
        "() => { const [shown, stage] = ['.over', '.stagebox'].map((s) => document.querySelector(s)"
        ".getBoundingClientRect()); return shown.x - stage.x < 10 && shown.y > stage.y + stage.height / 2; }"
    )
    expect(page.locator(".over")).to_have_css("background-color", "rgb(0, 0, 0)")


def test_half_of_a_cards_number_is_taken_back(anna: Person, site: PreviewProcess) -> None:
    """It was shown when the line came that has the other half."""
    page = listening(anna)
    printed(site, b"1|0|7|0|N|CB 4111 1111\n")
    page.wait_for_selector("#arrived li:has-text('4111 1111')")
    printed(site, b"1|0|7|0|N|1111 1111\n")  # the number's other half: the first is taken back
    page.wait_for_selector("#arrived li:first-child:has-text('**** ****')")
    assert "1111" not in (page.text_content("#arrived") or "")


def test_a_till_is_connected_by_two_clicks(anna: Person, site: PreviewProcess) -> None:
    """What it speaks is said beside its address, its letters are mended there, a camera is tied and untied there."""
    page = listening(anna)
    row = "#senders tr:has-text('192.168.10.40')"
    printed(site, b"1|0|7|0|D|1,00\n")
    page.wait_for_selector(row)
    with answered(page, "/sources/192.168.10.40"):
        page.locator(row).get_by_label("Dialect of").select_option("")
    said = "9|0|7|0|A|1|5|СЫР|1,00\n".encode("cp866")
    printed(site, said)
    page.wait_for_selector("#arrived li:first-child:has-text('9|0|7')")
    expect(page.locator("#arrived li").first).not_to_contain_text("СЫР")
    with answered(page, "/sources/192.168.10.40"):
        page.locator(row).get_by_label("Letters of").select_option("cp866")
    printed(site, said)
    page.wait_for_selector("#arrived li:first-child:has-text('article 1 × СЫР')")
    with answered(page, "/sources/192.168.10.40"):
        page.locator(row).get_by_label("Letters of").select_option("")
    printed(site, BY_NAME["json"].sample)
    page.locator("h1").click()  # whoever writes in a table is not disturbed
    with answered(page, "/sources/192.168.10.40"):
        page.click(f"{row} button:text-is('Use “json”')")
    page.wait_for_selector(f"{row}:has-text('its next line is awaited')")
    printed(site, BY_NAME["json"].sample)
    till = page.locator("#tills tbody tr").filter(has=page.locator("td:first-child b:text-is('3')"))
    till.wait_for()
    till.get_by_label("Show 3 with a camera").select_option("3")
    untie = till.get_by_label("No longer show 3 with Car park")
    untie.wait_for()
    assert api(anna, "/cameras/3")["overlay_ids"] == ["3"]
    untie.click()
    untie.wait_for(state="detached")
    page.click(".toast button:text-is('Undo')")
    untie.wait_for()
    assert api(anna, "/cameras/3")["overlay_ids"] == ["3"]
