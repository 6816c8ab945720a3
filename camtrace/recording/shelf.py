"""Where one camera's recorder puts its files: the part of recording that runs in the camera's thread."""

from __future__ import annotations

from typing import NamedTuple

from camtrace import clock
from camtrace.recording.writer import SegmentName, VolumeWriter

STOPPED = "stopped"  # the reason of an end that we asked for


class Shelf:
    """Takes the files of one camera's stream to its volume's writer; the recorder's `SegmentSink`.

    `kind`, `look_back_seconds` and `writer` are set on the reactor: what kind of recording is asked for ("" for none),
    how much is kept in memory while none is, and where it goes.
    """

    def __init__(self, camera_uid: int, stream: str = "main") -> None:
        self.camera_uid = camera_uid
        self.kind = ""
        self.look_back_seconds = 0.0
        self.writer: VolumeWriter | None = None
        self.dropped = 0
        self._stream = stream
        self._name: SegmentName | None = None
        self._used: VolumeWriter | None = None
        self._told = False

    @property
    def is_wanted(self) -> bool:
        """Whether recording is asked for."""
        return self.kind != ""

    def is_due(self) -> bool:
        """Whether the file that is open should end at the next key frame, and another one begin."""
        return self._name is not None and self.is_wanted and self._name.kind != self.kind

    def accepts(self) -> bool:
        """Whether a file may be begun now."""
        writer = self.writer
        if not self.is_wanted or writer is None:
            return False
        if self._name is not None and writer is not self._used:
            return False  # another volume was set: the file is ended first
        return writer.accepting

    def open(self, run: int, started_us: int, start_ticks: int, init: bytes) -> bool:
        """Begin a file."""
        writer = self.writer
        if writer is None:
            return False
        kind = self.kind or "alarm"  # nobody wants it any more: the alarm has just ended
        path = segment_path(self.camera_uid, self._stream, run, started_us, kind)
        name = SegmentName(self.camera_uid, self._stream, run, started_us, start_ticks, path, kind)
        if not writer.begin(name, init):
            self._refused(writer)
            return False
        self._name, self._used, self._told = name, writer, False
        return True

    def write(self, data: bytes, at_us: int, duration_us: int, key: bool) -> bool:
        """Add a fragment."""
        assert self._name is not None and self._used is not None
        if self._used.append(self._name, data, at_us, duration_us, key):
            return True
        self._refused(self._used)
        return False

    def close(self) -> None:
        """The file is complete."""
        if self._name is not None and self._used is not None:
            self._used.finish(self._name)
        self._name = None

    def ended(self, reason: str) -> None:
        """The connection is over. What it sent and is still queued comes to the reactor before this does."""
        writer = self._used or self.writer
        if writer is not None:
            writer.missed(self.camera_uid, "settings" if reason == STOPPED else "camera")

    def lost(self, packets: int) -> None:
        """Packets came that are not recorded."""
        if self.is_wanted:
            self.dropped += packets

    def _refused(self, writer: VolumeWriter) -> None:
        if not self._told:
            self._told = True
            writer.missed(self.camera_uid, "disk" if writer.stuck else "overload")


class Parsed(NamedTuple):
    """What a segment's path says."""

    camera_uid: int
    stream: str
    run: int
    started_us: int
    kind: str


def segment_path(camera_uid: int, stream: str, run: int, started_us: int, kind: str = "regular") -> str:
    """A segment's place below its volume: camera, day (UTC), and a name from which the index can be rebuilt."""
    day = clock.from_us(started_us).strftime("%Y-%m-%d")
    end = "" if kind == "regular" else f"-{kind}"
    return f"{camera_uid}/{day}/{started_us}-{stream}-{run}{end}.mp4"


def parse_path(path: str) -> Parsed | None:
    """What a segment's path says; None for any other file."""
    parts = path.split("/")
    if len(parts) != 3 or not parts[2].endswith(".mp4"):
        return None
    fields = parts[2].removesuffix(".mp4").split("-")
    if len(fields) == 3:
        fields.append("regular")
    if len(fields) != 4 or fields[3] not in ("regular", "alarm"):
        return None
    started, stream, run, kind = fields
    if not (parts[0].isdecimal() and started.isdecimal() and run.isdecimal()):
        return None
    return Parsed(int(parts[0]), stream, int(run), int(started), kind)
