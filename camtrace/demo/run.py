"""`camtrace demo`: the real server, and a shop with two cameras and two tills that it watches.

The shop lives in this process and knows the server by its sockets only; the server is a child process that knows
nothing of a demo.
"""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path
from typing import Any

from twisted.internet import defer, task

from camtrace.demo import account, aisle, counter, film, http_camera, rtsp_camera, script
from camtrace.demo.api import Api
from camtrace.demo.beat import Beat
from camtrace.demo.prisma_till import ENCODING, PrismaTill, source_of
from camtrace.demo.server import ServerProcess, free_port
from camtrace.demo.tills import TillConnection
from camtrace.errors import CamTraceError, StartError
from camtrace.folders import is_held
from camtrace.pools import Pools

HOME = "127.0.0.1"
READY_SECONDS = 180
_LOGIN, _PASSWORD = "root", "axis2100"


class Shop:
    """The cameras and the tills, all on one beat."""

    def __init__(self, reactor: Any, pools: Pools) -> None:
        self.rtsp_url = ""
        self.http_url = ""
        self._reactor = reactor
        self._pools = pools
        self._beat = Beat(reactor)
        self._ports: list[Any] = []
        self._tills: list[TillConnection | PrismaTill] = []

    async def open_cameras(self, folder: Path) -> None:
        """Draw the films, unless they are kept in the folder, and put the cameras on the network."""
        h264, jpeg = await defer.gatherResults(
            [
                self._pools.job(
                    film.kept, folder / "till.film", lambda: film.h264_film(counter.picture, script.TILLS[0])
                ),
                self._pools.job(film.kept, folder / "shop.film", lambda: film.jpeg_film(aisle.picture)),
            ],
            consumeErrors=True,
        )
        modern = rtsp_camera.RtspCamera(h264, "CAISSE 1")
        legacy = http_camera.HttpCamera(jpeg, "RAYONS, CAISSE 2", _LOGIN, _PASSWORD)
        modern.listen_udp(self._reactor, HOME)
        self.rtsp_url = f"rtsp://{HOME}:{self._listen(18554, modern)}{rtsp_camera.PATH}"
        self.http_url = f"http://{HOME}:{self._listen(18080, legacy)}{http_camera.STREAM}"
        self._ports += modern.ports
        self._beat.listeners += [modern.beat, legacy.beat]
        self._beat.start()

    def open_tills(self, port: int, prisma_port: int) -> None:
        """Connect the tills to the server: the second one speaks Prisma, all others till lines."""
        for till in script.TILLS:
            if till == script.TILLS[1]:
                speaker: TillConnection | PrismaTill = PrismaTill(till, HOME, prisma_port)
            else:
                speaker = connection = TillConnection(self._reactor, till, HOME, port)
                connection.start()
            self._tills.append(speaker)
            self._beat.listeners.append(speaker.beat)

    def cameras(self) -> list[dict[str, Any]]:
        """The cameras as the server's API is told of them."""
        return [
            {"name": "Caisse 1", "url": self.rtsp_url, "overlay_ids": [script.TILLS[0].name]},
            {
                "name": "Rayons et caisse 2",
                "url": self.http_url,
                "login": _LOGIN,
                "password": _PASSWORD,
                "overlay_ids": [source_of(script.TILLS[1])],
            },
        ]

    async def close(self) -> None:
        """Hang up and close every port."""
        self._beat.stop()
        for till in self._tills:
            await defer.maybeDeferred(till.stop)
        for port in self._ports:
            await defer.maybeDeferred(port.stopListening)

    def _listen(self, wanted: int, camera: Any) -> int:
        port = self._reactor.listenTCP(free_port(wanted, HOME), camera, interface=HOME)
        self._ports.append(port)
        return int(port.getHost().port)


