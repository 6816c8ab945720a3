"""A cursor over recorded footage, across files, gaps and what is only just being recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import CamTraceError
from camtrace.model import Chunk, Sample, Segment, Track
from camtrace.recording.index import Index
from camtrace.recording.ports import FileLayout, Jobs, Piece

_PAGE = 64
_TOUCHING_US = 1_000_000  # segments of one run that are nearer than this follow each other


class Place:
    """A fragment to read from: a segment, and a byte in it."""

    __slots__ = ("offset", "segment")

    def __init__(self, segment: Segment, offset: int) -> None:
        self.segment = segment
        self.offset = offset

    @property
    def at_us(self) -> int:
        """Wall time of the key frame there, or of the segment's beginning."""
        return next((k.at_us for k in self.segment.keyframes if k.offset == self.offset), self.segment.started_us)


async def find(index: Index, camera_uid: int, stream: str, start_us: int, stop_us: int) -> Place | None:
    """The last key frame at or before `start_us` of footage that goes on beyond it, else the first one after it.

    None when no picture lies between the two instants.
    """
    at_us = start_us
    while True:
        segments = await index.around(camera_uid, stream, at_us, _PAGE)
        for segment in segments:
            if segment.started_us >= stop_us:
                return None
            if segment.ended_us <= start_us:
                continue
            return await key_frame_before(index, segment, start_us)
        if len(segments) < _PAGE:
            return None
        at_us = segments[-1].started_us + 1


async def key_frame_before(index: Index, segment: Segment, at_us: int) -> Place:
    """The last key frame at or before `at_us`: a segment that has none goes on one of its run before it."""
    first = segment
    while True:
        keys = [key for key in segment.keyframes if key.at_us <= at_us] or list(segment.keyframes[:1])
        if keys:
            return Place(segment, keys[-1].offset)
        earlier = await index.before(segment)
        if earlier is None or earlier.run != segment.run:
            return Place(first, 0)
        segment = earlier


