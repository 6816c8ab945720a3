"""Figures over the external log: how often what was done, by whom, where and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from twisted.internet import defer

from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.model import Trace
from camtrace.store.database import Database
from camtrace.store.matching import COST, PAID, is_trace, types_of

MOST_MS = 20_000
MOST_ROWS = 50_000
SALE = "sale"
_KEYS = {
    "seller": "line.seller",
    "source": "line.source",
    "hour": "to_char(line.received_at at time zone %s, 'HH24')",
    "day": "to_char(line.received_at at time zone %s, 'YYYY-MM-DD')",
}
Figures = tuple[tuple[str, ...], str, int, Decimal | None]  # keys, kind, how often, the sum of the amounts


class ReportStore:
    """Reads `line` and `ticket`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(
        self,
        by: Sequence[str],
        start: datetime,
        stop: datetime,
        zone: str,
        kinds: Mapping[str, Sequence[Trace]],
        camera_uids: Sequence[int] | None = None,
    ) -> list[Figures]:
        """How often each kind was found in [start, stop) and what it came to, `by` seller, source, hour or day.

        `kinds`: which traces each kind counts; a line counts for the first kind it fits. A ticket that was paid is a
        "sale", by the line that stands for it: its amount is the ticket's total. What was cancelled without an amount
        comes to that of its article. Raises Invalid where that takes too long.
        """
        keys = ", ".join(_KEYS[each] for each in by)
        zones = [zone for each in by if "%s" in _KEYS[each]]
        seen = "" if camera_uids is None else " and line.cameras && %s::bigint[]"
        uids = [] if camera_uids is None else [list(camera_uids)]
        within = "line.received_at >= %s and line.received_at < %s" + seen
        cases, case_values = [], []
        for kind, traces in kinds.items():
            sql, values = is_trace(traces)
            cases.append(f"when {sql} then %s")
            case_values += [*values, kind]
        types = types_of([trace for traces in kinds.values() for trace in traces])
        sql = (
            f"select array[{keys}], kind, count(*), sum(abs(cost)) from (select line.*, {COST} as cost,"
            f" case {' '.join(cases)} end as kind from line where {within} and line.type = any(%s)) as line"
            f" where kind is not null group by {keys}, kind union all"
            f" select array[{keys}], %s, count(*), sum(ticket.total) from ticket cross join lateral"
            " (select received_at, source, seller, cameras from line where ticket_id = ticket.id"
            " and seller = ticket.seller order by received_at, id limit 1) as line"
            f" where ticket.last_at >= %s and ticket.opened_at < %s and {PAID} and {within} group by {keys} limit %s"
        )
        assert types is not None  # every kind is one of certain types
        values = [
            *zones, *case_values, start, stop, *uids, types, *zones,
            *zones, SALE, start, stop, start, stop, *uids, *zones, MOST_ROWS,
        ]  # fmt: skip

        async def work(cursor: Any) -> list[Figures]:
            await cursor.execute(f"set local statement_timeout = {MOST_MS}")
            try:
                await cursor.execute(sql, values)
            except defer.CancelledError as error:  # psycopg2 was interrupted by the time limit
                raise Invalid(N_("this takes too long: ask for a shorter time"), "start") from error
            return [(tuple(keys), kind, count, amount) for keys, kind, count, amount in cursor.fetchall()]

        return await self._database.transaction("report", work)
