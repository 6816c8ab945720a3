"""The external log in memory: the same answers as the store's, one line at a time."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from camtrace.cards import hidden
from camtrace.errors import Conflict
from camtrace.model import HitCount, Line, LineSearch, Range, SavedSearch, Trace
from camtrace.store.line_texts import searchable
from camtrace.tickets.articles import Articles
from camtrace.tickets.deeds import is_alone

NAMED = ("ticket", "seller", "seller_code", "customer", "special", "tender", "code", "text")
COLUMNS = {"till": "source"}
SIGNS: dict[str, Any] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def fits(line: Line, wanted: LineSearch, log: Sequence[Line] = ()) -> bool:
    """Whether the line is one of those wanted; `log` are all there are."""
    if wanted.by_cost:
        line = replace(line, amount=cost(line, log))
    if wanted.without_cards:
        line = replace(line, **{name: hidden(getattr(line, name)) for name in NAMED})
    words = searchable(f"{line.text}\n{line.tender}\n{line.seller}\n{line.special}")
    local = line.received_at.astimezone(wanted.zone)
    minute = local.hour * 60 + local.minute
    return (
        (wanted.start is None or line.received_at >= wanted.start)
        and (wanted.stop is None or line.received_at <= wanted.stop)
        and (wanted.before is None or line.received_at < wanted.before)
        and not any(first <= line.received_at < last for first, last in wanted.apart)
        and (wanted.hours is None or any(_within(minute, *hours) for hours in wanted.hours))
        and (wanted.camera_uids is None or not set(wanted.camera_uids).isdisjoint(line.cameras))
        and (not wanted.sources or line.source in wanted.sources)
        and wanted.ticket_id in (None, line.ticket_id)
        and all(_exactly(line, field, values) for field, values in wanted.exactly)
        and all(_named(line, field, values) for field, values in wanted.names)
        and not any(getattr(line, COLUMNS.get(field, field)) in values for field, values in wanted.excluded_exactly)
        and not any(_named(line, field, values) for field, values in wanted.excluded)
        and set(wanted.unwatched).isdisjoint(line.cameras)
        and (not wanted.deeds or any(_is_trace(line, trace) for trace in wanted.deeds))
        and not any(_is_trace(line, trace) for trace in wanted.excluded_deeds)
        and all(searchable(text) in words for text in wanted.texts)
        and not any(searchable(text) in words for text in wanted.without)
        and all(_compared(getattr(line, each.field), each.sign, each.value) for each in wanted.comparisons)
        and all(_is_outside(getattr(line, each.field), each) for each in wanted.outside)
    )


def found(lines: Iterable[Line], wanted: LineSearch, after: Any, ascending: bool, limit: int) -> list[Line]:
    """A page of the lines that fit."""
    log = list(lines)
    places = sorted(
        ((line.received_at, line.id, line) for line in log if fits(line, wanted, log)), reverse=not ascending
    )
    if after is not None:
        places = [place for place in places if (place[:2] > after if ascending else place[:2] < after)]
    return [line for _, _, line in places][:limit]


def hits(lines: Iterable[Line], wanted: LineSearch, most: int) -> list[HitCount]:
    """How many lines fit, by the hour."""
    newest = found(lines, wanted, None, False, most)
    counts: Counter[datetime] = Counter(line.received_at.replace(minute=0, second=0, microsecond=0) for line in newest)
    return [HitCount(*pair) for pair in sorted(counts.items())]


class KeptSearches:
    """Saved searches in memory."""

    def __init__(self) -> None:
        self.stored: dict[int, list[SavedSearch]] = {}

    async def all(self, user_id: int) -> list[SavedSearch]:
        return sorted(self.stored.get(user_id, []), key=lambda each: each.name.lower())

    async def save(self, user_id: int, name: str, query: str, most: int) -> SavedSearch | None:
        own = self.stored.setdefault(user_id, [])
        others = [each for each in own if each.name != name]
        if len(others) >= most:
            return None
        saved = SavedSearch(1 + max((each.id for each in own), default=0), name, query)
        self.stored[user_id] = [*others, saved]
        return saved

    async def rename(self, user_id: int, id: int, name: str) -> SavedSearch | None:
        own = self.stored.get(user_id, [])
        if any(each.name == name and each.id != id for each in own):
            raise Conflict("another search has this name", "name")
        self.stored[user_id] = [replace(each, name=name) if each.id == id else each for each in own]
        return next((each for each in self.stored[user_id] if each.id == id), None)

    async def delete(self, user_id: int, id: int) -> bool:
        own = self.stored.get(user_id, [])
        self.stored[user_id] = [each for each in own if each.id != id]
        return len(own) > len(self.stored[user_id])


def cost(line: Line, log: Sequence[Line]) -> Decimal | None:
    """What a line is worth: where it tells no amount, that of what it takes back."""
    if line.amount is not None or line.type != "S" or not line.special:
        return line.amount
    articles = Articles(len(log))
    for one in sorted(log, key=lambda one: (one.received_at, one.id)):
        if (one.ticket_id, one.protocol) != (line.ticket_id, line.protocol):
            continue
        if one.id == line.id and one.special != "ANNULE":
            article = articles.same(line)
            return article.amount if article else None
        if one.type == "A":
            articles.add(one)
        elif (one.type, one.special) == ("S", "ANNULE"):
            struck = articles.strike(one)
            if one.id == line.id:
                return struck.amount
    return None


def _exactly(line: Line, field: str, values: tuple[str, ...]) -> bool:
    if field == "cashier":
        return line.seller in values or (line.seller_code != "" and line.seller_code in values)
    return getattr(line, COLUMNS.get(field, field)) in values


def _within(minute: int, begin: int, stop: int) -> bool:
    return begin <= minute < stop if begin < stop else minute >= begin or minute < stop


def _named(line: Line, field: str, values: tuple[str, ...]) -> bool:
    sought = {searchable(value) for value in values}
    kept = [getattr(line, COLUMNS.get(field, field))] + ([line.barcode] if field == "code" else [])
    if field == "seller":
        kept.append(line.seller_code)
    if field == "till" and ":" in line.source:
        kept.append(line.source.partition(":")[2])
    return (field == "type" and "S" in values and line.special != "") or any(
        searchable(each) in sought for each in kept
    )


def _is_trace(line: Line, trace: Trace) -> bool:
    """What stands for a paid ticket is its end here: a fake knows no tickets."""
    if trace.settled:
        return line.type == "E"
    if trace.none_of:
        return not any(_is_trace(line, other) for other in trace.none_of)
    return (
        (line.protocol, line.type) == (trace.protocol, trace.type)
        and trace.special in (None, line.special)
        and (not trace.unlike or trace.unlike != line.special)
        and trace.alone in (None, is_alone(line))
    )


def _is_outside(figure: Any, given: Range) -> bool:
    return figure is None or not given.low <= figure <= given.high


def _compared(figure: Any, sign: str, value: Any) -> bool:
    return figure is not None and bool(SIGNS[sign](figure, value))
