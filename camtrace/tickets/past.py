"""Lines that were said before, with what moved meanwhile: read again for rules that are tried or taken up."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta

from camtrace.model import Camera, Line, Span
from camtrace.tickets.interruptions import Interruptions
from camtrace.tickets.movements import Movements
from camtrace.tickets.ports import Calendars, Cameras, Disturbances, Lines, Motions, Offset

PAGE = 250  # what is heard in one go: nobody waits for the reactor longer than that takes
MOST_MOTIONS = 20_000


class Sight:
    """What the rules ask besides the lines, from the calendars and from what was seen to move.

    `offset`: how much later than the lines of a till the picture shows what they tell of.
    """

    def __init__(self, calendars: Calendars, cameras: Cameras, offset: Offset) -> None:
        self._calendars = calendars
        self._cameras = cameras
        self.offset = offset
        self._movements = Movements(self.can_see, self._saw)
        self._outages = Interruptions()
        self._losses: dict[int, Interruptions] = {}

    def applies(self, name: str, at: datetime | None = None) -> bool:
        """Whether a calendar applies then."""
        return self._calendars.applies(name, at)

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved before these cameras between the two; None where nobody can tell."""
        return self._movements.still(cameras, zone, start, at)

    def moved(self, camera_uid: int, at: datetime, zones: str) -> None:
        """Something moved before a camera, in these zones, separated by commas."""
        self._movements.moved(camera_uid, at, tuple(filter(None, zones.split(", "))))

    def heard(self, start: datetime, stop: datetime) -> bool:
        """Whether the server could hear the tills all the time between the two."""
        return not self._outages.touch(start, stop)

    def interrupted(self, outages: Iterable[Span], losses: Iterable[tuple[int, Span]]) -> None:
        """When the server did not run, and which camera was lost when: all of it at once, in any order."""
        self._outages = Interruptions(outages)
        spans: dict[int, list[Span]] = {}
        for uid, span in losses:
            spans.setdefault(uid, []).append(span)
        self._losses = {uid: Interruptions(each) for uid, each in spans.items()}

    def lost(self, camera_uid: int, at: datetime) -> None:
        """A camera shows nothing from now on."""
        self._losses.setdefault(camera_uid, Interruptions()).begin(at)

    def back(self, camera_uid: int, at: datetime) -> None:
        """A camera shows something again."""
        if camera_uid in self._losses:
            self._losses[camera_uid].end(at)

    def _saw(self, camera_uid: int, start: datetime, at: datetime) -> bool:
        losses = self._losses.get(camera_uid)
        return self.heard(start, at) and (losses is None or not losses.touch(start, at))

    def can_see(self, camera_uid: int) -> bool:
        """Whether motion before this camera is detected, as it is set now."""
        camera = self._cameras.by_uid(camera_uid)
        return camera is not None and _detects(camera)


class Past:
    """Reads lines in pages."""

    def __init__(self, lines: Lines, motions: Motions, disturbances: Disturbances) -> None:
        self._lines = lines
        self._motions = motions
        self._disturbances = disturbances

    async def interruptions(self, sight: Sight, start: datetime, stop: datetime, starting: bool = False) -> list[Span]:
        """Tell `sight` what was not known in [start, stop]; returns when the server did not run.

        `starting`: it does not run yet at `stop`. Raises DatabaseUnavailable.
        """
        outages = await self._disturbances.outages(start, stop, starting)
        sight.interrupted(outages, await self._disturbances.losses(start, stop))
        return outages

    async def pages(
        self, start: datetime, stop: datetime, moved: Callable[[int, datetime, str], None] | None
    ) -> AsyncIterator[list[Callable[[], Line]]]:
        """Lines of [start, stop], oldest first. Calling an item tells `moved` what moved before it and gives the line.

        What moved behind the last line is told at the end. Raises DatabaseUnavailable.
        """
        after: tuple[datetime, int] | None = None
        until = start - timedelta(hours=1)
        seen: deque[tuple[datetime, int, str]] = deque()

        def tell(at: datetime) -> None:
            while moved is not None and seen and seen[0][0] <= at:
                moved_at, uid, zones = seen.popleft()
                moved(uid, moved_at, zones)

        def teller(line: Line) -> Callable[[], Line]:
            def say() -> Line:
                tell(line.received_at)
                return line

            return say

        while True:
            page = await self._lines.said(start, stop, after, PAGE)
            last = page[-1].received_at if len(page) == PAGE else stop
            while moved is not None:
                found = await self._motions.motions(until, last, MOST_MOTIONS)
                seen.extend(found)
                if len(found) < MOST_MOTIONS:
                    until = last
                    break
                until = found[-1][0]
            yield [teller(line) for line in page]
            if len(page) < PAGE:
                tell(stop)
                return
            after = page[-1].received_at, page[-1].id

    async def begin(self, start: datetime, most: int) -> datetime:
        """`start`, or later: behind it are at most `most` lines."""
        limit = await self._lines.instant_of_newest(most)
        return start if limit is None else max(start, limit)


def _detects(camera: Camera) -> bool:
    return camera.motion.enabled or (camera.events.enabled and camera.events.motion)