class Demo:
    """Server and shop, started in order and stopped in reverse."""

    def __init__(self, reactor: Any, directory: Path) -> None:
        self._reactor = reactor
        self._directory = directory
        self._own = directory / "demo"
        self._pools = Pools(reactor, jobs=2)
        self._server = ServerProcess(directory)
        self._shop = Shop(reactor, self._pools)
        self.stopping = False

    async def run(self) -> int:
        """Run until the server ends or `stop` is called; the exit status."""
        try:
            await self._start()
            await self._server.ended
            trouble = f"the server ended:\n{self._server.last_words()}"
        except CamTraceError as error:
            trouble = str(error)
        if self.stopping:
            return 0
        _say(f"camtrace demo: {trouble}")
        await self.stop()
        return 1

    async def stop(self) -> None:
        """Stop what was started: the server first, so that it sees its cameras to the end."""
        if not self.stopping:
            self.stopping = True
            await self._server.stop(self._reactor)
            await self._shop.close()
            self._pools.stop()

    async def _start(self) -> None:
        self._own.mkdir(parents=True, exist_ok=True)
        if is_held(self._server.data):
            raise StartError(f"a server already works with {self._server.data}: stop it, or name another --directory")
        wanted = {"web": 8000, "pos": 8010, "ftp": 2121, "rtsp": 8554, "control": 8001}
        ports: dict[str, int] = {}
        for key, port in wanted.items():
            found = free_port(port)
            while found in ports.values():  # given to another listener, which has not opened it yet
                found = free_port(found + 1)
            ports[key] = found
        ports["prisma"] = free_port(21845, kind=socket.SOCK_DGRAM)
        address = f"http://{HOME}:{ports['web']}"
        _say("starting the server, drawing the shop (the first time takes longer) …")
        self._server.start(self._reactor, ports)
        await self._shop.open_cameras(self._own)
        api = Api(self._reactor, address)
        await self._until_healthy(api)
        password = await account.password(self._reactor, self._server.config, self._own)
        player = await account.player_password(self._reactor, self._server.config, self._own)
        await self._log_in(api)
        cameras = [await api.ensure_camera(camera) for camera in self._shop.cameras()]
        await api.ensure_rules(script.RULES)
        await api.register_source(source_of(script.TILLS[1]), "Caisse 2", ENCODING)
        self._shop.open_tills(ports["pos"], ports["prisma"])
        _say(_welcome(address, (password, player), cameras, ports, self._server.log))

    async def _until_healthy(self, api: Api) -> None:
        """Wait for the server to be in order. Raises StartError when it ends before, or takes too long."""
        ended: defer.Deferred[None] = defer.Deferred()
        self._server.ended.addCallback(_tell, ended)
        healthy = defer.Deferred.fromCoroutine(api.healthy())
        late: defer.Deferred[None] = task.deferLater(self._reactor, READY_SECONDS)
        which = defer.DeferredList(
            [healthy, ended, late], fireOnOneCallback=True, fireOnOneErrback=True, consumeErrors=True
        )
        _, first = await which
        for other in (healthy, ended, late):
            other.cancel()
        if first == 1:
            raise StartError(f"the server did not start:\n{self._server.last_words()}")
        if first == 2:
            raise StartError(f"the server is not ready after {READY_SECONDS} s; see {self._server.log}")

    async def _log_in(self, api: Api) -> None:
        """Give the API a token that the server takes."""
        for renew in (False, True):
            api.token = await account.token(self._reactor, self._server.config, self._own, renew)
            status, _ = await api.call("GET", "/cameras")
            if status != 401:
                return


def main(directory: Path) -> int:
    """Run the demo with its data under `directory`, until Ctrl-C or SIGTERM; the exit status."""
    directory = directory.absolute()
    outcome: list[int] = []

    async def run(reactor: Any) -> None:
        demo = Demo(reactor, directory)

        def stop() -> None:
            if not demo.stopping:  # once: an impatient second Ctrl-C says nothing new
                reactor.stop()

        # a closed terminal too: the server has a session of its own and would stay; a shell's background ignores SIGINT
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(stop))
        reactor.addSystemEventTrigger("before", "shutdown", lambda: defer.Deferred.fromCoroutine(demo.stop()))
        outcome.append(await demo.run())

    try:
        task.react(lambda reactor: defer.Deferred.fromCoroutine(run(reactor)))
    except SystemExit as ended:
        if ended.code:
            return 1
    return outcome[0] if outcome else 0


def _tell(_: None, waiting: defer.Deferred[None]) -> None:
    if not waiting.called:
        waiting.callback(None)


def _welcome(
    address: str, passwords: tuple[str, str], cameras: list[dict[str, Any]], ports: dict[str, int], log: Path
) -> str:
    names = ", ".join(f"{camera['id']} {camera['name']}" for camera in cameras)
    player = f"rtsp://{account.NAME}:{passwords[1]}@{HOME}:{ports['rtsp']}/player/regul/{cameras[0]['id']}/?rstart=60"
    return f"""
  CamTrace is ready:   {address}/
      name             {account.NAME}
      password         {passwords[0]}

  cameras              {names}
  in a player          ffplay '{player}'
  tills                {script.TILLS[0].name}, to port {ports["pos"]}
                       {source_of(script.TILLS[1])}, in Prisma events to port {ports["prisma"]} (UDP)
  server's log         {_shown(log)}

  Ctrl-C stops everything.
"""


def _shown(path: Path) -> Path:
    """The path as seen from here, where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
