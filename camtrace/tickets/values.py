"""The values of conditions, each in one form whatever way people write it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from camtrace.tickets.keywords import NAMES, NUMBERS, RELATIVE, TYPES, deed_named, plain

LONGEST_VALUE = 200
QUOTES = (('"', '"'), ("«", "»"), ("“", "”"))
_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:[.,]\d{1,6})?")
_BETWEEN = re.compile(r"([+-]?\d{1,12}(?:[.,]\d{1,6})?)(?:\.\.|…|-|–)([+-]?\d{1,12}(?:[.,]\d{1,6})?)")
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
_LOCAL_DATE = re.compile(r"(\d\d?)[./](\d\d?)[./](\d{4}|\d\d)")
_LAST_DAYS = re.compile(r"(\d{1,4})[djд]")
_CLOCK = re.compile(r"(\d\d?)(?:[:hч](\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """One of `FIELDS`, a sign and the value as it is written in a query.

    Signs: = or, of a name, == (written exactly so); of figures >, >=, <, <= too. "not" and "not==": what must not be.
    Values are in one form: amounts with a point, days as 2024-02-29, today, yesterday or 7d, instants as
    2024-02-29T18:00, hours as 18:00-20:30, deeds by their own names.
    """

    field: str
    value: str
    sign: str = "="


def tidy(text: str) -> str:
    """A value that can be written in quotes of one kind or another."""
    return _quotable(" ".join(text.split())[:LONGEST_VALUE].strip())


def _quotable(value: str) -> str:
    if all(closing in value for _, closing in QUOTES):
        value = " ".join(value.replace('"', " ").split())
    return value


def conditions(field: str, sign: str, value: str) -> list[Condition]:
    """What a condition means, in one form; empty if it means nothing."""
    if sign == "==":
        return [Condition(field, _quotable(value[:LONGEST_VALUE]), sign)] if field in NAMES else []
    value = tidy(value)
    if field in NUMBERS:
        return _numbers(field, sign, value)
    if field in ("date", "from", "to") and sign == "=":
        read = _day(value) if field == "date" else _moment(value)
        return [Condition(field, read)] if read and not (field == "to" and read.endswith("d")) else []
    if field == "time" and sign == "=":
        read = _hours(value)
        return [Condition(field, read)] if read else []
    if sign != "=" or not value or field in ("date", "from", "to", "time"):
        return []
    if field == "camera":
        numbers = value.split(",")
        fits = all(re.fullmatch(r"[0-9]{1,9}|uid:[0-9]{1,18}", each) for each in numbers)
        return [Condition(field, each) for each in dict.fromkeys(numbers)] if fits else []
    values = [each.strip() for each in value.split(",") if each.strip()]
    if field == "deed":
        values = [deed_named(each) for each in values]
        return [Condition(field, each) for each in dict.fromkeys(values)] if all(values) else []
    if field == "type":
        values = [each.upper() if each.upper() in TYPES else each for each in values]
    return [Condition(field, each) for each in dict.fromkeys(values)]


def negated(found: list[Condition]) -> list[Condition]:
    """The opposite: lines that fit none of these; empty where that cannot be said."""
    if len(found) == 1 and found[0].sign in _OPPOSITES:
        return [Condition(found[0].field, found[0].value, _OPPOSITES[found[0].sign])]
    if not all(each.field in (*NAMES, "deed", "camera", "word") for each in found):
        return []
    return [Condition(each.field, each.value, "not==" if each.sign == "==" else "not") for each in found]


def _numbers(field: str, sign: str, value: str) -> list[Condition]:
    if _NUMBER.fullmatch(value):
        return [Condition(field, _figure(value), sign)]
    match = _BETWEEN.fullmatch(value)
    if match and sign == "=":
        low, high = sorted((_figure(match[1]), _figure(match[2])), key=Decimal)
        return [Condition(field, low, ">="), Condition(field, high, "<=")]
    return []


def _figure(text: str) -> str:
    number = Decimal(text.replace(",", "."))
    return f"{number:f}" if number else "0"


def _day(text: str) -> str:
    """A day as it is kept; "" for none."""
    relative = RELATIVE.get(plain(text))
    if relative:
        return relative
    if match := _LAST_DAYS.fullmatch(text.casefold()):
        return f"{int(match[1])}d" if 0 < int(match[1]) <= 3660 else ""
    if match := _DATE.fullmatch(text):
        year, month, day = match.groups()
    elif match := _LOCAL_DATE.fullmatch(text):
        day, month, year = match.groups()
        year = year if len(year) == 4 else f"20{year}"
    else:
        return ""
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return ""
    return found.isoformat() if 1970 <= found.year < 3000 else ""


def _moment(text: str) -> str:
    """A day, or a day with a time: 2024-02-29T18:00."""
    day, between, hour = text.partition("T") if "T" in text else text.partition(" ")
    if not between:
        return _day(text)
    read, minutes = _day(day), minutes_of(hour)
    return f"{read}T{_written(minutes)}" if read and not read.endswith("d") and minutes not in (None, 1440) else ""


def _hours(text: str) -> str:
    begin, between, end = text.replace(" ", "").replace("..", "-").replace("–", "-").partition("-")
    first, last = minutes_of(begin), minutes_of(end)
    if not between or first is None or last is None or first == last or first == 1440:
        return ""
    return f"{_written(first)}-{_written(last)}"


def minutes_of(text: str) -> int | None:
    """Minutes since midnight of 18:00, 18h, 18h30 or 18."""
    match = _CLOCK.fullmatch(text.strip().casefold())
    if match is None:
        return None
    hours, minutes = int(match[1]), int(match[2] or 0)
    return hours * 60 + minutes if minutes < 60 and hours * 60 + minutes <= 1440 else None


def _written(minutes: int | None) -> str:
    return f"{(minutes or 0) // 60:02}:{(minutes or 0) % 60:02}"
