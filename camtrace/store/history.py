"""What became durable after a given fact, whatever it tells of: for readers that were away."""

from __future__ import annotations

from camtrace.model import AlarmNow, CameraState, JournalEntry, Line, Status
from camtrace.store.alarms import AlarmStore
from camtrace.store.database import Database
from camtrace.store.journal import Journal
from camtrace.store.lines import LineStore

Happening = Line | CameraState | JournalEntry | AlarmNow


class History:
    """Lines, camera states, journal entries and alarms, in the order of their facts.

    An alarm occurs once, as it stands, with the last fact that told of it.
    """

    def __init__(self, database: Database, lines: LineStore, journal: Journal, alarms: AlarmStore) -> None:
        self._database = database
        self._lines = lines
        self._journal = journal
        self._alarms = alarms

    async def since(self, fact_id: int, limit: int) -> list[tuple[int, Happening]]:
        """The first `limit` facts with an id above `fact_id`, by id."""
        found: list[tuple[int, Happening]] = [(line.id, line) for line in await self._lines.since(fact_id, limit)]
        found += [(entry.id, entry) for entry in await self._journal.since(fact_id, limit)]
        found += await self._states(fact_id, limit)
        found += await self._alarms.since(fact_id, limit)
        return sorted(found, key=lambda pair: pair[0])[:limit]

    async def _states(self, fact_id: int, limit: int) -> list[tuple[int, Happening]]:
        rows = await self._database.query(
            "select id, camera_uid, status, reason, since, detail from camera_state where id > %s order by id limit %s",
            (fact_id, limit),
        )
        return [
            (row[0], CameraState(row[1], Status(row[2]), reason=row[3], since=row[4], detail=row[5])) for row in rows
        ]
