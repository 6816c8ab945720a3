"""What was recorded, for whoever wants to see it: players, browsers, downloads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace import clock
from camtrace.model import Camera, Gap, Sample, Segment, Sound, Span, Stretch, Track
from camtrace.recording.index import Index
from camtrace.recording.ports import AlarmSpans, DecodeJpeg, FileLayout, GapStore, Jobs
from camtrace.recording.reading import ChainedReading, Place, RecordedReading, find, path_of

STREAM = "main"
_PAGE = 512
_BETWEEN_US = 100_000
_APART_US = 2_000_000  # sound may lie so far from the pictures it belongs to
_LONGEST_DOWNLOAD = 20_000  # segments: two weeks


async def no_alarms(camera_uid: int, start: datetime, stop: datetime) -> list[Span]:
    """No alarm was recorded."""
    return []


class RecordedMp4:
    """Footage as one MP4 file; `read` answers any part of it."""

    def __init__(self, files: FileLayout, jobs: Jobs, layout: Any) -> None:
        self.length: int = layout.length
        self.mime: str = layout.mime
        self.start = clock.from_us(layout.start_us)
        self.stop = clock.from_us(layout.stop_us)
        self._files = files
        self._jobs = jobs
        self._layout = layout

    async def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on. Raises OSError when the footage was deleted meanwhile."""
        data: bytes = await self._jobs.job(self._files.read_mp4, self._layout, offset, length)
        return data


