"""Who hears of feeds and live pictures, for tests: remembers everything, and can be waited for on the reactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer, reactor, task

from camtrace.errors import StreamFailure


async def until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    """Return as soon as `true()` is, looked at on the reactor; fail after `seconds`."""
    clock: Any = reactor
    deadline = clock.seconds() + seconds
    while not true():
        if clock.seconds() > deadline:
            raise AssertionError("it did not happen in time")
        await task.deferLater(clock, 0.01, lambda: None)


class Heard:
    """A feed's listener."""

    def __init__(self) -> None:
        self.began_with: list[tuple[str, int, int]] = []
        self.flows: list[tuple[float, float]] = []
        self.remarks: list[tuple[str, dict[str, str]]] = []
        self.ends: list[StreamFailure | None] = []
        self.over: defer.Deferred[StreamFailure | None] = defer.Deferred()

    def began(self, codec: str, width: int, height: int) -> None:
        self.began_with.append((codec, width, height))

    def flowed(self, frames_per_second: float, bits_per_second: float) -> None:
        self.flows.append((frames_per_second, bits_per_second))

    def remarked(self, code: str, values: dict[str, str]) -> None:
        self.remarks.append((code, values))

    def ended(self, failure: StreamFailure | None) -> None:
        self.ends.append(failure)
        self.over.callback(failure)


class Viewer:
    """A browser at the live picture: (mime, note) of each start, its initial bytes, and every fragment."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, str]] = []
        self.init = b""
        self.fragments: list[tuple[bytes, bool, int]] = []
        self.ends: list[str] = []

    def live_started(self, mime: str, init: bytes, note: str) -> None:
        self.starts.append((mime, note))
        self.init = init
        self.fragments.clear()

    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None:
        self.fragments.append((data, key, at_us))

    def live_ended(self, reason: str) -> None:
        self.ends.append(reason)
