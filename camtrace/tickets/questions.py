"""The questions of the search box that find the lines of a report's figures, one for one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from camtrace.tickets.meaning import period
from camtrace.tickets.query import Query, parse, write
from camtrace.tickets.values import Condition

_FIELDS = {"seller": "seller", "source": "till"}


def question(
    start: datetime,
    stop: datetime,
    keys: Mapping[str, str],
    deeds: Sequence[str],
    zone: tzinfo,
    language: str,
    unlike: Sequence[str] = (),
) -> str | None:
    """The text that finds the lines of `deeds` in [start, stop), of one seller, source, hour or day.

    `unlike`: types that are not meant. None where it cannot be said: a time to the second, a name with signs that
    cannot be written.
    """
    conditions = [Condition(_FIELDS[by], key, "==") for by, key in keys.items() if by in _FIELDS]
    if "hour" in keys:
        conditions.append(Condition("time", f"{keys['hour']}:00-{int(keys['hour']) + 1:02}:00"))
    whole_day = None
    if "day" in keys:
        day = date.fromisoformat(keys["day"])
        whole_day = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        conditions.append(Condition("date", keys["day"]))
        if start <= whole_day[0] and whole_day[1] <= stop:
            start, stop = whole_day
    if (start, stop) != whole_day:
        conditions += _span(start.astimezone(zone), stop.astimezone(zone))
    conditions += [Condition("deed", deed) for deed in deeds]
    query = Query((*conditions, *(Condition("type", each, "not") for each in unlike)))
    text = write(query, language)
    expected = (start, stop) if whole_day is None else (max(start, whole_day[0]), min(stop, whole_day[1]))
    is_exact = parse(text).conditions == query.conditions and period(query, stop, zone) == expected
    return text if is_exact else None


def _span(first: datetime, last: datetime) -> list[Condition]:
    end = (last - timedelta(days=1)).date().isoformat() if last.time() == time() else _minute(last)
    begin = first.date().isoformat() if first.time() == time() else _minute(first)
    if begin == end and len(begin) == len("2024-02-29"):
        return [Condition("date", begin)]
    return [Condition("from", begin), Condition("to", end)]


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)
