"""When cameras were lost, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.cameras.status import REASONS
from camtrace.i18n import N_
from camtrace.model import Disconnection, DisconnectionQuery
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Position, Query, page_of
from camtrace.web.api.shapes import Shape, reason_words
from camtrace.web.csv_file import Cell, send_csv
from camtrace.web.ports import CameraDirectory, DisconnectionStore
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voice, Voices
from camtrace.web.whose import Graves, uids_asked
from camtrace.web.wording import ENDING_WORDS

_HEADS = (
    N_("Lost"),
    N_("Back"),
    N_("Seconds"),
    N_("Camera"),
    N_("Name"),
    N_("Why"),
    N_("Last"),
    N_("End"),
)


class DisconnectionsApi:
    """`/api/v1/disconnections`."""

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        graves: Graves,
        store: DisconnectionStore,
        voices: Voices,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._graves = graves
        self._store = store
        self._voices = voices

    @requirer.require(app.route("/api/v1/disconnections", methods=["GET"]), visit=May("journal"))
    async def recent(self, visit: Visit) -> Response:
        """When cameras that this user may see were lost, the latest first; deleted cameras under their own names."""
        limit = Query(visit.request).limit()
        found = await self._found(visit, await self._asked(visit), limit + 1, Query(visit.request).cursor())
        return page_of(found, limit, disconnection_shape, _place)

    @requirer.require(app.route("/api/v1/disconnections.csv", methods=["GET"]), visit=May("journal"))
    async def as_file(self, visit: Visit) -> Response | None:
        """The same as a file for spreadsheets."""
        voice = self._voices.voice(visit.request, visit.user.language)
        page = partial(self._found, visit, await self._asked(visit))
        row = partial(_row, voice)
        return await send_csv(visit, self._reactor, voice, N_("Disconnections"), _HEADS, page, row, _place)

    async def _asked(self, visit: Visit) -> Sequence[int] | None:
        camera = Query(visit.request).text("camera")
        return await uids_asked(camera, visit.user, self._directory, self._graves)

    async def _found(
        self, visit: Visit, camera_uids: Sequence[int] | None, limit: int, before: Position | None
    ) -> list[Disconnection]:
        query, voice = Query(visit.request), self._voices.voice(visit.request, visit.user.language)
        wanted = DisconnectionQuery(
            camera_uids=camera_uids,
            start=query.instant("start"),
            stop=query.instant("stop"),
            words=voice.sought(query.text("text"), REASONS),
        )
        return await self._store.page(wanted, limit, before)


def disconnection_shape(lost: Disconnection) -> Shape:
    """Time in which a camera was lost: `seconds` so far, or at least where `ending` is "stopped"."""
    removed = lost.camera_deleted_at is not None
    return {
        "id": str(lost.id),
        "camera": None if removed else lost.camera_id,
        "camera_uid": str(lost.camera_uid),
        "name": lost.camera_name,
        "lost_at": lost.lost_at,
        "back_at": lost.back_at,
        "seconds": _seconds(lost, clock.now()),
        "code": lost.reason,
        "detail": lost.detail,
        "reason": reason_words(lost.reason, lost.detail),
        "last_code": lost.last_reason,
        "last_detail": lost.last_detail,
        "ending": lost.ending or None,
    }


def _seconds(lost: Disconnection, now: datetime) -> int:
    return max(0, round(((lost.back_at or now) - lost.lost_at).total_seconds()))


def _place(lost: Disconnection) -> Position:
    return lost.lost_at, lost.id


def _row(voice: Voice, lost: Disconnection) -> Sequence[Cell]:
    speak = voice.spoken.gettext

    def why(code: str, detail: str) -> str:
        return speak(REASONS.get(code, code)).replace("{detail}", detail)

    return (
        voice.instant(lost.lost_at),
        None if lost.back_at is None else voice.instant(lost.back_at),
        _seconds(lost, clock.now()),
        lost.camera_id if lost.camera_deleted_at is None else None,
        lost.camera_name,
        why(lost.reason, lost.detail),
        why(lost.last_reason, lost.last_detail),
        speak(ENDING_WORDS.get(lost.ending, lost.ending)),
    )
