"""The control channel's connections: text and HTTP, cut anywhere, and what bad senders do."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from typing import Any

from support.needs import needs
from twisted.internet import defer, endpoints, error, reactor, threads
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace.alarm.protocol import (
    BODY_BYTES,
    CROWD,
    HTTP_SECONDS,
    IDLE_SECONDS,
    MOST_UNDER_WAY,
    SHORT_SILENCE_SECONDS,
    TURN_MESSAGES,
    ControlConnection,
    ControlFactory,
    speaks_http,
)
from camtrace.alarm.wire import Call
from camtrace.model import Camera
from camtrace.peers import Peers

REQUEST = b"GET /alarm?Eventname=door&Message=open&idlist=3%2C11 HTTP/1.1\r\nHost: x\r\nUser-Agent: camera\r\n\r\n"


class Receiver:
    """Remembers calls; answers at once, or when `pending` is fired."""

    def __init__(self, at_once: bool = True) -> None:
        self.calls: list[tuple[Call, str, str]] = []
        self.complaints: list[tuple[str, str]] = []
        self.pending: list[defer.Deferred[None]] = []
        self.heard: defer.Deferred[None] = defer.Deferred()
        self._at_once = at_once

    async def called(self, call: Call, peer: str, cause: str) -> list[Camera]:
        self.calls.append((call, peer, cause))
        heard, self.heard = self.heard, defer.Deferred()
        heard.callback(None)
        if not self._at_once:
            self.pending.append(defer.Deferred())
            await self.pending[-1]
        known = [id for id in call.ids if id < 100] if call.ids_given else [1]
        return [Camera(uid=id, id=id, name=str(id)) for id in known]

    def not_understood(self, peer: str, code: str, reason: str, sample: str = "") -> None:
        self.complaints.append((peer, code))

    @property
    def ids(self) -> list[tuple[int, ...]]:
        return [call.ids for call, _, _ in self.calls]


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.receiver = Receiver()
        self.clock = Clock()
        self.factory = ControlFactory(self.receiver, self.clock)

    def connect(self, host: str = "10.0.0.5") -> tuple[ControlConnection, StringTransport]:
        address = IPv4Address("TCP", host, 4000)
        connection: Any = self.factory.buildProtocol(address)
        transport = StringTransport(peerAddress=address)
        connection.makeConnection(transport)
        return connection, transport

    def lost(self, connection: ControlConnection) -> None:
        connection.connectionLost(Failure(error.ConnectionDone()))


class TextTests(Case):
    """Messages as text."""

    def test_ends(self) -> None:
        """Each way of ending a message counts once, and the connection stays open for more."""
        for end in (b"\n", b"\r", b"\r\n", b"\0"):
            connection, transport = self.connect()
            connection.dataReceived(b"alarm 5" + end + b"ALARME 6,7" + end)
            self.assertEqual(self.receiver.ids, [(5,), (6, 7)])
            self.assertFalse(transport.disconnecting)
            self.assertEqual(transport.value(), b"")
            self.receiver.calls.clear()
            self.lost(connection)
            self.assertEqual(self.receiver.calls, [])

    def test_end_of_the_connection(self) -> None:
        connection, _ = self.connect()
        connection.dataReceived(b"alarm 5")
        self.assertEqual(self.receiver.calls, [])
        self.lost(connection)
        self.assertEqual(self.receiver.ids, [(5,)])

    def test_half_close(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived(b"alarm 5")
        connection.readConnectionLost()
        self.assertEqual(self.receiver.ids, [(5,)])
        self.assertTrue(transport.disconnecting)
        self.lost(connection)
        self.assertEqual(len(self.receiver.calls), 1)

    def test_short_silence(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived(b"alarm 5,2")
        self.clock.advance(SHORT_SILENCE_SECONDS / 2)
        connection.dataReceived(b"3")
        self.clock.advance(SHORT_SILENCE_SECONDS * 0.9)
        self.assertEqual(self.receiver.calls, [])
        self.clock.advance(SHORT_SILENCE_SECONDS)
        self.assertEqual(self.receiver.ids, [(5, 23)])
        connection.dataReceived(b"alarm 6\n")
        self.assertEqual(self.receiver.ids, [(5, 23), (6,)])
        self.assertFalse(transport.disconnecting)

    def test_half_a_word_waits(self) -> None:
        """Silence ends no message that is not whole."""
        connection, _ = self.connect()
        connection.dataReceived(b"ala")
        self.clock.advance(SHORT_SILENCE_SECONDS * 3)
        self.assertEqual((self.receiver.calls, self.receiver.complaints), ([], []))
        connection.dataReceived(b"rm 5\n")
        self.assertEqual(self.receiver.ids, [(5,)])

    def test_every_cut(self) -> None:
        data = b"alarm 5,23\r\nALARME 8\0alarm 9"
        for cut in range(len(data) + 1):
            self.receiver.calls.clear()
            self.clock.advance(0)
            connection, _ = self.connect()
            connection.dataReceived(data[:cut])
            connection.dataReceived(data[cut:])
            self.lost(connection)
            self.assertEqual(self.receiver.ids, [(5, 23), (8,), (9,)], cut)

    def test_a_test_button(self) -> None:
        """A connection without a word, or with nothing but line ends, raises nothing and is not told of."""
        for data in (b"", b"\r\n", b"\0", b"  \n"):
            connection, _ = self.connect()
            connection.dataReceived(data)
            self.lost(connection)
        self.assertEqual((self.receiver.calls, self.receiver.complaints), ([], []))

    def test_nonsense_is_told_and_the_rest_counts(self) -> None:
        connection, _ = self.connect()
        connection.dataReceived(b"hello\nalarm 5\n\xff\xfe\xfd\nT1|148|||A\n")
        self.assertEqual(self.receiver.ids, [(5,)])
        self.assertEqual(self.receiver.complaints, [("10.0.0.5", "text")] * 3)

    def test_beginnings_of_methods(self) -> None:
        """A message that begins as an HTTP method might is text all the same."""
        connection, _ = self.connect()
        connection.dataReceived(b"P")
        connection.dataReceived(b"UMP 3\nalarm 5\n")
        self.assertEqual((self.receiver.ids, self.receiver.complaints), ([(5,)], [("10.0.0.5", "text")]))
        connection, _ = self.connect()
        connection.dataReceived(b"GE")
        self.lost(connection)
        self.assertEqual(len(self.receiver.complaints), 2)

    def test_too_long(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived(b"alarm 5\n" + b"x" * 5000)
        self.assertTrue(transport.disconnected or transport.disconnecting)
        self.assertEqual(self.receiver.complaints, [("10.0.0.5", "long")])
        connection.dataReceived(b"\nalarm 6\n")
        self.lost(connection)
        self.assertEqual(self.receiver.ids, [])

    def test_idle(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived(b"alarm 5\n")
        self.clock.advance(IDLE_SECONDS - 1)
        self.assertFalse(transport.disconnected or transport.disconnecting)
        self.clock.advance(1)
        self.assertTrue(transport.disconnected or transport.disconnecting)
        self.lost(connection)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class HttpTests(Case):
    """The same by HTTP."""

    def answer(self, request: bytes, cut: int | None = None) -> tuple[int, bytes]:
        """Status and body of what comes back."""
        connection, transport = self.connect()
        for piece in (request,) if cut is None else (request[:cut], request[cut:]):
            connection.dataReceived(piece)
        head, _, body = transport.value().partition(b"\r\n\r\n")
        self.lost(connection)
        return (int(head.split()[1]) if head else 0), body

    def test_every_cut(self) -> None:
        for cut in range(len(REQUEST) + 1):
            self.receiver.calls.clear()
            self.assertEqual(self.answer(REQUEST, cut), (200, b"alarm 3,11\n"), cut)
            ((call, peer, cause),) = self.receiver.calls
            self.assertEqual((call.ids, call.message), ((3, 11), "Eventname: door, open"))
            self.assertEqual((peer, cause), ("10.0.0.5", "http"))

    def test_forms_of_requests(self) -> None:
        for line, ids in (
            (b"GET /alarm HTTP/1.0", ()),
            (b"GET /alarm/ HTTP/1.0", ()),
            (b"GET /ALARME?idlist=3 HTTP/1.0", (3,)),
            (b"GET http://10.0.0.1:8001/alarm?idlist=3,4 HTTP/1.0", (3, 4)),
            (b"PUT /alarm?idlist=3 HTTP/1.0", (3,)),
            (b"DELETE /alarm/?idlist=3 HTTP/1.0", (3,)),
        ):
            self.receiver.calls.clear()
            self.assertEqual(self.answer(line + b"\r\n\r\n")[0], 200, line)
            self.assertEqual(self.receiver.ids, [ids])

    def test_head(self) -> None:
        """A HEAD raises as well, and its answer has no body."""
        self.assertEqual(self.answer(b"HEAD /alarm?idlist=3 HTTP/1.1\r\nHost: x\r\n\r\n"), (200, b""))
        self.assertEqual(self.receiver.ids, [(3,)])

    def test_forms(self) -> None:
        body = b"idlist=3,11&Message=a+b"
        head = b"POST /alarm?idlist=5 HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        whole = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nidlis\r\n%x\r\n%s\r\n0\r\n\r\n" % (
            len(body) - 5,
            body[5:],
        )
        for request in (whole, chunked):
            for cut in (None, 10, len(request) - 3):
                self.receiver.calls.clear()
                self.assertEqual(self.answer(request, cut)[0], 200)
                self.assertEqual(self.receiver.calls[0][0], Call((5, 3, 11), (), True, "a b"))

    def test_a_picture_is_taken_in_and_dropped(self) -> None:
        body = b"\xff\xd8" + b"x" * 300_000
        head = b"POST /alarm HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.assertEqual(self.answer(head + body)[0], 200)
        self.assertEqual(self.receiver.ids, [()])

    def test_too_much(self) -> None:
        """An endless head, or a body beyond the limit, ends the connection."""
        connection, transport = self.connect()
        connection.dataReceived(b"GET /alarm HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000)
        self.assertTrue(transport.disconnected or transport.disconnecting or b" 400 " in transport.value()[:20])
        self.lost(connection)
        self.answer(b"POST /alarm HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + 1))
        self.assertEqual((self.receiver.calls, self.receiver.complaints), ([], [("10.0.0.5", "body")]))

    def test_slow(self) -> None:
        """A request that is not whole in time is cut off, however busily it dribbles."""
        connection, transport = self.connect()
        connection.dataReceived(b"GET /alarm HTTP/1.1\r\n")
        for _ in range(int(HTTP_SECONDS)):
            connection.dataReceived(b"X-A: b\r\n")
            self.clock.advance(1)
        self.assertTrue(transport.disconnected or transport.disconnecting)

    def test_other_addresses(self) -> None:
        self.assertEqual(self.answer(b"GET / HTTP/1.0\r\n\r\n")[0], 404)
        self.assertEqual(self.answer(b"GET /alarms?idlist=3 HTTP/1.0\r\n\r\n")[0], 404)
        self.assertEqual(self.receiver.calls, [])

    def test_nobody_was_alarmed(self) -> None:
        self.assertEqual(self.answer(b"GET /alarm?idlist=999 HTTP/1.0\r\n\r\n"), (404, b"no such camera\n"))

    def test_answer_when_durable(self) -> None:
        self.receiver = Receiver(at_once=False)
        self.factory.receiver = self.receiver
        connection, transport = self.connect()
        connection.dataReceived(REQUEST)
        self.assertEqual(transport.value(), b"")
        self.receiver.pending[0].callback(None)
        self.assertIn(b" 200 ", transport.value())
        self.assertIn(b"Connection: close", transport.value())
        self.assertTrue(transport.disconnecting)  # a camera that waits for the end gets it


class PaceTests(Case):
    """Triggers that come faster than they become durable."""

    def setUp(self) -> None:
        super().setUp()
        self.receiver = self.factory.receiver = Receiver(at_once=False)

    def settle(self) -> None:
        """All that has come becomes durable."""
        pending, self.receiver.pending = self.receiver.pending, []
        for one in pending:
            one.callback(None)

    def test_a_connection_waits(self) -> None:
        """It is read no further until what it sent is durable; its own silence meanwhile is none."""
        connection, transport = self.connect()
        connection.dataReceived(b"alarm 5\n" * (MOST_UNDER_WAY + 1) + b"ala")
        self.assertEqual(transport.producerState, "paused")
        self.clock.advance(2 * IDLE_SECONDS)
        self.assertFalse(transport.disconnected)
        self.settle()
        self.assertEqual(transport.producerState, "producing")
        self.clock.advance(2 * SHORT_SILENCE_SECONDS)
        connection.dataReceived(b"rm 6\n")
        self.assertEqual((self.receiver.ids[-1], self.receiver.complaints), ((6,), []))
        self.clock.advance(IDLE_SECONDS)
        self.assertTrue(transport.disconnected)

    def test_all_wait(self) -> None:
        """Where all together sent too much, whoever has something under way is read no further."""
        others = [self.connect() for _ in range(CROWD // MOST_UNDER_WAY)]
        for connection, _ in others:
            connection.dataReceived(b"alarm 5\n" * MOST_UNDER_WAY)
            self.clock.advance(0)
        connection, transport = self.connect()
        connection.dataReceived(b"alarm 6\n")
        self.assertEqual(transport.producerState, "paused")
        self.assertEqual({one.producerState for _, one in others[:-1]}, {"producing"})
        self.settle()
        self.assertEqual(transport.producerState, "producing")

    def test_a_turn_has_room_for_so_many(self) -> None:
        """What many send at once is taken some at a time, in the order of coming, and none is read meanwhile."""
        many = [self.connect() for _ in range(5)]
        self.receiver = self.factory.receiver = Receiver()
        for number, (connection, _) in enumerate(many, 1):
            connection.dataReceived(b"alarm %d\n" % number * TURN_MESSAGES + b"ALARM 99\n")
        self.assertEqual(self.receiver.ids, [(1,)] * TURN_MESSAGES)
        self.assertEqual([one.producerState for _, one in many], ["paused"] * 5)
        self.clock.advance(0)
        self.assertEqual([one.producerState for _, one in many], ["producing"] * 5)
        self.assertEqual(self.receiver.ids.count((99,)), 5)
        self.assertEqual(
            [ids for ids in self.receiver.ids if ids != (99,)],
            [(n,) for n in range(1, 6) for _ in range(TURN_MESSAGES)],
        )

    def test_nonsense_takes_its_room_too(self) -> None:
        connection, transport = self.connect()
        connection.dataReceived(b"x\n" * (TURN_MESSAGES + 1))
        self.assertEqual((len(self.receiver.complaints), transport.producerState), (TURN_MESSAGES, "paused"))
        self.clock.advance(0)
        self.assertEqual((len(self.receiver.complaints), transport.producerState), (TURN_MESSAGES + 1, "producing"))

    def test_gone_meanwhile(self) -> None:
        """What came before counts, and nobody is waited for any more."""
        connection, _ = self.connect()
        connection.dataReceived(b"alarm 5\n" * (MOST_UNDER_WAY + 1) + b"alarm 6")
        self.lost(connection)
        self.clock.advance(0)
        self.assertEqual(self.receiver.ids[-1], (6,))
        self.settle()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class CrowdTests(Case):
    """Who may connect, and how many."""

    def test_strangers(self) -> None:
        self.factory = ControlFactory(self.receiver, self.clock, peers=Peers(["10.0.0.0/24"]))
        connection, transport = self.connect("10.0.1.5")
        connection.dataReceived(b"alarm 5\n")
        self.assertTrue(transport.disconnected or transport.disconnecting)
        self.lost(connection)
        self.connect("10.0.0.5")[0].dataReceived(b"alarm 6\n")
        self.assertEqual((self.receiver.ids, self.receiver.complaints), ([(6,)], [("10.0.1.5", "refused")]))

    def test_limits(self) -> None:
        self.factory = ControlFactory(self.receiver, self.clock, max_connections=3, max_per_peer=2)
        first, _ = self.connect()
        self.connect()
        self.connect()
        self.assertEqual(self.receiver.complaints, [("10.0.0.5", "too_many")])
        self.connect("10.0.0.6")
        first.dataReceived(b"alarm 4\n")
        self.connect("10.0.0.7")
        self.assertEqual(self.receiver.complaints[1:], [("10.0.0.7", "crowd")])
        self.lost(first)
        connection, _ = self.connect("10.0.0.7")
        connection.dataReceived(b"alarm 5\n")
        self.assertEqual(self.receiver.ids, [(4,), (5,)])

    def test_who_says_nothing_gives_way(self) -> None:
        """Whoever holds all places and raises no alarm keeps no camera out."""
        self.factory = ControlFactory(self.receiver, self.clock, max_connections=3)
        idle = [self.connect() for _ in range(3)]
        idle[0][0].dataReceived(b"nonsense\n")
        camera, transport = self.connect("10.0.0.6")
        camera.dataReceived(b"alarm 5\n")
        self.assertEqual([one.disconnected for _, one in idle], [True, False, False])
        self.assertEqual((self.receiver.ids, transport.disconnected), ([(5,)], False))
        self.assertEqual(self.receiver.complaints, [("10.0.0.5", "text"), ("10.0.0.5", "crowd")])

    def test_leaving(self) -> None:
        """What was asked for becomes durable, half a message too."""
        self.receiver = Receiver(at_once=False)
        self.factory.receiver = self.receiver
        connection, _ = self.connect()
        connection.dataReceived(b"alarm 5\nalarm 6")
        leaving = defer.ensureDeferred(self.factory.leave())
        self.assertNoResult(leaving)
        self.assertEqual(self.receiver.ids, [(5,), (6,)])
        for waiting in self.receiver.pending:
            waiting.callback(None)
        self.successResultOf(leaving)


def test_first_bytes() -> None:
    for head in (b"", b"P", b"PO", b"OPTIONS"):
        assert speaks_http(head) is None
    assert speaks_http(b"POST ") is True
    for head in (b"alarm", b"GETX", b"POST\r"):
        assert speaks_http(head) is False


class RealTests(TestCase):
    """curl and bare sockets."""

    async def setUp(self) -> None:
        self.receiver = Receiver()
        factory = ControlFactory(self.receiver, reactor)
        self.port = await endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)
        self.addCleanup(self.port.stopListening)
        self.addCleanup(lambda: defer.ensureDeferred(factory.leave()))
        self.number = self.port.getHost().port

    async def outside(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await threads.deferToThread(work, *arguments)

    @needs("curl")
    async def test_curl(self) -> None:
        address = f"http://127.0.0.1:{self.number}/alarm"
        for options in (
            ["--get", "--data-urlencode", "idlist=3,11"],
            ["--http1.0", "--data", "idlist=3,11"],
            ["--request", "POST", "--header", "Transfer-Encoding: chunked", "--data", "idlist=3,11"],
            ["--proxy", f"http://127.0.0.1:{self.number}", "--data", "idlist=3,11"],
        ):
            command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "20", *options, address]
            done = await self.outside(lambda c=command: subprocess.run(c, capture_output=True, text=True, timeout=30))
            self.assertEqual((done.returncode, done.stdout), (0, "alarm 3,11\n"), done.stderr)
        self.assertEqual(self.receiver.ids, [(3, 11)] * 4)

    async def test_a_camera_that_sends_and_hangs_up(self) -> None:
        """Half-closed, closed, reset: the message counts."""

        def speak(how: str) -> None:
            with socket.create_connection(("127.0.0.1", self.number), timeout=10) as camera:
                camera.sendall(b"alarm 5")
                if how == "half":
                    camera.shutdown(socket.SHUT_WR)
                    assert camera.recv(10) == b""

        for how in ("half", "close"):
            heard = self.receiver.heard
            await self.outside(speak, how)
            await heard
        self.assertEqual(self.receiver.ids, [(5,)] * 2)
