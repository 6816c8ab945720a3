"""The film of the demo's first till, which takes seconds to draw."""

from __future__ import annotations

from pathlib import Path

from support import shared

from camtrace.demo import counter, film
from camtrace.demo.script import TILLS


def till_film() -> Path:
    """A file that the demo, and `film.kept`, take as their own; drawn once in a run."""

    def draw(place: Path) -> None:
        film.kept(place, lambda: film.h264_film(counter.picture, TILLS[0]))

    return shared.once("till.film", draw)
