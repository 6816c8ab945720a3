"""Motion detection of all cameras: jobs that decode a few pictures a second and look at them. On the reactor.

Nothing is decoded of a camera while nobody wants to know. When jobs come too late, the camera's key frames alone are
looked at for a while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace import clock
from camtrace.media.motion_sink import MotionSink
from camtrace.media.small_pictures import SmallPictures
from camtrace.metrics import Metrics
from camtrace.model import MotionSettings, Moved
from camtrace.pools import Inbox

if TYPE_CHECKING:
    from types import ModuleType

    from camtrace.media.motion import Detector

Listener = Callable[[Moved], object]

# a job whose result comes so late means that there is too much to do
LATE_SECONDS = 1.5
# how long key frames alone are looked at then; twice as long each time it did not help
EASE_SECONDS = 30.0
EASE_MOST_SECONDS = 960.0


class Pools(Protocol):
    """Where jobs are done: `pools.Pools`."""

    def job(self, function: Callable[..., Any], *args: Any) -> defer.Deferred[Any]: ...
    def inbox(self, receive: Callable[[list[Any]], Any], limit: int = 1000) -> Inbox[Any]: ...


class Sinks:
    """Where the packets of the cameras' main streams go, or of their second ones."""

    def __init__(self, sink: Callable[[int], MotionSink]) -> None:
        self.sink = sink


