"""Lines of tills to try rules on, and fakes that hold rules and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from camtrace.errors import Conflict, NotFound
from camtrace.events import LineReceived, RuleMet
from camtrace.model import Line, Rule, RuleException, Ticket
from camtrace.tickets.hits import Hit
from camtrace.tickets.rules import Watch, listen
from camtrace.tickets.sales import Tills

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


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

    def applies(self, name: str, at: datetime | None = None) -> bool:
        return name == "always" or (name == "open" and at is not None and at < NOON + timedelta(hours=1))

    def still(self, cameras: tuple[int, ...], zone: str, start: datetime, at: datetime) -> bool | None:
        return self.answer


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

    async def exceptions(self, **asked: Any) -> list[RuleException]:
        def fits(one: RuleException) -> bool:
            uids, after = asked.get("camera_uids"), asked.get("after")
            return (
                all(
                    asked.get(name) is None or getattr(one, name) == asked[name]
                    for name in ("rule_id", "source", "seller", "verdict")
                )
                and (uids is None or bool(set(uids) & set(one.cameras)))
                and (asked.get("start") is None or one.at >= asked["start"])
                and (asked.get("stop") is None or one.at <= asked["stop"])
                and (after is None or (one.at, one.id) < after)
            )

        ordered = sorted(self.found, key=lambda one: (one.at, one.id), reverse=True)
        return [one for one in ordered if fits(one)][: asked.get("limit", 100)]

    async def exception(self, id: int) -> RuleException | None:
        return next((one for one in self.found if one.id == id), None)

    async def alarmed_since(self, start: datetime, limit: int = 10_000) -> list[tuple[RuleException, set[datetime]]]:
        found = [one for one in self.found if one.alarm and one.at >= start]
        return [(one, {at for origin, at in self.raised if origin == one.rule}) for one in found]

    async def counts(self, camera_uids: Any = None, start: Any = None, stop: Any = None) -> dict[str, int]:
        found = await self.exceptions(camera_uids=camera_uids, start=start, stop=stop, limit=10_000)
        return {verdict: sum(one.verdict == verdict for one in found) for verdict in {one.verdict for one in found}}

    async def review(self, id: int, verdict: str, comment: str, user: str, at: datetime) -> RuleException:
        for place, one in enumerate(self.found):
            if one.id == id:
                self.found[place] = replace(one, verdict=verdict, comment=comment, reviewed_by=user, reviewed_at=at)
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
