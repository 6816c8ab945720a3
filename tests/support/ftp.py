"""An FTP receiver with recording fakes around it, and what its clients send."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from PIL import Image
from twisted.internet import defer, reactor, task, threads

from camtrace.complaints import Complaints
from camtrace.config import Ftp
from camtrace.doors import Doors
from camtrace.ftp.listener import FtpListener
from camtrace.ftp.server import Limits
from camtrace.ftp.service import FtpReceiver
from camtrace.metrics import Metrics
from camtrace.model import Alarm, Camera
from camtrace.pools import Pools

USER, PASSWORD = "camtrace", "camera"
PATIENT = Limits(rename_seconds=60, temporary_seconds=60, wrong_seconds=0.01)  # a file waits for what its session does


def jpeg(colour: str = "red") -> bytes:
    """A small picture."""
    held = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(held, "JPEG")
    return held.getvalue()


@dataclass
class World:
    """What the receiver finds around it, and what it did."""

    cameras: list[Camera] = field(default_factory=lambda: [Camera(uid=1, id=1, name="door")])
    raised: list[tuple[int, str, str]] = field(default_factory=list)  # camera, origin, message
    instants: list[datetime | None] = field(default_factory=list)
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    durable: Callable[[], defer.Deferred[None]] = lambda: defer.succeed(None)
    _came: list[tuple[int, defer.Deferred[None]]] = field(default_factory=list)

    def receiver(self) -> FtpReceiver:
        return FtpReceiver(self, self.raise_alarm, self.keep, Complaints("ftp", self.note), self.metrics)

    async def at(self, address: str) -> list[Camera]:
        return self.cameras

    def raise_alarm(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]:
        assert cause == "ftp"
        listed = list(cameras)
        self.raised += [(camera.id, origin, message) for camera in listed]
        self.instants.append(at)
        for count, waiting in [one for one in self._came if len(self.raised) >= one[0]]:
            self._came.remove((count, waiting))
            reactor.callLater(0, waiting.callback, None)  # when what follows is done too
        now = datetime.now(UTC)
        alarms = [
            Alarm(id=100 + camera.id, camera_uid=camera.uid, started_at=now, last_at=now, until=now, causes=("ftp",))
            for camera in listed
        ]
        return self.durable().addCallback(lambda _: alarms)

    def keep(self, alarm_id: int, picture: bytes) -> None:
        self.pictures.append((alarm_id, picture))

    def note(self, kind: str, text: str, values: Mapping[str, Any]) -> None:
        assert kind == "system"
        self.notes.append((text, dict(values)))

    def count(self, reason: str) -> int:
        """How often this fault was."""
        return int(self.metrics.value("camtrace_ftp_errors_total", reason=reason))

    async def alarms(self, count: int) -> list[str]:
        """The messages of the alarms, when there are so many."""
        if len(self.raised) < count:
            waiting: defer.Deferred[None] = defer.Deferred()
            self._came.append((count, waiting))
            await waiting.addTimeout(15, reactor)
        else:
            await task.deferLater(reactor, 0)
        return [message for _, _, message in self.raised]


class Receiving:
    """A listening receiver, on a port of its own."""

    def __init__(
        self,
        world: World | None = None,
        limits: Limits = PATIENT,
        endpoint: str = "tcp:0:interface=127.0.0.1",
        **settings: Any,
    ) -> None:
        self.world = world or World()
        self.pools = Pools(reactor)
        self.doors = Doors(reactor)
        self.listener = FtpListener(reactor, self.pools, endpoint, Ftp(**settings), self.world.receiver(), limits)
        self.doors.add_other("ftp", endpoint, self.listener.bind, self.listener.leave)
        self.doors.bind()
        (self.port,) = self.doors.port_numbers()["ftp"]
        self.doors.open("ftp")

    async def stop(self) -> None:
        await self.doors.leave()
        self.pools.stop()

    def client(self, host: str = "127.0.0.1", passive: bool = True) -> ftplib.FTP:
        """A session that is logged in; call it in a thread."""
        session = ftplib.FTP(timeout=15)
        session.connect(host, self.port)
        session.login(USER, PASSWORD)
        session.set_pasv(passive)
        return session


def in_thread(function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
    """Run what blocks."""
    return threads.deferToThread(function, *args)
