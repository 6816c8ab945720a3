"""Writes to the index, one after the other, that wait while the database is away. Recording goes on meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace.errors import DatabaseUnavailable

RETRY_SECONDS = 1.0

Write = Callable[[], Awaitable[Any]]


class RowQueue:
    """Runs writes in the order in which they were added."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._writes: deque[tuple[Write, Callable[[], None]]] = deque()
        self._running: defer.Deferred[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._writes)

    def add(self, write: Write, written: Callable[[], None] = lambda: None) -> None:
        """Run `write` after those before it, again and again until the database takes it; then call `written`."""
        self._writes.append((write, written))
        if self._running is None and not self._closed:
            self._running = defer.ensureDeferred(self._run())

    async def stop(self, seconds: float = 3.0) -> None:
        """Wait at most so long for what is queued; start-up finds the rest in the files."""
        self._closed = True
        if self._running is not None:
            running = self._running
            running.addTimeout(seconds, self._reactor)
            try:
                await running
            except (defer.TimeoutError, defer.CancelledError):
                self.log.warn("{count} rows of the index were not written: the next start does", count=len(self))

    async def _run(self) -> None:
        while self._writes:
            write, written = self._writes[0]
            try:
                await write()
            except DatabaseUnavailable:
                await task.deferLater(self._reactor, RETRY_SECONDS)
                continue
            except defer.CancelledError:
                raise
            except Exception:
                self.log.failure("a row of the index was refused")
            else:
                written()
            self._writes.popleft()
        self._running = None
