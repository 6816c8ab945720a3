"""Packets of real clips into segment files: nothing lost between them, runs split where they must be."""

from __future__ import annotations

import tempfile
import unittest
from itertools import pairwise
from pathlib import Path

from support.packets import CLIPS, Clip, MemorySink, pictures, with_sound

from camtrace.media.recorder import Recorder

START_US = 1_709_215_200_000_000
SECOND = 1_000_000


class Steady:
    """A monotonic clock that runs with the arrivals, until the wall clock steps away from it."""

    def __init__(self) -> None:
        self.step_us = 0
        self.arrived_us = 0

    def __call__(self) -> int:
        return self.arrived_us - self.step_us


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.sink = MemorySink()
        self.steady = Steady()

    def recorder(self, segment_us: int = 4 * SECOND, **options: float) -> Recorder:
        recorder = Recorder(7, self.sink, segment_us=segment_us, monotonic_us=self.steady, **options)
        inner = recorder.packet

        def packet(track, packet, arrived_us):
            self.steady.arrived_us = arrived_us
            inner(track, packet, arrived_us)

        recorder.packet = packet
        return recorder


class EveryFrame(Case):
    """What is in the files, one after the other, is what the camera sent."""

    def check(self, name: str | Path, times: int = 2) -> None:
        clip = Clip(CLIPS / name, times)
        clip.play(self.recorder(), START_US)
        files = self.sink.files
        self.assertGreater(len(files), 2)
        self.assertEqual(len({file.run for file in files}), 1)
        recorded = [picture for file in files for picture in pictures(file.bytes)]
        self.assertEqual(recorded, pictures(CLIPS / name) * times)
        for file in files:
            self.assertTrue(file.closed)
            self.assertTrue(file.samples()[0].key)
            self.assertTrue(file.fragments[0][3])
        samples = [sample for file in files for sample in file.samples()]
        steps = {later.dts - former.dts for former, later in pairwise(samples)}
        self.assertEqual(len(steps), 1, steps)
        self.assertEqual(self.sink.dropped, 0)

    def test_h264(self) -> None:
        self.check("vtest_h264_baseline.mp4")

    def test_b_frames(self) -> None:
        self.check("vtest_h264_main_bframes.mp4")

    def test_h265(self) -> None:
        self.check("vtest_h265.mp4")

    def test_mjpeg(self) -> None:
        self.check("vtest_mjpeg.mkv")

    def test_sound(self) -> None:
        """Every audio packet, too, and none twice."""
        with tempfile.TemporaryDirectory() as folder:
            path = with_sound(Path(folder))
            clip = Clip(path)
        clip.play(self.recorder(), START_US)
        clip.packets = clip.packets[clip.packets.index(clip.keyframes()[0]) :]  # nothing is recorded before a picture
        sent = [bytes(coming.packet) for coming in clip.packets if coming.track == 1]
        self.assertEqual([sample.data for file in self.sink.files for sample in file.samples(1)], sent)
        self.assertEqual(self.sink.dropped, 0)
        self.assertEqual({track.codec for track in self.sink.files[-1].tracks}, {"h264", "aac"})
        times = [sample.dts for file in self.sink.files for sample in file.samples(1)]
        self.assertEqual({later - former for former, later in pairwise(times)}, {1024})

    def test_packets_come_back_untouched(self) -> None:
        clip = Clip(CLIPS / "vtest_h264_main_bframes.mp4")
        before = [(coming.packet.dts, coming.packet.pts, coming.packet.time_base) for coming in clip.packets]
        clip.play(self.recorder(), START_US)
        self.assertEqual([(c.packet.dts, c.packet.pts, c.packet.time_base) for c in clip.packets], before)


