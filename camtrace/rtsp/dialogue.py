"""What each request of one connection means, and its answer."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from twisted.logger import Logger

from camtrace.errors import DatabaseUnavailable, Invalid, NotFound
from camtrace.model import Camera, Track, User
from camtrace.rtsp import rtp, sdp, urls, wire
from camtrace.rtsp.access import Access, Refusal
from camtrace.rtsp.delivery import Interleaved, Outlet, Pipe, UdpPorts
from camtrace.rtsp.pacer import Pacer
from camtrace.rtsp.playback import NotOffered, Playback, Presentation, carried, timeline_of
from camtrace.rtsp.player import Cursor
from camtrace.rtsp.ports import CameraDirectory, Counters, Footage, Live, Note, Reading, SubStreams
from camtrace.rtsp.session import TIMEOUT, NotNow
from camtrace.rtsp.wire import Request, Response

Then = Callable[[], None]
Answer = tuple[Response, Then | None]


class Sessions(Protocol):
    """The sessions of the whole server, by name."""

    def get(self, id: str) -> Playback | None: ...

    def add(self, playback: Playback) -> bool:
        """Take a new session in; False when the server has as many as it may."""

    def drop(self, playback: Playback, bye: bool = True) -> None: ...


@dataclass(frozen=True, slots=True)
class Means:
    """What every connection works with."""

    footage: Footage
    live: Live
    sub_streams: SubStreams
    cameras: CameraDirectory
    access: Access
    pacer: Pacer
    udp: UdpPorts
    sessions: Sessions
    counters: Counters
    note: Note
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Ends:
    """The two addresses of a connection: the client's host, and the one it reached us at."""

    peer: str
    host: str


def _nothing() -> None:
    """For an answer after which nothing is to be done."""


