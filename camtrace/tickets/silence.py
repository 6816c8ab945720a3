"""Which tills say nothing while they should: told when it begins, and when it ends.

A till is watched while its calendar says that it is open; one that sends signs of life (Prisma's event 60) at any hour,
unless it has a calendar. Only time in which the server listened counts: what was said while it was down nobody knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable
from camtrace.events import LineReceived, TillSilenceChanged
from camtrace.metrics import Metrics
from camtrace.model import SourceSettings
from camtrace.tickets.deeds import is_own
from camtrace.tickets.ports import Note, OpeningHours, Settings

LOOK_SECONDS = 10.0
MOST_BEATING = 2000  # sources that are watched because they send signs of life, whoever forges them
BEATS = 2  # signs of life after which more are awaited
Change = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class Silences:
    """Looks after all sources. `minutes`: silence after which it is told, of tills and of who sends signs of life.

    `change` keeps what was told, so that a restart neither tells it again nor forgets it.
    """

    log = Logger()

    def __init__(
        self,
        bus: Bus,
        book: Settings,
        change: Change,
        hours: OpeningHours,
        note: Note,
        metrics: Metrics,
        reactor: Any,
        minutes: tuple[int, int] = (30, 5),
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._bus = bus
        self._book = book
        self._change = change
        self._hours = hours
        self._note = note
        self._reactor = reactor
        self._minutes = minutes
        self._now = now
        self._heard: dict[str, tuple[datetime, float]] = {}  # by the wall clock, and in monotonic seconds
        self._beats: dict[str, int] = {}
        self._silent: dict[str, datetime] = {}
        self._changing: set[str] = set()
        self._listening: tuple[datetime, float] = (now(), reactor.seconds())
        self._looking = task.LoopingCall(self.look)
        self._looking.clock = reactor
        self._stop: Callable[[], None] = lambda: None
        metrics.gauge("camtrace_tills_silent", lambda: [({}, len(self._silent))])
        metrics.gauge("camtrace_till_silent_seconds", self._figures)

    async def start(self, last_heard: Mapping[str, datetime]) -> None:
        """Go on with what was known before: when each source spoke last, and which were silent."""
        self._listening = (self._now(), self._reactor.seconds())
        self._heard = {source: (at, self._listening[1]) for source, at in last_heard.items()}
        self._silent = {one.source: one.silent_since for one in self._book.all() if one.silent_since is not None}
        self._stop = self._bus.subscribe(LineReceived, self._received)
        self._looking.start(LOOK_SECONDS, now=False)

    async def stop(self) -> None:
        """Look no more."""
        self._stop()
        if self._looking.running:
            self._looking.stop()

    def since(self, source: str) -> datetime | None:
        """Since when a source has been silent though it should speak; None if it is not."""
        return self._silent.get(source)

    def minutes(self, source: str) -> int:
        """The silence of a source after which it is told."""
        return self._limit(self._book.of(source)) // timedelta(minutes=1)

    def alive(self, source: str, at: datetime, beat: bool = False) -> None:
        """A source said something; `beat`: a sign of life."""
        self._heard[source] = (at, self._reactor.seconds())
        if source in self._silent:
            self._ends(source, "till_speaks")
        if beat:
            self._beat(source)

    def look(self) -> None:
        """See who has been silent for too long, and who need not speak any more."""
        watched = set()
        for settings in self._book.all():
            hours = settings.hours or ("always" if settings.heartbeats else "")
            if not hours or not self._hours.applies(hours, self._now()):
                continue
            watched.add(settings.source)
            told = self._silent.get(settings.source)
            if told is None:
                since = self._silence(settings, hours)
                if since is not None:
                    self._begins(settings, since)
            elif settings.source in self._heard and self._heard[settings.source][0] > told:
                self._ends(settings.source, "till_speaks")  # it spoke while that could not be kept
        for source in self._silent.keys() - watched:
            self._ends(source, "till_closed")

    # ── steps ──

    def _received(self, fact: LineReceived) -> None:
        # Prisma's say so on arrival: not all of them become lines; some of both are the server's own
        if fact.line.protocol == "pos" and not is_own(fact.line):
            self.alive(fact.line.source, fact.line.received_at)

    def _beat(self, source: str) -> None:
        count = self._beats.get(source, 0)
        if count >= BEATS or (not count and len(self._beats) >= MOST_BEATING):
            return
        self._beats[source] = count + 1
        if count + 1 == BEATS and not self._book.of(source).heartbeats:
            self._do(source, {"heartbeats": True}, lambda: None)

    def _limit(self, settings: SourceSettings) -> timedelta:
        return timedelta(minutes=settings.silent_minutes or self._minutes[settings.heartbeats])

    def _silence(self, settings: SourceSettings, hours: str) -> datetime | None:
        """Since when a source that should speak is silent, if that is too long."""
        limit = self._limit(settings)
        heard_at, seconds = self._heard.get(settings.source, self._listening)
        if self._reactor.seconds() - seconds < limit.total_seconds():
            return None
        since = max(heard_at, self._listening[0])
        opened = self._hours.since(hours, self._now())
        if opened is not None and opened > since:
            since = opened
            if self._now() - since < limit:
                return None
        return since

    def _begins(self, settings: SourceSettings, since: datetime) -> None:
        source, minutes = settings.source, self._limit(settings) // timedelta(minutes=1)

        def told() -> None:
            self._silent[source] = since
            self._note("system", "till_silent", {"source": settings.label or source, "minutes": minutes})
            self._bus.publish(TillSilenceChanged(source, since))

        self._do(source, {"silent_since": since}, told)

    def _ends(self, source: str, text: str) -> None:
        heard = self._heard.get(source)
        until = heard[0] if text == "till_speaks" and heard is not None else self._now()

        def told() -> None:
            length = max(until - self._silent.pop(source), timedelta()) // timedelta(minutes=1)
            name = self._book.of(source).label or source
            self._note("system", text, {"source": name, "hours": length // 60, "minutes": length % 60})
            self._bus.publish(TillSilenceChanged(source, None))

        self._do(source, {"silent_since": None}, told)

    def _do(self, source: str, fields: Mapping[str, Any], told: Callable[[], None]) -> None:
        """Keep something, then tell of it. While the database is away nothing is told; the next look tries again."""
        if source in self._changing:
            return
        self._changing.add(source)

        async def work() -> None:
            try:
                await self._change(source, fields)
                told()
            except DatabaseUnavailable:
                if "heartbeats" in fields:
                    self._beats[source] = 0
            finally:
                self._changing.discard(source)

        defer.Deferred.fromCoroutine(work()).addErrback(
            lambda failure: self.log.failure("the silence of a till could not be told", failure)
        )

    def _figures(self) -> Iterable[tuple[dict[str, str], float]]:
        now = self._now()
        for settings in self._book.all():
            if settings.hours or settings.heartbeats:
                since = self._silent.get(settings.source)
                yield {"source": settings.source}, 0.0 if since is None else round((now - since).total_seconds(), 3)
