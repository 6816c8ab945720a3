"""JPEG over RTP: what is rebuilt shows the same pixels, and a picture with a hole is not shown."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.cameras import jpegs

from camtrace.media import rtp
from camtrace.media.rtp_jpeg import Jpeg
from camtrace.model import Sample, Track
from camtrace.rtsp import jpeg
from camtrace.rtsp import rtp as sender

MOTION = Track(0, "mjpeg", 90_000)


class Screen(list[tuple[bytes, int]]):
    """Remembers the pictures."""

    def __call__(self, data: bytes, ticks: int, key: bool) -> None:
        assert key
        self.append((data, ticks))


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as picture:
        picture.load()
        assert picture.format == "JPEG"
        return np.asarray(picture)


def drawn(width: int = 320, height: int = 240, place: int = 0, **options: object) -> bytes:
    """A frame of the clip as JPEG with the standard Huffman tables, which RTP asks for."""
    with Image.open(BytesIO(CLIP[place])) as picture:
        out = BytesIO()
        picture.resize((width, height)).save(out, "jpeg", **{"quality": 70, "subsampling": "4:2:0", **options})
        return out.getvalue()


CLIP = jpegs()


def packets(pictures: list[bytes], largest: int = 1400) -> list[bytes]:
    """As this program's own server sends them."""
    stream = sender.Stream(26, 7, 0xFFF8)
    cut = sender.packetiser(MOTION)
    return [
        b"".join(packet)
        for number, data in enumerate(pictures)
        for packet in stream.datagrams(cut(Sample(0, 0, 0, 0, 0, True, data), largest), number * 3600)
    ]


def shown(sent: list[bytes], size: tuple[int, int] = (0, 0)) -> list[tuple[bytes, int]]:
    screen = Screen()
    receiver = rtp.Receiver(26, Jpeg(screen, size))
    for one in sent:
        receiver.packet(bytearray(one), 0, len(one))
    return screen


def by_hand(
    scan: bytes, *, offset: int = 0, kind: int = 1, quality: int = 255, tables: bytes = b"", size: bytes = b"\x28\x1e"
) -> bytes:
    """One payload (RFC 2435 section 3.1); `tables` where Q is 128 or more and the offset is 0."""
    data = offset.to_bytes(4, "big") + bytes((kind, quality)) + size
    if kind >= 64:
        data += b"\x00\x04\xff\xff"
    if quality >= 128 and not offset:
        data += struct.pack("!BBH", 0, 0, len(tables)) + tables
    return data + scan


@pytest.mark.parametrize("largest", [200, 1400, 8000, 65_000])
@pytest.mark.parametrize(
    "options", [{}, {"subsampling": "4:2:2"}, {"restart_marker_blocks": 5}, {"restart_marker_rows": 1, "quality": 95}]
)
def test_there_and_back(options: dict[str, object], largest: int) -> None:
    """Every pixel of a few pictures, in every sampling RTP knows, with restart intervals or without."""
    pictures = [drawn(place=place, **options) for place in range(3)]
    got = shown(packets(pictures, largest))
    assert [ticks for _, ticks in got] == [0, 3600, 7200]
    for (data, _), picture in zip(got, pictures, strict=True):
        assert np.array_equal(pixels(data), pixels(picture))


def test_no_marker() -> None:
    """A camera that sets none: a picture ends where the next one begins."""
    pictures = [drawn(place=place) for place in range(3)]
    got = shown([one[:1] + bytes((one[1] & 127,)) + one[2:] for one in packets(pictures)])
    assert [ticks for _, ticks in got] == [0, 3600]
    assert np.array_equal(pixels(got[1][0]), pixels(pictures[1]))


def test_loss() -> None:
    """Whichever packet is missing, that picture is not shown, and the others are."""
    sent = packets([drawn(place=place) for place in range(3)])
    middle = [place for place, one in enumerate(sent) if one[4:8] == (3600).to_bytes(4, "big")]
    assert len(middle) > 3
    for lost in middle:
        assert [ticks for _, ticks in shown(sent[:lost] + sent[lost + 1 :])] == [0, 7200]


