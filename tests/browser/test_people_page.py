"""Users and profiles in a real browser: made, given rights, locked, and who looks on meanwhile."""

from __future__ import annotations

from playwright.sync_api import Browser, Locator, expect
from support.browser import Person, PreviewProcess, person
from support.needs import needs

pytestmark = needs("chromium")
FITS = "() => document.documentElement.scrollWidth <= innerWidth"


def opened(anna: Person, name: str, kind: str = "users") -> Locator:
    """The row of a user or of a profile, open."""
    row = anna.page.locator(f"#{kind} .peoplerow", has=anna.page.get_by_text(name, exact=True)).first
    if row.get_attribute("open") is None:
        row.locator("summary").click()
    expect(row).to_have_attribute("open", "")
    return row


def test_a_user_comes_by_a_link_and_goes(anna: Person, browser: Browser, site: PreviewProcess) -> None:
    page = anna.go("/people")
    expect(page.locator("#summary")).to_have_text("2 users")
    own = opened(anna, "anna")
    expect(own.get_by_label("Profile")).to_be_disabled()
    expect(own.get_by_role("link", name="My account")).to_be_visible()

    page.click("#add-user")
    row = page.locator("#users .peoplerow").first
    row.get_by_label("Name").fill("Clara")
    row.get_by_role("button", name="Add the user").click()
    page.wait_for_selector(".field.bad")
    expect(row).to_contain_text("“Profile” must not be empty.")
    row.get_by_label("Profile").select_option("operator")
    row.get_by_label("Mail address").fill("clara@shop.example")
    row.get_by_label("Password").fill("short")
    row.get_by_label("Password").press("Enter")
    page.wait_for_selector("[data-field=password] .msg")
    row.get_by_label("Password").fill("")
    row.get_by_role("button", name="Add the user").click()
    link = page.text_content(".secret") or ""  # it is written once
    expect(page.locator("#summary")).to_have_text("3 users")
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FITS)

    with person(browser, site.address, name="", locale="en-GB") as clara:
        clara.page.goto(link)
        expect(clara.page.locator("#name")).to_have_value("Clara")
        clara.page.fill("#password", "a sentence of hers")
        clara.page.fill("#again", "another sentence")
        clara.page.click("button.primary")
        expect(clara.page.locator("form").first).to_contain_text("The two passwords are not the same.")
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
        expect(clara.page.locator("main")).to_contain_text("This link does not work")
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
    expect(page.locator("#sure-title")).to_have_text("Remove Clara Béa?")
    expect(page.locator("#sure :focus")).to_have_text("Keep")
    page.get_by_role("button", name="Remove Clara Béa").click()
    page.wait_for_selector("#users .peoplerow:nth-child(3)", state="detached")


def test_a_profile_is_copied_changed_and_removed(anna: Person, site: PreviewProcess) -> None:
    page = anna.go("/mail")
    page.click("details.person summary")
    # settings, account, keys, way out
    expect(page.locator(".person .menu :is(a, :not(.seg) > button):visible")).to_have_count(4)
    page.click(".person .menu a[aria-current]")
    page.click(".settingtabs a[href='/people']")
    page.wait_for_selector("#profiles .peoplerow:nth-child(3)")
    fixed = opened(anna, "administrator", "profiles")
    expect(fixed).to_contain_text("This profile stays as it is.")
    expect(fixed.locator("input:enabled")).to_have_count(0)
    opened(anna, "operator", "profiles").get_by_role("button", name="Make a copy").click()
    row = page.locator("#profiles .peoplerow").first
    row.get_by_label("Name").fill("Till manager")
    row.get_by_label("See the last four digits of cards").check()
    row.get_by_label("Read the journals").uncheck()
    row.get_by_role("combobox", name="Cameras it sees").select_option("some")
    row.get_by_label("1, ").check()
    row.get_by_role("button", name="Add the profile").click()
    page.wait_for_selector(".toast")
    told = page.locator("#profiles .peoplerow", has=page.get_by_text("Till manager", exact=True)).locator("summary")
    for words in ("See the last four digits of cards", "0 users"):
        expect(told).to_contain_text(words)
    expect(told).not_to_contain_text("Read the journals")
    row = opened(anna, "boris")
    row.get_by_label("Profile").select_option("Till manager")
    row.get_by_role("button", name="Save").click()
    expect(told).to_contain_text("1 user")
    row = opened(anna, "Till manager", "profiles")
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove Till manager").click()
    page.wait_for_selector(".toast:has-text('Somebody has this profile: give them another one first.')")
