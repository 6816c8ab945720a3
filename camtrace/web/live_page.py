"""The server's end of one page's live socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from camtrace import clock
from camtrace.events import AlarmTriggered, LineReceived
from camtrace.i18n import DEFAULT_LANGUAGE, LANGUAGES
from camtrace.metrics import Metrics
from camtrace.model import Alarm, Camera, CameraState, Line, RuleException, Ticket, User
from camtrace.web.access import Visit
from camtrace.web.answers import to_json
from camtrace.web.api.shapes import alarm_shape, exception_shape, line_shape, state_shape, tally_shape, ticket_shape
from camtrace.web.outbox import INIT, JPEG, KEY, Outbox, media_message
from camtrace.web.ports import CameraDirectory, Live, Offset, Screens, SubStreams

VERSION = 1
MESSAGE_LIMIT = 64 << 10
MOST_CHANNELS = 64
PING_SECONDS = 20
SILENCE_SECONDS = 60
CLOSE_SECONDS = 5
GOING_AWAY, NOT_ALLOWED, TOO_SLOW, SESSION_ENDED = 1001, 1008, 1013, 4401


class Surroundings(Protocol):
    """What a page's end needs of the socket's owner."""

    reactor: Any
    directory: CameraDirectory
    offset: Offset
    live: Live
    sub_streams: SubStreams
    screens: Screens
    metrics: Metrics
    silent_since: Callable[[str], datetime | None]
    settings: Callable[[str], Mapping[str, Any]]
    kept_days: Callable[[], Mapping[str, Any]]

    def opened(self, page: LivePage) -> None: ...
    def closed(self, page: LivePage) -> None: ...
    def check(self, page: LivePage) -> None: ...


class Refusal(Exception):
    """A message of the page that cannot be followed. `code` names it for the script."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Channel:
    """One camera shown on a page. Receives what the camera sends."""

    def __init__(self, page: LivePage, number: int, camera: Camera, lines: bool) -> None:
        self._page = page
        self.number = number
        self.camera = camera
        self.lines = lines  # whether what its tills say is wanted
        self._picture = 0
        self.stop: Callable[[], None] = lambda: None

    def live_started(self, mime: str, init: bytes, note: str) -> None:
        self._picture = JPEG if mime == "image/jpeg" else 0
        self._page.tell({"is": "media", "channel": self.number, "mime": mime, "note": note})
        if init:
            self._page.outbox.init(media_message(self.number, INIT, 0, init))

    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None:
        flags = (KEY if key else 0) | self._picture
        self._page.outbox.fragment(self.number, media_message(self.number, flags, at_us, data), key)

    def live_ended(self, reason: str) -> None:
        self._page.tell({"is": "ended", "channel": self.number, "reason": reason})


