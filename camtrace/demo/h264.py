"""Writes the running time into an H.264 picture that was encoded long before.

The film is encoded once, 448 lines high, one slice a picture. Its parameter sets are changed to say 480 lines, and
each picture gets a second slice for the 32 lines that were added: uncompressed macroblocks (I_PCM) where a character is
new, skipped ones where nothing changed. Nothing is predicted across a slice's edge but by motion, and the film's lowest
lines stand still, so the film decodes to the same picture whatever the caption says. ITU-T H.264 (08/2021), sections
7.3.2, 7.3.3 and 7.3.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from camtrace.demo import caption

MACROBLOCK = 16
ROWS = caption.HEIGHT // MACROBLOCK
IDR = 5
_I_PCM = 25  # mb_type in an I slice; five more in a P slice
_BASELINE = 66


class Bits:
    """Reads a NAL unit's payload bit by bit (section 7.2 and 9.1)."""

    def __init__(self, nal: bytes) -> None:
        payload = nal[1:].replace(b"\x00\x00\x03", b"\x00\x00")
        self.text = "".join(f"{byte:08b}" for byte in payload)
        self.at = 0

    def u(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        self.at += count
        return int(self.text[self.at - count : self.at] or "0", 2)

    def ue(self) -> int:
        """An unsigned Exp-Golomb number."""
        zeros = self.text.index("1", self.at) - self.at
        self.at += zeros
        return self.u(zeros + 1) - 1


def ue(value: int) -> str:
    """A number as unsigned Exp-Golomb bits."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def unit(head: int, payload: bytes) -> bytes:
    """A NAL unit: its first byte, then the payload with emulation prevention (section 7.4.1)."""
    return bytes([head]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


@dataclass(frozen=True, slots=True)
class Layout:
    """What the film's parameter sets say of its slices: `sps` as it must be sent, with room for the caption."""

    sps: bytes
    pps: bytes
    frame_number_bits: int
    width: int
    height: int


def with_caption(sps: bytes, pps: bytes) -> Layout:
    """The parameter sets of a film, made 32 lines higher.

    Raises ValueError for a film that the caption cannot be joined to: no baseline stream, or encoded otherwise than
    by `film.encode`.
    """
    bits = Bits(sps)
    if bits.u(8) != _BASELINE:
        raise ValueError("the film is not encoded in the baseline profile")
    bits.u(16)
    bits.ue()
    frame_number_bits = bits.ue() + 4
    if bits.ue() != 2:
        raise ValueError("the film's pictures are not in output order")
    bits.ue()
    bits.u(1)
    width = bits.ue() + 1
    before = bits.at
    height = bits.ue() + 1
    after = bits.at
    if bits.u(1) != 1:
        raise ValueError("the film is interlaced")
    text = bits.text[: bits.text.rindex("1") + 1]
    grown = text[:before] + ue(height + ROWS - 1) + text[after:]
    return Layout(unit(sps[0], _bytes(grown)), pps, frame_number_bits, width, height)


def caption_slice(layout: Layout, picture: bytes, words: str, shown: str) -> bytes:
    """The NAL unit that completes a picture of the film with its caption.

    `picture` is the film's own slice of that picture; `shown` what the caption said in the picture before. A picture
    that others do not depend on (IDR) carries the whole line.
    """
    bits = Bits(picture[:24])
    bits.ue()
    bits.ue()
    bits.ue()
    number = bits.u(layout.frame_number_bits)
    head = picture[0]
    first = ue(layout.width * layout.height)
    frame = f"{number:0{layout.frame_number_bits}b}"
    if head & 0x1F == IDR:
        # slice type I, parameter set 0; idr_pic_id; no long-term reference; QP as it is; no deblocking
        header = first + ue(7) + ue(0) + frame + ue(bits.ue()) + "00" + ue(0) + ue(1)
        return unit(head, _whole(header, words))
    # slice type P; reference count and order as they are; sliding window; QP as it is; no deblocking
    header = first + ue(5) + ue(0) + frame + "00" + "0" + ue(0) + ue(1)
    return unit(head, _changes(header, words, shown))


def _whole(header: str, words: str) -> bytes:
    parts, bits = [], header
    for row in range(ROWS):
        for character in words:
            parts += [_bytes(bits + ue(_I_PCM)), _samples(character, row)]
            bits = ""
    return b"".join(parts) + b"\x80"


def _changes(header: str, words: str, shown: str) -> bytes:
    parts, bits, skipped = [], header, 0
    for row in range(ROWS):
        for new, old in zip(words, shown, strict=True):
            if new == old:
                skipped += 1
                continue
            parts += [_bytes(bits + ue(skipped) + ue(_I_PCM + 5)), _samples(new, row)]
            bits, skipped = "", 0
    if skipped:
        bits += ue(skipped)
    return b"".join(parts) + _bytes(bits + "1")


@cache
def _samples(character: str, row: int) -> bytes:
    """A cell's macroblock as I_PCM holds it: 256 luma samples, 64 Cb, 64 Cr."""
    top = row * MACROBLOCK
    tile = caption.cell(character).crop((0, top, MACROBLOCK, top + MACROBLOCK))
    red, green, blue = np.moveaxis(np.asarray(tile, dtype=float), 2, 0)
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    return luma.round().astype(np.uint8).tobytes() + bytes([128]) * 128


def _bytes(bits: str) -> bytes:
    """Bits filled up with zeros to whole bytes."""
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
