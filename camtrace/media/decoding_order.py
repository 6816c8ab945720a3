"""When a picture is decoded, where the camera only says when it is shown. Pure.

RTP carries one time a picture, that of its showing, while pictures come in the order of decoding. With B-frames the
two differ: picture n is decoded when picture n - depth, in the order of showing, is shown.
"""

from __future__ import annotations

import heapq
from typing import Generic, NamedTuple, TypeVar

P = TypeVar("P")

_LEARN_FROM = 16  # pictures: no group of B-frames is longer
_DEEPEST = 16  # what H.264 and H.265 allow


class Ordered(NamedTuple, Generic[P]):
    """A picture with its times in ticks; `dts` is None for the first ones of a stream with B-frames."""

    picture: P
    dts: int | None
    pts: int


class DecodingOrder(Generic[P]):
    """Gives the pictures of one stream their dts.

    `reorders`: the decoder says that there are B-frames; then the first pictures are held until it is clear how deep
    they are. A stream that has them without saying so is found out at the first one. `second`: in ticks.
    """

    def __init__(self, reorders: bool, second: int = 90_000) -> None:
        self._learning: list[tuple[P, int]] | None = [] if reorders else None
        self._second = second
        self._depth = 0
        self._waiting: list[int] = []
        self._last: int | None = None

    def add(self, picture: P, pts: int) -> list[Ordered[P]]:
        """The pictures that can go on now."""
        if self._learning is None:
            return [Ordered(picture, self._place(pts), pts)]
        self._learning.append((picture, pts))
        if len(self._learning) < _LEARN_FROM:
            return []
        learnt, self._learning = self._learning, None
        self._depth = _depth([pts for _, pts in learnt])
        return [Ordered(one, self._place(at), at) for one, at in learnt]

    def _place(self, pts: int) -> int | None:
        last = self._last
        if last is not None and abs(pts - last) > 2 * self._second:  # the camera set its clock
            self._waiting.clear()
            last = None
        if not self._depth and (last is None or pts > last):
            self._last = pts
            return pts
        heapq.heappush(self._waiting, pts)
        if last is not None and self._waiting[0] <= last and self._depth < _DEEPEST:
            self._depth += 1
        if len(self._waiting) <= self._depth:
            return None
        self._last = heapq.heappop(self._waiting)
        return self._last


def _depth(shown: list[int]) -> int:
    """How many pictures shown later are decoded before one, at most."""
    deepest = 0
    for place, pts in enumerate(shown):
        deepest = max(deepest, sum(1 for earlier in shown[:place] if earlier > pts))
    return min(deepest, _DEEPEST)
