"""What an alarm looked like: the picture that came with it, else what was recorded at its instant."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from klein import Response
from twisted.web.http import CACHED

from camtrace import clock
from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import Alarm
from camtrace.web.access import Access, May, Visit
from camtrace.web.api.alarms import alarm_numbered
from camtrace.web.ports import AlarmPictures, AlarmStore, CameraDirectory, Footage, Live
from camtrace.web.problems import Forbidden, Headers
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import Graves

NOW = timedelta(seconds=2)  # so long the newest picture is that of an instant
JUST_NOW = timedelta(seconds=15)  # so long it is one of the alarm, which goes on
_KEEP = "private, max-age=3600"  # what was recorded does not change
_ASK = "private, no-cache"  # while the alarm goes on, another picture may come with it


class AlarmPicturesApi:
    """`/api/v1/alarms/ALARM/picture.jpg`."""

    app = new_app()

    def __init__(
        self,
        access: Access,
        directory: CameraDirectory,
        graves: Graves,
        store: AlarmStore,
        pictures: AlarmPictures,
        footage: Footage,
        live: Live,
    ) -> None:
        self.access = access
        self._directory = directory
        self._graves = graves
        self._store = store
        self._pictures = pictures
        self._footage = footage
        self._live = live

    @requirer.require(app.route("/api/v1/alarms/<alarm>/picture.jpg", methods=["GET"]), visit=May())
    async def picture(self, visit: Visit, alarm: str) -> Response:
        """The alarm as a picture, JPEG: the camera's own, else the recorded one of its instant, if they still exist.

        For who has the right `alarms`, or `live`, whose pages show alarms; what was recorded only with `replay`.
        """
        if not (visit.user.may("alarms") or visit.user.may("live")):
            raise Forbidden(N_("your profile lacks the right {right}"), right="alarms")
        found = await alarm_numbered(alarm, visit.user, self._store, self._directory)
        jpeg, caching = await self._look(visit, found)
        if jpeg is None:
            raise NotFound(N_("there is no picture of this alarm any more"))
        tag = f'"{hashlib.sha256(jpeg).hexdigest()[:20]}"'.encode()
        headers: Headers = {"Content-Type": "image/jpeg", "Cache-Control": caching}
        if visit.request.setETag(tag) is CACHED:
            return Response(304, {"Cache-Control": caching}, b"")
        return Response(200, headers, jpeg)

    async def _look(self, visit: Visit, alarm: Alarm) -> tuple[bytes | None, str]:
        """The picture, and how long a browser may keep it."""
        kept = self._pictures.of(alarm.id)
        if kept is not None:
            return kept, _ASK
        camera = await self._graves.by_uid(alarm.camera_uid)
        if camera is not None and visit.user.may("replay"):
            recorded = await self._footage.picture(camera, alarm.started_at)
            if recorded is not None:
                return recorded, _ASK if alarm.ended_at is None else _KEEP
        # what a till told of may be seconds before or behind it in the picture
        fresh = NOW if "rule" in alarm.causes else JUST_NOW
        if camera is not None and visit.user.may("live") and clock.now() - alarm.started_at < fresh:
            return await self._live.picture(camera.uid), _ASK
        return None, _ASK
