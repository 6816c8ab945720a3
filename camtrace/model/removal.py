"""How far rows whose days are over were removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LINES, JOURNALS = "lines", "journals"  # what has days of its own, beside footage
KEPT_FOR_DAYS = (LINES, JOURNALS)


@dataclass(frozen=True, slots=True)
class Removal:
    """How far rows of a kind, one of `KEPT_FOR_DAYS`, were removed.

    `reached`: those from before are gone, but for what is kept of them; None while none ever was. `announced`: how far
    they are to go, as the journal was told at `announced_at`. `untold`: how many went since the journal was told so, by
    what they were. `done_at`: when all that had to go was gone last.
    """

    what: str
    reached: datetime | None = None
    announced: datetime | None = None
    announced_at: datetime | None = None
    done_at: datetime | None = None
    untold: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Removed:
    """What a step removed, by what it was; `place`: where the next one goes on, None where nothing is left."""

    count: Mapping[str, int]
    place: tuple[datetime, int] | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is of a kind: `oldest` is when its oldest row is from (None: there is none)."""

    removal: Removal
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class FootageKept:
    """What the files of footage in a folder take, and when the oldest of them begins (None: there is none)."""

    folder: str
    bytes: int
    oldest: datetime | None
