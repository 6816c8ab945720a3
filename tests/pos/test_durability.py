"""Tills, Intake, spool and a real PostgreSQL that is killed and comes back: no line lost, none twice, none early."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from support.cluster import Cluster
from support.database import DatabaseCase
from twisted.internet import defer, endpoints, protocol, reactor, task
from twisted.trial.unittest import TestCase

from camtrace.bus import Bus
from camtrace.complaints import Complaints
from camtrace.events import LineReceived
from camtrace.intake import Ids, Intake
from camtrace.metrics import Metrics
from camtrace.pools import Pools
from camtrace.pos.protocol import TillFactory
from camtrace.pos.service import Tills
from camtrace.spool import Spool
from camtrace.store.database import Database
from camtrace.store.embedded import find_binaries
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore
from camtrace.tickets.grouping import Grouping


class Receiver:
    """The receiver as the server wires it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.metrics, self.bus, ids = Metrics(), Bus(), Ids()
        self.lines = LineStore(database)
        self.lane = Pools(reactor).lane("spool")
        self.spool = Spool(folder, self.lane.run, file_bytes=20_000)
        store = FactsStore(database, self.lines, self.metrics)
        self.intake = Intake(store, self.spool, self.bus, ids, reactor, metrics=self.metrics, retry_seconds=0.05)
        self.tills = Tills(self.intake, self, Grouping(ids.next), ids.next, self.metrics)
        self.published: list[str] = []
        self.heard: list[tuple[int, defer.Deferred[None]]] = []
        self.bus.subscribe(LineReceived, self._heard)

    def watching(self, source: str) -> tuple[int, ...]:
        return (1,)

    def _heard(self, fact: LineReceived) -> None:
        self.published.append(fact.line.code)
        for waiting in [item for item in self.heard if len(self.published) >= item[0]]:
            self.heard.remove(waiting)
            waiting[1].callback(None)

    def published_are(self, count: int) -> defer.Deferred[None]:
        """Fires when that many lines are published."""
        waiter: defer.Deferred[None] = defer.Deferred()
        if len(self.published) >= count:
            waiter.callback(None)
        else:
            self.heard.append((count, waiter))
        return waiter

    async def stop(self) -> None:
        await self.intake.stop()
        await self.lane.stop()


class Sender:
    """One till that numbers its lines in the field of the article's code."""

    def __init__(self, port: int) -> None:
        self.endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self.sent = 0

    async def say(self, count: int) -> None:
        till = await self.endpoint.connect(protocol.Factory.forProtocol(protocol.Protocol))
        for _ in range(count):
            self.sent += 1
            kind = b"E" if self.sent % 9 == 0 else b"A"
            till.transport.write(
                b"%d|0|7|0|%s|1|%d|TARTE|1,00\n" % (self.sent % 3, kind.replace(b"E", b"S"), self.sent)
            )
        till.transport.loseConnection()


class DatabaseKilled(TestCase):
    timeout = 90

    async def setUp(self) -> None:
        self.cluster = Cluster()
        self.addCleanup(self.cluster.remove)
        self.cluster.make("shop", "camtrace_template")
        from camtrace.store import migrate

        self.database = Database(self.cluster.dsn("shop"), reactor, connections=3)
        await self.database.start(wait_seconds=20)
        self.addCleanup(self.database.stop)
        await migrate.migrate(self.database)
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.receiver = Receiver(self.database, folder / "spool")
        await self.receiver.intake.start()
        self.addCleanup(self.receiver.stop)
        factory = TillFactory(self.receiver.tills, Complaints("till", lambda *_: None), reactor)
        port = await endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        self.sender = Sender(port.getHost().port)

    def kill(self) -> None:
        os.killpg(self.cluster.process.pid, signal.SIGKILL)
        self.cluster.process.wait(20)

    def revive(self) -> None:
        binaries = find_binaries()
        run_as = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        folder = self.cluster.folder
        self.cluster.process = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            start_new_session=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **run_as,
        )

    async def test_killed_and_back_while_tills_go_on(self) -> None:
        for _ in range(2):
            await self.sender.say(300)
            self.kill()
            await self.sender.say(2500)
            await self.receiver.published_are(self.sender.sent)  # all durable although there is no database
            self.assertGreater(self.receiver.spool.count, 2000)
            self.revive()
            await self.sender.say(50)
            await self.receiver.published_are(self.sender.sent)
            while self.receiver.spool.count:
                await task.deferLater(reactor, 0.02)
        rows = await self.database.query("select source, code::int, received_at from line order by id")
        self.assertEqual([code for _, code, _ in rows], list(range(1, self.sender.sent + 1)))
        self.assertEqual(self.receiver.published, [str(code) for _, code, _ in rows])
        for source in "012":
            instants = [at for name, _, at in rows if name == source]
            self.assertEqual(instants, sorted(set(instants)))
        self.flushLoggedErrors()


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from twisted.internet import defer, reactor, task
from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable
from camtrace.events import Noted
from camtrace.intake import Ids, Intake
from camtrace.model import JournalEntry
from camtrace.pools import Pools
from camtrace.spool import Spool

class Away:
    async def write(self, facts):
        raise DatabaseUnavailable("away")

async def main(reactor):
    bus, ids = Bus(), Ids()
    bus.subscribe(Noted, lambda fact: print(fact.id, flush=True))
    intake = Intake(Away(), Spool(Path(sys.argv[1]), Pools(reactor).lane("spool").run), bus, ids, reactor)
    while True:
        entry = JournalEntry(id=ids.next(), at=datetime.now(UTC), kind="system", text="said")
        await intake.record(Noted(entry.id, entry))

task.react(main)
"""


class ServerKilled(DatabaseCase):
    async def test_what_was_published_survives_kill_9(self) -> None:
        """A process whose database is away is killed: its successor finds every fact that anybody heard of, once."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        published: list[int] = []
        for count in (1, 25, 60):
            with subprocess.Popen(
                [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as child:
                published += [int(child.stdout.readline()) for _ in range(count)]
                child.kill()
                published += [int(word) for word in child.stdout.read().split("\n")[:-1]]
        receiver = Receiver(self.database, folder)
        await receiver.intake.start()
        rows = [id for (id,) in await self.rows("select id from journal order by id")]
        self.assertEqual([id for id in rows if id in set(published)], sorted(published))
        self.assertLessEqual(len(rows) - len(published), 3)  # one each that was on the disk and not yet told
        self.assertEqual((receiver.spool.count, list(folder.iterdir())), (0, []))
        self.assertGreaterEqual(await receiver.lines.last_id(), rows[-1])
        await receiver.stop()
