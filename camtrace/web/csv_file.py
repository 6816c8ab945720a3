"""Lists as files for spreadsheets: CSV (RFC 4180) in UTF-8, made page by page while it is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from klein import Response

from camtrace import clock
from camtrace.i18n import N_
from camtrace.web.access import Visit
from camtrace.web.answers import Position
from camtrace.web.flow import Flow
from camtrace.web.problems import Headers
from camtrace.web.voices import Voice

T = TypeVar("T")
Cell = str | int | float | None
Page = Callable[[int, Position | None], Awaitable[Sequence[T]]]

MOST_ROWS = 100_000
PAGE_ROWS = 500
BOM = "\ufeff"  # without it Excel takes UTF-8 for the machine's old code page
_SEPARATORS = {"fr": ";", "ru": ";"}  # there the comma is the decimal sign, and Excel expects this
_FORMULAE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CUT = N_("Only the newest {count} rows are here: choose a shorter period for the others.")


def guarded(cell: Cell) -> str:
    """The cell as text that no spreadsheet takes for a formula, whoever wrote it (OWASP, CSV injection)."""
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    text = cell.replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAE) else text


def csv_rows(rows: Iterable[Sequence[Cell]], language: str) -> bytes:
    """These rows with the separator that spreadsheets of the language expect."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=_SEPARATORS.get(language, ","), lineterminator="\r\n")
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


async def send_csv(
    visit: Visit,
    reactor: Any,
    voice: Voice,
    name: str,
    heads: Sequence[str],
    page: Page[T],
    row: Callable[[T], Sequence[Cell]],
    place: Callable[[T], Position],
) -> Response | None:
    """Answer with a file: `heads`, then a row for each item of `page(limit, before)`, `MOST_ROWS` at most.

    `heads` are message ids. An item's `place` is what `before` is for the page behind it.
    """
    spoken, request = voice.spoken, visit.request
    filename = f"{spoken.gettext(name)} {voice.instant(clock.now())[:10]}.csv"
    plain = filename.encode("ascii", "replace").decode().replace("?", "_").replace('"', "")
    headers: Headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
    }
    found = await page(PAGE_ROWS, None)  # what cannot be read is told before anything is sent
    Response(200, headers)._applyToRequest(request)
    if request.method == b"HEAD":
        return None
    flow = Flow(request, reactor)
    try:
        head = csv_rows([[spoken.gettext(one) for one in heads]], spoken.language)
        await flow.write(BOM.encode() + head)
        count = 0
        while found:
            await flow.write(csv_rows(map(row, found), spoken.language))
            count += len(found)
            if len(found) < PAGE_ROWS:
                break
            if count >= MOST_ROWS:
                words = spoken.gettext(_CUT).format(count=spoken.figure(count))
                await flow.write(csv_rows([[words]], spoken.language))
                break
            found = await page(PAGE_ROWS, place(found[-1]))
    finally:
        flow.end()
    return None
