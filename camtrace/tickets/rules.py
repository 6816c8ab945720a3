"""Exception rules: what is looked for in the lines of tills. Pure: lines go in, in order, hits come out.

A rule is data (`model.Rule`). `Tills` reads each line in its ticket once, for all rules; a `Watch` holds what one rule
has to remember. What a watch finds depends on nothing but the lines it heard: the past, heard again, gives the same
hits, and `listen` is the one way to hear.

- "line": each line that fits.
- "ticket": each ticket that fits, at its end, when another one begins in its stead, or after a silence.
- "window": lines that fit, counted, summed or in relation, within some time. What was told of counts no further.
- "absence": a line that fits, and nothing of a kind at the same till for some time after it, or before.
- "number": the number of a ticket that is missing, or comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from camtrace.model import Line, Rule
from camtrace.tickets.deeds import is_heard
from camtrace.tickets.fits import LineFits
from camtrace.tickets.follows import Absence, Follow, Tickets, Window
from camtrace.tickets.hits import Hit
from camtrace.tickets.movements import Sight
from camtrace.tickets.numbers import REORDERED, Numbers
from camtrace.tickets.sales import Said, Tills

LONGEST_SECONDS = 24 * 3600
TICKET_SECONDS = 2 * 3600  # how far back a start reads for tickets that are open, besides the silence that ends them
LEAST_SECONDS = 600
LATE = timedelta(seconds=2)  # how late a line may become known: silence is certain only after that


def horizon(rule: Rule) -> timedelta:
    """How far back `rule` remembers."""
    seconds = {
        "ticket": TICKET_SECONDS + rule.ticket.silence_seconds,
        "window": rule.window.seconds,
        "absence": rule.absence.seconds,
        "number": LONGEST_SECONDS,
    }.get(rule.kind)
    return timedelta(seconds=max(seconds or 0, LEAST_SECONDS))


def memory(rule: Rule) -> timedelta:
    """From how far back the lines must be heard for `rule` to find what it would have found all the time.

    What was counted last depends on what was counted before it.
    """
    return horizon(rule) * (2 if rule.kind in ("window", "absence") else 1)


def delay(rule: Rule) -> float:
    """How many seconds after its line `rule` is known to be met, where that is not at once; of tickets it is not said.

    Silence is certain only some time after it.
    """
    match rule.kind:
        case "absence" if rule.absence.when == "after":
            return rule.absence.seconds + LATE.total_seconds() + 1
        case "number" if rule.number.looks_for == "gap":
            return (REORDERED + LATE).total_seconds() + 1
        case _:
            return 0.0


class Watch:
    """One rule, as it follows the lines. `unknown` counts those that would fit if it were known that nothing moved."""

    def __init__(self, rule: Rule, sight: Sight) -> None:
        self.rule = rule
        self.unknown = 0
        self._sight = sight
        self._lines = LineFits(rule.lines, sight)
        self._follow = _follow(rule, self._lines, sight)
        self._asks_lines = rule.kind in ("line", "window", "absence")

    @property
    def deadline(self) -> datetime | None:
        """When `advance` should be called, because silence itself may meet the rule."""
        return self._follow.deadline if self._follow is not None else None

    def hear(self, said: Said) -> list[Hit]:
        """The hits that this line makes known. Those of silence before it are asked for before it is read."""
        fits = self._asks_lines and self._lines.fit(said) and self._is_still(said)
        if self._follow is not None:
            return [*self._follow.hear(said, fits)]
        return [Hit(said.line, said.deed, said.amount, (said.line.id,))] if fits else []

    def advance(self, now: datetime) -> list[Hit]:
        """The hits of what has not come until `now`."""
        return list(self._follow.over(now)) if self._follow is not None else []

    def reset(self, line: Line) -> None:
        """This line met the rule already: what led to it counts no further."""
        if self._follow is not None:
            self._follow.forget(line)

    def _is_still(self, said: Said) -> bool:
        still, line = self.rule.still, said.line
        if still.seconds == 0:
            return True
        cameras = line.cameras if still.camera is None else (still.camera,)
        start = line.received_at - timedelta(seconds=still.seconds)
        known = self._sight.still(cameras, still.zone, start, line.received_at)
        self.unknown += known is None
        return known is True


def listen(line: Line, tills: Tills, watches: Sequence[Watch]) -> list[tuple[Watch, Hit]]:
    """What `line` meets, and what the silence before it did: of that a ticket is judged as it was without the line."""
    if not is_heard(line):
        return []
    at = line.received_at
    found = []
    for watch in watches:
        deadline = watch.deadline
        if deadline is not None and deadline < at:
            found += [(watch, hit) for hit in watch.advance(at)]
    said = tills.hear(line)
    found += [(watch, hit) for watch in watches for hit in watch.hear(said)]
    return found


def _follow(rule: Rule, lines: LineFits, sight: Sight) -> Follow | None:
    match rule.kind:
        case "window":
            return Window(rule, lines)
        case "absence":
            return Absence(rule, sight)
        case "ticket":
            return Tickets(rule, lines, sight)
        case "number":
            return Numbers(rule, lines, sight)
        case _:
            return None
