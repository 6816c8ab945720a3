"""What alarms want recorded: which kind of recording it is, what is replayed of it, and how long it stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from support.packets import CLIPS, Clip, duration, pictures
from support.recording import SECOND, START_US, RecordingCase
from twisted.internet import reactor, task

from camtrace import clock
from camtrace.events import AlarmEnded
from camtrace.model import Alarm, AlarmRecording, RegularRecording, Span
from camtrace.recording.housekeeping import Housekeeping
from camtrace.recording.repair import Repair
from camtrace.store.alarms import AlarmStore

H264 = CLIPS / "vtest_h264_baseline.mp4"
DAY_US = 86_400 * SECOND


def at(seconds: float) -> datetime:
    return clock.from_us(START_US + int(seconds * SECOND))


class Case(RecordingCase):
    def feed(self, sink: object, packets: list) -> None:
        for coming in packets:
            sink.packet(coming.track, coming.packet, START_US + coming.at_us)

    async def store_alarm(self, start: float, stop: float, id: int = 1) -> None:
        """An alarm of the camera wanted this recorded."""
        alarm = Alarm(
            id=id,
            camera_uid=self.camera.uid,
            started_at=at(start),
            last_at=at(start),
            until=at(stop),
            ended_at=at(stop),
            recorded_from=at(start),
            causes=("tcp",),
        )

        async def work(cursor: object) -> None:
            await AlarmStore.insert(cursor, [AlarmEnded(id, alarm)])

        await self.database.transaction("alarm", work)

    async def spans(self, kind: str) -> list[Span]:
        return await self.footage.spans(self.camera.uid, kind, at(-100), at(1000))

    def lengths(self, spans: list[Span]) -> list[float]:
        return [round((span.stop - span.start) / timedelta(seconds=1), 1) for span in spans]


class Kinds(Case):
    """Regular recording switched off and on while an alarm lasts."""

    def wants(self, calendar: str, alarmed: bool) -> None:
        self.cameras.cameras[self.camera.uid] = replace(self.camera, regular=RegularRecording(calendar))
        self.alarmed.clear()
        if alarmed:
            self.alarmed.add(self.camera.uid)
        self.recording.refresh()

    async def test_only_for_an_alarm(self) -> None:
        """Recorded from before the alarm; no regular recording; replayed over the alarm's span exactly."""
        self.wants("never", False)
        clip = Clip(H264, 2)
        sink = self.recording.sink(self.cameras.by_uid(self.camera.uid))
        sink.begin(clip.tracks)
        self.feed(sink, [each for each in clip.packets if each.at_us < 10 * SECOND])
        self.wants("never", True)
        self.feed(sink, [each for each in clip.packets if 10 * SECOND <= each.at_us < 15 * SECOND])
        self.wants("never", False)
        self.feed(sink, [each for each in clip.packets if each.at_us >= 15 * SECOND])
        sink.end("stopped")
        await self.restart()
        await self.store_alarm(6, 14)
        self.assertEqual(await self.spans("regular"), [])
        self.assertEqual(await self.spans("alarm"), [Span(at(6), at(14))])
        (kept,) = await self.spans("all")
        self.assertTrue(kept.start <= at(5) and kept.stop >= at(15), kept)
        self.assertTrue(all("-alarm.mp4" in path.name for path in self.files()))
        reading = await self.footage.open(self.camera, "alarm", at(-100), at(1000))
        first = (await reading.next()).samples[0].at_us
        self.assertTrue(at(2) <= clock.from_us(first) <= at(6))
        reading.close()
        self.assertIsNone(await self.footage.open(self.camera, "regular", at(-100), at(1000)))

    async def test_an_alarm_that_was_over_when_it_was_raised(self) -> None:
        """What is still in memory of it is recorded: so much more is kept as alarms may be raised late."""
        self.reach = 4.0
        self.wants("never", False)
        clip = Clip(H264, 2)
        sink = self.recording.sink(self.cameras.by_uid(self.camera.uid))
        sink.begin(clip.tracks)
        self.feed(sink, [each for each in clip.packets if each.at_us < 15 * SECOND])
        self.recording.alarm_passed(self.camera.uid)
        self.feed(sink, [each for each in clip.packets if 15 * SECOND <= each.at_us < 16 * SECOND])
        self.recording._kept_back[self.camera.uid].reset(0)
        await task.deferLater(reactor, 0)
        self.feed(sink, [each for each in clip.packets if each.at_us >= 16 * SECOND])
        sink.end("stopped")
        await self.restart()
        (kept,) = await self.spans("all")
        self.assertTrue(kept.start <= at(6) and at(15) < kept.stop < at(22), kept)

    async def test_several_alarms(self) -> None:
        """A player and a download get what three alarms wanted and nothing between: two in one group of pictures on
        end, the third after a gap, which a download closes up or keeps."""
        clip = Clip(H264, 2)
        clip.play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart()
        keys = [each.at_us / SECOND for each in clip.keyframes()]
        third, fourth, fifth = keys[2:5]
        await self.store_alarm(third, third + 0.3, 1)
        await self.store_alarm(third + 0.5, third + 1, 2)
        await self.store_alarm(fifth, fifth + 0.6, 3)
        self.assertLess(third + 1, fourth)
        shown = pictures(H264) * 2
        wanted = [(third, third + 1), (fifth, fifth + 0.6)]
        reading = await self.footage.open(self.camera, "alarm", at(-100), at(1000))
        played = []
        while (chunk := await reading.next()) is not None:
            played += [(sample.at_us - START_US) / SECOND for sample in chunk.samples]
        instants = [each.at_us / SECOND for each in clip.packets]
        self.assertEqual(played, [one for one in instants if any(start <= one < stop for start, stop in wanted)])
        for absolute in (False, True):
            mp4 = await self.footage.mp4(self.camera, "alarm", at(-100), at(1000), absolute=absolute)
            whole = await mp4.read(0, mp4.length)
            self.assertEqual(b"".join([await mp4.read(n, 997) for n in range(0, mp4.length, 997)]), whole)
            found = pictures(whole)
            first = shown[round(third * 10) :][: len(found)]
            parts = next(n for n, (one, other) in enumerate(zip(found, first, strict=True)) if one != other)
            self.assertTrue(10 <= parts <= 14, parts)  # whole fragments
            self.assertTrue(6 <= len(found) - parts <= 10, len(found))
            self.assertEqual(found[parts:], shown[round(fifth * 10) :][: len(found) - parts])
            seconds = fifth - third + 0.1 * (len(found) - parts) if absolute else 0.1 * len(found)
            self.assertAlmostEqual(duration(whole), seconds, delta=0.05)

    async def test_regular_begins_and_ends_meanwhile(self) -> None:
        """Files change their kind at a key frame, and no picture is missing between them."""
        clip = Clip(H264, 3)
        self.wants("never", True)
        sink = self.recording.sink(self.cameras.by_uid(self.camera.uid))
        sink.begin(clip.tracks)
        self.feed(sink, [each for each in clip.packets if each.at_us < 10 * SECOND])
        self.wants("always", True)
        self.feed(sink, [each for each in clip.packets if 10 * SECOND <= each.at_us < 20 * SECOND])
        self.wants("never", True)
        self.feed(sink, [each for each in clip.packets if each.at_us >= 20 * SECOND])
        sink.end("stopped")
        await self.restart()
        (whole,) = await self.spans("all")
        self.assertAlmostEqual((whole.stop - whole.start).total_seconds(), 36, delta=0.3)
        (regular,) = await self.spans("regular")
        self.assertTrue(at(10) <= regular.start <= at(15) and at(20) <= regular.stop <= at(25), regular)
        reading = await self.footage.open(self.camera, "all", at(-10), at(100))
        count = 0
        while (chunk := await reading.next()) is not None:
            count += len(chunk.samples)
        self.assertEqual(count, len(clip.packets))

    async def test_known_after_a_crash(self) -> None:
        """A file that only an alarm wanted says so by its name, when its row is lost."""
        self.wants("never", True)
        Clip(H264).play(self.recording.sink(self.cameras.by_uid(self.camera.uid)), START_US, "stopped")
        await self.stop()
        await self.database.execute("truncate segment")
        self.recording = await self.launch()
        self.assertEqual(await self.spans("regular"), [])
        self.assertEqual(len(await self.spans("all")), 1)


