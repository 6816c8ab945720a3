"""What moves in a camera's pictures, as it moves: server-sent events for who sets motion detection up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from klein import Response

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import Camera, MotionSettings, Moved, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query
from camtrace.web.api.camera_fields import read_motion
from camtrace.web.api.shapes import moved_shape
from camtrace.web.event_stream import EventStreams, Listener, event
from camtrace.web.ports import CameraDirectory, MotionLevels
from camtrace.web.routing import new_app, requirer

MOST_READERS = 20


class MotionApi:
    """`/api/v1/cameras/ID/motion/level`: each picture that is looked at; only the newest waits for a slow reader."""

    app = new_app()

    def __init__(self, reactor: Any, access: Access, directory: CameraDirectory, levels: MotionLevels) -> None:
        self.access = access
        self._directory = directory
        self._levels = levels
        self._streams = EventStreams(reactor, access, MOST_READERS)

    @requirer.require(app.route("/api/v1/cameras/<camera>/motion/level", methods=["GET"]), visit=May("cameras"))
    async def level(self, visit: Visit, camera: str) -> Response | None:
        """What moves now, by the camera's settings or those in `settings`; it ends when one of the two sides leaves."""
        found = self._camera(visit, camera)
        settings = _settings(visit, found.motion)
        reader = _Reader(visit.user, lambda user: user.may("cameras") and user.may_see(found.uid))
        return await self._streams.serve(
            visit, reader, lambda: self._levels.subscribe(found.uid, reader.moved, settings), reader.follow
        )

    def stop(self) -> None:
        """End every stream."""
        self._streams.stop()

    def _camera(self, visit: Visit, name: str) -> Camera:
        found = self._directory.by_id(int(name)) if name.isascii() and name.isdigit() and len(name) < 10 else None
        if found is None or not visit.user.may_see(found.uid):
            raise NotFound(N_("there is no camera {number}"), number=name)
        return found


class _Reader(Listener):
    """One open stream, and the newest picture it has not been told of."""

    def __init__(self, user: User, allowed: Callable[[User], bool]) -> None:
        super().__init__(user, allowed)
        self._newest: Moved | None = None

    def moved(self, moved: Moved) -> None:
        """A picture was looked at."""
        self._newest = moved
        self.wake()

    def take(self) -> bytes:
        newest, self._newest = self._newest, None
        return b"" if newest is None else event("level", moved_shape(newest))


def _settings(visit: Visit, before: MotionSettings) -> MotionSettings:
    text = Query(visit.request).text("settings")
    if text is None:
        return before
    try:
        return read_motion(json.loads(text), before)
    except (ValueError, RecursionError) as error:
        raise Invalid(N_("{field} is no JSON"), "settings") from error
