"""A recording service on a real database and a temporary volume, fed with real clips."""

from __future__ import annotations

import tempfile
from datetime import UTC
from pathlib import Path
from typing import Any

from support.alarms import StoredCalendars
from support.database import DatabaseCase
from twisted.internet import reactor

from camtrace import clock
from camtrace.bus import Bus
from camtrace.events import GapBegan, GapEnded, SegmentFinished, VolumeStateChanged
from camtrace.intake import Ids
from camtrace.media.lookback import Lookback
from camtrace.media.recorder import Recorder
from camtrace.media.segments import SegmentFiles
from camtrace.metrics import Metrics
from camtrace.model import Camera, RegularRecording
from camtrace.pools import Pools
from camtrace.recording.footage import Footage
from camtrace.recording.service import Recording
from camtrace.store.alarms import AlarmStore
from camtrace.store.segments import GapStore, SegmentStore, VolumeStore
from camtrace.timetable import Timetable

SECOND = 1_000_000
START_US = 1_709_215_200_000_000


class Cameras:
    """A directory of cameras for tests."""

    def __init__(self, *cameras: Camera) -> None:
        self.cameras = {camera.uid: camera for camera in cameras}

    def all(self) -> list[Camera]:
        return list(self.cameras.values())

    def by_uid(self, uid: int) -> Camera | None:
        return self.cameras.get(uid)


class RecordingCase(DatabaseCase):
    """`self.recording` is started on `self.folder` for `self.camera`; `self.footage` reads what it has."""

    segment_us = 4 * SECOND

    @staticmethod
    def monotonic_us() -> int:
        """A monotonic clock for clips that come at once: it never shows a step of less than years."""
        return 0

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate segment, gap, garbage, alarm, volume cascade")
        self.folder = self.make_folder()
        self.camera = Camera(uid=3, id=1, name="till", regular=RegularRecording())
        self.cameras = Cameras(self.camera)
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.facts: list[object] = []
        self.disk = None
        self.alarmed: set[int] = set()
        self.reach = 0.0
        self.segments = SegmentStore(self.database)
        self.ids = Ids()
        self.recording = await self.launch()

    def make_folder(self) -> Path:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        return Path(temporary.name) / "volume"

    async def launch(self, **options: Any) -> Recording:
        """A server on the same database and folder, started."""
        pools = Pools(reactor)
        self.addCleanup(pools.stop)
        self.metrics = Metrics()
        bus = self.bus = Bus()
        for kind in (SegmentFinished, GapBegan, GapEnded, VolumeStateChanged):
            bus.subscribe(kind, self.facts.append)

        def make(uid: int, shelf: Any, stagger: float) -> Lookback:
            recorder = Recorder(uid, shelf, segment_us=self.segment_us, monotonic_us=self.monotonic_us)
            return Lookback(recorder, shelf)

        recording = Recording(
            reactor,
            pools,
            bus,
            self.metrics,
            self.cameras,
            self.segments,
            GapStore(self.database),
            VolumeStore(self.database),
            SegmentFiles(),
            make,
            lambda kind, text, values, camera_uid=None: self.notes.append((text, values)),
            self.ids.next,
            [self.folder],
            Timetable(StoredCalendars().all, UTC),
            lambda uid: uid in self.alarmed,
            lambda camera: self.reach,
            keep_free=options.pop("keep_free", 0),
            disk=self.disk,
            **options,
        )
        await recording.start()
        self.stopped = False
        self.addCleanup(self._stop_once, recording)
        alarms = AlarmStore(self.database)
        self.footage = Footage(
            recording.index, GapStore(self.database), SegmentFiles(), pools, decode_jpeg, alarms.recorded_spans
        )
        self._stops = getattr(self, "_stops", set())
        return recording

    async def _stop_once(self, recording: Recording) -> None:
        if recording not in self._stops:
            self._stops.add(recording)
            await recording.stop()

    async def stop(self) -> None:
        """An orderly end of the present server."""
        await self._stop_once(self.recording)

    async def restart(self, **options: Any) -> None:
        """Stop the present server in order, start another."""
        await self.stop()
        self.recording = await self.launch(**options)

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.mp4"))

    def facts_of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def all_samples(self, start_us: int, stop_us: int, **options: Any) -> list[Any]:
        """Every chunk of a reading of the camera's footage."""
        reading = await self.footage.open(
            self.camera, "regular", clock.from_us(start_us), clock.from_us(stop_us), **options
        )
        assert reading is not None
        chunks = []
        while (chunk := await reading.next()) is not None:
            chunks.append(chunk)
        return chunks


def decode_jpeg(track: Any, samples: Any, at_us: int) -> bytes:
    """Instead of a picture: which samples would have been decoded."""
    return f"{track.codec} {len(samples)} {samples[0].key}".encode()
