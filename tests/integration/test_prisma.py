"""Prisma events through the whole server: the real port, the real database, a restart in the middle of a receipt."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from support.outside import soon
from support.server import Server

from camtrace.prisma.check import samples
from camtrace.prisma.wire import Event, encode


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    try:
        server.start()
        server.administrator()
        yield server
    finally:
        server.remove()


def send(server: Server, *events: Event) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for event in events:
            sender.sendto(encode(event), ("127.0.0.1", server.prisma))


def until(server: Server, path: str, count: int) -> list[dict[str, Any]]:
    """The items of a list once there are so many."""

    def enough() -> list[dict[str, Any]]:
        items = server.get(f"/api/v1{path}")["items"]
        return items if len(items) >= count else []

    return soon(enough, f"{count} items of {path}")


def test_a_day_of_a_till(server: Server) -> None:
    """Every described event in its receipt; the sum, what is red, and the card's number, which nobody keeps."""
    camera = {"name": "Till", "url": "rtsp://127.0.0.1:9/x", "overlay_ids": ["KKM:12"]}
    assert server.call("POST", "/api/v1/cameras", camera)[0] == 201
    events = samples("KKM", "12", datetime(2026, 3, 4, 12), 41)
    send(server, *events)
    lines = until(server, "/lines?source=KKM:12&order=asc", len(events))
    assert [line["type"] for line in lines] == [str(event.code) for event in events]
    assert all(line["protocol"] == "prisma" and line["cameras"] == [1] for line in lines)
    assert lines[1]["sent_at"] == "2026-03-04T11:00:00.000000Z"
    assert not any("7788990011" in str(line) for line in lines)
    assert next(line["text"] for line in lines if line["role"] == "A") == "Батон нарезной"
    (discount,) = [line for line in lines if line["type"] == "52"]
    assert discount["discount"] == discount["total_discount"] == "15.50"
    red = server.get("/api/v1/lines?source=KKM:12&type=S")["items"]
    assert {line["type"] for line in red} == {"6", "9", "18", "25", "46"}
    tickets = server.get("/api/v1/tickets?source=KKM:12")["items"]
    assert [(ticket["number"], ticket["kind"], ticket["state"]) for ticket in tickets] == [
        *(("44", "return", "closed"), ("43", "sale", "closed"), ("42", "sale", "closed"), ("41", "sale", "closed")),
    ]
    whole = server.get(f"/api/v1/tickets/{tickets[-1]['id']}")
    assert whole["total"] == whole["tally"]["sum"] == "310.00"
    assert len(whole["tally"]["taken_back"]) == 2
    assert server.metric("camtrace_prisma_datagrams_total") == len(events)
    assert server.metric("camtrace_prisma_errors_total") == server.metric("camtrace_prisma_lost_datagrams") == 0


def test_a_restart(server: Server) -> None:
    """An open receipt goes on; what the shop has set is still set; instants go on increasing."""
    send(server, Event("KKM", "13", 4, receipt="41"), Event("KKM", "13", 6, receipt="41", goods="Milk"))
    before = until(server, "/lines?source=KKM:13", 2)
    assert server.call("PATCH", "/api/v1/prisma/events/450", {"name": "Back door"})[0] == 200
    assert server.call("PUT", "/api/v1/prisma/sources/KKM:13", {"encoding": "cp1251"})[0] == 200
    assert server.stop() == 0
    server.start()
    send(server, Event("KKM", "13", 5, receipt="41"))
    lines = until(server, "/lines?source=KKM:13", 3)
    assert {line["ticket_id"] for line in lines} == {before[0]["ticket_id"]}
    assert server.get("/api/v1/tickets?source=KKM:13")["items"][0]["state"] == "closed"
    (event,) = [item for item in server.get("/api/v1/prisma/events")["items"] if item["code"] == 450]
    assert event["name"] == "Back door"
    (source,) = [item for item in server.get("/api/v1/prisma/sources")["items"] if item["source"] == "KKM:13"]
    assert (source["encoding"], source["events"]) == ("cp1251", 1)
