"""Till lines: how many become durable per second, from the socket to the commit, and how long each takes.

Real sockets into the real receiver, Intake and PostgreSQL in one process; the tills are another process. The peer, in
the same run: COPY of the same rows into the same table with all its indexes.

Then Prisma events by UDP, which does not wait: how many of 10,000 datagrams a second become lines, and how many the
kernel drops because they are not read in time. The peer is a loop that only receives.

    python benchmarks/lines.py [--seconds 10] [--tills 20]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from twisted.internet import defer, task
from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import TCP4ServerEndpoint

from camtrace.bus import Bus
from camtrace.complaints import Complaints
from camtrace.events import LineReceived
from camtrace.intake import Ids, Intake
from camtrace.metrics import Metrics
from camtrace.pools import Pools
from camtrace.pos.protocol import TillFactory
from camtrace.pos.service import Tills
from camtrace.prisma.check import samples
from camtrace.prisma.protocol import EventPort, widen
from camtrace.prisma.receipts import Receipts
from camtrace.prisma.registry import Registry
from camtrace.prisma.service import EventSources
from camtrace.prisma.wire import encode
from camtrace.spool import Spool
from camtrace.store import migrate
from camtrace.store.database import Database
from camtrace.store.embedded import find_binaries
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore
from camtrace.tickets.grouping import Grouping

reactor: Any = _reactor
EVENTS_A_SECOND = 10_000
ARTICLES = [f"ARTICLE NUMÉRO {number} DU RAYON {number % 17}" for number in range(2000)]


# ── the tills: a process of their own ────────────────────────────────────────────────────────────────────────────


def ticket(till: int, number: int) -> bytes:
    """Twenty lines of one sale."""
    lines = []
    for item in range(17):
        article = (number * 31 + item * 7 + till) % len(ARTICLES)
        lines.append(f"{till}|0|{till % 9}|0|A|1|{article}|{ARTICLES[article]}|{article % 90},{article % 100:02}")
    lines.append(f"{till}|0|{till % 9}|0|S|1|{article}|{ARTICLES[article]}|ANNULE")
    lines.append(f"{till}|0|{till % 9}|0|T|ESPECES|20,00|10,00")
    lines.append(f"{till}|{number}|{till % 9}|0|E|CHEQUES|16,00|16,00")
    return "".join(f"{line}\n" for line in lines).encode()


def send(port: int, tills: int, rate: float, seconds: float) -> None:
    """Send tickets from `tills` connections, `rate` lines a second in all (0: as fast as they are taken)."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(tills)]
    for connection in sockets:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    prepared = [[ticket(till, number) for number in range(1, 200)] for till in range(tills)]
    singles = [[line + b"\n" for text in texts for line in text.splitlines()] for texts in prepared]
    start = time.monotonic()
    sent = 0
    if rate:
        step = 0.002
        turn = 0
        while (now := time.monotonic() - start) < seconds:
            due = int(now * rate)
            while sent < due:
                till = turn % tills
                sockets[till].sendall(singles[till][(turn // tills) % len(singles[till])])
                turn += 1
                sent += 1
            time.sleep(step)
    else:
        import selectors

        chooser = selectors.DefaultSelector()
        for till, connection in enumerate(sockets):
            connection.setblocking(False)
            chooser.register(connection, selectors.EVENT_WRITE, [till, 0, b""])
        while time.monotonic() - start < seconds:
            for key, _ in chooser.select(0.1):
                state = key.data
                if not state[2]:
                    state[2] = prepared[state[0]][state[1] % 199]
                    state[1] += 1
                state[2] = state[2][key.fileobj.send(state[2]) :]
        for till_key in list(chooser.get_map().values()):
            connection, state = till_key.fileobj, till_key.data
            connection.setblocking(True)
            connection.sendall(state[2])
            sent += state[1] * 20
    for connection in sockets:
        connection.shutdown(socket.SHUT_WR)
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - start}))


