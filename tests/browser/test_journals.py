"""The journals in a real browser: looked through, taken along; alarms on the lines of time."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Person, PreviewProcess, person, preview
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(preview)  # of each test's own: alarms last


def taken_along(page: Page, separator: str) -> list[list[str]]:
    """The file behind the button, read."""
    with page.expect_download() as waiting:
        page.click("#file")
    assert waiting.value.suggested_filename.endswith(".csv")
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def test_lost_cameras(anna: Person, browser: Browser, site: PreviewProcess) -> None:
    page = anna.go("/disconnections")
    page.wait_for_selector("tbody tr:nth-child(4)")
    words = page.locator("tbody").inner_text()
    assert "lost now" in words and "then: answers, but wants another password" in words and "1 min" in words
    assert "at least 3 h 20 min" in words and "Old till (removed)" in words
    assert page.locator("tbody a[href*='/replay/4?at=']").count() == 3
    assert "Sends another kind of picture than declared: mpeg4" in words
    page.fill("#f-text", "listens")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")
    assert page.url.endswith("/disconnections?text=listens")
    assert len(taken_along(page, ",")) == 2
    page.reload()  # the address keeps what was asked
    page.wait_for_selector("tbody tr")
    assert page.input_value("#f-text") == "listens" and page.locator("tbody tr").count() == 1
    page.fill("#f-text", "nowhere")
    page.wait_for_selector(".empty")
    page.click("#clear")
    page.wait_for_selector("tbody tr:nth-child(4)")
    with person(browser, site.address, locale="fr") as french:
        page = french.go("/journal?kind=audit")
        page.wait_for_selector(".journal li:not(.day)")
        assert page.locator(".journal li:not(.day)").count() == 1
        (heads, row) = taken_along(page, ";")
        assert heads[0] == "Heure" and row[3] == "anna"
        page.click(".journaltabs a[href='/mail/journal']")
        page.wait_for_selector("tbody tr:nth-child(3)")
        page.select_option("#f-state", "failed")
        page.wait_for_function("() => document.querySelectorAll('tbody tr').length === 1")
        assert french.complaints == []


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
    page.wait_for_function("() => document.querySelectorAll('.alarmstill img').length === 1")
    site.tell("alarm 104 again")
    site.tell(f"picture {tmp_path / 'own.jpg'}")  # of the newest alarm, which is that of camera 1
    page.select_option("#f-camera", "1")
    page.wait_for_function("() => document.querySelector('.alarmstill img')?.naturalWidth === 8")
    page.select_option("#f-camera", "")
    page.fill("#f-text", "gate")
    page.wait_for_function("() => document.querySelectorAll('.alarmlog li:not(.day)').length === 1")
    page.select_option("#f-seen", "1")
    page.wait_for_selector(".empty")


def test_alarms_lie_on_the_lines_of_time(anna: Person, site: PreviewProcess) -> None:
    """Spans with their cause for pointer and keyboard; few of them, however many there are; a click goes there."""
    site.tell("alarms 102 3")
    page = anna.go("/live/1")
    link = page.locator("#spine .marklink").first
    link.wait_for()
    assert page.locator("#spine .m-alarm").count() > 0
    assert "movement, Entrance" in (link.get_attribute("aria-label") or "")
    link.hover()
    page.wait_for_selector("#spine .marktip.shown")
    assert "movement" in page.inner_text("#spine .marktip")
    with page.expect_navigation(url="**/replay/2?at=*"):
        link.click()

    site.tell("alarms 102 900")
    page = anna.go("/replay/2")
    page.wait_for_selector("#timeline .m-alarm")
    page.click("#zooms [data-seconds='86400']")
    page.wait_for_function("() => document.querySelectorAll('#alarm-links .marklink').length > 1")
    assert page.locator("#timeline .m-alarm").count() < 1500
    links = page.locator("#alarm-links .marklink")
    assert links.count() <= page.locator("#timeline").bounding_box()["width"] / 24 + 1  # type: ignore[index]
    page.focus("#alarm-links .marklink[tabindex='0']")
    page.keyboard.press("End")
    words = page.inner_text("#alarm-links .marktip.shown")
    assert "movement" in words and "alarm" in words
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#timeline').ariaValueText.includes('alarm: movement')")
    box = page.locator("#timeline").bounding_box()
    assert box
    last = links.last.bounding_box()
    assert last
    page.mouse.move(last["x"] + last["width"] / 2, box["y"] + 108)
    page.wait_for_selector("#alarm-links .marktip.shown")
    page.mouse.move(last["x"] + last["width"] / 2, box["y"] + 60)
    page.wait_for_function("() => !document.querySelector('#alarm-links .marktip.shown')")


def test_a_camera_is_connected_only_when_needed(anna: Person) -> None:
    page = anna.go("/cameras/2")
    page.wait_for_function("() => document.querySelector('[name=url]').value !== ''")
    page.click("details.more summary")
    page.check("#f-stop_streams_automatically")
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    page.wait_for_function("() => document.querySelector('#f-stop_streams_automatically').checked")
