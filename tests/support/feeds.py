"""Connections to cameras that do what a test says, and the cameras' rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet import defer

from camtrace.cameras.ports import Listener
from camtrace.errors import DatabaseUnavailable, StreamFailure
from camtrace.model import Camera


class Rows:
    """What the database holds."""

    def __init__(self, *cameras: Camera) -> None:
        self.cameras = list(cameras)
        self.away = False

    async def all(self) -> list[Camera]:
        if self.away:
            raise DatabaseUnavailable("away")
        return list(self.cameras)


class FakeFeed:
    """A connection that does what the test says."""

    def __init__(self, listener: Listener, options: dict[str, Any]) -> None:
        self.listener = listener
        self.options = options
        self.stopped = False

    def stop(self) -> defer.Deferred[None]:
        self.stopped = True
        self.listener.ended(None)
        return defer.succeed(None)

    def fail(self, kind: str, status: int = 0, detail: str = "") -> None:
        self.listener.ended(StreamFailure(kind, "10.0.0.1", 554, status, detail))


class FakeFeeds:
    """Opens FakeFeeds and remembers them."""

    def __init__(self) -> None:
        self.opened: list[FakeFeed] = []
        self.make = FakeFeed

    def open(self, camera_uid: int, url: str, sinks: Sequence[object], listener: Listener, **options: Any) -> FakeFeed:
        feed = self.make(listener, {"uid": camera_uid, "url": url, "sinks": list(sinks), **options})
        self.opened.append(feed)
        return feed

    @property
    def last(self) -> FakeFeed:
        return self.opened[-1]
