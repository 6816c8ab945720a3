"""An IP camera of twenty years ago: JPEG pictures without end by HTTP/1.0, as the Axis manuals of the time have it."""

from __future__ import annotations

from base64 import b64encode
from hmac import compare_digest
from typing import Any

from twisted.internet import protocol

from camtrace.demo import beat as pulse
from camtrace.demo import caption, mjpeg
from camtrace.demo.film import Film
from camtrace.demo.script import LOOP

STREAM = "/axis-cgi/mjpg/video.cgi"
SNAPSHOT = "/axis-cgi/jpg/image.cgi"
BOUNDARY = b"myboundary"
_LARGEST_HEAD = 8192
_FILM_LINES = 448


class HttpCamera(protocol.Factory):
    """The camera: on each beat it makes one picture and hands it to whoever watches. Wants a login (Basic)."""

    noisy = False

    def __init__(self, film: Film, name: str, login: str, password: str) -> None:
        self.authorization = b"Basic " + b64encode(f"{login}:{password}".encode())
        self.viewers: set[Viewer] = set()
        self._film = film
        self._name = name
        self._words = ""
        self._rows = b""
        self._beat = 0

    def buildProtocol(self, addr: Any) -> Viewer:
        """A connection of a viewer."""
        return Viewer(self)

    def beat(self, beat: int) -> None:
        """Send this beat's picture to whoever watches."""
        self._beat = beat
        if self.viewers:
            picture = self.picture()
            for viewer in list(self.viewers):
                viewer.send(picture)

    def picture(self) -> bytes:
        """The picture of the present beat as a JPEG."""
        words = caption.text(self._name, pulse.instant(self._beat))
        if words != self._words:
            self._words, self._rows = words, mjpeg.caption_rows(words, _FILM_LINES)
        return self._film.pictures[self._beat % LOOP] + self._rows


class Viewer(protocol.Protocol):
    """One HTTP connection: one request, one answer."""

    def __init__(self, camera: HttpCamera) -> None:
        self._camera = camera
        self._head = b""
        self._answered = False
        self._full = False

    def dataReceived(self, data: bytes) -> None:
        """Gather the request's head, then answer."""
        if self._answered:
            return
        self._head += data
        if len(self._head) > _LARGEST_HEAD:
            self.transport.loseConnection()  # type: ignore[union-attr]
        elif b"\r\n\r\n" in self._head:
            self._answered = True
            self._answer()

    def connectionLost(self, reason: Any = None) -> None:
        """The viewer is gone."""
        self._camera.viewers.discard(self)

    def send(self, picture: bytes) -> None:
        """Send one picture of the endless answer, unless the connection still holds earlier ones."""
        if not self._full:
            head = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(picture))
            self.transport.write(head + picture + b"\r\n")  # type: ignore[union-attr]

    def pauseProducing(self) -> None:
        """The connection is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """The connection takes more."""
        self._full = False

    def stopProducing(self) -> None:
        """The connection ends."""
        self._full = True

    def _answer(self) -> None:
        request, _, rest = self._head.partition(b"\r\n")
        words = request.split(b" ")
        path = words[1].partition(b"?")[0].decode("latin-1") if len(words) > 1 else ""
        if words[0] != b"GET":
            self._say(b"501 Not Implemented", b"text/html", b"<html><body>Not implemented</body></html>")
        elif not self._allowed(rest):
            self._say(
                b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="AXIS"',
                b"text/html",
                b"<html><body>Your client does not have permission to get this page</body></html>",
            )
        elif path == STREAM:
            self.transport.write(  # type: ignore[union-attr]
                b"HTTP/1.0 200 OK\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n"
                b"Content-Type: multipart/x-mixed-replace; boundary=" + BOUNDARY + b"\r\n\r\n"
            )
            self.transport.registerProducer(self, True)  # type: ignore[union-attr]
            self._camera.viewers.add(self)
        elif path == SNAPSHOT:
            self._say(b"200 OK", b"image/jpeg", self._camera.picture())
        else:
            self._say(b"404 Not Found", b"text/html", b"<html><body>Not found</body></html>")

    def _allowed(self, headers: bytes) -> bool:
        for line in headers.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"authorization":
                return compare_digest(value.strip(), self._camera.authorization)
        return False

    def _say(self, status: bytes, kind: bytes, body: bytes) -> None:
        self.transport.write(  # type: ignore[union-attr]
            b"HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (status, kind, len(body), body)
        )
        self.transport.loseConnection()  # type: ignore[union-attr]
