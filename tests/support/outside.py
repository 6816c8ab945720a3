"""What a program outside uses against a running server: bare HTTP, bare RTSP, tills and patience."""

from __future__ import annotations

import http.client
import json
import socket
import time
import unittest
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote, urlencode

from support.server import Server


class Reply(NamedTuple):
    """An HTTP answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The contract's error object."""
        return self.json["error"]


class OneServer(unittest.TestCase):
    """Tests that share one server, with an administrator's token."""

    server: ClassVar[Server]
    extra = ""

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server(extra=cls.extra)
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.server.administrator()

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer of a GET under /api/v1 that must succeed."""
        return self.server.get(f"/api/v1{path}{'?' + urlencode(query) if query else ''}")

    def refused(self, status: int, code: str, field: str | None, method: str, path: str, body: object = None) -> str:
        """The call must fail so, in the contract's shape; answers the message."""
        given, answer = self.server.call(method, f"/api/v1{path}", body)
        self.assertEqual(given, status, answer)
        self.assertEqual(set(answer), {"error"})
        self.assertEqual(set(answer["error"]), {"code", "message", "field"})
        self.assertEqual((answer["error"]["code"], answer["error"]["field"]), (code, field), answer)
        self.assertTrue(answer["error"]["message"])
        return str(answer["error"]["message"])

    def add_camera(self, **fields: Any) -> dict[str, Any]:
        """A new camera, deleted at the test's end."""
        status, camera = self.server.call("POST", "/api/v1/cameras", {"name": "camera", **fields})
        self.assertEqual(status, 201, camera)
        self.addCleanup(self.server.call, "DELETE", f"/api/v1/cameras/{camera['id']}")
        return camera

    def till(self) -> socket.socket:
        """A connection to the tills' port."""
        connection = socket.create_connection(("127.0.0.1", self.server.pos), timeout=60)
        self.addCleanup(connection.close)
        return connection

    def say(self, data: bytes) -> None:
        """Send bytes as a till and hang up."""
        with self.till() as till:
            till.sendall(data)

    def lines(self, count: int, **query: Any) -> list[dict[str, Any]]:
        """The lines that fit, oldest first, once there are `count`."""

        def enough() -> list[dict[str, Any]]:
            found = self.get("/lines", **{"limit": 1000, **query})["items"]
            return list(reversed(found)) if len(found) >= count else []

        found = soon(enough, f"{count} lines with {query}")
        self.assertEqual(len(found), count)
        return found


def soon(true: Callable[[], Any], what: str = "it", seconds: float = 60) -> Any:
    """What `true()` gives as soon as it is true: the API is the only witness from outside.

    It is asked more and more seldom, four times a second at last: an answer costs the server its time.
    """
    began = time.monotonic()
    while not (given := true()):
        passed = time.monotonic() - began
        if passed > seconds:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(min(max(0.05, passed / 10), 0.25))
    return given


def http_call(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """One request, its path sent as it is, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def raw_call(port: int, data: bytes, end: bytes = b"", seconds: float = 60) -> bytes:
    """What the server says to `data`, until it hangs up or has said `end`."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        received = b""
        try:
            while not end or end not in received:
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
        except ConnectionResetError:
            pass
        return received


def unix(text: str) -> float:
    """An instant of the API as Unix seconds."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def cursor(text: str) -> str:
    """The query that asks for the next page."""
    return f"&cursor={quote(text, safe='')}"
