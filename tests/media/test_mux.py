"""The fragment muxer: what each write holds, and that times stay as given."""

from __future__ import annotations

import tempfile
import unittest
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from support.packets import CLIPS, Clip, with_sound

from camtrace.media import boxes
from camtrace.media.mux import CannotMux, FragmentMuxer
from camtrace.media.packets import SourceTrack

EPOCH = 1_709_215_200


def muxed(clip: Clip, **options: bool | int) -> list[bytes]:
    writes: list[bytes] = []
    muxer = FragmentMuxer(clip.tracks, writes.append, **options)
    for coming in clip.packets:
        base = int(EPOCH / clip.tracks[coming.track].time_base)
        muxer.mux(coming.track, coming.packet, base + coming.packet.dts, base + coming.packet.pts)
    muxer.close()
    return writes


class Writes(unittest.TestCase):
    """First ftyp and moov, then one moof and its mdat at a time."""

    def check(self, writes: list[bytes]) -> None:
        kinds = [[box.kind for box in boxes.boxes(data)] for data in writes]
        self.assertEqual(kinds[0], [b"ftyp", b"moov"])
        self.assertEqual({tuple(kind) for kind in kinds[1:]}, {(b"moof", b"mdat")})

    def test_every_codec(self) -> None:
        for name in ("vtest_h264_baseline.mp4", "vtest_h264_main_bframes.mp4", "vtest_h265.mp4", "vtest_mjpeg.mkv"):
            with self.subTest(name=name):
                self.check(muxed(Clip(CLIPS / name)))

    def test_sound(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            clip = Clip(with_sound(Path(folder)))
        self.check(muxed(clip))
        self.check(muxed(clip, frame_fragments=True))

    def test_a_frame_each(self) -> None:
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        writes = muxed(clip, frame_fragments=True)
        self.check(writes)
        self.assertEqual(len(writes), len(clip.packets) + 1)

    def test_length(self) -> None:
        """Fragments last half a second, or begin at a key frame."""
        writes = muxed(Clip(CLIPS / "vtest_h264_baseline.mp4"))
        tracks = boxes.parse_init(writes[0])
        for data in writes[1:]:
            self.assertLessEqual(boxes.glance(data).duration / tracks[0].timescale, 0.6)
            keys = [sample.key for sample in boxes.parse_fragment(data, tracks)]
            self.assertFalse(any(keys[1:]))


class Times(unittest.TestCase):
    """tfdt carries what was given, B-frames or not."""

    def test_absolute(self) -> None:
        for name in ("vtest_h264_baseline.mp4", "vtest_h264_main_bframes.mp4"):
            with self.subTest(name=name):
                clip = Clip(CLIPS / name)
                writes = muxed(clip)
                tracks = boxes.parse_init(writes[0])
                base = int(EPOCH / clip.tracks[0].time_base)
                found = [(s.dts, s.pts) for data in writes[1:] for s in boxes.parse_fragment(data, tracks)]
                self.assertEqual(found, [(base + c.packet.dts, base + c.packet.pts) for c in clip.packets])


class Refused(unittest.TestCase):
    """What cannot be muxed is said in an error of ours."""

    def test_codec(self) -> None:
        with self.assertRaises(CannotMux):
            FragmentMuxer((SourceTrack("vp9", Fraction(1, 90000)),), lambda data: None)

    def test_time_that_stands_still(self) -> None:
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        muxer = FragmentMuxer(clip.tracks, lambda data: None)
        muxer.mux(0, clip.packets[0].packet, 1000, 1000)
        with self.assertRaises(CannotMux):
            muxer.mux(0, clip.packets[1].packet, 1000, 1000)
        muxer.close()

    def test_without_description(self) -> None:
        """A track whose parameters come in the first key frame only."""
        clip = Clip(CLIPS / "vtest_h264_baseline.mp4")
        clip.tracks = (replace(clip.tracks[0], extradata=b""),)
        tracks = boxes.parse_init(muxed(clip)[0])
        self.assertEqual((tracks[0].width, tracks[0].config[:1]), (640, b"\x01"))
