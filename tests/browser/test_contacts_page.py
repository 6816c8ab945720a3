"""Contact boxes and a camera's inputs in a real browser."""

from __future__ import annotations

from support.browser import Person, PreviewProcess
from support.needs import needs

pytestmark = needs("chromium")


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
    assert "The box does not answer" in (card.locator(".card-head").text_content() or "")

    card.get_by_label("Name, input 1").fill("half written")
    site.tell("contacts 1 0 0 1")
    page.wait_for_function("() => document.querySelector('.card-head').textContent.includes('The box answers.')")
    assert [cell.strip() for cell in card.locator("tbody td:nth-child(3)").all_text_contents()] == [
        "open",
        "open",
        "closed",
    ]
    assert card.locator("tbody .alarm-c").count() == 2  # the second rests closed
    assert card.get_by_label("Name, input 1").input_value() == "half written"

    page.reload()
    card.wait_for()
    assert card.get_by_label("Name, input 2").input_value() == "Back door"
    assert card.locator("tbody tr").nth(1).locator("summary").text_content() == "Entrance"
    for language in ("fr", "en"):
        page.context.add_cookies([{"name": "language", "value": language, "url": site.address}])
        page.set_viewport_size({"width": 390 if language == "en" else 1280, "height": 844})
        page.reload()
        card.locator("tbody .alarm-c").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    card.get_by_role("button", name="Remove").click()
    page.wait_for_selector(".empty")


def test_a_camera_tells_of_its_inputs(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/cameras/1")
    page.wait_for_function("() => document.querySelector('[name=url]').value !== ''")
    assert page.locator("#told").is_hidden() and page.locator("#inputs").is_hidden()
    page.check("[name='events.enabled']")
    page.uncheck("[name='events.motion']")
    assert "2 changes" in (page.text_content("#unsaved") or "")
    site.tell("events 101 DI_1=1 DI_2=0")
    page.wait_for_selector(".contacts tbody tr:nth-child(2)")
    assert "The camera tells of its events." in (page.text_content("#told") or "")
    assert "2 changes" in (page.text_content("#unsaved") or "")
    page.get_by_label("Name, input DI_1").fill("Rear")
    page.get_by_label("Used, input DI_1").check()
    page.click("#save")
    page.wait_for_selector(".toast")
    page.reload()
    page.wait_for_selector(".contacts tbody tr:nth-child(2)")
    assert page.is_checked("[name='events.enabled']") and not page.is_checked("[name='events.motion']")
    assert page.get_by_label("Name, input DI_1").input_value() == "Rear"
    assert page.get_by_label("Used, input DI_1").is_checked() and not page.get_by_label("Used, input DI_2").is_checked()
    assert page.text_content("#unsaved") == ""
