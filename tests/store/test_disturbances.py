"""When the server did not run and cameras were lost, as the journals tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.database import DatabaseCase
from support.rules import said, told

from camtrace.events import CameraStateChanged, Noted
from camtrace.metrics import Metrics
from camtrace.model import CameraState, JournalEntry, Span, Status
from camtrace.store.cameras import CameraStore
from camtrace.store.disturbances import Disturbances
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


class DisturbanceTests(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate journal, line, ticket, camera, camera_state, disconnection cascade")
        self.facts = FactsStore(self.database, LineStore(self.database), Metrics())
        self.store = Disturbances(self.database)

    async def note(self, number: int, text: str, minutes: float, kind: str = "system") -> None:
        await self.facts.write(
            [Noted(number, JournalEntry(id=number, at=at(minutes), kind=kind, text=text, values={}))]
        )

    async def test_when_the_server_did_not_run(self) -> None:
        """From an orderly stop, or from the last that a killed server stored; until it runs again."""
        self.assertEqual(await self.store.outages(at(-60), at(60), starting=True), [])
        await self.note(1, "started", -30)  # the first start is no outage
        await self.note(2, "stopped", 0)
        await self.note(3, "started", 1)
        await self.facts.write([told(said(120, "A"))])
        await self.note(4, "started", 10)
        await self.note(5, "exception_reviewed", 12, "audit")
        orderly, killed = Span(at(0), at(1)), Span(at(2), at(10))
        self.assertEqual(await self.store.outages(at(-60), at(60)), [orderly, killed])
        self.assertEqual(await self.store.outages(at(0.5), at(1.5)), [orderly])
        self.assertEqual(await self.store.outages(at(5), at(60)), [killed])
        self.assertEqual(await self.store.outages(at(11), at(60)), [])
        self.assertEqual(await self.store.outages(at(11), at(60), starting=True), [Span(at(12), at(60))])
        await self.note(6, "stopped", 20)
        self.assertEqual(await self.store.outages(at(30), at(60), starting=True), [Span(at(20), at(60))])

    async def test_which_cameras_were_lost(self) -> None:
        camera = await CameraStore(self.database).create({"name": "Till", "url": "rtsp://x/"}, NOON)

        async def state(number: int, status: Status, minutes: float) -> None:
            change = CameraState(camera.uid, status, "timeout" if status != Status.ACTIVE else "", at(minutes))
            await self.facts.write([CameraStateChanged(number, change)])

        await state(11, Status.INACTIVE, 1)
        await state(12, Status.ACTIVE, 3)
        await state(13, Status.ERROR, 20)
        self.assertEqual(await self.store.losses(at(0), at(10)), [(camera.uid, Span(at(1), at(3)))])
        self.assertEqual(await self.store.losses(at(3.5), at(10)), [])
        self.assertEqual(await self.store.losses(at(5), at(30)), [(camera.uid, Span(at(20), at(30)))])
