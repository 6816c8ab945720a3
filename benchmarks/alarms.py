"""Alarm triggers: how many become durable per second, by text, HTTP and FTP, while cameras are recorded and watched.

The whole server runs in a process of its own, as `application.py` wires it, on a PostgreSQL of this run; what beats in
its reactor tells how late that is. It records eight cameras (1080p25, 4 Mbit/s, gst-rtsp-server) and shows one of them
to a player the whole time; pictures lost are holes in the time stamps of the files, and what the player got too few.
Triggers count when PostgreSQL has them. The peer of uploads, in the same run and beside the same cameras: vsftpd with
its defaults, which writes the same pictures (JPEG, 50 KB) to a file system in memory and tells nobody.

    python benchmarks/alarms.py [--seconds 5] [--cameras 8] [--only text,HTTP]
"""

from __future__ import annotations

import argparse
import ftplib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from lines import Server as Postgres  # noqa: E402
from record import GSTREAMER, SYSTEM_PYTHON, count_pictures, cpu_seconds, line_of, make_clip, running  # noqa: E402
from support.outside import soon  # noqa: E402
from support.ports import free_ports  # noqa: E402
from support.server import Server  # noqa: E402

BEAT_SECONDS = 0.01
PICTURE_BYTES = 50_000
AT_ONCE = 8  # cameras that send at the same time
FLOOD = 5000  # triggers for each second, as fast as they are taken
PACE = 100  # triggers a second, where they are not sent as fast as they are taken
VSFTPD = shutil.which("vsftpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/libexec")


# ── the server, a process of its own ─────────────────────────────────────────────────────────────────────────────


def serve(path: Path) -> None:
    """Run the server; at SIGUSR1 print how late the reactor was since the last one: p99 and the most, in ms."""
    from twisted.internet import reactor as _reactor
    from twisted.python import log

    from camtrace import application, config

    reactor: Any = _reactor
    reactor.seconds = time.monotonic
    log.startLogging(sys.stdout)  # type: ignore[no-untyped-call]
    service = application.build(config.load(path), reactor)
    service.privilegedStartService()  # type: ignore[no-untyped-call]
    service.startService()  # type: ignore[no-untyped-call]
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    stalls: list[float] = []

    def beat(due: float) -> None:
        now = time.monotonic()
        stalls.append(max(0.0, now - due))
        reactor.callLater(BEAT_SECONDS, beat, now + BEAT_SECONDS)

    def tell() -> None:
        ordered = [1000 * stall for stall in sorted(stalls)] or [0.0]
        stalls.clear()
        print("late", json.dumps([ordered[int(len(ordered) * 0.99)], ordered[-1]]), flush=True)

    beat(time.monotonic())
    signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(tell))
    reactor.run()


class BeatingServer(Server):
    """The server of the tests, started by this file."""

    def start(self, wait: bool = True, account: object = None) -> BeatingServer:
        command = [sys.executable, __file__, "--serve", self.config]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        threading.Thread(target=self._read, args=(self.process, self._lines), daemon=True).start()
        self.wait_for("CamTrace is ready")
        return self

    def lateness(self) -> tuple[float, float]:
        """How late its reactor was since this was asked for the last time."""
        self.process.send_signal(signal.SIGUSR1)
        p99, most = json.loads(self.wait_for("late [").split("late ", 1)[1])
        return p99, most


# ── those who trigger: a process of their own ────────────────────────────────────────────────────────────────────


def on_many(work: Callable[[int], int], number: int) -> int:
    """Do this in so many threads; the sum of what they answer."""
    with ThreadPoolExecutor(number) as threads:
        return sum(threads.map(work, range(number)))


def by_text(port: int, cameras: int, seconds: float, connections: int, rate: float = 0.0) -> int:
    """`alarm N` over and over, `rate` a second in all; returns when all were read.

    Without a rate `FLOOD` for each second, as fast as they are taken: what waits in the kernel would have no end.
    """

    def talk(which: int) -> int:
        sent = 0
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
            began, most = time.monotonic(), int((rate or FLOOD) * seconds / connections)
            while sent < most:
                due = min(most, int((time.monotonic() - began) * rate / connections) if rate else sent + 50)
                connection.sendall(b"".join(b"alarm %d\n" % (1 + n % cameras) for n in range(sent, due)))
                sent = due
                if rate:
                    time.sleep(0.005)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        return sent

    return on_many(talk, connections)


