"""What has to be removed, and when. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import Enum

from camtrace.model import ALARMS, FOOTAGE, DaysSet, Removal

NIGHT = time(3)  # by the clock of the place
GRACE = timedelta(days=7)  # between the word in the journal and the first removal
# A night takes one day more. More than that at once means: nothing was ever removed yet, the days were made fewer, the
# server stood still for weeks, or the clock is wrong.
LEAP = timedelta(days=31)


class Step(Enum):
    """What to do about rows whose days are over."""

    REMOVE = "remove"
    ANNOUNCE = "announce"
    WAIT = "wait"


def expiry(now: datetime, days: int, zone: tzinfo) -> datetime | None:
    """Rows from before this midnight of the place are to go; None: none are (`days` 0)."""
    if days <= 0:
        return None
    return datetime.combine(now.astimezone(zone).date() - timedelta(days=days), time(), zone).astimezone(UTC)


def is_due(now: datetime, done_at: datetime | None, zone: tzinfo) -> bool:
    """Whether the night has come since rows were removed last; by day too, where the server does not run at night."""
    if done_at is None or done_at > now:  # the clock was put back
        return True
    day = now.astimezone(zone).date()
    night = datetime.combine(day, NIGHT, zone)
    if night > now:
        night = datetime.combine(day - timedelta(days=1), NIGHT, zone)
    return done_at < night


def step(now: datetime, before: datetime, removal: Removal) -> Step:
    """Whether rows from before `before` may go now: what goes beyond one more night was told a week before.

    Nothing goes while a week that was told is not over.
    """
    told = removal.announced is not None and removal.announced_at is not None and before - removal.announced <= LEAP
    if told and removal.announced_at is not None and now - removal.announced_at < GRACE:
        return Step.WAIT
    if told or (removal.reached is not None and before - removal.reached <= LEAP):
        return Step.REMOVE
    return Step.ANNOUNCE


def are_fewer(days: int, than: int) -> bool:
    """Whether something kept for `days` goes earlier; 0 is for ever."""
    return days > 0 and (than <= 0 or days < than)


def in_force(now: datetime, in_file: int, removal: Removal) -> DaysSet:
    """For how many days a kind is kept at `now`, by what is set of it."""
    begins_at = None if removal.announced_at is None else removal.announced_at + GRACE
    wanted, held = in_file if removal.days is None else removal.days, removal.held
    if begins_at is None or now >= begins_at or held is None or not are_fewer(wanted, held):
        held = None
    if held is None and removal.what in (FOOTAGE, ALARMS):
        begins_at = None
    return DaysSet(removal.what, in_file, removal.days, held, begins_at)
