"""Clips recorded on a real volume and database, read again, lost, mended, deleted."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from support.packets import CLIPS, Clip, duration, pictures, with_sound
from support.recording import SECOND, START_US, RecordingCase
from twisted.internet import defer, reactor, task

from camtrace import clock
from camtrace.errors import StartError
from camtrace.events import GapBegan, GapEnded, SegmentFinished, VolumeStateChanged
from camtrace.media import boxes
from camtrace.model import Camera, RegularRecording
from camtrace.recording import repair
from camtrace.recording.writer import FileSystem

H264 = CLIPS / "vtest_h264_baseline.mp4"
B_FRAMES = CLIPS / "vtest_h264_main_bframes.mp4"
HOUR = 3600 * SECOND


class Replay(RecordingCase):
    """What was recorded comes back, frame by frame."""

    async def record(self, path: Path, times: int = 2) -> Clip:
        clip = Clip(path, times)
        clip.play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart()
        return clip

    async def test_every_frame(self) -> None:
        """Over several files: the samples are those of the camera, times grow, nothing is broken."""
        for path in (H264, B_FRAMES, CLIPS / "vtest_h265.mp4", CLIPS / "vtest_mjpeg.mkv"):
            await self.database.execute("truncate segment, gap")
            clip = await self.record(path)
            self.assertGreater(len(self.files()), 2)
            chunks = await self.all_samples(START_US, START_US + HOUR)
            samples = [sample for chunk in chunks for sample in chunk.samples]
            self.assertEqual(len(samples), len(clip.packets), path.name)
            self.assertTrue(samples[0].key)
            self.assertEqual(sorted(sample.dts for sample in samples), [sample.dts for sample in samples])
            self.assertFalse(any(chunk.discontinuity for chunk in chunks))
            self.assertLess(abs(samples[0].at_us - START_US), SECOND / 4)
            for file in self.files():
                file.unlink()

    async def test_sound(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            clip = await self.record(with_sound(Path(folder)), 1)
        chunks = await self.all_samples(START_US, START_US + HOUR)
        self.assertEqual([track.codec for track in chunks[0].tracks], ["h264", "aac"])
        sound = [sample.data for chunk in chunks for sample in chunk.samples if sample.track == 1]
        first = next(n for n, coming in enumerate(clip.packets) if coming.packet.is_keyframe and coming.track == 0)
        self.assertEqual(sound, [bytes(coming.packet) for coming in clip.packets[first:] if coming.track])
        start, stop = clock.from_us(START_US), clock.from_us(START_US + 5 * SECOND)
        alone = await self.footage.sound(self.camera, start, stop)
        assert alone is not None
        self.assertEqual(b"".join(sound)[:8], alone.content[alone.content.index(b"mdat") + 4 :][:8])
        self.assertLess(abs(alone.stop_us - clock.to_us(stop)), SECOND // 10)
        self.assertIsNone(await self.footage.sound(self.camera, stop + timedelta(hours=1), stop + timedelta(hours=2)))

    async def test_from_the_middle(self) -> None:
        """A reading begins at the last key frame before the instant, and ends before the other."""
        clip = await self.record(H264)
        keys = [START_US + key.at_us for key in clip.keyframes()]
        asked = keys[3] + SECOND // 2
        chunks = await self.all_samples(asked, asked + 5 * SECOND)
        samples = [sample for chunk in chunks for sample in chunk.samples]
        self.assertLess(abs(samples[0].at_us - keys[3]), 1000)
        self.assertTrue(samples[0].key)
        self.assertLess(samples[-1].at_us, asked + 5 * SECOND)
        self.assertGreater(samples[-1].at_us, asked + 4.8 * SECOND)

    async def test_seek(self) -> None:
        clip = await self.record(H264)
        keys = [START_US + key.at_us for key in clip.keyframes()]
        reading = await self.footage.open(
            self.camera, "regular", clock.from_us(START_US), clock.from_us(START_US + HOUR)
        )
        await reading.next()
        for key_us in (keys[-2], keys[1]):
            await reading.seek(clock.from_us(key_us + 100_000))
            chunk = await reading.next()
            self.assertLess(abs(chunk.samples[0].at_us - key_us), 1000)
        await reading.seek(clock.from_us(START_US + 2 * HOUR))
        self.assertIsNone(await reading.next())

    async def test_nothing_there(self) -> None:
        await self.record(H264)
        for start_us, stop_us in ((START_US - HOUR, START_US), (START_US + HOUR, START_US + 2 * HOUR)):
            instants = clock.from_us(start_us), clock.from_us(stop_us)
            self.assertIsNone(await self.footage.open(self.camera, "regular", *instants))
            self.assertIsNone(await self.footage.mp4(self.camera, "regular", *instants))
            self.assertEqual(await self.footage.spans(self.camera.uid, "regular", *instants), [])
        whole = clock.from_us(START_US), clock.from_us(START_US + HOUR)
        self.assertIsNone(await self.footage.open(self.camera, "regular", *reversed(whole)))
        self.assertIsNone(await self.footage.open(self.camera, "alarm", *whole))

    async def test_download(self) -> None:
        """The clip as one file: every picture in it, the same bytes however it is cut into requests."""
        for path in (H264, B_FRAMES):
            await self.database.execute("truncate segment, gap")
            await self.record(path)
            mp4 = await self.footage.mp4(
                self.camera, "regular", clock.from_us(START_US), clock.from_us(START_US + HOUR)
            )
            whole = await mp4.read(0, mp4.length)
            self.assertEqual(len(whole), mp4.length)
            self.assertEqual(pictures(whole), pictures(path) * 2)
            step = 10_007
            parts = [await mp4.read(offset, step) for offset in range(0, mp4.length, step)]
            self.assertEqual(b"".join(parts), whole)
            self.assertTrue(mp4.mime.startswith('video/mp4; codecs="avc1.'), mp4.mime)
            for file in self.files():
                file.unlink()

    async def test_download_up_to_a_key_frame(self) -> None:
        """A clip whose end is the very instant of a key frame has everything before it."""
        await self.record(H264)
        span = (clock.from_us(START_US), clock.from_us(START_US + HOUR))
        reading = await self.footage.open(self.camera, "regular", *span)
        keys = []
        while (chunk := await reading.next()) is not None:
            keys += [sample.at_us for sample in chunk.samples if sample.key and sample.track == 0]
        reading.close()
        self.assertGreater(len(keys), 2)
        for key_us in keys[1:]:
            mp4 = await self.footage.mp4(self.camera, "regular", span[0], clock.from_us(key_us))
            self.assertEqual(pictures(await mp4.read(0, mp4.length))[:1], pictures(H264)[:1])
            self.assertLess(abs(clock.to_us(mp4.stop) - key_us), 1000)

    async def test_picture(self) -> None:
        clip = await self.record(H264)
        key = clip.keyframes()[2]
        at = clock.from_us(START_US + key.at_us + SECOND // 2)
        self.assertEqual((await self.footage.picture(self.camera, at))[:5], b"h264 ")
        self.assertIsNone(await self.footage.picture(self.camera, clock.from_us(START_US - HOUR)))


class Growing(RecordingCase):
    """What is being recorded at this moment can be replayed."""

    async def test_follow(self) -> None:
        """Spans reach into the open file, and a reading that follows goes on with what comes."""
        clip = Clip(H264, 2)
        recorder = self.recording.sink(self.camera)
        recorder.begin(clip.tracks)
        half = len(clip.packets) // 2
        for coming in clip.packets[:half]:
            recorder.packet(coming.track, coming.packet, START_US + coming.at_us)
        growth = self.recording.index.growth(self.camera.uid)
        while not (spans := await self.spans()) or spans[-1].stop < clock.from_us(START_US + 11 * SECOND):
            await growth
            growth = self.recording.index.growth(self.camera.uid)  # before looking, or the last one is missed
        self.assertEqual(len(spans), 1)
        reading = await self.footage.open(
            self.camera, "regular", clock.from_us(START_US), clock.from_us(START_US + SECOND), follow=True
        )
        self.assertIsNone(reading.stop)
        samples = []
        for coming in clip.packets[half:]:
            recorder.packet(coming.track, coming.packet, START_US + coming.at_us)
        recorder.end("ended")
        while len(samples) < len(clip.packets):
            samples += (await reading.next()).samples
        self.assertEqual(len(samples), len(clip.packets))
        answer = defer.ensureDeferred(reading.next())
        reading.close()
        self.assertIsNone(await answer)

    async def spans(self):
        day = clock.from_us(START_US - HOUR), clock.from_us(START_US + HOUR)
        return await self.footage.spans(self.camera.uid, "regular", *day)


class Breaks(RecordingCase):
    """Restarts, lost cameras, full disks: spans end, gaps say why."""

    async def gaps(self):
        return await self.footage.gaps(self.camera.uid, clock.from_us(START_US - HOUR), clock.from_us(START_US + HOUR))

    async def spans(self):
        return await self.footage.spans(
            self.camera.uid, "regular", clock.from_us(START_US - HOUR), clock.from_us(START_US + HOUR)
        )

    async def test_camera_lost(self) -> None:
        recorder = self.recording.sink(self.camera)
        metrics = self.metrics
        Clip(H264).play(recorder, START_US)
        Clip(H264).play(recorder, START_US + 60 * SECOND, "stopped")
        await self.restart()
        first, second = await self.spans()
        gap = (await self.gaps())[0]
        self.assertEqual((gap.start, gap.stop, gap.cause), (first.stop, second.start, "camera"))
        chunks = await self.all_samples(START_US, START_US + HOUR)
        self.assertEqual([chunk.discontinuity for chunk in chunks].count(True), 1)
        lost = (gap.stop - gap.start).total_seconds()
        self.assertEqual(metrics.value("camtrace_camera_gap_seconds_total", camera=1, cause="camera"), lost)
        self.assertEqual(len(self.facts_of(GapEnded)), 1)

    async def test_orderly_restart(self) -> None:
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart()
        Clip(H264).play(self.recording.sink(self.camera), START_US + 60 * SECOND, "stopped")
        await self.restart()
        first, second = await self.spans()
        gap = (await self.gaps())[0]
        self.assertEqual((gap.start, gap.stop, gap.cause), (first.stop, second.start, "restart"))

    async def test_never_recorded(self) -> None:
        """A camera that is not to be recorded has no footage and no gap."""
        self.cameras.cameras[3] = camera = Camera(3, 1, "till", regular=RegularRecording("never"))
        Clip(H264).play(self.recording.sink(camera), START_US)
        self.recording.camera_down(3)
        await self.restart()
        self.assertEqual((self.files(), await self.gaps()), ([], []))

    async def test_switched_off_and_on(self) -> None:
        clip = Clip(H264, 3)
        recorder = self.recording.sink(self.camera)
        recorder.begin(clip.tracks)
        for coming in clip.packets:
            wanted = not 10 * SECOND < coming.at_us < 20 * SECOND
            calendar = "always" if wanted else "never"
            if self.cameras.cameras[3].regular.calendar != calendar:
                self.cameras.cameras[3] = Camera(3, 1, "till", regular=RegularRecording(calendar))
                self.recording.refresh()
            recorder.packet(coming.track, coming.packet, START_US + coming.at_us)
        recorder.end("stopped")
        await self.restart()
        self.assertEqual(len(await self.spans()), 2)

    async def test_download_closes_up_gaps(self) -> None:
        recorder = self.recording.sink(self.camera)
        Clip(H264).play(recorder, START_US)
        Clip(H264).play(recorder, START_US + 600 * SECOND, "stopped")
        await self.restart()
        span = clock.from_us(START_US), clock.from_us(START_US + HOUR)
        mp4 = await self.footage.mp4(self.camera, "regular", *span)
        whole = await mp4.read(0, mp4.length)
        self.assertEqual(pictures(whole), pictures(H264) * 2)
        self.assertLess(abs(duration(whole) - 24), 0.2)
        absolute = await self.footage.mp4(self.camera, "regular", *span, absolute=True)
        whole = await absolute.read(0, absolute.length)
        self.assertLess(abs(duration(whole) - 612), 0.2)

    async def test_full_disk(self) -> None:
        """The disk is full in the middle: a gap, a changed state; when there is room again recording goes on."""
        await self.stop()
        self.disk = Failing(40)
        self.recording = await self.launch()
        clip = Clip(H264, 3)
        recorder = self.recording.sink(self.camera)
        recorder.begin(clip.tracks)
        for number, coming in enumerate(clip.packets):
            recorder.packet(coming.track, coming.packet, START_US + coming.at_us)
            if number % 20 == 0:
                await self.disk.settled(self.recording)
            if number == 250:
                self.disk.left = 1000
                self.recording.volumes[0].writer.resume()
        recorder.end("stopped")
        self.assertTrue(self.disk.failed)
        await self.restart()
        spans = await self.spans()
        self.assertEqual(len(spans), 2)
        gap = (await self.gaps())[0]
        self.assertEqual((gap.start, gap.stop, gap.cause), (spans[0].stop, spans[1].start, "disk"))
        self.assertIn("full", [fact.state for fact in self.facts_of(VolumeStateChanged)])
        self.assertTrue(any(text == "volume_stuck" for text, _ in self.notes))


class Failing(FileSystem):
    """A disk with room for so many writes."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.failed = False

    def write(self, descriptor: int, data: bytes) -> None:
        if self.left <= 0:
            self.failed = True
            os.write(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        self.left -= 1
        super().write(descriptor, data)

    async def settled(self, recording) -> None:
        """Everything queued so far is written or refused."""
        while recording.volumes[0].writer.queued_bytes:
            await task.deferLater(reactor, 0.002)
        await task.deferLater(reactor, 0)


class Mending(RecordingCase):
    """Start-up after an end that was none."""

    async def record_and_crash(self, cut: int) -> tuple[Clip, Path]:
        """Record, then pretend the process died with the last file open and `cut` bytes of it not written."""
        clip = Clip(H264)
        clip.play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        last = self.files()[-1]
        name = str(last.relative_to(self.folder))
        await self.database.execute(
            "update segment set open = true, ended_us = started_us, keyframes = '' where path = %s", (name,)
        )
        with last.open("r+b") as file:
            file.truncate(last.stat().st_size - cut)
        return clip, last

    async def test_cut_anywhere(self) -> None:
        """Wherever the last fragment is cut: at most it is lost, and everything before is found again."""
        clip, last = await self.record_and_crash(0)
        whole = last.read_bytes()
        layout = self.places(last)
        offset, length = layout[-1]
        before = await self.count_after_start(last)
        for kept in (0, 1, 7, 8, 9, 60, 120, length // 2, length - 1):
            last.write_bytes(whole[: offset + kept])
            await self.database.execute("update segment set open = true where path = %s", (self.name(last),))
            count = await self.count_after_start(last)
            self.assertEqual(last.stat().st_size, offset)
            self.assertLess(count, before)
            self.assertGreaterEqual(count, before - 6)
        self.assertEqual(before, len(clip.packets))

    def name(self, path: Path) -> str:
        return str(path.relative_to(self.folder))

    def places(self, path: Path) -> list[tuple[int, int]]:
        with path.open("rb") as file:
            start = boxes.init_length(file.read(65536))
            return [(p.offset, p.length) for p in boxes.fragments(file, start, path.stat().st_size)]

    async def count_after_start(self, last: Path) -> int:
        await self.restart()
        rows = await self.rows("select open from segment where path = %s", (self.name(last),))
        self.assertEqual(rows, [(False,)])
        chunks = await self.all_samples(START_US, START_US + HOUR)
        return sum(len(chunk.samples) for chunk in chunks)

    async def test_file_without_a_row(self) -> None:
        """The database was away when it was made: it is indexed from the file alone."""
        clip = Clip(H264)
        clip.play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        before = await self.rows("select run, path, started_us, ended_us, start_ticks, bytes, keyframes from segment")
        await self.database.execute("delete from segment")
        self.recording = await self.launch()
        after = await self.rows("select run, path, started_us, ended_us, start_ticks, bytes, keyframes from segment")
        self.assertEqual([tuple(map(plain, row)) for row in after], [tuple(map(plain, row)) for row in before])

    async def test_row_without_a_file(self) -> None:
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        self.files()[-1].unlink()
        self.recording = await self.launch()
        self.assertEqual(len(await self.rows("select 1 from segment")), len(self.files()))
        self.assertTrue(any(text == "footage_missing" for text, _ in self.notes))

    async def test_garbage_in_a_file(self) -> None:
        """A file that is no MP4 does not stop the start; its bytes stay there for whoever wants to look."""
        folder = self.folder / "3" / "2024-02-29"
        folder.mkdir(parents=True)
        (folder / f"{START_US}-main-{START_US}.mp4").write_bytes(b"garbage" * 10_000)
        (folder / f"{START_US + 1}-main-{START_US}.mp4").write_bytes(b"")
        await self.restart()
        self.assertEqual([path.suffix for path in folder.iterdir()], [".damaged"])

    async def test_what_was_set_aside_goes_with_its_day(self) -> None:
        """A damaged file stays while a recording of its day does, and goes with the last one."""
        folder = self.folder / "3" / "2024-02-29"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("1-main-1.mp4", "2-main-1.mp4", "3-main-1.damaged"):
            (folder / name).touch()
        repair.unlink(self.folder, ["3/2024-02-29/1-main-1.mp4"])
        self.assertEqual(len(list(folder.iterdir())), 2)
        repair.unlink(self.folder, ["3/2024-02-29/2-main-1.mp4"])
        self.assertFalse(folder.exists())

    async def test_interrupted_deletion(self) -> None:
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        row = await self.segments.around(3, "main", START_US, 1)
        await self.segments.discard(row)
        self.recording = await self.launch()
        self.assertFalse((self.folder / row[0].path).exists())
        self.assertEqual(await self.rows("select 1 from garbage"), [])


class Volumes(RecordingCase):
    """A volume is what it was, or it is absent."""

    async def test_not_mounted(self) -> None:
        """A known folder without its identity is never made anew."""
        await self.stop()
        (self.folder / "camtrace-volume").unlink()
        self.recording = await self.launch()
        self.assertEqual(self.recording.volumes[0].state, "absent")
        self.assertIsNone(self.recording.sink(self.camera))
        self.assertEqual(self.recording.lasting_gap(3).cause, "disk")
        await self.stop()
        self.assertEqual(list(self.folder.iterdir()), [])
        self.assertTrue(any(text == "volume_absent" for text, _ in self.notes))

    async def test_mounted_again(self) -> None:
        """The disk comes back while the server runs: recording goes on without a restart."""
        await self.stop()
        identity = (self.folder / "camtrace-volume").rename(self.folder.parent / "elsewhere")
        self.recording = await self.launch()
        identity.rename(self.folder / "camtrace-volume")
        await self.recording._watch()
        self.assertEqual(self.recording.volumes[0].state, "ok")
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        self.assertTrue(self.files())

    async def test_taken_away(self) -> None:
        """The disk goes while the server runs."""
        (self.folder / "camtrace-volume").unlink()
        await self.recording._watch()
        self.assertEqual(self.recording.volumes[0].state, "absent")
        self.assertIsNone(self.recording.sink(self.camera))

    async def refused(self, folder: Path) -> str:
        """Why a server on `folder` does not start."""
        await self.stop()
        self.folder = folder
        with self.assertRaises(StartError) as caught:
            await self.launch()
        return str(caught.exception)

    async def test_not_empty(self) -> None:
        """A folder that others use is nobody's volume: the start says so, and nothing is written there."""
        folder = self.make_folder()
        (folder / "photos").mkdir(parents=True)
        self.assertEqual(
            await self.refused(folder),
            f"[storage] volumes: the folder {folder} is not empty and no volume of CamTrace: name an empty one",
        )
        self.assertEqual([path.name for path in folder.iterdir()], ["photos"])

    async def test_never_initialised(self) -> None:
        """A disk that was never seen is no disk that is not mounted: its name is mistyped."""
        folder = self.make_folder() / "deep"
        self.assertIn(f"{folder} cannot be made: {folder.parent} does not exist", await self.refused(folder))

    async def test_a_known_parent_is_missing(self) -> None:
        """A known volume whose folder is gone, with the one above it: absent, and the server starts."""
        await self.stop()
        shutil.rmtree(self.folder.parent)
        self.addCleanup(self.folder.parent.mkdir)
        self.recording = await self.launch()
        self.assertEqual(self.recording.volumes[0].state, "absent")
        ((_, values),) = [note for note in self.notes if note[0] == "volume_absent"]
        self.assertEqual(values["reason"], "the folder does not exist: is the disk mounted?")
        self.assertFalse(self.folder.parent.exists())

    async def test_half_initialised(self) -> None:
        """A crash in the middle of making a volume leaves nothing that is in the way."""
        await self.stop()
        await self.database.execute("truncate segment, volume cascade")
        (self.folder / "camtrace-volume").rename(self.folder / "camtrace-volume.new")
        self.recording = await self.launch()
        self.assertEqual(self.recording.volumes[0].state, "ok")

    async def test_another_database(self) -> None:
        """A volume that brings its footage along is indexed as a whole."""
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        await self.database.execute("truncate segment, volume cascade")
        self.recording = await self.launch()
        self.assertEqual(len(await self.rows("select 1 from segment")), len(self.files()))


class Retention(RecordingCase):
    """Old footage goes, rows and files alike."""

    async def test_days(self) -> None:
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart(days=lambda: (30, 0))
        self.assertTrue(self.files())
        await self.recording._expire()
        self.assertEqual(self.files(), [])
        self.assertEqual(await self.rows("select 1 from segment union all select 1 from garbage"), [])
        self.assertTrue(any(text == "footage_expired" for text, _ in self.notes))
        self.assertEqual(list((self.folder / "3").iterdir()), [])

    async def test_own_days(self) -> None:
        """A camera's own wish counts before the default."""
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.restart(days=lambda: (30, 0))
        self.cameras.cameras[3] = Camera(3, 1, "till", regular=RegularRecording(days=100_000))
        await self.recording._expire()
        self.assertTrue(self.files())

    async def test_room(self) -> None:
        """The oldest goes first, and no more than it takes."""
        Clip(H264, 2).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        files = self.files()
        oldest = files[0].stat().st_size
        volume = self.recording.volumes[0]
        free = [-oldest, 5_000]
        self.recording = await self.launch(keep_free=0)
        volume = self.recording.volumes[0]
        volume.measure = lambda: free.pop(0)
        await self.recording._housekeeping.make_room(volume)
        self.assertEqual(self.files(), files[1:])
        self.assertTrue(any(text == "footage_made_room" for text, _ in self.notes))

    async def test_facts(self) -> None:
        Clip(H264).play(self.recording.sink(self.camera), START_US, "stopped")
        await self.stop()
        self.assertEqual(len(self.facts_of(SegmentFinished)), len(self.files()))
        self.assertFalse(any(fact.segment.open for fact in self.facts_of(SegmentFinished)))
        self.assertEqual([fact.gap.cause for fact in self.facts_of(GapBegan)], ["settings"])


def plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
