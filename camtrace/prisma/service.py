"""What the datagrams mean: lines with their instants, their receipt and the cameras that look on."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace import clock
from camtrace.complaints import Complaints
from camtrace.events import LineReceived, TicketTied
from camtrace.metrics import Metrics
from camtrace.model import Line
from camtrace.prisma.admission import Admission, Allowance
from camtrace.prisma.catalogue import ADDS, HEARTBEAT, LINK, MOTION, RETURN, RULE, TAKES_OFF, VOID
from camtrace.prisma.ports import Cameras, Facts
from camtrace.prisma.receipts import PROTOCOL, Entry, Receipts
from camtrace.prisma.registry import Registry
from camtrace.prisma.repeats import Repeats
from camtrace.prisma.wire import DEFAULT_ENCODING, Event, WireError, decode, mask, split
from camtrace.tickets.tally import ANNULLED, RETURNED
from camtrace.window import Window

MOST_SOURCES = (
    5000  # that are known; where more speak, one that is not registered and was silent for so long makes room
)
FORGET = timedelta(hours=1)
FORGET_STRANGERS = timedelta(days=30)  # refused ones that are silent for so long go, whether room is wanted or not
CLOCK_OFF = timedelta(days=1)  # a sender whose clock is off by more is told of
WRONG_CLOCK = timedelta(hours=1)  # our own, put back by more, is followed: lines belong to the pictures of their time
MAX_SAMPLE = 60
_TICK = timedelta(microseconds=1)
_SOURCE = re.compile(r"[A-Z][A-Z0-9]{0,2}:[0-9]+")
_PUMP = re.compile(r"(?:TRK|ТРК)?:? ?0*([0-9]{1,6})", re.IGNORECASE)


class Datagram(NamedTuple):
    """What arrived, from which address, and when: by the wall clock, and in monotonic seconds."""

    data: bytes
    peer: str
    at: datetime
    seconds: float


@dataclass(slots=True)
class Seen:
    """A source that spoke. `refused`: what it says is not taken. `heartbeat_at`: of its last event 60."""

    source: str
    first_at: datetime
    last_at: datetime
    peer: str = ""
    events: int = 0
    refused: bool = False
    heartbeat_at: datetime | None = None


class EventSources:
    """Turns what Prisma sources say into facts, counts it, and knows who spoke when."""

    log = Logger()

    def __init__(
        self,
        facts: Facts,
        cameras: Cameras,
        registry: Registry,
        receipts: Receipts,
        new_id: Callable[[], int],
        metrics: Metrics,
        complaints: Complaints,
        zone: ZoneInfo,
        *,
        admission: Admission | None = None,
        allowance: Allowance | None = None,
        encoding: str = DEFAULT_ENCODING,
        now: Callable[[], datetime] = clock.now,
        seconds: Callable[[], float] = clock.monotonic,
        alive: Callable[[str, datetime, bool], object] = lambda source, at, beat: None,
        appeared: Callable[[str], object] = lambda source: None,
    ) -> None:
        self._facts = facts
        self._cameras = cameras
        self._registry = registry
        self._receipts = receipts
        self._new_id = new_id
        self._metrics = metrics
        self._complaints = complaints
        self._zone = zone
        self._admission = admission or Admission()
        self._allowance = allowance or Allowance()
        self._encoding = encoding
        self._now = now
        self._seconds = seconds
        self._alive = alive
        self._appeared = appeared
        self._last_at: dict[str, datetime] = {}
        self._repeats = Repeats()
        self._window = Window()
        self._seen: OrderedDict[str, Seen] = OrderedDict()  # the one that spoke last at the end
        self._strangers: OrderedDict[str, None] = OrderedDict()  # those refused, the one that spoke last at the end
        for name in ("datagrams", "events", "repeated", "ignored", "wrong_clock"):
            metrics.add(f"camtrace_prisma_{name}_total", 0)  # shown from the start
        for reason in ("short", "prefix", "number", "mode", "stranger", "flood", "crowd"):
            metrics.add("camtrace_prisma_errors_total", 0, reason=reason)

    def resume(self, last_received: Mapping[str, datetime]) -> None:
        """Keep instants increasing after a restart, and know who spoke before it: the last line of each source."""
        known = sorted((at, source) for source, at in last_received.items() if _SOURCE.fullmatch(source))
        self._last_at.update((source, at) for at, source in known)
        for at, source in known[-MOST_SOURCES:]:
            self._seen.setdefault(source, Seen(source, at, at))

    def seen(self) -> list[Seen]:
        """Who spoke, by name."""
        return sorted(self._seen.values(), key=lambda seen: (seen.source.partition(":")[0], _order(seen.source)))

    def received(self, datagrams: Sequence[Datagram]) -> defer.Deferred[None]:
        """Record what `datagrams` say; fires when all of it is durable. What says nothing is counted and told."""
        facts: list[LineReceived] = []
        ties: list[TicketTied] = []
        self._repeats.begin(self._seconds())
        for datagram in datagrams:
            for packet in split(datagram.data):
                self._take(packet, datagram, facts, ties)
        self._metrics.add("camtrace_prisma_datagrams_total", len(datagrams))
        self._metrics.add("camtrace_prisma_events_total", len(facts))
        if not facts:
            return defer.succeed(None)
        since = self._window.enter(len(facts))
        durable = self._facts.record_all([*facts, *ties]).addErrback(self._not_durable)
        return durable.addCallback(self._durable, len(facts), since)

    @property
    def is_crowded(self) -> bool:
        """Whether so many events wait to become durable that nothing more should be understood."""
        return self._window.is_full

    def crowded(self, peer: str, count: int) -> None:
        """So many datagrams of `peer` were left out: too many wait to be understood, and most of them are its."""
        self._refuse(peer, "crowd", "more events than can be taken", count)

    def dropped(self, endpoint: str, count: int) -> None:
        """The kernel has dropped `count` datagrams since the start, before they were read."""
        reason = f"{count} datagrams were dropped by the system before they were read"
        self._complaints.tell(endpoint, "lost", reason, lost=count)

    def knows(self, source: str) -> bool:
        """Whether this is a source that is known to speak Prisma."""
        is_one = _SOURCE.fullmatch(source) is not None
        return is_one and (source in self._seen or source in self._registry.sources)

    def motion(self, sources: Sequence[str], at: datetime) -> defer.Deferred[None]:
        """A camera that looks at `sources` has seen motion: event 130 of each that is known to speak Prisma."""
        return self._tell(MOTION, sources, at)

    def rule_met(self, source: str, rule: str, receipt: str, seller: str, at: datetime) -> defer.Deferred[None]:
        """A rule was met at `source`, where that is known to speak Prisma: event 61 with its name, in the receipt."""
        return self._tell(RULE, [source], at, receipt=receipt, cashier=seller, goods=rule)

    # ── what the server says itself ──

    def _tell(self, code: int, sources: Sequence[str], at: datetime, **more: str) -> defer.Deferred[None]:
        facts = []
        if self._registry.catalogue.of(code).display != "ignore":
            for source in sources:
                if self.knows(source):
                    prefix, _, number = source.partition(":")
                    event = Event(prefix, number, code, **more)  # type: ignore[arg-type]
                    facts.append(self._fact(event, "", self._instant(source, self._now()), at))
        return self._facts.record_all(facts).addErrback(self._not_durable) if facts else defer.succeed(None)

    # ── one packet ──

    def _take(self, packet: bytes, datagram: Datagram, facts: list[LineReceived], ties: list[TicketTied]) -> None:
        peer = datagram.peer
        if not self._allowance.take(peer, datagram.seconds):
            self._refuse(peer, "flood", "sends more than can be taken")
            return
        if self._repeats.has(packet, datagram.seconds):
            self._metrics.add("camtrace_prisma_repeated_total")
            return
        try:
            event = decode(packet, self._encoding_of)
        except WireError as error:
            sample = _sample(packet)
            self._refuse(peer, error.code, f"{error}: {sample!r}", sample=sample)
            return
        self._repeats.add(packet, datagram.seconds, dated=event.day is not None and event.hour is not None)
        self._record(event, datagram, facts, ties)

    def _record(self, event: Event, datagram: Datagram, facts: list[LineReceived], ties: list[TicketTied]) -> None:
        peer = datagram.peer
        seen = self._spoke(event, datagram)
        if seen is None:
            self._refuse(peer, "crowd", "more sources than can be taken")
        elif seen.refused:
            self._refuse(peer, "stranger", "is not among [prisma] sources", source=event.source)
        else:
            self._alive(event.source, datagram.at, event.code == HEARTBEAT)
            if self._registry.catalogue.of(event.code).display == "ignore":
                self._metrics.add("camtrace_prisma_ignored_total")
                return
            at = self._instant(event.source, datagram.at)
            sent_at = self._sent(event, at)
            if abs(sent_at - at) > CLOCK_OFF:
                self._tell_clock(event.source, peer, sent_at)
            facts.append(self._fact(event, peer, at, sent_at))
            ties += [TicketTied(self._new_id(), ticket) for ticket in self._receipts.came(event.source, at)]

    def _tell_clock(self, source: str, peer: str, sent_at: datetime) -> None:
        told = f"{sent_at.astimezone(self._zone):%Y-%m-%d %H:%M}"
        self._metrics.add("camtrace_prisma_wrong_clock_total")
        self._complaints.tell(peer, "clock", f"the clock of {source} says {told}", source=source, told=told)

    def _encoding_of(self, source: str) -> str | None:
        return self._registry.encoding_of(source) or (self._encoding if self._encoding != DEFAULT_ENCODING else None)

    def _refuse(self, peer: str, code: str, reason: str, count: int = 1, **values: str) -> None:
        self._metrics.add("camtrace_prisma_errors_total", count, reason=code)
        self._complaints.tell(peer, code, reason, **values)

    def _spoke(self, event: Event, datagram: Datagram) -> Seen | None:
        """What is known of who spoke; None where too many are."""
        source = event.source
        seen = self._seen.get(source)
        before = (seen.events > 0, seen.refused) if seen else (False, False)
        if seen is None:
            crowded = len(self._seen) >= MOST_SOURCES and source not in self._registry.sources
            if crowded and not self._forget_stranger() and not self._forget_silent(datagram.at):
                return None
            self._forget_old_strangers(datagram.at)
            seen = self._seen[source] = Seen(source, datagram.at, datagram.at)
        self._seen.move_to_end(source)
        seen.last_at, seen.peer = datagram.at, datagram.peer
        seen.events += 1
        seen.refused = source not in self._registry.sources and not self._admission.admits(source, datagram.peer)
        if seen.refused:
            self._strangers[source] = None
            self._strangers.move_to_end(source)
        else:
            self._strangers.pop(source, None)
        if event.code == HEARTBEAT:
            seen.heartbeat_at = datagram.at
        if before != (True, seen.refused):
            self._appeared(source)
        return seen

    def _forget_old_strangers(self, now: datetime) -> None:
        """Refused ones that spoke so long ago that nobody looks for them any more."""
        while self._strangers:
            source = next(iter(self._strangers))
            if source in self._seen and now - self._seen[source].last_at < FORGET_STRANGERS:
                return
            del self._strangers[source]
            if source not in self._registry.sources:
                self._forget(source)

    def _forget(self, source: str) -> None:
        self._seen.pop(source, None)
        self._last_at.pop(source, None)

    def _forget_stranger(self) -> bool:
        """Make room in the list of sources: the refused one that spoke longest ago goes. False: there is none."""
        while self._strangers:
            source, _ = self._strangers.popitem(last=False)
            if source not in self._registry.sources:
                self._forget(source)
                return True
        return False

    def _forget_silent(self, now: datetime) -> bool:
        """The same for one that was taken, after an hour of silence: forged names keep no new till out for good."""
        for source, seen in self._seen.items():
            if now - seen.last_at < FORGET:
                return False
            if source not in self._registry.sources:
                self._forget(source)
                return True
        return False

    def _fact(self, event: Event, peer: str, at: datetime, sent_at: datetime | None) -> LineReceived:
        source, kind = event.source, self._registry.catalogue.of(event.code)
        seller = event.cashier or event.cashier_code
        pump = _pump(event) if event.code == LINK else ""
        linked = self._receipts.find(pump, _pumps_receipt(event)) if pump else None
        placed = self._receipts.place(
            Entry(
                source,
                at,
                kind,
                event.receipt,
                seller,
                event.total,
                sent_at if event.hour is not None else None,
                linked.id if linked is not None else 0,
            )
        )
        if pump and linked is None:
            self._receipts.wait(placed.ticket, pump, _pumps_receipt(event), at)
        id, ticket = self._new_id(), placed.ticket
        flags = (
            *(("hidden",) if kind.display == "store" or placed.late else ()),
            *(("late",) if placed.late else ()),
            *(("other_seller",) if placed.other_seller else ()),
        )
        line = Line(
            id=id,
            received_at=at,
            sent_at=sent_at,
            protocol=PROTOCOL,
            source=source,
            peer=peer,
            ticket=event.receipt if event.receipt != "0" else "",
            ticket_id=ticket.id,
            seller=seller,
            seller_code=event.cashier_code,
            type=str(event.code),
            special=_special(event.code, ticket.kind),
            position=event.position,
            code=event.goods_code,
            barcode=event.barcode,
            text=event.goods,
            quantity=event.quantity,
            price=event.price,
            amount=event.amount,
            total=event.total,
            tender=event.card_type,
            discount=event.discount or event.total_discount or event.discount,
            card=event.card,
            raw=event.raw,
            cameras=self._cameras.watching(source),
            follows=self._receipts.follows(source, event.code, id, at),
            flags=flags,
        )
        return LineReceived(id, line, ticket)

    def _instant(self, source: str, at: datetime) -> datetime:
        """When it arrived, but later than the source's line before; a clock put back far was wrong before."""
        last = self._last_at.get(source)
        if last is not None and last - WRONG_CLOCK <= at <= last:
            at = last + _TICK
        self._last_at[source] = at
        return at

    def _sent(self, event: Event, at: datetime) -> datetime:
        """The sender's instant; of date and time, what it does not tell is the server's."""
        if event.hour is None and event.day is None:
            return at
        if event.day is not None and event.hour is not None:  # as nearly all of them
            told = datetime.combine(event.day, event.hour, UTC)
            first, second = _offsets(self._zone, event.day, event.hour.hour, event.hour.minute)
            if first == second:
                return told - first
            return min(told - first, told - second, key=lambda each: abs(each - at))
        local = at.astimezone(self._zone)
        if event.hour is None:
            return datetime.combine(event.day or local.date(), local.timetz()).astimezone(UTC)
        around = [local.date() + timedelta(days=days) for days in (-1, 0, 1)]  # it may be just behind midnight there
        told = min((datetime.combine(day, event.hour, self._zone) for day in around), key=lambda each: abs(each - at))
        return told.astimezone(UTC)

    def _durable(self, _: None, count: int, since: float) -> None:
        self._window.leave(count, since)

    def _not_durable(self, failure: Failure) -> None:
        self.log.error("an event did not become durable: {error}", error=failure.getErrorMessage())


def _pump(event: Event) -> str:
    """The dispenser that event 309 names by its number in GoodsItem; "" for none."""
    pump = _PUMP.fullmatch(event.goods_code)
    return f"TRK:{pump[1]}" if pump else ""


def _pumps_receipt(event: Event) -> str:
    """Its receipt's number, in BarCode; "" for its latest."""
    return event.barcode.lstrip("0")


def _special(code: int, ticket_kind: str) -> str:
    """What makes the line stand out: cancelled, or of a return."""
    if code in TAKES_OFF or code == VOID:
        return ANNULLED
    return RETURNED if code == RETURN or (code in ADDS and ticket_kind == "return") else ""


def _sample(packet: bytes) -> str:
    text = mask(packet)[:MAX_SAMPLE].decode(DEFAULT_ENCODING, "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text).rstrip()


@lru_cache(maxsize=4096)
def _offsets(zone: ZoneInfo, day: date, hour: int, minute: int) -> tuple[timedelta, timedelta]:
    """How far the zone's clock is ahead of UTC in that minute; two answers in the hour that comes twice."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    return local.utcoffset() or timedelta(), local.replace(fold=1).utcoffset() or timedelta()


def _order(source: str) -> int:
    return int(source.partition(":")[2])
