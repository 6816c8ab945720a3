"""Dialects of tills that an administrator made, and what is set for single tills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg2.errors

from camtrace.errors import Conflict, NotFound
from camtrace.i18n import N_
from camtrace.model import HeardSource, SourceSettings, StoredDialect
from camtrace.store.database import Database

_SETTINGS = (
    "label",
    "dialect",
    "clear_seconds",
    "offset_ms",
    "burst_since",
    "hours",
    "silent_minutes",
    "heartbeats",
    "silent_since",
    "encoding",
)


class DialectStore:
    """The table `dialect`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredDialect]:
        """Every dialect, by name."""
        rows = await self._database.query("select name, definition from dialect order by name")
        return [StoredDialect(*row) for row in rows]

    async def create(self, dialect: StoredDialect) -> None:
        """Add a dialect. Raises Conflict when its name is taken."""

        async def work(cursor: Any) -> None:
            try:
                await cursor.execute(
                    "insert into dialect (name, definition) values (%s, %s)",
                    (dialect.name, json.dumps(dict(dialect.definition))),
                )
            except psycopg2.errors.UniqueViolation as error:
                raise Conflict(N_("another dialect has this name"), "name") from error
            await _notify(cursor, "dialect", dialect.name)

        await self._database.transaction("create dialect", work)

    async def update(self, dialect: StoredDialect) -> None:
        """Give the dialect of this name other settings. Raises NotFound."""

        async def work(cursor: Any) -> None:
            await cursor.execute(
                "update dialect set definition = %s where name = %s returning name",
                (json.dumps(dict(dialect.definition)), dialect.name),
            )
            if not cursor.fetchall():
                raise NotFound(N_("this dialect does not exist any more"))
            await _notify(cursor, "dialect", dialect.name)

        await self._database.transaction("update dialect", work)

    async def delete(self, name: str) -> None:
        """Remove a dialect. Raises NotFound, and Conflict while a till uses it."""

        async def work(cursor: Any) -> None:
            await cursor.execute("select source from source where dialect = %s order by source limit 1", (name,))
            used = cursor.fetchall()
            if used:
                raise Conflict(N_("the till {source} uses this dialect"), "name", source=used[0][0])
            await cursor.execute("delete from dialect where name = %s returning name", (name,))
            if not cursor.fetchall():
                raise NotFound(N_("this dialect does not exist any more"))
            await _notify(cursor, "dialect", name)

        await self._database.transaction("delete dialect", work)


class SourceStore:
    """The table `source`, and what the tickets tell of each source."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[SourceSettings]:
        """What is set, by name."""
        rows = await self._database.query(f"select source, {', '.join(_SETTINGS)} from source order by source")
        return [SourceSettings(*row) for row in rows]

    async def change(self, source: str, fields: Mapping[str, Any]) -> None:
        """Set some of `source`'s settings; the others stay, at their defaults where nothing was set before."""
        names = [name for name in _SETTINGS if name in fields]
        values = tuple(fields[name] for name in names)

        async def work(cursor: Any) -> None:
            await cursor.execute("insert into source (source) values (%s) on conflict do nothing", (source,))
            if names:
                changes = ", ".join(f"{name} = %s" for name in names)
                await cursor.execute(f"update source set {changes} where source = %s", (*values, source))
            await _notify(cursor, "source", source)

        await self._database.transaction("change source", work)

    async def heard(self, since: datetime) -> list[HeardSource]:
        """Every source that ever said a line, by name; `lines` counts those of tickets opened since then.

        Steps from source to source: it reads the tickets of that time, and no others.
        """
        rows = await self._database.query(
            "with recursive known (source) as (select min(source) from ticket union all"
            " select (select min(source) from ticket where source > known.source) from known where source is not null)"
            " select known.source, newest.protocol, oldest.opened_at, newest.last_at,"
            " (select coalesce(sum(line_count), 0) from ticket"
            " where ticket.source = known.source and opened_at >= %s)::bigint from known,"
            " lateral (select protocol, last_at from ticket where ticket.source = known.source"
            " order by opened_at desc limit 1) newest,"
            " lateral (select opened_at from ticket where ticket.source = known.source"
            " order by opened_at limit 1) oldest"
            " where known.source is not null order by known.source",
            (since,),
        )
        return [HeardSource(*row) for row in rows]


async def _notify(cursor: Any, kind: str, name: str) -> None:
    await cursor.execute("select pg_notify('config', %s)", (f"{kind} {name}",))
