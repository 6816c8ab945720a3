"""Coded pictures and sound as RTP packets, and the RTCP that goes with them. Pure.

Payload formats: H.264 (RFC 6184), H.265 (RFC 7798), MPEG-4 part 2 (RFC 6416), JPEG (RFC 2435), AAC (RFC 3640). A
packetiser cuts a sample into pieces, (payload header, slice of the sample); a Stream puts the RTP headers before them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from camtrace.model import Sample, Track
from camtrace.rtsp import jpeg

UDP_PAYLOAD = 1400  # fits an Ethernet frame, tunnels included
TCP_PAYLOAD = 8000  # fewer packets; the smallest buffer among the players' own is 8,192
CNAME = b"camtrace"
Piece: TypeAlias = "tuple[bytes, bytes | memoryview]"
Datagram: TypeAlias = "tuple[bytes, bytes | memoryview]"
Packetiser: TypeAlias = Callable[[Sample, int], list[Piece]]

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_HEADER = struct.Struct("!BBHII")
_FRAMED_HEADER = struct.Struct("!BBHBBHII")
_SENDER_REPORT = struct.Struct("!BBHIIIIII")


def payload_type(track: Track) -> int:
    """The RTP payload type a track goes under: JPEG has its own, the others are dynamic."""
    return 26 if track.codec == "mjpeg" else 97 if track.codec == "aac" else 96


def clock_rate(track: Track) -> int:
    """Ticks per second of the track's RTP timestamps."""
    return (track.sample_rate or track.timescale) if track.codec == "aac" else 90_000


def packetiser(track: Track) -> Packetiser:
    """The function that cuts this track's samples, `(sample, largest payload) -> pieces`.

    Raises ValueError for a codec RTP does not carry or a configuration that is none.
    """
    if track.codec in ("h264", "h265"):
        return _NalUnits(track)
    if track.codec == "mpeg4":
        return _Mpeg4(track.config)
    if track.codec == "mjpeg":
        return _cut_jpeg
    if track.codec == "aac":
        return _cut_aac
    raise ValueError(f"RTP carries no {track.codec} here")


# ── H.264 and H.265 ──────────────────────────────────────────────────────────────────────────────────────────────


def avc_parameter_sets(config: bytes) -> list[bytes]:
    """SPS and PPS of an avcC record (ISO/IEC 14496-15 section 5.3.3), in order. Raises ValueError when it is none."""
    sets = []
    at = 6
    try:
        for count in (config[5] & 31, None):
            if count is None:
                count, at = config[at], at + 1
            for _ in range(count):
                end = at + 2 + int.from_bytes(config[at : at + 2], "big")
                sets.append(config[at + 2 : end])
                at = end
    except IndexError as error:
        raise ValueError("the H.264 configuration is cut") from error
    return [one for one in sets if one]


def hevc_parameter_sets(config: bytes) -> dict[int, list[bytes]]:
    """The NAL units of an hvcC record by their type: 32 VPS, 33 SPS, 34 PPS. Raises ValueError when it is none."""
    sets: dict[int, list[bytes]] = {}
    at = 23
    try:
        for _ in range(config[22]):
            kind = config[at] & 63
            count = int.from_bytes(config[at + 1 : at + 3], "big")
            at += 3
            for _ in range(count):
                end = at + 2 + int.from_bytes(config[at : at + 2], "big")
                sets.setdefault(kind, []).append(config[at + 2 : end])
                at = end
    except IndexError as error:
        raise ValueError("the H.265 configuration is cut") from error
    return sets


