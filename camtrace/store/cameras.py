"""Cameras as an administrator set them, and the history of their status."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import psycopg2.errors

from camtrace.errors import Conflict, NotFound
from camtrace.i18n import N_
from camtrace.model import (
    AlarmRecording,
    Camera,
    CameraEvents,
    CameraMail,
    CameraState,
    MotionSettings,
    Point,
    RegularRecording,
    Zone,
)
from camtrace.store.contacts import read_contacts
from camtrace.store.database import Database
from camtrace.store.disconnections import Disconnections

_FIELDS = [
    "name",
    "model",
    "address",
    "http_port",
    "channel",
    "url",
    "sub_url",
    "transport",
    "codec",
    "login",
    "password",
    "volume",
    "overlay_ids",
    "regular",
    "alarm",
    "mail",
    "motion",
    "events",
    "stop_streams_automatically",
]
_COLUMNS = ", ".join(["uid", "id", *_FIELDS, "deleted_at"])
_LOCK = 0x43616D75  # one number is given out at a time


class CameraStore:
    """The tables `camera` and `camera_state`. Passwords are sealed before they come here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Camera]:
        """Existing cameras, by number."""
        rows = await self._database.query(f"select {_COLUMNS} from camera where deleted_at is null order by id")
        return [_camera(row) for row in rows]

    async def deleted(self) -> list[Camera]:
        """Cameras that were deleted, the latest first; their footage and lines stay under their uid."""
        sql = f"select {_COLUMNS} from camera where deleted_at is not null order by deleted_at desc"
        return [_camera(row) for row in await self._database.query(sql)]

    async def by_uid(self, uid: int) -> Camera | None:
        """The camera of that uid, deleted or not."""
        rows = await self._database.query(f"select {_COLUMNS} from camera where uid = %s", (uid,))
        return _camera(rows[0]) if rows else None

    async def create(self, fields: Mapping[str, Any], at: datetime) -> Camera:
        """A new camera with the lowest free number, or the `id` among `fields`, which are attributes of Camera.

        Raises Conflict when that number is taken.
        """

        async def work(cursor: Any) -> Camera:
            await cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            await cursor.execute(
                "select min(n) from generate_series(1, (select count(*) + 1 from camera where deleted_at is null)) n"
                " where n not in (select id from camera where deleted_at is null)"
            )
            lowest = cursor.fetchall()[0][0]
            names, values = _assignments({"id": lowest, **fields})
            columns = ", ".join(["created_at", *names])
            marks = ", ".join(["%s"] * (len(names) + 1))
            try:
                await cursor.execute(
                    f"insert into camera ({columns}) values ({marks}) returning {_COLUMNS}", [at, *values]
                )
            except psycopg2.errors.UniqueViolation as error:
                raise _number_taken(fields) from error
            camera = _camera(cursor.fetchall()[0])
            await _notify(cursor, camera.uid)
            return camera

        return await self._database.transaction("create camera", work)

    async def update(self, uid: int, fields: Mapping[str, Any]) -> Camera:
        """Change these attributes (`id` too) of an existing camera. Raises NotFound or Conflict."""

        async def work(cursor: Any) -> Camera:
            names, values = _assignments(fields)
            changes = ", ".join(f"{name} = %s" for name in names) or "id = id"
            try:
                await cursor.execute(
                    f"update camera set {changes} where uid = %s and deleted_at is null returning {_COLUMNS}",
                    [*values, uid],
                )
            except psycopg2.errors.UniqueViolation as error:
                raise _number_taken(fields) from error
            found = cursor.fetchall()
            if not found:
                raise NotFound(N_("this camera does not exist any more"))
            await _notify(cursor, uid)
            return _camera(found[0])

        return await self._database.transaction("update camera", work)

    async def delete(self, uid: int, at: datetime) -> Camera:
        """Mark the camera deleted: its number is free, its password forgotten, its uid stays. Raises NotFound."""

        async def work(cursor: Any) -> Camera:
            await cursor.execute(
                "update camera set deleted_at = %s, password = '' where uid = %s and deleted_at is null"
                f" returning {_COLUMNS}",
                (at, uid),
            )
            found = cursor.fetchall()
            if not found:
                raise NotFound(N_("this camera does not exist any more"))
            await Disconnections.end(cursor, uid, at, "removed")
            await _notify(cursor, uid)
            return _camera(found[0])

        return await self._database.transaction("delete camera", work)

    @staticmethod
    async def insert_states(cursor: Any, states: Sequence[tuple[int, CameraState]]) -> None:
        """Write changes of status, each with its fact's id, and what they say of disconnections.

        All in the caller's transaction; what was written before changes nothing.
        """
        await cursor.execute(
            "insert into camera_state (id, camera_uid, since, status, reason, detail)"
            " select * from unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])"
            " on conflict (id) do nothing returning id",
            (
                [identity for identity, _ in states],
                [state.camera_uid for _, state in states],
                [state.since for _, state in states],
                [state.status.value for _, state in states],
                [state.reason for _, state in states],
                [state.detail for _, state in states],
            ),
        )
        new = {row[0] for row in cursor.fetchall()}
        await Disconnections.follow(cursor, [pair for pair in states if pair[0] in new])


async def _notify(cursor: Any, uid: int) -> None:
    await cursor.execute("select pg_notify('config', %s)", (f"camera {uid}",))


def _assignments(fields: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    names = [name for name in ["id", *_FIELDS] if name in fields]
    assert len(names) == len(fields), f"no columns for {sorted(set(fields) - set(names))}"
    return names, [_column(name, fields[name]) for name in names]


def _number_taken(fields: Mapping[str, Any]) -> Conflict:
    return Conflict(N_("another camera has the number {number}"), "id", number=fields.get("id", 0))


def _column(name: str, value: Any) -> Any:
    if name in ("regular", "alarm", "mail", "motion", "events"):
        return json.dumps(asdict(value))
    return list(value) if name == "overlay_ids" else value


def _camera(row: tuple[Any, ...]) -> Camera:
    values = dict(zip(["uid", "id", *_FIELDS, "deleted_at"], row, strict=True))
    values["password"] = bytes(values["password"])
    values["overlay_ids"] = tuple(values["overlay_ids"])
    values["regular"] = RegularRecording(**values["regular"])
    values["alarm"] = AlarmRecording(**values["alarm"])
    values["mail"] = CameraMail(**values["mail"])
    values["motion"] = _motion(values["motion"])
    values["events"] = _events(values["events"])
    return Camera(**values)


def _motion(stored: Mapping[str, Any]) -> MotionSettings:
    zones = [
        Zone(zone["name"], tuple(Point(*corner) for corner in zone["polygon"]), zone["exclude"])
        for zone in stored.get("zones", ())
    ]
    return MotionSettings(**{**stored, "zones": tuple(zones)})


def _events(stored: Mapping[str, Any]) -> CameraEvents:
    return CameraEvents(**{**stored, "inputs": read_contacts(stored.get("inputs", ()))})
