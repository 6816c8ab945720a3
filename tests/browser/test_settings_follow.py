"""What is set reaches pages that stand open: names of tills, events and cameras, ties; none is loaded again."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browser import WAIT_MS, Person, PreviewProcess, person
from support.needs import needs

from camtrace.prisma.wire import Event, encode

pytestmark = needs("chromium")
SEND = """async ([path, method, body]) => {
  const token = JSON.parse(document.getElementById("facts").textContent).csrf;
  const answer = await fetch(`/api/v1${path}`, { method, body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-CSRF": token } });
  if (!answer.ok) throw new Error(await answer.text());
}"""


@pytest.fixture
def windows(anna: Person) -> Iterator[dict[str, Page]]:
    """The live page, the wall, the replay and the log, open side by side; none of them may be loaded again."""
    opened = {}
    for path in ("/wall", "/replay/1", "/log"):
        opened[path] = anna.page.context.new_page()
        opened[path].set_default_timeout(WAIT_MS)
        opened[path].goto(anna.address + path)
    opened["/live/1"] = anna.go("/live/1")
    for page in opened.values():
        page.evaluate("window.stayed = true")
    yield opened
    for page in opened.values():
        assert page.evaluate("window.stayed") is True


def test_a_tills_name_reaches_every_page(anna: Person, site: PreviewProcess, windows: dict[str, Page]) -> None:
    live, wall, replay, log = (windows[path] for path in ("/live/1", "/wall", "/replay/1", "/log"))
    site.tell("sell")
    live.wait_for_selector("#tickets .tk-head b:text-is('TILL 1')")
    replay.wait_for_selector("#ticket .tk-head b:text-is('TILL 1')")
    log.wait_for_selector(".hit .h b:has-text('TILL 1')")
    anna.page.evaluate(SEND, ["/sources/1", "PATCH", {"label": "Caisse d’angle", "offset_ms": 10_000}])
    live.wait_for_selector("#tickets .tk-head b:text-is('Caisse d’angle')")
    expect(live.locator(".tk-head b:text-is('TILL 1')")).to_have_count(0)
    replay.wait_for_selector("#ticket .tk-head b:text-is('Caisse d’angle')")
    replay.wait_for_selector("#nudge output:text-is('+10 s')")
    log.wait_for_selector(".hit .h b:has-text('Caisse d’angle')")
    expect(log.locator(".hit .h b:has-text('TILL 1')")).to_have_count(0)
    site.tell("tills 101 1,2")
    site.tell("other 2 20 now A|1|5|MILK|1,00")
    site.tell("other 1 10 now A|1|5|BREAD|1,00")
    live.wait_for_selector("#tickets .ticket b:text-is('TILL 2')")
    wall.wait_for_selector(".strip b:has-text('Caisse d’angle')")
    anna.page.evaluate(SEND, ["/sources/2", "PATCH", {"label": "Bar"}])
    wall.wait_for_selector(".strip b:has-text('Bar')")
    live.wait_for_selector("#tickets .ticket b:text-is('Bar')")
    site.tell("tills 101 1")  # the second one is tied to it no more
    live.wait_for_selector("#tickets .ticket b:text-is('Bar')", state="detached")
    wall.wait_for_selector(".strip b:has-text('Bar')", state="detached")


def test_a_cameras_name_reaches_every_page(anna: Person, site: PreviewProcess, windows: dict[str, Page]) -> None:
    before = ("Till 1", "Comptoir d’angle & Co")
    expect(windows["/live/1"].locator("#picture figcaption b").first).to_have_text(before[0])
    for old, new in (before, before[::-1]):
        site.tell(f"call 101 {new}")
        for path, place in (
            ("/live/1", "#picture figcaption b"),
            ("/live/1", "#films b"),
            ("/live/1", "h1"),
            ("/wall", ".tile figcaption b"),
            ("/replay/1", "#choose option"),
            ("/replay/1", "h1"),
            ("/log", "#camera option"),
        ):
            windows[path].wait_for_selector(f"{place}:has-text('{new}')", state="attached")
            expect(windows[path].locator(f"{place}:has-text('{old}')")).to_have_count(0)
        for path in ("/live/1", "/replay/1"):
            expect(windows[path]).to_have_title(re.compile(re.escape(new)))
        windows["/wall"].wait_for_selector(f".opens[aria-label='Open {new}']")


def test_a_camera_that_gets_a_till_shows_it(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/3")
    page.wait_for_selector("#picture.moving")
    expect(page.locator("#tickets")).to_be_hidden()
    site.tell("tills 105 5")
    page.wait_for_selector("#tickets .empty:has-text('No tickets yet')")
    site.tell("tills 105 ")


def test_what_an_event_is_called_reaches_the_ticket(browser: Browser, site: PreviewProcess) -> None:
    """In the language of the page. A source that appears stands among them without a look, and is named there."""
    address = ("127.0.0.1", int(site.tell("prisma")))
    with person(browser, site.address, locale="fr") as anna, socket.socket(type=socket.SOCK_DGRAM) as till:

        def say(number: str, code: int, **more: Any) -> None:
            till.sendto(encode(Event("KKM", number, code, receipt="1", **more)), address)

        page = anna.go("/live/2")
        page.wait_for_selector("#picture.moving")
        say("12", 40)
        page.wait_for_selector("#tickets li[data-at]")
        settings = page.context.new_page()
        settings.goto(anna.address + "/prisma")
        settings.wait_for_selector("#sources tr[data-source='KKM:12']")
        say("77", 60)
        settings.wait_for_selector("#sources tr[data-source='KKM:77']")
        settings.fill("tr[data-source='KKM:12'] input", "Comptoir")
        settings.keyboard.press("Tab")
        page.wait_for_selector("#tickets .tk-head b:text-is('Comptoir')")
        page.evaluate(SEND, ["/prisma/events/40", "PATCH", {"name": "Tiroir-caisse !"}])
        page.wait_for_selector("#tickets li[data-at]:has-text('Tiroir-caisse !')")
        settings.close()
