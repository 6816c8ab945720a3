"""The shop's pulse: eight times a second, in step with the wall clock, so that pictures and tills agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from twisted.logger import Logger

from camtrace import clock
from camtrace.demo.film import KEY_EVERY
from camtrace.demo.script import BEATS_PER_SECOND

ZONE = ZoneInfo("Europe/Paris")  # where the shop is
BEAT_US = 1_000_000 // BEATS_PER_SECOND
_LATE = 2 * KEY_EVERY


def instant(beat: int) -> datetime:
    """The wall time of a beat, in the shop's zone."""
    return clock.from_us(beat * BEAT_US).astimezone(ZONE)


class Beat:
    """Calls its listeners with the number of each beat (since the epoch), one after the other, none left out.

    After a step of the clock, or a long sleep, it goes on at the key picture before the present beat.
    """

    log = Logger()

    def __init__(self, reactor: Any, now_us: Callable[[], int] = clock.now_us) -> None:
        self.listeners: list[Callable[[int], None]] = []
        self._reactor = reactor
        self._now_us = now_us
        self._last = 0
        self._call: Any = None

    def start(self) -> None:
        """Begin with the present beat."""
        self._tick()

    def stop(self) -> None:
        """No further beat."""
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _tick(self) -> None:
        present = self._now_us() // BEAT_US
        if abs(present - self._last) > _LATE:
            self._last = present - present % KEY_EVERY - 1
        while self._last < present:
            self._last += 1
            for listener in self.listeners:
                self._tell(listener)
        wait_us = (self._last + 1) * BEAT_US - self._now_us()
        self._call = self._reactor.callLater(max(0, wait_us) / 1_000_000, self._tick)

    def _tell(self, listener: Callable[[int], None]) -> None:
        try:
            listener(self._last)
        except Exception:  # one camera's fault must not stop the shop
            self.log.failure("the demo missed a beat")
