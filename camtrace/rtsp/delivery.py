"""How packets reach a player: inside its RTSP connection, or as datagrams from a pair of ports."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from twisted.internet import error
from twisted.internet.protocol import DatagramProtocol

from camtrace.rtsp import rtp

_SEGMENT = (socket.IPPROTO_UDP, 103)  # UDP_SEGMENT of <linux/udp.h>
_RUN = 40  # packets a call may cut: 64 kB in all
LINGER_SECONDS = 1.0  # an RTCP port outlives its session: a player's last report must not be refused


class Outlet(Protocol):
    """Takes one track's packets. `largest` is the biggest RTP payload it carries, in bytes; `lossy`: some go astray."""

    largest: int
    lossy: bool

    @property
    def blocked(self) -> bool:
        """Whether the client takes no more at present."""

    def send(self, stream: rtp.Stream, pieces: list[rtp.Piece], timestamp: int) -> None:
        """One picture or sound frame; it may wait for `flush`."""

    def control(self, packet: bytes) -> None:
        """One compound RTCP packet, in order with what was sent before."""

    def flush(self) -> None:
        """Hand over what waits."""

    def close(self) -> None:
        """Give ports back."""


class Pipe:
    """The RTSP connection as the road of all packets of its sessions: one write a turn, however many packets."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self.waiting: list[bytes | memoryview] = []
        self.blocked = False

    def flush(self) -> None:
        """Write what waits as one piece."""
        if self.waiting:
            data = b"".join(self.waiting)
            self.waiting.clear()
            self._write(data)


class Interleaved:
    """One track inside the RTSP connection, on a pair of channels (RFC 2326 section 10.12)."""

    largest = rtp.TCP_PAYLOAD
    lossy = False

    def __init__(self, pipe: Pipe, channels: tuple[int, int]) -> None:
        self._pipe = pipe
        self.channels = channels

    @property
    def blocked(self) -> bool:
        """Whether the connection's buffer is full."""
        return self._pipe.blocked

    def send(self, stream: rtp.Stream, pieces: list[rtp.Piece], timestamp: int) -> None:
        """Queue the packets of one frame."""
        stream.interleaved(pieces, timestamp, self.channels[0], self._pipe.waiting)

    def control(self, packet: bytes) -> None:
        """Queue one RTCP packet."""
        self._pipe.waiting.append(rtp.framed(self.channels[1], packet))

    def flush(self) -> None:
        """Write what waits, of all tracks of the connection."""
        self._pipe.flush()

    def close(self) -> None:
        """Nothing to give back."""


class _Data(DatagramProtocol):
    """The RTP port, connected to the client's, so that sending learns when nothing listens there."""

    noisy = False

    def __init__(self, peer: tuple[str, int], refused: Callable[[], None]) -> None:
        self._peer = peer
        self._refused = refused

    def startProtocol(self) -> None:
        if self.transport is not None:
            self.transport.connect(*self._peer)

    def connectionRefused(self) -> None:
        self._refused()


class _Control(DatagramProtocol):
    """The RTCP port: what does not come from the client's is not heard."""

    noisy = False

    def __init__(self, peer: tuple[str, int], heard: Callable[[bytes], None]) -> None:
        self._peer = peer
        self._heard = heard

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        if tuple(addr) == self._peer:
            self._heard(datagram)


