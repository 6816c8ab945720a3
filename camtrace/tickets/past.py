"""Lines that were said before, with what moved meanwhile: read again for rules that are tried or taken up."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from camtrace.model import Camera, Line
from camtrace.tickets.movements import Movements
from camtrace.tickets.ports import Calendars, Cameras, Lines, Motions

PAGE = 250  # what is heard in one go: nobody waits for the reactor longer than that takes
MOST_MOTIONS = 20_000


class Sight:
    """What the rules ask besides the lines, from the calendars and from what was seen to move."""

    def __init__(self, calendars: Calendars, cameras: Cameras) -> None:
        self._calendars = calendars
        self._cameras = cameras
        self._movements = Movements(self.can_see)

    def applies(self, name: str, at: datetime | None = None) -> bool:
        """Whether a calendar applies then."""
        return self._calendars.applies(name, at)

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved before these cameras between the two; None where nobody can tell."""
        return self._movements.still(cameras, zone, start, at)

    def moved(self, camera_uid: int, at: datetime, zones: str) -> None:
        """Something moved before a camera, in these zones, separated by commas."""
        self._movements.moved(camera_uid, at, tuple(filter(None, zones.split(", "))))

    def can_see(self, camera_uid: int) -> bool:
        """Whether motion before this camera is detected, as it is set now."""
        camera = self._cameras.by_uid(camera_uid)
        return camera is not None and _detects(camera)


class Past:
    """Reads lines in pages."""

    def __init__(self, lines: Lines, motions: Motions) -> None:
        self._lines = lines
        self._motions = motions

    async def pages(
        self, start: datetime, stop: datetime, moved: Callable[[int, datetime, str], None] | None
    ) -> AsyncIterator[list[Callable[[], Line]]]:
        """Lines of [start, stop], oldest first. Calling an item tells `moved` what moved before it and gives the line.

        Raises DatabaseUnavailable.
        """
        after: tuple[datetime, int] | None = None
        until = start - timedelta(hours=1)
        seen: deque[tuple[datetime, int, str]] = deque()

        def teller(line: Line) -> Callable[[], Line]:
            def tell() -> Line:
                while moved is not None and seen and seen[0][0] <= line.received_at:
                    at, uid, zones = seen.popleft()
                    moved(uid, at, zones)
                return line

            return tell

        while True:
            page = await self._lines.said(start, stop, after, PAGE)
            if not page:
                return
            while moved is not None:
                found = await self._motions.motions(until, page[-1].received_at, MOST_MOTIONS)
                seen.extend(found)
                if len(found) < MOST_MOTIONS:
                    until = page[-1].received_at
                    break
                until = found[-1][0]
            yield [teller(line) for line in page]
            if len(page) < PAGE:
                return
            after = page[-1].received_at, page[-1].id

    async def begin(self, start: datetime, most: int) -> datetime:
        """`start`, or later: behind it are at most `most` lines."""
        limit = await self._lines.instant_of_newest(most)
        return start if limit is None else max(start, limit)


def _detects(camera: Camera) -> bool:
    return camera.motion.enabled or (camera.events.enabled and camera.events.motion)
