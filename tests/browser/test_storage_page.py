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
