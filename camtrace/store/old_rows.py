"""Rows whose days are over: found by time along an index, and removed a few at a time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from camtrace import clock
from camtrace.model import JOURNALS, LINES, FootageKept, Kept, Removal, Removed
from camtrace.store.database import Database
from camtrace.store.line_writing import TEXTS_LOCK

Place = tuple[datetime, int]
Watch = tuple[str, tuple[int, ...]]
KINDS = {
    LINES: ("lines", "exceptions", "quarantine"),
    JOURNALS: ("entries", "alarms", "losses", "states", "gaps"),
}
MOST_TRIGGERS_AT_ONCE = 2000
_SMALLEST = 1 - 2**63  # the one below has no sign in SQL
_START = ("-infinity", _SMALLEST)
# exceptions that stay, with their tickets and lines; as the indexes of 0020 say it
KEPT_EXCEPTION = "(verdict in ('checking', 'real') or verdict = '' and comment <> '')"
_REMOVAL = "select what, reached, announced, announced_at, done_at, untold, days, held from removal where what = %s"

# Each looks at the next rows behind a place, in order of time, and removes those of them that may go: what stays is not
# looked at again in the same night. Answers the instant and id of the last one looked at, and how many were looked at.
_STEP = """
with step as materialized (
    select {columns}, {at} as at from {table} where {at} < %(before)s
        and ({at}, id) > (%(place_at)s::timestamptz, %(place_id)s::bigint) order by {at}, id limit %(limit)s
), gone as (
    delete from {table} using step where {table}.id = step.id and {may_go} returning {table}.{back}
), last as (
    select at, id from step order by at desc, id desc limit 1
)
select (select at from last), (select id from last), (select count(*) from step), (select count(*) from gone),
    (select array_agg(distinct {back}) from gone)
"""
# A ticket goes as a whole, once its last line may go. Each is looked up by itself: a join might read a whole table.
_LINES = _STEP.format(
    table="line",
    columns="id, ticket_id",
    at="received_at",
    back="ticket_id",
    may_go=(
        "coalesce((select last_at from ticket where ticket.id = step.ticket_id), '-infinity') < %(before)s"
        f" and (select count(*) from rule_exception where ticket_id = step.ticket_id and {KEPT_EXCEPTION}) = 0"
        f" and (select count(*) from rule_exception where lines @> array[step.id] and {KEPT_EXCEPTION}) = 0"
    ),
)
_TICKETS = (
    "delete from ticket where id = any(%s) and last_at < %s"
    " and not exists (select from line where ticket_id = ticket.id)"
)
_EXCEPTIONS = _STEP.format(table="rule_exception", columns="id", at="at", back="id", may_go=f"not {KEPT_EXCEPTION}")
_QUARANTINE = _STEP.format(table="quarantine", columns="id", at="at", back="id", may_go="true")
_ENTRIES = _STEP.format(table="journal", columns="id", at="at", back="id", may_go="true")
_LOSSES = _STEP.format(table="disconnection", columns="id", at="lost_at", back="id", may_go="back_at < %(before)s")
# an alarm stays while files, none of which is as long as an hour, hold what it wanted recorded: it says which of them
# are kept longer, and why they are there
ALARM_MAY_GO = """{alarm}.ended_at < %(before)s and {alarm}.until < %(before)s and ({alarm}.recorded_from is null or (
            select count(*) from segment where segment.camera_uid = {alarm}.camera_uid and stream = 'main'
            and started_us > (extract(epoch from {alarm}.recorded_from - interval '1 hour') * 1000000)::bigint
            and started_us < (extract(epoch from {alarm}.until) * 1000000)::bigint
            and ended_us > (extract(epoch from {alarm}.recorded_from) * 1000000)::bigint) = 0)"""
_ALARMS = f"""
with step as materialized (
    select *, sum(least(triggers, %(most)s)) over (order by started_at, id) as weight, row_number() over () as place
    from (
        select id, camera_uid, started_at, until, ended_at, recorded_from, triggers from alarm
        where started_at < %(before)s and (started_at, id) > (%(place_at)s::timestamptz, %(place_id)s::bigint)
        order by started_at, id limit %(limit)s
    ) next
), chosen as materialized (
    select * from step where weight <= %(most)s or place = 1
), gone as (
    delete from alarm using chosen where alarm.id = chosen.id and {ALARM_MAY_GO.format(alarm="chosen")}
    returning alarm.id
), triggers_gone as (
    delete from trigger where alarm_id = any(array(select id from gone))
), last as (
    select started_at as at, id from chosen order by started_at desc, id desc limit 1
)
select (select at from last), (select id from last),
    case when (select count(*) from chosen) < (select count(*) from step) then %(limit)s
    else (select count(*) from step) end, (select count(*) from gone), null
