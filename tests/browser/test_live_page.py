"""The live page in a real browser: the picture moves, the ticket follows the till, a lost camera says so."""

from __future__ import annotations

import re
import socket
import statistics
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, WebSocketRoute, expect
from support.browser import ZONE, Person, PreviewProcess, person
from support.needs import needs

from camtrace.prisma.check import samples
from camtrace.prisma.wire import encode

pytestmark = needs("chromium")
RED = re.compile(r"rgb\((176, 21, 34|142, 14, 25)\)")  # on paper, and under the highlighter
DRAWN = "() => { const c = document.querySelector('canvas'); return c && c.width > 0 && !c.hidden; }"


def lines(anna: Person) -> Locator:
    """Those of the ticket that is shown first."""
    return anna.page.locator("#tickets .ticket:first-child li[data-at]")


def sell_until(site: PreviewProcess, kind: str) -> str:
    """Sell until a line of this type was sold; what it says."""
    for _ in range(20):
        sold, _, words = site.tell("sell").partition(" ")
        if sold == kind:
            return words
    raise AssertionError(f"no {kind} line in the till's script")


def test_the_picture_moves_and_stays_near_the_present(anna: Person) -> None:
    anna.go("/live/1")
    anna.until("v.videoWidth > 0 && v.currentTime > 0 && document.querySelector('.pic.moving')")
    before = anna.video("v.currentTime")
    anna.until(f"v.currentTime > {before} + 2 && v.getVideoPlaybackQuality().totalVideoFrames > 5")
    anna.until("parseFloat(document.querySelector('.behind').textContent) < 2.5")


def test_lines_appear_at_once_and_s_lines_are_red(anna: Person, site: PreviewProcess) -> None:
    anna.go("/live/1")
    anna.page.wait_for_selector("#tickets .tk-lines li")
    sell_until(site, "E")
    site.tell("sell")
    expect(lines(anna)).to_have_count(1)
    anna.page.evaluate(
        "() => { window.told = {}; const there = () => document.querySelectorAll('#tickets li[data-at]');"
        " const before = new Set([...there()].map(({ dataset }) => dataset.at)); new MutationObserver(() => {"
        " for (const { dataset } of there()) if (!before.has(dataset.at)) told[dataset.at] ??= Date.now();"
        " }).observe(document.getElementById('tickets'), { childList: true, subtree: true }); }"
    )
    words = sell_until(site, "S")
    red = anna.page.locator("#tickets .ticket:first-child li.void")
    expect(red).to_contain_text(words)
    expect(red).to_contain_text("ANNULE")
    delays = anna.page.evaluate("Object.entries(told).map(([sent, shown]) => shown - Number(sent))")
    assert statistics.median_low(delays) < 200, delays  # milliseconds; a busy machine may be late with one
    expect(red.locator(".d")).to_have_css("color", RED)
    expect(anna.page.locator("#tickets .ticket:first-child li.gone")).to_contain_text(words)


def test_the_ticket_is_cleared_by_the_line_after_its_end(anna: Person, site: PreviewProcess) -> None:
    anna.go("/live/1")
    anna.page.wait_for_selector("#tickets .tk-lines li")
    sell_until(site, "E")
    anna.page.wait_for_selector("#tickets .ticket:first-child li.end")
    count = lines(anna).count()  # the end is the last one
    assert count > 1  # it stays to be read
    site.tell("sell")
    expect(lines(anna)).to_have_count(1)
    expect(anna.page.locator("#tickets .ticket").nth(1).locator("li[data-at]")).to_have_count(count)


def expect_total(anna: Person, *parts: str) -> None:
    """The foot of the ticket that is shown first: word, sum, counts, what was cancelled."""
    expect(anna.page.locator("#tickets .ticket:first-child .tk-total span")).to_have_text(parts)


