"""Which JPEG pictures RTP carries (RFC 2435)."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.clips import clip, load

from camtrace.model import Sample, Track
from camtrace.rtsp import jpeg, rtp


def picture(size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A JPEG drawn here; Pillow writes the standard Huffman tables unless told to optimise."""
    file = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(file, "JPEG", **options)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(("subsampling", "kind"), [("4:2:2", 0), ("4:2:0", 1)])
def test_carried(subsampling: str, kind: int) -> None:
    """Type, size, tables and data."""
    data = picture(subsampling=subsampling)
    found = jpeg.parse(data)
    assert (found.type, found.width, found.height, found.restart) == (kind, 64, 48, 0)
    assert len(found.tables) == 128
    assert data.endswith(bytes(found.scan) + b"\xff\xd9")


def test_restart_interval() -> None:
    """With restart markers the type says so and each packet carries the interval."""
    data = picture(subsampling="4:2:0", restart_marker_blocks=2)
    assert jpeg.parse(data).restart == 2
    pieces = rtp.packetiser(Track(0, "mjpeg", 90_000))(Sample(0, 0, 0, 0, 0, True, data), 300)
    assert len(pieces) > 1
    for header, _ in pieces:
        assert header[4] == 1 | 64
        assert header[8:12] == b"\x00\x02\xff\xff"


def test_packets_put_together() -> None:
    """Offsets fit, the tables come once, in the first packet, and the data is whole."""
    data = picture(size=(320, 240), quality=90)
    found = jpeg.parse(data)
    pieces = rtp.packetiser(Track(0, "mjpeg", 90_000))(Sample(0, 0, 0, 0, 0, True, data), 400)
    assert b"".join(bytes(payload) for _, payload in pieces) == bytes(found.scan)
    at = 0
    for number, (header, payload) in enumerate(pieces):
        assert int.from_bytes(header[:4], "big") == at
        assert header[4:8] == bytes((found.type, 255, 40, 30))
        assert header[8:] == (b"\x00\x00\x00\x80" + found.tables if number == 0 else b"")
        at += len(payload)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (picture(optimize=True), "Huffman tables of their own"),
        (picture(progressive=True), "progressive"),
        (picture(subsampling="4:4:4"), "4:2:0 nor 4:2:2"),
        (picture(size=(2048, 64)), "2048x64"),
        (b"<html>", "no JPEG"),
        (picture()[:30], "cut"),
    ],
)
def test_not_carried(data: bytes, reason: str) -> None:
    """The reason is said in words."""
    with pytest.raises(jpeg.NotCarried, match=reason):
        jpeg.parse(data)


def test_real_clips() -> None:
    """ffmpeg's encoder makes tables of its own unless told otherwise."""
    _, samples = load(clip("standard_huffman.mkv"))
    assert jpeg.parse(samples[0].data).width == 320
    _, samples = load(clip("vtest_mjpeg.mkv"))
    with pytest.raises(jpeg.NotCarried):
        jpeg.parse(samples[0].data)


@given(st.data())
def test_damaged(data: st.DataObject) -> None:
    """A picture damaged anywhere parses or is refused; nothing else happens."""
    whole = bytearray(picture())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    try:
        jpeg.parse(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except jpeg.NotCarried:
        pass
