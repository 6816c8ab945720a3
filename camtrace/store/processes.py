"""Processes of the system by their number: signals, names, children."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

END_SECONDS = 2


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone does not mind."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wake(pid: int) -> None:
    """Let a process and its children go on, should they be halted."""
    for each in [pid, *children(pid)]:
        send(each, signal.SIGCONT)


def kill_family(pid: int) -> None:
    """Kill a process and its children, the father first: he would start others."""
    family = [pid, *children(pid)]
    for each in family:
        send(each, signal.SIGKILL)


def end(process: subprocess.Popen[Any]) -> None:
    """Make sure that it is gone: asked first, so that it tidies up behind itself, and killed after two seconds."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def name_of(pid: int) -> str:
    """The name of a process; "" when it is gone. Debian's smallest images have no ps, FreeBSD has no /proc."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return _ps("-o", "comm=", "-p", str(pid)).strip()


def children(pid: int) -> list[int]:
    """The numbers of the processes that `pid` began itself."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        pairs = [line.split() for line in _ps("-A", "-o", "pid=", "-o", "ppid=").splitlines()]
        return [int(child) for child, parent in pairs if parent == str(pid)]


def _ps(*options: str) -> str:
    try:
        return subprocess.run(["ps", *options], capture_output=True, text=True).stdout
    except OSError:
        return ""
