"""Exception rules: what each ready-made rule costs for a line, all of them at once, and whether a trial disturbs.

The lines are drawn: fifty tills, each with two cashiers that take turns, and hours of sales, with cancellations,
returns, drawers opened without a sale and tickets that are never ended. First the rules hear them from memory, which is
what they cost for each line that comes in. Then the lines are in PostgreSQL and rules are tried on them as the page
does it, while something beats in the reactor and tells for how long it was held, in CPU. The peer, in the same run: one
SQL statement for the same count, which PostgreSQL reckons in a process of its own.

    python benchmarks/rules.py [--lines 200000]
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lines import Server
from twisted.internet import defer, task
from twisted.internet import reactor as _reactor

from camtrace.events import LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Line, Rule, Span, Ticket
from camtrace.store import migrate
from camtrace.store.database import Database
from camtrace.store.facts import FactsStore
from camtrace.store.lines import LineStore
from camtrace.tickets.presets import PRESETS
from camtrace.tickets.rules import Watch, listen
from camtrace.tickets.sales import Tills
from camtrace.tickets.trial import Outcome, Trials

reactor: Any = _reactor
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
TILLS = 50
BEAT_SECONDS = 0.002
ANY = {rule.name: rule for rule in PRESETS}
# what is tried, with the same count in SQL
TRIED: dict[str, str] = {
    "Line cancelled over 20": """
        select count(*) from line where type = 'S' and special = 'ANNULE' and abs(amount) >= 20
    """,
    "Ticket over 500": """
        select count(*) from (
            select 1 from line where type in ('T', 'E') group by ticket_id
            having bool_or(type = 'E') and abs(sum(coalesce(total, amount))) >= 500
        ) one
    """,
    "Drawer opened and nothing sold for half a minute": """
        select count(*) from line drawer where type = 'D' and not exists (
            select 1 from line sale where sale.source = drawer.source and sale.type in ('A', 'T', 'E')
            and sale.received_at between drawer.received_at and drawer.received_at + interval '30 seconds'
        )
    """,
}


class Shop:
    """`Sight` of a shop that sees nothing move, and the ports of a trial."""

    def applies(self, name: str, at: datetime | None = None) -> bool:
        return name == "always"

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        return False

    def heard(self, start: datetime, stop: datetime) -> bool:
        return True

    def by_uid(self, uid: int) -> None:
        return None

    async def outages(self, start: datetime, stop: datetime, starting: bool = False) -> list[Span]:
        return []

    async def losses(self, start: datetime, stop: datetime) -> list[tuple[int, Span]]:
        return []

    async def motions(self, after: datetime, stop: datetime, limit: int = 20_000) -> list[tuple[datetime, int, str]]:
        return []


# ── a day of a shop ─────────────────────────────────────────────────────────────────────────────────────────────


def draw(count: int) -> list[Line]:
    """So many lines, in the order of their instants."""
    chance = random.Random(7)
    ticket_ids = iter(range(1, count + TILLS + 1))
    lines = [line for till in range(TILLS) for line in till_lines(chance, str(till + 1), count // TILLS, ticket_ids)]
    lines.sort(key=lambda line: line.received_at)
    return [replace(line, id=place) for place, line in enumerate(lines, 1)]


def till_lines(chance: random.Random, source: str, count: int, ticket_ids: Iterator[int]) -> Iterator[Line]:
    """The lines of one till, about two seconds apart within a ticket."""
    at, said, number = BEGIN + timedelta(seconds=chance.random() * 60), 0, 1
    while said < count:
        kinds = ticket(chance)
        seller, ticket_id = f"{source}{said // 300 % 2}", next(ticket_ids)
        due = Decimal()
        articles: list[tuple[str, Decimal]] = []
        for position, kind in enumerate(kinds, 1):
            at += timedelta(seconds=0.5 + chance.random() * 3, microseconds=said)
            code, amount, special, total = "", None, "", None
            if kind == "A":
                code, amount = str(chance.randrange(5000)), Decimal(chance.randrange(50, 9000)) / 100
                due += amount
                articles.append((code, amount))
            elif kind == "S":
                code, amount = articles.pop()
                special, due = chance.choice(("ANNULE", "ANNULE", "RETOUR")), due - amount
            elif kind in "TE":
                amount = total = due
                due = Decimal()
            yield Line(
                id=0, received_at=at, protocol="pos", source=source, ticket=str(number), ticket_id=ticket_id,
                seller=seller, type=kind, special=special, position=position, code=code, text=f"ARTICLE {code}",
                quantity=Decimal(1) if kind in "AS" else None, amount=amount, total=total, cameras=(1,),
            )  # fmt: skip
            said += 1
        number += 1 + (chance.random() < 0.001)
        at += timedelta(seconds=5 + chance.random() * 90)


def ticket(chance: random.Random) -> str:
    """The types of a ticket's lines."""
    if chance.random() < 0.02:
        return "D"
    articles = "".join("AS" if chance.random() < 0.05 else "A" for _ in range(chance.randrange(2, 14)))
    if chance.random() < 0.005:
        return articles
    return articles + chance.choice(("E", "E", "DE", "TDE"))


