"""What the web needs of the rest of the program, as wide as the noun needs. `application.py` brings the real ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from camtrace.model import Camera, CameraState, Gap, JournalEntry, Line, Span, Ticket, User

Fields = Mapping[str, Any]


class Gate(Protocol):
    """Passwords, sessions and tokens."""

    async def check_password(self, name: str, password: str, peer: str) -> User: ...
    async def open_session(self, user: User, peer: str) -> str: ...
    async def user_of_session(self, token: str) -> User | None: ...
    async def close_session(self, token: str) -> None: ...
    async def user_of_token(self, token: str) -> User | None: ...
    async def setup_wanted(self) -> bool: ...
    async def redeem_setup(self, code: str, name: str, password: str) -> User: ...
    def csrf(self, session_token: str) -> str: ...


class CameraDirectory(Protocol):
    """The existing cameras and what they do now, from memory."""

    def by_id(self, id: int) -> Camera | None: ...
    def by_uid(self, uid: int) -> Camera | None: ...
    def all(self) -> list[Camera]: ...
    def watching(self, source: str) -> tuple[int, ...]: ...
    def state(self, uid: int) -> CameraState: ...


class CameraStore(Protocol):
    """Commands that change cameras. `fields` are those of `model.Camera`, `password` in clear text.

    `create` gives the lowest free number; it and `update` raise Conflict when a number or name is taken. `update` and
    `delete` raise NotFound. `deleted` are the cameras that were, newest first.
    """

    async def create(self, fields: Fields) -> Camera: ...
    async def update(self, id: int, fields: Fields) -> Camera: ...
    async def delete(self, id: int) -> None: ...
    async def deleted(self) -> list[Camera]: ...


class Mp4(Protocol):
    """Footage as one MP4 file that nowhere exists as a whole."""

    length: int
    mime: str
    start: datetime
    stop: datetime

    async def read(self, offset: int, length: int) -> bytes: ...


class Footage(Protocol):
    """What was recorded. `kind` is "regular" or "alarm"."""

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]: ...
    async def gaps(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]: ...
    async def mp4(
        self, camera: Camera, kind: str, start: datetime, stop: datetime, *, absolute: bool = False
    ) -> Mp4 | None: ...
    async def picture(self, camera: Camera, at: datetime) -> bytes | None: ...


class LiveViewer(Protocol):
    """Who watches a camera live; called on the reactor."""

    def live_started(self, mime: str, init: bytes, note: str) -> None: ...
    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None: ...
    def live_ended(self, reason: str) -> None: ...


class Live(Protocol):
    """What the cameras send now."""

    def watch(self, camera_uid: int, viewer: LiveViewer) -> Callable[[], None]: ...
    async def picture(self, camera_uid: int) -> bytes | None: ...


class LineStore(Protocol):
    """The external log. Lists are newest first (by instant, then id) unless `ascending`.

    `after` is the (instant, id) of the last one already seen. `camera_uids`: only lines that one of these cameras
    watched (None: all). `text` is any part of article, tender or seller, ignoring case and accents.
    """

    async def lines(
        self,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uids: Sequence[int] | None = None,
        source: str | None = None,
        ticket: str | None = None,
        ticket_id: int | None = None,
        seller: str | None = None,
        type: str | None = None,
        code: str | None = None,
        text: str | None = None,
        amount_min: Decimal | None = None,
        amount_max: Decimal | None = None,
        special: str | None = None,
        after: tuple[datetime, int] | None = None,
        ascending: bool = False,
        limit: int = 100,
    ) -> list[Line]: ...

    async def tickets(
        self,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uids: Sequence[int] | None = None,
        source: str | None = None,
        number: str | None = None,
        state: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> list[Ticket]: ...

    async def ticket(self, id: int) -> tuple[Ticket, list[Line]] | None: ...


class Screens(Protocol):
    """What stands on the screen now for a source: its open or just closed ticket's lines, oldest first."""

    def on_screen(self, source: str) -> Sequence[Line]: ...


class JournalStore(Protocol):
    """The journals, newest first."""

    async def entries(
        self,
        *,
        kind: str | None = None,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uid: int | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> list[JournalEntry]: ...


class Probe(Protocol):
    """Tries a camera that is being set up: connects with the unsaved settings and says what came of it."""

    async def test(self, camera: Camera, password: str) -> Any: ...


Facts = Callable[[int, int], Awaitable[Sequence[Any]]]
"""`await facts(after_id, limit)`: durable facts of one kind with a greater id, in the order of their ids."""

Note = Callable[..., Any]
"""`note(kind, text, values)`: writes into a journal."""

Checks = Mapping[str, Callable[[], Awaitable[tuple[bool, str]]]]
"""Health: by name, whether it is well and a sentence about it."""
