"""The live picture in the camera's thread: keeps the newest pictures, and cuts fragments while they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import av

from camtrace.media.boxes import BoxError, parse_init
from camtrace.media.frame_box import fragment, with_lengths
from camtrace.media.mux import CannotMux, FragmentMuxer
from camtrace.media.packets import SourceTrack
from camtrace.model import Track

# what is kept of the pictures since the last key frame, for those who come in the middle
MAX_GOP_BYTES = 4 << 20


class Coded(NamedTuple):
    """A packet as plain values. `dts`, `pts` in ticks of its track."""

    track: int
    data: bytes
    dts: int
    pts: int
    key: bool
    arrived_us: int


class Opened(NamedTuple):
    """Fragments follow, behind this `ftyp`+`moov`."""

    tracks: tuple[SourceTrack, ...]
    init: bytes


class Cut(NamedTuple):
    """One fragment of one frame; `key`: of a video key frame."""

    data: bytes
    key: bool
    at_us: int


class Still(NamedTuple):
    """A whole picture: a JPEG, or a key frame that somebody turns into one."""

    track: SourceTrack
    data: bytes
    at_us: int


class Idle(NamedTuple):
    """Nobody watched any more: whoever comes next gets an `Opened` first."""


class Closed(NamedTuple):
    """The camera's connection is over, or its tracks changed."""

    reason: str


Message = Opened | Cut | Still | Idle | Closed


class LiveSink:
    """A `PacketSink` of one camera, kept over its connections.

    From the reactor: `want` says what is asked for; `layout`, `tracks` and `newest()` can be read at any time.
    """

    def __init__(self, tell: Callable[[Message], bool]) -> None:
        self._tell = tell
        self._want_fragments = self._want_stills = False
        self._cutting = self._skipping = False
        self._sequence = 0
        self._offset_us = 0
        self._init = b""
        self._last_dts: dict[int, int] = {}
        self._steps: dict[int, int] = {}
        self._firsts: dict[int, Coded] = {}
        self._gop: list[Coded] = []
        self._gop_bytes = 0
        self.tracks: tuple[SourceTrack, ...] = ()
        self.layout: tuple[Track, ...] = ()

    # ── from the reactor ──

    def want(self, *, fragments: bool, stills: bool) -> None:
        """Cut fragments, send whole pictures, from the next packet on."""
        self._want_fragments, self._want_stills = fragments, stills

    def newest(self) -> tuple[Coded, ...]:
        """The video since the last key frame, in decoding order; empty while the camera is away."""
        return tuple(coded for coded in tuple(self._gop) if coded.track == 0)

    # ── in the camera's thread ──

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        """A connection is up."""
        self._firsts, self._last_dts, self._steps, self._gop = {}, {}, {}, []
        self.layout, self.tracks = (), tracks

    def packet(self, track: int, packet: av.Packet[Any], arrived_us: int) -> None:
        """Keep the packet, and hand it to those who watch."""
        key = track == 0 and packet.is_keyframe
        coded = Coded(track, bytes(packet), packet.dts or 0, packet.pts or 0, key, arrived_us)
        if track in self._last_dts:
            self._steps[track] = coded.dts - self._last_dts[track]
        self._last_dts[track] = coded.dts
        self._keep(coded)
        if not self.layout:
            self._learn_layout(coded)
        if self._want_stills and key:
            self._tell(Still(self.tracks[0], coded.data, arrived_us))
        self._cut(coded)

    def end(self, reason: str) -> None:
        """The connection is over."""
        self._cutting = False
        self.layout, self.tracks, self._gop = (), (), []
        self._tell(Closed(reason))

    def _keep(self, coded: Coded) -> None:
        if coded.key:
            self._gop, self._gop_bytes = [], 0
        elif not self._gop:
            return
        self._gop_bytes += len(coded.data)
        if self._gop_bytes > MAX_GOP_BYTES and not coded.key:
            self._gop = self._gop[:1]  # too much to replay: keep the key frame for the still picture
            return
        self._gop.append(coded)

    def _learn_layout(self, coded: Coded) -> None:
        """Find out how MP4 describes the tracks, once each has had a packet."""
        self._firsts.setdefault(coded.track, coded)
        if len(self._firsts) < len(self.tracks):
            return
        written: list[bytes] = []
        try:
            muxer = FragmentMuxer(self.tracks, written.append)
            for first in self._firsts.values():
                muxer.mux(first.track, self._packet(first), first.dts, first.pts)
            muxer.close()
            layout = parse_init(written[0])
        except (CannotMux, BoxError, IndexError):  # then this camera has no live fragments; the recorder says why
            self._firsts = {}
            return
        first = self._firsts[0]
        self._offset_us = first.arrived_us - _us(first.dts, self.tracks[0])
        self._init, self.layout = written[0], layout

    def _packet(self, coded: Coded) -> Any:
        packet: Any = av.Packet(coded.data)
        packet.time_base = self.tracks[coded.track].time_base
        packet.is_keyframe = coded.key or coded.track != 0
        return packet

    def _cut(self, coded: Coded) -> None:
        if not self._want_fragments:
            if self._cutting:
                self._cutting = False
                self._tell(Idle())
        elif self._cutting:
            self._send(coded)
        elif self.layout and self._gop and self._gop_bytes <= MAX_GOP_BYTES:
            self._cutting = True
            self._skipping = not self._tell(Opened(self.tracks, self._init))
            for kept in self._gop:
                self._send(kept)

    def _send(self, coded: Coded) -> None:
        """One fragment; a reactor that is behind loses up to the next key frame, never something in between."""
        if self._skipping and not coded.key:
            return
        self._sequence += 1
        track = self.tracks[coded.track]
        offset = self._offset_us * track.time_base.denominator // (track.time_base.numerator * 1_000_000)
        # nobody knows how long the newest frame lasts: as long as the one before
        step = self._steps.get(coded.track, track.time_base.denominator // (25 * track.time_base.numerator))
        dts, pts = coded.dts + offset, coded.pts + offset
        key = coded.key or coded.track != 0
        data = fragment(self._sequence, coded.track, dts, pts, max(step, 1), key, _stored(track, coded.data))
        self._skipping = not self._tell(Cut(data, coded.key, coded.arrived_us))


def _stored(track: SourceTrack, data: bytes) -> bytes:
    """The packet as MP4 stores it."""
    if track.codec in ("h264", "h265") and track.extradata[:1] != b"\x01":
        return with_lengths(data)
    return data


def _us(ticks: int, track: SourceTrack) -> int:
    return ticks * track.time_base.numerator * 1_000_000 // track.time_base.denominator
