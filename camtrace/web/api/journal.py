"""The journals: what the server did or suffered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from klein import Response

from camtrace.i18n import N_
from camtrace.model import JOURNAL_KINDS, JournalEntry, JournalQuery
from camtrace.notes import TEXTS, words
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Position, Query, page_of
from camtrace.web.api.shapes import journal_shape
from camtrace.web.csv_file import Cell, send_csv
from camtrace.web.ports import CameraDirectory, JournalStore
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voice, Voices
from camtrace.web.whose import Graves, camera_named
from camtrace.web.wording import KIND_WORDS

_HEADS = (N_("Time"), N_("Kind"), N_("Camera"), N_("User"), N_("What happened"))


class JournalApi:
    """`/api/v1/journal`."""

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        graves: Graves,
        journal: JournalStore,
        voices: Voices,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._graves = graves
        self._journal = journal
        self._voices = voices

    @requirer.require(app.route("/api/v1/journal", methods=["GET"]), visit=May("journal"))
    async def entries(self, visit: Visit) -> Response:
        """Entries of one kind or all, newest first."""
        limit = Query(visit.request).limit()
        found = await self._found(visit, await self._asked(visit), limit + 1, Query(visit.request).cursor())
        return page_of(found, limit, lambda entry: journal_shape(entry, self._directory), _place)

    @requirer.require(app.route("/api/v1/journal.csv", methods=["GET"]), visit=May("journal"))
    async def as_file(self, visit: Visit) -> Response | None:
        """The same as a file for spreadsheets."""
        voice = self._voices.voice(visit.request, visit.user.language)
        page = partial(self._found, visit, await self._asked(visit))
        row = partial(self._row, voice)
        return await send_csv(visit, self._reactor, voice, N_("Journal"), _HEADS, page, row, _place)

    async def _asked(self, visit: Visit) -> Sequence[int] | None:
        camera = Query(visit.request).text("camera")
        if camera is None:
            return None
        return [(await camera_named(camera, visit.user, self._directory, self._graves)).uid]

    async def _found(
        self, visit: Visit, camera_uids: Sequence[int] | None, limit: int, before: Position | None
    ) -> list[JournalEntry]:
        query, voice = Query(visit.request), self._voices.voice(visit.request, visit.user.language)
        wanted = JournalQuery(
            kind=query.choice("kind", JOURNAL_KINDS),
            camera_uids=camera_uids,
            start=query.instant("start"),
            stop=query.instant("stop"),
            words=voice.sought(query.text("text"), TEXTS),
        )
        return await self._journal.entries(wanted, limit, before)

    def _row(self, voice: Voice, entry: JournalEntry) -> Sequence[Cell]:
        camera = self._directory.by_uid(entry.camera_uid) if entry.camera_uid is not None else None
        return (
            voice.instant(entry.at),
            voice.spoken.gettext(KIND_WORDS.get(entry.kind, entry.kind)),
            camera.id if camera is not None else None,
            entry.user,
            words(entry, voice.spoken),
        )


def _place(entry: JournalEntry) -> Position:
    return entry.at, entry.id
