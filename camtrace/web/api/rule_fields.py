"""An exception rule as a person or program gives it, each fault with its field's name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from camtrace import factcode
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.model import (
    DEEDS,
    MEASURES,
    NUMBERINGS,
    PERS,
    RULE_KINDS,
    WHENS,
    LineTest,
    Rule,
    TicketTest,
)
from camtrace.tickets.rules import LONGEST_SECONDS
from camtrace.web.api.readers import flag, one_of, text_of, whole
from camtrace.web.ports import CameraDirectory

MOST_WORDS, LONGEST_WORD = 50, 100
LONGEST_ABSENCE, LONGEST_STILL = 3600, 600
LEAST_SILENCE = 60
BIGGEST = Decimal(10) ** 9
GONE = 0  # how a camera that was removed is called: a rule that asks for it is not met, and does not ask for others
Read = Callable[[Any, str], Any]
T = TypeVar("T")


def read_rule(
    body: Mapping[str, Any], before: Rule | None, calendars: Collection[str], uid_of: Callable[[int], int | None]
) -> Rule:
    """The rule that `body` describes, on top of `before`. Raises Invalid."""
    rule = before or Rule()
    fields: dict[str, Any] = {}
    groups: dict[str, tuple[Any, Mapping[str, Read]]] = {
        "lines": (rule.lines, {**_LINES, "calendar": one_of(tuple(calendars))}),
        "ticket": (rule.ticket, _TICKET),
        "window": (rule.window, _WINDOW),
        "absence": (rule.absence, _ABSENCE),
        "number": (rule.number, _NUMBER),
        "still": (rule.still, {**_STILL, "camera": _camera(uid_of, rule.still.camera)}),
    }
    for name, value in body.items():
        if name in groups:
            fields[name] = _group(value, *groups[name], name)
        elif name in _PLAIN:
            fields[name] = _PLAIN[name](value, name)
        elif name not in ("id", "unseen", "group"):
            raise Invalid(N_("a rule has no field {field}"), name)
    rule = replace(rule, **fields)
    _check(rule)
    return rule


def rule_shape(rule: Rule, directory: CameraDirectory, unseen: list[str] | None = None) -> dict[str, Any]:
    """A rule. `unseen`: the tills at which nobody can tell whether something moves."""
    shape: dict[str, Any] = factcode.plain(rule)
    if rule.still.camera is not None:
        camera = directory.by_uid(rule.still.camera)
        shape["still"] = {**shape["still"], "camera": camera.id if camera is not None else GONE}
    del shape["changed_at"]
    return {**shape, "id": str(rule.id) if rule.id else None, "unseen": unseen or []}


def _group(value: Any, before: T, readers: Mapping[str, Read], group: str) -> T:
    if not isinstance(value, dict):
        raise Invalid(N_("{field} must be an object"), group)
    read = {}
    for name, given in value.items():
        if name not in readers:
            raise Invalid(N_("a rule has no field {field}"), f"{group}.{name}")
        read[name] = readers[name](given, f"{group}.{name}")
    return replace(before, **read)  # type: ignore[type-var]


def _check(rule: Rule) -> None:
    if not rule.name:
        raise Invalid(N_("a rule needs a name"), "name")
    for low, high, field in (
        (rule.lines.amount_min, rule.lines.amount_max, "lines.amount_max"),
        (rule.lines.quantity_min, rule.lines.quantity_max, "lines.quantity_max"),
        (rule.lines.discount_min, rule.lines.discount_max, "lines.discount_max"),
        (rule.lines.price_min, rule.lines.price_max, "lines.price_max"),
        (rule.ticket.total_min, rule.ticket.total_max, "ticket.total_max"),
        (rule.ticket.lines_min, rule.ticket.lines_max, "ticket.lines_max"),
        (rule.ticket.seconds_min, rule.ticket.seconds_max, "ticket.seconds_max"),
    ):
        if low is not None and high is not None and high < low:
            raise Invalid(N_("{field} must not be less than where it begins"), field)
    if rule.kind in ("line", "window", "absence") and not _says_something(rule.lines):
        raise Invalid(N_("say which lines are meant: at least one of their conditions is needed"), "lines.deeds")
    if rule.kind == "ticket" and replace(rule.ticket, silence_seconds=0) == TicketTest(silence_seconds=0):
        raise Invalid(N_("say what the ticket is like: at least one condition is needed"), "ticket.has")
    if rule.kind in ("ticket", "number") and rule.still.seconds:
        raise Invalid(N_("whether nothing moved can be asked for lines, not for whole tickets"), "still.seconds")
    if rule.kind == "window" and rule.window.measure == "ratio" and not rule.window.among:
        raise Invalid(N_("say to which lines the others are compared"), "window.among")


def _says_something(test: LineTest) -> bool:
    return replace(test, calendar="always", outside=False, sellers=(), sources=()) != LineTest() or test.outside


def _words(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_WORDS:
        raise Invalid(N_("{field} must be a list of at most {most} texts"), name, most=MOST_WORDS)
    read = text_of(LONGEST_WORD)
    return tuple(dict.fromkeys(word for word in (read(each, name) for each in value) if word))


def _deeds(value: Any, name: str) -> tuple[str, ...]:
    words = _words(value, name)
    known = one_of(DEEDS)
    return tuple(known(word, name) for word in words)


def _decimal(value: Any, name: str) -> Decimal:
    try:
        number = Decimal(str(value).strip().replace(",", ".")) if isinstance(value, str | int | float) else None
    except ArithmeticError:
        number = None
    if number is None or isinstance(value, bool) or not number.is_finite() or not 0 <= number <= BIGGEST:
        raise Invalid(N_("{field} must be a number, not below zero"), name)
    return round(number, 3) if number != round(number, 3) else number


def _or_none(read: Read) -> Read:
    return lambda value, name: None if value is None or value == "" else read(value, name)


def _camera(uid_of: Callable[[int], int | None], before: int | None) -> Read:
    def read(value: Any, name: str) -> int | None:
        if value is None:
            return None
        if value == GONE and type(value) is int and before is not None:
            return before
        uid = uid_of(value) if type(value) is int else None
        if uid is None:
            raise Invalid(N_("there is no camera {number}"), name, number=value if type(value) is int else "?")
        return uid

    return read


_number = _or_none(_decimal)
_PLAIN: dict[str, Read] = {
    "name": text_of(80),
    "enabled": flag,
    "alarm": flag,
    "popup": flag,
    "kind": one_of(RULE_KINDS),
}
_LINES: dict[str, Read] = {
    "deeds": _deeds,
    **dict.fromkeys(("types", "specials", "articles", "sellers", "sources"), _words),
    **{name: _number for name in LineTest.__dataclass_fields__ if name.endswith(("_min", "_max"))},
    "discount_percent": _number,
    "outside": flag,
    "paying": flag,
}
_TICKET: dict[str, Read] = {
    **dict.fromkeys(("has", "also", "lacks"), _deeds),
    "total_min": _number,
    "total_max": _number,
    **dict.fromkeys(("lines_min", "lines_max"), _or_none(whole(0, 10_000))),
    **dict.fromkeys(("seconds_min", "seconds_max"), _or_none(whole(0, LONGEST_SECONDS))),
    "voids_percent": _or_none(whole(1, 100)),
    "unfinished": flag,
    "pause_min": _or_none(whole(1, LONGEST_SECONDS)),
    "change_off": _number,
    "silence_seconds": whole(LEAST_SILENCE, LONGEST_SECONDS),
}
_WINDOW: dict[str, Read] = {
    "seconds": whole(1, LONGEST_SECONDS),
    "per": one_of(PERS),
    "measure": one_of(MEASURES),
    "at_least": _decimal,
    "among": _deeds,
    "base": whole(1, 1000),
}
_ABSENCE: dict[str, Read] = {"seconds": whole(1, LONGEST_ABSENCE), "when": one_of(WHENS), "deeds": _deeds}
_NUMBER: dict[str, Read] = {"looks_for": one_of(NUMBERINGS), "most": whole(1, 100_000)}
_STILL: dict[str, Read] = {"seconds": whole(0, LONGEST_STILL), "zone": text_of(60)}
