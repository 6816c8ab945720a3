"""The first camera's picture: the till seen over the seller's shoulder, the customers, the belt, the cash drawer."""

from __future__ import annotations

from functools import cache
from math import cos, pi, sin

from PIL import Image

from camtrace.demo import goods, people, room
from camtrace.demo.art import Point, Sketch, along, ease, put
from camtrace.demo.room import WIDTH
from camtrace.demo.script import BEATS_PER_SECOND, TILLS, Sale, Step, euros

TILL = TILLS[0]

_DOOR = (505.0, 226.0)  # where a person's feet are at the door, far away
_STAND = (392.0, 398.0)  # and at the till, behind the counter
_BELT = (292.0, 318.0)  # the foot of the first article on the belt
_SCANNER = (232.0, 322.0)
_BAG = (214.0, 268.0)
_TAKEN = 0.8  # seconds from the last line to the customer's turning away
_ASIDE = (172.0, 352.0)  # where a cancelled article is put
_REST = (96.0, 348.0)  # the seller's hand on the keyboard


def picture(position: int) -> Image.Image:
    """The picture at a beat of the loop, 640 x 448, RGB. The lowest 32 lines never change."""
    sale, now = TILL.moment(position)
    image = room.shop().copy()
    _seconds(image, position)
    _customer(image, sale, now)
    put(image, room.counter(), 0, 0)
    if now < (sale.when("E") or 0.0) + _TAKEN:
        put(image, room.bag(), 180, 206)
    _belt(image, sale, now)
    _screen(image, sale, now)
    _drawer(image, sale, now)
    _hand(image, sale, now)
    return image


