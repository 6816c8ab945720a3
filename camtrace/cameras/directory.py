"""The existing cameras by number, by uid and by the source they watch, from memory."""

from __future__ import annotations

from collections.abc import Iterable

from camtrace.cameras.ports import CameraRows
from camtrace.model import Camera


class Directory:
    """What the database holds of cameras, as of the last `load`."""

    def __init__(self, rows: CameraRows) -> None:
        self._rows = rows
        self._cameras: dict[int, Camera] = {}
        self._watching: dict[str, tuple[int, ...]] = {}

    async def load(self) -> None:
        """Read the cameras from the database. Raises DatabaseUnavailable, and keeps what it knew."""
        self._cameras = {camera.uid: camera for camera in await self._rows.all() if camera.deleted_at is None}
        self._watching = _by_source(self.all())

    def by_id(self, id: int) -> Camera | None:
        """The existing camera with this public number."""
        return next((camera for camera in self._cameras.values() if camera.id == id), None)

    def by_uid(self, uid: int) -> Camera | None:
        """The existing camera with this uid."""
        return self._cameras.get(uid)

    def all(self) -> list[Camera]:
        """Existing cameras, by number."""
        return sorted(self._cameras.values(), key=lambda camera: camera.id)

    def watching(self, source: str) -> tuple[int, ...]:
        """Uids of the cameras that watch this till or other source, by number."""
        return self._watching.get(source, ())


def _by_source(cameras: Iterable[Camera]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for camera in cameras:
        for source in dict.fromkeys(camera.overlay_ids):
            found[source] = (*found.get(source, ()), camera.uid)
    return found
