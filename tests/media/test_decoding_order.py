"""The times of decoding, from pictures that only tell when they are shown."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.media.decoding_order import DecodingOrder

FRAME = 3600  # 25 pictures a second
FIRST = 90_000


def ordered(pts: list[int], reorders: bool, second: int = 90_000) -> list[tuple[int, int | None]]:
    """(pts, dts) of every picture handed on; the last ones may still be held to learn from."""
    order: DecodingOrder[int] = DecodingOrder(reorders, second)
    found = [one for number, at in enumerate(pts) for one in order.add(number, at)]
    assert [one.picture for one in found] == list(range(len(found))), "nothing twice, nothing out of order"
    assert [one.pts for one in found] == pts[: len(found)]
    return [(one.pts, one.dts) for one in found]


def shown(places: list[int]) -> list[int]:
    return [FIRST + place * FRAME for place in places]


def check(found: list[tuple[int, int | None]]) -> int:
    """Valid from end to end; how many have no dts, which are the first."""
    known = [(pts, dts) for pts, dts in found if dts is not None]
    begun = len(found) - len(known)
    assert all(dts is None for _, dts in found[:begun])
    assert all(dts <= pts for pts, dts in known)
    assert all(former < later for (_, former), (_, later) in pairwise(known))
    return begun


def test_without_b_frames() -> None:
    """Decoded when shown, and handed on at once."""
    order: DecodingOrder[str] = DecodingOrder(False)
    assert [order.add("x", at)[0].dts for at in shown([0, 1, 2, 5])] == shown([0, 1, 2, 5])


def test_declared_and_yet_none() -> None:
    """The decoder allows for B-frames that never come: held until that is clear, then decoded when shown."""
    pts = shown(list(range(40)))
    assert ordered(pts, True) == [(at, at) for at in pts]
    assert ordered(pts[:15], True) == []


@pytest.mark.parametrize(
    ("group", "depth"),
    [
        ([0, 2, 1], 1),  # I P B
        ([0, 3, 1, 2], 1),  # I P B B
        ([0, 4, 2, 1, 3], 2),  # a pyramid
        ([0, 8, 4, 2, 1, 3, 6, 5, 7], 3),
    ],
)
def test_groups(group: list[int], depth: int) -> None:
    """As many pictures have no dts as are shown later and decoded before; then it runs evenly behind."""
    size = max(group)
    places = [0] + [turn * size + place for turn in range(10) for place in group[1:]]
    found = ordered(shown(places), True)
    assert check(found) == depth
    assert [dts for _, dts in found[depth:]] == shown(list(range(len(places) - depth)))


@st.composite
def reorderings(draw: st.DrawFn, depth: int) -> list[int]:
    """Places in the order of decoding, each with at most `depth` before it that are shown later."""
    size = draw(st.integers(1, 16))
    places: list[int] = []
    for place in reversed(range(size)):
        places.insert(draw(st.integers(0, min(depth, len(places)))), place)
    return places


@settings(max_examples=300)
@given(st.integers(0, 4).flatmap(reorderings), st.integers(2, 6), st.integers(-(1 << 33), 1 << 33))
def test_any_valid_reordering(group: list[int], turns: int, first: int) -> None:
    """A stream that goes on as it begins has a growing dts, never behind its pts."""
    while len(group) < 16:  # what is learnt from
        group = [*group, *(place + len(group) for place in group)]
    places = [turn * len(group) + place for turn in range(turns) for place in group]
    check(ordered([first + place * FRAME for place in places], True))


@settings(max_examples=300)
@given(st.lists(st.integers(0, 4).flatmap(reorderings), min_size=2, max_size=8), st.booleans())
def test_deeper_than_it_was(groups: list[list[int]], reorders: bool) -> None:
    """When deeper groups follow, only pictures whose time is over have no dts; it never gets deeper than it is."""
    places: list[int] = []
    for group in groups:
        places += [len(places) + place for place in group]
    found = ordered(shown(places), reorders)
    known = [(pts, dts) for pts, dts in found if dts is not None]
    assert all(dts <= pts for pts, dts in known)
    assert all(former < later for (_, former), (_, later) in pairwise(known))
    begun = next((number for number, (_, dts) in enumerate(found) if dts is not None), 0)
    for number in range(begun, len(found)):
        before = [dts for _, dts in found[:number] if dts is not None]
        assert found[number][1] is not None or found[number][0] <= max(before) + number
    for number, (_, dts) in enumerate(found):
        if dts is not None and number >= begun + 8:
            later = sorted(pts for pts, _ in found[: number + 1])  # at most four of them may still wait
            assert dts >= later[-1 - min(number, 4)] - 5 * FRAME


def test_reordered_without_a_word() -> None:
    """A stream that says it has no B-frames: found out at the first one, and right from the second on."""
    places = [0] + [turn * 3 + place for turn in range(10) for place in (3, 1, 2)]
    found = ordered(shown(places), False)
    assert [number for number, (_, dts) in enumerate(found) if dts is None] == [2, 3]
    assert [dts for _, dts in found[5:]] == shown([number - 1 for number in range(5, len(found))])


def test_the_same_time_twice() -> None:
    """Two pictures of one instant are no B-frames."""
    found = ordered(shown([0, 1, 1, 2, 3, 3, 4]), False)
    assert [dts for _, dts in found] == [*shown([0, 1]), None, *shown([2, 3]), None, *shown([4])]


@pytest.mark.parametrize("jump", [-1_000_000, 1_000_000, 1 << 30])
@pytest.mark.parametrize("reorders", [False, True])
def test_clock_jumps(jump: int, reorders: bool) -> None:
    """The camera sets its clock: from there on the same as before, in its new time."""
    group = [2, 1, 4, 3, 6, 5] if reorders else [1, 2, 3, 4, 5, 6]
    before = [0] + [turn * 6 + place for turn in range(5) for place in group]
    pts = shown(before) + [at + jump for at in shown([place + 31 for place in before])]
    found = ordered(pts, reorders)
    first, second = found[: len(before)], found[len(before) :]
    check(first)
    assert check(second) == 0
    assert all(pts - dts <= 2 * FRAME for pts, dts in second if dts is not None)


def test_a_jump_while_learning() -> None:
    """Pictures of another clock do not count as shown later."""
    pts = shown([*range(100, 108), *range(30)])
    found = ordered(pts, True)
    assert [dts for _, dts in found] == pts


def test_few_pictures() -> None:
    """One picture in five seconds is no clock that was set, as far as anybody sees."""
    pts = [number * 5 * 90_000 for number in range(20)]
    assert ordered(pts, False) == [(at, at) for at in pts]
