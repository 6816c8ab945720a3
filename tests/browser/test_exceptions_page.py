"""Exceptions, rules and reports in a real browser."""

from __future__ import annotations

import time

import pytest
from support.browser import Person, PreviewProcess, renewed
from support.needs import needs

from camtrace.tickets.presets import PRESETS

pytestmark = needs("chromium")
site = pytest.fixture(renewed)
SAID = """() => [...document.querySelectorAll("#preset option")].filter(({ value }) => value).map(({ value }) => {
  const select = document.getElementById("preset");
  select.value = value;
  select.dispatchEvent(new Event("change"));
  return document.querySelector(".sentence").textContent;
})"""
"""The sentence of each rule to begin with, as the form says it."""
QUICKER = """async () => {
  const { src } = document.querySelector("script[src*='exceptions']");
  const { ask, askJson } = await import(src.replace("exceptions.js", "api.js"));
  const { items } = await askJson("/exceptions?verdict=new&limit=1");
  await ask(`/exceptions/${items[0].id}`, { method: "PATCH", body: { verdict: "checking" } });
}"""
"""The newest exception is judged by another page."""
OFFSET = """async (body) => {
  const { src } = document.querySelector("script[src*='live']");
  const { ask } = await import(src.replace("live.js", "api.js"));
  await ask("/sources/1", { method: "PATCH", body });
}"""
"""What is set for till 1."""


