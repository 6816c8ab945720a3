"""What happens, as it happens: server-sent events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from klein import Response
from twisted.web.server import Request

from camtrace.bus import Bus
from camtrace.errors import Invalid
from camtrace.events import (
    AlarmAcknowledged,
    AlarmEnded,
    AlarmTriggered,
    CameraStateChanged,
    LineMasked,
    LineReceived,
    Noted,
)
from camtrace.model import AlarmNow, CameraState, JournalEntry, Line, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query
from camtrace.web.api.shapes import alarm_event_shape, journal_shape, line_shape, state_shape
from camtrace.web.event_stream import STILL_HERE, EventStreams, Reader, event
from camtrace.web.flow import Flow
from camtrace.web.ports import CameraDirectory, History, Offset
from camtrace.web.routing import new_app, requirer

BEHIND = 1000
PAGE = 500
MOST_READERS = 200
What = Line | CameraState | JournalEntry | AlarmNow
Happening = tuple[int, What]


class EventsApi:
    """`/api/v1/events`: lines, camera states, alarms and journal entries, each with its fact's id.

    `Last-Event-ID` (or `?last_event_id=`) resumes from the store. A reader that lets more than 1,000 events wait is
    closed and may resume.
    """

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        offset: Offset,
        bus: Bus,
        history: History,
    ) -> None:
        self.access = access
        self._directory = directory
        self._offset = offset
        self._bus = bus
        self._history = history
        self._streams = EventStreams(reactor, access, MOST_READERS)

    @requirer.require(app.route("/api/v1/events", methods=["GET"]), visit=May())
    async def events(self, visit: Visit) -> Response | None:
        """The stream; it ends only when one of the two sides leaves."""
        last = _last_id(visit.request)
        reader = _Reader(visit, last or 0)

        async def follow(flow: Flow) -> None:
            if last is not None:
                await self._catch_up(flow, reader)
            await self._follow(flow, reader)

        return await self._streams.serve(visit, reader, lambda: reader.listen(self._bus), follow)

    def stop(self) -> None:
        """End every stream."""
        self._streams.stop()

    async def _catch_up(self, flow: Flow, reader: _Reader) -> None:
        while not reader.left:
            found = await self._history.since(reader.last, PAGE)
            for happening in found:
                await self._tell(flow, reader, happening)
            if len(found) < PAGE:
                return

    async def _follow(self, flow: Flow, reader: _Reader) -> None:
        while not reader.left:
            while reader.waiting and not reader.left:
                await self._tell(flow, reader, reader.waiting.popleft())
            if not reader.left:
                await reader.something()
                if not reader.waiting and not reader.left:
                    await flow.write(STILL_HERE)

    async def _tell(self, flow: Flow, reader: _Reader, happening: Happening) -> None:
        number, what = happening
        if number <= reader.last:
            return  # read from the store already
        reader.last = number
        text = self._text(reader.user, number, what)
        if text is not None:
            await flow.write(text)

    def _text(self, user: User, number: int, what: What) -> bytes | None:
        """The event, or None if it is not for `user`."""
        match what:
            case Line():
                kind, seen = "line", user.may("lines") and _may_read(user, what.cameras)
                shape = line_shape(what, user, self._directory, self._offset) if seen else {}
            case CameraState():
                camera = self._directory.by_uid(what.camera_uid)
                kind, seen = "camera", camera is not None and user.may_see(what.camera_uid)
                shape = {"camera": camera.id, **state_shape(what)} if camera is not None else {}
            case JournalEntry():
                kind, seen = "journal", user.may("journal")
                shape = journal_shape(what, self._directory)
            case AlarmNow():
                exists = self._directory.by_uid(what.alarm.camera_uid) is not None
                allowed = user.may("alarms") and user.may_see(what.alarm.camera_uid)
                kind, seen = "alarm", allowed and (exists or user.may("cameras"))
                shape = alarm_event_shape(what, self._directory) if seen else {}
        return event(kind, shape, number) if seen else None


class _Reader(Reader):
    """One open stream: what waits for it. It is cut off when too much does."""

    def __init__(self, visit: Visit, last: int) -> None:
        super().__init__(visit.user)
        self.visit = visit
        self.last = last
        self.waiting: deque[Happening] = deque()

    def listen(self, bus: Bus) -> Callable[[], None]:
        """Hear of everything from now on; returns the call that ends it."""
        calls = [
            bus.subscribe(LineReceived, lambda fact: self._put(fact.id, fact.line)),
            bus.subscribe(LineMasked, lambda fact: self._put(fact.id, fact.line)),
            bus.subscribe(CameraStateChanged, lambda fact: self._put(fact.id, fact.state)),
            bus.subscribe(Noted, lambda fact: self._put(fact.id, fact.entry)),
            bus.subscribe(AlarmTriggered, lambda fact: self._put(fact.id, AlarmNow(fact.alarm, fact.trigger))),
            bus.subscribe(AlarmEnded, lambda fact: self._put(fact.id, AlarmNow(fact.alarm))),
            bus.subscribe(AlarmAcknowledged, lambda fact: self._put(fact.id, AlarmNow(fact.alarm))),
        ]

        def stop() -> None:
            for unsubscribe in calls:
                unsubscribe()

        return stop

    def _put(self, number: int, what: What) -> None:
        if self.left:
            return
        self.waiting.append((number, what))
        if len(self.waiting) > BEHIND:
            self.left = True
            transport: Any = self.visit.request.transport
            transport.abortConnection()
        self.wake()


def _may_read(user: User, uids: tuple[int, ...]) -> bool:
    allowed = user.profile.cameras
    return allowed is None or not allowed.isdisjoint(uids)


def _last_id(request: Request) -> int | None:
    text = request.getHeader("last-event-id") or Query(request).text("last_event_id")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) >= 2**63:
        raise Invalid("the last event's id must be a whole number", "last_event_id")
    return int(text)
