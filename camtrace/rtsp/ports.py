"""What RTSP needs of the rest of the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from camtrace.model import Camera, Chunk, Span, Track, User


class Reading(Protocol):
    """A cursor over recorded footage, or a live feed.

    `tracks` is the layout of the whole reading: a codec change ends it. `start` and `stop` are the wall time really
    covered, from the first key frame at or before the start asked; `stop` is None for what still goes on.
    """

    @property
    def tracks(self) -> tuple[Track, ...]: ...

    @property
    def start(self) -> datetime: ...

    @property
    def stop(self) -> datetime | None: ...

    async def next(self) -> Chunk | None:
        """The next samples, None at the end. Called again only after it answered."""

    async def seek(self, at: datetime) -> None:
        """Go to the last key frame at or before `at` (recorded footage only)."""

    def close(self) -> None:
        """Give everything back; a pending `next` answers None or is cancelled."""


class Footage(Protocol):
    """What is recorded."""

    async def open(
        self,
        camera: Camera,
        kind: str,
        start: datetime,
        stop: datetime,
        *,
        keep_gaps: bool = False,
        follow: bool = False,
    ) -> Reading | None:
        """A reading of `kind` ("regular" or "alarm") from `start` to `stop`; None when it holds no picture.

        `follow`: go on beyond `stop` into the growing recording.
        """

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]:
        """The unbroken parts of what is recorded, in order."""


class Live(Protocol):
    """What the cameras send now."""

    def open(self, camera_uid: int) -> Reading | None:
        """A live reading from the next key frame on; None while the camera gives no picture."""


class SubStreams(Protocol):
    """The cameras' second streams, which are connected when somebody asks."""

    async def open(self, camera_uid: int) -> Reading | None:
        """A reading as of `Live`, of the main stream where the second one cannot be had; waits some seconds for it."""


class CameraDirectory(Protocol):
    """The cameras by their public number."""

    def by_id(self, id: int) -> Camera | None: ...


class PlayerSecret(Protocol):
    """A user's Digest secrets: hexadecimal HA1 values for the realm, by hash."""

    @property
    def user(self) -> User: ...

    @property
    def ha1_md5(self) -> str: ...

    @property
    def ha1_sha256(self) -> str: ...


class Gate(Protocol):
    """Who may come in."""

    async def check_password(self, name: str, password: str, peer: str) -> User: ...

    async def player_secret(self, name: str) -> PlayerSecret | None: ...

    async def digest_wanted(self) -> bool:
        """Whether anybody who is not locked has a player password."""

    async def user(self, name: str) -> User | None:
        """The user of that name as it is now; None if there is none, or it is locked."""


class Counters(Protocol):
    """Where figures are shown."""

    def add(self, name: str, amount: float = 1, **labels: object) -> None: ...

    def gauge(self, name: str, read: Callable[[], Iterable[tuple[Mapping[str, str], float]]]) -> None: ...


class Note(Protocol):
    """Write into a journal: `text` is a message id whose braces `values` fill."""

    def __call__(
        self, kind: str, text: str, values: dict[str, str | int | float], camera_uid: int | None = None
    ) -> object: ...
