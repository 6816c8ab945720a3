"""What the events' numbers mean: names in three languages, and what each does to receipts and screens. Pure.

The list of the manual is `events.csv`. It publishes the attributes "grouping", "counts the number" and "closing" for
no event, so those here are reasoned from the descriptions; a shop sets them, and names its own codes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

from camtrace.errors import Invalid
from camtrace.i18n import N_

LANGUAGES = ("en", "fr", "ru")
DISPLAYS = ("show", "store", "ignore")
SETTABLE = ("name", "grouping", "numbered", "closing", "display")
MOST_CODE = 9999
# the numbers the manual reserves, and what for
RANGES = (
    (1, 100, "till"),
    (101, 200, "service"),
    (201, 300, "administrator"),
    (301, 350, "dispenser"),
    (351, 400, "mail"),
    (401, 499, "relay"),
    (500, 700, "access"),
)
SALE, RETURN = 4, 46  # open a receipt
SALE_END, RETURN_END = 5, 47
HEARTBEAT, RULE, MOTION = 60, 61, 130
OWN = (RULE, MOTION)  # what the server itself says of a source: they change no receipt
LINK = 309  # ties a till's receipt to a dispenser's
ADDS = frozenset((6, *range(65, 70)))  # an article, whatever way it was entered
TAKES_OFF = frozenset((9, 18))
VOID = 25

# what belongs to a sale, and shows by another number that the receipt before is over
_SALES = frozenset((SALE, SALE_END, *range(6, 40), RETURN, RETURN_END, 49, 50, 52, 53, 54, 55, 57, *range(65, 71))) - {
    28,
    29,
}
# belongs to a sale where there is one, and may as well happen without
_WITHIN = frozenset((28, 29, 40, 48, 51, 56, 58, 59, 62, *range(71, 77), LINK))
# nobody leaves the till, or ends the day, in the middle of a receipt
_CLOSING = frozenset((SALE_END, RETURN_END, 63, 210, 237))
_STORED_ONLY = frozenset((1, HEARTBEAT, RULE, MOTION, 201))
_TECHNICAL = "Технологическое событие"


@dataclass(frozen=True, slots=True)
class Kind:
    """One event of the catalogue. `names`: by language, empty for a number the manual does not list.

    `name`: the shop's own, for all languages. `display`: "show" on screens, "store" in the log only, "ignore".
    """

    code: int
    names: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    group: str = ""
    grouping: bool = False
    numbered: bool = False
    closing: bool = False
    display: str = "show"
    name: str = ""

    def called(self, language: str) -> str:
        """Its name in this language; "" where there is none."""
        return self.name or self.names.get(language, "")

    @property
    def is_aside(self) -> bool:
        """Whether it neither opens nor closes a receipt, whatever its number says: 0 in a heartbeat ends no sale."""
        return self.code in (HEARTBEAT, RULE) or self.group == "service"


class Catalogue:
    """The kinds of events as the shop has set them. `changes`: what differs from the manual, by code."""

    def __init__(self, changes: Mapping[int, Mapping[str, Any]] | None = None) -> None:
        self.changes = {code: dict(change) for code, change in (changes or {}).items()}
        self._kinds: dict[int, Kind] = {}

    def of(self, code: int) -> Kind:
        """The kind of event with this number; there is one for every number."""
        kind = self._kinds.get(code)
        if kind is None:
            kind = self._kinds[code] = replace(_plain(code), **self.changes.get(code, {}))
        return kind

    def all(self) -> list[Kind]:
        """Those of the manual and those the shop has set, by number."""
        return [self.of(code) for code in sorted(_manual().keys() | self.changes.keys())]

    def names(self, language: str) -> dict[str, str]:
        """The name of every event that has one, by its number as a string."""
        return {str(kind.code): name for kind in self.all() if (name := kind.called(language))}

    def changed(self, code: int, body: Mapping[str, Any]) -> Catalogue:
        """This catalogue with what `body` sets for `code`. Raises Invalid with the field's name."""
        values = dict(self.changes.get(code, {}))
        for name, value in body.items():
            values[name] = _read(name, value)
        plain = _plain(code)
        values = {name: value for name, value in values.items() if value != getattr(plain, name)}
        others = {other: change for other, change in self.changes.items() if other != code}
        return Catalogue({**others, code: values} if values else others)


def standard(codes: Iterable[int]) -> dict[int, Kind]:
    """The manual's kinds of these codes."""
    return {code: _plain(code) for code in codes}


def described() -> list[int]:
    """The events whose packets the manual describes field by field."""
    return [code for code, (_, _, described) in _manual().items() if described]


def group_of(code: int) -> str:
    """What range the number is of; "" for none."""
    return next((name for first, last, name in RANGES if first <= code <= last), "")


def _plain(code: int) -> Kind:
    names, description, _ = _manual().get(code, ({}, "", False))
    group = group_of(code)
    pump = group == "dispenser" and code != LINK
    hidden = code in _STORED_ONLY or description.startswith(_TECHNICAL)
    return Kind(
        code,
        names,
        description,
        group,
        grouping=code in _SALES or code in _WITHIN or pump,
        numbered=code in _SALES or pump,
        closing=code in _CLOSING,
        display="store" if hidden else "show",
    )


@cache
def _manual() -> dict[int, tuple[dict[str, str], str, bool]]:
    text = resources.files("camtrace.prisma").joinpath("events.csv").read_text(encoding="utf-8")
    return {
        int(row["code"]): (
            {language: row[f"name_{language}"] for language in LANGUAGES},
            row["description_ru"],
            row["packet_described"] == "yes",
        )
        for row in csv.DictReader(text.splitlines())
    }


def _read(name: str, value: Any) -> str | bool:
    if name == "name":
        if not isinstance(value, str) or len(value) > 100 or not value.isprintable():
            raise Invalid(N_("{field} must be a text of at most {most} printable characters"), name, most=100)
        return value.strip()
    if name == "display":
        if value not in DISPLAYS:
            raise Invalid(N_("{field} must be one of: {choices}"), name, choices=", ".join(DISPLAYS))
        return str(value)
    if name not in SETTABLE:
        raise Invalid(N_("an event has no field {field}"), name)
    if not isinstance(value, bool):
        raise Invalid(N_("{field} must be true or false"), name)
    return value
