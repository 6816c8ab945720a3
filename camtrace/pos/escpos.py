"""Receipt printers' control sequences (ESC/POS) taken out of a stream: what is left is the text. Pure.

A cut of the paper and an opened drawer say something of the sale: each becomes a line of its own, `CUT` and `DRAWER`.
Lengths of the sequences: Epson's ESC/POS command reference.
"""

from __future__ import annotations

import re

CUT = b"\x1dV"
DRAWER = b"\x1bp"
MOST_SKIPPED = 4 << 20  # bytes of a picture; a sequence that says more is no picture
MOST_TO_NUL = 255  # bytes of a barcode or of tab stops that end with NUL

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# bytes that follow a sequence's two, where their number is fixed
_ESC = {
    **dict.fromkeys(b"@2LS<vim\x0c", 0),
    **dict.fromkeys(b"!-3adeJKEGMRtV{r%=?uTU ", 1),
    **dict.fromkeys(b"$\\c", 2),
    **dict.fromkeys(b"p", 3),
    **dict.fromkeys(b"W", 8),
}
_GS = {
    **dict.fromkeys(b":c", 0),
    **dict.fromkeys(b"!BHhwfarI/bET", 1),
    **dict.fromkeys(b"LWP$\\", 2),
    **dict.fromkeys(b"^z", 3),
}
_FS = {
    **dict.fromkeys(b"&.", 0),
    **dict.fromkeys(b"!-WC", 1),
    **dict.fromkeys(b"Sp", 2),
    **dict.fromkeys(b"2", 74),
}
_FEEDS = b"dJ"  # of ESC: they end the line
_CUTS = b"im"  # of ESC
_LONG_CUTS = b"\x41\x42\x61\x62\x67\x68"  # GS V m n


class _NotWhole(Exception):
    """More bytes are needed to know how long a sequence is."""


class Stripper:
    """The text of one connection. Any cut of the stream gives the same text."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0
        self._to_nul = 0  # so many bytes at most, up to the NUL

    def feed(self, data: bytes) -> bytes:
        """The text that `data` adds, LF, CR and tabs left in; `CUT` and `DRAWER` stand on lines of their own."""
        data, self._held = self._held + data, b""
        text = bytearray()
        at = 0
        while at < len(data):
            if self._skip:
                skipped = min(self._skip, len(data) - at)
                self._skip -= skipped
                at += skipped
            elif self._to_nul:
                last = min(len(data), at + self._to_nul)
                end = data.find(b"\0", at, last)
                self._to_nul = self._to_nul - (last - at) if end < 0 else 0
                at = last if end < 0 else end + 1
            else:
                found = _CONTROL.search(data, at)
                if found is None:
                    text += data[at:]
                    break
                text += data[at : found.start()]
                at = found.start()
                try:
                    said, length = self._sequence(data, at)
                except _NotWhole:
                    self._held = data[at:]
                    break
                text += said
                at += length
                self._skip = min(self._skip, MOST_SKIPPED)
        return bytes(text)

    def _sequence(self, data: bytes, at: int) -> tuple[bytes, int]:
        """What the sequence at `at` says, and its length up to its data, which `_skip` and `_to_nul` leave out."""
        first = data[at]
        if first == 0x0C:
            return b"\n", 1
        if first not in (0x10, 0x1B, 0x1C, 0x1D):
            return b"", 1
        kind = _byte(data, at + 1)
        if first == 0x1B:
            return self._escape(data, at, kind)
        if first == 0x1D:
            return self._group(data, at, kind)
        if first == 0x1C:
            return (b"", self._counted(data, at)) if kind == 0x28 else (b"", _fixed(data, at, _FS.get(kind, 0)))
        if kind == 0x04:
            return b"", _fixed(data, at, 2 if _byte(data, at + 2) in (7, 8) else 1)
        if kind == 0x14:  # DLE DC4 fn m t: fn 1 is a pulse to the drawer, fn 8 empties the buffer
            function = _byte(data, at + 2)
            said = b"\n" + DRAWER + b"\n" if function == 1 else b""
            return said, _fixed(data, at, 8 if function == 8 else 3)
        return b"", _fixed(data, at, 1) if kind == 0x05 else 1

    def _escape(self, data: bytes, at: int, kind: int) -> tuple[bytes, int]:
        if kind == 0x70:
            return b"\n" + DRAWER + b"\n", _fixed(data, at, 3)
        if kind in _CUTS:
            return b"\n" + CUT + b"\n", 2
        if kind == 0x2A:  # a picture, in columns of one or three bytes
            mode, low, high = _byte(data, at + 2), _byte(data, at + 3), _byte(data, at + 4)
            self._skip = (low + 256 * high) * (3 if mode in (32, 33) else 1)
            return b"", 5
        if kind == 0x28:
            return b"", self._counted(data, at)
        if kind == 0x44:  # tab stops
            self._to_nul = MOST_TO_NUL
            return b"", 2
        return b"\n" if kind in _FEEDS else b"", _fixed(data, at, _ESC.get(kind, 0))

    def _group(self, data: bytes, at: int, kind: int) -> tuple[bytes, int]:
        if kind == 0x56:
            mode = _byte(data, at + 2)
            return b"\n" + CUT + b"\n", _fixed(data, at, 2 if mode in _LONG_CUTS else 1)
        if kind == 0x6B:  # a barcode
            mode = _byte(data, at + 2)
            if mode <= 6:
                self._to_nul = MOST_TO_NUL
                return b"", 3
            self._skip = _byte(data, at + 3)
            return b"", 4
        if kind == 0x28:
            return b"", self._counted(data, at)
        if kind == 0x76:  # GS v 0 m xL xH yL yH
            size = [_byte(data, at + place) for place in range(4, 8)]
            self._skip = (size[0] + 256 * size[1]) * (size[2] + 256 * size[3])
            return b"", 8
        if kind == 0x38:  # GS 8 L p1 p2 p3 p4
            self._skip = sum(_byte(data, at + 3 + place) << (8 * place) for place in range(4))
            return b"", 7
        if kind == 0x2A:
            self._skip = _byte(data, at + 2) * _byte(data, at + 3) * 8
            return b"", 4
        if kind == 0x43:
            return b"", _fixed(data, at, {0x30: 3, 0x31: 7, 0x32: 3}.get(_byte(data, at + 2), 1))
        return b"", _fixed(data, at, _GS.get(kind, 0))

    def _counted(self, data: bytes, at: int) -> int:
        """`( fn pL pH` and as many bytes as these say."""
        self._skip = _byte(data, at + 3) + 256 * _byte(data, at + 4)
        return 5


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise _NotWhole
    return data[at]


def _fixed(data: bytes, at: int, more: int) -> int:
    """The length of a sequence of two bytes and `more`, all of which have come."""
    _byte(data, at + 1 + more)
    return 2 + more
