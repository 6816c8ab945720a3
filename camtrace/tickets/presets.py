"""Rules to begin with: what shops look for in their tickets, each ready to be tried and changed. Pure."""

from __future__ import annotations

from decimal import Decimal

from camtrace.i18n import N_
from camtrace.model import AbsenceTest, LineTest, Rule, StillTest, TicketTest, WindowTest

_SALE = ("article", "manual_entry", "payment", "end")


def _line(name: str, *deeds: str, **more: object) -> Rule:
    return Rule(name=name, lines=LineTest(deeds=deeds, **more))  # type: ignore[arg-type]


PRESETS: tuple[Rule, ...] = (
    _line(N_("Line cancelled over 20"), "void", amount_min=Decimal(20)),
    _line(N_("Whole ticket cancelled"), "ticket_void"),
    Rule(
        name=N_("Three cancellations of one cashier in ten minutes"),
        kind="window",
        lines=LineTest(deeds=("void",)),
        window=WindowTest(600, "seller", "count", Decimal(3)),
    ),
    Rule(
        name=N_("A cashier cancels more than ten in a hundred articles"),
        kind="window",
        lines=LineTest(deeds=("void",)),
        window=WindowTest(4 * 3600, "seller", "ratio", Decimal(10), ("article", "manual_entry"), 50),
    ),
    _line(N_("Goods returned over 50"), "return", amount_min=Decimal(50)),
    Rule(
        name=N_("Goods returned with nobody before the till"),
        lines=LineTest(deeds=("return",)),
        still=StillTest(seconds=30),
    ),
    Rule(
        name=N_("Goods returned on a ticket without a sale"),
        kind="ticket",
        ticket=TicketTest(has=("return",), lacks=("article", "manual_entry")),
    ),
    _line(N_("Drawer opened without a sale"), "no_sale"),
    Rule(
        name=N_("Drawer opened and nothing sold for half a minute"),
        kind="absence",
        lines=LineTest(deeds=("drawer", "no_sale")),
        absence=AbsenceTest(30, "after", _SALE),
    ),
    _line(N_("Discount given"), "discount"),
    _line(N_("Article given away or written off"), "gift", "loss"),
    _line(N_("Price changed"), "price_change"),
    _line(N_("Quantity changed"), "quantity_change"),
    _line(N_("Article typed in by hand"), "manual_entry"),
    _line(N_("Article scanned outside a ticket"), "outside"),
    _line(N_("Prohibited article"), "prohibited"),
    _line(N_("Ticket put aside or taken up again"), "suspended"),
    _line(N_("Ticket printed again"), "reprint"),
    _line(N_("Too much cash in the till"), "cash_limit"),
    Rule(
        name=N_("Card refused, then another payment"),
        kind="ticket",
        ticket=TicketTest(has=("denied",), total_min=Decimal("0.01")),
    ),
    Rule(
        name=N_("Ticket without an article"),
        kind="ticket",
        ticket=TicketTest(has=("end",), lacks=("article", "manual_entry", "return")),
    ),
    Rule(name=N_("Ticket that was never ended"), kind="ticket", ticket=TicketTest(lines_min=2, unfinished=True)),
    Rule(
        name=N_("Half of a ticket cancelled"),
        kind="ticket",
        ticket=TicketTest(has=("end",), voids_percent=50, lines_min=4),
    ),
    Rule(name=N_("Ticket over 500"), kind="ticket", ticket=TicketTest(has=("end",), total_min=Decimal(500))),
    Rule(
        name=N_("Ticket of less than five seconds"),
        kind="ticket",
        ticket=TicketTest(has=("end",), lines_min=3, seconds_max=5),
    ),
    _line(N_("Report printed"), "report"),
)
