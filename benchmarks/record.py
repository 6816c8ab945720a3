"""Cameras recorded: what each costs, beside one `ffmpeg -c copy -f segment` per camera.

gst-rtsp-server plays 1080p25 at 4 Mbit/s, one shared media, to every recorder. The recorder under test runs in a
process of its own, with everything that stands between a camera and its file in production: the RTSP reader and live
feed, the recorder, the volume's writer with its fdatasync (ffmpeg does none), the index; its rows go to memory instead
of PostgreSQL (two a minute and camera). CPU is from /proc/PID/stat, memory the proportional
set size, of the processes named. Lost frames are holes in the time stamps of the files.

    python benchmarks/record.py [--cameras 8,32,64] [--seconds 15] [--only camtrace|ffmpeg]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "tests" / "media" / "vtest_h264_baseline.mp4"
SYSTEM_PYTHON = "/usr/bin/python3"  # has GStreamer's bindings from Debian's packages
WARM_SECONDS = 6

GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
server.set_backlog(256)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( filesrc location=" + sys.argv[1] + " ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 )")
factory.set_shared(False)
server.get_mount_points().add_factory("/clip", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


def make_clip(folder: Path, seconds: float) -> Path:
    """Real people, 1080p25, 4 Mbit/s, a key frame every 2 s, long enough for one measurement."""
    short, whole = folder / "short.mp4", folder / "whole.mp4"
    quiet = ["ffmpeg", "-v", "error", "-y"]
    scene = "scale=1920:1080,fps=25,noise=alls=9:allf=t"
    coder = "-c:v libx264 -preset veryfast -profile:v high -bf 0 -g 50 -sc_threshold 0 -b:v 4M -maxrate 4M -bufsize 4M"
    subprocess.run([*quiet, "-i", CLIP, "-t", "10", "-vf", scene, *coder.split(), short], check=True)
    loops = str(int(seconds + WARM_SECONDS + 60) // 10)
    subprocess.run([*quiet, "-stream_loop", loops, "-i", short, "-c", "copy", whole], check=True)
    return whole


# ── the recorder, a process of its own ───────────────────────────────────────────────────────────────────────────


def record(port: int, count: int, folder: Path) -> None:
    """Record `count` cameras until SIGTERM; at SIGUSR1 begin to measure the reactor. Prints its stalls at the end."""
    from twisted.internet import defer, task
    from twisted.internet import reactor as _reactor

    from camtrace import garbage
    from camtrace.bus import Bus
    from camtrace.intake import Ids
    from camtrace.media.feeds import Feeds
    from camtrace.media.live import Live
    from camtrace.media.lookback import Lookback
    from camtrace.media.recorder import Recorder
    from camtrace.media.segments import SegmentFiles
    from camtrace.metrics import Metrics
    from camtrace.model import Camera, Segment
    from camtrace.pools import Pools
    from camtrace.recording.service import Recording
    from camtrace.timetable import Timetable

    reactor: Any = _reactor

    class Rows:
        """Index, gaps and volumes in memory."""

        def __getattr__(self, name: str) -> Any:
            async def nothing(*args: object, **kwargs: object) -> list[Any]:
                return []

            return nothing

        async def save(self, row: object) -> None:
            """Taken."""

        async def known(self) -> dict[str, str]:
            return {}

        async def latest_start_us(self, folder: str) -> None:
            return None

        async def last_ended_us(self, camera_uid: int, stream: str) -> None:
            return None

        async def paths_since(self, folder: str, start_us: int) -> set[str]:
            return set()

        async def around(self, *args: object) -> list[Segment]:
            return []

    class Everybody:
        """The cameras, and what hears of their connections."""

        cameras = {uid: Camera(uid, uid, f"camera {uid}") for uid in range(1, count + 1)}

        def all(self) -> list[Camera]:
            return list(self.cameras.values())

        def by_uid(self, uid: int) -> Camera | None:
            return self.cameras.get(uid)

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: None

    rows: Any = Rows()
    everybody: Any = Everybody()
    pools, metrics = Pools(reactor), Metrics()
    live = Live(pools, metrics)
    recording = Recording(
        reactor, pools, Bus(), metrics, everybody, rows, rows, rows, SegmentFiles(),
        lambda uid, shelf, stagger: Lookback(Recorder(uid, shelf, stagger=stagger), shelf),
        lambda *args: print(*args, file=sys.stderr), Ids().next, [folder / "footage"],
        Timetable(rows.all, UTC), keep_free=0,
    )  # fmt: skip
    feeds = Feeds(reactor, pools, metrics, live)
    opened: list[Any] = []
    stalls: list[float] = []
    due = [0.0]

    def beat() -> None:
        now = time.monotonic()
        if due[0]:
            stalls.append(now - due[0])
        due[0] = now + 0.01
        reactor.callLater(0.01, beat)

    async def begin() -> None:
        await recording.start()
        for camera in everybody.all():
            url = f"rtsp://127.0.0.1:{port}/clip"
            opened.append(feeds.open(camera.uid, url, [recording.sink(camera)], everybody))
            await task.deferLater(reactor, 0.02)
        garbage.settle()
        print("started", flush=True)

    async def finish() -> None:
        await defer.DeferredList([feed.stop() for feed in opened])
        await recording.stop()
        ordered = sorted(stalls) or [0.0]
        print(json.dumps([1000 * ordered[int(len(ordered) * 0.99)], 1000 * ordered[-1]]), flush=True)
        reactor.stop()

    def asked(number: int, frame: object) -> None:
        action = beat if number == signal.SIGUSR1 else lambda: defer.ensureDeferred(finish())
        reactor.callFromThread(action)

    signal.signal(signal.SIGUSR1, asked)
    reactor.callWhenRunning(lambda: defer.ensureDeferred(begin()))
    reactor.addSystemEventTrigger("after", "startup", lambda: signal.signal(signal.SIGTERM, asked))
    reactor.run()


# ── the measurement ──────────────────────────────────────────────────────────────────────────────────────────────


class Figure(NamedTuple):
    """One recorder under one load. `cpu`: percent of one core; `memory`: MB of all its processes."""

    cpu: float
    memory: float
    pictures: int
    lost: int
    stalls: tuple[float, float]


@contextmanager
def running(command: list[Any]) -> Iterator[subprocess.Popen[str]]:
    """A process that is gone afterwards."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def cpu_seconds(pids: list[int]) -> float:
    """User and system time these processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: list[int]) -> float:
    """Proportional set size of these processes together."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) for text in texts) / 1024  # type: ignore[index]


