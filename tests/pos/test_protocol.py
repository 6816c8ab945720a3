"""A till's connection: what bad tills do, back-pressure, and two thousand of them."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet import defer, endpoints, error, protocol, reactor, task
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace.complaints import LOG_SECONDS, Complaints
from camtrace.pos import protocol as pos_protocol
from camtrace.pos.admission import Admission
from camtrace.pos.protocol import (
    LAST_PATIENCE_SECONDS,
    LAST_READING_SECONDS,
    MAX_UNDER_WAY,
    READ_BYTES,
    TillConnection,
    TillFactory,
)
from camtrace.pos.wire import WireError

LINE = b"1|0|7|0|A|1|148|TARTE|16,00"


class Receiver:
    """Remembers lines; each read's are durable when `pending` is answered, or at once."""

    def __init__(self, at_once: bool = True) -> None:
        self.lines: list[tuple[bytes, str, str]] = []
        self.is_crowded = False
        self.faults: list[str] = []
        self.pending: list[defer.Deferred[None]] = []
        self._at_once = at_once

    def received(
        self,
        lines: Sequence[bytes],
        peer: str,
        encoding: str,
        bad: Callable[[bytes, WireError], None],
        reader: object = None,
    ) -> defer.Deferred[None]:
        for line in lines:
            if line.startswith(b"bad"):
                bad(line, WireError("bad line", "fields"))
            else:
                self.lines.append((line, peer, encoding))
        if self._at_once:
            return defer.succeed(None)
        self.pending.append(defer.Deferred())
        return self.pending[-1]

    def lost(self, peer: str, fault: WireError) -> None:
        self.faults.append(f"{peer} {fault.code}")


class ConnectionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.receiver = Receiver()
        self.seconds = 0.0
        self.clock = task.Clock()
        self.logged: list[dict] = []
        self.notes: list[tuple[str, str, dict]] = []
        observer = self.logged.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.factory = self.make()

    def make(self, **more: object) -> TillFactory:
        complaints = Complaints("till", lambda *entry: self.notes.append(entry), lambda: self.seconds)
        return TillFactory(self.receiver, complaints, self.clock, **more)

    def connect(self, host: str = "10.0.0.5") -> tuple[TillConnection, StringTransport]:
        connection = self.factory.buildProtocol(IPv4Address("TCP", host, 4000))
        transport = StringTransport(peerAddress=IPv4Address("TCP", host, 4000))
        connection.makeConnection(transport)
        return connection, transport

    def counts(self) -> dict[str, int]:
        """How many connections each address has."""
        return {peer: len(those) for peer, those in self.factory.places.of.items()}

    def complaints(self) -> list[str]:
        return [event["reason"] for event in self.logged if "reason" in event]


