"""Tills at their worst, all at once on a running server, beside tills that behave: these lose no line."""

from __future__ import annotations

import socket
import threading
import time
import unittest
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from support.needs import needs
from support.outside import cursor, soon
from support.ports import free_ports
from support.server import Server

from camtrace.pos.presets import BY_NAME

GOOD = 3
LINES = 200  # of each that behaves, while the others do not
BURST = 2000  # lines of the till that sends 1,000 a second


@needs("postgresql")
class BadTillsTests(unittest.TestCase):
    """One server with a second listener, for tills of a dialect whose patterns are evil."""

    server: Server
    evil: int

    @classmethod
    def setUpClass(cls) -> None:
        (cls.evil,) = free_ports(1)
        cls.server = Server()
        text = cls.server.config.read_text()
        usual = f'pos = "tcp:{cls.server.pos}:interface=127.0.0.1"'
        assert usual in text
        more = f'{{endpoint = "tcp:{cls.evil}:interface=127.0.0.1", dialect = "evil"}}'
        cls.server.config.write_text(text.replace(usual, f"pos = [{usual[6:]}, {more}]"))
        cls.addClassCleanup(cls.server.remove)
        cls.server.start()
        cls.server.administrator()
        patterns = ["^(a+)+$", "(a|a|aa)*b", "(.*a){20}b"]
        rules = [{"match": "regex", "text": text, "means": "A"} for text in patterns]
        rules.append({"match": "wildcard", "text": "*a" * 20 + "*b", "means": "A"})
        definition = {"kind": "receipt", "source": "evil", "rules": rules}
        assert cls.server.call("POST", "/api/v1/dialects", {"name": "evil", "definition": definition})[0] == 201

    def till(self, port: int = 0) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port or self.server.pos), timeout=20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def behave(self, name: str) -> None:
        """A till that sends its lines at a steady pace, each in two pieces, and connects anew for each tenth."""
        for begin in range(0, LINES, 10):
            with self.till() as till:
                for number in range(begin, begin + 10):
                    till.sendall(f"{name}|0|7|0|A|1|{number}|TARTE".encode())
                    time.sleep(0.005)
                    till.sendall(b"|16,00\n")

    def misbehave(self, data: bytes, times: int = 1, port: int = 0) -> None:
        """A till that sends this, and again when it was cut off."""
        for _ in range(times):
            with suppress(OSError), self.till(port) as till:
                till.sendall(data)
                till.shutdown(socket.SHUT_WR)
                while till.recv(65536):
                    pass

    def stored(self) -> float:
        """How many lines the server has ever stored."""
        return self.server.metric("camtrace_lines_stored_total")

    def lines(self, source: str) -> list[dict[str, Any]]:
        """All lines of a till, the oldest first."""
        found: list[dict[str, Any]] = []
        page = self.server.get(f"/api/v1/lines?source={source}&limit=1000")
        while True:
            found += page["items"]
            if not page["next"]:
                return found[::-1]
            page = self.server.get(f"/api/v1/lines?source={source}&limit=1000{cursor(page['next'])}")

    def all_lines(self, source: str, count: int) -> list[dict[str, Any]]:
        """The same, once there are so many."""

        def found() -> list[dict[str, Any]]:
            lines = self.lines(source)
            return lines if len(lines) >= count else []

        lines: list[dict[str, Any]] = soon(found, f"{count} lines of {source}")
        return lines

    def test_who_behaves_loses_nothing(self) -> None:
        """Megabytes without an end, binary, UTF-16, 1,000 lines a second, lines that evil patterns are made for."""
        burst = b"".join(b"burst|0|7|0|A|1|%d|X|1,00\n" % number for number in range(BURST))
        binary = bytes(range(256)) * 64
        utf16 = "wide|0|7|0|A|1|1|TARTE|16,00\n".encode("utf-16-le") * 50
        deeds = [
            *(threading.Thread(target=self.behave, args=(f"good{number}",)) for number in range(GOOD)),
            threading.Thread(target=self.misbehave, args=(b"x" * (4 << 20), 5)),
            threading.Thread(target=self.misbehave, args=(binary, 5)),
            threading.Thread(target=self.misbehave, args=(utf16, 5)),
            threading.Thread(target=self.misbehave, args=(burst,)),
            threading.Thread(target=self.misbehave, args=((b"a" * 4000 + b"c\n") * 50, 1, self.evil)),
        ]
        for deed in deeds:
            deed.start()
        for deed in deeds:
            deed.join(60)
        for name in (*(f"good{number}" for number in range(GOOD)), "burst"):
            expected = BURST if name == "burst" else LINES
            found = self.all_lines(name, expected)
            self.assertEqual([line["code"] for line in found], [str(number) for number in range(expected)], name)
            instants = [line["received_at"] for line in found]
            self.assertEqual(instants, sorted(set(instants)))
            self.assertEqual({line["amount"] for line in found}, {"1.00" if name == "burst" else "16.00"})
        self.assertEqual(len(self.all_lines("evil", 50)), 50)
        soon(lambda: self.server.metric("camtrace_pos_errors_total") >= 5 + 5 * 50, "what could not be read")
        self.assertEqual(self.lines("wide"), [])

        def journal() -> list[str]:
            told = [entry["text"] for entry in self.server.get("/api/v1/journal?kind=system&limit=1000")["items"]]
            return told if {"till_long", "till_utf16"} <= set(told) else []

        told = soon(journal, "the journal")
        for text in ("till_long", "till_utf16"):  # once a period, however often it was
            self.assertEqual(told.count(text), 1, told)
        self.assertEqual([line for line in self.server.output if "Traceback" in line], [])
        self.assertEqual(self.server.get("/api/v1/health")["status"], "ok")

    def reconnect(self, name: str, connections: int, each: int) -> None:
        """A till that hangs up after so many lines, whatever became of them, and goes on by a new connection."""
        for begin in range(0, connections * each, each):
            numbers = range(begin, begin + each)
            with self.till() as till:
                till.sendall(b"".join(b"%s|0|7|0|A|1|%d|TARTE|1,00\n" % (name.encode(), number) for number in numbers))

    def test_who_reconnects_keeps_its_order(self) -> None:
        """While PostgreSQL does not answer and no line becomes durable, and after: each comes once, in order."""
        deeds = {"rarely": (3, 2000), "often": (30, 40), "each": (100, 1)}
        wanted = self.stored() + sum(connections * each for connections, each in deeds.values())
        with self.server.halted_database():
            tills = [threading.Thread(target=self.reconnect, args=(name, *deed)) for name, deed in deeds.items()]
            for till in tills:
                till.start()
            for till in tills:
                till.join(30)
            soon(lambda: self.server.metric("camtrace_spool_facts") > 0, "the spool")
        soon(lambda: self.stored() >= wanted, f"{wanted} lines", 30)
        for name, (connections, each) in deeds.items():
            self.assertEqual([int(line["code"]) for line in self.lines(name)], list(range(connections * each)), name)

    def test_every_preset_from_the_socket_to_the_search(self) -> None:
        """Each sample, in pieces, from an address that speaks so: its words are found, its ticket has its total."""
        wanted = {
            "receipt": ("tarte", "18.20"),
            "receipt-en": ("television", "1301.50"),
            "receipt-ru": ("молоко", "170.00"),
            "receipt-ru-fiscal": ("ржаной", "212.00"),
            "escpos": ("carte postale", "18.20"),
            "escpos-ru": ("молоко", "170.00"),
            "semicolon": ("oeuf", "16.00"),
            "tab": ("pie, large", "16.00"),
            "json": ("tarte", "0.00"),
            "json-nested": ("pate", "8.20"),
            "xml": ("tarte & co", "16.00"),
            "xml-elements": ("tarte", "16.00"),
        }
        self.assertEqual({*wanted, "camtrace"}, set(BY_NAME))
        address = "/api/v1/sources/127.0.0.1"
        self.addCleanup(self.server.call, "PATCH", address, {"dialect": ""})
        for name, (words, total) in wanted.items():
            with self.subTest(name):
                self.assertEqual(self.server.call("PATCH", address, {"dialect": name})[0], 200)
                began = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                sample = BY_NAME[name].sample
                with self.till() as till:
                    for place in range(0, len(sample), 7):
                        till.send(sample[place : place + 7])
                query = f"/api/v1/lines?{urlencode({'text': words, 'start': began})}"
                (line, *_) = soon(partial(self.items, query), name, 10)
                self.assertEqual(soon(partial(self.closed, line["ticket_id"]), f"the end of {name}")["total"], total)

    def items(self, path: str) -> list[dict[str, Any]]:
        return self.server.get(path)["items"]

    def closed(self, ticket: str) -> dict[str, Any]:
        """The ticket once it has ended."""
        found = self.server.get(f"/api/v1/tickets/{ticket}")
        return found if found["state"] == "closed" else {}
