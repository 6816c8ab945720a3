"""How long to wait before something that failed is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0


class Backoff:
    """Delays between attempts: doubling from 1 s to 60 s, each a quarter more or less, so that devices spread."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._next = FIRST_DELAY

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        delay, self._next = self._next, min(self._next * 2, LONGEST_DELAY)
        return min(LONGEST_DELAY, delay * (0.75 + self._chance() / 2))

    def reset(self) -> None:
        """The last attempt was a good one."""
        self._next = FIRST_DELAY
