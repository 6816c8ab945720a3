"""The RTSP server: its connections, its sessions, and their common end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from twisted.application.service import Service
from twisted.internet import defer, task
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import CamTraceError
from camtrace.events import SettingChanged
from camtrace.rtsp.access import Access
from camtrace.rtsp.delivery import Pipe, UdpPorts
from camtrace.rtsp.dialogue import Dialogue, Ends, Means, allowed
from camtrace.rtsp.pacer import Pacer
from camtrace.rtsp.playback import Playback
from camtrace.rtsp.ports import CameraDirectory, Counters, Footage, Gate, Live, Note, SubStreams
from camtrace.rtsp.protocol import RtspProtocol

MOST_SESSIONS = 1000
MOST_CONNECTIONS = 2000
NOTE_SECONDS = 3600
REVIEW_SECONDS = 20  # how often it is looked whether players may still see what they play; at once when people change
STOP_SECONDS = 2.0  # what clients get to take the last bytes when the server stops


class Sessions:
    """The sessions by name; those whose client is silent for too long are closed.

    What fails in ending one is logged and keeps none of the others.
    """

    log = Logger()

    def __init__(self, most: int = MOST_SESSIONS) -> None:
        self._most = most
        self._playbacks: dict[str, Playback] = {}

    def __len__(self) -> int:
        return len(self._playbacks)

    def all(self) -> list[Playback]:
        """Every session."""
        return list(self._playbacks.values())

    def get(self, id: str) -> Playback | None:
        """The session of that name; None when there is none (any more)."""
        return self._playbacks.get(id)

    def add(self, playback: Playback) -> bool:
        """Take a new session in; False when there are as many as there may be."""
        if len(self._playbacks) >= self._most:
            return False
        self._playbacks[playback.session.id] = playback
        return True

    def drop(self, playback: Playback, bye: bool = True) -> None:
        """End a session and forget it."""
        self._playbacks.pop(playback.session.id, None)
        try:
            playback.close(bye)
        except Exception:
            self.log.failure("session {id} did not end cleanly", id=playback.session.id)

    def sweep(self) -> list[Playback]:
        """End the expired ones; answers which."""
        expired = [playback for playback in self._playbacks.values() if self._expired(playback)]
        for playback in expired:
            self.drop(playback)
        return expired

    def _expired(self, playback: Playback) -> bool:
        try:
            return playback.expired()
        except Exception:
            self.log.failure("session {id} does not know whether it is over: it ends", id=playback.session.id)
            return True

    def close(self) -> None:
        """End all of them with BYE."""
        for playback in self.all():
            self.drop(playback)


class RtspService(Service, Factory):
    """Serves players. It is the factory to listen with; the endpoint is opened and closed by whoever wires it.

    Stopping it ends every session with BYE and closes every connection, within STOP_SECONDS.
    """

    log = Logger()
    noisy = False

    def __init__(
        self,
        reactor: Any,
        footage: Footage,
        live: Live,
        sub_streams: SubStreams,
        cameras: CameraDirectory,
        gate: Gate,
        counters: Counters,
        note: Note,
        *,
        anonymous: bool = False,
        udp_ports: tuple[int, int] | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        """`udp_ports`: the first and last UDP port to send from, None for any."""
        self._reactor = reactor
        self._note = note
        self._noted: dict[tuple[str, int | None], float] = {}
        self.sessions = Sessions()
        self._pacer = Pacer(reactor)
        self._connections: set[RtspProtocol] = set()
        self._means = Means(
            footage=footage,
            live=live,
            sub_streams=sub_streams,
            cameras=cameras,
            access=Access(gate, anonymous),
            pacer=self._pacer,
            udp=UdpPorts(reactor, udp_ports),
            sessions=self.sessions,
            counters=counters,
            note=self._note_rarely,
            now=now,
        )
        self._gate = gate
        self._reviewed_at = 0.0
        self._sweeping = task.LoopingCall(self._sweep)
        self._sweeping.clock = reactor
        self._emptied: defer.Deferred[None] | None = None
        counters.gauge("camtrace_rtsp_sessions", self._figures)

    def buildProtocol(self, addr: IAddress | None) -> RtspProtocol | None:
        if len(self._connections) >= MOST_CONNECTIONS or self._emptied is not None:
            return None
        connection = RtspProtocol(self._converse, self._gone, self._reactor)
        self._connections.add(connection)
        return connection

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._sweeping.start(1.0, now=False).addErrback(self._failed)

    def setting_changed(self, fact: SettingChanged) -> None:
        """Users or profiles were changed: who may not see any more what they play stops seeing it."""
        if fact.kind in ("user", "profile"):
            self._review_soon()

    def _review_soon(self) -> None:
        self._reviewed_at = self._pacer.seconds()
        defer.Deferred.fromCoroutine(self._review()).addErrback(self._failed)

    async def _review(self) -> None:
        """End the sessions of users who are gone, locked, or may not see any more what they play."""
        for name in {playback.user for playback in self.sessions.all() if playback.user}:
            try:
                user = await self._gate.user(name)
            except CamTraceError as error:  # the database is away: what was allowed stays so until the next look
                self.log.debug("the players' users could not be looked at: {error}", error=error)
                return
            for playback in [one for one in self.sessions.all() if one.user == name]:
                shown = playback.presentation
                if user is None or not allowed(user, shown.target, shown.camera):
                    self.sessions.drop(playback)
        for connection in list(self._connections):
            self._close_if_over(connection)

    async def _stop(self) -> None:
        self.sessions.close()
        for connection in list(self._connections):
            connection.close()
        if self._connections:
            self._emptied = defer.Deferred()
            self._emptied.addTimeout(STOP_SECONDS, self._reactor, lambda result, _: None)
            await self._emptied
        for connection in list(self._connections):
            connection.abort()
        self._pacer.stop()
        self._means.udp.stop()

    def stopService(self) -> defer.Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]
        if self._sweeping.running:
            self._sweeping.stop()
        return defer.Deferred.fromCoroutine(self._stop())

    def _note_rarely(
        self, kind: str, text: str, values: dict[str, str | int | float], camera_uid: int | None = None
    ) -> None:
        """Write into the journal, the same of one camera once an hour: players try again and again."""
        last = self._noted.get((text, camera_uid))
        if last is None or self._pacer.seconds() - last >= NOTE_SECONDS:
            self._noted[text, camera_uid] = self._pacer.seconds()
            self._note(kind, text, values, camera_uid)

    def _converse(self, ends: Ends, pipe: Pipe) -> Dialogue:
        return Dialogue(self._means, ends, pipe)

    def _gone(self, connection: RtspProtocol) -> None:
        self._connections.discard(connection)
        if not self._connections and self._emptied is not None and not self._emptied.called:
            self._emptied.callback(None)

    def _sweep(self) -> None:
        """Once a second: close what is over, and the connections that only served it."""
        if self._pacer.seconds() - self._reviewed_at >= REVIEW_SECONDS:
            self._review_soon()
        for playback in self.sessions.sweep():
            self.log.debug("session {id} is over", id=playback.session.id)
        for connection in list(self._connections):
            try:
                self._close_if_over(connection)
            except Exception:  # it would end the watching over all others
                self.log.failure("a connection without a session could not be closed")

    def _close_if_over(self, connection: RtspProtocol) -> None:
        dialogue = getattr(connection, "dialogue", None)
        if dialogue is not None and dialogue.playbacks and all(playback.closed for playback in dialogue.playbacks):
            connection.close()

    def _figures(self) -> Iterable[tuple[Mapping[str, str], float]]:
        return [({}, len(self.sessions))]

    def _failed(self, failure: Any) -> None:
        self.log.failure("watching over the RTSP sessions failed", failure)
