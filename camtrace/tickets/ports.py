"""What exception rules, and who looks after silent tills, need from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from twisted.internet import defer

from camtrace.events import RuleMet
from camtrace.model import Alarm, Camera, CameraState, Line, Rule, RuleException, SourceSettings, Span


class Facts(Protocol):
    """Where facts become durable: `intake.Intake`."""

    def record_all(self, facts: Sequence[RuleMet]) -> defer.Deferred[None]: ...
    @property
    def waits_since(self) -> datetime | None:
        """When the oldest fact arrived that is not published yet; None while there is none."""


class Cameras(Protocol):
    """The existing cameras."""

    def by_uid(self, uid: int) -> Camera | None: ...


class WatchedCameras(Cameras, Protocol):
    """The existing cameras, and what they do now."""

    def all(self) -> list[Camera]: ...
    def state(self, uid: int) -> CameraState: ...


class Calendars(Protocol):
    """When something applies: `timetable.Timetable`."""

    def applies(self, name: str, at: datetime | None = None) -> bool: ...


class RuleRows(Protocol):
    """The rules that are stored, and what they found. All raise DatabaseUnavailable."""

    async def all(self) -> list[Rule]: ...
    async def met_since(self, start: datetime) -> set[tuple[int, int]]:
        """Rule and line of each exception from `start` on."""


class AlarmedRows(Protocol):
    """What rules found that raises alarms."""

    async def alarmed_since(self, start: datetime) -> list[tuple[RuleException, set[datetime]]]:
        """Exceptions that raise alarms, from `start` on, and when alarms were raised in their rule's name near them.

        Raises DatabaseUnavailable.
        """


class Offset(Protocol):
    """How much later than its lines the picture of a source shows what they tell of; negative: earlier."""

    def __call__(self, source: str) -> timedelta: ...


class TillName(Protocol):
    """What people call a till or another source; "" where it has no other name than its own."""

    def __call__(self, source: str) -> str: ...


class Lines(Protocol):
    """What was said. All raise DatabaseUnavailable."""

    async def said(
        self, start: datetime, stop: datetime, after: tuple[datetime, int] | None = None, limit: int = 2000
    ) -> list[Line]:
        """Lines received in [start, stop], oldest first, behind the instant and id `after`."""

    async def instant_of_newest(self, count: int) -> datetime | None:
        """When the line was received that `count` newer ones follow; None where there are not so many."""


class Disturbances(Protocol):
    """What kept the server from hearing and seeing. Both raise DatabaseUnavailable."""

    async def outages(self, start: datetime, stop: datetime, starting: bool = False) -> list[Span]:
        """When the server did not run in [start, stop], in order. `starting`: it does not run yet at `stop`."""

    async def losses(self, start: datetime, stop: datetime) -> list[tuple[int, Span]]:
        """Which camera, by uid, was lost when, as far as it touches [start, stop]."""


class Motions(Protocol):
    """What moved."""

    async def motions(self, after: datetime, stop: datetime, limit: int = 20_000) -> list[tuple[datetime, int, str]]:
        """Signs of motion in (after, stop], oldest first: instant, camera uid, zones separated by commas."""


class Raise(Protocol):
    """Raises or prolongs alarms."""

    def __call__(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]: ...


class Settings(Protocol):
    """What is set for each till, from memory: `sources.SourceBook`."""

    def of(self, source: str) -> SourceSettings: ...
    def all(self) -> Sequence[SourceSettings]: ...


class OpeningHours(Protocol):
    """When a calendar applies, and since when: `timetable.Timetable`."""

    def applies(self, name: str, at: datetime | None = None) -> bool: ...
    def since(self, name: str, at: datetime) -> datetime | None: ...


class Note(Protocol):
    """Writes into a journal: `text` is a message id, `values` fill its braces."""

    def __call__(self, kind: str, text: str, values: Mapping[str, Any]) -> object: ...