"""
# the table is in order of cameras: they are stepped through. A gap goes once there is no older footage beside it
_GAPS = """
with recursive seen as (
    (select camera_uid from gap order by camera_uid limit 1) union all
    select (select camera_uid from gap where camera_uid > seen.camera_uid order by camera_uid limit 1)
    from seen where seen.camera_uid is not null
), step as materialized (
    select old.camera_uid, old.started_at from seen cross join lateral (
        select camera_uid, started_at from gap where gap.camera_uid = seen.camera_uid and started_at < %(before)s
        and ended_at < %(before)s and (extract(epoch from ended_at) * 1000000)::bigint <= coalesce((
            select started_us from segment where segment.camera_uid = seen.camera_uid and stream = 'main'
            order by started_us limit 1), 9223372036854775807)
        order by started_at limit %(limit)s
    ) old limit %(limit)s
), gone as (
    delete from gap using step where gap.camera_uid = step.camera_uid and gap.started_at = step.started_at
    returning 1
)
select null, 0, (select count(*) from step), (select count(*) from gone), null
"""


class OldRows:
    """Tickets and journals that are old, in whatever table; how far they were removed (`removal`)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps: dict[str, Callable[[Any, Mapping[str, Any]], Awaitable[tuple[Any, ...]]]] = {
            "lines": _lines,
            "exceptions": _by(_EXCEPTIONS),
            "quarantine": _by(_QUARANTINE),
            "entries": _by(_ENTRIES),
            "alarms": _by(_ALARMS),
            "losses": _by(_LOSSES),
            "states": _states,
            "gaps": _by(_GAPS),
        }

    # ── how far ──

    async def removal(self, what: str) -> Removal:
        """How far rows of this kind were removed."""
        return Removal(*(await self._database.query(_REMOVAL, (what,)))[0])

    async def any_before(self, what: str, before: datetime) -> bool:
        """Whether there is a row of this kind from before then."""
        oldest = await self._oldest(what)
        return oldest is not None and oldest < before

    async def kept(self, what: str) -> Kept:
        """How far rows of this kind were removed, and when the oldest is from."""
        return Kept(await self.removal(what), await self._oldest(what))

    async def announce(self, what: str, before: datetime | None, at: datetime | None) -> None:
        """The journal was told that rows from before `before` are to go; None: they are not."""
        await self._database.execute(
            "update removal set announced = %s, announced_at = %s, held = null where what = %s", (before, at, what)
        )

    async def begin(self, before: datetime, looked_at: Removal) -> bool:
        """From now on rows of this kind from before then go; not (False) if days were set since `looked_at` was so."""

        async def work(cursor: Any) -> bool:
            await cursor.execute(
                "update removal set reached = greatest(reached, %s), announced = null, announced_at = null, held = null"
                " where what = %s and announced_at is not distinct from %s and days is not distinct from %s"
                " returning what",
                (before, looked_at.what, looked_at.announced_at, looked_at.days),
            )
            return bool(cursor.fetchall())

        return await self._database.transaction("begin removal", work)

    async def finish(self, what: str, at: datetime) -> None:
        """All that had to go is gone."""
        await self._database.execute("update removal set done_at = %s where what = %s", (at, what))

    async def told(self, what: str) -> None:
        """The journal was told how many went."""
        await self._database.execute("update removal set untold = '{}' where what = %s", (what,))

    async def _oldest(self, what: str) -> datetime | None:
        table, at = ("line", "received_at") if what == LINES else ("journal", "at")
        rows = await self._database.query(f"select {at} from {table} order by {at}, id limit 1")
        return rows[0][0] if rows else None

    # ── what they take ──

    async def database_bytes(self) -> int:
        """What the whole database takes on the disk."""
        return int((await self._database.query("select pg_database_size(current_database())"))[0][0])

    async def footage(self) -> list[FootageKept]:
        """What the closed files of footage take, volume by volume."""
        rows = await self._database.query(
            "select folder, coalesce(sum(bytes), 0)::bigint, min(started_us) from volume"
            " left join segment on segment.volume = volume.number group by folder order by folder"
        )
        return [FootageKept(folder, size, us and clock.from_us(us)) for folder, size, us in rows]

    # ── removing ──

    def kinds(self, what: str) -> Sequence[str]:
        """What is removed one after the other."""
        return KINDS[what]

    async def remove(self, kind: str, before: datetime, place: Place | None, limit: int) -> Removed:
        """Look at the next `limit` rows from before `before`, behind `place`, and remove those that may go.

        How many went is added to `untold` in the same transaction. That may be undone by a crash of the database, as
        a whole: nobody waits for the disk.
        """
        at, id = place or _START
        values = {"before": before, "place_at": at, "place_id": id, "limit": limit, "most": MOST_TRIGGERS_AT_ONCE}

        async def work(cursor: Any) -> Removed:
            await cursor.execute("set local synchronous_commit = off")
            last_at, last_id, looked_at, count, tickets = await self._steps[kind](cursor, values)
            counts = {kind: count, **({"tickets": tickets} if kind == "lines" else {})}
            if any(counts.values()):
                await cursor.execute(
                    "update removal set untold = untold || (select jsonb_object_agg(name, more +"
                    " coalesce((untold ->> name)::bigint, 0)) from jsonb_to_recordset(%s::jsonb)"
                    " as gone (name text, more bigint)) where what = %s",
                    (
                        json.dumps([{"name": name, "more": more} for name, more in counts.items()]),
                        next(what for what, kinds in KINDS.items() if kind in kinds),
                    ),
                )
            return Removed(counts, (last_at, last_id) if looked_at >= limit else None)

        return await self._database.transaction(f"remove old {kind}", work)

    async def unused_texts(self, after: int | None, limit: int) -> tuple[list[int], int | None]:
        """Of the next `limit` texts behind the key `after`, those that no line has; and the last looked at, None at the
        end."""
        rows = await self._database.query(
            "with step as materialized (select key from line_words where key > %s order by key limit %s)"
            " select (select max(key) from step), (select count(*) from step),"
            " array(select key from step where not exists (select from line where words = step.key))",
            (_SMALLEST if after is None else after, limit),
        )
        last, count, unused = rows[0]
        return unused, last if count >= limit else None

    async def remove_texts(self, keys: Sequence[int]) -> int:
        """Remove those of these texts that still no line has; how many. They are not known to who writes lines."""
        return await self._unless_written(
            "delete from line_words where key = any(%s) and not exists (select from line where words = key)",
            [list(keys)],
        )

    async def unused_watches(self) -> list[Watch]:
        """Tills with their cameras that no line is of."""
        rows = await self._database.query(
            "select source, cameras from line_watch"
            " where not exists (select from line where line.source = line_watch.source)"
        )
        return [(source, tuple(cameras)) for source, cameras in rows]

    async def remove_watches(self, watches: Sequence[Watch]) -> int:
        """Remove those of which still no line is; how many. They are not known to who writes lines."""
        return await self._unless_written(
            "delete from line_watch where source = any(%s)"
            " and not exists (select from line where line.source = line_watch.source)",
            [sorted({source for source, _ in watches})],
        )

    async def _unless_written(self, sql: str, values: Sequence[Any]) -> int:
        """Run `sql` while nobody writes texts that are new: what was written before is seen, what comes waits."""

        async def work(cursor: Any) -> int:
            await cursor.execute(f"select pg_advisory_xact_lock({TEXTS_LOCK})")
            await cursor.execute(f"with gone as ({sql} returning 1) select count(*) from gone", values)
            return int(cursor.fetchall()[0][0])

        return await self._database.transaction("remove texts", work)


