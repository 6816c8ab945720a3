"""RTP and RTCP (RFC 3550) as a receiver sees them: packets in order, timestamps without end, reports. Pure."""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol, runtime_checkable

_HEADER = struct.Struct("!BBHII")
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_WRAP = 1 << 32
_HALF = 1 << 31
# a packet further ahead than this is not early: the camera began to count anew
_FAR = 3000
# how many packets wait for an earlier one, where the network may swap them
REORDERING = 32
# a new source counts time anew: further than any pause, so that nobody takes it for one
_NEW_CLOCK = 1 << 30


class Payload(Protocol):
    """Takes the payloads of one track, in order. `data` is only lent: what is kept must be copied."""

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        """The payload `data[at:end]` of the instant `ticks`, in units of the track's clock."""

    def gap(self) -> None:
        """Packets are missing here."""


@runtime_checkable
class Runs(Protocol):
    """A Payload that can take several payloads at once, with the same effect."""

    def run(self, data: bytearray, at: int, stride: int, length: int, count: int) -> int:
        """Payloads of one instant and one `length`, each `stride` behind the one before: how many were taken."""


class Receiver:
    """The RTP packets of one track. `lost` counts those that never came.

    `reordering`: how many packets may wait for an earlier one; 0 where the transport keeps the order.
    """

    def __init__(self, payload_type: int, payload: Payload, reordering: int = 0) -> None:
        self._type = payload_type
        self._payload = payload
        self._runs = payload if isinstance(payload, Runs) else None
        self._reordering = reordering
        self._early: dict[int, bytearray] = {}
        self._next = -1
        self._source = -1
        self._stamp = 0
        self._ticks = 0
        self.lost = 0

    @property
    def takes_runs(self) -> bool:
        """Whether `run` is worth asking."""
        return self._runs is not None

    def packet(self, data: bytearray, at: int, end: int) -> None:
        """An RTP packet arrived: `data[at:end]`. What is none is passed over."""
        if end - at <= 12:
            if end - at == 12:  # nothing in it, and yet it counts
                self._unusual(data, at, end)
            return
        first, second, sequence, stamp, source = _HEADER.unpack_from(data, at)
        if sequence != self._next or source != self._source or first != 0x80 or second & 0x7F != self._type:
            self._unusual(data, at, end)
            return
        # nearly every packet: the next one, without anything between header and payload
        self._next = (sequence + 1) & 0xFFFF
        if stamp != self._stamp:
            self._advance(stamp)
        self._payload.feed(data, at + 12, end, self._ticks, second > 0x7F)
        if self._early:
            self._take_waiting()

    def run(self, data: bytearray, at: int, stride: int, count: int) -> int:
        """Interleaved packets of one size, each `stride` behind the one before: how many were taken."""
        if self._runs is None or stride <= 16:
            return 0
        first, second, _, stamp, source = _HEADER.unpack_from(data, at)
        if source != self._source or stamp != self._stamp or second != self._type or first != 0x80 or self._early:
            return 0
        head, tail, following = data[at : at + 2], data[at + 4 : at + 12], self._next
        ready = 0
        for start in range(at, at + count * stride, stride):
            if (
                data[start + 2] << 8 | data[start + 3] != following
                or data[start : start + 2] != head
                or data[start + 4 : start + 12] != tail
            ):
                break
            ready += 1
            following = following + 1 & 0xFFFF
        taken = self._runs.run(data, at + 12, stride, stride - 16, ready) if ready else 0
        self._next = self._next + taken & 0xFFFF
        return taken

    def ticks_of(self, stamp: int) -> int:
        """The instant an RTP timestamp of now means, on the scale of the ticks handed on."""
        delta = (stamp - self._stamp) & (_WRAP - 1)
        return self._ticks + (delta if delta < _HALF else delta - _WRAP)

    def _advance(self, stamp: int) -> None:
        self._ticks = self.ticks_of(stamp)
        self._stamp = stamp

    def _unusual(self, data: bytearray, at: int, end: int) -> None:
        first, second, sequence, stamp, source = _HEADER.unpack_from(data, at)
        if first >> 6 != 2:
            return
        if source != self._source:
            if second & 0x7F != self._type:
                return
            self._begin(source, sequence, stamp)
        distance = (sequence - self._next) & 0xFFFF
        if 0 < distance < _FAR:
            self._early[sequence] = data[at:end]
            if len(self._early) > self._reordering:  # the packet that they wait for does not come any more
                self._skip_to(self._in_order()[0])
                self._take_waiting()
            return
        if distance:
            if distance >= 0x10000 - _FAR:  # too late, or twice
                return
            self._give_up_waiting()
            self._skip_to(sequence)
        self._hand_on(data, at, end)
        self._take_waiting()

    def _begin(self, source: int, sequence: int, stamp: int) -> None:
        if self._source == -1:
            self._ticks = stamp
        else:
            self._give_up_waiting()
            self._payload.gap()
            self._ticks += _NEW_CLOCK
        self._source, self._next, self._stamp = source, sequence, stamp

    def _in_order(self) -> list[int]:
        """The sequence numbers that wait."""
        return sorted(self._early, key=lambda early: (early - self._next) & 0xFFFF)

    def _take_waiting(self) -> None:
        while (early := self._early.pop(self._next, None)) is not None:
            self._hand_on(early, 0, len(early))

    def _give_up_waiting(self) -> None:
        """None of the packets that others wait for comes any more."""
        for sequence in self._in_order():
            early = self._early.pop(sequence)
            self._skip_to(sequence)
            self._hand_on(early, 0, len(early))

    def _skip_to(self, sequence: int) -> None:
        missing = (sequence - self._next) & 0xFFFF
        if missing:
            self.lost += missing if missing < _FAR else 1  # further away, the camera began to count anew
            self._payload.gap()
        self._next = sequence

    def _hand_on(self, data: bytearray, at: int, end: int) -> None:
        first, second, _, stamp, _ = _HEADER.unpack_from(data, at)
        self._next = (self._next + 1) & 0xFFFF
        at, end = _payload_bounds(data, at, end, first)
        if second & 0x7F != self._type or at >= end:
            return
        if stamp != self._stamp:
            self._advance(stamp)
        self._payload.feed(data, at, end, self._ticks, second > 0x7F)


