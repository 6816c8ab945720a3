"""Media time and wall time of a run, kept apart. Pure.

Within a run the ticks of every track go on without a break, as the camera counts them. They begin at the wall time of
the first picture, so that a file says by itself when it was recorded; from then on wall time is followed beside them
by a correction, as the camera's clock and ours are never equally fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

JUMP_US = 1_000_000  # what disagrees by more than this is no drift
SLEW = 0.0005  # how fast wall time is corrected: 30 ms a minute
_WINDOW_US = 5_000_000  # arrivals are judged by the earliest one of at least this long


class TrackTime:
    """Ticks of one track: the camera's in, continuous ones out."""

    def __init__(self, time_base: Fraction) -> None:
        self._up = time_base.numerator * 1_000_000
        self._down = time_base.denominator
        self._shift = 0
        self._last: int | None = None
        self._arrived_us = 0
        self._step = 1

    def us(self, ticks: int) -> int:
        """Ticks in microseconds."""
        return ticks * self._up // self._down

    def ticks(self, us: int) -> int:
        """Microseconds in ticks."""
        return us * self._down // self._up

    def begin(self, shift_us: int) -> None:
        """Add this to the camera's time from now on."""
        self._shift = self.ticks(shift_us)
        self._last = None

    def place(self, dts: int, pts: int, arrived_us: int) -> tuple[int, int, bool]:
        """dts and pts in the run's time, and whether the camera's own time had jumped.

        dts always grows. A jump is closed up, so that nothing is lost before the run is split at the next key frame.
        """
        jumped = False
        if self._last is not None:
            step = dts + self._shift - self._last
            ahead_us = self.us(step) - (arrived_us - self._arrived_us)
            if self.us(step) < -JUMP_US or (ahead_us > JUMP_US and self.us(step) > JUMP_US):
                jumped = True
                self._shift += self._step - step
            elif step <= 0:
                dts += 1 - step
            else:
                self._step = step
        dts += self._shift
        self._last, self._arrived_us = dts, arrived_us
        return dts, max(pts + self._shift, dts), jumped


class WallTime:
    """Wall time of one run: its media time in microseconds, plus a slow correction.

    An arrival can only be late: the earliest one of a while tells how far the clocks have parted.
    """

    def __init__(self, delay_us: int) -> None:
        self.correction_us = 0
        self._delay_us = delay_us
        self._earliest: int | None = None
        self._since_us: int | None = None

    def arrived(self, media_us: int, arrived_us: int) -> None:
        """The packet of this media time (of decoding) arrived now."""
        late = arrived_us - media_us - self.correction_us - self._delay_us
        if self._earliest is None or self._since_us is None:
            self._earliest, self._since_us = late, arrived_us
        self._earliest = min(self._earliest, late)

    def correct(self, now_us: int) -> bool:
        """Follow the clocks; False when they are so far apart that the run must be split."""
        if self._earliest is None or self._since_us is None or now_us - self._since_us < _WINDOW_US:
            return True
        if abs(self._earliest) > JUMP_US:
            return False
        most = int((now_us - self._since_us) * SLEW)
        self.correction_us += max(-most, min(most, self._earliest))
        self._earliest = self._since_us = None
        return True


class First(NamedTuple):
    """The key frame a run begins with, as the camera stamped it."""

    dts: int
    pts: int
    arrived_us: int


class RunClock:
    """The times of a run's tracks and its wall time; `origin_us` is when its first picture was taken.

    `broken` tells that the run has to be split at the next key frame: the wall clock stepped against the one that
    never does (`monotonic_us`), the camera's time jumped, or the two have drifted apart beyond correction.
    """

    def __init__(
        self, time_bases: Sequence[Fraction], first: First, origin_us: int, monotonic_us: Callable[[], int]
    ) -> None:
        self.broken = False
        self._tracks = [TrackTime(base) for base in time_bases]
        self._first = first
        self._shift_us = origin_us - self._tracks[0].us(first.pts)
        self._wall = WallTime(self._tracks[0].us(first.pts - first.dts))
        self._monotonic_us = monotonic_us
        self._offset_us = first.arrived_us - monotonic_us()
        self._begun: set[int] = set()

    @property
    def correction_us(self) -> int:
        """What has to be added to media time (in microseconds) to have wall time."""
        return self._wall.correction_us

    def replace_others(self, time_bases: Sequence[Fraction]) -> None:
        """The video goes on, the other tracks are new."""
        self._tracks[1:] = [TrackTime(base) for base in time_bases[1:]]
        self._begun &= {0}

    def place(self, track: int, dts: int, pts: int, arrived_us: int) -> tuple[int, int]:
        """Times of the camera as ticks of the run; see `TrackTime.place`."""
        time = self._tracks[track]
        if track not in self._begun:
            self._begun.add(track)
            time.begin(self._shift_us - self._apart_us(track, dts, arrived_us))
        dts, pts, jumped = time.place(dts, pts, arrived_us)
        offset_us = arrived_us - self._monotonic_us()
        stepped = abs(offset_us - self._offset_us) > JUMP_US
        self._offset_us = offset_us
        self.broken = self.broken or jumped or stepped
        if track == 0:
            self._wall.arrived(time.us(dts), arrived_us)
        return dts, pts

    def us(self, track: int, ticks: int) -> int:
        """Ticks of a track in microseconds."""
        return self._tracks[track].us(ticks)

    def resume(self, arrived_us: int) -> None:
        """The run goes on with a packet that came then, and was kept meanwhile."""
        self._offset_us = arrived_us - self._monotonic_us()

    def correct(self, now_us: int) -> None:
        """Follow the drift between the camera's clock and ours."""
        if not self._wall.correct(now_us):
            self.broken = True

    def _apart_us(self, track: int, dts: int, arrived_us: int) -> int:
        """How wrong a track's time is against the video's, as the arrival shows; 0 where they can be one clock."""
        first = self._first
        elapsed = self._tracks[track].us(dts) - self._tracks[0].us(first.dts)
        apart_us = elapsed - (arrived_us - first.arrived_us)
        return apart_us if abs(apart_us) > 2 * JUMP_US else 0
