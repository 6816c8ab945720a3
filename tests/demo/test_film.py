"""Films with the running time written into them, judged by decoders that know nothing of how it was done."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import cache

import av
import numpy as np
import pytest
from PIL import Image
from support.drawn import till_film

from camtrace.demo import aisle, caption, film, h264, mjpeg, sound
from camtrace.demo.script import BEATS_PER_SECOND, LOOP, TILLS

START = datetime(2026, 11, 20, 23, 59, 30, tzinfo=UTC)
CODE = b"\0\0\0\1"


def refused() -> film.Film:
    raise AssertionError("the film that was drawn is not taken as it is kept")


@cache
def made() -> film.Film:
    return film.kept(till_film(), refused)


def decoded(stream: bytes) -> list[np.ndarray]:
    """The luma of every picture of an Annex B stream."""
    with av.open(io.BytesIO(stream), format="h264") as container:
        return [
            frame.to_ndarray(format="yuv420p")[: frame.height].copy()
            for frame in container.decode(video=0)
        ]  # fmt: skip


def words(beat: int) -> str:
    return caption.text("CAISSE 1", START + timedelta(seconds=beat / BEATS_PER_SECOND))


@cache
def both() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The film as it was encoded, and with its caption."""
    layout = h264.with_caption(*made().head)
    plain, captioned, shown = b"", b"", " " * caption.CELLS
    for beat, picture in enumerate(made().pictures):
        if picture[0] & 0x1F == h264.IDR:
            plain += b"".join(CODE + unit for unit in made().head)
            captioned += CODE + layout.sps + CODE + layout.pps
        below = h264.caption_slice(layout, picture, words(beat), shown)
        plain, captioned, shown = plain + CODE + picture, captioned + CODE + picture + CODE + below, words(beat)
    return decoded(plain), decoded(captioned)


def test_the_film_is_a_minute_with_a_key_picture_every_two_seconds() -> None:
    kinds = [picture[0] & 0x1F for picture in made().pictures]
    assert len(kinds) == LOOP
    assert [number for number, kind in enumerate(kinds) if kind == h264.IDR] == list(range(0, LOOP, film.KEY_EVERY))


def test_the_caption_leaves_the_film_as_it_was() -> None:
    """Every picture of the minute decodes to the same pixels above the caption."""
    plain, captioned = both()
    assert len(plain) == len(captioned) == LOOP
    for before, after in zip(plain, captioned, strict=True):
        assert after.shape == (480, 640)
        assert np.array_equal(before, after[:448])


def test_the_caption_says_the_time_of_its_own_picture() -> None:
    """The pixels of each caption are exactly those of the drawn words: at key pictures and between them."""
    _, captioned = both()
    for beat in (0, 1, 7, 8, 15, 16, 17, 200, 239, 240, 479):
        drawn = np.asarray(caption.strip(words(beat)).convert("L"), dtype=float) * 219 / 255 + 16
        assert np.abs(captioned[beat][448:] - drawn).max() <= 2


def test_a_film_that_cannot_be_captioned_is_refused() -> None:
    """Another profile, or other picture order, would give broken pictures: an error says so."""
    sps, pps = made().head
    with pytest.raises(ValueError, match="baseline"):
        h264.with_caption(sps[:1] + bytes([100]) + sps[2:], pps)


def test_emulation_prevention() -> None:
    """No start code can appear inside a unit, and a reader gets the payload back."""
    payload = bytes([0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 7])
    unit = h264.unit(0x65, payload)
    assert not any(code in unit for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    bits = h264.Bits(unit)
    assert bytes(bits.u(8) for _ in payload) == payload


def test_the_sound_is_a_minute_and_beeps_with_the_till() -> None:
    """Decoded, the loop is loud exactly where the script has the scanner beep."""
    with av.open(io.BytesIO(b"".join(_adts(frame) for frame in made().sounds)), format="aac") as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert abs(heard.size - 60 * sound.RATE) <= 2 * sound.FRAME
    loud = np.sqrt(np.mean(heard[: 59 * sound.RATE].reshape(-1, sound.RATE // 8) ** 2, axis=1)) > 0.02
    beeps = {int(step.at * BEATS_PER_SECOND) for step in TILLS[0].sales[0].steps if step.type == "A"}
    assert all(loud[beat : beat + 2].any() for beat in beeps)
    assert not loud[: min(beeps) - 1].any()


def _adts(frame: bytes) -> bytes:
    """An ADTS header (ISO/IEC 13818-7 section 6.2): AAC-LC, 32 kHz, mono; then the frame."""
    length = len(frame) + 7
    return bytes([
        0xFF, 0xF1, 0x40 | 5 << 2, 1 << 6 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | 0x1F, 0xFC,
    ]) + frame  # fmt: skip


def test_a_jpeg_with_its_caption_is_one_good_picture() -> None:
    """Above the caption the picture is what it was; the caption is what was drawn."""
    drawn = aisle.picture(77)
    alone = Image.open(io.BytesIO(mjpeg.encode(drawn))).convert("RGB")
    whole = Image.open(io.BytesIO(mjpeg.open_ended(drawn) + mjpeg.caption_rows(words(9), drawn.height)))
    whole.load()
    assert whole.size == (640, 480)
    assert np.array_equal(np.asarray(whole)[:440], np.asarray(alone)[:440])
    difference = np.asarray(whole.crop((0, 448, 640, 480)), dtype=int) - np.asarray(caption.strip(words(9)), dtype=int)
    assert np.abs(difference).mean() < 4


def test_a_film_is_kept_and_a_damaged_one_made_again(tmp_path) -> None:
    """The file is read back as it was; cut, changed or missing, it is replaced."""
    small = film.Film((b"sps", b"pps"), (b"one", b""), (b"beep",), b"\x12\x88")
    made_again = []

    def make() -> film.Film:
        made_again.append(1)
        return small

    path = tmp_path / "folder" / "till.film"
    assert film.kept(path, make) == film.kept(path, make) == small
    assert len(made_again) == 1
    path.write_bytes(path.read_bytes()[:-1])
    assert film.kept(path, make) == small
    path.write_bytes(b"something else\n")
    assert film.kept(path, make) == small
    assert len(made_again) == 3