# ── the measurement ──────────────────────────────────────────────────────────────────────────────────────────────


def heard(lines: list[Line], rules: list[Rule]) -> tuple[float, int]:
    """Microseconds of CPU for each line, and how many exceptions there were."""
    tills, watches = Tills(), [Watch(rule, Shop()) for rule in rules]
    began, found = time.process_time(), 0
    for line in lines:
        found += len(listen(line, tills, watches))
    return 1e6 * (time.process_time() - began) / len(lines), found


class Beat:
    """For how long the reactor is held at a time, in milliseconds of CPU: other work on the machine does not count."""

    def __init__(self) -> None:
        self._held: list[float] = []
        self._before = time.thread_time()
        self._call = reactor.callLater(0, self._beat)

    def _beat(self) -> None:
        now = time.thread_time()
        self._held.append(1000 * (now - self._before))
        self._before = now
        self._call = reactor.callLater(BEAT_SECONDS, self._beat)

    def stop(self) -> tuple[float, float]:
        """p99 and the most."""
        self._call.cancel()
        ordered = sorted(self._held)
        return ordered[int(len(ordered) * 0.99)], ordered[-1]


async def tried(store: LineStore, rule: Rule, lines: list[Line]) -> tuple[int, float, float, tuple[float, float]]:
    """Exceptions, seconds, CPU seconds of this process, and for how long it held the reactor."""
    shop: Any = Shop()

    async def tell(outcome: Outcome) -> None:
        """Nobody waits for what comes before the end."""

    trials = Trials(store, shop, shop, shop, shop)
    beat = Beat()
    began, cpu = time.monotonic(), time.process_time()
    stop = lines[-1].received_at + timedelta(microseconds=1)
    outcome = await trials.run(rule, lines[0].received_at, stop, 100, lambda line: True, tell)
    assert outcome.lines == len(lines), (outcome.lines, len(lines))
    return outcome.count, time.monotonic() - began, time.process_time() - cpu, beat.stop()


async def keep(store: FactsStore, lines: list[Line]) -> None:
    """Write them as they become durable in the server."""
    for place in range(0, len(lines), 1000):
        await store.write(
            [
                LineReceived(
                    line.id,
                    line,
                    Ticket(
                        id=line.ticket_id,
                        protocol="pos",
                        source=line.source,
                        opened_at=line.received_at,
                        line_count=line.position or 0,
                    ),
                )
                for line in lines[place : place + 1000]
            ]
        )


async def compare(server: Server, count: int) -> None:
    """Print the tables."""
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    lines = draw(count)
    none, _ = heard(lines, [])
    print(f"{len(lines)} lines of {TILLS} tills, {lines[-1].received_at - lines[0].received_at}\n")
    print("| rules | CPU µs a line | exceptions |\n|---|---|---|")
    print(f"| none: each line read in its ticket | {none:.2f} | |", flush=True)
    kinds = {kind: [rule for rule in PRESETS if rule.kind == kind] for kind in dict.fromkeys(r.kind for r in PRESETS)}
    for kind, rules in kinds.items():
        cost, found = heard(lines, rules)
        print(f"| {len(rules)} of the kind “{kind}” | {cost - none:.2f} more | {found} |", flush=True)
    cost, found = heard(lines, list(PRESETS))
    print(f"| all {len(PRESETS)} presets | {cost:.2f} | {found} |\n", flush=True)

    database = Database(server.dsn, reactor)
    await database.start(60)
    try:
        await migrate.migrate(database)
        store = LineStore(database)
        await keep(FactsStore(database, store, Metrics()), lines)
        await database.execute("analyze line")
        gc.freeze()  # the drawn lines lie in memory here only: the collector shall not count them
        print("| tried on the past | exceptions | seconds | CPU µs a line | reactor held p99, max ms | SQL seconds |")
        print("|---|---|---|---|---|---|")
        for name, sql in TRIED.items():
            found, seconds, cpu, held = await tried(store, ANY[name], lines)
            began = time.monotonic()
            ((same,),) = await database.query(sql)
            peer = time.monotonic() - began
            assert found == same, f"{name}: {found}, and {same} by SQL"
            figures = (
                f"{found} | {seconds:.2f} | {1e6 * cpu / len(lines):.1f} | {held[0]:.1f}, {held[1]:.1f} | {peer:.2f}"
            )
            print(f"| {name} | {figures} |", flush=True)
    finally:
        await database.stop()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=200_000)
    options = parser.parse_args()

    async def run() -> None:
        server = Server()
        try:
            await compare(server, options.lines)
        finally:
            server.stop()

    task.react(lambda _: defer.Deferred.fromCoroutine(run()))


if __name__ == "__main__":
    main()
