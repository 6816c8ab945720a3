"""The life of alarms: triggered, prolonged by every further trigger, ended some time after the last. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from camtrace.model import Alarm, Trigger

PIECES = 3  # alarms in a row, each soon after the one before, are one event that fell into pieces


class Terms(NamedTuple):
    """What a trigger does, by the camera's settings and calendars at its instant.

    `pre_seconds`: how much is recorded before it, None when it is not recorded.
    """

    post_seconds: int
    pre_seconds: int | None
    popup: bool
    mail: bool


class _Rhythm(NamedTuple):
    """How alarms of a camera followed each other: how many in a row came soon, the longest pause between triggers."""

    last_at: datetime
    in_a_row: int = 1
    pause_seconds: float = 0.0


class Lives:
    """The alarm under way of each camera."""

    def __init__(self, new_id: Callable[[], int]) -> None:
        self._new_id = new_id
        self._running: dict[int, Alarm] = {}
        self._rhythms: dict[int, _Rhythm] = {}

    def resume(self, alarms: Iterable[Alarm]) -> None:
        """Take up the alarms that had not ended when the server did."""
        self._running.update((alarm.camera_uid, alarm) for alarm in alarms)

    def running(self, camera_uid: int) -> Alarm | None:
        """The camera's alarm under way."""
        return self._running.get(camera_uid)

    @property
    def all_running(self) -> list[Alarm]:
        """Every alarm under way."""
        return list(self._running.values())

    def trigger(self, camera_uid: int, trigger: Trigger, terms: Terms, now: datetime) -> Alarm:
        """The alarm as it stands with `trigger`: the one under way prolonged, or a new one.

        A trigger of the past that reaches neither the present nor the alarm under way makes one that has ended.
        """
        until = trigger.at + timedelta(seconds=terms.post_seconds)
        running = self._running.get(camera_uid)
        if running is not None and until >= running.started_at:
            alarm = _prolonged(running, trigger, until, terms)
        else:
            alarm = Alarm(
                id=self._new_id(),
                camera_uid=camera_uid,
                started_at=trigger.at,
                last_at=trigger.at,
                until=until,
                recorded_from=_recorded_from(trigger, terms),
                causes=(trigger.cause,),
                popup=terms.popup,
                mail=terms.mail,
            )
            if running is not None or until <= now:
                return replace(alarm, ended_at=until)
            self._count_pieces(camera_uid, trigger.at, terms)
        self._running[camera_uid] = alarm
        return alarm

    def acknowledge(self, alarm: Alarm, user: str, at: datetime) -> Alarm:
        """The alarm, of which `user` has said that it was seen; whoever says so first stays."""
        current = self._running.get(alarm.camera_uid)
        same = current if current is not None and current.id == alarm.id else alarm
        if same.acknowledged_at is None:
            same = replace(same, acknowledged_by=user, acknowledged_at=at)
        if same.ended_at is None and current is not None and current.id == alarm.id:
            self._running[alarm.camera_uid] = same
        return same

    def over(self, now: datetime) -> list[Alarm]:
        """The alarms whose time is over, ended when it was."""
        ended = [alarm for alarm in self._running.values() if alarm.until <= now]
        for alarm in ended:
            del self._running[alarm.camera_uid]
            self._rhythms[alarm.camera_uid] = self._rhythm(alarm.camera_uid)._replace(last_at=alarm.last_at)
        return [replace(alarm, ended_at=alarm.until) for alarm in ended]

    def next_end(self) -> datetime | None:
        """When the first of the alarms under way ends, unless a trigger comes."""
        return min((alarm.until for alarm in self._running.values()), default=None)

    def advised_post_seconds(self, camera_uid: int) -> int | None:
        """How long the camera should record after a trigger, if its events fall into pieces as it is set."""
        rhythm = self._rhythms.get(camera_uid)
        if rhythm is None or rhythm.in_a_row < PIECES:
            return None
        return int(rhythm.pause_seconds) + 2

    def forget(self, camera_uid: int) -> None:
        """The camera is set anew: what its triggers were like does not count any more."""
        self._rhythms.pop(camera_uid, None)

    def _rhythm(self, camera_uid: int) -> _Rhythm:
        return self._rhythms.get(camera_uid) or _Rhythm(datetime.min)

    def _count_pieces(self, camera_uid: int, at: datetime, terms: Terms) -> None:
        """Another alarm begins: is it a piece of the event before?"""
        before = self._rhythms.get(camera_uid)
        if before is None:
            return
        pause = (at - before.last_at).total_seconds()
        if pause <= 2 * terms.post_seconds:
            longest = max(before.pause_seconds, pause)
            self._rhythms[camera_uid] = _Rhythm(before.last_at, before.in_a_row + 1, longest)
        else:
            self._rhythms[camera_uid] = _Rhythm(before.last_at)


def _prolonged(alarm: Alarm, trigger: Trigger, until: datetime, terms: Terms) -> Alarm:
    recorded = [at for at in (alarm.recorded_from, _recorded_from(trigger, terms)) if at is not None]
    return replace(
        alarm,
        started_at=min(alarm.started_at, trigger.at),
        last_at=max(alarm.last_at, trigger.at),
        until=max(alarm.until, until),
        recorded_from=min(recorded, default=None),
        causes=tuple(dict.fromkeys((*alarm.causes, trigger.cause))),
        triggers=alarm.triggers + 1,
        popup=alarm.popup or terms.popup,
        mail=alarm.mail or terms.mail,
    )


def _recorded_from(trigger: Trigger, terms: Terms) -> datetime | None:
    return None if terms.pre_seconds is None else trigger.at - timedelta(seconds=terms.pre_seconds)
