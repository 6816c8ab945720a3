"""The index of what was recorded: segments, gaps, files to unlink, volumes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace.model import Gap, Segment
from camtrace.store import keyframes
from camtrace.store.database import Database

_COLUMNS = (
    "s.id, s.camera_uid, s.stream, s.run, v.folder, s.path, s.started_us, s.ended_us, s.start_ticks, s.bytes,"
    " s.keyframes, s.open, s.kind"
)
_FROM = "from segment s join volume v on v.number = s.volume"
# of segment s; ends in the parenthesis of its subquery over alarm a
_WANTED_BY_ALARM = (
    "exists (select from alarm a where a.camera_uid = s.camera_uid and a.recorded_from is not null"
    " and a.until > to_timestamp(s.started_us / 1e6) and a.recorded_from < to_timestamp(s.ended_us / 1e6))"
)
# closed segments of a camera that ended in [from, before), but for what an alarm wants
_ENDED = (
    "where s.camera_uid = %(uid)s and not s.open and s.ended_us >= %(from)s and s.ended_us < %(before)s"
    f" and (%(kind)s = '' or s.kind = %(kind)s) and not {_WANTED_BY_ALARM[:-1]}"
    " and (%(alarms_from)s::timestamptz is null or a.until > %(alarms_from)s))"
)
_JOIN_US = 1_000_000  # segments of one run that are nearer than this follow each other


class SegmentStore:
    """The tables `segment` and `garbage`. The tracks of a segment stand in its file, not here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, segment: Segment) -> None:
        """Write a segment's row, or bring the one of that file up to date."""
        await self._database.execute(
            "insert into segment (id, camera_uid, stream, run, volume, path, started_us, ended_us, start_ticks, bytes,"
            " keyframes, open, kind) select %s, %s, %s, %s, number, %s, %s, %s, %s, %s, %s, %s, %s from volume"
            " where folder = %s"
            " on conflict (camera_uid, stream, started_us) do update set ended_us = excluded.ended_us,"
            " bytes = excluded.bytes, keyframes = excluded.keyframes, open = excluded.open,"
            " start_ticks = excluded.start_ticks",
            (
                segment.id,
                segment.camera_uid,
                segment.stream,
                segment.run,
                segment.path,
                segment.started_us,
                max(segment.started_us, segment.ended_us),
                segment.start_ticks,
                segment.bytes,
                keyframes.pack(segment.keyframes, segment.started_us),
                segment.open,
                segment.kind,
                segment.volume,
            ),
        )

    async def around(self, camera_uid: int, stream: str, at_us: int, limit: int = 64) -> list[Segment]:
        """Segments in order of time, from the last one that began at or before `at_us` on."""
        rows = await self._database.query(
            f"select {_COLUMNS} {_FROM} where s.camera_uid = %(uid)s and s.stream = %(stream)s and s.started_us >="
            " coalesce((select max(started_us) from segment where camera_uid = %(uid)s and stream = %(stream)s"
            " and started_us <= %(at)s), %(at)s) order by s.started_us limit %(limit)s",
            {"uid": camera_uid, "stream": stream, "at": at_us, "limit": limit},
        )
        return [_segment(row) for row in rows]

    async def before(self, camera_uid: int, stream: str, started_us: int) -> Segment | None:
        """The segment that began last before `started_us`."""
        rows = await self._database.query(
            f"select {_COLUMNS} {_FROM} where s.camera_uid = %s and s.stream = %s and s.started_us < %s"
            " order by s.started_us desc limit 1",
            (camera_uid, stream, started_us),
        )
        return _segment(rows[0]) if rows else None

    async def spans(
        self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str = ""
    ) -> list[tuple[int, int, int]]:
        """(run, started_us, ended_us) of the unbroken parts that touch this time, in order; closed files only.

        `kind`: only files of this kind ("" for all).
        """
        rows = await self._database.query(
            "with part as (select run, started_us, ended_us, started_us - lag(ended_us) over (partition by run order by"
            " started_us) as distance from segment where camera_uid = %s and stream = %s and not open"
            " and started_us < %s and started_us >= %s - 3600000000 and ended_us > %s and (%s = '' or kind = %s)),"
            " island as (select *, count(*) filter (where distance > %s) over (partition by run order by started_us) as"
            " number from part) select run, min(started_us), max(ended_us) from island group by run, number"
            " order by 2",
            (camera_uid, stream, stop_us, start_us, start_us, kind, kind, _JOIN_US),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def has_kind(self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str) -> bool:
        """Whether files of this kind touch this time; one that still grows counts to its end."""
        rows = await self._database.query(
            "select exists(select from segment where camera_uid = %s and stream = %s and kind = %s and started_us < %s"
            " and (open or ended_us > %s))",
            (camera_uid, stream, kind, stop_us, start_us),
        )
        return bool(rows[0][0])

    async def last_ended_us(self, camera_uid: int, stream: str) -> int | None:
        """When the latest closed segment ends."""
        rows = await self._database.query(
            "select ended_us from segment where camera_uid = %s and stream = %s and not open"
            " order by started_us desc limit 1",
            (camera_uid, stream),
        )
        return rows[0][0] if rows else None

    async def unfinished(self, folder: str) -> list[Segment]:
        """Rows of a volume whose file was still growing."""
        return [
            _segment(row)
            for row in await self._database.query(
                f"select {_COLUMNS} {_FROM} where v.folder = %s and s.open", (folder,)
            )
        ]

    async def latest_start_us(self, folder: str) -> int | None:
        """When the newest segment of a volume began."""
        rows = await self._database.query(
            "select max(started_us) from segment s join volume v on v.number = s.volume where v.folder = %s", (folder,)
        )
        return rows[0][0]

    async def paths_since(self, folder: str, start_us: int) -> set[str]:
        """The paths of a volume's segments that began at or after `start_us`."""
        rows = await self._database.query(
            f"select s.path {_FROM} where v.folder = %s and s.started_us >= %s", (folder, start_us)
        )
        return {row[0] for row in rows}

    async def at_path(self, folder: str, path: str) -> Segment | None:
        """The segment of that file."""
        rows = await self._database.query(
            f"select {_COLUMNS} {_FROM} where v.folder = %s and s.path = %s", (folder, path)
        )
        return _segment(rows[0]) if rows else None

    async def oldest(self, folder: str, limit: int, *, of_alarms: bool = False) -> list[Segment]:
        """The closed segments of a volume that ended first: those that no alarm wants, or those that one does."""
        wanted = "" if of_alarms else "not "
        rows = await self._database.query(
            f"select {_COLUMNS} {_FROM} where v.folder = %s and not s.open and {wanted}{_WANTED_BY_ALARM}"
            " order by s.ended_us limit %s",
            (folder, limit),
        )
        return [_segment(row) for row in rows]

    async def ended_before(
        self, camera_uid: int, before_us: int, limit: int, *, alarms_from: datetime | None = None, kind: str = ""
    ) -> list[Segment]:
        """A camera's closed segments that ended before this instant, oldest first; only those of `kind` ("" for all).

        What an alarm wants stays, if that ended after `alarms_from` (None: whenever it did).
        """
        rows = await self._database.query(
            f"select {_COLUMNS} {_FROM} {_ENDED} order by s.started_us limit %(limit)s",
            {
                "uid": camera_uid,
                "from": 0,
                "before": before_us,
                "limit": limit,
                "kind": kind,
                "alarms_from": alarms_from,
            },
        )
        return [_segment(row) for row in rows]

    async def weight(
        self, camera_uid: int, from_us: int, before_us: int, *, alarms_from: datetime | None = None, kind: str = ""
    ) -> tuple[int, int, int | None]:
        """How many of those of `ended_before` ended at `from_us` or later, their bytes, and when the oldest begins."""
        rows = await self._database.query(
            f"select count(*), coalesce(sum(s.bytes), 0)::bigint, min(s.started_us) from segment s {_ENDED}",
            {"uid": camera_uid, "from": from_us, "before": before_us, "kind": kind, "alarms_from": alarms_from},
        )
        count, size, oldest = rows[0]
        return count, size, oldest

    async def camera_uids(self) -> list[int]:
        """Every camera that has footage, deleted ones included."""
        rows = await self._database.query(
            "with recursive seen as ((select camera_uid from segment order by camera_uid limit 1) union all"
            " select (select camera_uid from segment where camera_uid > seen.camera_uid order by camera_uid limit 1)"
            " from seen where seen.camera_uid is not null) select camera_uid from seen where camera_uid is not null"
        )
        return [row[0] for row in rows]

    async def discard(self, segments: Sequence[Segment]) -> None:
        """Move rows to the garbage: the footage cannot be found any more, its files are still to be unlinked."""

        async def work(cursor: Any) -> None:
            await cursor.execute(
                "with gone as (delete from segment where id = any(%s) returning volume, path)"
                " insert into garbage select volume, path from gone on conflict do nothing",
                ([segment.id for segment in segments],),
            )

        await self._database.transaction("discard segments", work)

    async def drop(self, segment: Segment) -> None:
        """Remove the row of a file that does not exist."""
        await self._database.execute("delete from segment where id = %s", (segment.id,))

    async def garbage(self, folder: str, limit: int = 1000) -> list[str]:
        """Paths of a volume that are to be unlinked."""
        rows = await self._database.query(
            "select path from garbage g join volume v on v.number = g.volume where v.folder = %s limit %s",
            (folder, limit),
        )
        return [row[0] for row in rows]

    async def forget(self, folder: str, paths: Sequence[str]) -> None:
        """These files are unlinked and their folders synced."""
        await self._database.execute(
            "delete from garbage where volume = (select number from volume where folder = %s) and path = any(%s)",
            (folder, list(paths)),
        )


class GapStore:
    """The table `gap`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, gap: Gap) -> None:
        """Write a gap, or its end. A gap without length is taken away."""
        if gap.stop is not None and gap.stop <= gap.start:
            await self._database.execute(
                "delete from gap where camera_uid = %s and started_at = %s", (gap.camera_uid, gap.start)
            )
            return
        await self._database.execute(
            "insert into gap (camera_uid, started_at, ended_at, cause) values (%s, %s, %s, %s)"
            " on conflict (camera_uid, started_at) do update set ended_at = excluded.ended_at, cause = excluded.cause",
            (gap.camera_uid, gap.start, gap.stop, gap.cause),
        )

    async def lasting(self) -> list[Gap]:
        """Gaps without an end."""
        rows = await self._database.query(
            "select camera_uid, started_at, ended_at, cause from gap where ended_at is null order by started_at"
        )
        return [Gap(*row) for row in rows]

    async def within(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]:
        """A camera's gaps that touch this time, in order, at most 10,000."""
        rows = await self._database.query(
            "select camera_uid, started_at, ended_at, cause from gap where camera_uid = %s and started_at < %s"
            " and coalesce(ended_at, 'infinity') > %s order by started_at limit 10000",
            (camera_uid, stop, start),
        )
        return [Gap(*row) for row in rows]


class VolumeStore:
    """The table `volume`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> dict[str, str]:
        """The identity of each known folder."""
        return dict(await self._database.query("select folder, identity from volume"))

    async def add(self, folder: str, identity: str, at: datetime) -> None:
        """A folder was initialised, or brought along with what lies in it: a disk mounted elsewhere is the same one."""
        await self._database.execute(
            "insert into volume (folder, identity, created_at) values (%s, %s, %s)"
            " on conflict (identity) do update set folder = excluded.folder",
            (folder, identity, at),
        )


def _segment(row: tuple[Any, ...]) -> Segment:
    identity, uid, stream, run, folder, path, started, ended, ticks, size, packed, growing, kind = row
    frames = keyframes.unpack(bytes(packed), started, ended, size)
    return Segment(identity, uid, stream, run, folder, path, started, ended, ticks, size, (), frames, growing, kind)
