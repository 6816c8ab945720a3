"""A sleep that somebody may cut short."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer

from camtrace.mail.ports import Reactor


class Nap:
    """Sleeps one at a time; a `wake` that comes while nobody sleeps makes the next sleep end at once."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._woken = False
        self._over: defer.Deferred[None] | None = None
        self._call: Any = None

    async def sleep(self, seconds: float) -> None:
        """Returns after `seconds`, or when woken."""
        if not self._woken:
            self._over = defer.Deferred()
            self._call = self._reactor.callLater(max(0.0, seconds), self._end)
            await self._over
        self._woken = False

    def wake(self) -> None:
        """End the sleep."""
        self._woken = True
        if self._call is not None and self._call.active():
            self._call.cancel()
            self._end()

    def _end(self) -> None:
        over, self._over, self._call = self._over, None, None
        if over is not None:
            over.callback(None)
