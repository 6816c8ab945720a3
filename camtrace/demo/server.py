"""The real server as a child of the demo: its configuration, its process, its doors."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
from collections import deque
from pathlib import Path
from typing import Any

from twisted.internet import defer, protocol

from camtrace.errors import StartError

STOP_SECONDS = 20
_TAIL = 20
_SPOKEN_FOR = {2121, 8001, 8010, 8080, 8554}  # ports that people expect something else of
# its own session, so that Ctrl-C at the terminal reaches the demo alone, which then stops the server in order
_RUN = "import os, sys; os.setsid(); from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"

CONFIGURATION = """\
# Written by `camtrace demo` at each start.
[site]
name = "Épicerie du Port"
timezone = "Europe/Paris"

[listen]
web = "tcp:{web}"
pos = "tcp:{pos}"
ftp = "tcp:{ftp}"
rtsp = "tcp:{rtsp}"
control = "tcp:{control}"
prisma = "udp:{prisma}"

[data]
directory = "data"

[storage]
days = 2

[ftp]
password = "{ftp_password}"
"""


def free_port(wanted: int, interface: str = "", kind: int = socket.SOCK_STREAM) -> int:
    """The wanted port, or the next one above it that nobody uses. Raises StartError when there is none.

    `kind`: SOCK_STREAM for a port of TCP, SOCK_DGRAM for one of UDP.
    """
    for port in range(wanted, min(wanted + 200, 65536)):
        if port != wanted and port in _SPOKEN_FOR:
            continue
        with socket.socket(type=kind) as trial:
            if kind == socket.SOCK_STREAM:  # of UDP ports it would share one that is in use
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((interface, port))
            except OSError:
                continue
            return port
    raise StartError(f"no free port from {wanted} on")


class ServerProcess(protocol.ProcessProtocol):
    """`twistd -n camtrace` with its data under a folder; it logs to a file there."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "camtrace.toml"
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.ended: defer.Deferred[None] = defer.Deferred()
        self.alive = False
        self._said: deque[str] = deque(maxlen=_TAIL)
        self._logged = 0

    def start(self, reactor: Any, ports: dict[str, int]) -> None:
        """Write the configuration and start the process."""
        self.config.write_text(CONFIGURATION.format(**ports, ftp_password=secrets.token_hex(8)), encoding="utf-8")
        self._logged = self.log.stat().st_size if self.log.exists() else 0
        # no pid file: one left by a power cut would name somebody else's process; the server has a lock instead
        options = ["-n", "--pidfile=", f"--logfile={self.log}"]
        command = [sys.executable, "-c", _RUN, *options, "camtrace", f"--config={self.config}"]
        reactor.spawnProcess(self, sys.executable, command, env=dict(os.environ))
        self.alive = True

    async def stop(self, reactor: Any) -> None:
        """Ask it to stop and wait until it has; a server that does not is killed."""
        if not self.alive:
            return
        self.transport.signalProcess(signal.SIGTERM)  # type: ignore[union-attr]
        late = reactor.callLater(STOP_SECONDS, self._kill)
        await self.ended
        if late.active():
            late.cancel()

    def last_words(self) -> str:
        """What it said last, for the one who has to find out why it ended."""
        logged: list[str] = []
        if self.log.exists():
            with self.log.open("rb") as log:
                log.seek(min(self._logged, self.log.stat().st_size))
                logged = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join([*logged[-_TAIL:], *self._said])

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Keep the end of what it prints."""
        self._said.extend(data.decode("utf-8", "replace").splitlines())

    def processEnded(self, reason: Any) -> None:
        """It is gone, and all its pipes are closed."""
        self.alive = False
        if not self.ended.called:
            self.ended.callback(None)

    def _kill(self) -> None:
        if self.alive:
            self.transport.signalProcess(signal.SIGKILL)  # type: ignore[union-attr]
