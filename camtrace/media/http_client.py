"""A small HTTP/1.x client for one endless answer, read in a camera's own thread.

Its own, because cameras of twenty years speak a tolerant kind of HTTP (HTTP/1.0, bare line feeds, odd status lines),
and because a read here has to be resumed after a time-out, which the standard library's response object refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from camtrace import clock
from camtrace.challenge import answer, read_challenges
from camtrace.media.camera_socket import CameraSocket
from camtrace.media.source import Patience, Source, Stopped

_MAX_HEAD = 64 << 10
_MAX_CHUNK = 64 << 20
_MAX_HOPS = 4
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of an answer; header names in lower case, each with all its values."""

    status: int
    headers: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """The first value of the header, or ""."""
        return self.headers.get(name, [""])[0]


class Connection:
    """One connection to the camera, for one request and its answer."""

    def __init__(self, source: Source, stopped: Stopped, patience: Patience) -> None:
        self._source = source
        self._patience = patience
        self._socket = CameraSocket(source, stopped, patience)
        self._held = b""

    def send(self, data: bytes) -> None:
        """Send all of `data`. Raises StreamFailure."""
        self._socket.send(data)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def head(self) -> Head:
        """The answer's status and headers. Raises StreamFailure, Stop."""
        received = b""
        deadline = clock.monotonic() + self._patience.opening
        while (end := _end_of_head(received)) is None:
            piece = self._socket.receive(deadline)
            if not piece:
                raise self._source.failure("ended", detail="hung up before it answered")
            received += piece
            if len(received) > _MAX_HEAD:
                raise self._source.failure("broken", detail="an endless answer head")
        self._held = received[end:]
        try:
            return _parse_head(received[:end])
        except ValueError as error:
            raise self._source.failure("broken", detail=str(error)) from None

    def body(self, head: Head) -> Iterator[bytes]:
        """The body's bytes as they come, until the camera ends it. Raises StreamFailure, Stop."""
        pieces = self._pieces()
        if "chunked" in head.value("transfer-encoding").lower():
            yield from _unchunk(pieces, self._source)
        else:
            yield from pieces

    def _pieces(self) -> Iterator[bytes]:
        if self._held:
            yield self._held
        while piece := self._socket.receive(clock.monotonic() + self._patience.silence):
            yield piece


def open_stream(source: Source, stopped: Stopped, patience: Patience) -> tuple[Connection, Head]:
    """GET the source's URL, answering challenges and following redirections. Raises StreamFailure, Stop.

    The answer's status is below 300; close the connection when done with it.
    """
    here, authorization, attempts = source, "", 0
    for _ in range(_MAX_HOPS):
        connection, head = _ask(here, authorization, stopped, patience)
        if head.status < 300:
            return connection, head
        connection.close()
        if head.status == 401 and source.login and attempts < 2 and here.host == source.host:
            challenges = read_challenges(head.headers.get("www-authenticate", []))
            if challenges and (not authorization or challenges[0].stale):
                attempts += 1
                authorization = answer(challenges[0], "GET", _target(here), source.login, source.password)
                continue
        if head.status in _REDIRECTS and head.value("location"):
            here, authorization = Source.parse(urljoin(here.url, head.value("location"))), ""
            continue
        raise here.failure({401: "unauthorized", 404: "not_found"}.get(head.status, "status"), head.status)
    raise source.failure("status", 310, "redirected in circles")


def _ask(source: Source, authorization: str, stopped: Stopped, patience: Patience) -> tuple[Connection, Head]:
    connection = Connection(source, stopped, patience)
    try:
        lines = [
            f"GET {_target(source)} HTTP/1.1",
            f"Host: {urlsplit(source.url).netloc}",
            "User-Agent: CamTrace",
            "Accept: multipart/x-mixed-replace, image/jpeg;q=0.9, */*;q=0.5",
            "Connection: close",
        ]
        if authorization:
            lines.append(f"Authorization: {authorization}")
        connection.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
        return connection, connection.head()
    except BaseException:
        connection.close()
        raise


def _target(source: Source) -> str:
    parts = urlsplit(source.url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _end_of_head(received: bytes) -> int | None:
    """Where the body begins; lines may end in CRLF or in a bare LF."""
    ends = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := received.find(mark)) >= 0]
    return min(ends) if ends else None


def _parse_head(raw: bytes) -> Head:
    first, *lines = raw.decode("latin-1").splitlines()
    words = first.split(None, 2)
    if len(words) < 2 or not words[1].isdigit() or not words[0].upper().startswith(("HTTP/", "ICY")):
        raise ValueError("no HTTP answer")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    return Head(int(words[1]), headers)


def _unchunk(pieces: Iterator[bytes], source: Source) -> Iterator[bytes]:
    """The bytes inside the chunks (RFC 9112 section 7.1)."""
    held = b""
    wanted = 0
    for piece in pieces:
        held += piece
        while held:
            if wanted > 2:
                taken = held[: wanted - 2]
                held = held[len(taken) :]
                wanted -= len(taken)
                yield taken
            elif wanted:  # the line end behind a chunk
                taken = held[:wanted]
                held = held[len(taken) :]
                wanted -= len(taken)
            else:
                line, end, rest = held.partition(b"\n")
                if not end:
                    if len(held) > 1024:
                        raise source.failure("broken", detail="an endless chunk head")
                    break
                length = _chunk_length(line, source)
                if length == 0:
                    return
                held, wanted = rest, length + 2


def _chunk_length(line: bytes, source: Source) -> int:
    try:
        length = int(line.partition(b";")[0].strip() or b"-1", 16)
    except ValueError:
        length = -1
    if not 0 <= length <= _MAX_CHUNK:
        raise source.failure("broken", detail="a chunk without a length")
    return length