class Staying(Case):
    """What an alarm wants outlives the rest."""

    segment_us = 4 * SECOND

    async def setUp(self) -> None:
        await super().setUp()
        Clip(H264, 2).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart()
        await self.store_alarm(9, 10)
        self.before = self.files()
        self.volume = self.recording.volumes[0]

    def housekeeping(self, after_days: float, **options: object) -> Housekeeping:
        repair = Repair(self.segments, None, self.recording._pools, lambda *_: None, self.ids.next)
        return Housekeeping(
            self.segments,
            self.cameras,
            repair,
            self.recording._pools,
            lambda *_: None,
            now_us=lambda: START_US + int(after_days * DAY_US),
            **{"keep_free": 0, "days": lambda: (0, 0), **options},
        )

    async def test_days(self) -> None:
        """After the days of the rest the files that an alarm touches are still there, whole; then they go as well."""
        housekeeping = self.housekeeping(11, days=lambda: (10, 0))
        told = [await housekeeping.leaving(*days) for days in ((10, 0), (0, 0), (12, 10), (10, 12))]
        await housekeeping.expire([self.volume])
        left = self.files()
        gone = len(self.before) - len(left)
        self.assertEqual([each.count["files"] for each in told], [gone, 0, 0, gone])
        self.assertGreater(told[0].count["bytes"], 0)
        self.assertLess(told[0].oldest, clock.from_us(START_US + SECOND))
        self.assertEqual((await housekeeping.leaving(10, 0)).count["files"], 0)
        self.assertEqual((await housekeeping.leaving(10, 10)).count["files"], len(left), "what alarms recorded, too")
        self.assertTrue(0 < len(left) <= 2 < len(self.before), left)
        self.assertEqual(self.lengths(await self.spans("alarm")), [1.0])
        await self.housekeeping(21, days=lambda: (10, 30)).expire([self.volume])
        self.assertEqual(self.files(), left)
        await self.housekeeping(31, days=lambda: (10, 30)).expire([self.volume])
        self.assertEqual(self.files(), [])

    async def test_own_days(self) -> None:
        """The camera's own days of alarms count before those of all."""
        self.cameras.cameras[self.camera.uid] = replace(self.camera, alarm=AlarmRecording(days=15))
        await self.housekeeping(14, days=lambda: (10, 30)).expire([self.volume])
        self.assertTrue(self.files())
        await self.housekeeping(16, days=lambda: (10, 30)).expire([self.volume])
        self.assertEqual(self.files(), [])

    async def test_last_for_want_of_room(self) -> None:
        """The oldest goes first, but what an alarm wants only when there is nothing else."""
        order = []
        while self.files():
            oldest = await self.segments.oldest(self.volume.name, 1)
            oldest = oldest or await self.segments.oldest(self.volume.name, 1, of_alarms=True)
            order.append(oldest[0].started_us)
            await self.segments.discard(oldest)
            (self.folder / oldest[0].path).unlink()
        touched = [start for start in order if 5 * SECOND < start - START_US < 10 * SECOND]
        self.assertEqual(order[-len(touched) :], touched)
        self.assertEqual(order[: -len(touched)], sorted(order[: -len(touched)]))
