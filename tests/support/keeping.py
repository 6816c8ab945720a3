"""Rows that grow old, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twisted.internet import defer
from twisted.internet.task import Clock

from camtrace.errors import DatabaseUnavailable
from camtrace.model import ALL_KEPT, JOURNALS, LINES, Leaving, Removal, Removed

NIGHT = datetime(2026, 11, 26, 3, tzinfo=UTC)


class Rows:
    """Old rows as instants, by kind; `seconds` is what a step takes."""

    def __init__(self, clock: Clock) -> None:
        self.rows: dict[str, list[datetime]] = {}
        self.removals = {what: Removal(what) for what in ALL_KEPT}
        self.clock = clock
        self.seconds = 0.01
        self.away = False
        self.steps: list[float] = []
        self.texts: list[Any] = []

    async def removal(self, what: str) -> Removal:
        if self.away:
            raise DatabaseUnavailable("away")
        return self.removals[what]

    def _change(self, what: str, **more: Any) -> None:
        self.removals[what] = replace(self.removals[what], **more)

    def kinds(self, what: str) -> Sequence[str]:
        return {LINES: ("lines", "exceptions"), JOURNALS: ("entries",)}[what]

    async def any_before(self, what: str, before: datetime) -> bool:
        return any(at < before for kind in self.kinds(what) for at in self.rows.get(kind, ()))

    async def announce(self, what: str, before: datetime | None, at: datetime | None) -> None:
        self._change(what, announced=before, announced_at=at, held=None)

    async def begin(self, before: datetime, looked_at: Removal) -> bool:
        what, present = looked_at.what, self.removals[looked_at.what]
        if (present.announced_at, present.days) != (looked_at.announced_at, looked_at.days):
            return False
        reached = max(before, present.reached or before)
        self._change(what, reached=reached, announced=None, announced_at=None, held=None)
        return True

    async def remove(self, kind: str, before: datetime, place: Any, limit: int) -> Removed:
        self.steps.append(self.clock.seconds())
        took: defer.Deferred[None] = defer.Deferred()
        self.clock.callLater(self.seconds, took.callback, None)
        await took
        old = [at for at in self.rows.get(kind, []) if at < before][:limit]
        self.rows[kind] = [at for at in self.rows.get(kind, []) if at not in old]
        what = LINES if kind in self.kinds(LINES) else JOURNALS
        untold = dict(self.removals[what].untold)
        self._change(what, untold=untold | {kind: untold.get(kind, 0) + len(old)})
        return Removed({kind: len(old)}, (before, 0) if len(old) == limit else None)

    async def finish(self, what: str, at: datetime) -> None:
        self._change(what, done_at=at)

    async def told(self, what: str) -> None:
        self._change(what, untold={})

    async def unused_texts(self, after: int | None, limit: int) -> tuple[list[int], int | None]:
        return ([1, 2], 2) if after is None else ([], None)

    async def remove_texts(self, keys: Sequence[int]) -> int:
        self.texts.append(("removed", tuple(keys)))
        return len(keys)

    async def unused_watches(self) -> list[Any]:
        return [("9", (7,))]

    async def remove_watches(self, watches: Sequence[Any]) -> int:
        self.texts.append(("removed", *watches))
        return 1

    async def forget(self, texts: Sequence[int] = (), watches: Sequence[Any] = ()) -> None:
        self.texts.append(("forgotten", tuple(texts) or watches[0]))

    async def all(self) -> dict[str, Removal]:
        return dict(self.removals)

    async def set(self, what: str, days: Any, held: Any, announced: Any, announced_at: Any) -> None:
        self._change(what, days=days, held=held, announced=announced, announced_at=announced_at)

    async def leaving(self, what: str, before: datetime) -> Leaving:
        old = [at for kind in self.kinds(what) for at in self.rows.get(kind, ()) if at < before]
        return Leaving({"lines": len(old)}, min(old, default=None))
