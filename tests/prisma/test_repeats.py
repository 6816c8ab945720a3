"""Which packets came before."""

from __future__ import annotations

from camtrace.prisma.repeats import DATED_SECONDS, UNDATED_SECONDS, Repeats


def test_within_so_long_it_is_the_same() -> None:
    for dated, patience in ((True, DATED_SECONDS), (False, UNDATED_SECONDS)):
        repeats = Repeats()
        repeats.begin(0.0)
        assert not repeats.has(b"one", 0.0)
        repeats.add(b"one", 0.0, dated)
        assert repeats.has(b"one", patience) and not repeats.has(b"two", 0.0)
        assert repeats.has(b"one", 2 * patience)  # a repeated one is remembered anew
        assert not repeats.has(b"one", 0.1 + 3 * patience)


def test_one_that_was_understood_late_is_compared_with_itself() -> None:
    """It came long before a neighbour that was understood first."""
    repeats = Repeats()
    repeats.begin(100.0)
    repeats.add(b"quick", 99.9, dated=True)
    repeats.add(b"late", 50.0, dated=True)
    repeats.begin(101.0)
    assert repeats.has(b"late", 50.5)


def test_what_is_too_old_takes_no_memory() -> None:
    repeats = Repeats()
    for second in range(100):
        repeats.begin(float(second))
        repeats.add(b"%d" % second, float(second), dated=True)
        assert len(repeats._lately) <= DATED_SECONDS + 1
