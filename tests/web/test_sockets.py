"""The site over real sockets: what only shows there."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from support.web import Clip, WebShop, sale
from twisted.internet import defer, endpoints, protocol, reactor, ssl, task
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.trial.unittest import TestCase
from wsproto import ConnectionType, WSConnection
from wsproto.events import Message, Request
from zope.interface import implementer

from camtrace.web.flow import Flow
from camtrace.web.live_page import SESSION_ENDED
from camtrace.web.site import BODY_LIMIT

TIMEOUT = 10


class Talk(protocol.Protocol):
    """A raw connection that keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.gone: defer.Deferred[None] = defer.Deferred()
        self._waiting: list[tuple[Any, defer.Deferred[None]]] = []

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self._look()

    def connectionLost(self, reason: Any = None) -> None:
        self.gone.callback(None)

    def until(self, count: int, text: bytes) -> defer.Deferred[None]:
        """Fires when `text` was heard `count` times."""
        waiter: defer.Deferred[None] = defer.Deferred()
        waiter.addTimeout(TIMEOUT, reactor)
        self._waiting.append((lambda: self.heard.count(text) >= count, waiter))
        self._look()
        return waiter

    def _look(self) -> None:
        for place in [pair for pair in self._waiting if pair[0]()]:
            self._waiting.remove(place)
            place[1].callback(None)


class SocketCase(TestCase):
    """A listening site."""

    timeout = 120

    async def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        (Path(folder.name) / "app.css").write_text("body {}")
        self.shop = WebShop(reactor, static=Path(folder.name))
        endpoint = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1")
        self.port = await endpoint.listen(self.shop.website.site())
        self.addCleanup(self.port.stopListening)
        self.token = self.shop.token()

    async def talk(self, data: bytes = b"") -> Talk:
        """A connection that has said `data`."""
        client = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        talk = await endpoints.connectProtocol(client, Talk())
        self.addCleanup(lambda: talk.gone)
        self.addCleanup(lambda: talk.transport.abortConnection())
        talk.transport.write(data)
        return talk

    def request(self, line: str, *headers: str, body: bytes = b"") -> bytes:
        """A request with anna's token."""
        head = [f"{line} HTTP/1.1", "Host: shop", f"Authorization: Bearer {self.token}", *headers, "", ""]
        return "\r\n".join(head).encode() + body


class LockTests(SocketCase):
    """Somebody is locked who has much open."""

    async def test_all_ends(self) -> None:
        """A page's socket, an event stream and a clip that a player holds open end at once; others go on."""
        self.shop.footage.clips[101] = Clip(b"x" * (64 << 20))
        path = "/api/v1/cameras/1/video.mp4?start=2026-11-20T11:00:00Z&stop=2026-11-20T12:00:00Z"
        others = await self.talk(self.request("GET /api/v1/events"))
        boris = self.shop.token("boris")
        self.token, kept = boris, self.token
        events = await self.talk(self.request("GET /api/v1/events"))
        clip = await self.talk(self.request(f"GET {path}"))
        await clip.until(1, b"xxxx")
        clip.transport.pauseProducing()
        page, client = await self.talk(), WSConnection(ConnectionType.CLIENT)
        extra = [(b"Authorization", f"Bearer {boris}".encode()), (b"Origin", b"http://shop")]
        page.transport.write(client.send(Request(host="shop", target="/live/socket", extra_headers=extra)))
        await page.until(1, b"hello")
        await events.until(1, b"retry")
        await others.until(1, b"retry")
        self.token = kept
        await self.shop.people.change(2, {"locked": True})
        clip.transport.resumeProducing()
        await clip.gone
        self.assertLess(len(clip.heard), 64 << 20)
        await events.until(1, b"\r\n0\r\n\r\n")  # the last chunk
        await page.until(1, SESSION_ENDED.to_bytes(2, "big"))
        self.shop.bus.publish(sale(1))
        await others.until(1, b"event: line")
        self.assertNotIn(b"event: line", events.heard)


class BodyTests(SocketCase):
    """Bodies longer than the server wants."""

    async def test_announced(self) -> None:
        """A long Content-Length is refused before the body comes."""
        talk = await self.talk(self.request("POST /api/v1/cameras", f"Content-Length: {BODY_LIMIT + 1}"))
        await talk.until(1, b"too_large")
        self.assertTrue(talk.heard.startswith(b"HTTP/1.1 413 "))

    async def test_asked_first(self) -> None:
        """A client that asks before it sends is told 413 and nothing else."""
        length = f"Content-Length: {BODY_LIMIT + 1}"
        talk = await self.talk(self.request("POST /api/v1/cameras", length, "Expect: 100-continue"))
        await talk.gone
        self.assertTrue(talk.heard.startswith(b"HTTP/1.1 413 "))
        self.assertNotIn(b" 100 ", talk.heard)

    async def test_chunked(self) -> None:
        """A body that comes in pieces is refused when it gets too long, and the answer arrives all the same."""
        talk = await self.talk(self.request("POST /api/v1/cameras", "Transfer-Encoding: chunked"))
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        talk.transport.write(piece * 40)
        await talk.until(1, b"too_large")
        await talk.gone
        self.assertEqual(len(self.shop.cameras.stored), 3)

    async def test_just_short_enough(self) -> None:
        """A body of exactly the limit is looked at."""
        body = b" " * BODY_LIMIT
        kind = "Content-Type: application/json"
        talk = await self.talk(self.request("POST /api/v1/cameras", kind, f"Content-Length: {len(body)}", body=body))
        await talk.until(1, b"not JSON")
        self.assertTrue(talk.heard.startswith(b"HTTP/1.1 400 "))


