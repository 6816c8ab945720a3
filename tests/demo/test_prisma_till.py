"""The till that speaks Prisma: what it says is the protocol, adds up, and makes whole receipts."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

from camtrace.demo.beat import instant
from camtrace.demo.prisma_till import ENCODING, events
from camtrace.demo.script import LOOP, TILLS
from camtrace.prisma.catalogue import Catalogue
from camtrace.prisma.check import faults
from camtrace.prisma.receipts import Entry, Receipts
from camtrace.prisma.wire import Event, decode, encode

NOON = 222_222_222 * LOOP


def said(minutes: int = 3) -> list[tuple[int, Event]]:
    first = NOON + TILLS[1].delay
    return [(beat, event) for beat in range(first, first + minutes * LOOP) for event in events(TILLS[1], beat)]


def test_packets_are_right() -> None:
    """Nothing is wrong with any, and accents survive."""
    for _, event in said():
        packet = encode(event, ENCODING)
        assert faults(packet, ENCODING) == []
        back = decode(packet, lambda source: ENCODING)
        assert (back.goods, back.total, back.source) == (event.goods, event.total, "KKM:2")


def test_receipts_are_whole() -> None:
    """Each opens and closes; what is paid is what it came to; something is cancelled and something comes back."""
    catalogue, ids = Catalogue(), count(1).__next__
    receipts, kinds = Receipts(ids), set()
    paid: dict[str, Decimal] = {}
    for beat, event in said():
        kind = catalogue.of(event.code)
        placed = receipts.place(Entry("KKM:2", instant(beat), kind, event.receipt, event.cashier, event.total))
        assert placed.ticket.kind != "event" or event.code == 60
        kinds.add(event.code)
        if event.code in (37, 38):
            paid[event.receipt] = paid.get(event.receipt, Decimal(0)) + (event.amount or 0)
        elif event.code == 50:
            paid[event.receipt] -= event.amount or 0
            assert paid[event.receipt] == event.total
        elif event.code == 5:
            total = placed.ticket.total
            assert placed.ticket.closed_at is not None and total is not None
            assert paid[event.receipt] >= total > 0
    assert {4, 5, 6, 16, 18, 37, 46, 47, 60} <= kinds