class RecordedReading:
    """The footage of one camera from a place up to an instant; with `follow`, on into what is being recorded.

    `tracks` is the layout of the whole reading: another codec ends it, tracks that are not among them are left out.
    Samples whose decoding time is at or after `stop_us` are left out; `reached_us` is where the last picture ends now.
    """

    log = Logger()

    def __init__(
        self,
        index: Index,
        files: FileLayout,
        jobs: Jobs,
        place: Place,
        tracks: tuple[Track, ...],
        stop_us: int,
        reached_us: int,
        *,
        follow: bool = False,
    ) -> None:
        self.tracks = tracks
        self.start: datetime = clock.from_us(place.at_us)
        self.stop: datetime | None = None if follow else clock.from_us(min(stop_us, reached_us))
        self._index = index
        self._files = files
        self._jobs = jobs
        self._camera_uid = place.segment.camera_uid
        self._stream = place.segment.stream
        self._stop_us = None if follow else stop_us
        self._layout = self._file_tracks = tracks
        self._entered: Segment | None = None
        self._broken = False
        self._place: Place | None = place
        self._waiting: defer.Deferred[None] | None = None
        self._closed = False

    async def next(self) -> Chunk | None:
        """The next second or so of samples; None at the end. What cannot be read is left out, as a discontinuity."""
        while not self._closed and self._place is not None:
            place = self._place
            place.segment = self._index.current(place.segment)
            if place.offset >= place.segment.bytes:
                await self._onward(place)
            elif await self._enter(place.segment):
                samples = await self._read(place)
                if samples:
                    broken, self._broken = self._broken, False
                    return Chunk(samples, self._layout, broken)
        return None

    async def seek(self, at: datetime) -> None:
        """Go to the last key frame at or before `at`; beyond the last picture the reading is at its end."""
        at_us = clock.to_us(at)
        stop_us = self._stop_us if self._stop_us is not None else clock.now_us()
        self._place = await find(self._index, self._camera_uid, self._stream, at_us, max(stop_us, at_us + 1))
        self._entered, self._broken = None, False

    def close(self) -> None:
        """No more is read; a pending `next` answers None."""
        self._closed = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _read(self, place: Place) -> tuple[Sample, ...]:
        try:
            piece: Piece = await self._jobs.job(
                self._files.read, path_of(place.segment), place.segment, self._file_tracks, place.offset
            )
        except (OSError, CamTraceError) as error:
            self._unreadable(place, error)
            return ()
        place.offset = piece.next_offset
        samples = tuple(sample for sample in piece.samples if sample.track < len(self.tracks))
        if self._stop_us is None:
            return samples
        within = tuple(sample for sample in samples if self._decoded_us(sample) < self._stop_us)
        if len(within) < len(samples):
            self._place = None
        return within

    def _decoded_us(self, sample: Sample) -> int:
        return sample.at_us - (sample.pts - sample.dts) * 1_000_000 // self._layout[sample.track].timescale

    async def _enter(self, segment: Segment) -> bool:
        """Go over into a segment's file, unless it is the present one; False when it is not to be read."""
        last = self._entered
        if last is not None and (last.started_us, last.run) == (segment.started_us, segment.run):
            self._entered = segment
            return True
        place = self._place
        try:
            found: tuple[Track, ...] = await self._jobs.job(self._files.tracks, path_of(segment))
        except (OSError, CamTraceError) as error:
            if place is not None:
                self._unreadable(place, error)
            return False
        layout = fitted(self.tracks, found)
        if layout is None:
            self._place = None
            return False
        if last is not None:
            touching = last.run == segment.run and abs(segment.started_us - last.ended_us) < _TOUCHING_US
            self._broken = self._broken or not touching
        self._layout, self._file_tracks, self._entered = layout, found, segment
        return True

    def _unreadable(self, place: Place, error: Exception) -> None:
        self.log.warn("{path}: {error}", path=place.segment.path, error=str(error))
        self._broken = True
        place.offset = next((k.offset for k in place.segment.keyframes if k.offset > place.offset), place.segment.bytes)

    async def _onward(self, place: Place) -> None:
        """At the end of what this segment holds: the next one, or more of this one, or the end."""
        growth = self._index.growth(self._camera_uid) if self._stop_us is None else None
        if not self._index.is_growing(place.segment):
            following = await self._following(place.segment)
            if following is not None:
                self._place = Place(following, 0)
                return
        if place.offset < self._index.current(place.segment).bytes:
            return
        if growth is None:
            self._place = None
        elif not self._closed:
            self._waiting = growth
            await growth
            self._waiting = None

    async def _following(self, segment: Segment) -> Segment | None:
        around = await self._index.around(self._camera_uid, self._stream, segment.started_us + 1, 4)
        later = next((other for other in around if other.started_us > segment.started_us), None)
        if later is None or (self._stop_us is not None and later.started_us >= self._stop_us):
            return None
        return later


class ChainedReading:
    """Several readings one after the other, as one; what lies between them is a discontinuity."""

    def __init__(self, readings: Sequence[RecordedReading]) -> None:
        self.tracks = readings[0].tracks
        self.start = readings[0].start
        self.stop = readings[-1].stop
        self._readings = readings
        self._at = 0

    async def next(self) -> Chunk | None:
        """See `RecordedReading.next`."""
        entered = False
        while self._at < len(self._readings):
            chunk = await self._readings[self._at].next()
            if chunk is not None:
                return chunk._replace(discontinuity=chunk.discontinuity or entered)
            self._at += 1
            entered = True
        return None

    async def seek(self, at: datetime) -> None:
        """Go to the last key frame at or before `at`, or to the next part."""
        stops = [reading.stop for reading in self._readings]
        self._at = next((n for n, stop in enumerate(stops) if stop is None or at < stop), len(stops))
        for number, reading in enumerate(self._readings[self._at :]):
            await reading.seek(reading.start if number or at < reading.start else at)

    def close(self) -> None:
        """Close every part."""
        for reading in self._readings:
            reading.close()


def path_of(segment: Segment) -> Path:
    """Where the segment's file lies."""
    return Path(segment.volume) / segment.path


def fitted(wanted: tuple[Track, ...], found: tuple[Track, ...]) -> tuple[Track, ...] | None:
    """The layout of a file, as far as it belongs to a reading of `wanted`; None where its codecs are others."""
    if any(a.codec != b.codec for a, b in zip(wanted, found, strict=False)):
        return None
    audio = [(a, b) for a, b in zip(wanted, found, strict=False) if not a.is_video]
    if any(a.timescale != b.timescale for a, b in audio):
        return None
    return (*found[: len(wanted)], *wanted[len(found) :])