def watch(pids: list[int], seconds: float) -> tuple[float, float]:
    """CPU in percent of one core over `seconds`, and memory at their end."""
    used, began = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    used, took = cpu_seconds(pids) - used, time.monotonic() - began
    return 100 * used / took, memory_mb(pids)


def count_pictures(files: list[Path]) -> tuple[int, int]:
    """Pictures in the files of one camera, and how many their time stamps lack."""
    stamps: list[float] = []
    for file in files:
        probe = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]
        text = subprocess.run([*probe, file], capture_output=True, text=True, check=True).stdout
        stamps += [float(word.strip(",")) for word in text.split() if word.strip(",") not in ("", "N/A")]
    steps = [round((b - a) * 25) for a, b in pairwise(stamps)]
    return len(stamps), sum(step - 1 for step in steps if 1 < step < 250)


def by_camtrace(port: int, count: int, folder: Path, seconds: float) -> Figure:
    """One process of ours records them all."""
    with running([sys.executable, __file__, "--record", f"{port},{count},{folder}"]) as process:
        assert line_of(process) == "started"
        time.sleep(WARM_SECONDS)
        process.send_signal(signal.SIGUSR1)
        cpu, memory = watch([process.pid], seconds)
        process.send_signal(signal.SIGTERM)
        p99, longest = json.loads(line_of(process))
        process.wait(30)
    counted = [
        count_pictures(sorted(camera.rglob("*.mp4"))) for camera in (folder / "footage").iterdir() if camera.is_dir()
    ]
    pictures, lost = min(one for one, _ in counted), sum(two for _, two in counted)
    return Figure(cpu, memory, pictures if len(counted) == count else 0, lost, (p99, longest))