def test_tables_are_kept() -> None:
    """Tables that came in band once serve every later picture of the same Q, until others come."""
    first, other = jpeg.parse(drawn(quality=40)), jpeg.parse(drawn(quality=90))
    screen = Screen()
    payload = Jpeg(screen)
    for tables, picture, quality in (
        (b"", first, 200),  # they have not come yet
        (first.tables, first, 200),
        (b"", first, 200),
        (other.tables, other, 201),
        (b"", first, 200),
        (other.tables, other, 200),
        (b"", other, 200),
    ):
        data = bytearray(by_hand(bytes(picture.scan), quality=quality, tables=tables))
        payload.feed(data, 0, len(data), len(screen) + 1, True)
    wanted = [pixels(drawn(quality=quality)) for quality in (40, 40, 90, 40, 90, 90)]
    assert len(screen) == 6
    assert all(np.array_equal(pixels(data), one) for (data, _), one in zip(screen, wanted, strict=True))


def test_cut_tables() -> None:
    """Tables that the packet does not hold whole are not learnt from what lies behind it."""
    screen = Screen()
    payload = Jpeg(screen)
    data = bytearray(by_hand(b"", tables=bytes(range(1, 129))) + bytes(500))
    payload.feed(data, 0, 100, 0, True)
    good = jpeg.parse(drawn())
    data = bytearray(by_hand(bytes(good.scan)))
    payload.feed(data, 0, len(data), 1, True)
    assert screen == []


@pytest.mark.parametrize("quality", range(1, 100))
def test_tables_of_a_quality(quality: int) -> None:
    """Below 128, Q stands for tables that both sides compute: those of libjpeg."""
    picture = jpeg.parse(drawn(64, 48, quality=quality))
    screen = Screen()
    data = bytearray(by_hand(bytes(picture.scan), quality=quality, size=b"\x08\x06"))
    Jpeg(screen).feed(data, 0, len(data), 0, True)
    rebuilt = jpeg.parse(screen[0][0])
    assert rebuilt.tables == picture.tables
    assert np.array_equal(pixels(screen[0][0]), pixels(drawn(64, 48, quality=quality)))


def test_a_large_picture() -> None:
    """Packets have no room for more than 2,040 pixels: then the description tells them."""
    picture = drawn(2592, 1944, quality=30)
    scan = picture[picture.rindex(b"\xff\xda\x00\x0c\x03") + 14 :]
    with Image.open(BytesIO(picture)) as opened:
        tables = b"".join(bytes(opened.quantization[number]) for number in (0, 1))
    screen, nothing = Screen(), Screen()
    for payload in (Jpeg(screen, (2592, 1944)), Jpeg(nothing)):
        for at in range(0, len(scan), 60_000):
            piece = scan[at : at + 60_000]
            data = bytearray(by_hand(piece, offset=at, tables=_zigzag(tables), size=b"\0\0"))
            payload.feed(data, 0, len(data), 0, at + 60_000 >= len(scan))
    assert np.array_equal(pixels(screen[0][0]), pixels(picture))
    assert nothing == []


def _zigzag(tables: bytes) -> bytes:
    """Pillow tells tables row by row; they are sent diagonal by diagonal."""
    order = sorted(range(64), key=lambda at: (sum(divmod(at, 8)), divmod(at, 8)[(sum(divmod(at, 8)) + 1) % 2]))
    return bytes(tables[start + at] for start in (0, 64) for at in order)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        by_hand(b"", tables=bytes(128)),
        by_hand(b"x", kind=2, tables=bytes(128)),
        by_hand(b"x", tables=bytes(100)),
        by_hand(b"x", tables=bytes(128), size=b"\0\x10"),
        by_hand(b"x", kind=65, tables=b"")[:10],
        by_hand(b"x", offset=900),
    ],
)
def test_no_picture(data: bytes) -> None:
    """Too short, without data, of another kind, with other tables, without a size, from the middle."""
    screen = Screen()
    Jpeg(screen).feed(bytearray(data) + bytes(8), 0, len(data), 0, True)
    assert screen == []


@settings(max_examples=200)
@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 2), st.booleans())))
def test_garbage(payloads: list[tuple[bytes, int, bool]]) -> None:
    """Nothing that comes raises."""
    payload = Jpeg(Screen())
    for data, ticks, marker in payloads:
        for head in (b"", b"\0\0\0\0\1\x40\1\1", b"\0\0\0\0\x41\xff\1\1\0\1\0\0\0\0\0\x40"):
            payload.feed(bytearray(head + data), 0, len(head + data), ticks, marker)
