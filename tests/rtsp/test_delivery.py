"""Datagrams to a player that may be gone: what is refused, closed in the middle, or comes from elsewhere."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from support.rtsp_client import UdpPort, World
from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from camtrace.rtsp.delivery import LINGER_SECONDS, Datagrams, UdpPorts
from camtrace.rtsp.rtp import Piece, Stream

FRAME: list[Piece] = [(b"", bytes(100)), (b"", bytes(90)), (b"", bytes(100)), (b"", bytes(90)), (b"", bytes(110))]


class Refusing(UdpPort):
    """A port whose second datagram finds that nothing listens at the client; its socket sends runs of datagrams."""

    def __init__(self, number: int, refused: Callable[[], None], runs: bool) -> None:
        self.told = refused
        self.runs = 0
        if runs:
            self.socket = self
        super().__init__(number, DatagramProtocol())
        self.peer = ("127.0.0.1", 6000)

    def write(self, datagram: bytes, addr: tuple[str, int] | None = None) -> None:
        """As Twisted's: a refusal goes to the protocol, which tells the player."""
        super().write(datagram, addr)
        if len(self.sent) == 2:
            self.told()

    def sendmsg(self, parts: list[bytes], options: list[Any]) -> None:
        """Several datagrams at once."""
        assert self.open, "a closed port sends nothing"
        self.runs += 1
        if self.runs == 2:
            raise ConnectionRefusedError


@pytest.mark.parametrize("runs", [False, True])
def test_closed_in_the_middle_of_a_frame(runs: bool) -> None:
    """Whoever is told of the refusal closes it: the rest of the frame, later frames and reports go nowhere."""
    refusals = []

    def refused() -> None:
        refusals.append(None)
        delivery.close()

    data, control = Refusing(40_000, refused, runs), UdpPort(40_001, DatagramProtocol())
    delivery = Datagrams(data, control, ("127.0.0.1", 6001), refused, UdpPort.stopListening)
    stream = Stream(96, 1, 1)
    delivery.send(stream, FRAME, 1)
    assert (len(refusals), data.open, control.open) == (1, False, False)
    assert (len(data.sent), data.runs) == ((0, 2) if runs else (2, 0))
    delivery.send(stream, FRAME, 2)
    delivery.control(b"report")
    delivery.flush()
    delivery.close()
    assert (len(data.sent), data.runs, control.sent) == ((0, 2, []) if runs else (2, 0, []))
    assert delivery.lost == 0


class RealPortTests(TestCase):
    """Ports of the system."""

    timeout = 120

    def setUp(self) -> None:
        """A client's pair of ports, and the server's for it."""
        self.refused = 0
        self.heard: list[bytes] = []
        self.client = [self.bind(), self.bind()]
        numbers = tuple(one.getsockname()[1] for one in self.client)
        ports = UdpPorts(reactor)
        delivery = ports.open("127.0.0.1", "127.0.0.1", numbers, self.heard.append, self.refusal)
        assert delivery is not None
        self.delivery = delivery
        self.addCleanup(ports.stop)
        self.addCleanup(self.delivery.close)
        self.stream = Stream(96, 1, 1)

    def bind(self, number: int = 0) -> socket.socket:
        """A UDP socket."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(bound.close)
        bound.bind(("127.0.0.1", number))
        bound.settimeout(5)
        return bound

    def refusal(self) -> None:
        """Nothing listens at the client."""
        self.refused += 1

    async def send(self) -> None:
        """A frame and a report, and time for what the system says of it."""
        self.delivery.send(self.stream, FRAME, 1)
        self.delivery.control(b"report")
        await deferLater(reactor, 0.02)

    async def test_refused_for_a_while(self) -> None:
        """Nothing listens at either port: that is told, harms neither of ours, and a client that comes is served."""
        numbers = [one.getsockname()[1] for one in self.client]
        for one in self.client:
            one.close()
        for _ in range(5):
            await self.send()
        self.assertGreaterEqual(self.refused, 4)
        back = [self.bind(number) for number in numbers]
        for _ in range(2):  # the first may still be told of the last refusal
            await self.send()
        self.assertGreater(len(back[0].recv(2000)), 90)
        self.assertEqual(back[1].recv(2000), b"report")
        back[1].sendto(b"receiver report", ("127.0.0.1", self.delivery.ports[1]))
        await deferLater(reactor, 0.05)
        self.assertEqual(self.heard, [b"receiver report"])

    async def test_strangers_are_not_heard(self) -> None:
        """A datagram from another port is no sign of life; nor is one at the RTP port, of which any number may come."""
        for port in self.delivery.ports:
            self.bind().sendto(b"stranger", ("127.0.0.1", port))
        for _ in range(3000):
            self.client[0].sendto(bytes(1000), ("127.0.0.1", self.delivery.ports[0]))
        await deferLater(reactor, 0.05)
        self.assertEqual(self.heard, [])
        await self.send()
        self.assertGreater(len(self.client[0].recv(2000)), 90)

    async def test_closed(self) -> None:
        """Turns after the ports were closed, sending still does nothing."""
        self.delivery.close()
        await deferLater(reactor, 0.02)
        await self.send()
        self.client[0].settimeout(0.1)
        self.assertRaises(TimeoutError, self.client[0].recv, 2000)
        self.assertEqual((self.refused, self.delivery.lost), (0, 0))


def test_the_rtcp_port_lingers() -> None:
    """A player's last report, sent when its session is over already, is not refused; then the port is given back."""
    world = World()
    ports = UdpPorts(world)
    delivery = ports.open("127.0.0.1", "127.0.0.1", (6000, 6001), lambda _: None, lambda: None)
    assert delivery is not None
    data, control = world.ports
    delivery.close()
    assert (data.open, control.open, control.reading) == (False, True, False)
    world.advance(LINGER_SECONDS - 0.01)
    assert control.open
    world.advance(0.02)
    assert not control.open
    delivery = ports.open("127.0.0.1", "127.0.0.1", (6000, 6001), lambda _: None, lambda: None)
    assert delivery is not None
    delivery.close()
    ports.stop()
    assert not any(port.open for port in world.ports) and not world.getDelayedCalls()


def test_few_ports_linger_of_a_range() -> None:
    """Of eight pairs two are kept at most."""
    world = World()
    ports = UdpPorts(world, (7000, 7015))
    opened = [ports.open("127.0.0.1", "127.0.0.1", (6000, 6001), lambda _: None, lambda: None) for _ in range(5)]
    for delivery in opened:
        assert delivery is not None
        delivery.close()
    assert [port.open for port in world.ports[1::2]] == [False, False, False, True, True]
