"""What a shop suffers, again and again: each campaign returns one row of the table."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from faults.shop import Shop

# a line that was written so shortly before the kill may still have been in the kernel's buffers: no protocol of
# tills acknowledges, so nobody can know
IN_FLIGHT_SECONDS = 0.25
LOSS_LIMIT_SECONDS = 0.5
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


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the tills' lines."""

    sent: int
    doubled: int
    missing: tuple[str, ...]
    said: tuple[str, ...] = ()


def _count_lines(shop: Shop, moments: list[float]) -> Count:
    """Lines in flight at one of the `moments` may be missing."""
    sent = doubled = 0
    missing = []
    for till in shop.tills:
        stored = shop.stored(till)
        doubled += len(stored) - len(set(stored))
        for number, at in list(till.sent.items()):
            sent += 1
            excused = any(moment - IN_FLIGHT_SECONDS <= at <= moment + IN_FLIGHT_SECONDS for moment in moments)
            if number not in stored and not excused:
                missing.append(f"{till.name} {number} at {at:.2f}")
    said = [line for line in shop.server.output if any(word in line.lower() for word in TELLING)] if missing else []
    return Count(sent, doubled, tuple(missing), tuple(said))


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
        return _row("kill -9 of the server", rounds, cameras, _count_lines(shop, moments), worst, slowest)
    finally:
        shop.close()


def kill_database(rounds: int, seconds: float, cameras: int = 8, tills: int = 5) -> Row:
    """kill -9 of PostgreSQL: lines wait in the spool, recording goes on without a gap."""
    shop = Shop(cameras, tills)
    worst, slowest = 0.0, 0.0
    pid_file = shop.server.folder / "data/database/cluster/postmaster.pid"
    try:
        time.sleep(1)
        began = time.time()
        for _ in range(rounds):
            postmaster = _postmaster(pid_file)
            os.kill(int(postmaster), signal.SIGKILL)
            killed = time.monotonic()
            # for a moment those whom the postmaster left behind may answer in its place
            while (
                pid_file.read_text().split()[:1] == [postmaster] or shop.server.call("GET", "/api/v1/health")[0] != 200
            ):
                assert time.monotonic() - killed < 60, "the database did not come back"
                time.sleep(0.1)
            slowest = max(slowest, time.monotonic() - killed)
            time.sleep(seconds)
        ended = time.time()
        for camera in range(1, cameras + 1):
            covered = sum(min(stop, ended) - max(start, began) for start, stop in shop.spans(camera) if stop > began)
            worst = max(worst, ended - began - covered)
        _settle(shop)
        return _row("kill -9 of PostgreSQL", rounds, cameras, _count_lines(shop, []), worst, slowest)
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
        return _row("SIGTERM", rounds, cameras, _count_lines(shop, moments), worst, slowest)
    finally:
        shop.close()


def _row(name: str, rounds: int, cameras: int, lines: Count, worst: float, slowest: float) -> Row:
    telling = (*lines.missing, *lines.said)
    return Row(name, rounds, cameras, lines.sent, worst, len(lines.missing), lines.doubled, slowest, telling)


def _postmaster(pid_file: Path) -> str:
    """The process id of PostgreSQL's first process; "" while there is none."""
    try:
        return pid_file.read_text().partition("\n")[0].strip()
    except OSError:
        return ""


CAMPAIGNS = (kill_server, kill_database, terminate)