class MotionDetection:
    """Tells what moves. `main` and `sub` take the packets of the main and of the second streams.

    The second stream is looked at while there is one. `stalled(uid)` is called when one that is connected brings
    nothing more, and the main stream is looked at instead. `at_once`: so many jobs of the pool at most.
    """

    log = Logger()

    def __init__(
        self,
        pools: Pools,
        metrics: Metrics,
        stalled: Callable[[int], object] = lambda uid: None,
        at_once: int = 2,
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._pools = pools
        self._metrics = metrics
        self._stalled = stalled
        self._free = at_once
        self._seconds = seconds
        self._inbox = pools.inbox(self._receive)
        self._eyes: dict[int, _Eye] = {}
        self._due: deque[_Eye] = deque()
        self._loading: defer.Deferred[Any] | None = None
        self._detector_of: Callable[[MotionSettings], Detector] | None = None
        self.main = Sinks(lambda uid: self._eye(uid).main)
        self.sub = Sinks(lambda uid: self._eye(uid).sub)

    def watch(self, camera_uid: int, settings: MotionSettings, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of every picture looked at, with these settings, until the call that is returned."""
        eye = self._eye(camera_uid)
        look = _Look(settings, listener)
        self._load()
        eye.looks.append(look)
        eye.want()

        def stop() -> None:
            if look in eye.looks:
                eye.looks.remove(look)
                eye.want()

        return stop

    def forget(self, camera_uid: int) -> None:
        """The camera was deleted."""
        eye = self._eyes.pop(camera_uid, None)
        if eye is not None:
            eye.looks.clear()
            eye.want()

    def figures(self) -> list[tuple[dict[str, str], float]]:
        """How many cameras are looked at, picture by picture or by key frames, for the metrics."""
        open_eyes = [eye for eye in self._eyes.values() if eye.looks]
        eased = sum(eye.eased_until is not None for eye in open_eyes)
        return [({"pictures": "all"}, len(open_eyes) - eased), ({"pictures": "key_frames"}, eased)]

    def dropped(self) -> list[tuple[dict[str, str], float]]:
        """Packets that were not looked at for want of time, for the metrics."""
        return [({}, sum(sink.dropped for eye in self._eyes.values() for sink in (eye.main, eye.sub)))]

    def _eye(self, uid: int) -> _Eye:
        if uid not in self._eyes:
            self._eyes[uid] = _Eye(uid, self._inbox.put)
        return self._eyes[uid]

    # ── turns ──

    def _load(self) -> None:
        if self._loading is None:
            self._loading = self._pools.job(_load)
            self._loading.addCallbacks(self._loaded, self._cannot_load)

    def _loaded(self, motion: ModuleType) -> None:
        self._detector_of = motion.Detector
        self._go_on()

    def _cannot_load(self, failure: Failure) -> None:
        self._loading = None  # the next one who wants to know tries again
        self.log.failure("motion cannot be detected", failure)

    def _receive(self, eyes: list[_Eye]) -> None:
        for eye in eyes:
            if eye.busy:
                eye.again = True
            elif eye.looks:
                eye.busy = True
                self._due.append(eye)
        self._go_on()

    def _go_on(self) -> None:
        while self._free > 0 and self._due and self._detector_of is not None:
            eye = self._due.popleft()
            if not eye.looks:  # nobody wants to know any more
                eye.busy = False
                continue
            self._free -= 1
            asked = self._seconds()
            looks = tuple(eye.looks)
            self._pools.job(eye.look, looks, self._detector_of).addBoth(self._done, eye, asked)

    def _done(self, result: Any, eye: _Eye, asked: float) -> None:
        self._free += 1
        eye.busy = False
        if isinstance(result, Failure):
            self._failed(result, eye)
        else:
            pictures, told = result
            self._metrics.add("camtrace_motion_pictures_total", pictures)
            for look, moved in told:
                self._tell(eye, look, moved)
            if eye.has_stalled():
                self._stalled(eye.uid)
        self._judge_pace(eye, self._seconds() - asked, isinstance(result, Failure))
        again, eye.again = eye.again, False
        self._receive([eye] if again else [])

    def _tell(self, eye: _Eye, look: _Look, moved: Moved) -> None:
        if look not in eye.looks:  # it wants to know no more
            return
        try:
            look.listener(moved)
        except Exception:
            self.log.failure("a listener to motion failed")

    def _failed(self, failure: Failure, eye: _Eye) -> None:
        self._metrics.add("camtrace_motion_failures_total")
        if not eye.complained:  # the next one is like it
            eye.complained = True
            self.log.failure("motion detection of the camera with the uid {uid} failed", failure, uid=eye.uid)

    def _judge_pace(self, eye: _Eye, took: float, failed: bool) -> None:
        now = self._seconds()
        if eye.is_short(took, failed):
            if eye.ease(now):
                self._metrics.add("camtrace_motion_eased_total")
        elif eye.eased_until is not None and now >= eye.eased_until:
            eye.look_at_all(now)


class _Look:
    """Somebody who wants to know, by settings of their own."""

    def __init__(self, settings: MotionSettings, listener: Listener) -> None:
        self.settings = settings
        self.listener = listener
        self.detector: Detector | None = None  # used in jobs only


class _Eye:
    """What looks at one camera."""

    def __init__(self, uid: int, put: Callable[[_Eye], object]) -> None:
        self.uid = uid
        self.sub = MotionSink(lambda: put(self))
        self.main = MotionSink(lambda: put(self), overshadowed=self.sub.flows_at)
        self.looks: list[_Look] = []
        self.busy = self.again = False
        self.complained = False
        self.eased_until: float | None = None
        self._ease_seconds = EASE_SECONDS
        self._relaxed_at = 0.0
        self._wanted = False
        self._dropped = 0
        self._decoders: dict[MotionSink, SmallPictures] = {}  # both used in jobs only, one at a time
        self._looked_at: MotionSink | None = None
        self._stalls = self._stalls_told = 0  # of the second stream

    def want(self) -> None:
        """Packets are kept while somebody wants to know."""
        wanted = bool(self.looks)
        if wanted != self._wanted:
            self._wanted = wanted
            for sink in (self.main, self.sub):
                sink.want(wanted)

    def has_stalled(self) -> bool:
        """Whether the second stream has stalled since this was asked for the last time."""
        told, self._stalls_told = self._stalls_told, self._stalls
        return self._stalls_told > told

    # ── pace ──

    def is_short(self, took: float, failed: bool) -> bool:
        """Whether the last job came too late, or could not keep up."""
        lost = self.main.dropped + self.sub.dropped - self._dropped
        self._dropped += lost
        return failed or took > LATE_SECONDS or (lost > 0 and self.eased_until is None)

    def ease(self, now: float) -> bool:
        """Key frames only, for a while; False when it is so already, and lasts longer."""
        began = self.eased_until is None
        if began and now - self._relaxed_at < 2 * EASE_SECONDS and self._relaxed_at:
            self._ease_seconds = min(self._ease_seconds * 2, EASE_MOST_SECONDS)
        elif began:
            self._ease_seconds = EASE_SECONDS
        self.eased_until = now + self._ease_seconds
        if began:
            for sink in (self.main, self.sub):
                sink.want_key_frames(True)
        return began

    def look_at_all(self, now: float) -> None:
        """All pictures again."""
        self.eased_until, self._relaxed_at = None, now
        for sink in (self.main, self.sub):
            sink.want_key_frames(False)

    # ── in a job ──

    def look(
        self, looks: tuple[_Look, ...], detector_of: Callable[[MotionSettings], Detector]
    ) -> tuple[int, list[tuple[_Look, Moved]]]:
        """Look at what waits: how many pictures there were, and what there is to tell."""
        pictures, told = 0, []
        for sink in (self.sub, self.main):
            taken = sink.take()
            if taken is None:
                continue
            if sink is not self._looked_at:  # which may show a little more, or less
                self._stalls += sink is self.main and self.sub.has_stalled(taken.packets[-1].at_us)
                self._looked_at = sink
                for look in looks:
                    look.detector = None
            if taken.begin or taken.single or sink not in self._decoders:
                self._decoders[sink] = SmallPictures(taken.track)
            for picture, at_us in self._decoders[sink].of(taken.packets, all=taken.single):
                pictures += 1
                for look in looks:
                    if look.detector is None:
                        look.detector = detector_of(look.settings)
                    told.append((look, Moved(self.uid, at_us, *look.detector.see(picture, at_us))))
            if taken.single:
                del self._decoders[sink]
        return pictures, told


def _load() -> ModuleType:
    """The detector and OpenCV under it: a server that detects no motion does without these 20 MB."""
    from camtrace.media import motion

    return motion
