"""A Prisma receiver over a bus: what it says is published at once, as if it were durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from twisted.internet import defer

from camtrace.bus import Bus
from camtrace.complaints import Complaints
from camtrace.events import LineReceived, SourceAppeared
from camtrace.intake import Ids
from camtrace.metrics import Metrics
from camtrace.prisma.receipts import Receipts
from camtrace.prisma.registry import Registry
from camtrace.prisma.service import EventSources


class SettingsInMemory:
    """The table of settings in a dict."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}
        self.changed: Callable[[], object] = lambda: None

    async def get(self, name: str, default: Any = None) -> Any:
        return self.stored.get(name, default)

    async def set(self, name: str, value: Any) -> None:
        self.stored[name] = value
        self.changed()


class Published:
    """Facts that reach the bus; `all` keeps them."""

    waiting = 0

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.all: list[LineReceived] = []

    def record_all(self, facts: Sequence[LineReceived]) -> defer.Deferred[None]:
        for fact in facts:
            self.all.append(fact)
            self._bus.publish(fact)
        return defer.succeed(None)


class PrismaShop:
    """Registry, receipts and sources."""

    def __init__(self, bus: Bus, cameras: Any, note: Callable[..., object], metrics: Metrics | None = None) -> None:
        ids = Ids()
        self.facts = Published(bus)
        self.registry = Registry(SettingsInMemory(), note)
        self.sources = EventSources(
            self.facts,
            cameras,
            self.registry,
            Receipts(ids.next),
            ids.next,
            metrics or Metrics(),
            Complaints("prisma", note),
            ZoneInfo("Europe/Paris"),
            appeared=lambda source: bus.publish(SourceAppeared(source)),
        )
