"""JPEG pictures put together again from RTP (RFC 2435): what the sender left out of their headers is rebuilt. Pure."""

from __future__ import annotations

import struct

from camtrace.jpegtables import STANDARD_HUFFMAN
from camtrace.media.depacketise import Emit

# quantisation tables of quality 50 (RFC 2435 appendix A), in zigzag order
_LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933"
    "383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
)
_CHROMA = bytes.fromhex("1112121815182f1a1a2f6342384263") + bytes((99,)) * 49


class Jpeg:
    """A `rtp.Payload` of JPEG pictures. `size`: for pictures of more than 2,040 pixels, whose packets cannot tell."""

    def __init__(self, emit: Emit, size: tuple[int, int] = (0, 0)) -> None:
        self._emit = emit
        self._size = size
        self._tables: dict[int, bytes] = {}
        self._parts: list[bytes | bytearray] = []
        self._reached = 0
        self._ticks = -1

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """See `rtp.Payload`."""
        if end - at < 8:
            return
        offset = int.from_bytes(data[at + 1 : at + 4], "big")
        kind, quality, width, height = data[at + 4 : at + 8]
        at += 8
        interval = 0
        if 64 <= kind < 128:
            interval = int.from_bytes(data[at : at + 2], "big")
            at += 4
        if offset == 0:
            if quality >= 128:
                at = self._learn(data, at, end, quality)
            self._begin(ticks, kind & 63, quality, (width * 8, height * 8), interval)
        elif ticks != self._ticks or offset != self._reached:  # something before it is missing
            self.gap()
        if self._parts and at < end:
            self._parts.append(data[at:end])
            self._reached += end - at
        if marker:
            self._finish()

    def gap(self) -> None:
        """A part of the picture is missing: it is not shown."""
        self._parts = []

    def _learn(self, data: bytearray, at: int, end: int, quality: int) -> int:
        """Keep the tables in this packet, if there are any; where the scan goes on."""
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        at += 4
        if 0 < length <= end - at:
            self._tables[quality] = bytes(data[at : at + length])
        return at + length

    def _begin(self, ticks: int, kind: int, quality: int, size: tuple[int, int], interval: int) -> None:
        self._finish()  # some cameras set no marker, and nothing was missing
        tables = self._tables.get(quality, b"") if quality >= 128 else _scaled(quality)
        size = (size[0] or self._size[0], size[1] or self._size[1])
        if kind > 1 or len(tables) not in (64, 128) or not all(size):
            return
        self._ticks, self._reached = ticks, 0
        self._parts = [_headers(kind, size, tables, interval)]

    def _finish(self) -> None:
        if self._parts and self._reached:
            tail = b"" if self._parts[-1][-2:] == b"\xff\xd9" else b"\xff\xd9"
            self._emit(b"".join(self._parts) + tail, self._ticks, True)
        self.gap()


def _scaled(quality: int) -> bytes:
    """Both tables at a quality from 1 to 99 (section 4.2)."""
    quality = min(max(quality, 1), 99)
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(min(max((value * factor + 50) // 100, 1), 255) for value in _LUMA + _CHROMA)


def _headers(kind: int, size: tuple[int, int], tables: bytes, interval: int) -> bytes:
    """All that stands before the scan (appendix B). `kind` 0 is 4:2:2, 1 is 4:2:0."""
    pairs = enumerate((tables[:64], tables[64:]))
    parts = [b"\xff\xd8", *(_segment(0xDB, bytes((number,)) + table) for number, table in pairs if table)]
    if interval:
        parts.append(_segment(0xDD, interval.to_bytes(2, "big")))
    chroma = 1 if len(tables) == 128 else 0
    sampling = 0x21 if kind == 0 else 0x22
    components = bytes((3, 1, sampling, 0, 2, 0x11, chroma, 3, 0x11, chroma))
    parts.append(_segment(0xC0, struct.pack("!BHH", 8, size[1], size[0]) + components))
    parts += [_segment(0xC4, bytes((place,)) + table) for place, table in STANDARD_HUFFMAN.items()]
    parts.append(_segment(0xDA, bytes((3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0))))
    return b"".join(parts)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0xFF, marker, len(body) + 2) + body
