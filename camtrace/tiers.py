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

from camtrace import clock
from camtrace.doors import Doors
from camtrace.errors import CamTraceError

STOP_SECONDS = 9  # down within ten
LEAST_SECONDS = 0.3  # for a tier after whose elders nothing was left
START_LEAVES = 5  # of STOP_SECONDS, when the start under way does not end
POLL_SECONDS = 0.02


async def nothing() -> None:
    """For a tier that has nothing to start, or nothing to stop."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One storey of the house. `stop` is awaited before the tier below is stopped.

    `leaves`: of the seconds the whole stop may take, those that must remain for the tiers below. A `stop` that takes
    longer is cancelled, and should then leave as little as it can.
    """

    name: str
    start: Callable[[], Awaitable[Any]] = nothing
    stop: Callable[[], Awaitable[Any]] = nothing
    leaves: float = 0.2


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
        self._climbing = False
        self._stopping = False

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
        self._climbing = True
        self._starting = defer.Deferred.fromCoroutine(self._start())

    def stopService(self) -> defer.Deferred[None]:
        """Stop what is up, from the top; fires when all is down."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._stopping = True
        return defer.Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        try:
            for tier in self._tiers:
                self._up.append(tier)  # also one that starts only half: its stop puts that right
                await tier.start()
                if self._stopping:  # it did not mind being cancelled
                    return
        except defer.CancelledError:
            return
        except CamTraceError as error:
            self._give_up(f"{tier.name}: {error}")
        except Exception:
            self.log.failure("starting {tier} failed", tier=tier.name)
            self._give_up(f"{tier.name} could not be started: see the log")
        finally:
            self._climbing = False

    def _give_up(self, reason: str) -> None:
        self.log.critical("CamTrace cannot start: {reason}", reason=reason)
        print(f"camtrace: {reason}", file=sys.stderr, flush=True)
        atexit.register(_exit_with_one)  # reactor.stop() alone would end twistd with 0
        if self._reactor.running:
            self._reactor.stop()
        else:
            self._reactor.callWhenRunning(self._reactor.stop)

    async def _stop(self) -> None:
        deadline = clock.monotonic() + STOP_SECONDS
        await self._end_start(deadline)
        while self._up:
            tier = self._up.pop()
            stopping = defer.Deferred.fromCoroutine(_awaited(tier.stop()))
            stopping.addTimeout(max(LEAST_SECONDS, deadline - tier.leaves - clock.monotonic()), self._reactor)
            try:
                await stopping
            except defer.TimeoutError:
                self.log.error("stopping {tier} took too long", tier=tier.name)
            except Exception:
                self.log.failure("stopping {tier} failed", tier=tier.name)
        self._doors.close()
        await task.deferLater(self._reactor, 0)

    async def _end_start(self, deadline: float) -> None:
        """A start under way is cancelled; stopping begins when it has ended, or takes too long to."""
        if self._starting is not None and self._climbing:
            self._starting.cancel()
        while self._climbing and clock.monotonic() < deadline - START_LEAVES:
            await task.deferLater(self._reactor, POLL_SECONDS)


async def _awaited(awaitable: Awaitable[Any]) -> None:
    await awaitable


def _exit_with_one() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
