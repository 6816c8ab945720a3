"""The multipart parser: wherever the network cuts, whatever the camera's habits, the same pictures."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cameras import jpegs

from camtrace.media import jpeg
from camtrace.media.multipart import MultipartError, Splitter, boundary_of

# a picture as a camera writes it, with a thumbnail (a picture in a picture), stuffed and restart markers
TINY = (
    b"\xff\xd8"
    b"\xff\xe1\x00\x0cExif\xff\xd8\xff\xd9\x00\x00"
    b"\xff\xc0\x00\x11\x08\x00\x10\x00\x20\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    b"ab\xff\x00cd\xff\xd0--b\r\n\r\n\xff\xd7e"
    b"\xff\xd9"
)
OTHER = TINY.replace(b"ab", b"xyz")


def body(
    pictures: list[bytes],
    *,
    length: str = "Content-Length",
    first: bool = True,
    end: bytes = b"\r\n",
    delimiter: bytes = b"--b",
) -> bytes:
    out = b""
    for number, picture in enumerate(pictures):
        if first or number:
            out += delimiter + end
        out += b"Content-Type: image/jpeg" + end
        if length:
            out += f"{length}: {len(picture)}".encode() + end
        out += end + picture + end
    return out


FORMS = {
    "plain": body([TINY, OTHER]),
    "no length": body([TINY, OTHER], length=""),
    "lower case": body([TINY, OTHER], length="content-length"),
    "no first delimiter": body([TINY, OTHER], first=False),
    "no length, no first delimiter": body([TINY, OTHER], first=False, length=""),
    "no dashes": body([TINY, OTHER], delimiter=b"b"),
    "more dashes": body([TINY, OTHER], delimiter=b"----b"),
    "line feeds": body([TINY, OTHER], end=b"\n"),
    "preamble": b"\r\n\r\n" + body([TINY, OTHER]),
    "closing delimiter": body([TINY, OTHER]) + b"--b--\r\n",
    "no line end behind a picture": body([TINY, OTHER]).replace(b"\xff\xd9\r\n--b", b"\xff\xd9--b"),
    "padding counted": body([TINY + b"\r\n", OTHER]),
    "bare pictures": TINY + OTHER,
}


@pytest.mark.parametrize("form", FORMS)
def test_cut_at_every_byte(form: str) -> None:
    """Where the network cuts the bytes makes no difference."""
    data = FORMS[form]
    for cut in range(len(data) + 1):
        splitter = Splitter(b"b")
        found = splitter.feed(data[:cut]) + splitter.feed(data[cut:])
        assert [picture.rstrip(b"\r\n") for picture in found] == [TINY, OTHER], cut


@pytest.mark.parametrize("form", FORMS)
def test_byte_by_byte(form: str) -> None:
    splitter = Splitter(b"b")
    found = [picture.rstrip(b"\r\n") for byte in FORMS[form] for picture in splitter.feed(bytes([byte]))]
    assert found == [TINY, OTHER]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=40), st.booleans())
def test_real_pictures_in_any_pieces(sizes: list[int], counted: bool) -> None:
    pictures = jpegs()[:3]
    data = body(pictures, length="Content-Length" if counted else "")
    splitter, found, at = Splitter(b"b"), [], 0
    while at < len(data):
        for size in sizes:
            found += splitter.feed(data[at : at + size])
            at += size
    assert found == pictures


def test_wrong_length() -> None:
    """A length that cuts into the picture is not believed; the picture says itself where it ends."""
    wrong = body([TINY, OTHER]).replace(str(len(TINY)).encode(), str(len(TINY) - 5).encode(), 1)
    splitter = Splitter(b"b")
    assert splitter.feed(wrong) == [TINY, OTHER]


def test_broken_picture_is_left_out() -> None:
    """A picture that breaks off costs itself only."""
    data = body([TINY[:40]], length="") + body([OTHER], length="") + body([TINY], length="")
    splitter = Splitter(b"b")
    found = splitter.feed(data)
    assert found[-1] == TINY
    assert splitter.skipped >= 1


def test_other_parts_are_left_out() -> None:
    text = b"--b\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello\r\n"
    splitter = Splitter(b"b")
    assert splitter.feed(text + body([TINY]) + text + body([OTHER])) == [TINY, OTHER]
    assert splitter.skipped == 2


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 5000,
        b"name: value\r\n" * 100,
        b"--b\r\nContent-Length: 99999999999\r\n\r\n",
        b"--b\r\n\r\n\xff\xd8\xff\xda\x00\x02" + b"a" * 70_000,
    ],
)
def test_bounded(data: bytes) -> None:
    """No sender makes it hold more than its bound."""
    with pytest.raises(MultipartError):
        Splitter(b"b", limit=60_000).feed(data)


@settings(max_examples=300)
@given(st.binary(max_size=400), st.booleans())
def test_garbage_never_surprises(data: bytes, in_part: bool) -> None:
    try:
        Splitter(b"b").feed((b"--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8" if in_part else b"") + data)
    except MultipartError:
        pass


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=myboundary", b"myboundary"),
        ("multipart/x-mixed-replace;boundary=--myboundary", b"myboundary"),
        ('Multipart/X-Mixed-Replace; Boundary="my boundary"', b"my boundary"),
        ("multipart/x-mixed-replace; boundary =--x", b"x"),
        ("multipart/x-mixed-replace; charset=a; boundary= x ; y=z", b"x"),
        ("multipart/x-mixed-replace", b""),
        ("image/jpeg", None),
        ("", None),
    ],
)
def test_boundary(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def test_size() -> None:
    assert jpeg.size(TINY) == (32, 16)
    assert jpeg.size(jpegs()[0]) == (320, 240)
    with pytest.raises(jpeg.BrokenJpeg):
        jpeg.size(b"\xff\xd8\xff\xd9")
