"""Searches that people keep under a name."""

from __future__ import annotations

from typing import Any

import psycopg2.errors

from camtrace.errors import Conflict
from camtrace.i18n import N_
from camtrace.model import SavedSearch
from camtrace.store.database import Database


class SavedSearches:
    """The table `saved_search`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, user_id: int) -> list[SavedSearch]:
        """What this user keeps, by name."""
        rows = await self._database.query(
            "select id, name, query from saved_search where account_id = %s order by lower(name), id", (user_id,)
        )
        return [SavedSearch(*row) for row in rows]

    async def save(self, user_id: int, name: str, query: str, most: int) -> SavedSearch | None:
        """Keep a search; one of the same name is replaced. None if the user keeps `most` others already."""

        async def work(cursor: Any) -> list[tuple[Any, ...]]:
            await cursor.execute(
                "insert into saved_search (account_id, name, query) select %(user)s, %(name)s, %(query)s"
                " where (select count(*) from saved_search where account_id = %(user)s and name <> %(name)s) < %(most)s"
                " on conflict (account_id, name) do update set query = excluded.query returning id, name, query",
                {"user": user_id, "name": name, "query": query, "most": most},
            )
            return list(cursor.fetchall())

        rows = await self._database.transaction("save a search", work)
        return SavedSearch(*rows[0]) if rows else None

    async def rename(self, user_id: int, id: int, name: str) -> SavedSearch | None:
        """Give a search another name; None if the user has none of this id. Raises Conflict if another has the name."""

        async def work(cursor: Any) -> list[tuple[Any, ...]]:
            await cursor.execute(
                "update saved_search set name = %s where account_id = %s and id = %s returning id, name, query",
                (name, user_id, id),
            )
            return list(cursor.fetchall())

        try:
            rows = await self._database.transaction("rename a search", work)
        except psycopg2.errors.UniqueViolation as error:
            raise Conflict(N_("another search has this name"), "name") from error
        return SavedSearch(*rows[0]) if rows else None

    async def delete(self, user_id: int, id: int) -> bool:
        """Forget a search; False if the user has none of this id."""

        async def work(cursor: Any) -> bool:
            await cursor.execute(
                "delete from saved_search where account_id = %s and id = %s returning id", (user_id, id)
            )
            return bool(cursor.fetchall())

        return await self._database.transaction("delete a search", work)
