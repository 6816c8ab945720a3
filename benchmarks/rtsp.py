"""Players of recorded footage: what serving them costs, beside gst-rtsp-server serving the same pictures.

Each player is at a position of its own in five minutes of 1080p25 at 4 Mbit/s. The server under test runs in a process
of its own and reads segment files as in production; so does its peer, with `set_shared(False)`. A third process plays:
it takes the bytes and counts the pictures. CPU is that of the server's process alone, from /proc/PID/stat.

    python benchmarks/rtsp.py [--players 1,8,32,64,100,128] [--seconds 15] [--transports tcp,udp]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "tests" / "media" / "vtest_h264_baseline.mp4"
START = datetime(2024, 2, 29, 14, tzinfo=UTC)
LENGTH = 300  # seconds of footage
RATE = 25  # pictures a second
SYSTEM_PYTHON = "/usr/bin/python3"  # has GStreamer's bindings from Debian's packages


# ── the footage ──────────────────────────────────────────────────────────────────────────────────────────────────


def make_footage(folder: Path) -> tuple[Path, Path]:
    """The same pictures as an MP4 and as a segment file: real people, 1080p25, 4 Mbit/s, a key frame every 2 s."""
    short, whole, segment = folder / "short.mp4", folder / "whole.mp4", folder / "segment.mp4"
    quiet = ["ffmpeg", "-v", "error", "-y"]
    scene = "scale=1920:1080,fps=25,noise=alls=9:allf=t"
    coder = "-c:v libx264 -preset veryfast -profile:v high -bf 0 -g 50 -sc_threshold 0 -b:v 4M -maxrate 4M -bufsize 4M"
    subprocess.run([*quiet, "-i", CLIP, "-t", "10", "-vf", scene, *coder.split(), short], check=True)
    loops = str(LENGTH // 10 - 1)
    subprocess.run([*quiet, "-stream_loop", loops, "-i", short, "-c", "copy", whole], check=True)
    parts = "-c copy -movflags frag_keyframe+empty_moov+default_base_moof -frag_duration 500000"
    subprocess.run([*quiet, "-i", whole, *parts.split(), segment], check=True)
    return whole, segment


# ── the two servers, each a process of its own ───────────────────────────────────────────────────────────────────


def serve_camtrace(segment_file: Path) -> None:
    """This project's server over one segment file; prints its port."""
    from twisted.internet import reactor as _reactor

    from camtrace import clock
    from camtrace.media.segments import SegmentFiles
    from camtrace.metrics import Metrics
    from camtrace.model import Camera, Fragment, Segment
    from camtrace.pools import Pools
    from camtrace.recording.footage import Footage
    from camtrace.rtsp.service import RtspService

    reactor: Any = _reactor
    started_us = clock.to_us(START)
    files = SegmentFiles()
    surveyed = files.survey(segment_file, started_us, mend=False)
    assert surveyed is not None
    keys = tuple(Fragment(offset, 0, at_us, 0, True) for offset, at_us in surveyed.keyframes)
    segment = Segment(
        1, 1, "main", 1, str(segment_file.parent), segment_file.name, started_us, surveyed.ended_us,
        surveyed.start_ticks, surveyed.bytes, files.tracks(segment_file), keys,
    )  # fmt: skip

    class OneSegment:
        """An index that knows one finished segment."""

        async def around(self, camera_uid: int, stream: str, at_us: int, limit: int = 64) -> list[Segment]:
            return [segment] if segment.ended_us > at_us else []

        async def before(self, segment: Segment) -> None:
            return None

        def current(self, segment: Segment) -> Segment:
            return segment

        def is_growing(self, segment: Segment) -> bool:
            return False

        async def spans(
            self, camera_uid: int, stream: str, start_us: int, stop_us: int, kind: str = ""
        ) -> list[tuple[int, int]]:
            return [(started_us, segment.ended_us)]

        async def has_alarm_files(self, camera_uid: int, stream: str, start_us: int, stop_us: int) -> bool:
            return False

    class Everything:
        """The ports that this measurement does not need."""

        def by_id(self, id: int) -> Camera:
            return Camera(1, id, "Bench")

        def open(self, camera_uid: int) -> None:
            return None

    index: Any = OneSegment()
    rest: Any = Everything()
    footage = Footage(index, rest, files, Pools(reactor), rest)
    counters = Metrics()
    service = RtspService(reactor, footage, rest, rest, rest, rest, counters, lambda *_: None, anonymous=True)
    service.startService()
    print(reactor.listenTCP(0, service, interface="127.0.0.1").getHost().port, flush=True)
    reactor.run()


GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( filesrc location=" + sys.argv[1] + " ! qtdemux ! rtph264pay name=pay0 pt=96 )")
factory.set_shared(False)
server.get_mount_points().add_factory("/clip", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


@contextmanager
def running(command: list[Any]) -> Any:
    """A server's process and the port it printed."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory a process holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024  # type: ignore[index]


# ── the players: a process of their own ──────────────────────────────────────────────────────────────────────────


class Player:
    """One session that plays from `position` seconds on; afterwards it only counts what comes."""

    def __init__(self, url: str, port: int, position: int, tcp: bool) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.datagrams: list[socket.socket] = []
        self.pictures = 0
        self._rest = b""
        self._skip = 0
        self._cseq = 0
        described = self._ask("DESCRIBE", url, "Accept: application/sdp")
        base = re.search(r"Content-Base: (\S+)", described)
        control = re.findall(r"a=control:(\S+)", described)[-1]
        track = control if control.startswith("rtsp:") else (base[1] if base else url + "/") + control
        answer = self._ask("SETUP", track, f"Transport: {self._tcp() if tcp else self._udp()}")
        session = re.search(r"Session: ([^;\r\n]+)", answer)[1]  # type: ignore[index]
        whole = base[1] if base else url
        self._ask("PLAY", whole, f"Session: {session}", f"Range: npt={position}-")
        self.connection.setblocking(False)
        if tcp:
            early, self._rest = self._rest, b""
            self._tcp_data(early)

    def _tcp(self) -> str:
        return "RTP/AVP/TCP;unicast;interleaved=0-1"

    def _udp(self) -> str:
        while True:
            data = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            data.bind(("127.0.0.1", 0))
            number = data.getsockname()[1]
            control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                control.bind(("127.0.0.1", number + 1))
            except OSError:
                continue
            data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            data.setblocking(False)
            self.datagrams = [data, control]
            return f"RTP/AVP;unicast;client_port={number}-{number + 1}"

    def _ask(self, method: str, url: str, *headers: str) -> str:
        self._cseq += 1
        text = "\r\n".join([f"{method} {url} RTSP/1.0", f"CSeq: {self._cseq}", *headers, "", ""])
        self.connection.sendall(text.encode())
        while True:
            end = self._rest.find(b"\r\n\r\n")
            if self._rest[:1] != b"$" and end >= 0:
                head = self._rest[: end + 4].decode()
                length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
                total = end + 4 + (int(length[1]) if length else 0)
                if len(self._rest) >= total:
                    answer, self._rest = self._rest[:total].decode(), self._rest[total:]
                    assert " 200 " in answer.split("\r\n")[0], answer
                    return answer
            data = self.connection.recv(1 << 16)
            assert data, "the server closed the connection"
            self._rest += data

    def tcp_ready(self) -> None:
        """Take what came; closing counts as nothing more."""
        try:
            data = self.connection.recv(1 << 18)
        except BlockingIOError:
            return
        self._tcp_data(data)

    def _tcp_data(self, data: bytes) -> None:
        """Count markers, looking at frame heads only."""
        at = self._skip
        if self._rest:
            data, self._rest = self._rest + data, b""
        end = len(data)
        while at + 6 <= end:
            if data[at] != 0x24:  # an answer among the frames ends at its empty line
                at = data.index(b"\r\n\r\n", at) + 4
                continue
            if data[at + 1] == 0 and data[at + 5] & 0x80:
                self.pictures += 1
            at += 4 + (data[at + 2] << 8 | data[at + 3])
        if at < end:
            self._rest, self._skip = data[at:], 0
        else:
            self._skip = at - end

    def udp_ready(self) -> None:
        """Take every datagram that waits."""
        receive = self.datagrams[0].recv
        try:
            while True:
                if receive(2048)[1] & 0x80:
                    self.pictures += 1
        except BlockingIOError:
            return


def play(port: int, path: str, count: int, tcp: bool, seconds: float) -> None:
    """Play `count` sessions, say "started", count pictures for `seconds`, print them a session."""
    url = f"rtsp://127.0.0.1:{port}{path}"
    selector = selectors.DefaultSelector()
    players = []
    for number in range(count):
        player = Player(url, port, 2 * (number * 37 % (LENGTH // 4)), tcp)
        players.append(player)
        if tcp:
            selector.register(player.connection, selectors.EVENT_READ, player.tcp_ready)
        else:
            selector.register(player.datagrams[0], selectors.EVENT_READ, player.udp_ready)
        _turn(selector, time.monotonic() + 0.02)
    _turn(selector, time.monotonic() + 2)
    print("started", flush=True)
    before = [player.pictures for player in players]
    _turn(selector, time.monotonic() + seconds)
    print(json.dumps([player.pictures - known for player, known in zip(players, before, strict=True)]), flush=True)


def _turn(selector: selectors.BaseSelector, until: float) -> None:
    while (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data()


# ── the measurement ──────────────────────────────────────────────────────────────────────────────────────────────


class Figure(NamedTuple):
    """One server under one load. `cpu`: percent of one core; `pictures`: a second and player, the slowest player's."""

    cpu: float
    memory: float
    mean: float
    slowest: float


def measure(pid: int, port: int, path: str, count: int, tcp: bool, seconds: float) -> Figure:
    """Let `count` players play and watch the server's process meanwhile."""
    command = [sys.executable, __file__, "--play", f"{port},{path},{count},{int(tcp)},{seconds}"]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert load.stdout is not None
    assert load.stdout.readline().strip() == "started"
    used, began = cpu_seconds(pid), time.monotonic()
    pictures = json.loads(load.stdout.readline())
    used, took = cpu_seconds(pid) - used, time.monotonic() - began
    memory = resident_mb(pid)
    load.wait()
    rates = [number / seconds for number in pictures]
    return Figure(100 * used / took, memory, sum(rates) / len(rates), min(rates))


def compare(whole: Path, segment: Path, counts: list[int], transports: list[str], seconds: float) -> None:
    """Print the table."""
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {seconds:g} s a figure, 1080p25, 4 Mbit/s a player")
    print(
        "| transport | players | CamTrace CPU % | MB | pictures/s (slowest) "
        "| gst-rtsp-server CPU % | MB | pictures/s (slowest) | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    query = (
        f"/player/regul/1/?start={int(START.timestamp())}&stop={int((START + timedelta(seconds=LENGTH)).timestamp())}"
    )
    ours = [sys.executable, __file__, "--serve", segment]
    peer = [SYSTEM_PYTHON, "-c", GSTREAMER, whole]
    for transport in transports:
        for count in counts:
            figures = []
            for command, path in ((ours, query), (peer, "/clip")):
                with running(command) as (pid, port):
                    figures.append(measure(pid, port, path, count, transport == "tcp", seconds))
            cells = [f"{f.cpu:.1f} | {f.memory:.0f} | {f.mean:.1f} ({f.slowest:.1f})" for f in figures]
            ratio = figures[0].cpu / max(figures[1].cpu, 0.01)
            print(f"| {transport} | {count} | {cells[0]} | {cells[1]} | {ratio:.2f} |", flush=True)


def main() -> None:
    """Measure, or be one of the processes that a measurement needs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--players", default="1,8,32,64,100,128")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--transports", default="tcp,udp")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--play", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve_camtrace(options.serve)
    if options.play:
        port, path, count, tcp, seconds = options.play.split(",")
        return play(int(port), path, int(count), tcp == "1", float(seconds))
    if shutil.which("ffmpeg") is None or subprocess.run([SYSTEM_PYTHON, "-c", "import gi"], check=False).returncode:
        sys.exit("this needs ffmpeg, python3-gi and gir1.2-gst-rtsp-server-1.0")
    counts = [int(count) for count in options.players.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        whole, segment = make_footage(Path(folder))
        compare(whole, segment, counts, options.transports.split(","), options.seconds)
    return None


if __name__ == "__main__":
    main()
