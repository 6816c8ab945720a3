"""The journals in a real browser: looked through, and taken along."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import Browser, Page
from support.browser import Person, PreviewProcess, person
from support.needs import needs

pytestmark = needs("chromium")


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
