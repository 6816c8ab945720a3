"""A player's connection: bytes in, answers and packets out, timeouts and back-pressure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from camtrace.rtsp import wire
from camtrace.rtsp.delivery import Pipe
from camtrace.rtsp.dialogue import Dialogue, Ends

IDLE_SECONDS = 60  # without a session, a connection that says nothing whole is closed
CLOSE_SECONDS = 10  # a closing connection whose last bytes are not taken is cut off
MOST_WAITING = 32  # requests that wait for their turn before no more is read


@implementer(IPushProducer)
class RtspProtocol(Protocol):
    """Answers requests one after the other; interleaved frames pass between them."""

    transport: Any = None

    log = Logger()

    def __init__(
        self, converse: Callable[[Ends, Pipe], Dialogue], gone: Callable[[RtspProtocol], None], clock: Any
    ) -> None:
        """`converse(ends, pipe)` makes the dialogue, `gone(self)` is told of the end; `clock` is an IReactorTime."""
        self._converse = converse
        self._gone = gone
        self._clock = clock
        self._parser = wire.Parser()
        self._requests: deque[wire.Request] = deque()
        self._busy = False
        self._held = False
        self._broken = ""
        self.closing = False

    def connectionMade(self) -> None:
        peer, host = self.transport.getPeer(), self.transport.getHost()
        self.ends = Ends(getattr(peer, "host", ""), getattr(host, "host", ""))
        self.pipe = Pipe(self.transport.write)
        self.dialogue = self._converse(self.ends, self.pipe)
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._idle = self._clock.callLater(IDLE_SECONDS, self._silent)

    def dataReceived(self, data: bytes) -> None:
        if self.closing or self._broken:
            return
        try:
            for message in self._parser.feed(data):
                self._idle.reset(IDLE_SECONDS)
                if isinstance(message, wire.Interleaved):
                    self.dialogue.interleaved(message)
                else:
                    self._requests.append(message)
        except wire.WireError as error:  # framing lost: answer what came before, say so, close
            self.log.info("player {peer}: {error}", peer=self.ends.peer, error=error)
            self._broken = str(error)
        self._hold()
        self._work()

    def _hold(self) -> None:
        """Read no further while too many requests wait, or their answers are not taken."""
        hold = len(self._requests) >= MOST_WAITING
        if hold != self._held:
            self._held = hold
            if hold:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    def _work(self) -> None:
        if not self._busy:
            self._busy = True
            defer.Deferred.fromCoroutine(self._answer_all()).addErrback(self._failed)

    async def _answer_all(self) -> None:
        try:
            while self._requests and not self.closing and not self.pipe.blocked:
                request = self._requests.popleft()
                response, then = await self.dialogue.answer(request)
                self._write(response, request.header("cseq"))
                then()
                self._hold()
        finally:
            self._busy = False
        if self._broken and not self._requests and not self.closing:
            self._write(wire.Response(400, reason=self._broken), "")
            self.close()

    def _write(self, response: wire.Response, cseq: str) -> None:
        if not self.closing:
            self.pipe.flush()
            self.transport.write(response.serialise(cseq))

    def _failed(self, failure: Failure) -> None:
        self.log.failure("the conversation with player {peer} failed", failure, peer=self.ends.peer)
        self.close()

    def _silent(self) -> None:
        if self.closing:  # the client takes not even the last bytes
            self.abort()
            return
        self._idle = self._clock.callLater(IDLE_SECONDS, self._silent)
        if all(playback.closed for playback in self.dialogue.playbacks):  # a session has a clock of its own
            self.close()

    # ── back-pressure: the transport tells when its buffer is full ──

    def pauseProducing(self) -> None:
        self.pipe.blocked = True

    def resumeProducing(self) -> None:
        self.pipe.blocked = False
        for playback in list(self.dialogue.playbacks):
            playback.resume()
        self._work()

    def stopProducing(self) -> None:
        self.pipe.blocked = True

    # ── the end ──

    def close(self) -> None:
        """Write out what waits, then close."""
        if not self.closing:
            self.closing = True
            self._idle.reset(CLOSE_SECONDS)
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once: the client takes nothing more."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._idle.active():
            self._idle.cancel()
        self.closing = True
        self.pipe.blocked = True
        self.dialogue.close()
        self._gone(self)
