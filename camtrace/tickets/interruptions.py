"""When the server could not hear the tills, nor see what cameras show. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime

from camtrace.model import Span

EVER = datetime.max.replace(tzinfo=UTC)
MOST_KEPT = 1000  # of one camera, or of the server; the oldest are forgotten


class Interruptions:
    """Spans in which something was not known, one of which may last. New ones come in order."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[datetime] = []
        self._stops: list[datetime] = []
        for span in sorted(spans, key=lambda span: span.start):
            if self._stops and self._stops[-1] >= span.start:
                self._stops[-1] = max(self._stops[-1], span.stop)
            else:
                self._starts.append(span.start)
                self._stops.append(span.stop)

    def begin(self, at: datetime) -> None:
        """From now on it is not known, unless it is not anyway."""
        if self._stops and self._stops[-1] >= at:
            self._stops[-1] = EVER
            return
        self._starts.append(at)
        self._stops.append(EVER)
        if len(self._starts) > MOST_KEPT:
            del self._starts[0], self._stops[0]

    def end(self, at: datetime) -> None:
        """It is known again."""
        if self._stops and self._stops[-1] == EVER:
            self._stops[-1] = max(at, self._starts[-1])

    def touch(self, start: datetime, stop: datetime) -> bool:
        """Whether something of [start, stop] is not known."""
        place = bisect_left(self._stops, start)
        return place < len(self._starts) and self._starts[place] <= stop
