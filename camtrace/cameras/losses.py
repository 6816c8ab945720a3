"""The journal of lost cameras over restarts: how long one was lost is known as long as the server runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.cameras.ports import Reactor
from camtrace.errors import DatabaseUnavailable

SEEN_SECONDS = 60.0


class DisconnectionRows(Protocol):
    """What lasts of the disconnections in the database. Both raise DatabaseUnavailable."""

    async def seen(self, at: datetime) -> None: ...
    async def close(self) -> None: ...


class LossKeeper:
    """Says each minute what still lasts, and at a start ends what the server did not live to see the end of."""

    log = Logger()

    def __init__(self, rows: DisconnectionRows, reactor: Reactor, now: Callable[[], datetime] = clock.now) -> None:
        self._rows = rows
        self._now = now
        self._loop = task.LoopingCall(self._look)
        self._loop.clock = reactor  # type: ignore[assignment]

    async def start(self) -> None:
        """Call before the first camera is connected, when all facts of the run before are stored."""
        await self._rows.close()
        self._loop.start(SEEN_SECONDS, now=False)

    async def stop(self) -> None:
        """Write down how far it is known."""
        if self._loop.running:
            self._loop.stop()
            await self._seen()

    def _look(self) -> defer.Deferred[None]:
        return defer.Deferred.fromCoroutine(self._seen())

    async def _seen(self) -> None:
        try:
            await self._rows.seen(self._now())
        except DatabaseUnavailable:
            self.log.debug("the database is away: next time")
