"""The external log searched: what is asked becomes SQL that an index leads to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from twisted.internet import defer

from camtrace.model import Comparison, HitCount, Line, LineSearch, Named
from camtrace.store.database import Database
from camtrace.store.line_rows import LINE_COLUMNS, in_order, line_of
from camtrace.store.line_texts import containing, escaped, searchable
from camtrace.store.matching import is_trace, types_of

HITS_SECONDS = 3
_MOST_KEYS = 3000  # texts that are named one by one; of more, some line of the latest is likely to have one
_MOST_NAMES = 1000
_FIRST_DAYS = 8
_SHARES = (256, 64, 16, 4, 1)  # parts of the whole time, the latest first, that are looked at when hits are counted
_COLUMNS = {
    "till": "source",
    **{name: name for name in ("ticket", "seller", "customer", "type", "special", "tender", "code", "barcode")},
}
_FEW = ("till", "seller", "special", "tender")  # names that are written the same over and over
_ROWS = {"special": "%\n{}", "tender": "%\n{}\n%"}  # where they stand in what can be searched
_NARROW = ("ticket", "customer", "code", "barcode")
_FIGURES = {"amount": "amount", "quantity": "quantity"}
_SIGNS = {sign: sign for sign in ("=", ">", ">=", "<", "<=")}
_OF_LINE = ", ".join(f"line.{name}" for name in LINE_COLUMNS)


class _TooLong(Exception):
    """A question was not answered within its time."""


class LineSearching:
    """Reads `line` with the help of `line_words` and `line_watch`."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
        found = await self._understood(wanted)
        if found is None:
            return []
        conditions, keys, is_narrow = found
        conditions.add_after("received_at", after, ascending)
        if wanted.hours and not is_narrow:
            return await self._by_day(wanted, conditions, after, ascending, limit)
        conditions.add_hours(wanted)
        if keys is not None:
            return await self._by_words(keys, conditions, ascending, limit)
        return await self._read(conditions, "received_at", ascending, limit)

    async def hits(self, wanted: LineSearch, most: int = 10_000) -> list[HitCount] | None:
        """How many lines fit `wanted`, hour by hour, oldest first: of the newest `most` of them.

        None where it takes too long to say.
        """
        found = await self._understood(wanted)
        if found is None:
            return []
        conditions, keys, _ = found
        conditions.add_hours(wanted)
        sql, values = _newest(conditions, most) if keys is None else _newest_of(keys, conditions, wanted, most)

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

    async def _understood(self, wanted: LineSearch) -> tuple[Asked, list[int] | None, bool] | None:
        """The conditions of a search but for its hours and words; the keys of its texts, None where they say nothing.

        And whether what is asked is found by an index that leads to few lines. None where nothing can fit.
        """
        conditions, keys, is_narrow = Asked(), None, bool(wanted.ticket_id)
        conditions.add("received_at >= %s", wanted.start)
        conditions.add("received_at <= %s", wanted.stop)
        conditions.add("received_at < %s", wanted.before)
        conditions.add("ticket_id = %s", wanted.ticket_id)
        if wanted.sources:
            conditions.add_any("source", wanted.sources)
        if wanted.camera_uids is not None:
            watched = await self._watched(wanted.camera_uids)
            if not watched:
                return None
            conditions.add_any("source", list(watched))
            if not all(watched.values()):
                conditions.add("cameras && %s::bigint[]", list(wanted.camera_uids))
        for field, values in wanted.exactly:
            conditions.add_any(_COLUMNS[field], values)
        for field, values in wanted.excluded_exactly:
            conditions.add(f"{_COLUMNS[field]} <> all(%s)", list(values))
        for field, values in wanted.excluded:
            await self._add_excluded(conditions, field, values)
        if wanted.unwatched:
            conditions.add("not cameras && %s::bigint[]", list(wanted.unwatched))
        if wanted.deeds:
            conditions.add("type = any(%s)", types_of(wanted.deeds))
            sql, values_of = is_trace(wanted.deeds)
            conditions.add_all(f"({sql})", values_of)
        if wanted.excluded_deeds:
            sql, values_of = is_trace(wanted.excluded_deeds)
            conditions.add_all(f"not ({sql})", values_of)
        rows = []  # patterns for rows of a text that is a row of its own: mark or tender
        for field, values in wanted.names:
            spelled = await self._spelled(field, values)
            if not spelled:
                return None
            if field == "code":
                conditions.add("(code = any(%s) or barcode = any(%s))", spelled, spelled)
            elif field == "type" and "S" in spelled:  # events have other types, and the mark of an S line
                conditions.add("(type = any(%s) or special <> '')", spelled)
            else:
                conditions.add_any(_COLUMNS[field], spelled)
            is_narrow |= field in _NARROW
            if field in _ROWS:
                rows.append([_ROWS[field].format(escaped(searchable(each))) for each in spelled])
        for field, sign, value in wanted.comparisons:
            conditions.add(f"{_FIGURES[field]} {_SIGNS[sign]} %s", value)
        if wanted.texts or wanted.without:
            sellers = await self._sellers(wanted)
            for text in wanted.texts:
                if sellers[text]:
                    await self._add_text(conditions, text, sellers[text])
            for text in wanted.without:
                if sellers[text]:
                    conditions.add("seller <> all(%s)", sellers[text])
            parts = [text for text in wanted.texts if not sellers[text]]
            if parts:
                keys = await self._keys(parts, wanted.without, rows)
                if keys is not None and not keys:
                    return None
                is_narrow |= keys is not None
            if keys is None and (parts or wanted.without):
                among = _like(parts, wanted.without)
                conditions.add(
                    f"words in (select key from line_words where {among})", *_patterns(parts, wanted.without)
                )
        return conditions, keys, is_narrow

    async def _add_excluded(self, conditions: Asked, field: str, values: Sequence[str]) -> None:
        """Only lines that are called none of these names."""
        spelled = await self._spelled(field, values)
        if not spelled:
            return
        conditions.add(f"{_COLUMNS[field]} <> all(%s)", spelled)
        if field == "code":
            conditions.add("barcode <> all(%s)", spelled)
        elif field == "type" and "S" in spelled:
            conditions.add("special = %s", "")

    async def _sellers(self, wanted: LineSearch) -> dict[str, list[str]]:
        """The sellers in whose name each of the texts occurs."""
        known = {name: searchable(name) for name in await self._names("seller")}
        texts = (*wanted.texts, *wanted.without)
        return {text: [name for name, plain in known.items() if searchable(text).strip() in plain] for text in texts}

    async def _add_text(self, conditions: Asked, text: str, sellers: list[str]) -> None:
        """A text that is part of these sellers' names, and may be part of others too."""
        keys = await self._keys([text], ())
        if keys is None:
            among = "words in (select key from line_words where words like %s)"
            conditions.add(f"({among} or seller = any(%s))", containing(text), sellers)
        elif keys:
            conditions.add("(words = any(%s::bigint[]) or seller = any(%s))", keys, sellers)
        else:
            conditions.add_any("seller", sellers)

    async def _keys(
        self, texts: Sequence[str], without: Sequence[str], rows: Sequence[list[str]] = ()
    ) -> list[int] | None:
        """The keys of what holds all `texts` and none of the others; None if they are too many to be named.

        `rows`: patterns, one of each list must fit too.
        """
        conditions = [_like(texts, without), *["words like any(%s)"] * len(rows)]
        found = await self._database.query(
            f"select key from line_words where {' and '.join(conditions)} limit %s",
            [*_patterns(texts, without), *rows, _MOST_KEYS + 1],
        )
        return None if len(found) > _MOST_KEYS else [key for (key,) in found]

    async def _watched(self, uids: Sequence[int]) -> dict[str, bool]:
        """The sources that one of these cameras ever watched, and whether one of them always did."""
        rows = await self._database.query(
            "select source, bool_and(cameras && %(uids)s::bigint[]) from line_watch group by source"
            " having bool_or(cameras && %(uids)s::bigint[])",
            {"uids": list(uids)},
        )
        return dict(rows)

    async def _spelled(self, field: str, values: Sequence[str]) -> list[str]:
        """What is written in the lines for these names, where they have few different ones."""
        if field not in _FEW:
            return list(values)
        known = await self._names(_COLUMNS[field])
        if not known:
            return list(values)
        sought = {searchable(value) for value in values}
        return [value for value in known if sought & _spellings(field, value)]

    async def _names(self, column: str) -> list[str]:
        """The different values of a column, stepping from one to the next; none where they are too many."""
        rows = await self._database.query(
            f"with recursive known (value) as ((select {column} from line where {column} <> '' order by 1 limit 1)"
            f" union all select (select {column} from line where {column} <> '' and {column} > known.value"
            " order by 1 limit 1) from known where value is not null)"
            " select value from known where value is not null limit %s",
            (_MOST_NAMES + 1,),
        )
        return [value for (value,) in rows] if len(rows) <= _MOST_NAMES else []

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


