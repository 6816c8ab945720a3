"""Single values as a person or program gives them, each fault with its field's name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from camtrace.errors import Invalid
from camtrace.i18n import N_

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|[0-9A-Fa-f:.]{2,45}")


def text_of(most: int, needed: bool = False) -> Callable[[Any, str], str]:
    """Reads a text of at most so many characters, without blanks around it."""

    def read(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise Invalid(N_("{field} must be a text"), name)
        value = value.strip()
        if len(value) > most:
            raise Invalid(N_("{field} has more than {most} characters"), name, most=most)
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
            raise Invalid(N_("{field} holds control characters"), name)
        if needed and not value:
            raise Invalid(N_("{field} must not be empty"), name)
        return value

    return read


def whole(low: int, high: int) -> Callable[[Any, str], int]:
    """Reads a whole number from `low` to `high`."""

    def read(value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Invalid(N_("{field} must be a whole number from {low} to {high}"), name, low=low, high=high)
        return value

    return read


def one_of(choices: tuple[str, ...]) -> Callable[[Any, str], str]:
    """Reads one of `choices`."""

    def read(value: Any, name: str) -> str:
        if value not in choices:
            known = ", ".join(choice or "(empty)" for choice in choices)
            raise Invalid(N_("{field} must be one of: {choices}"), name, choices=known)
        return str(value)

    return read


def flag(value: Any, name: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Invalid(N_("{field} must be true or false"), name)
    return value


def address(value: Any, name: str) -> str:
    """A host name or an IP address, or nothing."""
    text = text_of(253)(value, name).strip("[]")
    if text and not _HOST.fullmatch(text):
        raise Invalid(N_("{field} must be a host name or an IP address, without http:// and without a port"), name)
    return text
