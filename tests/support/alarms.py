"""Alarms and calendars in memory instead of a database."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from twisted.internet import defer

from camtrace.bus import Bus
from camtrace.errors import Conflict, NotFound
from camtrace.events import AlarmTriggered
from camtrace.model import Alarm, AlarmMark, AlarmQuery, Calendar, Trigger

ALARM = {
    "calendar": "always",
    "pre_seconds": 5,
    "post_seconds": 20,
    "days": None,
    "popup_calendar": "always",
    "mail_calendar": "never",
}
"""A camera's `alarm` in the API, as it is unless set otherwise."""


class StoredAlarms:
    """Facts as the intake takes them, and the alarms and triggers they leave, as the database has them.

    While `waiting` is set, what is recorded becomes durable when that fires.
    """

    def __init__(self, bus: Bus | None = None) -> None:
        self.facts: list[Any] = []
        self.by_number: dict[int, Alarm] = {}
        self.heard: dict[int, list[Trigger]] = {}
        self.waiting: defer.Deferred[None] | None = None
        self._bus = bus or Bus()

    def record_all(self, facts: Sequence[Any]) -> defer.Deferred[None]:
        self.facts += facts
        for fact in facts:
            self.by_number[fact.alarm.id] = fact.alarm
            if isinstance(fact, AlarmTriggered):
                self.heard.setdefault(fact.alarm.id, []).append(fact.trigger)
            self._bus.publish(fact)
        return self.waiting or defer.succeed(None)

    def facts_of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def running(self) -> list[Alarm]:
        return [alarm for alarm in self.by_number.values() if alarm.ended_at is None]

    async def by_id(self, id: int) -> Alarm | None:
        return self.by_number.get(id)

    async def alarms(
        self, query: AlarmQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[Alarm]:
        def told(word: str, alarm: Alarm) -> bool:
            return any(word.lower() in trigger.message.lower() for trigger in self.heard.get(alarm.id, []))

        found = [
            alarm
            for alarm in self.by_number.values()
            if (query.camera_uids is None or alarm.camera_uid in query.camera_uids)
            and (query.causes is None or not set(query.causes).isdisjoint(alarm.causes))
            and (query.seen is None or query.seen == (alarm.acknowledged_at is not None))
            and all(
                any(word.lower() in t.message.lower() for t in self.heard.get(alarm.id, [])) for word in query.words
            )
            and (query.start is None or alarm.until >= query.start)
            and (query.stop is None or alarm.started_at <= query.stop)
            and (before is None or (alarm.started_at, alarm.id) < before)
        ]
        return sorted(found, key=lambda alarm: (alarm.started_at, alarm.id), reverse=True)[:limit]

    async def triggers(self, alarm_ids: Sequence[int], most: int = 1000) -> dict[int, list[Trigger]]:
        return {id: self.heard.get(id, [])[:most] for id in alarm_ids}

    async def marks(
        self, camera_uids: Sequence[int] | None, start: datetime, stop: datetime, most: int, limit: int
    ) -> list[AlarmMark]:
        return joined(await self.alarms(AlarmQuery(camera_uids=camera_uids, start=start, stop=stop), limit), most)


class StoredCalendars:
    """Calendars by name."""

    def __init__(self, *calendars: Calendar) -> None:
        self.by_name = {calendar.name: calendar for calendar in calendars}
        self.used: set[str] = set()

    async def all(self) -> list[Calendar]:
        return [self.by_name[name] for name in sorted(self.by_name)]

    async def create(self, calendar: Calendar) -> None:
        if calendar.name in self.by_name:
            raise Conflict("another calendar has this name", "name")
        self.by_name[calendar.name] = calendar

    async def update(self, calendar: Calendar) -> None:
        self.by_name[calendar.name] = calendar

    async def delete(self, name: str) -> None:
        if name in self.used:
            raise Conflict("camera 1, till, uses this calendar", "name")
        if self.by_name.pop(name, None) is None:
            raise NotFound("this calendar does not exist any more")


def joined(alarms: Sequence[Alarm], most: int) -> list[AlarmMark]:
    """At most `most` marks for all of these, in order: those with the least time between them become one."""
    in_order = sorted(alarms, key=lambda alarm: (alarm.started_at, alarm.id))
    pauses = []
    reached = in_order[0].until if in_order else None
    for place, alarm in enumerate(in_order[1:], 1):
        pauses.append((alarm.started_at - reached, place))
        reached = max(reached, alarm.until)
    breaks = sorted(place for _, place in heapq.nlargest(most - 1, pauses))
    starts = [0, *breaks] if in_order else []
    return [_mark(in_order[first:end]) for first, end in zip(starts, [*starts[1:], len(in_order)], strict=False)]


def _mark(alarms: Sequence[Alarm]) -> AlarmMark:
    return AlarmMark(
        alarms[0].started_at,
        max(alarm.until for alarm in alarms),
        tuple(dict.fromkeys(alarm.camera_uid for alarm in alarms)),
        tuple(dict.fromkeys(cause for alarm in alarms for cause in alarm.causes)),
        len(alarms),
    )
