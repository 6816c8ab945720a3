"""Removing old lines: what the tills feel of it, and whether their room is used again.

A year of lines, drawn as for searching. Tills send 5,000 lines a second through the real receiver: alone, then while
old tickets are removed as at night, then while the peer removes as many by one statement. Then the table is vacuumed,
as autovacuum does it, and as many lines come in as went: by how much do table and indexes grow?

    python benchmarks/keeping.py [--lines 10000000] [--seconds 30] [--rate 5000]
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from typing import Any

import psycopg2
from lines import Station, measure
from search import END, PARIS, YEAR, TunedServer, fill, inserting, rate_of
from twisted.internet import defer, task
from twisted.internet import reactor as _reactor

from camtrace.intake import BATCH_FACTS
from camtrace.keeping.service import Keeping
from camtrace.model import LINES
from camtrace.store import migrate
from camtrace.store.database import Database
from camtrace.store.facts import FactsStore
from camtrace.store.old_rows import OldRows

reactor: Any = _reactor
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


async def count(database: Database) -> int:
    return int((await database.query("select count(*) from line where received_at < %s", (END,)))[0][0])


async def vacuumed(dsn: str) -> float:
    """Seconds that it takes."""

    def work() -> float:
        begin = time.monotonic()
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("vacuum line")
        connection.close()
        return time.monotonic() - begin

    from twisted.internet.threads import deferToThread

    return await deferToThread(work)


async def run(lines: int, seconds: float, rate: float) -> None:
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
        await measure(station, 50, 1000, 2)  # warm up
        print(f"{'':44}{'durable':>15}{'p50':>9}{'p99':>9}{'max':>12}")
        told("tills alone", await measure(station, 50, rate, seconds))
        rows, removed = OldRows(database), await count(database)
        await database.execute("update removal set reached = %s where what = 'lines'", (END,))
        writing = FactsStore(database, station.lines, station.metrics)
        now = END - YEAR + timedelta(days=300)

        def is_busy() -> bool:
            return station.intake.waiting >= BATCH_FACTS

        async def note(*_: object) -> None: ...

        def note_now(*values: object) -> defer.Deferred[None]:
            return defer.Deferred.fromCoroutine(note(*values))

        keeping = Keeping(rows, writing, note_now, is_busy, reactor, PARIS, {LINES: 1}, now=lambda: now)
        await keeping.start()
        await task.deferLater(reactor, 6)
        removed, begin = await count(database), time.monotonic()
        told("while old tickets are removed", await measure(station, 50, rate, seconds))
        gone = removed - await count(database)
        print(f"    {gone:,} lines went meanwhile, {gone / (time.monotonic() - begin):,.0f} a second", flush=True)
        begin, before = time.monotonic(), await count(database)
        await task.deferLater(reactor, seconds)
        gone = before - await count(database)
        print(f"    with no till that speaks {gone / (time.monotonic() - begin):,.0f} a second", flush=True)
        await keeping.stop()

        before = await count(database)
        limit = (await database.query("select received_at from line order by received_at offset %s limit 1", (gone,)))[
            0
        ][0]
        deleting = database.execute("delete from line where received_at < %s", (limit,))
        peer = defer.Deferred.fromCoroutine(deleting)
        told("while one statement removes as many", await measure(station, 50, rate, seconds))
        await peer
        print(f"    {before - await count(database):,} lines went", flush=True)

        went, full = lines - await count(database), await size(database)
        print(f"vacuumed in {await vacuumed(server.dsn):.0f} s", flush=True)
        each = 10.0
        came = 0.0
        while came < went:
            came += each * await rate_of(inserting(server.dsn, each))
        growth = (await size(database) - full) / full
        print(f"{went:,} lines went, {came:,.0f} came: table and indexes grew by {100 * growth:.1f} % of themselves")
    finally:
        await database.stop()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=5000)
    wanted = parser.parse_args()
    task.react(lambda _: defer.Deferred.fromCoroutine(run(wanted.lines, wanted.seconds, wanted.rate)))


if __name__ == "__main__":
    main()
