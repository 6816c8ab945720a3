"""What the FTP receiver needs from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from twisted.internet import defer

from camtrace.model import Alarm, Camera


class Senders(Protocol):
    """Finds cameras by the address they have."""

    async def at(self, address: str) -> Sequence[Camera]: ...


class Raise(Protocol):
    """Raises or prolongs alarms; fires with them once they are durable."""

    def __call__(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]: ...


class KeepPicture(Protocol):
    """Keeps the picture of an alarm for its mail, in memory, for as long as one may go out."""

    def __call__(self, alarm_id: int, jpeg: bytes) -> object: ...