def each_by_itself(say: Callable[[int, int], object], seconds: float, at_once: int = AT_ONCE) -> int:
    """`say(thread, number)` again and again, `at_once` at once."""

    def repeat(which: int) -> int:
        began, numbers = time.monotonic(), count()
        while time.monotonic() - began < seconds:
            say(which, next(numbers))
        return next(numbers)

    return on_many(repeat, at_once)


def by_short_text(port: int, cameras: int, seconds: float) -> int:
    """A connection for each message, which nothing ends but its end, as cameras do it."""

    def say(which: int, number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"alarm %d" % (1 + (which + number) % cameras))
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    return each_by_itself(say, seconds)


def by_http(port: int, cameras: int, seconds: float) -> int:
    """A request for each, answered when it is durable."""

    def say(which: int, number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            camera = 1 + (which + number) % cameras
            connection.sendall(b"GET /alarm?Eventname=Door&idlist=%d HTTP/1.1\r\nHost: shop\r\n\r\n" % camera)
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 "), answer

    return each_by_itself(say, seconds, 4 * AT_ONCE)


def by_ftp(port: int, cameras: int, seconds: float, user: str, stay: bool) -> int:
    """A picture of 50 KB for each, in a session of its own, or in one that stays."""
    picture = jpeg()
    sessions: dict[int, ftplib.FTP] = {}

    def say(which: int, number: int) -> None:
        session = sessions.get(which)
        if session is None:
            session = ftplib.FTP(timeout=20)
            session.connect("127.0.0.1", port)
            session.login(user, "camera")
            if stay:
                sessions[which] = session
        camera = 1 + (which + number) % cameras
        name = f"in/image{camera}_26-11-25_12-30-05-{which}.jpg"
        while True:
            try:
                session.storbinary(f"STOR {name}", io.BytesIO(picture), 1 << 16)
                break
            except ftplib.error_temp:  # "too much is going on": a camera tries again
                time.sleep(0.02)
        if not stay:
            session.quit()

    sent = each_by_itself(say, seconds)
    for session in sessions.values():
        session.quit()
    return sent


def jpeg() -> bytes:
    """A picture of some 50 KB."""
    from PIL import Image

    chance = random.Random(1)
    held = io.BytesIO()
    small = Image.frombytes("RGB", (80, 60), chance.randbytes(80 * 60 * 3)).resize((640, 480))
    small.save(held, "JPEG", quality=50)
    data = held.getvalue()
    comment = max(0, PICTURE_BYTES - len(data) - 4)
    return data[:2] + b"\xff\xfe" + (comment + 2).to_bytes(2, "big") + bytes(comment) + data[2:]


LOADS: dict[str, Callable[[int, int, float], int]] = {
    f"text, {PACE} a second": lambda port, cameras, seconds: by_text(port, cameras, seconds, 1, PACE),
    "text, one connection": lambda port, cameras, seconds: by_text(port, cameras, seconds, 1),
    "text, 50 connections": lambda port, cameras, seconds: by_text(port, cameras, seconds, 50),
    "text, a connection each": by_short_text,
    f"HTTP, a connection each, {4 * AT_ONCE} at once": by_http,
    "FTP, a session each": lambda port, cameras, seconds: by_ftp(port, cameras, seconds, "camtrace", False),
    "FTP, sessions that stay": lambda port, cameras, seconds: by_ftp(port, cameras, seconds, "camtrace", True),
    "vsftpd, a session each": lambda port, cameras, seconds: by_ftp(port, cameras, seconds, "anonymous", False),
    "vsftpd, sessions that stay": lambda port, cameras, seconds: by_ftp(port, cameras, seconds, "anonymous", True),
}


def send(load: str, port: int, cameras: int, seconds: float) -> int:
    """The load from a process of its own, and how many there were."""
    command = [sys.executable, __file__, "--send", json.dumps([load, port, cameras, seconds])]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


# ── vsftpd ───────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def vsftpd() -> Iterator[tuple[int, int]]:
    """A vsftpd for one anonymous login, without privileges; its process and its port."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as made:
        folder, (port,) = Path(made), free_ports(1)
        for name in ("root/in", "empty"):
            (folder / name).mkdir(parents=True)
        config = folder / "vsftpd.conf"
        config.write_text(
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nrun_as_launching_user=YES\n"
            f"anonymous_enable=YES\nlocal_enable=NO\nanon_root={folder}/root\nallow_writeable_chroot=YES\n"
            "write_enable=YES\nanon_upload_enable=YES\nanon_other_write_enable=YES\nconnect_from_port_20=NO\n"
            f"secure_chroot_dir={folder}/empty\nseccomp_sandbox=NO\nxferlog_enable=NO\n"
        )
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            as_user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            for one in (folder, *folder.rglob("*")):
                shutil.chown(one, "nobody", "nogroup")
        process = subprocess.Popen([str(VSFTPD), config], stderr=subprocess.DEVNULL, **as_user)
        try:
            soon(lambda: answers(port), "vsftpd")
            yield process.pid, port
        finally:
            process.terminate()
            process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def family_cpu(pid: int) -> float:
    """CPU seconds of a process and of its children, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    living = 0.0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):
            living += family_cpu(int(child))
    return ended + living


