"""Ten thousand tills connected at once: what they cost, and what a till among them feels of it.

The whole server runs in a process of its own, on a PostgreSQL of this run, and takes the crowd from forty addresses of
the loopback network. A hundred of the tills speak, the others are silent. A neighbour sends a line and waits until it
is stored, again and again: beside the hundred alone, then among the crowd. Memory is the process's resident set, with
the crowd less without it. The peer, in the same run: Twisted's LineReceiver alone, which drops each line, under the
same crowd.

    python benchmarks/crowd.py [--tills 10000] [--seconds 10]

The number of descriptors that a process may open (`ulimit -n`) must be a little more than that of the tills.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from alarms import BeatingServer  # noqa: E402
from lines import Server as Postgres  # noqa: E402
from record import cpu_seconds  # noqa: E402
from support.outside import soon  # noqa: E402

ADDRESSES = 40  # of the tills: a server lets in 2,500 from one
SPEAKING = 100  # tills of the crowd that say something
RATE = 500  # lines a second, of all that speak
NEIGHBOUR_PAUSE = 0.02
FIND = "select from line where source = 'NEIGHBOUR' and code = %s and received_at > now() - interval '20 s'"
PEER = """
import sys
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

class Till(LineReceiver):
    delimiter = b"\\n"

    def lineReceived(self, line):
        pass

reactor.callWhenRunning(lambda: print(port.getHost().port, flush=True))
port = reactor.listenTCP(0, Factory.forProtocol(Till), backlog=1024, interface="127.0.0.1")
reactor.run()
"""


class Figure(NamedTuple):
    """What a crowd costs: seconds until all were in, bytes and descriptors for each, CPU in percent of a core."""

    joining: float
    bytes_each: float
    descriptors: int
    idle: float
    speaking: float


def memory(pid: int) -> int:
    """The resident set, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def descriptors(pid: int) -> int:
    """How many the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@contextmanager
def crowd(port: int, tills: int) -> Iterator[list[socket.socket]]:
    """So many connections."""
    held: list[socket.socket] = []
    try:
        for number in range(tills):
            till = socket.socket()
            till.bind((f"127.0.1.{1 + number % ADDRESSES}", 0))
            till.connect(("127.0.0.1", port))
            held.append(till)
        yield held
    finally:
        for till in held:
            till.close()


def speak(tills: list[socket.socket], until: float) -> None:
    """Lines of a hundred tills, `RATE` a second in all."""
    began, sent = time.monotonic(), 0
    while (now := time.monotonic()) < until:
        while sent < (now - began) * RATE:
            which = sent % SPEAKING
            tills[which * len(tills) // SPEAKING].sendall(b"%d|0|7|0|A|1|%d|TARTE|16,00\n" % (which, sent))
            sent += 1
        time.sleep(0.002)


def burden(pid: int, port: int, tills: int, seconds: float, beside: Callable[[float], object]) -> Figure:
    """The crowd comes, is silent, and speaks while `beside` does something until a monotonic second."""
    before, began = memory(pid), time.monotonic()
    open_before = descriptors(pid)
    with crowd(port, tills) as held:
        soon(lambda: descriptors(pid) - open_before >= tills, f"{tills} connections", 120)
        joining = time.monotonic() - began
        each = (memory(pid) - before) / tills
        number = descriptors(pid)
        used = cpu_seconds([pid])
        time.sleep(seconds)
        idle = 100 * (cpu_seconds([pid]) - used) / seconds
        used = cpu_seconds([pid])
        until = time.monotonic() + seconds
        speaking = os.fork()  # a process of its own
        if not speaking:
            speak(held, until)
            os._exit(0)
        beside(until)
        os.waitpid(speaking, 0)
        spoken = 100 * (cpu_seconds([pid]) - used) / seconds
    soon(lambda: descriptors(pid) <= open_before + 20, "the end of the crowd", 60)
    return Figure(joining, each, number, idle, spoken)


class Neighbour:
    """A till that waits for each of its lines to be stored."""

    def __init__(self, port: int, dsn: str) -> None:
        self._till = socket.create_connection(("127.0.0.1", port))
        self._rows = psycopg2.connect(dsn)
        self._rows.autocommit = True
        self._numbers = count()

    def lines(self, until: float) -> list[float]:
        """How long each took, from the send to the row, in ms."""
        took = []
        with self._rows.cursor() as cursor:
            while time.monotonic() < until:
                number = next(self._numbers)
                began = time.monotonic()
                self._till.sendall(b"NEIGHBOUR|0|7|0|A|1|%d|TARTE|16,00\n" % number)
                while True:
                    cursor.execute(FIND, (str(number),))
                    if cursor.rowcount:
                        break
                    time.sleep(0.001)
                took.append(1000 * (time.monotonic() - began))
                time.sleep(NEIGHBOUR_PAUSE)
        return took


def ranks(values: list[float]) -> str:
    """Median, p99 and the most."""
    ordered = sorted(values)
    return f"{statistics.median(ordered):.1f} | {ordered[int(len(ordered) * 0.99)]:.1f} | {ordered[-1]:.1f}"


def peer(tills: int, seconds: float) -> Figure:
    """The same crowd at Twisted's LineReceiver."""
    process = subprocess.Popen([sys.executable, "-c", PEER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        return burden(process.pid, port, tills, seconds, lambda until: time.sleep(until - time.monotonic()))
    finally:
        process.terminate()
        process.wait()


def compare(tills: int, seconds: float) -> None:
    """Print the tables."""
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {seconds:g} s a figure"
    )
    postgres = Postgres()
    server = BeatingServer(postgres.dsn, f"[pos]\nconnections = {tills + 1}\n")
    took: dict[int, list[float]] = {}
    late: dict[int, tuple[float, float]] = {}
    try:
        server.start()
        server.administrator()
        assert server.process is not None
        pid = server.process.pid
        neighbour = Neighbour(server.pos, postgres.dsn)
        neighbour.lines(time.monotonic() + 1)  # warm up

        def beside(number: int) -> Callable[[float], object]:
            took[number] = []
            return lambda until: took[number].extend(neighbour.lines(until))

        for number in (SPEAKING, tills):
            server.lateness()
            ours = burden(pid, server.pos, number, seconds, beside(number))
            late[number] = server.lateness()
        errors = server.metric("camtrace_pos_errors_total")
        assert not errors, f"{errors} lines were not understood"
        assert server.stop() == 0
    finally:
        server.remove()
        postgres.stop()
    theirs = peer(tills, seconds)
    print("| a till's line, ms | p50 | p99 | most | reactor late p99, most ms |")
    print("|---|---|---|---|---|")
    for number in took:
        print(f"| among {number} | {ranks(took[number])} | {late[number][0]:.1f}, {late[number][1]:.0f} |")
    print()
    print("| a crowd of tills | joined in s | kB each | descriptors | CPU silent | CPU at 500 lines a second |")
    print("|---|---|---|---|---|---|")
    for name, figure in (("CamTrace", ours), ("LineReceiver, the peer", theirs)):
        print(
            f"| {name} | {figure.joining:.1f} | {figure.bytes_each / 1000:.1f} | {figure.descriptors} |"
            f" {figure.idle:.1f} % | {figure.speaking:.1f} % |"
        )
    print(f"memory: {ours.bytes_each / theirs.bytes_each:.2f} of the peer's for each till")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tills", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.tills + 1500 > hard:
        sys.exit(f"a process may open {hard} descriptors here: that is too few for {options.tills} tills")
    compare(options.tills, options.seconds)


if __name__ == "__main__":
    main()