def _by(sql: str) -> Callable[[Any, Mapping[str, Any]], Awaitable[tuple[Any, ...]]]:
    async def step(cursor: Any, values: Mapping[str, Any]) -> tuple[Any, ...]:
        await cursor.execute(sql, values)
        found: tuple[Any, ...] = cursor.fetchall()[0]
        return found

    return step


async def _lines(cursor: Any, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Lines, and the tickets that have none any more. The last value is how many tickets went."""
    *found, tickets = await _by(_LINES)(cursor, values)
    if not tickets:
        return (*found, 0)
    await cursor.execute(
        f"with gone as ({_TICKETS} returning 1) select count(*) from gone", (tickets, values["before"])
    )
    return (*found, cursor.fetchall()[0][0])


async def _states(cursor: Any, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """States of cameras: found by their ids, which are in order of time (`intake.Ids`)."""
    await cursor.execute(
        "with step as materialized (select id, since from camera_state where id < %(end)s and id > %(place_id)s"
        " order by id limit %(limit)s), gone as (delete from camera_state using step where camera_state.id = step.id"
        " and step.since < %(before)s returning 1)"
        " select null, (select max(id) from step), (select count(*) from step), (select count(*) from gone), null",
        {**values, "end": clock.to_us(values["before"]) << 10},
    )
    found: tuple[Any, ...] = cursor.fetchall()[0]
    return found
