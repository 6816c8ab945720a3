"""RTSP 1.0 on the wire (RFC 2326): bytes to requests and interleaved frames, answers to bytes. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

MAX_HEAD = 16 * 1024
MAX_BODY = 16 * 1024
METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    415: "Unsupported Media Type",
    451: "Parameter Not Understood",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid In This State",
    457: "Invalid Range",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option Not Supported",
}
_DOLLAR = 0x24
_REQUEST_LINE = re.compile(r"([A-Z_]{1,32}) ([!-~]{1,4096}) (RTSP|HTTP)/(\d)\.(\d)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")


class WireError(ValueError):
    """The peer sent bytes that are no RTSP: framing is lost and the connection must close."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; a repeated header keeps its first value."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    version: str = "RTSP/1.0"

    def header(self, name: str) -> str:
        """The header's value without surrounding space, "" when it was not sent."""
        return self.headers.get(name.lower(), "")


class Interleaved(NamedTuple):
    """One `$` frame: RTP or RTCP inside the RTSP connection (RFC 2326 section 10.12)."""

    channel: int
    data: bytes


class Parser:
    """Cut a stream of bytes into requests and interleaved frames, never holding more than one bounded message."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0  # how far the end of a head was already looked for

    def feed(self, data: bytes) -> Iterator[Request | Interleaved]:
        """Take `data`, yield each message that is complete now.

        Raises WireError once framing is lost, after what stood before the fault was yielded.
        """
        self._held += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Request | Interleaved | None:
        held = self._held
        while held and held[0] in b"\r\n":  # some clients end a body with a line break too many
            del held[:1]
        if not held:
            return None
        return self._frame() if held[0] == _DOLLAR else self._request()

    def _frame(self) -> Interleaved | None:
        held = self._held
        if len(held) < 4:
            return None
        end = 4 + int.from_bytes(held[2:4], "big")
        if len(held) < end:
            return None
        frame = Interleaved(held[1], bytes(held[4:end]))
        del held[:end]
        return frame

    def _request(self) -> Request | None:
        held = self._held
        end = self._end_of_head()
        if end is None:
            return None
        request = _parse_head(bytes(held[:end]))
        length = _content_length(request)
        if len(held) < end + length:
            return None
        body = bytes(held[end : end + length])
        del held[: end + length]
        self._searched = 0
        return Request(request.method, request.url, request.headers, body, request.version)

    def _end_of_head(self) -> int | None:
        """The offset behind the empty line, or None while it has not come."""
        held = self._held
        start = max(0, self._searched - 3)
        for mark in (b"\r\n\r\n", b"\n\n"):
            found = held.find(mark, start, MAX_HEAD)
            if found >= 0:
                return found + len(mark)
        if len(held) >= MAX_HEAD:
            raise WireError("the request's head is too long")
        self._searched = len(held)
        line_end = held.find(b"\n")
        if line_end >= 0 and not _REQUEST_LINE.fullmatch(held[:line_end].decode("latin-1").rstrip("\r")):
            raise WireError("this is no RTSP request")
        return None


def _parse_head(head: bytes) -> Request:
    lines = head.decode("utf-8", "replace").replace("\r\n", "\n").strip("\n").split("\n")
    matched = _REQUEST_LINE.fullmatch(lines[0])
    if matched is None:
        raise WireError("this is no RTSP request")
    headers: dict[str, str] = {}
    last = ""
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and last:  # a folded header goes on
            headers[last] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name.strip()) or not _printable(value):
            raise WireError("a header of the request is malformed")
        last = name.strip().lower()
        headers.setdefault(last, value.strip())
    return Request(matched[1], matched[2], headers, version=f"{matched[3]}/{matched[4]}.{matched[5]}")


def _printable(text: str) -> bool:
    return all(character >= " " or character == "\t" for character in text)


def _content_length(request: Request) -> int:
    text = request.header("content-length") or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise WireError("Content-Length is no number")
    if int(text) > MAX_BODY:
        raise WireError("the request's body is too long")
    return int(text)


@dataclass(slots=True)
class Response:
    """One answer. `reason` defaults to the status code's words; headers go out in the order given."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    reason: str = ""

    def serialise(self, cseq: str) -> bytes:
        """The bytes to send; `cseq` is echoed when the request had one."""
        lines = [f"RTSP/1.0 {self.status} {_one_line(self.reason) or REASONS.get(self.status, 'Error')}"]
        if cseq:
            lines.append(f"CSeq: {_one_line(cseq)}")
        lines += [f"{name}: {_one_line(value)}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


def _one_line(text: str) -> str:
    return "".join(character for character in text if character >= " ")


# ── Transport (RFC 2326 section 12.39) ───────────────────────────────────────────────────────────────────────────


class TransportOffer(NamedTuple):
    """One transport a client can take. `ports` are channels when `tcp` (None: the server chooses), else UDP ports."""

    tcp: bool
    ports: tuple[int, int] | None


def parse_transport(value: str) -> list[TransportOffer]:
    """The usable offers among those of a Transport header, in the client's order of preference.

    Multicast, recording and unknown profiles are left out: an empty list means 461.
    """
    offers = []
    for specification in value.split(","):
        protocol, *parameters = (part.strip() for part in specification.split(";"))
        named = {name.lower(): text.strip('"') for name, _, text in (part.partition("=") for part in parameters)}
        if "multicast" in named or named.get("mode", "PLAY").upper() != "PLAY":
            continue
        if protocol.upper() == "RTP/AVP/TCP":
            offers.append(TransportOffer(True, _pair(named.get("interleaved", ""), 255)))
        elif protocol.upper() in ("RTP/AVP", "RTP/AVP/UDP") and (ports := _pair(named.get("client_port", ""), 65535)):
            offers.append(TransportOffer(False, ports))
    return offers


def _pair(text: str, largest: int) -> tuple[int, int] | None:
    """`a-b`, or `a` alone for `a-(a+1)`; None when it is neither, or out of bounds."""
    matched = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if matched is None:
        return None
    first = int(matched[1])
    second = int(matched[2]) if matched[2] else first + 1
    return (first, second) if first != second and max(first, second) <= largest else None


def session_header(session: str, timeout: int) -> tuple[str, str]:
    """The Session header of an answer. No space before `timeout`: ffmpeg would not see it."""
    return ("Session", f"{session};timeout={timeout}")


def session_id(request: Request) -> str:
    """The session a request names, without parameters; "" when it names none."""
    return request.header("session").partition(";")[0].strip()


# ── Range (RFC 2326 section 12.29) ───────────────────────────────────────────────────────────────────────────────


class NptRange(NamedTuple):
    """Seconds from the beginning of the presentation. `start` None: from the present position ("now")."""

    start: float | None
    stop: float | None

    def text(self) -> str:
        """The value as an answer's Range header carries it."""
        stop = "" if self.stop is None else f"{self.stop:.3f}"
        return f"npt=now-{stop}" if self.start is None else f"npt={self.start:.3f}-{stop}"


class ClockRange(NamedTuple):
    """Wall time, aware."""

    start: datetime
    stop: datetime | None

    def text(self) -> str:
        """The value as an answer's Range header carries it."""
        return f"clock={_clock(self.start)}-{_clock(self.stop) if self.stop else ''}"


def parse_range(value: str) -> NptRange | ClockRange:
    """The value of a Range header. Raises ValueError when it is malformed, inverted or of another unit."""
    unit, equals, period = value.partition(";")[0].strip().partition("=")
    first, dash, last = period.partition("-")
    if not equals or not dash:
        raise ValueError("not a range")
    parsed: NptRange | ClockRange
    if unit.strip().lower() == "npt":
        start = None if first.strip() == "now" else _npt(first or "0")
        parsed = NptRange(start, _npt(last) if last.strip() else None)
    elif unit.strip().lower() == "clock":
        parsed = ClockRange(_parse_clock(first), _parse_clock(last) if last.strip() else None)
    else:
        raise ValueError("a range is given in npt or clock units")
    if parsed.start is not None and parsed.stop is not None and parsed.stop < parsed.start:  # type: ignore[operator]
        raise ValueError("the range ends before it begins")
    return parsed


def _npt(text: str) -> float:
    """Seconds, from `12.5` or `1:02:03.5`."""
    matched = re.fullmatch(r"\s*(?:(\d{1,9}):(\d{1,2}):)?(\d{1,12}(?:\.\d*)?)\s*", text)
    if matched is None:
        raise ValueError("not a normal play time")
    seconds = float(matched[3]) + (int(matched[1]) * 3600 + int(matched[2]) * 60 if matched[1] else 0)
    return math.floor(seconds * 1_000_000 + 0.5) / 1_000_000


def _parse_clock(text: str) -> datetime:
    matched = re.fullmatch(r"\s*(\d{8}T\d{6})(\.\d{1,6})?\d*Z\s*", text)
    if matched is None:
        raise ValueError("not a clock time")
    instant = datetime.strptime(matched[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return instant.replace(microsecond=int((matched[2] or ".0")[1:].ljust(6, "0")))


def _clock(instant: datetime) -> str:
    instant = instant.astimezone(UTC)
    return f"{instant:%Y%m%dT%H%M%S}.{instant.microsecond // 1000:03d}Z"
