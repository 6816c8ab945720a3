"""One connection's packets on their way to the sink: stamps repaired, tracks announced once they speak.

Everything here runs in the camera's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import av

from camtrace.media.decoding_order import DecodingOrder
from camtrace.media.packets import PacketSink, SourceTrack
from camtrace.media.parameter_sets import merged, parameter_sets
from camtrace.media.picture import CannotDecode, shape
from camtrace.media.timeline import Stamped, Timeline

# an av.Packet, which the stubs know as generic and Python does not
Packet = Any
Convert = Callable[[Stamped[Packet]], list[Stamped[Packet]]]

# a muxer waits for every track that was announced, so those silent for so long at the start are left out at first
_WAIT_FOR_TRACKS_US = 1_000_000


class TrackFeed:
    """A track of this connection: how it is described, its stamps, and what turns it into something recordable."""

    def __init__(self, track: SourceTrack, timeline: Timeline[Packet], convert: Convert | None = None) -> None:
        self.track = track
        self.timeline = timeline
        self.convert = convert
        self.announced = False
        self.spoke = False


class _Arrived(NamedTuple):
    """A packet and when it arrived: wall time, and the time that never steps."""

    packet: Packet
    at_us: int
    monotonic_us: int


class Session:
    """Takes pictures and sound as a camera sends them, and hands them to `sink` as `PacketSink` promises them.

    The first packet of the sink is a key frame. Another size, other parameter sets or a track that joins late end the
    announced tracks and announce the new ones, at a key frame. The sink's track numbers are those of the announcement.
    """

    def __init__(self, feeds: list[TrackFeed], sink: PacketSink) -> None:
        self._feeds = feeds
        self._sink = sink
        self._waiting: list[tuple[int, Stamped[Packet]]] = []
        self._since_us = 0
        self._numbers: dict[int, int] = {}
        self._order: DecodingOrder[_Arrived] | None = None  # once a key frame has told what the stream is like
        self._reorders = False
        self.began = False

    def packet(self, index: int, data: bytes, pts: int, key: bool, arrived_us: int, monotonic_us: int) -> None:
        """A picture of feed 0, or a frame of sound of another, arrived. `pts`: in ticks of the feed, as received."""
        feed = self._feeds[index]
        packet: Packet = av.Packet(data)
        packet.is_keyframe = key
        packet.time_base = feed.timeline.time_base
        if index:
            self._stamp(index, packet, pts, pts, arrived_us, monotonic_us)
            return
        if self._order is None:
            if not key or not self._describe(data):
                return
            self._order = DecodingOrder(self._reorders, feed.timeline.time_base.denominator)
        for arrived, dts, shown in self._order.add(_Arrived(packet, arrived_us, monotonic_us), pts):
            self._stamp(0, arrived.packet, dts, shown, arrived.at_us, arrived.monotonic_us)

    def end(self, reason: str) -> None:
        """The connection is over; packets that still wait for a key frame are worth nothing."""
        self._waiting.clear()
        if self.began:
            self.began = False
            self._sink.end(reason)

    def _stamp(self, index: int, packet: Packet, dts: int | None, pts: int, arrived_us: int, monotonic_us: int) -> None:
        feed = self._feeds[index]
        for stamped in feed.timeline.add(packet, dts, pts, arrived_us, monotonic_us):
            for ready in feed.convert(stamped) if feed.convert else (stamped,):
                self._take(index, ready, monotonic_us)

    def _take(self, index: int, stamped: Stamped[Packet], monotonic_us: int) -> None:
        self._feeds[index].spoke = True
        if self.began:
            self._forward(index, stamped)
            return
        key = index == 0 and stamped.packet.is_keyframe
        if not self._waiting and not key:
            return
        if not self._waiting:
            self._since_us = monotonic_us
        self._waiting.append((index, stamped))
        if all(feed.spoke for feed in self._feeds) or monotonic_us - self._since_us > _WAIT_FOR_TRACKS_US:
            self._begin()

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._announce()
        for index, stamped in waiting:
            self._forward(index, stamped)

    def _announce(self) -> None:
        speaking = [index for index, feed in enumerate(self._feeds) if feed.spoke]
        for index in speaking:
            self._feeds[index].announced = True
        self._numbers = {index: number for number, index in enumerate(speaking)}
        self.began = True
        self._sink.begin(tuple(self._feeds[index].track for index in speaking))

    def _forward(self, index: int, stamped: Stamped[Packet]) -> None:
        packet = stamped.packet
        if index == 0 and packet.is_keyframe and self._has_changed(packet):
            self._sink.end("codec")
            self._announce()
        number = self._numbers.get(index)
        if number is None:  # it joins at the next key frame
            return
        packet.dts, packet.pts = stamped.dts, stamped.pts
        self._sink.packet(number, packet, stamped.arrived_us)

    def _has_changed(self, key_frame: Packet) -> bool:
        late = any(feed.spoke and not feed.announced for feed in self._feeds)
        return self._describe(bytes(key_frame)) or late

    def _describe(self, data: bytes) -> bool:
        """Bring the video's description up to what this key frame says; True if it is another than before."""
        video = self._feeds[0]
        track = video.track
        sets = merged(track.codec, track.extradata, parameter_sets(track.codec, data))
        if sets == track.extradata and track.width and track.height:
            return False
        try:
            width, height, self._reorders = shape(track.codec, sets, data)
        except CannotDecode:  # a damaged key frame: the next one will tell
            return False
        video.track = replace(track, extradata=sets, width=width, height=height)
        return True
