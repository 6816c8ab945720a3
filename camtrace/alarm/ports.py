"""What alarms need from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from twisted.internet import defer

from camtrace.events import AlarmAcknowledged, AlarmEnded, AlarmTriggered
from camtrace.model import Alarm, Camera, ContactBox, MotionSettings, Moved


class Facts(Protocol):
    """Where facts become durable: `intake.Intake`."""

    def record_all(self, facts: Sequence[AlarmTriggered | AlarmEnded | AlarmAcknowledged]) -> defer.Deferred[None]: ...


class Cameras(Protocol):
    """The existing cameras."""

    def all(self) -> list[Camera]: ...
    def by_id(self, id: int) -> Camera | None: ...
    def by_uid(self, uid: int) -> Camera | None: ...


class Calendars(Protocol):
    """When something applies: `timetable.Timetable`."""

    def applies(self, name: str, at: datetime | None = None) -> bool: ...


class AlarmRows(Protocol):
    """The alarms that are stored."""

    async def running(self) -> list[Alarm]: ...
    async def by_id(self, id: int) -> Alarm | None: ...


class Raise(Protocol):
    """Raises or prolongs alarms: `service.Alarms.trigger`."""

    def __call__(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]: ...


class Detection(Protocol):
    """Looks at cameras' pictures: `media.motion_detection.MotionDetection`."""

    def watch(
        self, camera_uid: int, settings: MotionSettings, listener: Callable[[Moved], object]
    ) -> Callable[[], None]:
        """Tell `listener` of each picture looked at; returns what ends it."""


class SecondStreams(Protocol):
    """The cameras' smaller pictures, which cost less to look at."""

    def hold(self, camera_uid: int) -> Callable[[], None]:
        """Keep it connected, where there is one; returns what ends it."""


class ContactRows(Protocol):
    """The contact boxes that are stored."""

    async def all(self) -> list[ContactBox]:
        """Every box. Raises DatabaseUnavailable."""


class Inputs(Protocol):
    """A connection to a contact box."""

    async def read(self, box: ContactBox) -> list[bool]:
        """Whether each input of `box` is closed. Raises LinkFailure."""

    def close(self) -> None:
        """End it now."""


class Note(Protocol):
    """Writes into a journal: `text` is a message id, `values` fill its braces."""

    def __call__(self, kind: str, text: str, values: Mapping[str, Any], camera_uid: int | None = None) -> object: ...


class Secrets(Protocol):
    """Opens sealed passwords."""

    def unseal(self, sealed: bytes) -> str: ...
