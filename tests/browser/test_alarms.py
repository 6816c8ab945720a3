"""Alarms in a real browser: cards on the live pages, their journal, and calendars."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.browser import Person, PreviewProcess, person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: alarms last


CARD = ".alarmcard"
CLEAR = """() => {
  const edges = (each) => document.querySelector(each).getBoundingClientRect();
  const cards = edges(".alarmstack");
  const beside = ({ top, bottom }) => bottom <= cards.top + 1 || top >= cards.bottom - 1;
  const page = [".top", "#spine", "#picture", ".tools", "#tickets", "#films"].map(edges);
  return cards.height > 60 && document.querySelector("#tickets li.now") && page.every(beside);
}"""
"""The strip of alarms lies beside everything else, with a ticket on the page."""
INSIDE = """(count) => [...document.querySelectorAll('.alarmcard')].slice(0, count).every((card) => {
  const { left, top, right, bottom } = card.getBoundingClientRect();
  return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
})"""


def test_a_card_pops_up_within_half_a_second_and_stays_until_it_is_seen(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#picture.moving")
    page.evaluate(
        """() => new MutationObserver(() => {
          if (document.querySelector('.alarmcard')) window.shownAt ??= Date.now();
        }).observe(document.body, { childList: true, subtree: true })"""
    )
    delays = []
    while min(delays, default=500) >= 500 and len(delays) < 5:  # a busy machine may be late, but not each time
        if delays:
            page.locator(CARD).get_by_role("button", name="Seen").click()
            page.wait_for_selector(CARD, state="detached")
        before = page.evaluate("() => { delete window.shownAt; return Date.now(); }")
        site.tell("alarm 102 somebody at the door")
        page.wait_for_selector(CARD)
        delays.append(page.evaluate("window.shownAt") - before)
    assert min(delays) < 500, delays
    cards = page.locator(CARD)
    for words in ("alarm message", "somebody at the door", "Seen"):
        expect(cards).to_contain_text(words)
    expect(page.locator("#picture.alarm")).to_have_count(0)  # another camera's
    site.tell("alarm 101 the till")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("the till")  # the newest on top
    page.wait_for_selector("#picture.alarm")
    page.keyboard.press("a")
    expect(cards).to_have_count(1)
    cards.get_by_role("button", name="Seen").click()
    expect(cards).to_have_count(0)


def test_the_journal_of_alarms_leads_to_their_recordings(anna: Person, site: PreviewProcess) -> None:
    site.tell("alarm 101 by the window")
    page = anna.go("/alarms")
    row = page.locator(".alarmlog li:not(.day)").first
    for words in ("by the window", "alarm message"):
        expect(row).to_contain_text(words)
    row.get_by_role("button", name="Seen").click()
    expect(page.locator(".alarmlog")).to_contain_text("seen by anna")
    page.select_option("#f-camera", "2")
    expect(page.locator(".alarmlog li").filter(has_text="by the window")).to_have_count(0)
    page.select_option("#f-camera", "1")
    page.wait_for_selector(".alarmlog a[href*='/replay/1?at=']")


def test_a_calendar_is_made_used_and_removed(anna: Person) -> None:
    page = anna.go("/calendars")
    page.wait_for_selector(".empty")
    page.click("#add")
    card = page.locator("form.calendar")
    card.get_by_label("Name", exact=True).fill("shop")
    card.get_by_label("Monday").fill("8-12, 14:00-19h30")
    card.get_by_label("Tuesday").fill("from nine")
    card.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("cannot be read")
    card.get_by_label("Tuesday").fill("")
    card.get_by_role("button", name="Add special days").click()
    card.get_by_label("From day").fill("2026-12-24")
    card.get_by_role("button", name="Save").click()
    page.wait_for_selector(".toast")
    saved = page.locator("form.calendar")
    expect(saved.get_by_label("Monday")).to_have_value("08:00-12:00, 14:00-19:30")
    expect(saved.get_by_label("To day")).to_have_value("2026-12-24")

    page = anna.go("/cameras/1")
    expect(page.locator("[name=url]")).not_to_have_value("")
    page.select_option("[name='alarm.popup_calendar']", "shop")
    page.fill("[name='alarm.post_seconds']", "30")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    expect(page.locator("[name='alarm.post_seconds']")).to_have_value("30")
    expect(page.locator("[name='alarm.popup_calendar']")).to_have_value("shop")

    page = anna.go("/calendars")
    page.locator("form.calendar").get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_selector(".empty")


def test_cards_cover_nothing(browser: Browser, site: PreviewProcess) -> None:
    """They lie in a strip above picture and ticket, inside the window; on a phone the newest, the others a swipe away.

    They stay in sight when the page is scrolled.
    """
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        with person(browser, site.address, viewport={"width": width, "height": height}) as somebody:
            page = somebody.go("/live/1")
            page.wait_for_selector("#picture.moving")
            for uid in (101, 102, 104, 105):
                site.tell(f"alarm {uid} a long message of a camera that says where it stands and what it saw there")
            page.wait_for_selector(f"{CARD}:nth-child(4)")
            site.tell("sell")
            page.wait_for_function(CLEAR)
            page.wait_for_function("(width) => document.documentElement.scrollWidth === width", arg=width)
            page.wait_for_function(INSIDE, arg=4 if width == 1440 else 2 if width == 1024 else 1)
            if width < 1440:
                page.evaluate("scrollTo(0, 300)")
                page.wait_for_function(
                    "() => scrollY > 0 && document.querySelector('.alarmcard').getBoundingClientRect().top >= 0"
                )


def test_alarms_have_pictures_and_are_looked_through(anna: Person, site: PreviewProcess, tmp_path: Path) -> None:
    """An alarm with a picture of its own shows that; one without any shows nothing, and no broken image."""
    own = anna.go("/alarms").evaluate(
        "() => { const c = document.createElement('canvas'); c.width = c.height = 8;"
        " return [...atob(c.toDataURL('image/jpeg').split(',')[1])].map((x) => x.charCodeAt(0)); }"
    )
    (tmp_path / "own.jpg").write_bytes(bytes(own))
    site.tell("alarm 104 at the gate")  # this camera is lost: nothing was recorded
    site.tell("alarm 101 by the window")
    page = anna.go("/alarms")
    page.wait_for_selector(".alarmlog li:not(.day)")
    rows = page.locator(".alarmlog li:not(.day)")
    rows.nth(0).locator(".alarmstill.there img").wait_for()
    expect(page.locator(".alarmstill img")).to_have_count(1)
    site.tell("alarm 101 again")
    site.tell(f"picture {tmp_path / 'own.jpg'}")  # of the newest alarm, which is this
    page.select_option("#f-camera", "1")
    page.wait_for_function("() => document.querySelector('.alarmstill img')?.naturalWidth === 8")
    page.select_option("#f-camera", "")
    page.fill("#f-text", "gate")
    expect(rows).to_have_count(1)
    page.select_option("#f-seen", "1")
    page.wait_for_selector(".empty")


def test_alarms_lie_on_the_lines_of_time(anna: Person, site: PreviewProcess) -> None:
    """Spans with their cause for pointer and keyboard; few of them, however many there are; a click goes there."""
    site.tell("forget")
    site.tell("alarms 102 3")
    page = anna.go("/live/1")
    link = page.locator("#spine .marklink").first
    link.wait_for()
    expect(page.locator("#spine .m-alarm")).not_to_have_count(0)
    expect(link).to_have_attribute("aria-label", re.compile("movement, Entrance"))
    link.hover()
    expect(page.locator("#spine .marktip.shown")).to_contain_text("movement")
    with page.expect_navigation(url="**/replay/2?at=*"):
        link.click()

    site.tell("alarms 102 900")
    page = anna.go("/replay/2")
    page.wait_for_selector("#timeline .m-alarm")
    page.click("#zooms [data-seconds='86400']")
    links = page.locator("#alarm-links .marklink")
    expect(links.nth(1)).to_be_attached()
    page.wait_for_function(
        "() => document.querySelectorAll('#timeline .m-alarm').length < 1500"
        " && document.querySelectorAll('#alarm-links .marklink').length <= timeline.clientWidth / 24 + 1"
    )
    page.focus("#alarm-links .marklink[tabindex='0']")
    page.keyboard.press("End")
    shown = page.locator("#alarm-links .marktip.shown")
    expect(shown).to_contain_text("movement")
    expect(shown).to_contain_text("alarm")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuetext", re.compile("alarm: movement"))
    box = page.locator("#timeline").bounding_box()
    assert box
    last = links.last.bounding_box()
    assert last
    page.mouse.move(last["x"] + last["width"] / 2, box["y"] + 108)
    shown.wait_for()
    page.mouse.move(last["x"] + last["width"] / 2, box["y"] + 60)
    expect(shown).to_have_count(0)
