"""One question to a camera over RTSP, for its exact answer: DESCRIBE, with a second try when it wants a login."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import defer, endpoints, error, protocol
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from camtrace.challenge import answer, read_challenges
from camtrace.errors import StreamFailure

_MAX_ANSWER = 256 << 10
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status line and headers of an RTSP answer, names in lower case; `body` is the SDP where there is one."""

    status: int
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""


class NoAnswer(ValueError):
    """What came is no RTSP answer."""


class AnswerParser:
    """Cuts RTSP answers (RFC 2326 section 7) out of a stream of bytes. Pure; bounded."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once it is complete. Raises NoAnswer."""
        self._held += data
        if len(self._held) > _MAX_ANSWER:
            raise NoAnswer("an endless answer")
        if not b"RTSP/"[: len(self._held)] == self._held[:5]:
            raise NoAnswer("no RTSP answer")
        head, end, body = self._held.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split()
        if len(words) < 2 or not words[1].isdigit():
            raise NoAnswer("no RTSP status line")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        length = headers.get("content-length", ["0"])[0]
        wanted = int(length) if length.isdigit() else 0
        if len(body) < wanted:
            return None
        self._held = body[wanted:]
        return Answer(int(words[1]), headers, body[:wanted].decode("utf-8", "replace"))


class Asking(protocol.Protocol):
    """Asks DESCRIBE once, and again with a login if the camera wants one; `answered` fires with the last Answer."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self._url, self._login, self._password = url, login, password
        self._parser = AnswerParser()
        self._number = 0
        self.answered: defer.Deferred[Answer] = defer.Deferred()

    def connectionMade(self) -> None:
        """Ask."""
        self._ask("")

    def dataReceived(self, data: bytes) -> None:
        """Take what arrived; at the answer, hang up."""
        try:
            found = self._parser.feed(data)
        except NoAnswer as problem:
            self._finish(Failure(problem))
            return
        if found is None:
            return
        challenges = read_challenges(found.headers.get("www-authenticate", []))
        if found.status == 401 and self._number == 1 and self._login and challenges:
            self._ask(answer(challenges[0], "DESCRIBE", self._url, self._login, self._password))
        else:
            self._finish(found)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """The camera hung up, or we did."""
        self._finish(reason)

    def _ask(self, authorization: str) -> None:
        self._number += 1
        lines = [f"DESCRIBE {self._url} RTSP/1.0", f"CSeq: {self._number}", "Accept: application/sdp"]
        lines.append("User-Agent: CamTrace")
        if authorization:
            lines.append(f"Authorization: {authorization}")
        transport: Any = self.transport
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace"))

    def _finish(self, result: Answer | Failure) -> None:
        if not self.answered.called:
            self.answered.callback(result)
        transport: Any = self.transport
        transport.abortConnection()


def place(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a stream's URL. Raises StreamFailure of kind "bad_url"."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError as problem:
        raise StreamFailure("bad_url", "", 0, detail=str(problem)) from None
    if scheme not in _PORTS or not host:
        raise StreamFailure("bad_url", host, port or 0, detail="a camera's URL begins with rtsp:// or http://")
    return scheme, host, port or _PORTS[scheme]


async def resolve(reactor: Any, host: str) -> str:
    """The host's first address. Raises StreamFailure of kind "name"."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return str(await reactor.resolve(host, (2, 2)))
    except (error.DNSLookupError, defer.TimeoutError, OSError) as problem:
        raise StreamFailure("name", host, 0, detail=type(problem).__name__) from None


async def connect(reactor: Any, host: str, address: str, port: int, talker: protocol.Protocol, seconds: float) -> None:
    """Connect `talker` to the camera. Raises StreamFailure of kind "refused" or "timeout"."""
    endpoint = endpoints.HostnameEndpoint(reactor, address, port, timeout=seconds)
    try:
        await endpoints.connectProtocol(endpoint, talker)
    except error.ConnectionRefusedError:
        raise StreamFailure("refused", host, port) from None
    except (error.ConnectError, error.TimeoutError, defer.CancelledError) as problem:
        raise StreamFailure("timeout", host, port, detail=type(problem).__name__) from None


async def describe(
    reactor: Any, url: str, login: str, password: str, seconds: float = 4.0, address: str = ""
) -> Answer:
    """The camera's answer to DESCRIBE, whatever its status. Raises StreamFailure, within twice `seconds`."""
    _, host, port = place(url)
    talker = Asking(url, login, password)
    await connect(reactor, host, address or await resolve(reactor, host), port, talker, seconds)
    clock: IReactorTime = reactor
    talker.answered.addTimeout(seconds, clock)
    try:
        return await talker.answered
    except NoAnswer as problem:
        raise StreamFailure("broken", host, port, detail=str(problem)) from None
    except (defer.TimeoutError, defer.CancelledError):
        talker.answered = defer.succeed(Answer(0))
        if talker.transport is not None:
            talker.transport.loseConnection()
        raise StreamFailure("timeout", host, port, detail="no answer") from None
    except error.ConnectionClosed as problem:
        raise StreamFailure("ended", host, port, detail=type(problem).__name__) from None
