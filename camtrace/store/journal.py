"""The journals: what the server did or suffered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace.model import JournalEntry, JournalQuery
from camtrace.store.database import Database
from camtrace.store.matching import Conditions, holds, pattern

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
        self, query: JournalQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[JournalEntry]:
        """Entries, newest first; `before`: the last one of the page before."""
        wanted = Conditions()
        wanted.add_given("kind = %s", query.kind)
        wanted.add_given("at >= %s", query.start)
        wanted.add_given("at <= %s", query.stop)
        wanted.add_given("camera_uid = any(%s)", None if query.camera_uids is None else list(query.camera_uids))
        for word, texts in query.words:
            among_values = f"exists (select from jsonb_each_text(args) v where {holds('v.value')})"
            found_by = [(among_values, pattern(word)), (holds("account"), pattern(word))]
            wanted.add_any([*found_by, ("text = any(%s)", list(texts))])
        if before is not None:
            wanted.add("(at, id) < (%s, %s)", *before)
        rows = await self._database.query(
            f"{_ENTRY} where {wanted} order by at desc, id desc limit %s", [*wanted.values, limit]
        )
        return [_entry(row) for row in rows]

    async def since(self, id: int, limit: int) -> list[JournalEntry]:
        """The first `limit` entries with an id above `id`, by id."""
        rows = await self._database.query(f"{_ENTRY} where id > %s order by id limit %s", (id, limit))
        return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    identity, at, kind, text, values, camera_uid, user = row
    return JournalEntry(id=identity, at=at, kind=kind, text=text, values=values, camera_uid=camera_uid, user=user)
