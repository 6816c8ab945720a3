"""One timer for all players: who waits for the same hundredth of a second is woken in one turn."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any

STEP = 0.01


class Pacer:
    """Wakes players at ticks of STEP seconds. With a hundred players this costs a hundred wake-ups a second at most,
    where a timer a picture would cost thousands."""

    def __init__(self, clock: Any) -> None:
        """`clock` is an IReactorTime."""
        self._clock = clock
        self._waiting: dict[int, list[Callable[[int], None]]] = {}
        self._ticks: list[int] = []
        self._timer: Any = None
        self._timer_tick = 0

    def seconds(self) -> float:
        """The clock's present reading."""
        return float(self._clock.seconds())

    def wake(self, when: float, call: Callable[[int], None]) -> int:
        """Call `call(tick)` at the first tick not before `when` (never in this turn); returns that tick."""
        tick = max(math.ceil(when / STEP - 1e-6), math.floor(self.seconds() / STEP) + 1)
        calls = self._waiting.get(tick)
        if calls is None:
            self._waiting[tick] = [call]
            heapq.heappush(self._ticks, tick)
            if self._timer is None or tick < self._timer_tick:
                self._set_timer()
        else:
            calls.append(call)
        return tick

    def stop(self) -> None:
        """Wake nobody any more."""
        self._waiting.clear()
        self._ticks.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._ticks:
            self._timer_tick = self._ticks[0]
            self._timer = self._clock.callLater(max(0.0, self._timer_tick * STEP - self.seconds()), self._tick)

    def _tick(self) -> None:
        present = self.seconds() / STEP + 1e-6
        self._timer = None
        while self._ticks and self._ticks[0] <= present:
            tick = heapq.heappop(self._ticks)
            for call in self._waiting.pop(tick):
                call(tick)
        if self._timer is None:
            self._set_timer()
