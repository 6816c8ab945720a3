"""Dialects and what is set for tills, in a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.database import DatabaseCase

from camtrace.errors import Conflict, NotFound
from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Calendar, HeardSource, Line, SourceSettings, StoredDialect, Ticket
from camtrace.store.calendars import CalendarStore
from camtrace.store.dialects import DialectStore, SourceStore
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class DialectStoreTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate dialect, source, line, ticket")
        self.store, self.sources = DialectStore(self.database), SourceStore(self.database)

    async def refused(self, kind: type[Exception], work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except kind:
            return
        self.fail(f"no {kind.__name__}")

    async def test_a_life(self) -> None:
        """Made once, changed, kept while a till uses it, removed."""
        one = StoredDialect("bar", {"separator": ";", "types": {"é": "A"}})
        await self.store.create(one)
        self.assertEqual(await self.store.all(), [one])
        await self.refused(Conflict, self.store.create(one))
        two = StoredDialect("bar", {"separator": "/"})
        await self.store.update(two)
        self.assertEqual(await self.store.all(), [two])
        await self.refused(NotFound, self.store.update(StoredDialect("x", {})))
        await self.sources.change("1", {"dialect": "bar"})
        await self.refused(Conflict, self.store.delete("bar"))
        await self.sources.change("1", {"dialect": ""})
        await self.store.delete("bar")
        await self.refused(NotFound, self.store.delete("bar"))

    async def test_settings(self) -> None:
        """What is not set stays."""
        await self.sources.change("1", {"label": "Bar"})
        await self.sources.change("1", {"offset_ms": -200, "burst_since": NOON})
        await self.sources.change("2", {})
        wanted = [SourceSettings("1", "Bar", offset_ms=-200, burst_since=NOON), SourceSettings("2")]
        self.assertEqual(await self.sources.all(), wanted)

    async def test_silence(self) -> None:
        """When a till should speak, and that it was told to be silent; its calendar is not removed meanwhile."""
        calendars = CalendarStore(self.database)
        await self.database.execute("truncate calendar")
        await calendars.create(Calendar("shop", ((),) * 7))
        told = {"hours": "shop", "silent_minutes": 10, "heartbeats": True, "silent_since": NOON, "encoding": "cp866"}
        await self.sources.change("1", told)
        wanted = SourceSettings("1", **told)  # type: ignore[arg-type]
        self.assertEqual(await self.sources.all(), [wanted])
        await self.refused(Conflict, calendars.delete("shop"))
        await self.sources.change("1", {"hours": "", "silent_since": None})
        await calendars.delete("shop")

    async def test_who_sees_cards(self) -> None:
        """Profiles that may change settings have got the right to see what is left of card numbers."""
        rows = await self.database.query("select name, 'cards' = any(rights) from profile order by id")
        self.assertEqual(rows, [("administrator", True), ("operator", False), ("viewer", False)])

    async def test_changes_are_announced(self) -> None:
        heard: list[str] = []
        await self.database.listen("config", heard.append)
        await self.store.create(StoredDialect("bar", {}))
        await self.sources.change("till 1", {"label": "x"})
        for _ in range(200):
            if len(heard) >= 2:
                break
            await self.database.query("select 1")
        self.assertEqual([each for each in heard if each], ["dialect bar", "source till 1"])

    async def test_who_was_heard(self) -> None:
        """Since when, when last, how many lines of late; every source once."""
        self.assertEqual(await self.sources.heard(NOON), [])
        facts = []
        for number, (source, hours, lines) in enumerate([("1", -30, 4), ("1", -2, 3), ("1", -1, 2), ("9", -48, 1)], 1):
            at = NOON + hours * HOUR
            ticket = Ticket(id=number, protocol="pos", source=source, opened_at=at, closed_at=at, line_count=lines)
            line = Line(id=number, received_at=at, protocol="pos", source=source, ticket_id=number, raw=b"x")
            facts.append(LineReceived(number, line, ticket))
        await FactsStore(self.database, LineStore(self.database), Metrics()).write(facts)
        self.assertEqual(
            await self.sources.heard(NOON - 24 * HOUR),
            [
                HeardSource("1", "pos", NOON - 30 * HOUR, NOON - HOUR, 5),
                HeardSource("9", "pos", NOON - 48 * HOUR, NOON - 48 * HOUR, 0),
            ],
        )
