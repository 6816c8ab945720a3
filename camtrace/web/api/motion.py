"""What moves in a camera's pictures, as it moves: server-sent events for who sets motion detection up."""

from __future__ import annotations

import json
from typing import Any

from klein import Response
from twisted.internet import defer, task

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import Camera, MotionSettings, Moved
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, to_json
from camtrace.web.api.camera_fields import read_motion
from camtrace.web.api.shapes import moved_shape
from camtrace.web.flow import Flow
from camtrace.web.ports import CameraDirectory, MotionLevels
from camtrace.web.problems import Headers
from camtrace.web.routing import new_app, requirer

HEARTBEAT_SECONDS = 15
MOST_READERS = 20


class MotionApi:
    """`/api/v1/cameras/ID/motion/level`: each picture that is looked at; only the newest waits for a slow reader."""

    app = new_app()

    def __init__(self, reactor: Any, access: Access, directory: CameraDirectory, levels: MotionLevels) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._levels = levels
        self._readers: set[_Reader] = set()

    @requirer.require(app.route("/api/v1/cameras/<camera>/motion/level", methods=["GET"]), visit=May("cameras"))
    async def level(self, visit: Visit, camera: str) -> Response | None:
        """What moves now, by the camera's settings or those in `settings`; it ends when one of the two sides leaves."""
        found = self._camera(visit, camera)
        settings = _settings(visit, found.motion)
        if len(self._readers) >= MOST_READERS:
            return Response(503, {"Retry-After": "5"}, b"too many readers")
        headers: Headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        Response(200, headers)._applyToRequest(visit.request)
        flow, reader = Flow(visit.request, self._reactor), _Reader()
        self._readers.add(reader)
        unsubscribe = self._levels.subscribe(found.uid, reader.moved, settings)
        heartbeat = task.LoopingCall(reader.wake)
        heartbeat.clock = self._reactor
        heartbeat.start(HEARTBEAT_SECONDS, now=False)
        try:
            await flow.write(b"retry: 2000\n\n")
            while not reader.left:
                newest = await reader.newest()
                await flow.write(_text(newest))
        finally:
            heartbeat.stop()
            unsubscribe()
            self._readers.discard(reader)
            flow.end()
        return None

    def stop(self) -> None:
        """End every stream."""
        for reader in tuple(self._readers):
            reader.leave()

    def _camera(self, visit: Visit, name: str) -> Camera:
        found = self._directory.by_id(int(name)) if name.isascii() and name.isdigit() and len(name) < 10 else None
        if found is None or not visit.user.may_see(found.uid):
            raise NotFound(N_("there is no camera {number}"), number=name)
        return found


class _Reader:
    """One open stream, and the newest picture it has not been told of."""

    def __init__(self) -> None:
        self.left = False
        self._newest: Moved | None = None
        self._waiter: defer.Deferred[None] | None = None

    def moved(self, moved: Moved) -> None:
        """A picture was looked at."""
        self._newest = moved
        self.wake()

    async def newest(self) -> Moved | None:
        """What is new; None at a heartbeat, or when the stream shall end."""
        if self._newest is None and not self.left:
            self._waiter = defer.Deferred()
            await self._waiter
        newest, self._newest = self._newest, None
        return newest

    def wake(self) -> None:
        """Let who waits look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    def leave(self) -> None:
        """End the stream."""
        self.left = True
        self.wake()


def _settings(visit: Visit, before: MotionSettings) -> MotionSettings:
    text = Query(visit.request).text("settings")
    if text is None:
        return before
    try:
        return read_motion(json.loads(text), before)
    except (ValueError, RecursionError) as error:
        raise Invalid(N_("{field} is no JSON"), "settings") from error


def _text(moved: Moved | None) -> bytes:
    if moved is None:
        return b": still here\n\n"
    return f"event: level\ndata: {to_json(moved_shape(moved))}\n\n".encode()
