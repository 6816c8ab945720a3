"""The values of conditions, each in one form whatever way people write it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from camtrace.tickets.keywords import MOMENTS, NAMES, NUMBERS, TYPES, day_named, deed_named

LONGEST_VALUE = 200
QUOTES = (('"', '"'), ("«", "»"), ("“", "”"))
_OPPOSITES = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_THIN = "\u00a0\u2009\u202f'’"  # what may stand between thousands in the midst of a query; in quotes a blank too
_MONEY = r"(?:[€$£₽₴₸]|(?:eur|euros?|usd|gbp|rub|руб|р)\b\.?)"


def _figure_pattern(between: str) -> str:
    """A figure: 20, 12,5 or, with its thousands set apart, 1 234,50, 1.234,50, 1,234.50; money may stand beside it."""
    thousands = (
        rf"[0-9]{{1,3}}(?:[{between}][0-9]{{3}})+(?:[.,][0-9]{{1,6}})?"
        r"|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,6}|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{1,6}"
    )
    plain = "[0-9]{1,12}(?:[.,][0-9]{1,6})?"
    return rf"[+−-]?{_MONEY}?(?:{thousands}|{plain})(?:[ {_THIN}]?{_MONEY})?"


_RANGE = r"(?:\.\.|…|-|–)"
_NUMBER = re.compile(_figure_pattern(f" {_THIN}"), re.IGNORECASE)
_BETWEEN = re.compile(rf"({_NUMBER.pattern}){_RANGE}({_NUMBER.pattern})", re.IGNORECASE)
FIGURES = re.compile(rf"{_figure_pattern(_THIN)}(?:{_RANGE}{_figure_pattern(_THIN)})?(?!\S)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
_LOCAL_DATE = re.compile(r"(\d\d?)[./](\d\d?)[./](\d{4}|\d\d)")
_LOCAL_DAYS = re.compile(r"(\d\d?[./]\d\d?[./]\d{2,4})\s*-\s*(\d\d?[./]\d\d?[./]\d{2,4})")
_LAST_DAYS = re.compile(r"(\d{1,4})[djд]")
_CLOCK = re.compile(r"(\d\d?)(?:[:hч](\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """One of `FIELDS`, a sign and the value as it is written in a query.

    Signs: = or, of a name, == (written exactly so); of figures >, >=, <, <= too. "not" and "not==": what must not be.
    Values are in one form: amounts with a point, days as 2024-02-29, 7d or one of `DAYS`, several as
    2024-02-01..2024-02-07, instants as 2024-02-29T18:00, hours as 18:00-20:30, deeds by their own names. Figures that
    must not be may be several too: 5..10.
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
    if field in MOMENTS and sign == "=":
        read = _days(value) if field == "date" else _moment(value)
        return [Condition(field, read)] if read and not (field == "to" and read.endswith("d")) else []
    if field == "time" and sign == "=":
        read = _hours(value)
        return [Condition(field, read)] if read else []
    if sign != "=" or not value or field in (*MOMENTS, "time"):
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
    """The opposite of one condition as it was written: lines that fit none of these."""
    if len(found) == 1:
        return [_turned(found[0])]
    if found and found[0].field in NUMBERS:  # from the one to the other
        low, high = found
        return [Condition(low.field, f"{low.value}..{high.value}", "not")]
    return [_turned(each) for each in found]


def _turned(one: Condition) -> Condition:
    sign = _OPPOSITES.get(one.sign) or ("not==" if one.sign == "==" else "not")
    return Condition(one.field, one.value, sign)


def turned(one: Condition) -> list[Condition]:
    """The same turned round: what must not be must be, and the other way about."""
    if not one.sign.startswith("not"):
        return [_turned(one)]
    return (
        conditions(one.field, one.sign[3:] or "=", one.value)
        if one.field in NUMBERS
        else [Condition(one.field, one.value, one.sign[3:] or "=")]
    )


def _numbers(field: str, sign: str, value: str) -> list[Condition]:
    if _NUMBER.fullmatch(value):
        return [Condition(field, _figure(value), sign)]
    match = _BETWEEN.fullmatch(value)
    if match and sign == "=":
        low, high = sorted((_figure(match[1]), _figure(match[2])), key=Decimal)
        return [Condition(field, low, ">="), Condition(field, high, "<=")]
    return []


def _figure(text: str) -> str:
    """A figure as it is kept, whatever stood between its thousands and beside it."""
    digits = re.sub(r"[^0-9.,]", "", text.rstrip(".")).strip(",")
    whole, mark, part = digits.rpartition("," if digits.rfind(",") > digits.rfind(".") else ".")
    number = Decimal(f"{re.sub('[.,]', '', whole)}.{part}" if mark else digits)
    number = -number if re.search("[−-]", text) else number
    return f"{number:f}" if number else "0"


def _day(text: str) -> str:
    """A day, or a period that moves on, as it is kept; "" for none."""
    if relative := day_named(text):
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


def _days(text: str) -> str:
    """A day, or the first and the last of several: 2024-02-01..2024-02-07."""
    first, between, last = re.sub(r"\s*(?:…|–|\.\.)\s*", "..", text).partition("..")
    if not between and (match := _LOCAL_DAYS.fullmatch(text)):
        first, between, last = match[1], "-", match[2]
    if not between:
        return _day(text)
    days = sorted(filter(_DATE.fullmatch, (_day(first), _day(last))))
    return "..".join(dict.fromkeys(days)) if len(days) == 2 else ""


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
