"""The line that a camera writes into its picture: its name, the date and the time, in 40 cells of 16 x 32 pixels."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from PIL import Image

from camtrace.demo.art import Sketch

CELLS = 40
CELL_WIDTH = 16
HEIGHT = 32
_PAPER = (16, 18, 20, 255)
_INK = (240, 242, 240)


def text(name: str, instant: datetime) -> str:
    """What the line says at an instant, in the zone that the instant carries: exactly 40 characters."""
    stamp = instant.strftime("%d/%m/%Y %H:%M:%S")
    return f" {name[: CELLS - len(stamp) - 3]}".ljust(CELLS - len(stamp) - 1) + stamp + " "


@cache
def cell(character: str) -> Image.Image:
    """One character, light on dark, RGB."""
    sketch = Sketch(CELL_WIDTH, HEIGHT, _PAPER)
    sketch.words(CELL_WIDTH / 2, 23, character, 19, _INK, "ms")
    return sketch.picture().convert("RGB")


def strip(words: str) -> Image.Image:
    """The whole line, 640 x 32, RGB."""
    image = Image.new("RGB", (CELLS * CELL_WIDTH, HEIGHT))
    for number, character in enumerate(words):
        image.paste(cell(character), (number * CELL_WIDTH, 0))
    return image