def _payload_bounds(data: bytearray, at: int, end: int, first: int) -> tuple[int, int]:
    """Where the payload lies behind contributing sources, a header extension and before padding (section 5.1)."""
    if first & 0x20:
        end -= data[end - 1]
    at += 12 + 4 * (first & 15)
    if first & 0x10:
        at += 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
    return at, end


class Reports(NamedTuple):
    """What a compound RTCP packet says: the wall time, in microseconds, of an RTP timestamp, and whether it is BYE."""

    at_us: int | None = None
    stamp: int = 0
    bye: bool = False


def read_reports(data: bytes | bytearray) -> Reports:
    """The sender report and the BYE of a compound RTCP packet (sections 6.4.1 and 6.6); damaged ones say nothing."""
    found = Reports()
    at = 0
    while at + 8 <= len(data) and data[at] >> 6 == 2:
        kind, words = struct.unpack_from("!BH", data, at + 1)
        end = at + 4 * (words + 1)
        if end > len(data):
            break
        if kind == 200 and at + 28 <= end:
            seconds, fraction, stamp = struct.unpack_from("!III", data, at + 8)
            found = found._replace(at_us=(seconds - _NTP_EPOCH) * 1_000_000 + (fraction * 1_000_000 >> 32), stamp=stamp)
        elif kind == 203:
            found = found._replace(bye=True)
        at = end
    return found


def receiver_report(source: int) -> bytes:
    """A receiver report about nothing, with the name a report must carry: a sign of life."""
    name = struct.pack("!IBB", source, 1, 8) + b"camtrace\0\0"
    return struct.pack("!BBHI", 0x80, 201, 1, source) + struct.pack("!BBH", 0x81, 202, len(name) // 4) + name
