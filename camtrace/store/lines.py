"""The external log: lines and tickets, written in batches, searched newest first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from camtrace.model import Line, Ticket
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
_KNOWN_WORDS = 100_000
_INSERT_LINES = (
    f"with stored as (insert into line ({', '.join(_LINE_COLUMNS)}, words) "
    + unpacked([*(_TYPES.get(name, "text") for name in _LINE_COLUMNS), "bigint"])
    + " on conflict (id) do nothing returning id) select count(*) from stored"
)
_INSERT_WORDS = f"insert into line_words (key, words) {unpacked(['bigint', 'text'])} on conflict (key) do nothing"
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
    """Statements with their parameters, and the keys of the texts they write."""

    sql: str
    values: list[str]
    keys: frozenset[int]


class LineStore:
    """The tables `line`, `line_words` and `ticket`."""

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
        keys = [words_key(line.text, line.tender, line.seller) for line in lines]
        unknown = {key: line for key, line in zip(keys, lines, strict=True) if key not in self._known}
        statements = [
            *_words_insertion(unknown),
            *_tickets_insertion(received),
            (_INSERT_LINES, [*(packed(_column(name, lines)) for name in _LINE_COLUMNS), packed(map(str, keys))]),
        ]
        sql = ";\n".join(sql for sql, _ in statements)
        return Insertion(sql, [value for _, values in statements for value in values], frozenset(unknown))

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
        red: bool | None = None,
        after: tuple[datetime, int] | None = None,
        ascending: bool = False,
        limit: int = 100,
    ) -> list[Line]:
        """Lines received in [start, stop] that fit all that is asked, newest first unless `ascending`.

        `after`: the instant and id of the last line of the page before. `camera_uids`: watched by one of these. `text`:
        any part of article, tender or seller, ignoring case and accents. `red`: what was cancelled, given away, lost or
        returned, whatever the protocol.
        """
        wanted = _Conditions()
        wanted.add("received_at >= %s", start)
        wanted.add("received_at <= %s", stop)
        wanted.add("cameras && %s::bigint[]", None if camera_uids is None else list(camera_uids))
        wanted.add("source = any(%s)", [source] if isinstance(source, str) else source and list(source))
        wanted.add("ticket = %s", ticket)
        wanted.add("ticket_id = %s", ticket_id)
        wanted.add("seller = %s", seller)
        wanted.add("type = %s", type)
        wanted.add("(code = %s or barcode = %s)" if code else "code = %s", *([code, code] if code else [code]))
        wanted.add("words in (select key from line_words where line_words.words like %s)", text and containing(text))
        wanted.add("amount >= %s", amount_min)
        wanted.add("amount <= %s", amount_max)
        wanted.add("special = %s", special)
        wanted.add("(type = %s or special <> '')", "S" if red else None)
        wanted.add_after("received_at", after, ascending)
        return await self._read(wanted, "received_at", ascending, limit)

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
            " (select max(id) from camera_state), (select max(fact) from alarm))"
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
    plain = searchable(text).strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"


@lru_cache(maxsize=16384)
def words_key(text: str, tender: str, seller: str) -> int:
    """The key in `line_words` of what can be searched of a line."""
    words = searchable("\n".join((text, tender, seller)))
    return int.from_bytes(blake2b(words.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


# ── what an insertion is made of ─────────────────────────────────────────────────────────────────────────────────


def _words_insertion(unknown: Mapping[int, Line]) -> Iterator[Statement]:
    if unknown:
        ordered = sorted(unknown.items())  # always in the same order: two transactions never wait for each other
        texts = [searchable("\n".join((line.text, line.tender, line.seller))) for _, line in ordered]
        yield _INSERT_WORDS, [packed([str(key) for key, _ in ordered]), packed(texts)]


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

    def add_after(self, column: str, after: tuple[datetime, int] | None, ascending: bool) -> None:
        """Only what comes behind the row with that instant and id."""
        if after is not None:
            self.add(f"({column}, id) {'>' if ascending else '<'} (%s, %s)", *after)


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
