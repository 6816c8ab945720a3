"""Pictures and sound: tracks, samples, segments, gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream inside a segment or a live feed.

    `codec`: "h264", "h265", "mpeg4", "mjpeg" or "aac". `timescale`: ticks per second of its samples. `config`: the
    decoder configuration as MP4 stores it: avcC or hvcC record, VOL header, AudioSpecificConfig; b"" for MJPEG.
    """

    index: int
    codec: str
    timescale: int
    config: bytes = b""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0

    @property
    def is_video(self) -> bool:
        return self.codec != "aac"


class Sample(NamedTuple):
    """One coded picture or audio frame, as MP4 stores it (H.264/H.265: 4-byte length before each NAL unit).

    `at_us`: wall time of presentation in microseconds since the epoch. `dts`, `pts`, `duration`: media time in ticks
    of its track.
    """

    track: int
    at_us: int
    dts: int
    pts: int
    duration: int
    key: bool
    data: bytes


class Chunk(NamedTuple):
    """Samples of one read, in decoding order. `tracks` is the layout they were coded with.

    `discontinuity`: time is missing before them (a gap, or another run).
    """

    samples: tuple[Sample, ...]
    tracks: tuple[Track, ...]
    discontinuity: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """One whole moof+mdat inside a segment's file, as the index knows it.

    `offset`, `length`: bytes in the file. `at_us`: wall time of its first video picture. `duration_us`: of its video.
    In a segment's table of key frames, length and duration reach up to the next key frame.
    """

    offset: int
    length: int
    at_us: int
    duration_us: int
    key: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a camera's stream. It begins at a key frame; `started_us`/`ended_us` are wall time.

    `run` names the unbroken run it belongs to: a restart, a lost camera, a clock step or a codec change starts a new
    one. `start_ticks` is the media time (track 0 ticks) that corresponds to `started_us`. `open` while it grows.
    `bytes` is the end of the last whole fragment. `kind`: "regular", or "alarm" for what only an alarm wanted.
    """

    id: int
    camera_uid: int
    stream: str
    run: int
    volume: str
    path: str
    started_us: int
    ended_us: int
    start_ticks: int
    bytes: int
    tracks: tuple[Track, ...]
    keyframes: tuple[Fragment, ...] = ()
    open: bool = False
    kind: str = "regular"


def key_frames(places: Sequence[tuple[int, int]], ended_us: int, stop: int) -> tuple[Fragment, ...]:
    """The table of key frames that lie at (offset, at_us), of a segment that ends at `ended_us` and byte `stop`."""
    ends = [*places[1:], (stop, ended_us)] if places else []
    return tuple(
        Fragment(offset, end - offset, at_us, end_us - at_us, True)
        for (offset, at_us), (end, end_us) in zip(places, ends, strict=True)
    )


class Stretch(NamedTuple):
    """Footage to be read on end: from byte `start` of the first of `segments` (0: its first fragment) to `stop_us`."""

    segments: Sequence[Segment]
    start: int
    stop_us: int


@dataclass(frozen=True, slots=True)
class Sound:
    """An MP4 of nothing but sound, in wall time from `start_us` to `stop_us`."""

    content: bytes
    mime: str
    start_us: int
    stop_us: int


@dataclass(frozen=True, slots=True)
class Span:
    """Wall time, from `start` to `stop`, that can be replayed without a break."""

    start: datetime
    stop: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Time that should have been recorded and was not. `stop` is None while it lasts."""

    camera_uid: int
    start: datetime
    stop: datetime | None
    cause: str


GAP_CAUSES = ("camera", "restart", "disk", "clock", "overload", "codec", "settings")
