"""Alarms in a real browser: cards on the live pages, their journal, and calendars."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from support.browser import Person, PreviewProcess, person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: alarms last


CARD = ".alarmcard"


def test_a_card_pops_up_within_half_a_second_and_stays_until_it_is_seen(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#picture.moving")
    page.evaluate(
        """() => new MutationObserver(() => {
          if (document.querySelector('.alarmcard')) window.shownAt ??= Date.now();
        }).observe(document.body, { childList: true, subtree: true })"""
    )
    before = page.evaluate("Date.now()")
    site.tell("alarm 102 somebody at the door")
    page.wait_for_selector(CARD)
    assert page.evaluate("window.shownAt") - before < 500
    told = page.text_content(CARD) or ""
    assert "alarm message" in told and "somebody at the door" in told and "Seen" in told
    assert not page.evaluate("document.querySelector('#picture').classList.contains('alarm')")  # another camera's
    site.tell("alarm 101 the till")
    page.wait_for_function("() => document.querySelectorAll('.alarmcard').length === 2")
    assert "the till" in (page.locator(CARD).first.text_content() or "")  # the newest on top
    page.wait_for_selector("#picture.alarm")
    page.keyboard.press("a")
    page.wait_for_function("() => document.querySelectorAll('.alarmcard').length === 1")
    page.locator(CARD).get_by_role("button", name="Seen").click()
    page.wait_for_function("() => document.querySelectorAll('.alarmcard').length === 0")


def test_the_journal_of_alarms_leads_to_their_recordings(anna: Person, site: PreviewProcess) -> None:
    site.tell("alarm 101 by the window")
    page = anna.go("/alarms")
    row = page.locator(".alarmlog li:not(.day)").first
    row.wait_for()
    assert "by the window" in (row.text_content() or "") and "alarm message" in (row.text_content() or "")
    row.get_by_role("button", name="Seen").click()
    page.wait_for_function("() => document.querySelector('.alarmlog').textContent.includes('seen by anna')")
    page.select_option("#f-camera", "2")
    page.wait_for_function("() => !document.querySelector('.alarmlog')?.textContent.includes('by the window')")
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
    assert "cannot be read" in (card.text_content() or "")
    card.get_by_label("Tuesday").fill("")
    card.get_by_role("button", name="Add special days").click()
    card.get_by_label("From day").fill("2026-12-24")
    card.get_by_role("button", name="Save").click()
    page.wait_for_selector(".toast")
    saved = page.locator("form.calendar")
    assert saved.get_by_label("Monday").input_value() == "08:00-12:00, 14:00-19:30"
    assert saved.get_by_label("To day").input_value() == "2026-12-24"

    page = anna.go("/cameras/1")
    page.wait_for_function("() => document.querySelector('[name=url]').value !== ''")
    page.select_option("[name='alarm.popup_calendar']", "shop")
    page.fill("[name='alarm.post_seconds']", "30")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    page.wait_for_function("() => document.querySelector(\"[name='alarm.post_seconds']\").value === '30'")
    assert page.input_value("[name='alarm.popup_calendar']") == "shop"

    page = anna.go("/calendars")
    page.locator("form.calendar").get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_selector(".empty")


def test_cards_lie_inside_the_window(browser: Browser, site: PreviewProcess) -> None:
    for width, height in ((1440, 900), (390, 844)):
        with person(browser, site.address, viewport={"width": width, "height": height}) as somebody:
            page = somebody.go("/live/1")
            page.wait_for_selector("#picture.moving")
            for uid in (101, 102, 104, 105):
                site.tell(f"alarm {uid} a long message of a camera that says where it stands and what it saw there")
            page.wait_for_selector(f"{CARD}:nth-child(4)")
            for card in page.locator(CARD).all():
                box = card.bounding_box()
                assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
