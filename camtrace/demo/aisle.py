"""The second camera's picture: the shop from the ceiling, the way in, the shelves and the second till."""

from __future__ import annotations

from functools import cache
from math import atan2, cos, degrees, hypot, pi, sin

from PIL import Image

from camtrace.demo import people
from camtrace.demo.art import GOODS, Colour, Point, Sketch, along, ease, put
from camtrace.demo.script import BEATS_PER_SECOND, TILLS, Sale

WIDTH = 640
HEIGHT = 448
TILL = TILLS[1]

_DOOR = (480.0, 490.0)
_STAND = (252.0, 212.0)
_SELLER = (96.0, 212.0)
_BELT = (180.0, 262.0)
_TURN = 15  # degrees between two drawn headings
_SOLD: dict[int, Colour] = {
    130: (214, 150, 74),
    240: (132, 36, 66),
    390: (46, 106, 62),
    1000: (226, 172, 62),
    1600: (244, 238, 232),
}
_STROLLER = people.Look((236, 196, 168), (168, 160, 156), (122, 84, 132), (232, 226, 214), (70, 70, 84), long_hair=True)
_STROLL = (
    (0.0, (604.0, 66.0)), (9.0, (340.0, 72.0)), (16.0, (340.0, 72.0)), (20.0, (296.0, 120.0)), (24.0, (298.0, 330.0)),
    (33.0, (500.0, 334.0)), (40.0, (604.0, 330.0)), (49.0, (606.0, 200.0)), (54.0, (606.0, 200.0)),
    (60.0, (604.0, 66.0)),
)  # fmt: skip


def picture(position: int) -> Image.Image:
    """The picture at a beat of the loop, 640 x 448, RGB."""
    sale, now = TILL.moment(position)
    image = _floor().copy()
    _doors(image, sale, now)
    _walk(image, _STROLLER, _STROLL, position / BEATS_PER_SECOND, rest=0)
    _drawer(image, sale, now)
    _belt(image, sale, now)
    _seller(image, sale, now)
    paid = sale.when("E") or 0.0
    bought = now > paid
    at_till = 8.9 <= now < paid + 0.5
    paying = at_till and paid - 3.5 < now < paid - 0.5
    _walk(image, people.SHOPPERS[sale.shopper], _way(paid), now, rest=90 if at_till else 0, paying=paying, bag=bought)
    image.paste(_lintel(), (0, 430))
    return image


def _way(paid: float) -> tuple[tuple[float, Point], ...]:
    """Where a customer is: the door, a shelf, the till, the door."""
    return (
        (0.2, _DOOR), (1.6, (480, 340)), (2.9, (312, 318)), (4.3, (330, 196)), (4.9, (396, 192)), (6.2, (396, 192)),
        (7.4, (300, 200)), (8.6, _STAND), (paid + 0.4, _STAND), (paid + 1.9, (292, 342)), (paid + 3.6, (470, 356)),
        (paid + 5.0, _DOOR),
    )  # fmt: skip


# ── what stands still ────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _floor() -> Image.Image:
    sketch = Sketch(WIDTH, HEIGHT, (206, 200, 188, 255))
    for row in range(12):
        for column in range(17):
            tint = 4 * ((row * 7 + column * 5) % 3)
            sketch.box(column * 40 - 2, row * 40, column * 40 + 36, row * 40 + 38, (214 + tint, 208 + tint, 196 + tint))
    sketch.shape(((424, 440), (536, 440), (590, 300), (386, 300)), (240, 236, 222))
    sketch.box(412, 388, 548, 430, (74, 78, 78), 3)
    sketch.words(480, 409, "BIENVENUE", 15, (176, 180, 172), "mm")
    _wall_shelf(sketch)
    _island(sketch, 104, 0)
    _island(sketch, 236, 4)
    _counter(sketch)
    _plant(sketch, 40, 400)
    _plant(sketch, 606, 404)
    _baskets(sketch)
    return sketch.picture().convert("RGB")


def _wall_shelf(sketch: Sketch) -> None:
    sketch.shade(0, 0, WIDTH, 52, 110, 7)
    sketch.box(0, 0, WIDTH, 12, (96, 84, 74))
    sketch.box(14, 8, 626, 46, (150, 112, 78), 2)
    _rows(sketch, 20, 13, 620, 41, 1)


