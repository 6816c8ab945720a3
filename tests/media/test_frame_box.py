"""Fragments of one frame: what is written is what the parser and libav read."""

from __future__ import annotations

import pytest

from camtrace.media.boxes import parse_fragment
from camtrace.media.frame_box import fragment, with_lengths
from camtrace.model import Track

TRACKS = (Track(0, "h264", 90_000), Track(1, "aac", 16_000))


@pytest.mark.parametrize("key", [True, False])
@pytest.mark.parametrize("track", [0, 1])
def test_round_trip(track: int, key: bool) -> None:
    dts = 161_566_200_552_787
    (sample,) = parse_fragment(fragment(7, track, dts, dts + 27_000, 9000, key, b"picture"), TRACKS)
    assert (sample.track, sample.dts, sample.pts, sample.duration) == (track, dts, dts + 27_000, 9000)
    assert (sample.key, sample.data) == (key, b"picture")


@pytest.mark.parametrize(
    ("stream", "stored"),
    [
        (b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65def", b"\0\0\0\3\x67ab\0\0\0\2\x68c\0\0\0\4\x65def"),
        (b"\0\0\1\x41a\0\0", b"\0\0\0\2\x41a"),
        (b"\0\0\1\0\0\1\x41a", b"\0\0\0\2\x41a"),
        (b"", b""),
        (b"no start code", b""),
    ],
)
def test_lengths(stream: bytes, stored: bytes) -> None:
    assert with_lengths(stream) == stored
