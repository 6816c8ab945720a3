"""When cameras were lost, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace.model import CameraState, Disconnection, DisconnectionQuery, Status
from camtrace.store.database import Database
from camtrace.store.matching import Conditions, holds, pattern

_SELECT = (
    "select d.id, d.camera_uid, c.id, c.name, c.deleted_at, d.lost_at, d.back_at, d.reason, d.detail, d.last_reason,"
    " d.last_detail, d.ending from disconnection d join camera c on c.uid = d.camera_uid"
)
_NAMES = (
    "id",
    "camera_uid",
    "camera_id",
    "camera_name",
    "camera_deleted_at",
    "lost_at",
    "back_at",
    "reason",
    "detail",
    "last_reason",
    "last_detail",
    "ending",
)


class Disconnections:
    """The table `disconnection`. It follows the states of cameras; a camera has at most one that lasts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    async def follow(cursor: Any, states: Sequence[tuple[int, CameraState]]) -> None:
        """Write what these states, each with its fact's id and each told once, say; in the caller's transaction."""
        for number, state in sorted(states, key=lambda pair: pair[0]):
            if state.status == Status.ACTIVE:
                await Disconnections.end(cursor, state.camera_uid, state.since, "back")
            elif state.status == Status.IGNORED:
                await Disconnections.end(cursor, state.camera_uid, state.since, "ignored")
            elif state.reason != "connecting":
                await cursor.execute(
                    "update disconnection set last_reason = %s, last_detail = %s, seen_at = greatest(seen_at, %s)"
                    " where camera_uid = %s and back_at is null",
                    (state.reason, state.detail, state.since, state.camera_uid),
                )
                await cursor.execute(
                    "insert into disconnection"
                    " (id, camera_uid, lost_at, seen_at, reason, detail, last_reason, last_detail)"
                    " select %s, uid, %s, %s, %s, %s, %s, %s from camera where uid = %s and deleted_at is null"
                    " on conflict do nothing",
                    (number, *[state.since] * 2, *[state.reason, state.detail] * 2, state.camera_uid),
                )

    @staticmethod
    async def end(cursor: Any, camera_uid: int, at: datetime, ending: str) -> None:
        """The camera is lost no more, in the caller's transaction."""
        await cursor.execute(
            "update disconnection set back_at = greatest(lost_at, %s), ending = %s"
            " where camera_uid = %s and back_at is null",
            (at, ending, camera_uid),
        )

    async def seen(self, at: datetime) -> None:
        """What lasts, lasts until `at` at least; what is being written at this moment is left alone."""
        await self._database.execute(
            "update disconnection set seen_at = %s where id in"
            " (select id from disconnection where back_at is null and seen_at < %s for update skip locked)",
            (at, at),
        )

    async def close(self) -> None:
        """At a start: what lasted when the server stopped is known to have lasted until then, and no longer."""
        await self._database.execute(
            "update disconnection set back_at = seen_at, ending = 'stopped' where back_at is null"
        )

    async def page(
        self, query: DisconnectionQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[Disconnection]:
        """The latest lost first. `before`: (lost_at, id) of the last one of the page before."""
        wanted = Conditions()
        wanted.add_given("d.camera_uid = any(%s)", None if query.camera_uids is None else list(query.camera_uids))
        wanted.add_given("(d.back_at is null or d.back_at >= %s)", query.start)
        wanted.add_given("d.lost_at <= %s", query.stop)
        for word, reasons in query.words:
            codes = list(reasons)
            found_by = [(holds("c.name"), pattern(word)), (holds("d.detail"), pattern(word))]
            wanted.add_any([*found_by, ("d.reason = any(%s)", codes), ("d.last_reason = any(%s)", codes)])
        if before is not None:
            wanted.add("(d.lost_at, d.id) < (%s, %s)", *before)
        rows = await self._database.query(
            f"{_SELECT} where {wanted} order by d.lost_at desc, d.id desc limit %s", [*wanted.values, limit]
        )
        return [Disconnection(**dict(zip(_NAMES, row, strict=True))) for row in rows]
