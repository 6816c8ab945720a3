"""What a question of the search box means: in words for people, and as the search that the store is asked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from camtrace.i18n import N_, Translations
from camtrace.model import Comparison, LineSearch, Named, Range, Trace
from camtrace.tickets.deeds import SALE, traces_of
from camtrace.tickets.keywords import MOMENTS, NAMES, NUMBERS, plain
from camtrace.tickets.query import Note, Query
from camtrace.tickets.values import Condition, minutes_of

_SAID: Mapping[tuple[str, str], str] = {
    ("till", "="): N_("Till {value}"),
    ("ticket", "="): N_("Ticket {value}"),
    ("seller", "="): N_("Cashier {value}"),
    ("customer", "="): N_("Customer {value}"),
    ("type", "="): N_("Kind of line {value}"),
    ("special", "="): N_("Marked {value}"),
    ("tender", "="): N_("Payment {value}"),
    ("code", "="): N_("Article code {value}"),
    ("barcode", "="): N_("Barcode {value}"),
    ("camera", "="): N_("Camera {value}"),
    ("amount", "="): N_("amount of {value}"),
    ("amount", ">"): N_("amount over {value}"),
    ("amount", ">="): N_("amount from {value}"),
    ("amount", "<"): N_("amount under {value}"),
    ("amount", "<="): N_("amount up to {value}"),
    ("quantity", "="): N_("quantity of {value}"),
    ("quantity", ">"): N_("quantity over {value}"),
    ("quantity", ">="): N_("quantity from {value}"),
    ("quantity", "<"): N_("quantity under {value}"),
    ("quantity", "<="): N_("quantity up to {value}"),
    ("from", "="): N_("from {value}"),
    ("to", "="): N_("until {value}"),
    ("date", "="): N_("on {value}"),
    ("time", "="): N_("between {value}"),
    ("word", "="): N_("line contains {value}"),
    ("word", "not"): N_("line does not contain {value}"),
    ("deed", "="): N_("what was done: {value}"),
    ("deed", "not"): N_("not what was done: {value}"),
    ("till", "not"): N_("not till {value}"),
    ("ticket", "not"): N_("not ticket {value}"),
    ("seller", "not"): N_("not cashier {value}"),
    ("customer", "not"): N_("not customer {value}"),
    ("type", "not"): N_("not kind of line {value}"),
    ("special", "not"): N_("not marked {value}"),
    ("tender", "not"): N_("not payment {value}"),
    ("code", "not"): N_("not article code {value}"),
    ("barcode", "not"): N_("not barcode {value}"),
    ("camera", "not"): N_("not camera {value}"),
    ("amount", "not"): N_("amount is not {value}"),
    ("quantity", "not"): N_("quantity is not {value}"),
    ("from", "not"): N_("before {value}"),
    ("to", "not"): N_("after {value}"),
    ("date", "not"): N_("not on {value}"),
    ("time", "not"): N_("not between {value}"),
}
# what a line is the trace of, as the pages call it
_SAID_DEEDS = {
    SALE: N_("sale"),
    "article": N_("article"),
    "void": N_("cancelled line"),
    "ticket_void": N_("cancelled ticket"),
    "return": N_("goods returned"),
    "discount": N_("discount"),
    "gift": N_("given away"),
    "loss": N_("written off"),
    "price_change": N_("price changed"),
    "quantity_change": N_("quantity changed"),
    "manual_entry": N_("article typed in"),
    "drawer": N_("drawer opened"),
    "no_sale": N_("drawer opened without a sale"),
    "payment": N_("payment"),
    "end": N_("end of the ticket"),
    "denied": N_("refused by the till"),
    "suspended": N_("put aside or taken up"),
    "reprint": N_("printed again"),
    "prohibited": N_("prohibited article"),
    "outside": N_("scanned outside a ticket"),
    "cash_limit": N_("too much cash"),
    "report": N_("report printed"),
    "begin": N_("beginning of the ticket"),
    "subtotal": N_("subtotal"),
    "cash": N_("payment in cash"),
    "change": N_("change given"),
    "card_denied": N_("card refused"),
    "discount_card": N_("discount card"),
    "money": N_("money put in or taken out"),
    "sign_on": N_("signed on"),
    "long_shift": N_("shift too long"),
    "aside": N_("sign of life, motion"),
    "other": N_("anything else"),
}
_SAID_DAYS = {
    "today": N_("today"),
    "yesterday": N_("yesterday"),
    "this-week": N_("this week"),
    "last-week": N_("last week"),
    "this-month": N_("this month"),
    "last-month": N_("last month"),
}
_TAKING_BACK = ("void", "return", "gift", "loss")
_MARKS = ("annul", "annule", "retour", "offert", "perte")  # what tills write beside such lines
_DAY_MINUTES = 24 * 60


def said(condition: Condition, spoken: Translations) -> tuple[str, str]:
    """The condition in words: a sentence with {value} in it, and the value."""
    field, value, sign = condition.field, condition.value, condition.sign
    if field in MOMENTS:
        if field == "date" and sign == "=":
            if _is_last_days(value):
                return spoken.gettext(N_("the last {value}")), _said_moment(value, spoken)
            if value in _SAID_DAYS:
                return "{value}", _said_moment(value, spoken)
        value = _said_moment(value, spoken)
    elif field in NUMBERS:
        value = (value if spoken.language == "en" else value.replace(".", ",").replace(",,", "..")).replace("..", "–")
    elif field == "time":
        value = value.replace("-", "–")
    elif field == "deed":
        value = spoken.gettext(_SAID_DEEDS[value])
    if sign.endswith("=="):
        value = f"“{value}”" if value else "–"
        sign = sign.removesuffix("==") or "="
    return spoken.gettext(_SAID[field, sign]), value


def _said_moment(value: str, spoken: Translations) -> str:
    if _is_last_days(value):
        count = int(value[:-1])
        return spoken.ngettext("{count} day", "{count} days", count).format(count=count)
    day, between, hour = value.partition("T")
    if day in _SAID_DAYS:
        day = spoken.gettext(_SAID_DAYS[day])
    return day.replace("..", " – ") + (f" {hour}" if between else "")


def search_of(
    query: Query,
    now: datetime,
    zone: tzinfo,
    uids: Callable[[str], int | None],
    called: Callable[[str], Iterable[str]] = lambda name: (),
) -> tuple[LineSearch, list[Note]]:
    """The search that the query means at the instant `now` by the clock of `zone`.

    `uids` gives the camera's uid of a number, None where there is none; `called` the tills that people call so.
    """
    notes: list[Note] = []
    wanted = LineSearch(
        texts=tuple(each.value for each in query.of("word") if each.sign == "="),
        without=tuple(each.value for each in query.of("word") if each.sign == "not"),
        names=_also_called(_named(query, "="), called),
        exactly=_named(query, "=="),
        excluded=_also_called(_named(query, "not"), called),
        excluded_exactly=_named(query, "not=="),
        deeds=_traces(query, "="),
        excluded_deeds=_traces(query, "not"),
        comparisons=tuple(
            Comparison(each.field, each.sign, Decimal(each.value)) for each in query.of(*NUMBERS) if each.sign != "not"
        ),
        outside=tuple(_range(each) for each in query.of(*NUMBERS) if each.sign == "not"),
        by_cost=bool(query.of("amount")) and _takes_back(query),
    )
    cameras = query.of("camera")
    if cameras:
        found = {each.value: uids(each.value) for each in cameras}
        notes += [
            Note(N_("There is no camera {number}."), {"number": name}) for name, uid in found.items() if uid is None
        ]
        known = [(each.sign, uid) for each in cameras if (uid := found[each.value]) is not None]
        if any(each.sign == "=" for each in cameras):
            wanted = replace(wanted, camera_uids=tuple(uid for sign, uid in known if sign == "="))
        wanted = replace(wanted, unwatched=tuple(uid for sign, uid in known if sign == "not"))
    start, stop = period(query, now, zone)
    if start is not None and stop is not None and start >= stop:
        notes.append(Note(N_("The period ends before it begins."), {}))
    elif start is not None and start > now:
        notes.append(Note(N_("The period lies in the future."), {}))
    if any(_exclude_each_other(wanted, field) for field in NUMBERS):
        notes.append(Note(N_("The bounds exclude each other: no figure lies within all of them."), {}))
    hours = _hours(query)
    if hours == ():
        notes.append(Note(N_("No hour of the day is left."), {}))
    return replace(wanted, start=start, before=stop, apart=_apart(query, now, zone), hours=hours, zone=zone), notes


def _takes_back(query: Query) -> bool:
    """Whether lines are asked for that a till may write without an amount, see `tickets.sales`."""
    asked = [each for each in query.conditions if each.sign in ("=", "==")]
    return (
        any(each.field == "deed" and each.value in _TAKING_BACK for each in asked)
        or any(each.field == "special" or (each.field == "type" and each.value.upper() == "S") for each in asked)
        or any(each.field == "word" and plain(each.value) in _MARKS for each in asked)
    )


def _exclude_each_other(wanted: LineSearch, field: str) -> bool:
    """Whether no figure is within all bounds."""
    bounds = [(sign, value) for name, sign, value in wanted.comparisons if name == field]
    low = max(((value, sign == ">") for sign, value in bounds if sign in (">", ">=", "=")), default=None)
    high = min(((value, sign != "<") for sign, value in bounds if sign in ("<", "<=", "=")), default=None)
    if low is None or high is None:
        return False
    return low[0] > high[0] or (low[0] == high[0] and (low[1] or not high[1]))


def period(query: Query, now: datetime, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """From when, and up to when (not included)."""
    today = now.astimezone(zone).date()
    starts, stops = [], []
    for each in query.of(*MOMENTS):
        first, last = _bounds(each.value, today, zone)
        match each.field, each.sign:
            case ("date", "not"):
                pass  # a hole in the time, see `_apart`
            case ("date", _):
                starts.append(first)
                stops.append(last)
            case ("from", "=") | ("to", "not"):
                starts.append(first if each.field == "from" else last)
            case _:
                stops.append(first if each.field == "from" else last)
    return max(starts, default=None), min(stops, default=None)


def _apart(query: Query, now: datetime, zone: tzinfo) -> tuple[tuple[datetime, datetime], ...]:
    """The days that are not wanted, each from its beginning to its end."""
    today = now.astimezone(zone).date()
    return tuple(_bounds(each.value, today, zone) for each in query.of("date") if each.sign == "not")


def _bounds(value: str, today: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The beginning and the end of what a moment means: a day, several days, or a minute."""
    name, between, hour = value.partition("T")
    first, last = _days(name, today)
    if between:
        at = datetime.combine(first, time.fromisoformat(hour), zone)
        return at, at
    return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)


