"""What is kept, for how long, and where pages say that what is asked for was erased."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect
from support.browser import Person, PreviewProcess, person
from support.needs import needs

pytestmark = needs("chromium")


def test_what_is_kept(anna: Person, browser: Browser, site: PreviewProcess) -> None:
    page = anna.go("/storage")
    expect(page.locator("#summary")).to_have_text("Recordings take 5 GB, the database 1.2 GB.")
    for place, words in (
        (0, "30 days"),
        (1, "until room is wanted"),
        (2, "730 days"),
        (2, "since 26 November 2024"),
        (3, "What is older is erased from 28 November 2026 on."),
    ):
        expect(page.locator("#kept tbody tr").nth(place)).to_contain_text(words, use_inner_text=True)
    expect(page.locator("#disks tbody")).to_contain_text("212 GB free", use_inner_text=True)

    other = page.context.new_page()  # a page that stands open follows
    other.goto(anna.address + "/storage")
    other.wait_for_selector("#disks tbody tr")
    page.click("[data-kind=lines]")
    dialog = page.locator("#days")
    dialog.get_by_text("Nothing that is there now goes by this.").wait_for()
    page.fill("[name=number]", "400")
    dialog.get_by_text("37,412 lines, 1,871 tickets").wait_for()
    assert page.is_checked("[name=choice][value=days]")
    assert "The oldest of it is from 26 November 2024. " in dialog.inner_text().replace("\n", " ")
    assert "Nothing of it goes before " in dialog.inner_text()
    page.click("#days .primary")
    assert dialog.locator(".msg").inner_text() == "Confirm that what is older may go."
    page.check("[name=sure]")
    page.click("#days .primary")
    row = page.locator("#kept tr", has=page.locator("[data-kind=lines]"))
    row.get_by_text("Set here. In the file: 730 days").wait_for()
    assert "400 days" in row.inner_text() and "until then: 730 days." in row.inner_text()
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.dataset.kind") == "lines"
    other.get_by_text("Set here. In the file: 730 days").wait_for()
    other.close()
    page.keyboard.press("Enter")
    page.check("[name=choice][value=file]")
    page.wait_for_selector("#days .note:not(.warn)")
    assert not page.is_visible("[data-sure]")
    page.click("#days .primary")
    row.get_by_text("As in the file").wait_for()
    assert "730 days" in row.inner_text() and "until then" not in row.inner_text()

    page = anna.go("/journal")
    for words in ("Tickets from before 26 November 2024 were erased", "37,412 lines"):
        expect(page.locator(".journal")).to_contain_text(words, use_inner_text=True)
    note = page.locator(".readnote")
    expect(note).to_be_hidden()
    page.fill("#f-from", "2024-11-25")
    expect(note).to_have_text("Journals from before 26 November 2024 are no longer kept.", use_inner_text=True)
    page.fill("#f-from", "2024-11-26")
    note.wait_for(state="hidden")

    page = anna.go("/log?q=date:2024-01-01..2026-01-01")
    expect(page.locator(".readnote")).to_have_text(re.compile(r"November 2024 are no longer kept\.$"))
    page = anna.go("/reports?from=2024-11-25&to=2024-12-25")
    page.locator(".readnote").wait_for()
    with person(browser, site.address, locale="fr") as french:
        page = french.go("/storage")
        expect(page.locator("#summary")).to_contain_text("Les enregistrements prennent 5 Go")
        page = french.go("/replay/1?at=2024-11-20T12:00:00Z")
        expect(page.locator("#ticket")).to_contain_text("ne sont plus gardés")
        assert french.complaints == []
