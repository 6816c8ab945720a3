"""Prisma in a real browser: from a datagram on the real UDP port to the page, in Russian; the page of its settings."""

from __future__ import annotations

import socket
from decimal import Decimal

import pytest
from playwright.sync_api import Browser
from support.browser import Person, PreviewProcess, person, renewed
from support.needs import needs

from camtrace.prisma.catalogue import standard
from camtrace.prisma.wire import Event, encode

pytestmark = needs("chromium")
site = pytest.fixture(renewed)  # of each test's own: settings change

GOODS = (("Батон нарезной", "17", "32.50"), ("Молоко 3,2%", "18", "89.90"), ("Сыр Российский", "19", "245.00"))


class Till:
    """Sends the events of one till, each with what its receipt comes to."""

    def __init__(self, site: PreviewProcess) -> None:
        self._address = ("127.0.0.1", int(site.tell("prisma")))
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self.total = Decimal(0)

    def say(self, code: int, receipt: str = "4711", item: int | None = None, **more: object) -> None:
        event = Event("KKM", "12", code, "1042", "Иванова И.И.", receipt, total=self.total)
        if item is not None:
            name, number, price = GOODS[item]
            amount = Decimal(price)
            self.total += amount if code == 6 else -amount
            event = event._replace(
                position=item + 1, goods=name, goods_code=number, quantity=Decimal(1), amount=amount, total=self.total
            )
        self._socket.sendto(encode(event._replace(**more)), self._address)  # type: ignore[arg-type]


def test_events_live_beside_the_picture(browser: Browser, site: PreviewProcess) -> None:
    """Items as they come, the cancelled one red with the event's name, no heartbeat; the log, filtered by red lines."""
    till = Till(site)
    with person(browser, site.address, locale="ru") as anna:
        page = anna.go("/live/2")
        page.wait_for_selector("#picture.moving")  # nothing that is told to the page escapes it
        page.wait_for_selector("#tickets .empty")
        till.say(4)
        for item in range(3):
            till.say(6, item=item)
        till.say(60, "0")
        till.say(18, item=1)
        till.say(112, cashier="Петров П.П.")
        page.wait_for_selector(".ticket li:has-text('Не найден товар по штриховому коду')")
        red = page.locator(".ticket li.void").first
        assert "Удаление товара из чека Молоко 3,2%" in (red.text_content() or "")
        assert "89.90" in (red.locator(".a").text_content() or "")
        assert page.locator(".ticket li.gone").first.text_content() is not None
        words = page.locator(".ticket").first.text_content() or ""
        assert "Контроль кассы" not in words and "277.50" in words
        till.say(37, amount=Decimal(500))
        till.say(5)
        page.wait_for_selector(".ticket li.end:has-text('Конец чека')")
        till.say(50, amount=Decimal("222.50"))
        page.wait_for_selector(".ticket li:has-text('Сдача')")
        assert page.locator(".ticket").count() == 1
        assert page.locator(".ticket .other").text_content() == "Петров П.П."
        till.say(40, "0")
        page.wait_for_selector(".ticket li:has-text('Открыт кассовый ящик')")
        assert page.locator(".ticket").count() == 2 and page.locator(".tk-total:visible").count() == 1
        site.tell("silent KKM:12")
        page.wait_for_selector("#tickets .silent:has-text('молчит с')")
        site.tell("silent KKM:12")
        page.wait_for_selector("#tickets .silent", state="detached")
        till.total = Decimal(0)
        till.say(46, "4712")
        till.say(6, "4712", item=2)  # what is paid back stands below zero, in the line and under it
        page.wait_for_selector(".ticket li.void .a:text-is('−245.00')")
        till.say(47, "4712")
        page.wait_for_selector(".tk-total .t:text-is('−245.00')")
        page = anna.go('/log?q=type:S till:"KKM:12"')
        page.click("label[for=v-list]")
        page.wait_for_selector(".lines tbody tr .void")
        assert (
            page.locator(".lines tbody td.what").count() == 3
        )  # the deletion, the beginning of the return, and the return
        page.select_option("#event", "37")
        page.wait_for_selector(f".lines tbody td.what:has-text('{standard((37,))[37].names['ru']}')")
        assert page.locator(".lines tbody td.what").count() == 1
        assert anna.complaints == []


def test_what_belongs_together(browser: Browser, site: PreviewProcess) -> None:
    """A deed points at its attempt; what comes back is red; who is silent is told; events are asked for."""
    till = Till(site)
    with person(browser, site.address, locale="fr") as anna:
        page = anna.go("/live/2")
        page.wait_for_selector("#picture.moving")
        for code, extra in ((4, {}), (6, {"item": 0}), (16, {}), (18, {"item": 0}), (6, {"item": 2})):
            till.say(code, **extra)  # type: ignore[arg-type]
        answer = page.locator(".ticket li.answer")
        answer.wait_for()
        assert "↳" in (answer.text_content() or "")
        assert "Répond à" in (answer.locator(".answers").get_attribute("title") or "")
        answer.hover()
        page.wait_for_selector(".ticket li.attempt")
        till.say(5)
        till.say(46, "4712")
        till.say(6, "4712", item=1)
        page.wait_for_selector(".ticket li.void:has-text('Молоко')")
        site.tell("silent KKM:12")
        page.wait_for_selector("#tickets .silent:has-text('muette depuis')")
        page = anna.go("/wall")
        page.wait_for_selector(".strip .silent:has-text('muette depuis')")
        page = anna.go("/capture")
        page.wait_for_selector("#tills table")
        page = anna.go("/log")
        page.wait_for_selector("#event-field:visible")
        assert anna.complaints == []


def test_sources_and_events_are_set(anna: Person, site: PreviewProcess) -> None:
    """A source is registered by one click and named; an event gets a name that the pages use at once."""
    till = Till(site)
    till.say(60, "0")
    till.say(450, "")
    page = anna.go("/prisma")
    page.wait_for_selector("#sources tbody tr")
    row = page.locator("[data-source='KKM:12']")
    assert "speaks" in (row.text_content() or "") and "2" in (row.text_content() or "")
    row.get_by_role("button", name="Register").click()
    box = page.get_by_label("Name of KKM:12")
    box.fill("Till by the door")
    box.press("Enter")
    page.get_by_label("Letters of KKM:12").select_option("cp1251")
    page.wait_for_function("() => document.querySelector('#summary').textContent === '1 source'")
    page.fill("#sought", "removed from receipt")
    page.wait_for_function("() => document.querySelectorAll('#events tbody tr').length === 1")
    page.get_by_label("Event 18 ends the receipt").check()
    page.wait_for_selector(".toast")
    page.fill("#f-code", "450")
    page.click("#add button")
    box = page.get_by_label("Name of event 450")
    box.fill("Back door opened")
    box.press("Enter")
    page.wait_for_selector("[data-code='450'] button:not([hidden])")
    page.reload()
    page.wait_for_selector("#events tbody tr")
    assert page.get_by_label("Name of KKM:12").input_value() == "Till by the door"
    assert page.get_by_label("Letters of KKM:12").input_value() == "cp1251"
    assert page.get_by_label("Event 18 ends the receipt").is_checked()
    page = anna.go("/live/2")
    page.wait_for_selector(".ticket li:has-text('Back door opened')")