def _like(texts: Sequence[str], without: Sequence[str]) -> str:
    """A condition on `line_words` whose parameters are `_patterns`."""
    return " and ".join(["words like %s"] * len(texts) + ["words not like %s"] * len(without))


def _patterns(texts: Sequence[str], without: Sequence[str]) -> list[str]:
    return [containing(text) for text in (*texts, *without)]


def _spellings(field: str, value: str) -> set[str]:
    """How people may write a name: a till of a kind also by its bare number, KKM:12 as 12."""
    plain = searchable(value)
    return {plain, plain.partition(":")[2]} if field == "till" and ":" in plain else {plain}


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
        for begin, stop in wanted.hours:
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


# ── conditions ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Asked:
    """What a search asks for: SQL conditions and their values; one whose value is None is not asked."""

    def __init__(self) -> None:
        self._sql: list[str] = []
        self.values: list[Any] = []

    @property
    def sql(self) -> str:
        return " and ".join(self._sql) or "true"

    def add(self, condition: str, *values: Any) -> None:
        if values[0] is not None:
            self._sql.append(condition)
            self.values.extend(values)

    def add_all(self, condition: str, values: Sequence[Any]) -> None:
        """Only rows that fulfil this, whatever its values."""
        self._sql.append(condition)
        self.values.extend(values)

    def add_any(self, column: str, values: Sequence[Any]) -> None:
        """Only rows with one of these: a single one by equality, along whose index rows are in order."""
        self.add(
            f"{column} = %s" if len(values) == 1 else f"{column} = any(%s)",
            values[0] if len(values) == 1 else list(values),
        )

    def add_hours(self, wanted: LineSearch) -> None:
        """Only lines of the hours wanted, where others are read too."""
        asked, values = [], []
        for begin, stop in wanted.hours:
            both = "(received_at at time zone %s)::time"
            asked.append(f"({both} >= %s {'and' if begin < stop else 'or'} {both} < %s)")
            values += [str(wanted.zone), _clock(begin), str(wanted.zone), _clock(stop)]
        if asked:
            self.add(f"({' or '.join(asked)})", *values)

    def add_after(self, column: str, after: tuple[datetime, int] | None, ascending: bool) -> None:
        """Only what comes behind the row with that instant and id."""
        if after is not None:
            self.add(f"({column}, id) {'>' if ascending else '<'} (%s, %s)", *after)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
