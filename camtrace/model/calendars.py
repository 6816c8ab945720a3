"""When something applies: weekly hours and special days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Hours(NamedTuple):
    """Part of a day by the site's clock, in minutes since midnight: from `start` up to, not including, `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """Days from `first` to `last`, both included, that have hours of their own instead of their weekday's."""

    first: date
    last: date
    hours: tuple[Hours, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When something applies. `week`: the hours of each weekday, Monday first."""

    name: str
    week: tuple[tuple[Hours, ...], ...] = ((),) * 7
    special_days: tuple[SpecialDays, ...] = ()


ALWAYS = Calendar("always", ((Hours(0, 1440),),) * 7)
NEVER = Calendar("never")
