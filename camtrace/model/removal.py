"""How long what is kept is kept, and how far what is older was removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LINES, JOURNALS = "lines", "journals"  # rows of the database
FOOTAGE, ALARMS = "footage", "alarms"  # files
KEPT_FOR_DAYS = (LINES, JOURNALS)
ALL_KEPT = (FOOTAGE, ALARMS, LINES, JOURNALS)  # all that has days of its own


@dataclass(frozen=True, slots=True)
class Removal:
    """How long a kind, one of `ALL_KEPT`, is kept, and how far its rows, if it has any, were removed.

    `reached`: those from before are gone, but for what is kept of them; None while none ever was. `announced`: how far
    they are to go, as the journal was told at `announced_at`. `untold`: how many went since the journal was told so, by
    what they were. `done_at`: when all that had to go was gone last. `days`: as an administrator has set it, 0 for
    ever; None: as the configuration says. `held`: these days, which are more, count until a week after `announced_at`;
    None where that is over or never was.
    """

    what: str
    reached: datetime | None = None
    announced: datetime | None = None
    announced_at: datetime | None = None
    done_at: datetime | None = None
    untold: Mapping[str, int] = field(default_factory=dict)
    days: int | None = None
    held: int | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is to go: how much of it, by what it is, and when the oldest of it is from (None: nothing is)."""

    count: Mapping[str, int]
    oldest: datetime | None = None

    def __bool__(self) -> bool:
        return any(self.count.values())


@dataclass(frozen=True, slots=True)
class DaysPlan:
    """What it would come to if a kind were kept for other days.

    `before`: the days it is kept for now, as they are set; `after`: those asked for; 0 is for ever. `leaving`: what
    would go, that was made before `border` (None: nothing goes). `begins_at`: nothing of it goes before then; None
    where nothing goes.
    """

    what: str
    before: int
    after: int
    border: datetime | None
    leaving: Leaving
    begins_at: datetime | None


@dataclass(frozen=True, slots=True)
class DaysSet:
    """For how many days a kind is kept, 0 for ever: `in_file`, as the configuration says; `days`, as an administrator
    has set it (None: as in the file); `held`: more days than that, which count until `begins_at`, when what is older
    begins to go (None: it does)."""

    what: str
    in_file: int
    days: int | None = None
    held: int | None = None
    begins_at: datetime | None = None

    @property
    def wanted(self) -> int:
        """The days that count, now or soon."""
        return self.in_file if self.days is None else self.days

    @property
    def counting(self) -> int:
        """The days that count at this moment."""
        return self.wanted if self.held is None else self.held


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
