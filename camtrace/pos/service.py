"""What the tills' messages mean: lines with their instant, their ticket and the cameras that look on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace import clock
from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Line
from camtrace.pos.admission import Admission
from camtrace.pos.encodings import Encodings
from camtrace.pos.ports import Cameras, Facts
from camtrace.pos.wire import Message, WireError, decode
from camtrace.tickets.grouping import Entry, Grouping

PROTOCOL = "pos"
CROWD = 3000  # facts that wait to become durable: tills are read no further until there are fewer
Bad = Callable[[bytes, WireError], None]
_TICK = timedelta(microseconds=1)


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
    ) -> None:
        self._facts = facts
        self._cameras = cameras
        self._grouping = grouping
        self._new_id = new_id
        self._metrics = metrics
        self._admission = admission or Admission()
        self._encodings = encodings or Encodings()
        self._now = now
        self._last_at: dict[str, datetime] = {}
        for name in ("camtrace_pos_lines_total", "camtrace_pos_errors_total"):
            metrics.add(name, 0)  # shown from the start

    def resume(self, last_received: Mapping[str, datetime]) -> None:
        """Keep instants increasing after a restart: the last one stored of each source."""
        self._last_at.update(last_received)

    @property
    def is_crowded(self) -> bool:
        """Whether senders must wait because facts do not become durable as fast as they come."""
        return self._facts.waiting > CROWD

    def received(self, lines: Sequence[bytes], peer: str, encoding: str, bad: Bad) -> defer.Deferred[None]:
        """Record what `lines` say; fires when all are durable. One that says nothing is counted and given to `bad`.

        `encoding`: of those for which nothing else is set.
        """
        facts = []
        for raw in lines:
            try:
                message = decode(raw, self._encodings.of(raw, peer, encoding))
                if not self._admission.source(message.source):
                    raise WireError("its name is not among [pos] sources", "stranger_name")
            except WireError as error:
                bad(raw, error)
            else:
                facts.append(self._fact(message, peer))
        self._metrics.add("camtrace_pos_lines_total", len(facts))
        self._metrics.add("camtrace_pos_errors_total", len(lines) - len(facts))
        return self._facts.record_all(facts).addErrback(self._refused, peer)

    def _fact(self, message: Message, peer: str) -> LineReceived:
        at = self._instant(message.source)
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
            )
        )
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
            text=message.text,
            quantity=message.quantity,
            amount=message.amount,
            total=message.total,
            tender=message.tender,
            raw=message.raw,
            cameras=self._cameras.watching(message.source),
        )
        return LineReceived(line.id, line, ticket)

    def _instant(self, source: str) -> datetime:
        """Now, but later than the source's line before, whatever the clock does."""
        at = self._now()
        last = self._last_at.get(source)
        if last is not None and at <= last:
            at = last + _TICK
        self._last_at[source] = at
        return at

    def _refused(self, failure: Failure, peer: str) -> None:
        self.log.error("a line of {peer} did not become durable: {error}", peer=peer, error=failure.getErrorMessage())
