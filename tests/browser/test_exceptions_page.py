"""Exceptions, rules and reports in a real browser."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect
from support.browser import Person, PreviewProcess, renewed
from support.needs import needs

from camtrace.tickets.presets import PRESETS

pytestmark = needs("chromium")
site = pytest.fixture(renewed)
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
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
    chosen, count = page.locator("li.sel"), page.locator("#tabs a:first-child .count")
    new = int(count.text_content() or 0)  # counted before the rows are drawn
    page.keyboard.press("n")
    page.wait_for_selector("li.sel .acts")
    page.get_by_label("Note").fill("the customer changed the size")
    page.get_by_label("Note").press("Enter")
    expect(chosen).to_contain_text("changed the size")
    page.keyboard.press("c")
    page.wait_for_selector("li.sel.e-real")
    expect(count).to_have_text(str(new - 1))

    page.get_by_label("Note").fill("seen twice")
    chosen.get_by_role("button", name="Harmless").click()  # leaving the note sends it, too
    page.wait_for_selector("li.sel.e-harmless")
    expect(chosen).to_contain_text("seen twice")
    page.keyboard.press("u")
    page.wait_for_selector("li.sel.e-new")
    expect(count).to_have_text(str(new))
    page.evaluate(QUICKER)
    chosen.get_by_role("button", name="Confirm").click()
    page.wait_for_selector(".toast >> text=anna has judged it meanwhile")
    page.wait_for_selector("li.sel.e-checking")
    page.keyboard.press("c")
    page.wait_for_selector("li.sel.e-real")

    page.click("#add")
    page.get_by_label("Begin with").select_option(label="Line cancelled over 20")
    sentence = page.locator(".sentence")
    whole = "Tell me when a line is cancelled for 20 or more, by any cashier, at any till."
    expect(sentence).to_have_text(whole, use_inner_text=True)
    page.get_by_role("button", name="for 20 or more").press("Enter")
    expect(page.get_by_label("Amount from")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="for 3 or more", exact=True)).to_be_focused()
    expect(page.get_by_label("Amount from")).to_be_hidden()
    page.get_by_role("button", name="Nobody there").click()
    page.keyboard.type("30")
    expect(sentence).to_contain_text("at any till, with nothing moving there for 30 s.", use_inner_text=True)
    page.get_by_role("button", name="with nothing moving there for 30 s").click()
    page.get_by_role("button", name="with nothing moving there for 30 s").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator(".trial .figure")).to_contain_text("exceptions on")
    expect(page.locator(".trial")).not_to_contain_text("null")
    expect(page.locator(".trialhits li").nth(3)).to_be_attached()
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
    expect(page.locator(".rulelist li")).to_have_count(2)
    cancelled = "Tell me when a line is cancelled for 3 or more"
    expect(page.locator(".rulelist")).to_contain_text(f"{cancelled}, by any cashier", use_inner_text=True)
    page.get_by_role("button", name="Over 3").click()
    expect(page.locator(".sentence")).to_contain_text(cancelled, use_inner_text=True)
    page.context.add_cookies([{"name": "language", "value": "fr", "url": site.address}])
    page.reload()
    page.click("#add")
    page.wait_for_selector("#preset")
    said = page.evaluate(SAID)
    assert len(said) == len(PRESETS) and all(one.startswith("Prévenez-moi quand") for one in said)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(FITS)


def test_exceptions_are_asked_for_counted_and_watched_one_after_the_other(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/exceptions?verdict=all")
    page.wait_for_selector(".rail.found li img.thumb")
    for key in ("n", "n", "Shift+N", "ArrowDown", "Shift+N"):
        page.keyboard.press(key)
    expect(page.locator(".rail.found li:not(.day)").first).to_have_class(re.compile(r"\bsel\b"))
    counted = page.locator("#counted tbody tr").first
    expect(counted.locator("th")).to_have_text("7", use_inner_text=True)
    all_of_them = page.inner_text("#tabs a:last-child .count")  # counted before the rows are drawn
    expect(counted.locator("td:last-child")).to_have_text(all_of_them, use_inner_text=True)
    expect(page.locator(".rulelist [data-rule='1']")).to_contain_text(all_of_them)
    page.keyboard.press("Enter")
    words = page.locator("#hit-words")
    expect(words).to_have_text(re.compile("^Hit 1"))
    page.keyboard.press("n")
    expect(words).to_have_text(re.compile("^Hit 2"))
    page.click("#hit-results")
    expect(page.locator(".rail.found li:not(.day) ~ li").first).to_have_class(re.compile(r"\bsel\b"))

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
    for part in ("seller=8", "verdict=all"):
        expect(page).to_have_url(re.compile(part))
    expect(page.locator("#csv")).to_have_attribute("href", "/api/v1/exceptions.csv?seller=8")
    page.click("#clear")
    page.wait_for_selector(".rail.found li")
    before = page.locator(".rail.found li:not(.day)").count()  # they are drawn together
    site.tell("find")
    page.click("#fresh")
    expect(page.locator(".rail.found li:not(.day)")).to_have_count(before + 1)
    page.locator(".rulelist .turn").click()
    page.wait_for_selector(".toast >> text=“Line cancelled over 5” is switched off.")
    page.wait_for_selector(".rulelist .turn[aria-checked=false] >> text=off")
    page.goto(f"{site.address}/exceptions?rule=1")
    expect(page.locator("#f-rule")).to_have_value("1")
    page.wait_for_selector(".rail.found")


def test_a_picture_that_is_still_to_come_is_awaited(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#spine .m-exc", state="attached")
    page.evaluate(OFFSET, {"offset_ms": 110_000, "label": "Bakery"})
    expect(page.locator("#tickets .ticket").first).to_contain_text("Bakery")
    site.tell("find")
    expect(page.locator(".toast").filter(has_text="Bakery")).to_contain_text("Its picture comes at")
    page.goto(f"{site.address}/exceptions")
    page.wait_for_selector(".rail.found li .what >> text=Bakery · cashier")
    page.locator(".rail.found li:not(.day)").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#picture .lostwords >> text=is still to come")
    page.goto(f"{site.address}/replay/1?at={time.time() + 3:.3f}")  # whether it is awaited depends on the machine
    expect(page.locator("#picture .lostwords")).to_be_hidden()
    anna.until("v && !v.paused")


def test_a_report_leads_to_the_lines(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/reports")
    names = page.locator("table.report tbody th")
    expect(names).to_have_text(["7", "Dora", "Chloé", "Boris", "Anna"], use_inner_text=True)  # the most striking first
    expect(page.locator(".barchart rect")).to_have_count(5)
    expect(page.locator(".b-usual")).to_have_count(1)
    page.select_option("#measure", "amount")
    told = page.locator("figcaption").first
    expect(told).to_contain_text("for how much")
    page.select_option("#measure", "per_hundred")
    page.select_option("#kind", "no_sales")
    expect(told).to_have_text(re.compile("^Drawer"))
    expect(page.locator("#csv")).to_have_attribute("href", re.compile(r"reports\.csv\?by=seller"))
    page.get_by_role("button", name="Chloé").click()
    page.wait_for_selector("#course .b-middle >> nth=6", state="attached")
    page.select_option("#over", "hour")
    expect(page.locator("#course tbody th").first).to_have_text(re.compile(":00$"))
    with page.expect_download() as download:
        page.locator("#course").get_by_role("link", name="For spreadsheets (CSV)").click()
    assert download.value.path().read_text("utf-8-sig").startswith("Cashier,Hour,Sales,Total,Cancelled,Amount,Usual")
    for part in ("key=Chlo%C3%A9", "over=hour"):
        expect(page).to_have_url(re.compile(part))
    page.click("table.report tbody tr:first-child td:nth-child(4) a")
    page.wait_for_selector("#readas .chip")
    asked = re.compile("^seller==7 from:.*what:cancelled what:cancelled-ticket$")
    expect(page.locator("[name=q]")).to_have_value(asked)
    expect(page.locator("#readas")).to_contain_text("what was done: cancelled line")
    page.context.add_cookies([{"name": "language", "value": "fr", "url": site.address}])
    page.goto(f"{site.address}/reports?by=seller&key=Boris&measure=count")
    page.wait_for_selector("#course table")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(FITS)


def test_exceptions_on_the_lines_of_time(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/live/1")
    page.wait_for_selector("#picture.moving")  # nothing that is told to the page escapes it
    page.wait_for_selector("#spine .m-exc", state="attached")
    for _ in range(2):
        site.tell("find")
    expect(page.locator(".toast").filter(has_text="Line cancelled over 5")).to_have_count(2)
    expect(page.locator("#spine .marklink").last).to_have_attribute("aria-label", re.compile("exceptions"))  # drawn
    page.locator("#spine .marklink").first.focus()
    page.keyboard.press("End")
    expect(page.locator("#spine .marktip.shown")).to_contain_text("exceptions")
    page.locator(".toast a").first.click()
    page.wait_for_selector("#timeline .m-exc", state="attached")
    page.focus("#alarm-links .marklink[tabindex='0']")
    one_or_more = re.compile("Line cancelled over 5, TILL 1|exceptions, Line cancelled over 5")
    expect(page.locator("#alarm-links .marktip.shown")).to_have_text(one_or_more)
    page.keyboard.press("Enter")
    expect(page.locator("#timeline")).to_have_attribute("aria-valuetext", re.compile("exception: "))
