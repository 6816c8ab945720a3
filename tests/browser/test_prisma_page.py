"""Prisma in a real browser: from a datagram on the real UDP port to the page, in Russian; the page of its settings."""

from __future__ import annotations

import re
import socket
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, expect
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
        expect(red).to_contain_text("Удаление товара из чека Молоко 3,2%")
        expect(red.locator(".a")).to_contain_text("89.90")
        expect(page.locator(".ticket li.gone").first).to_be_attached()
        expect(page.locator(".ticket").first).to_contain_text("277.50")
        expect(page.locator(".ticket").first).not_to_contain_text("Контроль кассы")
        till.say(37, amount=Decimal(500))
        till.say(5)
        page.wait_for_selector(".ticket li.end:has-text('Конец чека')")
        till.say(50, amount=Decimal("222.50"))
        page.wait_for_selector(".ticket li:has-text('Сдача')")
        expect(page.locator(".ticket")).to_have_count(1)
        expect(page.locator(".ticket .other")).to_have_text("Петров П.П.")
        till.say(40, "0")
        page.wait_for_selector(".ticket li:has-text('Открыт кассовый ящик')")
        expect(page.locator(".ticket")).to_have_count(2)
        expect(page.locator(".tk-total:visible")).to_have_count(1)
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
        what = page.locator(".lines tbody td.what")
        expect(what).to_have_count(3)  # the deletion, the beginning of the return, and the return
        page.select_option("#event", "37")
        expect(what).to_have_count(1)
        expect(what).to_contain_text(standard((37,))[37].names["ru"])
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
        expect(answer).to_contain_text("↳")
        expect(answer.locator(".answers")).to_have_attribute("title", re.compile("Répond à"))
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
    row = page.locator("[data-source='KKM:12']")
    expect(row).to_contain_text("speaks")
    expect(row.locator("td.r").first).to_have_text("2")
    row.get_by_role("button", name="Register").click()
    expect(page.locator("#summary")).to_have_text("1 source")
    box = page.get_by_label("Name of KKM:12")
    box.fill("Till by the door")
    with page.expect_response("**/api/v1/sources/KKM*12"):  # the second of two
        box.press("Enter")
    with page.expect_response("**/api/v1/prisma/sources/KKM*12"):
        page.get_by_label("Letters of KKM:12").select_option("cp1251")
    page.fill("#sought", "removed from receipt")
    expect(page.locator("#events tbody tr")).to_have_count(1)
    with page.expect_response("**/api/v1/prisma/events/18"):
        page.get_by_label("Event 18 ends the receipt").check()
    page.fill("#f-code", "450")
    page.click("#add button")
    box = page.get_by_label("Name of event 450")
    box.fill("Back door opened")
    box.press("Enter")
    page.wait_for_selector("[data-code='450'] button:not([hidden])")
    page.reload()
    expect(page.get_by_label("Name of KKM:12")).to_have_value("Till by the door")
    expect(page.get_by_label("Letters of KKM:12")).to_have_value("cp1251")
    expect(page.get_by_label("Event 18 ends the receipt")).to_be_checked()
    page = anna.go("/live/2")
    page.wait_for_selector(".ticket li:has-text('Back door opened')")
