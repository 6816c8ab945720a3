"""Searching the external log: how long each kind of question takes, cold and warm, in a year of lines and in a week.

The lines are drawn: fifty tills, forty cashiers, five thousand articles of which few are sold all the time, over a
year. Words are taken from them: a fifth that nothing holds, a fifth that more than a hundredth of all lines hold
(100,000 of ten million), the others from everywhere. Ten thousand more texts name cards. Each question is asked of the
real store, by the real PostgreSQL with the settings of the private one, for a first page of a hundred lines. Cold: the
server is started anew and the system has forgotten its files. Then words are asked for once more while lines come in as
fast as they are taken. The peer, in the same run: the same words by ILIKE.

    python benchmarks/search.py [--lines 10000000] [--questions 200] [--cold 12]
"""

from __future__ import annotations

import argparse
import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
from lines import Server
from twisted.internet import defer, task
from twisted.internet import reactor as _reactor

from camtrace.model import Comparison, Line, LineSearch, Named, Ticket
from camtrace.store import migrate
from camtrace.store.database import Database
from camtrace.store.embedded import _SETTINGS as SETTINGS
from camtrace.store.line_texts import words_key, words_of
from camtrace.store.lines import LineStore

reactor: Any = _reactor
END = datetime(2026, 11, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
PARIS = ZoneInfo("Europe/Paris")
ARTICLES, SELLERS, TILLS, PER_TICKET = 5000, 40, 50, 20
FIRST_NAMES = ("MARIE", "ZOÉ", "KARIM", "NADIA", "PAUL", "INÈS", "LÉO", "ANNA")
TENDERS = ("ESPECES", "CARTE", "CHEQUES", "TICKETS RESTAURANT")
PAGE = 101
Question = tuple[str, LineSearch]


# ── a year of a shop ─────────────────────────────────────────────────────────────────────────────────────────────


def vocabulary(chance: random.Random) -> list[str]:
    """Words that look like those of tills."""
    syllables = [c + v for c in "BCDFGLMNPRSTV" for v in ("A", "E", "I", "O", "U", "É", "AN", "ON")]
    words = {"".join(chance.choices(syllables, k=chance.choice((2, 3, 3, 4)))) for _ in range(2500)}
    return sorted(words)


def articles(chance: random.Random, words: Sequence[str]) -> list[str]:
    """Names of three words or two; some words are in many names."""
    names = []
    for number in range(ARTICLES):
        chosen = [words[int(chance.random() ** 3 * len(words))] for _ in range(chance.choice((2, 3)))]
        names.append(f"{' '.join(chosen)} {number % 9 + 1}00G")
    return names


def sellers() -> list[str]:
    return [f"{name} {letter}" for letter in "ABCDE" for name in FIRST_NAMES]


def fill(dsn: str, count: int) -> list[str]:
    """Write the year; returns the names of the articles, those sold most first."""
    chance = random.Random(4)
    names, people = articles(chance, vocabulary(chance)), sellers()
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("select indexdef from pg_indexes where tablename = 'line' and indexname <> 'line_pkey'")
        indexes = [row[0] for row in cursor.fetchall()]
        for index in indexes:
            cursor.execute(f"drop index {index.split()[2]}")
        cursor.execute("set maintenance_work_mem = '512MB'; set work_mem = '128MB'")
        cursor.execute("create unlogged table drawn (what int, special text, key bigint)")
        cursor.execute("create unlogged table article (what int primary key, name text)")
        cursor.execute("create unlogged table person (seller int primary key, name text)")
        spoken = [(what, name, "", special) for what, name in enumerate(names) for special in ("", "ANNULE")]
        spoken += [(-1 - number, "", tender, "") for number, tender in enumerate(TENDERS)]
        said = [(what, special, words_key(text, tender, special)) for what, text, tender, special in spoken]
        cards = [("", f"CARTE ************{last:04}", "") for last in range(10_000)]
        texts = [*((text, tender, special) for _, text, tender, special in spoken), *cards]
        known = {words_key(*each): words_of(*each).replace("\n", "\\n") for each in texts}
        _copy(cursor, "drawn (what, special, key)", said)
        _copy(cursor, "article (what, name)", enumerate(names))
        _copy(cursor, "person (seller, name)", enumerate(people))
        _copy(cursor, "line_words (key, words)", known.items())
        cursor.execute("create index on drawn (what, special); analyze drawn; analyze article; analyze person")
        first = END - YEAR
        cursor.execute(
            f"""
            insert into line (id, received_at, protocol, source, peer, ticket, ticket_id, seller, customer, type,
                special, position, code, barcode, text, quantity, price, amount, total, tender, raw, cameras, card,
                words)
            select r + 1, %(first)s
                + make_interval(days => day::int, secs => 6 * 3600 + 46000 * share + 1e-6 * (r %% 1000)),
                'pos', till::text, '10.0.0.' || till, case when kind = 'E' then t::text else '' end, t + 1, person.name,
                case when t %% 19 = 0 then 'C' || t %% 20000 else '' end, kind, special, r %% {PER_TICKET} + 1,
                case when what < 0 then '' else what::text end,
                case when what < 0 then '' else (3760000000000 + what)::text end,
                case when what < 0 then '' else article.name end,
                case when what < 0 then null when chance < 0.9 then 1 else 2 + (chance * 1000)::int %% 5 end, null,
                round((chance ^ 3 * 100 + 0.5)::numeric, 2), case when what < 0 then 20 end,
                case when what < 0 then ('{{{",".join(TENDERS)}}}'::text[])[-what] else '' end,
                convert_to(till || '|0|' || person.name || '|0|' || kind || '|1|' || what || '|'
                    || coalesce(article.name, ''), 'UTF8'), array[2 * till, 2 * till + 1], '', drawn.key
            from (
                select r, t, t %% {TILLS} as till, (t %% {TILLS} + t / 5000) %% {SELLERS} as seller, chance, day,
                    (r - day * %(daily)s) / %(daily)s::float as share,
                    case r %% {PER_TICKET} when 18 then 'T' when 19 then 'E' when 17 then
                        case when t %% 3 = 0 then 'S' else 'A' end else 'A' end as kind,
                    case when r %% {PER_TICKET} = 17 and t %% 3 = 0 then 'ANNULE' else '' end as special,
                    case when r %% {PER_TICKET} >= 18 then -1 - (t %% 7 %% {len(TENDERS)})
                        else (other ^ 3 * {ARTICLES - 1})::int end as what
                from (select r, r / {PER_TICKET} as t, random() as chance, random() as other,
                    least(364, r / %(daily)s) as day
                    from generate_series(0::bigint, %(count)s - 1) as r offset 0) as one
            ) as said join drawn using (what, special)
            join person using (seller) left join article using (what)
            order by r
            """,
            {"first": first, "daily": max(1, -(-count // 365)), "count": count},
        )
        cursor.execute("insert into line_watch (source, cameras) select distinct source, cameras from line")
        for index in indexes:
            cursor.execute(index)
        cursor.execute("vacuum analyze line")
        cursor.execute("analyze line_words")
        cursor.execute("checkpoint")
    connection.close()
    return names


def _copy(cursor: Any, table: str, rows: Any) -> None:
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    cursor.copy_expert(f"copy {table} from stdin", io.StringIO(text))


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────


def words(dsn: str, count: int, names: Sequence[str], chance: random.Random) -> list[str]:
    """`count` words: a fifth that nothing holds, a fifth that a hundredth of all lines hold, others from everywhere."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute("select text, count(*) from line where text <> '' group by text")
        sold = dict(cursor.fetchall())
        cursor.execute("select count(*) from line")
        (all_lines,) = cursor.fetchone()
    connection.close()
    holds: dict[str, int] = {}
    for name, number in sold.items():
        for word in set(name.split()):
            holds[word] = holds.get(word, 0) + number
    often = sorted(word for word, number in holds.items() if number > all_lines / 100)
    seldom = sorted(word for word, number in holds.items() if number <= all_lines / 100)
    none = [f"{word}X{number}" for number, word in enumerate(chance.choices(seldom, k=count // 5))]
    parts = [word[chance.randrange(2) :] for word in chance.choices(seldom, k=count - 2 * (count // 5))]
    found = [*none, *chance.choices(often, k=count // 5), *parts]
    chance.shuffle(found)
    print(f"{len(often)} words are in more than {all_lines // 100:,} lines each, {len(seldom)} in fewer")
    return found


def kinds(sought: Sequence[str], count: int, chance: random.Random) -> Iterator[tuple[str, list[LineSearch]]]:
    """Each kind of question, several of each."""
    several = range(max(10, len(sought) // 5))
    people, bought = sellers(), [int(chance.random() ** 3 * ARTICLES) for _ in several]

    def name(field: str, value: object) -> LineSearch:
        return LineSearch(names=(Named(field, (str(value),)),))

    def over(field: str, sign: str, value: str) -> LineSearch:
        return LineSearch(comparisons=(Comparison(field, sign, Decimal(value)),))

    till = [str(chance.randrange(TILLS)) for _ in sought]
    yield "nothing asked: the latest", [LineSearch() for _ in several]
    yield "a word", [LineSearch(texts=(word,)) for word in sought]
    yield (
        "a word on one till",
        [
            LineSearch(texts=(word,), names=(Named("till", (each,)),))
            for word, each in list(zip(sought, till, strict=True))[: len(several)]
        ],
    )
    yield (
        "a word, amount over 60",
        [replace(over("amount", ">", "60"), texts=(word,)) for word in sought[: len(several)]],
    )
    yield (
        "a word, cancelled",
        [replace(name("special", "annule"), texts=(word,)) for word in sought[: len(several)]],
    )
    yield (
        "a word, one cashier",
        [replace(name("seller", chance.choice(people)), texts=(word,)) for word in sought[: len(several)]],
    )
    yield "two words", [LineSearch(texts=pair) for pair in pairwise(sought)][: len(several)]
    yield "a word without another", [LineSearch(texts=(sought[i],), without=(sought[-1 - i],)) for i in several]
    yield "a letter", [LineSearch(texts=(letter,)) for letter in "AEIOUNRST1"]
    digits = [str(chance.randrange(1000, 10_000)) for _ in several]
    yield "digits, no right to cards", [LineSearch(texts=(each,), without_cards=True) for each in digits]
    yield "no digits, no right to cards", [LineSearch(without=(each,), without_cards=True) for each in digits]
    yield "till", [name("till", chance.randrange(TILLS)) for _ in several]
    yield "till, amount over 99", [replace(name("till", 7), comparisons=over("amount", ">", "99").comparisons)] * 10
    yield "cashier", [name("seller", chance.choice(people).lower()) for _ in several]
    yield "ticket number", [name("ticket", chance.randrange(count // PER_TICKET)) for _ in several]
    yield "customer", [name("customer", f"C{chance.randrange(1053) * 19}") for _ in several]
    yield "article code", [name("code", what) for what in bought]
    yield "barcode", [name("barcode", 3760000000000 + what) for what in bought]
    yield "kind of line", [name("type", kind) for kind in "ASTEDX" * 2]
    yield "mark", [name("special", mark) for mark in ("ANNULE", "retour") * 5]
    yield "payment", [name("tender", tender) for tender in (*TENDERS, "BITCOIN") * 2]
    yield "amount", [over("amount", ">=", f"{chance.randrange(120)}.{chance.randrange(99):02}") for _ in several]
    yield "quantity", [over("quantity", ">=", str(chance.randrange(2, 9))) for _ in several]
    yield "time of day", [LineSearch(hours=((each, each + 45),), zone=PARIS) for each in range(0, 1380, 115)]
    yield (
        "all but a time of day",
        [LineSearch(hours=((0, each), (each + 45, 1440)), zone=PARIS) for each in range(30, 1380, 135)],
    )
    apart = [(END - timedelta(days=each + 9), END - timedelta(days=each)) for each in range(10)]
    yield "a word, but for some days", [LineSearch(texts=(sought[i],), apart=(apart[i],)) for i in range(10)]
    yield "camera", [LineSearch(camera_uids=(chance.randrange(2 * TILLS + 20),)) for _ in several]


# ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────────


async def timed(ask: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds that the answer takes."""
    begin = time.perf_counter()
    await ask()
    return (time.perf_counter() - begin) * 1000


def share(found: Sequence[float], part: float) -> float:
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Year:
    """The server with its year of lines, and a store that asks it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.database = Database(server.dsn, reactor, connections=3)
        self.store = LineStore(self.database)

    async def cool(self) -> None:
        """Start anew, with nothing in any memory."""
        await self.database.stop()
        self.server.halt()
        for path in Path(self.server.folder, "data").rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)
        self.server.start()
        self.server.wait()
        self.database = Database(self.server.dsn, reactor, connections=3)
        self.store = LineStore(self.database)
        await self.database.start(wait_seconds=60)

    async def ask(self, questions: Sequence[LineSearch]) -> list[float]:
        return [await timed(lambda wanted=wanted: self.store.search(wanted, limit=PAGE)) for wanted in questions]


class TunedServer(Server):
    """A server with the settings of the private one."""

    def halt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def wait(self) -> None:
        """Return when it answers."""
        for _ in range(600):
            try:
                psycopg2.connect(self.dsn).close()
                return
            except psycopg2.OperationalError:
                time.sleep(0.1)

    def start(self) -> None:
        """Begin again, or with other settings."""
        binaries, quiet = self.binaries, self.quiet
        options = [text for name, value in SETTINGS.items() for text in ("-c", f"{name}={value}")]
        command = [binaries / "postgres", "-D", self.folder / "data", "-k", self.folder, *options]
        self.process = subprocess.Popen([*command, "-c", "listen_addresses="], **quiet)


async def insert(dsn: str, seconds: float) -> None:
    """Write batches of 1,000 lines as fast as they are taken; print the rate."""
    database = Database(dsn, reactor, connections=1)
    await database.start(wait_seconds=30)
    store, names, people = LineStore(database), articles(random.Random(4), vocabulary(random.Random(4))), sellers()
    chance, number, begin = random.Random(time.time()), int(time.time() * 1e6), time.monotonic()
    written = 0
    while time.monotonic() - begin < seconds:
        batch = []
        for _ in range(1000):
            number, what = number + 1, int(chance.random() ** 3 * ARTICLES)
            at = END + timedelta(microseconds=number % 10**12)
            line = Line(
                id=number, received_at=at, protocol="pos", source=str(what % TILLS), ticket_id=number // 20 * 20,
                type="A",
                seller=people[what % SELLERS], code=str(what), barcode=str(3760000000000 + what), text=names[what],
                quantity=Decimal(1), amount=Decimal(what % 90), raw=b"7|0|7|0|A|1|1|" + names[what].encode(),
                cameras=(2 * (what % TILLS), 2 * (what % TILLS) + 1),
            )  # fmt: skip
            ticket = Ticket(id=line.ticket_id, protocol="pos", source=line.source, opened_at=at, line_count=2)
            batch.append((line, ticket))
        statements = store.insertion(batch)
        await database.query(statements.sql, statements.values)
        store.learn(statements.keys)
        written += len(batch)
    print(f"{written / (time.monotonic() - begin):.0f}")
    await database.stop()


def inserting(dsn: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--insert", dsn, "--seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def rate_of(process: subprocess.Popen[str]) -> float:
    while process.poll() is None:
        await task.deferLater(reactor, 0.1)
    assert process.stdout
    return float(process.stdout.read())


async def measure(
    year: Year, sought: Sequence[str], count: int, cold: int, chance: random.Random, only: str = ""
) -> None:
    """Print the table. `only`: the kinds whose name holds it."""
    asked = [(kind, wanted) for kind, wanted in kinds(sought, count, chance) if only in kind]
    week = {"start": END - timedelta(days=130), "before": END - timedelta(days=123)}
    heads = "".join(f"{words:>16}" for words in ("year, warm", "week, warm", "year, cold", "week, cold"))
    print(f"{'milliseconds, p50 / p95':28}{heads}{'worst':>8}")
    warm_words: list[float] = []
    for kind, wanted in asked:
        cells, worst = [], 0.0
        within = [replace(each, **week) for each in wanted]
        for each in (wanted, within):
            await year.ask(each)
            found = await year.ask(each)
            warm_words = found if kind == "a word" and each is wanted else warm_words
            worst = max(worst, *found)
            cells.append(f"{share(found, 0.5):.1f} / {share(found, 0.95):.1f}")
        for each in (wanted, within):
            found = []
            for at in range(0, min(cold, len(each)), max(1, cold // 3)):
                await year.cool()
                found += await year.ask(each[at : at + max(1, cold // 3)])
            cells.append(f"{share(found, 0.5):.0f} / {share(found, 0.95):.0f}" if found else "")
        print(f"{kind:28}{''.join(f'{cell:>16}' for cell in cells)}{worst:>8.0f}", flush=True)
    hits = [
        await timed(lambda each=each: year.store.hits(each)) for each in (dict(asked)["a word"] * 2)[-len(sought) :]
    ]
    print(f"{'hits over time, a word':28}{f'{share(hits, 0.5):.1f} / {share(hits, 0.95):.1f}':>16}")
    alone = await rate_of(inserting(year.server.dsn, 10))
    process = inserting(year.server.dsn, 20)
    beside: list[float] = []
    while process.poll() is None:
        beside.append(await timed(lambda: year.store.search(LineSearch(texts=(chance.choice(sought),)), limit=PAGE)))
    together = await rate_of(process)
    words_beside = f"{share(beside, 0.5):.1f} / {share(beside, 0.95):.1f}"
    print(f"{'a word while lines come in':28}{words_beside:>16}  of {len(beside)} questions")
    print(f"lines a second come in: {alone:,.0f} alone, {together:,.0f} while words are looked for without a pause")
    peer = []
    for word in sought[:5]:
        sql = f"select * from line where text ilike %s order by received_at desc limit {PAGE}"
        peer.append(await timed(lambda word=word, sql=sql: year.database.query(sql, (f"%{word}%",))))
    print(f"{'ILIKE, the peer':28}{f'{share(peer, 0.5):.0f} / {share(peer, 0.95):.0f}':>16}")
    print(f"a word over the year, warm: p95 {share(warm_words, 0.95):.0f} ms (aim: 150)")


async def run(count: int, questions: int, cold: int) -> None:
    server = TunedServer()
    server.wait()
    server.halt()
    server.start()
    server.wait()
    year = Year(server)
    try:
        await year.database.start(wait_seconds=30)
        await migrate.migrate(year.database)
        begin = time.monotonic()
        names = fill(server.dsn, count)
        (size,) = (await year.database.query("select pg_total_relation_size('line')"))[0]
        print(f"{count:,} lines in {time.monotonic() - begin:.0f} s, {size / 1e9:.1f} GB with their indexes")
        chance = random.Random(7)
        sought = words(server.dsn, questions, names, chance)
        await measure(year, sought, count, cold, chance)
    finally:
        await year.database.stop()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--cold", type=int, default=12, help="cold questions of each kind")
    parser.add_argument("--insert", default="", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=10, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.insert:
        work = insert(given.insert, given.seconds)
    else:
        work = run(given.lines, given.questions, given.cold)
    task.react(lambda _: defer.Deferred.fromCoroutine(work))


if __name__ == "__main__":
    main()
