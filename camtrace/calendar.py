"""Whether a calendar applies at an instant, and when that changes. Pure.

A calendar is told in the site's clock. In the night a clock is set forward the hour it leaves out does not occur; when
it is set back, the hour that comes twice is meant both times.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from camtrace.model import Calendar, Hours

_FURTHEST_DAYS = 400
_MIDNIGHT = 1440
_TICK = timedelta(microseconds=1)
_QUARTER = timedelta(minutes=15)
_LONGEST_DAY = timedelta(hours=25, minutes=45)


def applies(calendar: Calendar, at: datetime, zone: tzinfo) -> bool:
    """Whether `calendar` applies at the instant `at` (aware) in a place of that time zone."""
    local = at.astimezone(zone)
    minute = 60 * local.hour + local.minute
    return any(hours.start <= minute < hours.stop for hours in hours_of(calendar, local.date()))


def hours_of(calendar: Calendar, day: date) -> tuple[Hours, ...]:
    """The hours of a day: those of the first special days that it lies in, else those of its weekday."""
    for special in calendar.special_days:
        if special.first <= day <= special.last:
            return special.hours
    return calendar.week[day.weekday()]


def next_change(calendar: Calendar, at: datetime, zone: tzinfo) -> datetime | None:
    """The first instant after `at`, in UTC, from which `calendar` applies if it does not now, or the other way round.

    None when nothing changes in the next 400 days.
    """
    now = applies(calendar, at, zone)
    day = at.astimezone(zone).date()
    for _ in range(_FURTHEST_DAYS):
        for instant in _borders(calendar, day, zone):
            if instant > at and applies(calendar, instant, zone) != now:
                return instant
        day += timedelta(days=1)
    return None


def last_change(calendar: Calendar, at: datetime, zone: tzinfo) -> datetime | None:
    """The latest instant up to `at`, in UTC, since which `calendar` applies, or does not, as it does at `at`.

    None when nothing changed in the 400 days before.
    """
    now = applies(calendar, at, zone)
    day = at.astimezone(zone).date()
    for _ in range(_FURTHEST_DAYS):
        for instant in reversed(list(_borders(calendar, day, zone))):
            if instant <= at and applies(calendar, instant - _TICK, zone) != now:
                return instant
        day -= timedelta(days=1)
    return None


def _borders(calendar: Calendar, day: date, zone: tzinfo) -> Iterator[datetime]:
    """The instants of a day, in order, at which it can change whether the calendar applies."""
    minutes = {0, *(minute for hours in hours_of(calendar, day) for minute in hours)} - {_MIDNIGHT}
    found = set(_clock_steps(day, zone))
    for minute in minutes:
        local = datetime(day.year, day.month, day.day, *divmod(minute, 60), tzinfo=zone)
        found |= {local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)}
    return iter(sorted(found))


def _clock_steps(day: date, zone: tzinfo) -> Iterator[datetime]:
    """The instants of a day at which the site's clock is set forward or back."""
    begins = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    before = begins.astimezone(zone).utcoffset()
    if (begins + _LONGEST_DAY).astimezone(zone).utcoffset() == before:  # nearly every day: no clock goes there and back
        return
    for quarter in range(1, _LONGEST_DAY // _QUARTER + 1):
        instant = begins + quarter * _QUARTER
        offset = instant.astimezone(zone).utcoffset()
        if offset != before:
            yield instant
            before = offset
