"""What the tills' messages mean: lines with their instant, their ticket and the cameras that look on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace import clock
from camtrace.events import LineMasked, LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Line
from camtrace.pos.admission import Admission
from camtrace.pos.bursts import Bursts
from camtrace.pos.capture import Capture
from camtrace.pos.dialect import BUILT_IN
from camtrace.pos.dialects import Dialects
from camtrace.pos.encodings import Encodings
from camtrace.pos.ports import BurstFound, Cameras, Facts
from camtrace.pos.reading import Reader
from camtrace.pos.wire import Message, WireError, decode, mask_all
from camtrace.pos.wrapping import Cut, Cuts
from camtrace.tickets.deeds import MOTION_LINE, RULE_LINE
from camtrace.tickets.grouping import Entry, Grouping
from camtrace.window import Window

PROTOCOL = "pos"
MOST_SENDERS = 5000
# names of tills that were never heard before: so many are taken from one address, and from all, while the server runs.
# A concentrator speaks for a chain; whoever sends names without end shall fill neither memory nor the list of tills
MOST_NAMES_OF_ONE, MOST_NAMES = 2500, 20_000
WRONG_CLOCK = timedelta(hours=1)  # one put back by more is followed: lines belong to the pictures of their time
Bad = Callable[[bytes, WireError], None]
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Sender:
    """An address from which tills speak, since the server runs. `source`: the name that the last line bore.

    `fault`: the code of the last line that could not be read, "" after one that could. `wrong_port_at`: when it last
    spoke to the port of the pages.
    """

    address: str
    first_at: datetime
    last_at: datetime
    lines: int = 0
    bad: int = 0
    source: str = ""
    dialect: str = BUILT_IN
    fault: str = ""
    wrong_port_at: datetime | None = None


class Tills:
    """Turns what the tills say into facts, and counts it."""

    log = Logger()

    def __init__(
        self,
        facts: Facts,
        cameras: Cameras,
        grouping: Grouping,
        new_id: Callable[[], int],
        metrics: Metrics,
        admission: Admission | None = None,
        encodings: Encodings | None = None,
        now: Callable[[], datetime] = clock.now,
        dialects: Dialects | None = None,
        capture: Capture | None = None,
        burst_found: BurstFound = lambda source, at_once: None,
    ) -> None:
        self._facts = facts
        self._window = Window()
        self._cameras = cameras
        self._grouping = grouping
        self._new_id = new_id
        self._metrics = metrics
        self._admission = admission or Admission()
        self._encodings = encodings or Encodings()
        self._now = now
        self._dialects = dialects
        self._capture = capture
        self._cuts = Cuts()
        self._bursts = Bursts()
        self._burst_found = burst_found
        self._senders: dict[str, Sender] = {}
        self._own: dict[tuple[str, str], Reader] = {}  # of tills that speak otherwise than their address
        self._last_at: dict[str, datetime] = {}  # by name of every till that has ever spoken
        self._spoke: set[str] = set()  # of those: since the server runs
        self._named: Counter[str] = Counter()  # how many new names each address has brought
        self._new_names = 0
        for name in ("camtrace_pos_lines_total", "camtrace_pos_errors_total"):
            metrics.add(name, 0)  # shown from the start

    def resume(self, last_received: Mapping[str, datetime]) -> None:
        """Keep instants increasing after a restart: the last one stored of each source."""
        self._last_at.update(last_received)

    def speaks(self, source: str) -> bool:
        """Whether a till has sent lines under this name since the server runs."""
        return source in self._spoke

    def motion(self, sources: Iterable[str]) -> defer.Deferred[None]:
        """A camera that looks at `sources` has seen motion: a line of type MOTION of each that ever spoke."""
        return self._tell(MOTION_LINE, sources)

    def rule_met(self, source: str, rule: str, ticket: str, ticket_id: int, seller: str) -> defer.Deferred[None]:
        """A rule was met at `source`: a line of type RULE with its name, in the ticket where it was met."""
        return self._tell(RULE_LINE, [source], ticket_id, ticket, seller, rule)

    def _tell(
        self, kind: str, sources: Iterable[str], ticket_id: int = 0, number: str = "", seller: str = "", text: str = ""
    ) -> defer.Deferred[None]:
        """Say it among the lines of the tills, in the log only: no till's ticket is another for it."""
        facts = []
        for source in sources:
            if source in self._last_at:
                at = self._instant(source)
                ticket = self._grouping.beside((PROTOCOL, source), at, ticket_id)
                line = Line(
                    id=self._new_id(), received_at=at, protocol=PROTOCOL, source=source, ticket_id=ticket.id, type=kind,
                    ticket=number, seller=seller, text=text, cameras=self._cameras.watching(source), flags=("hidden",),
                )  # fmt: skip
                facts.append(LineReceived(line.id, line, ticket))
        return self._facts.record_all(facts).addErrback(self._refused, "the server") if facts else defer.succeed(None)

    @property
    def is_crowded(self) -> bool:
        """Whether senders must wait because what they say does not become durable as fast as it comes."""
        return self._window.is_full

    @property
    def senders(self) -> list[Sender]:
        """Every address that has spoken, the one that spoke last first."""
        return sorted(self._senders.values(), key=lambda sender: sender.last_at, reverse=True)

    def at_wrong_port(self, address: str) -> None:
        """A till at `address` speaks to the port of the pages."""
        sender = self._sender(address)
        if sender is not None:
            sender.last_at = sender.wrong_port_at = self._now()

    def received(
        self, lines: Sequence[bytes], peer: str, encoding: str, bad: Bad, reader: Reader | None = None
    ) -> defer.Deferred[None]:
        """Record what `lines` say; fires when all are durable. One that says nothing is counted and given to `bad`.

        `encoding`: of those for which nothing else is set. `reader`: of another dialect than the CamTrace protocol.
        """
        facts: list[LineReceived] = []
        masked: list[LineMasked] = []
        fault = ""
        wrong = 0
        capture = self._capture if self._capture is not None and self._capture.active else None
        plain = reader is None and (self._dialects is None or not self._dialects.has_own)  # as nearly always
        encoding_of = self._encodings.of
        for raw in lines:
            try:
                message: Message | None
                if plain:
                    message = decode(raw, encoding_of(raw, peer, encoding))
                else:
                    message = self._read(raw, peer, encoding, reader)
                if message is None:
                    if capture:
                        capture.line(peer, _name(reader), mask_all(raw), None, None, encoding_of(raw, peer, encoding))
                    continue
                if not self._admission.source(message.source):
                    raise WireError("its name is not among [pos] sources", "stranger_name")
                if message.source not in self._last_at:
                    self._meet(peer)
            except WireError as error:
                bad(raw, error)
                fault = error.code
                wrong += 1
                if capture:
                    capture.line(peer, _name(reader), mask_all(raw), None, error, encoding_of(raw, peer, encoding))
            else:
                fault = ""
                cut = self._cuts.see(message, self._now()) if self._cuts.awaits else None
                if cut is not None:
                    message = cut.message
                    self._without_card(cut, facts, masked)
                fact = self._fact(message, peer)
                self._cuts.keep(fact.line)
                facts.append(fact)
                if capture:
                    if cut is not None:
                        capture.mask(peer, cut.parts)
                    capture.line(peer, _name(reader), message.raw, message, None, encoding_of(raw, peer, encoding))
        self._heard(peer, reader, facts, wrong, fault)
        self._metrics.add("camtrace_pos_lines_total", len(facts))
        self._metrics.add("camtrace_pos_errors_total", wrong)
        since = self._window.enter(len(facts))
        durable = self._facts.record_all([*facts, *masked] if masked else facts).addErrback(self._refused, peer)
        return durable.addCallback(self._durable, len(facts), since)

    def _durable(self, _: None, count: int, since: float) -> None:
        self._window.leave(count, since)

    def _without_card(self, cut: Cut, facts: list[LineReceived], masked: list[LineMasked]) -> None:
        """The line before is without its part of a card's number: told anew, if it was told before."""
        for place, fact in enumerate(facts):
            if fact.line.id == cut.before.id:
                facts[place] = LineReceived(fact.id, cut.before, fact.ticket)
                return
        masked.append(LineMasked(self._new_id(), cut.before))

    def _meet(self, peer: str) -> None:
        """A till speaks whose name nobody has heard. Raises WireError where that has gone on for too long."""
        if self._named[peer] >= MOST_NAMES_OF_ONE or self._new_names >= MOST_NAMES:
            raise WireError("too many names of tills have come that were never heard before", "names")
        self._named[peer] += 1
        self._new_names += 1

    def lost(self, peer: str, fault: WireError) -> None:
        """A line of `peer` never ended: it is none, and counted as one that cannot be read."""
        self._metrics.add("camtrace_pos_errors_total", 1)
        sender = self._sender(peer)
        if sender is not None:
            sender.last_at = self._now()
            sender.bad += 1
            sender.fault = fault.code

    def _read(self, raw: bytes, peer: str, encoding: str, reader: Reader | None) -> Message | None:
        """The message of a line, by the till's own dialect where it has one."""
        wanted = self._encodings.of(raw, peer, encoding)
        message = decode(raw, wanted) if reader is None else reader.read(raw, wanted)
        if message is None or self._dialects is None:
            return message
        differs, dialect = self._dialects.own(message.source, _name(reader))
        if not differs:
            return message
        if dialect is None:
            return decode(raw, wanted)
        own = self._own.get((peer, message.source))
        if own is None or own.dialect is not dialect:
            if len(self._own) >= MOST_SENDERS:
                self._own.clear()
            own = self._own[peer, message.source] = Reader(dialect, message.source)
        return own.read(raw, wanted if dialect.encoding == "auto" else dialect.encoding)

    def _heard(self, peer: str, reader: Reader | None, facts: Sequence[LineReceived], wrong: int, fault: str) -> None:
        sender = self._sender(peer)
        if sender is None:
            return
        if facts:
            last = facts[-1].line
            sender.last_at, sender.source = last.received_at, last.source
        else:
            sender.last_at = self._now()
        sender.lines += len(facts)
        sender.bad += wrong
        sender.fault = fault
        sender.dialect = _name(reader)

    def _sender(self, address: str) -> Sender | None:
        sender = self._senders.get(address)
        if sender is None and len(self._senders) < MOST_SENDERS:
            at = self._now()
            sender = self._senders[address] = Sender(address, at, at)
        return sender

    def _fact(self, message: Message, peer: str) -> LineReceived:
        at = self._instant(message.source)
        self._spoke.add(message.source)
        kind = message.type
        pays = kind in ("T", "E")
        ticket = self._grouping.place(
            Entry(
                PROTOCOL,
                message.source,
                at,
                message.ticket,
                message.seller,
                (message.amount if message.total is None else message.total) if pays else None,
                kind == "E",
                kind == "D",
                message.opens,
            )
        )
        if ticket.closed_at is not None:
            found = self._bursts.closed(ticket)
            if found is not None:
                self._burst_found(message.source, found)
        line = Line(
            id=self._new_id(),
            received_at=at,
            protocol=PROTOCOL,
            source=message.source,
            peer=peer,
            ticket=message.ticket,
            ticket_id=ticket.id,
            seller=message.seller,
            customer=message.customer,
            type=kind,
            special=message.special,
            position=ticket.line_count,
            code=message.code,
            barcode=message.barcode,
            text=message.text,
            quantity=message.quantity,
            price=message.price,
            amount=message.amount,
            total=message.total,
            tender=message.tender,
            discount=message.discount,
            card=message.card,
            raw=message.raw,
            cameras=self._cameras.watching(message.source),
        )
        return LineReceived(line.id, line, ticket)

    def _instant(self, source: str) -> datetime:
        """Now, but later than the source's line before; a clock put back far was wrong before."""
        at = self._now()
        last = self._last_at.get(source)
        if last is not None and last - WRONG_CLOCK <= at <= last:
            at = last + _TICK
        self._last_at[source] = at
        return at

    def _refused(self, failure: Failure, peer: str) -> None:
        self.log.error("a line of {peer} did not become durable: {error}", peer=peer, error=failure.getErrorMessage())


def _name(reader: Reader | None) -> str:
    return BUILT_IN if reader is None else reader.dialect.name
