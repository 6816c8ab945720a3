"""The drawn pictures, and what the film's tricks rest on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from PIL import ImageChops

from camtrace.demo import aisle, caption, counter
from camtrace.demo.script import BEATS_PER_SECOND, LOOP, TILLS

views = pytest.mark.parametrize("view", [counter, aisle], ids=["counter", "aisle"])


@views
def test_the_same_beat_is_the_same_picture(view) -> None:
    """Drawing is deterministic: nothing depends on when, or on what was drawn before."""
    first = view.picture(150).tobytes()
    view.picture(400)
    assert view.picture(150).tobytes() == first


@views
def test_every_beat_can_be_drawn(view) -> None:
    """All pictures of the minute have the size and the colours of a camera's."""
    for position in range(0, LOOP, 3):
        picture = view.picture(position)
        assert (picture.size, picture.mode) == ((640, 448), "RGB")


@views
def test_the_picture_moves(view) -> None:
    """In any five seconds, something is seen to happen."""
    for position in range(0, LOOP, 5 * BEATS_PER_SECOND):
        later = view.picture((position + 5 * BEATS_PER_SECOND - 1) % LOOP)
        assert ImageChops.difference(view.picture(position), later).getbbox()


@pytest.mark.parametrize(("view", "till", "box"), [
    (counter, TILLS[0], (20, 370, 210, 416)),
    (aisle, TILLS[1], (84, 138, 126, 202)),
], ids=["counter", "aisle"])  # fmt: skip
def test_the_drawer_is_open_from_d_to_e(view, till, box) -> None:
    """What the till says of its drawer is what the picture shows."""
    sale = till.sales[0]
    opened, closed = sale.when("D"), sale.when("E")

    def drawer(seconds: float) -> bytes:
        picture = view.picture(int(till.delay + seconds * BEATS_PER_SECOND) % LOOP)
        return picture.crop(box).getpixel(((box[2] - box[0]) // 2, (box[3] - box[1]) // 2))

    shut = drawer(opened - 0.25)
    assert drawer((opened + closed) / 2) != shut
    assert drawer(closed - 0.125) != shut
    assert drawer(closed + 1) == shut


def test_the_lowest_lines_of_the_counter_stand_still() -> None:
    """The caption's slice relies on it: nothing is predicted from below the film's edge."""
    lowest = counter.picture(0).crop((0, 416, 640, 448)).tobytes()
    for position in range(0, LOOP, 2):
        assert counter.picture(position).crop((0, 416, 640, 448)).tobytes() == lowest


def test_the_caption_fills_its_cells() -> None:
    """Forty characters whatever the name, the seconds where they are expected."""
    at = datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC)
    for name in ("", "CAISSE 1", "A NAME THAT IS MUCH TOO LONG FOR THIS CAMERA"):
        words = caption.text(name, at)
        assert len(words) == caption.CELLS
        assert words.endswith(" 01/03/2026 09:05:07 ")
    assert caption.text("X", at + timedelta(seconds=1)) != words
