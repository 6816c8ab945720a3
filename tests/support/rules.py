"""Lines of tills to try rules on, and fakes that hold rules and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from twisted.internet import defer, task

from camtrace.bus import Bus
from camtrace.errors import Conflict, NotFound
from camtrace.events import LineReceived, RuleMet
from camtrace.metrics import Metrics
from camtrace.model import (
    Camera,
    CameraState,
    ExceptionQuery,
    Line,
    MotionSettings,
    Rule,
    RuleException,
    Span,
    Status,
    Ticket,
)
from camtrace.tickets.exceptions import Exceptions
from camtrace.tickets.hits import Hit
from camtrace.tickets.raising import Raising
from camtrace.tickets.rules import Watch, listen
from camtrace.tickets.sales import Tills

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CAMERA = Camera(uid=101, id=1, name="Till", motion=MotionSettings(enabled=True))


def said(
    second: float, kind: str, *, special: str = "", amount: str | None = None, source: str = "1", **more: Any
) -> Line:
    """A till's line, `second` seconds after noon; its id is that many milliseconds."""
    at = NOON + timedelta(seconds=second)
    return Line(
        id=int(second * 1000) + 1,
        received_at=at,
        protocol="pos",
        source=source,
        type=kind,
        special=special,
        amount=None if amount is None else Decimal(amount),
        **{"ticket_id": 1, "seller": "7", "cameras": (101,), **more},
    )


class Blind:
    """`Sight` where calendars named "open" apply from noon to one, and nobody sees motion unless told."""

    def __init__(self, still: bool | None = None) -> None:
        self.answer = still
        self.late = timedelta()
        self.deaf: list[Span] = []

    def applies(self, name: str, at: datetime | None = None) -> bool:
        return name == "always" or (name == "open" and at is not None and at < NOON + timedelta(hours=1))

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        return self.answer

    def offset(self, source: str) -> timedelta:
        return self.late

    def heard(self, start: datetime, stop: datetime) -> bool:
        return not self.deaf or not any(span.start <= stop and start <= span.stop for span in self.deaf)


def hits(rule: Rule, lines: Sequence[Line], sight: Any = None, until: float | None = None) -> list[Hit]:
    """What `rule` finds in `lines`, and in the silence until so many seconds after noon."""
    watch, tills = Watch(rule, sight or Blind()), Tills()
    found = [hit for line in lines for _, hit in listen(line, tills, (watch,))]
    return found if until is None else [*found, *watch.advance(NOON + timedelta(seconds=until))]


def told(line: Line) -> LineReceived:
    """The fact of a line."""
    return LineReceived(line.id, line, Ticket(id=line.ticket_id, protocol="pos", source=line.source, opened_at=NOON))


class Shelves:
    """Rules, exceptions, lines and motions in memory, as the database gives them."""

    def __init__(self) -> None:
        self.rules: dict[int, Rule] = {}
        self.found: list[RuleException] = []
        self.lines: list[Line] = []
        self.raised: set[tuple[str, datetime]] = set()
        self.moved: list[tuple[datetime, int, str]] = []
        self.down: list[Span] = []
        self.lost: list[tuple[int, Span]] = []
        self.counted: list[tuple[tuple[str, ...], str, int, Decimal | None]] = []
        self.asked: list[tuple[Any, ...]] = []

    async def all(self) -> list[Rule]:
        return sorted(self.rules.values(), key=lambda rule: rule.name)

    async def by_id(self, id: int) -> Rule | None:
        return self.rules.get(id)

    async def create(self, rule: Rule) -> Rule:
        if any(other.name == rule.name for other in self.rules.values()):
            raise Conflict("another rule has this name", "name")
        made = replace(rule, id=max(self.rules, default=0) + 1)
        self.rules[made.id] = made
        return made

    async def update(self, rule: Rule) -> Rule:
        self.rules[rule.id] = rule
        return rule

    async def delete(self, id: int) -> Rule:
        return self.rules.pop(id)

    async def met_since(self, start: datetime) -> set[tuple[int, int]]:
        return {(one.rule_id, one.line_id) for one in self.found if one.at >= start}

    async def said(
        self, start: datetime, stop: datetime, after: tuple[datetime, int] | None = None, limit: int = 2000
    ) -> list[Line]:
        places = sorted(((line.received_at, line.id), line) for line in self.lines)
        return [
            line for place, line in places if start <= line.received_at <= stop and (after is None or place > after)
        ][:limit]

    async def instant_of_newest(self, count: int) -> datetime | None:
        return None

    async def motions(self, after: datetime, stop: datetime, limit: int = 20_000) -> list[tuple[datetime, int, str]]:
        return [one for one in sorted(self.moved) if after < one[0] <= stop][:limit]

    async def outages(self, start: datetime, stop: datetime, starting: bool = False) -> list[Span]:
        return [span for span in self.down if span.start <= stop and start <= span.stop]

    async def losses(self, start: datetime, stop: datetime) -> list[tuple[int, Span]]:
        return [(uid, span) for uid, span in self.lost if span.start <= stop and start <= span.stop]

    async def exceptions(self, query: ExceptionQuery, limit: int = 100, before: Any = None) -> list[RuleException]:
        def fits(one: RuleException) -> bool:
            uids = query.camera_uids
            return (
                all(
                    wanted is None or str(getattr(one, name)).casefold() == str(wanted).casefold()
                    for name in ("rule_id", "source", "seller", "verdict")
                    for wanted in [getattr(query, name)]
                )
                and (uids is None or bool(set(uids) & set(one.cameras)))
                and (query.start is None or one.at >= query.start)
                and (query.stop is None or one.at <= query.stop)
                and (before is None or (one.at, one.id) < before)
            )

        ordered = sorted(self.found, key=lambda one: (one.at, one.id), reverse=True)
        return [one for one in ordered if fits(one)][:limit]

    async def exception(self, id: int) -> RuleException | None:
        return next((one for one in self.found if one.id == id), None)

    async def alarmed_since(self, start: datetime, limit: int = 10_000) -> list[tuple[RuleException, set[datetime]]]:
        found = [one for one in self.found if one.alarm and one.at >= start]
        return [(one, {at for origin, at in self.raised if origin == one.rule}) for one in found]

    async def counts(self, query: ExceptionQuery, by: str = "rule") -> list[tuple[str, str, int]]:
        found = await self.exceptions(query, 10_000)
        counts = Counter((str(one.rule_id) if by == "rule" else getattr(one, by), one.verdict) for one in found)
        return [(key, verdict, count) for (key, verdict), count in sorted(counts.items())]

    async def review(
        self, id: int, user: str, at: datetime, verdict: Any = None, comment: Any = None, before: Any = None
    ) -> RuleException:
        for place, one in enumerate(self.found):
            if one.id == id:
                if before not in (None, one.verdict):
                    raise Conflict("{user} has judged it meanwhile", "verdict", user=one.reviewed_by)
                told = {"verdict": verdict, "comment": comment}
                told = {name: value for name, value in told.items() if value is not None}
                self.found[place] = replace(one, **told, reviewed_by=user, reviewed_at=at)
                return self.found[place]
        raise NotFound("this exception does not exist")

    async def figures(self, by: Sequence[str], *asked: Any) -> list[tuple[tuple[str, ...], str, int, Decimal | None]]:
        self.asked.append((by, *asked))

        def key(name: str, keys: tuple[str, ...]) -> str:
            if name == "hour":
                return f"{int(keys[-1][-2:]) % 24:02}"
            return keys[-1] if name == "day" else keys[0]

        return [(tuple(key(name, keys) for name in by), *rest) for keys, *rest in self.counted]

    def unseen(self, rule: Rule, sources: Any) -> list[str]:
        return [name for name, _ in sources] if rule.still.seconds else []

    def keep(self, facts: Sequence[RuleMet]) -> None:
        """Store what rules found."""
        self.found += [fact.exception for fact in facts]


