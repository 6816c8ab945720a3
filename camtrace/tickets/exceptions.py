"""The rules that are switched on, at work: what they find becomes durable."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from twisted.internet import task
from twisted.logger import Logger

from camtrace import clock
from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable
from camtrace.events import AlarmTriggered, CameraStateChanged, LineMasked, LineReceived, RuleMet
from camtrace.metrics import Metrics
from camtrace.model import Camera, CameraState, Line, Rule, RuleException, Status
from camtrace.tickets.hits import Hit
from camtrace.tickets.past import Past, Sight
from camtrace.tickets.ports import Calendars, Disturbances, Facts, Lines, Motions, Offset, RuleRows, WatchedCameras
from camtrace.tickets.rules import LATE, Watch, delay, listen, memory
from camtrace.tickets.sales import Tills

MOTION_CAUSES = ("motion", "camera_motion")
FURTHEST = timedelta(days=3)  # how far back a start asks when the server ran
UNTOLD = timedelta(minutes=1)  # what was found so long before the server ended is sure to be told
MOST_READ = 100_000  # lines that a start reads again
LOOK_SECONDS = 1.0
MOST_REACH = 300.0  # seconds
MOST_MASKED = 1000


class Exceptions:
    """Follows the lines as they become durable, rule by rule.

    A start reads again what the rules have to remember. What a line had to tell when the server was stopped before it
    could, is told then; an exception is stored once for a rule and a line.
    """

    log = Logger()

    def __init__(
        self,
        facts: Facts,
        bus: Bus,
        rows: RuleRows,
        lines: Lines,
        motions: Motions,
        disturbances: Disturbances,
        cameras: WatchedCameras,
        calendars: Calendars,
        offset: Offset,
        new_id: Callable[[], int],
        metrics: Metrics,
        reactor: Any,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._facts = facts
        self._bus = bus
        self._rows = rows
        self._past = Past(lines, motions, disturbances)
        self._cameras = cameras
        self._offset = offset
        self._new_id = new_id
        self._metrics = metrics
        self._now = now
        self._tills = Tills()
        self._sight = Sight(calendars, cameras, offset)
        self._watches: dict[int, Watch] = {}
        self._masked: OrderedDict[int, Line] = OrderedDict()  # lines that say less than they did when they were heard
        self._loads = 0
        self._unsubscribe: list[Callable[[], None]] = []
        self._looking = task.LoopingCall(self._look)
        self._looking.clock = reactor
        metrics.add("camtrace_rule_exceptions_total", 0)  # shown from the start
        metrics.gauge("camtrace_rules", lambda: [({}, len(self._watches))])

    async def start(self) -> None:
        """Take up the rules where an earlier process left them. Raises DatabaseUnavailable."""
        await self._load()
        found = await self._resume()
        self._unsubscribe = [
            self._bus.subscribe(LineReceived, lambda fact: self._record(self._hear(fact))),
            self._bus.subscribe(LineMasked, self._line_masked),
            self._bus.subscribe(AlarmTriggered, self._triggered),
            self._bus.subscribe(CameraStateChanged, lambda fact: self._camera_is(fact.state)),
        ]
        self._record(found)
        self._looking.start(LOOK_SECONDS, now=False)

    async def stop(self) -> None:
        """Follow the lines no further."""
        if self._looking.running:
            self._looking.stop()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    async def changed(self) -> None:
        """Rules were added, changed or removed: those that are as before go on."""
        try:
            await self._load()
        except DatabaseUnavailable:
            self.log.warn("the rules could not be read: they stay as they were until the database is back")

    def unseen(self, rule: Rule, sources: Iterable[tuple[str, tuple[int, ...]]]) -> list[str]:
        """At which of these sources, each with the uids of its cameras, nobody can tell whether something moves."""
        if rule.still.seconds == 0:
            return []
        only = rule.still.camera
        return [
            name
            for name, cameras in sources
            if not any(self._sight.can_see(uid) for uid in (cameras if only is None else (only,)))
        ]

    def reach(self, camera: Camera) -> float:
        """How many seconds after their picture, at most, alarms of this camera are raised: so far back is recorded."""
        tills = [(source.casefold(), self._offset(source)) for source in camera.overlay_ids]
        reaches = [
            delay(watch.rule, offset) - offset.total_seconds()
            for watch in self._watches.values()
            if watch.rule.alarm
            for source, offset in tills
            if not watch.rule.lines.sources or source in {each.casefold() for each in watch.rule.lines.sources}
        ]
        return min(max([0.0, *reaches]), MOST_REACH)

    # ── inside ──

    async def _load(self) -> None:
        self._loads += 1
        mine = self._loads
        rules = {rule.id: rule for rule in await self._rows.all() if rule.enabled}
        if mine != self._loads:
            return  # somebody asked later, and knows more
        kept = {id: watch for id, watch in self._watches.items() if rules.get(id) == watch.rule}
        self._watches = {id: kept.get(id) or Watch(rule, self._sight) for id, rule in rules.items()}

    async def _resume(self) -> list[RuleMet]:
        """Hear again what was said; returns what had not been told, which the end of the process before kept it from.

        What that process had the time for it told: found now, it is but what a memory shorter than its own makes of it.
        """
        now = self._now()
        outages = await self._past.interruptions(self._sight, now - FURTHEST, now, starting=True)
        down = outages[-1].start if outages else now
        for camera in self._cameras.all():
            if outages:
                self._sight.lost(camera.uid, down)
            self._camera_is(self._cameras.state(camera.uid))
        if not self._watches:
            return []
        start = down - max(memory(watch.rule) for watch in self._watches.values())
        start = await self._past.begin(start, MOST_READ)
        known = await self._rows.met_since(start)
        watches = [(watch, watch.rule.changed_at or start) for watch in self._watches.values()]
        found: list[tuple[Watch, Hit]] = []
        async for page in self._past.pages(start, now, self._sight.moved):
            for next_line in page:
                line = next_line()
                hearing = [watch for watch, since in watches if line.received_at >= since]
                met = listen(line, self._tills, hearing)
                if line.received_at >= down - UNTOLD:
                    found += met
                for watch in hearing:
                    if (watch.rule.id, line.id) in known:
                        watch.reset(line)
        found += [(watch, hit) for watch, _ in watches for hit in watch.advance(now - LATE)]
        return [self._fact(watch.rule, hit) for watch, hit in found if (watch.rule.id, hit.line.id) not in known]

    def _camera_is(self, state: CameraState) -> None:
        if state.status == Status.ACTIVE:
            self._sight.back(state.camera_uid, state.since)
        else:
            self._sight.lost(state.camera_uid, state.since)

    def _hear(self, fact: LineReceived) -> list[RuleMet]:
        found = listen(fact.line, self._tills, tuple(self._watches.values()))
        return [self._fact(watch.rule, hit) for watch, hit in found]

    def _look(self) -> None:
        now = self._now()
        waits_since = self._facts.waits_since  # what has arrived and is not known yet
        now = (now if waits_since is None else min(now, waits_since)) - LATE
        self._record(
            [
                self._fact(watch.rule, hit)
                for watch in self._watches.values()
                if watch.deadline is not None
                for hit in watch.advance(now)
            ]
        )

    def _fact(self, rule: Rule, hit: Hit) -> RuleMet:
        line, id = self._masked.get(hit.line.id, hit.line), self._new_id()
        exception = RuleException(
            id=id,
            rule_id=rule.id,
            rule=rule.name,
            at=line.received_at,
            source=line.source,
            seller=line.seller,
            ticket=line.ticket,
            ticket_id=line.ticket_id,
            line_id=line.id,
            lines=hit.lines,
            deed=hit.deed,
            text=line.text or line.tender,
            amount=hit.amount,
            figure=hit.figure,
            cameras=line.cameras,
            alarm=rule.alarm,
            popup=rule.popup,
        )
        return RuleMet(id, exception)

    def _record(self, facts: list[RuleMet]) -> None:
        if not facts:
            return
        self._metrics.add("camtrace_rule_exceptions_total", len(facts))
        self._facts.record_all(facts).addErrback(
            lambda failure: self.log.failure("what a rule found did not become durable", failure)
        )

    def _line_masked(self, fact: LineMasked) -> None:
        self._masked[fact.line.id] = fact.line
        if len(self._masked) > MOST_MASKED:
            self._masked.popitem(last=False)

    def _triggered(self, fact: AlarmTriggered) -> None:
        trigger = fact.trigger
        if trigger.cause in MOTION_CAUSES:
            zones = trigger.message if trigger.cause == "motion" else ""
            self._sight.moved(fact.alarm.camera_uid, trigger.at, zones)
