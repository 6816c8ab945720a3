"""What has to be removed, and when. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import Enum

from camtrace.model import Removal

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
    """Whether rows from before `before` may go now: what goes beyond one more night was told a week before."""
    if removal.reached is not None and before - removal.reached <= LEAP:
        return Step.REMOVE
    if removal.announced is None or removal.announced_at is None or before - removal.announced > LEAP:
        return Step.ANNOUNCE
    return Step.REMOVE if now - removal.announced_at >= GRACE else Step.WAIT
