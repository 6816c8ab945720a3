"""Cameras that are connected only while somebody looks at them or they are recorded: "stop streams automatically"."""

from __future__ import annotations

from collections.abc import Callable

from camtrace.model import Camera

# how long a connection that nobody needs any more is kept: people change pages, alarms follow each other
REST_SECONDS = 15.0


class Naps:
    """Says which cameras need no connection now. `is_needed(camera)`: whether anybody wants its pictures."""

    def __init__(self, is_needed: Callable[[Camera], bool], seconds: Callable[[], float]) -> None:
        self._is_needed = is_needed
        self._seconds = seconds
        self._needed_at: dict[int, float] = {}

    def may_rest(self, camera: Camera) -> bool:
        """Whether the camera is to have no connection now."""
        if not camera.stop_streams_automatically:
            return False
        now = self._seconds()
        if self._is_needed(camera):
            self._needed_at[camera.uid] = now
            return False
        return now - self._needed_at.get(camera.uid, float("-inf")) >= REST_SECONDS

    def forget(self, camera_uid: int) -> None:
        """The camera was deleted."""
        self._needed_at.pop(camera_uid, None)
