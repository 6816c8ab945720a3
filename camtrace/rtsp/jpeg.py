"""JPEG pictures as RTP carries them (RFC 2435): what a receiver can rebuild, or why it cannot. Pure."""

from __future__ import annotations

from typing import NamedTuple

from camtrace.jpegtables import STANDARD_HUFFMAN

MAX_SIDE = 2040
_STANDALONE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_OTHER_FRAMES = frozenset((0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))


class NotCarried(ValueError):
    """RFC 2435 has no way to describe this picture; the text says why, fit for a person."""


class Picture(NamedTuple):
    """What RTP sends of a picture. `type` 0 is 4:2:2, 1 is 4:2:0; `restart` is the restart interval in MCUs, 0 none.

    `tables` are the luma and the chroma quantisation table, 128 bytes; `scan` is the entropy-coded data.
    """

    type: int
    width: int
    height: int
    restart: int
    tables: bytes
    scan: memoryview


class _Headers:
    """What was read of a picture's marker segments so far."""

    def __init__(self) -> None:
        self.tables: dict[int, bytes] = {}
        self.restart = 0
        self.width = self.height = self.type = 0
        self.table_of: list[int] = []

    def segment(self, marker: int, body: bytes) -> None:
        """Take in one marker segment."""
        if marker in _OTHER_FRAMES:
            raise NotCarried("the pictures are progressive JPEG; RTP carries only baseline JPEG")
        if marker == 0xC0:
            self._frame(body)
        elif marker == 0xC4:
            _check_huffman(body)
        elif marker == 0xDB:
            self._quantisation(body)
        elif marker == 0xDD:
            self.restart = int.from_bytes(body[:2], "big")

    def _frame(self, body: bytes) -> None:
        if len(body) != 15 or body[0] != 8 or body[5] != 3:
            raise NotCarried("the pictures are not in three colour components of eight bits")
        self.height, self.width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        if not 0 < self.width <= MAX_SIDE or not 0 < self.height <= MAX_SIDE:
            size = f"{self.width}x{self.height}"
            raise NotCarried(f"the pictures are {size}; RTP carries JPEG up to {MAX_SIDE}x{MAX_SIDE} pixels")
        sampling = body[7::3]
        if sampling not in (b"\x21\x11\x11", b"\x22\x11\x11"):
            raise NotCarried("the pictures' colours are sampled neither 4:2:0 nor 4:2:2")
        self.type = 0 if sampling[0] == 0x21 else 1
        self.table_of = list(body[8::3])

    def _quantisation(self, body: bytes) -> None:
        for start in range(0, len(body) - 64, 65):
            if body[start] >> 4:
                raise NotCarried("the pictures' quantisation tables have 16 bits")
            self.tables[body[start] & 15] = body[start + 1 : start + 65]

    def picture(self, scan: memoryview) -> Picture:
        """The whole, once the scan has begun."""
        if not self.table_of:
            raise NotCarried("the picture has no frame header")
        luma, chroma, other = self.table_of
        if chroma != other or luma not in self.tables or chroma not in self.tables:
            raise NotCarried("the pictures' quantisation tables are not one for luma and one for colour")
        tables = self.tables[luma] + self.tables[chroma]
        return Picture(self.type, self.width, self.height, self.restart, tables, scan)


def parse(data: bytes) -> Picture:
    """Read a JPEG file's headers. Raises NotCarried for a picture that RTP cannot carry, or that is no JPEG."""
    if data[:2] != b"\xff\xd8":
        raise NotCarried("the picture is no JPEG")
    headers = _Headers()
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : end]
        if marker == 0xDA:
            _check_scan(body)
            stop = data.rfind(b"\xff\xd9")
            return headers.picture(memoryview(data)[end : stop if stop > end else len(data)])
        headers.segment(marker, body)
        at = end
    raise NotCarried("the picture is cut before its data")


def _check_huffman(body: bytes) -> None:
    at = 0
    while at + 17 <= len(body):
        count = sum(body[at + 1 : at + 17])
        if STANDARD_HUFFMAN.get(body[at]) != body[at + 1 : at + 17 + count]:
            raise NotCarried("the pictures use Huffman tables of their own; RTP carries JPEG with the standard ones")
        at += 17 + count


def _check_scan(body: bytes) -> None:
    if len(body) != 10 or body[0] != 3 or bytes(body[2:7:2]) != b"\x00\x11\x11":
        raise NotCarried("the picture's scan is not the one scan of baseline JPEG with standard tables")
