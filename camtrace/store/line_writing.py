"""Lines and their tickets, written in batches. A text, or a till with its cameras, is written the first time only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from camtrace.model import Line, Ticket
from camtrace.store.columns import Column, as_rows
from camtrace.store.line_rows import LINE_COLUMNS
from camtrace.store.line_texts import watch_key, words_key, words_of

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
_TICKET_TYPES = {
    "id": "bigint",
    "protocol": "text",
    "source": "text",
    "number": "text",
    "opened_at": "timestamptz",
    "closed_at": "timestamptz",
    "seller": "text",
    "total": "numeric",
    "line_count": "int",
    "kind": "text",
    "linked": "bigint",
}
TICKET_COLUMNS = ", ".join(_TICKET_TYPES)  # in the order of lines._ticket
_KNOWN_WORDS = 100_000
_KINDS = [_TYPES.get(name, "text") for name in LINE_COLUMNS]
_LINE_VALUES = attrgetter(*LINE_COLUMNS)
_TICKET_VALUES = attrgetter(*_TICKET_TYPES)
TEXTS_LOCK = 0x43616D57  # an advisory lock: who writes texts shares it, who removes unused ones has it alone
_INSERT_LINES = (
    f"with stored as (insert into line ({', '.join(LINE_COLUMNS)}, words) {{}}"
    " on conflict (id) do nothing returning id) select count(*) from stored"
)
_INSERT_WORDS = "insert into line_words (key, words) {} on conflict (key) do nothing"
_INSERT_WATCHES = "insert into line_watch (source, cameras) {} on conflict (source, cameras) do nothing"
_INSERT_TICKETS = (
    f"insert into ticket ({TICKET_COLUMNS}, last_at) {{}}"
    " on conflict (id) do update set number = excluded.number, seller = excluded.seller, total = excluded.total,"
    " closed_at = coalesce(excluded.closed_at, ticket.closed_at), last_at = excluded.last_at,"
    " line_count = excluded.line_count, kind = excluded.kind, linked = excluded.linked"
    " where ticket.line_count < excluded.line_count"
)
_TIE = "update ticket set linked = %s where id = %s"
_CLOSE_ABANDONED = (
    "update ticket set closed_at = last_at from ({}) opened (id, protocol, source)"
    " where ticket.protocol = opened.protocol and ticket.source = opened.source"
    " and ticket.closed_at is null and ticket.id < opened.id"
)

Received = Sequence[tuple[Line, Ticket]]
Statement = tuple[str, list[str | None]]


class Insertion(NamedTuple):
    """Statements with their parameters, and the keys of the texts and watches they write."""

    sql: str
    values: list[str | None]
    keys: frozenset[int]


class LineWriting:
    """Makes the statements that write into `line`, `line_words`, `line_watch` and `ticket`."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def insertion(self, received: Received) -> Insertion:
        """What writes lines and their tickets; those that are there already stay.

        One string of statements: sent alone it is one transaction and one round trip. Its row is how many lines were
        new. Once it is committed, tell `learn` the keys.
        """
        lines = [line for line, _ in received]
        keys = [words_key(line.text, line.tender, line.special) for line in lines]
        unknown = {key: line for key, line in zip(keys, lines, strict=True) if key not in self._known}
        watches = {(line.source, line.cameras) for line in lines}
        unseen = {key: watch for watch in watches if (key := watch_key(*watch)) not in self._known}
        statements = [
            *_sharing(bool(unknown or unseen)),
            *_words_insertion(unknown),
            *_watches_insertion(unseen.values()),
            *_tickets_insertion(received),
            _lines_insertion(lines, keys),
        ]
        sql = ";\n".join(sql for sql, _ in statements)
        learnt = frozenset({*unknown, *unseen})
        return Insertion(sql, [value for _, values in statements for value in values], learnt)

    @staticmethod
    async def mask(cursor: Any, line: Line) -> list[int]:
        """Let a stored line say what `line` says, and nothing else what it said before.

        Returns the keys of texts that were removed: no other line has them. They are to be forgotten.
        """
        key = words_key(line.text, line.tender, line.special)
        await cursor.execute(f"select pg_advisory_xact_lock({TEXTS_LOCK})")
        await cursor.execute("select words, text, tender from line where id = %s", (line.id,))
        rows = cursor.fetchall()
        if not rows:  # it is in quarantine
            return []
        before, *texts = rows[0]
        words = words_of(line.text, line.tender, line.special)
        await cursor.execute(
            "insert into line_words (key, words) values (%s, %s) on conflict (key) do nothing", (key, words)
        )
        await cursor.execute(
            "update line set text = %s, tender = %s, raw = %s, words = %s where id = %s",
            (line.text, line.tender, line.raw, key, line.id),
        )
        await cursor.execute(
            "update rule_exception set text = %s where line_id = %s and text = any(%s)",
            (line.text or line.tender, line.id, [text for text in texts if text]),
        )
        await cursor.execute(
            "delete from line_words where key = %s and key <> %s"
            " and not exists (select from line where words = line_words.key) returning key",
            (before, key),
        )
        return [gone for (gone,) in cursor.fetchall()]

    @staticmethod
    async def tie(cursor: Any, tickets: Iterable[Ticket]) -> None:
        """Keep which other source's ticket belongs to each of `tickets`, which are there already."""
        for ticket in sorted(tickets, key=lambda ticket: ticket.id):
            await cursor.execute(_TIE, (ticket.linked, ticket.id))

    def learn(self, keys: Iterable[int]) -> None:
        """Texts that are in the database now need not be written again."""
        if len(self._known) > _KNOWN_WORDS:
            self._known.clear()
        self._known.update(keys)

    def forget(self, keys: Iterable[int]) -> None:
        """Texts and watches that are about to be removed are written again with their next line."""
        self._known.difference_update(keys)


