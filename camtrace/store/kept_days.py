"""For how many days what is kept is kept, as it was set; and how much is older than that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from camtrace.model import LINES, Leaving, Removal
from camtrace.store.database import Database
from camtrace.store.old_rows import ALARM_MAY_GO, KEPT_EXCEPTION

SETTING = "kept_days"  # what is said to have changed
# Lines are counted along the index of time; those that stay are few, and looked up: of the ticket of an exception that
# stays, or named by one, or of a ticket that reaches into the days that are kept.
_LINES = f"""
with kept as materialized (
    select ticket_id, lines from rule_exception where {KEPT_EXCEPTION}
), staying as materialized (
    select id, ticket_id from line where received_at < %(before)s and ticket_id = any(array(
        select ticket_id from kept union select id from ticket
        where opened_at < %(before)s and opened_at > %(before)s - interval '2 days' and last_at >= %(before)s))
    union select id, ticket_id from line where received_at < %(before)s
        and id = any(array(select unnest(lines) from kept))
)
select (select count(*) from line where received_at < %(before)s) - (select count(*) from staying),
    (select count(*) from ticket where opened_at < %(before)s and last_at < %(before)s)
        - (select count(*) from ticket where last_at < %(before)s and id in (select ticket_id from staying)),
    (select count(*) from rule_exception where at < %(before)s and not {KEPT_EXCEPTION}),
    (select received_at from line where received_at < %(before)s order by received_at, id limit 1)
"""
_JOURNALS = f"""
select (select count(*) from journal where at < %(before)s),
    (select count(*) from alarm each where started_at < %(before)s and {ALARM_MAY_GO.format(alarm="each")}),
    (select count(*) from disconnection where lost_at < %(before)s and back_at < %(before)s),
    (select at from journal where at < %(before)s order by at, id limit 1)
"""
_COUNTED = {True: ("lines", "tickets", "exceptions"), False: ("entries", "alarms", "losses")}


class KeptDayRows:
    """The table `removal`, as far as an administrator sets it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, Removal]:
        """Every kind, by its name."""
        rows = await self._database.query(
            "select what, reached, announced, announced_at, done_at, untold, days, held from removal"
        )
        return {row[0]: Removal(*row) for row in rows}

    async def set(
        self,
        what: str,
        days: int | None,
        held: int | None,
        announced: datetime | None,
        announced_at: datetime | None,
    ) -> None:
        """Keep a kind for `days`, None: as in the file, with what is said of that; tell every running server."""

        async def work(cursor: Any) -> None:
            await cursor.execute(
                "update removal set days = %s, held = %s, announced = %s, announced_at = %s where what = %s",
                (days, held, announced, announced_at, what),
            )
            await cursor.execute("select pg_notify('config', %s)", (f"setting {SETTING}",))

        await self._database.transaction("set days", work)

    async def leaving(self, what: str, before: datetime) -> Leaving:
        """How many rows of this kind are from before then and may go; what stays whatever its age is not among them."""
        rows = await self._database.query(_LINES if what == LINES else _JOURNALS, {"before": before})
        *counts, oldest = rows[0]
        count: Mapping[str, int] = dict(zip(_COUNTED[what == LINES], counts, strict=True))
        return Leaving(count, oldest)