class BadTills(ConnectionCase):
    def test_one_byte_at_a_time(self) -> None:
        """However long it takes: nothing closes a connection that is merely slow or silent."""
        connection, transport = self.connect()
        for byte in LINE + b"\r\n":
            self.seconds += 3600
            connection.dataReceived(bytes([byte]))
        self.assertEqual(self.receiver.lines, [(LINE, "10.0.0.5", "auto")])
        self.assertFalse(transport.disconnecting)

    def test_a_half_line_at_the_end_counts(self) -> None:
        connection, _ = self.connect()
        connection.dataReceived(LINE + b"\n" + LINE)
        connection.connectionLost(Failure(error.ConnectionDone()))
        self.assertEqual(len(self.receiver.lines), 2)

    def test_nothing_is_said_of_a_connection_without_a_word(self) -> None:
        connection, _ = self.connect()
        connection.connectionLost(Failure(error.ConnectionLost()))
        self.assertEqual((self.receiver.lines, self.complaints()), ([], []))

    def test_ten_megabytes_without_a_newline(self) -> None:
        """Closed at the limit; the lines before it count; what still comes is not looked at."""
        connection, transport = self.connect()
        connection.dataReceived(LINE + b"\n" + b"x" * 5000)
        self.assertTrue(transport.disconnecting or transport.disconnected)
        self.assertEqual(len(self.receiver.lines), 1)
        self.assertIn("longer than 4096 bytes", self.complaints()[0])
        self.assertEqual(self.receiver.faults, ["10.0.0.5 long"])

    def test_a_bad_line_is_logged_once_a_period(self) -> None:
        connection, transport = self.connect()
        for _ in range(50):
            connection.dataReceived(b"bad 4111111111111111\n" + LINE + b"\n")
        self.assertEqual(self.complaints(), ["bad line: b'bad ****************'"])
        self.seconds += LOG_SECONDS
        connection.dataReceived(b"bad\n")
        self.assertEqual(self.logged[-1]["unsaid"], 49)
        self.assertEqual(len(self.receiver.lines), 50)
        self.assertFalse(transport.disconnecting)

    def test_every_fault_is_told(self) -> None:
        """A till that is told of for one fault is told of for another as well: a line too long behind a bad one."""
        connection, _ = self.connect()
        connection.dataReceived(b"bad 4111111111111111\n" + b"x" * 5000)
        self.connect("10.0.0.6")[0].dataReceived(b"bad\n")
        self.assertEqual(
            self.notes,
            [
                ("system", "till_fields", {"address": "10.0.0.5", "count": 1, "line": "bad ****************"}),
                ("system", "till_long", {"address": "10.0.0.5", "count": 1, "limit": 4}),
                ("system", "till_fields", {"address": "10.0.0.6", "count": 1, "line": "bad"}),
            ],
        )


class Limits(ConnectionCase):
    def test_strangers(self) -> None:
        self.factory = self.make(admission=Admission(["10.0.0.0/24"]))
        connection, transport = self.connect("192.168.1.1")
        connection.dataReceived(LINE + b"\n")
        connection.connectionLost(Failure(error.ConnectionAborted()))
        self.assertEqual(self.receiver.lines, [])
        self.assertTrue(transport.disconnecting or transport.disconnected)
        self.assertIn("not among [pos] sources", self.complaints()[0])

    def test_connections_in_all_and_of_one_peer(self) -> None:
        self.factory = self.make(max_connections=3, max_per_peer=2)
        open_ones = [self.connect()[0] for _ in range(2)]
        _, third = self.connect()
        self.assertTrue(third.disconnecting or third.disconnected)
        self.connect("10.0.0.6")
        for connection in open_ones:
            connection.dataReceived(LINE + b"\n")
        _, fifth = self.connect("10.0.0.7")
        self.assertTrue(fifth.disconnecting or fifth.disconnected)
        for connection in open_ones:
            connection.connectionLost(Failure(error.ConnectionDone()))
        self.assertEqual(self.counts(), {"10.0.0.6": 1})
        _, again = self.connect()
        self.assertFalse(again.disconnecting)

    def test_who_says_nothing_gives_way(self) -> None:
        """To another address: the oldest silent one of the address that has most of them, never one that has spoken."""
        self.factory = self.make(max_connections=5)
        spoken, till = self.connect()
        spoken.dataReceived(LINE + b"\n")
        silent = [self.connect("10.0.0.6") for _ in range(3)]
        _, honest = self.connect("10.0.0.7")
        newcomer, fresh = self.connect("10.0.0.8")
        self.assertEqual([one.disconnected for _, one in silent], [True, False, False])
        self.assertEqual(self.notes[0][1:], ("till_gave_way", {"address": "10.0.0.6", "count": 1, "open": 5}))
        _, refused = self.connect("10.0.0.6")
        self.assertTrue(refused.disconnected)
        self.assertFalse(any(one.disconnected for one in (till, honest, fresh)))
        newcomer.dataReceived(LINE + b"\n")
        silent[0][0].connectionLost(Failure(error.ConnectionAborted()))
        self.assertEqual(self.counts(), {"10.0.0.5": 1, "10.0.0.6": 2, "10.0.0.7": 1, "10.0.0.8": 1})


