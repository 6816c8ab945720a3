"""The states of a session, and the map of its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.model import Span
from camtrace.rtsp.session import LINGER, PAUSED_TIMEOUT, TIMEOUT, TRANSITIONS, NotNow, Session, State
from camtrace.rtsp.timeline import Timeline

START = datetime(2024, 2, 29, 14, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """That long after the start."""
    return START + timedelta(seconds=seconds)


def test_a_life() -> None:
    """Set up, play, pause, play, end, seek back, and what makes no sense in between."""
    session = Session("x", 0.0)
    for step, state in [
        ("SETUP", State.READY),
        ("PLAY", State.PLAYING),
        ("PAUSE", State.PAUSED),
        ("SETUP", State.PAUSED),
        ("PLAY", State.PLAYING),
        ("PLAY", State.PLAYING),
        ("end", State.READY),
        ("PLAY", State.PLAYING),
    ]:
        session.move(step)
        assert session.state is state
    with pytest.raises(NotNow) as refused:
        session.move("SETUP")
    assert refused.value.allowed == ("PLAY", "PAUSE")


@given(st.lists(st.sampled_from(["SETUP", "PLAY", "PAUSE", "end"]), max_size=20))
def test_any_order(steps: list[str]) -> None:
    """The table decides, whatever comes; a refused step changes nothing."""
    session = Session("x", 0.0)
    for step in steps:
        before = session.state
        try:
            session.move(step)
        except NotNow:
            assert (before, step) not in TRANSITIONS
            assert session.state is before
        else:
            assert session.state is TRANSITIONS[before, step]


def test_expiry() -> None:
    """Silence ends a session after a minute, a paused one after ten; after its end it lingers."""
    session = Session("x", 100.0)
    assert not session.expired(100 + TIMEOUT - 1)
    assert session.expired(100 + TIMEOUT)
    session.state = State.PAUSED
    assert not session.expired(100 + PAUSED_TIMEOUT - 1)
    assert session.expired(100 + PAUSED_TIMEOUT)
    session.state, session.ended_at = State.READY, 110.0
    assert not session.expired(110 + LINGER - 1)
    assert session.expired(110 + LINGER)


def test_timeline_with_a_hole() -> None:
    """Play time runs on where nothing is recorded."""
    timeline = Timeline(after(2), after(30), [Span(after(0), after(10)), Span(after(20), after(40))])
    assert timeline.duration == 18
    assert [timeline.instant(npt) for npt in (-1, 0, 7.5, 8, 17, 99)] == [
        after(seconds) for seconds in (2, 2, 9.5, 20, 29, 30)
    ]
    assert [timeline.npt(after(seconds)) for seconds in (0, 2, 9, 15, 20, 29, 99)] == [0, 0, 7, 8, 8, 17, 18]


def test_timeline_without_end() -> None:
    """What still goes on has no duration."""
    timeline = Timeline(START, None)
    assert timeline.duration is None
    assert timeline.instant(5) == after(5)
    assert timeline.npt(after(5)) == 5


@given(st.lists(st.integers(1, 50), min_size=2, max_size=10), st.floats(0, 0.999))
def test_there_and_back(lengths: list[int], share: float) -> None:
    """Play time to wall time and back."""
    spans, at = [], 0
    for number, length in enumerate(lengths):
        if number % 2 == 0:
            spans.append(Span(after(at), after(at + length)))
        at += length
    timeline = Timeline(START, spans[-1].stop, spans)
    assert timeline.duration is not None
    npt = round(share * timeline.duration, 3)
    assert abs(timeline.npt(timeline.instant(npt)) - npt) < 0.001
