"""The UDP port: datagrams in, nothing out. What one turn of the reactor brings is taken together.

Reading goes before understanding: what has arrived waits here, where there is more room than in the kernel and each
sender has its turn, and not behind that: no more is understood than the intake keeps up with.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from twisted.internet import defer, protocol, task

from camtrace import clock
from camtrace.prisma.queues import FairQueue
from camtrace.prisma.service import Datagram
from camtrace.prisma.wire import clip
from camtrace.turns import CROWDED_SECONDS

RECEIVE_BYTES = 16 << 20  # asked of the kernel, which gives what it is allowed to
MAX_DATAGRAM = 16_384
READ_BYTES = 4 << 20  # in one turn of the reactor, 0.2 s of small ones: what the kernel holds has no turns by sender
AT_ONCE = 150  # packets that are understood in one turn, 6 ms: the port and the database have theirs, too
MOST_WAITING = 200_000  # packets that wait, of all senders
WATCH_SECONDS = 30.0  # between two looks at what the kernel dropped
LAST_PATIENCE_SECONDS = 1.0  # for what was received to become durable; the intake goes on when it takes longer
_FORCED = 33  # SO_RCVBUFFORCE of Linux: beyond net.core.rmem_max, for root
_PARTS = re.compile(r"(?<!\\):")


class Receiver(Protocol):
    """Who takes the datagrams: `service.EventSources`."""

    @property
    def is_crowded(self) -> bool: ...

    def received(self, datagrams: Sequence[Datagram]) -> defer.Deferred[None]: ...
    def dropped(self, endpoint: str, count: int) -> None: ...
    def crowded(self, peer: str, count: int) -> None: ...


class EventPort(protocol.DatagramProtocol):
    """The listener of one address, as `doors.Doors` wants one."""

    def __init__(
        self,
        reactor: Any,
        receiver: Receiver,
        endpoint: str,
        now: Callable[[], datetime] = clock.now,
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._reactor = reactor
        self._receiver = receiver
        self._endpoint = endpoint
        self._now = now
        self._seconds = seconds
        self._arrived = FairQueue(MOST_WAITING)
        self._call: Any = None
        self._under_way = 0
        self._durable: defer.Deferred[None] | None = None
        self._socket: socket.socket | None = None
        self._dropped = 0
        self._watching = task.LoopingCall(self._watch)
        self._watching.clock = reactor

    def bind(self) -> Any:
        """Bind the port; what is sent waits in the kernel until it is read. Raises CannotListenError."""
        number, interface = where(self._endpoint)
        port = self._reactor.listenUDP(number, self, interface=interface, maxPacketSize=MAX_DATAGRAM)
        port.maxThroughput = READ_BYTES
        self._socket = port.socket
        widen(port.socket)
        self._watching.start(WATCH_SECONDS, now=False)
        return port

    async def leave(self) -> None:
        """Returns when what has arrived is durable; a database that does not answer is not waited for."""
        patience = self._seconds() + LAST_PATIENCE_SECONDS
        while self._arrived and self._seconds() < patience:
            self._flush()
        if self._watching.running:
            self._watching.stop()
            self._watch()
        if self._under_way:
            waiting = self._durable = defer.Deferred()
            waiting.addTimeout(LAST_PATIENCE_SECONDS, self._reactor, lambda result, _: None)
            await waiting

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        dropped = self._arrived.append(Datagram(clip(datagram), addr[0], self._now(), self._seconds()))
        for peer, count in dropped.items():
            self._receiver.crowded(peer, count)
        if self._call is None:
            self._call_next()

    def lost(self) -> int:
        """How many datagrams the kernel dropped because they were not read fast enough; 0 where it does not say."""
        return drops(self._socket) if self._socket is not None else 0

    def _watch(self) -> None:
        """Tell what the kernel has dropped since the last look."""
        dropped = self.lost()
        if dropped > self._dropped:
            self._receiver.dropped(self._endpoint, dropped)
        self._dropped = dropped

    def _call_next(self) -> None:
        self._call = self._reactor.callLater(CROWDED_SECONDS if self._receiver.is_crowded else 0, self._turn)

    def _turn(self) -> None:
        self._call = None
        if not self._receiver.is_crowded:
            self._flush()
        if self._arrived:
            self._call_next()

    def _flush(self) -> None:
        arrived = self._arrived.take(AT_ONCE)
        if arrived:
            self._under_way += 1
            self._receiver.received(arrived).addBoth(self._became_durable)

    def _became_durable(self, result: object) -> None:
        self._under_way -= 1
        if not self._under_way and self._durable is not None:
            waiting, self._durable = self._durable, None
            waiting.callback(None)


def where(endpoint: str) -> tuple[int, str]:
    """Port and interface of `udp:PORT[:interface=ADDRESS]`."""
    _, *parts = _PARTS.split(endpoint)
    interface = next((part.partition("=")[2] for part in parts if part.startswith("interface=")), "")
    port = next(part.removeprefix("port=") for part in parts if not part.startswith("interface="))
    return int(port), interface.replace("\\", "")


def widen(bound: socket.socket) -> int:
    """Ask for a long queue in the kernel; answers how many bytes it gave."""
    with suppress(OSError):
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    if hasattr(socket, "SO_PASSCRED"):  # Linux
        with suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, _FORCED, RECEIVE_BYTES)
    return bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def drops(bound: socket.socket) -> int:
    """The kernel's count of datagrams it dropped for this socket: the last column of /proc/net/udp (Linux)."""
    try:
        inode = re.search(r"\[(\d+)\]", str(Path(f"/proc/self/fd/{bound.fileno()}").readlink()))
        rows = Path("/proc/net/udp6" if bound.family == socket.AF_INET6 else "/proc/net/udp").read_text().splitlines()
    except (OSError, ValueError):
        return 0
    for row in rows[1:]:
        columns = row.split()
        if inode and len(columns) > 12 and columns[9] == inode[1]:
            return int(columns[12])
    return 0
