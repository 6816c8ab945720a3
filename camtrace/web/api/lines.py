"""The external log: lines and tickets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import TICKET_KINDS, Comparison, Line, LineSearch, Named, User
from camtrace.tickets.keywords import NAMES, plain
from camtrace.tickets.meaning import said, search_of
from camtrace.tickets.query import Note, filled, form_of, parse, write
from camtrace.tickets.query import Query as Asked
from camtrace.tickets.tally import Tally
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Position, Query, answer, page_of
from camtrace.web.api.shapes import hits_shape, line_shape, tally_shape, ticket_shape
from camtrace.web.attachment import named_file
from camtrace.web.csv_file import Cell, send_csv
from camtrace.web.discretion import as_seen_by, asked_by, may_name
from camtrace.web.ports import CameraDirectory, Jobs, LineStore, NamedSources, Offset
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voice, Voices
from camtrace.web.whose import Graves, camera_named

BIGGEST_ID = 2**63 - 1
MOST_HITS = 10_000  # that are counted
MOST_PRINTED = 1000
# parameters of names, as the search calls them; what they hold is written exactly so, a cashier's name or number
_EXACT = {"source": "till", "seller": "cashier", "special": "special", "customer": "customer", "tender": "tender"}
_PLAIN = ("ticket", "type", "code", "barcode")
_FORM = (*NAMES, "camera", "amount_min", "amount_max", "quantity_min", "quantity_max", "from", "to", "date", "time")
_HEADS = (
    N_("Time"),
    N_("Till"),
    N_("Ticket"),
    N_("Cashier"),
    N_("Customer"),
    N_("Kind of line"),
    N_("Mark"),
    N_("Code"),
    N_("Barcode"),
    N_("Article"),
    N_("Quantity"),
    N_("Price"),
    N_("Amount"),
    N_("Total"),
    N_("Payment"),
    N_("Discount"),
    N_("Cameras"),
    N_("Time in the picture"),
    N_("Replay"),
    N_("Name of the till"),
)


class LinesApi:
    """`/api/v1/lines` and `/api/v1/tickets`.

    Who may see only some cameras finds only what one of them watched. `site`: its name, which stands on sheets.
    `kept_since()`: lines from before then were erased; None: none were.
    """

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        offset: Offset,
        sources: NamedSources,
        graves: Graves,
        lines: LineStore,
        voices: Voices,
        jobs: Jobs,
        site: str,
        kept_since: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._offset = offset
        self._sources = sources
        self._graves = graves
        self._lines = lines
        self._voices = voices
        self._jobs = jobs
        self._site = site
        self._kept_since = kept_since

    @requirer.require(app.route("/api/v1/lines", methods=["GET"]), visit=May("lines"))
    async def lines(self, visit: Visit) -> Response:
        """Lines that fit all that is asked, newest first; `order=asc` turns that round."""
        query = Query(visit.request)
        limit = query.limit()
        wanted, _ = await self._wanted(visit, query)
        ascending = query.choice("order", ("asc", "desc"), "desc") == "asc"
        found = await self._lines.search(wanted, query.cursor(), ascending, limit + 1)
        return page_of(found, limit, lambda line: line_shape(line, visit.user, self._directory, self._offset), _place)

    @requirer.require(app.route("/api/v1/lines/query", methods=["GET"]), visit=May("lines"))
    async def understood(self, visit: Visit) -> Response:
        """How the query `q` is understood, in words; parameters named in `fields` replace what it says."""
        query, voice = Query(visit.request), self._voice(visit)
        asked = parse(query.text("q") or "")
        fields = (query.text("fields") or "").split(",")
        asked = filled(asked, {name: query.text(name) or "" for name in _FORM if name in fields})
        wanted, notes = await self._search(visit, asked)
        notes = [*notes, *self._erased(wanted, voice)]
        language = voice.spoken.language
        conditions = []
        for place, each in enumerate(asked.conditions):
            sentence, value = said(each, voice.spoken)
            conditions.append(
                {
                    "field": each.field,
                    "text": sentence,
                    "value": value,
                    "without": write(asked.without(place), language),
                    "turned": write(asked.turned(place), language),
                }
            )
        return answer(
            {
                "q": write(asked, language),
                "conditions": conditions,
                "form": form_of(asked),
                "words": [each.value for each in asked.of("word") if each.sign == "="],
                "notes": [voice.spoken.gettext(text).format(**values) for text, values in (*asked.notes, *notes)],
            }
        )

    @requirer.require(app.route("/api/v1/lines/hits", methods=["GET"]), visit=May("lines"))
    async def hits(self, visit: Visit) -> Response:
        """How many lines fit, over time: by the hour, the day or the month; of the newest 10,000."""
        wanted, _ = await self._wanted(visit, Query(visit.request))
        found = await self._lines.hits(wanted, MOST_HITS)
        return answer(hits_shape(found, wanted, self._voice(visit).zone, MOST_HITS))

    @requirer.require(app.route("/api/v1/lines.csv", methods=["GET"]), visit=May("lines"))
    async def as_file(self, visit: Visit) -> Response | None:
        """The same lines as a file for spreadsheets."""
        voice = self._voice(visit)
        wanted, _ = await self._wanted(visit, Query(visit.request))

        async def page(limit: int, before: Position | None) -> Sequence[Line]:
            return await self._lines.search(wanted, before, False, limit)

        names = self._names()

        def row(line: Line) -> Sequence[Cell]:
            return (*self._row(voice, visit, line), names.get(line.source, ""))

        return await send_csv(visit, self._reactor, voice, N_("Tickets"), _HEADS, page, row, _place)

    @requirer.require(app.route("/api/v1/lines.pdf", methods=["GET"]), visit=May("lines"))
    async def as_sheet(self, visit: Visit) -> Response:
        """The newest 1,000 of these lines as a list to print, with what was asked on top."""
        query, voice = Query(visit.request), self._voice(visit)
        wanted, asked = await self._wanted(visit, query)
        found = await self._lines.search(wanted, None, False, MOST_PRINTED + 1)
        sentences = [said(each, voice.spoken) for each in asked.conditions]
        told = " · ".join(text.format(value=value) for text, value in sentences)
        ways = {line.id: self._replay(visit, line) for line in found[:MOST_PRINTED]}
        names = self._names()
        seen = [as_seen_by(visit.user, line) for line in found[:MOST_PRINTED]]
        shown = [replace(line, source=names.get(line.source, line.source)) for line in seen]
        cut = len(found) > MOST_PRINTED
        content = await self._jobs.job(_sheet, voice, self._site, told, shown, cut, clock.now(), ways)
        return Response(200, named_file(voice, N_("Tickets"), "pdf", "application/pdf"), content)

    @requirer.require(app.route("/api/v1/tickets", methods=["GET"]), visit=May("lines"))
    async def tickets(self, visit: Visit) -> Response:
        """Tickets that fit all that is asked, newest first, without their lines; single events only by their kind."""
        query = Query(visit.request)
        limit, number = query.limit(), query.text("number")
        found = await self._lines.tickets(
            start=query.instant("start"),
            stop=query.instant("stop"),
            camera_uids=await self._cameras(visit, query),
            source=query.text("source"),
            number=number,
            state=query.choice("state", ("open", "closed")),
            kind=query.choice("kind", TICKET_KINDS),
            after=query.cursor(),
            limit=limit + 1,
        )
        found = found if may_name(visit.user, number) else []
        return page_of(found, limit, ticket_shape, lambda ticket: (ticket.opened_at, ticket.id))

    @requirer.require(app.route("/api/v1/tickets/<ticket>", methods=["GET"]), visit=May("lines"))
    async def ticket(self, visit: Visit, ticket: str) -> Response:
        """One ticket with what its lines come to, and the lines, oldest first."""
        number = int(ticket) if ticket.isascii() and ticket.isdigit() and len(ticket) < 20 else 0
        found = await self._lines.ticket(number) if number <= BIGGEST_ID else None
        if found is None or not _may_read(visit.user, {uid for line in found[1] for uid in line.cameras}):
            raise NotFound(N_("there is no such ticket"))
        whole, lines = found
        shapes = [line_shape(line, visit.user, self._directory, self._offset) for line in lines]
        return answer({**ticket_shape(whole), "tally": tally_shape(Tally.of(lines)), "lines": shapes})

    # ── steps ──

    def _voice(self, visit: Visit) -> Voice:
        return self._voices.voice(visit.request, visit.user.language)

    async def _wanted(self, visit: Visit, query: Query) -> tuple[LineSearch, Asked]:
        """What is looked for: what `q` says and what the other parameters say, and what is allowed."""
        asked = parse(query.text("q") or "")
        wanted, _ = await self._search(visit, asked)
        start, text = query.instant("start"), query.text("text")
        if start is not None and wanted.start is not None:
            start = max(start, wanted.start)
        exact = [(name, query.text(parameter)) for parameter, name in _EXACT.items()]
        plain = [(name, query.text(name)) for name in _PLAIN]
        bounds = [
            (field, sign, query.decimal(f"{field}_{end}"))
            for field in ("amount", "quantity")
            for end, sign in (("min", ">="), ("max", "<="))
        ]
        uids = await self._cameras(visit, query)
        if uids is not None and wanted.camera_uids is not None:
            uids = [uid for uid in wanted.camera_uids if uid in uids]
        wanted = replace(
            wanted,
            start=start or wanted.start,
            stop=query.instant("stop"),
            camera_uids=wanted.camera_uids if uids is None else tuple(uids),
            ticket_id=query.integer("ticket_id", 1, BIGGEST_ID),
            exactly=wanted.exactly + tuple(Named(name, (value,)) for name, value in exact if value is not None),
            names=wanted.names + tuple(Named(name, (value,)) for name, value in plain if value is not None),
            texts=wanted.texts + (() if text is None else (text,)),
            comparisons=wanted.comparisons
            + tuple(Comparison(field, sign, value) for field, sign, value in bounds if value is not None),
        )
        return asked_by(visit.user, wanted), asked

    async def _search(self, visit: Visit, asked: Asked) -> tuple[LineSearch, list[Note]]:
        known: dict[str, int] = {}
        for each in asked.of("camera"):
            try:
                camera = await camera_named(each.value, visit.user, self._directory, self._graves)
                known[each.value] = camera.uid
            except NotFound:  # told among the notes
                pass
        return search_of(asked, clock.now(), self._voice(visit).zone, known.get, self._called)

    def _names(self) -> dict[str, str]:
        """What people call the sources that have a name."""
        return {each.source: each.label for each in self._sources() if each.label}

    def _called(self, name: str) -> list[str]:
        """The sources that people call so, whatever the capitals and accents."""
        sought = plain(name)
        return [source for source, label in self._names().items() if plain(label) == sought]

    def _erased(self, wanted: LineSearch, voice: Voice) -> list[Note]:
        """That what is asked for is partly from before the days that are kept."""
        since = self._kept_since()
        if since is None or wanted.start is None or wanted.start >= since:
            return []
        words = N_("Tickets from before {day} are no longer kept.")
        return [Note(words, {"day": voice.spoken.date(since, voice.zone)})]

    async def _cameras(self, visit: Visit, query: Query) -> list[int] | None:
        """The uids whose lines are wanted and allowed; None for all."""
        name = query.text("camera")
        if name is not None:
            return [(await camera_named(name, visit.user, self._directory, self._graves)).uid]
        allowed: Any = visit.user.profile.cameras
        return None if allowed is None else sorted(allowed)

    def _row(self, voice: Voice, visit: Visit, line: Line) -> Sequence[Cell]:
        line = as_seen_by(visit.user, line)
        cameras = [self._directory.by_uid(uid) for uid in line.cameras if visit.user.may_see(uid)]
        comma = voice.spoken.language != "en"
        quantity, price, amount, total, discount = (
            None if value is None else _Figure.of(value, comma)
            for value in (line.quantity, line.price, line.amount, line.total, line.discount)
        )
        return (
            voice.instant(line.received_at),
            line.source,
            line.ticket,
            line.seller,
            line.customer,
            line.type,
            line.special,
            line.code,
            line.barcode,
            line.text,
            quantity,
            price,
            amount,
            total,
            line.tender,
            discount,
            ", ".join(str(camera.id) for camera in cameras if camera is not None),
            voice.instant(line.received_at + self._offset(line.source)),
            self._replay(visit, line),
        )

    def _replay(self, visit: Visit, line: Line) -> str:
        """The whole address at which the line is replayed; "" where this person can replay nothing of it."""
        if not visit.user.may("replay"):
            return ""
        seen = (self._directory.by_uid(uid) for uid in line.cameras if visit.user.may_see(uid))
        camera = next((camera for camera in seen if camera is not None), None)
        host = visit.request.getHeader("host")
        if camera is None or host is None:
            return ""
        at = (line.received_at + self._offset(line.source)).timestamp()
        return f"{'https' if visit.request.isSecure() else 'http'}://{host}/replay/{camera.id}?at={at:.3f}"


class _Figure(float):
    """A decimal number in a file: with all its digits, and the decimal sign that spreadsheets of the language read."""

    _words = ""

    @classmethod
    def of(cls, value: Decimal, comma: bool) -> _Figure:
        figure = cls(value)
        figure._words = f"{value:f}".replace(".", ",") if comma else f"{value:f}"
        return figure

    def __str__(self) -> str:
        return self._words


def _sheet(*what: Any) -> bytes:
    from camtrace.web.lines_pdf import sheet  # no start waits for reportlab to be imported

    return sheet(*what)


def _place(line: Line) -> Position:
    return line.received_at, line.id


def _may_read(user: User, uids: set[int]) -> bool:
    allowed = user.profile.cameras
    return allowed is None or not allowed.isdisjoint(uids)
