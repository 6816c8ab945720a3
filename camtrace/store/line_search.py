"""The external log searched: what is asked becomes SQL that an index leads to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from twisted.internet import defer

from camtrace.model import Comparison, HitCount, Line, LineSearch, Named
from camtrace.store.database import Database
from camtrace.store.line_asked import Asked, LineQuestions
from camtrace.store.line_rows import LINE_COLUMNS, in_order, line_of

HITS_SECONDS = 3
_FIRST_DAYS = 8
_SHARES = (256, 64, 16, 4, 1)  # parts of the whole time, the latest first, that are looked at when hits are counted
_OF_LINE = ", ".join(f"line.{name}" for name in LINE_COLUMNS)


class _TooLong(Exception):
    """A question was not answered within its time."""


class LineSearching:
    """Reads `line` with the help of `line_words` and `line_watch`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._questions = LineQuestions(database)

    async def lines(
        self,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uids: Sequence[int] | None = None,
        source: str | Sequence[str] | None = None,
        ticket: str | None = None,
        ticket_id: int | None = None,
        seller: str | None = None,
        type: str | None = None,
        code: str | None = None,
        text: str | None = None,
        amount_min: Decimal | None = None,
        amount_max: Decimal | None = None,
        special: str | None = None,
        after: tuple[datetime, int] | None = None,
        ascending: bool = False,
        limit: int = 100,
    ) -> list[Line]:
        """Lines received in [start, stop] that fit all that is asked, newest first unless `ascending`.

        `after`: the instant and id of the last line of the page before. `camera_uids`: watched by one of these. `text`:
        any part of article, tender or seller, ignoring case and accents. `type` S: what was
        cancelled, given away, lost or returned, whatever the protocol.
        """
        names, exactly = {"ticket": ticket, "code": code, "type": type}, {"seller": seller, "special": special}
        search = LineSearch(
            start=start,
            stop=stop,
            camera_uids=None if camera_uids is None else tuple(camera_uids),
            sources=() if source is None else (source,) if isinstance(source, str) else tuple(source),
            ticket_id=ticket_id,
            names=tuple(Named(field, (value,)) for field, value in names.items() if value is not None),
            exactly=tuple(Named(field, (value,)) for field, value in exactly.items() if value is not None),
            texts=() if text is None else (text,),
            comparisons=tuple(
                Comparison("amount", sign, value)
                for sign, value in ((">=", amount_min), ("<=", amount_max))
                if value is not None
            ),
        )
        return await self.search(search, after, ascending, limit)

    async def search(
        self,
        wanted: LineSearch,
        after: tuple[datetime, int] | None = None,
        ascending: bool = False,
        limit: int = 100,
    ) -> list[Line]:
        """Lines that fit `wanted`, newest first unless `ascending`. `after`: instant and id of the last one seen."""
        asked = await self._questions.understood(wanted)
        if asked is None:
            return []
        asked.add_after("received_at", after, ascending)
        if wanted.hours and not asked.is_narrow:
            return await self._by_day(wanted, asked, after, ascending, limit)
        asked.add_hours(wanted)
        if asked.keys is not None:
            return await self._by_words(asked.keys, asked, ascending, limit)
        return await self._read(asked, "received_at", ascending, limit)

    async def hits(self, wanted: LineSearch, most: int = 10_000) -> list[HitCount] | None:
        """How many lines fit `wanted`, hour by hour, oldest first: of the newest `most` of them.

        None where it takes too long to say.
        """
        asked = await self._questions.understood(wanted)
        if asked is None:
            return []
        asked.add_hours(wanted)
        sql, values = _newest(asked, most) if asked.keys is None else _newest_of(asked.keys, asked, wanted, most)

        async def work(cursor: Any) -> list[tuple[Any, ...]]:
            await cursor.execute(f"set local statement_timeout = {round(HITS_SECONDS * 1000)}")
            try:
                await cursor.execute(
                    f"{sql} select date_trunc('hour', received_at, 'UTC') as at, count(*) from found"
                    " group by at order by at",
                    values,
                )
            except defer.CancelledError as error:  # psycopg2 was interrupted by the time limit
                raise _TooLong from error
            return list(cursor.fetchall())

        try:
            return [HitCount(*row) for row in await self._database.transaction("count hits", work)]
        except _TooLong:
            return None

    async def _by_words(self, keys: Sequence[int], conditions: Asked, ascending: bool, limit: int) -> list[Line]:
        """Lines with one of these texts: only the `limit` texts that occurred last can be among them."""
        order, later = in_order("received_at", ascending), "<=" if ascending else ">="
        within = f"select received_at, id from line where words = sought.key and {conditions.sql}"
        rows = await self._database.query(
            "with lately as materialized (select sought.key, one.received_at, one.id"
            f" from unnest(%s::bigint[]) as sought (key) cross join lateral ({within} {order} limit 1) as one"
            f" {order} limit %s),"
            # where there are as many texts as lines are wanted, no line behind the last of them is
            f" reach as (select received_at from lately {order} limit 1 offset %s - 1),"
            " found as materialized (select each.received_at, each.id from lately as sought"
            f" cross join lateral ({within} and received_at {later} coalesce((select received_at from reach),"
            f" '{'' if ascending else '-'}infinity') {order} limit %s) as each {order} limit %s)"
            f" select {_OF_LINE} from found join line using (id) {in_order('line.received_at', ascending)}",
            [list(keys), *conditions.values, limit, limit, *conditions.values, limit, limit],
        )
        return [line_of(row) for row in rows]

    async def _by_day(
        self,
        wanted: LineSearch,
        conditions: Asked,
        after: tuple[datetime, int] | None,
        ascending: bool,
        limit: int,
    ) -> list[Line]:
        """Lines of certain hours, which are few of a day: day by day, so that no other hour is read."""
        ((first, last),) = await self._database.query("select min(received_at), max(received_at) from line")
        if first is None:
            return []
        if after is not None:
            first, last = (after[0], last) if ascending else (first, after[0])
        bounds = [each for each in (wanted.stop, wanted.before) if each is not None]
        spans = daily_spans(wanted, max(first, wanted.start or first), min([last, *bounds]))
        if not ascending:
            spans.reverse()
        found: list[Line] = []
        order, step = in_order("received_at", ascending), _FIRST_DAYS
        while spans and len(found) < limit:
            asked, spans = spans[:step], spans[step:]
            step *= 4
            rows = await self._database.query(
                f"select {_OF_LINE} from unnest(%s::timestamptz[], %s::timestamptz[]) as span (first, last)"
                " cross join lateral (select * from line where received_at >= span.first"
                f" and received_at < span.last and {conditions.sql} {order} limit %s) as line {order} limit %s",
                [
                    [begin for begin, _ in asked],
                    [end for _, end in asked],
                    *conditions.values,
                    limit - len(found),
                    limit - len(found),
                ],
            )
            found += [line_of(row) for row in rows]
        return found

    async def _read(self, wanted: Asked, by: str, ascending: bool, limit: int) -> list[Line]:
        rows = await self._database.query(
            f"select {', '.join(LINE_COLUMNS)} from line where {wanted.sql} {in_order(by, ascending)} limit %s",
            [*wanted.values, limit],
        )
        return [line_of(row) for row in rows]


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _newest(conditions: Asked, most: int) -> tuple[str, list[Any]]:
    """SQL of `found`, the instants of the newest `most` lines, and its values."""
    sql = f"with found as (select received_at from line where {conditions.sql} order by received_at desc limit %s)"
    return sql, [*conditions.values, most]


