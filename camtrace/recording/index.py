"""What is recorded: the files that grow, in memory, over those of the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from twisted.internet import defer

from camtrace.events import SegmentFinished
from camtrace.model import Fragment, Segment, key_frames
from camtrace.recording.ports import Bus, SegmentStore
from camtrace.recording.rows import RowQueue
from camtrace.recording.writer import SegmentName

T = TypeVar("T")
_JOIN_US = 1_000_000


@dataclass(slots=True)
class _Known:
    """A file that the database does not know as closed."""

    segment: Segment
    places: list[tuple[int, int]] = field(default_factory=list)

    def now(self) -> Segment:
        segment = self.segment
        return replace(segment, keyframes=key_frames(self.places, segment.ended_us, segment.bytes))


class Index:
    """Finds footage, the newest fragment included. `opened`, `grown`, `closed` follow the disk, on the reactor."""

    def __init__(self, store: SegmentStore, rows: RowQueue, bus: Bus, next_id: Callable[[], int]) -> None:
        self._store = store
        self._rows = rows
        self._bus = bus
        self._next_id = next_id
        self._known: dict[tuple[int, str, int], _Known] = {}
        self._departed: Counter[int] = Counter()
        self._waiting: dict[int, list[defer.Deferred[None]]] = {}

    # ── from the disk ────────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, volume: str, name: SegmentName, size: int) -> None:
        """A file exists, without a picture yet."""
        segment = Segment(
            self._next_id(),
            name.camera_uid,
            name.stream,
            name.run,
            volume,
            name.path,
            name.started_us,
            name.started_us,
            name.start_ticks,
            size,
            (),
            open=True,
            kind=name.kind,
        )
        self._known[_key(name)] = _Known(segment)
        self._rows.add(lambda: self._store.save(segment))

    def grown(self, name: SegmentName, fragment: Fragment) -> None:
        """A fragment is on the disk."""
        known = self._known[_key(name)]
        if fragment.key:
            known.places.append((fragment.offset, fragment.at_us))
        end_us = max(known.segment.ended_us, fragment.at_us + fragment.duration_us)
        known.segment = replace(known.segment, ended_us=end_us, bytes=fragment.offset + fragment.length)
        self._wake(name.camera_uid)

    def closed(self, name: SegmentName) -> None:
        """The file is complete."""
        known = self._known[_key(name)]
        known.segment = replace(known.segment, open=False)
        segment = known.now()

        def written() -> None:
            self._known.pop(_key(name), None)
            self._departed[name.camera_uid] += 1
            self._bus.publish(SegmentFinished(segment))

        self._rows.add(lambda: self._store.save(segment), written)
        self._wake(name.camera_uid)

    # ── to find ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def around(self, camera_uid: int, stream: str, at_us: int, limit: int = 64) -> list[Segment]:
        """Segments in order of time, from the last one that began at or before `at_us` on; at most about `limit`."""
        rows = await self._read(camera_uid, lambda: self._store.around(camera_uid, stream, at_us, limit))
        found = {segment.started_us: segment for segment in rows if not segment.open}
        more = len(rows) == limit
        for segment in self._fresh(camera_uid, stream):
            if not more or segment.started_us < rows[-1].started_us:
                found[segment.started_us] = segment
        ordered = [found[started_us] for started_us in sorted(found)]
        first = max((n for n, segment in enumerate(ordered) if segment.started_us <= at_us), default=0)
        return ordered[first:]

    async def before(self, segment: Segment) -> Segment | None:
        """The segment before this one."""
        uid, stream, start_us = segment.camera_uid, segment.stream, segment.started_us
        row = await self._read(uid, lambda: self._store.before(uid, stream, start_us))
        earlier = [
            other
            for other in self._fresh(uid, stream)
            if other.started_us < start_us and (row is None or other.started_us >= row.started_us)
        ]
        return max(earlier, key=lambda other: other.started_us) if earlier else row

    def current(self, segment: Segment) -> Segment:
        """The same segment as far as it reaches now."""
        known = self._known.get((segment.camera_uid, segment.stream, segment.started_us))
        return known.now() if known is not None else segment

    def is_growing(self, segment: Segment) -> bool:
        """Whether more of this file is to come."""
        known = self._known.get((segment.camera_uid, segment.stream, segment.started_us))
        return known is not None and known.segment.open

    async def spans(
        self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str = ""
    ) -> list[tuple[int, int]]:
        """(start, stop) of the unbroken parts that touch this time, in order, not clipped; of one kind ("" for all)."""
        parts = await self._read(camera_uid, lambda: self._store.spans(camera_uid, stream, start_us, stop_us, kind))
        for segment in self._fresh(camera_uid, stream):
            if kind and segment.kind != kind:
                continue
            if segment.keyframes and segment.started_us < stop_us and segment.ended_us > start_us:
                parts.append((segment.run, segment.started_us, segment.ended_us))
        merged: list[tuple[int, int, int]] = []
        for run, start, stop in sorted(parts, key=lambda part: (part[1], part[0])):
            if merged and merged[-1][0] == run and start - merged[-1][2] <= _JOIN_US:
                merged[-1] = (run, merged[-1][1], max(stop, merged[-1][2]))
            else:
                merged.append((run, start, stop))
        return [(start, stop) for _, start, stop in merged]

    async def has_alarm_files(self, camera_uid: int, stream: str, start_us: int, stop_us: int) -> bool:
        """Whether some of this time lies in files that only alarms wanted."""
        if any(segment.kind == "alarm" for segment in self._fresh(camera_uid, stream)):
            return True
        return await self._store.has_kind(camera_uid, stream, start_us, stop_us, "alarm")

    def growth(self, camera_uid: int) -> defer.Deferred[None]:
        """Fires when more of this camera's footage is on the disk."""
        waiter: defer.Deferred[None] = defer.Deferred()
        self._waiting.setdefault(camera_uid, []).append(waiter)
        return waiter

    async def _read(self, camera_uid: int, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` gives of the database, so late that it and the memory have every file between them.

        A file that left the memory for its row meanwhile may be in neither.
        """
        while True:
            departed = self._departed[camera_uid]
            found = await read()
            if departed == self._departed[camera_uid]:
                return found

    def _fresh(self, camera_uid: int, stream: str) -> list[Segment]:
        return [
            known.now()
            for (uid, feed, _), known in self._known.items()
            if uid == camera_uid and feed == stream and known.segment.ended_us > known.segment.started_us
        ]

    def _wake(self, camera_uid: int) -> None:
        for waiter in self._waiting.pop(camera_uid, []):
            if not waiter.called:
                waiter.callback(None)


def _key(name: SegmentName) -> tuple[int, str, int]:
    return name.camera_uid, name.stream, name.started_us
