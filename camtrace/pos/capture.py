"""What tills send, for who looks at it: bytes as they come, card numbers masked, and what each line was taken for.

Nothing is kept, and nothing done, while nobody looks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from camtrace import clock
from camtrace.pos.wire import Message, WireError, mask_stream, to_text

MOST_KEPT = 300  # lines and reads of each sender
MOST_SENDERS = 200
MOST_HELD = 4096
_GAP = rb"[^0-9A-Za-z\r\n]{0,3}?"
# the end of a stream that may be the beginning of a number, backwards: digits, also escaped, the last of them cut off
_DIGIT = rb"(?>;[0-9]{1,7}#&|;[0-9A-Fa-f]{1,6}[xX]#&|[0-9A-Fa-f]{4}u\\|[tnrbf/]\\|[\x90-\x99]\xbc\xef|[0-9])"
_CUT_OFF = rb"(?>[0-9A-Fa-f]{0,3}u\\|\\|[0-9A-Fa-f]{0,7}[xX]?#?&|\xbc?\xef)?"
_NUMBER_BACKWARDS = re.compile(rb"%b(?:%b%b)*" % (_CUT_OFF, _GAP, _DIGIT))
_NUMBER_GOES_ON = re.compile(rb"\A[^0-9A-Za-z|\r\n]{0,3}[0-9](?:[^0-9A-Za-z|\r\n]{0,3}[0-9])*")


class MaskedStream:
    """The bytes of one connection with card numbers masked: a number at the end of a read waits for the next one."""

    def __init__(self, whole: bool = False) -> None:
        """`whole`: one looks from the beginning of a line on, not from somewhere in it."""
        self._held = b""
        self._begun = whole

    def feed(self, data: bytes) -> bytes:
        """What can be shown of the stream by now."""
        data = self._held + data
        if not self._begun:  # one looks in the middle of a stream, maybe of a card number
            data = _NUMBER_GOES_ON.sub(_starred, data)
            self._begun = True
        waits = _NUMBER_BACKWARDS.match(data[: -MOST_HELD - 1 : -1])
        end = len(data) - (waits.end() if waits else 0)
        if len(data) - end >= MOST_HELD:  # no card number is so long, nor shown
            self._held = b""
            return mask_stream(data[:end]) + re.sub(rb"[0-9]", b"*", data[end:])
        self._held = data[end:]
        return mask_stream(data[:end])

    def flush(self) -> bytes:
        """What was held back, at the end of the stream."""
        held, self._held = self._held, b""
        return mask_stream(held)


def _starred(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[0-9]", b"*", match[0])


@dataclass(frozen=True, slots=True)
class Captured:
    """Something that came from `sender`, an address. `raw`: bytes as read, of the connection numbered `connection`.

    Or, with a `dialect`, a line: with the message it is, or with the `problem` it has; with neither it was left out.
    `shown`: the line in letters.
    """

    at: datetime
    sender: str
    raw: bytes
    connection: int = 0
    dialect: str = ""
    message: Message | None = None
    problem: WireError | None = None
    shown: str = ""
    again: bool = False  # all that was told counts no more: what is kept is told again, card numbers masked


Listener = Callable[[Captured], object]


class Capture:
    """Hands what comes to who looks, and keeps the last of it while somebody does."""

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self.active = False
        self.numbers = count(1)  # of connections
        self._now = now
        self._listeners: list[Listener] = []
        self._kept: dict[str, deque[Captured]] = {}

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of the last things and of all that come; returns the call that ends it."""
        for captured in sorted((one for kept in self._kept.values() for one in kept), key=lambda one: one.at):
            listener(captured)
        self._listeners.append(listener)
        self.active = True

        def leave() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            self.active = bool(self._listeners)
            if not self.active:
                self._kept.clear()

        return leave

    def read(self, sender: str, connection: int, raw: bytes) -> None:
        """Bytes that came, masked."""
        if raw:
            self._tell(Captured(self._now(), sender, raw, connection))

    def line(
        self,
        sender: str,
        dialect: str,
        raw: bytes,
        message: Message | None,
        problem: WireError | None = None,
        encoding: str = "auto",
    ) -> None:
        """A line, masked, and what it was taken for."""
        self._tell(Captured(self._now(), sender, raw, 0, dialect, message, problem, to_text(raw, encoding)))

    def mask(self, sender: str, parts: Sequence[bytes]) -> None:
        """The `parts` of a card's number stood in what `sender` sent: who looks is told anew what is kept."""
        written = [_written(part) for part in parts]
        kept = self._kept.get(sender, deque())
        for place, one in enumerate(kept):
            kept[place] = _without(one, written)
        ordered = sorted((one for each in self._kept.values() for one in each), key=lambda one: one.at)
        for listener in tuple(self._listeners):
            listener(Captured(self._now(), sender, b"", again=True))
            for one in ordered:
                listener(one)

    def _tell(self, captured: Captured) -> None:
        if captured.sender not in self._kept and len(self._kept) >= MOST_SENDERS:
            del self._kept[next(iter(self._kept))]
        self._kept.setdefault(captured.sender, deque(maxlen=MOST_KEPT)).append(captured)
        for listener in tuple(self._listeners):
            listener(captured)


def _written(part: bytes) -> re.Pattern[bytes]:
    """What finds part of a number, by itself, with whatever signs stand between its groups."""
    groups = re.findall(rb"[0-9]+", part)
    return re.compile(rb"(?<![0-9])" + rb"[^0-9A-Za-z|\r\n]{1,3}".join(groups) + rb"(?![0-9])")


def _without(one: Captured, written: Sequence[re.Pattern[bytes]]) -> Captured:
    raw, shown = one.raw, one.shown.encode()
    for each in written:
        raw, shown = each.sub(_starred, raw), each.sub(_starred, shown)
    message = one.message
    if message is not None and raw != one.raw:
        text, tender = message.text.encode(), message.tender.encode()
        for each in written:
            text, tender = each.sub(_starred, text), each.sub(_starred, tender)
        message = message._replace(raw=raw, text=text.decode(), tender=tender.decode())
    return replace(one, raw=raw, shown=shown.decode(), message=message)
