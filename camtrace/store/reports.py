"""Figures over the external log: how often what was done, by whom, where and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from twisted.internet import defer

from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.store.database import Database

MOST_MS = 20_000
MOST_ROWS = 10_000
SALE = "sale"
_KEYS = {
    "seller": "seller",
    "source": "source",
    "hour": "to_char({at} at time zone %(zone)s, 'HH24')",
    "day": "to_char({at} at time zone %(zone)s, 'YYYY-MM-DD')",
}
Figures = tuple[str, str, int, Decimal | None]  # key, deed, how often, the sum of the amounts


class ReportStore:
    """Reads `line` and `ticket`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(
        self,
        by: str,
        start: datetime,
        stop: datetime,
        zone: str,
        deeds: Mapping[tuple[str, str, str], str],
        camera_uids: Sequence[int] | None = None,
    ) -> list[Figures]:
        """How often each deed was done in [start, stop) and what it came to, `by` seller, source, hour or day.

        `deeds`: which deed the protocol, type and special word of a line mean. A drawer outside a ticket is "no_sale",
        a ticket that was paid "sale". Raises Invalid where that takes too long.
        """
        seen = "" if camera_uids is None else " and cameras && %(cameras)s::bigint[]"
        sold = " and exists (select from line where ticket_id = ticket.id" + seen + ")" if seen else ""
        sql = (
            "with meaning as (select * from unnest(%(protocols)s::text[], %(types)s::text[], %(specials)s::text[],"
            " %(deeds)s::text[]) m (protocol, type, special, deed)), told as (select "
            + _KEYS[by].format(at="received_at")
            + " as key, case when meaning.deed = 'drawer' and (case line.protocol when 'pos' then position = 1"
            " else line.type = '40' and ticket in ('', '0') end) then 'no_sale'"
            " when meaning.deed = 'article' and line.special = 'RETOUR' then 'return'"
            " else meaning.deed end as deed, abs(amount) as amount from line join meaning"
            " on meaning.protocol = line.protocol and meaning.type = line.type and meaning.special ="
            " case when line.protocol = 'pos' and line.type = 'S' then line.special else '' end"
            " where received_at >= %(start)s and received_at < %(stop)s"
            + seen
            + ") select key, deed, count(*), sum(amount) from told group by key, deed union all select "
            + _KEYS[by].format(at="opened_at")
            + ", %(sale)s, count(*), sum(total) from ticket where opened_at >= %(start)s and opened_at < %(stop)s"
            " and total is not null and closed_at is not null" + sold + " group by 1 limit %(most)s"
        )
        values = {
            "protocols": [key[0] for key in deeds],
            "types": [key[1] for key in deeds],
            "specials": [key[2] for key in deeds],
            "deeds": list(deeds.values()),
            "start": start,
            "stop": stop,
            "zone": zone,
            "cameras": None if camera_uids is None else list(camera_uids),
            "sale": SALE,
            "most": MOST_ROWS,
        }

        async def work(cursor: Any) -> list[Figures]:
            await cursor.execute(f"set local statement_timeout = {MOST_MS}")
            try:
                await cursor.execute(sql, values)
            except defer.CancelledError as error:  # psycopg2 was interrupted by the time limit
                raise Invalid(N_("this takes too long: ask for a shorter time"), "start") from error
            return list(cursor.fetchall())

        return await self._database.transaction("report", work)
