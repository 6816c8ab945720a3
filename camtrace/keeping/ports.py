"""What removing needs of the rest of the program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from camtrace.model import Leaving, Removal, Removed


class OldRows(Protocol):
    """The rows that may be old, and how far they were removed."""

    async def removal(self, what: str) -> Removal: ...
    async def any_before(self, what: str, before: datetime) -> bool: ...
    async def announce(self, what: str, before: datetime | None, at: datetime | None) -> None: ...
    async def begin(self, before: datetime, looked_at: Removal) -> bool: ...
    def kinds(self, what: str) -> Sequence[str]: ...
    async def remove(self, kind: str, before: datetime, place: tuple[datetime, int] | None, limit: int) -> Removed: ...
    async def finish(self, what: str, at: datetime) -> None: ...
    async def told(self, what: str) -> None: ...
    async def unused_texts(self, after: int | None, limit: int) -> tuple[list[int], int | None]: ...
    async def remove_texts(self, keys: Sequence[int]) -> int: ...
    async def unused_watches(self) -> list[tuple[str, tuple[int, ...]]]: ...
    async def remove_watches(self, watches: Sequence[tuple[str, tuple[int, ...]]]) -> int: ...


class Writing(Protocol):
    """What is written meanwhile: `store.facts.FactsStore`."""

    async def forget(self, texts: Sequence[int] = (), watches: Sequence[tuple[str, tuple[int, ...]]] = ()) -> None: ...


class Note(Protocol):
    """Write into a journal; fires when it is durable."""

    def __call__(self, kind: str, text: str, values: dict[str, str | int | float]) -> Awaitable[None]: ...


class DayRows(Protocol):
    """For how many days each kind is kept, as it was set; and how much is older than an instant."""

    async def all(self) -> Mapping[str, Removal]: ...
    async def set(
        self,
        what: str,
        days: int | None,
        held: int | None,
        announced: datetime | None,
        announced_at: datetime | None,
    ) -> None: ...
    async def leaving(self, what: str, before: datetime) -> Leaving: ...


class Footage(Protocol):
    """How much footage there is that would go if it were kept for so many days, that of alarms for `alarm_days`."""

    async def leaving(self, days: int, alarm_days: int) -> Leaving: ...


class NoteOfUser(Protocol):
    """Writes what a user did into the journal."""

    def __call__(self, kind: str, text: str, values: dict[str, str | int | float], *, user: str = "") -> object: ...


class Reactor(Protocol):
    """What calls later."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any: ...
