"""Whether somebody stood before the till, from what was seen to move. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

ANY_ZONE = "*"  # motion of which it is not known where it was
MOTION_SECONDS = 5  # how long one sign of motion stands for: while it lasts there is another within that time


class Sight(Protocol):
    """What the rules ask besides the lines."""

    def applies(self, name: str, at: datetime | None = None) -> bool:
        """Whether a calendar applies then."""

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved before these cameras between the two; None where nobody can tell."""

    def heard(self, start: datetime, stop: datetime) -> bool:
        """Whether the server could hear the tills all the time between the two: silence is none without that."""


class Movements:
    """When something last moved, by camera and zone.

    `can_see`: whether motion of a camera is detected at all. `saw`: whether the camera was there all the time between
    two instants.
    """

    def __init__(
        self,
        can_see: Callable[[int], bool],
        saw: Callable[[int, datetime, datetime], bool] = lambda uid, start, stop: True,
    ) -> None:
        self._can_see = can_see
        self._saw = saw
        self._last: dict[int, dict[str, datetime]] = {}

    def moved(self, camera_uid: int, at: datetime, zones: tuple[str, ...] = ()) -> None:
        """Something moved before a camera, in these zones."""
        known = self._last.setdefault(camera_uid, {})
        for zone in ("", *zones[:20]):
            known[zone] = max(at, known.get(zone, at))
        while len(known) > 100:
            del known[next(iter(known))]

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved between the two; None where none of `cameras` would have shown it."""
        lasts = timedelta(seconds=MOTION_SECONDS)
        able = [uid for uid in cameras if self._can_see(uid)]
        latest = [self._last.get(uid, {}).get(which) for uid in able for which in (zone, ANY_ZONE)]
        if any(moved is not None and moved + lasts >= start for moved in latest):
            return False
        return True if any(self._saw(uid, start, at) for uid in able) else None
