"""A camera's side of an RTSP connection (RFC 2326): messages, and packets interleaved with them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from camtrace.media.sdp import number

# `take(data, at, end)`: one packet of a channel
Channel: TypeAlias = Callable[[bytearray, int, int], None]
# `take(data, at, stride, count) -> taken`: packets of one size, the first at `at`, each `stride` behind the one before
Run: TypeAlias = Callable[[bytearray, int, int, int], int]

# twice the largest interleaved packet, and more than any description
_ROOM = 256 << 10
_LEAST = 68 << 10
_MAX_HEAD = 64 << 10
_DOLLAR = 0x24
_RUN = 4  # packets behind each other that are worth to be looked at together
_BLANK = b"\r\n \0"
_FOLDED = re.compile(r"\r?\n[ \t]+")  # a header's value goes on in the next line


class NotRtsp(ValueError):
    """What came is neither an RTSP message nor an interleaved packet; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Message:
    """An answer, or a request of the camera's (then `status` is 0 and `method` is set).

    Header names in lower case, each with all its values.
    """

    status: int
    method: str = ""
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""

    def value(self, name: str) -> str:
        """The first value of the header, or ""."""
        return self.headers.get(name, [""])[0]


class Splitter:
    """Cuts what a camera sends into messages and packets. Fill `room()`, then tell by `received` how much came.

    `channels` says who takes the packets of which channel; others are passed over. `runs`: who may take several of a
    channel at once, as a picture comes in many packets of one size. Their bytes are only lent.
    """

    def __init__(
        self, channels: Mapping[int, Channel], runs: Mapping[int, Run], message: Callable[[Message], None]
    ) -> None:
        self._channels = channels
        self._runs = runs
        self._message = message
        self._buffer = bytearray(_ROOM)
        self._view = memoryview(self._buffer)
        self._at = 0
        self._end = 0

    def room(self) -> memoryview:
        """Where the next bytes go."""
        if self._at == self._end:
            self._at = self._end = 0
        elif _ROOM - self._end < _LEAST:
            length = self._end - self._at
            self._buffer[:length] = self._buffer[self._at : self._end]
            self._at, self._end = 0, length
        return self._view[self._end :]

    def received(self, count: int) -> None:
        """`count` bytes came. Raises NotRtsp."""
        buffer, at = self._buffer, self._at
        end = self._end = self._end + count
        while end - at >= 4:
            if buffer[at] == _DOLLAR:
                stride = 4 + (buffer[at + 2] << 8 | buffer[at + 3])
                if at + stride > end:
                    break
                if end - at < _RUN * stride or not self._take_run(at, stride):
                    self._at = at + stride
                    take = self._channels.get(buffer[at + 1])
                    if take is not None:
                        take(buffer, at + 4, at + stride)
            elif not self._take_message(at):
                break
            at = self._at
        self._at = at

    def _take_run(self, at: int, stride: int) -> bool:
        """Whether packets of one size were taken together."""
        buffer, run = self._buffer, self._runs.get(self._buffer[at + 1])
        if run is None:
            return False
        head = buffer[at : at + 4]
        stop = at + stride
        while stop + stride <= self._end and buffer[stop : stop + 4] == head:
            stop += stride
        count = (stop - at) // stride
        taken = run(buffer, at + 4, stride, count) if count >= _RUN else 0
        self._at = at + taken * stride
        return taken > 0

    def _take_message(self, at: int) -> bool:
        """Whether there was a whole message, or blanks between two of them."""
        buffer, end = self._buffer, self._end
        if buffer[at] in _BLANK:
            self._at = at + 1
            return True
        if not 0x41 <= buffer[at] <= 0x5A:
            raise NotRtsp("no RTSP message")
        stop = _end_of_head(buffer, at, end)
        if stop is None:
            if end - at > _MAX_HEAD:
                raise NotRtsp("an endless message")
            return False
        message = _parse(_text(buffer[at:stop]))
        body_end = stop + number(message.value("content-length"))
        if body_end > end:
            if body_end - at > _ROOM - _LEAST:
                raise NotRtsp("a message that is too long")
            return False
        self._at = body_end
        body = buffer[stop:body_end].decode("utf-8", "replace")
        self._message(Message(message.status, message.method, message.headers, body))
        return True


def _end_of_head(buffer: bytearray, at: int, end: int) -> int | None:
    """Where the body begins; lines may end in CRLF or in a bare LF."""
    ends = [found + len(mark) for mark in (b"\n\r\n", b"\n\n") if (found := buffer.find(mark, at, end)) >= 0]
    return min(ends) if ends else None


def _text(head: bytearray) -> str:
    """Names of people and places are in one code or the other."""
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")


def _parse(head: str) -> Message:
    first, *lines = _FOLDED.sub(" ", head).split("\n")
    words = first.split(None, 2)
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    if len(words) > 1 and words[0].startswith("RTSP/") and number(words[1]):
        return Message(number(words[1]), "", headers)
    if len(words) == 3 and words[2].startswith("RTSP/"):
        return Message(0, words[0], headers)
    raise NotRtsp("no RTSP answer")
