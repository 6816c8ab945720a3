"""Exception rules, and what they found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

DEEDS = (
    "begin",
    "article",
    "void",
    "ticket_void",
    "return",
    "discount",
    "gift",
    "loss",
    "price_change",
    "quantity_change",
    "manual_entry",
    "drawer",
    "no_sale",
    "subtotal",
    "payment",
    "cash",
    "change",
    "end",
    "denied",
    "card_denied",
    "discount_card",
    "suspended",
    "reprint",
    "prohibited",
    "outside",
    "cash_limit",
    "money",
    "sign_on",
    "long_shift",
    "report",
    "aside",
    "other",
)
RULE_KINDS = ("line", "ticket", "window", "absence", "number")
MEASURES = ("count", "sum", "ratio", "tickets", "tills")
PERS = ("seller", "source", "card", "all")
WHENS = ("after", "before")
NUMBERINGS = ("gap", "repeat")
VERDICTS = ("", "checking", "harmless", "real")


@dataclass(frozen=True, slots=True)
class LineTest:
    """Which lines are meant: all that is given must hold, of a list any.

    `deeds`: kinds of deed, of `DEEDS`. `articles`: a code, or part of a text. Amounts and discounts without their sign.
    `price`: of one piece. `discount_percent`: so many of a hundred at least. `paying`: only once the payment of the
    ticket has begun. `calendar`: it must apply then, with `outside` it must not.
    """

    deeds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    specials: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    sellers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    quantity_min: Decimal | None = None
    quantity_max: Decimal | None = None
    discount_min: Decimal | None = None
    discount_max: Decimal | None = None
    calendar: str = "always"
    outside: bool = False
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    discount_percent: Decimal | None = None
    paying: bool = False


@dataclass(frozen=True, slots=True)
class TicketTest:
    """What a whole ticket is like. `has`, `also`: deeds, of each list it has one at least; `lacks`: none of these.

    `voids_percent`: so many of a hundred articles are cancelled again. `unfinished`: its end never came.
    `pause_min`: for so many seconds nothing was said in the midst of it. `change_off`: what was handed back is wrong by
    so much at least. `silence_seconds`: how long after its last line a ticket without an end is taken for left.
    """

    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    total_min: Decimal | None = None
    total_max: Decimal | None = None
    lines_min: int | None = None
    lines_max: int | None = None
    seconds_min: int | None = None
    seconds_max: int | None = None
    voids_percent: int | None = None
    unfinished: bool = False
    also: tuple[str, ...] = ()
    pause_min: int | None = None
    change_off: Decimal | None = None
    silence_seconds: int = 1800


@dataclass(frozen=True, slots=True)
class WindowTest:
    """How often, within `seconds`, per seller, source or card, or in all: a count of lines, of their tickets or their
    tills, the sum of their amounts, or how many there are to a hundred lines of the deeds `among`, once there are
    `base` of those."""

    seconds: int = 600
    per: str = "seller"
    measure: str = "count"
    at_least: Decimal = Decimal(3)
    among: tuple[str, ...] = ("article",)
    base: int = 20


@dataclass(frozen=True, slots=True)
class AbsenceTest:
    """That none of `deeds` came at the same till within `seconds`, "after" the line or "before" it."""

    seconds: int = 30
    when: str = "after"
    deeds: tuple[str, ...] = ("article", "payment", "end")


@dataclass(frozen=True, slots=True)
class NumberTest:
    """How the numbers of a till's tickets follow on one another: some are missing ("gap"), one comes again ("repeat").

    `most`: numbers that are missing; a longer jump is another count.
    """

    looks_for: str = "gap"
    most: int = 100


@dataclass(frozen=True, slots=True)
class StillTest:
    """That nothing moved in `zone` ("" for the picture) of the till's cameras, or of one, for `seconds` before.

    With 0 seconds it is not asked.
    """

    seconds: int = 0
    zone: str = ""
    camera: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition over lines. `kind` says which of the tests count besides `lines`. `alarm`: raised on the cameras.

    `popup`: who looks at a live page is told.

    `changed_at`: what was said before does not concern the rule as it is now.
    """

    id: int = 0
    name: str = ""
    enabled: bool = False
    kind: str = "line"
    lines: LineTest = LineTest()
    ticket: TicketTest = TicketTest()
    window: WindowTest = WindowTest()
    absence: AbsenceTest = AbsenceTest()
    still: StillTest = StillTest()
    number: NumberTest = NumberTest()
    alarm: bool = True
    popup: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleException:
    """One time a rule was met, at the instant of the line `line_id`. `lines`: those it was met by, the latest of many.

    `text`, `amount`: of that line. `figure`: what was counted, summed, or the percentage. `cameras`: uids of those that
    watched the source then. `verdict`: what somebody found on looking at it, "" while nobody has.
    """

    id: int
    rule_id: int
    rule: str
    at: datetime
    source: str
    seller: str = ""
    ticket: str = ""
    ticket_id: int = 0
    line_id: int = 0
    lines: tuple[int, ...] = ()
    deed: str = ""
    text: str = ""
    amount: Decimal | None = None
    figure: Decimal | None = None
    cameras: tuple[int, ...] = ()
    alarm: bool = False
    popup: bool = False
    verdict: str = ""
    comment: str = ""
    reviewed_by: str = ""
    reviewed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExceptionQuery:
    """Exceptions in [start, stop] of this rule, source and seller, watched by one of these cameras; None for any.

    `seller`: whatever the capitals and accents. `verdict`: "" for those not judged.
    """

    start: datetime | None = None
    stop: datetime | None = None
    camera_uids: Sequence[int] | None = None
    rule_id: int | None = None
    source: str | None = None
    seller: str | None = None
    verdict: str | None = None
