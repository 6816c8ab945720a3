"""The private database server: made, stopped, adopted after kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

from support.needs import needs
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from camtrace.errors import StartError
from camtrace.store.database import Database
from camtrace.store.embedded import KEPT_LOG_BYTES, MOST_LOG_BYTES, EmbeddedServer, parse_postmaster


class PostmasterTests(TestCase):
    """The server's own note of itself."""

    def test_complete(self) -> None:
        """All lines there: pid, socket folder and state are read."""
        text = "4711\n/data\n1700000000\n5432\n/run/pg\n\n  1 2\nready   \n"
        found = parse_postmaster(text)
        self.assertEqual((found.pid, found.socket_folder, found.state), (4711, "/run/pg", "ready"))

    def test_cut_anywhere(self) -> None:
        """A file that is being written never raises."""
        text = "4711\n/data\n1700000000\n5432\n/run/pg\n\n  1 2\nready   \n"
        for cut in range(len(text)):
            parse_postmaster(text[:cut])


@needs("postgresql")
class EmbeddedTests(TestCase):
    """A real cluster, as root or as an ordinary user."""

    timeout = 120

    def setUp(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="camtrace-embedded-"))
        self.data.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    async def test_life(self) -> None:
        """Made and started; after kill -9 of its owner adopted with what was written; stopped without a trace."""
        first = EmbeddedServer(self.data, reactor)
        await first.start()
        database = Database(first.dsn, reactor, connections=1)
        await database.start(20)
        await database.execute("create table kept (n int)")
        await database.stop()

        second = EmbeddedServer(self.data, reactor)  # as after kill -9: the first one forgot nothing, but is not asked
        await second.start()
        database = Database(second.dsn, reactor, connections=1)
        await database.start(20)
        self.assertEqual(await database.query("select n from kept"), [])
        await database.stop()
        await second.stop()
        self.assertFalse(first.running())
        self.assertFalse((self.data / "database" / "cluster" / "postmaster.pid").exists())

    async def test_log_is_kept_short(self) -> None:
        """Its end stays, whole lines of it; what is short is left alone."""
        server = EmbeddedServer(self.data, reactor)
        server.trim_log()
        log = server._home / "postgres.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        line = b"LOG:  a line of what the server says\n"
        log.write_bytes(line * (MOST_LOG_BYTES // len(line)))
        server.trim_log()
        self.assertEqual(log.stat().st_size, MOST_LOG_BYTES // len(line) * len(line))
        with log.open("ab", buffering=0) as file:  # as the server writes to it
            file.write(line)
            server.trim_log()
            file.write(b"last\n")
        found = log.read_bytes().splitlines(keepends=True)
        self.assertEqual((set(found[:-1]), found[-1]), ({line}, b"last\n"))
        self.assertLess(log.stat().st_size, KEPT_LOG_BYTES + 100)

    async def test_server_killed(self) -> None:
        """A server that was killed itself leaves a stale note, and starts again."""
        server = EmbeddedServer(self.data, reactor)
        await server.start()
        os.kill(server._process.pid, signal.SIGKILL)
        server._process.wait(20)
        again = EmbeddedServer(self.data, reactor)
        await again.start()
        self.assertTrue(again.running())
        await again.stop()

    async def test_other_version(self) -> None:
        """A cluster of a version that is not installed is named, and left alone."""
        cluster = self.data / "database" / "cluster"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("9\n")
        with self.assertRaisesRegex(StartError, "PostgreSQL 9, which made this database"):
            await EmbeddedServer(self.data, reactor).start()
