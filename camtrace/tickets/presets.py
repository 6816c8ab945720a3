"""Rules to begin with: what shops look for in their tickets, each ready to be tried and changed. Pure."""

from __future__ import annotations

from decimal import Decimal

from camtrace.i18n import N_
from camtrace.model import AbsenceTest, LineTest, NumberTest, Rule, StillTest, TicketTest, WindowTest

_ARTICLES = ("article", "manual_entry")
_SALE = (*_ARTICLES, "payment", "cash", "end")
_HOUR, _DAY = 3600, 24 * 3600


def _line(name: str, *deeds: str, **more: object) -> Rule:
    return Rule(name=name, lines=LineTest(deeds=deeds, **more))  # type: ignore[arg-type]


def _ticket(name: str, **asked: object) -> Rule:
    return Rule(name=name, kind="ticket", ticket=TicketTest(**asked))  # type: ignore[arg-type]


def _window(name: str, deeds: tuple[str, ...], *asked: object) -> Rule:
    return Rule(name=name, kind="window", lines=LineTest(deeds=deeds), window=WindowTest(*asked))  # type: ignore[arg-type]


# what they look for, in the order of the list
GROUPS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    (
        N_("Cancellations"),
        (
            _line(N_("Line cancelled over 20"), "void", amount_min=Decimal(20)),
            _line(N_("Line cancelled after the payment began"), "void", paying=True),
            _line(N_("Whole ticket cancelled"), "ticket_void"),
            _ticket(N_("Half of a ticket cancelled"), has=("end",), voids_percent=50, lines_min=4),
            _window(
                N_("Three cancellations of one cashier in ten minutes"), ("void",), 600, "seller", "count", Decimal(3)
            ),
            _window(
                N_("A cashier cancels more than ten in a hundred articles"),
                ("void",),
                4 * _HOUR,
                "seller",
                "ratio",
                Decimal(10),
                _ARTICLES,
                50,
            ),
        ),
    ),
    (
        N_("Goods returned"),
        (
            _line(N_("Goods returned over 50"), "return", amount_min=Decimal(50)),
            Rule(
                name=N_("Goods returned with nobody before the till"),
                lines=LineTest(deeds=("return",)),
                still=StillTest(seconds=30),
            ),
            _ticket(N_("Goods returned on a ticket without a sale"), has=("return",), lacks=_ARTICLES),
        ),
    ),
    (
        N_("Prices, discounts and gifts"),
        (
            _line(N_("Discount given"), "discount"),
            _line(N_("Discount over twenty in a hundred"), "discount", discount_percent=Decimal(20)),
            _line(N_("Article given away or written off"), "gift", "loss"),
            _line(N_("Price changed"), "price_change"),
            _line(N_("Article sold under 0.50"), *_ARTICLES, price_max=Decimal("0.50")),
        ),
    ),
    (
        N_("Articles"),
        (
            _line(N_("Quantity changed"), "quantity_change"),
            _line(N_("Article typed in by hand"), "manual_entry"),
            _line(N_("Article scanned outside a ticket"), "outside"),
            _line(N_("Prohibited article"), "prohibited"),
        ),
    ),
    (
        N_("Drawer and cash"),
        (
            _line(N_("Drawer opened without a sale"), "no_sale"),
            Rule(
                name=N_("Drawer opened and nothing sold for half a minute"),
                kind="absence",
                lines=LineTest(deeds=("drawer", "no_sale")),
                absence=AbsenceTest(30, "after", _SALE),
            ),
            Rule(
                name=N_("Drawer open for more than two minutes"),
                kind="absence",
                lines=LineTest(deeds=("drawer", "no_sale")),
                absence=AbsenceTest(120, "after", ()),
            ),
            _ticket(N_("Change that is not what was due"), change_off=Decimal("0.01")),
            _line(N_("Too much cash in the till"), "cash_limit"),
        ),
    ),
    (
        N_("Payments and cards"),
        (
            _ticket(N_("Card refused, then another payment"), has=("card_denied",), total_min=Decimal("0.01")),
            _ticket(N_("Card refused, then paid in cash"), has=("card_denied",), also=("cash",)),
            _window(
                N_("One card on more than three tickets a day"),
                ("discount_card", "payment"),
                _DAY,
                "card",
                "tickets",
                Decimal(4),
            ),
        ),
    ),
    (
        N_("Tickets"),
        (
            _ticket(N_("Ticket over 500"), has=("end",), total_min=Decimal(500)),
            _ticket(N_("Ticket under 1"), has=("end",), total_max=Decimal("0.99")),
            _ticket(N_("Ticket of less than five seconds"), has=("end",), lines_min=3, seconds_max=5),
            _ticket(N_("Ticket with nothing said for three minutes"), has=("end",), pause_min=180),
            _ticket(N_("Ticket without an article"), has=("end",), lacks=(*_ARTICLES, "return")),
            _ticket(N_("Ticket that was never ended"), lines_min=2, unfinished=True),
            _line(N_("Ticket put aside or taken up again"), "suspended"),
            _line(N_("Ticket printed again"), "reprint"),
            Rule(name=N_("Ticket number missing"), kind="number", number=NumberTest("gap")),
            Rule(name=N_("Ticket number used twice"), kind="number", number=NumberTest("repeat")),
        ),
    ),
    (
        N_("Cashiers and the day's end"),
        (
            _window(N_("A cashier at two tills within three minutes"), _SALE, 180, "seller", "tills", Decimal(2)),
            _line(N_("Shift longer than 24 hours"), "long_shift"),
            # "never": at any hour, until the shop says when it is open
            _line(N_("Report printed outside opening hours"), "report", calendar="never", outside=True),
        ),
    ),
)
PRESETS: tuple[Rule, ...] = tuple(rule for _, rules in GROUPS for rule in rules)
