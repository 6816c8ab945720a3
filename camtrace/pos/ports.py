"""What the till receiver needs from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet import defer

from camtrace.events import LineReceived


class Facts(Protocol):
    """Where facts become durable: `intake.Intake`."""

    @property
    def waiting(self) -> int: ...

    def record_all(self, facts: Sequence[LineReceived]) -> defer.Deferred[None]: ...


class Cameras(Protocol):
    """Which cameras look at a till."""

    def watching(self, source: str) -> tuple[int, ...]: ...
