"""What a shop suffers, again and again: each campaign returns one row of the table."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.shop import Gateway, Shop, Till
from support.outside import cursor, soon

from camtrace.complaints import MOST_NAMED

# a line that was written so shortly before the kill may still have been in the kernel's buffers: no protocol of
# tills acknowledges, so nobody can know
IN_FLIGHT_SECONDS = 0.25
LOSS_LIMIT_SECONDS = 0.5
PATIENCE_SECONDS = 6.0  # a database that has not answered for so long is away
HOSTILE = Path(__file__).with_name("hostile.py")
TELLING = ("spool", "refused", "quarantine", "database", "error", "closed")


@dataclass(frozen=True, slots=True)
class Row:
    """One campaign's outcome. `video_lost` is the worst of all cameras and rounds, in seconds."""

    name: str
    rounds: int
    cameras: int
    lines: int
    video_lost: float
    lines_lost: int
    lines_doubled: int
    slowest_seconds: float
    missing: tuple[str, ...] = ()  # lines that are lost, each with the second it was sent, and what the server said

    @property
    def good(self) -> bool:
        return self.video_lost <= LOSS_LIMIT_SECONDS and not self.lines_lost and not self.lines_doubled


# which of a sender's lines must be stored, given those that are
Due = Callable[[Any, set[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the tills' lines."""

    sent: int
    doubled: int
    missing: tuple[str, ...]
    said: tuple[str, ...] = ()


def _count(shop: Shop, senders: Iterable[Till | Gateway], due: Due) -> Count:
    """Look up what is stored of each sender, in the order of sending: none may be there twice, and all that is due."""
    sent = doubled = 0
    missing = []
    for sender in senders:
        stored = shop.stored(sender)
        assert list(map(int, stored)) == sorted(map(int, stored), reverse=True), f"{sender.name} is out of order"
        known = set(stored)
        doubled += len(stored) - len(known)
        sent += len(sender.sent)
        lost = [number for number in due(sender, known) if number not in known]
        missing += [f"{sender.name} {number} at {sender.sent[number]:.2f}" for number in lost]
    said = [line for line in shop.server.output if any(word in line.lower() for word in TELLING)] if missing else []
    return Count(sent, doubled, tuple(missing), tuple(said))


def _all_but(silences: Iterable[tuple[float, float]]) -> Due:
    """All is due but what was sent in one of these times, from the one to the other."""
    spans = tuple(silences)

    def due(sender: Till | Gateway, known: set[str]) -> list[str]:
        return [number for number, at in sender.sent.items() if not any(begin <= at <= end for begin, end in spans)]

    return due


def _in_flight(moments: Iterable[float]) -> list[tuple[float, float]]:
    """When lines are sent that may be in flight at one of the `moments`."""
    return [(moment - IN_FLIGHT_SECONDS, moment + IN_FLIGHT_SECONDS) for moment in moments]


def _without_a_hole(till: Till, known: set[str]) -> list[str]:
    """Of each connection the beginning is due, up to the last line stored; of the last one, which nobody broke, all.

    A server that is killed while its database does not answer has told no till that it had read what was sent: how much
    of the end of a connection goes with it, nobody can say.
    """
    due: list[str] = []
    *broken, last = till.by_connection
    for numbers in broken:
        kept = [at for at, number in enumerate(numbers, 1) if number in known]
        due += numbers[: max(kept, default=0)]
    return due + last


def _settle(shop: Shop) -> None:
    """The tills fall silent, the spool is empty, and the last line of each till can be read."""
    for till in shop.tills:
        till.stop()
    deadline = time.monotonic() + 60
    while shop.server.metric("camtrace_spool_facts"):
        assert time.monotonic() < deadline, "the spool is not drained"
        time.sleep(0.1)  # the API is the only witness from outside
    for till in shop.tills:
        last = list(till.sent)[-1]
        while last not in shop.stored(till):
            assert time.monotonic() < deadline, f"line {last} of {till.name} is not stored"
            time.sleep(0.1)


def kill_server(rounds: int, seconds: float, cameras: int = 8, tills: int = 5) -> Row:
    """kill -9 of the server at a random instant; each time, how much of the last second is missing."""
    shop = Shop(cameras, tills)
    chance = random.Random(8554)
    moments, worst, slowest = [], 0.0, 0.0
    try:
        for _ in range(rounds):
            time.sleep(seconds + chance.random())
            shop.server.kill()
            killed = time.time()
            moments.append(killed)
            began = time.monotonic()
            shop.server.start()
            slowest = max(slowest, time.monotonic() - began)
            shop.wait_recording(after=killed)
            for camera in range(1, cameras + 1):
                kept = max(stop for start, stop in shop.spans(camera) if start < killed)
                worst = max(worst, killed - kept)
        _settle(shop)
        lines = _count(shop, shop.tills, _all_but(_in_flight(moments)))
        return _row("kill -9 of the server", rounds, cameras, lines, worst, slowest)
    finally:
        shop.close()


def kill_database(rounds: int, seconds: float, cameras: int = 8, tills: int = 5) -> Row:
    """kill -9 of PostgreSQL: lines wait in the spool, recording goes on without a gap."""
    shop = Shop(cameras, tills)
    worst, slowest = 0.0, 0.0
    try:
        time.sleep(1)
        began = time.time()
        for _ in range(rounds):
            postmaster = shop.server.postmaster
            os.kill(postmaster, signal.SIGKILL)
            killed = time.monotonic()
            # for a moment those whom the postmaster left behind may answer in its place
            while shop.server.postmaster == postmaster or shop.server.call("GET", "/api/v1/health")[0] != 200:
                assert time.monotonic() - killed < 60, "the database did not come back"
                time.sleep(0.1)
            slowest = max(slowest, time.monotonic() - killed)
            time.sleep(seconds)
        ended = time.time()
        for camera in range(1, cameras + 1):
            covered = sum(min(stop, ended) - max(start, began) for start, stop in shop.spans(camera) if stop > began)
            worst = max(worst, ended - began - covered)
        _settle(shop)
        lines = _count(shop, shop.tills, _all_but(()))
        return _row("kill -9 of PostgreSQL", rounds, cameras, lines, worst, slowest)
    finally:
        shop.close()


def terminate(rounds: int, seconds: float, cameras: int = 8, tills: int = 5) -> Row:
    """SIGTERM: nothing is lost, and it is over in ten seconds."""
    shop = Shop(cameras, tills)
    moments, worst, slowest = [], 0.0, 0.0
    try:
        for _ in range(rounds):
            time.sleep(seconds)
            told = time.time()
            began = time.monotonic()
            status = shop.server.stop()
            took = time.monotonic() - began
            assert status == 0 and took < 10, f"exit status {status} after {took:.1f} s"
            moments += [told, time.time()]
            slowest = max(slowest, took)
            shop.server.start()
            shop.wait_recording(after=time.time())
            for camera in range(1, cameras + 1):
                kept = max(stop for start, stop in shop.spans(camera) if start < told)
                worst = max(worst, told - kept)
        _settle(shop)
        lines = _count(shop, shop.tills, _all_but(_in_flight(moments)))
        return _row("SIGTERM", rounds, cameras, lines, worst, slowest)
    finally:
        shop.close()


def hostile(rounds: int, seconds: float, cameras: int = 0, tills: int = 10) -> Row:
    """Honest tills of both protocols beside senders of everything that is wrong, while all breaks that can.

    In turn: PostgreSQL killed; halted, so that it does not answer; the same with a spool that does not fit on the disk,
    over and over; the server killed in the middle of that; the server killed; the server stopped.
    """
    shop = Shop(cameras, tills)
    server = shop.server
    gateways = [Gateway(number, server.prisma) for number in range(1, tills + 1)]
    ports = map(str, (server.pos, server.prisma, server.control, 21845))
    enemy = subprocess.Popen([sys.executable, HOSTILE, *ports], stdin=subprocess.PIPE)
    chance = random.Random(2026)
    silences: list[tuple[float, float]] = []  # what came by UDP while nobody listened is lost
    slowest = 0.0

    def restart() -> None:
        nonlocal slowest
        began = time.monotonic()
        server.start()
        slowest = max(slowest, time.monotonic() - began)
        silences.append((turned - PATIENCE_SECONDS, time.time()))

    try:
        for turn in range(rounds):
            time.sleep(seconds)
            soon(lambda: server.call("GET", "/api/v1/health")[0] == 200, "the database", 60)
            turned = time.time()
            match turn % 6:
                case 0:
                    os.kill(server.postmaster, signal.SIGKILL)
                case 1 | 2 | 3 as kind:
                    with server.halted_database():
                        for _ in range(3 if kind > 1 else 0):
                            _limit_files(server.process.pid, chance.randrange(40_000))
                            time.sleep(PATIENCE_SECONDS / 2)
                            _limit_files(server.process.pid, None)
                            time.sleep(0.3)
                        time.sleep(PATIENCE_SECONDS if kind == 1 else 0)
                        if kind == 3:
                            server.kill()
                    if kind == 3:
                        restart()
                case 4:
                    server.kill()
                    restart()
                case 5:
                    assert server.stop() == 0
                    restart()
        time.sleep(seconds)
        enemy.kill()
        enemy.wait(10)
        for gateway in gateways:
            gateway.stop()
        _settle(shop)
        lines = _count(shop, shop.tills, _without_a_hole)
        events = _count(shop, gateways, _all_but(silences))
        missing, said = (*lines.missing, *events.missing), lines.said or events.said
        total = Count(lines.sent + events.sent, lines.doubled + events.doubled, missing, said)
        told = Counter(entry["text"] for entry in _journal(shop))
        starts = told["started"]  # each tells anew who does what is wrong: at most so many of each fault
        assert all(count <= MOST_NAMED * 3 // 2 * starts for count in told.values()), told
        for place, line in enumerate(server.output):
            said = "\n".join(server.output[place : place + 30])
            # the driver's own word about a connection that broke under it is none of ours
            assert "Traceback" not in line or "psycopg2." in said.partition("\n2")[0], said
            assert "quarantine" not in line, said
        print(dict(told), file=sys.stderr)
        return _row("all that is wrong", rounds, cameras, total, 0.0, slowest)
    finally:
        enemy.kill()
        for gateway in gateways:
            gateway.stop()
        shop.close()


def _journal(shop: Shop) -> Iterator[dict[str, str]]:
    """All entries about the system."""
    more = ""
    while True:
        page = shop.server.get(f"/api/v1/journal?kind=system&limit=1000{more}")
        yield from page["items"]
        if not page["next"]:
            return
        more = cursor(page["next"])


def _limit_files(server: int, most: int | None) -> None:
    """No file of the server may be longer, as on a disk that is full; None: as long as it likes."""
    _, hard = resource.prlimit(server, resource.RLIMIT_FSIZE)
    resource.prlimit(server, resource.RLIMIT_FSIZE, (hard if most is None else most, hard))


def _row(name: str, rounds: int, cameras: int, lines: Count, worst: float, slowest: float) -> Row:
    telling = (*lines.missing, *lines.said)
    return Row(name, rounds, cameras, lines.sent, worst, len(lines.missing), lines.doubled, slowest, telling)


CAMPAIGNS = (kill_server, kill_database, terminate, hostile)
