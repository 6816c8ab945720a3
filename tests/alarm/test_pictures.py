"""Pictures in memory: the last of each alarm, for a while, within bounds."""

from __future__ import annotations

from camtrace.alarm.pictures import KEPT_SECONDS, Pictures


def test_kept_and_forgotten() -> None:
    now = [0.0]
    pictures = Pictures(lambda: now[0], most_bytes=100)
    pictures.keep(1, b"first")
    pictures.keep(1, b"second")
    pictures.keep(2, b"x" * 60)
    assert (pictures.of(1), pictures.of(2), pictures.of(3)) == (b"second", b"x" * 60, None)
    now[0] = KEPT_SECONDS - 1
    pictures.keep(1, b"third")
    now[0] = KEPT_SECONDS
    assert (pictures.of(1), pictures.of(2)) == (b"third", None)


def test_bounded() -> None:
    pictures = Pictures(lambda: 0.0, most_bytes=100)
    for number in range(5):
        pictures.keep(number, b"x" * 40)
    assert [pictures.of(number) is not None for number in range(5)] == [False, False, False, True, True]
    pictures.keep(9, b"x" * 200)
    assert pictures.of(9) is None
