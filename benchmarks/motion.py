"""Motion detection: what is found, how soon, what is wrongly found, and what it costs, beside Debian's `motion`.

Both look at the same clips at the same time in the pace of recording: `motion` reads the file as its camera
(`netcam_url file://`), this project's detection gets the clip's packets in a process of its own, through its sink, its
job pool and its decoder, as in production. Both look at five pictures a second. `motion` tells of events; its time is
when its log says so, less the second that an event lasts after its last motion. CPU is that of each process from the
first picture on, from /proc/PID/stat.

    python benchmarks/motion.py [--footage FOLDER] [--clips NAME,NAME]

`--footage`: a folder with one-by-one-person-detection.mp4 of intel-iot-devkit/sample-videos, which is looked at too
where it is there; the other scenes are made from the clips of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MEDIA = ROOT / "tests" / "media"
STEP = 0.2  # seconds: how finely the two are compared
GAP = 1  # seconds: how long an event of `motion` lasts after its last motion

Spans = list[tuple[float, float]]


class Scene(NamedTuple):
    """A clip and what is true of it: when something begins to move, and when certainly nothing does."""

    name: str
    path: Path
    seconds: float
    begins: Sequence[float] = ()
    still: Spans = []
    settles: float = 4.0  # both learn the picture meanwhile


# ── the scenes ───────────────────────────────────────────────────────────────────────────────────────────────────


def scenes(folder: Path, footage: Path | None) -> list[Scene]:
    """Real people, and rooms where only light moves."""
    people = MEDIA / "vtest_h264_baseline.mp4"
    still = folder / "still.png"
    _ffmpeg("-i", people, "-frames:v", "1", still)
    room = ("-loop", "1", "-framerate", "10", "-i", still, "-t", "30")
    grain = "noise=alls=12:allf=t"
    made = {
        "noise": grain,
        "flicker": f"eq=brightness='0.06*sin(t*9)':eval=frame,{grain}",
        "lamp on at 10 s, off at 20 s": f"eq=brightness='if(between(t,10,20),-0.25,0)':eval=frame,{grain}",
        "daylight fades": f"eq=brightness='-0.012*t':eval=frame,{grain}",
    }
    found = []
    for number, (name, look) in enumerate(made.items()):
        path = folder / f"room{number}.mp4"
        _ffmpeg(*room, "-vf", look, *_CODER, path)
        found.append(Scene(name, path, 30.0, still=[(0.0, 30.0)]))
    quiet = folder / "quiet.mp4"
    begins = f"[0]trim=0:8,setpts=PTS-STARTPTS,fps=10[a];[1]setpts=PTS-STARTPTS,fps=10[b];[a][b]concat,{grain}[v]"
    _ffmpeg(*room[:-2], "-t", "8", "-i", people, "-filter_complex", begins, "-map", "[v]", *_CODER, quiet)
    found.append(Scene("people after 8 s of stillness", quiet, 20.0, begins=[8.0], still=[(0.0, 8.0)]))
    large = folder / "large.mp4"
    _ffmpeg(
        *("-stream_loop", "2", "-i", people, "-t", "30", "-vf", f"scale=1920:1080,fps=25,{grain}"),
        *("-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "50", "-b:v", "4M", "-pix_fmt", "yuv420p"),
        large,
    )
    found.append(Scene("people, 1080p25 4 Mbit/s", large, 30.0))
    corridor = footage / "one-by-one-person-detection.mp4" if footage else None
    if corridor and corridor.exists():
        came = [5.8, 22.6, 49.8, 74.6, 91.8, 123.6]  # somebody comes into the picture
        empty = [(0.0, 5.0), (21.0, 22.3), (46.5, 49.3), (71.5, 74.0), (88.0, 91.3), (121.5, 123.0), (137.5, 139.0)]
        found.append(Scene("six people, one by one", corridor, 139.0, came, empty))
    return found


_CODER = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "20", "-b:v", "1M", "-pix_fmt", "yuv420p")


def _ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


# ── this project's detection, in a process of its own ────────────────────────────────────────────────────────────


def look(path: Path) -> None:
    """Feed the clip's packets in their pace; prints each picture's second and whether there was motion, as JSON."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from support.packets import Clip
    from twisted.internet import reactor as _reactor

    from camtrace.media.motion_detection import MotionDetection
    from camtrace.metrics import Metrics
    from camtrace.model import MotionSettings
    from camtrace.pools import Pools

    reactor: Any = _reactor
    pools = Pools(reactor)
    detection = MotionDetection(pools, Metrics())
    clip = Clip(path)
    sink = detection.main.sink(1)
    seen: list[tuple[float, bool, float]] = []
    detection.watch(
        1,
        MotionSettings(enabled=True),
        lambda moved: seen.append((moved.at_us / 1e6, moved.motion, time.monotonic() - began)),
    )
    lane = pools.lane("camera")

    def play() -> None:
        sink.begin(clip.tracks)
        for one in clip.packets:
            time.sleep(max(0.0, began + one.at_us / 1e6 - time.monotonic()))
            sink.packet(one.track, one.packet, one.at_us + 1)

    def over(_: object) -> None:
        print(json.dumps({"seen": seen, "cpu": time.process_time() - before, "dropped": detection.dropped()[0][1]}))
        reactor.stop()

    began = time.monotonic() + 3.0  # OpenCV is loaded meanwhile
    before = 0.0

    def start() -> None:
        nonlocal before
        before = time.process_time()
        lane.run(play).addCallback(lambda _: reactor.callLater(1.0, over, None))

    reactor.callLater(3.0, start)
    reactor.run()


