"""The external log: lines and tickets, written in batches, searched newest first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from twisted.internet import defer

from camtrace.model import Comparison, HitCount, Line, LineSearch, Named, Ticket
from camtrace.store.columns import packed, unpacked
from camtrace.store.database import Database

_TYPES = {
    "id": "bigint",
    "received_at": "timestamptz",
    "sent_at": "timestamptz",
    "ticket_id": "bigint",
    "position": "int",
    "quantity": "numeric",
    "price": "numeric",
    "amount": "numeric",
    "total": "numeric",
    "discount": "numeric",
    "raw": "bytea",
    "cameras": "bigint[]",
    "follows": "bigint",
    "flags": "text[]",
}
_LINE_COLUMNS = tuple(field.name for field in fields(Line))
_TICKET_COLUMNS = (
    "id, protocol, source, number, opened_at, closed_at, seller, total, line_count, kind, linked"  # in _ticket's order
)
_UNSAID = ("raw", "peer", "sent_at", "flags", "cameras")
_SAID = (*(name for name in _LINE_COLUMNS if name not in _UNSAID), "flags", "cameras")
_KNOWN_WORDS = 100_000
HITS_SECONDS = 3
_MOST_KEYS = 3000  # texts that are named one by one; of more, some line of the latest is likely to have one
_MOST_NAMES = 1000
_FIRST_DAYS = 8
_COLUMNS = {
    "till": "source",
    **{name: name for name in ("ticket", "seller", "customer", "type", "special", "tender", "code", "barcode")},
}
_FEW = ("till", "seller", "special", "tender")  # names that are written the same over and over
_ROWS = {"special": "%\n{}", "tender": "%\n{}\n%"}  # where they stand in what can be searched
_NARROW = ("ticket", "customer", "code", "barcode")
_FIGURES = {"amount": "amount", "quantity": "quantity"}
_SIGNS = {sign: sign for sign in ("=", ">", ">=", "<", "<=")}
_OF_LINE = ", ".join(f"line.{name}" for name in _LINE_COLUMNS)
_INSERT_LINES = (
    f"with stored as (insert into line ({', '.join(_LINE_COLUMNS)}, words) "
    + unpacked([*(_TYPES.get(name, "text") for name in _LINE_COLUMNS), "bigint"])
    + " on conflict (id) do nothing returning id) select count(*) from stored"
)
_INSERT_WORDS = f"insert into line_words (key, words) {unpacked(['bigint', 'text'])} on conflict (key) do nothing"
_INSERT_WATCHES = (
    "insert into line_watch (source, cameras) "
    + unpacked(["text", "bigint[]"])
    + " on conflict (source, cameras) do nothing"
)
_INSERT_TICKETS = (
    f"insert into ticket ({_TICKET_COLUMNS}, last_at) "
    + unpacked(
        [
            *("bigint", "text", "text", "text", "timestamptz", "timestamptz", "text", "numeric", "int"),
            *("text", "bigint", "timestamptz"),
        ]
    )
    + " on conflict (id) do update set number = excluded.number, seller = excluded.seller, total = excluded.total,"
    " closed_at = coalesce(excluded.closed_at, ticket.closed_at), last_at = excluded.last_at,"
    " line_count = excluded.line_count, kind = excluded.kind, linked = excluded.linked"
    " where ticket.line_count < excluded.line_count"
)
_CLOSE_ABANDONED = (
    "update ticket set closed_at = last_at"
    f" from ({unpacked(['bigint', 'text', 'text'])}) opened (id, protocol, source)"
    " where ticket.protocol = opened.protocol and ticket.source = opened.source"
    " and ticket.closed_at is null and ticket.id < opened.id"
)

Received = Sequence[tuple[Line, Ticket]]
Statement = tuple[str, list[str]]


class Insertion(NamedTuple):
    """Statements with their parameters, and the keys of the texts and watches they write."""

    sql: str
    values: list[str]
    keys: frozenset[int]


class _TooLong(Exception):
    """A question was not answered within its time."""


class LineStore:
    """The tables `line`, `line_words`, `line_watch` and `ticket`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[int] = set()

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def insertion(self, received: Received) -> Insertion:
        """What writes lines and their tickets; those that are there already stay.

        One string of statements: sent alone it is one transaction and one round trip. Its row is how many lines were
        new. Once it is committed, tell `learn` the keys.
        """
        lines = [line for line, _ in received]
        keys = [words_key(line.text, line.tender, line.special) for line in lines]
        unknown = {key: line for key, line in zip(keys, lines, strict=True) if key not in self._known}
        watches = {watch_key(line.source, line.cameras): line for line in lines}
        unseen = {key: line for key, line in watches.items() if key not in self._known}
        statements = [
            *_words_insertion(unknown),
            *_watches_insertion(unseen),
            *_tickets_insertion(received),
            (_INSERT_LINES, [*(packed(_column(name, lines)) for name in _LINE_COLUMNS), packed(map(str, keys))]),
        ]
        sql = ";\n".join(sql for sql, _ in statements)
        learnt = frozenset({*unknown, *unseen})
        return Insertion(sql, [value for _, values in statements for value in values], learnt)

    def learn(self, keys: Iterable[int]) -> None:
        """Texts that are in the database now need not be written again."""
        if len(self._known) > _KNOWN_WORDS:
            self._known.clear()
        self._known.update(keys)

    # ── searching ────────────────────────────────────────────────────────────────────────────────────────────────

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
        if keys is not None:
            conditions.add_any("words", keys)

        async def work(cursor: Any) -> list[tuple[Any, ...]]:
            await cursor.execute(f"set local statement_timeout = {round(HITS_SECONDS * 1000)}")
            try:
                await cursor.execute(
                    "select date_trunc('hour', received_at, 'UTC') as at, count(*) from (select received_at from line"
                    f" where {conditions.sql} order by received_at desc limit %s) as found group by at order by at",
                    [*conditions.values, most],
                )
            except defer.CancelledError as error:  # psycopg2 was interrupted by the time limit
                raise _TooLong from error
            return list(cursor.fetchall())

        try:
            return [HitCount(*row) for row in await self._database.transaction("count hits", work)]
        except _TooLong:
            return None

    async def _understood(self, wanted: LineSearch) -> tuple[_Conditions, list[int] | None, bool] | None:
        """The conditions of a search but for its hours and words; the keys of its texts, None where they say nothing.

        And whether what is asked is found by an index that leads to few lines. None where nothing can fit.
        """
        conditions, keys, is_narrow = _Conditions(), None, bool(wanted.ticket_id)
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
                rows.append([_ROWS[field].format(_escaped(searchable(each))) for each in spelled])
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

    async def _sellers(self, wanted: LineSearch) -> dict[str, list[str]]:
        """The sellers in whose name each of the texts occurs."""
        known = {name: searchable(name) for name in await self._names("seller")}
        texts = (*wanted.texts, *wanted.without)
        return {text: [name for name, plain in known.items() if searchable(text).strip() in plain] for text in texts}

    async def _add_text(self, conditions: _Conditions, text: str, sellers: list[str]) -> None:
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

    async def _by_words(self, keys: Sequence[int], conditions: _Conditions, ascending: bool, limit: int) -> list[Line]:
        """Lines with one of these texts: only the `limit` texts that occurred last can be among them."""
        order, later = _order("received_at", ascending), "<=" if ascending else ">="
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
            f" select {_OF_LINE} from found join line using (id) {_order('line.received_at', ascending)}",
            [list(keys), *conditions.values, limit, limit, *conditions.values, limit, limit],
        )
        return [_line(row) for row in rows]

    async def _by_day(
        self,
        wanted: LineSearch,
        conditions: _Conditions,
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
        order, step = _order("received_at", ascending), _FIRST_DAYS
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
            found += [_line(row) for row in rows]
        return found

    async def said(
        self, start: datetime, stop: datetime, after: tuple[datetime, int] | None = None, limit: int = 2000
    ) -> list[Line]:
        """Lines received in [start, stop], oldest first, without what arrived raw: for who reads long stretches."""
        wanted = _Conditions()
        wanted.add("received_at >= %s", start)
        wanted.add("received_at <= %s", stop)
        wanted.add_after("received_at", after, ascending=True)
        rows = await self._database.query(
            f"select {', '.join(_SAID)} from line where {wanted.sql} {_order('received_at', True)} limit %s",
            [*wanted.values, limit],
        )
        return [
            Line(**{**dict(zip(_SAID, row, strict=True)), "flags": tuple(row[-2]), "cameras": tuple(row[-1])})
            for row in rows
        ]

    async def instant_of_newest(self, count: int) -> datetime | None:
        """When the line was received that `count` newer ones follow; None where there are not so many."""
        rows = await self._database.query(
            "select received_at from line order by received_at desc, id desc offset %s limit 1", (count,)
        )
        return rows[0][0] if rows else None

    async def since(self, id: int, limit: int = 1000) -> list[Line]:
        """Lines with an id greater than `id`, oldest first: for a reader that resumes."""
        wanted = _Conditions()
        wanted.add("id > %s", id)
        return await self._read(wanted, "", True, limit)

    async def _read(self, wanted: _Conditions, by: str, ascending: bool, limit: int) -> list[Line]:
        rows = await self._database.query(
            f"select {', '.join(_LINE_COLUMNS)} from line where {wanted.sql} {_order(by, ascending)} limit %s",
            [*wanted.values, limit],
        )
        return [_line(row) for row in rows]

    async def tickets(
        self,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uids: Sequence[int] | None = None,
        source: str | None = None,
        number: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> list[Ticket]:
        """Tickets opened in [start, stop] that fit all that is asked, newest first. `state`: "open" or "closed".

        Without a `kind` those of single events are left out.
        """
        wanted = _Conditions()
        wanted.add("opened_at >= %s", start)
        wanted.add("opened_at <= %s", stop)
        wanted.add(
            "exists (select from line where ticket_id = ticket.id and cameras && %s::bigint[])",
            None if camera_uids is None else list(camera_uids),
        )
        wanted.add("source = %s", source)
        wanted.add("number = %s", number)
        wanted.add("(closed_at is null) = %s", None if state is None else state == "open")
        wanted.add("kind = %s" if kind else "kind <> %s", kind or "event")
        wanted.add_after("opened_at", after, ascending=False)
        rows = await self._database.query(
            f"select {_TICKET_COLUMNS} from ticket where {wanted.sql} {_order('opened_at', False)} limit %s",
            [*wanted.values, limit],
        )
        return [_ticket(row) for row in rows]

    async def ticket(self, id: int) -> tuple[Ticket, list[Line]] | None:
        """A ticket with its lines, oldest first (at most 10,000)."""
        rows = await self._database.query(f"select {_TICKET_COLUMNS} from ticket where id = %s", (id,))
        if not rows:
            return None
        return _ticket(rows[0]), await self.lines(ticket_id=id, ascending=True, limit=10_000)

    # ── what a start needs ───────────────────────────────────────────────────────────────────────────────────────

    async def open_tickets(self) -> list[tuple[Ticket, datetime]]:
        """Tickets that are not closed, each with the instant of its last line."""
        rows = await self._database.query(
            f"select {_TICKET_COLUMNS}, last_at from ticket where closed_at is null order by id"
        )
        return [(_ticket(row[:-1]), row[-1]) for row in rows]

    async def last_received(self) -> dict[str, datetime]:
        """The instant of the last line of each source. Steps from source to source: it does not read the lines."""
        rows = await self._database.query(
            "with recursive known (source) as (select min(source) from line union all"
            " select (select min(source) from line where source > known.source) from known where source is not null)"
            " select source, (select received_at from line where line.source = known.source"
            " order by received_at desc limit 1) from known where source is not null"
        )
        return dict(rows)

    async def last_tickets(self) -> list[tuple[Ticket, list[Line]]]:
        """The newest ticket of each source with its lines, oldest first: what stands on the screens."""
        screens = []
        for source in await self.last_received():
            newest = await self.lines(source=source, limit=20)
            line = next((line for line in newest if not line.is_hidden), None)
            if line is not None and (found := await self.ticket(line.ticket_id)) is not None:
                screens.append(found)
        return screens

    async def last_id(self) -> int:
        """The greatest id of a line or a ticket, 0 when there is none."""
        rows = await self._database.query(
            "select greatest((select max(id) from line), (select max(id) from ticket), (select max(id) from journal),"
            " (select max(id) from camera_state), (select max(fact) from alarm), (select max(id) from rule_exception))"
        )
        return rows[0][0] or 0


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────


_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})  # not decomposed by Unicode


