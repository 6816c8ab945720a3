"""Deletes what is too old, and the oldest where room is wanted; tells the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from twisted.logger import Logger

from camtrace import clock
from camtrace.model import Leaving, Segment
from camtrace.recording.ports import Cameras, Jobs, Note, SegmentStore
from camtrace.recording.repair import Repair
from camtrace.recording.retention import expiry_us, for_room
from camtrace.recording.volumes import Volume

_AT_ONCE = 50  # files per step
_TELL_SECONDS = 3600
_MEGABYTE = 1_000_000


@dataclass(slots=True)
class _Deleted:
    """What went since the journal was told."""

    files: int = 0
    bytes: int = 0
    until_us: int = 0
    told_at: float = float("-inf")


class Housekeeping:
    """Keeps `keep_free` bytes free on every volume, and no footage beyond its days (`days()`, 0: no limit).

    What an alarm recorded has days of its own, the second of `days()`, and is the last to go for want of room. A file
    stays whole while an alarm's span touches it.
    """

    log = Logger()

    def __init__(
        self,
        store: SegmentStore,
        cameras: Cameras,
        repair: Repair,
        jobs: Jobs,
        note: Note,
        *,
        keep_free: int,
        days: Callable[[], tuple[int, int]],
        now_us: Callable[[], int] = clock.now_us,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._store = store
        self._cameras = cameras
        self._repair = repair
        self._jobs = jobs
        self._note = note
        self._keep_free = keep_free
        self._days = days
        self._now_us = now_us
        self._monotonic = monotonic
        self._deleted: dict[tuple[str, str], _Deleted] = {}

    async def expire(self, volumes: Sequence[Volume]) -> None:
        """Delete what is older than its days. May raise DatabaseUnavailable."""
        present = {volume.name: volume for volume in volumes if volume.state != "absent"}
        for uid in await self._store.camera_uids():
            before_us, alarms_us = self._expiries(uid, *self._days())
            alarms_from = clock.from_us(alarms_us) if alarms_us is not None else None
            if before_us is not None:
                await self._expire(present, uid, before_us, alarms_from, "")
            if alarms_us is not None:
                await self._expire(present, uid, alarms_us, alarms_from, "alarm")

    def _expiries(self, uid: int, days: int, alarm_days: int) -> tuple[int | None, int | None]:
        """Before which instants a camera's footage goes, and what alarms recorded; None where there is no limit."""
        camera, now_us = self._cameras.by_uid(uid), self._now_us()
        return (
            expiry_us(now_us, camera.regular.days if camera else None, days),
            expiry_us(now_us, camera.alarm.days if camera else None, alarm_days),
        )

    async def leaving(self, days: int, alarm_days: int) -> Leaving:
        """What `expire` would delete with these days."""
        files = size = 0
        oldest: list[int] = []
        for uid in await self._store.camera_uids():
            before_us, alarms_us = self._expiries(uid, days, alarm_days)
            alarms_from = clock.from_us(alarms_us) if alarms_us is not None else None
            found = []
            weight = partial(self._store.weight, uid, alarms_from=alarms_from)
            if before_us is not None:
                found.append(await weight(0, before_us))
            if alarms_us is not None and alarms_us > (before_us or 0):
                found.append(await weight(before_us or 0, alarms_us, kind="alarm"))
            files += sum(count for count, _, _ in found)
            size += sum(taken for _, taken, _ in found)
            oldest += [first for _, _, first in found if first is not None]
        return Leaving({"files": files, "bytes": size}, clock.from_us(min(oldest)) if oldest else None)

    async def _expire(
        self, present: dict[str, Volume], uid: int, before_us: int, alarms_from: datetime | None, kind: str
    ) -> None:
        while True:
            old = await self._store.ended_before(uid, before_us, _AT_ONCE, alarms_from=alarms_from, kind=kind)
            old = [segment for segment in old if segment.volume in present]
            if not old:
                return
            for name in sorted({segment.volume for segment in old}):
                await self._delete(present[name], [s for s in old if s.volume == name], "age")

    async def make_room(self, volume: Volume) -> None:
        """Delete the oldest of this volume until the floor is free again. May raise DatabaseUnavailable."""
        while True:
            volume.free_bytes = await self._jobs.job(volume.measure)
            missing = self._keep_free - volume.free_bytes
            if missing <= 0:
                return
            oldest = await self._store.oldest(volume.name, _AT_ONCE)
            if not oldest:
                oldest = await self._store.oldest(volume.name, _AT_ONCE, of_alarms=True)
            chosen = for_room(oldest, missing)
            if not chosen:
                return
            await self._delete(volume, chosen, "room")

    async def _delete(self, volume: Volume, segments: Sequence[Segment], why: str) -> None:
        await self._store.discard(segments)
        await self._repair.finish_deletions(volume.folder)
        total = self._deleted.setdefault((volume.name, why), _Deleted())
        total.files += len(segments)
        total.bytes += sum(segment.bytes for segment in segments)
        total.until_us = max(total.until_us, *(segment.ended_us for segment in segments))
        if self._monotonic() - total.told_at >= _TELL_SECONDS:
            self._tell(volume, why, total)

    def _tell(self, volume: Volume, why: str, total: _Deleted) -> None:
        text = "footage_expired" if why == "age" else "footage_made_room"
        until = clock.iso(clock.from_us(total.until_us))
        values: dict[str, str | int | float] = {
            "until": until,
            "volume": volume.name,
            "files": total.files,
            "megabytes": total.bytes // _MEGABYTE,
        }
        self._note("system", text, values)
        self._deleted[(volume.name, why)] = _Deleted(told_at=self._monotonic())
