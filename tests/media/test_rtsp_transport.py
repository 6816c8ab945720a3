"""How packets reach us: which channels, which ports, and from whom."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from support.cameras import descriptors, wait_until
from support.scripted_camera import ScriptedCamera, interleaved, obliging, reply

from camtrace.errors import StreamFailure
from camtrace.media import rtp
from camtrace.media.rtsp_client import RtspClient, open_session
from camtrace.media.rtsp_transport import Datagrams, Interleaved
from camtrace.media.source import Patience, Source

QUICK = Patience(opening=30, silence=30, turn=0.05)  # to stop; a busy machine is no camera that fails


class Noted:
    """A payload that notes what it is fed, alone or in runs."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        self.got.append(bytes(data[at:end]))

    def gap(self) -> None:
        self.got.append(b"gap")


class Runner(Noted):
    """One that takes several at once, too."""

    def run(self, data: bytearray, at: int, stride: int, length: int, count: int) -> int:
        self.got += [bytes(data[start : start + length]) for start in range(at, at + stride * count, stride)]
        return count


class Port:
    """A UDP port of a camera."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(5)
        self.number: int = self.socket.getsockname()[1]

    def send(self, data: bytes, port: int) -> None:
        self.socket.sendto(data, ("127.0.0.1", port))


@pytest.fixture
def ports() -> Iterator[tuple[Port, Port]]:
    """Where the camera sends from, packets and reports."""
    pair = Port(), Port()
    yield pair
    for port in pair:
        port.socket.close()


@pytest.fixture
def camera() -> Iterator[ScriptedCamera]:
    with ScriptedCamera() as one:
        yield one


def packet(sequence: int, payload: bytes) -> bytes:
    return b"\x80\x60" + sequence.to_bytes(2, "big") + bytes(8) + payload


class Session:
    """A camera's track over UDP: our ports, what came, and what was reported."""

    def __init__(self, camera: ScriptedCamera, transport: str) -> None:
        camera.script = lambda request: (
            reply(200, "Session: 1", f"Transport: RTP/AVP;unicast;{transport}")
            if request.method == "SETUP"
            else obliging(request)
        )
        self.client: RtspClient = open_session(Source.parse(camera.url), lambda: False, QUICK)[0]
        self.noted, self.reports = Noted(), list[bytes]()
        self.transport = Datagrams(self.client)
        try:
            receiver = rtp.Receiver(96, self.noted, self.transport.reordering)
            self.transport.setup("track1", receiver, self._report)
            self.client.play()
        except BaseException:
            self.close()
            raise
        asked = [one for one in camera.requests if one.method == "SETUP"][-1].headers["transport"]
        self.asked, _, pair = asked.rpartition("=")
        self.ours = [int(number) for number in pair.split("-")]

    def _report(self, data: bytearray, at: int, end: int) -> None:
        self.reports.append(bytes(data[at:end]))

    def until(self, packets: int, reports: int = 0) -> None:
        """Read until so much came."""
        wait_until(lambda: (self.transport.read(), len(self.noted.got) >= packets and len(self.reports) >= reports)[1])

    def close(self) -> None:
        self.transport.close()
        self.client.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_a_pair_of_ports(camera: ScriptedCamera, ports: tuple[Port, Port]) -> None:
    """Neighbours, the first one even; packets come to one and reports to the other, in order."""
    with Session(camera, f"server_port={ports[0].number}-{ports[1].number}") as session:
        assert session.asked == "RTP/AVP/UDP;unicast;client_port"
        first, second = session.ours
        assert (first % 2, second) == (0, first + 1)
        for sequence, payload in ((1, b"a"), (3, b"c"), (2, b"b")):
            ports[0].send(packet(sequence, payload), first)
        ports[1].send(b"report", second)
        session.until(3, 1)
        assert (session.noted.got, session.reports) == ([b"a", b"b", b"c"], [b"report"])


def test_we_speak_first(camera: ScriptedCamera, ports: tuple[Port, Port]) -> None:
    """A packet to each of the camera's ports opens the way back; a report follows at each sign of life."""
    with Session(camera, f"server_port={ports[0].number}-{ports[1].number}") as session:
        data, sender = ports[0].socket.recvfrom(2000)
        assert (data[0] >> 6, sender) == (2, ("127.0.0.1", session.ours[0]))
        data, sender = ports[1].socket.recvfrom(2000)
        assert (data[1], sender) == (201, ("127.0.0.1", session.ours[1]))
        session.transport.keep_alive()
        assert ports[1].socket.recv(2000) == data


