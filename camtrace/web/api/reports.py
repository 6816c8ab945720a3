"""Reports over the tickets: who cancels, returns, discounts and opens drawers how often."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.tickets.comparison import KINDS, Row, compared
from camtrace.tickets.deeds import DEEDS_OF
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import ReportStore
from camtrace.web.problems import Headers
from camtrace.web.routing import new_app, requirer

BYS = ("seller", "source", "hour", "day")
LONGEST = timedelta(days=92)
USUAL = timedelta(days=7)


class ReportsApi:
    """`/api/v1/reports`. Who may see only some cameras gets the figures of what one of them watched."""

    app = new_app()

    def __init__(self, access: Access, store: ReportStore, zone: str) -> None:
        self.access = access
        self._store = store
        self._zone = zone

    @requirer.require(app.route("/api/v1/reports", methods=["GET"]), visit=May("exceptions"))
    async def report(self, visit: Visit) -> Response:
        """Figures `by` seller, source, hour or day, from `start` to `stop` (the last seven days unless said)."""
        query = Query(visit.request)
        stop = query.instant("stop") or clock.now()
        start = query.instant("start") or stop - USUAL
        if stop <= start:
            raise Invalid(N_("the end must be later than the beginning"), "stop")
        if stop - start > LONGEST:
            raise Invalid(N_("ask for {days} days at most"), "start", days=LONGEST.days)
        by = query.choice("by", BYS, "seller") or "seller"
        form = query.choice("format", ("json", "csv"), "json")
        allowed = visit.user.profile.cameras
        figures = await self._store.figures(
            by, start, stop, self._zone, DEEDS_OF, None if allowed is None else sorted(allowed)
        )
        rows, usual = compared(figures)
        if form == "csv":
            return _csv(by, rows)
        items = [_shape(row) for row in rows]
        return answer({"by": by, "start": start, "stop": stop, "items": items, "usual": usual, "next": None})


def _shape(row: Row) -> Shape:
    shape: Shape = {"key": row.key, "sales": row.sales, "total": row.total}
    for kind in KINDS:
        shape[kind] = {
            "count": row.counts[kind],
            "amount": row.amounts[kind],
            "per_hundred": row.ratios[kind],
            "times_usual": row.times[kind],
        }
    return shape


def _csv(by: str, rows: list[Row]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    kinds = [f"{kind}{part}" for kind in KINDS for part in ("", "_amount", "_per_hundred", "_times_usual")]
    writer.writerow([by, "sales", "total", *kinds])
    for row in rows:
        cells: list[Any] = [_harmless(row.key), row.sales, row.total]
        for kind in KINDS:
            cells += [row.counts[kind], row.amounts[kind], row.ratios[kind], row.times[kind]]
        writer.writerow(["" if cell is None else cell for cell in cells])
    headers: Headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="report-{by}.csv"',
    }
    return Response(200, headers, b"\xef\xbb\xbf" + text.getvalue().encode())


def _harmless(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
