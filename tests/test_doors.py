"""Listening sockets: bound first, opened last, closed first."""

from __future__ import annotations

import errno
import socket

from twisted.internet import defer, protocol, reactor
from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.trial.unittest import TestCase

from camtrace.doors import Doors, _with_backlog
from camtrace.errors import StartError

HERE = "tcp:0:interface=127.0.0.1"


class Greeter(protocol.Protocol):
    """Says a word to whoever comes in."""

    def connectionMade(self) -> None:
        """Greet and leave."""
        self.transport.write(b"hello")
        self.transport.loseConnection()


class Listener(protocol.Protocol):
    """Fires `heard` with all that came."""

    def __init__(self) -> None:
        self.heard: defer.Deferred[bytes] = defer.Deferred()
        self.data = b""

    def dataReceived(self, data: bytes) -> None:
        """Collect."""
        self.data += data

    def connectionLost(self, reason: object = None) -> None:
        """That was all."""
        self.heard.callback(self.data)


class DoorsTests(TestCase):
    """On real sockets."""

    timeout = 120

    def setUp(self) -> None:
        self.doors = Doors(reactor)
        self.addCleanup(self.close)
        self.factory = protocol.Factory.forProtocol(Greeter)

    async def close(self) -> None:
        for door in self.doors._doors:
            port, door.port = door.port, None
            if port is not None:
                await defer.maybeDeferred(port.stopListening)

    async def test_bound_is_not_open(self) -> None:
        """Who comes early waits in the queue and is served when the door opens."""
        self.doors.add("pos", HERE, self.factory)
        self.doors.bind()
        self.assertFalse(self.doors.all_open())
        (port,) = self.doors.port_numbers()["pos"]
        early = Listener()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), early)
        self.assertEqual(early.data, b"")
        self.doors.open("pos")
        self.assertTrue(self.doors.all_open())
        self.assertEqual(await early.heard, b"hello")

    def test_doors_by_key(self) -> None:
        """Opening and closing goes by key; several doors may have one."""
        for key in ("pos", "pos", "web"):
            self.doors.add(key, HERE, self.factory)
        self.doors.bind()
        self.assertEqual({key: len(ports) for key, ports in self.doors.port_numbers().items()}, {"pos": 2, "web": 1})
        self.doors.open("pos")
        self.assertFalse(self.doors.all_open())
        self.doors.open("web")
        self.assertTrue(self.doors.all_open())
        self.doors.close("pos")
        self.assertEqual(list(self.doors.port_numbers()), ["web"])
        self.assertFalse(self.doors.all_open())

    def test_busy(self) -> None:
        """A taken port is named with its key, and those bound before it are free again."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.doors.add("web", HERE, self.factory)
            self.doors.add("pos", f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1", self.factory)
            with self.assertRaisesRegex(StartError, r"\[listen\] pos: tcp:\S+ cannot .* already in use"):
                self.doors.bind()
        self.assertEqual(self.doors.port_numbers(), {})

    def test_other_listeners(self) -> None:
        """What is no Twisted endpoint is bound, opened and closed like the rest; why it cannot be is told."""
        said: list[str] = []

        class Port:
            def startReading(self) -> None:
                said.append("open")

            def stopReading(self) -> None:
                said.append("waits")

            def stopListening(self) -> defer.Deferred[None]:
                said.append("closed")
                return defer.succeed(None)

            def getHost(self) -> IPv4Address:
                return IPv4Address("TCP", "127.0.0.1", 2121)

        self.doors.add_other("ftp", "tcp:2121", Port)
        self.doors.bind()
        self.assertEqual((said, self.doors.port_numbers()), (["waits"], {"ftp": [2121]}))
        self.doors.open("ftp")
        self.assertTrue(self.doors.all_open())

        def busy() -> Port:
            raise OSError(errno.EADDRINUSE, "Address already in use")

        self.doors.add_other("ftp", "tcp:2122", busy)
        with self.assertRaisesRegex(StartError, r"\[listen\] ftp: tcp:2122 cannot be opened: Address already in use"):
            self.doors.bind()
        self.assertEqual(said[-1], "closed")

    async def test_leave(self) -> None:
        """Who connected before is let in and heard, nobody after; each door ends its own connections."""
        said: list[bytes] = []
        connected: list[protocol.Protocol] = []

        class Till(protocol.Protocol):
            def connectionMade(self) -> None:
                connected.append(self)

            def dataReceived(self, data: bytes) -> None:
                said.append(data)

        async def leave() -> None:
            for connection in connected:
                connection.transport.loseConnection()
            raise ZeroDivisionError  # the others are left all the same

        factory = protocol.Factory.forProtocol(Till)
        self.doors.add("pos", HERE, factory, leave)
        self.doors.add("web", HERE, self.factory, lambda: defer.succeed(said.append(b"web left")))
        self.doors.bind()
        self.doors.open("pos", "web")
        (port,) = self.doors.port_numbers()["pos"]
        with socket.create_connection(("127.0.0.1", port)) as early:  # the reactor has not seen it yet
            early.sendall(b"1|0|7|0|A")
            await self.doors.leave()
            self.assertEqual((len(connected), said[-1]), (1, b"web left"))
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_closed_twice(self) -> None:
        """Closing what is closed, or was never bound, is nothing."""
        self.doors.close()
        self.doors.add("web", HERE, self.factory)
        self.doors.bind()
        self.doors.close()
        self.doors.close()
        self.assertEqual(self.doors.port_numbers(), {})

    def test_queue(self) -> None:
        """TCP and TLS get a long queue, unless the administrator says how long."""
        self.assertEqual(_with_backlog("tcp:8010"), "tcp:8010:backlog=1024")
        self.assertEqual(_with_backlog("tcp:8010:backlog=5"), "tcp:8010:backlog=5")
        self.assertEqual(_with_backlog("unix:/run/x"), "unix:/run/x")

    async def test_scarce_descriptors(self) -> None:
        """Whoever comes then is turned away at once, and told of; afterwards all is as before."""
        scarce = [True]
        told: list[tuple[str, str]] = []
        doors = self.doors = Doors(reactor, lambda key: scarce[0], lambda key, address: told.append((key, address)))
        doors.add("pos", HERE, self.factory)
        doors.bind()
        doors.open("pos")
        client = TCP4ClientEndpoint(reactor, "127.0.0.1", doors.port_numbers()["pos"][0])
        listener = await connectProtocol(client, Listener())
        self.assertEqual(await listener.heard, b"")
        self.assertEqual(told, [("pos", "127.0.0.1")])
        scarce[0] = False
        self.assertEqual(await (await connectProtocol(client, Listener())).heard, b"hello")
        self.assertEqual(len(told), 1)
