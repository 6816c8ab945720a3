"""The cameras' second streams, for who watches them; the main stream instead while one cannot be had."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, Generic

from twisted.internet import defer

from camtrace.cameras.directory import Directory
from camtrace.cameras.ports import Feeds, Note, Pictures, R, Reactor, Secrets, Viewer
from camtrace.cameras.sub_connection import AroundSub, Stage, SubConnection


class SubStreams(Generic[R]):
    """Connects a second stream when somebody watches it; it is never recorded.

    `main` and `sub` are what the cameras' main and second streams show; `feeds` brings packets to `sub`.
    """

    def __init__(
        self,
        directory: Directory,
        feeds: Feeds[Any],
        main: Pictures[R],
        sub: Pictures[R],
        note: Note,
        secrets: Secrets,
        reactor: Reactor,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._directory = directory
        self._main = main
        self._sub = sub
        self._around = AroundSub(feeds, sub, note, secrets, reactor, chance)
        self._connections: dict[int, SubConnection] = {}
        self._watchers: dict[int, list[_Watcher]] = {}
        self._stopped = False

    # ── who watches ──

    def watch(self, camera_uid: int, viewer: Viewer, stills: bool = False) -> Callable[[], None]:
        """Show the camera's second stream to `viewer`, the main one while it cannot be had; returns what ends it."""
        connection = self._connection(camera_uid)
        if connection is None:
            return self._main.watch(camera_uid, viewer, stills)
        watcher = _Watcher(viewer, stills, camera_uid, connection, self._main, self._sub)
        self._watchers.setdefault(camera_uid, []).append(watcher)
        connection.hold()
        watcher.follow()

        def stop() -> None:
            if not watcher.gone:
                self._watchers.get(camera_uid, [watcher]).remove(watcher)
                watcher.leave()
                connection.release()

        return stop

    async def open(self, camera_uid: int) -> R | None:
        """The samples of the second stream, or of the main one where it cannot be had; None without any picture.

        What was given stays the same until it ends.
        """
        connection = self._connection(camera_uid)
        reading = None if connection is None else await self._reading(camera_uid, connection)
        return self._main.open(camera_uid) if reading is None else reading

    def hold(self, camera_uid: int) -> Callable[[], None]:
        """Keep the second stream connected, for who takes its packets where they arrive; returns what ends it."""
        connection = self._connection(camera_uid)
        if connection is None:
            return lambda: None
        connection.hold()
        held = [connection]

        def release() -> None:
            while held:
                held.pop().release()

        return release

    async def _reading(self, camera_uid: int, connection: SubConnection) -> R | None:
        connection.hold()
        reading = None
        try:
            if await connection.settled():
                reading = self._sub.open(camera_uid, connection.release)
        finally:
            if reading is None:
                connection.release()
        return reading

    def figures(self) -> list[tuple[dict[str, str], float]]:
        """How many second streams are connected, for the metrics."""
        return [({}, sum(one.stage is Stage.UP for one in self._connections.values()))]

    # ── from the service ──

    async def refresh(self) -> None:
        """Cameras were changed or deleted: end what is not as it was; returns within about 1 s."""
        found = [(self._directory.by_uid(uid), one) for uid, one in self._connections.items()]
        work = [one.close() if camera is None else one.become(camera) for camera, one in found]
        await defer.DeferredList([defer.ensureDeferred(each) for each in work])

    async def stop(self) -> None:
        """Disconnect all; returns within about 1 s."""
        self._stopped = True
        await defer.DeferredList([defer.ensureDeferred(one.close()) for one in self._connections.values()])

    def forget(self, camera_uid: int) -> None:
        """The camera was deleted."""
        self._connections.pop(camera_uid, None)
        self._watchers.pop(camera_uid, None)
        self._sub.forget(camera_uid)

    def _connection(self, camera_uid: int) -> SubConnection | None:
        camera = self._directory.by_uid(camera_uid)
        if self._stopped or camera is None:
            return None
        if camera_uid not in self._connections:
            self._connections[camera_uid] = SubConnection(camera, self._around, partial(self._turned, camera_uid))
        return self._connections[camera_uid]

    def _turned(self, camera_uid: int) -> None:
        for watcher in tuple(self._watchers.get(camera_uid, ())):
            watcher.follow()


class _Watcher:
    """A viewer who asked for a second stream, and what it is shown at the moment."""

    def __init__(
        self,
        viewer: Viewer,
        stills: bool,
        camera_uid: int,
        connection: SubConnection,
        main: Pictures[Any],
        sub: Pictures[Any],
    ) -> None:
        self._viewer = viewer
        self._stills = stills
        self._camera_uid = camera_uid
        self._connection = connection
        self._main = main
        self._sub = sub
        self._shown: Pictures[Any] | None = None
        self._stop: Callable[[], None] = lambda: None
        self._started = False
        self.gone = False

    def follow(self) -> None:
        """Show what there is now; while the second stream is awaited, what was shown before."""
        if self._connection.stage is Stage.UP:
            self._show(self._sub)
        elif self._connection.stage is not Stage.TRYING:
            self._show(self._main)

    def leave(self) -> None:
        """Show nothing any more."""
        self.gone = True
        self._stop()

    def _show(self, pictures: Pictures[Any]) -> None:
        if self._shown is pictures or self.gone:
            return
        self._stop()
        if self._started and pictures is self._main:
            self.live_ended("sub_lost")
        self._shown = pictures
        self._stop = pictures.watch(self._camera_uid, self, self._stills)

    # ── from the live pictures ──

    def live_started(self, mime: str, init: bytes, note: str) -> None:
        """Pictures begin."""
        self._started = True
        self._viewer.live_started(mime, init, note)

    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None:
        """A piece of them."""
        self._viewer.live_fragment(data, key, at_us)

    def live_ended(self, reason: str) -> None:
        """No pictures for the moment."""
        self._started = False
        self._viewer.live_ended(reason)
