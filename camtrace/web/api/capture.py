"""What tills send, as it comes: server-sent events for who sets a till up."""

from __future__ import annotations

import base64
from collections import deque
from typing import Any

from klein import Response
from twisted.internet import defer, task

from camtrace.model import User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, to_json
from camtrace.web.api.shapes import Shape, message_shape
from camtrace.web.discretion import bytes_for
from camtrace.web.flow import Flow
from camtrace.web.ports import Capture, Captured
from camtrace.web.problems import Headers
from camtrace.web.routing import new_app, requirer

HEARTBEAT_SECONDS = 15
MOST_READERS = 10
MOST_WAITING = 600  # events of one reader; the oldest give way


class CaptureApi:
    """`/api/v1/capture`: bytes as they were read, and lines as they were understood."""

    app = new_app()

    def __init__(self, reactor: Any, access: Access, capture: Capture) -> None:
        self.access = access
        self._reactor = reactor
        self._capture = capture
        self._readers: set[_Reader] = set()

    @requirer.require(app.route("/api/v1/capture", methods=["GET"]), visit=May("settings"))
    async def capture(self, visit: Visit) -> Response | None:
        """Server-sent events `read` and `line` of all tills, or of the address `sender`, or of the till `source`."""
        query = Query(visit.request)
        if len(self._readers) >= MOST_READERS:
            return Response(503, {"Retry-After": "5"}, b"too many readers")
        reader = _Reader(visit.user, query.text("sender"), query.text("source"))
        headers: Headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        Response(200, headers)._applyToRequest(visit.request)
        flow = Flow(visit.request, self._reactor)
        self._readers.add(reader)
        leave = self._capture.watch(reader.add)
        heartbeat = task.LoopingCall(reader.wake)
        heartbeat.clock = self._reactor
        heartbeat.start(HEARTBEAT_SECONDS, now=False)
        try:
            await flow.write(b"retry: 2000\n\n")
            while not reader.left:
                await flow.write(await reader.next())
        finally:
            heartbeat.stop()
            leave()
            self._readers.discard(reader)
            flow.end()
        return None

    def stop(self) -> None:
        """End every stream."""
        for reader in tuple(self._readers):
            reader.leave()


class _Reader:
    """One open stream, and what it has not been told of."""

    def __init__(self, user: User, sender: str | None, source: str | None) -> None:
        self.left = False
        self._user = user
        self._sender = sender
        self._source = source
        self._waiting: deque[Captured] = deque(maxlen=MOST_WAITING)
        self._waiter: defer.Deferred[None] | None = None

    def add(self, captured: Captured) -> None:
        """Something came."""
        if self._sender is not None and captured.sender != self._sender:
            return
        if self._source is not None and (captured.message is None or captured.message.source != self._source):
            return
        self._waiting.append(captured)
        self.wake()

    async def next(self) -> bytes:
        """The events that are new; a comment at a heartbeat, or when the stream shall end."""
        if not self._waiting and not self.left:
            self._waiter = defer.Deferred()
            await self._waiter
        if not self._waiting:
            return b": still here\n\n"
        events = [_event(one, self._user) for one in self._waiting]
        self._waiting.clear()
        return b"".join(events)

    def wake(self) -> None:
        """Let who waits look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    def leave(self) -> None:
        """End the stream."""
        self.left = True
        self.wake()


def _event(captured: Captured, user: User) -> bytes:
    kind = "line" if captured.dialect else "read"
    return f"event: {kind}\ndata: {to_json(captured_shape(captured, user))}\n\n".encode()


def captured_shape(captured: Captured, user: User) -> Shape:
    """What came, as `user` may see it: `raw` in base64; a line has what it was taken for, or what is wrong with it."""
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
        "message": None if captured.message is None else message_shape(captured.message, user),
        "problem": None if problem is None else {"code": problem.code, "message": str(problem)},
    }
