"""A device that is asked for ever: anew after growing pauses, each time that it cannot be had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace.alarm.links import LinkFailure, Tidings
from camtrace.backoff import Backoff
from camtrace.model import LinkState

STABLE_SECONDS = 30.0  # a connection that lasted so long was a good one


class Told(Protocol):
    """Who is told how the device is doing."""

    def lost(self, failure: LinkFailure) -> None:
        """It cannot be had, and the journal is to know."""

    def back(self) -> None:
        """It is there again, and the journal is to know."""


class Asking:
    """The connection to one device. `ask` connects and asks until that fails, `over` follows each time it failed.

    `link`: what the connection is worth. `tidings` may be those of an earlier connection to the same device.
    """

    log = Logger()

    def __init__(
        self,
        device: str,
        ask: Callable[[], Awaitable[None]],
        told: Told,
        reactor: Any,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        *,
        over: Callable[[], None] = lambda: None,
        enabled: bool = True,
    ) -> None:
        self.link = LinkState("inactive", "connecting", now()) if enabled else LinkState("off", "off", now())
        self.tidings = Tidings()
        self._device = device
        self._ask = ask
        self._told = told
        self._reactor = reactor
        self._now = now
        self._over = over
        self._backoff = Backoff(chance)
        self._asking: defer.Deferred[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Ask from now on."""
        self._asking = defer.Deferred.fromCoroutine(self._ask_for_ever())
        self._asking.addErrback(lambda failure: failure.trap(defer.CancelledError))

    def stop(self) -> None:
        """Ask no more; what fails from now on was meant to."""
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()

    def answers(self, code: str) -> None:
        """The device is there, in the state `code`, a key of `links.REASONS`."""
        if self.link.status != "active":
            self.link = LinkState("active", code, self._now())
            if self.tidings.back():
                self._told.back()

    async def _ask_for_ever(self) -> None:
        while not self._stopped:
            began = self._reactor.seconds()
            try:
                await self._ask()
            except LinkFailure as failure:
                self._lost(failure)
            except Exception:
                if self._stopped:
                    return
                self.log.failure("{device} could not be asked", device=self._device)
                self._lost(LinkFailure("internal"))
            if self._stopped:
                return
            self._over()
            if self._reactor.seconds() - began >= STABLE_SECONDS:
                self._backoff.reset()
            await task.deferLater(self._reactor, self._backoff.next())

    def _lost(self, failure: LinkFailure) -> None:
        if self._stopped:  # its end was ours
            return
        if (self.link.code, self.link.detail) != (failure.kind, failure.detail):
            since = self.link.since if self.link.status == "inactive" else self._now()
            self.link = LinkState("inactive", failure.kind, since, failure.detail)
        if self.tidings.lost(failure.kind, self._reactor.seconds()):
            self._told.lost(failure)
