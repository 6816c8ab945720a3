"""What an alarm looked like, for its mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from camtrace import clock
from camtrace.mail.ports import AlarmPictures, CameraBook, Live, Recorded
from camtrace.model import Alarm, Camera

NOW = timedelta(seconds=2)  # so long the newest picture is that of an instant
JUST_NOW = timedelta(seconds=15)  # so long it is better than none, where nothing is recorded


class Stills:
    """The picture that came with an alarm; else that of the instant, which is the newest one or was recorded."""

    def __init__(
        self,
        pictures: AlarmPictures,
        live: Live,
        recorded: Recorded,
        cameras: CameraBook,
        is_recorded: Callable[[Camera], bool],
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._pictures = pictures
        self._live = live
        self._recorded = recorded
        self._cameras = cameras
        self._is_recorded = is_recorded
        self._now = now

    async def picture(self, alarm: Alarm, at: datetime) -> bytes | None:
        """JPEG; None while there is none. What is recorded reaches the disk some seconds later: ask again."""
        came, uid = self._pictures.of(alarm.id), alarm.camera_uid
        if came is not None:
            return came
        age = self._now() - at
        if age < NOW:
            return await self._live.picture(uid)
        camera = self._cameras.by_uid(uid)
        if camera is None:
            return None
        recorded = await self._recorded.picture(camera, at)
        if recorded is not None or self._is_recorded(camera) or age >= JUST_NOW:
            return recorded
        return await self._live.picture(uid)
