"""A camera over RTSP that does exactly what a test tells it, on a real connection in a thread."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

SDP = "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"


class Request(NamedTuple):
    """What was asked; header names in lower case."""

    method: str
    url: str
    headers: dict[str, str]

    @property
    def number(self) -> str:
        """Its CSeq."""
        return self.headers["cseq"]


Reply = str | bytes | None
# what a camera does with a request: headers and body (a CSeq is put in), raw bytes, or None for nothing
Script = Callable[[Request], Reply]


def reply(status: int = 200, *headers: str, body: str = "") -> str:
    """An answer as text."""
    lines = [f"RTSP/1.0 {status} Said so", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def obliging(request: Request) -> Reply:
    """Says yes to everything."""
    if request.method == "DESCRIBE":
        return reply(200, "Content-Type: application/sdp", body=SDP)
    if request.method == "SETUP":
        return reply(200, "Session: 12345678", f"Transport: {request.headers['transport']}")
    return reply()


class ScriptedCamera:
    """Answers as `script` says, one connection after the other; `requests` are all that came.

    `HANG_UP` behind an answer closes the connection.
    """

    HANG_UP = b"\0hang up\0"

    def __init__(self, script: Script = obliging, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.answers: list[str] = []  # what it was answered when it asked
        self.connections = 0
        self.script = script
        self._tls = tls
        self._connection: socket.socket | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The stream's address."""
        return f"{'rtsps' if self._tls else 'rtsp'}://127.0.0.1:{self.port}/stream"

    @property
    def methods(self) -> list[str]:
        """The methods that were asked, in order."""
        return [request.method for request in self.requests]

    def send(self, data: bytes) -> None:
        """Say something unasked."""
        assert self._connection is not None
        self._connection.sendall(data)

    def stop(self) -> None:
        """Hang up and close the port."""
        for one in (self._listener, self._connection):
            try:
                if one is not None:
                    one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()
        self._thread.join(10)

    def __enter__(self) -> ScriptedCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                with connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True) as talk:
                    self._connection = talk
                    self.connections += 1
                    self._talk(talk)
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def _talk(self, connection: socket.socket) -> None:
        held = b""
        while data := connection.recv(65536):
            held += data
            while b"\r\n\r\n" in held:
                head, _, held = held.partition(b"\r\n\r\n")
                if not self._answer(connection, head.decode()):
                    return

    def _answer(self, connection: socket.socket, head: str) -> bool:
        first, *lines = head.split("\r\n")
        if first.startswith("RTSP/"):
            self.answers.append(head)
            return True
        method, url, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        request = Request(method, url, headers)
        self.requests.append(request)
        said = self.script(request)
        if isinstance(said, str):
            said = said.replace("\r\n", f"\r\nCSeq: {request.number}\r\n", 1).encode()
        if said:
            connection.sendall(said.replace(self.HANG_UP, b""))
        return not said or self.HANG_UP not in said


class Guard:
    """Wants a login before `behind` answers. `algorithm`: "" for Basic."""

    def __init__(
        self, behind: Script = obliging, *, algorithm: str = "MD5", login: str = "viewer", password: str = "geheim"
    ) -> None:
        self.nonce = "first"
        self.one_time = False
        self.says_stale = True
        self._behind = behind
        self._algorithm = algorithm
        self.password = password
        self._login = login
        self._old: set[str] = set()

    def expire(self) -> None:
        """From now on another nonce."""
        self._old.add(self.nonce)
        self.nonce += "+"

    def __call__(self, request: Request) -> Reply:
        given = request.headers.get("authorization", "")
        if not self._algorithm:
            if given == "Basic " + base64.b64encode(f"{self._login}:{self.password}".encode()).decode():
                return self._behind(request)
            return reply(401, 'WWW-Authenticate: Basic realm="camera"')
        words = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        fine = words.get("response") == self._expected(request, words)
        if fine and words.get("nonce") == self.nonce:
            if self.one_time:
                self.expire()
            return self._behind(request)
        stale = ", stale=true" if fine and words.get("nonce") in self._old and self.says_stale else ""
        algorithm = f", algorithm={self._algorithm}" if self._algorithm != "MD5" else ""
        return reply(401, f'WWW-Authenticate: Digest realm="camera", nonce="{self.nonce}"{algorithm}{stale}')

    def _expected(self, request: Request, words: dict[str, str]) -> str:
        make = hashlib.sha256 if self._algorithm == "SHA-256" else hashlib.md5

        def hashed(text: str) -> str:
            return make(text.encode()).hexdigest()

        if words.get("uri") != request.url:
            return "another address"
        secret = hashed(f"{self._login}:camera:{self.password}")
        return hashed(f"{secret}:{words.get('nonce')}:{hashed(f'{request.method}:{request.url}')}")


def interleaved(channel: int, data: bytes) -> bytes:
    """A packet on its way through the connection."""
    return struct.pack("!BBH", 0x24, channel, len(data)) + data
