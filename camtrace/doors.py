"""The listening sockets: bound before anything starts, opened last, closed first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from twisted.internet import defer, endpoints, protocol, task
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

from camtrace.errors import StartError

BACKLOG = 1024  # a whole shop's tills reconnect at once after a restart; Twisted's own is 50


class Port(Protocol):
    """What a bound listener can do: Twisted's ports, and others that behave like them."""

    def startReading(self) -> None: ...
    def stopReading(self) -> None: ...
    def stopListening(self) -> defer.Deferred[None] | None: ...
    def getHost(self) -> object: ...


class Porch(protocol.Factory):
    """Before a door that opens to TCP: whoever comes while descriptors are scarce is turned away, and that is told."""

    noisy = False

    def __init__(self, inner: IProtocolFactory, are_scarce: Callable[[], bool], tell: Callable[[str], object]) -> None:
        self._inner = inner
        self._are_scarce = are_scarce
        self._tell = tell

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:  # type: ignore[override]
        """The connection's protocol, or None: it is then closed at once."""
        if self._are_scarce():
            self._tell(getattr(addr, "host", "local"))
            return None
        return self._inner.buildProtocol(addr)

    def logPrefix(self) -> str:
        """What the log calls the listener."""
        named = getattr(self._inner, "logPrefix", None)
        return str(named()) if named is not None else type(self._inner).__name__

    def doStart(self) -> None:
        """The door is bound."""
        self._inner.doStart()

    def doStop(self) -> None:
        """The door is closed."""
        self._inner.doStop()


@dataclass(slots=True)
class Door:
    """One listener. `key` is its name in the configuration, `open` whether it accepts connections.

    `listen` binds it and returns its port, or a Deferred that has fired with it. `leave` ends the connections that
    came through it, and returns when nothing more comes of them.
    """

    key: str
    endpoint: str
    listen: Callable[[], Any]
    leave: Callable[[], Awaitable[object]] | None = None
    open: bool = False
    port: Any = field(default=None, repr=False)


class Doors:
    """Every listener of the server.

    While `are_scarce(key)` nobody is let in by TCP at that door, and `turned_away` is told its key and the address.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        are_scarce: Callable[[str], bool] = lambda key: False,
        turned_away: Callable[[str, str], object] = lambda key, address: None,
    ) -> None:
        self._reactor = reactor
        self._are_scarce = are_scarce
        self._turned_away = turned_away
        self._doors: list[Door] = []

    def add(
        self,
        key: str,
        endpoint: str,
        factory: IProtocolFactory,
        leave: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Declare a listener; `endpoint` is a Twisted endpoint string, `leave` ends its connections."""

        porch = Porch(factory, partial(self._are_scarce, key), partial(self._turned_away, key))

        def listen() -> Any:
            return endpoints.serverFromString(self._reactor, _with_backlog(endpoint)).listen(porch)

        self._doors.append(Door(key, endpoint, listen, leave))

    def add_other(
        self,
        key: str,
        endpoint: str,
        bind: Callable[[], Port],
        leave: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Declare a listener that is no Twisted endpoint: `bind` binds it; OSError says why it cannot."""
        self._doors.append(Door(key, endpoint, bind, leave))

    def bind(self) -> None:
        """Bind all, accepting nothing yet. Raises StartError with the key of the one that failed."""
        for door in self._doors:
            outcome: list[Any] = []
            defer.maybeDeferred(door.listen).addBoth(outcome.append)
            if not outcome or isinstance(outcome[0], Failure):
                self.close()
                reason = _words(outcome[0].value) if outcome else "it did not answer at once"
                raise StartError(f"[listen] {door.key}: {door.endpoint} cannot be opened: {reason}")
            door.port = outcome[0]
            _reading(door.port, False)

    def open(self, *keys: str) -> None:
        """Accept connections at the doors of these keys."""
        for door in self._doors:
            if door.key in keys and door.port is not None and not door.open:
                _reading(door.port, True)
                door.open = True

    def close(self, *keys: str) -> defer.Deferred[Any]:
        """Stop listening at the doors of these keys, or at all; fires when the ports are free."""
        closing = []
        for door in self._doors:
            if (not keys or door.key in keys) and door.port is not None:
                port, door.port, door.open = door.port, None, False
                closing.append(defer.maybeDeferred(port.stopListening))
        return defer.DeferredList(closing)

    async def leave(self) -> None:
        """Close for good: who waits in a queue is let in, nobody after; returns when all connections have ended."""
        for _ in range(2):  # the first turn may be half over
            await task.deferLater(self._reactor, 0)
        await self.close()
        await defer.DeferredList([defer.ensureDeferred(self._left(door)) for door in self._doors])

    async def _left(self, door: Door) -> None:
        if door.leave is not None:
            try:
                await door.leave()
            except defer.CancelledError:
                self.log.warn("the connections of {key} took too long to end", key=door.key)
            except Exception:
                self.log.failure("ending the connections of {key} failed", key=door.key)

    def all_open(self) -> bool:
        """Whether every declared door accepts connections."""
        return all(door.open for door in self._doors)

    def port_numbers(self) -> dict[str, list[int]]:
        """The bound port numbers by key, for messages and tests."""
        numbers: dict[str, list[int]] = {}
        for door in self._doors:
            if door.port is not None:
                numbers.setdefault(door.key, []).append(getattr(door.port.getHost(), "port", 0))
        return numbers


def _with_backlog(endpoint: str) -> str:
    wanted = endpoint.startswith(("tcp:", "ssl:")) and "backlog=" not in endpoint
    return f"{endpoint}:backlog={BACKLOG}" if wanted else endpoint


def _reading(port: Any, on: bool) -> None:
    (port.startReading if on else port.stopReading)()


def _words(error: BaseException) -> str:
    reason = getattr(error, "socketError", error)
    return getattr(reason, "strerror", None) or str(reason)
