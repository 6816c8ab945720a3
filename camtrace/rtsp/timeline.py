"""Normal play time and wall time of one presentation. Pure.

Holes in the recording are skipped, so that play time runs on while wall time jumps; with `gaps=keep` there is one
span and both run alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from camtrace.model import Span

_SECOND = timedelta(seconds=1)


class Timeline:
    """Maps seconds of play time to instants and back, over spans in order that do not overlap."""

    def __init__(self, start: datetime, stop: datetime | None, spans: Iterable[Span] = ()) -> None:
        """`spans` are clipped to `start`-`stop`; without any the whole is one. `stop` None: it goes on for ever."""
        self.start = start
        self.stop = stop
        last = stop or datetime.max.replace(tzinfo=start.tzinfo)
        clipped = [Span(max(span.start, start), min(span.stop, last)) for span in spans]
        self._spans = [span for span in clipped if span.start < span.stop] or [Span(start, last)]

    @property
    def duration(self) -> float | None:
        """Seconds of play time in all; None for what still goes on."""
        if self.stop is None:
            return None
        return sum((span.stop - span.start) / _SECOND for span in self._spans)

    def instant(self, npt: float) -> datetime:
        """The wall time `npt` seconds into the presentation; past the end, the end."""
        left = timedelta(seconds=max(npt, 0.0))
        for span in self._spans:
            if left < span.stop - span.start:
                return span.start + left
            left -= span.stop - span.start
        return self._spans[-1].stop

    def npt(self, instant: datetime) -> float:
        """Seconds of play time before `instant`."""
        played = timedelta(0)
        for span in self._spans:
            if instant < span.stop:
                return max(0.0, (played + max(instant - span.start, timedelta(0))) / _SECOND)
            played += span.stop - span.start
        return played / _SECOND
