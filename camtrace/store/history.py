"""What became durable, fact by fact, across the tables that hold facts."""

from __future__ import annotations

from camtrace.model import CameraState, JournalEntry, Line, Status
from camtrace.store.database import Database
from camtrace.store.lines import LineStore

What = Line | CameraState | JournalEntry


class History:
    """Reads facts in the order of their ids, for readers that resume."""

    def __init__(self, database: Database, lines: LineStore) -> None:
        self._database = database
        self._lines = lines

    async def since(self, fact_id: int, limit: int) -> list[tuple[int, What]]:
        """The first `limit` lines, camera states and journal entries with an id greater than `fact_id`, by id."""
        # facts are committed in the order of their ids: nothing below the newest one can appear between the queries
        newest = await self._lines.last_id()
        found: list[tuple[int, What]] = [(line.id, line) for line in await self._lines.since(fact_id, limit)]
        found += await self._states(fact_id, limit)
        found += await self._entries(fact_id, limit)
        return sorted((pair for pair in found if pair[0] <= newest), key=lambda pair: pair[0])[:limit]

    async def _states(self, fact_id: int, limit: int) -> list[tuple[int, What]]:
        rows = await self._database.query(
            "select id, camera_uid, status, reason, since, detail from camera_state where id > %s order by id limit %s",
            (fact_id, limit),
        )
        return [
            (row[0], CameraState(row[1], Status(row[2]), reason=row[3], since=row[4], detail=row[5])) for row in rows
        ]

    async def _entries(self, fact_id: int, limit: int) -> list[tuple[int, What]]:
        rows = await self._database.query(
            "select id, at, kind, text, args, camera_uid, account from journal where id > %s order by id limit %s",
            (fact_id, limit),
        )
        return [
            (
                row[0],
                JournalEntry(
                    id=row[0], at=row[1], kind=row[2], text=row[3], values=row[4], camera_uid=row[5], user=row[6]
                ),
            )
            for row in rows
        ]