# ── what an insertion is made of ─────────────────────────────────────────────────────────────────────────────────────


def _statement(text: str, types: Iterable[str], columns: Iterable[Column]) -> Statement:
    """`text` with these rows put into it."""
    rows, values = as_rows(types, columns)
    return text.format(rows), values


def _sharing(writes_texts: bool) -> Iterator[Statement]:
    if writes_texts:
        yield f"select pg_advisory_xact_lock_shared({TEXTS_LOCK})", []


def _words_insertion(unknown: Mapping[int, Line]) -> Iterator[Statement]:
    if unknown:
        ordered = sorted(unknown.items())  # always in the same order: two transactions never wait for each other
        texts = [words_of(line.text, line.tender, line.special) for _, line in ordered]
        yield _statement(_INSERT_WORDS, ("bigint", "text"), ([str(key) for key, _ in ordered], texts))


def _watches_insertion(unseen: Iterable[tuple[str, tuple[int, ...]]]) -> Iterator[Statement]:
    ordered = sorted(unseen)
    if ordered:
        sources, cameras = zip(*ordered, strict=True)
        yield _statement(_INSERT_WATCHES, ("text", "bigint[]"), (sources, _texts("bigint[]", cameras)))


def _tickets_insertion(received: Received) -> Iterator[Statement]:
    latest = {ticket.id: (ticket, line.received_at) for line, ticket in received}
    rows = [(*_TICKET_VALUES(latest[id][0]), latest[id][1]) for id in sorted(latest)]
    kinds = [*_TICKET_TYPES.values(), "timestamptz"]
    yield _statement(_INSERT_TICKETS, kinds, map(_texts, kinds, zip(*rows, strict=True)))
    opened = [(str(ticket.id), ticket.protocol, ticket.source) for _, ticket in received if ticket.line_count == 1]
    if opened:
        yield _statement(_CLOSE_ABANDONED, ("bigint", "text", "text"), zip(*opened, strict=True))


def _lines_insertion(lines: Sequence[Line], keys: Sequence[int]) -> Statement:
    columns = map(_texts, _KINDS, zip(*map(_LINE_VALUES, lines), strict=True))
    return _statement(_INSERT_LINES, [*_KINDS, "bigint"], [*columns, _texts("bigint", keys)])


def _texts(kind: str, values: Sequence[Any]) -> Column:
    """A column as texts that PostgreSQL reads."""
    match kind:
        case "text":
            return values
        case "timestamptz":
            return [value and value.isoformat() for value in values]
        case "bytea":
            return [value.hex() for value in values]
        case "bigint[]" | "text[]":
            return [_array(value) for value in values]
        case _:
            return [None if value is None else str(value) for value in values]


@lru_cache(maxsize=1024)
def _array(values: tuple[int | str, ...]) -> str:
    return f"{{{','.join(map(str, values))}}}"
