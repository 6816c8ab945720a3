"""All cameras that are read a little at a time, in one thread.

A thread for each would be woken for every picture of every camera, find nothing of the program in the processor's
caches, and wait for the interpreter's lock: with dozens of cameras that costs more than reading does.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

from twisted.internet import defer

from camtrace import clock
from camtrace.errors import StreamFailure
from camtrace.pools import Pools

# between two looks at a camera; what comes meanwhile waits in the system's buffers, and a picture shows so much later
_PERIOD_SECONDS = 0.04
_PAUSE_SECONDS = 0.005  # however long a round took


class Reading(Protocol):
    """A camera's open stream."""

    def step(self) -> bool:
        """Take what has come, without waiting; False when it was stopped. Raises StreamFailure when it is over."""


class Sweep:
    """Steps through every reading, over and over. It has a thread while there are any."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._lock = threading.Lock()
        self._coming: list[tuple[Reading, defer.Deferred[None]]] = []
        self._sweeping = False

    def add(self, reading: Reading) -> defer.Deferred[None]:
        """Read it from now on. Fires on the reactor at its end; fails with its StreamFailure."""
        over: defer.Deferred[None] = defer.Deferred()
        with self._lock:
            self._coming.append((reading, over))
            begin, self._sweeping = not self._sweeping, True
        if begin:
            lane = self._pools.lane("cameras")
            lane.run(self._run)
            lane.stop()
        return over

    def _run(self) -> None:
        readings: list[tuple[Reading, defer.Deferred[None]]] = []
        while True:
            with self._lock:
                readings += self._coming
                self._coming = []
                if not readings:
                    self._sweeping = False
                    return
            began = clock.monotonic()
            readings = [(reading, over) for reading, over in readings if self._step(reading, over)]
            time.sleep(max(_PAUSE_SECONDS, began + _PERIOD_SECONDS - clock.monotonic()))

    def _step(self, reading: Reading, over: defer.Deferred[None]) -> bool:
        """Whether it goes on."""
        try:
            if reading.step():
                return True
        except StreamFailure as failure:
            self._pools.answer(over.errback, failure)
        except Exception as error:  # a fault of this program ends one camera, not the thread of all
            self._pools.answer(over.errback, StreamFailure("internal", "", 0, detail=type(error).__name__))
        else:
            self._pools.answer(over.callback, None)
        return False
