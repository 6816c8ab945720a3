"""Bodies of any length, written no faster than the client reads them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import defer
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from camtrace.errors import CamTraceError

PIECE = 256 * 1024
STALL_SECONDS = 600  # a paused player reads nothing; it asks again by Range when the connection is gone
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


class Unsatisfiable(CamTraceError):
    """The range asked for lies outside the content."""


def read_range(header: str | None, length: int) -> tuple[int, int] | None:
    """First byte and number of bytes that a Range header asks for; None for the whole (RFC 9110 section 14.2).

    A header that is no single byte range is answered by the whole, as the RFC allows. Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":  # the last N bytes
        wanted = min(int(match[2]), length)
        if wanted == 0:
            raise Unsatisfiable("the range is empty")
        return length - wanted, wanted
    first = int(match[1])
    last = min(int(match[2]), length - 1) if match[2] else length - 1
    if match[2] and int(match[2]) < first:
        return None
    if first >= length:
        raise Unsatisfiable("the range begins after the end")
    return first, last - first + 1


@implementer(IPushProducer)
class Flow:
    """Writes to a request while its client reads, for one coroutine. Who reads nothing for long is cut off."""

    def __init__(self, request: Request, reactor: Any, stall_seconds: float = STALL_SECONDS) -> None:
        self._request = request
        self._reactor = reactor
        self._stall_seconds = stall_seconds
        self._flowing: defer.Deferred[None] | None = None
        self._stall: Any = None
        self._gone = False
        self.paused = False
        request.notifyFinish().addBoth(self._finished)
        request.registerProducer(self, True)

    async def write(self, data: bytes) -> None:
        """Write `data` once the client has read enough of what came before. Raises CancelledError when it left."""
        await self.ready()
        self._request.write(data)

    async def ready(self) -> None:
        """Returns when the client reads. Raises CancelledError when it left."""
        while self.paused and not self._gone:
            self._flowing = defer.Deferred()
            await self._flowing
        if self._gone:
            raise defer.CancelledError

    def end(self) -> None:
        """No more will be written."""
        self._stop_stall()
        if not self._gone:
            self._gone = True
            self._request.unregisterProducer()

    def pauseProducing(self) -> None:
        self.paused = True
        if self._stall is None:
            self._stall = self._reactor.callLater(self._stall_seconds, self._stalled)

    def resumeProducing(self) -> None:
        self.paused = False
        self._stop_stall()
        self._go_on()

    def stopProducing(self) -> None:
        self._gone = True  # whoever writes is cancelled when the request hears of it, which is next
        self._stop_stall()

    def _finished(self, _: object) -> None:
        self._gone = True
        self._stop_stall()
        self._go_on()

    def _go_on(self) -> None:
        flowing, self._flowing = self._flowing, None
        if flowing is not None:
            flowing.callback(None)

    def _stalled(self) -> None:
        self._stall = None
        transport: Any = self._request.transport
        transport.abortConnection()

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


async def pour(flow: Flow, read: Callable[[int, int], Awaitable[bytes]], first: int, length: int) -> None:
    """Write `length` bytes from `first` of what `read(offset, length)` gives, piece by piece."""
    while length > 0:
        await flow.ready()
        piece = await read(first, min(PIECE, length))
        if not piece:
            raise EOFError("the footage is shorter than announced")
        await flow.write(piece)
        first += len(piece)
        length -= len(piece)
