"""The things that are sold, drawn; one picture for each price of the script."""

from __future__ import annotations

from functools import cache

from PIL import Image

from camtrace.demo.art import Sketch

SIDE = 48


@cache
def item(cents: int, quantity: int = 1) -> Image.Image:
    """The article of a price as it lies on the belt; its foot is the lower edge of the picture."""
    sketch = Sketch(SIDE, SIDE)
    if quantity > 1:
        _draw(sketch, cents, 9, -5)
    _draw(sketch, cents, -6 if quantity > 1 else 0, 0)
    return sketch.picture()


def _draw(sketch: Sketch, cents: int, x: float, y: float) -> None:
    {130: _bread, 240: _jar, 390: _bottle, 1000: _box, 1600: _cake}[cents](sketch, x, y)


def _bread(sketch: Sketch, x: float, y: float) -> None:
    sketch.stroke(((x + 14, y + 43), (x + 34, y + 17)), (176, 112, 48), 12)
    sketch.stroke(((x + 14, y + 42), (x + 34, y + 16)), (214, 150, 74), 9)
    for step in range(4):
        sketch.stroke(
            ((x + 14 + 5 * step, y + 37 - 6 * step), (x + 21 + 5 * step, y + 37 - 6 * step)), (244, 208, 142), 2
        )


def _jar(sketch: Sketch, x: float, y: float) -> None:
    sketch.box(x + 13, y + 18, x + 35, y + 47, (132, 36, 66), 5)
    sketch.box(x + 13, y + 27, x + 35, y + 40, (246, 236, 214))
    sketch.box(x + 17, y + 31, x + 31, y + 33, (132, 36, 66))
    sketch.box(x + 12, y + 12, x + 36, y + 20, (214, 210, 198), 2)
    sketch.box(x + 16, y + 20, x + 18, y + 45, (184, 88, 112), 1)


def _bottle(sketch: Sketch, x: float, y: float) -> None:
    sketch.box(x + 20, y + 2, x + 28, y + 18, (46, 106, 62), 2)
    sketch.box(x + 15, y + 14, x + 33, y + 47, (46, 106, 62), 7)
    sketch.box(x + 19, y + 1, x + 29, y + 7, (208, 168, 60), 2)
    sketch.box(x + 15, y + 25, x + 33, y + 39, (244, 232, 190))
    sketch.oval(x + 24, y + 32, 4, 4, (176, 60, 48))
    sketch.box(x + 17, y + 17, x + 19, y + 45, (112, 168, 122), 1)


def _box(sketch: Sketch, x: float, y: float) -> None:
    sketch.shape(((x + 7, y + 24), (x + 14, y + 17), (x + 43, y + 17), (x + 37, y + 24)), (246, 214, 118))
    sketch.shape(((x + 37, y + 24), (x + 43, y + 17), (x + 43, y + 39), (x + 37, y + 47)), (186, 132, 36))
    sketch.box(x + 7, y + 24, x + 37, y + 47, (226, 172, 62))
    sketch.oval(x + 22, y + 36, 8, 7, (250, 244, 226))
    sketch.oval(x + 22, y + 36, 3.5, 3, (226, 150, 40))


def _cake(sketch: Sketch, x: float, y: float) -> None:
    sketch.shape(((x + 3, y + 30), (x + 11, y + 20), (x + 46, y + 20), (x + 41, y + 30)), (252, 250, 246))
    sketch.shape(((x + 41, y + 30), (x + 46, y + 20), (x + 46, y + 37), (x + 41, y + 47)), (204, 196, 190))
    sketch.box(x + 3, y + 30, x + 41, y + 47, (240, 232, 226))
    sketch.box(x + 19, y + 30, x + 25, y + 47, (196, 52, 84))
    sketch.shape(((x + 19, y + 30), (x + 25, y + 20), (x + 31, y + 20), (x + 25, y + 30)), (222, 88, 116))
    sketch.oval(x + 24, y + 20, 5, 3, (196, 52, 84))