def _island(sketch: Sketch, top: float, seed: int) -> None:
    sketch.shade(346, top + 6, 578, top + 66, 120, 8, 4)
    sketch.box(342, top, 572, top + 58, (150, 112, 78), 3)
    sketch.box(346, top + 27, 568, top + 31, (104, 76, 54))
    _rows(sketch, 348, top + 4, 566, top + 25, seed + 2)
    _rows(sketch, 348, top + 33, 566, top + 54, seed + 3)


def _rows(sketch: Sketch, left: float, top: float, right: float, bottom: float, seed: int) -> None:
    """Goods seen from above, side by side; every third kind is round."""
    x, number = left, seed
    while x < right - 11:
        number += 1
        kind = (number // 4 * 3 + seed) % 7
        for y in (top, (top + bottom) / 2 + 0.5):
            high = (bottom - top) / 2 - 1.5
            if kind % 3 == 0:
                sketch.oval(x + 5, y + high / 2, 5, high / 2, GOODS[kind])
                sketch.oval(x + 5, y + high / 2, 2.4, high / 4, (244, 238, 224))
            else:
                sketch.box(x, y, x + 10, y + high, GOODS[kind], 1)
                sketch.box(x + 2, y + 2, x + 8, y + high - 3, (244, 238, 224))
        x += 12.4


def _counter(sketch: Sketch) -> None:
    sketch.shade(132, 104, 226, 344, 130, 9, 6)
    sketch.box(128, 96, 214, 336, (188, 146, 100), 5)
    sketch.box(128, 96, 136, 336, (150, 112, 74), 3)
    sketch.box(158, 242, 204, 330, (128, 132, 136), 3)
    sketch.box(162, 246, 200, 326, (48, 50, 54), 2)
    sketch.box(158, 204, 204, 236, (128, 132, 136), 3)
    sketch.box(163, 209, 199, 231, (30, 34, 40), 2)
    sketch.box(142, 146, 186, 194, (58, 60, 66), 3)
    for row in range(5):
        for column in range(3):
            tint = (92, 160, 104) if (row, column) == (4, 2) else (222, 222, 220)
            sketch.box(146 + 9 * column, 151 + 8 * row, 153 + 9 * column, 157 + 8 * row, tint, 1)
    sketch.box(178, 140, 190, 200, (30, 32, 38), 3)
    sketch.box(176, 144, 180, 196, (118, 214, 150), 1)
    sketch.box(166, 106, 200, 134, (201, 165, 115), 2)
    sketch.box(169, 109, 197, 131, (142, 106, 66), 1)
    sketch.words(150, 118, "2", 18, (110, 78, 48), "mm")


def _plant(sketch: Sketch, x: float, y: float) -> None:
    sketch.shade(x - 18, y - 14, x + 22, y + 24, 110, 7, 14)
    sketch.oval(x, y, 17, 17, (178, 104, 72))
    for leaf in range(9):
        angle = leaf * 2 * pi / 9 + 0.3
        tip = (x + 25 * cos(angle), y + 25 * sin(angle))
        sketch.stroke(((x, y), tip), (58, 112, 70) if leaf % 2 else (82, 140, 86), 9)


def _baskets(sketch: Sketch) -> None:
    sketch.shade(344, 392, 394, 430, 100, 6, 4)
    for layer in range(3):
        sketch.box(340 + 3 * layer, 384 + 3 * layer, 386 + 3 * layer, 416 + 3 * layer, (168, 44, 44), 4)
        sketch.box(344 + 3 * layer, 388 + 3 * layer, 382 + 3 * layer, 412 + 3 * layer, (120, 28, 30), 3)
    sketch.stroke(((350, 406), (388, 406)), (224, 218, 210), 3)


@cache
def _lintel() -> Image.Image:
    """The front wall, over everybody who walks through the door."""
    sketch = Sketch(WIDTH, 18, (96, 84, 74, 255))
    sketch.box(0, 0, WIDTH, 3, (124, 110, 98))
    sketch.box(410, 0, 550, 18, (58, 96, 84))
    sketch.words(480, 9, "ENTREE", 10, (232, 244, 238), "mm")
    return sketch.picture().convert("RGB")


# ── what moves ───────────────────────────────────────────────────────────────────────────────────────────────────


def _walk(
    image: Image.Image,
    look: people.Look,
    way: tuple[tuple[float, Point], ...],
    now: float,
    rest: int,
    paying: bool = False,
    bag: bool = False,
) -> None:
    """A person on a way: turned to where it goes, or by `rest` degrees (to the left) where it stands."""
    x, y = along(way, now)
    ahead = along(way, now + 0.15)
    step = hypot(ahead[0] - x, ahead[1] - y)
    if step < 0.6:
        heading, stride = rest, -1
    else:
        heading = round(degrees(atan2(x - ahead[0], y - ahead[1])) / _TURN) * _TURN
        stride = int(now * BEATS_PER_SECOND) % people.STRIDES
    figure = _turned(look, stride, heading % 360, paying, bag)
    put(image, _shadow(), x - 40, y - 34)
    put(image, figure, x - figure.width / 2, y - figure.height / 2)


@cache
def _turned(look: people.Look, stride: int, heading: int, paying: bool, bag: bool) -> Image.Image:
    figure = people.from_above(look, stride, paying, bag)
    return figure.rotate(heading, Image.Resampling.BICUBIC, expand=True)


@cache
def _shadow() -> Image.Image:
    sketch = Sketch(92, 92)
    sketch.shade(18, 18, 74, 66, 110, 9, 24)
    return sketch.picture()


def _seller(image: Image.Image, sale: Sale, now: float) -> None:
    busy = any(-0.7 < now - step.at < 0.4 for step in sale.steps)
    nearer = sum(ease(step.at - 0.7, step.at, now) - ease(step.at, step.at + 0.5, now) for step in sale.steps)
    figure = _turned(people.SELLER, -1, 270, busy, False)
    x = _SELLER[0] + 14 * min(1.0, nearer)
    put(image, _shadow(), x - 40, _SELLER[1] - 34)
    put(image, figure, x - figure.width / 2, _SELLER[1] - figure.height / 2)


def _doors(image: Image.Image, sale: Sale, now: float) -> None:
    paid = sale.when("E") or 0.0
    open_by = 1 - ease(1.6, 2.6, now) + ease(paid + 3.2, paid + 4.0, now)
    for side in (-1, 1):
        middle = 480 + side * (34 + 58 * open_by)
        image.paste((150, 184, 190), (round(middle - 34), 424, round(middle + 34), 430))
        image.paste((92, 116, 120), (round(middle - 34), 423, round(middle + 34), 424))


def _drawer(image: Image.Image, sale: Sale, now: float) -> None:
    opened, closed = sale.when("D"), sale.when("E")
    if opened is None or closed is None or not opened <= now < closed + 0.5:
        return
    out = round(8 * (ease(opened - 0.1, opened + 0.35, now) - ease(closed, closed + 0.5, now)))
    tray = _tray()
    put(image, tray.crop((0, 0, 6 * out, tray.height)), 134 - 6 * out, 138)


@cache
def _tray() -> Image.Image:
    sketch = Sketch(50, 64)
    sketch.box(0, 0, 50, 64, (40, 42, 48), 3)
    sketch.box(0, 0, 6, 64, (92, 96, 104), 3)
    for slot, tint in enumerate(((92, 150, 172), (206, 110, 84), (88, 128, 176), (206, 152, 72))):
        sketch.box(27, 4 + 14.5 * slot, 46, 16 + 14.5 * slot, tint, 1)
        sketch.oval(17, 10 + 14.5 * slot, 6, 5, (214, 178, 92) if slot % 2 else (196, 200, 206))
    return sketch.picture()


def _belt(image: Image.Image, sale: Sale, now: float) -> None:
    articles = [step for step in sale.steps if step.type == "A" or step.note == "RETOUR"]
    moved = sum(ease(step.at, step.at + 0.8, now) for step in articles) * 24
    for number, step in enumerate(articles):
        if 8.8 + 0.2 * number <= now < step.at + 0.3:
            on_glass = ease(step.at - 0.6, step.at, now)
            y = _BELT[1] + 24 * number - moved - 42 * on_glass
            tint = _SOLD[step.cents]
            image.paste(_darker(tint), (int(_BELT[0]) - 10, round(y) - 6, int(_BELT[0]) + 12, round(y) + 10))
            image.paste(tint, (int(_BELT[0]) - 11, round(y) - 8, int(_BELT[0]) + 10, round(y) + 7))
    if any(0 <= now - step.at < 0.4 for step in sale.steps if step.type in "AS"):
        image.paste((255, 60, 40), (165, 219, 197, 222))


def _darker(colour: Colour) -> Colour:
    red, green, blue = colour[:3]
    return red // 2, green // 2, blue // 2
