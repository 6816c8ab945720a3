"""Motion in generated scenes and in real clips: what it is, and what it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenes import HEIGHT, WIDTH, covers, longest, motion_times, room, scene, sightings, walker

from camtrace.media.motion import Detector, mask
from camtrace.model import MotionSettings, Point, Zone

CLIPS = Path(__file__).parent
DEFAULT = MotionSettings()


def rectangle(name: str, x: float, y: float, to_x: float, to_y: float, exclude: bool = False) -> Zone:
    return Zone(name, (Point(x, y), Point(to_x, y), Point(to_x, to_y), Point(x, to_y)), exclude)


def times(*draw: Any, motion: MotionSettings = DEFAULT, **scene_of: Any) -> list[float]:
    return motion_times(sightings(Detector(motion), scene(*draw, **scene_of)))


# ── what is motion ──


def test_a_walking_person() -> None:
    """Found within a second, where it is, and as long as it walks."""
    seen = sightings(Detector(DEFAULT), scene(walker()))
    found = motion_times(seen)
    assert 4.0 < found[0] <= 5.0
    assert len(found) >= 0.9 * len([at for at, _ in seen if at >= found[0]])
    at, last = seen[-1]
    left = (10 + (at - 4) * 30) % (WIDTH - 24)
    assert covers(last.boxes[0], (left + 12) / WIDTH, (90 + 24) / HEIGHT)
    assert 0 < last.level < 15


@pytest.mark.parametrize("leaves_at", [3.0, 5.0, 8.0])
def test_somebody_was_there_before(leaves_at: float) -> None:
    """Who stood there when it began is seen to go; the hole that is left in the background counts for nothing."""

    def stander(picture: Any, at: float) -> None:
        left = int(100 + max(0.0, at - leaves_at) * 60)
        picture[60:140, left : left + 30] = 35
        picture[60:140:6, left : left + 30] = 180

    found = times(stander, seconds=leaves_at + 14)
    assert leaves_at < found[0] < leaves_at + 1.5
    assert found[-1] < leaves_at + 5


def test_key_frames_alone() -> None:
    """A picture every two seconds: somebody who walks about is found with the second one."""
    pictures = [one for number, one in enumerate(scene(walker(since=10), seconds=40)) if number % 10 == 0]
    found = motion_times(sightings(Detector(DEFAULT), pictures))
    assert 12 <= found[0] <= 14
    assert len(found) > 10


def test_a_faint_person_needs_sensitivity() -> None:
    """Clothes little darker than what is behind them."""

    def faint(picture: Any, at: float) -> None:
        if at >= 4:
            left = int(200 + (at - 4) * 10)
            picture[60:110, left : left + 20] -= 9

    assert times(faint, motion=replace(DEFAULT, sensitivity=0)) == []
    assert times(faint, motion=replace(DEFAULT, sensitivity=100)) != []


@pytest.mark.parametrize("object_size", [1, 5, 10, 100])
def test_too_small(object_size: int) -> None:
    """What is smaller than the setting has its box, and is no motion."""
    seen = sightings(Detector(replace(DEFAULT, object_size=object_size)), scene(walker(size=12)))
    size = max(box.size for _, sighting in seen for box in sighting.boxes)
    assert 4 < size < 10  # 12 x 24 of 320 x 180 pixels are 5 per mille
    assert bool(motion_times(seen)) == (object_size <= 5)


def test_minimum_duration() -> None:
    """Half a second of walking is none where two seconds are asked for."""
    short = walker(until=5.0)
    assert times(short, motion=replace(DEFAULT, minimum_seconds=0)) != []
    assert times(short, motion=replace(DEFAULT, minimum_seconds=2.0)) == []
    long = times(walker(), motion=replace(DEFAULT, minimum_seconds=2.0))
    assert 6.0 <= long[0] <= 6.4


def test_history() -> None:
    """What stands still becomes part of the picture once the reference is replaced."""

    def left_behind(picture: Any, at: float) -> None:
        if at >= 4:
            picture[100:140, 220:250] = 30
            picture[110:118, 220:250] = 180

    for history in (3, 12):
        found = times(left_behind, motion=replace(DEFAULT, history_seconds=history), seconds=30)
        assert found[0] < 5.5
        assert history * 0.5 < found[-1] - 4 < history * 1.6, history


# ── what is none ──


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0])
def test_noise(noise: float) -> None:
    assert times(noise=noise, seconds=20) == []


def test_flicker() -> None:
    """A fluorescent lamp against the camera's shutter."""
    assert times(lambda picture, at: picture * (1 + 0.08 * np.sin(at * 7.3)), seconds=20) == []


@pytest.mark.parametrize("factor", [0.4, 0.7, 1.3, 1.8])
def test_a_lamp_switched(factor: float) -> None:
    """The whole room in another light, at once or in a second."""
    assert longest(sightings(Detector(DEFAULT), scene(lambda p, at: p * factor if at >= 5 else None))) < 1.0
    slowly = scene(lambda p, at: p * (1 + (factor - 1) * min(1.0, max(0.0, at - 5))))
    assert longest(sightings(Detector(DEFAULT), slowly)) < 1.0


def test_a_lamp_in_a_corner() -> None:
    """Light on a part of the room alone."""

    def lamp(picture: Any, at: float) -> None:
        if at >= 5:
            y, x = np.mgrid[:HEIGHT, :WIDTH]
            picture += 70 * np.exp(-(((x - 120) / 60) ** 2 + ((y - 80) / 50) ** 2))

    assert longest(sightings(Detector(DEFAULT), scene(lamp, seconds=15))) < 1.0


