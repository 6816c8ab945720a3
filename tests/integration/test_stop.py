"""SIGTERM in the middle of everything: nothing that had arrived is lost."""

from __future__ import annotations

import socket
import unittest
from contextlib import ExitStack
from typing import Any

from support.needs import needs
from support.outside import soon
from support.server import Server

TILLS = 40


@needs("postgresql")
class StopTests(unittest.TestCase):
    """A server that is stopped while its tills talk."""

    def setUp(self) -> None:
        self.server = Server()
        self.addCleanup(self.server.remove)
        self.server.start()
        self.server.administrator()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.pos), timeout=20)

    def test_last_lines(self) -> None:
        """Lines on the way when the signal comes, also without an end, and of a till that connects at that instant."""
        with ExitStack() as stack:
            tills = [stack.enter_context(self.connect()) for _ in range(TILLS)]
            for number, till in enumerate(tills):
                till.sendall(b"till %d|0|7|0|A|1|first|x|1,00\n" % number)
            soon(lambda: len(self.server.get("/api/v1/lines?code=first")["items"]) == TILLS, "the first lines")
            for number, till in enumerate(tills):
                till.sendall(b"till %d|0|7|0|A|1|9999|last|1,00\ntill %d|0|7|0|A|1|10000|nolf|1,00" % (number, number))
            late = stack.enter_context(self.connect())
            late.sendall(b"late|0|7|0|A|1|9999|last|1,00\nlate|0|7|0|A|1|10000|nolf|1,00")
            self.assertEqual(self.server.stop(), 0)
            for till in [*tills, late]:
                self.assertEqual(till.recv(1), b"")  # an orderly end, no reset
        trouble = ("did not become durable", "not in the journal", "took too long", "Traceback")
        self.assertEqual([line for line in self.server.output if any(word in line for word in trouble)], [])
        self.server.start()
        expected = {"late", *(f"till {number}" for number in range(TILLS))}
        for code in ("9999", "10000"):

            def there(code: str = code) -> Any:
                lines = self.server.get(f"/api/v1/lines?limit=1000&code={code}")["items"]
                return lines if len(lines) >= len(expected) else None

            lines = soon(there, f"the lines {code}")  # those that waited on the disk are stored now
            self.assertEqual(sorted(line["source"] for line in lines), sorted(expected))
        self.assertEqual(self.server.stop(), 0)