def send_events(port: int, tills: int, rate: float, seconds: float) -> None:
    """Send Prisma events of `tills` sources, each from an address of its own, `rate` a second in all."""
    senders = []
    for till in range(tills):
        senders.append(socket.socket(type=socket.SOCK_DGRAM))
        senders[till].bind((f"127.0.{till // 250}.{2 + till % 250}", 0))
    noon = datetime(2026, 3, 4, 12)
    day = samples("KKM", "1", noon)
    packets = []
    for turn in range(int(rate * seconds)):
        event, number, receipt = day[turn // tills % len(day)], turn % tills, turn // tills // len(day)
        hour = (noon + timedelta(milliseconds=turn)).time()
        packets.append(encode(event._replace(number=str(number), receipt=str(receipt), hour=hour)))
    start = time.monotonic()
    sent = 0
    while sent < len(packets):
        for packet in packets[sent : int((time.monotonic() - start) * rate)]:
            senders[sent % tills].sendto(packet, ("127.0.0.1", port))
            sent += 1
        time.sleep(0.002)
    print(json.dumps({"sent": sent, "seconds": time.monotonic() - start}))


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────


class Server:
    """A PostgreSQL of this run with its defaults: fsync on, synchronous_commit on."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="camtrace-bench-", dir=os.environ.get("BENCH_DIR")))
        binaries = find_binaries()
        assert binaries, "no PostgreSQL found"
        self.binaries = binaries
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        quiet: dict[str, Any] = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **as_user}
        self.quiet = quiet
        data = self.folder / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "camtrace", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            **quiet,
        )
        self.process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses="], **quiet
        )
        self.dsn = f"host={self.folder} user=camtrace dbname=postgres"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # it ends the sessions that are still there
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Nothing:
    """Settings of which none is set."""

    async def get(self, name: str, default: Any = None) -> Any:
        return default

    async def set(self, name: str, value: Any) -> None:
        pass


# ── the measurement ──────────────────────────────────────────────────────────────────────────────────────────────


class Station:
    """The receiver as application.py wires it."""

    def __init__(self, database: Database, spool: Path) -> None:
        self.metrics = Metrics()
        self.bus = Bus()
        self.pools = Pools(reactor)
        self.lines = LineStore(database)
        self.lane = self.pools.lane("spool")
        ids = Ids()
        store = FactsStore(database, self.lines, self.metrics)
        self.intake = Intake(store, Spool(spool, self.lane.run), self.bus, ids, reactor, metrics=self.metrics)
        self.tills = Tills(self.intake, self, Grouping(ids.next), ids.next, self.metrics)
        registry = Registry(Nothing(), lambda *_, **__: None)
        receipts = Receipts(ids.next)
        complaints = Complaints("prisma", lambda *_: None)
        zone = ZoneInfo("Europe/Paris")
        self.events = EventSources(self.intake, self, registry, receipts, ids.next, self.metrics, complaints, zone)
        self.delays: list[float] = []
        self.bus.subscribe(LineReceived, self._published)

    def watching(self, source: str) -> tuple[int, ...]:
        return (1, 2)

    def _published(self, fact: LineReceived) -> None:
        self.delays.append(time.time() - fact.line.received_at.timestamp())


async def measure(station: Station, tills: int, rate: float, seconds: float) -> dict[str, float]:
    """One run of the sender: lines a second until the last is durable, and the delays from receipt to publishing."""
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
        TillFactory(station.tills, Complaints("till", lambda *_: None), reactor)
    )
    # small buffers: what waits in the kernel at the end would only make the run longer
    port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    station.delays.clear()
    before = station.metrics.value("camtrace_lines_stored_total")
    own = time.process_time()
    start = time.monotonic()
    command = [sys.executable, __file__, "--send", str(port.getHost().port)]
    command += ["--tills", str(tills), "--rate", str(rate), "--seconds", str(seconds)]
    sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while sender.poll() is None:
        await task.deferLater(reactor, 0.05)
    assert sender.stdout
    sent = json.loads(sender.stdout.read())["sent"]
    while station.metrics.value("camtrace_lines_stored_total") - before < sent:
        await task.deferLater(reactor, 0.005)
    elapsed = time.monotonic() - start
    await port.stopListening()
    ordered = sorted(station.delays)
    return {
        "lines": sent,
        "rate": sent / elapsed,
        "p50": statistics.median(ordered) * 1000,
        "p99": ordered[int(len(ordered) * 0.99)] * 1000,
        "max": ordered[-1] * 1000,
        "cpu": (time.process_time() - own) / sent * 1e6,
    }


async def measure_events(station: Station, tills: int, rate: float, seconds: float) -> dict[str, float]:
    """One run of the sender of events: how many became lines, how many the kernel dropped."""
    port = EventPort(reactor, station.events, "udp:0:interface=127.0.0.1")
    bound = port.bind()
    before = station.metrics.value("camtrace_lines_stored_total")
    own = time.process_time()
    command = [sys.executable, __file__, "--send-events", str(bound.getHost().port)]
    command += ["--tills", str(tills), "--rate", str(rate), "--seconds", str(seconds)]
    sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while sender.poll() is None:
        await task.deferLater(reactor, 0.05)
    assert sender.stdout
    said = json.loads(sender.stdout.read())
    sent, stored, ended_at = said["sent"], 0.0, time.monotonic()
    grew_at = ended_at
    while stored + port.lost() < sent and time.monotonic() - grew_at < 20:
        await task.deferLater(reactor, 0.02)
        now = station.metrics.value("camtrace_lines_stored_total") - before
        if now > stored:
            stored, grew_at = now, time.monotonic()
    behind, lost = time.monotonic() - ended_at, port.lost()
    await bound.stopListening()
    used = (time.process_time() - own) / sent * 1e6
    pace = sent / said["seconds"]
    return {"sent": sent, "pace": pace, "stored": stored, "lost": lost, "behind": behind, "cpu": used}


def receive_peer(tills: int, rate: float, seconds: float) -> tuple[int, int]:
    """The same datagrams into a loop that only receives them: how many were sent, how many came."""
    receiver = socket.socket(type=socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(1)
    widen(receiver)
    command = [sys.executable, __file__, "--send-events", str(receiver.getsockname()[1])]
    command += ["--tills", str(tills), "--rate", str(rate), "--seconds", str(seconds)]
    sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    came = 0
    while True:
        try:
            receiver.recv(4096)
            came += 1
        except TimeoutError:
            if sender.poll() is not None:
                break
    assert sender.stdout
    return json.loads(sender.stdout.read())["sent"], came


def copy_peer(dsn: str) -> float:
    """Rows a second of COPY into an empty copy of the table with all its indexes, in batches of 1,000."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create table peer (like line including all)")
        cursor.execute("select count(*) from line")
        content = io.StringIO()
        cursor.copy_expert("copy (select * from line order by id limit 200000) to stdout", content)
        rows = content.getvalue().splitlines(keepends=True)
        batches = ["".join(rows[at : at + 1000]) for at in range(0, len(rows), 1000)]
        cursor.execute("checkpoint")
        start = time.monotonic()
        for batch in batches:
            cursor.copy_expert("copy peer from stdin", io.StringIO(batch))
        elapsed = time.monotonic() - start
        cursor.execute("drop table peer")
    connection.close()
    return len(rows) / elapsed