class Datagrams:
    """One track over UDP: RTP from an even port, RTCP from the next one.

    Where the system can (Linux since 4.18), packets of one size go out by one call that cuts them apart again in the
    kernel (UDP_SEGMENT): a picture then costs one system call instead of one a packet.

    No port that Twisted reads from is connected: its reactors take a refused datagram for the end of such a port and
    close it. So the RTP port, which is connected, is not read, and the RTCP port, which is read, is not connected.
    """

    largest = rtp.UDP_PAYLOAD
    lossy = True
    blocked = False

    def __init__(
        self,
        rtp_port: Any,
        rtcp_port: Any,
        control_peer: tuple[str, int],
        refused: Callable[[], None],
        linger: Callable[[Any], None],
    ) -> None:
        """Both are listening UDP ports, the first connected to the client's, the second writing to `control_peer`.

        `refused` is told that nothing listens at the client; it may close this in the middle of sending. `linger` is
        given the RTCP port at the end, to be closed a little later.
        """
        self._rtp = rtp_port
        self._rtcp = rtcp_port
        self._control_peer = control_peer
        self._refused = refused
        self._linger = linger
        self._socket = getattr(rtp_port, "socket", None) if sys.platform == "linux" else None
        self._closed = False
        self.lost = 0  # datagrams the system had no room for

    @property
    def ports(self) -> tuple[int, int]:
        """The server's port numbers."""
        return self._rtp.getHost().port, self._rtcp.getHost().port

    def send(self, stream: rtp.Stream, pieces: list[rtp.Piece], timestamp: int) -> None:
        """Send the packets of one frame now."""
        for run in runs(stream.datagrams(pieces, timestamp)):
            if len(run) == 1 or not self._send_run(run):
                for packet in run:
                    self._put(self._rtp, b"".join(packet))

    def _send_run(self, run: list[rtp.Datagram]) -> bool:
        """Send packets of one size (the last may be shorter) by one call; False when that cannot be done here."""
        if self._socket is None:
            return False
        size = struct.pack("=H", len(run[0][0]) + len(run[0][1]))
        try:
            self._socket.sendmsg([part for packet in run for part in packet], [(*_SEGMENT, size)])
        except ConnectionRefusedError:
            self._refused()
        except BlockingIOError:
            self.lost += len(run)
        except OSError:  # an older kernel, or a network card that cannot: one by one from now on
            self._socket = None
            return False
        return True

    def control(self, packet: bytes) -> None:
        """Send one RTCP packet now."""
        self._put(self._rtcp, packet, self._control_peer)

    def _put(self, port: Any, packet: bytes, peer: tuple[str, int] | None = None) -> None:
        if self._closed:  # by `refused`, perhaps, before the rest of a frame
            return
        try:
            port.write(packet, peer)
        except (OSError, error.MessageLengthError):  # no room, or no road: it is lost, as any datagram may be
            self.lost += 1

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Close the RTP port and let the RTCP port linger; nothing is sent or heard any more."""
        if not self._closed:
            self._closed = True
            self._socket = None
            self._rtp.stopListening()
            self._linger(self._rtcp)


def runs(packets: list[rtp.Datagram]) -> Iterator[list[rtp.Datagram]]:
    """Cut a list of packets where their size changes; a run's last packet may be shorter than the others."""
    sizes = [len(header) + len(payload) for header, payload in packets]
    start, count = 0, len(packets)
    while start < count:
        size = sizes[start]
        stop = start + 1
        while stop < count and stop - start < _RUN and sizes[stop] == size:
            stop += 1
        if stop < count and stop - start < _RUN and sizes[stop] < size:
            stop += 1
        yield packets[start:stop]
        start = stop


class UdpPorts:
    """Where the server's port pairs come from: any free ones, or a range that a firewall lets through."""

    def __init__(self, reactor: Any, between: tuple[int, int] | None = None) -> None:
        """`between`: first and last port that may be used; None leaves the choice to the system."""
        self._reactor = reactor
        self._between = between
        self._next = 0
        self._stopped = False
        self._lingering: dict[Any, Any] = {}  # RTCP ports of sessions that are over, with what will close each

    def open(
        self,
        interface: str,
        host: str,
        ports: tuple[int, int],
        heard: Callable[[bytes], None],
        refused: Callable[[], None],
    ) -> Datagrams | None:
        """A pair on `interface` for the client's `ports` at `host`; None when none is free.

        `heard(datagram)`: RTCP came in. `refused()`: nothing listens at the client any more.
        """
        for candidate in self._candidates():
            data = self._listen(candidate, interface, _Data((host, ports[0]), refused))
            if data is None:
                continue
            data.stopReading()
            number = data.getHost().port
            control = None
            if number % 2 == 0:
                control = self._listen(number + 1, interface, _Control((host, ports[1]), heard))
            if control is not None:
                return Datagrams(data, control, (host, ports[1]), refused, self._linger)
            data.stopListening()
        return None

    def stop(self) -> None:
        """Close every port that lingers; from now on none does."""
        self._stopped = True
        for port in tuple(self._lingering):
            self._close(port)

    def _linger(self, port: Any) -> None:
        """Keep `port` bound for a while, unheard: GStreamer's players fail where their last report finds nobody.

        Of a range three quarters stay free for new sessions.
        """
        if self._stopped:
            port.stopListening()
            return
        port.stopReading()
        self._lingering[port] = self._reactor.callLater(LINGER_SECONDS, self._close, port)
        if self._between is not None and len(self._lingering) > (self._between[1] - self._between[0] + 1) // 8:
            self._close(next(iter(self._lingering)))

    def _close(self, port: Any) -> None:
        call = self._lingering.pop(port)
        if call.active():
            call.cancel()
        port.stopListening()

    def _candidates(self) -> Iterator[int]:
        if self._between is None:
            yield from (0 for _ in range(50))
            return
        first = self._between[0] + self._between[0] % 2
        evens = range(first, self._between[1], 2)
        for step in range(len(evens)):
            yield evens[(self._next + step) % len(evens)]
        self._next += 1  # a pair just given back rests: late datagrams of its last client find nobody

    def _listen(self, port: int, interface: str, protocol: DatagramProtocol) -> Any:
        try:
            return self._reactor.listenUDP(port, protocol, interface=interface)
        except error.CannotListenError:
            return None
