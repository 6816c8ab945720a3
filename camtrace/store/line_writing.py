"""Lines and their tickets, written in batches. A text, or a till with its cameras, is written the first time only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from camtrace.model import Line, Ticket
from camtrace.store.columns import packed, unpacked
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
TICKET_COLUMNS = (
    "id, protocol, source, number, opened_at, closed_at, seller, total, line_count, kind, linked"  # in _ticket's order
)
_KNOWN_WORDS = 100_000
TEXTS_LOCK = 0x43616D57  # an advisory lock: who writes texts shares it, who removes unused ones has it alone
_INSERT_LINES = (
    f"with stored as (insert into line ({', '.join(LINE_COLUMNS)}, words) "
    + unpacked([*(_TYPES.get(name, "text") for name in LINE_COLUMNS), "bigint"])
    + " on conflict (id) do nothing returning id) select count(*) from stored"
)
_INSERT_WORDS = f"insert into line_words (key, words) {unpacked(['bigint', 'text'])} on conflict (key) do nothing"
_INSERT_WATCHES = (
    "insert into line_watch (source, cameras) "
    + unpacked(["text", "bigint[]"])
    + " on conflict (source, cameras) do nothing"
)
_INSERT_TICKETS = (
    f"insert into ticket ({TICKET_COLUMNS}, last_at) "
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
        watches = {watch_key(line.source, line.cameras): line for line in lines}
        unseen = {key: line for key, line in watches.items() if key not in self._known}
        statements = [
            *_sharing(bool(unknown or unseen)),
            *_words_insertion(unknown),
            *_watches_insertion(unseen),
            *_tickets_insertion(received),
            (_INSERT_LINES, [*(packed(_column(name, lines)) for name in LINE_COLUMNS), packed(map(str, keys))]),
        ]
        sql = ";\n".join(sql for sql, _ in statements)
        learnt = frozenset({*unknown, *unseen})
        return Insertion(sql, [value for _, values in statements for value in values], learnt)

    def learn(self, keys: Iterable[int]) -> None:
        """Texts that are in the database now need not be written again."""
        if len(self._known) > _KNOWN_WORDS:
            self._known.clear()
        self._known.update(keys)

    def forget(self, keys: Iterable[int]) -> None:
        """Texts and watches that are about to be removed are written again with their next line."""
        self._known.difference_update(keys)


# ── what an insertion is made of ─────────────────────────────────────────────────────────────────────────────────────


def _sharing(writes_texts: bool) -> Iterator[Statement]:
    if writes_texts:
        yield f"select pg_advisory_xact_lock_shared({TEXTS_LOCK})", []


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
