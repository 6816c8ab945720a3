"""Alarms, triggers and calendars in a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from support.database import DatabaseCase

from camtrace.errors import Conflict, NotFound
from camtrace.events import AlarmAcknowledged, AlarmEnded, AlarmTriggered
from camtrace.metrics import Metrics
from camtrace.model import Alarm, AlarmQuery, AlarmRecording, Calendar, Hours, Span, SpecialDays, Trigger
from camtrace.store.alarms import MOST_TRIGGERS, AlarmStore
from camtrace.store.calendars import CalendarStore
from camtrace.store.cameras import CameraStore
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def alarm(id: int, seconds: float = 0, **more: object) -> Alarm:
    values: dict = {
        "camera_uid": 3,
        "started_at": at(seconds),
        "last_at": at(seconds),
        "until": at(seconds + 20),
        "recorded_from": at(seconds - 5),
        "causes": ("tcp",),
        "popup": True,
    }
    return Alarm(id=id, **(values | more))


def triggered(fact_id: int, of: Alarm, cause: str = "tcp") -> AlarmTriggered:
    return AlarmTriggered(fact_id, of, Trigger(at=of.last_at, cause=cause, origin="10.0.0.5", message="x"))


class AlarmStoreTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate alarm, trigger")
        self.facts = FactsStore(self.database, LineStore(self.database), Metrics())
        self.store = AlarmStore(self.database)

    async def test_comes_back(self) -> None:
        one = alarm(1, mail=True, causes=("tcp", "motion"), triggers=2)
        await self.facts.write([triggered(11, one)])
        self.assertEqual(await self.store.by_id(1), one)
        self.assertEqual(await self.store.running(), [one])
        self.assertIsNone(await self.store.by_id(2))
        self.assertEqual((await self.store.triggers([1, 2]))[2], [])
        (trigger,) = (await self.store.triggers([1]))[1]
        self.assertEqual((trigger.origin, trigger.message, trigger.cause), ("10.0.0.5", "x", "tcp"))

    async def test_life_in_one_batch(self) -> None:
        """Several facts of one alarm at once; written twice they change nothing."""
        first = alarm(1)
        second = replace(first, last_at=at(10), until=at(30), causes=("tcp", "ftp"), triggers=2)
        seen = replace(second, acknowledged_by="anna", acknowledged_at=at(12))
        ended = replace(seen, ended_at=at(30))
        batch = [triggered(11, first), triggered(12, second, "ftp"), AlarmAcknowledged(13, seen), AlarmEnded(14, ended)]
        for _ in range(2):
            await self.facts.write(batch)
        self.assertEqual(await self.store.by_id(1), ended)
        self.assertEqual(await self.store.running(), [])
        self.assertEqual([trigger.cause for trigger in (await self.store.triggers([1]))[1]], ["tcp", "ftp"])

    async def test_an_older_state_does_not_come_back(self) -> None:
        first = alarm(1)
        second = replace(first, last_at=at(10), until=at(30), triggers=2)
        await self.facts.write([triggered(12, second), AlarmEnded(13, replace(second, ended_at=at(30)))])
        await self.facts.write([triggered(11, first)])
        stored = await self.store.by_id(1)
        self.assertEqual((stored.triggers, stored.until, stored.ended_at), (2, at(30), at(30)))

    async def test_whoever_saw_it_first(self) -> None:
        seen = replace(alarm(1), acknowledged_by="anna", acknowledged_at=at(3))
        await self.facts.write([triggered(11, alarm(1)), AlarmAcknowledged(12, seen)])
        later = replace(seen, acknowledged_by="boris", acknowledged_at=at(9))
        await self.facts.write([AlarmAcknowledged(13, later)])
        self.assertEqual((await self.store.by_id(1)).acknowledged_by, "anna")

    async def test_no_end_of_triggers(self) -> None:
        """The first thousand are kept, all are counted."""
        many = replace(alarm(1), triggers=MOST_TRIGGERS + 1)
        await self.facts.write([triggered(11, alarm(1)), triggered(12, many)])
        self.assertEqual(len((await self.store.triggers([1]))[1]), 1)
        self.assertEqual((await self.store.by_id(1)).triggers, MOST_TRIGGERS + 1)

    async def test_lists(self) -> None:
        alarms = [
            alarm(1, 0),
            alarm(2, 100, camera_uid=4, causes=("motion",)),
            alarm(3, 200, causes=("tcp", "motion")),
            alarm(4, 200, camera_uid=5),
        ]
        await self.facts.write([triggered(10 + each.id, each) for each in alarms])

        async def ids(limit: int = 100, before: tuple[datetime, int] | None = None, **asked: Any) -> list[int]:
            return [found.id for found in await self.store.alarms(AlarmQuery(**asked), limit, before)]

        self.assertEqual(await ids(), [4, 3, 2, 1])
        self.assertEqual(await ids(camera_uids=[3, 5]), [4, 3, 1])
        self.assertEqual(await ids(camera_uids=[]), [])
        self.assertEqual(await ids(causes=["motion"]), [3, 2])
        self.assertEqual(await ids(start=at(110)), [4, 3, 2])
        self.assertEqual(await ids(stop=at(110)), [2, 1])
        self.assertEqual(await ids(limit=2), [4, 3])
        self.assertEqual(await ids(before=(at(200), 4)), [3, 2, 1])

    async def test_recorded_spans(self) -> None:
        """In order, where they overlap as one; what nobody wanted recorded is none."""
        alarms = [
            alarm(1, 0),
            alarm(2, 22),
            alarm(3, 100),
            alarm(4, 200, recorded_from=None),
            alarm(5, 0, camera_uid=4),
        ]
        await self.facts.write([triggered(10 + each.id, each) for each in alarms])
        self.assertEqual(
            await self.store.recorded_spans(3, at(-100), at(1000)), [Span(at(-5), at(42)), Span(at(95), at(120))]
        )
        self.assertEqual(await self.store.recorded_spans(3, at(42), at(95)), [])


class CalendarStoreTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate calendar, camera cascade")
        self.store = CalendarStore(self.database)

    async def test_life(self) -> None:
        days = SpecialDays(date(2026, 12, 24), date(2026, 12, 26), (Hours(540, 720),), "Noël")
        shop = Calendar("shop", ((Hours(480, 1170),),) * 6 + ((),), (days,))
        await self.store.create(shop)
        self.assertEqual(await self.store.all(), [shop])
        await self.refused(self.store.create(shop), Conflict)
        changed = replace(shop, special_days=())
        await self.store.update(changed)
        self.assertEqual(await self.store.all(), [changed])
        camera = await CameraStore(self.database).create(
            {"name": "till", "url": "rtsp://x/", "alarm": AlarmRecording(popup_calendar="shop")}, START
        )
        await self.refused(self.store.delete("shop"), Conflict)
        await CameraStore(self.database).delete(camera.uid, START)
        await self.store.delete("shop")
        self.assertEqual(await self.store.all(), [])
        await self.refused(self.store.delete("shop"), NotFound)
        await self.refused(self.store.update(shop), NotFound)

    async def refused(self, work: object, kind: type[Exception]) -> None:
        try:
            await work
        except kind:
            return
        self.fail(f"no {kind.__name__}")