class WallTime(Case):
    """When the files say they were recorded."""

    def test_starts(self) -> None:
        """Each file begins at the wall time of its first picture, and the first of a run names the run."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 2)
        clip.play(self.recorder(), START_US)
        self.assertEqual(self.sink.files[0].started_us, START_US)
        self.assertEqual(self.sink.files[0].run, START_US)
        for former, latter in pairwise(self.sink.files):
            _, at_us, duration_us, _ = former.fragments[-1]
            self.assertAlmostEqual(at_us + duration_us, latter.started_us, delta=2)
        self.assertEqual(
            [round(file.samples()[0].at_us / SECOND) for file in self.sink.files],
            [round(file.started_us / SECOND) for file in self.sink.files],
        )

    def test_burst(self) -> None:
        """A camera that first sends the two seconds it had kept: they lie before the connection."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 2)
        recorder = self.recorder()
        recorder.begin(clip.tracks)
        for coming in clip.packets:
            recorder.packet(coming.track, coming.packet, START_US + max(2 * SECOND, coming.at_us))
        recorder.end("ended")
        self.assertAlmostEqual(self.sink.files[0].started_us, START_US, delta=SECOND / 10)
        self.assertEqual(len({file.run for file in self.sink.files}), 1)

    def test_drift(self) -> None:
        """A camera whose clock is 200 ppm slow: wall time is followed, media time stays as it counts."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 60)
        recorder = self.recorder(60 * SECOND)
        recorder.begin(clip.tracks)
        for coming in clip.packets:
            recorder.packet(coming.track, coming.packet, START_US + int(coming.at_us * 1.0002))
        recorder.end("ended")
        files = self.sink.files
        self.assertEqual(len({file.run for file in files}), 1)
        last = files[-1]
        true_us = START_US + int((last.samples()[0].at_us - START_US) * 1.0002)
        self.assertLess(abs(last.started_us - true_us), 20_000)
        samples = [sample.dts for file in files for sample in file.samples()]
        self.assertEqual(len({b - a for a, b in pairwise(samples)}), 1)

    def test_stall(self) -> None:
        """Four seconds that come late, all at once, are no clock step."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 3)
        recorder = self.recorder()
        recorder.begin(clip.tracks)
        for coming in clip.packets:
            late = 10 * SECOND if 6 * SECOND < coming.at_us < 10 * SECOND else coming.at_us
            recorder.packet(coming.track, coming.packet, START_US + late)
        recorder.end("ended")
        self.assertEqual(len({file.run for file in self.sink.files}), 1)
        self.assertEqual(sum(len(file.samples()) for file in self.sink.files), len(clip.packets))


class Runs(Case):
    """A run ends where time is broken, and nothing is lost by it."""

    def test_clock_step(self) -> None:
        for step_us in (3600 * SECOND, -3600 * SECOND):
            with self.subTest(step_us=step_us):
                self.sink.files.clear()
                clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 2)
                recorder = self.recorder(60 * SECOND)
                recorder.begin(clip.tracks)
                self.steady.step_us = 0
                for coming in clip.packets:
                    if coming.at_us > 5 * SECOND:
                        self.steady.step_us = step_us
                    recorder.packet(coming.track, coming.packet, START_US + coming.at_us + self.steady.step_us)
                recorder.end("ended")
                before, after = self.sink.files
                self.assertNotEqual(before.run, after.run)
                self.assertAlmostEqual(after.started_us, START_US + step_us + 6 * SECOND, delta=2 * SECOND)
                self.assertEqual(len(before.samples()) + len(after.samples()), len(clip.packets))

    def test_camera_time_jumps(self) -> None:
        for jump in (3600, -3600):
            with self.subTest(jump=jump):
                self.sink.files.clear()
                clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 2)
                for coming in clip.packets:
                    if coming.at_us > 5 * SECOND:
                        coming.packet.dts += int(jump / clip.tracks[0].time_base)
                        coming.packet.pts += int(jump / clip.tracks[0].time_base)
                clip.play(self.recorder(60 * SECOND), START_US)
                self.assertEqual(len({file.run for file in self.sink.files}), 2)
                self.assertEqual(sum(len(file.samples()) for file in self.sink.files), len(clip.packets))
                wall = [at_us for file in self.sink.files for _, at_us, _, _ in file.fragments]
                self.assertEqual(wall, sorted(wall))
                self.assertLess(wall[-1], START_US + 30 * SECOND)

    def test_repeated_stamps(self) -> None:
        """Frames with the stamp of the frame before are kept."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        for former, latter in pairwise(clip.packets[20:40]):
            latter.packet.dts, latter.packet.pts = former.packet.dts, former.packet.pts
        clip.play(self.recorder(60 * SECOND), START_US)
        self.assertEqual(sum(len(file.samples()) for file in self.sink.files), len(clip.packets))

    def test_another_codec(self) -> None:
        recorder = self.recorder(60 * SECOND)
        Clip(CLIPS / "vtest_h264_baseline.mp4").play(recorder, START_US, "codec")
        Clip(CLIPS / "vtest_h265.mp4").play(recorder, START_US + 12 * SECOND)
        first, second = self.sink.files
        self.assertNotEqual(first.run, second.run)
        self.assertEqual([first.tracks[0].codec, second.tracks[0].codec], ["h264", "h265"])
        self.assertEqual(self.sink.ends, ["ended"])

    def test_other_parameters(self) -> None:
        """The same codec with other parameter sets is another file of the same run."""
        recorder = self.recorder(60 * SECOND)
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 2)
        half = clip.keyframes()[3].packet
        recorder.begin(clip.tracks)
        for coming in clip.packets:
            if coming.packet is half:
                recorder.end("codec")
                recorder.begin(clip.tracks)
            recorder.packet(coming.track, coming.packet, START_US + coming.at_us)
        recorder.end("ended")
        first, second = self.sink.files
        self.assertEqual(first.run, second.run)
        self.assertEqual(len(first.samples()) + len(second.samples()), len(clip.packets))

    def test_reconnection(self) -> None:
        recorder = self.recorder(60 * SECOND)
        Clip(CLIPS / "vtest_h264_baseline.mp4").play(recorder, START_US)
        Clip(CLIPS / "vtest_h264_baseline.mp4").play(recorder, START_US + 20 * SECOND)
        self.assertEqual([file.run for file in self.sink.files], [START_US, START_US + 20 * SECOND])
        self.assertEqual(self.sink.ends, ["ended", "ended"])

    def test_short(self) -> None:
        """A connection that ends while it is not yet clear what time it is."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        del clip.packets[3:]
        clip.play(self.recorder(), START_US)
        self.assertEqual(len(self.sink.files[0].samples()), 3)

    def test_begins_at_a_key_frame(self) -> None:
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        del clip.packets[0]
        clip.play(self.recorder(60 * SECOND), START_US)
        self.assertTrue(self.sink.files[0].samples()[0].key)