def test_daylight_fades() -> None:
    assert times(lambda picture, at: picture * (1 - at / 200), seconds=120) == []


def test_a_person_in_changing_light() -> None:
    """The lamp goes on, the person walks: the person is seen all the same."""
    found = times(lambda picture, at: picture * (1.5 if at >= 5 else 1.0), walker(since=7), seconds=12)
    assert found
    assert min(found) >= 7


# ── zones ──

LEFT, RIGHT = rectangle("left", 0, 0, 0.5, 1), rectangle("right", 0.5, 0, 1, 1)


def test_zones_are_looked_at() -> None:
    """Somebody on the left is motion in the zone there, by its name, and none in the other."""
    here = walker(speed=8)
    seen = sightings(Detector(replace(DEFAULT, zones=(LEFT, RIGHT))), scene(here))
    assert {name for _, sighting in seen for name in sighting.zones} == {"left"}
    assert times(here, motion=replace(DEFAULT, zones=(RIGHT,))) == []


def test_zones_that_are_overlooked() -> None:
    here = walker(speed=8)
    assert times(here, motion=replace(DEFAULT, zones=(replace(LEFT, exclude=True),))) == []
    assert times(here, motion=replace(DEFAULT, zones=(replace(RIGHT, exclude=True),))) != []
    both = (LEFT, rectangle("shelf", 0, 0, 0.4, 1, exclude=True))
    assert times(here, motion=replace(DEFAULT, zones=both)) == []


def test_level_is_of_the_zones() -> None:
    """The same person fills more of a small zone."""
    zone = rectangle("door", 0, 0.4, 0.25, 0.9)
    levels = [
        max(sighting.level for at, sighting in sightings(Detector(one), scene(walker(speed=6))) if at > 4)
        for one in (DEFAULT, replace(DEFAULT, zones=(zone,)))
    ]
    assert levels[1] > 4 * levels[0]


@given(
    st.lists(
        st.lists(st.builds(Point, st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=20).map(tuple), max_size=8
    ),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_masks(polygons: list[tuple[Point, ...]], excluded: list[bool]) -> None:
    """Any polygons give a mask; what is overlooked takes away only, without a zone all counts."""
    zones = [Zone(f"{n}", polygon, excluded[n]) for n, polygon in enumerate(polygons)]
    whole = mask(zones, (180, 320))
    assert set(np.unique(whole)) <= {0, 255}
    looked_at = mask([zone for zone in zones if not zone.exclude], (180, 320))
    assert not np.any(whole & ~looked_at)
    assert mask([], (180, 320)).all()


# ── invariance ──


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 100),
    st.lists(st.integers(1, 4_000_000), min_size=1, max_size=25),
    st.sampled_from([(180, 320), (240, 320), (320, 180), (90, 320)]),
)
def test_a_still_picture_never_moves(seed: int, sensitivity: int, steps: list[int], shape: tuple[int, int]) -> None:
    """Whatever it shows, however it is set, at whatever pace pictures come."""
    picture = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    detector = Detector(MotionSettings(sensitivity=sensitivity, object_size=0, minimum_seconds=0))
    at_us = 1_700_000_000_000_000
    for step in steps:
        sighting = detector.see(picture, at_us)
        assert not sighting.motion
        assert not sighting.boxes
        assert sighting.level == 0
        at_us += step


def test_another_size_begins_anew() -> None:
    """A camera that is set to another size, or comes back much later or earlier, is learnt again."""
    detector = Detector(replace(DEFAULT, minimum_seconds=0))
    sightings(detector, scene(seconds=5))
    assert not detector.see(np.zeros((240, 320), np.uint8), 5_200_000).motion
    assert not detector.see(np.full((240, 320), 200, np.uint8), 60_000_000).motion
    assert not detector.see(room().astype(np.uint8)[:, ::-1], 1_000_000).motion


# ── real clips ──


def test_pedestrians() -> None:
    """A crossing with people from the first picture on: motion as soon as it is learnt."""
    seen = sightings(Detector(DEFAULT), clip("vtest_h264_baseline.mp4"))
    found = motion_times(seen)
    assert found[0] < 3.5
    assert len(found) > 0.9 * len([at for at, _ in seen if at > 3.5])
    assert all(len(sighting.boxes) < 20 for _, sighting in seen)


def test_people_come_and_go() -> None:
    """An empty corridor; somebody comes at 6 s, stands, and leaves at 20 s; the next one comes at 22.6 s."""
    seen = sightings(Detector(DEFAULT), clip("corridor_h264.mp4"))
    found = motion_times(seen)
    assert [at for at in found if at < 5.8 or 21.2 < at < 22.5] == []
    assert found[0] < 7.2
    assert any(19.0 < at < 20.0 for at in found)
    assert 22.5 < next(at for at in found if at > 21.2) < 24.0


def clip(name: str, per_second: float = 5) -> Any:
    last = -1.0
    with av.open(str(CLIPS / name)) as container:
        for frame in container.decode(video=0):
            if frame.time - last > 0.99 / per_second:
                last = frame.time
                height = round(320 * frame.height / frame.width)
                yield frame.reformat(320, height, "gray", interpolation="AREA").to_ndarray(), int(last * 1e6)
