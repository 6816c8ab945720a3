"""Real clips as recorded footage: readings for players, made with PyAV instead of the recorder."""

from __future__ import annotations

import bisect
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import av
from support import shared

from camtrace import clock
from camtrace.model import Camera, Chunk, Sample, Span, Track

MEDIA = Path(__file__).parent.parent / "media"
START = datetime(2024, 2, 29, 14, 0, tzinfo=UTC)  # 1709215200
_CODECS = {"h264": "h264", "hevc": "h265", "mpeg4": "mpeg4", "mjpeg": "mjpeg", "aac": "aac"}
_SOUND = "-f lavfi -i sine=440:r=16000:d=4 -c:a aac -ac 1"
_RECIPES = {
    "vtest_mpeg4_aac.mp4": f"-i vtest_h264_baseline.mp4 {_SOUND} -t 4 -s 320x240 -c:v mpeg4 -bf 0 -g 10 -b:v 600k",
    "vtest_h264_aac.mp4": f"-i vtest_h264_baseline.mp4 {_SOUND} -t 4 -c:v copy",
    "standard_huffman.mkv": "-i vtest_h264_baseline.mp4 -t 4 -s 320x240 -c:v mjpeg -huffman default -q:v 6",
}


@cache
def clip(name: str) -> Path:
    """The clip of that name, or one made from a clip by ffmpeg, once in a run."""
    if (MEDIA / name).exists():
        return MEDIA / name

    def make(place: Path) -> None:
        subprocess.run(["ffmpeg", "-v", "error", "-y", *_RECIPES[name].split(), place], cwd=MEDIA, check=True)

    return shared.once(name, make)


@cache
def load(path: Path) -> tuple[tuple[Track, ...], tuple[Sample, ...]]:
    """The tracks and samples of a clip, as MP4 stores them; the first picture is shown at START."""
    with av.open(str(path)) as container:
        wanted = [stream for stream in container.streams if stream.type in ("video", "audio")]
        tracks = tuple(_track(number, stream) for number, stream in enumerate(wanted))
        numbers = {stream.index: number for number, stream in enumerate(wanted)}
        samples = [
            _sample(packet, count, tracks[numbers[packet.stream.index]]) for count, packet in _packets(container)
        ]
    first = min(sample.at_us for sample in samples if tracks[sample.track].is_video) - clock.to_us(START)
    return tracks, tuple(sample._replace(at_us=sample.at_us - first) for sample in samples)


def _packets(container: av.container.InputContainer) -> Iterator[tuple[int, av.Packet]]:
    wanted = [stream for stream in container.streams if stream.type in ("video", "audio")]
    yield from enumerate(packet for packet in container.demux(wanted) if packet.size)


def _sample(packet: av.Packet, count: int, track: Track) -> Sample:
    ticks = packet.time_base * track.timescale
    duration = round((packet.duration or 0) * ticks) or track.timescale // 25
    pts = round(packet.pts * ticks) if packet.pts is not None else count * duration
    dts = round(packet.dts * ticks) if packet.dts is not None else pts
    at_us = clock.to_us(START) + pts * 1_000_000 // track.timescale
    return Sample(track.index, at_us, dts, pts, duration, packet.is_keyframe, bytes(packet))


def _track(number: int, stream: av.stream.Stream) -> Track:
    codec = _CODECS[stream.codec_context.name.removesuffix("float")]
    config = b"" if codec == "mjpeg" else bytes(stream.codec_context.extradata or b"")
    if stream.type == "audio":
        rate = stream.codec_context.sample_rate
        return Track(number, codec, rate, config, sample_rate=rate, channels=stream.codec_context.channels)
    return Track(number, codec, 90_000, config, stream.codec_context.width, stream.codec_context.height)


class ClipReading:
    """A reading of samples in memory, in chunks that begin at key frames where they can."""

    def __init__(self, tracks: tuple[Track, ...], chunks: list[Chunk]) -> None:
        self.tracks = tracks
        self.chunks = chunks
        self.start = clock.from_us(min(sample.at_us for sample in chunks[0].samples if tracks[sample.track].is_video))
        last = max(chunk.samples[-1].at_us + _duration_us(chunk.samples[-1], tracks) for chunk in chunks)
        self.stop: datetime | None = clock.from_us(last)
        self.closed = False
        self._next = 0

    async def next(self) -> Chunk | None:
        """The next chunk."""
        if self._next >= len(self.chunks) or self.closed:
            return None
        self._next += 1
        return self.chunks[self._next - 1]

    async def seek(self, at: datetime) -> None:
        """To the chunk that begins with the last key frame at or before `at`."""
        starts = [chunk.samples[0].at_us for chunk in self.chunks]
        self._next = max(0, bisect.bisect_right(starts, clock.to_us(at)) - 1)

    def close(self) -> None:
        """Give it back."""
        self.closed = True