class BackPressure(ConnectionCase):
    def setUp(self) -> None:
        super().setUp()
        self.receiver._at_once = False

    def test_read_no_further_until_durable(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived((LINE + b"\n") * MAX_UNDER_WAY)
        self.assertEqual(transport.producerState, "producing")
        self.clock.advance(0)  # the next turn
        connection.dataReceived(LINE + b"\n")
        self.assertEqual(transport.producerState, "paused")
        self.receiver.pending[0].callback(None)
        self.assertEqual(transport.producerState, "paused")
        self.receiver.pending[1].callback(None)
        self.assertEqual(transport.producerState, "producing")

    def test_a_line_that_is_not_whole_holds_nothing_up(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived((LINE + b"\n") * MAX_UNDER_WAY + b"1|0|")
        self.assertEqual(transport.producerState, "producing")


class Silent(protocol.Protocol):
    """A till that waits for the server to close."""

    def __init__(self) -> None:
        self.lost: defer.Deferred[None] = defer.Deferred()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self.lost.callback(None)


class Sockets(TestCase):
    """Over real sockets."""

    timeout = 120

    async def setUp(self) -> None:
        self.receiver = Receiver()
        self.factory = TillFactory(self.receiver, Complaints("till", lambda *_: None), reactor)
        endpoint = endpoints.TCP4ServerEndpoint(reactor, 0, backlog=512, interface="127.0.0.1")
        self.port = await endpoint.listen(self.factory)
        self.addCleanup(self.port.stopListening)
        self.endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)

    async def test_ten_megabytes(self) -> None:
        till = await self.endpoint.connect(protocol.Factory.forProtocol(Silent))
        till.transport.write(LINE + b"\n" + b"x" * (10 << 20))
        await till.lost
        self.assertEqual([line for line, _, _ in self.receiver.lines], [LINE])

    async def test_left(self) -> None:
        """What the tills have sent when the server stops is read, half lines too, and is durable when they are left."""
        self.receiver._at_once = False
        number = self.port.getHost().port
        with ExitStack() as stack:
            tills = [stack.enter_context(socket.create_connection(("127.0.0.1", number))) for _ in range(20)]
            for till in tills:
                till.sendall(LINE + b"\n")
            while len(self.receiver.lines) < len(tills):
                await task.deferLater(reactor, 0)
            for till in tills:
                till.sendall(b"2" + LINE + b"\n" + b"3" + LINE)  # the reactor has not seen it yet
            leaving = defer.Deferred.fromCoroutine(self.factory.leave())
            while len(self.receiver.lines) < 3 * len(tills):
                await task.deferLater(reactor, 0)
            self.assertFalse(leaving.called)
            for durable in self.receiver.pending:
                durable.callback(None)
            await leaving
            self.assertEqual((self.factory.under_way, self.factory.open, self.factory.places.of), (0, set(), {}))
            for till in tills:
                self.assertEqual(till.recv(1), b"")
        self.assertEqual(Counter(line[:2] for line, _, _ in self.receiver.lines), {b"1|": 20, b"21": 20, b"31": 20})

    async def test_left_while_paused(self) -> None:
        """A till that is read no further until its lines are durable is read to the end, if they become so in time."""
        self.receiver._at_once = False
        with socket.create_connection(("127.0.0.1", self.port.getHost().port)) as till:
            till.sendall((LINE + b"\n") * 1500)
            while not any(connection.is_paused for connection in self.factory.open):
                await task.deferLater(reactor, 0)
            self.assertLess(len(self.receiver.lines), 1500)
            leaving = defer.Deferred.fromCoroutine(self.factory.leave())
            while not leaving.called:
                while self.receiver.pending:
                    self.receiver.pending.pop().callback(None)
                await task.deferLater(reactor, 0)
            self.assertEqual(len(self.receiver.lines), 1500)

    async def test_left_without_end(self) -> None:
        """Neither a till that goes on sending nor a database that does not answer holds up the stop."""
        self.receiver._at_once = False
        with socket.create_connection(("127.0.0.1", self.port.getHost().port)) as till:
            till.sendall(LINE + b"\n")
            while not self.receiver.lines:
                await task.deferLater(reactor, 0)
            self.receiver.is_crowded = True
            till.sendall((LINE + b"\n") * 1000)
            began = reactor.seconds()
            await self.factory.leave()
            self.assertLess(reactor.seconds() - began, LAST_READING_SECONDS + LAST_PATIENCE_SECONDS + 0.4)
            self.assertEqual(till.recv(1), b"")

    async def test_two_thousand_connections(self) -> None:
        """Each says a line byte by byte, in turn, and all are understood."""
        tills = []
        for _ in range(20):
            connecting = [self.endpoint.connect(protocol.Factory.forProtocol(Silent)) for _ in range(100)]
            tills += [till for _, till in await defer.DeferredList(connecting, fireOnOneErrback=True)]
        last = defer.Deferred[None]()
        received = self.receiver.received

        def counted(*args: object) -> defer.Deferred[None]:
            done = received(*args)  # type: ignore[arg-type]
            if len(self.receiver.lines) == 2000:
                last.callback(None)
            return done

        self.receiver.received = counted  # type: ignore[method-assign]
        for number, till in enumerate(tills):
            till.transport.write(b"%d|0|7|0|" % number)
        for till in tills:
            till.transport.write(b"D|1,00\n")
        await last
        self.assertEqual({line for line, _, _ in self.receiver.lines}, {b"%d|0|7|0|D|1,00" % n for n in range(2000)})
        self.assertEqual(len(self.factory.places.of["127.0.0.1"]), 2000)
        for till in tills:
            till.transport.loseConnection()
        await defer.DeferredList([till.lost for till in tills])


class Turns(ConnectionCase):
    """Many that speak at once: some of it is understood in each turn of the reactor, in the order of reading."""

    def setUp(self) -> None:
        super().setUp()
        self.read = (LINE + b"\n") * (READ_BYTES // (len(LINE) + 1))

    def test_a_turn_has_room_for_so_much(self) -> None:
        tills = [self.connect(f"10.0.1.{number}") for number in range(6)]
        for till, _ in tills:
            till.dataReceived(self.read)
        peers = [peer for _, peer, _ in self.receiver.lines]
        self.assertLess(len(set(peers)), 4)
        self.assertEqual({one.producerState for _, one in tills[4:]}, {"paused"})
        self.clock.advance(1)
        self.assertEqual(len(self.receiver.lines), 6 * self.read.count(b"\n"))
        peers = [peer for _, peer, _ in self.receiver.lines]
        self.assertEqual(peers, sorted(peers))
        self.assertEqual({one.producerState for _, one in tills}, {"producing"})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_till_that_connects_anew(self) -> None:
        """What it said before comes first, the half line behind it too; a crowd before the database is waited for."""
        self.receiver.is_crowded = True
        first, _ = self.connect()
        first.dataReceived(b"1\n")
        self.clock.advance(1)
        first.dataReceived(b"2\nhalf")  # it is read on, lest the other overtake it
        first.connectionLost(Failure(error.ConnectionDone()))
        second, transport = self.connect()
        second.dataReceived(b"3\n")
        self.clock.advance(1)
        self.assertEqual((self.receiver.lines, transport.producerState), ([], "producing"))
        second.dataReceived(self.read)
        self.assertEqual(transport.producerState, "paused")
        self.receiver.is_crowded = False
        self.clock.advance(1)
        self.assertEqual([line for line, _, _ in self.receiver.lines[:4]], [b"1", b"2", b"half", b"3"])
        self.assertEqual(len(self.receiver.lines), 4 + self.read.count(b"\n"))
        self.assertEqual(transport.producerState, "producing")


class Kernel(ConnectionCase):
    """A till behind a kernel that holds what the server does not read, and reads a connection's end last.

    Sizes are small, so that few lines make a flood: 100 bytes a read, 200 a turn, 50 that wait, 5 lines under way.
    """

    def setUp(self) -> None:
        super().setUp()
        sizes = {"READ_BYTES": 100, "TURN_BYTES": 200, "LATER_BYTES": 50, "MAX_UNDER_WAY": 5}
        for name, size in sizes.items():
            self.patch(pos_protocol, name, size)
        self.patch(pos_protocol, "unread_bytes", self.unread)
        self.begin()

    def begin(self) -> None:
        """A server that nobody has spoken to yet."""
        self.receiver = Receiver(at_once=False)
        self.clock = task.Clock()
        self.factory = self.make()
        self.sent: list[bytes] = []
        self.sockets: list[list] = []  # each: the connection, its transport, what is unread, whether the till hung up

    def unread(self, transport: object) -> int:
        return sum(len(one[2]) for one in self.sockets if one[1] is transport)

    def say(self, count: int = 1) -> None:
        """The till says so many lines by its last connection."""
        for _ in range(count):
            self.sent.append(b"%d|0|7|0|A|1|148|TARTE|16,00" % len(self.sent))
            self.sockets[-1][2] += self.sent[-1] + b"\n"

    def dial(self) -> None:
        self.sockets.append([*self.connect(), b"", False])

    def hang_up(self) -> None:
        self.sockets[-1][3] = True

    def turn(self, count: int = 1) -> None:
        """The reactor calls what is due, then reads who has something, in the order of connecting."""
        for _ in range(count):
            self.clock.advance(0.01)
            for one in tuple(self.sockets):
                connection, transport, unread, ended = one
                if transport.producerState == "producing" and unread:
                    one[2] = unread[100:]
                    connection.dataReceived(unread[:100])
                elif transport.producerState == "producing" and ended:
                    self.sockets.remove(one)
                    connection.connectionLost(Failure(error.ConnectionDone()))

    def settle(self) -> None:
        """All becomes durable that was understood."""
        pending, self.receiver.pending = self.receiver.pending, []
        for durable in pending:
            durable.callback(None)

    def rest(self) -> None:
        """The database answers again, and the tills fall silent."""
        self.receiver.is_crowded = False
        for _ in range(50 + 10 * len(self.sent)):
            if len(self.receiver.lines) == len(self.sent) and not self.receiver.pending:
                break
            self.settle()
            self.turn()

    def heard(self) -> list[bytes]:
        return [line for line, _, _ in self.receiver.lines]


class Reconnecting(Kernel):
    """A till that hangs up and goes on by another connection is not overtaken by itself."""

    def test_what_the_kernel_holds_comes_first(self) -> None:
        """However long nothing becomes durable; then each connection is read to its end before the next one counts."""
        for _ in range(4):
            self.dial()
            self.say(20)
            self.hang_up()
            self.turn(3)
        self.assertEqual(self.heard(), self.sent[: len(self.receiver.lines)])
        held = len(self.receiver.lines)
        self.turn(1000)
        self.assertEqual(len(self.receiver.lines), held)
        self.assertLess(held, 20)
        self.assertEqual(self.sockets[-1][1].producerState, "paused")  # it is held in the kernel, not in memory
        self.rest()
        self.assertEqual(self.heard(), self.sent)
        self.turn(3)
        self.assertEqual((self.factory.places.taken, self.clock.getDelayedCalls()), (set(), []))

    def test_another_address_is_not_held_up(self) -> None:
        self.dial()
        self.say(20)
        self.turn(3)
        other, transport = self.connect("10.0.0.6")
        other.dataReceived(LINE + b"\n")
        self.assertEqual((self.receiver.lines[-1][1], transport.producerState), ("10.0.0.6", "producing"))

    def test_a_concentrator_goes_on(self) -> None:
        """One of its connections is held back: those that spoke before go on; a new one does once the first is read."""
        before, _ = self.connect()
        before.dataReceived(LINE + b"\n")
        self.dial()
        self.say(20)
        self.turn(3)
        count = len(self.receiver.lines)
        before.dataReceived(LINE + b"\n")
        late = [b"late%d|0|7|0|A|1|148|TARTE|16,00" % number for number in range(3)]
        for line in late:
            self.connect()[0].dataReceived(line + b"\n")
        self.assertEqual(self.heard()[count:], [LINE])
        while self.sockets[0][2]:
            self.settle()
            self.turn()
        self.settle()
        while late[0] not in self.heard():
            self.turn()  # nobody has hung up
        self.assertEqual(self.heard()[-4:], [self.sent[-1], *late])  # one is no longer waited for than the other

    def test_who_waits_keeps_its_place(self) -> None:
        """A till that has hung up is one of those that are let in until it is understood; it does not give way."""
        self.factory = self.make(max_connections=3)
        self.receiver.is_crowded = True
        for _ in range(3):
            self.dial()
            self.say()
            self.hang_up()
            self.turn(2)
        self.assertEqual((len(self.factory.places.taken), len(self.factory.open)), (3, 0))
        _, refused = self.connect("10.0.0.6")
        self.assertTrue(refused.disconnected)
        self.rest()
        self.assertEqual((self.heard(), self.factory.places.taken), (self.sent, set()))
        _, welcome = self.connect("10.0.0.6")
        self.assertFalse(welcome.disconnected)

    def test_who_waited_and_said_nothing_gives_way(self) -> None:
        self.factory = self.make(max_connections=2)
        self.receiver.is_crowded = True
        talkers = [self.connect() for _ in range(2)]
        for connection, _ in talkers:
            connection.dataReceived(b"bad\n")
        self.assertFalse(self.factory.admits("10.0.0.6"))
        self.receiver.is_crowded = False
        self.turn(2)
        self.assertTrue(self.factory.admits("10.0.0.6"))
        self.assertEqual([transport.disconnected for _, transport in talkers], [True, False])

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                ["say", "flood", "trickle", "anew", "neighbour", "turn", "turns", "durable", "crowd", "ease"]
            ),
            max_size=40,
        )
    )
    @example(["flood", "anew", "say"])  # there is more than one read of it
    @example(["neighbour", "flood", "turn", "anew", "say"])
    @example(["trickle", "say", "anew", "say", "turn"])  # and so many under way
    @example([*["say", "turn"] * 5, "crowd", "say", "turn", "say", "anew", "say", "ease"])  # only once it goes on
    def test_every_line_once_and_in_order(self, deeds: list[str]) -> None:
        """Whatever a till and a database do, and when: by one, by many, many one by one, by another connection."""
        self.begin()
        self.dial()
        for deed in deeds:
            match deed:
                case "say" | "flood":
                    self.say(1 if deed == "say" else 15)
                case "trickle":
                    for _ in range(7):
                        self.say()
                        self.turn()
                case "anew":
                    self.hang_up()
                    self.dial()
                case "neighbour":
                    self.connect()  # another till, behind the same address
                case "turn" | "turns":
                    self.turn(1 if deed == "turn" else 8)
                case "durable":
                    self.settle()
                case "crowd" | "ease":
                    self.receiver.is_crowded = deed == "crowd"
            self.assertLessEqual(max((len(one[0]._later) for one in self.sockets), default=0), 50 + 100)
        self.rest()
        self.assertEqual(self.heard(), self.sent)
        self.hang_up()
        self.turn(8)
        self.assertEqual((len(self.factory.places.taken), self.factory.under_way), (deeds.count("neighbour"), 0))
