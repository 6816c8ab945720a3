"""The demo's cameras over real sockets, watched by libav and by a plain HTTP client."""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import Any

import av
from PIL import Image
from twisted.internet import defer, protocol, reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.trial.unittest import TestCase

from camtrace.demo import film, http_camera, rtsp_camera, script, tills
from camtrace.demo.run import HOME, Shop
from camtrace.pools import Pools

FILMS = Path(tempfile.gettempdir()) / f"camtrace-films-{film._version()[:16]}"


class Everything(protocol.Protocol):
    """Gathers what a peer sends; `done` fires when it hangs up."""

    def __init__(self) -> None:
        self.data = b""
        self.done: defer.Deferred[bytes] = defer.Deferred()
        self.wanted: tuple[bytes, int] | None = None
        self.came: defer.Deferred[bytes] = defer.Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if self.wanted and self.data.count(self.wanted[0]) >= self.wanted[1] and not self.came.called:
            self.came.callback(self.data)

    def connectionLost(self, reason: Any = None) -> None:
        self.done.callback(self.data)


def watch(url: str, options: dict[str, str], pictures: int, kind: str | None = None) -> list[tuple[str, int, int]]:
    """Decode some pictures of a stream, and the sound in between; runs in a thread."""
    with av.open(url, options=options, format=kind, timeout=(10, 10)) as container:
        seen: list[tuple[str, int, int]] = []
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                seen.append(("video", frame.width, frame.height))
            else:
                seen.append(("audio", frame.sample_rate, frame.samples))
            if sum(one[0] == "video" for one in seen) == pictures:
                return seen
    return seen


class CameraTests(TestCase):
    """Both cameras on the air."""

    timeout = 120

    async def setUp(self) -> None:
        self.pools = Pools(reactor, jobs=2)
        self.addCleanup(self.pools.stop)
        self.shop = Shop(reactor, self.pools)
        await self.shop.open_cameras(FILMS)
        self.addCleanup(lambda: defer.Deferred.fromCoroutine(self.shop.close()))

    async def check_rtsp(self, transport: str) -> None:
        options = {"rtsp_transport": transport}
        seen = await self.pools.job(watch, self.shop.rtsp_url, options, 10)
        self.assertIn(("video", 640, 480), seen)
        self.assertIn(("audio", 32_000, 1024), seen)

    async def test_rtsp_interleaved(self) -> None:
        """libav plays picture and sound inside the RTSP connection."""
        await self.check_rtsp("tcp")

    async def test_rtsp_by_udp(self) -> None:
        """libav plays picture and sound by UDP."""
        await self.check_rtsp("udp")

    async def test_rtsp_unknown_path(self) -> None:
        """Another path is no stream."""
        url = self.shop.rtsp_url.replace(rtsp_camera.PATH, "/other")
        failure = await self.pools.job(watch, url, {"rtsp_transport": "tcp"}, 1).addErrback(lambda f: f.value)
        self.assertIsInstance(failure, av.error.HTTPNotFoundError)

    async def test_rtsp_nonsense_closes(self) -> None:
        """Bytes that are no RTSP end the connection, not the camera."""
        port = int(self.shop.rtsp_url.split(":")[2].split("/")[0])
        peer = await connectProtocol(TCP4ClientEndpoint(reactor, HOME, port), Everything())
        peer.transport.write(b"\x16\x03\x01\x00 this is TLS, or worse\r\n\r\n")
        await peer.done
        await self.check_rtsp("tcp")

    async def ask(self, path: str, login: str = "root:axis2100", wanted: tuple[bytes, int] | None = None) -> Everything:
        port = int(self.shop.http_url.split(":")[2].split("/")[0])
        peer = Everything()
        peer.wanted = wanted
        await connectProtocol(TCP4ClientEndpoint(reactor, HOME, port), peer)
        authorization = base64.b64encode(login.encode()).decode()
        request = f"GET {path} HTTP/1.0\r\nAuthorization: Basic {authorization}\r\n\r\n".encode()
        for byte in range(0, len(request), 7):
            peer.transport.write(request[byte : byte + 7])
        return peer

    async def test_mjpeg(self) -> None:
        """The endless answer is parts of whole pictures between the old cameras' boundary."""
        peer = await self.ask(http_camera.STREAM + "?resolution=640x480", wanted=(b"--myboundary", 4))
        data = await peer.came
        head, _, body = data.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.0 200 OK"))
        self.assertIn(b"multipart/x-mixed-replace; boundary=myboundary", head)
        for part in body.split(b"--myboundary\r\n")[1:4]:
            fields, _, picture = part.partition(b"\r\n\r\n")
            length = int(fields.split(b"Content-Length: ")[1])
            image = Image.open(io.BytesIO(picture[:length]))
            image.load()
            self.assertEqual(image.size, (640, 480))
        peer.transport.abortConnection()
        await peer.done

    async def test_snapshot(self) -> None:
        """One picture, then the end."""
        peer = await self.ask(http_camera.SNAPSHOT)
        _, _, body = (await peer.done).partition(b"\r\n\r\n")
        self.assertEqual(Image.open(io.BytesIO(body)).size, (640, 480))

    async def test_wrong_login(self) -> None:
        """Without the right login there is a challenge and no picture."""
        for login in ("root:wrong", "", "someone:axis2100"):
            peer = await self.ask(http_camera.STREAM, login)
            data = await peer.done
            self.assertTrue(data.startswith(b"HTTP/1.0 401"), data[:60])
            self.assertIn(b'WWW-Authenticate: Basic realm="AXIS"', data)

    async def test_unknown_page(self) -> None:
        """Another path is not found."""
        self.assertTrue((await (await self.ask("/index.html")).done).startswith(b"HTTP/1.0 404"))


class TillTests(TestCase):
    """A till on the network."""

    timeout = 120

    async def test_says_its_lines_on_the_beat_and_comes_back(self) -> None:
        """The script's lines arrive at a server; after a cut the till connects again."""
        till = script.TILLS[0]
        arrived: defer.DeferredQueue[Everything] = defer.DeferredQueue()

        class Server(protocol.Factory):
            def buildProtocol(self, addr: Any) -> Everything:
                peer = Everything()
                peer.wanted = (b"\n", 8)
                peer.makeConnection = lambda transport: (  # type: ignore[method-assign]
                    protocol.Protocol.makeConnection(peer, transport),
                    arrived.put(peer),
                )
                return peer

        port = reactor.listenTCP(0, Server(), interface=HOME)
        self.addCleanup(port.stopListening)
        connection = tills.TillConnection(reactor, till, HOME, port.getHost().port)
        connection.start()
        self.addCleanup(connection.stop)
        expected = b"".join(line for beat in range(script.SALE) for line in till.lines(beat))
        for _ in range(2):
            peer = await arrived.get()
            await connection.connected()
            for beat in range(script.SALE):
                connection.beat(beat)
            self.assertEqual(await peer.came, expected)
            peer.transport.loseConnection()
            await peer.done