class _NalUnits:
    """Single NAL unit packets and fragmentation units; the parameter sets go in-band before every key frame."""

    def __init__(self, track: Track) -> None:
        self._hevc = track.codec == "h265"
        if self._hevc:
            found = hevc_parameter_sets(track.config)
            self._sets = [one for kind in (32, 33, 34) for one in found.get(kind, [])]
        else:
            self._sets = avc_parameter_sets(track.config)
        self._cut = _cut_hevc_unit if self._hevc else _cut_avc_unit

    def __call__(self, sample: Sample, largest: int) -> list[Piece]:
        data = memoryview(sample.data)
        pieces: list[Piece] = []
        if sample.key and not self._carries_sets(sample.data):
            for one in self._sets:
                self._cut(memoryview(one), largest, pieces)
        at, end = 0, len(data)
        while at + 4 < end:
            length = int.from_bytes(data[at : at + 4], "big")
            unit = data[at + 4 : at + 4 + length]
            at += 4 + length
            if len(unit) > 1:
                self._cut(unit, largest, pieces)
        return pieces

    def _carries_sets(self, data: bytes) -> bool:
        """Whether the sample brings its own parameter sets (behind an access unit delimiter, perhaps)."""
        at = 0
        while at + 4 < len(data):
            kind = (data[at + 4] >> 1) & 63 if self._hevc else data[at + 4] & 31
            if kind == (33 if self._hevc else 7):
                return True
            if kind < 32 if self._hevc else kind <= 5:  # the picture begins
                return False
            at += 4 + int.from_bytes(data[at : at + 4], "big")
        return False


def _cut_avc_unit(unit: memoryview, largest: int, pieces: list[Piece]) -> None:
    if len(unit) <= largest:
        pieces.append((b"", unit))
        return
    indicator, kind = (unit[0] & 0xE0) | 28, unit[0] & 31
    _fragment(unit, 1, largest - 2, pieces, *(bytes((indicator, flag | kind)) for flag in (0x80, 0, 0x40)))


def _cut_hevc_unit(unit: memoryview, largest: int, pieces: list[Piece]) -> None:
    if len(unit) <= largest:
        pieces.append((b"", unit))
        return
    first, kind = (unit[0] & 0x81) | (49 << 1), (unit[0] >> 1) & 63
    _fragment(unit, 2, largest - 3, pieces, *(bytes((first, unit[1], flag | kind)) for flag in (0x80, 0, 0x40)))


def _fragment(
    unit: memoryview, at: int, step: int, pieces: list[Piece], first: bytes, middle: bytes, last: bytes
) -> None:
    """Cut a NAL unit's payload, from `at`, into fragmentation units of at most `step` bytes."""
    end = len(unit)
    pieces.append((first, unit[at : at + step]))
    at += step
    while at + step < end:
        pieces.append((middle, unit[at : at + step]))
        at += step
    pieces.append((last, unit[at:end]))


# ── the others ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Mpeg4:
    """MPEG-4 part 2: the elementary stream cut anywhere; its headers go in-band before every key frame."""

    def __init__(self, config: bytes) -> None:
        self._config = config

    def __call__(self, sample: Sample, largest: int) -> list[Piece]:
        data = sample.data
        if sample.key and data[:4] not in (b"\0\0\1\xb0", b"\0\0\1\0") and data[3:4] != b"\x20":
            data = self._config + data
        view = memoryview(data)
        return [(b"", view[at : at + largest]) for at in range(0, len(view), largest)]


