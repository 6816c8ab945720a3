"""Prisma over the API: sources and events; what lines and tickets tell of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.web import Browser, WebShop
from twisted.internet import defer

from camtrace import clock
from camtrace.prisma.service import Datagram
from camtrace.prisma.wire import Event, encode


@pytest.fixture
def shop() -> WebShop:
    return WebShop()


@pytest.fixture
def anna(shop: WebShop) -> Browser:
    return Browser(shop, token=shop.token())


def say(shop: WebShop, code: int, source: str = "KKM:12", **more: Any) -> None:
    prefix, number = source.split(":")
    packet = encode(Event(prefix, number, code)._replace(**more))
    said = shop.prisma.sources.received([Datagram(packet, "10.0.0.5", clock.now() - timedelta(hours=1), float(code))])
    assert isinstance(said, defer.Deferred)


def test_sources(shop: WebShop, anna: Browser) -> None:
    """Those who spoke, first by prefix, then by number; registered, changed, forgotten."""
    for source in ("TRK:3", "KKM:12", "KKM:2"):
        say(shop, 60, source)
    items = anna.get("/api/v1/prisma/sources").json["items"]
    assert [item["source"] for item in items] == ["KKM:2", "KKM:12", "TRK:3"]
    assert items[0]["last_at"] == items[0]["heartbeat_at"] and items[0]["silent_since"] is None
    assert (items[0]["registered"], items[0]["taken"], items[0]["address"]) == (False, True, "10.0.0.5")
    shop.silences["KKM:12"] = clock.now()
    assert anna.get("/api/v1/prisma/sources").json["items"][1]["silent_since"] is not None
    registered = anna.ask("PUT", "/api/v1/prisma/sources/KKM:12", json={"name": "Door", "encoding": "cp1251"}).json
    assert (registered["registered"], registered["name"], registered["events"]) == (True, "Door", 1)
    anna.ask("PUT", "/api/v1/prisma/sources/KKM:77", json={})
    items = anna.get("/api/v1/prisma/sources").json["items"]
    assert items[-1]["source"] == "KKM:77" and items[-1]["last_at"] is None and items[-1]["taken"]
    assert anna.ask("DELETE", "/api/v1/prisma/sources/KKM:77").code == 204
    assert anna.ask("DELETE", "/api/v1/prisma/sources/KKM:77").code == 404
    refused = anna.ask("PUT", "/api/v1/prisma/sources/till", json={})
    assert (refused.code, refused.json["error"]["field"]) == (400, "source")
    assert [note[1] for note in shop.notes] == ["prisma_source_registered"] * 2 + ["prisma_source_forgotten"]


def test_events(shop: WebShop, anna: Browser) -> None:
    items = anna.get("/api/v1/prisma/events").json["items"]
    assert len(items) == 148
    assert items[5]["names"] == {
        "en": "Item added to receipt",
        "fr": "Article ajouté au ticket",
        "ru": "Добавление товара в чек",
    }
    changed = anna.ask("PATCH", "/api/v1/prisma/events/450", json={"name": "Back door", "display": "store"}).json
    assert (changed["name"], changed["display"], changed["group"], changed["changed"]) == (
        *("Back door", "store", "relay"),
        True,
    )
    assert len(anna.get("/api/v1/prisma/events").json["items"]) == 149
    assert anna.ask("DELETE", "/api/v1/prisma/events/450").json["changed"] is False
    for path in ("0", "x", "10000", "99999999999999999999"):
        assert anna.ask("PATCH", f"/api/v1/prisma/events/{path}", json={}).code == 404
    refused = anna.ask("PATCH", "/api/v1/prisma/events/6", json={"display": "red"})
    assert (refused.code, refused.json["error"]["field"]) == (400, "display")


def test_who_may(shop: WebShop) -> None:
    boris = Browser(shop, token=shop.token("boris"))
    for method, path in (
        ("GET", "events"),
        ("PATCH", "events/6"),
        ("DELETE", "events/6"),
        ("GET", "sources"),
        ("PUT", "sources/KKM:1"),
        ("DELETE", "sources/KKM:1"),
    ):
        body = {} if method in ("PATCH", "PUT") else None
        assert boris.ask(method, f"/api/v1/prisma/{path}", json=body).code == 403, (method, path)


def test_lines_and_tickets(shop: WebShop, anna: Browser) -> None:
    """What a program needs to know of a line, whatever its protocol."""
    say(shop, 16, receipt="41", goods="Milk")
    say(shop, 18, receipt="41", goods="Milk", cashier="Anna", cashier_code="7")
    facts = shop.prisma.facts.all
    shop.log.stored, shop.log.sales = [fact.line for fact in facts], [facts[-1].ticket]
    deed, attempt = anna.get("/api/v1/lines").json["items"]
    assert (deed["role"], deed["special"], deed["follows"], deed["seller_code"]) == ("S", "ANNULE", attempt["id"], "7")
    assert (attempt["role"], attempt["flags"], attempt["follows"]) == ("", [], None)
    assert timedelta() < facts[1].line.received_at - facts[0].line.received_at
    (ticket,) = anna.get("/api/v1/tickets?kind=sale").json["items"]
    assert (ticket["kind"], ticket["linked"], shop.log.asked[-1]["kind"]) == ("sale", None, "sale")
