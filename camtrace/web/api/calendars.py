"""Calendars: when something applies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from klein import Response

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import ALWAYS, NEVER, Calendar, Hours, SpecialDays
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import Calendars, CalendarStore, Note
from camtrace.web.routing import new_app, requirer

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BUILT_IN = (ALWAYS, NEVER)
MOST_HOURS, MOST_DAYS = 24, 366
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


class CalendarsApi:
    """`/api/v1/calendars`. Hours are told by the site's clock: `{"from": "08:00", "to": "19:30"}`, "24:00" at most."""

    app = new_app()

    def __init__(self, access: Access, store: CalendarStore, calendars: Calendars, note: Note) -> None:
        self.access = access
        self._store = store
        self._calendars = calendars
        self._note = note

    @requirer.require(app.route("/api/v1/calendars", methods=["GET"]), visit=May())
    async def list(self, visit: Visit) -> Response:
        """Every calendar, the two built-in ones first, with whether it applies now."""
        return answer({"items": [self._shape(each) for each in (*BUILT_IN, *await self._store.all())], "next": None})

    @requirer.require(app.route("/api/v1/calendars", methods=["POST"]), visit=May("settings"))
    async def create(self, visit: Visit) -> Response:
        """Add a calendar: `name`, `week` (the hours of each weekday), `special_days`."""
        calendar = read_calendar(body_of(visit.request), None)
        await self._store.create(calendar)
        return await self._done(visit, "calendar_added", calendar, 201)

    @requirer.require(app.route("/api/v1/calendars/<calendar>", methods=["GET"]), visit=May())
    async def show(self, visit: Visit, calendar: str) -> Response:
        """One calendar."""
        return answer(self._shape(await self._found(calendar)))

    @requirer.require(app.route("/api/v1/calendars/<calendar>", methods=["PATCH"]), visit=May("settings"))
    async def change(self, visit: Visit, calendar: str) -> Response:
        """Give a calendar other hours or special days; what is not sent stays."""
        changed = read_calendar(body_of(visit.request), self._own(await self._found(calendar)))
        await self._store.update(changed)
        return await self._done(visit, "calendar_changed", changed, 200)

    @requirer.require(app.route("/api/v1/calendars/<calendar>", methods=["DELETE"]), visit=May("settings"))
    async def delete(self, visit: Visit, calendar: str) -> Response:
        """Remove a calendar that no camera uses."""
        found = self._own(await self._found(calendar))
        await self._store.delete(found.name)
        await self._calendars.load()
        self._note("audit", "calendar_deleted", {"calendar": found.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    async def _done(self, visit: Visit, text: str, calendar: Calendar, status: int) -> Response:
        await self._calendars.load()
        self._note("audit", text, {"calendar": calendar.name}, user=visit.user.name)
        return answer(self._shape(calendar), status)

    async def _found(self, name: str) -> Calendar:
        for calendar in (*BUILT_IN, *await self._store.all()):
            if calendar.name == name:
                return calendar
        raise NotFound(N_("there is no such calendar"))

    @staticmethod
    def _own(calendar: Calendar) -> Calendar:
        if calendar in BUILT_IN:
            raise Invalid(N_("this calendar cannot be changed"), "name")
        return calendar

    def _shape(self, calendar: Calendar) -> Shape:
        return {**calendar_shape(calendar), "applies_now": self._calendars.applies(calendar.name)}


def calendar_shape(calendar: Calendar) -> Shape:
    """A calendar; `built_in` ones cannot be changed."""
    return {
        "name": calendar.name,
        "built_in": calendar in BUILT_IN,
        "week": {day: _hours_shape(hours) for day, hours in zip(WEEKDAYS, calendar.week, strict=True)},
        "special_days": [
            {
                "first": days.first.isoformat(),
                "last": days.last.isoformat(),
                "hours": _hours_shape(days.hours),
                "name": days.name,
            }
            for days in calendar.special_days
        ],
    }


def read_calendar(body: dict[str, Any], before: Calendar | None) -> Calendar:
    """The calendar that `body` describes, or changes `before` into. Raises Invalid with the field's name."""
    for name in body:
        if name not in ("name", "week", "special_days", "built_in", "applies_now"):
            raise Invalid(N_("a calendar has no field {field}"), name)
    name = body.get("name", before.name if before else "")
    if not isinstance(name, str) or not re.fullmatch(r"[^\x00-\x1f/]{1,60}", name) or name != name.strip():
        raise Invalid(N_("a calendar needs a name of at most 60 characters, without “/”"), "name")
    if before is not None and name != before.name:
        raise Invalid(N_("the name of a calendar cannot be changed"), "name")
    if before is None and name in (ALWAYS.name, NEVER.name):
        raise Invalid(N_("this calendar cannot be changed"), "name")
    week = list(before.week if before else NEVER.week)
    given = body.get("week", {})
    if not isinstance(given, dict):
        raise Invalid(N_("{field} must be an object"), "week")
    for day, hours in given.items():
        if day not in WEEKDAYS:
            raise Invalid(N_("a calendar has no field {field}"), f"week.{day}")
        week[WEEKDAYS.index(day)] = _hours(hours, f"week.{day}")
    special = before.special_days if before else ()
    if "special_days" in body:
        special = _special_days(body["special_days"])
    return Calendar(name, tuple(week), special)


def _special_days(given: Any) -> tuple[SpecialDays, ...]:
    if not isinstance(given, list) or len(given) > MOST_DAYS:
        raise Invalid(N_("{field} must be a list of at most {most} entries"), "special_days", most=MOST_DAYS)
    found = []
    for place, item in enumerate(given):
        field = f"special_days.{place}"
        if not isinstance(item, dict) or not set(item) <= {"first", "last", "hours", "name"}:
            raise Invalid(N_("{field} must have a first day, and may have a last day, hours and a name"), field)
        first = _day(item.get("first"), f"{field}.first")
        last = _day(item.get("last", item.get("first")), f"{field}.last")
        if last < first:
            raise Invalid(N_("the last day must not be before the first"), f"{field}.last")
        name = item.get("name", "")
        if not isinstance(name, str) or len(name) > 60:
            raise Invalid(N_("{field} must be text of at most {most} characters"), f"{field}.name", most=60)
        found.append(SpecialDays(first, last, _hours(item.get("hours", []), f"{field}.hours"), name))
    return tuple(found)


def _day(given: Any, field: str) -> date:
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise Invalid(N_("{field} must be a day such as 2026-12-25"), field) from error


def _hours(given: Any, field: str) -> tuple[Hours, ...]:
    """Hours in order, those that touch each other made one."""
    if not isinstance(given, list) or len(given) > MOST_HOURS:
        raise Invalid(N_("{field} must be a list of at most {most} entries"), field, most=MOST_HOURS)
    found: list[Hours] = []
    for item in given:
        if not isinstance(item, dict) or set(item) != {"from", "to"}:
            raise Invalid(N_("{field} must be hours such as 08:00 to 19:30"), field)
        start, stop = _minute(item["from"], field), _minute(item["to"], field)
        if start >= stop:
            raise Invalid(N_("{field}: the end must be later than the beginning; midnight at the end is 24:00"), field)
        found.append(Hours(start, stop))
    return _joined(sorted(found))


def _joined(hours: Sequence[Hours]) -> tuple[Hours, ...]:
    joined: list[Hours] = []
    for one in hours:
        if joined and one.start <= joined[-1].stop:
            joined[-1] = Hours(joined[-1].start, max(joined[-1].stop, one.stop))
        else:
            joined.append(one)
    return tuple(joined)


def _minute(given: Any, field: str) -> int:
    match = _TIME.fullmatch(given) if isinstance(given, str) else None
    minute = 60 * int(match[1]) + int(match[2]) if match else 1441
    if minute > 1440:
        raise Invalid(N_("{field} must be hours such as 08:00 to 19:30"), field)
    return minute


def _hours_shape(hours: Sequence[Hours]) -> list[dict[str, str]]:
    return [{"from": _clock_time(one.start), "to": _clock_time(one.stop)} for one in hours]


def _clock_time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
