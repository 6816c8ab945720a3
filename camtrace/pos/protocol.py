"""A till's TCP connection: bytes in, lines out. Transport, back-pressure and error policy, nothing else.

A till may say nothing for hours, so silence never closes a connection; a dead peer is found by TCP keepalive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet import defer, protocol, task
from twisted.python.failure import Failure

from camtrace.complaints import Complaints
from camtrace.peers import Places
from camtrace.pos.admission import Admission
from camtrace.pos.capture import Capture, MaskedStream
from camtrace.pos.dialect import BUILT_IN
from camtrace.pos.dialects import Dialects
from camtrace.pos.framing import Cutter, cutter
from camtrace.pos.reading import Reader
from camtrace.pos.wire import FramingLost, Splitter, WireError, mask, to_text
from camtrace.pos.wrapping import Wraps
from camtrace.turns import CROWDED_SECONDS, Order, Turns, unread_bytes

MAX_UNDER_WAY = 1000  # lines of one connection that are not durable yet: it is then read no further
READ_BYTES = 1 << 13
TURN_BYTES = READ_BYTES  # understood in one turn of the reactor, of all connections, 10 ms: the database has turns too
LATER_BYTES = 4096  # of one connection that wait for a turn, or for an earlier one: it is then read no further
MAX_SAMPLE = 80  # characters of a bad line that are told
LAST_READING_SECONDS = 0.5  # for what tills have sent when the server stops
LAST_PATIENCE_SECONDS = 1.0  # for that to become durable; the intake goes on when it takes longer
QUIET_TURNS = 2  # of the reactor, without a word of any till: the first may be half over


class Receiver(Protocol):
    """Who takes the lines: `service.Tills`."""

    @property
    def is_crowded(self) -> bool: ...

    def received(
        self,
        lines: Sequence[bytes],
        peer: str,
        encoding: str,
        bad: Callable[[bytes, WireError], None],
        reader: Reader | None = None,
    ) -> defer.Deferred[None]: ...

    def lost(self, peer: str, fault: WireError) -> None: ...


class TillConnection(protocol.Protocol):
    """One connection of one till, or of a concentrator that speaks for several."""

    factory: TillFactory
    transport: Any

    def __init__(self) -> None:
        self._splitter: Splitter | Cutter = Splitter()
        self._reader: Reader | None = None  # None: the CamTrace protocol
        self._wraps: Wraps | None = Wraps(printed=False)
        self._generation = 0  # of the dialects, when it was last asked what this till speaks
        self._shown: MaskedStream | None = None
        self._number = 0
        self._peer = ""
        self._accepted = False
        self._ended = False
        self._under_way = 0
        self._paused = False
        self._is_sequel = False  # it waits for what its address has said by an earlier connection
        self._later = b""  # what was read when it was not its turn
        self._is_lost = False
        self.read_bytes = 0
        self._has_spoken = False
        self._bad = 0  # lines that could not be read

    def connectionMade(self) -> None:
        self._peer = getattr(self.transport.getPeer(), "host", "local")
        if not self.factory.admits(self._peer):
            self.transport.abortConnection()
            return
        self._accepted = True
        self.factory.open.add(self)
        self._is_sequel = self.factory.order.came(self._peer, self, self.factory.places.of.get(self._peer, {}))
        self.factory.places.take(self._peer, self)
        self.transport.bufferSize = READ_BYTES
        if hasattr(self.transport, "setTcpKeepAlive"):
            self.transport.setTcpKeepAlive(True)

    def dataReceived(self, data: bytes) -> None:
        if not self._accepted or self._ended:
            return
        self.factory.reads += 1
        self.read_bytes += len(data)
        if self._later:
            self._later += data
        elif not self._is_sequel and self.factory.turns.take(len(data)):
            self._understand(data)
        else:
            self._later = data
            self.factory.places.spoke(self._peer, self)  # it may have; else lines of a till would go with it
            if not self._is_sequel:
                self.factory.turns.wait(self)
                self.factory.order.hold(self._peer, self)
        if len(self._later) > LATER_BYTES:
            self._pause()
        elif len(data) >= READ_BYTES:
            self.factory.order.hold(self._peer, self)

    def go_on(self, room: int) -> int:
        """Understand what was read before; answers how many bytes that is."""
        data, self._later = self._later, b""
        if not self._ended:
            self._understand(data)
        if self._is_lost:
            self._end()
            return len(data)
        if not self._has_spoken:
            self.factory.places.said_nothing(self._peer, self)
        self._read_on()
        self.factory.order.understood(self._peer)
        return len(data)

    def let_in(self) -> None:
        """What its address has said before is understood: it need only wait for its turn."""
        self._is_sequel = False
        if self._later:
            self.factory.turns.wait(self)

    def _understand(self, data: bytes) -> None:
        if self.factory.generation != self._generation:
            self._ask_dialect()
        if self.factory.is_captured:
            self._show(data)
        try:
            self._take(self._splitter.feed(data))
        except FramingLost as lost:
            self._ended = True
            self._take(lost.before)
            self.factory.receiver.lost(self._peer, lost)
            self.factory.complaints.tell(self._peer, lost.code, f"closed: {lost}", limit=lost.limit // 1024)
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if not self._accepted:
            return
        self.factory.open.discard(self)
        self._is_lost = True
        if not self._later:
            self._end()

    def _end(self) -> None:
        """All that it has sent is understood, but for a line without an end: that counts."""
        if not self._ended:
            self._take(self._splitter.flush())
        if self._shown is not None and self.factory.capture is not None:
            self.factory.capture.read(self._peer, self._number, self._shown.flush())
        if self._reader is not None and self.factory.dialects is not None:
            self.factory.dialects.left(self._peer, self._reader)
        self.factory.order.left(self._peer, self)
        self.factory.places.free(self._peer, self)

    def leave(self) -> None:
        """End it from our side. A line without an end counts, as when the till ends it."""
        self._ended = True
        self._take(self._splitter.flush())
        self.transport.loseConnection()

    @property
    def is_paused(self) -> bool:
        """Whether it is not read now: it may have more to say."""
        return self._paused and not self._is_lost

    @property
    def unread_bytes(self) -> int:
        """How much the kernel holds of it now."""
        return unread_bytes(self.transport)

    @property
    def waits(self) -> bool:
        """Whether it has read what is not understood yet."""
        return bool(self._later)

    def _ask_dialect(self) -> None:
        """What this till speaks may have been changed: what it says from here on is read so."""
        dialects = self.factory.dialects
        if dialects is None:
            return
        self._generation = dialects.generation
        dialect = dialects.of(self._peer, self.factory.dialect)
        before = self._reader.dialect if self._reader else None
        if dialect is before:
            return
        if dialect is None or before is None or dialect.framing != before.framing:
            self._take(self._splitter.flush())
            self._splitter = cutter(dialect)
        self._wraps = Wraps(dialect is not None) if dialect is None or dialect.kind == "receipt" else None
        self._reader = None if dialect is None else dialects.reader(self._peer, dialect)

    def _show(self, data: bytes) -> None:
        capture = self.factory.capture
        if capture is not None:
            if self._shown is None:
                self._shown, self._number = MaskedStream(not self._splitter.holds), next(capture.numbers)
            capture.read(self._peer, self._number, self._shown.feed(data))

    def _take(self, lines: list[bytes]) -> None:
        if not lines:
            return
        if self._wraps is not None:
            lines = self._wraps.feed(lines)
        receiver, bad = self.factory.receiver, self._bad
        self._under_way += len(lines)
        self.factory.under_way += len(lines)
        durable = receiver.received(lines, self._peer, self._encoding, self._bad_line, self._reader)
        durable.addCallback(self._became_durable, len(lines))
        if not self._has_spoken and self._bad - bad < len(lines):
            self._has_spoken = True
            self.factory.places.spoke(self._peer, self)
        if self._under_way > MAX_UNDER_WAY:
            self._pause()

    def _pause(self) -> None:
        """Read it no further. Its till may hang up and go on by another connection: that one waits for this one."""
        if not self._paused and not self._is_lost:
            self._paused = True
            self.transport.pauseProducing()
            self.factory.order.hold(self._peer, self)

    @property
    def _encoding(self) -> str:
        """That of the dialect, unless it leaves it to the listener."""
        own = "auto" if self._reader is None else self._reader.dialect.encoding
        return self.factory.encoding if own == "auto" else own

    def _bad_line(self, line: bytes, fault: WireError) -> None:
        self._bad += 1
        sample = mask(line)[:MAX_SAMPLE]
        self.factory.complaints.tell(
            self._peer, fault.code, f"{fault}: {sample!r}", line=to_text(sample, self._encoding)
        )

    def _became_durable(self, _: None, count: int) -> None:
        self._under_way -= count
        self.factory.became_durable(count)
        self._read_on()

    def _read_on(self) -> None:
        """Read further, once all that was read is understood and durable."""
        if self._paused and not self._under_way and not self._later and not self._is_lost:
            self._paused = False
            self.transport.resumeProducing()


class TillFactory(protocol.Factory):
    """Makes the connections of one listener. `encoding`: one of `wire.ENCODINGS`; `dialect`: its name.

    A connection has its place until all that came by it is understood, so that memory is bounded by `max_connections`.
    """

    protocol: Any = TillConnection

    def __init__(
        self,
        receiver: Receiver,
        complaints: Complaints,
        reactor: Any,
        *,
        encoding: str = "auto",
        admission: Admission | None = None,
        max_connections: int = 4000,
        max_per_peer: int = 2500,
        dialect: str = BUILT_IN,
        dialects: Dialects | None = None,
        capture: Capture | None = None,
    ) -> None:
        self.receiver = receiver
        self.complaints = complaints
        self.encoding = encoding
        self.dialect = dialect
        self.dialects = dialects
        self.capture = capture
        self.open: set[TillConnection] = set()
        self.places: Places[TillConnection] = Places(max_connections, max_per_peer, self._gives_way)
        self.turns: Turns[TillConnection] = Turns(reactor, TURN_BYTES, lambda: receiver.is_crowded)
        self.order: Order[TillConnection] = Order(reactor, READ_BYTES)
        self.reads = 0
        self.under_way = 0  # lines of all connections that are not durable yet
        self._reactor = reactor
        self._durable: defer.Deferred[None] | None = None
        self._admission = admission or Admission()

    @property
    def generation(self) -> int:
        """Another one than before where what a till speaks may have changed."""
        return 0 if self.dialects is None else self.dialects.generation

    @property
    def is_captured(self) -> bool:
        """Whether somebody looks at what tills send."""
        return self.capture is not None and self.capture.active

    def admits(self, peer: str) -> bool:
        """Whether `peer` may connect now; if not, that is told."""
        if not self._admission.peer(peer):
            self.complaints.tell(peer, "stranger", "refused: its address is not among [pos] sources")
        elif (full := self.places.refused(peer)) is not None:
            self.complaints.tell(peer, full.code, f"refused: {full.reason}", open=full.most)
        else:
            return True
        return False

    def _gives_way(self, peer: str, connection: TillConnection) -> None:
        most = self.places.most
        self.complaints.tell(peer, "gave_way", f"closed, it has said no line: {most} connections are open", open=most)
        self.open.discard(connection)
        connection.transport.abortConnection()

    def became_durable(self, count: int) -> None:
        """So many more lines are durable."""
        self.under_way -= count
        if self._durable is not None:
            waiting, self._durable = self._durable, None
            waiting.callback(None)

    async def leave(self) -> None:
        """End all connections once what the tills have sent by now is read; returns when it is durable.

        A till that never stops sending, and a database that does not answer, are not waited for.
        """
        deadline = self._reactor.seconds() + LAST_READING_SECONDS
        quiet = 0
        while quiet < QUIET_TURNS and self._reactor.seconds() < deadline:
            before = self.reads
            if any(connection.is_paused for connection in self.open):
                await self._some_durable(CROWDED_SECONDS)  # nothing need be under way: it may wait for its turn
                quiet = 0
            else:
                await task.deferLater(self._reactor, 0)
                quiet = 0 if self.reads > before else quiet + 1
        self.order.finish()
        self.turns.finish()
        for connection in tuple(self.open):
            connection.leave()
        deadline = self._reactor.seconds() + LAST_PATIENCE_SECONDS
        while self.under_way and self._reactor.seconds() < deadline:
            await self._some_durable(deadline - self._reactor.seconds())
        await task.deferLater(self._reactor, 0)
        for connection in tuple(self.open):  # over TLS, a peer that does not say goodbye
            connection.transport.abortConnection()

    async def _some_durable(self, seconds: float) -> None:
        """Until some more lines are durable, or so long."""
        waiting = self._durable = defer.Deferred()
        waiting.addTimeout(max(0.0, seconds), self._reactor, lambda result, _: None)
        await waiting
        self._durable = None
