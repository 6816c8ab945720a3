"""The MP4 parser: equal to libav on whole files, and a clear error, never anything else, on all others."""

from __future__ import annotations

import io
import random
import struct
import tempfile
import unittest
from pathlib import Path

import av
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packets import CLIPS, Clip, MemorySink, with_sound

from camtrace.media import boxes
from camtrace.media.recorder import Recorder
from camtrace.model import Track

START_US = 1_709_215_200_000_000


def recorded(path: Path) -> MemorySink:
    sink = MemorySink()
    Clip(path).play(Recorder(1, sink, segment_us=1 << 60), START_US)
    return sink


FILE = recorded(CLIPS / "vtest_h264_main_bframes.mp4").files[0]
INIT, FRAGMENT = FILE.init, FILE.fragments[3][0]
TRACKS = boxes.parse_init(INIT)


class Whole(unittest.TestCase):
    """What it reads is what libav reads."""

    def check(self, path: Path) -> tuple[Track, ...]:
        file = recorded(path).files[0]
        container = av.open(io.BytesIO(file.bytes))
        expected: list[list[tuple]] = [[] for _ in container.streams]
        for packet in container.demux():
            if packet.dts is not None:
                row = packet.dts, packet.pts, bool(packet.is_keyframe), bytes(packet)
                expected[packet.stream.index].append(row)
        for track in range(len(expected)):
            found = [(sample.dts, sample.pts, sample.key, sample.data) for sample in file.samples(track)]
            self.assertEqual(found, expected[track])
        for track, stream in zip(file.tracks, container.streams, strict=True):
            self.assertEqual(track.config, stream.codec_context.extradata or b"")
            self.assertEqual(track.timescale, 1 / stream.time_base)
            if track.is_video:
                self.assertEqual((track.width, track.height), (stream.width, stream.height))
            else:
                self.assertEqual(track.sample_rate, stream.sample_rate)
        return file.tracks

    def test_codecs(self) -> None:
        for name, codec in (
            ("vtest_h264_baseline.mp4", "h264"),
            ("vtest_h264_main_bframes.mp4", "h264"),
            ("vtest_h265.mp4", "h265"),
            ("vtest_mjpeg.mkv", "mjpeg"),
        ):
            with self.subTest(name=name):
                self.assertEqual(self.check(CLIPS / name)[0].codec, codec)

    def test_sound(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            tracks = self.check(with_sound(Path(folder)))
        self.assertEqual([track.codec for track in tracks], ["h264", "aac"])

    def test_glance(self) -> None:
        """The quick look sees what the long one sees."""
        for data, *_ in FILE.fragments:
            samples = [sample for sample in boxes.parse_fragment(data, TRACKS) if sample.track == 0]
            seen = boxes.glance(data)
            self.assertEqual((seen.dts, seen.pts, seen.key), (*samples[0][2:4], samples[0].key))
            self.assertEqual(seen.duration, sum(sample.duration for sample in samples))

    def test_retime(self) -> None:
        length = struct.unpack_from(">I", FRAGMENT)[0]
        moved = boxes.retime(FRAGMENT[:length], (-1000,), 77) + FRAGMENT[length:]
        self.assertEqual(len(moved), len(FRAGMENT))
        before, after = boxes.parse_fragment(FRAGMENT, TRACKS), boxes.parse_fragment(moved, TRACKS)
        self.assertEqual([s.dts - 1000 for s in before], [s.dts for s in after])
        self.assertEqual([s.data for s in before], [s.data for s in after])

    def test_wall_time(self) -> None:
        samples = boxes.parse_fragment(FRAGMENT, TRACKS, lambda track, ticks: ticks + 5)
        self.assertEqual([sample.at_us for sample in samples], [sample.pts + 5 for sample in samples])


class Cut(unittest.TestCase):
    """Cut anywhere."""

    def test_init(self) -> None:
        for cut in range(len(INIT)):
            with self.assertRaises(boxes.BoxError):
                boxes.parse_init(INIT[:cut])
            with self.assertRaises(boxes.BoxError):
                boxes.init_length(INIT[:cut])
        self.assertEqual(boxes.init_length(INIT + FRAGMENT[:50]), len(INIT))

    def test_fragment(self) -> None:
        for cut in range(len(FRAGMENT)):
            with self.assertRaises(boxes.BoxError):
                boxes.parse_fragment(FRAGMENT[:cut], TRACKS)

    def test_file(self) -> None:
        """Of a file cut anywhere, the whole fragments before the cut are found, and no more."""
        data = INIT + FRAGMENT + FRAGMENT
        for cut in range(len(INIT), len(data) + 1, 7):
            found = list(boxes.fragments(io.BytesIO(data[:cut]), len(INIT), cut))
            self.assertEqual(len(found), (cut - len(INIT)) // len(FRAGMENT))


class Damaged(unittest.TestCase):
    """Bytes of any kind: a BoxError, or something that was understood."""

    def understood(self, data: bytes) -> None:
        for call in (
            lambda: boxes.parse_init(data),
            lambda: boxes.init_length(data),
            lambda: boxes.parse_fragment(data, TRACKS),
            lambda: boxes.glance(data),
            lambda: boxes.retime(data, (1,) * 2, 1),
            lambda: list(boxes.fragments(io.BytesIO(data), 0, len(data))),
        ):
            try:
                call()
            except boxes.BoxError:
                pass

    @settings(max_examples=200)
    @given(st.binary(max_size=300))
    def test_noise(self, data: bytes) -> None:
        self.understood(data)

    def test_changed_bytes(self) -> None:
        """Every byte of the headers, changed."""
        moof = struct.unpack_from(">I", FRAGMENT)[0]
        chance = random.Random(1)
        for source, reach in ((INIT, len(INIT)), (FRAGMENT, moof + 8)):
            for place in range(reach):
                for value in (0, 0x7F, 0xFF, chance.randrange(256)):
                    self.understood(source[:place] + bytes([value]) + source[place + 1 :])
