"""Reports over the tickets: who cancels, returns, discounts and opens drawers how often."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from klein import Response

from camtrace import clock
from camtrace.cards import hidden
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.tickets.comparison import FRAMES, KINDS, TRACES, Row, compared, course
from camtrace.tickets.deeds import SALE
from camtrace.tickets.questions import question
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer
from camtrace.web.api.shapes import Shape
from camtrace.web.attachment import named_file
from camtrace.web.csv_file import BOM, Cell, csv_rows
from camtrace.web.ports import ReportStore, TillName
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voices

BYS = ("seller", "source", "hour", "day")
COURSES = ("seller", "source")
OVERS = ("day", "hour")
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


Figures = list[tuple[tuple[str, ...], str, int, Decimal | None]]  # keys, kind, count, amount


class Asked(NamedTuple):
    """What a report is asked for."""

    by: str
    start: datetime
    stop: datetime


class ReportsApi:
    """`/api/v1/reports`. Who may see only some cameras gets the figures of what one of them watched.

    Each figure comes with the question that finds its lines in the external log, one for one.
    """

    app = new_app()

    def __init__(self, access: Access, store: ReportStore, zone: str, till_name: TillName, voices: Voices) -> None:
        self.access = access
        self._store = store
        self._zone = zone
        self._till_name = till_name
        self._voices = voices

    @requirer.require(app.route("/api/v1/reports", methods=["GET"]), visit=May("exceptions"))
    async def report(self, visit: Visit) -> Response:
        """Figures `by` seller, source, hour or day, from `start` to `stop` (the last seven days unless said)."""
        asked = _asked(visit, BYS)
        figures = await self._figures(visit, asked, (asked.by,))
        rows, usual = compared(_one_key(figures))
        cards = _cards(figures)
        items = [_shape(row, self._questions(visit, asked, {asked.by: row.key}, cards)) for row in rows]
        return answer({**asked._asdict(), "items": items, "usual": usual, "next": None})

    @requirer.require(app.route("/api/v1/reports/course", methods=["GET"]), visit=May("exceptions"))
    async def course(self, visit: Visit) -> Response:
        """The figures of one `key`, a seller or source, `over` the hours of the day or the days; beside the others'."""
        asked, key, over = _course_asked(visit)
        figures = await self._figures(visit, asked, (asked.by, over))
        items = []
        for row in self._course(asked, figures, key, over):
            shape = _shape(row, self._questions(visit, asked, {asked.by: key, over: row.key}, _cards(figures)))
            for kind in KINDS:
                shape[kind] |= {"usual": row.usual_counts[kind], "usual_per_hundred": row.usual_ratios[kind]}
            items.append(shape)
        return answer({**asked._asdict(), "key": key, "over": over, "items": items, "next": None})

    @requirer.require(app.route("/api/v1/reports/course.csv", methods=["GET"]), visit=May("exceptions"))
    async def course_as_file(self, visit: Visit) -> Response:
        """The same as a file for spreadsheets: of each time what was done, beside what is usual of the others."""
        asked, key, over = _course_asked(visit)
        rows = self._course(asked, await self._figures(visit, asked, (asked.by, over)), key, over)
        speak = self._voices.voice(visit.request, visit.user.language).spoken.gettext
        figures = (N_("Amount"), N_("Usual of the others"), N_("to 100 sales"), N_("Usual of the others to 100 sales"))
        kinds = [speak(word) for kind in _WORDS.values() for word in (kind, *figures)]
        who, time = speak(_BY_WORDS[asked.by]), speak(_BY_WORDS[over])
        named = asked.by == "source"
        name, called = ([speak(N_("Name of the till"))], [self._till_name(key)]) if named else ([], [])
        heads = [who, *name, time, speak(N_("Sales")), speak(N_("Total")), *kinds]
        cells = [[key, *called, row.key, row.sales, _plain(row.total), *_course_cells(row)] for row in rows]
        return self._file(visit, heads, cells)

    @requirer.require(app.route("/api/v1/reports.csv", methods=["GET"]), visit=May("exceptions"))
    async def as_file(self, visit: Visit) -> Response:
        """The same as a file for spreadsheets."""
        asked = _asked(visit, BYS)
        rows, _ = compared(_one_key(await self._figures(visit, asked, (asked.by,))))
        speak = self._voices.voice(visit.request, visit.user.language).spoken.gettext
        figures = (N_("Amount"), N_("to 100 sales"), N_("Times the usual"))
        kinds = [speak(word) for kind in _WORDS.values() for word in (kind, *figures)]
        named = asked.by == "source"
        name = [speak(N_("Name of the till"))] if named else []
        heads = [speak(_BY_WORDS[asked.by]), *name, speak(N_("Sales")), speak(N_("Total")), *kinds]
        cells = [[row.key, *([self._till_name(row.key)] if named else []), *_cells(row)] for row in rows]
        return self._file(visit, heads, cells)

    # ── steps ──

    def _file(self, visit: Visit, heads: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> Response:
        voice = self._voices.voice(visit.request, visit.user.language)
        headers = named_file(voice, N_("Report"), "csv", "text/csv; charset=utf-8")
        return Response(200, headers, BOM.encode() + csv_rows([heads, *rows], voice.spoken.language))

    def _course(self, asked: Asked, figures: Figures, key: str, over: str) -> list[Row]:
        pairs = [((hidden(keys[0]), keys[1]), kind, count, amount) for keys, kind, count, amount in figures]
        times = _days(asked, ZoneInfo(self._zone)) if over == "day" else _hours(pairs)
        return course(pairs, key, times)

    async def _figures(self, visit: Visit, asked: Asked, by: tuple[str, ...]) -> Figures:
        allowed = visit.user.profile.cameras
        seen = None if allowed is None else sorted(allowed)
        return await self._store.figures(by, asked.start, asked.stop, self._zone, TRACES, seen)

    def _questions(
        self, visit: Visit, asked: Asked, keys: Mapping[str, str], cards: Collection[str]
    ) -> dict[str, str | None]:
        """What the search box is asked for the lines of each kind, and of the sales; None where it told a card."""
        kinds = {SALE: (SALE,), **KINDS}
        if any(key in cards for key in keys.values()):
            return dict.fromkeys(kinds)
        language = self._voices.voice(visit.request, visit.user.language).spoken.language
        zone = ZoneInfo(self._zone)
        return {
            kind: question(asked.start, asked.stop, keys, deeds, zone, language, FRAMES.get(kind, ()))
            for kind, deeds in kinds.items()
        }


def _one_key(figures: Figures) -> Iterator[tuple[str, str, int, Decimal | None]]:
    """The figures by their first key; those of cards swiped where a name belongs come together."""
    return ((hidden(keys[0]), kind, count, amount) for keys, kind, count, amount in figures)


def _cards(figures: Figures) -> set[str]:
    """The keys that were cards, as they are shown."""
    return {hidden(keys[0]) for keys, *_ in figures if hidden(keys[0]) != keys[0]}


def _asked(visit: Visit, bys: tuple[str, ...]) -> Asked:
    query = Query(visit.request)
    stop = query.instant("stop") or _next_minute(clock.now())
    start = query.instant("start") or stop - USUAL
    if stop <= start:
        raise Invalid(N_("the end must be later than the beginning"), "stop")
    if stop - start > LONGEST:
        raise Invalid(N_("ask for {days} days at most"), "start", days=LONGEST.days)
    return Asked(query.choice("by", bys, "seller") or "seller", start, stop)


def _course_asked(visit: Visit) -> tuple[Asked, str, str]:
    """What a course is asked for, of whom, and over what."""
    asked, query = _asked(visit, COURSES), Query(visit.request)
    return asked, hidden(query.text("key") or ""), query.choice("over", OVERS, "day") or "day"


def _course_cells(row: Row) -> list[Cell]:
    cells: list[Cell] = []
    for kind in KINDS:
        cells += [row.counts[kind], _plain(row.amounts[kind]), row.usual_counts[kind]]
        cells += [row.ratios[kind], row.usual_ratios[kind]]
    return cells


def _cells(row: Row) -> list[Cell]:
    cells: list[Cell] = [row.sales, _plain(row.total)]
    for kind in KINDS:
        cells += [row.counts[kind], _plain(row.amounts[kind]), row.ratios[kind], row.times[kind]]
    return cells


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _shape(row: Row, questions: Mapping[str, str | None]) -> Shape:
    shape: Shape = {"key": row.key, "sales": row.sales, "total": row.total, "q": questions[SALE]}
    for kind in KINDS:
        shape[kind] = {
            "count": row.counts[kind],
            "amount": row.amounts[kind],
            "per_hundred": row.ratios[kind],
            "times_usual": row.times[kind],
            "q": questions[kind],
        }
    return shape


def _next_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _days(asked: Asked, zone: tzinfo) -> list[str]:
    """Every day from the beginning to the end."""
    first, last = asked.start.astimezone(zone).date(), (asked.stop - timedelta(microseconds=1)).astimezone(zone).date()
    return [(first + timedelta(days=each)).isoformat() for each in range((last - first).days + 1)]


def _hours(figures: Sequence[tuple[tuple[str, str], str, int, Decimal | None]]) -> list[str]:
    """Every hour between the first and the last in which somebody worked."""
    known = [int(keys[1]) for keys, *_ in figures]
    return [f"{each:02}" for each in range(min(known), max(known) + 1)] if known else []
