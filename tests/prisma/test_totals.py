"""What a receipt comes to: `Sum` of its last event, the same in the ticket and in its lines.

The manual: "Все события в чеке должны в поле SUM содержать итоговую сумму по чеку, так как данные об уплаченных
деньгах, отображаемые в программе, всегда берутся из последнего события в чеке."
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.prisma import PrismaShop

from camtrace.bus import Bus
from camtrace.prisma.service import Datagram
from camtrace.prisma.wire import Event, encode
from camtrace.tickets.overlay import Overlay
from camtrace.tickets.tally import Tally

from .test_service import NOON, Cameras

Said = tuple[int, str, int | None]  # event, CK_Number, Sum


def shop(*said: Said) -> PrismaShop:
    """A till that has said these, a second apart."""
    shop = PrismaShop(Bus(), Cameras(), lambda *entry, **more: None)
    for at, (code, number, total) in enumerate(said):
        packet = encode(Event("KKM", "1", code, receipt=number, total=None if total is None else Decimal(total)))
        shop.sources.received([Datagram(packet, "10.0.0.5", NOON + timedelta(seconds=at), float(at))])
    return shop


@pytest.mark.parametrize(
    ("said", "total"),
    [
        ([(4, "41", 0), (6, "41", 10), (5, "41", 10)], 10),
        ([(4, "41", 0), (6, "41", 10), (127, "41", 8)], 8),  # the price was changed: of this receipt
        ([(4, "41", 0), (6, "41", 10), (112, "", 0)], 10),  # an article that was not found, of none
        ([(4, "41", 0), (6, "41", 10), (106, "0", 0), (60, "0", 0)], 10),
        ([(4, "41", 0), (6, "41", 10), (209, "99", 0)], 10),  # a report with a number of its own
        ([(4, "41", 0), (6, "41", 10), (40, "", 12)], 12),
        ([(4, "", 0), (6, "", 10), (127, "", 8)], 10),  # a till that numbers nothing
        ([(4, "41", 0), (6, "41", 10), (5, "41", 10), (50, "41", 7)], 7),
    ],
)
def test_the_last_event_that_tells_it(said: list[Said], total: int) -> None:
    facts = shop(*said).facts.all
    screen = Overlay()
    for fact in facts:
        screen.add(fact.line, fact.ticket)
    own = [fact for fact in facts if fact.ticket.id == facts[0].ticket.id]
    assert own[-1].ticket.total == Tally.of(fact.line for fact in own).sum == total
    shown = screen.shown(facts[-1].line.received_at)
    assert shown is not None and shown.tally.sum == total


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((4, 5, 6, 9, 18, 25, 37, 40, 46, 47, 60, 102, 112, 127, 203, 209, 450)),
            st.sampled_from(("41", "41", "42", "", "0")),
            st.sampled_from((None, 0, 1, 2)),
        ),
        max_size=20,
    )
)
def test_ticket_and_lines_tell_the_same(said: list[Said]) -> None:
    facts = sorted(shop(*said).facts.all, key=lambda fact: (fact.ticket.id, fact.id))
    for _, own in groupby(facts, lambda fact: fact.ticket.id):
        each = list(own)
        if each[-1].ticket.kind != "event":
            assert Tally.of(fact.line for fact in each).sum == each[-1].ticket.total
