"""Drawing with smooth edges: a sketch is made four times as large with Pillow and shrunk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int] | tuple[int, int, int, int]
Point = tuple[float, float]

GOODS: tuple[Colour, ...] = (  # what stands on the shelves
    (188, 66, 52),
    (232, 184, 84),
    (62, 116, 96),
    (234, 224, 205),
    (76, 104, 150),
    (206, 122, 62),
    (126, 56, 84),
)

FINE = 4


class Sketch:
    """A drawing in pixels of the finished picture; fractions are welcome."""

    def __init__(self, width: int, height: int, ground: Colour = (0, 0, 0, 0)) -> None:
        self.size = (width, height)
        self._image = Image.new("RGBA", (width * FINE, height * FINE), ground)
        self._draw = ImageDraw.Draw(self._image)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, round: float = 0) -> None:
        """A filled rectangle, its corners rounded by a radius."""
        self._draw.rounded_rectangle(_fine((x0, y0), (x1, y1)), round * FINE, fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """A filled ellipse round (x, y)."""
        self._draw.ellipse(_fine((x - rx, y - ry), (x + rx, y + ry)), fill)

    def arc(self, x: float, y: float, r: float, begin: float, end: float, fill: Colour, width: float) -> None:
        """A part of a circle, from one angle to another in degrees, clockwise from three o'clock."""
        self._draw.arc(_fine((x - r, y - r), (x + r, y + r)), begin, end, fill, _thick(width))

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(_fine(*points), fill)

    def stroke(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A line through the points with round ends and joints."""
        self._draw.line(_fine(*points), fill, _thick(width), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, fill)

    def words(self, x: float, y: float, text: str, size: float, fill: Colour, anchor: str = "la") -> None:
        """Text at a point; `anchor` as Pillow has it."""
        self._draw.text((x * FINE, y * FINE), text, fill, font(round(size * FINE)), anchor)

    def slope(self, x0: float, y0: float, x1: float, y1: float, top: Colour, bottom: Colour) -> None:
        """A rectangle whose colour runs from `top` to `bottom`."""
        left, upper, right, lower = (int(value * FINE) for value in (x0, y0, x1, y1))
        ramp = Image.linear_gradient("L").resize((right - left, lower - upper))
        first, last = (Image.new("RGBA", ramp.size, colour) for colour in (top, bottom))
        self._image.paste(Image.composite(last, first, ramp), (left, upper))

    def shade(self, x0: float, y0: float, x1: float, y1: float, strength: int, blur: float, round: float = 0) -> None:
        """A soft dark patch, as under a thing that stands on a table. `strength`: 0 to 255."""
        patch = Image.new("L", self.size)
        ImageDraw.Draw(patch).rounded_rectangle((x0, y0, x1, y1), round, strength)
        patch = patch.filter(ImageFilter.GaussianBlur(blur)).resize(self._image.size)
        self._image.paste((18, 14, 20, 255), (0, 0), patch)

    def picture(self) -> Image.Image:
        """The finished drawing, RGBA."""
        return self._image.resize(self.size, Image.Resampling.BOX)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The face that comes with Pillow, so that a picture is the same on every machine."""
    face = ImageFont.load_default(size)
    if not isinstance(face, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: install a Pillow that draws text")
    return face


def put(picture: Image.Image, thing: Image.Image, x: float, y: float) -> None:
    """Lay a drawn thing on the picture, its upper left corner at (x, y)."""
    picture.paste(thing, (round(x), round(y)), thing)


def ease(begin: float, end: float, now: float) -> float:
    """0 before `begin`, 1 after `end`, and a gentle start and stop between them."""
    if end <= begin:
        return float(now >= end)
    part = min(1.0, max(0.0, (now - begin) / (end - begin)))
    return part * part * (3 - 2 * part)


def between(first: Point, last: Point, part: float) -> Point:
    """The point that lies `part` of the way from one to the other."""
    return first[0] + (last[0] - first[0]) * part, first[1] + (last[1] - first[1]) * part


def along(path: Sequence[tuple[float, Point]], now: float) -> Point:
    """Where something is that passes the given points at the given times, resting before and after them."""
    before = path[0]
    for stop in path[1:]:
        if now < stop[0]:
            return between(before[1], stop[1], ease(before[0], stop[0], now))
        before = stop
    return before[1]


def _fine(*points: Point) -> list[tuple[float, float]]:
    return [(x * FINE, y * FINE) for x, y in points]


def _thick(width: float) -> int:
    return max(1, round(width * FINE))
