"""What tills send, as it comes: server-sent events for who sets a till up."""

from __future__ import annotations

import base64
from collections import deque
from typing import Any

from klein import Response

from camtrace.model import User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query
from camtrace.web.api.shapes import Shape, message_shape
from camtrace.web.discretion import bytes_for, text_for
from camtrace.web.event_stream import EventStreams, Listener, event
from camtrace.web.ports import Capture, Captured
from camtrace.web.routing import new_app, requirer

MOST_READERS = 10
MOST_WAITING = 600  # events of one reader; the oldest give way


class CaptureApi:
    """`/api/v1/capture`: bytes as they were read, and lines as they were understood."""

    app = new_app()

    def __init__(self, reactor: Any, access: Access, capture: Capture) -> None:
        self.access = access
        self._capture = capture
        self._streams = EventStreams(reactor, access, MOST_READERS)

    @requirer.require(app.route("/api/v1/capture", methods=["GET"]), visit=May("settings"))
    async def capture(self, visit: Visit) -> Response | None:
        """Server-sent events `read` and `line` of all tills, or of the address `sender`, or of the till `source`."""
        query = Query(visit.request)
        reader = _Reader(visit.user, query.text("sender"), query.text("source"))
        return await self._streams.serve(visit, reader, lambda: self._capture.watch(reader.add), reader.follow)

    def stop(self) -> None:
        """End every stream."""
        self._streams.stop()


class _Reader(Listener):
    """One open stream, and what it has not been told of."""

    def __init__(self, user: User, sender: str | None, source: str | None) -> None:
        super().__init__(user, lambda user: user.may("settings"))
        self._sender = sender
        self._source = source
        self._waiting: deque[Captured] = deque(maxlen=MOST_WAITING)
        self._again = False

    def add(self, captured: Captured) -> None:
        """Something came, or all that came is told again."""
        if captured.again:
            self._again = True
            self._waiting.clear()
            self.wake()
            return
        if self._sender is not None and captured.sender != self._sender:
            return
        if self._source is not None and (captured.message is None or captured.message.source != self._source):
            return
        self._waiting.append(captured)
        self.wake()

    def take(self) -> bytes:
        events = [_event(one, self.user) for one in self._waiting]
        self._waiting.clear()
        if self._again:
            self._again = False
            events.insert(0, event("again", {}))
        return b"".join(events)


def _event(captured: Captured, user: User) -> bytes:
    return event("line" if captured.dialect else "read", captured_shape(captured, user))


def captured_shape(captured: Captured, user: User) -> Shape:
    """What came, as `user` may see it: `raw` in base64; of a line, `shown`, its letters, and what it was taken for, or
    what is wrong with it.
    """
    shape: Shape = {
        "at": captured.at,
        "sender": captured.sender,
        "raw": base64.b64encode(bytes_for(user, captured.raw)).decode(),
    }
    if not captured.dialect:
        return {**shape, "connection": captured.connection}
    problem = captured.problem
    return {
        **shape,
        "dialect": captured.dialect,
        "shown": text_for(user, captured.shown),
        "message": None if captured.message is None else message_shape(captured.message, user),
        "problem": None if problem is None else {"code": problem.code, "message": str(problem)},
    }