def _cut_jpeg(sample: Sample, largest: int) -> list[Piece]:
    """RFC 2435: main header, restart header if the picture has intervals, tables in the first packet (Q = 255)."""
    picture = jpeg.parse(sample.data)
    kind = picture.type | (64 if picture.restart else 0)
    tail = bytes((kind, 255, (picture.width + 7) // 8, (picture.height + 7) // 8))
    if picture.restart:
        tail += picture.restart.to_bytes(2, "big") + b"\xff\xff"
    tables = struct.pack("!BBH", 0, 0, len(picture.tables)) + picture.tables
    pieces: list[Piece] = []
    at, end = 0, len(picture.scan)
    while at < end:
        header = at.to_bytes(4, "big") + tail + (tables if at == 0 else b"")
        step = largest - len(header)
        pieces.append((header, picture.scan[at : at + step]))
        at += step
    return pieces


def _cut_aac(sample: Sample, largest: int) -> list[Piece]:
    """RFC 3640 mode AAC-hbr: one access unit a packet, or one in several."""
    header = struct.pack("!HH", 16, min(len(sample.data), 8191) << 3)
    view = memoryview(sample.data)
    step = largest - len(header)
    return [(header, view[at : at + step]) for at in range(0, len(view), step)]


# ── RTP ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Stream:
    """One RTP stream: sequence numbers, counts, and the headers before each piece."""

    def __init__(self, kind: int, ssrc: int, sequence: int) -> None:
        self.kind = kind
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF  # of the next packet
        self.packets = 0
        self.octets = 0

    def datagrams(self, pieces: list[Piece], timestamp: int) -> list[Datagram]:
        """One RTP packet a piece, in two parts that are not joined yet; the last one carries the marker."""
        pack, kind, ssrc, sequence = _HEADER.pack, self.kind, self.ssrc, self.sequence
        last = len(pieces) - 1
        packets: list[Datagram] = []
        for number, (header, payload) in enumerate(pieces):
            marked = kind | 0x80 if number == last else kind
            packets.append((pack(0x80, marked, sequence, timestamp, ssrc) + header, payload))
            sequence = (sequence + 1) & 0xFFFF
            self.octets += len(header) + len(payload)
        self._sent(len(pieces), sequence)
        return packets

    def interleaved(self, pieces: list[Piece], timestamp: int, channel: int, out: list[bytes | memoryview]) -> None:
        """The same packets framed for an RTSP connection, appended to `out` piecewise for one join."""
        pack, kind, ssrc, sequence = _FRAMED_HEADER.pack, self.kind, self.ssrc, self.sequence
        last = len(pieces) - 1
        for number, (header, payload) in enumerate(pieces):
            length = len(header) + len(payload)
            marked = kind | 0x80 if number == last else kind
            out.append(pack(0x24, channel, 12 + length, 0x80, marked, sequence, timestamp, ssrc))
            if header:
                out.append(header)
            out.append(payload)
            sequence = (sequence + 1) & 0xFFFF
            self.octets += length
        self._sent(len(pieces), sequence)

    def _sent(self, packets: int, sequence: int) -> None:
        self.packets += packets
        self.sequence = sequence

    def report(self, at_us: int, timestamp: int, bye: bool = False) -> bytes:
        """A compound RTCP packet: sender report, source description, BYE when the stream ends.

        `at_us` is the wall time, in microseconds since the epoch, that belongs to the RTP `timestamp`.
        """
        seconds, rest = divmod(at_us, 1_000_000)
        report = _SENDER_REPORT.pack(
            0x80,
            200,
            6,
            self.ssrc,
            (seconds + _NTP_EPOCH) & 0xFFFFFFFF,
            (rest << 32) // 1_000_000,
            timestamp,
            self.packets & 0xFFFFFFFF,
            self.octets & 0xFFFFFFFF,
        )
        item = struct.pack("!IBB", self.ssrc, 1, len(CNAME)) + CNAME
        item += bytes(4 - len(item) % 4)
        report += struct.pack("!BBH", 0x81, 202, len(item) // 4) + item
        return report + struct.pack("!BBHI", 0x81, 203, 1, self.ssrc) if bye else report


def framed(channel: int, packet: bytes) -> bytes:
    """One packet as an interleaved frame of the RTSP connection."""
    return struct.pack("!BBH", 0x24, channel, len(packet)) + packet


class Reception(NamedTuple):
    """What a receiver reports of one stream: packets lost in all, and the share since its last report (of 256)."""

    ssrc: int
    fraction_lost: int
    lost: int
    jitter: int


def parse_reports(packet: bytes) -> list[Reception] | None:
    """The reception reports of a compound RTCP packet; None when it is no RTCP."""
    found: list[Reception] = []
    at = 0
    if len(packet) < 4:
        return None
    while at + 4 <= len(packet):
        first, kind, length = struct.unpack_from("!BBH", packet, at)
        end = at + 4 * (length + 1)
        if first >> 6 != 2 or not 192 <= kind <= 223 or end > len(packet):
            return None
        if kind in (200, 201):
            block = at + (28 if kind == 200 else 8)
            for start in range(block, min(block + 24 * (first & 31), end - 23), 24):
                ssrc, lost, _, jitter = struct.unpack_from("!IIII", packet, start)
                found.append(Reception(ssrc, lost >> 24, lost & 0xFFFFFF, jitter))
        at = end
    return found
