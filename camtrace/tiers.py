"""Starting upwards and stopping downwards, each tier awaited: what Twisted's MultiService does not do."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace.doors import Doors
from camtrace.errors import CamTraceError

STOP_SECONDS = 9  # the contract: down within ten


async def nothing() -> None:
    """For a tier that has nothing to start, or nothing to stop."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One storey of the house. `stop` is awaited before the tier below is stopped."""

    name: str
    start: Callable[[], Awaitable[Any]] = nothing
    stop: Callable[[], Awaitable[Any]] = nothing


class Tiers(Service):
    """The whole server as one service for twistd.

    `doors` are bound in `privilegedStartService`, so that a busy port ends the start at once, and opened by a tier.
    A tier that fails is logged in one line, what had started is stopped in order, and the process exits with 1.
    """

    log = Logger()

    def __init__(self, tiers: list[Tier], doors: Doors, reactor: Any, foreground: bool) -> None:
        self._tiers = tiers
        self._doors = doors
        self._reactor = reactor
        self._foreground = foreground
        self._up: list[Tier] = []
        self._starting: defer.Deferred[None] | None = None

    def privilegedStartService(self) -> None:
        """Bind every listener. In the foreground a failure prints one line and exits with 1."""
        try:
            self._doors.bind()
        except CamTraceError as error:
            if not self._foreground:
                raise  # twistd's parent process prints it
            print(f"camtrace: {error}", file=sys.stderr, flush=True)
            raise SystemExit(1) from error

    def startService(self) -> None:
        """Begin to start; twistd does not wait for it."""
        super().startService()  # type: ignore[no-untyped-call]
        self._starting = defer.Deferred.fromCoroutine(self._start())

    def stopService(self) -> defer.Deferred[None]:
        """Stop what is up, from the top; fires when all is down."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._starting is not None:
            self._starting.cancel()
        return defer.Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        for tier in self._tiers:
            try:
                await tier.start()
            except defer.CancelledError:
                self._up.append(tier)  # it may have started half: its stop puts that right
                return
            except CamTraceError as error:
                self._up.append(tier)
                self._give_up(f"{tier.name}: {error}")
                return
            except Exception:
                self._up.append(tier)
                self.log.failure("starting {tier} failed", tier=tier.name)
                self._give_up(f"{tier.name} could not be started: see the log")
                return
            self._up.append(tier)
        self._starting = None

    def _give_up(self, reason: str) -> None:
        self.log.critical("CamTrace cannot start: {reason}", reason=reason)
        print(f"camtrace: {reason}", file=sys.stderr, flush=True)
        atexit.register(_exit_with_one)  # reactor.stop() alone would end twistd with 0
        if self._reactor.running:
            self._reactor.stop()
        else:
            self._reactor.callWhenRunning(self._reactor.stop)

    async def _stop(self) -> None:
        while self._up:
            tier = self._up.pop()
            stopping = defer.Deferred.fromCoroutine(_awaited(tier.stop()))
            stopping.addTimeout(STOP_SECONDS, self._reactor)
            try:
                await stopping
            except defer.TimeoutError:
                self.log.error("stopping {tier} took too long", tier=tier.name)
            except Exception:
                self.log.failure("stopping {tier} failed", tier=tier.name)
        self._doors.close()
        await task.deferLater(self._reactor, 0)


async def _awaited(awaitable: Awaitable[Any]) -> None:
    await awaitable


def _exit_with_one() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
