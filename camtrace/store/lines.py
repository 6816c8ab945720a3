"""The external log: lines and tickets. How they are written and searched: `line_writing`, `line_search`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from camtrace.model import Line, Ticket
from camtrace.store.database import Database
from camtrace.store.line_asked import Asked
from camtrace.store.line_rows import LINE_COLUMNS, in_order
from camtrace.store.line_search import LineSearching
from camtrace.store.line_writing import TICKET_COLUMNS, LineWriting

_UNSAID = ("raw", "peer", "sent_at", "flags", "cameras")
_SAID = (*(name for name in LINE_COLUMNS if name not in _UNSAID), "flags", "cameras")
_OWN = (  # what the server itself says of a source
    "protocol = 'prisma' and type in ('61', '130')"
    " or protocol = 'pos' and type in ('RULE', 'MOTION') and 'hidden' = any(flags)"
)
MOST_SCREENS = 200  # that a start fills again


class LineStore(LineSearching, LineWriting):
    """The tables `line`, `line_words`, `line_watch` and `ticket`."""

    def __init__(self, database: Database) -> None:
        LineSearching.__init__(self, database)
        LineWriting.__init__(self)

    async def said(
        self, start: datetime, stop: datetime, after: tuple[datetime, int] | None = None, limit: int = 2000
    ) -> list[Line]:
        """Lines received in [start, stop], oldest first, without what arrived raw: for who reads long stretches."""
        wanted = Asked()
        wanted.add("received_at >= %s", start)
        wanted.add("received_at <= %s", stop)
        wanted.add_after("received_at", after, ascending=True)
        rows = await self._database.query(
            f"select {', '.join(_SAID)} from line where {wanted.sql} {in_order('received_at', True)} limit %s",
            [*wanted.values, limit],
        )
        return [
            Line(**{**dict(zip(_SAID, row, strict=True)), "flags": tuple(row[-2]), "cameras": tuple(row[-1])})
            for row in rows
        ]

    async def instant_of_newest(self, count: int) -> datetime | None:
        """When the line was received that `count` newer ones follow; None where there are not so many."""
        rows = await self._database.query(
            "select received_at from line order by received_at desc, id desc offset %s limit 1", (count,)
        )
        return rows[0][0] if rows else None

    async def since(self, id: int, limit: int = 1000) -> list[Line]:
        """Lines with an id greater than `id`, oldest first: for a reader that resumes."""
        wanted = Asked()
        wanted.add("id > %s", id)
        return await self._read(wanted, "", True, limit)

    async def tickets(
        self,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uids: Sequence[int] | None = None,
        source: str | None = None,
        number: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> list[Ticket]:
        """Tickets opened in [start, stop] that fit all that is asked, newest first. `state`: "open" or "closed".

        Without a `kind` those of single events are left out.
        """
        wanted = Asked()
        wanted.add("opened_at >= %s", start)
        wanted.add("opened_at <= %s", stop)
        wanted.add(
            "exists (select from line where ticket_id = ticket.id and cameras && %s::bigint[])",
            None if camera_uids is None else list(camera_uids),
        )
        wanted.add("source = %s", source)
        wanted.add("number = %s", number)
        wanted.add("(closed_at is null) = %s", None if state is None else state == "open")
        wanted.add("kind = %s" if kind else "kind <> %s", kind or "event")
        wanted.add_after("opened_at", after, ascending=False)
        rows = await self._database.query(
            f"select {TICKET_COLUMNS} from ticket where {wanted.sql} {in_order('opened_at', False)} limit %s",
            [*wanted.values, limit],
        )
        return [_ticket(row) for row in rows]

    async def ticket(self, id: int) -> tuple[Ticket, list[Line]] | None:
        """A ticket with its lines, oldest first (at most 10,000)."""
        rows = await self._database.query(f"select {TICKET_COLUMNS} from ticket where id = %s", (id,))
        if not rows:
            return None
        return _ticket(rows[0]), await self.lines(ticket_id=id, ascending=True, limit=10_000)

    # ── what a start needs ───────────────────────────────────────────────────────────────────────────────────────

    async def open_tickets(self) -> list[tuple[Ticket, datetime]]:
        """Tickets that are not closed, each with the instant of its last line."""
        rows = await self._database.query(
            f"select {TICKET_COLUMNS}, last_at from ticket where closed_at is null order by id"
        )
        return [(_ticket(row[:-1]), row[-1]) for row in rows]

    async def last_received(self, said_itself: bool = False) -> dict[str, datetime]:
        """The instant of the last line of each source. Steps from source to source: it does not read the lines.

        `said_itself`: leave out those that the server has added, of motion and of rules that were met.
        """
        own = f" and not ({_OWN})" if said_itself else ""
        rows = await self._database.query(
            "with recursive known (source) as (select min(source) from line union all"
            " select (select min(source) from line where source > known.source) from known where source is not null)"
            f" select source, (select received_at from line where line.source = known.source{own}"
            " order by received_at desc limit 1) from known where source is not null"
        )
        return {source: at for source, at in rows if at is not None}

    async def last_tickets(self) -> list[tuple[Ticket, list[Line]]]:
        """The newest ticket with its lines, oldest first, of each source that spoke lately: what stands on the screens.

        Of so many sources that a start is not kept waiting.
        """
        heard = await self.last_received()
        lately = set(sorted(heard, key=heard.__getitem__, reverse=True)[:MOST_SCREENS])
        screens = []
        for source in filter(lately.__contains__, heard):
            newest = await self.lines(source=source, limit=20)
            line = next((line for line in newest if not line.is_hidden), None)
            if line is not None and (found := await self.ticket(line.ticket_id)) is not None:
                screens.append(found)
        return screens

    async def last_id(self) -> int:
        """The greatest id of a line or a ticket, 0 when there is none."""
        rows = await self._database.query(
            "select greatest((select max(id) from line), (select max(id) from ticket), (select max(id) from journal),"
            " (select max(id) from camera_state), (select max(fact) from alarm), (select max(id) from rule_exception))"
        )
        return rows[0][0] or 0


def _ticket(row: tuple[Any, ...]) -> Ticket:
    id, protocol, source, number, opened_at, closed_at, seller, total, line_count, kind, linked = row
    return Ticket(
        id=id,
        protocol=protocol,
        source=source,
        number=number,
        opened_at=opened_at,
        closed_at=closed_at,
        seller=seller,
        total=total,
        line_count=line_count,
        kind=kind,
        linked=linked,
    )
