"""Server-sent events (HTML standard, section 9.2): answers that go on until one of the two sides leaves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from klein import Response
from twisted.internet import defer, task

from camtrace.model import User
from camtrace.web.access import Access, Visit
from camtrace.web.answers import to_json
from camtrace.web.flow import Flow
from camtrace.web.problems import Headers

HEARTBEAT_SECONDS = 15
STILL_HERE = b": still here\n\n"


def event(kind: str, shape: object, id: int | None = None) -> bytes:
    """One event as it goes over the wire."""
    number = "" if id is None else f"id: {id}\n"
    return f"{number}event: {kind}\ndata: {to_json(shape)}\n\n".encode()


class Reader:
    """One open stream, and what it has not been told of; whoever adds to that wakes it. `user` is who reads it.

    `allowed(user)`: whether that user, changed meanwhile, may go on reading.
    """

    def __init__(self, user: User, allowed: Callable[[User], bool] = lambda user: True) -> None:
        self.user = user
        self._allowed = allowed
        self.left = False
        self._waiter: defer.Deferred[None] | None = None

    async def something(self) -> None:
        """Returns when something waits, at the heartbeat, or when the stream shall end."""
        self._waiter = defer.Deferred()
        await self._waiter

    def wake(self) -> None:
        """Let who waits look again."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.callback(None)

    def review(self, user: User | None) -> None:
        """The reader's user as it is now, None when nobody is signed in any more."""
        if user is None or not self._allowed(user):
            self.leave()
        else:
            self.user = user

    def leave(self) -> None:
        """End the stream."""
        self.left = True
        self.wake()


class Listener(Reader, ABC):
    """A reader whose events wait with it until they are written."""

    @abstractmethod
    def take(self) -> bytes:
        """The events that wait, which are then told; b"" when there are none."""

    async def follow(self, flow: Flow) -> None:
        """Write events until the stream shall end, and a comment at each heartbeat without any."""
        while not self.left:
            new = self.take()
            if not new:
                await self.something()
                new = self.take()
            await flow.write(new or STILL_HERE)


class EventStreams:
    """The open streams of one address, `most` at once. Each ends when its user, or the right to it, is gone."""

    def __init__(self, reactor: Any, access: Access, most: int) -> None:
        self._reactor = reactor
        self._access = access
        self._most = most
        self._readers: set[Reader] = set()

    def __len__(self) -> int:
        return len(self._readers)

    async def serve(
        self,
        visit: Visit,
        reader: Reader,
        join: Callable[[], Callable[[], object]],
        follow: Callable[[Flow], Awaitable[None]],
    ) -> Response | None:
        """Answer the visit's request by what `reader` hears, or by 503 where too many are open.

        `join` begins to tell the reader and returns the call that ends it. `follow` writes.
        """
        if len(self._readers) >= self._most:
            return Response(503, {"Retry-After": "5"}, b"too many readers")
        request = visit.request
        headers: Headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        Response(200, headers)._applyToRequest(request)
        flow = Flow(request, self._reactor)

        def reviewed(user: User | None) -> None:
            reader.review(user)
            if reader.left and flow.paused:  # it would be told once more when it reads on
                transport: Any = request.transport
                transport.abortConnection()

        def beat() -> None:
            reader.wake()
            attendance.look()

        self._readers.add(reader)
        leave = join()
        attendance = self._access.attend(visit, reviewed)
        heartbeat = task.LoopingCall(beat)
        heartbeat.clock = self._reactor
        heartbeat.start(HEARTBEAT_SECONDS, now=False)
        try:
            await flow.write(b"retry: 2000\n\n")
            await follow(flow)
        finally:
            heartbeat.stop()
            attendance.leave()
            leave()
            self._readers.discard(reader)
            flow.end()
        return None

    def stop(self) -> None:
        """End every stream."""
        for reader in tuple(self._readers):
            reader.leave()