# ── the measurement ──────────────────────────────────────────────────────────────────────────────────────────────


class Figure(NamedTuple):
    """What came of a load. `cpu`: microseconds for each; `late`: of the reactor, p99 and the most in ms."""

    number: int
    rate: float
    cpu: float
    late: tuple[float, float] | None = None


class Measurement:
    """The server under one load after the other."""

    def __init__(self, server: BeatingServer, dsn: str, cameras: int, seconds: float) -> None:
        self._server = server
        self._cameras = cameras
        self._seconds = seconds
        self._rows = psycopg2.connect(dsn)
        self._rows.autocommit = True
        self._idle = 0.0  # CPU of the server while nothing is triggered, in cores

    def close(self) -> None:
        """Leave PostgreSQL."""
        self._rows.close()

    def durable(self) -> int:
        """Triggers that PostgreSQL has."""
        with self._rows.cursor() as cursor:
            cursor.execute("select coalesce(sum(triggers), 0) from alarm")
            return int(cursor.fetchone()[0])

    def idle(self) -> Figure:
        """Nothing is triggered."""
        pid = self._server.process.pid
        self._server.lateness()
        used = cpu_seconds([pid])
        time.sleep(self._seconds)
        self._idle = (cpu_seconds([pid]) - used) / self._seconds
        return Figure(0, 0.0, 0.0, self._server.lateness())

    def load(self, name: str) -> Figure:
        """From the first trigger until the last is durable."""
        pid = self._server.process.pid
        port = self._server.ftp if name.startswith("FTP") else self._server.control
        before = self.durable()
        self._server.lateness()
        used, began = cpu_seconds([pid]), time.monotonic()
        number = send(name, port, self._cameras, self._seconds)
        soon(lambda: self.durable() - before >= number, f"{name}: {number} triggers", 30)
        took = time.monotonic() - began
        cpu = cpu_seconds([pid]) - used - self._idle * took
        assert self.durable() - before == number, "more triggers than were sent"
        return Figure(number, number / took, 1e6 * cpu / number, self._server.lateness())

    def peer(self, name: str) -> Figure:
        """The same uploads to vsftpd."""
        with vsftpd() as (pid, port):
            used, began = family_cpu(pid), time.monotonic()
            number = send(name, port, self._cameras, self._seconds)
            took = time.monotonic() - began
            return Figure(number, number / took, 1e6 * (family_cpu(pid) - used) / number)


@contextmanager
def watched(server: BeatingServer) -> Iterator[list[float]]:
    """A player of the first camera's live pictures; at the end the time stamps of all that it got."""
    url = f"rtsp://127.0.0.1:{server.rtsp}/live/1"
    command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-select_streams", "v", "-i", url]
    command += ["-show_entries", "packet=pts_time", "-of", "csv=p=0"]
    player = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    stamps: list[float] = []

    def read() -> None:
        assert player.stdout is not None
        stamps.extend(float(line.strip(",\n")) for line in player.stdout if line[:1].isdigit())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield stamps
    finally:
        player.terminate()
        player.wait()
        reader.join(10)


def row(name: str, figure: Figure) -> str:
    """A line of the table."""
    late = "–" if figure.late is None else f"{figure.late[0]:.1f}, {figure.late[1]:.0f}"
    cells = [name, f"{figure.number}", f"{figure.rate:.0f}", f"{figure.cpu:.0f}", late]
    return "| " + " | ".join("–" if cell == "0" else cell for cell in cells) + " |"


