"""What stands on the screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from camtrace.bus import Bus
from camtrace.events import LineMasked, LineReceived, TicketTied
from camtrace.model import Line, Ticket
from camtrace.tickets.overlay import MAX_LINES, Overlay
from camtrace.tickets.service import Screens

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def line(number: int, kind: str, ticket: int = 1) -> Line:
    at = NOON + timedelta(seconds=number)
    return Line(id=number, received_at=at, protocol="pos", source="1", ticket_id=ticket, type=kind)


def sale(ticket: int = 1) -> Ticket:
    return Ticket(id=ticket, protocol="pos", source="1", opened_at=NOON)


def shown(overlay: Overlay, *lines: Line) -> list[int]:
    for item in lines:
        overlay.add(item, sale(item.ticket_id))
    screen = overlay.shown(NOON + timedelta(seconds=60))
    return [item.id for item in screen.lines] if screen else []


def test_cleared_at_the_line_after_e() -> None:
    overlay = Overlay()
    assert shown(overlay, line(1, "A"), line(2, "S"), line(3, "T"), line(4, "D"), line(5, "E")) == [1, 2, 3, 4, 5]
    assert shown(overlay, line(6, "A", ticket=2)) == [6]


def test_cleared_when_another_ticket_begins() -> None:
    """A lost E, or a drawer opened without a sale."""
    assert shown(Overlay(), line(1, "A"), line(2, "D", ticket=2)) == [2]


def test_silence_clears_it() -> None:
    overlay = Overlay(timedelta(seconds=30))
    shown(overlay, line(1, "A"))
    assert overlay.shown(NOON + timedelta(seconds=31))
    assert not overlay.shown(NOON + timedelta(seconds=32))
    assert not Overlay().shown(NOON)


def test_bounded_but_counted() -> None:
    """Of a very long ticket the newest lines stand there; all of it counts."""
    overlay = Overlay()
    numbers = [number % 60 for number in range(MAX_LINES + 5)]
    assert len(shown(overlay, *(line(number, "A") for number in numbers))) == MAX_LINES
    screen = overlay.shown(NOON)
    assert screen is not None and screen.tally.counts["articles"] == MAX_LINES + 5


def test_a_new_ticket_is_counted_from_its_beginning() -> None:
    overlay = Overlay()
    shown(overlay, line(1, "A"), line(2, "A"), line(3, "E"), line(4, "A", ticket=2))
    screen = overlay.shown(NOON)
    assert screen is not None and (screen.ticket.id, screen.tally.counts["articles"]) == (2, 1)


def test_what_is_another_without_a_further_line() -> None:
    """A line without a card's number, a ticket that was tied; of what stands there."""
    bus = Bus()
    screens = Screens(bus, lambda: NOON)
    screens.resume(sale(), [line(1, "A"), line(2, "A")])
    bus.publish(LineMasked(8, replace(line(2, "A"), text="****")))
    bus.publish(LineMasked(9, replace(line(7, "A"), text="****")))
    bus.publish(TicketTied(10, replace(sale(), linked=5)))
    bus.publish(TicketTied(11, replace(sale(3), linked=6)))
    bus.publish(TicketTied(12, replace(sale(), source="9")))
    screen = screens.on_screen("1")
    assert screen is not None
    assert ([each.text for each in screen.lines], screen.ticket.linked) == (["", "****"], 5)


def test_screens_follow_the_facts() -> None:
    bus = Bus()
    screens = Screens(bus, lambda: NOON + timedelta(seconds=5))
    screens.resume(sale(), [line(1, "A")])
    bus.publish(LineReceived(2, line(2, "T"), replace(sale(), number="12")))
    screen = screens.on_screen("1")
    assert screen is not None
    assert ([item.id for item in screen.lines], screen.ticket.number) == ([1, 2], "12")
    assert screens.on_screen("2") is None


def test_events() -> None:
    """A heartbeat is not shown; what follows the end of a receipt stands under it; the next receipt clears it."""
    overlay = Overlay()
    events = [(1, "4"), (2, "6"), (3, "60"), (4, "5"), (5, "39")]
    of = [
        replace(line(number, kind), protocol="prisma", flags=("hidden",) if kind == "60" else ())
        for number, kind in events
    ]
    assert shown(overlay, *of) == [1, 2, 4, 5]
    assert shown(overlay, replace(of[0], id=6, ticket_id=2)) == [6]
    assert Overlay().shown(NOON) is None
    alone = Overlay()
    assert shown(alone, of[2]) == []
