"""Time that should have been recorded and was not: begun, ended, counted, with its cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from camtrace import clock
from camtrace.events import GapBegan, GapEnded
from camtrace.model import Gap
from camtrace.recording.ports import Bus, Counters, GapStore
from camtrace.recording.rows import RowQueue


class Gaps:
    """The gap each camera is in, if any. All on the reactor, in the disk's order.

    A gap runs from the end of the last picture on the disk to the first one after it. `label` names a camera in the
    metrics.
    """

    def __init__(
        self,
        store: GapStore,
        rows: RowQueue,
        bus: Bus,
        counters: Counters,
        label: Callable[[int], object] = lambda uid: uid,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._store = store
        self._rows = rows
        self._bus = bus
        self._counters = counters
        self._label = label
        self._now = now
        self._lasting: dict[int, Gap] = {}
        self._last_us: dict[int, int] = {}

    async def load(self) -> None:
        """Take up the gaps that were lasting when the server stopped."""
        self._lasting = {gap.camera_uid: gap for gap in await self._store.lasting()}

    def lasting(self, camera_uid: int) -> Gap | None:
        """The gap this camera is in."""
        return self._lasting.get(camera_uid)

    def recorded(self, camera_uid: int, at_us: int, duration_us: int) -> None:
        """Pictures of this time are on the disk."""
        gap = self._lasting.get(camera_uid)
        if gap is not None:
            self._end(gap, clock.from_us(at_us))
        self._last_us[camera_uid] = at_us + duration_us

    def last_known(self, camera_uid: int, ended_us: int) -> None:
        """The footage of an earlier process ends here."""
        self._last_us[camera_uid] = ended_us

    def began(self, camera_uid: int, cause: str) -> None:
        """The camera should be recorded and is not. Within another gap the first cause stands, but for a restart's:
        when the camera then turns out to be away, that is the reason from there on."""
        gap = self._lasting.get(camera_uid)
        if gap is not None and (gap.cause != "restart" or cause == "restart"):
            return
        now = self._now()
        if gap is not None:
            self._end(gap, now)
            start = now
        else:
            last_us = self._last_us.get(camera_uid)
            # after the clock was set back, the last picture may lie in the future
            start = min(clock.from_us(last_us), now) if last_us is not None else now
        gap = self._lasting[camera_uid] = Gap(camera_uid, start, None, cause)
        self._rows.add(lambda: self._store.save(gap))
        self._bus.publish(GapBegan(gap))

    def rename(self, gap: Gap, cause: str) -> None:
        """Another cause turns out to be the right one for a lasting gap."""
        renamed = self._lasting[gap.camera_uid] = replace(gap, cause=cause)
        self._rows.add(lambda: self._store.save(renamed))

    def unwanted(self, camera_uid: int) -> None:
        """The camera is not to be recorded any more: what lasts ends now, and what comes later begins then."""
        gap = self._lasting.get(camera_uid)
        if gap is not None:
            self._end(gap, self._now())
        self._last_us.pop(camera_uid, None)

    def _end(self, gap: Gap, stop: datetime) -> None:
        del self._lasting[gap.camera_uid]
        ended = replace(gap, stop=max(stop, gap.start))
        self._rows.add(lambda: self._store.save(ended))
        seconds = (ended.stop - ended.start).total_seconds() if ended.stop else 0.0
        self._counters.add(
            "camtrace_camera_gap_seconds_total", seconds, camera=self._label(gap.camera_uid), cause=gap.cause
        )
        self._bus.publish(GapEnded(ended))