def searchable(text: str) -> str:
    """`text` without case and accents, in any script; at most 4,000 characters."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))[:4000]


def containing(text: str) -> str:
    """A LIKE pattern for texts that hold any part of `text`."""
    return f"%{_escaped(searchable(text).strip())}%"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@lru_cache(maxsize=16384)
def words_key(text: str, tender: str, special: str) -> int:
    """The key in `line_words` of what can be searched of a line."""
    return _key(words_of(text, tender, special))


def words_of(text: str, tender: str, special: str) -> str:
    """What can be searched of a line besides its seller, one to a row of its own."""
    return searchable("\n".join((text, tender, special)))


@lru_cache(maxsize=1024)
def watch_key(source: str, cameras: tuple[int, ...]) -> int:
    """What stands for a row of `line_watch` among the known keys."""
    return _key(f"watch\x00{source}\x00{cameras}")


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


def _like(texts: Sequence[str], without: Sequence[str]) -> str:
    """A condition on `line_words` whose parameters are `_patterns`."""
    return " and ".join(["words like %s"] * len(texts) + ["words not like %s"] * len(without))


def _patterns(texts: Sequence[str], without: Sequence[str]) -> list[str]:
    return [containing(text) for text in (*texts, *without)]


def _spellings(field: str, value: str) -> set[str]:
    """How people may write a name: a till of a kind also by its bare number, KKM:12 as 12."""
    plain = searchable(value)
    return {plain, plain.partition(":")[2]} if field == "till" and ":" in plain else {plain}


# ── hours of the day ─────────────────────────────────────────────────────────────────────────────────────────────


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


# ── what an insertion is made of ─────────────────────────────────────────────────────────────────────────────────


def _words_insertion(unknown: Mapping[int, Line]) -> Iterator[Statement]:
    if unknown:
        ordered = sorted(unknown.items())  # always in the same order: two transactions never wait for each other
        texts = [words_of(line.text, line.tender, line.special) for _, line in ordered]
        yield _INSERT_WORDS, [packed([str(key) for key, _ in ordered]), packed(texts)]


def _watches_insertion(unseen: Mapping[int, Line]) -> Iterator[Statement]:
    if unseen:
        ordered = sorted({(line.source, line.cameras) for line in unseen.values()})
        cameras = [f"{{{','.join(map(str, each))}}}" for _, each in ordered]
        yield _INSERT_WATCHES, [packed([source for source, _ in ordered]), packed(cameras)]


def _tickets_insertion(received: Received) -> Iterator[Statement]:
    latest = {ticket.id: (ticket, line.received_at) for line, ticket in received}
    rows = [latest[id] for id in sorted(latest)]
    yield (
        _INSERT_TICKETS,
        [
            packed([str(ticket.id) for ticket, _ in rows]),
            packed([ticket.protocol for ticket, _ in rows]),
            packed([ticket.source for ticket, _ in rows]),
            packed([ticket.number for ticket, _ in rows]),
            packed([ticket.opened_at.isoformat() for ticket, _ in rows]),
            packed([ticket.closed_at.isoformat() if ticket.closed_at else None for ticket, _ in rows]),
            packed([ticket.seller for ticket, _ in rows]),
            packed([None if ticket.total is None else str(ticket.total) for ticket, _ in rows]),
            packed([str(ticket.line_count) for ticket, _ in rows]),
            packed([ticket.kind for ticket, _ in rows]),
            packed([str(ticket.linked) for ticket, _ in rows]),
            packed([last_at.isoformat() for _, last_at in rows]),
        ],
    )
    opened = [ticket for _, ticket in received if ticket.line_count == 1]
    if opened:
        yield (
            _CLOSE_ABANDONED,
            [
                packed([str(ticket.id) for ticket in opened]),
                packed([ticket.protocol for ticket in opened]),
                packed([ticket.source for ticket in opened]),
            ],
        )


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Conditions:
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


def _order(by: str, ascending: bool) -> str:
    direction = "asc" if ascending else "desc"
    return "order by " + ", ".join(f"{column} {direction}" for column in (by, "id") if column)


def _column(name: str, lines: Sequence[Line]) -> list[str | None]:
    """One column of all lines as texts that PostgreSQL reads."""
    values = [getattr(line, name) for line in lines]
    match _TYPES.get(name):
        case None:
            return values
        case "timestamptz":
            return [value and value.isoformat() for value in values]
        case "bytea":
            return [value.hex() for value in values]
        case "bigint[]" | "text[]":
            return [f"{{{','.join(map(str, value))}}}" for value in values]
        case _:
            return [None if value is None else str(value) for value in values]


def _line(row: tuple[Any, ...]) -> Line:
    values = dict(zip(_LINE_COLUMNS, row, strict=True))
    values["raw"] = bytes(values["raw"])
    values["cameras"] = tuple(values["cameras"])
    values["flags"] = tuple(values["flags"])
    return Line(**values)


def _ticket(row: tuple[Any, ...]) -> Ticket:
    id, protocol, source, number, opened_at, closed_at, seller, total, line_count, kind, linked = row
    return Ticket(
        id=id,
        protocol=protocol,
        source=source,
        number=number,
        opened_at=opened_at,
        closed_at=closed_at,
        seller=seller,
        total=total,
        line_count=line_count,
        kind=kind,
        linked=linked,
    )