def _seconds(image: Image.Image, position: int) -> None:
    """The wall's seconds dial: the one hand that is right in every minute."""
    put(image, _second_hand(position // BEATS_PER_SECOND), 362, 32)


@cache
def _second_hand(second: int) -> Image.Image:
    sketch = Sketch(60, 60)
    angle = second * pi / 30
    sketch.stroke(
        ((30 - 6 * sin(angle), 30 + 6 * cos(angle)), (30 + 19 * sin(angle), 30 - 19 * cos(angle))), (200, 34, 34), 2
    )
    sketch.oval(30, 30, 3, 3, (200, 34, 34))
    return sketch.picture()


@cache
def _panel() -> Image.Image:
    sketch = Sketch(80, 200)
    sketch.box(0, 0, 80, 198, (214, 230, 236, 70))
    sketch.shape(((14, 0), (34, 0), (6, 198), (-14, 198)), (255, 255, 255, 46))
    sketch.box(0, 0, 4, 198, (84, 98, 98))
    sketch.box(76, 0, 80, 198, (84, 98, 98))
    sketch.box(0, 0, 80, 4, (84, 98, 98))
    sketch.box(0, 190, 80, 198, (84, 98, 98))
    return sketch.picture()


def _customer(image: Image.Image, sale: Sale, now: float) -> None:
    look = people.SHOPPERS[sale.shopper]
    paid = sale.when("E") or 0.0
    path = (
        (0.3, (560.0, 222.0)),
        (1.4, _DOOR),
        (5.0, _STAND),
        (paid + _TAKEN, _STAND),
        (paid + 3.6, _DOOR),
        (paid + 4.6, (450.0, 220.0)),
    )
    feet = along(path, now)
    open_by = (
        ease(0.4, 1.1, now)
        - ease(2.0, 2.9, now)
        + ease(paid + 2.4, paid + 3.1, now)
        - ease(paid + 4.5, paid + 4.95, now)
    )
    outside = now < 1.4 or now > paid + 3.6
    visible = 0.3 <= now <= paid + 4.6
    if visible and outside:
        _stand(image, _figure(look, now, paid), feet, (448, 602))
    _doors(image, open_by)
    if visible and not outside:
        _stand(image, _figure(look, now, paid), feet, (0, WIDTH))


def _figure(look: people.Look, now: float, paid: float) -> Image.Image:
    stride = int(now * BEATS_PER_SECOND) % people.STRIDES
    if now > paid + _TAKEN:
        return people.leaving(look, stride)
    if now < 5.0:
        return people.facing(look, stride)
    return people.facing(look, -1, paying=paid - 3.2 < now < paid - 0.4)


def _stand(image: Image.Image, figure: Image.Image, feet: Point, between: tuple[int, int]) -> None:
    """Draw a person small when far, large when near; only between two upright edges of the picture."""
    size = 0.5 + 0.5 * (feet[1] - 220) / (_STAND[1] - 220)
    near = figure.resize((round(people.WIDE * size), round(people.TALL * size)), Image.Resampling.BILINEAR)
    left, top = round(feet[0] - near.width / 2), round(feet[1] - near.height)
    crop = (max(0, between[0] - left), 0, min(near.width, between[1] - left), near.height)
    if crop[0] < crop[2]:
        put(image, near.crop(crop), left + crop[0], top)


def _doors(image: Image.Image, open_by: float) -> None:
    aside = round(62 * open_by)
    panel = _panel()
    put(image, panel.crop((aside, 0, 80, 200)), 444, 30)
    put(image, panel.crop((0, 0, 80 - aside, 200)), 524 + aside, 30)


def _articles(sale: Sale) -> list[Step]:
    """What lies on the belt, in the order in which it is passed by."""
    return [step for step in sale.steps if step.type == "A" or step.note == "OFFERT"]


def _belt(image: Image.Image, sale: Sale, now: float) -> None:
    articles = _articles(sale)
    moved = sum(ease(step.at, step.at + 0.8, now) for step in articles) * 52
    for stripe in range(11):
        x = 262 + (stripe * 38 - moved) % 418
        if x < WIDTH:
            image.paste((60, 62, 67), (round(x), 294, min(WIDTH, round(x) + 3), 347))
    for number, step in reversed(list(enumerate(articles))):
        if not 4.2 + number * 0.25 <= now < step.at - 0.4:
            continue
        lain = 1 - ease(4.2 + number * 0.25, 4.7 + number * 0.25, now)
        _lay(image, step, (_BELT[0] + 52 * number - moved, _BELT[1] - 30 * lain))


def _lay(image: Image.Image, step: Step, foot: Point) -> None:
    put(image, goods.item(step.cents, step.quantity), foot[0] - goods.SIDE / 2, foot[1] - goods.SIDE + 12)


def _screen(image: Image.Image, sale: Sale, now: float) -> None:
    said = [step for step in sale.steps if step.at <= now]
    last = said[-1] if said else None
    put(image, _display(_label(last), _red(last), euros(sale.total(now)) if said else "", _paid(last)), 34, 174)
    if any(0 <= now - step.at < 0.4 for step in sale.steps if step.type in "AS"):
        image.paste((255, 60, 40), (209, 318, 248, 321))


def _label(step: Step | None) -> tuple[str, str]:
    """The two sides of the till's upper line."""
    if step is None:
        return "BONJOUR", ""
    if step.type in "AS":
        return f"{step.quantity} ARTICLE", step.note or euros(step.quantity * step.cents)
    return {"T": "ACOMPTE", "D": "TIROIR", "E": "MERCI"}[step.type], euros(step.cents)


def _red(step: Step | None) -> bool:
    return step is not None and step.type == "S"


def _paid(step: Step | None) -> bool:
    return step is not None and step.type == "E"


@cache
def _display(label: tuple[str, str], red: bool, total: str, paid: bool) -> Image.Image:
    sketch = Sketch(140, 102)
    sketch.box(0, 0, 140, 16, (38, 104, 84))
    sketch.words(6, 8, f"CAISSE {TILL.name}", 10, (236, 246, 240), "lm")
    sketch.words(134, 8, "V7", 10, (236, 246, 240), "rm")
    tint = (255, 120, 104) if red else (206, 226, 216)
    sketch.words(7, 33, label[0], 13, tint, "lm")
    sketch.words(133, 33, label[1], 13, tint, "rm")
    if total:
        sketch.box(6, 50, 134, 51, (70, 92, 92))
        sketch.words(7, 64, "PAYE" if paid else "TOTAL", 12, (150, 180, 170), "lm")
        sketch.words(133, 82, total, 27, (126, 236, 150), "rm")
    return sketch.picture()


def _drawer(image: Image.Image, sale: Sale, now: float) -> None:
    opened = sale.when("D")
    closed = sale.when("E")
    if opened is None or closed is None or not opened <= now < closed + 0.5:
        return
    put(image, _tray(round(8 * (ease(opened - 0.1, opened + 0.35, now) - ease(closed, closed + 0.5, now)))), 16, 366)


@cache
def _tray(out: int) -> Image.Image:
    """The cash drawer, `out` eighths of the way."""
    sketch = Sketch(200, 50)
    far = 12 + 3.4 * out
    sketch.box(12, 2, 188, far, (34, 36, 42), 3)
    if out:
        for slot, tint in enumerate(((92, 150, 172), (206, 110, 84), (88, 128, 176), (206, 152, 72))):
            sketch.box(18 + 42 * slot, 6, 54 + 42 * slot, 4 + far * 0.56, (58, 62, 70), 2)
            sketch.box(21 + 42 * slot, 7, 51 + 42 * slot, 3 + far * 0.54, tint, 1)
        for slot in range(5):
            x = 28 + 34 * slot
            sketch.oval(x + 6, far * 0.8, 11, far * 0.13, (88, 92, 100))
            sketch.oval(x + 4, far * 0.79, 6, far * 0.1, (214, 178, 92) if slot % 2 else (196, 200, 206))
    sketch.box(8, far - 3, 192, far + 9, (84, 88, 96), 3)
    sketch.oval(100, far + 3, 4, 4, (186, 190, 196))
    return sketch.picture()


def _hand(image: Image.Image, sale: Sale, now: float) -> None:
    stops: list[tuple[float, Point]] = [(0.0, _REST)]
    carried: tuple[Step, float] | None = None
    for step in sale.steps:
        if step.type == "A" or step.note == "OFFERT":
            stops += [
                (step.at - 1.2, _REST),
                (step.at - 0.5, _BELT),
                (step.at, _SCANNER),
                (step.at + 0.5, _BAG),
                (step.at + 1.2, _REST),
            ]
            carried = (step, step.at - 0.5) if step.at - 0.5 <= now < step.at + 0.5 else carried
        elif step.type == "S":
            stops += [
                (step.at - 1.2, _REST),
                (step.at - 0.5, _BAG),
                (step.at, _SCANNER),
                (step.at + 0.6, _ASIDE),
                (step.at + 1.2, _REST),
            ]
            carried = (step, step.at - 0.5) if step.at - 0.5 <= now < step.at + 0.6 else carried
            if now >= step.at + 0.6:
                _lay(image, step, (_ASIDE[0], _ASIDE[1] - 2))
        elif step.type == "D":
            stops += [
                (step.at + 0.3, _REST),
                (step.at + 1.0, (150.0, 360.0)),
                (step.at + 2.2, (172.0, 360.0)),
                (step.at + 2.8, _REST),
            ]
    x, y = along(stops, now)
    if carried:
        _lay(image, carried[0], (x + 4, y + 4))
    typing = 2 * (int(now * 4) % 2) if (x, y) == _REST and now > 4 else 0
    put(image, _arm(), x - 308, y - 40 + typing)


@cache
def _arm() -> Image.Image:
    """The seller's right arm, from the left edge of the picture; the fingers are at (308, 40)."""
    sketch = Sketch(330, 110)
    sketch.stroke(((0, 86), (150, 69), (262, 57)), (206, 206, 200), 44)
    sketch.stroke(((0, 82), (150, 65), (262, 53)), (238, 238, 232), 38)
    sketch.stroke(((256, 68), (250, 44)), (38, 104, 84), 12)
    skin = people.SELLER.skin
    sketch.stroke(((262, 54), (284, 46)), skin, 26)
    for finger in range(4):
        sketch.stroke(((284, 38 + 6 * finger), (306 - 3 * abs(finger - 1), 33 + 6.5 * finger)), skin, 8)
    sketch.stroke(((276, 58), (292, 66)), skin, 9)
    return sketch.picture()
