"""RTP payloads back into whole access units: pictures, or frames of sound. Pure.

H.264 (RFC 6184), H.265 (RFC 7798), MPEG-4 part 2 (RFC 6416), AAC (RFC 3640, and RFC 6416 for LATM), G.711 (RFC 3551).
Pictures of JPEG are in `rtp_jpeg`. Each class is a `rtp.Payload`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

# data, ticks, whether a decoder can begin with it
Emit: TypeAlias = Callable[[bytes, int, bool], None]

_START = b"\0\0\0\1"
_MAX_UNIT = 16 << 20  # what grows beyond is no picture of a camera
_OF_A_PART = 100  # what the memory for one takes beside its bytes
_RECOVERY = 1 << 62  # beside the bits of NAL unit types, which end at 63


class _Picture:
    """NAL units of one picture on their way to be whole, in Annex B form (each behind a start code).

    `pictures`, `keys`: bit masks of the types that are slices, and slices of key frames.
    """

    def __init__(self, emit: Emit, pictures: int, keys: int) -> None:
        self._emit = emit
        self._pictures = pictures
        self._keys = keys
        self.parts: list[bytes | bytearray] = []
        self.ticks = -1
        self.fragmented = False  # a NAL unit is being put together
        self._size = 0  # of all parts, in memory
        self._began = 0  # the part it begins with
        self._seen_before = 0  # it began
        self._seen = 0
        self._emitted = -1
        self._marker_lies = False

    def at(self, ticks: int) -> None:
        """What follows belongs to another instant."""
        if self._seen & self._pictures:
            self._flush()
        self.ticks = ticks

    def add(self, unit: bytes | bytearray, kind: int) -> None:
        """A whole NAL unit."""
        self.fragmented = False
        self._note(kind, len(unit))
        self.parts += (_START, unit)

    def begin(self, header: bytes, kind: int) -> None:
        """The header of a NAL unit whose payload follows in fragments, appended to `parts`."""
        self.fragmented = True
        self._seen_before = self._seen
        self._note(kind, len(header))
        self._began = len(self.parts)
        self.parts += (_START, header)

    def run(self, data: bytearray, at: int, stride: int, length: int, count: int, header: int) -> int:
        """Take payloads that go on with the unit that is being put together, behind a like `header` in bytes."""
        if not self.fragmented or length <= header or data[at + header - 1] >= 0x40:  # it begins or ends there
            return 0
        same, end = data[at : at + header], at + length
        taken = 0
        for start in range(0, count * stride, stride):
            if data[at + start : at + start + header] != same:
                break
            self.parts.append(data[at + start + header : end + start])
            taken += 1
        self.grow(taken * (length + _OF_A_PART))
        return taken

    def middle(self, fragment: bytearray) -> None:
        """The unit that is being put together goes on."""
        self.parts.append(fragment)
        self.grow(len(fragment) + _OF_A_PART)

    def grow(self, size: int) -> None:
        """What there is of the picture takes so much more memory; too much is no picture of a camera."""
        self._size += size
        if self._size > _MAX_UNIT:
            self.parts.clear()
            self.fragmented = False

    def broken(self) -> None:
        """Something is missing: a unit that is being put together will never be whole."""
        if self.fragmented:
            del self.parts[self._began :]
            self.fragmented = False
            self._seen = self._seen_before
        if not self._seen & self._pictures:  # what can be decoded from here on is perhaps what is missing
            self._seen &= ~_RECOVERY

    def marker(self) -> None:
        """The last packet of the picture, as the camera says."""
        if self._seen & self._pictures and not self._marker_lies:
            self._flush()

    def recovers(self) -> None:
        """A decoder can begin with this picture, whatever its slices are."""
        self._seen |= _RECOVERY

    def _note(self, kind: int, size: int) -> None:
        bit = 1 << kind
        self._seen |= bit
        if self.ticks == self._emitted and bit & self._pictures:
            self._marker_lies = True  # behind the marker of its own picture: some cameras set it on each slice
        self.grow(size + _OF_A_PART)

    def _flush(self) -> None:
        data, key, fits = b"".join(self.parts), bool(self._seen & self._keys), self._size <= _MAX_UNIT
        self.parts.clear()
        self._size = self._seen = 0
        self.fragmented = False
        self._emitted = self.ticks
        if fits:
            self._emit(data, self.ticks, key)


class Avc:
    """H.264: single NAL units, aggregates (STAP) and fragments (FU)."""

    def __init__(self, emit: Emit) -> None:
        self._picture = _Picture(emit, pictures=0x3E, keys=1 << 5 | _RECOVERY)

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """See `rtp.Payload`."""
        picture = self._picture
        if ticks != picture.ticks:
            picture.at(ticks)
        kind = data[at] & 31
        if kind == 28:
            if picture.fragmented and end - at > 1 and data[at + 1] < 0x40:  # nearly every packet
                picture.middle(data[at + 2 : end])
            else:
                self._fragment(data, at, end)
        elif 0 < kind < 24:
            self._whole(data, at, end)
        elif kind in (24, 25):
            self._aggregate(data, at + (1 if kind == 24 else 3), end)
        if marker:
            picture.marker()

    def run(self, data: bytearray, at: int, stride: int, length: int, count: int) -> int:
        """See `rtp.Runs`: the middle of a fragmented unit."""
        return self._picture.run(data, at, stride, length, count, 2) if data[at] & 31 == 28 else 0

    def gap(self) -> None:
        """See `rtp.Payload`."""
        self._picture.broken()

    def _fragment(self, data: bytearray, at: int, end: int) -> None:
        picture, flags = self._picture, data[at + 1] if at + 1 < end else 0
        if flags & 0x80:
            picture.begin(bytes((data[at] & 0xE0 | flags & 31,)), flags & 31)
        if picture.fragmented:
            picture.middle(data[at + 2 : end])
            if flags & 0x40:
                picture.fragmented = False

    def _whole(self, data: bytearray, at: int, end: int) -> None:
        unit = data[at:end]
        kind = unit[0] & 31
        self._picture.add(unit, kind)
        if kind == 6 and _can_recover(unit):
            self._picture.recovers()

    def _aggregate(self, data: bytearray, at: int, end: int) -> None:
        while at + 2 < end:
            stop = at + 2 + (data[at] << 8 | data[at + 1])
            if stop > at + 2 and stop <= end:
                self._whole(data, at + 2, stop)
            at = stop


def _can_recover(unit: bytearray) -> bool:
    """Whether supplemental information has a recovery point in it (ITU-T H.264 section D.1.8)."""
    at = 1
    while at + 2 < len(unit):
        kind = size = 0
        while at < len(unit) and unit[at] == 0xFF:
            kind, at = kind + 255, at + 1
        if at + 1 >= len(unit):
            return False
        kind, at = kind + unit[at], at + 1
        while at < len(unit) and unit[at] == 0xFF:
            size, at = size + 255, at + 1
        if kind == 6:
            return True
        at += 1 + size + (unit[at] if at < len(unit) else 0)
    return False


class Hevc:
    """H.265: single NAL units, aggregates (AP) and fragments (FU), without decoding order numbers."""

    def __init__(self, emit: Emit) -> None:
        self._picture = _Picture(emit, pictures=0xFFFFFFFF, keys=0x3F0000)

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """See `rtp.Payload`."""
        picture = self._picture
        if ticks != picture.ticks:
            picture.at(ticks)
        kind = data[at] >> 1 & 63
        if kind == 49:
            if picture.fragmented and end - at > 2 and data[at + 2] < 0x40:  # nearly every packet
                picture.middle(data[at + 3 : end])
            else:
                self._fragment(data, at, end)
        elif kind < 48 and at + 2 < end:
            picture.add(data[at:end], kind)
        elif kind == 48:
            self._aggregate(data, at + 2, end)
        if marker:
            picture.marker()

    def run(self, data: bytearray, at: int, stride: int, length: int, count: int) -> int:
        """See `rtp.Runs`: the middle of a fragmented unit."""
        return self._picture.run(data, at, stride, length, count, 3) if data[at] >> 1 & 63 == 49 else 0

    def gap(self) -> None:
        """See `rtp.Payload`."""
        self._picture.broken()

    def _fragment(self, data: bytearray, at: int, end: int) -> None:
        picture, flags = self._picture, data[at + 2] if at + 2 < end else 0
        if flags & 0x80:
            kind = flags & 63
            picture.begin(bytes((data[at] & 0x81 | kind << 1, data[at + 1])), kind)
        if picture.fragmented:
            picture.middle(data[at + 3 : end])
            if flags & 0x40:
                picture.fragmented = False

    def _aggregate(self, data: bytearray, at: int, end: int) -> None:
        while at + 4 < end:
            stop = at + 2 + (data[at] << 8 | data[at + 1])
            if at + 4 < stop <= end:
                self._picture.add(data[at + 2 : stop], data[at + 2] >> 1 & 63)
            at = max(stop, at + 2)


class _Pieces:
    """A unit that is cut anywhere: whole at the marker or at another instant, given up when a piece is missing."""

    def __init__(self, whole: Callable[[bytes, int], None]) -> None:
        self._whole = whole
        self._parts: list[bytearray] = []
        self._size = 0
        self._ticks = -1
        self._damaged = False

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """See `rtp.Payload`."""
        self.add(data[at:end], ticks, marker)

    def add(self, piece: bytearray, ticks: int, marker: bool) -> None:
        """The next piece."""
        self.at(ticks)
        self._parts.append(piece)
        self._size += len(piece)
        if self._size > _MAX_UNIT:
            self.gap()
        if marker:
            self.end()

    def at(self, ticks: int) -> None:
        """What follows belongs to another instant."""
        if ticks != self._ticks:
            self.end()
            self._ticks = ticks

    def end(self) -> None:
        """No more pieces come of this unit."""
        whole = b"".join(self._parts)
        damaged = self._damaged
        self._parts.clear()
        self._size = 0
        self._damaged = False
        if whole and not damaged:
            self._whole(whole, self._ticks)

    def gap(self) -> None:
        """See `rtp.Payload`: a piece is missing."""
        self._damaged = True
        self._parts.clear()


class Mpeg4(_Pieces):
    """MPEG-4 part 2: the elementary stream, cut anywhere."""

    def __init__(self, emit: Emit) -> None:
        super().__init__(self._picture)
        self._emit = emit

    def _picture(self, data: bytes, ticks: int) -> None:
        if data[:3] != b"\0\0\1":  # its beginning is missing
            return
        start = data.find(b"\0\0\1\xb6")  # of the picture; two bits behind it say how it is coded, 00 for itself
        self._emit(data, ticks, 0 <= start < len(data) - 4 and data[start + 4] >> 6 == 0)


class Aac:
    """AAC in the generic mode: several units in a packet behind their sizes, or one unit in several packets.

    `size_bits`, `index_bits`: of each header, as the description says (13 and 3 for AAC-hbr). `samples`: ticks a unit.
    """

    def __init__(self, emit: Emit, size_bits: int = 13, index_bits: int = 3, samples: int = 1024) -> None:
        self._emit = emit
        self._size_mask = (1 << size_bits) - 1
        self._index_bits = index_bits
        self._bits = max(1, size_bits + index_bits)
        self._samples = samples
        self._wanted = 0
        self._pieces = _Pieces(self._whole)

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """See `rtp.Payload`."""
        self._pieces.at(ticks)
        bits = int.from_bytes(data[at : at + 2], "big")
        at += 2
        body = at + (bits + 7) // 8
        headers = int.from_bytes(data[at:body], "big") >> -bits % 8
        count = bits // self._bits
        for number in range(count):
            size = headers >> bits - (number + 1) * self._bits + self._index_bits & self._size_mask
            if body >= end:
                break
            if 0 < size <= end - body:
                self._emit(bytes(data[body : body + size]), ticks + number * self._samples, True)
            elif size and count == 1:  # a piece of one; every piece tells the size of the whole
                self._wanted = size
                self._pieces.add(data[body:end], ticks, marker)
            body += size

    def gap(self) -> None:
        """See `rtp.Payload`."""
        self._pieces.gap()

    def _whole(self, data: bytes, ticks: int) -> None:
        if len(data) == self._wanted:
            self._emit(data, ticks, True)


class Latm(_Pieces):
    """AAC behind the lengths of LATM, without a configuration in band (`cpresent=0`)."""

    def __init__(self, emit: Emit, samples: int = 1024) -> None:
        super().__init__(self._units)
        self._emit = emit
        self._samples = samples

    def _units(self, data: bytes, ticks: int) -> None:
        at, units = 0, []
        while at < len(data):
            size = 0
            while at < len(data) and data[at] == 0xFF:
                size, at = size + 255, at + 1
            size, at = size + (data[at] if at < len(data) else 0), at + 1
            units.append(data[at : at + size])
            at += size
        if at != len(data):  # its beginning or its end is missing
            return
        for number, unit in enumerate(units):
            if unit:
                self._emit(unit, ticks + number * self._samples, True)


def latm_configuration(stream_mux: bytes) -> bytes:
    """The AudioSpecificConfig in a StreamMuxConfig (ISO/IEC 14496-3 section 1.7.3) of one program, layer and frame.

    Raises ValueError for any other arrangement.
    """
    bits = int.from_bytes(stream_mux, "big")
    length = 8 * len(stream_mux)
    # version 0, all streams alike (1 bit each), then frames, programs and layers less one
    if length < 15 + 16 or bits >> length - 15 != 0b010000000000000:
        raise ValueError("LATM with more than one kind of frame")
    rest = bits & (1 << length - 15) - 1
    return (rest << 7).to_bytes((length - 15 + 7 + 7) // 8, "big")[: (length - 15 + 7) // 8]


class Samples:
    """G.711: every packet is sound by itself."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """See `rtp.Payload`."""
        self._emit(bytes(data[at:end]), ticks, True)

    def gap(self) -> None:
        """Nothing depends on what is missing."""
