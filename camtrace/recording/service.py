"""Recording: cameras' packets onto volumes, and what is known of them into the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import DatabaseUnavailable
from camtrace.events import VolumeStateChanged
from camtrace.model import NEVER, Camera, Gap, Leaving
from camtrace.pools import Pools
from camtrace.recording import volumes
from camtrace.recording.gaps import Gaps
from camtrace.recording.housekeeping import Housekeeping
from camtrace.recording.index import Index
from camtrace.recording.ports import (
    Bus,
    Calendars,
    Cameras,
    Counters,
    FileLayout,
    GapStore,
    MakeRecorder,
    Note,
    SegmentStore,
    VolumeStore,
)
from camtrace.recording.repair import Progress, Repair
from camtrace.recording.rows import RowQueue
from camtrace.recording.shelf import Shelf
from camtrace.recording.volumes import Volume
from camtrace.recording.writer import Closed, Disk, Grown, Missed, Opened, Stuck, Told, VolumeWriter

WATCH_SECONDS = 10.0
EXPIRE_SECONDS = 600.0
_ROOM_TO_RESUME = 64 << 20
_TELLINGS = 1_000_000
_KEPT_BACK_SECONDS = 2.0  # the next packet brings what is in memory to the disk
_LONGEST_WAIT = 600.0  # the clock may be set meanwhile


class Recording:
    """Records what it is told to, on the volumes that are there. `start` before the cameras, `stop` after them.

    `make_recorder(camera_uid, shelf, stagger)` makes the `PacketSink` for a camera's thread. `alarm_wants(uid)` tells
    whether an alarm of the camera is to be recorded now, `alarm_reach(camera)` how many seconds after it such an alarm
    may be raised. `keep_free` is in bytes; `days()`: for footage, and for that of alarms; 0 is no limit.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        pools: Pools,
        bus: Bus,
        counters: Counters,
        cameras: Cameras,
        segments: SegmentStore,
        gaps: GapStore,
        known_volumes: VolumeStore,
        files: FileLayout,
        make_recorder: MakeRecorder,
        note: Note,
        next_id: Callable[[], int],
        folders: Sequence[Path],
        calendars: Calendars,
        alarm_wants: Callable[[int], bool] = lambda uid: False,
        alarm_reach: Callable[[Camera], float] = lambda camera: 0.0,
        *,
        keep_free: int,
        days: Callable[[], tuple[int, int]] = lambda: (0, 0),
        disk: Disk | None = None,
    ) -> None:
        self._reactor = reactor
        self._pools = pools
        self._bus = bus
        self._cameras = cameras
        self._segments = segments
        self._known_volumes = known_volumes
        self._make_recorder = make_recorder
        self._note = note
        self._calendars = calendars
        self._alarm_wants = alarm_wants
        self._alarm_reach = alarm_reach
        self._kept_back: dict[int, Any] = {}  # cameras whose past is recorded now, and what ends that
        self._next_change: Any = None
        self._disk = disk
        self._rows = RowQueue(reactor)
        self.index = Index(segments, self._rows, bus, next_id)
        self._gaps = Gaps(gaps, self._rows, bus, counters, self._label)
        self._repair = Repair(segments, files, pools, note, next_id)
        self._housekeeping = Housekeeping(segments, cameras, self._repair, pools, note, keep_free=keep_free, days=days)
        self.volumes = [Volume(folder) for folder in folders]
        self._identities: dict[str, str] = {}
        self._shelves: dict[int, Shelf] = {}
        self._wanted: set[int] = set()
        self._down: set[int] = set()
        self._busy = False
        self._calls = [task.LoopingCall(self._guarded, self._watch), task.LoopingCall(self._guarded, self._expire)]

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, progress: Progress = lambda done, total: None) -> None:
        """Open the volumes, mend what a crash left, take up the gaps.

        May raise DatabaseUnavailable, and StartError when a folder cannot be used.
        """
        self._identities = await volumes.claim([v.folder for v in self.volumes], self._known_volumes, clock.now)
        for volume in self.volumes:
            if await self._pools.job(volume.is_itself, self._identities[volume.name]):
                await self._repair.run(volume.folder, progress)
                await self._open(volume)
            else:
                await self._absent(volume)
        await self._gaps.load()
        for camera in self._cameras.all():
            await self._resume_gap(camera)
        self._wait_for_change()
        for call, seconds in zip(self._calls, (WATCH_SECONDS, EXPIRE_SECONDS), strict=True):
            call.clock = self._reactor
            call.start(seconds, now=False)

    async def stop(self) -> None:
        """Write what is queued, close and index every file. Nothing of what the cameras sent is lost."""
        for call in self._calls:
            if call.running:
                call.stop()
        if self._next_change is not None and self._next_change.active():
            self._next_change.cancel()
        for call in self._kept_back.values():
            call.cancel()
        self._kept_back.clear()
        writers = [volume.writer.stop() for volume in self.volumes if volume.writer is not None]
        await defer.DeferredList(writers)
        await self._rows.stop()

    def figures(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """Bytes that wait for the disk, by volume; a gauge."""
        for volume in self.volumes:
            if volume.writer is not None:
                yield {"volume": volume.name}, volume.writer.queued_bytes

    def free(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """Free bytes by volume; a gauge."""
        for volume in self.volumes:
            yield {"volume": volume.name}, volume.free_bytes

    def dropped(self) -> Iterator[tuple[Mapping[str, str], float]]:
        """Packets that were not recorded, by camera; a gauge."""
        for uid, shelf in self._shelves.items():
            yield {"camera": str(self._label(uid))}, shelf.dropped

    # ── cameras ──────────────────────────────────────────────────────────────────────────────────────────────────

    def sink(self, camera: Camera) -> Any:
        """The `PacketSink` for a new connection to this camera, None while its volume is absent.

        One at a time: an older one takes nothing more.
        """
        volume = self.volume_of(camera)
        if volume is None or volume.state == "absent":
            if self._kind_wanted(camera):
                self._wanted.add(camera.uid)
                self._gaps.began(camera.uid, "disk")
            return None
        self._down.discard(camera.uid)
        older = self._shelves.get(camera.uid)
        shelf = self._shelves[camera.uid] = Shelf(camera.uid)
        if older is not None:
            older.kind = ""
            shelf.dropped = older.dropped
        self._arrange(camera, shelf)
        # the first files differ in length, half to one and a half of the usual, so that cameras take turns
        stagger = 0.5 + (camera.uid * 0.381966) % 1.0
        return self._make_recorder(camera.uid, shelf, stagger)

    def camera_down(self, camera_uid: int, cause: str = "camera") -> None:
        """The camera cannot be reached: what is not recorded is a gap, once all that it sent is on the disk."""
        self._down.add(camera_uid)
        lasting = self._gaps.lasting(camera_uid)
        if lasting is not None and lasting.cause != "restart":
            return
        shelf = self._shelves.get(camera_uid)
        if shelf is not None and shelf.writer is not None:
            shelf.writer.missed(camera_uid, cause)
        else:
            self._not_recorded(camera_uid, cause)

    def _not_recorded(self, camera_uid: int, cause: str) -> None:
        if camera_uid in self._wanted:
            self._gaps.began(camera_uid, cause)

    def refresh(self) -> None:
        """Cameras were changed: record by what they want now."""
        cameras = {camera.uid: camera for camera in self._cameras.all()}
        for uid, shelf in list(self._shelves.items()):
            camera = cameras.get(uid)
            if camera is not None:
                self._arrange(camera, shelf)
            else:
                shelf.kind = ""
                self._wanted.discard(uid)
                self._gaps.unwanted(uid)
                del self._shelves[uid]
        self._down &= cameras.keys()
        self._wait_for_change()

    def alarm_changed(self, camera_uid: int) -> None:
        """An alarm of this camera began or ended: record by what is wanted now."""
        camera, shelf = self._cameras.by_uid(camera_uid), self._shelves.get(camera_uid)
        if camera is not None and shelf is not None:
            self._arrange(camera, shelf)

    def alarm_passed(self, camera_uid: int) -> None:
        """An alarm of this camera was over when it was raised: what is in memory of it is recorded."""
        before = self._kept_back.pop(camera_uid, None)
        if before is not None:
            before.cancel()
        self._kept_back[camera_uid] = self._reactor.callLater(_KEPT_BACK_SECONDS, self._past_kept, camera_uid)
        self.alarm_changed(camera_uid)

    def _past_kept(self, camera_uid: int) -> None:
        del self._kept_back[camera_uid]
        self.alarm_changed(camera_uid)

    def wants(self, camera: Camera) -> bool:
        """Whether the camera's pictures are to be recorded now."""
        return self._kind_wanted(camera) != ""

    def volume_of(self, camera: Camera) -> Volume | None:
        """The volume a camera's footage goes to; None when it is set to one that is not configured."""
        for volume in self.volumes:
            if not camera.volume or volume.is_called(camera.volume):
                return volume
        return None

    def lasting_gap(self, camera_uid: int) -> Gap | None:
        """The gap the camera is in now."""
        return self._gaps.lasting(camera_uid)

    def _arrange(self, camera: Camera, shelf: Shelf) -> None:
        volume = self.volume_of(camera)
        shelf.writer = volume.writer if volume is not None and volume.state != "absent" else None
        shelf.kind = self._kind_wanted(camera)
        of_alarms = camera.alarm.calendar != NEVER.name
        shelf.look_back_seconds = camera.alarm.pre_seconds + self._alarm_reach(camera) if of_alarms else 0
        if shelf.is_wanted:
            is_new = camera.uid not in self._wanted
            self._wanted.add(camera.uid)
            if shelf.writer is None:
                self._gaps.began(camera.uid, "disk")
            elif is_new and camera.uid in self._down:
                self._gaps.began(camera.uid, "camera")
        elif camera.uid in self._wanted:
            self._wanted.discard(camera.uid)
            self._gaps.unwanted(camera.uid)

    def _kind_wanted(self, camera: Camera) -> str:
        """What kind of recording is wanted of the camera now; "" for none."""
        if self._calendars.applies(camera.regular.calendar):
            return "regular"
        return "alarm" if self._alarm_wants(camera.uid) or camera.uid in self._kept_back else ""

    def _wait_for_change(self) -> None:
        """Look again when a calendar of regular recording changes."""
        if self._next_change is not None and self._next_change.active():
            self._next_change.cancel()
        change = self._calendars.next_change(camera.regular.calendar for camera in self._cameras.all())
        if change is not None:
            seconds = min(_LONGEST_WAIT, max(0.0, (change - clock.now()).total_seconds()))
            self._next_change = self._reactor.callLater(seconds, self.refresh)

    async def _resume_gap(self, camera: Camera) -> None:
        """After a restart: what lies between the last picture and the first new one."""
        if not self._kind_wanted(camera):
            return
        self._wanted.add(camera.uid)
        lasting = self._gaps.lasting(camera.uid)
        if lasting is not None and lasting.cause == "settings":  # an orderly stop ended the cameras first
            self._gaps.rename(lasting, "restart")
        elif lasting is None:
            ended_us = await self._segments.last_ended_us(camera.uid, "main")
            if ended_us is not None:
                self._gaps.last_known(camera.uid, ended_us)
                self._gaps.began(camera.uid, "restart")

    def _label(self, uid: int) -> object:
        camera = self._cameras.by_uid(uid)
        return camera.id if camera is not None else f"uid-{uid}"

    # ── volumes ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _open(self, volume: Volume) -> None:
        def told(items: list[Told]) -> None:
            self._told(volume, items)

        volume.writer = VolumeWriter(
            volume.folder,
            self._pools.lane(f"volume {volume.name}"),
            lambda receive: self._pools.inbox(receive, limit=_TELLINGS),
            told,
            disk=self._disk,
        )
        volume.free_bytes = await self._pools.job(volume.measure)
        self._set_state(volume, "ok")

    async def _absent(self, volume: Volume) -> None:
        volume.why = await self._pools.job(volumes.explain, volume.folder)
        self.log.warn("nothing is recorded on {volume}: {why}", volume=volume.name, why=volume.why)
        values: dict[str, str | int | float] = {"volume": volume.name, "reason": volume.why}
        self._note("system", "volume_absent", values)
        self._set_state(volume, "absent")

    def _told(self, volume: Volume, items: list[Told]) -> None:
        """What a writer did, in the order of the disk."""
        for item in items:
            match item:
                case Grown(name, fragment):
                    self.index.grown(name, fragment)
                    self._gaps.recorded(name.camera_uid, fragment.at_us, fragment.duration_us)
                case Opened(name, size):
                    self.index.opened(volume.name, name, size)
                case Closed(name, failed):
                    self.index.closed(name)
                    if failed:
                        self._not_recorded(name.camera_uid, "disk")
                case Missed(uid, cause):
                    self._not_recorded(uid, cause)
                case Stuck(_, detail):
                    self._stuck(volume, detail)

    def _stuck(self, volume: Volume, detail: str) -> None:
        values: dict[str, str | int | float] = {"volume": volume.name, "reason": detail}
        self._note("system", "volume_stuck", values)
        volume.why = detail
        self._set_state(volume, "full")
        defer.ensureDeferred(self._guarded(self._watch))

    def _set_state(self, volume: Volume, state: str) -> None:
        if state != volume.state or state == "absent":
            volume.state = state
            self._bus.publish(VolumeStateChanged(volume.name, state, volume.free_bytes))
            self.refresh()

    async def _guarded(self, action: Callable[[], Any]) -> None:
        """Run a periodic action; one that fails is logged and comes again."""
        if self._busy:
            return
        self._busy = True
        try:
            await action()
        except DatabaseUnavailable:
            self.log.info("the database is away: volumes are looked after later")
        except Exception:
            self.log.failure("looking after the volumes failed")
        finally:
            self._busy = False

    async def _watch(self) -> None:
        for volume in self.volumes:
            if not await self._pools.job(volume.is_itself, self._identities[volume.name]):
                if volume.state != "absent":
                    await self._absent(volume)
                continue
            if volume.state == "absent":
                await self._return(volume)
            await self._housekeeping.make_room(volume)
            writer = volume.writer
            if writer is not None and writer.stuck and volume.free_bytes > _ROOM_TO_RESUME:
                writer.resume()
                self._note("system", "volume_resumed", {"volume": volume.name})
                self._set_state(volume, "ok")

    async def _return(self, volume: Volume) -> None:
        """A disk is back: its index may have missed something."""
        await self._repair.finish_deletions(volume.folder)
        if volume.writer is None:
            await self._repair.run(volume.folder)
            await self._open(volume)
        else:
            volume.writer.resume()
            self._set_state(volume, "ok")
        self._note("system", "volume_back", {"volume": volume.name})

    async def leaving(self, days: int, alarm_days: int) -> Leaving:
        """How much footage would go if it were kept for so many days, that of alarms for others; 0 is no limit."""
        return await self._housekeeping.leaving(days, alarm_days)

    async def _expire(self) -> None:
        await self._housekeeping.expire(self.volumes)
