"""Generated scenes for motion detection: a shop's corner with something in it, as small grey pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from camtrace.media.motion import Detector, Sighting
from camtrace.model import Box

Picture = NDArray[np.uint8]
Draw = Callable[[NDArray[np.float32], float], NDArray[np.float32] | None]

WIDTH, HEIGHT = 320, 180
PER_SECOND = 5


def room(seed: int = 1) -> NDArray[np.float32]:
    """Shelves before a wall: edges, plain parts, a bright window."""
    chance = np.random.default_rng(seed)
    picture = np.full((HEIGHT, WIDTH), 110, np.float32)
    picture[130:] = 70
    for x in range(0, 200, 20):
        picture[40:130, x : x + 17] = chance.uniform(60, 170)
    picture[20:60, 230:290] = 200
    return picture


def scene(*draw: Draw, seconds: float = 10, noise: float = 2.0, seed: int = 1) -> Iterator[tuple[Picture, int]]:
    """Pictures of the room with their instants; each of `draw` changes a picture (or returns another) at `at`."""
    chance = np.random.default_rng(seed)
    for number in range(int(seconds * PER_SECOND)):
        at = number / PER_SECOND
        picture = room()
        for change in draw:
            changed = change(picture, at)
            picture = picture if changed is None else changed
        picture = picture + chance.normal(0, noise, picture.shape) if noise else picture
        yield np.clip(picture, 0, 255).astype(np.uint8), int(at * 1_000_000)


def walker(
    *, size: int = 24, since: float = 4.0, until: float = 1e9, speed: float = 30, y: int = 90, x: int = 10
) -> Draw:
    """Somebody in a striped coat who walks to the right, `speed` in columns a second, and again from the left."""

    def draw(picture: NDArray[np.float32], at: float) -> None:
        if since <= at < until:
            left = int(x + (at - since) * speed) % (WIDTH - size)
            body = picture[y : y + size * 2, left : left + size]
            body[:] = 35
            body[:: max(4, size // 4)] = 180

    return draw


def sightings(detector: Detector, pictures: Iterable[tuple[Picture, int]]) -> list[tuple[float, Sighting]]:
    """What the detector says of each picture, with the instant in seconds."""
    return [(at_us / 1e6, detector.see(picture, at_us)) for picture, at_us in pictures]


def motion_times(seen: Iterable[tuple[float, Sighting]]) -> list[float]:
    """The instants at which there was motion."""
    return [at for at, sighting in seen if sighting.motion]


def longest(seen: list[tuple[float, Sighting]]) -> float:
    """Seconds of the longest motion."""
    best = since = 0.0
    for (at, one), (following, other) in pairwise(seen):
        since = since + following - at if one.motion and other.motion else 0.0
        best = max(best, since)
    return best


def covers(box: Box, x: float, y: float) -> bool:
    """Whether the place lies in the box."""
    return box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height
