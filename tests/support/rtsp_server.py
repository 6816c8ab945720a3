"""An RTSP server over clips, without the rest of the program."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from support.clips import START, camera
from twisted.internet import defer

from camtrace.auth import Refused
from camtrace.metrics import Metrics
from camtrace.model import Camera, Profile, User
from camtrace.rtsp.service import RtspService


class Directory:
    """The cameras given."""

    def __init__(self, *cameras: Camera) -> None:
        self._cameras = {camera.id: camera for camera in cameras}

    def by_id(self, id: int) -> Camera | None:
        """The camera of that number."""
        return self._cameras.get(id)


class NoLive:
    """No camera gives a picture; or the readings given, one a camera."""

    def __init__(self, reading: Any = None) -> None:
        self.reading = reading

    def open(self, camera_uid: int) -> Any:
        """The reading, if there is one."""
        return self.reading


class SubOpened:
    """The readings given, one a question; `asked` fires each."""

    def __init__(self) -> None:
        self.asked: list[defer.Deferred[Any]] = []

    async def open(self, camera_uid: int) -> Any:
        """What the test answers."""
        self.asked.append(defer.Deferred())
        return await self.asked[-1]


def user(name: str, *rights: str, cameras: frozenset[int] | None = None) -> User:
    """A user with these rights."""
    return User(1, name, Profile(1, "test", frozenset(rights), cameras))


class People:
    """A gate with one user, password `secret`, player password secret by its HA1."""

    def __init__(self, person: User | None = None, secret: Any = None) -> None:
        self.person = person
        self.secret = secret
        self.asked = 0

    async def check_password(self, name: str, password: str, peer: str) -> User:
        """The user, if the password is right."""
        self.asked += 1
        if self.person is None or (name, password) != (self.person.name, "secret"):
            raise Refused("The name or the password is wrong.")
        return self.person

    async def digest_wanted(self) -> bool:
        """Whether anybody who is not locked has a player password."""
        return self.secret is not None

    async def user(self, name: str) -> User | None:
        """The user as it is now."""
        return self.person if self.person and name == self.person.name else None

    async def player_secret(self, name: str) -> Any:
        """The Digest secret."""
        return self.secret if self.person and name == self.person.name else None


class Served:
    """The service over `footage`, with what it noted and counted."""

    def __init__(
        self, reactor: Any, footage: Any, live: Any = None, gate: People | None = None, **options: Any
    ) -> None:
        self.metrics = Metrics()
        self.sub = SubOpened()
        self.notes: list[tuple[Any, ...]] = []
        options.setdefault("anonymous", gate is None)
        cameras = options.pop("cameras", (camera(3), camera(4)))
        options.setdefault("now", lambda: START + timedelta(days=1))
        self.service = RtspService(
            reactor,
            footage,
            live or NoLive(),
            self.sub,
            Directory(*cameras),
            gate or People(),
            self.metrics,
            lambda *values: self.notes.append(values),
            **options,
        )


def unix(instant: datetime) -> int:
    """Whole Unix seconds."""
    return int(instant.timestamp())
