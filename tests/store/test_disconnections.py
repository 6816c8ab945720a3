"""The journals in a real database: lost cameras, and what is looked for in the others."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support.alarms import joined
from support.database import DatabaseCase

from camtrace.events import AlarmAcknowledged, AlarmEnded, AlarmTriggered, CameraStateChanged, Noted
from camtrace.metrics import Metrics
from camtrace.model import (
    Alarm,
    AlarmQuery,
    CameraState,
    DisconnectionQuery,
    JournalEntry,
    JournalQuery,
    MailQuery,
    Outgoing,
    Status,
    Trigger,
)
from camtrace.store.alarms import AlarmStore
from camtrace.store.cameras import CameraStore
from camtrace.store.disconnections import Disconnections
from camtrace.store.facts import FactsStore
from camtrace.store.history import History
from camtrace.store.journal import Journal
from camtrace.store.lines import LineStore
from camtrace.store.mails import MailStore

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class DisconnectionTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate camera, camera_state, disconnection cascade")
        self.facts = FactsStore(self.database, LineStore(self.database), Metrics())
        self.cameras, self.store = CameraStore(self.database), Disconnections(self.database)
        self.camera = await self.cameras.create({"name": "Entrée", "url": "rtsp://x/"}, START)
        self.number = 0

    def state(self, status: Status, reason: str, seconds: float, detail: str = "") -> CameraStateChanged:
        self.number += 1
        return CameraStateChanged(self.number, CameraState(self.camera.uid, status, reason, at(seconds), detail))

    async def test_lost_and_back(self) -> None:
        """One row from the first failure to the first picture, with the first and the last reason."""
        batch = [
            self.state(Status.ACTIVE, "", 0),
            self.state(Status.INACTIVE, "ended", 10),
            self.state(Status.ERROR, "status", 12, "503"),
            self.state(Status.ACTIVE, "", 70),
            self.state(Status.INACTIVE, "timeout", 100),
        ]
        for _ in range(2):  # what is written twice is there once
            await self.facts.write(batch)
        lasting, over = await self.store.page(DisconnectionQuery())
        self.assertEqual((lasting.lost_at, lasting.back_at, lasting.ending), (at(100), None, ""))
        self.assertEqual((over.lost_at, over.back_at, over.ending), (at(10), at(70), "back"))
        self.assertEqual((over.reason, over.last_reason, over.last_detail), ("ended", "status", "503"))
        self.assertEqual((over.camera_name, over.camera_id, over.camera_deleted_at), ("Entrée", 1, None))

    async def test_a_batch_told_again_later_changes_nothing(self) -> None:
        first = [self.state(Status.INACTIVE, "ended", 10), self.state(Status.ACTIVE, "", 20)]
        await self.facts.write(first)
        await self.facts.write([self.state(Status.INACTIVE, "timeout", 30)])
        await self.facts.write(first)
        self.assertEqual([one.back_at for one in await self.store.page(DisconnectionQuery())], [None, at(20)])

    async def test_ignored_is_not_lost(self) -> None:
        await self.facts.write([self.state(Status.INACTIVE, "refused", 5), self.state(Status.IGNORED, "resting", 8)])
        await self.facts.write([self.state(Status.INACTIVE, "connecting", 9)])
        (one,) = await self.store.page(DisconnectionQuery())
        self.assertEqual((one.back_at, one.ending), (at(8), "ignored"))

    async def test_removed(self) -> None:
        """A camera that is removed is lost no more, keeps its name, and is not lost again by what comes late."""
        await self.facts.write([self.state(Status.INACTIVE, "refused", 5)])
        await self.cameras.delete(self.camera.uid, at(50))
        await self.facts.write([self.state(Status.INACTIVE, "timeout", 6)])
        (one,) = await self.store.page(DisconnectionQuery())
        self.assertEqual((one.back_at, one.ending, one.camera_name), (at(50), "removed", "Entrée"))
        self.assertEqual(one.camera_deleted_at, at(50))

    async def test_a_restart(self) -> None:
        """What lasted when the server stopped is told as long as the server knew of it."""
        await self.facts.write([self.state(Status.INACTIVE, "refused", 5)])
        await self.store.seen(at(65))
        await self.store.close()
        await self.facts.write([self.state(Status.INACTIVE, "refused", 300)])
        again, before = await self.store.page(DisconnectionQuery())
        self.assertEqual((before.back_at, before.ending, again.lost_at), (at(65), "stopped", at(300)))

    async def test_asked_for(self) -> None:
        await self.facts.write([self.state(Status.INACTIVE, "ended", 10), self.state(Status.ACTIVE, "", 20)])
        await self.facts.write([self.state(Status.INACTIVE, "refused", 100)])
        uid = self.camera.uid

        async def found(before: tuple[datetime, int] | None = None, **asked: Any) -> list[str]:
            return [one.reason for one in await self.store.page(DisconnectionQuery(**asked), 100, before)]

        self.assertEqual(await found(camera_uids=[uid]), ["refused", "ended"])
        self.assertEqual(await found(camera_uids=[uid + 1]), [])
        self.assertEqual(await found(stop=at(50)), ["ended"])
        self.assertEqual(await found(start=at(50)), ["refused"])
        self.assertEqual(await found(words=[("ENTREE", [])]), ["refused", "ended"])
        self.assertEqual(await found(words=[("entr", []), ("x", ["ended"])]), ["ended"])
        self.assertEqual(await found(words=[("100%", [])]), [])
        (newest,) = await self.store.page(DisconnectionQuery(), 1)
        self.assertEqual(await found((newest.lost_at, newest.id)), ["ended"])


class SearchTests(DatabaseCase):
    """Parts of texts, cameras and states in the journals of alarms, mails and everything."""

    async def test_journal(self) -> None:
        store, facts = Journal(self.database), FactsStore(self.database, LineStore(self.database), Metrics())
        values = {"name": "Ёлка", "address": "10.0.0.5", "status": 503}
        entries = [
            JournalEntry(id=1, at=at(1), kind="system", text="camera_lost_status", values=values, camera_uid=3),
            JournalEntry(id=2, at=at(2), kind="audit", text="camera_added", values={"name": "b"}, user="Zoé"),
        ]
        await facts.write([Noted(entry.id, entry) for entry in entries])

        async def found(**asked: Any) -> list[int]:
            return [entry.id for entry in await store.entries(JournalQuery(**asked))]

        self.assertEqual(await found(), [2, 1])
        self.assertEqual(await found(camera_uids=[3]), [1])
        self.assertEqual(await found(words=[("елка", [])]), [1])
        self.assertEqual(await found(words=[("503", []), ("10.0.0", [])]), [1])
        self.assertEqual(await found(words=[("zoe", [])]), [2])
        self.assertEqual(await found(words=[("address", [])]), [])  # names of values are not said
        self.assertEqual(await found(words=[("removed", ["camera_added"])]), [2])

    async def test_mails(self) -> None:
        store = MailStore(self.database)
        mails = [
            Outgoing(
                key="a", kind="alarm", recipient="anna@shop", subject="Alarme: Entrée", message=b"x", camera_uid=3
            ),
            Outgoing(key="b", kind="life", recipient="boris@shop", subject="Alive", message=b"x", camera_uid=None),
        ]
        ids = await store.take("fact", at(0), mails)
        assert ids is not None
        await store.failed(ids[1], at(5), "recipient", "550 nobody")

        async def found(**asked: Any) -> list[str]:
            return [mail.kind for mail in await store.page(MailQuery(**asked), 10)]

        self.assertEqual(sorted(await found()), ["alarm", "life"])
        self.assertEqual(await found(kind="life"), ["life"])
        self.assertEqual(await found(state="queued"), ["alarm"])
        self.assertEqual(await found(words=["entree", "ANNA"]), ["alarm"])
        self.assertEqual(await found(words=["550"]), ["life"])
        self.assertEqual(await found(camera_uids=[3]), ["alarm"])
        self.assertEqual(await found(stop=at(-1)), [])

    async def test_marks_of_many_alarms(self) -> None:
        """As many as are asked for, parted at the longest pauses: as reckoned alarm by alarm."""
        drawn, store = random.Random(7), AlarmStore(self.database)
        for round_ in range(12):
            await self.database.execute("delete from trigger")
            await self.database.execute("delete from alarm")
            alarms = []
            for number in range(1, drawn.choice((1, 4, 40)) + 1):
                began = at(drawn.randrange(300))
                causes = tuple(drawn.sample(("tcp", "motion", "rule"), drawn.randint(1, 3)))
                until = began + timedelta(seconds=drawn.choice((1, 5, 5, 60)))
                alarms.append(
                    Alarm(
                        id=number,
                        camera_uid=drawn.randint(1, 4),
                        started_at=began,
                        last_at=began,
                        until=until,
                        causes=causes,
                    )
                )
            facts = [AlarmTriggered(one.id, one, Trigger(at=one.started_at, cause="tcp")) for one in alarms]
            await FactsStore(self.database, LineStore(self.database), Metrics()).write(facts)
            for most in (1, 2, 7, 300):
                found = await store.marks(None, at(0), at(1000), most, 1000)
                self.assertEqual(found, joined(alarms, most), (round_, most))

    async def test_alarms(self) -> None:
        facts, store = FactsStore(self.database, LineStore(self.database), Metrics()), AlarmStore(self.database)
        common = {"camera_uid": 3, "causes": ("tcp",)}
        one = Alarm(id=100, started_at=at(0), last_at=at(0), until=at(20), **common)
        two = Alarm(id=101, started_at=at(60), last_at=at(60), until=at(80), camera_uid=4, causes=("motion",))
        trigger = Trigger(at=at(0), cause="tcp", origin="10.0.0.9", message="Porte arrière")
        seen = replace(one, acknowledged_by="anna", acknowledged_at=at(9))
        await facts.write([AlarmTriggered(110, one, trigger), AlarmTriggered(111, two, replace(trigger, message="x"))])
        await facts.write([AlarmAcknowledged(112, seen)])

        async def found(**asked: Any) -> list[int]:
            return [alarm.id for alarm in await store.alarms(AlarmQuery(**asked))]

        self.assertEqual(await found(words=["ARRIERE", "10.0"]), [100])
        self.assertEqual(await found(seen=True), [100])
        self.assertEqual(await found(seen=False), [101])
        self.assertEqual(await found(causes=["motion", "ftp"]), [101])
        marks = await store.marks(None, at(10), at(100), 9, 100)
        self.assertEqual(
            [(mark.start, mark.camera_uids, mark.alarms) for mark in marks], [(at(0), (3,), 1), (at(60), (4,), 1)]
        )
        self.assertEqual(len(await store.marks([4], at(10), at(100), 9, 100)), 1)
        self.assertEqual([mark.start for mark in await store.marks(None, at(10), at(100), 9, 1)], [at(60)])

        self.assertEqual([mark.alarms for mark in await store.marks(None, at(10), at(100), 1, 100)], [2])
        self.assertEqual(await store.marks(None, at(500), at(600), 9, 100), [])

        history = History(self.database, LineStore(self.database), Journal(self.database), store)
        told = await history.since(110, 10)
        self.assertEqual([number for number, _ in told], [111, 112])
        self.assertEqual((told[1][1].alarm, told[1][1].newest.message), (seen, "Porte arrière"))
        await facts.write([AlarmEnded(113, replace(seen, ended_at=at(20)))])
        self.assertEqual([number for number, _ in await history.since(110, 10)], [111, 113])
        self.assertEqual(await LineStore(self.database).last_id(), 113)
