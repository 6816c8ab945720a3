"""The cameras: which there are, and a connection to each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Generic

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.bus import Bus
from camtrace.cameras.connection import Around, Connection
from camtrace.cameras.directory import Directory
from camtrace.cameras.naps import Naps
from camtrace.cameras.ports import (
    Facts,
    Feeds,
    Follower,
    Forgetful,
    Note,
    Numbers,
    OnDemand,
    Reactor,
    Recording,
    S,
    Secrets,
)
from camtrace.errors import DatabaseUnavailable
from camtrace.events import SettingChanged, VolumeStateChanged
from camtrace.model import Camera, CameraState, Status

_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 0.5
# what a connection is made of; a change of anything else leaves it alone
_OF_CONNECTION = (
    "url", "model", "address", "http_port", "channel", "transport", "codec", "login", "password", "volume", "id",
)  # fmt: skip


class Cameras(Generic[S]):
    """The directory of existing cameras, and their connections.

    `load` fills the directory, `start` connects, `stop` disconnects all within 1 s. The directory follows
    `SettingChanged`; a connection is made anew only when what it is made of was changed.
    """

    log = Logger()

    def __init__(
        self,
        directory: Directory,
        feeds: Feeds[S],
        recording: Recording[S],
        facts: Facts,
        ids: Numbers,
        note: Note,
        secrets: Secrets,
        bus: Bus,
        reactor: Reactor,
        *,
        sub_streams: OnDemand,
        is_needed: Callable[[Camera], bool] = lambda camera: True,
        forgetful: Iterable[Forgetful] = (),
        followers: Iterable[Follower] = (),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._directory = directory
        self._recording = recording
        self._naps = Naps(is_needed, reactor.seconds)
        self._around = Around(feeds, recording, facts, ids, note, secrets, reactor, self._naps, chance)
        self._looking = task.LoopingCall(self._look_again)
        self._looking.clock = reactor  # type: ignore[assignment]
        self._bus = bus
        self._reactor = reactor
        self._sub_streams = sub_streams
        self._forgetful = tuple(forgetful)
        self._followers = tuple(followers)
        self._turn = defer.DeferredLock()
        self._connections: dict[int, Connection[S]] = {}
        self._unsubscribe: list[Callable[[], None]] = []
        self._running = False

    # ── directory ──

    def by_id(self, id: int) -> Camera | None:
        """The existing camera with this public number."""
        return self._directory.by_id(id)

    def by_uid(self, uid: int) -> Camera | None:
        """The existing camera with this uid."""
        return self._directory.by_uid(uid)

    def all(self) -> list[Camera]:
        """Existing cameras, by number."""
        return self._directory.all()

    def watching(self, source: str) -> tuple[int, ...]:
        """Uids of the cameras that watch this till or other source."""
        return self._directory.watching(source)

    def state(self, uid: int) -> CameraState:
        """What the camera's connection is worth now."""
        connection = self._connections.get(uid)
        if connection is not None:
            return connection.state
        return CameraState(uid, Status.IGNORED, "off", clock.now())

    def figures(self) -> list[tuple[dict[str, str], float]]:
        """How many existing cameras have each status, for the metrics."""
        count = Counter(self.state(camera.uid).status for camera in self.all())
        return [({"status": status.value}, count[status]) for status in Status]

    # ── life ──

    async def load(self) -> None:
        """Read the cameras from the database and follow their changes. Raises DatabaseUnavailable."""
        if not self._unsubscribe:
            self._unsubscribe = [
                self._bus.subscribe(SettingChanged, self._setting_changed),
                self._bus.subscribe(VolumeStateChanged, self._volume_changed),
            ]
        await self.refresh()

    async def start(self) -> None:
        """Connect to every camera. Raises DatabaseUnavailable when the directory had to be read and could not."""
        self._running = True
        await self.load()
        if not self._looking.running:
            self._looking.start(_LOOK_SECONDS, now=False)

    async def stop(self) -> None:
        """Disconnect all; returns within about 1 s."""
        self._running = False
        if self._looking.running:
            self._looking.stop()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        leaving, self._connections = self._connections, {}
        work = [self._sub_streams.stop(), *(one.stop() for one in leaving.values())]
        await defer.DeferredList([defer.ensureDeferred(each) for each in work])

    async def refresh(self) -> None:
        """Bring the directory and the connections up to the database. Raises DatabaseUnavailable."""
        await self._turn.acquire()
        try:
            await self._directory.load()
            self._recording.refresh()
            if self._running:
                await self._connect()
            for one in self._followers:
                one.refresh()
        finally:
            self._turn.release()

    async def _connect(self) -> None:
        cameras = {camera.uid: camera for camera in self._directory.all()}
        gone = [uid for uid in self._connections if uid not in cameras]
        changed = [
            uid for uid, one in self._connections.items() if uid in cameras and _differs(one.camera, cameras[uid])
        ]
        work = [self._sub_streams.refresh(), *(self._disconnect(uid) for uid in gone + changed)]
        await defer.DeferredList([defer.ensureDeferred(each) for each in work])
        for uid in gone:
            for one in self._forgetful:
                one.forget(uid)
            self._naps.forget(uid)
        for uid, camera in cameras.items():
            connection = self._connections.get(uid)
            if connection is not None:
                connection.camera = camera
            elif self._running:
                self._connections[uid] = Connection(camera, self._around)
                self._connections[uid].start()

    async def _disconnect(self, uid: int) -> None:
        await self._connections.pop(uid).stop()

    def _look_again(self) -> None:
        """Connect the cameras whose pictures are needed now, let those rest that nobody needs any more."""
        for connection in tuple(self._connections.values()):
            if connection.camera.stop_streams_automatically or connection.state.reason == "resting":
                defer.ensureDeferred(connection.look_again())

    # ── what happens elsewhere ──

    def _setting_changed(self, fact: SettingChanged) -> object:
        return defer.ensureDeferred(self._follow()) if fact.kind == "camera" else None

    async def _follow(self) -> None:
        try:
            await self.refresh()
        except DatabaseUnavailable:
            if self._unsubscribe:  # not stopped meanwhile
                self._reactor.callLater(_RETRY_SECONDS, self._setting_changed, SettingChanged("camera", ""))

    def _volume_changed(self, fact: VolumeStateChanged) -> None:
        for connection in tuple(self._connections.values()):
            if fact.state == "absent" and connection.camera.volume in ("", fact.volume):
                defer.ensureDeferred(connection.restart())
            else:
                connection.reconsider()


def _differs(former: Camera, camera: Camera) -> bool:
    return any(getattr(former, name) != getattr(camera, name) for name in _OF_CONNECTION)
