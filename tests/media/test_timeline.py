"""Stamps made fit for muxing: complete, growing, near the arrival, whatever the camera sends."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.media.timeline import Stamped, Timeline

BASE = Fraction(1, 90_000)
SECOND = 1_000_000
Raw = tuple[int | None, int | None]


def run(raw: list[Raw], arrivals: list[int] | None = None, period_us: int = 100_000) -> list[Stamped[int]]:
    """Packets numbered from 0, `period_us` apart unless `arrivals` say otherwise."""
    timeline: Timeline[int] = Timeline(BASE, 0)
    out = []
    for number, (dts, pts) in enumerate(raw):
        at = arrivals[number] if arrivals else number * period_us
        out += timeline.add(number, dts, pts, 10**15 + at, at)
    return out


def stamps(out: list[Stamped[int]]) -> list[tuple[int, int]]:
    return [(one.dts, one.pts) for one in out]


def test_plain() -> None:
    assert stamps(run([(900, 900), (9900, 9900), (18900, 18900)])) == [(0, 0), (9000, 9000), (18000, 18000)]


def test_first_key_frame_without_stamps() -> None:
    """It gets one period before the second packet."""
    out = run([(None, None), (9000, 9000), (18000, 18000), (27000, 27000)])
    assert [one.packet for one in out] == [0, 1, 2, 3]
    gaps = {later.dts - earlier.dts for earlier, later in pairwise(out)}
    assert gaps == {9000}
    assert all(one.pts == one.dts for one in out)


def test_b_frames() -> None:
    """As libav gives them: the first three packets have no dts, the key frame no pts either."""
    raw: list[Raw] = [(None, None), (None, 27000), (None, 9000), (9000, 18000), (18000, 54000), (27000, 36000)]
    out = run(raw)
    assert [one.packet for one in out] == list(range(6))
    first = out[0]
    assert [one.dts - first.dts for one in out] == [0, 9000, 18000, 27000, 36000, 45000]
    assert [one.pts - first.pts for one in out] == [0, 27000, 9000, 18000, 54000, 36000]
    assert all(one.pts >= one.dts for one in out)


def test_no_stamps_at_all() -> None:
    """A camera without any: they are counted, and nothing is held back for ever."""
    out = run([(None, None)] * 100)
    assert len(out) == 100
    assert all(earlier.dts < later.dts for earlier, later in pairwise(out))


def test_stall_is_no_jump() -> None:
    """A stalled network delivers late and then all at once; the camera's stamps stay as they are."""
    raw: list[Raw] = [(n * 9000, n * 9000) for n in range(200)]
    arrivals = [n * 100_000 if n < 50 else max(n * 100_000, 17 * SECOND) for n in range(200)]
    assert stamps(run(raw, arrivals)) == [(n * 9000, n * 9000) for n in range(200)]


@pytest.mark.parametrize("jump", [90_000 * 3600, -90_000 * 3600, 90_000 * 10, -90_000 * 2, (1 << 33) - 5_000_000])
def test_jump(jump: int) -> None:
    """A camera that sets its clock: the stamps go on by the arrival."""
    raw: list[Raw] = [(n * 9000 + (jump if n >= 50 else 0),) * 2 for n in range(100)]
    out = stamps(run(raw))
    assert [dts for dts, _ in out] == pytest.approx([n * 9000 for n in range(100)], abs=9000)
    assert all(earlier < later for (earlier, _), (later, _) in pairwise(out))


def test_long_pause_stays() -> None:
    """Pictures that were lost on the way leave a hole of the right length."""
    raw: list[Raw] = [(0, 0), (9000, 9000), (9000 + 90_000 * 20,) * 2]
    out = run(raw, [0, 100_000, 20 * SECOND + 100_000])
    assert out[-1].dts == 9000 + 90_000 * 20


@pytest.mark.parametrize("drift", [-200e-6, 200e-6])
def test_drift_is_followed(drift: float) -> None:
    """A camera's clock that is a little fast or slow for a day is no jump."""
    timeline: Timeline[int] = Timeline(BASE, 0)
    last = -1
    for n in range(86_400):
        at = int(n * SECOND * (1 + drift))
        (out,) = timeline.add(n, n * 90_000, n * 90_000, at, at)
        assert out.dts > last
        last = out.dts
    assert timeline.jumps == 0


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(1 << 40), 1 << 40)),
            st.one_of(st.none(), st.integers(-(1 << 40), 1 << 40)),
            st.integers(0, 2 * SECOND),
        ),
        max_size=120,
    )
)
def test_anything(packets: list[tuple[int | None, int | None, int]]) -> None:
    """Whatever comes: nothing is lost but the last few held back, dts grows, pts is not before dts."""
    arrivals, at = [], 0
    for _, _, wait in packets:
        at += wait
        arrivals.append(at)
    out = run([(dts, pts) for dts, pts, _ in packets], arrivals)
    assert [one.packet for one in out] == list(range(len(out)))
    assert len(packets) - len(out) < 32
    assert all(earlier.dts < later.dts for earlier, later in pairwise(out))
    assert all(one.pts >= one.dts for one in out)
