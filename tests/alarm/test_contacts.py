"""When a contact has left its resting state, and what the journal is told of a connection."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.alarm.contacts import REST_SECONDS, Watch
from camtrace.alarm.links import FLAP_SECONDS, OTHER_SECONDS, REMIND_SECONDS, Tidings, refusal

OPEN, CLOSED = False, True


def fires(normally: str, *found: tuple[float, bool]) -> list[float]:
    """The instants at which an alarm is raised."""
    watch = Watch(normally)
    return [at for at, closed in found if watch.take(closed, at)]


def test_leaving_the_resting_state_counts_once() -> None:
    assert fires("open", (0, OPEN), (1, CLOSED), (2, CLOSED), (3, OPEN), (4, CLOSED)) == [1, 4]
    assert fires("closed", (0, CLOSED), (1, OPEN), (2, OPEN), (3, CLOSED), (4, OPEN)) == [1, 4]


def test_a_pulse_right_after_the_first_reading_counts() -> None:
    assert fires("open", (0, OPEN), (0.05, CLOSED), (0.1, OPEN)) == [0.05]


def test_what_it_is_at_first_is_no_change() -> None:
    assert fires("open", (0, CLOSED), (1, CLOSED)) == []
    assert fires("open", (0, CLOSED), (1, OPEN), (2, CLOSED)) == [2]
    watch = Watch("open")
    assert watch.take(CLOSED, 0, changed=True)  # unless it is known to be one


def test_a_contact_that_bounces_raises_one_alarm() -> None:
    bouncing = [(1 + place * 0.05, place % 2 == 0) for place in range(9)]
    assert fires("open", (0, OPEN), *bouncing, (3, OPEN), (3 + REST_SECONDS, CLOSED)) == [1, 3 + REST_SECONDS]


def test_the_state_that_is_shown() -> None:
    watch = Watch("closed")
    assert (watch.state().closed, watch.state().away) == (None, False)
    watch.take(OPEN, 0)
    assert (watch.state("7").closed, watch.state("7").away, watch.state("7").token) == (False, True, "7")


@given(st.lists(st.tuples(st.floats(0.01, 2), st.booleans()), max_size=60), st.sampled_from(["open", "closed"]))
def test_between_two_alarms_lies_rest(steps: list[tuple[float, bool]], normally: str) -> None:
    """However a contact behaves: an alarm is a reading away from rest, and between two there was rest long enough."""
    at, found = 0.0, []
    for pause, closed in steps:
        at += pause
        found.append((at, closed))
    alarms = fires(normally, *found)
    readings = dict(found)
    for alarm in alarms:
        assert readings[alarm] == (normally == "open")
    for before, after in itertools.pairwise(alarms):
        assert after - before >= REST_SECONDS


@given(st.lists(st.booleans(), max_size=40))
def test_slow_changes_all_count(found: list[bool]) -> None:
    """Read once a second, every change out of the resting state raises an alarm."""
    alarms = fires("open", *((float(at), closed) for at, closed in enumerate(found)))
    assert alarms == [at for at in range(1, len(found)) if found[at] and not found[at - 1]]


def test_a_loss_is_told_at_once_and_seldom_again() -> None:
    tidings = Tidings()
    assert tidings.lost("refused", 0) and not tidings.lost("refused", 60)
    assert not tidings.lost("timeout", OTHER_SECONDS - 1) and tidings.lost("timeout", OTHER_SECONDS + 1)
    assert not tidings.lost("timeout", REMIND_SECONDS) and tidings.lost("timeout", REMIND_SECONDS + 100)
    assert tidings.back() and not tidings.back()


def test_what_comes_and_goes_is_told_once_a_period() -> None:
    tidings, told = Tidings(), 0
    for at in range(0, 1200, 10):
        told += tidings.lost("ended", at)
        told += tidings.back()
    assert told == 4
    assert not tidings.lost("ended", FLAP_SECONDS + 590)


@pytest.mark.parametrize(("code", "kind"), [(1, "no_function"), (2, "no_input"), (11, "gateway"), (77, "exception")])
def test_modbus_exceptions_have_words(code: int, kind: str) -> None:
    assert refusal(code).kind == kind
    assert "{" not in str(refusal(code))
