"""What the cameras need from elsewhere.

`S` is what takes a camera's packets, `R` a reading of a live picture; nobody here looks inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from twisted.internet import defer

from camtrace.errors import StreamFailure
from camtrace.events import CameraStateChanged
from camtrace.model import Camera

S = TypeVar("S")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)


class Listener(Protocol):
    """Hears of one connection, on the reactor."""

    def began(self, codec: str, width: int, height: int) -> None: ...
    def flowed(self, frames_per_second: float, bits_per_second: float) -> None: ...
    def remarked(self, code: str, values: dict[str, str]) -> None: ...
    def ended(self, failure: StreamFailure | None) -> None: ...


class Feed(Protocol):
    """One connection; `stop` fires within 1 s, and `ended(None)` is heard before it does."""

    def stop(self) -> defer.Deferred[None]: ...


class Feeds(Protocol[S_contra]):
    """Opens connections; every failure comes later by `listener.ended`."""

    def ask(self, url: str, *, login: str = "", password: str = "") -> defer.Deferred[None]:
        """Ask a camera over RTSP what it offers, no more. Fails with StreamFailure, a refusal with its status."""

    def open(
        self,
        camera_uid: int,
        url: str,
        sinks: Sequence[S_contra],
        listener: Listener,
        *,
        login: str = "",
        password: str = "",
        transport: str = "tcp",
        codec: str = "",
        label: str = "",
    ) -> Feed: ...


class Viewer(Protocol):
    """Who watches a camera live; called on the reactor."""

    def live_started(self, mime: str, init: bytes, note: str) -> None: ...
    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None: ...
    def live_ended(self, reason: str) -> None: ...


class Opening(Protocol):
    """Tells when a stream can be watched."""

    def opened(self, camera_uid: int) -> defer.Deferred[None]:
        """Fires when its samples come, or come already; may be cancelled."""


class Pictures(Opening, Protocol[R_co]):
    """What one kind of streams, main or sub, shows at this moment."""

    def watch(self, camera_uid: int, viewer: Viewer, stills: bool = False) -> Callable[[], None]: ...

    def open(self, camera_uid: int, closed: Callable[[], None] = ...) -> R_co | None:
        """A reading, None while there is no picture. `closed()` is called once when it is over."""

    def forget(self, camera_uid: int) -> None: ...


class OnDemand(Protocol):
    """Connections beside the main ones, made when somebody watches."""

    async def refresh(self) -> None:
        """Cameras were changed or deleted."""

    async def stop(self) -> None: ...


class Recording(Protocol[S_co]):
    """Where a camera's packets are recorded. `sink`: None while its volume is absent, and then it is not connected."""

    def sink(self, camera: Camera) -> S_co | None: ...

    def camera_down(self, camera_uid: int) -> None:
        """The camera could not be reached, or broke off."""

    def refresh(self) -> None:
        """Cameras were changed."""


class CameraRows(Protocol):
    """The cameras as they stand in the database."""

    async def all(self) -> list[Camera]: ...


class Facts(Protocol):
    """Where facts become durable."""

    def record(self, fact: CameraStateChanged) -> defer.Deferred[None]: ...


class Note(Protocol):
    """Writes into a journal: `text` is one of its sentences, `values` fill it."""

    def __call__(
        self, kind: str, text: str, values: Mapping[str, Any], camera_uid: int | None = None, user: str = ""
    ) -> object: ...


class Numbers(Protocol):
    """Ids of facts."""

    def next(self) -> int: ...


class Secrets(Protocol):
    """Opens what was sealed; ValueError when the key is another one."""

    def unseal(self, sealed: bytes) -> str: ...


class Forgetful(Protocol):
    """Whoever keeps something of a camera that may go when it is deleted."""

    def forget(self, camera_uid: int) -> None: ...


class Follower(Protocol):
    """Whoever does what the cameras' settings say."""

    def refresh(self) -> None:
        """Cameras were added, changed or deleted."""


class Reactor(Protocol):
    """What is needed of the reactor's clock."""

    def seconds(self) -> float: ...
    def callLater(self, delay: float, callable: Callable[..., object], *args: object) -> Any: ...