@implementer(IPushProducer)
class LivePage:
    """One open socket: follows the page's wishes and sends it what happens on the cameras it shows."""

    log = Logger()

    def __init__(self, around: Surroundings, visit: Visit, http: Any) -> None:
        self.visit = visit
        self.user = visit.user
        self.outbox = Outbox(self._send, self._dropped, self._too_slow)
        self._around = around
        self._http = http
        self._heard = around.reactor.seconds()
        self._unfinished = 0
        self._channels: dict[int, _Channel] = {}
        self._language = ""  # of the settings that the page follows; "" while it does not
        self._settings: dict[str, Any] = {}  # as the page was told
        self._transport: Any = None
        self._open = False
        self._timer: Any = None

    @property
    def uids(self) -> set[int]:
        """The uids of the cameras the page shows."""
        return {channel.camera.uid for channel in self._channels.values()}

    # ── what Twisted calls ──

    def negotiationStarted(self, transport: Any) -> None:
        self._transport = transport

    def negotiationFinished(self) -> None:
        # the HTTP channel stays registered as producer after the upgrade, and a transport takes one only
        self._http.transport.unregisterProducer()
        self._transport.attachProducer(self)
        self._http.dataReceived = self._bytes_received
        self._open = True
        self._timer = self._around.reactor.callLater(PING_SECONDS, self._tick)
        self._around.opened(self)
        self.tell({"is": "hello", "version": VERSION, "at_us": clock.now_us()})

    def textMessageReceived(self, message: str) -> None:
        self._unfinished = 0
        wish: Any = None
        try:
            wish = json.loads(message)
            self._follow(wish)
        except Refusal as error:
            channel = wish.get("channel") if isinstance(wish.get("channel"), int) else None
            self.tell({"is": "problem", "channel": channel, "code": error.code, "message": str(error)})
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            self.close(NOT_ALLOWED)

    def bytesMessageReceived(self, data: bytes | bytearray) -> None:
        self.close(NOT_ALLOWED)

    def pongReceived(self, payload: bytes) -> None:
        self._unfinished = 0

    def connectionLost(self, reason: Failure) -> None:
        self._open = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        for number in tuple(self._channels):
            self._leave(number)
        self._around.closed(self)

    def pauseProducing(self) -> None:
        self.outbox.pause()

    def resumeProducing(self) -> None:
        self.outbox.resume()

    def stopProducing(self) -> None:
        self.outbox.pause()

    # ── what happens elsewhere ──

    def line(self, fact: LineReceived) -> None:
        """A line that one of the page's cameras watched."""
        shown = {channel.camera.uid: channel.camera.id for channel in self._channels.values() if channel.lines}
        cameras = sorted({shown[uid] for uid in fact.line.cameras if uid in shown})
        if not cameras:
            return
        line = self._line(fact.line)
        self.tell({"is": "line", "cameras": cameras, "line": line, **self._sale(fact.line.source, fact.ticket)})

    def screen(self, source: str) -> None:
        """What stands on the screen of `source` is another without a line that came."""
        for channel in self._channels.values():
            if channel.lines and source in channel.camera.overlay_ids:
                self._show(channel, source)

    def state(self, state: CameraState) -> None:
        """One of the page's cameras has another state."""
        camera = self._around.directory.by_uid(state.camera_uid)
        if camera is not None:
            self.tell({"is": "state", "camera": camera.id, **state_shape(state)})

    def silence(self, source: str, since: datetime | None) -> None:
        """A till that one of the page's cameras watches is silent though it should speak; or, None, not any more."""
        for channel in self._channels.values():
            if source in channel.camera.overlay_ids:
                self.tell({"is": "silence", "channel": channel.number, "source": source, "since": since})

    def alarm(self, fact: AlarmTriggered) -> None:
        """An alarm began on some camera."""
        if self._sees(fact.alarm):
            self.tell({"is": "alarm", "alarm": alarm_shape(fact.alarm, [fact.trigger], self._around.directory)})

    def alarm_over(self, alarm: Alarm) -> None:
        """An alarm's time is over."""
        camera = self._around.directory.by_uid(alarm.camera_uid)
        if camera is not None and self._sees(alarm):
            self.tell({"is": "alarm_over", "id": str(alarm.id), "camera": camera.id})

    def alarm_seen(self, alarm: Alarm) -> None:
        """Somebody said that an alarm was seen."""
        if self._sees(alarm):
            self.tell({"is": "alarm_seen", "id": str(alarm.id), "by": alarm.acknowledged_by})

    def exception(self, exception: RuleException) -> None:
        """A rule was met: where its cameras are seen, by who may see exceptions."""
        seen = [uid for uid in exception.cameras if self.user.may_see(uid)]
        if self.user.may("exceptions") and (seen or self.user.profile.cameras is None):
            shape = exception_shape(exception, self.user, self._around.directory, self._around.offset)
            self.tell({"is": "exception", "exception": shape})

    def settings(self) -> None:
        """What is set for tills or events, a camera's name, or how long something is kept, for who may set that, may be
        another: tell what the page does not know."""
        if not self._language:
            return
        present = {**self._around.settings(self._language), "cameras": self._camera_names()}
        if self.user.may("settings"):
            present["kept"] = dict(self._around.kept_days())
        changed = {name: value for name, value in present.items() if self._settings.get(name) != value}
        self._settings = present
        if changed:
            self.tell({"is": "settings", **changed})

    def _camera_names(self) -> dict[int, str]:
        """What the cameras that the page's user may see are called, by number."""
        return {camera.id: camera.name for camera in self._around.directory.all() if self.user.may_see(camera.uid)}

    def source(self, source: str) -> None:
        """A source was heard for the first time, fell silent or speaks again: for who sets tills up."""
        if self._language and self.user.may("settings"):
            self.tell({"is": "source", "source": source})

    def _sees(self, alarm: Alarm) -> bool:
        exists = self._around.directory.by_uid(alarm.camera_uid) is not None
        return exists and self.user.may("live") and self.user.may_see(alarm.camera_uid)

    def review(self, user: User) -> None:
        """Cameras or the user's rights may have changed: end what is no more, tell of other sources."""
        self.user = user
        for number, channel in tuple(self._channels.items()):
            camera = self._around.directory.by_uid(channel.camera.uid)
            if camera is None or not user.may_see(camera.uid):
                self._leave(number)
                self.tell({"is": "ended", "channel": number, "reason": "gone"})
            elif (camera.id, camera.overlay_ids) != (channel.camera.id, channel.camera.overlay_ids):
                channel.camera = camera
                self._introduce(channel)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a JSON message."""
        if self._open:
            self.outbox.text(to_json(message))

    def close(self, code: int) -> None:
        """Say goodbye; a page that does not hear it is cut off."""
        if not self._open:
            return
        self._open = False
        for number in tuple(self._channels):
            self._leave(number)
        self._timer.cancel()
        self._timer = self._around.reactor.callLater(CLOSE_SECONDS, self._http.transport.abortConnection)
        self._transport.detachProducer()
        self._transport.loseConnection(code)

    # ── the page's wishes ──

    def _follow(self, wish: dict[str, Any]) -> None:
        match wish["do"]:
            case "watch":
                self._watch(wish)
            case "leave":
                self._leave(_channel_number(wish))
            case "clock":
                self.tell({"is": "clock", "sent": _number(wish.get("sent")), "at_us": clock.now_us()})
            case "settings":
                self._follow_settings(wish)
            case other:
                raise Refusal("unknown", f"this server knows no {str(other)[:40]!r}")

    def _follow_settings(self, wish: dict[str, Any]) -> None:
        language = wish.get("language", DEFAULT_LANGUAGE)
        if language not in LANGUAGES:
            raise Refusal("invalid", f"language must be one of {', '.join(LANGUAGES)}")
        self._language, self._settings = language, {}
        self.settings()

    def _watch(self, wish: dict[str, Any]) -> None:
        number, camera_id, pictures = _channel_number(wish), wish["camera"], _pictures(wish)
        self._leave(number)
        if len(self._channels) >= MOST_CHANNELS:
            raise Refusal("too_many", f"a page shows {MOST_CHANNELS} cameras at most")
        camera = self._around.directory.by_id(camera_id) if type(camera_id) is int else None
        if camera is None or not self.user.may("live") or not self.user.may_see(camera.uid):
            raise Refusal("not_found", "there is no such camera")
        channel = self._channels[number] = _Channel(self, number, camera, wish.get("lines", True) is not False)
        self._introduce(channel)
        if pictures:
            source = self._around.sub_streams if pictures == "sub" else self._around.live
            channel.stop = source.watch(camera.uid, channel, wish.get("stills", False) is True)

    def _introduce(self, channel: _Channel) -> None:
        camera = channel.camera
        sources = list(camera.overlay_ids)
        self.tell({"is": "watching", "channel": channel.number, "camera": camera.id, "sources": sources})
        self.state(self._around.directory.state(camera.uid))
        for source in sources if channel.lines else ():
            self._show(channel, source)
            since = self._around.silent_since(source)
            if since is not None:
                self.tell({"is": "silence", "channel": channel.number, "source": source, "since": since})

    def _show(self, channel: _Channel, source: str) -> None:
        shown = self._around.screens.on_screen(source)
        lines = [self._line(line) for line in (shown.lines if shown else ())]
        sale = self._sale(source, shown.ticket if shown else None)
        self.tell({"is": "screen", "channel": channel.number, "source": source, "lines": lines, **sale})

    def _line(self, line: Line) -> dict[str, Any]:
        return line_shape(line, self.user, self._around.directory, self._around.offset)

    def _sale(self, source: str, ticket: Ticket | None) -> dict[str, Any]:
        """A ticket and what stands on its screen comes to; both None where there is none."""
        shown = self._around.screens.on_screen(source)
        same = ticket is not None and shown is not None and shown.ticket.id == ticket.id
        return {
            "ticket": ticket and ticket_shape(ticket),
            "tally": tally_shape(shown.tally) if same and shown else None,
        }

    def _leave(self, number: int) -> None:
        channel = self._channels.pop(number, None)
        if channel is not None:
            channel.stop()
            self.outbox.forget(number)

    # ── the wire ──

    def _send(self, content: str | bytes) -> None:
        if not self._open:
            return
        try:
            if isinstance(content, str):
                self._transport.sendTextMessage(content)
            else:
                self._transport.sendBytesMessage(content)
        except Exception as error:  # the browser has said goodbye, and its connection is not down yet
            self._cut_off("takes nothing more", error)

    def _bytes_received(self, data: bytes) -> None:
        self._heard = self._around.reactor.seconds()
        self._unfinished += len(data)
        if not self._open:
            self._unfinished = 0  # only the goodbye is still of interest
        elif self._unfinished > MESSAGE_LIMIT:
            self.close(NOT_ALLOWED)
            return
        try:
            self._transport.dataReceived(data)
        except Exception as error:  # bytes that are no WebSocket's
            self._cut_off("broke the WebSocket protocol", error)

    def _cut_off(self, why: str, error: Exception) -> None:
        """End it. Of the error only the kind is told: its text holds what could not be sent, a whole picture even."""
        if self._open:
            kind = type(error).__name__
            self.log.debug("the live page of {peer} {why} ({kind})", peer=self.visit.peer, why=why, kind=kind)
        self._open = False
        self._http.transport.abortConnection()

    def _tick(self) -> None:
        if self._around.reactor.seconds() - self._heard > SILENCE_SECONDS:
            self._http.transport.abortConnection()
            return
        self._timer = self._around.reactor.callLater(PING_SECONDS, self._tick)
        self._transport.ping()
        self._around.check(self)

    def _dropped(self, number: int, count: int) -> None:
        channel = self._channels.get(number)
        if channel is not None:
            self._around.metrics.add("camtrace_web_live_dropped_total", count, camera=channel.camera.id)
            self.tell({"is": "dropped", "channel": number, "count": count})

    def _too_slow(self) -> None:
        self.close(TOO_SLOW)


def _channel_number(wish: dict[str, Any]) -> int:
    number = wish["channel"]
    if type(number) is not int or not 0 <= number <= 65535:
        raise Refusal("invalid", "channel must be a whole number from 0 to 65535")
    return number


def _pictures(wish: dict[str, Any]) -> str:
    """The stream whose pictures are wanted, "main" or "sub"; "" for none."""
    stream = wish.get("stream", "main")
    if stream not in ("main", "sub"):
        raise Refusal("invalid", "stream must be main or sub")
    return "" if wish.get("media", True) is False else str(stream)


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
