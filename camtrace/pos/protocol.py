"""A till's TCP connection: bytes in, lines out. Transport, back-pressure and error policy, nothing else.

A till may say nothing for hours, so silence never closes a connection; a dead peer is found by TCP keepalive.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet import defer, protocol, task
from twisted.python.failure import Failure

from camtrace.complaints import Complaints
from camtrace.peers import Silent
from camtrace.pos.admission import Admission
from camtrace.pos.capture import Capture, MaskedStream
from camtrace.pos.dialect import BUILT_IN
from camtrace.pos.dialects import Dialects
from camtrace.pos.framing import Cutter, cutter
from camtrace.pos.reading import Reader
from camtrace.pos.wire import FramingLost, Splitter, WireError, mask, to_text
from camtrace.pos.wrapping import HOLD_SECONDS, Wraps

MAX_UNDER_WAY = 1000  # lines of one connection that are not durable yet: it is then read no further
READ_BYTES = 1 << 14
TURN_BYTES = 2 * READ_BYTES  # understood in one turn of the reactor, of all connections: 50 ms; the rest waits
LATER_BYTES = 4096  # of one connection that wait for a turn: it is then read no further
CROWDED_SECONDS = 0.01  # until it is looked again whether facts still wait to become durable
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
        self._release: Any = None  # the call that lets the line go which may have half of a card's number
        self._generation = 0  # of the dialects, when it was last asked what this till speaks
        self._shown: MaskedStream | None = None
        self._number = 0
        self._peer = ""
        self._accepted = False
        self._ended = False
        self._under_way = 0
        self._paused = False
        self._later = b""  # what was read when this turn of the reactor had no room for it
        self._is_lost = False
        self._has_spoken = False
        self._bad = 0  # lines that could not be read

    def connectionMade(self) -> None:
        self._peer = getattr(self.transport.getPeer(), "host", "local")
        if not self.factory.admits(self._peer):
            self.transport.abortConnection()
            return
        self._accepted = True
        self.factory.connections[self._peer] += 1
        self.factory.open.add(self)
        self.factory.silent.add(self._peer, self)
        self.transport.bufferSize = READ_BYTES
        if hasattr(self.transport, "setTcpKeepAlive"):
            self.transport.setTcpKeepAlive(True)

    def dataReceived(self, data: bytes) -> None:
        if not self._accepted or self._ended:
            return
        self.factory.reads += 1
        if self._later:
            self._later += data
        elif self.factory.has_room(len(data)):
            self._understand(data)
        else:
            self._later = data
            self.factory.wait(self)
        # a till may go on by another connection: it would be overtaken if this one were left unread for less
        if len(self._later) > LATER_BYTES and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def go_on(self) -> int:
        """Understand what was read before; answers how many bytes that is."""
        data, self._later = self._later, b""
        if data and not self._ended:
            self._understand(data)
        if self._is_lost and data:
            self._end()
        else:
            self._read_on()
        return len(data)

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
            self._let_go()
            self.factory.receiver.lost(self._peer, lost)
            self.factory.complaints.tell(self._peer, lost.code, f"closed: {lost}", limit=lost.limit // 1024)
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if not self._accepted:
            return
        self.factory.open.discard(self)
        self.factory.silent.discard(self._peer, self)
        self.factory.connections[self._peer] -= 1
        if not self.factory.connections[self._peer]:
            del self.factory.connections[self._peer]
        self._is_lost = True
        if not self._later:
            self._end()

    def _end(self) -> None:
        """All that it has sent is understood, but for a line without an end: that counts."""
        if not self._ended:
            self._take(self._splitter.flush())
        self._let_go()
        if self._shown is not None and self.factory.capture is not None:
            self.factory.capture.read(self._peer, self._number, self._shown.flush())
        if self._reader is not None and self.factory.dialects is not None:
            self.factory.dialects.left(self._peer, self._reader)

    def leave(self) -> None:
        """End it from our side. A line without an end counts, as when the till ends it."""
        self._ended = True
        self._take(self._splitter.flush())
        self._let_go()
        self.transport.loseConnection()

    @property
    def is_paused(self) -> bool:
        """Whether it is not read now: it has more to say."""
        return self._paused

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
        self._let_go()
        self._wraps = Wraps(dialect is not None) if dialect is None or dialect.kind == "receipt" else None
        self._reader = None if dialect is None else dialects.reader(self._peer, dialect)

    def _show(self, data: bytes) -> None:
        capture = self.factory.capture
        if capture is not None:
            if self._shown is None:
                self._shown, self._number = MaskedStream(not self._splitter.holds), next(capture.numbers)
            capture.read(self._peer, self._number, self._shown.feed(data))

    def _take(self, lines: list[bytes]) -> None:
        if self._wraps is None or not lines:
            self._hand_on(lines)
            return
        self._hand_on(self._wraps.feed(lines))
        if self._release is not None:
            self._release.cancel()
            self._release = None
        if self._wraps.holds:
            self._release = self.factory.later(HOLD_SECONDS, self._waited)

    def _waited(self) -> None:
        """What has come by now is read first: a server that was busy for so long has not looked yet."""
        self._release = self.factory.later(0, self._let_go)

    def _let_go(self) -> None:
        """The line that was held until the next one is seen goes on without it."""
        waiting, self._release = self._release, None
        if waiting is not None and waiting.active():
            waiting.cancel()
        if self._wraps is not None:
            self._hand_on(self._wraps.flush())

    def _hand_on(self, lines: list[bytes]) -> None:
        if not lines:
            return
        receiver, bad = self.factory.receiver, self._bad
        self._under_way += len(lines)
        self.factory.under_way += len(lines)
        durable = receiver.received(lines, self._peer, self._encoding, self._bad_line, self._reader)
        durable.addCallback(self._became_durable, len(lines))
        if not self._has_spoken and self._bad - bad < len(lines):
            self._has_spoken = True
            self.factory.silent.discard(self._peer, self)
        is_crowded = receiver.is_crowded and not self.factory.takes_turns  # else it waits for its turn
        if self._under_way and not self._paused and (self._under_way > MAX_UNDER_WAY or is_crowded):
            self._paused = True
            self.transport.pauseProducing()

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
    """Makes the connections of one listener. `encoding`: one of `wire.ENCODINGS`; `dialect`: its name."""

    protocol: Any = TillConnection

    def __init__(
        self,
        receiver: Receiver,
        complaints: Complaints,
        *,
        encoding: str = "auto",
        admission: Admission | None = None,
        max_connections: int = 4000,
        max_per_peer: int = 2500,
        dialect: str = BUILT_IN,
        dialects: Dialects | None = None,
        capture: Capture | None = None,
        reactor: Any = None,
    ) -> None:
        """`reactor`: whose turns the connections share; without one each is understood as it is read."""
        self.receiver = receiver
        self.complaints = complaints
        self.encoding = encoding
        self.dialect = dialect
        self.dialects = dialects
        self.capture = capture
        self.connections: Counter[str] = Counter()
        self.open: set[TillConnection] = set()
        self.silent: Silent[TillConnection] = Silent()
        self.reads = 0
        self.under_way = 0  # lines of all connections that are not durable yet
        self._reactor = reactor
        self._room = 0  # bytes that may be understood in this turn of the reactor
        self._turn: Any = None
        self._waiting: deque[TillConnection] = deque()  # those with bytes for which there was none, in order of reading
        self._durable: defer.Deferred[None] | None = None
        self._admission = admission or Admission()
        self._max_connections = max_connections
        self._max_per_peer = max_per_peer

    @property
    def generation(self) -> int:
        """Another one than before where what a till speaks may have changed."""
        return 0 if self.dialects is None else self.dialects.generation

    @property
    def is_captured(self) -> bool:
        """Whether somebody looks at what tills send."""
        return self.capture is not None and self.capture.active

    @property
    def takes_turns(self) -> bool:
        """Whether what is read is understood in turns of the reactor."""
        return self._reactor is not None

    def admits(self, peer: str) -> bool:
        """Whether `peer` may connect now; if not, that is told."""
        if not self._admission.peer(peer):
            self.complaints.tell(peer, "stranger", "refused: its address is not among [pos] sources")
        elif self.connections[peer] >= (most := self._max_per_peer):
            self.complaints.tell(peer, "too_many", f"refused: it has {most} connections open", open=most)
        elif len(self.open) >= (most := self._max_connections) and not self._make_room(peer, most):
            self.complaints.tell(peer, "crowd", f"refused: {most} connections are open", open=most)
        else:
            return True
        return False

    def has_room(self, count: int) -> bool:
        """Whether so many bytes may be understood now; if so, there is room for so many less in this turn.

        A till may have ended one connection and gone on by another: what was read first is understood first.
        """
        if not self.takes_turns:
            return True
        if self._waiting or self.receiver.is_crowded:
            return False
        if self._turn is None:
            self._room = TURN_BYTES
            self._turn = self._reactor.callLater(0, self._next_turn)
        if self._room <= 0:
            return False
        self._room -= count
        return True

    def later(self, seconds: float, call: Callable[[], object]) -> Any:
        """Call that after so long; at once, and None, where there are no turns."""
        if self.takes_turns:
            return self._reactor.callLater(seconds, call)
        call()
        return None

    def wait(self, connection: TillConnection) -> None:
        """It has read what there was no room for."""
        self._waiting.append(connection)
        if self._turn is None:
            self._turn = self._reactor.callLater(CROWDED_SECONDS, self._next_turn)

    def _next_turn(self) -> None:
        self._turn = None
        self._room = 0 if self.receiver.is_crowded else TURN_BYTES
        while self._waiting and self._room > 0:
            self._room -= self._waiting.popleft().go_on()
        if self._waiting:
            seconds = CROWDED_SECONDS if self.receiver.is_crowded else 0
            self._turn = self._reactor.callLater(seconds, self._next_turn)

    def _make_room(self, peer: str, most: int) -> bool:
        """Whether one went that has said no line, of the address with most of those: `peer` gets its place."""
        found = self.silent.to_give_way(peer)
        if found is None:
            return False
        other, connection = found
        self.complaints.tell(other, "gave_way", f"closed, it has said no line: {most} connections are open", open=most)
        self.open.discard(connection)
        self.silent.discard(other, connection)
        connection.transport.abortConnection()
        return True

    def became_durable(self, count: int) -> None:
        """So many more lines are durable."""
        self.under_way -= count
        if self._durable is not None:
            waiting, self._durable = self._durable, None
            waiting.callback(None)

    async def leave(self, reactor: Any) -> None:
        """End all connections once what the tills have sent by now is read; returns when it is durable.

        A till that never stops sending, and a database that does not answer, are not waited for.
        """
        deadline = reactor.seconds() + LAST_READING_SECONDS
        quiet = 0
        while quiet < QUIET_TURNS and reactor.seconds() < deadline:
            before = self.reads
            if any(connection.is_paused for connection in self.open):
                await self._some_durable(reactor, deadline)
                quiet = 0
            else:
                await task.deferLater(reactor, 0)
                quiet = 0 if self.reads > before else quiet + 1
        while self._waiting:
            self._waiting.popleft().go_on()
        for connection in tuple(self.open):
            connection.leave()
        deadline = reactor.seconds() + LAST_PATIENCE_SECONDS
        while self.under_way and reactor.seconds() < deadline:
            await self._some_durable(reactor, deadline)
        await task.deferLater(reactor, 0)
        for connection in tuple(self.open):  # over TLS, a peer that does not say goodbye
            connection.transport.abortConnection()

    async def _some_durable(self, reactor: Any, deadline: float) -> None:
        """Until some more lines are durable, or the deadline."""
        waiting = self._durable = defer.Deferred()
        waiting.addTimeout(max(0.0, deadline - reactor.seconds()), reactor, lambda result, _: None)
        await waiting
        self._durable = None
