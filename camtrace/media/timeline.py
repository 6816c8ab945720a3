"""Time stamps as cameras send them, made fit for muxing: complete, growing, close to the time of arrival. Pure.

What is wrong in practice (each seen with real peers): the first packets have no stamps at all, the key frame among
them; with B-frames the first three have no dts; the two tracks count from different origins until the first sender
report, which then moves one of them; a camera sets its clock, so that stamps jump by hours or run backwards.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

P = TypeVar("P")

# Stamps that run ahead of the arrival by more than this have jumped. Behind it they may be late: a stalled network.
_AHEAD_US = 3_000_000
_BACKWARDS_US = 1_000_000
# The camera's clock may run slower than ours: the best known lead fades by so much per second.
_FADE_PER_SECOND_US = 2_000
_MAX_HELD = 32


class Stamped(NamedTuple, Generic[P]):
    """A packet with its repaired stamps in ticks from the start of the session."""

    packet: P
    dts: int
    pts: int
    arrived_us: int


@dataclass(frozen=True, slots=True)
class _Raw(Generic[P]):
    packet: P
    dts: int | None
    pts: int | None
    arrived_us: int
    monotonic_us: int


class Timeline(Generic[P]):
    """The stamps of one track. `jumps` counts how often they had to be anchored to the arrival again.

    `origin_us` is the monotonic instant that becomes tick 0; `period_us` the assumed distance of packets before any is
    known.
    """

    def __init__(self, time_base: Fraction, origin_us: int, period_us: int = 40_000) -> None:
        self.time_base = time_base
        self._up, self._down = time_base.numerator * 1_000_000, time_base.denominator
        self._second = self._ticks(1_000_000)
        self._origin_us = origin_us
        self._period = max(1, self._ticks(period_us))
        self._held: list[_Raw[P]] = []
        self._offset: int | None = None
        self._last: int | None = None
        self._last_us = 0
        self._lead_us = 0
        self.jumps = 0

    def add(self, packet: P, dts: int | None, pts: int | None, arrived_us: int, monotonic_us: int) -> list[Stamped[P]]:
        """The packets that can go on now, `packet` among them unless its stamps depend on later ones.

        `dts`, `pts`: as received, in ticks, possibly None. `arrived_us`: wall time, passed through.
        """
        if self._offset is not None:
            return [self._stamp(packet, dts, pts, arrived_us, monotonic_us)]
        self._held.append(_Raw(packet, dts, pts, arrived_us, monotonic_us))
        return self._release() if self._knows_enough() else []

    def _knows_enough(self) -> bool:
        """Whether a dts is known and, where a stamp is missing before it, two pts that tell the period."""
        complete = self._held[0].dts is not None
        periods = len({raw.pts for raw in self._held if raw.pts is not None}) > 1
        known = self._held[-1].dts is not None
        return (known and (complete or periods)) or len(self._held) >= _MAX_HELD

    def _release(self) -> list[Stamped[P]]:
        """Give the held packets their stamps: dts counted backwards from the first known one."""
        held, self._held = self._held, []
        shown = sorted({raw.pts for raw in held if raw.pts is not None})
        if len(shown) > 1:
            self._period = max(1, min(later - former for former, later in itertools.pairwise(shown)))
        place = next((number for number, raw in enumerate(held) if raw.dts is not None), len(held))
        # a stream without any dts begins where it is presented first
        dts = held[place].dts if place < len(held) else (shown[0] if shown else 0) + place * self._period
        assert dts is not None
        first_dts = dts - place * self._period
        first_pts = shown[0] - self._period if shown else first_dts
        self._anchor(first_dts, held[0].monotonic_us)
        stamped = []
        for number, raw in enumerate(held):
            pts = first_pts if number == 0 and raw.pts is None else raw.pts
            own = first_dts + number * self._period if number < place else raw.dts
            stamped.append(self._stamp(raw.packet, own, pts, raw.arrived_us, raw.monotonic_us))
        return stamped

    def _anchor(self, dts: int, monotonic_us: int) -> None:
        self._offset = self._ticks(monotonic_us - self._origin_us) - dts
        self._lead_us = self._us(dts + self._offset) - monotonic_us
        self._last_us = monotonic_us

    def _stamp(self, packet: P, dts: int | None, pts: int | None, arrived_us: int, monotonic_us: int) -> Stamped[P]:
        told = dts is not None
        if dts is None:
            dts = pts if pts is not None else self._next_expected(monotonic_us)
        reorder = max(0, pts - dts) if pts is not None else 0
        if self._has_jumped(dts, monotonic_us):
            self.jumps += 1
            self._anchor(dts, monotonic_us)
        assert self._offset is not None
        placed = dts + self._offset
        if self._last is not None and placed <= self._last:
            placed = self._last + 1
        elif self._last is not None and told:
            self._period = min(placed - self._last, self._second)
        self._last = placed
        self._follow(placed, monotonic_us)
        return Stamped(packet, placed, max(placed, dts + self._offset + reorder), arrived_us)

    def _next_expected(self, monotonic_us: int) -> int:
        assert self._offset is not None
        last = self._last if self._last is not None else self._ticks(monotonic_us - self._origin_us)
        return last + self._period - self._offset

    def _has_jumped(self, dts: int, monotonic_us: int) -> bool:
        assert self._offset is not None
        if self._last is None:
            return False
        placed = dts + self._offset
        if self._us(self._last - placed) > _BACKWARDS_US:
            return True
        return self._us(placed) - monotonic_us > self._lead_us + _AHEAD_US

    def _follow(self, placed: int, monotonic_us: int) -> None:
        """Remember how far ahead of the arrival the least delayed packets are."""
        faded = self._lead_us - (monotonic_us - self._last_us) * _FADE_PER_SECOND_US // 1_000_000
        self._lead_us = max(faded, self._us(placed) - monotonic_us)
        self._last_us = monotonic_us

    def _ticks(self, microseconds: int) -> int:
        return microseconds * self._down // self._up

    def _us(self, ticks: int) -> int:
        return ticks * self._up // self._down
