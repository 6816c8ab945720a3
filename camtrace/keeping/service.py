"""Removes rows whose days are over, at night, so gently that nobody is held up; tells the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import DatabaseUnavailable
from camtrace.keeping.ports import Note, OldRows, Reactor, Writing
from camtrace.keeping.retention import GRACE, Step, expiry, in_force, is_due, step
from camtrace.model import JOURNALS, LINES, Removal

TOLD = {LINES: ("tickets", "lines", "exceptions"), JOURNALS: ("entries", "alarms", "losses")}  # in the journal
AT_ONCE = 500  # rows of one step
TEXTS_AT_ONCE = 1000
FIRST_SECONDS = 2.0  # after the start
LOOK_SECONDS = 600.0
REST = 4  # times as long as a step took, before the next one: a fifth of one connection, at most
SHORTEST_REST_SECONDS = 0.02
BUSY_SECONDS = 1.0


class Keeping:
    """Keeps rows no longer than their days. `in_file`: those of a kind (`model.KEPT_FOR_DAYS`) where none are set, 0
    for ever.

    `is_busy()`: whether what comes in waits, so that a step would be one too many. What was removed is counted in the
    transaction that removes it, so an end in the middle is made up for by the next start.
    """

    log = Logger()

    def __init__(
        self,
        rows: OldRows,
        writing: Writing,
        note: Note,
        is_busy: Callable[[], bool],
        reactor: Reactor,
        zone: tzinfo,
        in_file: Mapping[str, int],
        now: Callable[[], datetime] = clock.now,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._rows = rows
        self._writing = writing
        self._note = note
        self._is_busy = is_busy
        self._reactor = reactor
        self._zone = zone
        self._in_file = dict(in_file)
        self._now = now
        self._monotonic = monotonic
        self._reached: dict[str, datetime | None] = {}
        self._running = False
        self._ended: defer.Deferred[None] | None = None
        self._over: defer.Deferred[None] | None = None
        self._call: Any = None

    async def start(self) -> None:
        """Begin to look, every ten minutes. Raises DatabaseUnavailable."""
        for what in self._in_file:
            self._reached[what] = (await self._rows.removal(what)).reached
        self._running = True
        self._ended = defer.Deferred.fromCoroutine(self._run())

    async def stop(self) -> None:
        """End behind the step that is under way; the rest is removed after the next start."""
        self._running = False
        self._wake()
        if self._ended is not None:
            await self._ended

    def kept_since(self, what: str) -> datetime | None:
        """Rows of this kind from before then were removed; None while none ever was."""
        return self._reached.get(what)

    # ── inside ──

    async def _run(self) -> None:
        await self._sleep(FIRST_SECONDS)
        while self._running:
            for what in self._in_file:
                try:
                    await self._look(what)
                except DatabaseUnavailable:
                    self.log.debug("the database is away: old rows go next time")
                except Exception:
                    self.log.failure("old rows could not be removed; it is tried again")
            await self._sleep(LOOK_SECONDS)

    async def _look(self, what: str) -> None:
        now, removal = self._now(), await self._rows.removal(what)
        days = in_force(now, self._in_file[what], removal).wanted
        before = expiry(now, days, self._zone)
        if before is None:
            if removal.announced is not None:
                await self._rows.announce(what, None, None)
            return
        if not is_due(now, removal.done_at, self._zone):
            return
        if removal.reached is None and not await self._rows.any_before(what, before):
            return await self._rows.finish(what, now)
        match step(now, before, removal):
            case Step.REMOVE:
                await self._remove(what, before, removal)
            case Step.ANNOUNCE:
                day = _day(now + GRACE, self._zone)
                await self._note("system", f"{what}_will_go", {"day": day, "days": days})
                await self._rows.announce(what, before, now)

    async def _remove(self, what: str, before: datetime, looked_at: Removal) -> None:
        if not await self._rows.begin(before, looked_at):
            return  # other days were set meanwhile
        self._reached[what] = max(before, self._reached.get(what) or before)
        for kind in self._rows.kinds(what):
            place: tuple[datetime, int] | None = None
            while True:
                began = await self._turn()
                if not self._running:
                    return
                place = (await self._rows.remove(kind, before, place, AT_ONCE)).place
                await self._rest(began)
                if place is None:
                    break
        removal = await self._rows.removal(what)
        if what == LINES and removal.untold.get("lines"):
            await self._remove_texts()
        if not self._running:
            return
        await self._tell(removal, before)
        await self._rows.finish(what, self._now())

    async def _tell(self, removal: Removal, before: datetime) -> None:
        count = {kind: removal.untold.get(kind, 0) for kind in TOLD[removal.what]}
        if any(count.values()):
            await self._note("system", f"{removal.what}_gone", {"day": _day(before, self._zone), **count})
        if removal.untold:
            await self._rows.told(removal.what)

    async def _remove_texts(self) -> None:
        """What only lines that are gone have said need not be searched any more.

        A text that is written already is not written again with its next line; so it is forgotten first.
        """
        after: int | None = None
        while True:
            began = await self._turn()
            if not self._running:
                return
            unused, after = await self._rows.unused_texts(after, TEXTS_AT_ONCE)
            if unused:
                await self._writing.forget(texts=unused)
                await self._rows.remove_texts(unused)
            await self._rest(began)
            if after is None:
                break
        watches = await self._rows.unused_watches()
        if watches:
            await self._writing.forget(watches=watches)
            await self._rows.remove_watches(watches)

    async def _turn(self) -> float:
        """Returns when nobody waits for the database, with the time it is then."""
        while self._running and self._is_busy():
            await self._sleep(BUSY_SECONDS)
        return self._monotonic()

    async def _rest(self, began: float) -> None:
        await self._sleep(max(SHORTEST_REST_SECONDS, REST * (self._monotonic() - began)))

    async def _sleep(self, seconds: float) -> None:
        if not self._running:
            return
        self._over = defer.Deferred()
        self._call = self._reactor.callLater(seconds, self._wake)
        await self._over

    def _wake(self) -> None:
        over, self._over = self._over, None
        if self._call is not None and self._call.active():
            self._call.cancel()
        if over is not None:
            over.callback(None)


def _day(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).date().isoformat()
