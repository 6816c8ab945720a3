"""The sound of recordings by itself: equal to libav's reading of it, whole however it is cut, in wall time."""

from __future__ import annotations

import io
import itertools
import tempfile
import unittest
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from hypothesis import given, settings
from hypothesis import strategies as st
from support.packets import CLIPS, Clip, MemorySink, Written, with_sound

from camtrace.media import sound
from camtrace.media.packets import SourceTrack
from camtrace.media.recorder import Recorder
from camtrace.media.segments import WallClock
from camtrace.model import Segment, Sound

START_US = 1_709_215_200_000_000
SECOND = 1_000_000


class SoundTests(unittest.TestCase):
    """Clips with a tone, recorded in files of two seconds."""

    folder: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.clip = Clip(with_sound(Path(cls.folder.name)))
        cls.files = cls.recorded(cls.clip, "first", START_US)
        cls.segments = [segment for segment, _ in cls.files]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    @classmethod
    def recorded(cls, clip: Clip, name: str, start_us: int) -> list[tuple[Segment, Written]]:
        """The files of a clip that came from `start_us` on."""
        sink = MemorySink()
        clip.play(Recorder(1, sink, segment_us=2 * SECOND, monotonic_us=lambda: 0), start_us)
        found = []
        for number, file in enumerate(sink.files):
            path = f"{name}{number}.mp4"
            (Path(cls.folder.name) / path).write_bytes(file.bytes)
            _, at_us, duration_us, _ = file.fragments[-1]
            segment = Segment(
                number, 1, "main", file.run, cls.folder.name, path, file.started_us, at_us + duration_us,
                file.start_ticks, len(file.bytes), file.tracks,
            )  # fmt: skip
            found.append((segment, file))
        return found

    def expected(self, start_us: int, stop_us: int) -> list[tuple[int, bytes]]:
        """(wall time, bytes) of the frames of sound that were recorded between two instants."""
        frames = []
        for segment, file in self.files:
            at_us = WallClock(segment.started_us, segment.start_ticks, file.tracks[0])
            frames += [(at_us(file.tracks[1], sample.dts), sample.data) for sample in file.samples(1)]
        return [(at, data) for at, data in frames if start_us <= at < stop_us]

    def read(self, told: Sound) -> list[tuple[int, bytes]]:
        """(wall time, bytes) of the frames that libav finds."""
        with av.open(io.BytesIO(told.content)) as container:
            (stream,) = container.streams
            assert stream.type == "audio"
            return [
                (int(packet.dts * packet.time_base * SECOND), bytes(packet))
                for packet in container.demux(stream)
                if packet.dts is not None
            ]

    def check(self, frames: list[tuple[int, bytes]], expected: list[tuple[int, bytes]]) -> None:
        self.assertEqual([data for _, data in frames], [data for _, data in expected])
        for (at, _), (wanted, _) in zip(frames, expected, strict=True):
            self.assertLess(abs(at - wanted), 200)

    def test_all_of_it(self) -> None:
        """Over several files; it can be decoded, and says what it is and how far it goes."""
        self.assertGreater(len(self.segments), 2)
        told = sound.extract(self.segments, 0, START_US, START_US + 100 * SECOND)
        assert told is not None
        self.check(self.read(told), self.expected(START_US, START_US + 100 * SECOND))
        self.assertEqual(told.mime, 'audio/mp4; codecs="mp4a.40.2"')
        with av.open(io.BytesIO(told.content)) as container:
            decoded = sum(frame.samples for frame in container.decode(audio=0))
        rate = self.segments[0].tracks[1].sample_rate
        self.assertAlmostEqual(decoded / rate, (told.stop_us - told.start_us) / SECOND, delta=0.1)

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.integers(-SECOND, 9 * SECOND), min_size=2, max_size=5, unique=True).map(sorted))
    def test_pieces_join(self, cuts: list[int]) -> None:
        """However it is cut: nothing is missing between two pieces, and nothing is there twice."""
        frames = []
        for start, stop in itertools.pairwise(START_US + cut for cut in cuts):
            told = sound.extract(self.segments, 0, start, stop)
            frames += self.read(told) if told else []
        self.check(frames, self.expected(START_US + cuts[0], START_US + cuts[-1]))

    def test_no_sound(self) -> None:
        """None where none was recorded; what lies behind files without sound is found."""
        silent = self.recorded(Clip(CLIPS / "vtest_mjpeg.mkv"), "silent", START_US - 30 * SECOND)
        without = [segment for segment, _ in silent]
        self.assertIsNone(sound.extract(without, 0, 0, START_US))
        self.assertIsNone(sound.extract(self.segments, 0, START_US + 900 * SECOND, START_US + 901 * SECOND))
        told = sound.extract([*without, *self.segments], 0, START_US - 30 * SECOND, START_US + SECOND)
        assert told is not None
        self.check(self.read(told), self.expected(START_US, START_US + SECOND))

    def test_another_layout_ends_it(self) -> None:
        """Sound at another rate is asked for anew from where the first ended."""
        other = [replace(track) for track in self.clip.tracks]
        other[1] = SourceTrack("aac", Fraction(1, 8000), b"\x15\x88", sample_rate=8000, channels=1)
        clip = Clip.__new__(Clip)
        clip.tracks, clip.packets = tuple(other), self.clip.packets
        later = [segment for segment, _ in self.recorded(clip, "other", START_US + 20 * SECOND)]
        told = sound.extract([*self.segments, *later], 0, START_US, START_US + 60 * SECOND)
        assert told is not None
        self.assertLess(told.stop_us, START_US + 20 * SECOND)
        self.check(self.read(told), self.expected(START_US, START_US + 20 * SECOND))
