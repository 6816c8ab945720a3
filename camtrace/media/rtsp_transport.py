"""How a camera's packets reach us: through the RTSP connection, or by UDP beside it (RFC 2326 section 12.39)."""

from __future__ import annotations

import secrets
import socket
from typing import NamedTuple, Protocol

from camtrace.errors import StreamFailure
from camtrace.media import rtp, sdp
from camtrace.media.rtsp_client import RtspClient
from camtrace.media.rtsp_wire import Channel

_BUFFER = 2 << 20
_DATAGRAM = 65536
_AT_ONCE = 2000
_FIRST_PORT, _LAST_PORT = 20_000, 60_000


class Transport(Protocol):
    """Asks for tracks and receives their packets."""

    reordering: int

    def setup(self, control: str, receiver: rtp.Receiver, report: Channel) -> None:
        """Ask for a track; its RTP packets go to `receiver`, RTCP to `report`. Raises StreamFailure, Stop."""

    def read(self) -> None:
        """Hand on what has come, without waiting. Raises StreamFailure, Stop."""

    def keep_alive(self) -> None:
        """A sign of life is due."""

    def close(self) -> None:
        """Give back what it holds; the client is not closed."""


class Interleaved:
    """Packets come through the RTSP connection."""

    reordering = 0

    def __init__(self, client: RtspClient) -> None:
        self._client = client
        self._next = 0

    def setup(self, control: str, receiver: rtp.Receiver, report: Channel) -> None:
        """See Transport."""
        wanted = f"{self._next}-{self._next + 1}"
        chosen = self._client.setup(control, f"RTP/AVP/TCP;unicast;interleaved={wanted}").get("interleaved", wanted)
        first, _, second = (word.strip() for word in chosen.partition("-"))
        channel = sdp.number(first, self._next)
        self._client.channels[channel] = receiver.packet
        if receiver.takes_runs:
            self._client.runs[channel] = receiver.run
        self._client.channels[sdp.number(second, channel + 1)] = report
        self._next += 2

    def read(self) -> None:
        """See Transport."""
        self._client.read()

    def keep_alive(self) -> None:
        """The RTSP connection itself is the sign."""

    def close(self) -> None:
        """Nothing is held."""


class _Pair(NamedTuple):
    packets: socket.socket
    reports: socket.socket
    take_packet: Channel
    take_report: Channel
    senders: frozenset[str]
    answers_to: tuple[str, int] | None


class Datagrams:
    """Packets come by UDP, to a pair of ports for each track."""

    reordering = rtp.REORDERING

    def __init__(self, client: RtspClient) -> None:
        self._client = client
        self._pairs: list[_Pair] = []
        self._source = secrets.randbits(32)
        self._buffer = bytearray(_DATAGRAM)

    def setup(self, control: str, receiver: rtp.Receiver, report: Channel) -> None:
        """See Transport."""
        ours, theirs = self._client.addresses
        packets, reports = _pair_of_sockets(ours)
        try:
            port = packets.getsockname()[1]
            chosen = self._client.setup(control, f"RTP/AVP/UDP;unicast;client_port={port}-{port + 1}")
        except BaseException:
            packets.close()
            reports.close()
            raise
        senders = frozenset((theirs, chosen.get("source") or theirs))
        first, _, second = chosen.get("server_port", "").partition("-")
        from_port = sdp.number(first.strip())
        to = (theirs, sdp.number(second.strip(), from_port + 1)) if from_port else None
        self._pairs.append(_Pair(packets, reports, receiver.packet, report, senders, to))
        if to:  # whatever stands between us lets answers through
            _send(packets, b"\x80\x60" + bytes(10), (theirs, from_port))
        self.keep_alive()

    def read(self) -> None:
        """See Transport."""
        self._client.read()
        self._client.arrives()
        for pair in self._pairs:
            self._drain(pair.reports, pair.senders, pair.take_report)
            self._drain(pair.packets, pair.senders, pair.take_packet)

    def keep_alive(self) -> None:
        """See Transport."""
        for pair in self._pairs:
            if pair.answers_to:
                _send(pair.reports, rtp.receiver_report(self._source), pair.answers_to)

    def close(self) -> None:
        """See Transport."""
        for pair in self._pairs:
            pair.packets.close()
            pair.reports.close()

    def _drain(self, port: socket.socket, senders: frozenset[str], take: Channel) -> None:
        buffer = self._buffer
        for _ in range(_AT_ONCE):
            try:
                count, sender = port.recvfrom_into(buffer)
            except BlockingIOError:
                return
            except OSError:  # the camera's port is not open yet, says its system
                continue
            if sender[0] in senders:
                take(buffer, 0, count)


def _send(port: socket.socket, data: bytes, to: tuple[str, int]) -> None:
    try:
        port.sendto(data, to)
    except (OSError, OverflowError):  # a sign of life that does not get through shows by itself
        return


def _pair_of_sockets(address: str) -> tuple[socket.socket, socket.socket]:
    """Two neighbouring ports, the first one even (RFC 3550 section 11). Raises StreamFailure."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(200):
        port = _FIRST_PORT + 2 * secrets.randbelow((_LAST_PORT - _FIRST_PORT) // 2)
        pair = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            for number, one in enumerate(pair):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                one.setblocking(False)
                one.bind((address, port + number))
            return pair
        except OSError:
            for one in pair:
                one.close()
    raise StreamFailure("internal", address, 0, detail="no pair of UDP ports is free")
