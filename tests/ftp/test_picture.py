"""Whole pictures, cut ones, and what is none."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.ftp import jpeg

from camtrace.ftp.picture import sent_as_text, whole_jpeg

PLAIN = jpeg()


def with_preview() -> bytes:
    """A picture with another in an APP1 segment, whose end is not its own."""
    inner = b"Exif\0\0" + PLAIN
    return PLAIN[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner + PLAIN[2:]


def of_kind(**options: object) -> bytes:
    image = Image.effect_noise((160, 120), 90).convert("RGB")
    held = io.BytesIO()
    image.save(held, "JPEG", **options)
    return held.getvalue()


WHOLE = {
    "plain": PLAIN,
    "preview": with_preview(),
    "progressive": of_kind(progressive=True, quality=90),
    "restarts": of_kind(restart_marker_blocks=4),
    "comment": of_kind(comment=b"\xff\xd9 not the end"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole(kind: str) -> None:
    """It is what it was."""
    assert whole_jpeg(WHOLE[kind]) == WHOLE[kind]


@pytest.mark.parametrize("kind", WHOLE)
def test_cut_anywhere(kind: str) -> None:
    """No beginning of a picture is one."""
    picture = WHOLE[kind]
    assert all(not whole_jpeg(picture[:cut]) for cut in range(0, len(picture), 7))
    assert not whole_jpeg(picture[:-1])


def test_what_follows_is_left_out() -> None:
    """Cameras add line ends, filling, or data of their own."""
    for behind in (b"\r\n", b"\0" * 512, b"MOTION=1", PLAIN):
        assert whole_jpeg(PLAIN + behind) == PLAIN


def test_what_is_none() -> None:
    """Films, texts, pictures of other kinds."""
    for data in (b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"GIF89a", b"\0\0\0\x18ftypmp42", b"\xff\xd8\xff\xe0\0\0"):
        assert whole_jpeg(data) == b""


def test_text_mode() -> None:
    """A client that put CR before every LF, and a camera that did not."""
    assert b"\n" in PLAIN.replace(b"\r\n", b"")
    assert sent_as_text(PLAIN.replace(b"\n", b"\r\n")) == PLAIN
    assert sent_as_text(PLAIN) == PLAIN
    assert sent_as_text(b"") == b""


@given(st.binary())
def test_text_mode_of_anything(data: bytes) -> None:
    """What such a client did is undone."""
    assert sent_as_text(data.replace(b"\n", b"\r\n")) == data


@given(st.binary() | st.binary().map(lambda data: b"\xff\xd8\xff" + data))
def test_anything(data: bytes) -> None:
    """Whatever comes, it is a beginning of it or nothing."""
    assert data.startswith(whole_jpeg(data))
