"""The journals in a real browser: looked through, and taken along."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
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
    rows = page.locator("tbody tr")
    for words in (
        "lost now",
        "then: answers, but wants another password",
        "1 min",
        "at least 3 h 20 min",
        "Old till (removed)",
        "Sends another kind of picture than declared: mpeg4",
    ):
        expect(page.locator("tbody")).to_contain_text(words, use_inner_text=True)
    expect(page.locator("tbody a[href*='/replay/4?at=']")).to_have_count(3)
    page.fill("#f-text", "listens")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/disconnections\?text=listens$"))
    assert len(taken_along(page, ",")) == 2
    page.reload()  # the address keeps what was asked
    expect(page.locator("#f-text")).to_have_value("listens")
    expect(rows).to_have_count(1)
    page.fill("#f-text", "nowhere")
    page.wait_for_selector(".empty")
    page.click("#clear")
    page.wait_for_selector("tbody tr:nth-child(4)")
    with person(browser, site.address, locale="fr") as french:
        page = french.go("/journal?kind=audit")
        expect(page.locator(".journal li:not(.day)")).to_have_count(1)
        (heads, row) = taken_along(page, ";")
        assert heads[0] == "Heure" and row[3] == "anna"
        page.click(".journaltabs a[href='/mail/journal']")
        page.wait_for_selector("tbody tr:nth-child(3)")
        page.select_option("#f-state", "failed")
        expect(page.locator("tbody tr")).to_have_count(1)
        assert french.complaints == []
