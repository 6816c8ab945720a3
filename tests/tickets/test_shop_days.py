"""Days of a shop, drawn: what a rule finds in the past is what it found while it was said, whatever happened then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.rules import NOON, Shop, said
from twisted.internet import defer

from camtrace.events import AlarmTriggered
from camtrace.model import Alarm, Line, Rule, Span, Trigger
from camtrace.tickets.presets import PRESETS
from camtrace.tickets.trial import Outcome, Trials

RULES = [replace(preset, id=number, enabled=True, changed_at=NOON) for number, preset in enumerate(PRESETS, 1)]
POS = "AAAASSRTTEEDX"
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
    110,
    209,
    210,
    60,
)
SPECIAL = {"S": "ANNULE", "R": "RETOUR"}
STEPS = st.integers(0, 8) | st.integers(0, 90) | st.sampled_from((125, 200, 700, 2000, 8000))
HAPPENINGS = st.sampled_from(("move", "restart", "crash"))
SAYINGS = st.tuples(
    st.sampled_from("12") | st.sampled_from(("KKM:1", "KKM:2")),
    st.integers(0, 1000),
    st.sampled_from(("7", "8", "")),
    st.sampled_from((None, "0.20", "5", "30", "600")),
    st.sampled_from(("", "", "", "", "late", "again")),
)
DAY = st.lists(st.tuples(STEPS, SAYINGS | SAYINGS | SAYINGS | HAPPENINGS), max_size=60)


class Day:
    """Says what was drawn as tills do: in tickets, numbered."""

    def __init__(self, *rules: Rule) -> None:
        self.shop = Shop(*rules)
        self.at = 0.0
        self.tickets: dict[str, tuple[int, int, int]] = {}  # of a till: id, number, lines so far
        self.ids = 0

    async def happen(self, what: Any) -> None:
        if what == "move":
            at = NOON + timedelta(seconds=self.at)
            alarm = Alarm(id=1, camera_uid=101, started_at=at, last_at=at, until=at)
            self.shop.shelves.moved.append((at, 101, ""))
            self.shop.wait(self.at - self.shop.seconds)
            self.shop.bus.publish(AlarmTriggered(1, alarm, Trigger(at=at, cause="motion")))
        elif what in ("restart", "crash"):
            self.shop.wait(self.at - self.shop.seconds)
            await self.shop.stop()
            began = NOON + timedelta(seconds=self.at)
            self.at += 40
            self.shop.seconds = self.at
            self.shop.shelves.down.append(Span(began, NOON + timedelta(seconds=self.at)))
            self.shop.begin()
            await self.shop.start()
            self.at += 0.5
        else:
            self.shop.say(self.line(*what))

    def line(self, source: str, kind: int, seller: str, amount: str | None, how: str) -> Line:
        id, number, count = self.tickets.get(source, (0, 10, 0))
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
    trials = Trials(shelves, shelves, shelves, shop, shop, shop.now)
    stop = NOON + timedelta(seconds=made.at + 1)
    return await trials.run(rule, NOON, stop, 10_000, lambda line: True, tell)


def settled(work: Any) -> Any:
    found: list[Any] = []
    defer.ensureDeferred(work).addCallbacks(found.append, lambda failure: failure.raiseException())
    (answer,) = found
    return answer


@settings(max_examples=60)
@given(DAY)
def test_the_past_is_found_as_it_was(day: list[tuple[float, Any]]) -> None:
    made = settled(live(day, RULES))
    for rule in RULES:
        outcome = settled(tried(made, rule))
        was = sorted(line_id for rule_id, line_id in made.shop.found if rule_id == rule.id)
        assert sorted(hit.line.id for hit in outcome.hits) == was, rule.name
        assert outcome.count == len(was)
