"""The life of alarms, on a clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from camtrace.alarm.session import Lives, Terms
from camtrace.intake import Ids
from camtrace.model import Alarm, Trigger

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
TERMS = Terms(post_seconds=20, pre_seconds=5, popup=True, mail=False)
SILENT = Terms(post_seconds=20, pre_seconds=None, popup=False, mail=False)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def trigger(seconds: float, cause: str = "tcp") -> Trigger:
    return Trigger(at=at(seconds), cause=cause)


class Camera:
    """Camera 3, its triggers and its alarms."""

    def __init__(self) -> None:
        self.lives = Lives(Ids().next)
        self.ended: list[Alarm] = []

    def trigger(self, seconds: float, cause: str = "tcp", terms: Terms = TERMS, now: float | None = None) -> Alarm:
        self.ended += self.lives.over(at(seconds if now is None else now))
        return self.lives.trigger(3, trigger(seconds, cause), terms, at(seconds if now is None else now))


def test_triggered_prolonged_ended() -> None:
    camera = Camera()
    first = camera.trigger(0)
    assert (first.started_at, first.until, first.recorded_from) == (at(0), at(20), at(-5))
    assert (first.state, first.causes, first.triggers, first.popup, first.mail) == ("active", ("tcp",), 1, True, False)
    second = camera.trigger(15, "motion")
    assert second.id == first.id and second.until == at(35) and second.started_at == at(0)
    assert (second.causes, second.triggers, second.recorded_from) == (("tcp", "motion"), 2, at(-5))
    assert camera.lives.next_end() == at(35)
    assert camera.lives.over(at(34.999)) == []
    (ended,) = camera.lives.over(at(50))
    assert (ended.ended_at, ended.state, ended.id) == (at(35), "ended", first.id)
    assert camera.lives.running(3) is None and camera.lives.next_end() is None
    assert camera.trigger(50).id != first.id


def test_every_camera_has_its_own() -> None:
    lives = Lives(Ids().next)
    one, other = (lives.trigger(uid, trigger(0), TERMS, at(0)) for uid in (3, 4))
    assert one.id != other.id
    lives.trigger(4, trigger(10), TERMS, at(10))
    assert [alarm.camera_uid for alarm in lives.over(at(20))] == [3]


def test_a_trigger_of_the_past() -> None:
    camera = Camera()
    old = camera.trigger(-1000, now=0)
    assert (old.started_at, old.ended_at, old.recorded_from) == (at(-1000), at(-980), at(-1005))
    assert camera.lives.running(3) is None
    late = camera.trigger(-5, now=0)  # still lasting
    assert late.ended_at is None and late.until == at(15)
    before = camera.trigger(-20, now=1)  # reaches into the one under way
    assert before.id == late.id and before.started_at == at(-20) and before.until == at(15)
    assert before.recorded_from == at(-25)
    apart = camera.trigger(-500, now=2)
    assert apart.ended_at == at(-480) and camera.lives.running(3).id == late.id  # type: ignore[union-attr]


def test_recorded_from_the_trigger_that_wants_it() -> None:
    camera = Camera()
    assert camera.trigger(0, terms=SILENT).recorded_from is None
    alarm = camera.trigger(10, terms=TERMS)
    assert alarm.recorded_from == at(5) and alarm.popup
    assert camera.trigger(12, terms=SILENT).recorded_from == at(5)


def test_after_a_restart() -> None:
    camera = Camera()
    alarm = camera.trigger(0)
    again = Lives(Ids().next)
    again.resume([alarm])
    assert again.trigger(3, trigger(10), TERMS, at(10)).id == alarm.id
    late = Lives(Ids().next)
    late.resume([alarm])
    assert late.over(at(500))[0].ended_at == at(20)


def test_whoever_acknowledges_first() -> None:
    camera = Camera()
    alarm = camera.trigger(0)
    seen = camera.lives.acknowledge(alarm, "anna", at(3))
    assert (seen.acknowledged_by, seen.acknowledged_at) == ("anna", at(3))
    assert camera.lives.acknowledge(alarm, "boris", at(4)).acknowledged_by == "anna"
    assert camera.trigger(5).acknowledged_by == "anna"
    (ended,) = camera.lives.over(at(100))
    assert ended.acknowledged_by == "anna"
    assert camera.lives.acknowledge(ended, "boris", at(101)) == ended


def test_an_event_that_falls_into_pieces_is_noticed() -> None:
    camera = Camera()
    for seconds in (0, 26, 51, 77):
        camera.trigger(seconds)
    assert camera.lives.advised_post_seconds(3) == 28
    camera.lives.forget(3)
    assert camera.lives.advised_post_seconds(3) is None
    for seconds in (1000, 1100, 1200, 1300):
        camera.trigger(seconds)
    assert camera.lives.advised_post_seconds(3) is None


@given(st.lists(st.floats(0, 500), min_size=1, max_size=40))
def test_every_trigger_lies_in_one_alarm(instants: list[float]) -> None:
    """And an alarm is as long as its triggers make it."""
    camera = Camera()
    for seconds in sorted(instants):
        camera.trigger(seconds)
    camera.ended += camera.lives.over(at(1000))
    assert sum(alarm.triggers for alarm in camera.ended) == len(instants)
    for alarm in camera.ended:
        inside = [seconds for seconds in instants if alarm.started_at <= at(seconds) <= alarm.last_at]
        assert len(inside) == alarm.triggers
        assert alarm.ended_at == alarm.until == alarm.last_at + timedelta(seconds=20)
    for former, later in zip(camera.ended, camera.ended[1:], strict=False):
        assert former.until <= later.started_at
