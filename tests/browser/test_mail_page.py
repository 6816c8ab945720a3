"""The page of mails in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from support.browser import Person, renewed
from support.needs import needs

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: settings change


def test_a_mail_server_is_set_and_tried(anna: Person) -> None:
    page = anna.go("/mail")
    page.wait_for_selector("#summary:not(:empty)")
    assert "No mail is sent" in (page.locator("#summary").text_content() or "")
    page.fill("[name=host]", "smtp.shop")
    page.click("#save")
    page.wait_for_selector("[data-field=sender] .msg")
    assert page.evaluate("document.activeElement.name") == "sender"
    page.select_option("[name=security]", "starttls")
    assert page.input_value("[name=port]") == "587"
    page.fill("[name=sender]", "cam@shop.example")
    page.fill("[name=password]", "s3cret word")
    page.fill("[name=to]", "anna@shop.example")
    page.focus("#send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#outcome .ok-c")
    assert "The mail server took the mail" in (page.locator("#outcome").text_content() or "")
    page.click("#save")
    page.wait_for_selector(".toast")
    assert "1 mail waits" in (page.locator("#summary").text_content() or "")
    page.reload()
    page.wait_for_function("() => document.querySelector('[name=host]').value === 'smtp.shop'")
    assert page.input_value("[name=password]") == ""
    assert page.get_attribute("[name=password]", "placeholder") == "Known and kept. Type only to change it."
    assert "s3cret" not in page.content()


def test_addresses_and_rights(anna: Person) -> None:
    page = anna.go("/mail")
    page.wait_for_selector("#people tbody tr")
    assert "have no address: boris" in (page.locator("#missing").text_content() or "")
    box = page.get_by_label("Mail address of boris")
    box.fill("nobody")
    box.press("Enter")
    page.wait_for_selector("#people .msg")
    box.fill("boris@shop.example")
    box.press("Enter")
    page.wait_for_selector("#missing", state="hidden")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Mail address of boris"
    page.get_by_label("viewer: Lost cameras").select_option("some")
    with page.expect_response("**/api/v1/mail/profiles/viewer"):
        page.locator("#profiles .camboxes:visible input[value='2']").last.check()
    with page.expect_response("**/api/v1/mail/profiles/viewer"):
        page.get_by_label("viewer: Sign of life").check()
    page.reload()
    page.wait_for_selector("#profiles tbody tr")
    assert page.get_by_label("viewer: Lost cameras").input_value() == "some"
    assert page.get_by_label("viewer: Sign of life").is_checked()


def test_what_became_of_mails(anna: Person) -> None:
    page = anna.go("/mail")
    page.wait_for_selector("#queue tbody tr")
    words = page.locator("#queue").text_content() or ""
    assert "550 5.1.1 nobody of this name" in words and "not sent" in words and "waits" in words
