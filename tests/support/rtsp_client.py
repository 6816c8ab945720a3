"""A player without a network: it talks to the server's protocol directly, on a clock that the test turns."""

from __future__ import annotations

import re
import struct
from typing import Any, NamedTuple

from support.rtsp_server import Served
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport


class UdpPort:
    """A UDP port that keeps what is sent."""

    def __init__(self, number: int, protocol: Any) -> None:
        self.number = number
        self.protocol = protocol
        self.sent: list[bytes] = []
        self.peer: tuple[str, int] | None = None
        self.sent_to: tuple[str, int] | None = None
        self.open = True
        self.reading = True
        protocol.makeConnection(self)
        protocol.startProtocol()

    def connect(self, host: str, port: int) -> None:
        """Send to there from now on."""
        self.peer = (host, port)

    def write(self, datagram: bytes, addr: tuple[str, int] | None = None) -> None:
        """Send, to where it is connected or to `addr`."""
        assert self.open, "a closed port sends nothing"
        assert (self.peer is None) != (addr is None)
        self.sent.append(datagram)
        self.sent_to = addr or self.peer

    def stopReading(self) -> None:
        """What comes in is left there."""
        self.reading = False

    def getHost(self) -> IPv4Address:
        """Its address."""
        return IPv4Address("UDP", "127.0.0.1", self.number)

    def stopListening(self) -> None:
        """Close."""
        self.open = False


class World(Clock):
    """A clock that also opens UDP ports."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[UdpPort] = []

    def listenUDP(self, number: int, protocol: Any, interface: str = "") -> UdpPort:
        """A port; unless a number is given, the next even one."""
        port = UdpPort(number or 40_000 + 2 * len(self.ports), protocol)
        self.ports.append(port)
        return port

    def turn(self, seconds: float, step: float = 0.01) -> None:
        """Let time pass, in small steps."""
        self.pump([step] * round(seconds / step))


class Answer(NamedTuple):
    """One answer of the server."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


class Frame(NamedTuple):
    """One interleaved frame, and when it came."""

    at: float
    channel: int
    data: bytes

    @property
    def is_rtcp(self) -> bool:
        return 200 <= self.data[1] <= 204

    @property
    def timestamp(self) -> int:
        """The RTP timestamp (of RTCP: that of the sender report)."""
        return int.from_bytes(self.data[16:20] if self.is_rtcp else self.data[4:8], "big")

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.data[2:4], "big")

    @property
    def marker(self) -> bool:
        return bool(self.data[1] & 0x80)

    @property
    def ntp(self) -> float:
        """Unix seconds of a sender report."""
        seconds, fraction = struct.unpack("!II", self.data[8:16])
        return float(seconds - 2_208_988_800 + fraction / 2**32)

    @property
    def is_bye(self) -> bool:
        return self.is_rtcp and self.data[-8:-4] == b"\x81\xcb\x00\x01"


class _Socket(StringTransport):
    """Keeps the producer's back-pressure apart from the reading side."""

    def __init__(self) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", "192.0.2.7", 50_000))
        self.aborted = False
        self.lost = False

    def loseConnection(self) -> None:
        self.lost = True
        super().loseConnection()

    def abortConnection(self) -> None:
        self.aborted = True
        super().abortConnection()


class Client:
    """One connection to `served`; its clock is the world it was made with."""

    def __init__(self, served: Served, world: World) -> None:
        self.world = world
        self.protocol = served.service.buildProtocol(None)
        self.transport = _Socket()
        self.protocol.makeConnection(self.transport)
        self.answers: list[Answer] = []
        self.frames: list[Frame] = []
        self.cseq = 0
        self.session = ""
        self._held = b""

    def send(self, data: bytes) -> list[Answer]:
        """Send bytes; answers what came back at once."""
        known = len(self.answers)
        self.protocol.dataReceived(data)
        self.read()
        return self.answers[known:]

    def ask(self, method: str, url: str, *headers: str, body: bytes = b"") -> Answer:
        """One request and its answer."""
        self.cseq += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self.cseq}", *headers]
        if self.session and not any(line.startswith("Session") for line in headers):
            lines.append(f"Session: {self.session}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        (answer,) = self.send("\r\n".join([*lines, "", ""]).encode() + body)
        assert answer.headers.get("cseq") == str(self.cseq)
        self.session = answer.headers.get("session", self.session).partition(";")[0]
        return answer

    def start(self, url: str, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1", *headers: str) -> Answer:
        """DESCRIBE, SETUP of every track, PLAY; answers the PLAY's answer."""
        described = self.ask("DESCRIBE", url)
        assert described.status == 200, described
        base = described.headers["content-base"]
        for number in re.findall(rb"a=control:track(\d)", described.body):
            offset = 2 * (int(number) - 1)
            answer = self.ask("SETUP", f"{base}track{int(number)}", f"Transport: {_moved(transport, offset)}")
            assert answer.status == 200, answer
        return self.ask("PLAY", base, *(headers or ("Range: npt=0.000-",)))

    def turn(self, seconds: float, step: float = 0.01) -> None:
        """Let time pass and take what comes."""
        for _ in range(round(seconds / step)):
            self.world.advance(step)
            self.read()

    def read(self) -> None:
        """Sort what the server wrote."""
        data = self._held + self.transport.value()
        self.transport.clear()
        while data:
            if data[0] == 0x24:
                end = 4 + int.from_bytes(data[2:4], "big")
                assert len(data) >= end
                self.frames.append(Frame(self.world.seconds(), data[1], data[4:end]))
            else:
                head = data.index(b"\r\n\r\n") + 4
                first, *lines = data[:head].decode().strip().split("\r\n")
                headers: dict[str, str] = {}
                for name, _, value in (line.partition(":") for line in lines):
                    known = headers.get(name.lower())
                    headers[name.lower()] = f"{known}, {value.strip()}" if known else value.strip()
                end = head + int(headers.get("content-length", 0))
                _, status, reason = first.split(" ", 2)
                self.answers.append(Answer(int(status), reason, headers, data[head:end]))
            data = data[end:]

    def rtp(self, channel: int = 0) -> list[Frame]:
        """The RTP frames of a channel."""
        return [frame for frame in self.frames if frame.channel == channel]

    def rtcp(self, channel: int = 1) -> list[Frame]:
        """The RTCP frames of a channel."""
        return [frame for frame in self.frames if frame.channel == channel]


def _moved(transport: str, offset: int) -> str:
    def moved(found: re.Match[str]) -> str:
        return f"={int(found[1]) + offset}-{int(found[2]) + offset}"

    return re.sub(r"=(\d+)-(\d+)", moved, transport)
