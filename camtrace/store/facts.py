"""All kinds of durable facts, one batch in one transaction: the database as Intake sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg2
from twisted.internet import defer

from camtrace import clock, factcode
from camtrace.errors import DatabaseUnavailable, FactRefused
from camtrace.events import (
    AlarmAcknowledged,
    AlarmEnded,
    AlarmTriggered,
    CameraStateChanged,
    LineMasked,
    LineReceived,
    Noted,
    RuleMet,
    TicketTied,
)
from camtrace.metrics import Metrics
from camtrace.spool import Fact
from camtrace.store.alarms import AlarmStore
from camtrace.store.cameras import CameraStore
from camtrace.store.database import Database
from camtrace.store.journal import Journal
from camtrace.store.line_texts import watch_key
from camtrace.store.line_writing import Insertion
from camtrace.store.lines import LineStore
from camtrace.store.rules import RuleStore

T = TypeVar("T")

# classes of SQLSTATE that speak of what a statement was given: cardinality, data, integrity, a view's check, a limit of
# the program (an index row that is too long will be so again). All others speak of the moment, or of a database that an
# administrator has to mend: the fact waits, and is not set apart
_ABOUT_CONTENT = ("21", "22", "23", "44", "54")


class FactsStore:
    """Writes batches of facts, whatever they are of; sets apart those that cannot be written."""

    def __init__(self, database: Database, lines: LineStore, metrics: Metrics) -> None:
        self._database = database
        self._lines = lines
        self._metrics = metrics
        self._prepared: tuple[Sequence[Fact], Insertion | None] = ((), None)
        self._writing: set[defer.Deferred[None]] = set()  # each fires when that batch is written, or is not
        metrics.add("camtrace_lines_stored_total", 0)  # shown from the start

    def prepare(self, facts: Sequence[Fact]) -> None:
        """Make the statement for the lines among `facts`, which are written next."""
        with suppress(Exception):  # what is wrong with one of them is told when they are written
            self._prepared = facts, self._insertion(facts)

    async def write(self, facts: Sequence[Fact]) -> None:
        """Commit `facts` together. Raises DatabaseUnavailable, or FactRefused for what one of them holds."""
        written: defer.Deferred[None] = defer.Deferred()
        self._writing.add(written)
        try:
            await self._write(facts)
        finally:
            self._writing.discard(written)
            written.callback(None)

    async def forget(self, texts: Sequence[int] = (), watches: Sequence[tuple[str, tuple[int, ...]]] = ()) -> None:
        """Write these keys of texts, and these tills with their cameras, anew from now on.

        Returns when the batches are written that may have been made before.
        """
        self._lines.forget([*texts, *(watch_key(*watch) for watch in watches)])
        self._prepared = (), None
        for written in tuple(self._writing):
            await written

    async def _write(self, facts: Sequence[Fact]) -> None:
        others = [fact for fact in facts if not isinstance(fact, LineReceived)]
        entries = [fact.entry for fact in others if isinstance(fact, Noted)]
        states = [(fact.id, fact.state) for fact in others if isinstance(fact, CameraStateChanged)]
        alarms = [fact for fact in others if isinstance(fact, AlarmTriggered | AlarmEnded | AlarmAcknowledged)]
        met = [fact for fact in others if isinstance(fact, RuleMet)]
        masked = [fact.line for fact in others if isinstance(fact, LineMasked)]
        ties = [fact.ticket for fact in others if isinstance(fact, TicketTied)]
        prepared, insertion = self._prepared
        self._prepared = (), None
        if prepared is not facts:
            insertion = self._insertion(facts)

        gone: set[int] = set()  # keys of texts that are no more

        async def work(cursor: Any) -> int:
            if entries:
                await Journal.insert(cursor, entries)
            if states:
                await CameraStore.insert_states(cursor, states)
            if alarms:
                await AlarmStore.insert(cursor, alarms)
            if met:
                await RuleStore.insert(cursor, met)
            stored = 0
            if insertion is not None:
                await cursor.execute(insertion.sql, insertion.values)
                stored = cursor.fetchall()[0][0]
            if ties:
                await LineStore.tie(cursor, ties)
            for line in masked:
                gone.update(await LineStore.mask(cursor, line))
            return stored

        if insertion is not None and not others:
            rows = await _said_plainly(self._database.query(insertion.sql, insertion.values))
            if not rows:  # a count is always answered: this connection broke on the way
                raise DatabaseUnavailable("the answer was cut short")
            stored = rows[0][0]
        else:
            stored = await _said_plainly(self._database.transaction("facts", work))
        if insertion is not None:
            self._lines.learn(insertion.keys)
            self._metrics.add("camtrace_lines_stored_total", stored)
        if gone:
            self._lines.forget(gone)
            self._prepared = (), None  # it may count on them

    def _insertion(self, facts: Sequence[Fact]) -> Insertion | None:
        received = [(fact.line, fact.ticket) for fact in facts if isinstance(fact, LineReceived)]
        return self._lines.insertion(received) if received else None

    async def quarantine(self, fact: Fact, reason: str) -> bool:
        """Keep a refused fact, raw; False when it was kept before."""
        rows = await _said_plainly(
            self._database.query(
                "insert into quarantine (id, at, kind, reason, raw) values (%s, %s, %s, %s, %s)"
                " on conflict (id) do nothing returning id",
                (fact.id, clock.now(), type(fact).__name__, reason.replace("\0", ""), factcode.encode(fact)),
            )
        )
        return bool(rows)


async def _said_plainly(statement: Awaitable[T]) -> T:
    """What `statement` gives; its errors as DatabaseUnavailable or FactRefused."""
    try:
        return await statement
    except DatabaseUnavailable as error:
        if _is_about_content(error.__cause__):
            raise FactRefused(_first_line(error)) from error
        raise
    except psycopg2.Error as error:
        if not _is_about_content(error):
            raise DatabaseUnavailable(_first_line(error)) from error
        raise FactRefused(_first_line(error)) from error
    except defer.CancelledError as error:  # psycopg2 was interrupted: statement_timeout, a shutdown
        raise DatabaseUnavailable("the statement was cancelled") from error
    except (TypeError, ValueError) as error:  # what psycopg2 cannot send: a NUL, half a character
        raise FactRefused(_first_line(error)) from error
    except Exception as error:  # of a connection in a state that nobody thought of
        raise DatabaseUnavailable(f"{type(error).__name__}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """What was wrong, without the row that PostgreSQL quotes behind it."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]


def _is_about_content(error: BaseException | None) -> bool:
    """Whether the database refused what it was given, and would again."""
    if not isinstance(error, psycopg2.Error):
        return False
    if error.pgcode is None:  # psycopg2's own words or libpq's, about a connection that broke as a rule
        return isinstance(error, psycopg2.DataError)
    return error.pgcode.startswith(_ABOUT_CONTENT)
