"""What a rule finds. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from camtrace.model import Line

MOST_SHOWN = 50  # lines that a hit names


class Hit(NamedTuple):
    """A rule was met at `line`, by lines of these ids.

    `figure`: what was counted or summed, the percentage, how many numbers are missing, by how much the change is wrong.
    """

    line: Line
    deed: str
    amount: Decimal | None
    lines: tuple[int, ...]
    figure: Decimal | None = None
