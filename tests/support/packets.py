"""Packets of real clips as a camera's reader hands them on, and what becomes of them."""

from __future__ import annotations

import hashlib
import io
import subprocess
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av

from camtrace.media import boxes, parameter_sets
from camtrace.media.packets import SourceTrack
from camtrace.model import Sample, Track

CLIPS = Path(__file__).parents[1] / "media"
_CODECS = {"hevc": "h265"}
_ANNEX_B = {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}


class Coming(NamedTuple):
    """A packet and when it comes, in microseconds after the first."""

    track: int
    packet: Any
    at_us: int


class Clip:
    """A clip's tracks and packets, played `times` over without a break, as a camera would send them."""

    def __init__(self, path: Path | str, times: int = 1) -> None:
        self.tracks: tuple[SourceTrack, ...] = ()
        self.packets: list[Coming] = []
        shift = Fraction(0)
        for _ in range(times):
            shift = self._read(path, shift)

    def _read(self, path: Path | str, shift: Fraction) -> Fraction:
        container = av.open(str(path))
        streams = [stream for stream in container.streams if stream.type in ("video", "audio")]
        self.tracks = tuple(_track(stream) for stream in streams)
        filters = [self._filter(index, stream) for index, stream in enumerate(streams)]
        end = shift
        for packet in container.demux(streams):
            if packet.dts is None:
                continue
            index = streams.index(packet.stream)
            base = self.tracks[index].time_base
            duration = packet.duration or int(Fraction(1, 10) / base)
            for ready in filters[index].filter(packet) if filters[index] else [packet]:
                ready.time_base = base
                ready.dts += int(shift / base)
                ready.pts += int(shift / base)
                end = max(end, (ready.pts + duration) * base)
                self.packets.append(Coming(index, ready, int(ready.dts * base * 1_000_000)))
        self.packets.sort(key=lambda coming: coming.at_us)
        if filters[0] is not None:  # as RTSP has it: start codes everywhere
            video, first = self.tracks[0], bytes(next(c.packet for c in self.packets if c.track == 0))
            sets = parameter_sets.merged(video.codec, b"", parameter_sets.parameter_sets(video.codec, first))
            self.tracks = (replace(video, extradata=sets), *self.tracks[1:])
        return end

    def _filter(self, index: int, stream: Any) -> Any:
        name = _ANNEX_B.get(self.tracks[index].codec)
        if name is None or stream.codec_context.extradata[:1] != b"\x01":
            return None
        return av.BitStreamFilterContext(name, stream)

    def play(self, sink: Any, start_us: int, reason: str | None = "ended") -> None:
        """Hand everything to a PacketSink, as if it came in time from `start_us` on."""
        sink.begin(self.tracks)
        for coming in self.packets:
            sink.packet(coming.track, coming.packet, start_us + coming.at_us)
        if reason is not None:
            sink.end(reason)

    def keyframes(self) -> list[Coming]:
        return [coming for coming in self.packets if coming.track == 0 and coming.packet.is_keyframe]


def _track(stream: Any) -> SourceTrack:
    coder = stream.codec_context
    codec = _CODECS.get(coder.name, coder.name)
    if stream.type == "audio":
        return SourceTrack(
            codec, stream.time_base, coder.extradata or b"", sample_rate=coder.sample_rate, channels=coder.channels
        )
    return SourceTrack(codec, stream.time_base, coder.extradata or b"", coder.width, coder.height)


@dataclass
class Written:
    """A file as the sink got it."""

    run: int
    started_us: int
    start_ticks: int
    init: bytes
    fragments: list[tuple[bytes, int, int, bool]] = field(default_factory=list)
    closed: bool = False

    @property
    def bytes(self) -> bytes:
        return self.init + b"".join(fragment for fragment, *_ in self.fragments)

    @property
    def tracks(self) -> tuple[Track, ...]:
        return boxes.parse_init(self.init)

    def samples(self, track: int = 0) -> list[Sample]:
        return [
            sample
            for data, *_ in self.fragments
            for sample in boxes.parse_fragment(data, self.tracks)
            if sample.track == track
        ]


class MemorySink:
    """A SegmentSink that keeps everything. `room`: how many fragments it takes before it refuses."""

    def __init__(self) -> None:
        self.files: list[Written] = []
        self.ends: list[str] = []
        self.dropped = 0
        self.open_to = True
        self.room: int | None = None

    def accepts(self) -> bool:
        return self.open_to

    def is_due(self) -> bool:
        return False

    def open(self, run: int, started_us: int, start_ticks: int, init: bytes) -> bool:
        self.files.append(Written(run, started_us, start_ticks, init))
        return True

    def write(self, data: bytes, at_us: int, duration_us: int, key: bool) -> bool:
        if self.room is not None:
            if self.room == 0:
                return False
            self.room -= 1
        self.files[-1].fragments.append((data, at_us, duration_us, key))
        return True

    def close(self) -> None:
        self.files[-1].closed = True

    def ended(self, reason: str) -> None:
        self.ends.append(reason)

    def lost(self, packets: int) -> None:
        self.dropped += packets


def pictures(data: Any) -> list[str]:
    """The hash of each decoded picture of a file (path or bytes), in the order they are shown."""
    container = av.open(io.BytesIO(data) if isinstance(data, bytes) else str(data))
    return [hashlib.md5(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]


def with_sound(folder: Path, clip: str = "vtest_h264_baseline.mp4") -> Path:
    """The clip with a tone as AAC beside it."""
    target = folder / "sound.mp4"
    tone = ["-f", "lavfi", "-i", "sine=440:sample_rate=16000", "-shortest"]
    copy = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", CLIPS / clip, *tone, *copy, target], check=True)
    return target


def duration(data: bytes) -> float:
    """Seconds from the first packet of a file's video to the end of the last."""
    container = av.open(io.BytesIO(data))
    packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    first = min(packet.pts for packet in packets)
    last = max(packet.pts + (packet.duration or 0) for packet in packets)
    return float((last - first) * packets[0].time_base)
