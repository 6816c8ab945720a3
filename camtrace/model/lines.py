"""Text sources, their lines and tickets, and searching them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class StoredDialect:
    """A dialect of tills as the database has it; `pos.dialect.read_dialect` reads its definition."""

    name: str
    definition: Mapping[str, Any]


MOST_OFFSET_MS = 120_000  # how much later or earlier than its lines a till's picture may be set


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What is set for a till or another source, by the name its lines bear.

    `label`: its name on the pages, "" for that one. `dialect`: "" for that of its listener. `clear_seconds`: silence
    after which its screen is cleared. `offset_ms`: how much later than its lines the picture shows what they tell of,
    below zero where it shows it earlier. `burst_since`: since when it sends whole tickets at once.

    `hours`: the calendar by which it is open and should speak, "" for none. `silent_minutes`: silence after which it is
    told of, 0 for what is set for all. `heartbeats`: it sends signs of life. `silent_since`: it was told to be silent.

    `encoding`: what its letters are in, "" for what its dialect and its listener say.
    """

    source: str
    label: str = ""
    dialect: str = ""
    clear_seconds: int = 300
    offset_ms: int = 0
    burst_since: datetime | None = None
    hours: str = ""
    silent_minutes: int = 0
    heartbeats: bool = False
    silent_since: datetime | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class HeardSource:
    """A source that has said something: since when, when last, and how many `lines` of late."""

    source: str
    protocol: str
    since: datetime
    last_at: datetime
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One POS line or one Prisma event, with the instant it was received. The contract's line, less its links.

    `received_at` strictly increases per source. `ticket` is the number as the till gives it ("" when it gives none),
    `ticket_id` the sale it was grouped into. `cameras` are the uids of the cameras that watched the source then.
    `raw` is what arrived, card numbers masked.

    `seller_code`: the seller's number beside the name. `follows`: the id of the attempt that this line answers, 0 for
    none. `flags`: words of LINE_FLAGS.
    """

    id: int
    received_at: datetime
    protocol: str
    source: str
    peer: str = ""
    sent_at: datetime | None = None
    ticket: str = ""
    ticket_id: int = 0
    seller: str = ""
    customer: str = ""
    type: str = ""
    special: str = ""
    position: int | None = None
    code: str = ""
    barcode: str = ""
    text: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    total: Decimal | None = None
    tender: str = ""
    discount: Decimal | None = None
    card: str = ""
    raw: bytes = b""
    cameras: tuple[int, ...] = ()
    seller_code: str = ""
    follows: int = 0
    flags: tuple[str, ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Whether it stands in the log only, not on the screens."""
        return "hidden" in self.flags


# hidden: in the log, not on screens; late: came after another ticket had begun; other_seller: not the ticket's own
LINE_FLAGS = ("hidden", "late", "other_seller")
TICKET_KINDS = ("sale", "return", "event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The lines of one sale of one source. `closed_at` is None while it is open.

    `kind`: one of TICKET_KINDS; an event is a single line outside of any sale. `linked`: the id of another source's
    ticket that belongs to it, a dispenser's to a till's; 0 for none.
    """

    id: int
    protocol: str
    source: str
    number: str = ""
    opened_at: datetime
    closed_at: datetime | None = None
    seller: str = ""
    total: Decimal | None = None
    line_count: int = 0
    kind: str = "sale"
    linked: int = 0

    @property
    def state(self) -> str:
        return "open" if self.closed_at is None else "closed"


class Named(NamedTuple):
    """Lines whose `field` is one of `values`: till, ticket, seller, customer, type, special, tender, code, barcode."""

    field: str
    values: tuple[str, ...]


class Comparison(NamedTuple):
    """Lines whose `field`, amount or quantity, is so in relation to `value`. `sign`: =, >, >=, < or <=."""

    field: str
    sign: str
    value: Decimal


class Range(NamedTuple):
    """Values of `field`, amount or quantity, from `low` to `high`, both included."""

    field: str
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Trace:
    """Lines that are the trace of a deed: those of this protocol and type.

    `special`: marked exactly so, None for any mark; `unlike`: not marked so. `alone`: a drawer's line outside of any
    ticket, or inside of one. `settled` means, by itself, the one line that stands for each ticket that was paid: the
    first in the name of its seller. `none_of` means, by itself, what is the trace of none of these.
    """

    protocol: str = ""
    type: str = ""
    special: str | None = None
    unlike: str = ""
    alone: bool | None = None
    settled: bool = False
    none_of: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSearch:
    """What lines are wanted: those that fit all that is set. An empty sequence asks for nothing.

    But for `hours` and `camera_uids`, where None asks for nothing and what is empty is fulfilled by no line.

    Received from `start` to `stop`, or before `before`; in none of the times `apart` (their ends not included); at
    `hours`, in minutes since midnight by the clock of `zone` (those that end before they begin go over midnight;
    several mean any). `camera_uids`: watched by one of these.
    `texts` are parts of article, tender, seller or mark, ignoring case and accents; `without` are such as do not occur.
    `sources` and `exactly`: written so. `names` are as people write them: case and accents do not count where there are
    few different ones. `deeds`: the trace of one of these. `excluded…`, `unwatched`: lines that do not fit, and that
    none of these cameras watched. `outside`: lines whose figure, if they have one, lies in none of these.
    `by_cost`: a marked line (S) that tells no amount has that of the article it takes back, as in exception rules.

    `without_cards`: who asks may see no digit of a card, so that no name and no text finds one; see `camtrace.cards`.
    """

    start: datetime | None = None
    stop: datetime | None = None
    before: datetime | None = None
    apart: tuple[tuple[datetime, datetime], ...] = ()
    hours: tuple[tuple[int, int], ...] | None = None
    zone: tzinfo = UTC
    camera_uids: tuple[int, ...] | None = None
    sources: tuple[str, ...] = ()
    ticket_id: int | None = None
    exactly: tuple[Named, ...] = ()
    names: tuple[Named, ...] = ()
    excluded: tuple[Named, ...] = ()
    excluded_exactly: tuple[Named, ...] = ()
    deeds: tuple[Trace, ...] = ()
    excluded_deeds: tuple[Trace, ...] = ()
    unwatched: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    outside: tuple[Range, ...] = ()
    by_cost: bool = False
    without_cards: bool = False


class HitCount(NamedTuple):
    """How many lines were found in the hour that begins at `at`."""

    at: datetime
    lines: int


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that a person keeps under a name."""

    id: int
    name: str
    query: str
