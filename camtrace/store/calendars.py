"""Calendars an administrator made."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import psycopg2.errors

from camtrace.errors import Conflict, NotFound
from camtrace.i18n import N_
from camtrace.model import Calendar, Hours, SpecialDays
from camtrace.store.database import Database


class CalendarStore:
    """The table `calendar`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Calendar]:
        """Every calendar, by name."""
        rows = await self._database.query("select name, week, special_days from calendar order by name")
        return [_calendar(*row) for row in rows]

    async def create(self, calendar: Calendar) -> None:
        """Add a calendar. Raises Conflict when its name is taken."""

        async def work(cursor: Any) -> None:
            try:
                await cursor.execute(
                    "insert into calendar (name, week, special_days) values (%s, %s, %s)", _row(calendar)
                )
            except psycopg2.errors.UniqueViolation as error:
                raise Conflict(N_("another calendar has this name"), "name") from error
            await _notify(cursor, calendar.name)

        await self._database.transaction("create calendar", work)

    async def update(self, calendar: Calendar) -> None:
        """Give the calendar of this name other hours and days. Raises NotFound."""

        async def work(cursor: Any) -> None:
            name, week, days = _row(calendar)
            await cursor.execute(
                "update calendar set week = %s, special_days = %s where name = %s returning name", (week, days, name)
            )
            if not cursor.fetchall():
                raise NotFound(N_("this calendar does not exist any more"))
            await _notify(cursor, name)

        await self._database.transaction("update calendar", work)

    async def delete(self, name: str) -> None:
        """Remove a calendar. Raises NotFound, and Conflict while a camera or a till uses it."""

        async def work(cursor: Any) -> None:
            await cursor.execute(
                "select id, name from camera where deleted_at is null and %s in (regular->>'calendar',"
                " alarm->>'calendar', alarm->>'popup_calendar', alarm->>'mail_calendar', mail->>'lost_calendar')"
                " order by id limit 1",
                (name,),
            )
            used = cursor.fetchall()
            if used:
                number, camera = used[0]
                raise Conflict(
                    N_("camera {number}, {camera}, uses this calendar"), "name", number=number, camera=camera
                )
            await cursor.execute("select source from source where hours = %s order by source limit 1", (name,))
            used = cursor.fetchall()
            if used:
                raise Conflict(N_("the till {source} uses this calendar"), "name", source=used[0][0])
            await cursor.execute("delete from calendar where name = %s returning name", (name,))
            if not cursor.fetchall():
                raise NotFound(N_("this calendar does not exist any more"))
            await _notify(cursor, name)

        await self._database.transaction("delete calendar", work)


async def _notify(cursor: Any, name: str) -> None:
    await cursor.execute("select pg_notify('config', %s)", (f"calendar {name}",))


def _row(calendar: Calendar) -> tuple[str, str, str]:
    days = [
        {"first": day.first.isoformat(), "last": day.last.isoformat(), "hours": day.hours, "name": day.name}
        for day in calendar.special_days
    ]
    return calendar.name, json.dumps(calendar.week), json.dumps(days)


def _calendar(name: str, week: list[Any], days: list[Any]) -> Calendar:
    special = tuple(map(_special_days, days))
    return Calendar(name, tuple(_hours(hours) for hours in week), special)


def _special_days(row: dict[str, Any]) -> SpecialDays:
    first, last = date.fromisoformat(row["first"]), date.fromisoformat(row["last"])
    return SpecialDays(first, last, _hours(row["hours"]), row["name"])


def _hours(pairs: list[list[int]]) -> tuple[Hours, ...]:
    return tuple(Hours(*pair) for pair in pairs)