def compare(cameras: int, seconds: float, only: tuple[str, ...]) -> None:
    """Print the table."""
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {seconds:g} s a figure")
    print(f"{cameras} cameras are recorded, one is watched; uploads of {len(jpeg())} bytes, {AT_ONCE} at once")
    postgres = Postgres()
    extra = "[rtsp]\nanonymous = true\n"
    server = BeatingServer(postgres.dsn, extra)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            clip = make_clip(Path(scratch), 2 * seconds * (len(LOADS) + 1) + 30)
            with running([SYSTEM_PYTHON, "-c", GSTREAMER, clip]) as source:
                measure(server, postgres.dsn, f"rtsp://127.0.0.1:{line_of(source)}/clip", cameras, seconds, only)
    finally:
        server.remove()
        postgres.stop()


def measure(server: BeatingServer, dsn: str, url: str, cameras: int, seconds: float, only: tuple[str, ...]) -> None:
    """Cameras, a player, and one load after the other."""
    server.start()
    server.administrator()
    for number in range(1, cameras + 1):
        body = {"name": f"camera {number}", "url": url, "channel": number}
        status, answer = server.call("POST", "/api/v1/cameras", body)
        assert status == 201, answer
    soon(lambda: all(is_active(server, number) for number in range(1, cameras + 1)), "the cameras", 30)
    found: dict[str, Figure] = {}
    with watched(server) as shown, closing(Measurement(server, dsn, cameras, seconds)) as measurement:
        soon(lambda: len(shown) > 25, "the player", 20)
        print("| triggers | number | per second | CPU µs each | reactor late p99, max ms |")
        print("|---|---|---|---|---|")
        print(row("none", measurement.idle()), flush=True)
        for name in LOADS:
            if not name.startswith(only):
                continue
            if name.startswith("vsftpd"):
                if VSFTPD is None:
                    continue
                found[name] = measurement.peer(name)
            else:
                found[name] = measurement.load(name)
            print(row(name, found[name]), flush=True)
    assert server.stop() == 0
    footage = server.folder / "data" / "footage"
    counted = [count_pictures(sorted(camera.rglob("*.mp4"))) for camera in footage.iterdir() if camera.is_dir()]
    print(f"recorded: {sum(one for one, _ in counted)} pictures of {len(counted)} cameras,", end=" ")
    print(f"lost: {sum(lost for _, lost in counted)}; shown: {len(shown)}, lost: {missing(shown)}")
    if VSFTPD is None:
        print("vsftpd is not installed (apt-get install vsftpd): uploads were compared with nothing")
        return
    for kind in ("a session each", "sessions that stay"):
        if not found.keys() >= {f"FTP, {kind}", f"vsftpd, {kind}"}:
            continue
        ours, peer = found[f"FTP, {kind}"], found[f"vsftpd, {kind}"]
        shares = ours.rate / peer.rate, ours.cpu / peer.cpu
        print(f"FTP, {kind}: {shares[0]:.2f} of vsftpd's uploads a second, {shares[1]:.2f} of its CPU for each")


def is_active(server: BeatingServer, number: int) -> bool:
    """Whether the camera sends pictures."""
    answer: Any = server.get(f"/api/v1/cameras/{number}/status")
    return answer["status"] == "active"


def missing(stamps: list[float]) -> int:
    """How many pictures of 25 a second are fewer than the time between the first and the last of these holds.

    Live pictures are stamped as they come, so that one stamp says nothing of the picture before.
    """
    return max(0, round((max(stamps) - min(stamps)) * 25) + 1 - len(stamps))


def main() -> None:
    """Measure, or be the server, or who triggers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--only", default="", help="text, HTTP, FTP, vsftpd, or the beginnings of other loads' names")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--send", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    elif options.send:
        load, port, cameras, seconds = json.loads(options.send)
        print(json.dumps(LOADS[load](port, cameras, seconds)))
    elif shutil.which("ffprobe") is None or subprocess.run([SYSTEM_PYTHON, "-c", "import gi"], check=False).returncode:
        sys.exit("this needs ffmpeg, python3-gi and gir1.2-gst-rtsp-server-1.0")
    else:
        compare(options.cameras, options.seconds, tuple(options.only.split(",")))


if __name__ == "__main__":
    main()
