"""Exception rules: what is looked for in the lines of tills. Pure: lines go in, in order, hits come out.

A rule is data (`model.Rule`). `Tills` reads each line in its ticket once, for all rules; a `Watch` holds what one rule
has to remember. What a watch finds depends on nothing but the lines it heard: the past, heard again, gives the same
hits, and `listen` is the one way to hear. Whether nothing moved is asked of the picture's instant, which the offset of
a till may put behind its line: the line, and those behind it, are then heard when that is known.

- "line": each line that fits.
- "ticket": each ticket that fits, at its end, when another one begins in its stead, or after a silence.
- "window": lines that fit, counted, summed or in relation, within some time. What was told of counts no further.
- "absence": a line that fits, and nothing of a kind at the same till for some time after it, or before.
- "number": the number of a ticket that is missing, or comes again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from camtrace.model import MOST_OFFSET_MS, Line, Rule
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
FURTHEST_PICTURE = timedelta(milliseconds=MOST_OFFSET_MS)  # from its line
MOST_WAITING = 5000  # lines of a rule whose picture is still to come


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
    waits = FURTHEST_PICTURE if rule.still.seconds else timedelta()
    return horizon(rule) * (2 if rule.kind in ("window", "absence") else 1) + waits


def delay(rule: Rule, offset: timedelta = timedelta()) -> float:
    """How many seconds after its line `rule` is known to be met, where that is not at once; of tickets it is not said.

    `offset`: how much later the picture is, which `still` waits for. Silence is certain only some time after it.
    """
    certain = LATE.total_seconds() + 1
    seconds = 0.0
    match rule.kind:
        case "absence" if rule.absence.when == "after":
            seconds = rule.absence.seconds + certain
        case "number" if rule.number.looks_for == "gap":
            seconds = REORDERED.total_seconds() + certain
    if rule.still.seconds and offset > timedelta():
        seconds = max(seconds, offset.total_seconds() + certain)
    return seconds


class _Waiting(NamedTuple):
    """A line that is heard once it is `known_at`; `fits`: it is one that the rule means, if nothing moved."""

    known_at: datetime
    said: Said
    fits: bool


class Watch:
    """One rule, as it follows the lines. `unknown` hears of those that fit if nothing moved, which nobody can tell."""

    def __init__(self, rule: Rule, sight: Sight, unknown: Callable[[Line], None] = lambda line: None) -> None:
        self.rule = rule
        self._sight = sight
        self._unknown = unknown
        self._lines = LineFits(rule.lines, sight, begins=rule.kind == "absence")
        self._follow = _follow(rule, self._lines, sight)
        self.asks_lines = rule.kind in ("line", "window", "absence")
        self._waiting: deque[_Waiting] = deque()
        self._told: set[int] = set()  # of those that wait: they met the rule already

    @property
    def deadline(self) -> datetime | None:
        """When `advance` should be called, because silence itself may meet the rule."""
        silence = self._follow.deadline if self._follow is not None else None
        if not self._waiting:
            return silence
        return self._waiting[0].known_at if silence is None else min(silence, self._waiting[0].known_at)

    def hear(self, said: Said) -> list[Hit]:
        """The hits that this line makes known. Those of silence before it are asked for before it is read."""
        fits = self.asks_lines and self._lines.fit(said)
        known_at = said.line.received_at
        if fits and self.rule.still.seconds:
            known_at = max(known_at, known_at + self._sight.offset(said.line.source))
        if known_at > said.line.received_at or (self._waiting and (fits or self._follow is not None)):
            self._waiting.append(_Waiting(known_at, said, fits))
            return list(self._heard_first()) if len(self._waiting) > MOST_WAITING else []
        return list(self._judge(said, fits))

    def advance(self, now: datetime) -> list[Hit]:
        """The hits of what has not come until `now`, and of lines whose picture was before it."""
        found: list[Hit] = []
        while self._waiting and self._waiting[0].known_at < now:
            found += self._heard_first()
        if self._follow is not None:
            found += self._follow.over(min(now, self._waiting[0].said.line.received_at) if self._waiting else now)
        return found

    def reset(self, line: Line) -> None:
        """This line met the rule already: what led to it counts no further."""
        if any(one.said.line.id == line.id for one in self._waiting):
            self._told.add(line.id)
        elif self._follow is not None:
            self._follow.forget(line)

    def _heard_first(self) -> Iterator[Hit]:
        """The hits of the line that waits longest, and of the silence before it."""
        _, said, fits = self._waiting.popleft()
        if self._follow is not None:
            yield from self._follow.over(said.line.received_at)
        yield from self._judge(said, fits)
        if said.line.id in self._told:
            self._told.remove(said.line.id)
            self.reset(said.line)

    def _judge(self, said: Said, fits: bool) -> Iterator[Hit]:
        fits = fits and self._is_still(said.line)
        if self._follow is not None:
            yield from self._follow.hear(said, fits)
        elif fits:
            yield Hit(said.line, said.deed, said.amount, (said.line.id,))

    def _is_still(self, line: Line) -> bool:
        """Whether nothing moved until the instant whose picture shows what the line tells of."""
        still = self.rule.still
        if still.seconds == 0:
            return True
        cameras = line.cameras if still.camera is None else (still.camera,)
        at = line.received_at + self._sight.offset(line.source)
        known = self._sight.still(cameras, still.zone, at - timedelta(seconds=still.seconds), at)
        if known is None:
            self._unknown(line)
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
    for watch in watches:
        if said.back is not None and watch.asks_lines:
            found += [(watch, hit) for hit in watch.hear(said.back)]
        found += [(watch, hit) for hit in watch.hear(said)]
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
