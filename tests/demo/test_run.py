"""`camtrace demo` as a person starts it: the real command, the real server, until Ctrl-C."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.drawn import till_film
from support.needs import needs

from camtrace.demo import script, server
from camtrace.folders import hold_folder

READY_SECONDS = 120


class RunningDemo:
    """The demo in a process of its own; what it printed up to its welcome."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "camtrace.cli", "demo", "--directory", str(folder)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_as_at_a_terminal,
        )
        self.folder = folder
        self.said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        else:
            log = folder / "server.log"
            raise AssertionError(self.said + (log.read_text()[-4000:] if log.exists() else ""))
        self.address = re.search(r"http://127\.0\.0\.1:\d+", self.said)[0]
        self.token = (folder / "demo/token").read_text().strip()

    def get(self, path: str) -> Any:
        """The JSON that the API answers."""
        request = urllib.request.Request(
            f"{self.address}/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def until(self, what: str, key: str = "items", seconds: float = 90) -> Any:
        """Ask again until a list of the API is not empty."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.get(what)[key]:
                return found
            time.sleep(0.2)  # no event tells a program from outside: the API is asked
        raise AssertionError(f"nothing at {what} after {seconds} s")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal to the demo alone; its exit status, and how long it took to end."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode, time.monotonic() - began


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films that have been drawn: that of the till, and what a demo in this file has drawn before."""
    films = tmp_path_factory.mktemp("films")
    (films / "demo").mkdir()
    shutil.copy(till_film(), films / "demo")
    return films


@pytest.fixture
def folder(drawn: Path) -> Iterator[Path]:
    """A folder that another account (the private database's) can pass through."""
    made = Path(tempfile.mkdtemp(prefix="camtrace-demo-"))
    shutil.copytree(drawn, made, dirs_exist_ok=True)
    made.chmod(0o711)
    yield made
    for film in made.rglob("*.film"):
        (drawn / film.relative_to(made)).parent.mkdir(exist_ok=True)
        shutil.copy(film, drawn / film.relative_to(made))
    shutil.rmtree(made, ignore_errors=True)


def _as_at_a_terminal() -> None:
    """A suite that runs in the background of a shell ignores Ctrl-C, and its children would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def processes_of(folder: Path) -> list[str]:
    """Command lines of living processes that name the folder."""
    listed = subprocess.run(["ps", "-axo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


@pytest.mark.slow
@needs("postgresql", "ffmpeg")
def test_from_start_to_stop_and_again(folder: Path) -> None:
    """It names a page and a login, both cameras come alive, the tills' lines arrive, all ends; then it starts again."""
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            squatter.bind(("", 8000))
            squatter.listen()
        except OSError:
            pass  # somebody else sits there: just as well
        demo = RunningDemo(folder)
    try:
        assert "127.0.0.1:8000/" not in demo.said  # busy: the next free one
        assert (folder / "demo/password").read_text().strip() in demo.said
        cameras = demo.get("/cameras")["items"]
        assert {camera["name"] for camera in cameras} == {"Caisse 1", "Rayons et caisse 2"}
        end = time.monotonic() + 90
        while {demo.get(f"/cameras/{one['id']}/status")["status"] for one in cameras} != {"active"}:
            assert time.monotonic() < end, [demo.get(f"/cameras/{one['id']}/status") for one in cameras]
            time.sleep(0.2)  # no event tells a program from outside: the API is asked
        lines = demo.until("/lines?limit=10")
        assert {rule["name"] for rule in demo.get("/rules")["items"] if rule["enabled"]} == set(script.RULES.values())
        assert {line["source"] for line in lines} <= {"1", "KKM:2"}
        assert all(line["cameras"] for line in lines)
        demo.until(f"/cameras/1/recordings?kind=regular&start={time.time() - 60}&stop={time.time() + 60}", "spans")
        url = re.search(r"ffplay '(rtsp://[^']+)'", demo.said)[1]
        probe = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name", url]
        played = subprocess.run(probe, capture_output=True, text=True, timeout=60)
        assert "h264" in played.stdout, played.stderr
        assert "aac" in played.stdout
    finally:
        status, seconds = demo.stop()
    assert status == 0
    assert seconds < 30
    assert processes_of(folder) == []

    again = RunningDemo(folder)
    try:
        assert [one["id"] for one in again.get("/cameras")["items"]] == [one["id"] for one in cameras]
        assert again.token == demo.token
    finally:
        again.process.send_signal(signal.SIGINT)  # an impatient person presses twice
        status, _ = again.stop(signal.SIGINT)
    assert status == 0
    assert processes_of(folder) == []


@pytest.mark.slow
def test_a_server_that_cannot_start_is_told(folder: Path) -> None:
    """The demo ends with 1 and shows the server's own words."""
    (folder / "data").write_text("a file where the data folder should be")
    command = [sys.executable, "-m", "camtrace.cli", "demo", "--directory", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 1
    assert "the server did not start" in done.stdout
    assert str(folder / "data") in done.stdout


def test_a_busy_port_is_passed_over() -> None:
    """The next free port is taken; the wanted one when it is free."""
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        busy = squatter.getsockname()[1]
        assert server.free_port(busy, "127.0.0.1") > busy
    assert server.free_port(busy, "127.0.0.1") == busy


@pytest.mark.slow
def test_two_demos_in_one_folder_are_one_too_many(folder: Path) -> None:
    """The second ends with 1 and one line, and leaves the first one's configuration alone."""
    (folder / "data").mkdir()
    hold = hold_folder(folder / "data")
    command = [sys.executable, "-m", "camtrace.cli", "demo", "--directory", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    hold.release()
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        f"camtrace demo: a server already works with {folder / 'data'}: stop it, or name another --directory\n"
    )
    assert not (folder / "camtrace.toml").exists()