async def run(seconds: float, tills: int) -> None:
    server = Server()
    database = Database(server.dsn, reactor, connections=3)
    try:
        await database.start(wait_seconds=30)
        await migrate.migrate(database)
        station = Station(database, server.folder / "spool-of-the-bench")
        await station.intake.start()
        await measure(station, tills, 1000, 1)  # warm up
        paced = await measure(station, tills, 5000, seconds)
        full = await measure(station, tills, 0, seconds)
        copied = copy_peer(server.dsn)
        events = await measure_events(station, tills, EVENTS_A_SECOND, seconds)
        sent, came = receive_peer(tills, EVENTS_A_SECOND, seconds)
        await station.intake.stop()
        await station.lane.stop()
        print(f"{'':34}{'lines':>9}{'lines/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'CPU µs/line':>13}")
        for name, result in (("5,000 lines a second", paced), ("as fast as taken", full)):
            print(
                f"{name:34}{result['lines']:>9.0f}{result['rate']:>10.0f}{result['p50']:>9.1f}{result['p99']:>9.1f}"
                f"{result['max']:>9.1f}{result['cpu']:>13.1f}"
            )
        print(f"{'COPY of the same rows (peer)':34}{'':9}{copied:>10.0f}")
        print(
            f"Prisma events: {events['sent']:.0f} sent, {events['pace']:.0f}/s; {events['stored']:.0f} stored, the last"
            f" {events['behind']:.2f} s after the end; {events['lost']:.0f} dropped by the kernel,"
            f" {events['cpu']:.0f} µs of CPU each;"
            f" a loop that only receives (the peer):"
            f" {sent} sent, {came} came (aim: 10,000/s without one lost)"
        )
        print(f"share of COPY's rate: {full['rate'] / copied:.2f} (aim: 0.33 and 15,000/s; p99 under 60 ms at 5,000/s)")
    finally:
        await database.stop()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--tills", type=int, default=20)
    parser.add_argument("--send", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--send-events", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        send(arguments.send, arguments.tills, arguments.rate, arguments.seconds)
    elif arguments.send_events:
        send_events(arguments.send_events, arguments.tills, arguments.rate, arguments.seconds)
    else:
        task.react(lambda _: defer.Deferred.fromCoroutine(run(arguments.seconds, arguments.tills)))


if __name__ == "__main__":
    main()
