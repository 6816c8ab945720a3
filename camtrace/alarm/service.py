"""What triggers mean: alarms that begin, go on and end, each step durable before anybody hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.alarm.ports import AlarmRows, Calendars, Cameras, Facts
from camtrace.alarm.senders import Senders
from camtrace.alarm.session import Lives, Terms
from camtrace.alarm.wire import Call
from camtrace.complaints import Complaints
from camtrace.errors import NotFound
from camtrace.events import AlarmAcknowledged, AlarmEnded, AlarmTriggered
from camtrace.i18n import N_
from camtrace.metrics import Metrics
from camtrace.model import CAUSES, Alarm, Camera, Trigger


class Alarms:
    """Raises, prolongs and ends the alarms of all cameras."""

    log = Logger()

    def __init__(
        self,
        facts: Facts,
        cameras: Cameras,
        calendars: Calendars,
        rows: AlarmRows,
        new_id: Callable[[], int],
        metrics: Metrics,
        reactor: Any,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._facts = facts
        self._cameras = cameras
        self._calendars = calendars
        self._rows = rows
        self._new_id = new_id
        self._metrics = metrics
        self._reactor = reactor
        self._now = now
        self._lives = Lives(new_id)
        self._next_end: Any = None
        for cause in CAUSES:
            metrics.add("camtrace_alarm_triggers_total", 0, cause=cause)  # shown from the start

    # ── life ──

    async def start(self) -> None:
        """Take up the alarms an earlier process left; those whose time is over end when it was."""
        self._lives.resume(await self._rows.running())
        await self._end()

    async def stop(self) -> None:
        """Leave the alarms under way as they are: the next start goes on with them."""
        if self._next_end is not None and self._next_end.active():
            self._next_end.cancel()
        self._next_end = None

    # ── what happens ──

    def trigger(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]:
        """A trigger on each of `cameras`, now or at a past instant; fires with their alarms once that is durable."""
        now = self._now()
        trigger = Trigger(at=min(at or now, now), cause=cause, origin=origin, message=message)
        facts = []
        for camera in {camera.uid: camera for camera in cameras}.values():
            alarm = self._lives.trigger(camera.uid, trigger, self._terms(camera, trigger.at), now)
            facts.append(AlarmTriggered(self._new_id(), alarm, trigger))
        self._metrics.add("camtrace_alarm_triggers_total", len(facts), cause=cause)
        self._wait_for_end()
        alarms = [fact.alarm for fact in facts]
        return self._facts.record_all(facts).addCallback(lambda _: alarms)

    async def acknowledge(self, id: int, user: str) -> Alarm:
        """`user` has seen this alarm. Raises NotFound."""
        stored = await self._rows.by_id(id)
        if stored is None:
            raise NotFound(N_("this alarm does not exist"))
        alarm = self._lives.acknowledge(stored, user, self._now())
        if alarm != stored:
            await self._facts.record_all([AlarmAcknowledged(self._new_id(), alarm)])
        return alarm

    def is_recorded(self, camera_uid: int) -> bool:
        """Whether an alarm under way wants the camera's pictures."""
        alarm = self._lives.running(camera_uid)
        return alarm is not None and alarm.recorded_from is not None

    def advised_post_seconds(self, camera_uid: int) -> int | None:
        """How long the camera should record after a trigger, if one event becomes many alarms as it is set."""
        return self._lives.advised_post_seconds(camera_uid)

    def camera_changed(self, camera_uid: int) -> None:
        """The camera is set anew: what its triggers were like does not count any more."""
        self._lives.forget(camera_uid)

    # ── inside ──

    def _terms(self, camera: Camera, at: datetime) -> Terms:
        alarm = camera.alarm
        return Terms(
            post_seconds=alarm.post_seconds,
            pre_seconds=alarm.pre_seconds if self._calendars.applies(alarm.calendar, at) else None,
            popup=self._calendars.applies(alarm.popup_calendar, at),
            mail=self._calendars.applies(alarm.mail_calendar, at),
        )

    def _wait_for_end(self) -> None:
        if self._next_end is not None and self._next_end.active():
            self._next_end.cancel()
        first = self._lives.next_end()
        if first is not None:
            seconds = max(0.0, (first - self._now()).total_seconds())
            self._next_end = self._reactor.callLater(seconds, self._end_some)

    def _end_some(self) -> None:
        defer.Deferred.fromCoroutine(self._end()).addErrback(
            lambda failure: self.log.failure("the end of an alarm did not become durable", failure)
        )

    async def _end(self) -> None:
        ended = [AlarmEnded(self._new_id(), alarm) for alarm in self._lives.over(self._now())]
        self._wait_for_end()
        await self._facts.record_all(ended)


class ControlChannel:
    """What messages on the control channel mean: which cameras they are about."""

    def __init__(
        self,
        alarms: Alarms,
        cameras: Cameras,
        senders: Senders,
        complaints: Complaints,
        metrics: Metrics,
        *,
        sender_too: bool = False,
    ) -> None:
        self._alarms = alarms
        self._cameras = cameras
        self._senders = senders
        self._complaints = complaints
        self._sender_too = sender_too
        self._metrics = metrics

    async def called(self, call: Call, peer: str, cause: str) -> list[Camera]:
        """Raise what `call` asks for; returns the cameras that it alarmed, once that is durable."""
        found = {id: self._cameras.by_id(id) for id in call.ids}
        cameras = [camera for camera in found.values() if camera is not None]
        unknown = [*call.unknown, *(str(id) for id, camera in found.items() if camera is None)]
        if unknown:
            self._complain(peer, "ids", f"unknown cameras: {', '.join(unknown)}", ids=", ".join(unknown)[:200])
        if not call.ids_given:
            cameras = await self._sender(peer, complain=True)
        elif self._sender_too:
            cameras = [*cameras, *await self._sender(peer, complain=False)]
        if cameras:
            await self._alarms.trigger(cameras, cause, peer, call.message)
        return cameras

    def not_understood(self, peer: str, code: str, reason: str, sample: str = "") -> None:
        """A sender said something that is no message of the channel."""
        self._complain(peer, code, reason, message=sample)

    async def _sender(self, peer: str, complain: bool) -> list[Camera]:
        """The camera at this address, if it is one."""
        there = await self._senders.at(peer)
        if len(there) == 1:
            return there
        if complain and not there:
            self._complain(peer, "stranger", "no camera has this address")
        elif complain:
            numbers = ", ".join(str(camera.id) for camera in there)
            self._complain(peer, "ambiguous", f"cameras {numbers} share this address", numbers=numbers)
        return []

    def _complain(self, peer: str, code: str, reason: str, **values: str) -> None:
        self._metrics.add("camtrace_control_errors_total", reason=code)
        self._complaints.tell(peer, code, reason, **values)