def _newest_of(keys: Sequence[int], conditions: Asked, wanted: LineSearch, most: int) -> tuple[str, list[Any]]:
    """The same of lines with one of these texts.

    Each text lies in the index by itself, so the newest of several are known only once all of some time were read: the
    latest part of the whole time is looked at first, then four times as much as long as there are too few.
    """
    parts = [
        "with span as materialized (select greatest(min(received_at), %s) as first, least(max(received_at), %s, %s)"
        " as last from line), sought as materialized (select %s::bigint[] as keys)"
    ]
    values: list[Any] = [wanted.start, wanted.stop, wanted.before, list(keys)]
    for place, share in enumerate(_SHARES):
        within = f"received_at >= (select last - (last - first) / {share} from span)" if share > 1 else "true"
        if place:
            within += f" and received_at < (select last - (last - first) / {_SHARES[place - 1]} from span)"
        before = "".join(f" - (select count(*) from step{earlier})" for earlier in range(place))
        parts.append(
            f", step{place} as materialized (select received_at from line where words = any((select keys from"
            f" sought)::bigint[]) and {within} and {conditions.sql} order by received_at desc"
            f" limit greatest(0, %s{before}))"
        )
        values += [*conditions.values, most]
    union = " union all ".join(f"select received_at from step{place}" for place in range(len(_SHARES)))
    return f"{''.join(parts)}, found as ({union})", values


# ── hours of the day ─────────────────────────────────────────────────────────────────────────────────────────────────


def daily_spans(wanted: LineSearch, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    """The times between `first` and `last` that lie in the hours wanted, oldest first, none touching another."""
    spans: list[tuple[datetime, datetime]] = []
    day, end = first.astimezone(wanted.zone).date() - timedelta(days=1), last.astimezone(wanted.zone).date()
    after_last = last + timedelta(microseconds=1)
    while day <= end:
        for begin, stop in wanted.hours or ():
            opens = datetime.combine(day, time(*divmod(begin, 60)), wanted.zone)
            closing_day = day + timedelta(days=1) if stop <= begin or stop == 1440 else day
            closes = datetime.combine(closing_day, time(*divmod(stop % 1440, 60)), wanted.zone)
            # compared in UTC: two instants of one zone are compared by their figures, which a night may show twice
            span = max(opens.astimezone(UTC), first), min(closes.astimezone(UTC), after_last)
            if span[0] < span[1]:
                spans.append(span)
        day += timedelta(days=1)
    joined: list[tuple[datetime, datetime]] = []
    for begin_at, end_at in sorted(spans):
        if joined and begin_at <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_at)
        else:
            joined.append((begin_at, end_at))
    return joined
