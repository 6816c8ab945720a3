"""How often an address may give a wrong password. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MOST_ADDRESSES = 1000


class Guesses:
    """Counts wrong logins of each address: after `most` within `seconds` it must wait until some are that old.

    Of addresses beyond `MOST_ADDRESSES` the one that is quiet longest is forgotten.
    """

    def __init__(self, now: Callable[[], float], most: int = 30, seconds: float = 60.0) -> None:
        self._now = now
        self._most = most
        self._seconds = seconds
        self._wrong: dict[str, deque[float]] = {}

    def must_wait(self, address: str) -> bool:
        """Whether nothing that comes from here is looked at now."""
        times = self._wrong.get(address)
        if times is None:
            return False
        while times and times[0] <= self._now() - self._seconds:
            times.popleft()
        if not times:
            del self._wrong[address]
        return len(times) >= self._most

    def wrong(self, address: str) -> None:
        """One more wrong login."""
        times = self._wrong.pop(address, None) or deque(maxlen=self._most)
        times.append(self._now())
        self._wrong[address] = times
        if len(self._wrong) > MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
