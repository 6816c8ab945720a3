"""How often a password may be wrong."""

from __future__ import annotations

from twisted.internet.task import Clock

from camtrace.ftp import guesses
from camtrace.ftp.guesses import Guesses


def test_some_are_allowed_then_none_for_a_while() -> None:
    """Only the address that guesses waits, until its first guesses are old."""
    clock = Clock()
    wrong = Guesses(clock.seconds, most=3, seconds=60)
    for _ in range(3):
        assert not wrong.must_wait("10.0.0.1")
        wrong.wrong("10.0.0.1")
        clock.advance(10)
    assert wrong.must_wait("10.0.0.1") and not wrong.must_wait("10.0.0.2")
    clock.advance(29)
    assert wrong.must_wait("10.0.0.1")
    clock.advance(1)
    assert not wrong.must_wait("10.0.0.1")
    wrong.wrong("10.0.0.1")
    assert wrong.must_wait("10.0.0.1")
    clock.advance(600)
    assert not wrong.must_wait("10.0.0.1")
    assert not wrong._wrong


def test_addresses_are_bounded() -> None:
    """Of too many, the one that is quiet longest is forgotten."""
    wrong = Guesses(Clock().seconds, most=1)
    for number in range(guesses.MOST_ADDRESSES):
        wrong.wrong(str(number))
    wrong.wrong("0")
    wrong.wrong("new")
    assert len(wrong._wrong) == guesses.MOST_ADDRESSES
    assert wrong.must_wait("0") and wrong.must_wait("new") and not wrong.must_wait("1")
