"""A program that reads server-sent events, over a fake transport with the real HTTP underneath."""

from __future__ import annotations

import json
from typing import Any

from support.web import WebShop
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure


class _Wire(StringTransport):
    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class Reader:
    """A program that reads the stream."""

    def __init__(self, shop: WebShop, token: str, **headers: str) -> None:
        self.wire = _Wire()
        self.channel = shop.website.site().buildProtocol(None)
        self.channel.makeConnection(self.wire)
        lines = ["GET /api/v1/events HTTP/1.1", "Host: shop", f"Authorization: Bearer {token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.channel.dataReceived("\r\n".join([*lines, "", ""]).encode())
        self.head, _, rest = self.wire.value().partition(b"\r\n\r\n")
        self.wire.clear()
        self.wire.write(rest)

    def events(self) -> list[tuple[str, str, Any]]:
        """Id, kind and content of what came since."""
        body = b"".join(part.split(b"\r\n")[1] + b"\n" for part in _chunks(self.wire.value()))
        self.wire.clear()
        found = []
        for block in body.decode().replace("\n\n\n", "\n\n").split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.strip().splitlines() if not line.startswith(":"))
            if "data" in fields:
                found.append((fields["id"], fields["event"], json.loads(fields["data"])))
        return found

    def leave(self) -> None:
        """Close the connection."""
        self.channel.connectionLost(Failure(ConnectionDone()))


def _chunks(data: bytes) -> list[bytes]:
    chunks = []
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        chunks.append(size + b"\r\n" + rest[:length])
        data = rest[length + 2 :]
    return chunks
