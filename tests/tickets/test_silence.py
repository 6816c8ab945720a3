"""Tills that say nothing while they should: when that is told, that it ends, and what a restart makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from support.rules import said, told
from twisted.internet import defer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable
from camtrace.events import LineReceived, TillSilenceChanged
from camtrace.metrics import Metrics
from camtrace.model import Calendar, Hours, SourceSettings
from camtrace.tickets.silence import MOST_BEATING, Silences
from camtrace.tickets.sources import SourceBook
from camtrace.timetable import Timetable

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday, 13:00 in Paris
SHOP = Calendar("shop", ((Hours(8 * 60, 12 * 60), Hours(14 * 60, 19 * 60)),) * 7)
PARIS = ZoneInfo("Europe/Paris")


class Site:
    """A database that outlives servers, and one server after the other."""

    def __init__(self, *settings: SourceSettings) -> None:
        self.clock, self.now, self.away = Clock(), NOON, False
        self.rows = {one.source: one for one in settings}
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.told: list[tuple[str, datetime | None]] = []
        self.last: dict[str, datetime] = {}

    def start(self) -> None:
        self.bus, self.metrics = Bus(), Metrics()
        self.bus.subscribe(TillSilenceChanged, lambda fact: self.told.append((fact.source, fact.since)))
        self.book = SourceBook(self._all)
        timetable = Timetable(self._calendars, PARIS, lambda: self.now)
        for work in (self.book.load(), timetable.load()):
            self._run(work)
        self.silences = Silences(
            *(self.bus, self.book, self.change, timetable, self.note, self.metrics, self.clock),
            now=lambda: self.now,
        )
        self._run(self.silences.start(self.last))

    def stop(self) -> None:
        self._run(self.silences.stop())

    def wait(self, minutes: float) -> None:
        for _ in range(int(minutes * 6)):
            self.now += timedelta(seconds=10)
            self.clock.advance(10)

    def line(self, source: str = "1") -> None:
        line = replace(said(0, "A", source=source), received_at=self.now)
        self.last[source] = self.now
        self.bus.publish(told(line))

    def beat(self, source: str = "KKM:12") -> None:
        self.last[source] = self.now
        self.silences.alive(source, self.now, True)

    def note(self, kind: str, text: str, values: Mapping[str, Any]) -> None:
        self.notes.append((text, dict(values)))

    async def change(self, source: str, fields: Mapping[str, Any]) -> None:
        if self.away:
            raise DatabaseUnavailable("the database is away")
        self.rows[source] = replace(self.rows.get(source, SourceSettings(source)), **fields)
        await self.book.load()

    async def _all(self) -> list[SourceSettings]:
        return list(self.rows.values())

    async def _calendars(self) -> list[Calendar]:
        return [SHOP]

    def _run(self, work: Any) -> None:
        failed: list[Any] = []
        defer.ensureDeferred(work).addErrback(failed.append)
        assert not failed, failed


def site(*settings: SourceSettings) -> Site:
    made = Site(*settings)
    made.start()
    return made


class SilenceTests(SynchronousTestCase):
    def test_begins_and_ends_once(self) -> None:
        """A till with a calendar and a setting of its own; its name for people, how long it was, and the figures."""
        shop = site(SourceSettings("1", "Front", hours="always", silent_minutes=10))
        shop.line()
        began = shop.now
        shop.wait(9)
        self.assertIsNone(shop.silences.since("1"))
        shop.wait(80)
        self.assertEqual(shop.notes, [("till_silent", {"source": "Front", "minutes": 10})])
        self.assertEqual(shop.silences.since("1"), began)
        self.assertIn('camtrace_till_silent_seconds{source="1"} 5340', shop.metrics.text())
        shop.line()
        self.assertEqual(shop.notes[1:], [("till_speaks", {"source": "Front", "hours": 1, "minutes": 29})])
        self.assertEqual(shop.told, [("1", began), ("1", None)])
        self.assertIn('camtrace_till_silent_seconds{source="1"} 0', shop.metrics.text())
        shop.wait(5)
        self.assertEqual(len(shop.notes), 2)

    def test_what_the_server_adds_is_no_word_of_the_till(self) -> None:
        """Motion before it, a rule that was met there: it is silent all the same."""
        shop = site(SourceSettings("1", hours="always", silent_minutes=10))
        shop.line()
        shop.wait(9)
        shop.bus.publish(told(replace(said(0, "MOTION", flags=("hidden",)), received_at=shop.now)))
        shop.wait(2)
        self.assertEqual([text for text, _ in shop.notes], ["till_silent"])
        shop.bus.publish(told(replace(said(0, "RULE", flags=("hidden",)), received_at=shop.now)))
        self.assertEqual(len(shop.notes), 1)

    def test_opening_hours(self) -> None:
        """At noon nobody waits for it; after two the silence counts from two on; at night it is over."""
        shop = Site(SourceSettings("1", hours="shop"))
        shop.now = NOON - timedelta(hours=1.5)  # 11:30
        shop.start()
        shop.line()
        shop.wait(29)
        shop.wait(2 * 60 + 1)  # 14:00
        self.assertEqual(shop.notes, [])
        shop.wait(28)
        self.assertEqual(shop.notes, [])
        shop.wait(3)
        self.assertEqual(shop.silences.since("1"), NOON + timedelta(hours=1))  # 14:00
        shop.wait(5 * 60)
        self.assertEqual([text for text, _ in shop.notes], ["till_silent", "till_closed"])
        self.assertEqual(shop.notes[1][1], {"source": "1", "hours": 5, "minutes": 0})
        self.assertIsNone(shop.silences.since("1"))

    def test_signs_of_life(self) -> None:
        """Who has sent two of them is watched at any hour, after a restart too; who has not is not."""
        shop = site()
        shop.silences.alive("KKM:3", shop.now)
        shop.beat("KKM:4")
        shop.beat()
        shop.wait(1)
        shop.beat()
        self.assertTrue(shop.rows["KKM:12"].heartbeats)
        shop.wait(6)
        self.assertEqual(shop.told, [("KKM:12", NOON + timedelta(minutes=1))])
        shop.beat()
        shop.stop()
        shop.wait(60)  # the server is down: who knows what was said
        shop.start()
        shop.wait(4)
        self.assertEqual(len(shop.told), 2)
        shop.wait(2)
        self.assertEqual(shop.told[2], ("KKM:12", NOON + timedelta(minutes=67)))
        self.assertEqual([one for one in shop.rows if one != "KKM:12"], [])

    def test_a_restart_in_the_middle(self) -> None:
        """What was silent still is, and is not told again; its end is, with its whole length."""
        shop = site(SourceSettings("1", hours="always"))
        shop.line()
        shop.wait(40)
        shop.stop()
        shop.wait(60)
        shop.start()
        shop.wait(40)
        self.assertEqual(shop.silences.since("1"), NOON)
        shop.line()
        self.assertEqual(shop.notes[1:], [("till_speaks", {"source": "1", "hours": 2, "minutes": 20})])
        self.assertIsNone(shop.rows["1"].silent_since)

    def test_the_database_is_away(self) -> None:
        """Nothing is told that is not kept; it is told once it can be."""
        shop = site(SourceSettings("1", hours="always"))
        shop.line()
        shop.away = True
        shop.wait(31)
        self.assertEqual((shop.notes, shop.told), ([], []))
        shop.away = False
        shop.wait(1)
        self.assertEqual(len(shop.told), 1)
        shop.away = True
        shop.line()
        self.assertEqual(len(shop.told), 1)
        shop.away = False
        shop.wait(1)
        self.assertEqual(shop.notes[1], ("till_speaks", {"source": "1", "hours": 0, "minutes": 32}))

    def test_not_watched_any_more(self) -> None:
        """Who takes its calendar away ends the silence; motion that the server saw is no sign of life."""
        shop = site(SourceSettings("KKM:12", hours="always"))
        line = replace(said(0, "130", source="KKM:12"), protocol="prisma", received_at=shop.now)
        shop.wait(29.9)
        shop.bus.publish(LineReceived(1, line, told(line).ticket))
        shop.wait(1)
        self.assertEqual(len(shop.told), 1)
        shop._run(shop.change("KKM:12", {"hours": ""}))
        shop.wait(1)
        self.assertEqual([text for text, _ in shop.notes], ["till_silent", "till_closed"])

    def test_a_clock_that_is_set(self) -> None:
        """An hour forward makes nobody silent."""
        shop = site(SourceSettings("1", hours="always"))
        shop.line()
        shop.now += timedelta(hours=1)
        shop.wait(20)
        self.assertEqual(shop.told, [])

    def test_forged_signs_of_life(self) -> None:
        shop = site()
        for number in range(MOST_BEATING + 5):
            shop.beat(f"KKM:{number}")
            shop.silences.alive(f"KKM:{number}", shop.now, True)
        self.assertEqual(len(shop.rows), MOST_BEATING)
