"""The live socket: one WebSocket per page for pictures, lines and states. Its protocol: docs/protocols/live.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from klein import Response
from twisted.internet import defer
from twisted.logger import Logger
from twisted.web.server import Request
from twisted.web.websocket import WebSocketResource

from camtrace.bus import Bus
from camtrace.errors import CamTraceError, DatabaseUnavailable
from camtrace.events import (
    AlarmAcknowledged,
    AlarmEnded,
    AlarmTriggered,
    CameraStateChanged,
    LineMasked,
    LineReceived,
    RuleMet,
    SettingChanged,
    SourceAppeared,
    TicketTied,
    TillSilenceChanged,
)
from camtrace.i18n import N_
from camtrace.metrics import Metrics
from camtrace.model import User
from camtrace.web.access import Access, May, Visit
from camtrace.web.live_page import GOING_AWAY, SESSION_ENDED, LivePage
from camtrace.web.ports import CameraDirectory, Live, Offset, Screens, SubStreams
from camtrace.web.problems import Forbidden
from camtrace.web.routing import new_app, requirer

MOST_PAGES = 500
READERS = ("live", "replay", "lines", "settings")  # rights whose pages listen; pictures and lines take `live`


class LiveSocket:
    """`/live/socket`: opens a `LivePage` for each page and tells the pages what happens."""

    app = new_app()
    log = Logger()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        offset: Offset,
        live: Live,
        sub_streams: SubStreams,
        screens: Screens,
        bus: Bus,
        metrics: Metrics,
        silent_since: Callable[[str], datetime | None] = lambda source: None,
        settings: Callable[[str], Mapping[str, Any]] = lambda language: {},
        kept_days: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.access = access
        self.directory = directory
        self.offset = offset
        self.live = live
        self.sub_streams = sub_streams
        self.screens = screens
        self.metrics = metrics
        self.silent_since = silent_since
        self.settings = settings
        self.kept_days = kept_days
        self.reactor = reactor
        self._pages: set[LivePage] = set()
        self._alarms: dict[int, AlarmTriggered] = {}  # those under way that pop up, by the alarm's id
        self._unsubscribe = [
            bus.subscribe(LineReceived, self._line),
            bus.subscribe(LineMasked, self._masked),
            bus.subscribe(TicketTied, self._tied),
            bus.subscribe(CameraStateChanged, self._state),
            bus.subscribe(TillSilenceChanged, self._silence),
            bus.subscribe(SourceAppeared, self._source),
            bus.subscribe(AlarmTriggered, self._alarm),
            bus.subscribe(AlarmEnded, self._alarm_over),
            bus.subscribe(AlarmAcknowledged, self._alarm_seen),
            bus.subscribe(RuleMet, self._met),
            bus.subscribe(SettingChanged, self._setting),
        ]
        metrics.gauge("camtrace_web_live_pages", lambda: [({}, len(self._pages))])

    @requirer.require(app.route("/live/socket", methods=["GET"]), visit=May(upgrade=True))
    def socket(self, visit: Visit) -> WebSocketResource | Response:
        """Opens the WebSocket."""
        if not may_open(visit.user):
            raise Forbidden(N_("your profile lacks the right {right}"), right="live")
        if len(self._pages) >= MOST_PAGES:
            return Response(503, {"Retry-After": "5"}, b"too many pages are open")
        return WebSocketResource(_Opening(self, visit))

    def opened(self, page: LivePage) -> None:
        """A page's socket is open."""
        self._pages.add(page)
        for fact in self._alarms.values():
            page.alarm(fact)

    def closed(self, page: LivePage) -> None:
        """A page's socket is gone."""
        self._pages.discard(page)

    def stop(self) -> None:
        """Close every socket; the pages will look for the server again."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for page in tuple(self._pages):
            page.close(GOING_AWAY)

    def settings_changed(self) -> None:
        """What is set for tills or events was read anew: pages that wish it are told of what is another."""
        for page in tuple(self._pages):
            page.settings()

    def check(self, page: LivePage) -> None:
        """Close `page` unless its session is still valid and its user may still look."""

        async def check() -> None:
            try:
                user: User | None = await self.access.again(page.visit)
            except CamTraceError as error:  # the database is away: what was valid stays so
                self.log.debug("a session could not be checked: {error}", error=error)
                return
            lost = user is not None and page.user.may("live") and not user.may("live")
            if user is None or lost or not may_open(user):
                page.close(SESSION_ENDED)
            else:
                page.review(user)

        self._run(check())

    def _line(self, fact: LineReceived) -> None:
        if not self._pages or fact.line.is_hidden:
            return
        for page in self._of(fact.line.cameras):
            page.line(fact)

    def _masked(self, fact: LineMasked) -> None:
        shown = self.screens.on_screen(fact.line.source)
        if shown is not None and any(line.id == fact.line.id for line in shown.lines):
            for page in tuple(self._pages):
                page.screen(fact.line.source)

    def _tied(self, fact: TicketTied) -> None:
        shown = self.screens.on_screen(fact.ticket.source)
        if shown is not None and shown.ticket.id == fact.ticket.id:
            for page in tuple(self._pages):
                page.screen(fact.ticket.source)

    def _state(self, fact: CameraStateChanged) -> None:
        for page in self._of((fact.state.camera_uid,)):
            page.state(fact.state)

    def _silence(self, fact: TillSilenceChanged) -> None:
        for page in tuple(self._pages):
            page.silence(fact.source, fact.since)
            page.source(fact.source)

    def _source(self, fact: SourceAppeared) -> None:
        for page in tuple(self._pages):
            page.source(fact.source)

    def _alarm(self, fact: AlarmTriggered) -> None:
        alarm = fact.alarm
        if not alarm.popup or alarm.ended_at is not None:
            return
        is_new = alarm.id not in self._alarms
        self._alarms[alarm.id] = fact
        if is_new:
            for page in tuple(self._pages):
                page.alarm(fact)

    def _alarm_over(self, fact: AlarmEnded) -> None:
        if self._alarms.pop(fact.alarm.id, None) is not None:
            for page in tuple(self._pages):
                page.alarm_over(fact.alarm)

    def _alarm_seen(self, fact: AlarmAcknowledged) -> None:
        before = self._alarms.get(fact.alarm.id)
        if before is not None:
            self._alarms[fact.alarm.id] = AlarmTriggered(before.id, fact.alarm, before.trigger)
        for page in tuple(self._pages):
            page.alarm_seen(fact.alarm)

    def _met(self, fact: RuleMet) -> None:
        for page in tuple(self._pages):
            page.exception(fact.exception)

    def _of(self, uids: Iterable[int]) -> list[LivePage]:
        wanted = set(uids)
        return [page for page in self._pages if not wanted.isdisjoint(page.uids)]

    def _setting(self, fact: SettingChanged) -> None:
        if fact.kind == "camera":
            self._run(self._review())
        elif fact.kind in ("user", "profile"):
            for page in tuple(self._pages):
                self.check(page)

    async def _review(self) -> None:
        try:
            await self.directory.refresh()
        except DatabaseUnavailable:  # when it is back, everything is announced anew
            return
        for page in tuple(self._pages):
            page.review(page.user)
            page.settings()

    def _run(self, work: Any) -> None:
        defer.Deferred.fromCoroutine(work).addErrback(
            lambda failure: self.log.failure("a live page could not be kept up to date", failure)
        )


def may_open(user: User) -> bool:
    """Whether a page of `user` has something to hear: who shows no cameras still reads what tills say."""
    return any(user.may(right) for right in READERS)


class _Opening:
    """What Twisted asks for the protocol of a socket that has been let in."""

    def __init__(self, socket: LiveSocket, visit: Visit) -> None:
        self._socket = socket
        self._visit = visit

    def buildProtocol(self, request: Request) -> LivePage:
        """The page's end."""
        return LivePage(self._socket, self._visit, request.channel)