def test_exceptions_are_judged_and_a_rule_is_tried_before_it_is_saved(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/exceptions")
    page.wait_for_selector(".rail.found li.e-new img.thumb")
    new = int(page.text_content("#tabs a:first-child .count") or 0)
    page.keyboard.press("n")
    page.wait_for_selector("li.sel .acts")
    page.get_by_label("Note").fill("the customer changed the size")
    page.get_by_label("Note").press("Enter")
    page.wait_for_function("() => document.querySelector('li.sel').textContent.includes('changed the size')")
    page.keyboard.press("c")
    page.wait_for_selector("li.sel.e-real")
    page.wait_for_function(f"() => document.querySelector('#tabs .count').textContent === '{new - 1}'")

    page.get_by_label("Note").fill("seen twice")
    page.locator("li.sel").get_by_role("button", name="Harmless").click()  # leaving the note sends it, too
    page.wait_for_selector("li.sel.e-harmless")
    page.wait_for_function("() => document.querySelector('li.sel').textContent.includes('seen twice')")
    page.keyboard.press("u")
    page.wait_for_selector("li.sel.e-new")
    page.wait_for_function(f"() => document.querySelector('#tabs .count').textContent === '{new}'")
    page.evaluate(QUICKER)
    page.locator("li.sel").get_by_role("button", name="Confirm").click()
    page.wait_for_selector(".toast >> text=anna has judged it meanwhile")
    page.wait_for_selector("li.sel.e-checking")
    page.keyboard.press("c")
    page.wait_for_selector("li.sel.e-real")

    page.click("#add")
    page.get_by_label("Begin with").select_option(label="Line cancelled over 20")
    sentence = page.locator(".sentence")
    assert sentence.inner_text() == "Tell me when a line is cancelled for 20 or more, by any cashier, at any till."
    page.get_by_role("button", name="for 20 or more").press("Enter")
    assert page.get_by_label("Amount from").evaluate("input => input === document.activeElement")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "for 3 or more"
    assert not page.get_by_label("Amount from").is_visible()
    page.get_by_role("button", name="Nobody there").click()
    page.keyboard.type("30")
    assert sentence.inner_text().endswith("at any till, with nothing moving there for 30 s.")
    page.get_by_role("button", name="with nothing moving there for 30 s").click()
    page.get_by_role("button", name="with nothing moving there for 30 s").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    page.get_by_role("button", name="Try it").click()
    page.wait_for_selector(".trial .figure")
    assert "null" not in page.inner_text(".trial")
    assert "exceptions on" in (page.text_content(".trial .figure") or "")
    assert page.locator(".trialhits li").count() > 3
    page.get_by_label("Name of the rule").fill("Line cancelled over 5")
    page.get_by_role("button", name="Save rule").click()
    page.wait_for_selector(".field.bad")
    page.get_by_label("Name of the rule").fill("Over 3")
    page.get_by_label("Switched on").check()
    page.get_by_role("button", name="for 3 or more").click()
    page.get_by_label("Amount to").fill("abc")
    page.get_by_role("button", name="Save rule").click()
    page.wait_for_selector(".ruleform .field.bad:has-text('“Amount to” must be a number')")
    page.get_by_label("Amount to").fill("")
    page.get_by_role("button", name="Save rule").click()
    page.wait_for_function("() => document.querySelectorAll('.rulelist li').length === 2")
    assert "Tell me when a line is cancelled for 3 or more, by any cashier" in page.inner_text(".rulelist")
    page.get_by_role("button", name="Over 3").click()
    assert page.locator(".sentence").inner_text().startswith("Tell me when a line is cancelled for 3 or more")
    page.context.add_cookies([{"name": "language", "value": "fr", "url": site.address}])
    page.reload()
    page.click("#add")
    page.wait_for_selector(".rail.found")
    said = page.evaluate(SAID)
    assert len(said) == len(PRESETS) and all(one.startswith("Prévenez-moi quand") for one in said)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_exceptions_are_asked_for_counted_and_watched_one_after_the_other(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/exceptions?verdict=all")
    page.wait_for_selector(".rail.found li img.thumb")
    for key in ("n", "n", "Shift+N", "ArrowDown", "Shift+N"):
        page.keyboard.press(key)
    first = page.locator(".rail.found li:not(.day)").first
    assert "sel" in (first.get_attribute("class") or "")
    counted = page.locator("#counted tbody tr").first
    assert counted.locator("th").inner_text() == "7"
    all_of_them = page.inner_text("#tabs a:last-child .count")
    assert counted.locator("td:last-child").inner_text() == all_of_them
    assert all_of_them in page.inner_text(".rulelist [data-rule='1']")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('hit-words')?.textContent.startsWith('Hit 1')")
    page.keyboard.press("n")
    page.wait_for_function("() => document.getElementById('hit-words').textContent.startsWith('Hit 2')")
    page.click("#hit-results")
    page.wait_for_function("() => document.querySelector('.rail.found li:not(.day) ~ li')?.matches('.sel')")

    # judged beside the picture, by keys and by the mouse; the next one is that of the list that was left
    page = anna.go("/exceptions")
    page.wait_for_selector(".rail.found li.e-new img.thumb")
    ids = [row.get_attribute("data-id") for row in page.locator(".rail.found li.e-new").all()[:3]]
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.wait_for_selector("#found:not([hidden]) .badge.new")
    assert "Line cancelled over 5" in page.inner_text("#found")
    full = page.locator("#timeline .m-exc:not(.seen)").count()
    page.keyboard.press("h")
    page.wait_for_selector("#found .badge.ok >> text=Harmless")
    page.wait_for_function(f"() => document.querySelectorAll('#timeline .m-exc:not(.seen)').length < {full}")
    page.keyboard.press("n")
    page.wait_for_selector("#found .badge.new")
    page.wait_for_function("() => document.getElementById('hit-words').textContent.startsWith('Hit 2')")
    page.locator("#found").get_by_role("button", name="Confirm").click()
    page.wait_for_selector("#found .badge.conf")
    page.fill("#found input", "twice in an hour")
    page.press("#found input", "Enter")
    page.wait_for_selector("#found >> text=anna: “twice in an hour”")
    page.keyboard.press("Shift+N")
    page.wait_for_selector("#found .badge.ok")
    page.keyboard.press("?")
    assert "Check it" in page.inner_text("#keys-list")
    page.keyboard.press("Escape")
    page.click("#hit-results")
    page.wait_for_selector(".rail.found li.e-new")
    assert page.locator(".rail.found li.e-new").first.get_attribute("data-id") == ids[2]

    # without a list, N goes from one of the day to the next
    page.goto(f"{site.address}/replay/1?at={time.time() - 3600}")
    page.wait_for_selector("#timeline .m-exc", state="attached")
    page.keyboard.press("n")
    page.wait_for_selector("#found:not([hidden])")
    stood = page.inner_text("#found time")
    page.keyboard.press("n")
    page.wait_for_function(f"() => document.querySelector('#found time').textContent > '{stood}'")
    page.keyboard.press("Shift+N")
    page.wait_for_function(f"() => document.querySelector('#found time').textContent === '{stood}'")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#found", state="hidden")
    page.keyboard.press("h")
    page.wait_for_selector(".toast >> text=No exception stands at this moment.")
    page = anna.go("/exceptions?verdict=all")
    page.wait_for_selector(".rail.found li img.thumb")

    page.fill("#f-seller", "8")
    page.press("#f-seller", "Tab")
    page.wait_for_selector("#rows .empty")
    assert "seller=8" in page.url and "verdict=all" in page.url
    assert page.get_attribute("#csv", "href") == "/api/v1/exceptions.csv?seller=8"
    page.click("#clear")
    page.wait_for_selector(".rail.found")
    before = page.locator(".rail.found li:not(.day)").count()
    site.tell("find")
    page.click("#fresh")
    page.wait_for_function(f"() => document.querySelectorAll('.rail.found li:not(.day)').length === {before + 1}")
    page.locator(".rulelist .turn").click()
    page.wait_for_selector(".toast >> text=“Line cancelled over 5” is switched off.")
    page.wait_for_selector(".rulelist .turn[aria-checked=false] >> text=off")
    page.goto(f"{site.address}/exceptions?rule=1")
    page.wait_for_function("() => document.getElementById('f-rule').value === '1'")
    page.wait_for_selector(".rail.found")


def test_a_picture_that_is_still_to_come_is_awaited(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#spine .m-exc", state="attached")
    page.evaluate(OFFSET, {"offset_ms": 110_000, "label": "Bakery"})
    page.wait_for_function("() => document.querySelector('#ticket, .ticket')?.textContent.includes('Bakery')")
    site.tell("find")
    told = page.locator(".toast").filter(has_text="Bakery")
    assert "Its picture comes at" in told.inner_text()
    page.goto(f"{site.address}/exceptions")
    page.wait_for_selector(".rail.found li .what >> text=Bakery · cashier")
    page.locator(".rail.found li:not(.day)").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#picture .lostwords >> text=is still to come")
    page.screenshot(path="/tmp/shot-still-to-come.png")
    page.goto(f"{site.address}/replay/1?at={time.time() + 3:.3f}")  # whether it is awaited depends on the machine
    page.wait_for_function("() => document.querySelector('#picture .lostwords').hidden")
    page.wait_for_function("() => !document.querySelector('video').paused")


def test_a_report_leads_to_the_lines(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/reports")
    page.wait_for_selector("table.report tbody tr:nth-child(5)")
    assert page.locator(".barchart rect").count() == 5 and page.locator(".b-usual").count() == 1
    names = page.locator("table.report tbody th").all_inner_texts()
    assert names == ["7", "Dora", "Chloé", "Boris", "Anna"]  # the most striking first
    page.select_option("#measure", "amount")
    page.wait_for_function("() => document.querySelector('figcaption').textContent.includes('for how much')")
    page.select_option("#measure", "per_hundred")
    page.select_option("#kind", "no_sales")
    page.wait_for_function("() => document.querySelector('figcaption').textContent.startsWith('Drawer')")
    assert "reports.csv?by=seller" in (page.get_attribute("#csv", "href") or "")
    page.get_by_role("button", name="Chloé").click()
    page.wait_for_selector("#course .b-middle >> nth=6", state="attached")
    page.select_option("#over", "hour")
    page.wait_for_function("() => document.querySelector('#course tbody th').textContent.endsWith(':00')")
    with page.expect_download() as download:
        page.locator("#course").get_by_role("link", name="For spreadsheets (CSV)").click()
    assert download.value.path().read_text("utf-8-sig").startswith("Cashier,Hour,Sales,Total,Cancelled,Amount,Usual")
    assert "key=Chlo%C3%A9" in page.url and "over=hour" in page.url
    page.click("table.report tbody tr:first-child td:nth-child(4) a")
    page.wait_for_selector("#readas .chip")
    assert page.input_value("[name=q]").startswith("seller==7 from:")
    assert page.input_value("[name=q]").endswith("what:cancelled what:cancelled-ticket")
    assert "what was done: cancelled line" in (page.text_content("#readas") or "")
    page.context.add_cookies([{"name": "language", "value": "fr", "url": site.address}])
    page.goto(f"{site.address}/reports?by=seller&key=Boris&measure=count")
    page.wait_for_selector("#course table")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_exceptions_on_the_lines_of_time(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#picture.moving")  # nothing that is told to the page escapes it
    page.wait_for_selector("#spine .m-exc", state="attached")
    before = page.locator("#spine .m-exc").count()
    for _ in range(2):
        site.tell("find")
    page.wait_for_selector(".toast >> text=Line cancelled over 5")
    page.wait_for_function(f"() => document.querySelectorAll('#spine .m-exc').length > {before - 1}")
    page.locator("#spine .marklink").first.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('#spine .marktip.shown').textContent.includes('exceptions')")
    page.locator(".toast a").first.click()
    page.wait_for_selector("#timeline .m-exc", state="attached")
    page.focus("#alarm-links .marklink[tabindex='0']")
    words = page.text_content("#alarm-links .marktip.shown") or ""
    assert "Line cancelled over 5, TILL 1" in words or "exceptions, Line cancelled over 5" in words
    page.keyboard.press("Enter")
    found = "() => (document.querySelector('#timeline').getAttribute('aria-valuetext') ?? '').includes('exception: ')"
    page.wait_for_function(found)