def test_the_total_is_what_was_paid_and_the_sum_before_that_follows_the_same_rules(
    anna: Person, site: PreviewProcess
) -> None:
    """A return, a gift and a loss are no cancellations; a discount is an S line with an amount."""
    anna.go("/live/1")
    anna.page.wait_for_selector("#tickets .tk-lines li")
    sell_until(site, "E")
    said = ["A|1|128|CIDRE|3,90", "A|1|167|COMTE|10,00", "S|1|119|THE|-2,40|RETOUR", "S|1|0|REMISE|-0,50"]
    for line in [*said, *["A|1|1|SEL|1,00"] * 3, "S|2|1|SEL|ANNULE", "S|1|101|PAIN|OFFERT", "S|1|102|OEUF|PERTE"]:
        site.tell(f"say {line}")
    expect(lines(anna)).to_have_count(10)
    counts = "5 articles, 2 cancelled, 1 returned, 1 offered, 1 lost, 1 other red line"
    expect_total(anna, "SUBTOTAL", "12,00", counts, "2,00")
    struck = anna.page.locator("#tickets .ticket:first-child li.gone")
    expect(struck.locator(".d")).to_have_text(["SEL"] * 2)
    salt = anna.page.locator("#tickets .ticket:first-child li[data-at]:not(.void):has-text('SEL')")
    expect(salt).to_have_class([re.compile("^((?!gone).)*$"), re.compile("gone"), re.compile("gone")])  # the latest two
    expect(anna.page.locator("#tickets .ticket:first-child li.void .a").nth(2)).to_have_text("−2,00")
    site.tell("say X|CB 4111 1111")
    anna.page.wait_for_selector("#tickets .ticket:first-child li:has-text('CB 4111 1111')")
    site.tell("mask")  # the rest of a number came: what stands there is drawn anew
    anna.page.wait_for_selector("#tickets .ticket:first-child li:has-text('CB **** ****')")
    expect(struck).to_have_count(2)
    site.tell("say E|ESPECES|20,00|12,00")
    expect_total(anna, "TOTAL · ESPECES", "12,00", counts, "2,00")
    site.tell("say S|1|119|THE|RETOUR")  # of another day: what it cost stands nowhere
    site.tell("say A|1|128|CIDRE|3,90")
    expect(lines(anna)).to_have_count(2)
    expect_total(anna, "SUBTOTAL", "", "1 article, 1 returned, an amount is missing", "")
    site.tell("say E|ESPECES|20,00|1,50")
    expect_total(anna, "TOTAL · ESPECES", "1,50", "1 article, 1 returned", "")
    anna.page.reload()  # what the server tells of the screen
    expect_total(anna, "TOTAL · ESPECES", "1,50", "1 article, 1 returned", "")


def test_the_tickets_place_is_remembered(anna: Person) -> None:
    anna.go("/live/1")
    anna.page.wait_for_selector("#tickets .tk-lines li")
    over, beside = anna.page.locator(".over"), anna.page.locator("#tickets")
    anna.page.keyboard.press("t")
    expect(over).to_be_visible()
    expect(beside).to_be_hidden()
    anna.page.reload()
    anna.page.wait_for_selector(".over .tk-lines li", state="visible")
    anna.page.keyboard.press("t")
    expect(over).to_be_hidden()
    anna.page.keyboard.press("t")
    expect(beside).to_be_visible()


def test_jpeg_cameras_are_drawn_and_others_say_what_is_shown(anna: Person) -> None:
    anna.go("/live/2")
    anna.page.wait_for_function(DRAWN)
    expect(anna.page.locator(".picnote")).to_be_hidden()
    anna.go("/live/3")
    anna.page.wait_for_selector(".picnote:not([hidden])")
    expect(anna.page.locator(".picnote")).to_contain_text("This browser cannot play")


NO_VIDEO = "delete window.MediaSource; delete window.ManagedMediaSource"
MANAGED_ONLY = "window.ManagedMediaSource = window.MediaSource; delete window.MediaSource"


@pytest.mark.parametrize("lacking", [NO_VIDEO, "MediaSource.isTypeSupported = () => false"])
def test_a_browser_that_plays_no_video_gets_single_pictures(anna: Person, lacking: str) -> None:
    anna.prepare(lacking)
    anna.go("/live/1")
    anna.page.wait_for_function(DRAWN)
    anna.page.wait_for_selector(".pic.moving")
    words = "This browser cannot play this camera's kind of picture: a picture every second or so is shown."
    expect(anna.page.locator(".picnote")).to_contain_text(words)
    expect(anna.page.locator("#picture video")).to_be_hidden()
    seen = anna.page.locator("#picture .moment").text_content() or ""
    expect(anna.page.locator("#picture .moment")).not_to_have_text(seen)
    anna.go("/wall")
    expect(anna.page.locator(".pic.moving")).to_have_count(3)
    anna.go("/live/2")  # JPEG: every picture, and nothing to be said
    anna.page.wait_for_function(DRAWN)
    expect(anna.page.locator(".picnote")).to_be_hidden()


