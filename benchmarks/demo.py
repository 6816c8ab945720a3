"""What the demo's shop costs: CPU seconds a minute with both cameras watched. The aim: at most one.

Its peer is the obvious way, ffmpeg encoding a test picture of the same size and rate live.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet import defer, task

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from camtrace.demo.run import Shop
from camtrace.pools import Pools

SECONDS = float(os.environ.get("SECONDS") or 30)


async def shop(reactor: Any) -> None:
    """Run the shop with one viewer a camera, and print what its process used."""
    pools = Pools(reactor, jobs=2)
    scene = Shop(reactor, pools)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        await scene.open_cameras(Path(folder))
        drawn = time.process_time() - began
        login = scene.http_url.replace("://", "://root:axis2100@")
        rtsp = [
            "ffmpeg",
            "-v",
            "quiet",
            "-rtsp_transport",
            "tcp",
            "-i",
            scene.rtsp_url,
            "-c",
            "copy",
            "-f",
            "null",
            "-",
        ]
        http = ["ffmpeg", "-v", "quiet", "-f", "mpjpeg", "-i", login, "-c", "copy", "-f", "null", "-"]
        viewers = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in (rtsp, http)]
        await task.deferLater(reactor, 3)
        began = time.process_time()
        await task.deferLater(reactor, SECONDS)
        used = time.process_time() - began
        for viewer in viewers:
            viewer.kill()
            viewer.wait()
        await scene.close()
        pools.stop()
    print(f"| demo: drawing and encoding both films, once | {drawn:.1f} CPU s |")
    print(f"| demo: two cameras watched | {used * 60 / SECONDS:.2f} CPU s a minute |")


def peer() -> None:
    """Two pictures of the same size and rate, encoded live."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x480:rate=8"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for coder in (["-c:v", "libx264", "-preset", "ultrafast"], ["-c:v", "mjpeg", "-q:v", "5"]):
        command = ["ffmpeg", "-v", "error", *source, "-t", "60", *coder, "-f", "null", "-"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| ffmpeg: the same two encoded live | {used:.2f} CPU s a minute |")


if __name__ == "__main__":
    peer()
    task.react(lambda reactor: defer.Deferred.fromCoroutine(shop(reactor)))
