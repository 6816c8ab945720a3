"""One timer for all players: who waits for the same hundredth of a second is woken in one turn."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

STEP = 0.01
_ROUNDING = 1e-6  # of a step: what a product of floating point may miss a whole number by


class Pacer:
    """Wakes players at ticks of STEP seconds. With a hundred players this costs a hundred wake-ups a second at most,
    where a timer a picture would cost thousands.

    A call that raises is logged; the others of its tick are made all the same, and the timer goes on.
    """

    log = Logger()

    def __init__(self, clock: Any) -> None:
        """`clock` is an IReactorTime."""
        self._clock = clock
        self._waiting: dict[int, list[Callable[[int], None]]] = {}
        self._ticks: list[int] = []
        self._due: list[Callable[[int], None]] = []  # the calls of the tick under way
        self._ticking = False
        self._timer: Any = None
        self._timer_tick = 0

    def seconds(self) -> float:
        """The clock's present reading."""
        return float(self._clock.seconds())

    def wake(self, when: float, call: Callable[[int], None]) -> int:
        """Call `call(tick)` at the first tick not before `when` (never in this turn); returns that tick."""
        tick = max(math.ceil(when / STEP - _ROUNDING), self._present() + 1)
        calls = self._waiting.get(tick)
        if calls is None:
            self._waiting[tick] = [call]
            heapq.heappush(self._ticks, tick)
            if not self._ticking and (self._timer is None or tick < self._timer_tick):
                self._set_timer()
        else:
            calls.append(call)
        return tick

    def stop(self) -> None:
        """Wake nobody any more, not even in the tick under way."""
        self._waiting.clear()
        self._ticks.clear()
        self._due.clear()
        self._set_timer()

    def _present(self) -> int:
        """The last tick that has come."""
        return math.floor(self.seconds() / STEP + _ROUNDING)

    def _set_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._ticks:
            self._timer_tick = self._ticks[0]
            self._timer = self._clock.callLater(max(0.0, self._timer_tick * STEP - self.seconds()), self._tick)

    def _tick(self) -> None:
        present = self._present()
        self._ticking = True
        try:
            while self._ticks and self._ticks[0] <= present:
                tick = heapq.heappop(self._ticks)
                self._due = self._waiting.pop(tick)
                for call in self._due:
                    self._call(call, tick)
        finally:
            self._ticking = False
            self._set_timer()

    def _call(self, call: Callable[[int], None], tick: int) -> None:
        try:
            call(tick)
        except Exception:
            self.log.failure("waking a player failed")
