"""One segment on its way to the disk: packets in, whole fragments out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import av

from camtrace.media import boxes
from camtrace.media.mux import FragmentMuxer
from camtrace.media.packets import SourceTrack

# What a crash may cost: this, the packet behind it that completes a fragment, and the turns of the sweep and of the
# volume's writer. Together less than half a second.
_FRAGMENT_US = 300_000


class SegmentSink(Protocol):
    """Where the files of one camera's stream go. Called in the camera's thread; nothing here blocks.

    One file at a time: `open`, `write` for each fragment, `close`. Times are wall time in microseconds.
    """

    def accepts(self) -> bool:
        """Whether a file may be begun now."""

    def is_due(self) -> bool:
        """Whether the open file should end at the next key frame and another one begin, without a break."""

    def open(self, run: int, started_us: int, start_ticks: int, init: bytes) -> bool:
        """Begin a file with its initial bytes; False when it cannot be taken."""

    def write(self, data: bytes, at_us: int, duration_us: int, key: bool) -> bool:
        """Add a whole fragment; False when it was refused: then nothing more of this file may follow."""

    def close(self) -> None:
        """The file is complete."""

    def ended(self, reason: str) -> None:
        """The camera's connection is over."""

    def lost(self, packets: int) -> None:
        """Packets came that are not recorded."""


class SegmentFile:
    """Muxes `speaking` of the camera's tracks (their numbers, the video first) into one file of `sink`.

    `run` is 0 for the first file of a run, which names the run by its own beginning. `refused`: the sink takes no more.
    `size`: bytes written. `pending`: packets not yet written.
    """

    def __init__(
        self,
        tracks: tuple[SourceTrack, ...],
        speaking: Sequence[int],
        sink: SegmentSink,
        run: int,
        correction_us: int,
    ) -> None:
        self.run = run
        self.refused = False
        self.size = 0
        self.pending = 0
        self._began_us = self._reached_us = 0
        self._sink = sink
        self._correction_us = correction_us
        self._numbers = {number: index for index, number in enumerate(speaking)}
        spoken = tuple(tracks[number] for number in speaking)
        self._muxer = FragmentMuxer(spoken, self._written, fragment_us=_FRAGMENT_US)
        self._init = b""
        self._timescale = 1
        self._opened = self._closing = False
        self._next_us = 0

    def add(self, track: int, packet: av.Packet[Any], dts: int, pts: int, dts_us: int) -> bool:
        """Add a packet at these times of the run; False when its track is not in this file."""
        index = self._numbers.get(track)
        if index is None:
            return False
        self.pending += 1
        self._muxer.mux(index, packet, dts, pts)
        if track == 0:
            self._began_us = self._began_us or dts_us
            self._reached_us = dts_us
        return True

    @property
    def length_us(self) -> int:
        """Media time in the file so far."""
        return self._reached_us - self._began_us

    def close(self) -> None:
        """Write the last fragment and end the file."""
        self._closing = True
        try:
            self._muxer.close()
        finally:
            if self._opened:
                self._sink.close()

    def _written(self, data: bytes) -> None:
        """The muxer's output: first the initial bytes, then fragment after fragment."""
        if not self._init:
            self._init = data
            self._timescale = boxes.parse_init(data)[0].timescale
        elif not self.refused:
            self._fragment(data)

    def _fragment(self, data: bytes) -> None:
        seen = boxes.glance(data)
        at_us = self._us(seen.pts) + self._correction_us if seen else self._next_us
        if not self._opened and not self._open(at_us, seen.pts if seen else 0):
            return
        duration_us = self._us(seen.duration) if seen else 0
        if not self._sink.write(data, at_us, duration_us, seen is not None and seen.key):
            self.refused = True
            return
        self.size += len(data)
        self.pending = 0 if self._closing else 1  # the packet that completed it comes in the next one
        self._next_us = at_us + duration_us

    def _open(self, started_us: int, start_ticks: int) -> bool:
        self.run = self.run or started_us
        self._opened = self._sink.open(self.run, started_us, start_ticks, self._init)
        self.refused = not self._opened
        return self._opened

    def _us(self, ticks: int) -> int:
        return ticks * 1_000_000 // self._timescale