def test_a_browser_with_managed_sources_only_plays_video(anna: Person) -> None:
    anna.prepare(MANAGED_ONLY)
    anna.go("/live/1")
    anna.until("v.videoWidth > 0 && v.currentTime > 0 && document.querySelector('.pic.moving')")
    assert anna.video("v.disableRemotePlayback") is True  # set before it plays
    expect(anna.page.locator(".picnote")).to_be_hidden()


def test_back_30_s_opens_the_replay_at_that_second(anna: Person) -> None:
    anna.go("/live/1")
    anna.until("document.querySelector('.pic.moving')")
    expect(anna.page.locator("#picture .moment")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    anna.page.evaluate(
        "() => addEventListener('keydown', () => {"
        " sessionStorage.shown = document.querySelector('#picture .moment').textContent; }, true)"
    )
    anna.page.keyboard.press("b")
    anna.page.wait_for_url("**/replay/1?at=*")
    asked = float(anna.page.url.partition("at=")[2].partition("&")[0])
    back = datetime.fromtimestamp(asked + 30, ZoneInfo(ZONE))
    shown = datetime.strptime(anna.page.evaluate("sessionStorage.shown"), "%H:%M:%S").time()
    assert abs((datetime.combine(back, shown, ZoneInfo(ZONE)) - back).total_seconds()) < 2


def test_a_snapshot_is_saved_in_the_pictures_own_size(anna: Person) -> None:
    anna.go("/live/1")
    anna.until("v.videoWidth > 0 && document.querySelector('.pic.moving')")
    with anna.page.expect_download() as waiting:
        anna.page.click("#snapshot")
    kept = waiting.value
    assert kept.suggested_filename.startswith("Till 1 20") and kept.suggested_filename.endswith(".jpg")
    assert kept.path().read_bytes()[:2] == b"\xff\xd8"


def test_a_lost_camera_says_since_when_and_why(anna: Person) -> None:
    anna.go("/live/4")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    for words in ("Camera lost since", "wants another password", "Nothing is being recorded"):
        expect(anna.page.locator(".lostwords")).to_contain_text(words)
    anna.page.click(".lostwords a")
    anna.page.wait_for_url("**/cameras/4")


def test_a_camera_that_is_lost_meanwhile_keeps_its_last_picture(anna: Person, site: PreviewProcess) -> None:
    anna.go("/live/3")
    anna.page.wait_for_selector(".pic.moving")
    site.tell("lose 105")
    anna.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
    expect(anna.page.locator(".pic canvas")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "words", "short"),
    [
        ("en", "Camera not connected – waits for the disk of its pictures, which is absent", "not connected"),
        ("fr", "Caméra non connectée – attend le disque de ses images, qui est absent", "non connectée"),
        ("ru", "Камера не подключена – ждёт диска для своих изображений, которого нет", "не подключена"),
    ],
)
def test_an_ignored_camera_was_not_lost(
    browser: Browser, site: PreviewProcess, locale: str, words: str, short: str
) -> None:
    site.tell("ignore 105")
    with person(browser, site.address, locale=locale) as somebody:
        somebody.go("/live/3")
        somebody.page.wait_for_selector(".pic.lost .lostwords:not([hidden])")
        expect(somebody.page.locator(".lostwords strong")).to_have_text(words)
        somebody.go("/cameras")
        for listed in (short, words.partition(" – ")[2]):
            expect(somebody.page.locator("#list")).to_contain_text(listed)


def test_the_keys_of_a_page_are_told_and_can_be_switched_off(anna: Person) -> None:
    anna.go("/live/1")
    anna.page.keyboard.press("?")
    box = anna.page.locator("#keys")
    expect(box).to_be_visible()
    expect(box).to_contain_text("Full screen")
    box.locator("input[type=checkbox]").uncheck()
    anna.page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    anna.page.keyboard.press("t")
    anna.page.evaluate("() => new Promise(requestAnimationFrame)")  # the key has been pressed
    expect(anna.page.locator("#tickets")).to_be_visible()


@pytest.fixture
def many(site: PreviewProcess) -> Iterator[list[str]]:
    """Thirty tills before the first camera."""
    names = [str(number) for number in range(2, 32)]
    site.tell(f"tills 101 {','.join(names)}")
    yield names
    site.tell("tills 101 1")


