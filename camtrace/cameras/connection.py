"""The life of one camera's connection: try, watch, judge, wait, try again."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from twisted.logger import Logger

from camtrace import clock
from camtrace.backoff import Backoff
from camtrace.cameras.naps import Naps
from camtrace.cameras.ports import Facts, Feed, Feeds, Note, Numbers, Reactor, Recording, S, Secrets
from camtrace.cameras.status import Verdict, judge
from camtrace.cameras.streams import stream_url, without_login
from camtrace.errors import StreamFailure
from camtrace.events import CameraStateChanged
from camtrace.model import Camera, CameraState, Status

log = Logger()

# a connection that lasted so long was a good one: the next failure is tried again at once
_STABLE_SECONDS = 30.0
# the same failure is written into the journal again after so long
_REMIND_SECONDS = 3600.0


def password_of(camera: Camera, secrets: Secrets) -> str:
    """The camera's password in clear; "" for one that cannot be opened."""
    try:
        return secrets.unseal(camera.password)
    except ValueError as error:  # the camera will answer 401, which says what to do: enter it again
        log.error("camera {number}: {error}", number=camera.id, error=error)
        return ""


@dataclass(frozen=True)
class Around(Generic[S]):
    """What every connection is given."""

    feeds: Feeds[S]
    recording: Recording[S]
    facts: Facts
    ids: Numbers
    note: Note
    secrets: Secrets
    reactor: Reactor
    naps: Naps
    chance: Callable[[], float] = random.random


class Connection(Generic[S]):
    """One camera's connection. `state` is what it is worth now; changes of it become facts."""

    def __init__(self, camera: Camera, around: Around[S]) -> None:
        self.camera = camera
        self._around = around
        self._backoff = Backoff(around.chance)
        self._feed: Feed | None = None
        self._timer: Any = None
        self._up_since: float | None = None
        self._stopped = False
        self._noted: dict[tuple[str, int], float] = {}  # failures in the journal, with when they were told last
        self.state = CameraState(camera.uid, Status.INACTIVE, "connecting", clock.now())

    # ── from the service ──

    def start(self) -> None:
        """Connect now."""
        self._cancel_timer()
        if self._feed is not None or self._stopped:
            return
        if self._around.naps.may_rest(self.camera):
            self._become(Verdict(Status.IGNORED, "resting"))
            return
        url = stream_url(self.camera)
        sink = self._around.recording.sink(self.camera)
        if not url:
            self._become(Verdict(Status.IGNORED, "unknown_model"))
        elif sink is None:
            self._become(Verdict(Status.IGNORED, "volume"))
        else:
            self._open(url, sink)

    async def stop(self) -> None:
        """Disconnect; returns within 1 s, and no attempt follows."""
        self._stopped = True
        self._cancel_timer()
        if self._feed is not None:
            await self._feed.stop()

    def reconsider(self) -> None:
        """What ignored it may have changed: try again if it was ignored."""
        if self._feed is None and self.state.status == Status.IGNORED:
            self.start()

    async def look_again(self) -> None:
        """Whether the camera's pictures are needed may have changed: connect it, or let it rest."""
        if self.state.reason == "resting":
            self.start()
        elif self._around.naps.may_rest(self.camera):
            self._cancel_timer()
            if self._feed is not None:
                await self._feed.stop()
            self.start()

    async def restart(self) -> None:
        """Disconnect and look anew at where it records."""
        if self._feed is not None:
            await self._feed.stop()
        self.start()

    def _open(self, url: str, sink: S) -> None:
        camera = self.camera
        if self.state.status == Status.IGNORED:
            self._become(Verdict(Status.INACTIVE, "connecting"))
        self._up_since = None
        self._feed = self._around.feeds.open(
            camera.uid,
            url,
            [sink],
            self,
            login=camera.login,
            password=password_of(self.camera, self._around.secrets),
            transport=camera.transport,
            codec=camera.codec,
            label=str(camera.id),
        )

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # ── from the feed ──

    def began(self, codec: str, width: int, height: int) -> None:
        """Pictures arrive."""
        if self._up_since is None:
            self._up_since = self._around.reactor.seconds()
        was = self.state
        self._become(Verdict(Status.ACTIVE, ""), codec=codec, width=width, height=height)
        if was.status != Status.ACTIVE and not self._noted:
            self._note_back()

    def flowed(self, frames_per_second: float, bits_per_second: float) -> None:
        """Figures of the last seconds; no fact, only shown."""
        self.state = replace(self.state, frames_per_second=frames_per_second, bits_per_second=bits_per_second)
        if self._noted and self._is_stable():  # a camera that breaks off after each picture is not back
            self._noted.clear()
            self._note_back()

    def remarked(self, code: str, values: dict[str, str]) -> None:
        """Something worth a line in the journal."""
        self._note("camera", f"camera_{code}", values)

    def ended(self, failure: StreamFailure | None) -> None:
        """The connection is over."""
        self._feed = None
        if self._stopped or failure is None:
            return
        self._around.recording.camera_down(self.camera.uid)
        if self._is_stable():
            self._backoff.reset()
            self._noted.clear()
        self._timer = self._around.reactor.callLater(self._backoff.next(), self.start)
        self._become(judge(failure))
        self._note_failure(failure)

    # ── facts ──

    def _become(self, verdict: Verdict, **figures: Any) -> None:
        was = self.state
        same = (was.status, was.reason, was.detail) == verdict
        since = was.since if same else clock.now()
        if verdict.status == Status.ACTIVE and same:
            self.state = replace(was, **figures)
            return
        self.state = CameraState(self.camera.uid, *verdict[:2], since, verdict.detail, **figures)
        if not same:
            fact = CameraStateChanged(self._around.ids.next(), self.state)
            self._around.facts.record(fact).addErrback(
                lambda reason: log.failure("a state of camera {number} was lost", reason, number=self.camera.id)
            )

    def _is_stable(self) -> bool:
        up = self._up_since
        return up is not None and self._around.reactor.seconds() - up >= _STABLE_SECONDS

    def _note_back(self) -> None:
        state = self.state
        self._note("camera", "camera_back", {"codec": state.codec, "width": state.width, "height": state.height})

    def _note_failure(self, failure: StreamFailure) -> None:
        """Write a failure down when it is another one than before, and each at most once an hour while they last."""
        now, key = self._around.reactor.seconds(), (failure.kind, failure.status)
        if now - self._noted.get(key, float("-inf")) < _REMIND_SECONDS:
            return
        self._noted[key] = now
        values = {
            "address": without_login(stream_url(self.camera)),
            "host": failure.host,
            "port": failure.port,
            "status": failure.status,
            "detail": failure.detail,
        }
        kind = "system" if failure.status >= 300 or failure.kind in ("status", "internal") else "camera"
        self._note(kind, f"camera_lost_{failure.kind}", values)

    def _note(self, kind: str, text: str, values: Mapping[str, Any]) -> None:
        named = {"number": self.camera.id, "name": self.camera.name, **values}
        self._around.note(kind, text, named, camera_uid=self.camera.uid)
