"""Two thousand tills at once, the limit, and one shop too many at the door."""

from __future__ import annotations

import resource
import socket
import subprocess
import unittest
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest import mock

from support.needs import needs
from support.outside import cursor, soon
from support.server import Server

LIMIT = 2000
TOO_MANY = 40


def descriptors(server: Server) -> int:
    """How many the process has open; 0 where the system does not tell."""
    assert server.process is not None
    folder = Path(f"/proc/{server.process.pid}/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@needs("postgresql")
class ManyTillsTests(unittest.TestCase):
    """A server that takes two thousand connections of tills and no more."""

    def setUp(self) -> None:
        self.server = Server(extra=f"[pos]\nconnections = {LIMIT}")
        self.addCleanup(self.server.remove)
        self.server.start()
        self.server.administrator()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.pos), timeout=20)

    def codes(self) -> list[str]:
        """The code of every line that is stored."""
        found: list[str] = []
        page = self.server.get("/api/v1/lines?limit=1000")
        while True:
            found += [line["code"] for line in page["items"]]
            if not page["next"]:
                return found
            page = self.server.get(f"/api/v1/lines?limit=1000{cursor(page['next'])}")

    def stored(self, count: int) -> list[str]:
        return soon(
            lambda: len(found := self.codes()) >= count and sorted((code for code in found if code), key=int),
            f"{count} lines",
            60,
        )

    def test_limit(self) -> None:
        """All within it are answered for, those beyond are turned away at once and told of, and nothing is left."""
        open_before = descriptors(self.server)
        with ExitStack() as stack:
            tills = [stack.enter_context(self.connect()) for _ in range(LIMIT)]
            for number, till in enumerate(tills):
                till.sendall(b"%d|0|7|0|A|1|%d|HALF" % (number, number))
            for till in tills:
                till.sendall(b"|1,00\n")
            self.assertEqual(self.stored(LIMIT), [str(number) for number in range(LIMIT)])

            for _ in range(TOO_MANY):
                try:
                    with self.connect() as late:
                        late.sendall(b"late|0|7|0|A|1|99999|LATE|1,00\n")
                        self.assertEqual(late.recv(1), b"")
                except ConnectionError:  # reset: it knows as well
                    pass
            self.assertEqual(
                soon(self.told, "the journal's entry"),
                [f"A till at 127.0.0.1 is not let in: {LIMIT} connections of tills are open, no more are allowed."],
            )
            self.assertEqual(self.server.get("/api/v1/health")["status"], "ok")
            for number, till in enumerate(tills):  # nobody was harmed
                till.sendall(b"%d|0|7|0|E|CB|1,00|1,00\n" % number)
            soon(lambda: self.server.metric("camtrace_lines_stored_total") >= 2 * LIMIT, "the second lines")
            tills[0].close()
            soon(self.admitted, "a free place")
        soon(lambda: descriptors(self.server) <= open_before + 5, "the descriptors")
        self.assertEqual([code for code in self.codes() if code == "99999"], [])
        self.assertEqual(self.server.metric("camtrace_pos_errors_total"), 0)
        self.assertEqual([line for line in self.server.output if "Traceback" in line], [])
        self.assertEqual(self.server.stop(), 0)

    def told(self) -> list[str]:
        """What the journal says of those who were turned away."""
        journal = self.server.get("/api/v1/journal?kind=system")["items"]
        return [entry["message"] for entry in journal if "not let in" in entry["message"]]

    def admitted(self) -> bool:
        """Whether a new till is let in: it then hears nothing."""
        try:
            with self.connect() as till:
                till.settimeout(0.3)
                return till.recv(1) != b""
        except TimeoutError:
            return True
        except ConnectionError:
            return False


@needs("postgresql")
class FewDescriptorsTests(unittest.TestCase):
    """A server that the system lets have 400 files and connections: 100 are for no connection, 200 for tills."""

    def setUp(self) -> None:
        self.server = Server()
        self.addCleanup(self.server.remove)
        usual = resource.getrlimit(resource.RLIMIT_NOFILE)
        few = mock.patch("subprocess.Popen.__init__", limited(400))
        with few:
            self.server.start()
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), usual)
        self.server.administrator()

    def flood(self, stack: ExitStack, port: int, count: int) -> list[socket.socket]:
        """So many connections, each let in or not."""
        made = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in made:
            each.settimeout(60)
            with suppress(ConnectionError):  # who is turned away at once may not even see that it was connected
                each.connect(("127.0.0.1", port))
            each.settimeout(0)
        return made

    def ended(self, connections: list[socket.socket]) -> int:
        """How many of them were turned away."""
        count = 0
        for each in connections:
            try:
                count += each.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                count += 1
        return count

    def is_let_in(self) -> bool:
        """Whether the pages take a connection: one that they turn away has an end, or is reset."""
        try:
            return self.server.call("GET", "/api/v1/health")[0] == 200
        except OSError:
            return False

    def test_each_port_has_its_share(self) -> None:
        """Tills in excess leave the pages open; browsers in excess leave room for tills, cameras and files."""
        with ExitStack() as stack:
            tills = self.flood(stack, self.server.pos, 230)
            soon(lambda: self.ended(tills) == 30, "those beyond two hundred")
            self.assertEqual(self.server.get("/api/v1/health")["status"], "ok")
            tills[0].sendall(b"1|0|7|0|A|1|1|TARTE|16,00\n")
            before = descriptors(self.server)
            for _ in range(50):
                tills.pop(1).close()
            soon(lambda: not before or descriptors(self.server) <= before - 45, "their end at the server")
            browsers = self.flood(stack, self.server.web, 200)
            soon(lambda: self.ended(browsers) >= 50, "those for whom there is no room")
            self.assertLess(self.ended(browsers), 150)
            more = self.flood(stack, self.server.pos, 40)
            more[-1].sendall(b"2|0|7|0|A|1|2|TARTE|16,00\n")
            for each in browsers:
                each.close()
            soon(self.is_let_in, "the page")
            self.assertEqual(self.ended(more), 0)
            soon(lambda: self.server.metric("camtrace_lines_stored_total") == 2, "both lines")
        texts = ("descriptors_few", "door_descriptors", "till_crowd")

        def journal() -> list[str]:
            told = [entry["text"] for entry in self.server.get("/api/v1/journal?kind=system&limit=100")["items"]]
            return told if set(texts) <= set(told) else []

        told = soon(journal, "the journal")
        for text in texts:
            self.assertEqual(told.count(text), 1, told)
        self.assertEqual([line for line in self.server.output if "EMFILE" in line or "Traceback" in line], [])


def limited(number: int) -> object:
    """Popen's constructor, for processes that may have so many descriptors."""
    original = subprocess.Popen.__init__

    def start(self: subprocess.Popen[str], *args: object, **options: object) -> None:
        limit = resource.RLIMIT_NOFILE, (number, number)
        original(self, *args, preexec_fn=lambda: resource.setrlimit(*limit), **options)

    return start
