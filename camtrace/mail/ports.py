"""What mails need from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from camtrace.mail.smtp import Server
from camtrace.model import (
    Alarm,
    Camera,
    CameraState,
    Gap,
    HeldAlarms,
    MailQuery,
    MailRights,
    Outgoing,
    QueuedMail,
    Recipient,
    Span,
    Trigger,
    User,
)


class Reactor(Protocol):
    """What is needed of the reactor: to be called later."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any: ...


class Cameras(Protocol):
    """The existing cameras and what they do now."""

    def all(self) -> list[Camera]: ...
    def by_uid(self, uid: int) -> Camera | None: ...
    def state(self, uid: int) -> CameraState: ...


class Calendars(Protocol):
    """When something applies: `timetable.Timetable`."""

    def applies(self, name: str, at: datetime | None = None) -> bool: ...


class Footage(Protocol):
    """What was recorded, and what was not."""

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]: ...
    async def gaps(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]: ...


class Volume(Protocol):
    """A disk for footage."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def free_bytes(self) -> int: ...


class AlarmRows(Protocol):
    """The alarms that are stored."""

    async def by_id(self, id: int) -> Alarm | None: ...
    async def triggers(self, alarm_ids: Sequence[int]) -> dict[int, list[Trigger]]: ...


class People(Protocol):
    """The users, where their mails go and which they get. `by` changes nobody who may more: that raises Overreach."""

    async def recipients(self) -> list[Recipient]: ...
    async def set_email(self, name: str, email: str, by: User | None = None) -> None: ...
    async def mail_rights(self) -> dict[str, MailRights]: ...
    async def set_mail_rights(self, profile: str, rights: MailRights, by: User | None = None) -> None: ...


class SettingRows(Protocol):
    """Settings by name."""

    async def get(self, name: str, default: Any = None) -> Any: ...
    async def set(self, name: str, value: Any) -> None: ...


class Secrets(Protocol):
    """Seals and opens passwords."""

    def seal(self, secret: str) -> bytes: ...
    def unseal(self, sealed: bytes) -> str: ...


class Note(Protocol):
    """Writes an entry into the journal."""

    def __call__(
        self,
        kind: str,
        text: str,
        values: Mapping[str, str | int | float],
        camera_uid: int | None = None,
        user: str = "",
    ) -> object: ...


class Picture(Protocol):
    """The picture of an alarm at an instant of it as JPEG, None while there is none."""

    def __call__(self, alarm: Alarm, at: datetime) -> Awaitable[bytes | None]: ...


class CameraBook(Protocol):
    """The existing cameras."""

    def by_uid(self, uid: int) -> Camera | None: ...


class AlarmPictures(Protocol):
    """The pictures that came with alarms, for as long as they are kept."""

    def of(self, alarm_id: int) -> bytes | None: ...


class Live(Protocol):
    """What cameras show now."""

    def picture(self, camera_uid: int) -> Awaitable[bytes | None]:
        """The newest picture as JPEG."""


class Recorded(Protocol):
    """What cameras showed."""

    def picture(self, camera: Camera, at: datetime) -> Awaitable[bytes | None]:
        """The picture of that instant as JPEG; None where nothing is recorded then."""


class Post(Protocol):
    """Hands mails to a mail server: `smtp.Post`."""

    async def deliver(
        self, server: Server, sender: str, recipient: str, data: bytes, entrust: Callable[[], Awaitable[None]]
    ) -> None: ...


class Rows(Protocol):
    """The queue in the database, and what was turned into mails: `store.mails.MailStore`."""

    async def take(
        self,
        key: str,
        at: datetime,
        mails: Sequence[Outgoing],
        *,
        next_at: datetime | None = None,
        camera_uid: int | None = None,
        alarm_id: int | None = None,
        most_per_hour: int | None = None,
    ) -> list[int] | None: ...
    async def take_numbered(
        self, key: str, at: datetime, name: str, write: Callable[[int], Sequence[Outgoing]]
    ) -> list[int] | None: ...
    async def taken(self, key: str) -> bool: ...
    async def lost(
        self, camera_uid: int, since: datetime, at: datetime, mails: Sequence[Outgoing]
    ) -> list[int] | None: ...
    async def back(
        self, camera_uid: int, at: datetime, write: Callable[[datetime], Sequence[Outgoing]]
    ) -> list[int] | None: ...
    async def held(self, before: datetime) -> list[HeldAlarms]: ...
    async def summarise(self, held: HeldAlarms, at: datetime, mails: Sequence[Outgoing]) -> list[int] | None: ...
    async def unmailed_alarms(self, since: datetime) -> list[int]: ...
    async def rewrite(self, id: int, message: bytes, next_at: datetime) -> bool: ...
    async def due(self, at: datetime) -> QueuedMail | None: ...
    async def next_due(self) -> datetime | None: ...
    async def sending(self, id: int) -> None: ...
    async def sent(self, id: int, at: datetime) -> None: ...
    async def put_off(self, id: int, next_at: datetime, problem: str, said: str) -> None: ...
    async def failed(self, id: int, at: datetime, problem: str, said: str) -> None: ...
    async def recover(self, at: datetime) -> list[QueuedMail]: ...
    async def give_up(self, queued_before: datetime, at: datetime) -> list[QueuedMail]: ...
    async def hasten(self, at: datetime) -> None: ...
    async def sweep(self, before: datetime) -> None: ...
    async def page(
        self, query: MailQuery, limit: int, before: tuple[datetime, int] | None = None
    ) -> list[QueuedMail]: ...
    async def waiting(self) -> int: ...
