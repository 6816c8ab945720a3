"""A recording that begins before it was asked for."""

from __future__ import annotations

import unittest
from dataclasses import dataclass

from support.packets import CLIPS, Clip, Coming, MemorySink

from camtrace.media.lookback import DURABLE_SECONDS, Lookback
from camtrace.media.recorder import Recorder

START_US = 1_709_215_200_000_000
SECOND = 1_000_000
CLIP = CLIPS / "vtest_h264_baseline.mp4"


@dataclass
class Demand:
    kind: str = ""
    look_back_seconds: float = 3.0

    @property
    def is_wanted(self) -> bool:
        return self.kind != ""


class Case(unittest.TestCase):
    """A clip of 24 s, its pictures taken one by one."""

    clip = CLIP
    picture_seconds = 0.1

    def setUp(self) -> None:
        self.demand, self.sink = Demand(), MemorySink()
        self.sink.accepts = lambda: self.demand.is_wanted  # type: ignore[method-assign]
        self.now_us = 0
        self.recorder = Recorder(7, self.sink, segment_us=60 * SECOND, monotonic_us=lambda: self.now_us)
        self.lookback = Lookback(self.recorder, self.demand)
        self.coming = Clip(self.clip, 2)
        self.lookback.begin(self.coming.tracks)
        self.left = list(self.coming.packets)

    def until(self, seconds: float) -> None:
        """Let what comes before this second come."""
        while self.left and self.left[0].at_us < seconds * SECOND:
            coming = self.left.pop(0)
            self.now_us = coming.at_us
            self.lookback.packet(coming.track, coming.packet, START_US + coming.at_us)

    def key_before(self, seconds: float) -> Coming:
        """The last key frame at or before this second."""
        return max((key for key in self.coming.keyframes() if key.at_us <= seconds * SECOND), key=lambda key: key.at_us)

    def recorded(self) -> list[bytes]:
        return [sample.data for file in self.sink.files for sample in file.samples()]


class Tests(Case):
    """When it begins, when it ends, and what is in memory."""

    def test_begins_before(self) -> None:
        """What is recorded begins at the last key frame three seconds before, and has every picture from there on."""
        for asked in (5.0, 7.9, 10.0):
            with self.subTest(asked):
                self.setUp()
                self.until(asked)
                self.assertEqual(self.sink.files, [])
                self.demand.kind = "alarm"
                self.until(16)
                self.lookback.end("ended")
                began_us = self.sink.files[0].started_us - START_US
                self.assertIn(began_us, [key.at_us for key in self.coming.keyframes()])
                self.assertLessEqual(began_us, (asked - 3) * SECOND)
                self.assertGreaterEqual(
                    began_us, self.key_before(asked - 3 - DURABLE_SECONDS - self.picture_seconds).at_us
                )
                expected = [each for each in self.coming.packets if began_us <= each.at_us < 16 * SECOND]
                self.assertEqual(len(self.recorded()), len(expected))
                self.assertEqual(len({file.run for file in self.sink.files}), 1)
                self.assertEqual(self.sink.dropped, 0)

    def test_a_regular_recording_does_not_look_back(self) -> None:
        """It begins with the group of pictures under way, when its hours begin."""
        self.until(7.9)
        self.demand.kind = "regular"
        self.until(16)
        self.lookback.end("ended")
        began_us = self.sink.files[0].started_us - START_US
        self.assertEqual(began_us, self.key_before(7.899999).at_us)
        expected = [each for each in self.coming.packets if began_us <= each.at_us < 16 * SECOND]
        self.assertEqual(len(self.recorded()), len(expected))

    def test_ends_and_begins_again(self) -> None:
        """It goes on to the next key frame; asked for again at once, nothing is missing and nothing is there twice."""
        self.until(4)
        self.demand.kind = "alarm"
        self.until(8.5)
        self.demand.kind = ""
        self.until(11.2)
        self.assertTrue(self.sink.files[-1].closed)
        count = len(self.recorded())
        self.until(11.4)
        self.assertEqual(len(self.recorded()), count)
        self.demand.kind = "alarm"
        self.until(15)
        self.lookback.end("ended")
        began_us = self.sink.files[0].started_us - START_US
        expected = [each for each in self.coming.packets if began_us <= each.at_us < 15 * SECOND]
        self.assertEqual(len(self.recorded()), len(expected))

    def test_two_alarms_in_one_run(self) -> None:
        """The second begins at the end of the first, or reaches back to it: nothing is missing, the run goes on, with
        time as the camera counts it. Where something is missing between them there are two."""
        for pause, runs in ((0.0, 1), (0.3, 1), (2.5, 1), (11.0, 2)):
            with self.subTest(pause):
                self.setUp()
                self.until(4)
                self.demand.kind = "alarm"
                self.until(7)
                self.demand.kind = ""
                self.until(7 + pause)
                self.demand.kind = "alarm"
                self.until(23)
                self.lookback.end("ended")
                self.assertEqual(len({file.run for file in self.sink.files}), runs)
                began_us = self.sink.files[0].started_us - START_US
                if runs == 1:
                    expected = [each.at_us for each in self.coming.packets if began_us <= each.at_us < 23 * SECOND]
                    found = [sample.at_us - START_US for file in self.sink.files for sample in file.samples()]
                    self.assertEqual(found, expected)

    def test_bounded(self) -> None:
        """No more than the seconds and one group of pictures more is in memory, nor more than so many bytes."""
        most = max(
            sum(each.packet.size for each in self.coming.packets if at <= each.at_us < at + 9 * SECOND)
            for at in range(0, 16 * SECOND, SECOND)
        )
        for second in range(1, 20):
            self.until(second)
            self.assertLess(self.lookback.kept_bytes, most)
        small = Lookback(self.recorder, self.demand, most_bytes=5000)
        small.begin(self.coming.tracks)
        for coming in self.coming.packets:
            small.packet(coming.track, coming.packet, START_US + coming.at_us)
            self.assertLessEqual(small.kept_bytes, 5000)

    def test_nothing_is_kept_for_nobody(self) -> None:
        """A camera whose alarms are never recorded costs no memory."""
        self.until(5)
        self.assertGreater(self.lookback.kept_bytes, 0)
        self.demand.look_back_seconds = 0
        self.until(6)
        self.assertEqual(self.lookback.kept_bytes, 0)
        self.demand.kind = "alarm"
        self.until(12)
        self.lookback.end("ended")
        self.assertGreaterEqual(self.sink.files[0].started_us, START_US + 6 * SECOND)

    def test_another_connection(self) -> None:
        """What was kept of one does not get into the recording of the next."""
        self.until(9)
        self.lookback.end("lost")
        self.assertEqual((self.lookback.kept_bytes, self.sink.files), (0, []))
        self.demand.kind = "alarm"
        self.lookback.begin(self.coming.tracks)
        self.until(16)
        self.lookback.end("ended")
        self.assertGreaterEqual(self.sink.files[0].started_us, START_US + 9 * SECOND)


class MjpegTests(Tests):
    """The same where every picture is a key frame."""

    clip = CLIPS / "vtest_mjpeg.mkv"
