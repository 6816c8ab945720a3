"""The first camera's surroundings, which stand still: the shop behind the counter, and the counter with its till."""

from __future__ import annotations

from functools import cache
from math import cos, pi, sin

from PIL import Image

from camtrace.demo.art import GOODS, Colour, Sketch

WIDTH = 640
HEIGHT = 448

_OUTSIDE: Colour = (206, 224, 232)


@cache
def shop() -> Image.Image:
    """The shop behind the counter, RGB."""
    sketch = Sketch(WIDTH, HEIGHT, (224, 212, 190, 255))
    sketch.slope(0, 0, WIDTH, 190, (198, 186, 166), (232, 222, 202))
    sketch.slope(0, 188, WIDTH, HEIGHT, (150, 136, 120), (196, 182, 162))
    for row in range(5):
        y = 190 + 9 * row * (1 + row * 0.35)
        sketch.stroke(((0, y), (WIDTH, y)), (138, 125, 110), 1)
    for column in range(-8, 17):
        sketch.stroke(
            ((320 + (column * 56 - 200) * 0.62, 190), (320 + (column * 56 - 200) * 1.9, 330)), (138, 125, 110), 1
        )
    sketch.box(0, 184, WIDTH, 190, (120, 96, 76))
    _shelves(sketch)
    _door(sketch)
    sketch.oval(392, 62, 27, 27, (70, 62, 58))
    sketch.oval(392, 62, 24, 24, (250, 248, 242))
    for tick in range(12):
        angle = tick * pi / 6
        inner = 18 if tick % 3 else 16
        sketch.stroke(
            ((392 + inner * sin(angle), 62 - inner * cos(angle)), (392 + 21 * sin(angle), 62 - 21 * cos(angle))),
            (60, 54, 52),
            1.2 if tick % 3 else 2.4,
        )
    for x in (120, 300):
        sketch.stroke(((x, 0), (x, 14)), (60, 56, 52), 2)
        sketch.shape(((x - 9, 14), (x + 9, 14), (x + 24, 32), (x - 24, 32)), (54, 74, 72))
        sketch.oval(x, 32, 20, 4, (255, 240, 196))
    return sketch.picture().convert("RGB")


