"""A till's line on the screen: from the till's `send` to the frame that shows it, with fifty tills busy.

The whole server runs in a process of its own (twistd) and records two cameras (1080p25, 4 Mbit/s, gst-rtsp-server).
Fifty tills send a few lines a second each, over connections of their own. A headless Chromium has the live page of one
camera open, its picture playing: first that of a camera with four of the tills, then of one that all fifty belong to.
Each line carries the instant just before it was sent; the page is asked for the first animation frame after the line
came into the document. Both clocks are this machine's. The lines of the first four tills count, whose tickets lie
within the window in both cases: what lies outside of it is not drawn.

The peer, in the same run and beside the same server and cameras: a bare page whose server keeps nothing. It hands the
same lines over by server-sent events, and the page puts their text into a list, nothing else.

    python benchmarks/screen.py [--seconds 30] [--rate 4]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from playwright.sync_api import CDPSession, Page  # noqa: E402
from record import GSTREAMER, SYSTEM_PYTHON, cpu_seconds, line_of, make_clip, running  # noqa: E402
from support.browser import PASSWORD, chromium, person  # noqa: E402
from support.outside import soon  # noqa: E402
from support.server import Server  # noqa: E402

TILLS = 50
FEW = 4  # tills of the first camera
LINES = 20  # of a ticket, its end included
WARM_SECONDS = 4
AIM_MS = 200

# in `window.delays`: for each line that came into the document, how long after its `send` it stood in a frame
MEASURE = """(selector) => {
  const seen = new Set(); window.delays = [];
  const stamp = (node) => /@([0-9a-f]+)-[1-4]\\b/.exec(node.textContent)?.[1];
  for (const item of document.querySelectorAll(selector + ' li')) seen.add(stamp(item));
  const look = (node) => {
    const sent = stamp(node);
    if (!sent || seen.has(sent)) return;
    seen.add(sent);
    const at = parseInt(sent, 16) / 1000 - performance.timeOrigin;
    requestAnimationFrame(() => { window.delays.push(performance.now() - at); });
  };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) {
      if (node.nodeType !== 1) continue;
      if (node.matches('li')) look(node); else for (const item of node.querySelectorAll('li')) look(item);
    }
  }).observe(document.querySelector(selector), { childList: true, subtree: true });
}"""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n"
PEER = b"""<!DOCTYPE html><ol id="lines"></ol><script>
const list = document.getElementById('lines');
new EventSource('/lines').onmessage = ({ data }) => {
  const item = document.createElement('li'); item.textContent = data; list.append(item);
  while (list.children.length > 40) list.firstChild.remove();
};</script>"""


class Figure(NamedTuple):
    """Delays of the lines that count, in ms; of one core in percent: the server, and the page's main thread."""

    lines: int
    p50: float
    p99: float
    most: float
    server: float
    page: float


# ── the tills, and the peer's server: processes of their own ─────────────────────────────────────────────────────────