class Shop:
    """One camera, a bus, and shelves that a restart finds as they were left."""

    def __init__(self, *rules: Rule) -> None:
        self.shelves = Shelves()
        self.shelves.rules = {rule.id: rule for rule in rules}
        self.raised: list[tuple[Any, ...]] = []
        self.seconds = 0.0
        self.offset_seconds = 0.0
        self.till_names: dict[str, str] = {}
        self.offsets: dict[str, float] = {}
        self.id = 10**9
        self.camera = CAMERA
        self.status, self.active_since = Status.ACTIVE, NOON - timedelta(days=1)
        self.begin()

    def begin(self) -> None:
        self.bus, self.clock = Bus(), task.Clock()
        self.raising = Raising(
            self.bus, self.shelves, self, self.offset, self.till_name, self._raise, self.clock, self.now
        )
        self.exceptions = Exceptions(
            self, self.bus, self.shelves, self.shelves, self.shelves, self.shelves, self, self, self.offset,
            self._next, Metrics(), self.clock, self.now,
        )  # fmt: skip

    async def start(self) -> None:
        await self.raising.start()
        await self.exceptions.start()

    async def stop(self) -> None:
        await self.exceptions.stop()
        await self.raising.stop()

    def offset(self, source: str) -> timedelta:
        return timedelta(seconds=self.offsets.get(source, self.offset_seconds))

    def till_name(self, source: str) -> str:
        return self.till_names.get(source, "")

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def _next(self) -> int:
        self.id += 1
        return self.id

    def record_all(self, facts: Any) -> defer.Deferred[None]:
        self.shelves.keep(facts)
        for fact in facts:
            self.bus.publish(fact)
        return defer.succeed(None)

    def by_uid(self, uid: int) -> Camera | None:
        return self.camera if uid == 101 else None

    waits_since: datetime | None = None

    def all(self) -> list[Camera]:
        return [self.camera]

    def state(self, uid: int) -> CameraState:
        return CameraState(uid, self.status, "", self.active_since)

    def applies(self, name: str, at: datetime | None = None) -> bool:
        return True

    def _raise(self, cameras: Any, cause: str, origin: str = "", message: str = "", at: Any = None) -> Any:
        self.raised.append((list(cameras), cause, origin, message, at))
        self.shelves.raised.add((origin, at))
        return defer.succeed([])

    def say(self, *lines: Line) -> None:
        for line in lines:
            passed, self.seconds = self.seconds, (line.received_at - NOON).total_seconds()
            self.clock.advance(max(0.0, self.seconds - passed))
            self.shelves.lines.append(line)
            self.bus.publish(told(line))

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.advance(max(1, seconds))

    @property
    def found(self) -> list[tuple[int, int]]:
        return [(one.rule_id, one.line_id) for one in self.shelves.found]