def test_tickets_of_several_tills_stand_in_their_places(anna: Person, site: PreviewProcess, many: list[str]) -> None:
    """Each keeps its place whoever speaks, is read aloud, and is drawn only while it is seen."""
    page = anna.go("/live/1")
    page.wait_for_selector("#picture.moving")
    for name in many:
        for article in ("MILK", "BREAD"):
            site.tell(f"other {name} {name}0 now A|1|{article}|{article} {name}|1,00")
    expect(page.locator("#tickets .ticket")).to_have_count(30)
    first = page.locator("#tickets .ticket").first
    expect(first.locator("li[data-at] .d")).to_have_text(["MILK 2", "BREAD 2"])
    site.tell("other 2 20 now A|1|SALT|SALT 2|1,00")  # the last word: all before it has been drawn when it is
    expect(first.locator("li[data-at] .d")).to_have_text(["MILK 2", "BREAD 2", "SALT 2"])
    page.evaluate(
        "() => { window.drawn = new Set(); new MutationObserver((all) => { for (const { target } of all)"
        " if (target.matches?.('.tk-lines')) drawn.add(target.parentElement.querySelector('b').textContent); })"
        ".observe(document.getElementById('tickets'), { childList: true, subtree: true }); }"
    )
    for name in ("31", "2"):
        site.tell(f"other {name} {name}0 now S|1|MILK|MILK {name}|ANNULE")
    page.wait_for_selector("#tickets .ticket:first-child li.void")
    expect(first.locator("b").first).to_have_text("TILL 2")
    assert page.evaluate("[...drawn]") == ["TILL 2"]
    expect(page.locator("#spoken")).to_contain_text("TILL 2: 1 ANNULE MILK 2")
    expect(first.locator("li.gone .d")).to_have_text(["MILK 2"])
    page.locator("#tickets .ticket").last.scroll_into_view_if_needed()
    page.wait_for_selector("#tickets .ticket:last-child li.void")  # drawn as soon as it is looked at
    page.click("label[for=tk-over]")
    page.wait_for_selector(".over .till:first-child li.void")
    expect(page.locator(".over .tillname").first).to_have_text("TILL 2")
    inside = "() => { const edge = (s) => document.querySelector(s).getBoundingClientRect();"
    page.wait_for_function(inside + " return edge('.over').bottom <= edge('.tools').top; }")
    page.click("label[for=tk-beside]")
    anna.go("/wall")
    expect(page.locator(".strip b").nth(1)).to_be_attached()  # as many tills as there are lines, by name
    red = page.locator(".strip .void:has-text('1 ANNULE MILK 2')")
    expect(red.locator("span").last).to_have_text(re.compile("^−"))  # of what it took back


def test_a_long_ticket_shows_its_newest_lines(anna: Person, site: PreviewProcess) -> None:
    """300 lines, long names, Cyrillic, digits from right to left: the newest is seen, 200 are kept, on a phone too."""
    page = anna.go("/live/1")
    page.wait_for_selector("#tickets .tk-lines li")
    sell_until(site, "E")
    for number in range(300):
        site.tell(f"say A|1|{5 if number else 7}|ТОВАР {number}|1,00")
    site.tell(f"say A|1|5|{'X' * 300}|1,00")
    site.tell("say A|1|5|شاي ١٢٣ END|1,00")
    newest = "#tickets .ticket:first-child li[data-at]:nth-last-child(2)"
    expect(page.locator(newest)).to_contain_text("END")
    expect(lines(anna)).to_have_count(200)
    seen = (
        "(s) => { const [a, b] = [document.querySelector(s), document.getElementById('tickets')]"
        ".map((e) => e.getBoundingClientRect()); return a.top >= b.top && a.bottom <= b.bottom + 1; }"
    )
    page.wait_for_function(seen, arg=newest)
    page.evaluate("() => { document.getElementById('tickets').scrollTop = 0; }")
    page.wait_for_timeout(1200)
    assert page.evaluate("document.getElementById('tickets').scrollTop") == 0  # who reads above is left alone
    for size in ({"width": 360, "height": 740}, {"width": 720, "height": 450}):  # a phone; 200 % of a small window
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_function("(width) => document.documentElement.scrollWidth <= width", arg=size["width"])
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function(seen, arg=newest)  # found again
    site.tell("say S|1|7|ТОВАР 0|ANNULE")
    void = page.locator("#tickets .ticket:first-child li.void .a")
    expect(void).to_have_text("−1,00")  # what its article came to, which has left the screen
    site.tell("say E|CB|1,00|1,00")
    page.wait_for_selector("#tickets .ticket:first-child li.end")
    expect(lines(anna)).to_have_count(200)


