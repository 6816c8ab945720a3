"""The timer that all players share: what one of them does in its turn is no other's loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from camtrace.rtsp.pacer import STEP, Pacer


class Plan(NamedTuple):
    """What a callback does when it is woken: ask for further wakings, so many seconds from then, and perhaps raise."""

    adds: list[float]
    raises: bool


delays = st.one_of(st.floats(-0.05, 0.3), st.integers(-2, 20).map(lambda ticks: ticks * STEP))
plans = st.builds(Plan, st.lists(delays, max_size=3), st.booleans())


class Woken:
    """Everybody who asked, and everybody who was woken."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(12_345.678)
        self.pacer = Pacer(self.clock)
        self.asked: list[tuple[float, float, int]] = []  # when, for when, and the tick answered
        self.woken: dict[int, tuple[float, int]] = {}  # by number: when, and the tick told

    def ask(self, delay: float, then: Callable[[], None]) -> None:
        """Ask to be woken so many seconds from now."""
        number, now = len(self.asked), self.clock.seconds()

        def call(tick: int) -> None:
            assert number not in self.woken, "woken twice"
            self.woken[number] = self.clock.seconds(), tick
            then()

        self.asked.append((now, now + delay, -1))
        self.asked[number] = now, now + delay, self.pacer.wake(now + delay, call)


@given(st.lists(st.tuples(delays, plans), min_size=1, max_size=20), st.lists(plans, max_size=20), st.floats(0.001, 0.2))
def test_every_waking_comes(first: list[tuple[float, Plan]], later: list[Plan], step: float) -> None:
    """Whatever callbacks raise or add in their turn: everybody is woken once, at his tick, and the timer goes on."""
    scene = Woken()
    further = iter(later)

    def acts(plan: Plan) -> Callable[[], None]:
        def act() -> None:
            for delay in plan.adds:
                scene.ask(delay, acts(next(further, Plan([], False))))
            if plan.raises:
                raise AttributeError("'Port' object has no attribute 'socket'")

        return act

    with capturedLogs() as logs:
        for delay, plan in first:
            scene.ask(delay, acts(plan))
        for _ in range(2000):
            if not scene.clock.getDelayedCalls():
                break
            scene.clock.advance(step)
    assert sorted(scene.woken) == list(range(len(scene.asked)))
    for number, (asked_at, wanted, tick) in enumerate(scene.asked):
        at, told = scene.woken[number]
        assert told == tick
        assert at > asked_at  # never in the same turn
        assert max(wanted, asked_at) - 1e-6 <= at <= max(wanted + STEP, asked_at + STEP) + step + 1e-6
    assert all("AttributeError" in str(event["log_failure"].type) for event in logs)
    assert not scene.clock.getDelayedCalls()


def test_one_fails_the_others_are_woken() -> None:
    """A call that raises is logged; those before and behind it, of this tick and of later ones, are made."""
    scene = Woken()

    def fail() -> None:
        raise AttributeError("no socket")

    for delay in (0.1, 0.2):
        for act in (lambda: None, fail, lambda: None):
            scene.ask(delay, act)
    with capturedLogs() as logs:
        scene.clock.advance(0.15)
        scene.clock.advance(0.15)
    assert len(scene.woken) == 6
    assert [event["log_format"] for event in logs] == ["waking a player failed"] * 2


def test_one_timer() -> None:
    """However many ask, and in their turns, one timer runs, for the earliest of them."""
    scene = Woken()
    for _ in range(10):
        scene.ask(0.1, lambda: scene.ask(0.3, lambda: None))
    scene.ask(0.2, lambda: scene.ask(0.05, lambda: None))
    for _ in range(5):
        assert len(scene.clock.getDelayedCalls()) == 1
        scene.clock.advance(0.05)
    assert scene.clock.getDelayedCalls()[0].getTime() == pytest.approx(12_345.98)


def test_stop_in_the_middle() -> None:
    """Stopped by one of them, it wakes nobody any more, not even in the tick under way; it can be used again."""
    scene = Woken()
    for act in (lambda: None, scene.pacer.stop, lambda: None):
        scene.ask(0.1, act)
    scene.ask(0.2, lambda: None)
    scene.clock.advance(0.1 + STEP)
    assert sorted(scene.woken) == [0, 1]
    assert not scene.clock.getDelayedCalls()
    scene.ask(0.1, lambda: None)
    scene.clock.advance(0.1 + STEP)
    assert sorted(scene.woken) == [0, 1, 4]
