"""Rows whose days are over, removed from a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support.database import DatabaseCase
from twisted.internet import defer

from camtrace import clock
from camtrace.events import AlarmEnded, AlarmTriggered, LineReceived, Noted, RuleMet
from camtrace.metrics import Metrics
from camtrace.model import ALL_KEPT, JOURNALS, LINES, Alarm, JournalEntry, Line, Removal, RuleException, Ticket, Trigger
from camtrace.store.facts import FactsStore
from camtrace.store.kept_days import KeptDayRows
from camtrace.store.lines import LineStore
from camtrace.store.old_rows import KINDS, OldRows
from camtrace.store.rules import RuleStore

BEFORE = datetime(2026, 3, 1, 23, tzinfo=UTC)
TABLES = (
    "line, line_words, line_watch, ticket, rule_exception, quarantine, journal, alarm, trigger, disconnection,"
    " camera_state, gap, segment, volume, camera"
)


def sold(first: int, at: datetime, count: int = 3, source: str = "1", text: str = "TARTE") -> list[LineReceived]:
    """A ticket of `count` lines, a second apart; its id is `first`, those of its lines follow."""
    ticket, facts = Ticket(id=first, protocol="pos", source=source, opened_at=at), []
    for number in range(1, count + 1):
        received_at = at + timedelta(seconds=number - 1)
        ticket = replace(ticket, line_count=number)
        line = Line(
            id=first + number, received_at=received_at, protocol="pos", source=source, ticket_id=first, seller="Zoé",
            type="A", text=text, cameras=(7,),
        )  # fmt: skip
        facts.append(LineReceived(line.id, line, ticket))
    return facts


def met(id: int, at: datetime, ticket_id: int, lines: tuple[int, ...]) -> RuleMet:
    exception = RuleException(
        id=id, rule_id=id, rule="Voids", at=at, source="1", seller="Zoé", ticket="", ticket_id=ticket_id,
        line_id=lines[-1], lines=lines, deed="void", text="TARTE",
    )  # fmt: skip
    return RuleMet(id, exception)


class OldRowsCase(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute(f"truncate {TABLES} cascade")
        await self.database.execute(
            "update removal set reached = null, announced = null, announced_at = null, done_at = null, untold = '{}',"
            " days = null, held = null"
        )
        self.lines = LineStore(self.database)
        self.facts = FactsStore(self.database, self.lines, Metrics())
        self.rules = RuleStore(self.database)
        self.store = OldRows(self.database)

    async def removed(self, kind: str, limit: int = 2) -> dict[str, int]:
        """Everything of a kind that may go, step by step."""
        place, total = None, dict[str, int]()
        while True:
            step = await self.store.remove(kind, BEFORE, place, limit)
            total = {name: total.get(name, 0) + count for name, count in step.count.items()}
            place = step.place
            if place is None:
                return total

    async def leaving(self, what: str) -> dict[str, int]:
        return dict((await KeptDayRows(self.database).leaving(what, BEFORE)).count)

    async def ids(self, table: str) -> list[int]:
        return [row[0] for row in await self.rows(f"select id from {table} order by id")]


class Lines(OldRowsCase):
    async def test_whole_tickets_go(self) -> None:
        """A ticket that reached into the days that are kept stays, with its first lines, and goes later as a whole."""
        facts = sold(10, BEFORE - timedelta(days=2)) + sold(20, BEFORE - timedelta(seconds=1)) + sold(30, BEFORE)
        await self.facts.write(facts)
        self.assertEqual(await self.leaving(LINES), {"lines": 3, "tickets": 1, "exceptions": 0})
        self.assertEqual(await self.removed("lines"), {"lines": 3, "tickets": 1})
        self.assertEqual(await self.ids("ticket"), [20, 30])
        self.assertEqual(await self.ids("line"), [21, 22, 23, 31, 32, 33])
        self.assertEqual((await self.store.removal(LINES)).untold, {"lines": 3, "tickets": 1})
        self.assertEqual(await self.removed("lines"), {"lines": 0, "tickets": 0})

    async def test_what_somebody_found_to_be_real_stays(self) -> None:
        """With its ticket, and with lines of other tickets that it was met by; until it is found to be harmless."""
        old = BEFORE - timedelta(days=9)
        for first in (10, 20, 30, 40, 50):
            await self.facts.write(sold(first, old + timedelta(minutes=first)))
        exceptions = [met(number, old, 10 * number, (10 * number + 2,)) for number in range(2, 6)]
        await self.facts.write([met(1, old, 10, (21, 11)), *exceptions])
        for id, verdict, comment in (
            (1, "real", ""),
            (3, "harmless", "known"),
            (4, None, "ask Zoé"),
            (5, "checking", ""),
        ):
            await self.rules.review(id, "anna", BEFORE, verdict, comment)
        kept = [11, 12, 13, 21, 41, 42, 43, 51, 52, 53]
        told = {"lines": 15 - len(kept), "tickets": 1, "exceptions": 2}
        self.assertEqual(await self.leaving(LINES), told, "before it goes")
        self.assertEqual(await self.removed("lines"), {"lines": 15 - len(kept), "tickets": 1})
        self.assertEqual(await self.ids("line"), kept)
        self.assertEqual(await self.ids("ticket"), [10, 20, 40, 50])
        self.assertEqual(await self.removed("exceptions"), {"exceptions": 2})
        self.assertEqual(await self.ids("rule_exception"), [1, 4, 5])
        for id in (1, 4, 5):
            await self.rules.review(id, "anna", BEFORE, "harmless")
        self.assertEqual(await self.removed("lines"), {"lines": len(kept), "tickets": 4})
        self.assertEqual(await self.removed("exceptions"), {"exceptions": 3})

    async def test_many_of_one_instant(self) -> None:
        """Rows of one instant are stepped through by their ids; none is passed over."""
        old = BEFORE - timedelta(days=1)
        for first in range(10, 110, 10):
            await self.facts.write(sold(first, old, 1))
        self.assertEqual(await self.removed("lines", 3), {"lines": 10, "tickets": 10})

    async def test_ids_stay_used(self) -> None:
        """With every line gone, the greatest id that was given is known from the entry that tells of it."""
        await self.facts.write(sold(10, BEFORE - timedelta(days=1)))
        await self.removed("lines")
        entry = JournalEntry(id=99, at=BEFORE, kind="system", text="lines_gone")
        await self.facts.write([Noted(99, entry)])
        self.assertEqual(await self.lines.last_id(), 99)

    async def test_a_line_that_comes_again(self) -> None:
        """A batch that the spool gives again after its lines went is written, and goes the next night."""
        facts = sold(10, BEFORE - timedelta(days=1))
        await self.facts.write(facts)
        for _ in range(2):
            self.assertEqual(await self.removed("lines"), {"lines": 3, "tickets": 1})
            self.assertEqual((await self.ids("line"), await self.ids("ticket")), ([], []))
            await self.facts.write(facts)
        self.assertEqual([line.id for line in await self.lines.lines(text="tarte")], [13, 12, 11])

    async def test_refused_facts(self) -> None:
        """What the database refused goes with the lines; who wrote it down counts, not when it was received."""
        await self.facts.quarantine(sold(10, BEFORE)[0], "no")
        self.assertEqual(await self.removed("quarantine"), {"quarantine": 0})
        await self.database.execute("update quarantine set at = %s", (BEFORE - timedelta(seconds=1),))
        self.assertEqual(await self.removed("quarantine"), {"quarantine": 1})


class Texts(OldRowsCase):
    async def unused(self) -> list[int]:
        found, after = [], None
        while True:
            keys, after = await self.store.unused_texts(after, 1)
            found += keys
            if after is None:
                return found

    async def test_what_no_line_says_any_more(self) -> None:
        await self.facts.write(sold(10, BEFORE - timedelta(days=1), text="TARTE") + sold(20, BEFORE, text="CAFÉ"))
        self.assertEqual(await self.unused(), [])
        await self.removed("lines")
        unused = await self.unused()
        self.assertEqual(len(unused), 1)
        await self.facts.forget(texts=unused)
        self.assertEqual(await self.store.remove_texts(unused), 1)
        self.assertEqual(await self.rows("select words from line_words"), [("cafe\n\n",)])
        await self.facts.write(sold(30, BEFORE, text="TARTE"))
        self.assertEqual(len(await self.lines.lines(text="tart")), 3)

    async def test_a_text_that_is_said_again_meanwhile(self) -> None:
        """Neither a batch that was made before it was forgotten nor one that comes in between loses its text."""
        await self.facts.write(sold(10, BEFORE - timedelta(days=1)))
        await self.removed("lines")
        unused = await self.unused()
        before = self.facts.write(sold(20, BEFORE))
        writing = defer.Deferred.fromCoroutine(before)  # under way, and does not write the text
        await self.facts.forget(texts=unused)
        self.assertEqual(await self.ids("line"), [21, 22, 23])
        await writing
        self.assertEqual(await self.store.remove_texts(unused), 0)
        await self.database.execute("delete from line")
        await self.facts.forget(texts=unused)
        both = defer.gatherResults(
            [
                defer.Deferred.fromCoroutine(self.facts.write(sold(30, BEFORE))),
                defer.Deferred.fromCoroutine(self.store.remove_texts(unused)),
            ]
        )
        await both
        self.assertEqual(len(await self.lines.lines(text="tarte")), 3)

    async def test_tills_that_are_gone(self) -> None:
        await self.facts.write(sold(10, BEFORE - timedelta(days=1), source="9") + sold(20, BEFORE, source="1"))
        await self.removed("lines")
        watches = await self.store.unused_watches()
        self.assertEqual(watches, [("9", (7,))])
        await self.facts.forget(watches=watches)
        self.assertEqual(await self.store.remove_watches(watches), 1)
        await self.facts.write(sold(30, BEFORE, source="9"))
        self.assertEqual(len(await self.lines.lines(source="9", camera_uids=[7])), 3)


class Journals(OldRowsCase):
    async def test_entries(self) -> None:
        entries = [
            JournalEntry(id=id, at=BEFORE + timedelta(hours=hours), kind="system", text="started")
            for id, hours in ((1, -30), (2, -20), (3, -10), (4, 0))
        ]
        await self.facts.write([Noted(entry.id, entry) for entry in entries])
        self.assertEqual(await self.removed("entries"), {"entries": 3})
        self.assertEqual(await self.ids("journal"), [4])
        self.assertEqual((await self.store.removal(JOURNALS)).untold, {"entries": 3})
        self.assertEqual((await self.store.kept(JOURNALS)).oldest, BEFORE)

    async def test_alarms_stay_while_their_footage_does(self) -> None:
        """An alarm of which files hold pictures says how long these stay; so does one that has not ended."""
        old = BEFORE - timedelta(days=5)

        def alarm(id: int, **more: Any) -> Alarm:
            began = old + timedelta(minutes=id)
            values: dict[str, Any] = {"ended_at": began + timedelta(seconds=20), "recorded_from": began} | more
            return Alarm(
                id=id, camera_uid=3, started_at=began, last_at=began, until=began + timedelta(seconds=20),
                causes=("tcp",), triggers=2, **values,
            )  # fmt: skip

        alarms = [alarm(1), alarm(2), alarm(3, ended_at=None), alarm(4, recorded_from=None), alarm(30)]
        number = 100
        for each in alarms:
            for place in (1, 2):
                trigger = Trigger(at=each.last_at, cause="tcp", origin="x", message="x")
                number += 1
                told = replace(each, triggers=place)
                await self.facts.write([AlarmTriggered(number, told, trigger)])
            if each.ended_at is not None:
                await self.facts.write([AlarmEnded(number + 500, each)])
        began_us = clock.to_us(old + timedelta(minutes=1, seconds=50))
        await self.database.execute("insert into volume (folder, identity, created_at) values ('/v', 'x', now())")
        await self.database.execute(
            "insert into segment select 1, 3, 'main', 1, number, 'x.mp4', %s, %s, 0, 1, '', false from volume",
            (began_us, began_us + 60_000_000),
        )
        self.assertEqual(await self.leaving(JOURNALS), {"entries": 0, "alarms": 3, "losses": 0})
        self.assertEqual(await self.removed("alarms"), {"alarms": 3})
        self.assertEqual(await self.ids("alarm"), [2, 3])
        self.assertEqual(
            [row[0] for row in await self.rows("select distinct alarm_id from trigger order by 1")], [2, 3]
        )
        await self.database.execute("delete from segment")
        self.assertEqual(await self.removed("alarms"), {"alarms": 1})

    async def test_alarms_with_many_triggers_go_few_at_a_time(self) -> None:
        old = BEFORE - timedelta(days=5)
        await self.database.execute(
            "insert into alarm (id, camera_uid, started_at, last_at, until, ended_at, causes, triggers, popup, mail)"
            " select n, 3, %s, %s, %s, %s, '{tcp}', 900, false, false from generate_series(1, 5) n",
            (old, old, old, old),
        )
        step = await self.store.remove("alarms", BEFORE, None, 4)
        self.assertEqual((step.count, step.place), ({"alarms": 2}, (old, 2)))
        self.assertEqual(await self.removed("alarms", 4), {"alarms": 3})

    async def test_lost_cameras_states_gaps(self) -> None:
        """What lasts stays; so do gaps beside footage that is older."""
        await self.database.execute(
            "insert into camera (uid, id, name, created_at) values (3, 1, 'Till', now()), (4, 2, 'Door', now())"
        )
        old, us = BEFORE - timedelta(days=3), clock.to_us(BEFORE - timedelta(days=3))
        await self.database.execute(
            "insert into disconnection (id, camera_uid, lost_at, seen_at, back_at, reason, detail, last_reason,"
            " last_detail) values (1, 3, %s, %s, %s, 'ended', '', '', ''), (2, 3, %s, %s, null, 'ended', '', '', '')",
            (old, old, old + timedelta(hours=1), old, old),
        )
        self.assertEqual(await self.removed("losses"), {"losses": 1})
        self.assertEqual(await self.ids("disconnection"), [2])
        for number, at in enumerate((old, old, BEFORE)):
            await self.database.execute(
                "insert into camera_state values (%s, 3, %s, 'active', '')", ((clock.to_us(at) << 10) + number, at)
            )
        self.assertEqual(await self.removed("states"), {"states": 2})
        await self.database.execute("insert into volume (folder, identity, created_at) values ('/v', 'x', now())")
        await self.database.execute(
            "insert into segment select 1, 4, 'main', 1, number, 'x.mp4', %s, %s, 0, 1, '', false from volume",
            (us + 60_000_000, us + 120_000_000),
        )
        minutes = [(3, 0, 1), (3, 5, 6), (3, 7, None), (4, 0, 1), (4, 5, 6)]
        for uid, first, last in minutes:
            stop = None if last is None else old + timedelta(minutes=last)
            await self.database.execute(
                "insert into gap values (%s, %s, %s, 'camera')", (uid, old + timedelta(minutes=first), stop)
            )
        self.assertEqual(await self.removed("gaps"), {"gaps": 3})
        left = await self.rows("select camera_uid, started_at from gap order by 1")
        self.assertEqual(left, [(3, old + timedelta(minutes=7)), (4, old + timedelta(minutes=5))])
        (footage,) = await self.store.footage()
        self.assertEqual((footage.folder, footage.bytes, footage.oldest), ("/v", 1, old + timedelta(minutes=1)))
        self.assertGreater(await self.store.database_bytes(), 1_000_000)


class HowFar(OldRowsCase):
    async def test_what_is_remembered(self) -> None:
        for what in KINDS:
            self.assertFalse(await self.store.any_before(what, BEFORE))
            await self.store.announce(what, BEFORE, BEFORE)
            self.assertEqual((await self.store.removal(what)).announced, BEFORE)
            told = await self.store.removal(what)
            self.assertFalse(await self.store.begin(BEFORE, Removal(what)), "another state was looked at")
            self.assertTrue(await self.store.begin(BEFORE, told))
            self.assertTrue(await self.store.begin(BEFORE - timedelta(days=1), await self.store.removal(what)))
            removal = await self.store.removal(what)
            self.assertEqual((removal.reached, removal.announced, removal.done_at), (BEFORE, None, None))
            await self.store.finish(what, BEFORE)
            await self.store.told(what)
            self.assertEqual((await self.store.removal(what)).done_at, BEFORE)
        await self.facts.write(sold(10, BEFORE - timedelta(seconds=1)))
        self.assertTrue(await self.store.any_before(LINES, BEFORE))

    async def test_days_that_are_set(self) -> None:
        """With what is announced of them, and told to every server; `begin` and `announce` end what they hold."""
        rows, heard = KeptDayRows(self.database), defer.DeferredQueue[str]()
        await self.database.listen("config", heard.put)
        self.assertEqual(set(await rows.all()), set(ALL_KEPT))
        await rows.set(LINES, 400, 730, BEFORE, BEFORE)
        stored = await self.store.removal(LINES)
        self.assertEqual(stored, (await rows.all())[LINES])
        self.assertEqual((stored.days, stored.held, stored.announced_at), (400, 730, BEFORE))
        self.assertFalse(await self.store.begin(BEFORE, replace(stored, days=None)), "days were set meanwhile")
        self.assertTrue(await self.store.begin(BEFORE, stored))
        self.assertIsNone((await self.store.removal(LINES)).held)
        await rows.set("footage", None, None, None, None)
        self.assertEqual([await heard.get() for _ in range(2)], ["setting kept_days"] * 2)
