"""What the Prisma receiver needs from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from twisted.internet import defer

from camtrace.events import LineReceived, TicketTied


class Facts(Protocol):
    """Where facts become durable: `intake.Intake`."""

    def record_all(self, facts: Sequence[LineReceived | TicketTied]) -> defer.Deferred[None]: ...


class Cameras(Protocol):
    """Which cameras look at a source."""

    def watching(self, source: str) -> tuple[int, ...]: ...


class SettingRows(Protocol):
    """Settings in the database, by name."""

    async def get(self, name: str, default: Any = None) -> Any: ...
    async def set(self, name: str, value: Any) -> None: ...


class Note(Protocol):
    """Writes into a journal: `text` is a message id, `values` fill its braces."""

    def __call__(self, kind: str, text: str, values: Mapping[str, Any], *, user: str = "") -> object: ...