class HeadTests(SocketCase):
    """Heads longer than the server wants."""

    async def test_long_header(self) -> None:
        """A header of 60 kB is answered 431, and the connection ends; so is an address of that length."""
        for head in (b"GET / HTTP/1.1\r\nHost: shop\r\nX-More: ", b"GET /"):
            talk = await self.talk(head + b"a" * 60_000 + b"\r\n\r\n")
            await talk.gone
            self.assertTrue(talk.heard.startswith(b"HTTP/1.1 431 "))
            self.assertEqual(talk.heard.count(b"HTTP/1.1 "), 1)

    async def test_endless(self) -> None:
        """Headers that never end are cut off; the answer may be lost, since nobody reads what still comes."""
        talk = await self.talk(b"GET / HTTP/1.1\r\nHost: shop\r\n")
        sent = 0
        while not talk.gone.called and sent < 5_000_000:
            talk.transport.write(b"X-More: " + b"a" * 1000 + b"\r\n")
            sent += 1010
            await task.deferLater(reactor, 0.001)
        await talk.gone
        self.assertIn(talk.heard.split(b"\r\n")[0], (b"", b"HTTP/1.1 400 Bad Request"))
        self.assertLess(sent, 1_000_000)


class ConnectionTests(SocketCase):
    """Odd ways to speak HTTP."""

    async def test_pipelining(self) -> None:
        """Requests sent ahead are answered in order."""
        asked = [self.request(f"GET /api/v1/cameras/{number}/status") for number in (1, 2, 7)]
        talk = await self.talk(b"".join(asked))
        await talk.until(3, b"HTTP/1.1 ")
        await talk.until(1, b"not_found")
        self.assertLess(talk.heard.index(b'"id":1'), talk.heard.index(b'"id":2'))
        self.assertLess(talk.heard.index(b'"id":2'), talk.heard.index(b"not_found"))

    async def test_byte_by_byte(self) -> None:
        """A request in single bytes is the same request."""
        talk = await self.talk()
        for byte in self.request("GET /api/v1/health"):
            talk.transport.write(bytes([byte]))
        await talk.until(1, b'"status":"ok"')

    async def test_garbage(self) -> None:
        """Noise is answered by 400 and the end."""
        talk = await self.talk(b"\x00\x01\x02 nonsense\r\n\r\n")
        await talk.gone
        self.assertIn(b"400 Bad Request", talk.heard)

    async def test_traversal(self) -> None:
        """A raw path cannot climb out of the static files."""
        for path in ("/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd", "/../etc/passwd"):
            talk = await self.talk(self.request(f"GET {path}"))
            await talk.until(1, b"\r\n\r\n")
            self.assertIn(b" 404 ", talk.heard.partition(b"\r\n")[0])
            self.assertNotIn(b"root:", talk.heard)

    async def test_other_origin(self) -> None:
        """A browser on another site's page cannot change anything, whatever it knows."""
        session, csrf = self.shop.session()
        cookie = f"Cookie: camtrace_{self.port.getHost().port}={session}"
        head = "DELETE /api/v1/cameras/1 HTTP/1.1\r\nHost: shop\r\n{}\r\nX-CSRF: {}\r\nOrigin: {}\r\n\r\n"
        evil = await self.talk(head.format(cookie, csrf, "https://evil.example").encode())
        await evil.until(1, b"forbidden")
        own = await self.talk(head.format(cookie, csrf, "http://shop").encode())
        await own.until(1, b"204 No Content")


class TillTests(SocketCase):
    """A till that was given the web port."""

    async def test_noted_once(self) -> None:
        """The till is told of once, however often it comes, and its connection ends."""
        for _ in range(3):
            talk = await self.talk(b"1|0|7|0|A|BREAD|1|1,00|1,00\r\n")
            await talk.gone
            self.assertEqual(talk.heard, b"")
        self.assertEqual(self.shop.tills_at_the_door, ["127.0.0.1"])

    async def test_without_newline(self) -> None:
        """A line in two halves without an end is enough to know it."""
        talk = await self.talk(b"1|0")
        talk.transport.write(b"|7|0|E")
        await talk.gone
        self.assertEqual(self.shop.tills_at_the_door, ["127.0.0.1"])


