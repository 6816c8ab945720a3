"""The index of footage in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from support.database import DatabaseCase

from camtrace.model import Gap, Segment, key_frames
from camtrace.store.segments import GapStore, SegmentStore, VolumeStore

SECOND = 1_000_000
MINUTE = 60 * SECOND
START = 1_709_215_200 * SECOND
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def segment(number: int, run: int = START, uid: int = 3, **changes: object) -> Segment:
    started = START + number * MINUTE
    frames = key_frames([(800, started), (50_000, started + 30 * SECOND)], started + MINUTE, 100_000)
    path = f"{uid}/2024-02-29/{started}-main-{run}.mp4"
    made = Segment(
        number + uid * 1000, uid, "main", run, "/footage", path, started, started + MINUTE, 5, 100_000, (), frames
    )
    return replace(made, **changes)


class Case(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate segment, gap, garbage, volume cascade")
        self.store = SegmentStore(self.database)
        await VolumeStore(self.database).add("/footage", "abc", NOW)


class Segments(Case):
    async def test_comes_back(self) -> None:
        """Whole, the key frames included; saving it again changes the row, it does not double it."""
        await self.store.save(replace(segment(0), open=True, keyframes=(), ended_us=START))
        await self.store.save(segment(0))
        self.assertEqual(await self.store.around(3, "main", START), [segment(0)])

    async def test_around(self) -> None:
        for number in range(5):
            await self.store.save(segment(number))
        found = await self.store.around(3, "main", START + 2 * MINUTE + SECOND, 2)
        self.assertEqual(found, [segment(2), segment(3)])
        self.assertEqual(await self.store.around(3, "main", START - 1, 1), [segment(0)])
        self.assertEqual(await self.store.around(4, "main", START), [])
        self.assertEqual(await self.store.before(3, "main", START + MINUTE), segment(0))
        self.assertIsNone(await self.store.before(3, "main", START))

    async def test_spans(self) -> None:
        """A run is one span, unless something of it is missing; another run is another span."""
        for number, run in ((0, 1), (1, 1), (2, 2), (3, 2), (5, 2)):
            await self.store.save(segment(number, run))
        await self.store.save(segment(6, 2, open=True))
        spans = await self.store.spans(3, "main", START, START + 10 * MINUTE)
        minutes = [(run, (a - START) // MINUTE, (b - START) // MINUTE) for run, a, b in spans]
        self.assertEqual(minutes, [(1, 0, 2), (2, 2, 4), (2, 5, 6)])
        self.assertEqual(len(await self.store.spans(3, "main", START + 4 * MINUTE, START + 5 * MINUTE)), 0)

    async def test_oldest_and_ages(self) -> None:
        for number in (2, 0, 1):
            await self.store.save(segment(number))
        await self.store.save(segment(0, uid=9, open=True))
        self.assertEqual([s.started_us for s in await self.store.oldest("/footage", 2)], [START, START + MINUTE])
        self.assertEqual(await self.store.ended_before(3, START + MINUTE + 1, 9), [segment(0)])
        self.assertEqual(await self.store.camera_uids(), [3, 9])
        self.assertEqual(await self.store.last_ended_us(3, "main"), START + 3 * MINUTE)
        self.assertIsNone(await self.store.last_ended_us(9, "main"))

    async def test_discard(self) -> None:
        await self.store.save(segment(0))
        await self.store.discard([segment(0)])
        self.assertEqual(await self.store.around(3, "main", START), [])
        self.assertEqual(await self.store.garbage("/footage"), [segment(0).path])
        await self.store.forget("/footage", [segment(0).path])
        self.assertEqual(await self.store.garbage("/footage"), [])

    async def test_for_repair(self) -> None:
        await self.store.save(segment(0))
        await self.store.save(segment(1, open=True))
        self.assertEqual([s.path for s in await self.store.unfinished("/footage")], [segment(1).path])
        self.assertEqual(await self.store.latest_start_us("/footage"), START + MINUTE)
        self.assertEqual(await self.store.paths_since("/footage", START + 1), {segment(1).path})
        self.assertEqual(await self.store.at_path("/footage", segment(0).path), segment(0))
        await self.store.drop(segment(0))
        self.assertIsNone(await self.store.at_path("/footage", segment(0).path))


class Gaps(Case):
    async def test_life(self) -> None:
        store = GapStore(self.database)
        gap = Gap(3, NOW, None, "camera")
        await store.save(gap)
        self.assertEqual(await store.lasting(), [gap])
        self.assertEqual(await store.within(3, NOW + timedelta(hours=1), NOW + timedelta(hours=2)), [gap])
        ended = replace(gap, stop=NOW + timedelta(seconds=3))
        await store.save(ended)
        self.assertEqual(await store.lasting(), [])
        self.assertEqual(await store.within(3, NOW, NOW + timedelta(hours=1)), [ended])
        self.assertEqual(await store.within(3, NOW + timedelta(hours=1), NOW + timedelta(hours=2)), [])

    async def test_without_length(self) -> None:
        """A gap that turns out to be none is taken away."""
        store = GapStore(self.database)
        await store.save(Gap(3, NOW, None, "camera"))
        await store.save(Gap(3, NOW, NOW, "camera"))
        self.assertEqual(await store.within(3, NOW - timedelta(hours=1), NOW + timedelta(hours=1)), [])


class Volumes(Case):
    async def test_moved(self) -> None:
        """A disk that is mounted elsewhere keeps its footage."""
        await self.store.save(segment(0))
        await VolumeStore(self.database).add("/new", "abc", NOW)
        self.assertEqual(await VolumeStore(self.database).known(), {"/new": "abc"})
        self.assertEqual([s.volume for s in await self.store.around(3, "main", START)], ["/new"])