class Footage:
    """Reads what is recorded, up to the last fragment on the disk. Files are read in the job pool only.

    A kind of recording is "regular"; "alarm": what alarms wanted, wherever it lies; or "all", whatever is there.
    """

    def __init__(
        self,
        index: Index,
        gaps: GapStore,
        files: FileLayout,
        jobs: Jobs,
        decode_jpeg: DecodeJpeg,
        alarm_spans: AlarmSpans = no_alarms,
    ) -> None:
        self._index = index
        self._gaps = gaps
        self._files = files
        self._jobs = jobs
        self._decode_jpeg = decode_jpeg
        self._alarm_spans = alarm_spans

    async def open(
        self,
        camera: Camera,
        kind: str,
        start: datetime,
        stop: datetime,
        *,
        keep_gaps: bool = False,
        follow: bool = False,
    ) -> RecordedReading | ChainedReading | None:
        """A reading of `kind` from the last key frame at or before `start` up to `stop`; None when it has no picture.

        `follow` goes on beyond `stop` into the growing recording. `keep_gaps` changes nothing here: samples carry their
        wall time, so whoever paces them can keep the gaps or skip them.
        """
        if start >= stop:
            return None
        readings = []
        for place, stop_us in await self._places(camera.uid, kind, start, stop):
            on = follow and kind != "alarm" and stop_us == clock.to_us(stop)
            readings.append(await self._open(camera.uid, place, stop_us, on))
        return readings[0] if len(readings) == 1 else ChainedReading(readings) if readings else None

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]:
        """What can be replayed at this moment between two instants, in order; a new run begins a new span."""
        start_us, stop_us = clock.to_us(start), clock.to_us(stop)
        of_files = "regular" if kind == "regular" else ""
        recorded = await self._index.spans(camera_uid, STREAM, start_us, stop_us, of_files)
        windows = await self._alarms(camera_uid, start, stop) if kind == "alarm" else [(start_us, stop_us)]
        return [Span(clock.from_us(first), clock.from_us(last)) for first, last in overlaps(recorded, windows)]

    async def gaps(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]:
        """What should have been recorded between two instants and was not."""
        return await self._gaps.within(camera_uid, start, stop)

    async def mp4(
        self, camera: Camera, kind: str, start: datetime, stop: datetime, *, absolute: bool = False
    ) -> RecordedMp4 | None:
        """The footage as one MP4, gaps closed up; `absolute` keeps wall time and gaps. None when it has no picture.

        It begins at the last key frame at or before `start`, and ends where the codec changes, or at two weeks. What
        lies between two alarms is a gap of the kind "alarm".
        """
        if start >= stop:
            return None
        stretches = [
            Stretch(await self._segments(place.segment, stop_us), place.offset, stop_us)
            for place, stop_us in await self._places(camera.uid, kind, start, stop)
        ]
        layout = await self._jobs.job(self._files.plan_mp4, stretches, absolute)
        return RecordedMp4(self._files, self._jobs, layout) if layout is not None else None

    async def sound(self, camera: Camera, start: datetime, stop: datetime) -> Sound | None:
        """The sound that begins between two instants, in wall time; None where there is none.

        It ends where its layout changes, or at two weeks.
        """
        start_us, stop_us = clock.to_us(start), clock.to_us(stop)
        place = await find(self._index, camera.uid, STREAM, start_us - _APART_US, stop_us)
        if place is None:
            return None
        segments = await self._segments(place.segment, stop_us + _APART_US)
        found: Sound | None = await self._jobs.job(self._files.sound, segments, place.offset, start_us, stop_us)
        return found

    async def picture(self, camera: Camera, at: datetime) -> bytes | None:
        """The picture of that instant as JPEG; None where nothing is recorded then."""
        at_us = clock.to_us(at)
        place = await find(self._index, camera.uid, STREAM, at_us, at_us + 1)
        if place is None:  # between two files of one run wall time may leave out some milliseconds
            place = await find(self._index, camera.uid, STREAM, at_us - _BETWEEN_US, at_us)
        if place is None:
            return None
        tracks: tuple[Track, ...] = await self._jobs.job(self._files.tracks, path_of(place.segment))
        samples = await self._up_to(place, tracks, at_us)
        if not samples:
            return None
        jpeg: bytes = await self._jobs.job(self._decode_jpeg, tracks[0], samples, at_us)
        return jpeg

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _places(self, uid: int, kind: str, start: datetime, stop: datetime) -> list[tuple[Place, int]]:
        """Where to read this kind of recording from, and each time up to which instant.

        Time that begins within the last group of pictures of the time before is read on end with it.
        """
        found: list[tuple[Place, int]] = []
        for start_us, stop_us in await self._windows(uid, kind, start, stop):
            place = await find(self._index, uid, STREAM, start_us, stop_us)
            if place is None:
                continue
            if found and place.at_us < found[-1][1]:
                place, _ = found.pop()
            found.append((place, stop_us))
        return found

    async def _windows(self, uid: int, kind: str, start: datetime, stop: datetime) -> list[tuple[int, int]]:
        """The time this kind of recording covers between two instants, in microseconds."""
        whole = (clock.to_us(start), clock.to_us(stop))
        if kind == "alarm":
            return await self._alarms(uid, start, stop)
        if kind == "regular" and await self._index.has_alarm_files(uid, STREAM, *whole):
            return overlaps(await self._index.spans(uid, STREAM, *whole, "regular"), [whole])
        return [whole]

    async def _alarms(self, uid: int, start: datetime, stop: datetime) -> list[tuple[int, int]]:
        """The time that alarms wanted recorded, in microseconds."""
        spans = await self._alarm_spans(uid, start, stop)
        wanted = [(clock.to_us(span.start), clock.to_us(span.stop)) for span in spans]
        return overlaps(wanted, [(clock.to_us(start), clock.to_us(stop))])

    async def _open(self, uid: int, place: Place, stop_us: int, follow: bool) -> RecordedReading:
        tracks = await self._tracks(place.segment)
        spans = await self._index.spans(uid, STREAM, place.at_us, stop_us)
        reached_us = max((ended for _, ended in spans), default=stop_us)
        return RecordedReading(self._index, self._files, self._jobs, place, tracks, stop_us, reached_us, follow=follow)

    async def _tracks(self, segment: Segment) -> tuple[Track, ...]:
        """The layout of a reading that begins here: sound that only joined in the next file belongs to it."""
        tracks: tuple[Track, ...] = await self._jobs.job(self._files.tracks, path_of(segment))
        if len(tracks) > 1:
            return tracks
        for other in await self._index.around(segment.camera_uid, segment.stream, segment.started_us + 1, 3):
            if other.run == segment.run and other.started_us > segment.started_us:
                later: tuple[Track, ...] = await self._jobs.job(self._files.tracks, path_of(other))
                return (*tracks, *later[1:]) if later[0].codec == tracks[0].codec else tracks
        return tracks

    async def _segments(self, first: Segment, stop_us: int) -> list[Segment]:
        segments = [first]
        while len(segments) < _LONGEST_DOWNLOAD:
            last_us = segments[-1].started_us
            page = await self._index.around(first.camera_uid, first.stream, last_us, _PAGE)
            later = [segment for segment in page if last_us < segment.started_us < stop_us]
            if not later:
                break
            segments += later
        return segments

    async def _up_to(self, place: Place, tracks: tuple[Track, ...], at_us: int) -> Sequence[Sample]:
        """The pictures from the key frame to the one shown at that instant."""
        samples: list[Sample] = []
        segment = self._index.current(place.segment)
        offset = place.offset
        while offset < segment.bytes:
            piece = await self._jobs.job(self._files.read, path_of(segment), segment, tracks, offset)
            pictures = [sample for sample in piece.samples if sample.track == 0]
            samples += pictures
            offset = piece.next_offset
            decoded_us = [p.at_us - (p.pts - p.dts) * 1_000_000 // tracks[0].timescale for p in pictures[-1:]]
            if decoded_us and decoded_us[0] > at_us:
                break
        return samples


def overlaps(these: Sequence[tuple[int, int]], those: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What lies in spans of both lists; each is in order, and its spans do not overlap each other."""
    found = []
    place = 0
    for start, stop in these:
        while place < len(those) and those[place][1] <= start:
            place += 1
        for other in range(place, len(those)):
            first, last = max(start, those[other][0]), min(stop, those[other][1])
            if those[other][0] >= stop:
                break
            if first < last:
                found.append((first, last))
    return found
