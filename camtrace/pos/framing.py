"""Where a line of a dialect ends. Pure."""

from __future__ import annotations

import re

from camtrace.pos.dialect import Dialect, Framing
from camtrace.pos.escpos import Stripper
from camtrace.pos.wire import FramingLost, Splitter

AROUND = bytes(range(33))  # spaces and control characters, which say nothing at the ends of a line


class Cutter:
    """Cuts a stream by a dialect's `framing`, never holding more than a line. Any cut gives the same lines."""

    def __init__(self, framing: Framing) -> None:
        ends, strips, self._limit = framing
        self._ends = re.compile(b"[" + re.escape(ends) + b"]")
        self._stripper = Stripper() if strips else None
        self._held = bytearray()

    @property
    def holds(self) -> bool:
        """Whether a line has begun that is not whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises FramingLost."""
        if self._stripper is not None:
            data = self._stripper.feed(data)
        *whole, rest = self._ends.split(data)
        if whole:
            whole[0] = bytes(self._held) + whole[0]
            self._held.clear()
        self._held += rest
        for index, line in enumerate(whole):
            if len(line) > self._limit:
                raise FramingLost(_kept(whole[:index]), self._limit)
        if len(self._held) > self._limit:
            self._held.clear()
            raise FramingLost(_kept(whole), self._limit)
        return _kept(whole)

    def flush(self) -> list[bytes]:
        """The line that was not terminated, if any."""
        held, self._held = bytes(self._held), bytearray()
        return _kept([held])


def _kept(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if line.strip(AROUND)]


def cutter(dialect: Dialect | None) -> Splitter | Cutter:
    """What cuts a stream of this dialect into lines; None is the CamTrace protocol."""
    return Splitter() if dialect is None else Cutter(dialect.framing)
