"""How much of what devices say may wait to become durable: about as much as does in a second.

A server that is killed loses what waits in its memory; what it has not read yet waits in the devices, or in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable

from camtrace import clock

MOST = 3000  # what keeps a quick database busy: batches are made ready meanwhile
LEAST = 1000  # a batch, however long it takes
STEP = 100  # by which it opens while as much as it holds becomes durable
AIM_SECONDS = 1.0


class Window:
    """Counts what waits. It opens by steps as that becomes durable in time, and half closes where it does not.

    So do the senders of TCP in congestion avoidance (RFC 5681, 3.1).
    """

    def __init__(self, seconds: Callable[[], float] = clock.monotonic) -> None:
        self._seconds = seconds
        self._most = float(MOST)
        self._waiting = 0
        self._closed_at = -AIM_SECONDS

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be taken until some of what waits is durable."""
        return self._waiting > self._most

    def enter(self, count: int) -> float:
        """So much more waits; answers since when, for `leave`."""
        self._waiting += count
        return self._seconds()

    def leave(self, count: int, since: float) -> None:
        """So much of it is durable now."""
        self._waiting -= count
        now = self._seconds()
        if now - since <= AIM_SECONDS:
            self._most = min(MOST, self._most + STEP * count / self._most)
        elif since >= self._closed_at:  # it has entered since the window was closed last, and still took so long
            self._most = max(LEAST, self._most / 2)
            self._closed_at = now
