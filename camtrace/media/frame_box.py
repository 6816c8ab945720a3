"""One coded frame as one MP4 fragment, at once. Pure.

libav's own `frag_every_frame` writes a frame only when the one behind it arrives, and with two tracks gives some of
them the next one's time; a live picture can have neither.
"""

from __future__ import annotations

import struct

_SYNC = 0x02000000  # depends on no other sample
_NOT_SYNC = 0x01010000  # depends on others, is no sync sample
_TFHD_FLAGS = 0x020000  # offsets count from the moof
_TRUN_FLAGS = 0x000F01  # offset of the data; of each sample duration, size, flags, composition offset
_START = b"\x00\x00\x01"


def fragment(sequence: int, track: int, dts: int, pts: int, duration: int, key: bool, data: bytes) -> bytes:
    """`moof`+`mdat` (ISO/IEC 14496-12 section 8.8) with one sample of track index `track`; times in its ticks."""
    mfhd = _box(b"mfhd", struct.pack(">II", 0, sequence & 0xFFFFFFFF))
    tfhd = _box(b"tfhd", struct.pack(">II", _TFHD_FLAGS, track + 1))
    tfdt = _box(b"tfdt", struct.pack(">IQ", 0x01000000, dts))
    # the size of all this is fixed, so where the data begins is known beforehand: behind moof and mdat's header
    before = 8 + len(mfhd) + 8 + len(tfhd) + len(tfdt) + 36 + 8
    flags = _SYNC if key else _NOT_SYNC
    row = struct.pack(">IIii", 0x01000000 | _TRUN_FLAGS, 1, before, duration)
    trun = _box(b"trun", row + struct.pack(">IIi", len(data), flags, pts - dts))
    return _box(b"moof", mfhd + _box(b"traf", tfhd + tfdt + trun)) + _box(b"mdat", data)


def with_lengths(stream: bytes) -> bytes:
    """An Annex B byte stream (H.264, H.265) as MP4 stores it: four bytes of length before each NAL unit."""
    parts = []
    start = stream.find(_START)
    while start >= 0:
        end = stream.find(_START, start + 3)
        unit = stream[start + 3 : end if end >= 0 else len(stream)].rstrip(b"\x00")
        if unit:
            parts += [len(unit).to_bytes(4, "big"), unit]
        start = end
    return b"".join(parts)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
