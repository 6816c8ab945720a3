"""The last seconds of a camera in memory: a recording begins before its alarm. Runs in the camera's thread."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple, Protocol

import av

from camtrace.media.packets import PacketSink, SourceTrack

DURABLE_SECONDS = 1.0  # kept beyond what is asked for: an alarm is durable before it is recorded
MOST_BYTES = 64 << 20  # of one camera: half a minute at 16 Mbit/s


class Recording(PacketSink, Protocol):
    """Who records: `recorder.Recorder`."""

    @property
    def is_writing(self) -> bool: ...


class Demand(Protocol):
    """What is wanted of the camera now: whether and as what it is recorded ("regular", "alarm", "" while it is not),
    and how many seconds are kept while it is not."""

    @property
    def is_wanted(self) -> bool: ...
    @property
    def kind(self) -> str: ...
    @property
    def look_back_seconds(self) -> float: ...


class _Kept(NamedTuple):
    track: int
    packet: Any
    arrived_us: int


class Lookback:
    """A `PacketSink` before a recorder: what is not recorded is kept for a while, and recorded once that is wanted.

    It keeps whole groups of pictures, one more than the seconds take that are asked for. A regular recording takes only
    the group under way: what was before it, nobody wanted recorded.
    """

    def __init__(self, recorder: Recording, demand: Demand, most_bytes: int = MOST_BYTES) -> None:
        self._recorder = recorder
        self._demand = demand
        self._most_bytes = most_bytes
        self._groups: deque[list[_Kept]] = deque()
        self._bytes = 0

    @property
    def kept_bytes(self) -> int:
        """What is in memory."""
        return self._bytes

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        """A connection is up, or goes on with another layout, which what is kept does not fit."""
        self._forget()
        self._recorder.begin(tracks)

    def packet(self, track: int, packet: av.Packet[Any], arrived_us: int) -> None:
        """Take a packet: record it, or keep it."""
        if self._demand.is_wanted:
            self._give()
            self._recorder.packet(track, packet, arrived_us)
            return
        is_key = track == 0 and bool(packet.is_keyframe)
        if self._recorder.is_writing:
            self._recorder.packet(track, packet, arrived_us)  # it ends its file at a key frame
            if self._recorder.is_writing or not is_key:
                return
        self._keep(_Kept(track, packet, arrived_us), is_key)

    def end(self, reason: str) -> None:
        """The connection is over."""
        if self._demand.is_wanted:
            self._give()
        self._forget()
        self._recorder.end(reason)

    def _give(self) -> None:
        groups, self._groups = self._groups, deque()
        self._bytes = 0
        for group in groups if self._demand.kind == "alarm" else tuple(groups)[-1:]:
            for kept in group:
                self._recorder.packet(*kept)

    def _keep(self, kept: _Kept, is_key: bool) -> None:
        if self._demand.look_back_seconds <= 0:
            self._forget()
            return
        if is_key:
            self._groups.append([])
        if not self._groups:
            return  # nothing can be shown before the first key frame
        self._groups[-1].append(kept)
        self._bytes += kept.packet.size
        enough_us = kept.arrived_us - int((self._demand.look_back_seconds + DURABLE_SECONDS) * 1_000_000)
        while len(self._groups) > 1 and self._groups[1][0].arrived_us <= enough_us:
            self._drop()
        while self._bytes > self._most_bytes:
            self._drop()

    def _drop(self) -> None:
        self._bytes -= sum(kept.packet.size for kept in self._groups.popleft())

    def _forget(self) -> None:
        self._groups.clear()
        self._bytes = 0
