"""Contact boxes and a camera's inputs in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect
from support.browser import Person, PreviewProcess
from support.needs import needs

pytestmark = needs("chromium")
FITS = "() => document.documentElement.scrollWidth <= innerWidth"


def test_a_box_is_set_up_and_shown_live(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/contacts")
    page.wait_for_selector(".empty")
    page.click("#add")
    card = page.locator("form.contactcard")
    card.get_by_role("button", name="Save").click()
    page.wait_for_selector(".field.bad:has-text('A contact box needs a name.')")
    card.get_by_label("Name", exact=True).fill("CamIO 1")
    card.get_by_label("Network address").fill("http://box")
    card.get_by_label("Inputs", exact=True).fill("3")
    card.get_by_label("Inputs", exact=True).press("Tab")
    card.get_by_label("Name, input 2").fill("Back door")
    card.get_by_label("At rest, input 2").select_option("closed")
    row = card.locator("tbody tr").nth(1)
    row.locator("summary").click()
    row.get_by_label("2, Entrance").check()
    card.get_by_role("button", name="Save").click()
    page.wait_for_selector(".field.bad:has-text('“Network address” must be a host name')")
    card.get_by_label("Network address").fill("192.168.10.50")
    card.get_by_role("button", name="Save").click()
    page.wait_for_selector(".toast")
    expect(card.locator(".card-head")).to_contain_text("The box does not answer")

    card.get_by_label("Name, input 1").fill("half written")
    site.tell("contacts 1 0 0 1")
    expect(card.locator(".card-head")).to_contain_text("The box answers.")
    expect(card.locator("tbody td:nth-child(3)")).to_have_text(["open", "open", "closed"])
    expect(card.locator("tbody .alarm-c")).to_have_count(2)  # the second rests closed
    expect(card.get_by_label("Name, input 1")).to_have_value("half written")

    page.reload()
    expect(card.get_by_label("Name, input 2")).to_have_value("Back door")
    expect(card.locator("tbody tr").nth(1).locator("summary")).to_have_text("Entrance")
    for language in ("fr", "en"):
        page.context.add_cookies([{"name": "language", "value": language, "url": site.address}])
        page.set_viewport_size({"width": 390 if language == "en" else 1280, "height": 844})
        page.reload()
        card.locator("tbody .alarm-c").first.wait_for()
        page.wait_for_function(FITS)
    card.get_by_role("button", name="Remove").click()
    page.wait_for_selector(".empty")


def test_a_camera_tells_of_its_inputs(anna: Person, site: PreviewProcess) -> None:
    with anna.answered("/cameras/1/status"):
        page = anna.go("/cameras/1")
    expect(page.locator("[name=url]")).not_to_have_value("")
    told, unsaved = page.locator("#told"), page.locator("#unsaved")
    expect(told).to_be_hidden()
    expect(page.locator("#inputs")).to_be_hidden()
    page.check("[name='events.enabled']")
    page.uncheck("[name='events.motion']")
    expect(unsaved).to_contain_text("2 changes")
    site.tell("events 101 DI_1=1 DI_2=0")
    page.wait_for_selector(".contacts tbody tr:nth-child(2)")
    expect(told).to_contain_text("The camera tells of its events.")
    expect(unsaved).to_contain_text("2 changes")
    page.get_by_label("Name, input DI_1").fill("Rear")
    page.get_by_label("Used, input DI_1").check()
    page.click("#save")
    page.wait_for_selector(".toast")
    page.wait_for_selector(".contacts tbody tr:nth-child(2)")  # what it merely tells of stays, too
    page.reload()
    expect(page.locator("[name='events.enabled']")).to_be_checked()
    expect(page.locator("[name='events.motion']")).not_to_be_checked()
    expect(page.get_by_label("Name, input DI_1")).to_have_value("Rear")
    expect(page.get_by_label("Used, input DI_1")).to_be_checked()
    expect(page.get_by_label("Used, input DI_2")).not_to_be_checked()
    expect(unsaved).to_have_text("")
