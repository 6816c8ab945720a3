"""Removing old lines: what the tills feel of it, and whether their room is used again.

A year of lines, drawn as for searching. Tills send through the real receiver, in turns: alone, and while old tickets
are removed as at night. The peer, in the same run: as many removed by one statement. Then, three
times, a twentieth of the table goes, it is vacuumed as autovacuum does it, and as many lines come in as went: by how
much do table and indexes grow? (Indexes that were just made are packed more closely than they stay.)

    python benchmarks/keeping.py [--lines 10000000] [--seconds 8] [--rate 5000] [--turns 4]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg2
from lines import Station, measure
from search import END, PARIS, YEAR, TunedServer, fill, inserting, rate_of
from twisted.internet import defer, task
from twisted.internet import reactor as _reactor

from camtrace.intake import BATCH_FACTS
from camtrace.keeping.service import FIRST_SECONDS, Keeping
from camtrace.model import LINES
from camtrace.store import migrate
from camtrace.store.database import Database
from camtrace.store.facts import FactsStore
from camtrace.store.old_rows import OldRows

reactor: Any = _reactor
T = TypeVar("T")
TICKETS = (
    "insert into ticket (id, protocol, source, number, opened_at, closed_at, last_at, seller, line_count)"
    " select ticket_id, 'pos', min(source), '', min(received_at), max(received_at), max(received_at), min(seller),"
    " count(*) from line group by ticket_id"
)


def told(words: str, found: dict[str, float]) -> None:
    figures = f"{found['rate']:>8,.0f} lines/s{found['p50']:>9.1f}{found['p99']:>9.1f}{found['max']:>9.1f} ms"
    print(f"{words:44}{figures}{found['cpu']:>7.0f} µs a line", flush=True)


async def size(database: Database) -> int:
    return int((await database.query("select pg_total_relation_size('line')"))[0][0])


async def sizes(database: Database) -> tuple[int, int]:
    """Bytes of the table and of its indexes."""
    return (await database.query("select pg_table_size('line'), pg_indexes_size('line')"))[0]


async def count(database: Database) -> int:
    return int((await database.query("select count(*) from line where received_at < %s", (END,)))[0][0])


def vacuum(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum line")
    connection.close()


async def vacuumed(dsn: str) -> float:
    """Seconds that it takes, in a process of its own."""
    begin = time.monotonic()
    process = subprocess.Popen([sys.executable, __file__, "--vacuum", dsn])
    while process.poll() is None:
        await task.deferLater(reactor, 0.1)
    return time.monotonic() - begin


class Night:
    """Old lines that are removed while `on`. `remove` counts those that went, and the seconds it took."""

    def __init__(self, database: Database, station: Station, now: datetime) -> None:
        self.database, self.on = database, False
        self.station = station

        def note(*_: object) -> defer.Deferred[None]:
            return defer.succeed(None)

        self.keeping = Keeping(
            OldRows(database),
            FactsStore(database, station.lines, station.metrics),
            note,
            lambda: not self.on or station.intake.waiting >= BATCH_FACTS,
            reactor,
            PARIS,
            {LINES: 1},
            now=lambda: now,
        )

    async def start(self) -> None:
        await self.database.execute("update removal set reached = %s where what = 'lines'", (END,))
        await self.keeping.start()
        await task.deferLater(reactor, FIRST_SECONDS + 0.5)

    async def went(self, work: Callable[[], Awaitable[T]]) -> tuple[T, float]:
        """What `work` gives, and how many lines a second went meanwhile."""
        before, begin, self.on = await count(self.database), time.monotonic(), True
        given = await work()
        self.on = False
        elapsed = time.monotonic() - begin
        await task.deferLater(reactor, 0.5)
        return given, (before - await count(self.database)) / elapsed


async def remove_at_once(database: Database, lines: int) -> None:
    """By one statement."""
    sql = "select received_at from line order by received_at, id offset %s limit 1"
    ((limit,),) = await database.query(sql, (lines,))
    await database.execute("delete from line where received_at < %s", (limit,))


def middle(found: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


async def run(lines: int, seconds: float, rate: float, turns: int) -> None:
    server = TunedServer()
    server.wait()
    server.halt()
    server.start()
    server.wait()
    database = Database(server.dsn, reactor, connections=5)
    try:
        await database.start(wait_seconds=30)
        await migrate.migrate(database)
        begin = time.monotonic()
        fill(server.dsn, lines)
        await database.execute(TICKETS)
        await database.execute("analyze")
        print(f"{lines:,} lines in {time.monotonic() - begin:.0f} s, {await size(database) / 1e9:.1f} GB", flush=True)
        station = Station(database, server.folder / "spool-of-the-bench")
        await station.intake.start()
        await measure(station, 50, rate, 2)  # warm up
        night = Night(database, station, END - YEAR + timedelta(days=300))
        await night.start()
        alone, beside, rates = [], [], []
        for _ in range(turns):
            alone.append(await measure(station, 50, rate, seconds))
            found, gone = await night.went(lambda: measure(station, 50, rate, seconds))
            beside.append(found)
            rates.append(gone)
        print(f"{'':44}{'durable':>15}{'p50':>9}{'p99':>9}{'max':>12}")
        told("tills alone", middle(alone))
        told("while old tickets are removed", middle(beside))
        print(f"    {statistics.median(rates):,.0f} lines a second went meanwhile", flush=True)
        _, gone = await night.went(lambda: task.deferLater(reactor, seconds))
        print(f"    with no till that speaks {gone:,.0f} a second", flush=True)
        await night.keeping.stop()
        deleting = remove_at_once(database, max(1000, round(statistics.median(rates) * seconds)))
        peer = defer.Deferred.fromCoroutine(deleting)
        told("while one statement removes as many", await measure(station, 50, rate, seconds))
        await peer

        for turn in ("first", "second", "third"):
            table, indexes = await sizes(database)
            await remove_at_once(database, lines // 20)
            took, came = await vacuumed(server.dsn), 0.0
            while came < lines // 20:
                came += 5 * await rate_of(inserting(server.dsn, 5))
            now = await sizes(database)
            growth = [f"{100 * (new - old) / old:.1f} %" for new, old in zip(now, (table, indexes), strict=True)]
            words = f"{turn} time {lines // 20:,} lines go, vacuumed in {took:.0f} s, {came:,.0f} come"
            print(f"{words}: the table grows by {growth[0]}, its indexes by {growth[1]}", flush=True)
    finally:
        await database.stop()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--vacuum", default="", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.vacuum:
        vacuum(wanted.vacuum)
        return
    task.react(lambda _: defer.Deferred.fromCoroutine(run(wanted.lines, wanted.seconds, wanted.rate, wanted.turns)))


if __name__ == "__main__":
    main()
