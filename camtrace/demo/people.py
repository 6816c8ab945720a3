"""The shop's people as drawn figures: from the front, as they come to the till, and from above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, pi, sin

from PIL import Image

from camtrace.demo.art import Colour, Sketch

TALL = 330
WIDE = 200
ROUND = 96
STRIDES = 8

WHITE = (250, 248, 242)


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks like."""

    skin: Colour
    hair: Colour
    coat: Colour
    trim: Colour
    legs: Colour
    long_hair: bool = False
    beard: bool = False
    hat: Colour | None = None
    glasses: bool = False


SHOPPERS = (
    Look((236, 188, 156), (92, 52, 30), (186, 44, 52), (236, 220, 190), (48, 52, 74), long_hair=True),
    Look((150, 98, 66), (28, 22, 22), (34, 78, 124), (224, 178, 62), (62, 58, 54), beard=True, glasses=True),
    Look((224, 172, 136), (206, 170, 104), (44, 116, 92), (240, 236, 222), (88, 68, 60), long_hair=True),
    Look((204, 150, 112), (96, 92, 94), (214, 148, 44), (70, 52, 44), (44, 48, 56), hat=(70, 52, 44)),
)
SELLER = Look((228, 180, 148), (52, 36, 30), (238, 238, 232), (38, 104, 84), (44, 48, 56), long_hair=True)


@cache
def facing(look: Look, stride: int, paying: bool = False) -> Image.Image:
    """A person who comes towards the camera. `stride`: 0 to 7 through one double step, -1 standing."""
    sketch, swing = _body(look, stride)
    _arm(sketch, look, -1, swing, raised=False)
    _arm(sketch, look, +1, -swing, raised=paying)
    _head(sketch, look)
    x = WIDE / 2
    sketch.stroke(((x, 106), (x, 212)), _darker(look.coat, 0.8), 2)
    for side in (-1, 1):
        sketch.oval(x + 11 * side, 44, 3, 3.6, (40, 30, 30))
        sketch.stroke(((x + 7 * side, 35), (x + 16 * side, 35.5)), look.hair, 2.2)
    if look.glasses:
        for side in (-1, 1):
            sketch.arc(x + 11 * side, 44, 8, 0, 360, (30, 30, 36), 1.8)
        sketch.stroke(((x - 3, 43), (x + 3, 43)), (30, 30, 36), 1.6)
    if look.beard:
        sketch.oval(x, 66, 19, 12, look.hair)
        sketch.oval(x, 59, 12, 6, look.skin)
    sketch.stroke(((x, 46), (x - 2, 53), (x + 2, 54)), _darker(look.skin, 0.84), 2)
    sketch.arc(x, 57, 8, 30, 150, (150, 62, 58), 2.4)
    return sketch.picture()


@cache
def leaving(look: Look, stride: int) -> Image.Image:
    """A person who goes away from the camera, a paper bag in the hand."""
    sketch, swing = _body(look, stride)
    _arm(sketch, look, -1, -swing, raised=False)
    _arm(sketch, look, +1, 0, raised=False)
    _head(sketch, look)
    x = WIDE / 2
    if not look.long_hair:
        sketch.box(x - 13, 60, x + 13, 90, _darker(look.skin, 0.88), 6)
    sketch.box(x - 27, 84, x + 27, 106, look.coat, 9)
    sketch.oval(x, 50, 30, 28, look.hair)
    if look.long_hair:
        sketch.box(x - 31, 36, x + 31, 96, look.hair, 16)
    if not look.hat:
        sketch.oval(x, 38, 30, 33, look.hair)
    _bag(sketch, x + 52, 196)
    return sketch.picture()


@cache
def from_above(look: Look, stride: int, paying: bool = False, bag: bool = False) -> Image.Image:
    """A person seen from above who goes upwards in the picture; turn it for other ways. Its middle is its place."""
    sketch = Sketch(ROUND, ROUND)
    middle = ROUND / 2
    swing = 0.0 if stride < 0 else sin(2 * pi * stride / STRIDES)
    for side in (-1, 1):
        reach = 24 if paying and side > 0 else 9 + 9 * swing * side
        hand = (middle + 19 * side - (6 if paying and side > 0 else 0), middle - reach)
        sketch.oval(middle + 9 * side, middle - 12 * swing * side, 6.5, 11, _darker(look.legs, 0.8))
        sketch.stroke(((middle + 23 * side, middle + 1), (middle + 24 * side, middle - reach / 2), hand), look.coat, 11)
        sketch.oval(*hand, 5.5, 5.5, look.skin)
    if bag:
        sketch.box(middle + 20, middle - 12, middle + 38, middle + 8, (196, 158, 108), 2)
        sketch.box(middle + 23, middle - 9, middle + 35, middle + 5, (150, 114, 72), 1)
    sketch.oval(middle, middle + 2, 29, 15, _darker(look.coat, 0.82))
    sketch.oval(middle, middle, 28, 14, look.coat)
    sketch.oval(middle, middle - 4, 13, 10, look.trim)
    if look.long_hair:
        sketch.oval(middle, middle + 8, 12, 12, look.hair)
    sketch.oval(middle, middle - 2, 14, 15, look.skin)
    sketch.oval(middle, middle + 1, 14, 14.5, look.hat or look.hair)
    sketch.oval(middle - 3, middle - 2, 6, 6, _lighter(look.hat or look.hair))
    return sketch.picture()


