"""Sellers, tills, hours, days side by side: how often what was done to a hundred sales, against the usual. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

from camtrace.model import Trace
from camtrace.tickets.deeds import PRISMA, SALE, traces_of

KINDS: dict[str, tuple[str, ...]] = {
    "voids": ("void", "ticket_void"),
    "returns": ("return",),
    "discounts": ("discount", "price_change"),
    "gifts": ("gift", "loss"),
    "no_sales": ("no_sale",),
}
# events that only frame what is counted: the beginning of a return receipt, whose articles count, as a till's lines do
FRAMES: Mapping[str, tuple[str, ...]] = {"returns": ("46",)}
TRACES: Mapping[str, tuple[Trace, ...]] = {
    kind: tuple(
        trace for trace in traces_of(deeds) if trace.protocol != PRISMA or trace.type not in FRAMES.get(kind, ())
    )
    for kind, deeds in KINDS.items()
}
FEWEST_PEERS = 3  # of fewer there is no usual figure
FEWEST_OTHERS = 2  # beside the one that is looked at


@dataclass(slots=True)
class Row:
    """One seller, till, hour or day. `ratios`: how often to a hundred sales; `times`: that, to the usual of all.

    In a course, `usual_counts` and `usual_ratios` are what is usual of the others at that time.
    """

    key: str
    sales: int = 0
    total: Decimal | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    amounts: dict[str, Decimal | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    ratios: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    times: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    usual_counts: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    usual_ratios: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KINDS))

    def add(self, kind: str, count: int, amount: Decimal | None) -> None:
        """Take up a figure: of a kind, or sales."""
        if kind == SALE:
            self.sales, self.total = self.sales + count, _sum(self.total, amount)
        else:
            self.counts[kind] += count
            self.amounts[kind] = _sum(self.amounts[kind], amount)
        for each in KINDS:
            self.ratios[each] = round(100 * self.counts[each] / self.sales, 2) if self.sales else None


def compared(figures: Iterable[tuple[str, str, int, Decimal | None]]) -> tuple[list[Row], dict[str, float | None]]:
    """Rows by key, and what is usual: the median of each ratio; None of too few, or where there were no sales."""
    rows: dict[str, Row] = {}
    for key, kind, count, amount in figures:
        rows.setdefault(key, Row(key)).add(kind, count, amount)
    ordered = [rows[key] for key in sorted(rows)]
    usual = {kind: _median([row.ratios[kind] for row in ordered], FEWEST_PEERS) for kind in KINDS}
    for row in ordered:
        for kind, middle in usual.items():
            ratio = row.ratios[kind]
            row.times[kind] = round(ratio / middle, 1) if ratio is not None and middle else None
    return ordered, usual


def course(
    figures: Iterable[tuple[tuple[str, str], str, int, Decimal | None]], key: str, times: Sequence[str]
) -> list[Row]:
    """A row of `key` for each of `times`, hours or days, beside what is usual of the others who worked then.

    `figures` are of all: their keys are a seller or till, and an hour or day.
    """
    rows: dict[str, dict[str, Row]] = {time: {} for time in times}
    for (who, time), kind, count, amount in figures:
        if time in rows:
            rows[time].setdefault(who, Row(time)).add(kind, count, amount)
    found = []
    for time, at_work in rows.items():
        own = at_work.pop(key, Row(time))
        for kind in KINDS:
            own.usual_counts[kind] = _median([row.counts[kind] for row in at_work.values()], FEWEST_OTHERS)
            own.usual_ratios[kind] = _median([row.ratios[kind] for row in at_work.values()], FEWEST_OTHERS)
            ratio, middle = own.ratios[kind], own.usual_ratios[kind]
            own.times[kind] = round(ratio / middle, 1) if ratio is not None and middle else None
        found.append(own)
    return found


def _median(figures: Iterable[float | None], fewest: int) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return round(median(known), 2) if len(known) >= fewest else None


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one if other is None else one + other