def _days(name: str, today: date) -> tuple[date, date]:
    """The first day and the last."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    match name:
        case "today":
            return today, today
        case "yesterday":
            return today - timedelta(days=1), today - timedelta(days=1)
        case "this-week":
            return monday, monday + timedelta(days=6)
        case "last-week":
            return monday - timedelta(days=7), monday - timedelta(days=1)
        case "this-month":
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        case "last-month":
            return (first - timedelta(days=1)).replace(day=1), first - timedelta(days=1)
    if _is_last_days(name):
        return today - timedelta(days=int(name[:-1]) - 1), today
    begin, _, end = name.partition("..")
    return date.fromisoformat(begin), date.fromisoformat(end or begin)


def _is_last_days(value: str) -> bool:
    return value[0].isdigit() and value.endswith("d")


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _hours(query: Query) -> tuple[tuple[int, int], ...] | None:
    """The hours of the day that are wanted, in minutes: those asked for without those that are not; None for any."""
    asked, excluded = (
        [_minutes(each.value) for each in query.of("time") if each.sign == sign] for sign in ("=", "not")
    )
    if not excluded:
        return tuple(asked) or None
    left = [range_ for each in asked or [(0, _DAY_MINUTES)] for range_ in _of_one_day(each)]
    for begin, end in (range_ for each in excluded for range_ in _of_one_day(each)):
        left = [
            kept for low, high in left for kept in ((low, min(high, begin)), (max(low, end), high)) if kept[0] < kept[1]
        ]
    return tuple(dict.fromkeys(left))


def _of_one_day(hours: tuple[int, int]) -> list[tuple[int, int]]:
    """The same hours, those over midnight in two."""
    begin, end = hours
    return [hours] if begin < end else [each for each in ((begin, _DAY_MINUTES), (0, end)) if each[0] < each[1]]


def _minutes(value: str) -> tuple[int, int]:
    first, last = (minutes_of(part) or 0 for part in value.split("-"))
    return first, last


def _range(condition: Condition) -> Range:
    low, _, high = condition.value.partition("..")
    return Range(condition.field, Decimal(low), Decimal(high or low))


def _named(query: Query, sign: str) -> tuple[Named, ...]:
    found = [(field, tuple(each.value for each in query.of(field) if each.sign == sign)) for field in NAMES]
    return tuple(Named(field, values) for field, values in found if values)


def _also_called(names: tuple[Named, ...], called: Callable[[str], Iterable[str]]) -> tuple[Named, ...]:
    """The same names, tills also by the name that people gave them."""

    def values(each: Named) -> tuple[str, ...]:
        more = (source for value in each.values for source in called(value)) if each.field == "till" else ()
        return tuple(dict.fromkeys((*each.values, *more)))

    return tuple(Named(each.field, values(each)) for each in names)


def _traces(query: Query, sign: str) -> tuple[Trace, ...]:
    return traces_of(each.value for each in query.of("deed") if each.sign == sign)
