"""The external log: lines and tickets."""

from __future__ import annotations

from typing import Any

from klein import Response

from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import TICKET_KINDS, User
from camtrace.tickets.tally import Tally
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer, page_of
from camtrace.web.api.shapes import line_shape, tally_shape, ticket_shape
from camtrace.web.ports import CameraDirectory, LineStore
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import Graves, camera_named

BIGGEST_ID = 2**63 - 1


class LinesApi:
    """`/api/v1/lines` and `/api/v1/tickets`.

    Who may see only some cameras finds only what one of them watched.
    """

    app = new_app()

    def __init__(self, access: Access, directory: CameraDirectory, graves: Graves, lines: LineStore) -> None:
        self.access = access
        self._directory = directory
        self._graves = graves
        self._lines = lines

    @requirer.require(app.route("/api/v1/lines", methods=["GET"]), visit=May("lines"))
    async def lines(self, visit: Visit) -> Response:
        """Lines that fit all that is asked, newest first; `order=asc` turns that round."""
        query = Query(visit.request)
        limit = query.limit()
        found = await self._lines.lines(
            start=query.instant("start"),
            stop=query.instant("stop"),
            camera_uids=await self._cameras(visit, query),
            source=query.text("source"),
            ticket=query.text("ticket"),
            ticket_id=query.integer("ticket_id", 1, BIGGEST_ID),
            seller=query.text("seller"),
            type=query.text("type"),
            code=query.text("code"),
            text=query.text("text"),
            amount_min=query.decimal("amount_min"),
            amount_max=query.decimal("amount_max"),
            special=query.text("special"),
            red=query.flag("red") or None,
            after=query.cursor(),
            ascending=query.choice("order", ("asc", "desc"), "desc") == "asc",
            limit=limit + 1,
        )
        return page_of(
            found,
            limit,
            lambda line: line_shape(line, visit.user, self._directory),
            lambda line: (line.received_at, line.id),
        )

    @requirer.require(app.route("/api/v1/tickets", methods=["GET"]), visit=May("lines"))
    async def tickets(self, visit: Visit) -> Response:
        """Tickets that fit all that is asked, newest first, without their lines; single events only by their kind."""
        query = Query(visit.request)
        limit = query.limit()
        found = await self._lines.tickets(
            start=query.instant("start"),
            stop=query.instant("stop"),
            camera_uids=await self._cameras(visit, query),
            source=query.text("source"),
            number=query.text("number"),
            state=query.choice("state", ("open", "closed")),
            kind=query.choice("kind", TICKET_KINDS),
            after=query.cursor(),
            limit=limit + 1,
        )
        return page_of(found, limit, ticket_shape, lambda ticket: (ticket.opened_at, ticket.id))

    @requirer.require(app.route("/api/v1/tickets/<ticket>", methods=["GET"]), visit=May("lines"))
    async def ticket(self, visit: Visit, ticket: str) -> Response:
        """One ticket with what its lines come to, and the lines, oldest first."""
        number = int(ticket) if ticket.isascii() and ticket.isdigit() and len(ticket) < 20 else 0
        found = await self._lines.ticket(number) if number <= BIGGEST_ID else None
        if found is None or not _may_read(visit.user, {uid for line in found[1] for uid in line.cameras}):
            raise NotFound(N_("there is no such ticket"))
        whole, lines = found
        shapes = [line_shape(line, visit.user, self._directory) for line in lines]
        return answer({**ticket_shape(whole), "tally": tally_shape(Tally.of(lines)), "lines": shapes})

    async def _cameras(self, visit: Visit, query: Query) -> list[int] | None:
        """The uids whose lines are wanted and allowed; None for all."""
        name = query.text("camera")
        if name is not None:
            return [(await camera_named(name, visit.user, self._directory, self._graves)).uid]
        allowed: Any = visit.user.profile.cameras
        return None if allowed is None else sorted(allowed)


def _may_read(user: User, uids: set[int]) -> bool:
    allowed = user.profile.cameras
    return allowed is None or not allowed.isdisjoint(uids)