def test_a_stranger(camera: ScriptedCamera, ports: tuple[Port, Port]) -> None:
    """What comes from another address is ignored, unless the camera named it."""
    stranger = Port("127.0.0.2")
    try:
        with Session(camera, f"server_port={ports[0].number}-{ports[1].number}") as session:
            stranger.send(packet(1, b"wrong"), session.ours[0])
            stranger.send(b"\x80\xcb\0\1\0\0\0\0", session.ours[1])
            ports[0].send(packet(1, b"right"), session.ours[0])
            session.until(1)
            session.transport.read()
            assert (session.noted.got, session.reports) == ([b"right"], [])
        with Session(camera, f"source=127.0.0.2;server_port={ports[0].number}-{ports[1].number}") as session:
            stranger.send(packet(1, b"right"), session.ours[0])
            session.until(1)
            ports[0].send(packet(2, b"too"), session.ours[0])
            session.until(2)
            assert session.noted.got == [b"right", b"too"]
    finally:
        stranger.socket.close()


@pytest.mark.parametrize("said", ["", "server_port=", "server_port=x-y", "server_port=0-0", "server_port=99999-99999"])
def test_no_port_of_the_camera(said: str, camera: ScriptedCamera, ports: tuple[Port, Port]) -> None:
    """Then nothing is sent, and packets are taken from whichever port they come."""
    with Session(camera, said) as session:
        session.transport.keep_alive()
        ports[0].send(packet(1, b"a"), session.ours[0])
        session.until(1)
        assert session.noted.got == [b"a"]


def test_one_port_of_the_camera(camera: ScriptedCamera, ports: tuple[Port, Port]) -> None:
    """The one for reports is its neighbour."""
    with Session(camera, f"server_port={ports[0].number}"):
        assert ports[0].socket.recv(2000)


def test_nothing_and_too_little(camera: ScriptedCamera, ports: tuple[Port, Port]) -> None:
    """Empty and short datagrams are no packets; what lay in the buffer before is not taken for theirs."""
    with Session(camera, "") as session:
        for data in (packet(1, b"whole"), b"", b"\x80\x60", packet(2, b""), packet(3, b"end")):
            ports[0].send(data, session.ours[0])
        session.until(2)
        assert session.noted.got == [b"whole", b"end"]


@pytest.mark.parametrize("status", [200, 461])
def test_nothing_stays_open(status: int, camera: ScriptedCamera) -> None:
    """Neither after the end nor after a refusal."""
    Session(camera, "").close()
    wait_until(lambda: camera.methods[-1] == "TEARDOWN")
    before = descriptors()
    for _ in range(5):
        if status == 200:
            Session(camera, "").close()
            continue
        camera.script = lambda request: reply(461) if request.method == "SETUP" else obliging(request)
        client = open_session(Source.parse(camera.url), lambda: False, QUICK)[0]
        transport = Datagrams(client)
        with pytest.raises(StreamFailure, match="461"):
            transport.setup("track1", rtp.Receiver(96, Noted()), lambda data, at, end: None)
        transport.close()
        client.close()
    wait_until(lambda: descriptors() <= before)


@pytest.mark.parametrize("payload", [Noted, Runner])
def test_through_the_connection(payload: type[Noted], camera: ScriptedCamera) -> None:
    """Packets of one size come all the same, whether the payload takes several at once or not."""
    client = open_session(Source.parse(camera.url), lambda: False, QUICK)[0]
    try:
        noted, reports = payload(), list[bytes]()
        transport = Interleaved(client)
        receiver = rtp.Receiver(96, noted, transport.reordering)
        transport.setup("track1", receiver, lambda data, at, end: reports.append(bytes(data[at:end])))
        assert list(client.runs) == ([0] if payload is Runner else [])
        client.play()
        sent = [bytes((number,)) * 9 for number in range(20)]
        camera.send(b"".join(interleaved(0, packet(number, data)) for number, data in enumerate(sent)))
        camera.send(interleaved(1, b"report"))
        wait_until(lambda: (transport.read(), len(reports))[1])
        transport.keep_alive()
        transport.close()
        assert (noted.got, reports) == (sent, [b"report"])
        assert transport.reordering == 0
    finally:
        client.close()
