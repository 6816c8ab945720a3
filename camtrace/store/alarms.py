"""Alarms and what triggered them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace.events import AlarmAcknowledged, AlarmEnded, AlarmTriggered
from camtrace.model import Alarm, AlarmMark, AlarmNow, AlarmQuery, Span, Trigger
from camtrace.store.database import Database
from camtrace.store.matching import Conditions, holds, pattern

MOST_TRIGGERS = 1000  # of one alarm that are kept: a camera may send them for hours
ANY_ZONE = "*"
_NAMES = (
    "id",
    "camera_uid",
    "started_at",
    "last_at",
    "until",
    "ended_at",
    "recorded_from",
    "causes",
    "triggers",
    "popup",
    "mail",
    "acknowledged_by",
    "acknowledged_at",
)
_COLUMNS = ", ".join(_NAMES)
_LASTING = ("id", "camera_uid", "ended_at", "acknowledged_by", "acknowledged_at")
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name not in _LASTING)

# the most - 1 longest pauses between alarms part them
_MARKS = """
with wanted as (
    select id, started_at, until, camera_uid, causes from alarm where {wanted}
    order by started_at desc, id desc limit %s
), placed as (
    select *, row_number() over (order by started_at, id) as place, started_at
        - max(until) over (order by started_at, id rows between unbounded preceding and 1 preceding) as pause
    from wanted
), ranked as (
    select *, row_number() over (order by pause desc nulls last, place desc) as longest from placed
), parted as (
    select *, count(*) filter (where pause is not null and longest < %s) over (order by place) as part from ranked
), whose as (
    select part, array_agg(camera_uid order by first) as uids from (
        select part, camera_uid, min(place) as first from parted group by part, camera_uid
    ) each group by part
), why as (
    select part, array_agg(cause order by first) as causes from (
        select part, cause, min(array[place, nth]) as first
        from parted cross join unnest(causes) with ordinality as told (cause, nth) group by part, cause
    ) each group by part
)
select min(started_at), max(until), uids, coalesce(why.causes, '{{}}'), count(*)
from parted join whose using (part) left join why using (part) group by part, uids, why.causes order by part
"""


class AlarmStore:
    """The tables `alarm` and `trigger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    async def insert(cursor: Any, facts: Sequence[AlarmTriggered | AlarmEnded | AlarmAcknowledged]) -> None:
        """Write how alarms stand after these facts, in the caller's transaction; repeated ones change nothing."""
        latest = {fact.alarm.id: fact for fact in facts}
        for number, alarm in ((fact.id, fact.alarm) for fact in latest.values()):
            await cursor.execute(
                f"insert into alarm ({_COLUMNS}, fact) values ({', '.join(['%s'] * len(_NAMES))}, %s)"
                f" on conflict (id) do update set {_CHANGES}, fact = greatest(alarm.fact, excluded.fact),"
                " ended_at = coalesce(alarm.ended_at, excluded.ended_at),"
                " acknowledged_by = case when alarm.acknowledged_at is null then excluded.acknowledged_by"
                " else alarm.acknowledged_by end,"
                " acknowledged_at = coalesce(alarm.acknowledged_at, excluded.acknowledged_at)"
                " where alarm.triggers <= excluded.triggers",
                [*(_column(getattr(alarm, name)) for name in _NAMES), number],
            )
        triggers = [
            (fact.id, fact.alarm.id, fact.trigger)
            for fact in facts
            if isinstance(fact, AlarmTriggered) and fact.alarm.triggers <= MOST_TRIGGERS
        ]
        if triggers:
            await cursor.execute(
                "insert into trigger (id, alarm_id, at, cause, origin, message)"
                " select * from unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[],"
                " %s::text[]) on conflict (id) do nothing",
                (
                    [identity for identity, _, _ in triggers],
                    [alarm for _, alarm, _ in triggers],
                    [trigger.at for _, _, trigger in triggers],
                    [trigger.cause for _, _, trigger in triggers],
                    [trigger.origin for _, _, trigger in triggers],
                    [trigger.message for _, _, trigger in triggers],
                ),
            )

    async def running(self) -> list[Alarm]:
        """Alarms that have not ended."""
        return _alarms(await self._database.query(f"select {_COLUMNS} from alarm where ended_at is null order by id"))

    async def by_id(self, id: int) -> Alarm | None:
        """The alarm of this id."""
        found = _alarms(await self._database.query(f"select {_COLUMNS} from alarm where id = %s", (id,)))
        return found[0] if found else None

    async def alarms(
        self, query: AlarmQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[Alarm]:
        """Alarms, newest first. `before`: (started_at, id) of the last one of the page before."""
        wanted = Conditions()
        wanted.add_given("camera_uid = any(%s)", None if query.camera_uids is None else list(query.camera_uids))
        wanted.add_given("causes && %s::text[]", None if query.causes is None else list(query.causes))
        wanted.add_given("until >= %s", query.start)
        wanted.add_given("started_at <= %s", query.stop)
        for word in query.words:
            told = f"{holds('message')} or {holds('origin')}"
            condition = f"exists (select from trigger where alarm_id = alarm.id and ({told}))"
            wanted.add(condition, pattern(word), pattern(word))
        if query.seen is not None:
            wanted.add(f"acknowledged_at is {'not null' if query.seen else 'null'}")
        if before is not None:
            wanted.add("(started_at, id) < (%s, %s)", *before)
        return _alarms(
            await self._database.query(
                f"select {_COLUMNS} from alarm where {wanted} order by started_at desc, id desc limit %s",
                [*wanted.values, limit],
            )
        )

    async def since(self, fact_id: int, limit: int) -> list[tuple[int, AlarmNow]]:
        """The first `limit` alarms that changed after a fact, as they stand, each with the last fact of it."""
        rows = await self._database.query(
            f"select {_COLUMNS}, fact from alarm where fact > %s order by fact limit %s", (fact_id, limit)
        )
        alarms = _alarms([row[:-1] for row in rows])
        newest = await self._newest([alarm.id for alarm in alarms]) if alarms else {}
        return [(row[-1], AlarmNow(alarm, newest.get(alarm.id))) for row, alarm in zip(rows, alarms, strict=True)]

    async def _newest(self, alarm_ids: Sequence[int]) -> dict[int, Trigger]:
        rows = await self._database.query(
            "select distinct on (alarm_id) alarm_id, at, cause, origin, message from trigger where alarm_id = any(%s)"
            " order by alarm_id, at desc, id desc",
            (list(alarm_ids),),
        )
        return {row[0]: Trigger(at=row[1], cause=row[2], origin=row[3], message=row[4]) for row in rows}

    async def marks(
        self, camera_uids: Sequence[int] | None, start: datetime, stop: datetime, most: int, limit: int
    ) -> list[AlarmMark]:
        """Where the `limit` latest alarms lie that touch [start, stop], of these cameras (None: all), in order.

        At most `most` marks: alarms with the least time between them become one.
        """
        wanted = Conditions()
        wanted.add_given("camera_uid = any(%s)", None if camera_uids is None else list(camera_uids))
        wanted.add("until >= %s and started_at <= %s", start, stop)
        rows = await self._database.query(_MARKS.format(wanted=wanted), [*wanted.values, limit, most])
        return [
            AlarmMark(began, until, tuple(uids), tuple(causes), count) for began, until, uids, causes, count in rows
        ]

    async def triggers(self, alarm_ids: Sequence[int], most: int = MOST_TRIGGERS) -> dict[int, list[Trigger]]:
        """What started and prolonged each of these alarms, in order, the first `most` of each."""
        rows = await self._database.query(
            "select a.id, t.* from unnest(%s::bigint[]) a (id) cross join lateral (select at, cause, origin, message"
            " from trigger where alarm_id = a.id order by at, trigger.id limit %s) t",
            (list(alarm_ids), most),
        )
        found: dict[int, list[Trigger]] = {id: [] for id in alarm_ids}
        for alarm_id, at, cause, origin, message in rows:
            found[alarm_id].append(Trigger(at=at, cause=cause, origin=origin, message=message))
        return found

    async def motions(self, after: datetime, stop: datetime, limit: int = 20_000) -> list[tuple[datetime, int, str]]:
        """Signs of motion in (after, stop], oldest first: instant, camera uid, and the zones that the server saw it in.

        The zones are separated by commas, "" where a camera saw the motion itself. Of an alarm whose triggers are not
        all kept it may have been any zone, "*", from the last that is kept to its end.
        """
        return await self._database.query(
            "select trigger.at, alarm.camera_uid, case cause when 'motion' then trigger.message else '' end"
            " from trigger join alarm on alarm.id = trigger.alarm_id"
            " where cause in ('motion', 'camera_motion') and trigger.at > %s and trigger.at <= %s"
            f" union all select moved_at, camera_uid, '{ANY_ZONE}' from alarm"
            " cross join lateral (select max(at) as at from trigger where alarm_id = alarm.id) as kept"
            " cross join lateral generate_series(greatest(kept.at, %s), least(last_at, %s), interval '4 s') as moved_at"
            f" where triggers > {MOST_TRIGGERS} and causes && '{{motion,camera_motion}}'"
            " and started_at <= %s and last_at > %s and moved_at > %s"
            " order by 1 limit %s",
            (after, stop, after, stop, stop, after, after, limit),
        )

    async def recorded_spans(self, camera_uid: int, start: datetime, stop: datetime) -> list[Span]:
        """What alarms of a camera wanted recorded between two instants, in order; where they overlap, one span."""
        rows = await self._database.query(
            "select recorded_from, until from alarm where camera_uid = %s and recorded_from < %s and until > %s"
            " order by recorded_from",
            (camera_uid, stop, start),
        )
        spans: list[Span] = []
        for began, ended in rows:
            if spans and began <= spans[-1].stop:
                spans[-1] = Span(spans[-1].start, max(spans[-1].stop, ended))
            else:
                spans.append(Span(began, ended))
        return spans


def _column(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _alarms(rows: Sequence[tuple[Any, ...]]) -> list[Alarm]:
    found = []
    for row in rows:
        values = dict(zip(_NAMES, row, strict=True))
        values["causes"] = tuple(values["causes"])
        found.append(Alarm(**values))
    return found
