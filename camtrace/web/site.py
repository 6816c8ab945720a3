"""The site as Twisted serves it: HTTP/1.1 only, bounded bodies, an access log, ears for a till at the wrong door."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from twisted.internet import defer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.web.http import HTTPChannel
from twisted.web.server import Request, Site

from camtrace import clock
from camtrace.web.problems import ErrorPage, Problems
from camtrace.web.routing import Apps, HasApp

BODY_LIMIT = 1 << 20
IDLE_SECONDS = 60  # between requests and inside one; an answer under way may be silent for as long as it likes
LINGER_SECONDS = 2
LEAVE_SECONDS = 1.5  # for changes under way when the server stops
NOTE_SECONDS = 3600

_METHOD = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|PRI) ", re.IGNORECASE)
_SECRET_PATH = re.compile(r"^(/setup/|/first-run/).+")


class LimitedRequest(Request):
    """A request whose body is kept in memory and refused with 413 when it is longer than `BODY_LIMIT`."""

    content: Any
    channel: Any
    refused = False

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length is not None and length > BODY_LIMIT:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        if self.refused:
            return
        if self.content.tell() + len(data) > BODY_LIMIT:
            self._refuse()
        else:
            self.content.write(data)

    def _refuse(self) -> None:
        self.refused = True
        self.requestHeaders.removeHeader(b"expect")  # nobody shall be told to go on
        self.channel.refuse_body()


class Channel(HTTPChannel):
    """An HTTP/1.1 connection that notices when a till speaks to it, and ends politely when it is sent too much."""

    transport: Any
    site: WebSite

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._head: bytes | None = b""  # the first bytes, until it is clear who speaks
        self._lingering: Any = None

    def dataReceived(self, data: bytes) -> None:
        if self._head is not None:
            self._head = (self._head + data)[:512]
            if till_speaks(self._head):
                self.site.till_came(self.transport.getPeer())
                self._head = None
                self._ignore_the_rest()
                self.transport.abortConnection()
                return
            if b"\n" in self._head or _METHOD.match(self._head):
                self._head = None
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def refuse_body(self) -> None:
        """The body is longer than it may be."""
        self._refuse(b"413 Content Too Large", b"the body is too long")

    def lineLengthExceeded(self, line: bytes) -> None:
        self._refuse(b"431 Request Header Fields Too Large", b"the request's head is too long")

    def _refuse(self, status: bytes, message: bytes) -> None:
        """Answer and read on for a moment: a connection closed on unread data would lose the answer."""
        self._ignore_the_rest()
        body = b'{"error": {"code": "too_large", "message": "%s", "field": null}}' % message
        self.transport.write(
            b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (status, len(body), body)
        )
        self.setTimeout(None)  # type: ignore[no-untyped-call]
        self._lingering = self.site.reactor.callLater(LINGER_SECONDS, self.transport.loseConnection)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _ignore_the_rest(self) -> None:
        self.dataReceived = self.rawDataReceived = self.lineReceived = _ignored  # type: ignore[method-assign]
        self.clearLineBuffer()  # type: ignore[no-untyped-call]
        self.setRawMode()  # type: ignore[no-untyped-call]


def _ignored(data: bytes) -> None:
    """What comes after the end of interest."""


class WebSite(Site):
    """The factory of the connections. `till_at_the_door(host)` is told of tills that use this port."""

    access_log = Logger(namespace="camtrace.web.access")
    protocol = Channel  # type: ignore[assignment]  # not the generic one, which would switch to HTTP/2 and let quiet streams die

    def __init__(self, root: Apps, reactor: Any, till_at_the_door: Callable[[str], Any]) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root, requestFactory=LimitedRequest, timeout=IDLE_SECONDS, reactor=reactor
        )
        self._till_at_the_door = till_at_the_door
        self._noted: dict[str, float] = {}

    def startFactory(self) -> None:
        """Nothing: the access log needs no timer of its own."""

    def stopFactory(self) -> None:
        """Nothing was started."""

    def log(self, request: Request) -> None:  # type: ignore[override]
        """One line per answered request. Neither queries nor set-up codes are written down."""
        self.access_log.info(
            "{peer} {at} {method} {path} {status} {length}",
            peer=getattr(request.getClientAddress(), "host", "-"),
            at=clock.iso(clock.now()),
            method=request.method.decode("ascii", "replace"),
            path=_SECRET_PATH.sub(r"\1…", request.path.decode("ascii", "replace"))[:300],
            status=request.code,
            length=request.sentLength,
        )

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]

    def till_came(self, peer: Any) -> None:
        """A till at `peer` speaks to the web port: told once an hour per address."""
        host = str(getattr(peer, "host", peer))
        present = clock.monotonic()
        self._noted = {known: at for known, at in self._noted.items() if present - at < NOTE_SECONDS}
        if host not in self._noted and len(self._noted) < 1000:
            self._noted[host] = present
            self._till_at_the_door(host)


def till_speaks(head: bytes) -> bool:
    """Whether the first bytes of a connection are a till's line: `|` between fields, and no HTTP request."""
    first = re.split(rb"[\r\n]", head.lstrip(b"\xef\xbb\xbf\x00\r\n "), maxsplit=1)[0]
    return first.count(b"|") >= 3 and b" HTTP/" not in first and not _METHOD.match(first)


class Website:
    """Puts the apps together. `pages` and `api` are objects with an `app` (see `routing.HasApp`); the first wins."""

    def __init__(
        self,
        reactor: Any,
        *,
        pages: Sequence[HasApp] = (),
        api: Sequence[HasApp] = (),
        error_page: ErrorPage | None = None,
        till_at_the_door: Callable[[str], Any] = lambda host: None,
    ) -> None:
        self._reactor = reactor
        self._till_at_the_door = till_at_the_door
        self.root = Apps([*api, *pages], Problems(error_page))

    def starting(self, doing: str, share: int | None = None) -> None:
        """Tell visitors that the server is starting and what it is `doing` (a message id); "" once it serves."""
        self.root.waiting_for, self.root.share = doing, share

    async def leave(self) -> None:
        """Answer nothing any more; returns when no request is under way that may change something, or soon."""
        settled = defer.Deferred.fromCoroutine(self.root.leave())
        await settled.addTimeout(LEAVE_SECONDS, self._reactor, lambda result, _: None)

    def site(self) -> WebSite:
        """The factory to listen with."""
        return WebSite(self.root, self._reactor, self._till_at_the_door)
