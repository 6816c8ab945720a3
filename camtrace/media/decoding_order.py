"""When a picture is decoded, where the camera only says when it is shown. Pure.

RTP carries one time a picture, that of its showing, while pictures come in the order of decoding. With B-frames the
two differ: picture n is decoded when picture n - depth, in the order of showing, is shown.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

P = TypeVar("P")

_LEARN_FROM = 16  # pictures: no group of B-frames is longer
_DEEPEST = 16  # what H.264 and H.265 allow


class Ordered(NamedTuple, Generic[P]):
    """A picture with its times in ticks.

    `dts` is None for the first ones of a stream with B-frames, and for one that comes when its time is over.
    """

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
        self._latest: deque[int] = deque(maxlen=_DEEPEST)
        self._last: int | None = None

    def add(self, picture: P, pts: int) -> list[Ordered[P]]:
        """The pictures that can go on now."""
        if self._learning is None:
            return [Ordered(picture, self._place(pts), pts)]
        self._learning.append((picture, pts))
        if len(self._learning) < _LEARN_FROM:
            return []
        learnt, self._learning = self._learning, None
        shown = [pts for _, pts in learnt]
        self._depth = max(self._deeper(shown[:place], pts) for place, pts in enumerate(shown))
        return [Ordered(one, self._place(at), at) for one, at in learnt]

    def _place(self, pts: int) -> int | None:
        last = self._last
        if last is not None and not -2 * self._second <= pts - last <= 2 * self._second * (1 + self._depth):
            self._waiting.clear()  # the camera set its clock
            self._latest.clear()
            last = pts - self._depth - 1
        self._latest.append(pts)
        if last is not None and pts <= last:  # its time is over: it lies deeper than any before
            self._depth = max(self._depth, self._deeper(self._latest, pts))
            self._last = last + 1
            return None
        heapq.heappush(self._waiting, pts)
        if len(self._waiting) > self._depth:
            dts = heapq.heappop(self._waiting)
        elif last is None:
            return None
        else:  # they are found to be deeper, or the clock was set: little by little until so many wait
            dts = last
        self._last = dts if last is None else max(dts, last + 1)
        return self._last

    def _deeper(self, decoded: Iterable[int], pts: int) -> int:
        """How many of those decoded before are shown later; one that is shown much later is of another clock."""
        return sum(1 for earlier in decoded if 0 < earlier - pts < 2 * self._second)
