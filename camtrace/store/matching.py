"""Looking for part of a text, ignoring case and accents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def holds(column: str) -> str:
    """SQL that is true where `column` holds the text whose `pattern` is the one parameter."""
    return f"plain_words({column}) like plain_words(%s)"


def pattern(text: str) -> str:
    """The parameter of `holds` for any part equal to `text`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class Conditions:
    """What rows must fulfil, with the values of its parameters."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        """Rows must fulfil this too."""
        self._conditions.append(condition)
        self.values += values

    def add_given(self, condition: str, value: Any) -> None:
        """Rows must fulfil this too, unless `value` is None."""
        if value is not None:
            self.add(condition, value)

    def add_any(self, alternatives: Iterable[tuple[str, Any]]) -> None:
        """Rows must fulfil one of these."""
        pairs = list(alternatives)
        self.add(f"({' or '.join(condition for condition, _ in pairs)})", *(value for _, value in pairs))

    def __str__(self) -> str:
        return " and ".join(self._conditions) or "true"
