"""Cameras as rows: numbers are reused, uids never."""

from __future__ import annotations

from support.database import DatabaseCase

from camtrace import clock
from camtrace.errors import Conflict, NotFound
from camtrace.model import (
    AlarmRecording,
    CameraEvents,
    CameraMail,
    CameraState,
    Contact,
    MotionSettings,
    Point,
    RegularRecording,
    Status,
    Zone,
)
from camtrace.store.cameras import CameraStore


class CameraStoreTests(DatabaseCase):
    """Create, change, delete."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate camera cascade")
        self.store = CameraStore(self.database)

    async def _create(self, name: str, **fields: object):
        return await self.store.create({"name": name, **fields}, clock.now())

    async def test_round_trip(self) -> None:
        """What is written is read again, nested settings too."""
        camera = await self._create(
            "Till 7",
            url="rtsp://10.0.0.7/",
            overlay_ids=("7", "07"),
            password=b"sealed",
            regular=RegularRecording("never", 30),
            alarm=AlarmRecording("always", 1, 2),
            mail=CameraMail("always", 5, 6),
            motion=MotionSettings(
                True, (Zone("door", (Point(0, 0), Point(0.5, 0), Point(1, 1)), True),), 80, 5, 20, 0.4
            ),
            events=CameraEvents(True, False, True, False, (Contact("Rear", "closed", (7, 8), False, "DI_1"),)),
        )
        self.assertEqual(await self.store.all(), [camera])
        self.assertEqual((camera.id, camera.overlay_ids, camera.regular.days), (1, ("7", "07"), 30))

    async def test_motion_from_the_start(self) -> None:
        """A camera that was never set so detects none, with every setting at its default."""
        self.assertEqual((await self._create("a")).motion, MotionSettings())

    async def test_events_from_the_start(self) -> None:
        """A camera that was never set so is not asked for its events."""
        self.assertEqual((await self._create("a")).events, CameraEvents())

    async def test_lowest_free_number(self) -> None:
        """A deleted camera's number goes to the next one; its uid does not."""
        first, second, third = [await self._create(name) for name in "abc"]
        self.assertEqual([first.id, second.id, third.id], [1, 2, 3])
        await self.store.delete(second.uid, clock.now())
        again = await self._create("d")
        self.assertEqual(again.id, 2)
        self.assertNotEqual(again.uid, second.uid)
        self.assertEqual([camera.uid for camera in await self.store.deleted()], [second.uid])
        self.assertEqual((await self.store.by_uid(second.uid)).name, "b")

    async def test_update(self) -> None:
        """A number in use is refused, a missing camera named."""
        first, second = await self._create("a"), await self._create("b")
        self.assertEqual((await self.store.update(first.uid, {"id": 9, "name": "z"})).id, 9)
        with self.assertRaises(Conflict):
            await self.store.update(second.uid, {"id": 9})
        await self.store.delete(second.uid, clock.now())
        for attempt in (self.store.update(second.uid, {"name": "x"}), self.store.delete(second.uid, clock.now())):
            with self.assertRaises(NotFound):
                await attempt

    async def test_states_twice(self) -> None:
        """The same fact written twice is one row."""
        camera = await self._create("a")
        state = (5, CameraState(camera.uid, Status.ERROR, "refused", clock.now()))
        for _ in range(2):
            await self.database.transaction("states", lambda cursor: CameraStore.insert_states(cursor, [state]))
        self.assertEqual(len(await self.rows("select 1 from camera_state")), 1)
