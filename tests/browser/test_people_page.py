"""Users and profiles in a real browser: made, given rights, locked, and who looks on meanwhile."""

from __future__ import annotations

from playwright.sync_api import Browser
from support.browser import Person, PreviewProcess, person
from support.needs import needs

pytestmark = needs("chromium")


def opened(anna: Person, name: str, kind: str = "users") -> object:
    """The row of a user or of a profile, open."""
    row = anna.page.locator(f"#{kind} .peoplerow", has=anna.page.get_by_text(name, exact=True)).first
    if row.get_attribute("open") is None:
        row.locator("summary").click()
    return row


def test_a_user_comes_by_a_link_and_goes(anna: Person, browser: Browser, site: PreviewProcess) -> None:
    page = anna.go("/people")
    page.wait_for_selector("#users .peoplerow:nth-child(2)")
    assert page.text_content("#summary") == "2 users"
    own = opened(anna, "anna")
    assert own.get_by_label("Profile").is_disabled() and own.get_by_role("link", name="My account").is_visible()

    page.click("#add-user")
    row = page.locator("#users .peoplerow").first
    row.get_by_label("Name").fill("Clara")
    row.get_by_role("button", name="Add the user").click()
    page.wait_for_selector(".field.bad")
    assert "“Profile” must not be empty." in (row.text_content() or "")
    row.get_by_label("Profile").select_option("operator")
    row.get_by_label("Mail address").fill("clara@shop.example")
    row.get_by_label("Password").fill("short")
    row.get_by_label("Password").press("Enter")
    page.wait_for_selector("[data-field=password] .msg")
    row.get_by_label("Password").fill("")
    row.get_by_role("button", name="Add the user").click()
    page.wait_for_selector(".secret")
    link = page.text_content(".secret") or ""
    assert page.text_content("#summary") == "3 users"
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with person(browser, site.address, name="", locale="en-GB") as clara:
        clara.page.goto(link)
        assert clara.page.input_value("#name") == "Clara"
        clara.page.fill("#password", "a sentence of hers")
        clara.page.fill("#again", "another sentence")
        clara.page.click("button.primary")
        assert "The two passwords are not the same." in (clara.page.text_content("form") or "")
        clara.page.fill("#password", "a sentence of hers")
        clara.page.fill("#again", "a sentence of hers")
        clara.page.click("button.primary")
        clara.page.wait_for_selector(".pic.moving")
        page.reload()
        page.wait_for_selector("#users .peoplerow:nth-child(3)")
        opened(anna, "Clara").get_by_role("button", name="Lock", exact=True).click()
        page.wait_for_selector("#users .warn-c")
        clara.page.wait_for_url("**/login**")  # her page was open, and its socket ended
        clara.page.goto(link)
        assert "This link does not work" in (clara.page.text_content("main") or "")
        clara.page.context.clear_cookies()

    row = opened(anna, "Clara")
    row.get_by_label("Name").fill("ANNA")
    row.get_by_role("button", name="Save").click()
    page.wait_for_selector("[data-field=name] .msg:has-text('already a user ANNA')")
    row.get_by_label("Name").fill("Clara Béa")
    row.get_by_label("Name").press("Enter")
    page.wait_for_selector("#users summary b:text-is('Clara Béa')")
    row = opened(anna, "Clara Béa")
    row.get_by_role("button", name="Remove").click()
    assert page.text_content("#sure-title") == "Remove Clara Béa?"
    assert page.evaluate("document.activeElement.textContent") == "Keep"
    page.get_by_role("button", name="Remove Clara Béa").click()
    page.wait_for_selector("#users .peoplerow:nth-child(3)", state="detached")


def test_a_profile_is_copied_changed_and_removed(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/mail")
    page.click("details.person summary")
    assert (
        page.locator(".person .menu :is(a, :not(.seg) > button):visible").count() == 4
    )  # settings, account, keys, way out
    page.click(".person .menu a[aria-current]")
    page.click(".settingtabs a[href='/people']")
    page.wait_for_selector("#profiles .peoplerow:nth-child(3)")
    fixed = opened(anna, "administrator", "profiles")
    assert "This profile stays as it is." in (fixed.text_content() or "")
    assert fixed.locator("input:enabled").count() == 0
    opened(anna, "operator", "profiles").get_by_role("button", name="Make a copy").click()
    row = page.locator("#profiles .peoplerow").first
    row.get_by_label("Name").fill("Till manager")
    row.get_by_label("See the last four digits of cards").check()
    row.get_by_label("Read the journals").uncheck()
    row.get_by_role("combobox", name="Cameras it sees").select_option("some")
    row.get_by_label("1, ").check()
    row.get_by_role("button", name="Add the profile").click()
    page.wait_for_selector(".toast")
    told = page.locator("#profiles .peoplerow", has_text="Till manager").locator("summary").text_content() or ""
    assert "See the last four digits of cards" in told and "Read the journals" not in told and "0 users" in told
    row = opened(anna, "boris")
    row.get_by_label("Profile").select_option("Till manager")
    row.get_by_role("button", name="Save").click()
    page.wait_for_function("() => document.querySelector('#profiles').textContent.includes('1 user')")
    row = opened(anna, "Till manager", "profiles")
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove Till manager").click()
    page.wait_for_selector(".toast:has-text('Somebody has this profile: give them another one first.')")
