"""When the server did not run, and when cameras were lost: what kept it from hearing and seeing."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from camtrace import clock
from camtrace.model import Span
from camtrace.store.database import Database

STARTED, STOPPED = "started", "stopped"


class Disturbances:
    """Reads `journal` and `disconnection`; where the server was killed, whatever it stored last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def outages(self, start: datetime, stop: datetime, starting: bool = False) -> list[Span]:
        """When the server did not run in [start, stop], in order. `starting`: it does not run yet at `stop`."""
        wanted = "kind = 'system' and text in ('started', 'stopped')"
        entries = await self._database.query(
            f"select at, text from journal where {wanted} and at <= %s and at >="
            f" coalesce((select at from journal where {wanted} and at < %s order by at desc, id desc limit 1), %s)"
            " order by at, id",
            (stop, start, start),
        )
        if starting and entries:
            entries = [*entries, (stop, STARTED)]
        found = []
        for (before, text), (at, then) in pairwise(entries):
            if then == STARTED:
                found.append(Span(before if text == STOPPED else max(before, await self._last_sign(at)), at))
        return [span for span in found if span.stop >= start]

    async def losses(self, start: datetime, stop: datetime) -> list[tuple[int, Span]]:
        """Which camera, by uid, was lost when, as far as it touches [start, stop]."""
        rows = await self._database.query(
            "select camera_uid, lost_at, coalesce(back_at, %s) from disconnection where lost_at <= %s"
            " and coalesce(back_at, %s) >= %s order by lost_at",
            (stop, stop, stop, start),
        )
        return [(uid, Span(lost_at, back_at)) for uid, lost_at, back_at in rows]

    async def _last_sign(self, before: datetime) -> datetime:
        """The latest that is known of before then."""
        rows = await self._database.query(
            "select greatest((select max(received_at) from line where received_at < %s),"
            " (select max(at) from journal where at < %s)), (select max(ended_us) from volume cross join lateral"
            " (select ended_us from segment where volume = volume.number and ended_us < %s"
            " order by ended_us desc limit 1) latest)",
            (before, before, clock.to_us(before)),
        )
        ((at, ended_us),) = rows
        ends = [each for each in (at, None if ended_us is None else clock.from_us(ended_us)) if each is not None]
        return max(ends, default=before)