def _body(look: Look, stride: int) -> tuple[Sketch, float]:
    """Legs and trunk; and how far the arms swing, -1 to 1."""
    sketch = Sketch(WIDE, TALL)
    x = WIDE / 2
    swing = 0.0 if stride < 0 else sin(2 * pi * stride / STRIDES)
    lift = 0.0 if stride < 0 else cos(2 * pi * stride / STRIDES)
    for side in (-1, 1):
        foot = 316 - 10 * max(0.0, lift * side)
        sketch.stroke(((x + 20 * side, 190), (x + 21 * side, 250), (x + 20 * side, foot - 8)), look.legs, 33)
        sketch.oval(x + 22 * side, foot, 20, 10, (36, 32, 34))
    sketch.shape(((x - 50, 98), (x + 50, 98), (x + 56, 214), (x - 56, 214)), look.coat)
    sketch.box(x - 57, 78, x + 57, 150, look.coat, 30)
    sketch.shape(((x - 57, 116), (x - 38, 116), (x - 42, 214), (x - 56, 214)), _darker(look.coat, 0.86))
    return sketch, swing


def _arm(sketch: Sketch, look: Look, side: int, swing: float, raised: bool) -> None:
    x = WIDE / 2 + 52 * side
    shade = _darker(look.coat, 0.9)
    if raised:
        hand = (x - 34 * side, 172)
        sketch.stroke(((x, 104), (x + 14 * side, 160), hand), shade, 27)
        sketch.oval(*hand, 13, 12, look.skin)
        sketch.box(hand[0] - 22, hand[1] - 6, hand[0] + 8, hand[1] + 13, (126, 170, 140), 2)
        return
    low = (x + 10 * side, 208 - 8 * abs(swing))
    sketch.stroke(((x, 104), (x + 8 * side, 160), low), shade, 27)
    sketch.oval(low[0], low[1] + 12, 12, 13, look.skin)


def _head(sketch: Sketch, look: Look) -> None:
    x = WIDE / 2
    if look.long_hair:
        sketch.box(x - 32, 14, x + 32, 92, look.hair, 26)
    sketch.box(x - 12, 60, x + 12, 92, _darker(look.skin, 0.88), 8)
    sketch.shape(((x - 26, 82), (x, 104), (x + 26, 82), (x + 18, 78), (x - 18, 78)), look.trim)
    sketch.oval(x, 43, 27, 32, look.skin)
    for side in (-1, 1):
        sketch.oval(x + 27 * side, 46, 5, 8, look.skin)
    if look.hat:
        sketch.box(x - 30, 10, x + 30, 28, look.hat, 9)
        sketch.oval(x, 18, 27, 15, look.hat)
        sketch.box(x - 31, 24, x + 31, 31, _darker(look.hat, 0.8), 4)
    else:
        sketch.shape(_fringe(x), look.hair)


def _fringe(x: float) -> list[tuple[float, float]]:
    """The hair over the forehead: the upper part of an egg, cut slantwise."""
    crown = [(x + 29 * cos(angle), 42 - 36 * sin(angle)) for angle in (pi * part / 16 for part in range(17))]
    return [*crown, (x - 26, 40), (x - 12, 27), (x + 8, 26), (x + 25, 38)]


def _bag(sketch: Sketch, x: float, y: float) -> None:
    sketch.arc(x, y + 16, 13, 180, 360, (150, 114, 72), 3)
    sketch.box(x - 22, y + 16, x + 22, y + 76, (201, 165, 115), 2)
    sketch.box(x - 22, y + 16, x - 8, y + 76, (184, 147, 99), 2)


def _darker(colour: Colour, part: float) -> Colour:
    red, green, blue = colour[:3]
    return int(red * part), int(green * part), int(blue * part)


def _lighter(colour: Colour) -> Colour:
    red, green, blue = colour[:3]
    return (red * 3 + 255) // 4, (green * 3 + 255) // 4, (blue * 3 + 255) // 4
