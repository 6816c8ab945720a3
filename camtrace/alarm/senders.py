"""Which camera speaks: cameras that name nobody in their message are told apart by the address they send from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import defer
from twisted.internet.interfaces import IResolutionReceiver
from zope.interface import implementer

from camtrace import clock
from camtrace.alarm.ports import Cameras
from camtrace.model import Camera
from camtrace.peers import plain_address

RESOLVED_SECONDS = 300.0  # how long an answer of the name server counts
RESOLVE_SECONDS = 3.0


class Senders:
    """Finds cameras by the address they have: the one that is set, or that of their stream.

    `resolve` gives the addresses of a host name, none when nobody knows it.
    """

    def __init__(
        self,
        cameras: Cameras,
        resolve: Callable[[str], Awaitable[Sequence[str]]],
        seconds: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._cameras = cameras
        self._resolve = resolve
        self._seconds = seconds
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    async def at(self, address: str) -> list[Camera]:
        """The cameras whose address this is, by number."""
        wanted = str(plain_address(address) or address)
        hosts = {camera.uid: host_of(camera) for camera in self._cameras.all()}
        names = {host for host in hosts.values() if host and plain_address(host) is None}
        resolved = dict(zip(names, await self._all(names), strict=True))

        def lives_there(host: str) -> bool:
            literal = plain_address(host)
            return str(literal) == wanted if literal is not None else wanted in resolved.get(host, ())

        return [camera for camera in self._cameras.all() if lives_there(hosts.get(camera.uid, ""))]

    async def _all(self, names: set[str]) -> list[frozenset[str]]:
        """The addresses of each name, asked for at the same time."""
        asked = [defer.Deferred.fromCoroutine(self._addresses(name)) for name in names]
        return list(await defer.gatherResults(asked))

    async def _addresses(self, name: str) -> frozenset[str]:
        known = self._known.get(name)
        if known is not None and self._seconds() - known[0] < RESOLVED_SECONDS:
            return known[1]
        found = frozenset(await self._resolve(name))
        if not found and known is not None:
            return known[1]  # the name server is away: a camera seldom moves
        self._known[name] = (self._seconds(), found)
        return found


def host_of(camera: Camera) -> str:
    """The host a camera is reached at; "" when its address cannot be read."""
    if camera.address:
        return camera.address.partition("%")[0].strip("[]").lower()
    try:
        return (urlsplit(camera.url).hostname or "").lower()
    except ValueError:
        return ""


async def addresses_of(reactor: Any, host: str) -> list[str]:
    """All addresses of a host name, none when it has none or the name server is away."""
    found: list[str] = []
    done: defer.Deferred[None] = defer.Deferred()

    @implementer(IResolutionReceiver)
    class Receiver:
        def resolutionBegan(self, resolution: Any) -> None: ...

        def addressResolved(self, address: Any) -> None:
            found.append(str(plain_address(address.host) or address.host))

        def resolutionComplete(self) -> None:
            if not done.called:
                done.callback(None)

    reactor.nameResolver.resolveHostName(Receiver(), host)
    await done.addTimeout(RESOLVE_SECONDS, reactor, lambda result, _: None)
    return found
