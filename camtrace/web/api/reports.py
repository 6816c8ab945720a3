"""Reports over the tickets: who cancels, returns, discounts and opens drawers how often."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from klein import Response

from camtrace import clock
from camtrace.cards import hidden
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.tickets.comparison import KINDS, Row, compared
from camtrace.tickets.deeds import DEEDS_OF
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer
from camtrace.web.api.shapes import Shape
from camtrace.web.attachment import named_file
from camtrace.web.csv_file import BOM, Cell, csv_rows
from camtrace.web.ports import ReportStore
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voices

BYS = ("seller", "source", "hour", "day")
LONGEST = timedelta(days=92)
USUAL = timedelta(days=7)
_BY_WORDS = {"seller": N_("Cashier"), "source": N_("Till"), "hour": N_("Hour"), "day": N_("Day")}
_WORDS = {
    "voids": N_("Cancelled"),
    "returns": N_("Returned"),
    "discounts": N_("Discounts"),
    "gifts": N_("Gifts and losses"),
    "no_sales": N_("Drawer without a sale"),
}


class Asked(NamedTuple):
    """What a report is asked for."""

    by: str
    start: datetime
    stop: datetime


class ReportsApi:
    """`/api/v1/reports`. Who may see only some cameras gets the figures of what one of them watched."""

    app = new_app()

    def __init__(self, access: Access, store: ReportStore, zone: str, voices: Voices) -> None:
        self.access = access
        self._store = store
        self._zone = zone
        self._voices = voices

    @requirer.require(app.route("/api/v1/reports", methods=["GET"]), visit=May("exceptions"))
    async def report(self, visit: Visit) -> Response:
        """Figures `by` seller, source, hour or day, from `start` to `stop` (the last seven days unless said)."""
        asked = _asked(visit)
        rows, usual = compared(await self._figures(visit, asked))
        return answer({**asked._asdict(), "items": [_shape(row) for row in rows], "usual": usual, "next": None})

    @requirer.require(app.route("/api/v1/reports.csv", methods=["GET"]), visit=May("exceptions"))
    async def as_file(self, visit: Visit) -> Response:
        """The same as a file for spreadsheets."""
        asked = _asked(visit)
        rows, _ = compared(await self._figures(visit, asked))
        voice = self._voices.voice(visit.request, visit.user.language)
        speak = voice.spoken.gettext
        kinds = chain.from_iterable(
            (speak(word), speak(N_("Amount")), speak(N_("to 100 sales")), speak(N_("Times the usual")))
            for word in _WORDS.values()
        )
        heads = [speak(_BY_WORDS[asked.by]), speak(N_("Sales")), speak(N_("Total")), *kinds]
        headers = named_file(voice, N_("Report"), "csv", "text/csv; charset=utf-8")
        table = csv_rows([heads, *map(_cells, rows)], voice.spoken.language)
        return Response(200, headers, BOM.encode() + table)

    async def _figures(self, visit: Visit, asked: Asked) -> list[tuple[str, str, int, Decimal | None]]:
        allowed = visit.user.profile.cameras
        seen = None if allowed is None else sorted(allowed)
        return await self._store.figures(asked.by, asked.start, asked.stop, self._zone, DEEDS_OF, seen)


def _asked(visit: Visit) -> Asked:
    query = Query(visit.request)
    stop = query.instant("stop") or clock.now()
    start = query.instant("start") or stop - USUAL
    if stop <= start:
        raise Invalid(N_("the end must be later than the beginning"), "stop")
    if stop - start > LONGEST:
        raise Invalid(N_("ask for {days} days at most"), "start", days=LONGEST.days)
    return Asked(query.choice("by", BYS, "seller") or "seller", start, stop)


def _cells(row: Row) -> list[Cell]:
    cells: list[Cell] = [hidden(row.key), row.sales, _plain(row.total)]
    for kind in KINDS:
        cells += [row.counts[kind], _plain(row.amounts[kind]), row.ratios[kind], row.times[kind]]
    return cells


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _shape(row: Row) -> Shape:
    shape: Shape = {"key": hidden(row.key), "sales": row.sales, "total": row.total}
    for kind in KINDS:
        shape[kind] = {
            "count": row.counts[kind],
            "amount": row.amounts[kind],
            "per_hundred": row.ratios[kind],
            "times_usual": row.times[kind],
        }
    return shape
