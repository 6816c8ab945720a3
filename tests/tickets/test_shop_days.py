"""Days of a shop, drawn: what a rule finds in the past is what it found while it was said, whatever happened then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from support.rules import NOON, Shop, said
from twisted.internet import defer

from camtrace.events import AlarmTriggered
from camtrace.model import (
    RULE_KINDS,
    AbsenceTest,
    Alarm,
    Line,
    LineTest,
    NumberTest,
    Rule,
    Span,
    StillTest,
    TicketTest,
    Trigger,
    WindowTest,
)
from camtrace.tickets.presets import PRESETS
from camtrace.tickets.trial import Outcome, Trials

RULES = [replace(preset, id=number, enabled=True, changed_at=NOON) for number, preset in enumerate(PRESETS, 1)]
POS = "AAAASSRTTEEDXO"
EVENTS = (
    4,
    6,
    6,
    66,
    9,
    18,
    25,
    46,
    5,
    5,
    22,
    40,
    40,
    49,
    236,
    26,
    37,
    38,
    50,
    32,
    35,
    55,
    58,
    62,
    129,
    12,
    15,
    70,
    110,
    209,
    210,
    60,
)
SPECIAL = {"S": "ANNULE", "R": "RETOUR", "O": "OFFERT"}


def more(name: str, kind: str, deeds: tuple[str, ...], **tests: Any) -> Rule:
    return Rule(name=name, kind=kind, lines=LineTest(deeds=deeds), enabled=True, changed_at=NOON, **tests)


# small numbers, which few lines meet
TOUCHY = [
    more("two voids", "window", ("void",), window=WindowTest(900, "seller", "count", Decimal(2))),
    more("sum of voids", "window", ("void",), window=WindowTest(900, "source", "sum", Decimal(20))),
    more("half voids", "window", ("void",), window=WindowTest(900, "all", "ratio", Decimal(50), ("article",), 4)),
    more("cards", "window", ("payment", "discount_card"), window=WindowTest(7200, "card", "tickets", Decimal(2))),
    more("nothing before", "absence", ("void", "return"), absence=AbsenceTest(40, "before", ("article",))),
    more("nothing after", "absence", ("end",), absence=AbsenceTest(600, "after", ())),
    more("half cancelled", "ticket", (), ticket=TicketTest(voids_percent=40)),
    more("short", "ticket", (), ticket=TicketTest(has=("end",), seconds_max=20, lines_max=3)),
    more("left", "ticket", (), ticket=TicketTest(unfinished=True, silence_seconds=60)),
    more("next but ten", "number", (), number=NumberTest("gap", 2)),
    more("alone", "line", ("article", "void", "return"), still=StillTest(30)),
    more(
        "alone twice", "window", ("article",), window=WindowTest(300, "seller", "count", Decimal(2)), still=StillTest(9)
    ),
    more("alone, nothing before", "absence", ("article",), absence=AbsenceTest(20, "before", ()), still=StillTest(60)),
    more(
        "alone, nothing after", "absence", ("article", "end"), absence=AbsenceTest(8, "after", ()), still=StillTest(5)
    ),
]
OFFSETS = {"1": 15, "2": -20, "KKM:1": 100}  # seconds by which pictures are later than lines
RULES += [replace(rule, id=number) for number, rule in enumerate(TOUCHY, len(RULES) + 1)]
STEPS = (0, 1, 2, 3, 5, 8, 12, 30, 40, 60, 90, 125, 200)


def drawn(seed: int, count: int = 300) -> list[tuple[float, Any]]:
    """What happens, each so many seconds after what was before it."""
    chance = Random(seed)
    day: list[tuple[float, Any]] = []
    while len(day) < count:
        step = chance.choice(STEPS) if chance.random() < 0.99 else chance.choice((700, 2000, 8000, 16000))
        draw = chance.random()
        if draw < 0.05:
            day.append((step, "move"))
        elif draw < 0.07:
            day.append((step, "restart"))
        else:
            source = chance.choice(("1", "2", "KKM:1", "KKM:2"))
            amount = chance.choice((None, "0.20", "5", "30", "600"))
            how = chance.choice(("", "", "", "", "late"))
            day.append((step, (source, chance.randrange(10_000), chance.choice("778"), amount, how)))
    return day


class Day:
    """Says what was drawn as tills do: in tickets, numbered."""

    def __init__(self, *rules: Rule) -> None:
        self.shop = Shop(*rules)
        self.at = 0.0
        self.tickets: dict[str, tuple[int, int, int]] = {}  # of a till: id, number, lines so far
        self.last: dict[str, float] = {}
        self.ids = 0

    async def happen(self, what: Any) -> None:
        """Let it happen now."""
        if what == "move":
            at = NOON + timedelta(seconds=self.at)
            alarm = Alarm(id=1, camera_uid=101, started_at=at, last_at=at, until=at)
            self.shop.shelves.moved.append((at, 101, ""))
            self.shop.wait(self.at - self.shop.seconds)
            self.shop.bus.publish(AlarmTriggered(1, alarm, Trigger(at=at, cause="motion")))
        elif what == "restart":
            self.shop.wait(self.at - self.shop.seconds)
            await self.shop.stop()
            began = NOON + timedelta(seconds=self.at)
            self.at += 40
            self.shop.seconds = self.at
            self.shop.shelves.down.append(Span(began, NOON + timedelta(seconds=self.at)))
            self.shop.begin()
            await self.shop.start()
            self.at += 0.5
        elif what == "swift":
            self.at -= 0.25
            self.shop.wait(self.at - self.shop.seconds)
            await self.shop.stop()
            self.shop.begin()
            await self.shop.start()
        elif what == "change":
            self.shop.wait(self.at - self.shop.seconds)
            rules = self.shop.shelves.rules
            for id, rule in rules.items():
                if id % 5 == int(self.at) % 5:
                    rules[id] = replace(rule, changed_at=self.shop.now())
            await self.shop.exceptions.changed()
        else:
            self.shop.say(self.line(*what))

    def line(self, source: str, kind: int, seller: str, amount: str | None, how: str) -> Line:
        id, number, count = self.tickets.get(source, (0, 10, 0))
        if self.at - self.last.get(source, self.at) > 1800:
            id, count = 0, 0
        self.last[source] = self.at
        if id == 0:
            self.ids += 1
            id, number = self.ids, number + (2 if kind % 17 == 0 else 0 if kind % 19 == 0 else 1)
        count += 1
        self.tickets[source] = (id, number, count)
        given = {"ticket_id": id, "ticket": str(number), "seller": seller, "source": source, "text": f"P{kind % 3}"}
        if source.startswith("KKM"):
            code = EVENTS[kind % len(EVENTS)]
            if count == 1 and code not in (40, 236, 60, 209, 210, 129, 110):
                code = 4
            if code in (5, 60, 209, 210):
                self.tickets[source] = (0, number, 0)
            total = None if amount is None else Decimal(amount)
            made = said(self.at, str(code), amount=amount, **given)
            card = "************1234" if code in (35, 38) else ""
            made = replace(made, protocol="prisma", total=total, discount=total, card=card)
            return replace(made, flags=("late",), ticket_id=10**6) if how == "late" and count > 1 else made
        letter = POS[kind % len(POS)]
        if letter == "E" or (letter == "D" and count == 1):
            self.tickets[source] = (0, number, 0)
        made = said(
            self.at, "S" if letter in SPECIAL else letter, special=SPECIAL.get(letter, ""), amount=amount, **given
        )
        return replace(made, position=count)


async def live(day: list[tuple[float, Any]], rules: list[Rule]) -> Day:
    made = Day(*rules)
    made.shop.offsets = OFFSETS
    await made.shop.start()
    for step, what in day:
        made.at += step + 0.25
        await made.happen(what)
    for _ in range(3):
        made.shop.wait(3 * 3600)
    await made.shop.stop()
    return made


async def tried(made: Day, rule: Rule) -> Outcome:
    async def tell(outcome: Outcome) -> None:
        """Nobody waits for it."""

    shelves, shop = made.shop.shelves, made.shop
    trials = Trials(shelves, shelves, shelves, shop, shop, shop.offset, shop.now)
    stop = NOON + timedelta(seconds=made.at + 1)
    return await trials.run(rule, NOON, stop, 10_000, lambda line: True, tell)


def settled(work: Any) -> Any:
    found: list[Any] = []
    defer.ensureDeferred(work).addCallbacks(found.append, lambda failure: failure.raiseException())
    (answer,) = found
    return answer


@pytest.mark.parametrize(("seed", "kinds"), [(0, RULE_KINDS), (1, ("window",)), (4, ("absence",))])
def test_the_past_is_found_as_it_was(seed: int, kinds: tuple[str, ...]) -> None:
    """Line by line, over restarts, with numbers that repeat and events that are late."""
    rules = [rule for rule in RULES if rule.kind in kinds]
    made = settled(live(drawn(seed), rules))
    for rule in rules:
        outcome = settled(tried(made, rule))
        was = sorted(line_id for rule_id, line_id in made.shop.found if rule_id == rule.id)
        assert sorted(hit.line.id for hit in outcome.hits) == was, rule.name
        assert outcome.count == len(was)


@pytest.mark.parametrize("seed", [2, 3])
def test_a_restart_is_not_noticed(seed: int) -> None:
    """Where no line was lost, and rules were changed meanwhile."""
    day = [(step, "change" if what == "restart" else what) for step, what in drawn(seed)]
    restarts = Random(seed).sample(range(len(day)), 12)
    restarted: list[tuple[float, Any]] = []
    for place, each in enumerate(day):
        restarted += [(0, "swift"), each] if place in restarts else [each]
    whole, parted = settled(live(day, RULES)), settled(live(restarted, RULES))
    assert sorted(parted.shop.found) == sorted(whole.shop.found)
