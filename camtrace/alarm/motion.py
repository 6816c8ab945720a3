"""What the server itself sees move becomes alarms, and is shown to who sets it up."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from camtrace import clock
from camtrace.alarm.ports import Cameras, Detection, Raise, SecondStreams
from camtrace.model import Camera, MotionSettings, Moved

CAUSE = "motion"
# while something moves its alarm is prolonged after half of what it records at least, and no more often than that
MOST_SECONDS, LEAST_SECONDS = 5.0, 1.0


class MotionAlarms:
    """Raises an alarm when motion begins, and prolongs it while it lasts. Follows the cameras' settings at once."""

    def __init__(
        self, cameras: Cameras, detection: Detection, second_streams: SecondStreams, raise_alarm: Raise
    ) -> None:
        self._cameras = cameras
        self._detection = detection
        self._second_streams = second_streams
        self._raise = raise_alarm
        self._watches: dict[int, _Watch] = {}
        self._running = False

    async def start(self) -> None:
        """Look at the cameras that are set so."""
        self._running = True
        self.refresh()

    async def stop(self) -> None:
        """Look at none any more."""
        self._running = False
        for uid in tuple(self._watches):
            self._watches.pop(uid).stop()

    def refresh(self) -> None:
        """Cameras were added, changed or deleted."""
        if not self._running:
            return
        wanted = {camera.uid: camera for camera in self._cameras.all() if camera.motion.enabled}
        for uid, watch in tuple(self._watches.items()):
            if uid not in wanted or wanted[uid].motion != watch.settings:
                self._watches.pop(uid).stop()
        for uid, camera in wanted.items():
            if uid not in self._watches:
                self._watches[uid] = _Watch(camera, self._begin, self._cameras, self._raise)

    def subscribe(
        self, camera_uid: int, listener: Callable[[Moved], object], settings: MotionSettings
    ) -> Callable[[], None]:
        """Tell `listener` what is seen by these settings, which need not be the camera's; returns what ends it."""
        return self._begin(camera_uid, settings, listener)

    def _begin(
        self, camera_uid: int, settings: MotionSettings, listener: Callable[[Moved], object]
    ) -> Callable[[], None]:
        release = self._second_streams.hold(camera_uid)
        leave = self._detection.watch(camera_uid, settings, listener)

        def stop() -> None:
            leave()
            release()

        return stop


class _Watch:
    """One camera's motion, as it is set."""

    log = Logger()

    def __init__(
        self,
        camera: Camera,
        begin: Callable[[int, MotionSettings, Callable[[Moved], object]], Callable[[], None]],
        cameras: Cameras,
        raise_alarm: Raise,
    ) -> None:
        self.settings = camera.motion
        self._cameras = cameras
        self._raise = raise_alarm
        self._raised_us: int | None = None  # the motion's last trigger; None while nothing moves
        self.stop = begin(camera.uid, camera.motion, self._moved)

    def _moved(self, moved: Moved) -> None:
        camera = self._cameras.by_uid(moved.camera_uid)
        if not moved.motion or camera is None:
            self._raised_us = None
            return
        if self._raised_us is not None and 0 <= moved.at_us - self._raised_us < _interval(camera) * 1e6:
            return
        self._raised_us = moved.at_us
        raised = self._raise([camera], CAUSE, message=", ".join(moved.zones), at=clock.from_us(moved.at_us))
        raised.addErrback(
            lambda failure: self.log.failure("motion on camera {number} was lost", failure, number=camera.id)
        )


def _interval(camera: Camera) -> float:
    return min(max(camera.alarm.post_seconds / 2, LEAST_SECONDS), MOST_SECONDS)
