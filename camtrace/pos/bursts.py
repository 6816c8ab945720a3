"""Tills that send whole tickets at once: their lines cannot be tied to instants of the video. Pure.

A ticket came at once when its lines arrived faster than anybody rings them up. One may do so by chance, of a till that
was cut off; several in a row are the till's way.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from camtrace.model import Ticket

FEWEST_LINES = 4
LINE_TIME = timedelta(milliseconds=100)
IN_A_ROW = 3
AGAIN = timedelta(hours=1)  # a till that is now so, now so, is not told each time
MOST_SOURCES = 10_000


class Bursts:
    """Watches the tickets of all sources."""

    def __init__(self) -> None:
        self._run: dict[str, int] = {}  # how many tickets in a row came at once; below zero, how many did not
        self._told: dict[str, tuple[bool, datetime]] = {}

    def closed(self, ticket: Ticket) -> bool | None:
        """Take note of a ticket that ended; True or False once that many in a row came at once, or did not."""
        if ticket.closed_at is None or ticket.line_count < FEWEST_LINES:
            return None
        at_once = ticket.closed_at - ticket.opened_at < LINE_TIME * ticket.line_count
        run = self._run.get(ticket.source, 0)
        run = max(run, 0) + 1 if at_once else min(run, 0) - 1
        run = max(-IN_A_ROW, min(IN_A_ROW, run))
        if ticket.source in self._run or len(self._run) < MOST_SOURCES:
            self._run[ticket.source] = run
        if abs(run) < IN_A_ROW:
            return None
        before, since = self._told.get(ticket.source, (None, ticket.closed_at - AGAIN))
        if before == at_once or (at_once and timedelta() <= ticket.closed_at - since < AGAIN):
            return None
        self._told[ticket.source] = (at_once, ticket.closed_at if at_once else since)
        return at_once
