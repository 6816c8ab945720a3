"""Segment files as they lie on the disk: surveyed, mended, read. Everything here blocks: call it in the job pool."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from camtrace.media import boxes, sound, virtual_mp4
from camtrace.model import Sample, Segment, Sound, Stretch, Track

_HEAD = 64 << 10  # the initial boxes are about 1 kB
_PIECE_US = 1_000_000
_PIECE_BYTES = 4 << 20


class Surveyed(NamedTuple):
    """What a segment's file says of itself, up to its last whole fragment. `keyframes`: (offset, at_us)."""

    ended_us: int
    start_ticks: int
    bytes: int
    keyframes: tuple[tuple[int, int], ...]


class Piece(NamedTuple):
    """Samples in decoding order, and the byte where the next ones begin."""

    samples: tuple[Sample, ...]
    next_offset: int


class WallClock:
    """Wall time of samples of one file: it begins at `started_us`, where its first track shows `start_ticks`."""

    def __init__(self, started_us: int, start_ticks: int, first: Track) -> None:
        self._shift_us = started_us - boxes.media_us(first, start_ticks)

    def __call__(self, track: Track, ticks: int) -> int:
        return boxes.media_us(track, ticks) + self._shift_us


class SegmentFiles:
    """Understands the files that the recorder makes; `recording.ports.FileLayout`."""

    def survey(self, path: Path, started_us: int, *, mend: bool) -> Surveyed | None:
        """Walk through a whole file; `mend` cuts off what follows its last whole fragment and syncs it.

        None when there is no whole fragment with a picture in it. Raises OSError and BoxError.
        """
        with path.open("r+b" if mend else "rb") as file:
            size = os.fstat(file.fileno()).st_size
            init, tracks = _initial(file)
            found = _walk(file, init, size, tracks, started_us)
            if mend and found is not None and found.bytes < size:
                file.truncate(found.bytes)
                file.flush()
                os.fsync(file.fileno())
            return found

    def tracks(self, path: Path) -> tuple[Track, ...]:
        """The layout of a file. Raises OSError and BoxError."""
        with path.open("rb") as file:
            return _initial(file)[1]

    def read(self, path: Path, segment: Segment, tracks: tuple[Track, ...], offset: int) -> Piece:
        """About a second of samples from the fragment at `offset` on (0: the first); less where they are large.

        Raises OSError and BoxError.
        """
        at_us = WallClock(segment.started_us, segment.start_ticks, tracks[0])
        samples: list[Sample] = []
        with path.open("rb") as file:
            end = offset = offset or boxes.init_length(file.read(_HEAD))
            for place in boxes.fragments(file, offset, segment.bytes):
                file.seek(place.offset)
                samples += boxes.parse_fragment(file.read(place.length), tracks, at_us)
                end = place.offset + place.length
                if end - offset >= _PIECE_BYTES or _length_us(samples, tracks) >= _PIECE_US:
                    break
        if end == offset and offset < segment.bytes:
            raise boxes.BoxError(f"no whole fragment at byte {offset} of {path.name}")
        samples.sort(key=lambda sample: sample.dts / tracks[sample.track].timescale)
        return Piece(tuple(samples), end)

    def plan_mp4(self, stretches: Sequence[Stretch], absolute: bool) -> virtual_mp4.Plan | None:
        """See `virtual_mp4.plan`."""
        return virtual_mp4.plan(stretches, absolute=absolute)

    def read_mp4(self, plan: virtual_mp4.Plan, offset: int, length: int) -> bytes:
        """See `virtual_mp4.read`."""
        return virtual_mp4.read(plan, offset, length)

    def sound(self, segments: Sequence[Segment], offset: int, start_us: int, stop_us: int) -> Sound | None:
        """See `sound.extract`."""
        return sound.extract(segments, offset, start_us, stop_us)


def _initial(file: BinaryIO) -> tuple[int, tuple[Track, ...]]:
    head = file.read(_HEAD)
    length = boxes.init_length(head)
    return length, boxes.parse_init(head[:length])


def _walk(file: BinaryIO, start: int, size: int, tracks: tuple[Track, ...], started_us: int) -> Surveyed | None:
    at_us: WallClock | None = None
    start_ticks, ended_us, end = 0, started_us, start
    keyframes: list[tuple[int, int]] = []
    for place in boxes.fragments(file, start, size):
        try:
            seen = boxes.glance(place.moof)
        except boxes.BoxError:
            break
        if seen is not None:
            if at_us is None:
                start_ticks = seen.pts
                at_us = WallClock(started_us, start_ticks, tracks[0])
            begins_us = at_us(tracks[0], seen.pts)
            ended_us = max(ended_us, begins_us + seen.duration * 1_000_000 // tracks[0].timescale)
            if seen.key:
                keyframes.append((place.offset, begins_us))
        end = place.offset + place.length
    if at_us is None:
        return None
    return Surveyed(ended_us, start_ticks, end, tuple(keyframes))


def _length_us(samples: list[Sample], tracks: tuple[Track, ...]) -> int:
    video = [sample for sample in samples if sample.track == 0]
    if not video:
        return 0
    ticks = video[-1].dts + video[-1].duration - video[0].dts
    return ticks * 1_000_000 // tracks[0].timescale
