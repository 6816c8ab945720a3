"""Whether somebody stood before the till, from what was seen to move. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from camtrace.model import Span

ANY_ZONE = "*"  # motion of which it is not known where it was
MOTION_SECONDS = 5  # how long one sign of motion stands for: while it lasts there is another within that time
LASTS = timedelta(seconds=MOTION_SECONDS)
MOST_SPANS = 200  # of a zone: together with what lies between them longer than any rule looks back
MOST_ZONES = 100  # of a camera


class Sight(Protocol):
    """What the rules ask besides the lines."""

    def applies(self, name: str, at: datetime | None = None) -> bool:
        """Whether a calendar applies then."""

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved before these cameras between the two; None where nobody can tell."""

    def heard(self, start: datetime, stop: datetime) -> bool:
        """Whether the server could hear the tills all the time between the two: silence is none without that."""

    def offset(self, source: str) -> timedelta:
        """How much later than its lines the picture of a till shows what they tell of; negative: earlier."""


class Movements:
    """When something moved, by camera and zone: the latest spans of it.

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
        self._seen: dict[int, dict[str, list[Span]]] = {}

    def moved(self, camera_uid: int, at: datetime, zones: tuple[str, ...] = ()) -> None:
        """Something moved before a camera, in these zones."""
        known = self._seen.setdefault(camera_uid, {})
        for zone in ("", *zones[:20]):
            spans = known.setdefault(zone, [])
            _put(spans, at)
            del spans[:-MOST_SPANS]
        while len(known) > MOST_ZONES:
            del known[next(zone for zone in known if zone)]

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        """Whether nothing moved between the two; None where none of `cameras` would have shown it."""
        able = [uid for uid in cameras if self._can_see(uid)]
        spans = [span for uid in able for each in (zone, ANY_ZONE) for span in self._seen.get(uid, {}).get(each, ())]
        if any(span.start <= at and span.stop + LASTS >= start for span in spans):
            return False
        return True if any(self._saw(uid, start, at) for uid in able) else None


def _put(spans: list[Span], at: datetime) -> None:
    """Take an instant into spans in order; those no further apart than a sign of motion lasts are one."""
    place = bisect_right(spans, at, key=lambda span: span.start)
    start = stop = at
    if place < len(spans) and spans[place].start <= at + LASTS:
        stop = spans.pop(place).stop
    if place and at <= spans[place - 1].stop + LASTS:
        place -= 1
        before = spans.pop(place)
        start, stop = before.start, max(before.stop, stop)
    spans.insert(place, Span(start, stop))