def send(port: int, rate: float, seconds: float) -> None:
    """Let every till send `rate` lines a second, each at moments of its own."""
    tills = [socket.create_connection(("127.0.0.1", port)) for _ in range(TILLS)]
    began, step, turn = time.monotonic(), 1 / (rate * TILLS), 0
    while (due := began + turn * step) < began + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        number = turn % TILLS
        place = (turn // TILLS + 7 * number) % LINES  # tickets of different tills do not end together
        text = f"@{time.time_ns() // 1000:x}-{number + 1}"  # in decimal it might be taken for the number of a card
        said = f"A|1|{place}|{text} ARTICLE|1,00" if place < LINES - 1 else f"E|{text}|19,00|19,00"
        tills[number].sendall(f"{number + 1}|0|7|0|{said}\n".encode())
        turn += 1


async def forward(most: int) -> None:
    """The peer: lines of the first `most` tills come by TCP and go on by server-sent events. Prints both ports."""
    readers: set[asyncio.StreamWriter] = set()

    async def till(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if int(line.partition(b"|")[0]) <= most:
                for page in readers:
                    page.write(b"data: " + line + b"\n")

    async def web(reader: asyncio.StreamReader, page: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if asked.startswith(b"GET /lines "):
            page.write(HEAD % b"text/event-stream")
            readers.add(page)
            await reader.read()
            readers.discard(page)
        else:
            page.write(HEAD % b"text/html" + PEER)
        page.close()

    servers = [await asyncio.start_server(each, "127.0.0.1", 0) for each in (till, web)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


# ── the measurement ──────────────────────────────────────────────────────────────────────────────────────────────────


def measured(page: Page, selector: str, port: int, rate: float, seconds: float, pid: int) -> Figure:
    """Send to `port` and read on `page` how late the lines stood there; those of the first seconds do not count."""
    command = [sys.executable, __file__, "--send", port, "--rate", rate, "--seconds", seconds + WARM_SECONDS]
    with running(command) as sender:
        page.wait_for_timeout(WARM_SECONDS * 1000)
        page.evaluate(MEASURE, selector)
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        busy, used, began = task_seconds(cdp), cpu_seconds([pid]), time.monotonic()
        sender.wait()
        busy, used, took = task_seconds(cdp) - busy, cpu_seconds([pid]) - used, time.monotonic() - began
    page.wait_for_timeout(1000)
    delays = sorted(page.evaluate("window.delays"))
    middle, late = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    return Figure(len(delays), middle, late, delays[-1], 100 * used / took, 100 * busy / took)


def task_seconds(cdp: CDPSession) -> float:
    """How long the page's main thread has been at work."""
    told = {each["name"]: each["value"] for each in cdp.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"])


def run(seconds: float, rate: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder), 4 * (seconds + 15))
        server = Server()
        try:
            server.start()
            compare(server, clip, seconds, rate)
            server.stop()
        finally:
            server.remove()


def compare(server: Server, clip: Path, seconds: float, rate: float) -> None:
    """Both pages, each beside its peer, and a table of them."""
    with running([SYSTEM_PYTHON, "-c", GSTREAMER, clip]) as cameras, chromium() as browser:
        server.administrator("anna", PASSWORD)
        url = f"rtsp://127.0.0.1:{line_of(cameras)}/clip"
        for name, count in (("Till", FEW), ("Hall", TILLS)):
            tills = [str(number) for number in range(1, count + 1)]
            status, told = server.call("POST", "/api/v1/cameras", {"name": name, "url": url, "overlay_ids": tills})
            assert status == 201, told
        for number in (1, 2):
            soon(lambda n=number: server.get(f"/api/v1/cameras/{n}/status")["status"] == "active", seconds=20)
        pid = server.process.pid
        print(f"load {os.getloadavg()[0]:.1f}; {TILLS} tills, {TILLS * rate:.0f} lines a second in all")
        print(f"{'':28}{'lines':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'server %':>10}{'page %':>8}")
        for number, count in ((1, FEW), (2, TILLS)):
            with person(browser, server.url) as anna:
                page = anna.go(f"/live/{number}")
                page.wait_for_selector("#picture.moving")
                ours = measured(page, "#tickets", server.pos, rate, seconds, pid)
            tell(f"live page, {count} tills", ours)
            with running([sys.executable, __file__, "--forward", count]) as peer:
                port, web = map(int, line_of(peer).split())
                with person(browser, f"http://127.0.0.1:{web}", name="") as somebody:
                    theirs = measured(somebody.go("/"), "#lines", port, rate, seconds, peer.pid)
            tell(f"bare list, {count} tills (peer)", theirs)
            print(f"{'':28}p99 {ours.p99 / theirs.p99:.2f} of the peer's (aim: under {AIM_MS} ms)", flush=True)


def tell(name: str, figure: Figure) -> None:
    """One row."""
    lines, p50, p99, most, server, page = figure
    print(f"{name:28}{lines:>8}{p50:>9.1f}{p99:>9.1f}{most:>9.1f}{server:>10.1f}{page:>8.1f}", flush=True)


def main() -> None:
    """Measure, or be a part of what is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=4, help="lines a second of each till")
    parser.add_argument("--send", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--forward", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        send(options.send, options.rate, options.seconds)
    elif options.forward:
        asyncio.run(forward(options.forward))
    else:
        run(options.seconds, options.rate)


if __name__ == "__main__":
    main()
