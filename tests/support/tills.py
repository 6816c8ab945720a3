"""Tills with a service of their own, and what is set for them, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

from twisted.internet import defer
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from camtrace.complaints import Complaints
from camtrace.errors import Conflict, NotFound
from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import HeardSource, SourceSettings, StoredDialect
from camtrace.pos.capture import Capture
from camtrace.pos.dialects import Dialects
from camtrace.pos.encodings import Encodings
from camtrace.pos.protocol import TillConnection, TillFactory
from camtrace.pos.service import Tills
from camtrace.tickets.grouping import Grouping
from camtrace.tickets.sources import SourceBook


class DialectRows:
    """The table of dialects."""

    def __init__(self, *rows: StoredDialect) -> None:
        self.rows = {row.name: row for row in rows}

    async def all(self) -> list[StoredDialect]:
        return sorted(self.rows.values(), key=lambda row: row.name)

    async def create(self, dialect: StoredDialect) -> None:
        if dialect.name in self.rows:
            raise Conflict("another dialect has this name", "name")
        self.rows[dialect.name] = dialect

    async def update(self, dialect: StoredDialect) -> None:
        if dialect.name not in self.rows:
            raise NotFound("this dialect does not exist any more")
        self.rows[dialect.name] = dialect

    async def delete(self, name: str) -> None:
        del self.rows[name]


class Speech:
    """A till receiver with all around it: dialects, capture, facts that are durable at once."""

    def __init__(self, cameras: Any, note: Callable[..., object]) -> None:
        self.settings: dict[str, SourceSettings] = {}
        self.facts: list[LineReceived] = []
        self.reloaded: Callable[[], object] = lambda: None
        self.dialects, self.capture = DialectRows(), Capture()
        self.book = SourceBook(self._all)
        encodings = Encodings()
        self.spoken = Dialects(self.book, self.dialects, encodings)
        self.bursts: list[tuple[str, bool]] = []
        ids = count(1).__next__
        self.tills = Tills(
            self,
            cameras,
            Grouping(ids),
            ids,
            Metrics(),
            encodings=encodings,
            dialects=self.spoken,
            capture=self.capture,
            burst_found=lambda source, at_once: self.bursts.append((source, at_once)),
        )
        self.complaints = Complaints("till", note)

    def listener(self, dialect: str = "camtrace", encoding: str = "auto") -> TillFactory:
        """A listener that is set to this dialect."""
        return TillFactory(
            self.tills,
            self.complaints,
            Clock(),
            encoding=encoding,
            dialect=dialect,
            dialects=self.spoken,
            capture=self.capture,
        )

    def connect(self, listener: TillFactory, host: str = "10.0.0.5") -> TillConnection:
        """A till at `host` that is connected."""
        connection = listener.buildProtocol(IPv4Address("TCP", host, 4000))
        connection.makeConnection(StringTransport(peerAddress=IPv4Address("TCP", host, 4000)))
        return connection

    def record_all(self, facts: Sequence[LineReceived]) -> defer.Deferred[None]:
        self.facts += facts
        return defer.succeed(None)

    async def reload(self) -> None:
        await self.book.load()
        await self.spoken.load()
        self.reloaded()

    async def change(self, source: str, fields: Mapping[str, Any]) -> None:
        self.settings[source] = replace(self.settings.get(source, SourceSettings(source)), **fields)

    async def heard(self, since: datetime) -> list[HeardSource]:
        found: dict[str, HeardSource] = {}
        for fact in self.facts:
            line = fact.line
            known = found.get(line.source, HeardSource(line.source, "pos", line.received_at, line.received_at, 0))
            found[line.source] = replace(known, last_at=line.received_at, lines=known.lines + 1)
        return sorted(found.values(), key=lambda each: each.source)

    async def _all(self) -> list[SourceSettings]:
        return list(self.settings.values())