# ── Debian's motion ──────────────────────────────────────────────────────────────────────────────────────────────


class Peer:
    """A running `motion` over one file."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        config = folder / "motion.conf"
        config.write_text(
            f"netcam_url file://{scene.path}\nframerate 5\ntarget_dir {folder}\npicture_output off\nmovie_output off\n"
            f"webcontrol_port 0\nstream_port 0\nevent_gap {GAP}\nminimum_motion_frames 3\nlog_level 6\n"
        )
        self._process = subprocess.Popen(
            ["motion", "-n", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.events: Spans = []
        self.began: float | None = None
        self._since: float | None = None
        self._cpu_before = 0.0
        self._seconds = scene.seconds
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            now = time.monotonic()
            if "connected" in line and self.began is None:
                self.began, self._cpu_before = now, cpu_of(self._process.pid)
            elif self.began is not None and now - self.began < self._seconds:
                if "starting event" in line:
                    self._since = now - self.began
                elif "End of event" in line and self._since is not None:
                    self.events.append((self._since, max(self._since, now - self.began - GAP)))
                    self._since = None

    def stop(self) -> float:
        """End it; its CPU seconds since the first picture."""
        while self.began is None or time.monotonic() - self.began < self._seconds:
            time.sleep(0.1)
        cpu = cpu_of(self._process.pid) - self._cpu_before
        if self._since is not None:
            self.events.append((self._since, self._seconds))
        self._process.terminate()
        self._process.wait(20)
        return cpu


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ── what is compared ─────────────────────────────────────────────────────────────────────────────────────────────


class Found(NamedTuple):
    """What one of the two said of a scene."""

    moving: list[bool]  # by steps
    cpu: float

    def first_after(self, at: float) -> float | None:
        """Seconds from `at` to the first motion; None when there is none within five."""
        steps = range(int(at / STEP), min(len(self.moving), int((at + 5) / STEP)))
        return next((step * STEP - at for step in steps if self.moving[step]), None)

    def seconds_in(self, spans: Iterable[tuple[float, float]], since: float) -> float:
        """How long there was motion within these spans, from `since` on."""
        steps = {step for a, b in spans for step in range(int(max(a, since) / STEP) + 1, int(b / STEP))}
        return STEP * sum(self.moving[step] for step in steps if step < len(self.moving))


def in_steps(spans: Iterable[tuple[float, float]], seconds: float) -> list[bool]:
    """Spans as one value a step."""
    steps = [False] * int(seconds / STEP)
    for since, until in spans:
        for step in range(int(since / STEP), min(len(steps), int(until / STEP) + 1)):
            steps[step] = True
    return steps


def run(scene: Scene, folder: Path) -> tuple[Found, Found, float]:
    """Both on one scene: ours, the peer's, and how long ours takes from a picture's arrival to its result."""
    command = [sys.executable, __file__, "--look", str(scene.path)]
    ours = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peer = Peer(scene, folder)
    told, _ = ours.communicate()
    result = json.loads(told)
    spans = [(at, at + STEP) for at, motion, _ in result["seen"] if motion]
    lags = sorted(heard - at for at, _, heard in result["seen"])
    assert not result["dropped"], "this machine was too slow for the pictures: the figures are worth nothing"
    cpu = peer.stop()
    found = Found(in_steps(spans, scene.seconds), result["cpu"])
    return found, Found(in_steps(peer.events, scene.seconds), cpu), lags[len(lags) // 2]


def row(scene: Scene, ours: Found, peer: Found) -> str:
    """A line of the table."""
    since = int(scene.settles / STEP)
    both = list(zip(ours.moving[since:], peer.moving[since:], strict=True))
    agree = 100 * sum(a == b for a, b in both) / len(both)
    cells = [scene.name]
    for one in (ours, peer):
        delays = [one.first_after(at) for at in scene.begins]
        heard = [delay for delay in delays if delay is not None]
        cells.append(f"{sum(heard) / len(heard):.1f} s" if heard else "–")
        cells.append(f"{len(delays) - len(heard)} of {len(delays)}" if delays else "–")
        cells.append(f"{one.seconds_in(scene.still, scene.settles):.1f} s" if scene.still else "–")
    cells.append(f"{agree:.0f} %")
    cells += [f"{100 * one.cpu / scene.seconds:.1f} %" for one in (ours, peer)]
    cells.append(f"{ours.cpu / peer.cpu:.2f}" if peer.cpu else "–")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--footage", type=Path)
    parser.add_argument("--clips", default="", help="names of scenes, or the beginning of them")
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.look:
        look(asked.look)
        return
    if not shutil.which("motion"):
        print("motion is not installed: apt-get install motion")
        return
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}")
    print("| scene | delay | missed | false | `motion`: delay | missed | false | agree | CPU | `motion` | ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    lags = []
    with tempfile.TemporaryDirectory(prefix="camtrace-motion-") as made:
        folder = Path(made)
        for scene in scenes(folder, asked.footage):
            if not asked.clips or any(scene.name.startswith(name) for name in asked.clips.split(",")):
                ours, peer, lag = run(scene, folder)
                lags.append(lag)
                print(row(scene, ours, peer), flush=True)
    print(f"from a picture's arrival to its result: {1000 * sorted(lags)[len(lags) // 2]:.0f} ms (median)")


if __name__ == "__main__":
    main()
