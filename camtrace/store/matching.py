"""Conditions on rows: part of a text, ignoring case and accents; and what lines are the trace of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from camtrace.model import Trace


def holds(column: str) -> str:
    """SQL that is true where `column` holds the text whose `pattern` is the one parameter."""
    return f"plain_words({column}) like plain_words(%s)"


def pattern(text: str) -> str:
    """The parameter of `holds` for any part equal to `text`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class Conditions:
    """What rows must fulfil, with the values of its parameters."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        """Rows must fulfil this too."""
        self._conditions.append(condition)
        self.values += values

    def add_given(self, condition: str, value: Any) -> None:
        """Rows must fulfil this too, unless `value` is None."""
        if value is not None:
            self.add(condition, value)

    def add_any(self, alternatives: Iterable[tuple[str, Any]]) -> None:
        """Rows must fulfil one of these."""
        pairs = list(alternatives)
        self.add(f"({' or '.join(condition for condition, _ in pairs)})", *(value for _, value in pairs))

    def __str__(self) -> str:
        return " and ".join(self._conditions) or "true"


# ── what lines are worth ─────────────────────────────────────────────────────────────────────────────────────────

# where a till writes no amount beside ANNULE or RETOUR, that of what it takes back of its ticket: `tickets.articles`
COST = (
    "coalesce(line.amount, case when line.type = 'S' and line.special <> ''"
    " then cost_of(line.ticket_id, line.protocol, line.received_at, line.id, line.code, line.text) end)"
)

# ── what lines are the trace of ──────────────────────────────────────────────────────────────────────────────────

# a ticket that was paid; the receipt of goods that came back (from 46 to 47) is none
PAID = (
    "ticket.closed_at is not null and ticket.total is not null and not (ticket.protocol = 'prisma' and exists"
    " (select from line as back where back.ticket_id = ticket.id and back.type = '46'))"
)
# it has one line that stands for it: the first in the name of its seller
_STANDS_FOR = (
    "exists (select from ticket where ticket.id = line.ticket_id and ticket.seller = line.seller"
    f" and {PAID} and (ticket.opened_at = line.received_at"
    " or not exists (select from line as earlier where earlier.ticket_id = line.ticket_id"
    " and earlier.seller = line.seller and (earlier.received_at, earlier.id) < (line.received_at, line.id))))"
)
_ALONE = {"pos": "line.position is not distinct from 1", "prisma": "line.ticket in ('', '0')"}


def is_trace(traces: Sequence[Trace]) -> tuple[str, list[Any]]:
    """SQL that is true for rows of `line` that are one of `traces`, never null, and its values; false of none."""
    alternatives: list[str] = []
    values: list[Any] = []
    alike: dict[tuple[str, str | None, str, bool | None], list[str]] = {}
    for trace in traces:
        if trace.settled:
            alternatives.append(_STANDS_FOR)
        elif trace.none_of:
            sql, more = is_trace(trace.none_of)
            alternatives.append(f"not ({sql})")
            values += more
        else:
            alike.setdefault((trace.protocol, trace.special, trace.unlike, trace.alone), []).append(trace.type)
    for (protocol, special, unlike, alone), types in alike.items():
        parts = ["line.type = any(%s)", "line.protocol = %s"]
        values += [types, protocol]
        if special is not None:
            parts.append("line.special = %s")
            values.append(special)
        if unlike:
            parts.append("line.special <> %s")
            values.append(unlike)
        if alone is not None:
            parts.append(f"{'' if alone else 'not '}({_ALONE[protocol]})")
        alternatives.append(f"({' and '.join(parts)})")
    return (" or ".join(alternatives), values) if alternatives else ("false", [])


def types_of(traces: Sequence[Trace]) -> list[str] | None:
    """The types that lines of these traces have; None where they may have any."""
    if any(trace.settled or trace.none_of for trace in traces):
        return None
    return sorted({trace.type for trace in traces})
