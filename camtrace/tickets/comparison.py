"""Sellers, tills, hours, days side by side: how often what was done to a hundred sales, against the usual. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

SALE = "sale"
KINDS: dict[str, tuple[str, ...]] = {
    "voids": ("void", "ticket_void"),
    "returns": ("return",),
    "discounts": ("discount", "price_change"),
    "gifts": ("gift", "loss"),
    "no_sales": ("no_sale",),
}
FEWEST_PEERS = 3  # of fewer there is no usual figure


@dataclass(slots=True)
class Row:
    """One seller, till, hour or day. `ratios`: how often to a hundred sales; `times`: that, to the usual of all."""

    key: str
    sales: int = 0
    total: Decimal | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    amounts: dict[str, Decimal | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    ratios: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    times: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KINDS))


def compared(figures: Iterable[tuple[str, str, int, Decimal | None]]) -> tuple[list[Row], dict[str, float | None]]:
    """Rows by key, and what is usual: the median of each ratio; None of too few, or where there were no sales."""
    rows: dict[str, Row] = {}
    for key, deed, count, amount in figures:
        row = rows.setdefault(key, Row(key))
        if deed == SALE:
            row.sales, row.total = count, amount
        for kind, deeds in KINDS.items():
            if deed in deeds:
                row.counts[kind] += count
                row.amounts[kind] = _sum(row.amounts[kind], amount)
    ordered = [rows[key] for key in sorted(rows)]
    usual: dict[str, float | None] = {}
    for kind in KINDS:
        for row in ordered:
            row.ratios[kind] = round(100 * row.counts[kind] / row.sales, 2) if row.sales else None
        ratios = [ratio for row in ordered if (ratio := row.ratios[kind]) is not None]
        usual[kind] = round(median(ratios), 2) if len(ratios) >= FEWEST_PEERS else None
        for row in ordered:
            ratio, middle = row.ratios[kind], usual[kind]
            row.times[kind] = round(ratio / middle, 1) if ratio is not None and middle else None
    return ordered, usual


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one if other is None else one + other
