"""Settings an administrator edits while the server runs, by name."""

from __future__ import annotations

import json
from typing import Any

from camtrace.store.database import Database


class Settings:
    """The table `setting`: names to JSON values."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str, default: Any = None) -> Any:
        """The value of `name`, or `default`."""
        rows = await self._database.query("select value from setting where name = %s", (name,))
        return rows[0][0] if rows else default

    async def set(self, name: str, value: Any) -> None:
        """Give `name` a value, and tell every running server."""

        async def work(cursor: Any) -> None:
            await cursor.execute(
                "insert into setting (name, value) values (%s, %s::jsonb)"
                " on conflict (name) do update set value = excluded.value",
                (name, json.dumps(value)),
            )
            await cursor.execute("select pg_notify('config', %s)", (f"setting {name}",))

        await self._database.transaction("set setting", work)