class Refusals(Case):
    """The disk does not take what comes."""

    def test_not_wanted(self) -> None:
        self.sink.open_to = False
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        clip.play(self.recorder(), START_US)
        self.assertEqual(self.sink.files, [])
        self.assertEqual(self.sink.dropped, len(clip.packets))

    def test_overload(self) -> None:
        """What was refused, and what follows up to a key frame, is dropped and counted; then another run begins."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 2)
        recorder = self.recorder(60 * SECOND)
        recorder.begin(clip.tracks)
        self.sink.room = 7
        for coming in clip.packets:
            if coming.at_us > 10 * SECOND:
                self.sink.room = None
            recorder.packet(coming.track, coming.packet, START_US + coming.at_us)
        recorder.end("ended")
        kept = [file for file in self.sink.files if file.fragments]
        self.assertEqual(len({file.run for file in kept}), 2)
        self.assertEqual(sum(len(file.samples()) for file in kept) + self.sink.dropped, len(clip.packets))
        for file in kept:
            self.assertTrue(file.samples()[0].key)

    def test_no_key_frames(self) -> None:
        """A camera without key frames: files still end, and nothing is lost."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 70)
        for coming in clip.packets[1:]:
            coming.packet.is_keyframe = False
        clip.play(self.recorder(60 * SECOND), START_US)
        self.assertEqual(len(self.sink.files), 2)
        self.assertEqual(len({file.run for file in self.sink.files}), 1)
        self.assertEqual(sum(len(file.samples()) for file in self.sink.files), len(clip.packets))

    def test_sound_that_falls_silent(self) -> None:
        """The picture is not held back for a track that has nothing to say, nor lost when it speaks again."""
        with tempfile.TemporaryDirectory() as folder:
            clip = Clip(with_sound(Path(folder)), 3)
        clip.packets = [c for c in clip.packets if not (c.track and 5 * SECOND < c.at_us < 25 * SECOND)]
        clip.play(self.recorder(), START_US)
        frames = sum(len(file.samples()) for file in self.sink.files)
        self.assertEqual(frames, sum(coming.track == 0 for coming in clip.packets))
        self.assertIn(1, [len(file.tracks) for file in self.sink.files])
        self.assertEqual(len(self.sink.files[-1].tracks), 2)
        self.assertEqual(len({file.run for file in self.sink.files}), 1)

    def test_stagger(self) -> None:
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4", 3)
        clip.play(self.recorder(12 * SECOND, stagger=0.5), START_US)
        lengths = [b.started_us - a.started_us for a, b in pairwise(self.sink.files)]
        self.assertLess(lengths[0], 9 * SECOND)
        self.assertGreater(lengths[1], 11 * SECOND)
