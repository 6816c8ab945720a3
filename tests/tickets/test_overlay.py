"""What stands on the screen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from camtrace.bus import Bus
from camtrace.events import LineReceived
from camtrace.model import Line, Ticket
from camtrace.tickets.overlay import MAX_LINES, Overlay, overlay_state
from camtrace.tickets.service import Screens

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def line(number: int, kind: str, code: str = "", text: str = "", special: str = "", ticket: int = 1) -> Line:
    return Line(
        id=number,
        received_at=NOON + timedelta(seconds=number),
        protocol="pos",
        source="1",
        ticket_id=ticket,
        type=kind,
        code=code,
        text=text,
        special=special,
        amount=Decimal("1.50"),
    )


def shown(overlay: Overlay, *lines: Line) -> list[int]:
    for item in lines:
        overlay.add(item)
    return [item.line.id for item in overlay.lines(NOON + timedelta(seconds=60))]


def test_cleared_at_the_line_after_e() -> None:
    overlay = Overlay()
    assert shown(overlay, line(1, "A"), line(2, "S"), line(3, "T"), line(4, "D"), line(5, "E")) == [1, 2, 3, 4, 5]
    assert shown(overlay, line(6, "A", ticket=2)) == [6]


def test_cleared_when_another_ticket_begins() -> None:
    """A lost E, or a drawer opened without a sale."""
    assert shown(Overlay(), line(1, "A"), line(2, "D", ticket=2)) == [2]


def test_an_annulled_article_is_gone() -> None:
    """The latest of the same code that is not gone yet; once for each annulment."""
    overlay = Overlay()
    sale = [line(1, "A", "148"), line(2, "A", "165"), line(3, "A", "165"), line(4, "S", "165", special="ANNULE")]
    shown(overlay, *sale)
    assert [item.gone for item in overlay.lines(NOON)] == [False, False, True, False]
    shown(overlay, line(5, "S", "165", special="ANNULE"), line(6, "S", "165", special="ANNULE"))
    assert [item.gone for item in overlay.lines(NOON)][:3] == [False, True, True]
    assert [item.stands_out for item in overlay.lines(NOON)] == [False] * 3 + [True] * 3


def test_annulled_by_description_where_there_is_no_code() -> None:
    overlay = Overlay()
    shown(overlay, line(1, "A", "", "Tarte"), line(2, "A", "9", "TARTE"), line(3, "S", "", "TARTE", "ANNULE"))
    assert [item.gone for item in overlay.lines(NOON)] == [True, False, False]


def test_only_an_annulment_strikes_out() -> None:
    overlay = Overlay()
    shown(overlay, line(1, "A", "5"), line(2, "S", "5", special="OFFERT"))
    assert not any(item.gone for item in overlay.lines(NOON))


def test_silence_clears_it() -> None:
    overlay = Overlay(timedelta(seconds=30))
    shown(overlay, line(1, "A"))
    assert overlay.lines(NOON + timedelta(seconds=31))
    assert not overlay.lines(NOON + timedelta(seconds=32))


def test_bounded() -> None:
    assert len(shown(Overlay(), *(line(number, "A") for number in range(1, 50)))) == 49
    assert shown(Overlay(), *(line(number % 60, "A") for number in range(MAX_LINES + 5))).__len__() == MAX_LINES


def test_as_json() -> None:
    overlay = Overlay()
    overlay.add(line(1, "A", "148", "TARTE"))
    overlay.add(line(2, "S", "148", "TARTE", "ANNULE"))
    state = json.loads(json.dumps(overlay_state("1", overlay, NOON)))
    assert state["source"] == "1"
    assert state["lines"][0] == {
        "id": "1",
        "at": "2026-03-04T12:00:01+00:00",
        "ticket": "1",
        "type": "A",
        "quantity": None,
        "code": "148",
        "text": "TARTE",
        "amount": "1.50",
        "total": None,
        "special": "",
        "annuls": False,
        "gone": True,
    }
    assert state["lines"][1]["annuls"]


def test_screens_follow_the_facts() -> None:
    bus = Bus()
    screens = Screens(bus, lambda: NOON + timedelta(seconds=5))
    screens.resume([line(1, "A", "148")])
    ticket = Ticket(id=1, protocol="pos", source="1", opened_at=NOON)
    said = line(2, "S", "148", special="ANNULE")
    bus.publish(LineReceived(2, said, ticket))
    assert [item.id for item in screens.on_screen("1")] == [1, 2]
    assert screens.state("1")["lines"][0]["gone"]
    assert (screens.on_screen("2"), screens.state("2")) == ([], {"source": "2", "lines": []})
