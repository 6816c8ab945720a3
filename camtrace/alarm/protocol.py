"""The control channel's connections: text and HTTP on one port, told apart by the first bytes.

A camera sends its message as text, with or without an end, or as an HTTP request. Whoever says nothing (a camera's
Test button) raises nothing. Limits: see `[alarm]` in etc/camtrace.toml.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Sequence
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from twisted.internet import defer, protocol, task
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from zope.interface import implementer

from camtrace.alarm.wire import MAX_LINE, Call, Splitter, WireError, from_parameters, parse
from camtrace.model import Camera
from camtrace.peers import Peers, Places
from camtrace.turns import Turns

SHORT_SILENCE_SECONDS = 0.5  # after it, a whole message counts although nothing ended it
IDLE_SECONDS = 60.0  # a text connection that says nothing for so long is closed
HTTP_SECONDS = 30.0  # for a whole request, its body included
FORM_BYTES = 64 << 10  # of a body that are kept, to be read as a form
BODY_BYTES = 10 << 20  # of a body that are taken in: cameras send pictures, which are not kept
MAX_SAMPLE = 80
HTTP_READ_BYTES = 1 << 16
READ_BYTES = 1024  # of text, at once: then it is the turn of others
MOST_UNDER_WAY = 50  # messages of one connection that are not durable: it is read no further until they are
CROWD = 200  # of all connections together
TURN_MESSAGES = 25  # of all connections in one turn of the reactor, some 2 ms: what more they sent waits for the next
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
_REQUEST = re.compile(rb"(?:%s) " % b"|".join(_METHODS))
_PATHS = ("/alarm", "/alarme")


class Receiver(Protocol):
    """Who gives the messages their meaning: `service.ControlChannel`."""

    def called(self, call: Call, peer: str, cause: str) -> Awaitable[Sequence[Camera]]: ...
    def not_understood(self, peer: str, code: str, reason: str, sample: str = "") -> None: ...


def speaks_http(head: bytes) -> bool | None:
    """Whether a connection that begins so speaks HTTP; None while that is open."""
    if _REQUEST.match(head):
        return True
    return None if any((method + b" ").startswith(head) for method in _METHODS) else False


@implementer(IHalfCloseableProtocol)
class ControlConnection(protocol.Protocol):
    """One connection: a camera, a contact box, a program, or a person with telnet."""

    factory: ControlFactory
    transport: Any

    def __init__(self) -> None:
        self._peer = ""
        self._accepted = False
        self._ended = False
        self._is_lost = False
        self._head: bytes | None = b""
        self._splitter = Splitter()
        self._http: Any = None
        self._timer: Any = None
        self._waiting: deque[bytes] = deque()  # messages for which this turn of the reactor had no room
        self._under_way = 0
        self._paused = False

    def connectionMade(self) -> None:
        self._peer = getattr(self.transport.getPeer(), "host", "local")
        if not self.factory.admits(self._peer):
            self.transport.abortConnection()
            return
        self._accepted = True
        self.factory.places.take(self._peer, self)
        self.transport.bufferSize = READ_BYTES
        self._wait(IDLE_SECONDS, self.transport.abortConnection)

    def dataReceived(self, data: bytes) -> None:
        if not self._accepted or self._ended:
            return
        if self._head is not None:
            self._head += data
            is_http = speaks_http(self._head)
            if is_http is None:
                return
            data, self._head = self._head, None
            if is_http:
                self.transport.bufferSize = HTTP_READ_BYTES
                self._wait(HTTP_SECONDS, self.transport.abortConnection)
                self._http = self.factory.http_channel(self)
        if self._http is not None:
            self._http.dataReceived(data)
            return
        self._text(data)

    def readConnectionLost(self) -> None:
        """The other side has said all it wanted: what it said counts. An HTTP client still gets its answer."""
        if self._http is None:
            self._flush()
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if not self._accepted:
            return
        self._is_lost = True
        self._stop_waiting()
        if self._http is not None:
            self._http.connectionLost(reason)
        elif not self._ended:
            self._flush()
        if not self._waiting:
            self.factory.places.free(self._peer, self)

    def leave(self) -> None:
        """End it from our side. A message without an end counts, as when the camera ends it."""
        if self._http is None:
            self._flush()
        self._ended = self._http is None
        self.transport.loseConnection()

    # ── text ──

    def _text(self, data: bytes) -> None:
        try:
            self._take(self._splitter.feed(data))
        except WireError as error:
            self._ended = True
            self.factory.receiver.not_understood(self._peer, error.code, f"closed: {error}", str(MAX_LINE))
            self.transport.abortConnection()
            return
        if self._paused:
            self._stop_waiting()  # it is we who are silent
        else:
            self._wait_for_more()

    def _wait_for_more(self) -> None:
        if self._is_whole(self._splitter.holds):
            self._wait(SHORT_SILENCE_SECONDS, self._silent)
        else:
            self._wait(IDLE_SECONDS, self.transport.abortConnection)

    @staticmethod
    def _is_whole(held: bytes) -> bool:
        try:
            return bool(held.strip()) and bool(parse(held))
        except WireError:
            return False

    def _silent(self) -> None:
        self._flush()
        self._wait(IDLE_SECONDS, self.transport.abortConnection)

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head:
            self._text(head)
        self._take(self._splitter.flush())

    def _take(self, messages: Sequence[bytes]) -> None:
        waits = self.waits
        self._waiting.extend(messages)
        if not waits:
            while self._waiting and self.factory.turns.take(1):
                self._one(self._waiting.popleft())
            if self._waiting:
                self.factory.turns.wait(self)
        self._pause_or_read_on()

    @property
    def waits(self) -> bool:
        """Whether it has sent messages for which there was no room."""
        return bool(self._waiting)

    def go_on(self, room: int) -> int:
        """Take what has come, as far as there is room for it; answers how many messages that were."""
        count = min(room, len(self._waiting))
        for _ in range(count):
            self._one(self._waiting.popleft())
        self._pause_or_read_on()
        if self._is_lost and not self._waiting:
            self.factory.places.free(self._peer, self)
        return count

    def _pause_or_read_on(self) -> None:
        crowded = self._under_way > MOST_UNDER_WAY or self.factory.is_crowded
        if self._waiting or (self._under_way and crowded):
            if not self._paused and not self._ended and not self._is_lost:
                self._paused = True
                self.transport.pauseProducing()
        elif self._paused:
            self._read_on()

    def _one(self, message: bytes) -> None:
        try:
            call = parse(message)
        except WireError as error:
            sample = message[:MAX_SAMPLE].decode("utf-8", "replace").strip()
            self.factory.receiver.not_understood(self._peer, error.code, f"{error}: {sample!r}", sample)
        else:
            self.factory.places.spoke(self._peer, self)
            self._under_way += 1
            done = self.factory.run(self.factory.receiver.called(call, self._peer, "tcp"))
            done.addCallback(self._became_durable)

    def _became_durable(self, _: None) -> None:
        self._under_way -= 1
        if self._paused and not self._under_way and not self._waiting:
            self._read_on()

    def _read_on(self) -> None:
        self._paused = False
        if not self._is_lost:
            self._wait_for_more()
            self.transport.resumeProducing()

    # ── time ──

    def _wait(self, seconds: float, then: Any) -> None:
        self._stop_waiting()
        self._timer = self.factory.reactor.callLater(seconds, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


class AlarmRequest(http.Request):
    """A request to `/alarm`: its query and its form say what is wanted. Any method will do; a picture is dropped."""

    content: Any
    channel: Any
    _taken = 0

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length is not None and length > BODY_BYTES:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken > BODY_BYTES:
            self._refuse()
        elif self.content.tell() < FORM_BYTES:
            self.content.write(data[:FORM_BYTES])

    def process(self) -> None:
        """Raise what is asked for; the answer goes out when that is durable."""
        control = self.channel.control
        control.factory.places.spoke(control._peer, control)
        self.responseHeaders.setRawHeaders("Connection", ["close"])
        self.channel.persistent = False  # and so it is: it would count among the open ones until its time is over
        address = urlsplit(self.uri.decode("latin-1"))
        if address.path.rstrip("/").lower() not in _PATHS:
            self._answer(404, "the address is /alarm")
            return
        fields = parse_qsl(address.query, keep_blank_values=True, max_num_fields=None)
        if "form-urlencoded" in (self.getHeader("content-type") or "").lower() and self._taken <= FORM_BYTES:
            fields += parse_qsl(self.content.getvalue().decode("utf-8", "replace"), keep_blank_values=True)
        control.factory.run(self._raise(from_parameters(fields[:100])))

    async def _raise(self, call: Call) -> None:
        control = self.channel.control
        try:
            cameras = await control.factory.receiver.called(call, control._peer, "http")
        except Exception:
            self._answer(503, "not now")
            raise
        if cameras:
            self._answer(200, f"alarm {','.join(str(camera.id) for camera in cameras)}")
        else:
            self._answer(404, "no such camera" if call.ids_given else "no camera, or several, at your address")

    def _answer(self, status: int, text: str) -> None:
        if self._disconnected:
            return
        body = f"{text}\n".encode()
        self.setResponseCode(status)
        self.responseHeaders.setRawHeaders("Content-Type", ["text/plain; charset=utf-8"])
        self.responseHeaders.setRawHeaders("Content-Length", [str(len(body))])
        if self.method != b"HEAD":
            self.write(body)  # type: ignore[no-untyped-call]
        self.finish()  # type: ignore[no-untyped-call]

    def _refuse(self) -> None:
        control = self.channel.control
        control.factory.receiver.not_understood(control._peer, "body", "closed: its request's body is too long")
        self.channel.transport.abortConnection()


class _HttpChannel(http.HTTPChannel):
    """The HTTP half of a connection, which knows the whole."""

    control: ControlConnection
    requestFactory: Any = AlarmRequest


class ControlFactory(protocol.Factory):
    """Makes the connections of the control channel. One has its place until all messages that came by it are taken."""

    protocol: Any = ControlConnection
    log = Logger()

    def __init__(
        self,
        receiver: Receiver,
        reactor: Any,
        *,
        peers: Peers | None = None,
        max_connections: int = 500,
        max_per_peer: int = 100,
    ) -> None:
        self.receiver = receiver
        self.reactor = reactor
        self.places: Places[ControlConnection] = Places(max_connections, max_per_peer, self._gives_way)
        self.turns: Turns[ControlConnection] = Turns(reactor, TURN_MESSAGES)
        self._peers = peers or Peers()
        self._under_way: set[defer.Deferred[Any]] = set()
        self._http = http.HTTPFactory(reactor=reactor)  # only for what its channels ask of it: time, and no log
        self._http.log = lambda request: None  # type: ignore[method-assign]

    def admits(self, peer: str) -> bool:
        """Whether `peer` may connect now; if not, that is told."""
        if not self._peers.admits(peer):
            self.receiver.not_understood(peer, "refused", "refused: its address is not among [alarm] allow")
        elif (full := self.places.refused(peer)) is not None:
            self.receiver.not_understood(peer, full.code, f"refused: {full.reason}")
        else:
            return True
        return False

    def _gives_way(self, peer: str, connection: ControlConnection) -> None:
        self.receiver.not_understood(peer, "crowd", "closed, it has sent no message: too many connections are open")
        connection.transport.abortConnection()

    def http_channel(self, control: ControlConnection) -> _HttpChannel:
        """What speaks HTTP on this connection from now on."""
        channel = _HttpChannel()  # type: ignore[no-untyped-call]
        channel.control = control
        channel.factory = self._http
        channel.timeOut = None  # the connection has its own
        channel.callLater = self.reactor.callLater  # type: ignore[method-assign]
        channel.makeConnection(control.transport)  # type: ignore[no-untyped-call]
        return channel

    @property
    def is_crowded(self) -> bool:
        """Whether senders must wait because triggers do not become durable as fast as they come."""
        return len(self._under_way) >= CROWD

    def run(self, work: Awaitable[Any]) -> defer.Deferred[None]:
        """Let something go on until it is done, which the answer tells; the stop waits for it."""
        running: defer.Deferred[Any] = defer.ensureDeferred(work)  # type: ignore[arg-type]
        self._under_way.add(running)

        def done(result: Any) -> None:
            self._under_way.discard(running)
            if isinstance(result, Failure):
                self.log.failure("an alarm could not be raised", result)

        return running.addBoth(done)

    async def leave(self) -> None:
        """End all connections; returns when what they asked for is durable."""
        for connection in tuple(self.places.taken):
            connection.leave()
        while self.turns.are_awaited:
            await task.deferLater(self.reactor, 0)
        await defer.DeferredList(list(self._under_way))
        for connection in tuple(self.places.taken):
            connection.transport.abortConnection()
