"""What cameras recorded and show now: spans, pictures, MP4."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from klein import Response

from camtrace import clock
from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import Camera, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer
from camtrace.web.api.shapes import gap_shape, span_shape
from camtrace.web.flow import Flow, Unsatisfiable, pour, read_range
from camtrace.web.ports import CameraDirectory, Footage, Live, Mp4
from camtrace.web.problems import Forbidden, Headers
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import Graves, camera_named

KINDS = ("regular", "alarm", "all")
LONGEST = timedelta(hours=24)
LONGEST_SOUND = timedelta(minutes=10)  # it is sent as one piece
STOP = "Footage-Stop"
"""The header that says up to which instant an answer goes: it may end before the one asked for."""
DAY = timedelta(days=1)


class FootageApi:
    """`/api/v1/cameras/CAMERA/…`: recordings, pictures and clips, of deleted cameras too."""

    app = new_app()

    def __init__(
        self, reactor: Any, access: Access, directory: CameraDirectory, graves: Graves, footage: Footage, live: Live
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._graves = graves
        self._footage = footage
        self._live = live

    @requirer.require(app.route("/api/v1/cameras/<camera>/recordings", methods=["GET"]), visit=May("replay"))
    async def recordings(self, visit: Visit, camera: str) -> Response:
        """What can be replayed between `start` and `stop` (the last 24 hours unless said), and what is missing."""
        query = Query(visit.request)
        found = await self._named(visit, camera)
        stop = query.instant("stop") or clock.now()
        start = query.instant("start") or stop - DAY
        if stop <= start:
            raise Invalid(N_("the end must be later than the beginning"), "stop")
        spans = await self._footage.spans(found.uid, _kind(query), start, stop)
        gaps = await self._footage.gaps(found.uid, start, stop)
        return answer({"spans": [span_shape(span) for span in spans], "gaps": [gap_shape(gap) for gap in gaps]})

    @requirer.require(app.route("/api/v1/cameras/<camera>/snapshot.jpg", methods=["GET"]), visit=May())
    async def snapshot(self, visit: Visit, camera: str) -> Response:
        """The newest picture, or with `at` the one recorded at that instant, as JPEG."""
        at = Query(visit.request).instant("at")
        found = await self._named(visit, camera)
        _need(visit, "live" if at is None else "replay")
        picture = await (self._live.picture(found.uid) if at is None else self._footage.picture(found, at))
        if picture is None:
            raise NotFound(N_("there is no picture") if at is None else N_("there is no picture of that instant"))
        return Response(200, {"Content-Type": "image/jpeg", "Cache-Control": "no-store"}, picture)

    @requirer.require(app.route("/api/v1/cameras/<camera>/video.mp4", methods=["GET"]), visit=May("replay"))
    async def video(self, visit: Visit, camera: str) -> Response | None:
        """The footage from `start` to `stop` as MP4, not transcoded, with byte ranges.

        Gaps are closed up, unless `absolute=1` asks for media time that is wall time. `download=1` names the file.
        """
        query = Query(visit.request)
        start, stop = query.span()
        if stop - start > LONGEST:
            raise Invalid(N_("ask for 24 hours at most"), "stop")
        download = query.flag("download")
        if download:
            _need(visit, "export")
        kind = _kind(query)
        found = await self._named(visit, camera)
        absolute = query.flag("absolute")
        mp4 = await self._footage.mp4(found, kind, start, stop, absolute=absolute)
        if mp4 is None:
            raise NotFound(N_("nothing was recorded in this span"))
        headers: Headers = {
            "Content-Type": mp4.mime.partition(";")[0] or "video/mp4",
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, no-cache",
            "ETag": _etag(found, f"{kind} {absolute}", mp4),
            STOP: clock.iso(mp4.stop),
        }
        if download:
            headers["Content-Disposition"] = disposition(found, mp4.start)
        rights = ("replay", "export") if download else ("replay",)

        def allowed(user: User) -> bool:
            return all(map(user.may, rights)) and user.may_see(found.uid)

        return await self._send(visit, mp4, headers, allowed)

    @requirer.require(app.route("/api/v1/cameras/<camera>/sound.mp4", methods=["GET"]), visit=May("replay"))
    async def sound(self, visit: Visit, camera: str) -> Response:
        """The sound recorded between `start` and `stop` as fragmented MP4 whose media time is wall time."""
        start, stop = Query(visit.request).span()
        if stop - start > LONGEST_SOUND:
            raise Invalid(N_("ask for 10 minutes at most"), "stop")
        found = await self._named(visit, camera)
        sound = await self._footage.sound(found, start, stop)
        if sound is None:
            raise NotFound(N_("no sound was recorded in this span"))
        headers: Headers = {"Content-Type": sound.mime, "Cache-Control": "private, no-cache"}
        headers[STOP] = clock.iso(clock.from_us(sound.stop_us))
        return Response(200, headers, sound.content)

    async def _send(self, visit: Visit, mp4: Mp4, headers: Headers, allowed: Callable[[User], bool]) -> Response | None:
        request = visit.request
        unchanged = request.getHeader("if-range") in (None, headers["ETag"])
        try:
            part = read_range(request.getHeader("range"), mp4.length) if unchanged else None
        except Unsatisfiable:
            return Response(416, {**headers, "Content-Range": f"bytes */{mp4.length}"}, b"")
        first, length = part or (0, mp4.length)
        if part:
            headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{mp4.length}"
        headers["Content-Length"] = str(length)
        Response(206 if part else 200, headers)._applyToRequest(request)
        if request.method == b"HEAD":
            return None
        flow = Flow(request, self._reactor)

        def reviewed(user: User | None) -> None:
            if user is None or not allowed(user):  # a clip that a player holds open can last for hours
                transport: Any = request.transport
                transport.abortConnection()

        attendance = self.access.attend(visit, reviewed)
        try:
            await pour(flow, mp4.read, first, length)
        except FileNotFoundError as error:
            raise NotFound(N_("this footage was deleted meanwhile")) from error
        finally:
            attendance.leave()
            flow.end()
        return None

    async def _named(self, visit: Visit, name: str) -> Camera:
        return await camera_named(name, visit.user, self._directory, self._graves)


def _kind(query: Query) -> str:
    return query.choice("kind", KINDS, "regular") or "regular"


def _need(visit: Visit, right: str) -> None:
    if not visit.user.may(right):
        raise Forbidden(N_("your profile lacks the right {right}"), right=right)


def _etag(camera: Camera, form: str, mp4: Mp4) -> str:
    what = f"{camera.uid} {form} {mp4.start.isoformat()} {mp4.stop.isoformat()} {mp4.length}"
    return f'"{hashlib.sha256(what.encode()).hexdigest()[:20]}"'


def disposition(camera: Camera, start: datetime) -> str:
    """The Content-Disposition that names a clip after its camera and its first instant in UTC (RFC 6266)."""
    name = f"{camera.name} {start:%Y-%m-%d %H-%M-%S}Z.mp4"
    plain = re.sub(r"[^A-Za-z0-9 ._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
