"""The life of one camera's second stream: connected while it is held, let go some seconds after."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace.backoff import Backoff
from camtrace.cameras.connection import password_of
from camtrace.cameras.ports import Feed, Feeds, Note, Opening, Reactor, Secrets
from camtrace.cameras.streams import without_login
from camtrace.errors import StreamFailure
from camtrace.model import Camera

# how long it stays connected for nobody: a page that is loaded again, a player that sets up anew
LINGER_SECONDS = 5.0
# how long a viewer waits for it before the main stream is shown
PATIENCE_SECONDS = 5.0
_STABLE_SECONDS = 30.0
# the same failure is written into the journal again after so long
_REMIND_SECONDS = 3600.0
# what a connection is made of; a change of anything else leaves it alone
_OF_CONNECTION = ("sub_url", "transport", "login", "password", "id")

# the journal's sentence for each kind of failure; every other kind: "sub_unusable"
_SENTENCES = {
    "name": "sub_unreachable",
    "refused": "sub_unreachable",
    "timeout": "sub_unreachable",
    "unauthorized": "sub_unauthorized",
    "not_found": "sub_status",
    "status": "sub_status",
    "ended": "sub_ended",
}


class Stage(Enum):
    """How far a second stream is."""

    OFF = auto()  # nobody watches it, or the camera has none
    TRYING = auto()  # being connected, its viewers wait for it
    LATE = auto()  # being connected for longer than its viewers wait
    UP = auto()  # pictures arrive
    LOST = auto()  # it failed, and is tried again later


@dataclass(frozen=True)
class AroundSub:
    """What every second stream is given."""

    feeds: Feeds[Any]
    pictures: Opening
    note: Note
    secrets: Secrets
    reactor: Reactor
    chance: Callable[[], float] = random.random


class SubConnection:
    """One camera's second stream. Its failures are journaled, and change no status of the camera."""

    log = Logger()

    def __init__(self, camera: Camera, around: AroundSub, turned: Callable[[], None]) -> None:
        """`turned()` is called when `stage` is another one."""
        self.camera = camera
        self.stage = Stage.OFF
        self._around = around
        self._turned = turned
        self._backoff = Backoff(around.chance)
        self._holders = 0
        self._closed = False
        self._feed: Feed | None = None
        self._stopping = False
        self._opened: defer.Deferred[None] = defer.succeed(None)
        self._up_since: float | None = None
        self._timer: Any = None  # of patience, then of the next attempt
        self._lingering: Any = None
        self._asking: list[defer.Deferred[bool]] = []
        self._noted: dict[tuple[str, int], float] = {}

    # ── who watches ──

    def hold(self) -> None:
        """Somebody watches: connect, and stay connected until everybody has released it."""
        self._holders += 1
        _cancel(self._lingering)
        if self.stage is Stage.OFF:
            self._try(Stage.TRYING)

    def release(self) -> None:
        """One who held it watches no more."""
        self._holders -= 1
        if not self._holders and not self._closed:
            self._lingering = self._around.reactor.callLater(LINGER_SECONDS, self._disconnect)

    def settled(self) -> defer.Deferred[bool]:
        """Whether its pictures are there, as soon as that is known or the viewers' patience is over."""
        if self.stage is not Stage.TRYING:
            return defer.succeed(self.stage is Stage.UP)
        asking: defer.Deferred[bool] = defer.Deferred()
        self._asking.append(asking)
        return asking

    # ── from the service ──

    async def become(self, camera: Camera) -> None:
        """The camera was changed: what it was connected by before ends at once."""
        former, self.camera = self.camera, camera
        if any(getattr(former, name) != getattr(camera, name) for name in _OF_CONNECTION):
            self._noted.clear()
            await self._disconnect()
            if self._holders and self.stage is Stage.OFF:
                self._try(Stage.LATE)  # its viewers see the main stream already

    async def close(self) -> None:
        """Disconnect for good, within 1 s."""
        self._closed = True
        await self._disconnect()

    # ── connecting ──

    def _try(self, stage: Stage) -> None:
        if self._closed or not self.camera.sub_url:
            return
        if stage is Stage.TRYING:
            self._timer = self._around.reactor.callLater(PATIENCE_SECONDS, self._turn, Stage.LATE)
        self._turn(stage)
        self._open()

    def _open(self) -> None:
        if self._feed is not None:  # the former one is being stopped; at its end this is called again
            return
        camera = self.camera
        self._up_since = None
        self._feed = self._around.feeds.open(
            camera.uid,
            camera.sub_url,
            [],
            self,
            login=camera.login,
            password=password_of(self.camera, self._around.secrets),
            transport=camera.transport,
            label=f"{camera.id}/sub",
        )
        self._opened = self._around.pictures.opened(camera.uid)
        self._opened.addCallbacks(self._is_up, lambda failure: failure.trap(defer.CancelledError))

    def _is_up(self, _: object) -> None:
        self._up_since = self._around.reactor.seconds()
        _cancel(self._timer)
        self._turn(Stage.UP)

    def _disconnect(self) -> defer.Deferred[None]:
        _cancel(self._timer)
        _cancel(self._lingering)
        self._backoff.reset()
        self._opened.cancel()
        self._turn(Stage.OFF)
        if self._feed is None:
            return defer.succeed(None)
        self._stopping = True
        return self._feed.stop()

    def _turn(self, stage: Stage) -> None:
        self.stage = stage
        if stage is not Stage.TRYING:
            asking, self._asking = self._asking, []
            for one in asking:
                one.callback(stage is Stage.UP)
        self._turned()

    # ── from the feed ──

    def began(self, codec: str, width: int, height: int) -> None:
        """Pictures arrive: who waits for them hears of it by the live pictures."""

    def flowed(self, frames_per_second: float, bits_per_second: float) -> None:
        """Figures of the last seconds: nobody asks for them."""

    def remarked(self, code: str, values: dict[str, str]) -> None:
        """Something of interest for who looks for a fault; the main stream's remarks stand in the journal."""
        self.log.debug("camera {number}, sub: {code} {values}", number=self.camera.id, code=code, values=values)

    def ended(self, failure: StreamFailure | None) -> None:
        """The connection is over."""
        self._feed = None
        stopped, self._stopping = self._stopping, False
        if not stopped:
            self._lost(failure or StreamFailure("internal", "", 0))
        elif self.stage in (Stage.TRYING, Stage.LATE):  # wanted again while it was being stopped
            self._open()

    def _lost(self, failure: StreamFailure) -> None:
        self._opened.cancel()
        _cancel(self._timer)
        if self._up_since is not None and self._around.reactor.seconds() - self._up_since >= _STABLE_SECONDS:
            self._backoff.reset()
        self._note_failure(failure)
        self._timer = self._around.reactor.callLater(self._backoff.next(), self._try, Stage.LATE)
        self._turn(Stage.LOST)

    def _note_failure(self, failure: StreamFailure) -> None:
        """Write a failure down, each kind once an hour: viewers come and go."""
        now, key = self._around.reactor.seconds(), (failure.kind, failure.status)
        if key in self._noted and now - self._noted[key] < _REMIND_SECONDS:
            return
        self._noted[key] = now
        values = {
            "number": self.camera.id,
            "name": self.camera.name,
            "address": without_login(self.camera.sub_url),
            "status": failure.status,
            "detail": failure.detail or failure.kind,
        }
        kind = "system" if failure.status >= 300 or failure.kind in ("status", "internal") else "camera"
        self._around.note(kind, sentence_of(failure.kind), values, camera_uid=self.camera.uid)


def sentence_of(kind: str) -> str:
    """The journal's message id for a second stream's failure of this kind."""
    return _SENTENCES.get(kind, "sub_unusable")


def _cancel(timer: Any) -> None:
    if timer is not None and timer.active():
        timer.cancel()
