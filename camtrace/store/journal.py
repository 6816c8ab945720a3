"""The journals: what the server did or suffered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace.model import JournalEntry
from camtrace.store.database import Database

_ENTRY = "select id, at, kind, text, args, camera_uid, account from journal"


class Journal:
    """The table `journal`, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    async def insert(cursor: Any, entries: Sequence[JournalEntry]) -> None:
        """Write entries in the caller's transaction; those that are there already stay as they are."""
        columns = (
            [entry.id for entry in entries],
            [entry.at for entry in entries],
            [entry.kind for entry in entries],
            [entry.text for entry in entries],
            [json.dumps(entry.values) for entry in entries],
            [entry.camera_uid for entry in entries],
            [entry.user for entry in entries],
        )
        await cursor.execute(
            "insert into journal (id, at, kind, text, args, camera_uid, account)"
            " select * from unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::jsonb[],"
            " %s::bigint[], %s::text[]) on conflict (id) do nothing",
            columns,
        )

    async def entries(
        self,
        kind: str = "",
        start: datetime | None = None,
        stop: datetime | None = None,
        limit: int = 100,
        before: tuple[datetime, int] | None = None,
    ) -> list[JournalEntry]:
        """Entries of a kind ("" for all) in [start, stop], newest first; `before`: the last one of the page before."""
        wanted: list[tuple[str, tuple[Any, ...]]] = []
        if kind:
            wanted.append(("kind = %s", (kind,)))
        if start is not None:
            wanted.append(("at >= %s", (start,)))
        if stop is not None:
            wanted.append(("at <= %s", (stop,)))
        if before is not None:
            wanted.append(("(at, id) < (%s, %s)", before))
        where = " and ".join(condition for condition, _ in wanted) or "true"
        rows = await self._database.query(
            f"{_ENTRY} where {where} order by at desc, id desc limit %s",
            [value for _, values in wanted for value in values] + [limit],
        )
        return [_entry(row) for row in rows]

    async def since(self, id: int, limit: int) -> list[JournalEntry]:
        """The first `limit` entries with an id above `id`, by id."""
        rows = await self._database.query(f"{_ENTRY} where id > %s order by id limit %s", (id, limit))
        return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    identity, at, kind, text, values, camera_uid, user = row
    return JournalEntry(id=identity, at=at, kind=kind, text=text, values=values, camera_uid=camera_uid, user=user)
