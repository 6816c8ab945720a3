"""Alarms of rules that were met: each begins with the picture of what the till said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.bus import Bus
from camtrace.cards import hidden
from camtrace.events import RuleMet
from camtrace.model import RuleException
from camtrace.tickets.ports import AlarmedRows, Cameras, Offset, Raise, TillName

CAUSE = "rule"
FRESH = timedelta(minutes=10)  # what was found later than that raises no alarm any more
MOST_WAITING = 1000  # exceptions whose picture is still to come; further ones raise their alarm at once


class Raising:
    """Raises the alarms of exceptions at the instant of their picture, by the `offset` of their till.

    Where the picture is later than the line, the alarm waits for it; what a stop did not wait for is taken up by the
    next start, and so is what a crash kept from raising its alarm.
    """

    log = Logger()

    def __init__(
        self,
        bus: Bus,
        rows: AlarmedRows,
        cameras: Cameras,
        offset: Offset,
        till_name: TillName,
        raise_alarm: Raise,
        reactor: Any,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._bus = bus
        self._rows = rows
        self._cameras = cameras
        self._offset = offset
        self._till_name = till_name
        self._raise = raise_alarm
        self._reactor = reactor
        self._now = now
        self._waiting: dict[int, Any] = {}
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        """Take up what an earlier process had not raised yet. Raises DatabaseUnavailable."""
        self._unsubscribe = self._bus.subscribe(RuleMet, lambda fact: self._met(fact.exception))
        for exception, raised in await self._rows.alarmed_since(self._now() - FRESH):
            if exception.id not in self._waiting and self._shown_at(exception) not in raised:
                self._told(self._met(exception))

    async def stop(self) -> None:
        """Raise no more; the next start goes on."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        for call in self._waiting.values():
            call.cancel()
        self._waiting.clear()

    # ── inside ──

    def _shown_at(self, exception: RuleException) -> datetime:
        return exception.at + self._offset(exception.source)

    def _met(self, exception: RuleException) -> defer.Deferred[Any] | None:
        if not exception.alarm or exception.at < self._now() - FRESH:
            return None
        seconds = (self._shown_at(exception) - self._now()).total_seconds()
        if seconds > 0 and len(self._waiting) < MOST_WAITING:
            self._waiting[exception.id] = self._reactor.callLater(seconds, self._is_shown, exception)
            return None
        return self._alarm(exception)

    def _is_shown(self, exception: RuleException) -> None:
        del self._waiting[exception.id]
        self._told(self._met(exception))  # which waits on where the clock was set back

    def _alarm(self, exception: RuleException) -> defer.Deferred[Any] | None:
        cameras = [camera for uid in exception.cameras if (camera := self._cameras.by_uid(uid)) is not None]
        if not cameras:
            return None
        amount = f"{exception.amount:f}" if exception.amount else ""  # a drawer's nothing says nothing
        till = self._till_name(exception.source) or exception.source
        said = " · ".join(filter(None, (till, exception.seller, exception.text, amount)))
        said = hidden(said)  # it goes into mails and journals, whoever reads them
        return self._raise(cameras, CAUSE, exception.rule, f"{exception.rule} · {said}", self._shown_at(exception))

    def _told(self, raised: defer.Deferred[Any] | None) -> None:
        if raised is not None:
            raised.addErrback(lambda failure: self.log.failure("the alarm of a rule did not become durable", failure))