class StreamTests(SocketCase):
    """Long answers."""

    VIDEO = "GET /api/v1/cameras/1/video.mp4?start=0&stop=60"

    async def test_whole(self) -> None:
        """A long clip arrives whole."""
        content = bytes(range(256)) * 40_000
        self.shop.footage.clips[101] = Clip(content)
        talk = await self.talk(self.request(self.VIDEO, "Connection: close"))
        await talk.gone
        self.assertEqual(talk.heard.partition(b"\r\n\r\n")[2], content)

    async def test_client_that_does_not_read(self) -> None:
        """No more of a clip is read from the disk than the client takes; leaving ends it."""
        clip = self.shop.footage.clips[101] = Clip(b"x" * (200 << 20))
        stuck: defer.Deferred[None] = defer.Deferred()
        pause = Flow.pauseProducing

        def paused(flow: Flow) -> None:
            pause(flow)
            if not stuck.called:
                stuck.callback(None)

        self.patch(Flow, "pauseProducing", paused)
        talk = await self.talk()
        talk.transport.pauseProducing()
        talk.transport.write(self.request(self.VIDEO))
        await stuck
        self.assertLess(clip.reads, 100)  # of 800 pieces
        talk.transport.resumeProducing()
        talk.transport.abortConnection()
        await talk.gone

    async def test_footage_that_breaks_off(self) -> None:
        """A clip that turns out shorter than announced ends the connection: the player must not take it as whole."""
        clip = self.shop.footage.clips[101] = Clip(b"x" * 1000)

        async def nothing(offset: int, length: int) -> bytes:
            return b"y" * 10 if offset == 0 else b""

        clip.read = nothing
        talk = await self.talk(self.request(self.VIDEO))
        await talk.gone
        self.assertIn(b"Content-Length: 1000", talk.heard)
        self.assertEqual(len(self.flushLoggedErrors(EOFError)), 1)

    async def test_event_stream_left(self) -> None:
        """A reader of events that goes away is forgotten."""
        talk = await self.talk(self.request("GET /api/v1/events"))
        await talk.until(1, b"retry: 2000")
        self.assertEqual(len(self.shop.events._streams), 1)
        talk.transport.abortConnection()
        while self.shop.events._streams:  # the test's own timeout ends this
            await task.deferLater(reactor, 0.01)


class LiveTests(SocketCase):
    """The live socket on real transports: what is paused, dropped and resumed there."""

    async def _open(self, talk: Talk) -> None:
        wish = WSConnection(ConnectionType.CLIENT)
        headers = [(b"Authorization", f"Bearer {self.token}".encode())]
        talk.transport.write(wish.send(Request("shop", "/live/socket", extra_headers=headers)))
        await talk.until(1, b'"is":"hello"')
        wish.receive_data(talk.heard)
        list(wish.events())
        talk.transport.write(wish.send(Message('{"do": "watch", "channel": 1, "camera": 1}')))
        await talk.until(1, b'"is":"screen"')

    async def _flood(self, talk: Talk) -> None:
        """40 MB of pictures at a page that does not read: bounded here, told there, lines not touched."""
        await self._open(talk)
        (viewer,) = self.shop.live.viewers[101]
        viewer.live_started("image/jpeg", b"", "")
        await talk.until(1, b'"is":"media"')
        talk.transport.pauseProducing()
        (page,) = self.shop.socket._pages
        for number in range(640):
            viewer.live_fragment(b"x" * 65536, True, number)
            await task.deferLater(reactor, 0)
        self.assertLess(page.outbox._bytes, (4 << 20) + 65536)
        self.shop.bus.publish(sale(1))
        talk.transport.resumeProducing()
        await talk.until(1, b'"is":"dropped"')
        await talk.until(1, b'"text":"BREAD"')
        self.assertGreater(self.shop.metrics.value("camtrace_web_live_dropped_total", camera=1), 100)
        self.assertLess(len(talk.heard), 30 << 20)

    async def test_slow_page(self) -> None:
        """Over TCP."""
        await self._flood(await self.talk())

    async def test_slow_page_tls(self) -> None:
        """Over TLS, whose transport has a buffer of its own."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        certificate = self_signed(Path(folder.name))
        endpoint = endpoints.serverFromString(reactor, f"ssl:0:interface=127.0.0.1:privateKey={certificate}")
        port = await endpoint.listen(self.shop.website.site())
        self.addCleanup(port.stopListening)
        plain = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        trust = ssl.CertificateOptions(verify=False)
        client = endpoints.wrapClientTLS(_AnyPeer(trust), plain)
        talk = await endpoints.connectProtocol(client, Talk())
        self.addCleanup(lambda: talk.gone)
        self.addCleanup(lambda: talk.transport.abortConnection())
        await self._flood(talk)


@implementer(IOpenSSLClientConnectionCreator)
class _AnyPeer:
    """Trusts whoever answers: this is a test."""

    def __init__(self, options: ssl.CertificateOptions) -> None:
        self._context = options.getContext()

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        return SSL.Connection(self._context, None)


def self_signed(folder: Path) -> Path:
    """A file with a new key and certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = Encoding.PEM
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(pem))
    return path