class Dialogue:
    """One client's conversation. It remembers the last DESCRIBE, for players that lose parts of their URL."""

    log = Logger()

    def __init__(self, means: Means, ends: Ends, pipe: Pipe) -> None:
        self._means = means
        self._ends = ends
        self._pipe = pipe
        self._nonce = secrets.token_hex(16)
        self._described: urls.Asked | None = None
        self._waiting: Presentation | None = None  # described, and claimed by no session yet
        self._methods: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "PAUSE": self._pause,
            "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._get_parameter,
            "SET_PARAMETER": self._set_parameter,
        }
        self.playbacks: list[Playback] = []
        self.closed = False

    # ── the two doors ──

    async def answer(self, request: Request) -> tuple[Response, Then]:
        """The answer to one request, and what to do once it is written. Never raises."""
        for playback in self.playbacks:
            playback.heard()
        try:
            response, then = await self._answer(request)
        except Refusal as error:
            response, then = Response(error.status, list(error.headers), reason=error.reason), None
        except NotNow as error:
            response, then = Response(455, [("Allow", ", ".join(error.allowed))]), None
        except Invalid as error:
            response, then = Response(400, reason=str(error)), None
        except NotFound as error:
            response, then = Response(404, reason=str(error)), None
        except DatabaseUnavailable:
            response, then = Response(503, reason="the database does not answer now"), None
        except Exception:
            self.log.failure("answering {method} failed", method=request.method)
            response, then = Response(500), None
        if response.status >= 400 and response.status != 401:
            self._means.counters.add("camtrace_rtsp_refusals_total", status=response.status)
        return response, then or _nothing

    def interleaved(self, frame: wire.Interleaved) -> None:
        """A `$` frame of the client: a receiver report, which tells that somebody is there."""
        for playback in self.playbacks:
            for outlet in playback.outlets():
                if isinstance(outlet, Interleaved) and frame.channel in outlet.channels:
                    self._reported(playback, frame.data)

    def close(self) -> None:
        """The connection is gone: so is what was sent through it. Sessions over UDP live on until they time out."""
        self.closed = True
        self._release()
        for playback in self.playbacks:
            playback.owner = None
            if any(isinstance(outlet, Interleaved) for outlet in playback.outlets()) or not playback.outlets():
                self._means.sessions.drop(playback, bye=False)

    # ── methods ──

    async def _answer(self, request: Request) -> Answer:
        if not request.version.startswith("RTSP/1."):
            raise Refusal(505)
        if not request.header("cseq"):
            raise Refusal(400, "the request has no CSeq")
        if (method := self._methods.get(request.method)) is None:
            raise Refusal(501, "", (("Public", ", ".join(wire.METHODS)),))
        if required := request.header("require"):
            raise Refusal(551, "", (("Unsupported", required),))
        return await method(request)

    async def _options(self, request: Request) -> Answer:
        return Response(200, [("Public", ", ".join(wire.METHODS))]), None

    async def _describe(self, request: Request) -> Answer:
        asked = urls.parse(request.url, self._means.now())
        target = asked.within(self._described)
        user = await self._user(request)
        presentation = await self._open(target, user)
        self._release()
        self._waiting = presentation
        self._described = urls.Asked(presentation.target, None, asked.text)
        version = int(self._means.now().timestamp())
        name = presentation.camera.name
        body = sdp.describe(presentation.tracks, self._ends.host, version, presentation.npt(), name)
        base = urls.base(request.url, presentation.target)
        return Response(200, [("Content-Base", base), ("Content-Type", "application/sdp")], body), None

    async def _setup(self, request: Request) -> Answer:
        offers = wire.parse_transport(request.header("transport"))
        if not offers:
            raise Refusal(461)
        user = await self._user(request)
        asked = urls.parse(request.url, self._means.now())
        playback = self._named(request, user) if wire.session_id(request) else await self._begin(asked, user)
        try:
            playback.session.check("SETUP")
            track = playback.track(asked.track)
            outlet, transport = self._outlet(playback, offers[0])
            feed = playback.set_up(track, outlet, request.url)
        except BaseException:
            if not playback.outlets():
                self._drop(playback)
            raise
        header = f"{transport};ssrc={feed.stream.ssrc:08X}"
        return Response(200, [("Transport", header), wire.session_header(playback.session.id, TIMEOUT)]), None

    async def _play(self, request: Request) -> Answer:
        playback = self._named(request, await self._user(request))
        wanted = None
        if text := request.header("range"):
            try:
                wanted = wire.parse_range(text)
            except ValueError as error:
                raise Refusal(457, str(error)) from error
        headers, then = await playback.play(wanted)
        if request.header("scale"):
            headers.append(("Scale", "1"))
        if request.header("speed"):
            headers.append(("Speed", "1"))
        return Response(200, [self._session(playback), *headers]), then

    async def _pause(self, request: Request) -> Answer:
        playback = self._named(request, await self._user(request))
        playback.pause()
        return Response(200, [self._session(playback)]), None

    async def _teardown(self, request: Request) -> Answer:
        playback = self._named(request, await self._user(request))
        self._drop(playback)
        return Response(200, [("Session", playback.session.id)]), None

    async def _get_parameter(self, request: Request) -> Answer:
        if not wire.session_id(request):
            return Response(), None
        playback = self._named(request, await self._user(request))
        names = request.body.decode("latin-1").split()
        if any(name != "position" for name in names):
            raise Refusal(451)
        body = f"position: npt={playback.npt():.3f}-\r\n".encode() if names else b""
        headers = [("Content-Type", "text/parameters")] if names else []
        return Response(200, [self._session(playback), *headers], body), None

    async def _set_parameter(self, request: Request) -> Answer:
        if request.body.strip():
            raise Refusal(451)
        return await self._get_parameter(request)

    # ── sessions ──

    def _session(self, playback: Playback) -> tuple[str, str]:
        return wire.session_header(playback.session.id, TIMEOUT)

    async def _user(self, request: Request) -> User | None:
        return await self._means.access.user(request, self._ends.peer, self._nonce)

    def _named(self, request: Request, user: User | None) -> Playback:
        """The session a request names, or the connection's only one. Raises Refusal."""
        name = wire.session_id(request)
        if not name and len(self.playbacks) == 1:
            name = self.playbacks[0].session.id
        playback = self._means.sessions.get(name)
        if playback is None or playback.user != (user.name if user else ""):
            raise Refusal(454)
        _allow(user, playback.presentation.target, playback.presentation.camera)
        playback.heard()
        return playback

    async def _begin(self, asked: urls.Asked, user: User | None) -> Playback:
        """A new session for a SETUP that names none."""
        target = asked.within(self._described)
        described, self._waiting = self._waiting, None
        if described is not None and target == described.target:
            _allow(user, target, described.camera)
            presentation = described
        else:
            if described is not None:
                described.cursor.close()
            presentation = await self._open(target, user)
        playback = Playback(presentation, self._means.pacer, user.name if user else "", self)
        try:
            self._start_over(playback, playback.track(asked.track))
            if self.closed or not self._means.sessions.add(playback):
                raise Refusal(453, "this server has as many players as it may")
        except Refusal:
            playback.close(bye=False)
            raise
        self.playbacks.append(playback)
        return playback

    def _start_over(self, playback: Playback, track: Track) -> None:
        """Drop what the same connection set up before for the same: its player begins anew (by TCP after UDP)."""
        for other in list(self.playbacks):
            same = other.presentation.target == playback.presentation.target
            if same and other.has(track):
                self._drop(other)

    def _drop(self, playback: Playback) -> None:
        self._means.sessions.drop(playback, bye=False)
        if playback in self.playbacks:
            self.playbacks.remove(playback)

    def _release(self) -> None:
        if self._waiting is not None:
            self._waiting.cursor.close()
            self._waiting = None

    # ── opening ──

    async def _open(self, target: urls.Target | None, user: User | None) -> Presentation:
        """Open what a URL asks for. Raises Refusal with the reason in words."""
        if target is None:
            raise Refusal(404, "the URL names no camera")
        camera = self._means.cameras.by_id(target.camera_id)
        if camera is None:
            raise Refusal(404, f"there is no camera {target.camera_id}")
        _allow(user, target, camera)
        if target.kind == "live":
            return await self._presentation(target, camera, await self._live(target, camera))
        period = target.period or urls.default_period(self._means.now())
        target = urls.Target(target.kind, target.camera_id, period)
        stop = period.stop or self._means.now()
        follow = period.stop is None
        reading = await self._means.footage.open(
            camera, target.kind, period.start, stop, keep_gaps=period.keep_gaps, follow=follow
        )
        if reading is None:
            raise Refusal(404, f"nothing is recorded of camera {camera.id} in this period")
        return await self._presentation(target, camera, reading)

    async def _live(self, target: urls.Target, camera: Camera) -> Reading:
        sub = target.stream == "sub"
        reading = await self._means.sub_streams.open(camera.uid) if sub else self._means.live.open(camera.uid)
        if reading is None:
            raise Refusal(503, f"camera {camera.id} gives no picture now")
        return reading

    async def _presentation(self, target: urls.Target, camera: Camera, reading: Reading) -> Presentation:
        cursor = Cursor(reading)
        try:
            tracks = await carried(cursor)
            spans = []
            if target.kind != "live" and reading.stop is not None:
                spans = await self._means.footage.spans(camera.uid, target.kind, reading.start, reading.stop)
            if self.closed:
                raise Refusal(503)
        except NotOffered as error:
            cursor.close()
            self._not_offered(camera, str(error))
            raise Refusal(415, str(error)) from error
        except BaseException:
            cursor.close()
            raise
        return Presentation(target, camera, cursor, tracks, timeline_of(reading, target, spans))

    def _not_offered(self, camera: Camera, reason: str) -> None:
        self.log.warn("camera {camera} cannot be played over RTSP: {reason}", camera=camera.id, reason=reason)
        values: dict[str, str | int | float] = {"number": camera.id, "name": camera.name, "reason": reason}
        self._means.note("system", "rtsp_not_offered", values, camera.uid)

    # ── transports ──

    def _outlet(self, playback: Playback, offer: wire.TransportOffer) -> tuple[Outlet, str]:
        """The road of one track, and the answer's Transport header so far. Raises Refusal (461)."""
        if offer.tcp:
            outlet = Interleaved(self._pipe, offer.ports or self._free_channels())
            return outlet, f"RTP/AVP/TCP;unicast;interleaved={outlet.channels[0]}-{outlet.channels[1]}"
        assert offer.ports is not None
        datagrams = self._means.udp.open(
            self._ends.host,
            self._ends.peer,
            offer.ports,
            lambda packet: self._reported(playback, packet),
            lambda: self._refused(playback),
        )
        if datagrams is None:
            raise Refusal(461, "no UDP port is free on the server")
        client, server = offer.ports, datagrams.ports
        ports = f"client_port={client[0]}-{client[1]};server_port={server[0]}-{server[1]}"
        return datagrams, f"RTP/AVP;unicast;{ports};source={self._ends.host}"

    def _free_channels(self) -> tuple[int, int]:
        taken = {
            channel
            for playback in self.playbacks
            for outlet in playback.outlets()
            if isinstance(outlet, Interleaved)
            for channel in outlet.channels
        }
        first = next(first for first in range(0, 256, 2) if not taken & {first, first + 1} or first == 254)
        return first, first + 1

    def _reported(self, playback: Playback, packet: bytes) -> None:
        if rtp.parse_reports(packet) is not None:
            playback.heard()

    def _refused(self, playback: Playback) -> None:
        """Nothing listens at the client's port; without a connection either, nobody is there."""
        if playback.owner is None:
            self._means.sessions.drop(playback, bye=False)


def allowed(user: User, target: urls.Target, camera: Camera) -> bool:
    """Whether the user may see it."""
    return user.may("live" if target.kind == "live" else "replay") and user.may_see(camera.uid)


def _allow(user: User | None, target: urls.Target, camera: Camera) -> None:
    """Raise Refusal (403) unless the user may see it; without a user the server is open to all."""
    if user is not None and not allowed(user, target, camera):
        raise Refusal(403, f"{user.name} may not see this")