def by_ffmpeg(port: int, count: int, folder: Path, seconds: float) -> Figure:
    """One ffmpeg for each."""
    processes = []
    try:
        for number in range(count):
            target = folder / str(number)
            target.mkdir()
            quiet = [
                "ffmpeg",
                "-v",
                "quiet",
                "-nostdin",
                "-rtsp_transport",
                "tcp",
                "-i",
                f"rtsp://127.0.0.1:{port}/clip",
            ]
            cut = ["-c", "copy", "-f", "segment", "-segment_time", "60", target / "%03d.mp4"]
            processes.append(subprocess.Popen([*quiet, *cut], stderr=subprocess.DEVNULL))
            time.sleep(0.1 if number else 2)  # the first one makes the shared media
            if processes[-1].poll() is not None:
                processes[-1] = subprocess.Popen([*quiet, *cut], stderr=subprocess.DEVNULL)
        time.sleep(WARM_SECONDS)
        cpu, memory = watch([process.pid for process in processes], seconds)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    counted = [count_pictures(sorted((folder / str(number)).glob("*.mp4"))) for number in range(count)]
    return Figure(cpu, memory, min(one for one, _ in counted), sum(two for _, two in counted), (0, 0))


def compare(counts: list[int], seconds: float, only: str) -> None:
    """Print the table."""
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {seconds:g} s a figure"
    )
    print("| cameras | recorder | CPU % | CPU % a camera | MB | frames (fewest) | lost | reactor late p99, max ms |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    found: dict[tuple[str, int], Figure] = {}
    recorders = {"camtrace": by_camtrace, "ffmpeg": by_ffmpeg}
    with tempfile.TemporaryDirectory() as scratch:
        for count in counts:
            clip = make_clip(Path(scratch), seconds + count * 0.2)
            for name, recorder in recorders.items():
                if only and name != only:
                    continue
                with running([SYSTEM_PYTHON, "-c", GSTREAMER, clip]) as server, tempfile.TemporaryDirectory() as folder:
                    figure = recorder(int(line_of(server)), count, Path(folder), seconds)
                found[name, count] = figure
                late = f"{figure.stalls[0]:.1f}, {figure.stalls[1]:.1f}" if name == "camtrace" else ""
                cells = [count, name, f"{figure.cpu:.1f}", f"{figure.cpu / count:.2f}", f"{figure.memory:.0f}"]
                print("|", " | ".join(map(str, [*cells, figure.pictures, figure.lost, late])), "|", flush=True)
    for count in counts:
        if ("camtrace", count) in found and ("ffmpeg", count) in found:
            ours, peer = found["camtrace", count], found["ffmpeg", count]
            shares = ours.cpu / peer.cpu, ours.memory / peer.memory
            print(f"{count} cameras: {shares[0]:.2f} of ffmpeg's CPU, {shares[1]:.2f} of its memory")
    ours_by_count = [(count, found["camtrace", count].memory) for count in counts if ("camtrace", count) in found]
    if len(ours_by_count) > 1:
        (few, small), (many, large) = ours_by_count[0], ours_by_count[-1]
        print(f"{(large - small) / (many - few):.1f} MB per further camera")


def main() -> None:
    """Measure, or be the recorder that is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--cameras", default="8,32,64")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--only", default="", choices=["", "camtrace", "ffmpeg"])
    parser.add_argument("--record", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.record:
        port, count, folder = options.record.split(",")
        return record(int(port), int(count), Path(folder))
    if shutil.which("ffmpeg") is None or subprocess.run([SYSTEM_PYTHON, "-c", "import gi"], check=False).returncode:
        sys.exit("this needs ffmpeg, python3-gi and gir1.2-gst-rtsp-server-1.0")
    compare([int(count) for count in options.cameras.split(",")], options.seconds, options.only)
    return None


if __name__ == "__main__":
    main()