def test_voids_and_returns_of_prisma_are_red(anna: Person, site: PreviewProcess) -> None:
    """A day's events up to the article taken back, the receipt voided and the return."""
    page = anna.go("/live/2")
    page.wait_for_selector("#picture.moving")
    day = samples("KKM", "12", datetime.now())
    codes = [event.code for event in day]
    address, sent = ("127.0.0.1", int(site.tell("prisma"))), 0
    with socket.socket(type=socket.SOCK_DGRAM) as till:
        for last, words in ((9, "Сыр"), (25, "Receipt voided"), (47, "Return")):
            for event in day[sent : codes.index(last) + 1]:
                till.sendto(encode(event), address)
            sent = codes.index(last) + 1
            red = page.locator("#tickets .ticket:first-child li.void").filter(has_text=words).last
            expect(red.locator(".d")).to_have_css("color", RED)


def test_a_server_that_is_gone_without_a_word_is_missed(anna: Person, site: PreviewProcess) -> None:
    """A dead connection is given up after a few questions; what was said meanwhile stands on the ticket once."""
    page = anna.page
    routes: list[WebSocketRoute] = []
    dead = False

    def lead(route: WebSocketRoute) -> None:
        routes.append(route)
        server = route.connect_to_server()
        mine = len(routes)
        route.on_message(lambda message: None if dead and mine == 1 else server.send(message))
        server.on_message(lambda message: None if dead and mine == 1 else route.send(message))

    page.route_web_socket("**/live/socket", lead)
    anna.tidy = False
    page.clock.install()
    anna.go("/live/1")
    sell_until(site, "E")
    site.tell("say A|1|5|CHEESE|1,00")
    page.wait_for_selector("#tickets .ticket:first-child li:has-text('CHEESE')")
    site.tell("silent 1")
    page.wait_for_selector("#tickets .silent")
    dead = True
    site.tell("silent 1")  # it speaks again
    site.tell("say A|1|5|BUTTER|1,00")
    site.tell("say S|1|5|CHEESE|ANNULE")
    page.clock.run_for(52_000)
    expect(lines(anna)).to_have_count(3)
    expect(page.locator("#tickets .ticket:first-child li.gone")).to_have_count(1)
    expect(page.locator("#tickets .silent")).to_have_count(0)
    assert len(routes) == 2


def test_the_newest_line_is_seen_in_every_size_and_on_a_phone(anna: Person, site: PreviewProcess) -> None:
    """Over the picture, and never over the buttons."""
    site.tell("tills 101 1,2,3,4")
    page = anna.go("/live/1")
    page.wait_for_selector("#picture.moving")
    for till in ("2", "3", "4"):
        for number in range(12):
            site.tell(f"other {till} {till}7 now A|1|5|A LONG NAME OF AN ARTICLE THAT WRAPS {number}|1,00")
    page.click("label[for=tk-over]")
    page.wait_for_selector(".over .till:nth-child(2) li[data-at]:nth-child(12)")
    inside = (
        "() => { const edge = (e) => e.getBoundingClientRect();"
        " const list = document.querySelector('.over .till:nth-child(2) ol');"
        " const last = list.querySelector('li[data-at]:nth-child(12)');"
        " return edge(last).bottom <= edge(list).bottom + 1 && edge(document.querySelector('.over')).bottom"
        " <= edge(document.querySelector('.tools')).top; }"
    )
    page.click("#ticket-look summary")
    for size in ("large", "small", "normal"):
        page.select_option("#tk-size", size)
        page.wait_for_function(inside)
    for corner in ("bottom-left", "top-right"):
        page.select_option("#tk-corner", corner)
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            page.wait_for_function(inside)
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement")
    site.tell("alarm 101 Somebody is there")
    page.wait_for_selector(".stagebox .alarmcard")  # what is outside of the stage is not seen
    page.keyboard.press("f")
    page.wait_for_selector("body > .alarmstack .alarmcard")
    site.tell("tills 101 1")