def _shelves(sketch: Sketch) -> None:
    sketch.box(24, 44, 348, 200, (112, 82, 58), 3)
    sketch.box(30, 50, 342, 196, (74, 56, 44))
    for row in range(3):
        floor = 96 + 50 * row
        x, number = 36.0, row * 5
        while x < 328:
            number += 1
            wide = 9 + number * 7 % 9
            tall = 20 + number * 11 % 17
            tint = GOODS[(number // 3 + row * 2) % len(GOODS)]
            sketch.box(x, floor - tall, x + wide, floor, tint, 2 + 2 * (row == 1))
            sketch.box(x + 1, floor - tall * 0.6, x + wide - 1, floor - tall * 0.25, (242, 234, 216))
            if row == 1:
                sketch.box(x + wide * 0.3, floor - tall - 6, x + wide * 0.7, floor - tall + 2, tint, 1)
            x += wide + 2 + (number % 6 == 0) * 5
        sketch.box(28, floor, 344, floor + 6, (140, 104, 74))
        for label in range(6):
            sketch.box(46 + 52 * label, floor + 1, 62 + 52 * label, floor + 5, (248, 244, 230))


def _door(sketch: Sketch) -> None:
    sketch.box(436, 22, 612, 232, (70, 84, 84), 3)
    sketch.slope(444, 30, 604, 150, _OUTSIDE, (226, 232, 228))
    sketch.slope(444, 150, 604, 228, (178, 182, 180), (164, 166, 164))
    for x, wide, top, tint in (
        (448, 44, 62, (196, 176, 150)),
        (492, 52, 48, (186, 158, 136)),
        (546, 58, 70, (204, 190, 166)),
    ):
        sketch.box(x, top, x + wide, 164, tint)
        for row in range(3):
            for column in range(int(wide / 16)):
                left, upper = x + 5 + column * 16, top + 10 + row * 26
                sketch.box(left, upper, left + 8, upper + 14, (120, 132, 142))
    sketch.box(444, 164, 604, 169, (140, 142, 140))
    sketch.oval(460, 146, 17, 22, (104, 138, 92))
    sketch.box(458, 150, 462, 170, (98, 76, 58))
    sketch.box(462, 228, 586, 238, (92, 74, 62), 2)
    sketch.box(486, 6, 562, 20, (36, 112, 74), 3)
    sketch.words(524, 13, "SORTIE", 10, (240, 250, 240), "mm")


@cache
def counter() -> Image.Image:
    """What stands in front of the customer: the counter with everything on it, on a clear ground."""
    sketch = Sketch(WIDTH, HEIGHT)
    sketch.slope(0, 252, WIDTH, 372, (198, 158, 112), (176, 134, 90))
    for grain in range(9):
        y = 258 + grain * 13
        sketch.stroke(((0, y), (220, y + 3), (WIDTH, y - 2)), (184, 143, 98), 1)
    sketch.box(0, 248, WIDTH, 254, (222, 188, 146))
    sketch.slope(0, 372, WIDTH, 412, (112, 82, 58), (92, 67, 49))
    sketch.box(0, 412, WIDTH, HEIGHT, (92, 67, 49))
    for slat, y in enumerate((415, 421, 426, 433, 437, 443)):  # uneven on purpose: see h264.py on the lowest lines
        sketch.box(0, y, WIDTH, y + 2 + slat % 2, (66, 47, 35))
        sketch.box(0, y + 2 + slat % 2, WIDTH, y + 3 + slat % 2, (116, 86, 62))
    sketch.box(0, 370, WIDTH, 376, (136, 100, 70))
    sketch.shade(40, 270, 190, 366, 90, 7, 8)
    sketch.box(256, 288, WIDTH, 352, (128, 132, 136), 4)
    sketch.box(262, 294, WIDTH, 346, (48, 50, 54), 2)
    sketch.box(202, 292, 254, 350, (128, 132, 136), 4)
    sketch.box(207, 297, 249, 345, (30, 34, 40), 2)
    sketch.shape(((212, 345), (222, 345), (240, 297), (230, 297)), (52, 60, 70))
    _card_reader(sketch)
    _register(sketch)
    return sketch.picture()


@cache
def bag() -> Image.Image:
    """The paper bag that stands on the counter until the customer takes it; it belongs at (180, 206)."""
    sketch = Sketch(70, 80)
    sketch.shade(8, 56, 62, 70, 90, 4, 6)
    sketch.box(10, 16, 58, 66, (201, 165, 115), 1)
    sketch.shape(((10, 16), (22, 16), (22, 66), (10, 66)), (184, 147, 99))
    sketch.shape(((10, 16), (16, 8), (64, 8), (58, 16)), (140, 106, 68))
    return sketch.picture()


def _card_reader(sketch: Sketch) -> None:
    sketch.shade(470, 258, 512, 284, 90, 4, 6)
    sketch.box(470, 246, 508, 284, (58, 62, 70), 5)
    sketch.box(475, 250, 503, 263, (156, 186, 170), 2)
    for row in range(3):
        for column in range(3):
            sketch.box(476 + 9.5 * column, 266 + 5.5 * row, 483 + 9.5 * column, 270 + 5.5 * row, (206, 208, 212), 1)


def _register(sketch: Sketch) -> None:
    sketch.box(88, 276, 124, 308, (64, 66, 72), 4)
    sketch.box(66, 300, 146, 312, (50, 52, 58), 5)
    sketch.box(28, 168, 180, 282, (36, 38, 44), 8)
    sketch.box(34, 174, 174, 276, (18, 26, 30), 3)
    sketch.box(38, 316, 188, 364, (58, 60, 66), 6)
    keys = ((226, 226, 224), (226, 226, 224), (226, 226, 224), (118, 160, 196), (206, 150, 66))
    for row in range(3):
        for column in range(9):
            tint = (92, 160, 104) if (row, column) == (2, 8) else keys[column // 2]
            x, y = 44 + 15.6 * column, 321 + 13.4 * row
            sketch.box(x, y, x + 13, y + 10.5, tint, 2)
    sketch.box(26, 378, 204, 410, (44, 46, 52), 4)
    sketch.box(30, 382, 200, 406, (70, 74, 82), 3)
    sketch.oval(115, 394, 5, 5, (176, 180, 186))
    sketch.box(114, 391, 116, 397, (44, 46, 52))
