"""The page of mails in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from support.browser import Person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: settings change


def test_a_mail_server_is_set_and_tried(anna: Person) -> None:
    page = anna.go("/mail")
    expect(page.locator("#summary")).to_contain_text("No mail is sent")
    page.fill("[name=host]", "smtp.shop")
    page.click("#save")
    page.wait_for_selector("[data-field=sender] .msg")
    expect(page.locator("[name=sender]")).to_be_focused()
    page.select_option("[name=security]", "starttls")
    expect(page.locator("[name=port]")).to_have_value("587")
    page.fill("[name=sender]", "cam@shop.example")
    page.fill("[name=password]", "s3cret word")
    page.fill("[name=to]", "anna@shop.example")
    page.focus("#send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#outcome .ok-c")
    expect(page.locator("#outcome")).to_contain_text("The mail server took the mail")
    page.click("#save")
    page.wait_for_selector(".toast")
    expect(page.locator("#summary")).to_contain_text("1 mail waits")
    page.reload()
    expect(page.locator("[name=host]")).to_have_value("smtp.shop")
    password = page.locator("[name=password]")
    expect(password).to_have_value("")
    expect(password).to_have_attribute("placeholder", "Known and kept. Type only to change it.")
    assert "s3cret" not in page.content()  # all that is known of it has come


def test_addresses_and_rights(anna: Person) -> None:
    page = anna.go("/mail")
    page.wait_for_selector("#people tbody tr")
    expect(page.locator("#missing")).to_contain_text("have no address: boris")
    box = page.get_by_label("Mail address of boris")
    box.fill("nobody")
    box.press("Enter")
    page.wait_for_selector("#people .msg")
    box.fill("boris@shop.example")
    box.press("Enter")
    page.wait_for_selector("#missing", state="hidden")
    expect(box).to_be_focused()
    page.get_by_label("viewer: Lost cameras").select_option("some")
    with page.expect_response("**/api/v1/mail/profiles/viewer"):
        page.locator("#profiles .camboxes:visible input[value='2']").last.check()
    with page.expect_response("**/api/v1/mail/profiles/viewer"):
        page.get_by_label("viewer: Sign of life").check()
    page.reload()
    expect(page.get_by_label("viewer: Lost cameras")).to_have_value("some")
    expect(page.get_by_label("viewer: Sign of life")).to_be_checked()


def test_what_became_of_mails(anna: Person) -> None:
    page = anna.go("/mail")
    for words in ("550 5.1.1 nobody of this name", "not sent", "waits"):
        expect(page.locator("#queue")).to_contain_text(words)
