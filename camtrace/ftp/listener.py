"""The FTP door, as `doors.Doors` wants one: bound at once, served later, in a lane of its own."""

from __future__ import annotations

import re
import socket
from functools import partial
from typing import Any

from twisted.internet import defer
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.logger import Logger

from camtrace.config import Ftp
from camtrace.ftp.messages import Arrival, Fault
from camtrace.ftp.server import Limits, Loop, Server
from camtrace.ftp.service import FtpReceiver
from camtrace.pools import Inbox, Lane, Pools

BACKLOG = 128
ARRIVALS = 16  # on their way to the reactor; more wait in the thread, within its memory
FAULTS = 1000  # the same; more are dropped and counted
LAST_PATIENCE_SECONDS = 0.7  # for alarms to become durable; the intake goes on when it takes longer
_PARTS = re.compile(r"(?<!\\):")


class FtpListener:
    """The listening socket and the thread behind it."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        pools: Pools,
        endpoint: str,
        settings: Ftp,
        receiver: FtpReceiver,
        limits: Limits | None = None,
    ) -> None:
        self._reactor = reactor
        self._pools = pools
        self._endpoint = endpoint
        self._settings = settings
        self._receiver = receiver
        self._limits = limits or Limits()
        self._socket: socket.socket | None = None
        self._lane: Lane | None = None
        self._loop: Loop | None = None
        self._faults: Inbox[Fault] = pools.inbox(receiver.complain, FAULTS)
        self._arrivals: Inbox[Arrival] = pools.inbox(receiver.received, ARRIVALS)

    @property
    def sessions(self) -> int:
        """Connections at this moment."""
        server = self._loop.server if self._loop is not None else None
        return len(server.sessions) if server is not None else 0

    # ── what Doors asks of a port ──

    def bind(self) -> FtpListener:
        """Bind the socket; who connects waits. Raises OSError."""
        port, interface = where(self._endpoint)
        found = socket.getaddrinfo(interface or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
        bound.setblocking(False)
        self._socket = bound
        return self

    def getHost(self) -> IPv4Address | IPv6Address:
        """Where it listens."""
        assert self._socket is not None
        host, port = self._socket.getsockname()[:2]
        return (IPv6Address if self._socket.family == socket.AF_INET6 else IPv4Address)("TCP", host, port)

    def stopReading(self) -> None:
        """Nothing: it accepts nobody before `startReading`, and then until it is closed."""

    def startReading(self) -> None:
        """Serve."""
        if self._lane is None and self._socket is not None:
            self._lane = self._pools.lane("ftp")
            self._loop = Loop(partial(self._make_server, self._socket), self._pools.answer)
            ended = self._lane.run(self._loop.run)
            ended.addErrback(lambda failure: self.log.failure("the FTP receiver has ended", failure))

    def stopListening(self) -> defer.Deferred[None]:
        """Accept nobody more; fires when the port is free."""
        bound, self._socket = self._socket, None
        closed: defer.Deferred[None] = defer.Deferred()
        if bound is None:
            return defer.succeed(None)
        if self._loop is None:
            bound.close()
            return defer.succeed(None)
        self._loop.call(self._loop.shut, closed.callback)
        return closed

    # ── the end ──

    async def leave(self) -> None:
        """End all sessions; returns when the alarms of all that came are durable, or do not become so for a while."""
        if self._loop is not None and self._lane is not None:
            self._loop.call(self._loop.leave, lambda _: None)
            await self._lane.stop()
            self._loop.dispose()
        settled = defer.Deferred.fromCoroutine(self._receiver.settled())
        await settled.addTimeout(LAST_PATIENCE_SECONDS, self._reactor, lambda result, _: None)

    def _make_server(self, listening: socket.socket, ioloop: Any) -> Server:
        return Server(
            listening,
            ioloop,
            self._settings,
            self._limits,
            self._arrivals.put,
            self._faults.put,
            lambda: self._receiver.is_crowded,
            BACKLOG,
        )


def where(endpoint: str) -> tuple[int, str]:
    """The port and the interface ("" for all) of `tcp:PORT[:interface=ADDRESS]`, which config.py has checked."""
    _, *parts = _PARTS.split(endpoint)
    port, interface = 0, ""
    for part in parts:
        name, _, value = part.replace("\\", "").partition("=")
        if name == "interface":
            interface = value
        else:
            port = int(value or name)
    return port, interface
