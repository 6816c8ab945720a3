"""A rule tried on the past: what it would have found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from camtrace import clock
from camtrace.errors import Conflict
from camtrace.i18n import N_
from camtrace.model import Line, Rule
from camtrace.tickets.hits import Hit
from camtrace.tickets.past import Past, Sight
from camtrace.tickets.ports import Calendars, Cameras, Disturbances, Lines, Motions, Offset
from camtrace.tickets.rules import FURTHEST_PICTURE, LATE, Watch, delay, horizon, listen, memory
from camtrace.tickets.sales import Tills

MOST_AT_ONCE = 2


@dataclass(slots=True)
class Outcome:
    """What was found so far. `hits` are the first ones; `share`, from 0 to 1, is how much of the period is read.

    `unknown`: lines that would have met the rule if it were known that nothing moved.
    """

    share: float = 0.0
    lines: int = 0
    tickets: int = 0
    count: int = 0
    unknown: int = 0
    hits: list[Hit] = field(default_factory=list)
    by_source: Counter[str] = field(default_factory=Counter)
    by_hour: Counter[datetime] = field(default_factory=Counter)

    def add(self, hit: Hit, most: int) -> None:
        """Count a hit; it is kept while there are fewer than `most`."""
        self.count += 1
        self.by_source[hit.line.source] += 1
        self.by_hour[hit.line.received_at.replace(minute=0, second=0, microsecond=0)] += 1
        if len(self.hits) < most:
            self.hits.append(hit)


class Trials:
    """Reads the past for rules that are not switched on yet, two at a time at most."""

    def __init__(
        self,
        lines: Lines,
        motions: Motions,
        disturbances: Disturbances,
        calendars: Calendars,
        cameras: Cameras,
        offset: Offset,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._past = Past(lines, motions, disturbances)
        self._calendars = calendars
        self._cameras = cameras
        self._offset = offset
        self._now = now
        self._running = 0

    async def run(
        self,
        rule: Rule,
        start: datetime,
        stop: datetime,
        most: int,
        may_read: Callable[[Line], bool],
        tell: Callable[[Outcome], Awaitable[None]],
    ) -> Outcome:
        """What `rule` finds in [start, stop) of the lines that `may_read`; `tell` hears of it page by page.

        It is read from before `start`, as far as the rule remembers, and until what silence tells of is known: as if
        the rule had been on all the time.

        Cancelling it ends it. Raises Conflict when two others are at it, DatabaseUnavailable.
        """
        if self._running >= MOST_AT_ONCE:
            raise Conflict(N_("other rules are being tried: wait until they are done"))
        self._running += 1
        try:
            return await self._run(rule, start, stop, most, may_read, tell)
        finally:
            self._running -= 1

    async def _run(
        self,
        rule: Rule,
        start: datetime,
        stop: datetime,
        most: int,
        may_read: Callable[[Line], bool],
        tell: Callable[[Outcome], Awaitable[None]],
    ) -> Outcome:
        outcome, tills, sight = Outcome(), Tills(), Sight(self._calendars, self._cameras, self._offset)

        def doubt(line: Line) -> None:
            outcome.unknown += start <= line.received_at < stop

        watch = Watch(rule, sight, doubt)
        after = horizon(rule) if rule.kind == "ticket" else timedelta(seconds=delay(rule, FURTHEST_PICTURE))
        begin, end = start - memory(rule), min(stop + after, max(stop, self._now() - LATE))
        await self._past.interruptions(sight, begin, end)
        ticket_ids: dict[str, int] = {}

        def count(hit: Hit) -> None:
            if start <= hit.line.received_at < stop:
                outcome.add(hit, most)

        async for page in self._past.pages(begin, end, sight.moved if rule.still.seconds else None):
            for next_line in page:
                line = next_line()
                if not may_read(line):
                    continue
                if start <= line.received_at < stop:
                    outcome.lines += 1
                    if ticket_ids.get(line.source) != line.ticket_id:
                        ticket_ids[line.source] = line.ticket_id
                        outcome.tickets += 1
                for _, hit in listen(line, tills, (watch,)):
                    count(hit)
                outcome.share = (line.received_at - begin) / (end - begin)
            await tell(outcome)
        for hit in watch.advance(end):
            count(hit)
        outcome.share = 1.0
        return outcome
