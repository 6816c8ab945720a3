"""What waits for one page's live socket: lines never lost, pictures left out when the page reads too slowly."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

KEY, INIT, JPEG = 1, 2, 4
MEDIA_LIMIT = 4 << 20
TEXT_LIMIT = 1000
_HEAD = struct.Struct(">HBBq")


def media_message(channel: int, flags: int, at_us: int, payload: bytes) -> bytes:
    """A binary message: channel, flags, a zero, the instant in microseconds since the epoch, then the payload."""
    return _HEAD.pack(channel, flags, 0, at_us) + payload


class _Waiting(NamedTuple):
    content: str | bytes
    channel: int | None  # of a fragment that may be left out; None for all that may not


class Outbox:
    """A bounded queue in front of a transport that can be paused. Everything leaves in the order it came.

    `send` writes one message, text or binary. While paused, fragments wait up to `media_limit` bytes together; the
    channel that would overflow loses what waits for it and everything up to its next key frame. `dropped(channel,
    count)` is called when that key frame has come; `overflowed()` when more than `text_limit` texts wait.
    """

    def __init__(
        self,
        send: Callable[[str | bytes], None],
        dropped: Callable[[int, int], None],
        overflowed: Callable[[], None],
        media_limit: int = MEDIA_LIMIT,
        text_limit: int = TEXT_LIMIT,
    ) -> None:
        self._send = send
        self._dropped = dropped
        self._overflowed = overflowed
        self._media_limit = media_limit
        self._text_limit = text_limit
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._texts = 0
        self._lost: dict[int, int] = {}  # channels that wait for a key frame: how many fragments were left out
        self.paused = False

    def text(self, text: str) -> None:
        """Send a text message; it is never left out."""
        self._put(_Waiting(text, None))

    def init(self, message: bytes) -> None:
        """Send an initialisation segment; it is never left out."""
        self._put(_Waiting(message, None))

    def fragment(self, channel: int, message: bytes, key: bool) -> None:
        """Send a fragment of `channel`, or leave it out."""
        if channel in self._lost and not key:
            self._lost[channel] += 1
            return
        if self._full(message):
            self._leave_out(channel)
            if not key or self._full(message):
                self._lost[channel] = self._lost.get(channel, 0) + 1
                return
        if channel in self._lost:
            self._dropped(channel, self._lost.pop(channel))
        self._put(_Waiting(message, channel))

    def forget(self, channel: int) -> None:
        """Drop what waits for a channel that was left."""
        self._leave_out(channel)
        self._lost.pop(channel, None)

    def pause(self) -> None:
        """The transport takes nothing more for the moment."""
        self.paused = True

    def resume(self) -> None:
        """The transport takes more."""
        self.paused = False
        while self._waiting and not self.paused:
            item = self._waiting.popleft()
            self._count(item, -1)
            self._send(item.content)

    def _full(self, message: bytes) -> bool:
        return self.paused and self._bytes > 0 and self._bytes + len(message) > self._media_limit

    def _put(self, item: _Waiting) -> None:
        if not self.paused and not self._waiting:
            self._send(item.content)
            return
        self._waiting.append(item)
        self._count(item, 1)
        if self._texts > self._text_limit:
            self._overflowed()

    def _leave_out(self, channel: int) -> None:
        kept = [item for item in self._waiting if item.channel != channel]
        count = len(self._waiting) - len(kept)
        if count:
            self._bytes -= sum(len(item.content) for item in self._waiting if item.channel == channel)
            self._waiting = deque(kept)
            self._lost[channel] = self._lost.get(channel, 0) + count

    def _count(self, item: _Waiting, sign: int) -> None:
        if item.channel is None:
            self._texts += sign
        else:
            self._bytes += sign * len(item.content)
