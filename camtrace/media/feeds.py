"""Connections to cameras: opened in a thread, read by the sweep, and a stop that always comes back in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet import defer
from twisted.python.failure import Failure

from camtrace.errors import StreamFailure
from camtrace.media.hub import Began, Flowed, Hub, News, Remarked
from camtrace.media.packets import PacketSink
from camtrace.media.reader import Reading, ask, read
from camtrace.media.source import Patience, Source
from camtrace.media.sweep import Sweep
from camtrace.metrics import Metrics
from camtrace.pools import Pools

# a stop shall be over within 1 s; a thread that is still in a call then is left behind
_STOP_SECONDS = 0.8


class Listener(Protocol):
    """Hears of a connection, on the reactor."""

    def began(self, codec: str, width: int, height: int) -> None:
        """Pictures arrive; again when their size changes."""

    def flowed(self, frames_per_second: float, bits_per_second: float) -> None:
        """What the video brought in the last seconds."""

    def remarked(self, code: str, values: dict[str, str]) -> None:
        """Something worth a line in the journal."""

    def ended(self, failure: StreamFailure | None) -> None:
        """The connection is over, None when it was stopped. Nothing is heard after it."""


class Delay(Protocol):
    """What is needed of the reactor's clock."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: object) -> Any: ...


class Sinks(Protocol):
    """Where something is made of every camera's packets: its live picture, or what moves in it."""

    def sink(self, camera_uid: int) -> PacketSink: ...


class Feeds:
    """Opens connections. Each has a thread of its own until pictures come, over HTTP for as long as it lasts."""

    def __init__(
        self,
        reactor: Delay,
        pools: Pools,
        metrics: Metrics,
        live: Sinks | None = None,
        patience: Patience = Patience(),
        motion: Sinks | None = None,
    ) -> None:
        self._reactor = reactor
        self._pools = pools
        self._metrics = metrics
        self._shared = [sinks for sinks in (live, motion) if sinks is not None]
        self._patience = patience
        self._sweep = Sweep(pools)

    def open(
        self,
        camera_uid: int,
        url: str,
        sinks: Sequence[PacketSink],
        listener: Listener,
        *,
        login: str = "",
        password: str = "",
        transport: str = "tcp",
        codec: str = "",
        label: str = "",
    ) -> Feed:
        """Connect to `url` and hand its packets to `sinks`, the live picture and motion detection.

        `label`: the camera in the metrics. Every failure comes by `listener.ended`, later.
        """
        everybody = [*sinks, *(shared.sink(camera_uid) for shared in self._shared)]

        def count(packets: int) -> None:
            self._metrics.add("camtrace_camera_packets_total", packets, camera=label or camera_uid)

        feed = Feed(self._reactor, self._pools, self._sweep, everybody, listener, count)
        feed.start(f"camera {label or camera_uid}", (url, login, password, transport, codec), self._patience)
        return feed

    def ask(self, url: str, *, login: str = "", password: str = "") -> defer.Deferred[None]:
        """Ask a camera over RTSP what it offers, and hang up. Fires when it has told; may be cancelled.

        Fails with StreamFailure: a refusal with its exact status.
        """
        enough = threading.Event()

        def give_up(failure: Failure) -> Failure:
            enough.set()
            return failure

        lane = self._pools.lane("question")
        asked = lane.run(lambda: ask(Source.parse(url, login, password), enough.is_set, self._patience))
        lane.stop()
        return asked.addErrback(give_up)


class Feed:
    """One connection to one camera."""

    def __init__(
        self,
        reactor: Delay,
        pools: Pools,
        sweep: Sweep,
        sinks: Sequence[PacketSink],
        listener: Listener,
        count: Callable[[int], None],
    ) -> None:
        self._reactor = reactor
        self._pools = pools
        self._sweep = sweep
        self._listener = listener
        self._count = count
        self._stopping = threading.Event()
        self._news = pools.inbox(self._hear, limit=200)
        self._hub = Hub(sinks, self._news.put)
        self._over = False
        self._waiting: list[defer.Deferred[None]] = []
        self._patience: Any = None

    def start(self, name: str, address: tuple[str, str, str, str, str], patience: Patience) -> None:
        """Connect, in a new thread."""
        lane = self._pools.lane(name)
        lane.run(self._read, address, patience).addCallback(self._opened).addBoth(self._ended)
        lane.stop()  # it ends when its part of the connection does

    def stop(self) -> defer.Deferred[None]:
        """End the connection; fires within 1 s, when every sink has been ended."""
        if self._over:
            return defer.succeed(None)
        self._stopping.set()
        done: defer.Deferred[None] = defer.Deferred()
        if not self._waiting:
            self._patience = self._reactor.callLater(_STOP_SECONDS, self._abandon)
        self._waiting.append(done)
        return done

    def _read(self, address: tuple[str, str, str, str, str], patience: Patience) -> Reading | None:
        def remark(code: str, values: dict[str, str]) -> None:
            self._news.put(Remarked(code, values))

        return read(Source.parse(*address), self._hub, self._stopping.is_set, remark, patience)

    def _opened(self, reading: Reading | None) -> defer.Deferred[None] | None:
        return self._sweep.add(reading) if reading is not None else None

    def _abandon(self) -> None:
        if not self._over:
            self._hub.abandon("stopped")
            self._finish(None)

    def _ended(self, result: object) -> None:
        if self._over:
            return
        failure = result.value if isinstance(result, Failure) else None
        self._finish(failure if isinstance(failure, StreamFailure) else None)

    def _finish(self, failure: StreamFailure | None) -> None:
        self._over = True
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._listener.ended(None if self._stopping.is_set() else failure)
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(None)

    def _hear(self, news: list[News]) -> None:
        for item in news:
            match item:
                case Flowed(packets, frames, size, seconds):
                    self._count(packets)
                    if not self._over:
                        self._listener.flowed(frames / seconds, size * 8 / seconds)
                case Began(codec, width, height) if not self._over:
                    self._listener.began(codec, width, height)
                case Remarked(code, values) if not self._over:
                    self._listener.remarked(code, values)
