"""A camera's packets into segment files, without a frame lost between two of them. Runs in the camera's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import av
from twisted.logger import Logger

from camtrace import clock
from camtrace.media.boxes import BoxError
from camtrace.media.mediatime import First, RunClock
from camtrace.media.mux import CannotMux
from camtrace.media.packets import SourceTrack
from camtrace.media.segment_file import SegmentFile, SegmentSink

SEGMENT_US = 60_000_000
# Where key frames are rarer than segments, a file is cut without one rather than grow for ever.
_LONGEST_US = 600_000_000
_LARGEST = 512 << 20
_SETTLE_US = 500_000  # cameras send their first pictures in a burst: the earliest arrival tells the time
_SILENCE_US = 2_000_000  # libav holds every track back for one that does not speak
CODEC = "codec"  # the reason of an end that is followed at once by a begin: nothing is missing between them


class _Held(NamedTuple):
    track: int
    packet: Any
    dts: int
    pts: int
    arrived_us: int

    @property
    def is_key(self) -> bool:
        return self.track == 0 and bool(self.packet.is_keyframe)


class Recorder:
    """Records one stream of one camera; a `PacketSink`.

    A *run* is footage without a break. It is split, always at a key frame, where the wall clock stepped, the camera's
    time jumped or another codec begins, and it ends with the connection or when the disk does not take a fragment.
    `stagger` (0 to 1) is how long the first file of a run is, so that not all cameras begin files together.
    """

    log = Logger()

    def __init__(
        self,
        camera_uid: int,
        sink: SegmentSink,
        *,
        stagger: float = 1.0,
        segment_us: int = SEGMENT_US,
        monotonic_us: Callable[[], int] = lambda: int(clock.monotonic() * 1_000_000),
    ) -> None:
        self._uid = camera_uid
        self._sink = sink
        self._first_us = int(segment_us * stagger)
        self._segment_us = segment_us
        self._monotonic_us = monotonic_us
        self._tracks: tuple[SourceTrack, ...] = ()
        self._heard_us: list[int] = []
        self._forget()

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        """A connection is up, or goes on with another layout."""
        if self._clock is not None:
            was, now = self._tracks[0], tracks[0]
            if (was.codec, was.time_base) == (now.codec, now.time_base):
                self._clock.replace_others([track.time_base for track in tracks])
            else:
                self._forget()
        self._tracks = tracks
        self._heard_us = [0] * len(tracks)

    def packet(self, track: int, packet: av.Packet[Any], arrived_us: int) -> None:
        """Take a packet; whatever goes wrong is logged and costs at most what comes until the next key frame."""
        if packet.dts is None or packet.pts is None:
            return
        held = _Held(track, packet, packet.dts, packet.pts, arrived_us)
        self._heard_us[track] = arrived_us
        try:
            if self._clock is not None:
                self._take(held)
            else:
                self._settle(held)
        except (CannotMux, BoxError) as error:
            self._failed(error)

    @property
    def is_writing(self) -> bool:
        """Whether a file is open, or will be of what is held."""
        return self._file is not None or bool(self._held)

    def end(self, reason: str) -> None:
        """The connection is over: write what is held."""
        try:
            if self._held:
                self._start()
            self._close_file()
        except (CannotMux, BoxError) as error:
            self._failed(error)
        if reason != CODEC:
            self._forget()
            self._sink.ended(reason)

    # ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _forget(self) -> None:
        self._held: list[_Held] = []
        self._clock: RunClock | None = None
        self._file: SegmentFile | None = None
        self._run = 0
        self._broken = False  # something is missing: what follows is another run
        self._next_dts: int | None = None  # the key frame at which recording was not wanted any more
        self._turn = False
        self._target_us = 0

    def _settle(self, held: _Held) -> None:
        """Collect the first packets, from a key frame on, until it is clear what time it is."""
        if not self._held and not held.is_key:
            return
        self._held.append(held)
        if not 0 <= held.arrived_us - self._held[0].arrived_us < _SETTLE_US:
            self._start()

    def _start(self) -> None:
        held, self._held = self._held, []
        first, base = held[0], self._tracks[0].time_base
        early = min(
            one.arrived_us - first.arrived_us - int((one.dts - first.dts) * base * 1_000_000)
            for one in held
            if one.track == 0
        )
        self._begin_run(first, first.arrived_us + min(0, early))
        for one in held:
            self._take(one)

    def _begin_run(self, first: _Held, origin_us: int) -> None:
        """From this key frame on, which was taken at `origin_us`, time is counted anew."""
        self._close_file()
        self._run, self._broken = 0, False
        bases = [track.time_base for track in self._tracks]
        self._clock = RunClock(bases, First(first.dts, first.pts, first.arrived_us), origin_us, self._monotonic_us)

    # ── packets ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, held: _Held) -> None:
        if held.is_key:
            self._at_key_frame(held)
        assert self._clock is not None
        if self._file is None:
            self._sink.lost(1)
            return
        dts, pts = self._clock.place(held.track, held.dts, held.pts, held.arrived_us)
        dts_us = self._clock.us(held.track, dts)
        if held.track == 0 and self._must_cut():
            self._next_file(held, self._segment_us)
        if not self._file.add(held.track, held.packet, dts, pts, dts_us):
            self._turn = True  # a track that joins late waits for the next file
        if self._file.refused:
            self._close_file()

    def _at_key_frame(self, held: _Held) -> None:
        """Begin another file or run where it is time to."""
        assert self._clock is not None
        if not self._sink.accepts():
            self._close_file()
            self._next_dts = None if self._broken else held.dts
            self._broken = True
            if not self._sink.accepts():  # it may only have wanted the end of the file
                return
        long_enough = self._file is not None and self._file.length_us >= self._target_us
        if held.dts == self._next_dts:  # it is wanted after all, and nothing was left out before it
            self._broken = False
            self._clock.resume(held.arrived_us)
        self._next_dts = None
        due = self._turn or long_enough or self._sink.is_due()
        if due:
            self._clock.correct(held.arrived_us)
        if self._broken or self._clock.broken:
            self._begin_run(held, held.arrived_us)
        if self._file is None:
            self._next_file(held, self._first_us if not self._run else self._segment_us)
        elif due:
            self._next_file(held, self._segment_us)

    def _must_cut(self) -> bool:
        """Whether the file has to end although no key frame came."""
        file = self._file
        assert file is not None
        withheld = not file.size and file.length_us > _SILENCE_US
        return withheld or file.length_us > _LONGEST_US or file.size > _LARGEST

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _next_file(self, held: _Held, target_us: int) -> None:
        assert self._clock is not None
        self._close_file()
        speaking = [
            number
            for number, heard_us in enumerate(self._heard_us)
            if number == 0 or abs(held.arrived_us - heard_us) < _SILENCE_US
        ]
        self._turn, self._target_us = False, target_us
        self._file = SegmentFile(self._tracks, speaking, self._sink, self._run, self._clock.correction_us)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        finally:
            self._run = file.run
            if file.pending:
                self._sink.lost(file.pending)
                self._broken = True

    def _failed(self, error: Exception) -> None:
        """What comes until the next key frame is not recorded, and another run begins there."""
        self.log.warn("camera {uid}: {error}", uid=self._uid, error=error)
        self._broken = True
        try:
            self._close_file()
        except (CannotMux, BoxError) as another:
            self.log.warn("camera {uid}: {error}", uid=self._uid, error=another)
