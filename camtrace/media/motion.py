"""Motion in a camera's pictures: what differs from the background, is large enough, and lasts.

The background is a mixture of Gaussians for each pixel (Zivkovic 2004, OpenCV's MOG2): branches in the wind and the
lines of a screen have several usual values. Light is told from objects by structure: a lamp leaves the edges of what
it shines on where they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from camtrace.model import Box, MotionSettings, Zone

Picture = NDArray[np.uint8]

# what is learnt before anything counts
WARM_SECONDS = 2.0
# after so long without pictures the background is another one
FORGET_SECONDS = 20.0
MOST_BOXES = 20

# MOG2 takes a new value for background once its weight is more than this
_NEW_WEIGHT = 0.1
# pictures are seen in the background's light up to a change of so much; beyond it they are learnt anew
_GAIN = 2.5
# grey levels of difference that are noise, and of contrast that a gain can be told from
_SAME_LIGHT, _LEAST_CONTRAST = 3.0, 12.0
# up to and from here on a camera shows nothing but black and white
_CLIPS = 16, 240
# over this share of the picture an object would have to hide everything: it is asked whether light has changed
_MOST_CHANGED = 0.4
# how much alike two pieces of picture are in structure when only their light differs
_ALIKE = 0.7
# grey levels of structure below which a piece of picture is plain
_PLAIN = 2.5
# where an object's outline is so many times steeper in the background than in the picture, it has left: a hole
_HOLE, _EDGE = 2.0, 12.0
# a moment in which a moving object is not seen does not end it
_PATIENCE_SECONDS = 0.5
# nothing is smaller: in pixels, and in per mille
_SMALLEST_SIDE, _SMALLEST = 3, 0.3

cv2.setNumThreads(1)  # the pool's threads are enough


class Sighting(NamedTuple):
    """What one picture holds; as `model.Moved`, without camera and instant."""

    level: float
    boxes: tuple[Box, ...] = ()
    motion: bool = False
    zones: tuple[str, ...] = ()


class Detector:
    """Looks at the pictures of one camera, one after the other."""

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._shape: tuple[int, ...] = ()
        self._model: cv2.BackgroundSubtractorMOG2 | None = None
        self._mask: Picture = np.empty((0, 0), np.uint8)
        self._mean: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._gain, self._offset = 1.0, 0.0  # of the present picture's light over the background's
        self._before: Picture = np.empty((0, 0), np.uint8)  # what moved before the light changed
        self._looked_at = 0  # pixels
        self._zones: list[tuple[str, Picture]] = []
        self._last_us = self._first_us = 0
        self._pictures = 0
        self._since_us: int | None = None  # from when on something moves
        self._seen_us = 0
        self._moved_in: tuple[str, ...] = ()

    def see(self, picture: Picture, at_us: int) -> Sighting:
        """What moves in this grey picture, taken at `at_us`; small: some 240 pixels wide."""
        seconds = (at_us - self._last_us) / 1e6
        if self._model is None or picture.shape != self._shape or not 0 <= seconds <= FORGET_SECONDS:
            self._begin(picture, at_us)
            return Sighting(0.0)
        self._last_us = at_us
        self._pictures += 1
        picture = cv2.GaussianBlur(picture, (5, 5), 0).astype(np.uint8, copy=False)
        rate = 1 - (1 - _NEW_WEIGHT) ** (seconds / max(self._settings.history_seconds, 1))
        warming = at_us - self._first_us < WARM_SECONDS * 1e6
        if warming:
            rate = max(rate, 1 / self._pictures)
        level = self._in_usual_light(picture)
        moving = self._moving(level, rate)
        background = self._model.getBackgroundImage().astype(np.uint8, copy=False) if moving.any() else level
        if level is not picture:
            moving[_clipped(picture, self._in_light(background)) > 0] = 0
        if np.count_nonzero(moving) > _MOST_CHANGED * moving.size and _only_light(level, background):
            objects = cv2.dilate(self._before, _AROUND) > 0
            self._learn(np.where(objects, self._in_light(background), picture))
            moving[:] = 0
        else:
            self._before = moving.copy()
        moving &= self._mask
        share = 100 * int(np.count_nonzero(moving)) / max(1, self._looked_at)
        if warming:
            return Sighting(share)
        boxes, outlines = self._objects(moving, level, background)
        return Sighting(share, boxes, *self._judge(boxes, outlines, at_us))

    def _begin(self, picture: Picture, at_us: int) -> None:
        settings = self._settings
        self._shape = picture.shape
        self._model = cv2.createBackgroundSubtractorMOG2(500, _distance(settings.sensitivity), False)
        self._model.setBackgroundRatio(1 - _NEW_WEIGHT)
        self._learn(cv2.GaussianBlur(picture, (5, 5), 0).astype(np.uint8, copy=False))
        self._mask = mask(settings.zones, picture.shape)
        self._looked_at = int(np.count_nonzero(self._mask))
        self._zones = [(zone.name, _painted(zone, picture.shape)) for zone in settings.zones if not zone.exclude]
        self._before = np.zeros(picture.shape, np.uint8)
        self._gain, self._offset = 1.0, 0.0
        self._first_us = self._last_us = at_us
        self._pictures = 1
        self._since_us = None

    def _learn(self, picture: Picture) -> None:
        """Take this picture for the background."""
        assert self._model is not None
        self._model.apply(picture, learningRate=1.0)
        self._mean = picture.astype(np.float32)

    def _in_light(self, background: Picture) -> Picture:
        """The background as it would look in the light of the present picture."""
        return np.clip(background * self._gain + self._offset, 0, 255).astype(np.uint8)

    def _in_usual_light(self, picture: Picture) -> Picture:
        """The picture as it would look in the background's light."""
        self._gain, self._offset = _light(picture[::6, ::6], self._mean[::6, ::6])
        if (self._gain, self._offset) == (1.0, 0.0):
            return picture
        return np.clip((picture - self._offset) / self._gain, 0, 255).astype(np.uint8)

    def _moving(self, picture: Picture, rate: float) -> Picture:
        """The pixels that differ from the background, which learns."""
        assert self._model is not None
        cv2.accumulateWeighted(picture, self._mean, rate)
        moving = self._model.apply(picture, learningRate=rate)
        moving = cv2.morphologyEx(moving, cv2.MORPH_OPEN, _ROUND3)
        return cv2.morphologyEx(moving, cv2.MORPH_CLOSE, _ROUND7).astype(np.uint8, copy=False)

    def _objects(
        self, moving: Picture, picture: Picture, background: Picture
    ) -> tuple[tuple[Box, ...], list[NDArray[np.int32]]]:
        """The pieces that hang together, the largest first, each with its outline."""
        found, _ = cv2.findContours(moving, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        height, width = moving.shape
        objects = []
        for outline in found:
            x, y, wide, high = cv2.boundingRect(outline)
            size = 1000 * int(np.count_nonzero(moving[y : y + high, x : x + wide])) / moving.size
            if min(wide, high) < _SMALLEST_SIDE or size < _SMALLEST:
                continue
            around = np.s_[max(0, y - 2) : y + high + 2, max(0, x - 2) : x + wide + 2]
            if size >= self._large and _only_light(picture[around], background[around]):
                continue
            if size >= self._large and self._is_young and _is_hole(np.asarray(outline, np.int32), picture, background):
                continue
            objects.append((Box(x / width, y / height, wide / width, high / height, round(size, 2)), outline))
        objects.sort(key=lambda one: -one[0].size)
        del objects[MOST_BOXES:]
        return tuple(box for box, _ in objects), [np.asarray(outline, np.int32) for _, outline in objects]

    def _judge(
        self, boxes: Sequence[Box], outlines: Sequence[NDArray[np.int32]], at_us: int
    ) -> tuple[bool, tuple[str, ...]]:
        """Whether this is motion by now, and in which zones."""
        large = [outline for box, outline in zip(boxes, outlines, strict=True) if box.size >= self._large]
        if large:
            if self._since_us is None:
                self._since_us = at_us
            self._seen_us = at_us
            self._moved_in = self._named(large)
        elif self._since_us is not None and at_us - self._seen_us > _PATIENCE_SECONDS * 1e6:
            self._since_us = None
        if self._since_us is None or at_us - self._since_us < self._settings.minimum_seconds * 1e6:
            return False, ()
        return True, self._moved_in

    @property
    def _is_young(self) -> bool:
        """Whether somebody who was there when it began may still be in the background."""
        return self._last_us - self._first_us < 2e6 * self._settings.history_seconds

    @property
    def _large(self) -> float:
        return max(self._settings.object_size, _SMALLEST)

    def _named(self, outlines: Sequence[NDArray[np.int32]]) -> tuple[str, ...]:
        if not self._zones:
            return ()
        there = np.zeros(self._shape, np.uint8)
        cv2.drawContours(there, list(outlines), -1, 255, cv2.FILLED)
        return tuple(name for name, zone in self._zones if cv2.countNonZero(cv2.bitwise_and(there, zone)))


def mask(zones: Sequence[Zone], shape: tuple[int, ...]) -> Picture:
    """255 where motion counts, 0 elsewhere; `shape` is that of the pictures."""
    looked_at = [zone for zone in zones if not zone.exclude]
    found = np.full(shape, 0 if looked_at else 255, np.uint8)
    for zone in looked_at:
        found |= _painted(zone, shape)
    for zone in zones:
        if zone.exclude:
            found &= ~_painted(zone, shape)
    return found


def _painted(zone: Zone, shape: tuple[int, ...]) -> Picture:
    canvas = np.zeros(shape, np.uint8)
    corners = [[round(x * (shape[1] - 1)), round(y * (shape[0] - 1))] for x, y in zone.polygon]
    cv2.fillPoly(canvas, [np.array(corners, np.int32)], 255)
    return canvas


def _light(picture: Picture, mean: NDArray[np.float32]) -> tuple[float, float]:
    """Gain and offset of the light that turn `mean` into `picture`; 1, 0 when it is the same, or another picture.

    A line through the medians of the darker and of the brighter half, which an object of less than a quarter of the
    picture does not move.
    """
    bright = mean >= np.median(mean)
    halves = [part for part in (~bright, bright) if part.any()]
    points = [(float(np.median(mean[part])), float(np.median(picture[part]))) for part in halves]
    if max(abs(now - before) for before, now in points) < _SAME_LIGHT:
        return 1.0, 0.0
    (dark, dark_now), (light, light_now) = points[0], points[-1]
    gain = (light_now - dark_now) / (light - dark) if light - dark >= _LEAST_CONTRAST else 1.0
    if not 1 / _GAIN < gain < _GAIN:
        return 1.0, 0.0
    return gain, (dark_now - gain * dark + light_now - gain * light) / 2


def _clipped(picture: Picture, expected: Picture) -> Picture:
    """Where both are as bright, or as dark, as pictures can be, and around: there light takes away what was seen."""
    dark, bright = _CLIPS
    clipped = ((picture >= bright) & (expected >= bright)) | ((picture <= dark) & (expected <= dark))
    return cv2.dilate(clipped.astype(np.uint8), _ROUND7).astype(np.uint8, copy=False)


def _only_light(picture: Picture, background: Picture) -> bool:
    """Whether two pieces show the same, one in another light: the same structure, or none in either."""
    one, other = (np.asarray(each, np.float32) for each in (picture, background))
    one, other = one - one.mean(), other - other.mean()
    spread, former = float(np.sqrt((one * one).mean())), float(np.sqrt((other * other).mean()))
    if spread < _PLAIN and former < _PLAIN:
        return True
    alike = float((one * other).mean()) / max(spread * former, 1e-6)
    return alike > _ALIKE and spread > 0.4 * former


def _is_hole(outline: NDArray[np.int32], picture: Picture, background: Picture) -> bool:
    """Whether somebody who is in the background has left here: the edges along the outline are the background's.

    The outline of what is there now is an edge of the picture (Cucchiara et al. 2003 tell ghosts by their motion; one
    look at the edges is enough here).
    """
    x, y, wide, high = cv2.boundingRect(outline)
    top, left = max(0, y - 4), max(0, x - 4)
    around = np.s_[top : y + high + 4, left : x + wide + 4]
    along = np.zeros(picture[around].shape, np.uint8)
    cv2.drawContours(along, [outline - (left, top)], -1, 255, 5)
    now, before = (_edges(each[around])[along > 0].mean() for each in (picture, background))
    return bool(before > _EDGE and before > _HOLE * now)


def _edges(picture: Picture) -> NDArray[np.float32]:
    """How steep it is everywhere."""
    across, down = (cv2.Sobel(picture, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    return cv2.magnitude(across, down).astype(np.float32, copy=False)


def _distance(sensitivity: int) -> float:
    """How far from the background a value must be, in squared deviations: 64 to 4, 16 in the middle."""
    return 64.0 * 16.0 ** (-sensitivity / 100)


_ROUND3 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
_AROUND = cv2.getStructuringElement(cv2.MORPH_RECT, (61, 61))
_ROUND7 = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
