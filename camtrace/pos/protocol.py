"""A till's TCP connection: bytes in, lines out. Transport, back-pressure and error policy, nothing else.

A till may say nothing for hours, so silence never closes a connection; a dead peer is found by TCP keepalive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet import defer, protocol, task
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace import clock
from camtrace.pos.admission import Admission
from camtrace.pos.wire import FramingLost, Splitter, WireError, mask

MAX_UNDER_WAY = 1000  # lines of one connection that are not durable yet: it is then read no further
READ_BYTES = 1 << 14
LOG_SECONDS = 60.0
MAX_PEERS_REMEMBERED = 1000
LAST_READING_SECONDS = 0.5  # for what tills have sent when the server stops
LAST_PATIENCE_SECONDS = 1.0  # for that to become durable; the intake goes on when it takes longer
QUIET_TURNS = 2  # of the reactor, without a word of any till: the first may be half over


class Receiver(Protocol):
    """Who takes the lines: `service.Tills`."""

    @property
    def is_crowded(self) -> bool: ...

    def received(
        self, lines: Sequence[bytes], peer: str, encoding: str, bad: Callable[[bytes, WireError], None]
    ) -> defer.Deferred[None]: ...


class TillConnection(protocol.Protocol):
    """One connection of one till, or of a concentrator that speaks for several."""

    factory: TillFactory
    transport: Any

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._peer = ""
        self._accepted = False
        self._ended = False
        self._under_way = 0
        self._paused = False

    def connectionMade(self) -> None:
        self._peer = getattr(self.transport.getPeer(), "host", "local")
        if reason := self.factory.refusal(self._peer):
            self.factory.complain(self._peer, reason)
            self.transport.abortConnection()
            return
        self._accepted = True
        self.factory.connections[self._peer] += 1
        self.factory.open.add(self)
        self.transport.bufferSize = READ_BYTES
        if hasattr(self.transport, "setTcpKeepAlive"):
            self.transport.setTcpKeepAlive(True)

    def dataReceived(self, data: bytes) -> None:
        if not self._accepted or self._ended:
            return
        self.factory.reads += 1
        try:
            self._take(self._splitter.feed(data))
        except FramingLost as lost:
            self._ended = True
            self._take(lost.before)
            self.factory.complain(self._peer, f"closed: {lost}")
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if not self._accepted:
            return
        self.factory.open.discard(self)
        self.factory.connections[self._peer] -= 1
        if not self.factory.connections[self._peer]:
            del self.factory.connections[self._peer]
        if not self._ended:
            self._take(self._splitter.flush())

    def leave(self) -> None:
        """End it from our side. A line without an end counts, as when the till ends it."""
        self._ended = True
        self._take(self._splitter.flush())
        self.transport.loseConnection()

    @property
    def is_paused(self) -> bool:
        """Whether it is not read now: it has more to say."""
        return self._paused

    def _take(self, lines: list[bytes]) -> None:
        if not lines:
            return
        receiver = self.factory.receiver
        self._under_way += len(lines)
        self.factory.under_way += len(lines)
        durable = receiver.received(lines, self._peer, self.factory.encoding, self._bad_line)
        durable.addCallback(self._became_durable, len(lines))
        if self._under_way and not self._paused and (self._under_way > MAX_UNDER_WAY or receiver.is_crowded):
            self._paused = True
            self.transport.pauseProducing()

    def _bad_line(self, line: bytes, fault: WireError) -> None:
        self.factory.complain(self._peer, f"{fault}: {mask(line)[:80]!r}")

    def _became_durable(self, _: None, count: int) -> None:
        self._under_way -= count
        self.factory.became_durable(count)
        if self._paused and not self._under_way:
            self._paused = False
            self.transport.resumeProducing()


class TillFactory(protocol.Factory):
    """Makes the connections of one listener. `encoding`: one of `wire.ENCODINGS`."""

    protocol: Any = TillConnection
    log = Logger()

    def __init__(
        self,
        receiver: Receiver,
        *,
        encoding: str = "auto",
        admission: Admission | None = None,
        max_connections: int = 4000,
        max_per_peer: int = 2500,
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.receiver = receiver
        self.encoding = encoding
        self.connections: Counter[str] = Counter()
        self.open: set[TillConnection] = set()
        self.reads = 0
        self.under_way = 0  # lines of all connections that are not durable yet
        self._durable: defer.Deferred[None] | None = None
        self._admission = admission or Admission()
        self._max_connections = max_connections
        self._max_per_peer = max_per_peer
        self._seconds = seconds
        self._complaints: dict[str, _Complaints] = {}

    def refusal(self, peer: str) -> str:
        """Why `peer` may not connect now; "" when it may."""
        if not self._admission.peer(peer):
            return "refused: its address is not among [pos] sources"
        if self.connections.total() >= self._max_connections:
            return f"refused: {self._max_connections} connections are open"
        if self.connections[peer] >= self._max_per_peer:
            return f"refused: it has {self._max_per_peer} connections open"
        return ""

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

    def complain(self, peer: str, reason: str) -> None:
        """Log what is wrong with `peer`: the first time at once, then at most once a period, with how often it was."""
        now = self._seconds()
        known = self._complaints.get(peer)
        if known is not None and now - known.since < LOG_SECONDS:
            known.unsaid += 1
            return
        unsaid = known.unsaid if known else 0
        if len(self._complaints) >= MAX_PEERS_REMEMBERED:
            self._complaints.clear()
        self._complaints[peer] = _Complaints(now)
        self.log.warn("till at {peer}: {reason} ({unsaid} more before)", peer=peer, reason=reason, unsaid=unsaid)


@dataclass(slots=True)
class _Complaints:
    since: float
    unsaid: int = 0
