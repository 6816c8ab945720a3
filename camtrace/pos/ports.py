"""What the till receiver needs from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet import defer

from camtrace.events import LineMasked, LineReceived
from camtrace.model import SourceSettings, StoredDialect


class Facts(Protocol):
    """Where facts become durable: `intake.Intake`."""

    def record_all(self, facts: Sequence[LineReceived | LineMasked]) -> defer.Deferred[None]: ...


class Cameras(Protocol):
    """Which cameras look at a till."""

    def watching(self, source: str) -> tuple[int, ...]: ...


class DialectRows(Protocol):
    """The dialects in the database."""

    async def all(self) -> list[StoredDialect]: ...


class Sources(Protocol):
    """What is set for tills."""

    def all(self) -> Sequence[SourceSettings]: ...


class BurstFound(Protocol):
    """Told that a till sends whole tickets at once, or does so no more."""

    def __call__(self, source: str, at_once: bool) -> object: ...
