"""The journals: what the server did or suffered."""

from __future__ import annotations

from klein import Response

from camtrace.model import JOURNAL_KINDS
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, page_of
from camtrace.web.api.shapes import journal_shape
from camtrace.web.ports import CameraDirectory, JournalStore
from camtrace.web.routing import new_app, requirer


class JournalApi:
    """`/api/v1/journal`."""

    app = new_app()

    def __init__(self, access: Access, directory: CameraDirectory, journal: JournalStore) -> None:
        self.access = access
        self._directory = directory
        self._journal = journal

    @requirer.require(app.route("/api/v1/journal", methods=["GET"]), visit=May("journal"))
    async def entries(self, visit: Visit) -> Response:
        """Entries of one kind or all, newest first."""
        query = Query(visit.request)
        limit = query.limit()
        found = await self._journal.entries(
            kind=query.choice("kind", JOURNAL_KINDS, "") or "",
            start=query.instant("start"),
            stop=query.instant("stop"),
            limit=limit + 1,
            before=query.cursor(),
        )
        return page_of(
            found, limit, lambda entry: journal_shape(entry, self._directory), lambda entry: (entry.at, entry.id)
        )