def _duration_us(sample: Sample, tracks: tuple[Track, ...]) -> int:
    return sample.duration * 1_000_000 // tracks[sample.track].timescale


def chunks_of(tracks: tuple[Track, ...], samples: tuple[Sample, ...]) -> Iterator[Chunk]:
    """One chunk a group of pictures."""
    held: list[Sample] = []
    for sample in samples:
        if sample.key and tracks[sample.track].is_video and any(tracks[one.track].is_video for one in held):
            yield Chunk(tuple(held), tracks)
            held = []
        held.append(sample)
    yield Chunk(tuple(held), tracks)


class ClipFootage:
    """Footage that holds one clip, recorded from START on; `speed` squeezes its time. `hole_seconds` opens a hole in
    its middle."""

    def __init__(self, name: str, speed: int = 1, hole_seconds: float = 0, times: int = 1) -> None:
        self.tracks, samples = load(clip(name))
        if speed > 1:
            samples = _squeezed(self.tracks, samples, speed)
        self.chunks = list(chunks_of(self.tracks, samples))
        if times > 1:
            self.chunks = _repeated(self.tracks, self.chunks, times)
        self.opened: list[ClipReading] = []
        self.hole: Span | None = None
        if hole_seconds:
            self._open_hole(hole_seconds)

    def _open_hole(self, seconds: float) -> None:
        middle = len(self.chunks) // 2
        begins = clock.from_us(self.chunks[middle].samples[0].at_us)
        shift = round(seconds * 1e6)
        for number in range(middle, len(self.chunks)):
            moved = tuple(one._replace(at_us=one.at_us + shift) for one in self.chunks[number].samples)
            self.chunks[number] = Chunk(moved, self.tracks, number == middle)
        self.hole = Span(begins, begins + timedelta(seconds=seconds))

    async def open(
        self,
        camera: Camera,
        kind: str,
        start: datetime,
        stop: datetime,
        *,
        keep_gaps: bool = False,
        follow: bool = False,
    ) -> ClipReading | None:
        """A reading from the last key frame at or before `start`."""
        begins = [chunk.samples[0].at_us for chunk in self.chunks]
        if kind != "regular" or clock.to_us(stop) <= begins[0]:
            return None
        first = max(0, bisect.bisect_right(begins, clock.to_us(start)) - 1)
        chunks = self.chunks[first:]
        if clock.to_us(start) > chunks[-1].samples[-1].at_us:
            return None
        reading = ClipReading(self.tracks, chunks)
        self.opened.append(reading)
        return reading

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]:
        """The parts before and after the hole."""
        if self.hole is None:
            return [Span(start, stop)]
        return [Span(start, self.hole.start), Span(self.hole.stop, stop)]


def _squeezed(tracks: tuple[Track, ...], samples: tuple[Sample, ...], speed: int) -> tuple[Sample, ...]:
    """The same samples in a fraction of the time."""
    begin = clock.to_us(START)
    return tuple(
        sample._replace(
            at_us=begin + (sample.at_us - begin) // speed,
            dts=sample.dts // speed,
            pts=sample.pts // speed,
            duration=sample.duration // speed,
        )
        for sample in samples
    )


def _repeated(tracks: tuple[Track, ...], chunks: list[Chunk], times: int) -> list[Chunk]:
    """The clip, again and again."""
    last = max(chunk.samples[-1].at_us + _duration_us(chunk.samples[-1], tracks) for chunk in chunks)
    length_us = last - chunks[0].samples[0].at_us
    return [
        Chunk(tuple(one._replace(at_us=one.at_us + turn * length_us) for one in chunk.samples), tracks)
        for turn in range(times)
        for chunk in chunks
    ]


def camera(number: int = 3) -> Camera:
    """A camera of that public number."""
    return Camera(uid=number + 1000, id=number, name=f"Till {number}")


def with_config(track: Track, config: bytes) -> Track:
    """The same track under another decoder configuration."""
    return replace(track, config=config)
