"""What recording needs of the rest of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from twisted.internet import defer

from camtrace.model import Camera, Gap, Sample, Segment, Sound, Span, Stretch, Track


class SegmentStore(Protocol):
    """The index of files."""

    async def save(self, segment: Segment) -> None: ...
    async def around(self, camera_uid: int, stream: str, at_us: int, limit: int = 64) -> list[Segment]: ...
    async def before(self, camera_uid: int, stream: str, started_us: int) -> Segment | None: ...
    async def spans(
        self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str = ""
    ) -> list[tuple[int, int, int]]: ...
    async def has_kind(self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str) -> bool: ...
    async def last_ended_us(self, camera_uid: int, stream: str) -> int | None: ...
    async def unfinished(self, folder: str) -> list[Segment]: ...
    async def latest_start_us(self, folder: str) -> int | None: ...
    async def paths_since(self, folder: str, start_us: int) -> set[str]: ...
    async def at_path(self, folder: str, path: str) -> Segment | None: ...
    async def oldest(self, folder: str, limit: int, *, of_alarms: bool = False) -> list[Segment]: ...
    async def ended_before(
        self, camera_uid: int, before_us: int, limit: int, *, alarms_from: datetime | None = None, kind: str = ""
    ) -> list[Segment]: ...
    async def weight(
        self, camera_uid: int, from_us: int, before_us: int, *, alarms_from: datetime | None = None, kind: str = ""
    ) -> tuple[int, int, int | None]: ...
    async def camera_uids(self) -> list[int]: ...
    async def discard(self, segments: Sequence[Segment]) -> None: ...
    async def drop(self, segment: Segment) -> None: ...
    async def garbage(self, folder: str, limit: int = 1000) -> list[str]: ...
    async def forget(self, folder: str, paths: Sequence[str]) -> None: ...


class GapStore(Protocol):
    """What was not recorded."""

    async def save(self, gap: Gap) -> None: ...
    async def lasting(self) -> list[Gap]: ...
    async def within(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]: ...


class VolumeStore(Protocol):
    """The folders known as volumes, each with its identity."""

    async def known(self) -> dict[str, str]: ...
    async def add(self, folder: str, identity: str, at: datetime) -> None: ...


class Cameras(Protocol):
    """The existing cameras."""

    def all(self) -> list[Camera]: ...
    def by_uid(self, uid: int) -> Camera | None: ...


class Calendars(Protocol):
    """When something applies: `timetable.Timetable`."""

    def applies(self, name: str, at: datetime | None = None) -> bool: ...
    def next_change(self, names: Iterable[str]) -> datetime | None: ...


class Note(Protocol):
    """Write into a journal: `text` is a key of its sentences, whose braces `values` fill."""

    def __call__(
        self, kind: str, text: str, values: dict[str, str | int | float], camera_uid: int | None = None
    ) -> object: ...


class Bus(Protocol):
    """Where facts are published."""

    def publish(self, fact: object) -> None: ...


class Counters(Protocol):
    """Where figures are shown."""

    def add(self, name: str, amount: float = 1, **labels: object) -> None: ...


class Jobs(Protocol):
    """Threads for short work."""

    def job(self, function: Callable[..., Any], *args: Any) -> defer.Deferred[Any]: ...


class Surveyed(Protocol):
    """What a segment's file says of itself, up to its last whole fragment."""

    @property
    def ended_us(self) -> int: ...
    @property
    def start_ticks(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def keyframes(self) -> tuple[tuple[int, int], ...]: ...


class Piece(Protocol):
    """Samples read from a file, and the byte where the next ones begin."""

    @property
    def samples(self) -> tuple[Sample, ...]: ...
    @property
    def next_offset(self) -> int: ...


class FileLayout(Protocol):
    """How a segment's file is understood. Every method reads a file: call them in the job pool. Raise OSError,
    and a CamTraceError for a file that is none of ours."""

    def survey(self, path: Path, started_us: int, *, mend: bool) -> Surveyed | None:
        """Read a whole file's headers; `mend` cuts off what follows the last whole fragment. None: no picture in it."""

    def tracks(self, path: Path) -> tuple[Track, ...]: ...

    def read(self, path: Path, segment: Segment, tracks: tuple[Track, ...], offset: int) -> Piece:
        """About a second of samples from the fragment at `offset` on (0: the first), in decoding order."""

    def plan_mp4(self, stretches: Sequence[Stretch], absolute: bool) -> Any:
        """How `stretches` make one MP4 (with `length`, `mime`, `start_us`, `stop_us`); None without a picture."""

    def read_mp4(self, plan: Any, offset: int, length: int) -> bytes:
        """Bytes of that MP4."""

    def sound(self, segments: Sequence[Segment], offset: int, start_us: int, stop_us: int) -> Sound | None:
        """The sound that begins between two instants, None without any; `offset`: where to begin in the first file."""


class Mp4(Protocol):
    """Footage as one MP4 file that nowhere exists as a whole."""

    length: int
    mime: str
    start: datetime
    stop: datetime

    async def read(self, offset: int, length: int) -> bytes: ...


AlarmSpans = Callable[[int, datetime, datetime], Awaitable[list[Span]]]
DecodeJpeg = Callable[[Track, Sequence[Sample], int], bytes]
MakeRecorder = Callable[[int, Any, float], Any]
