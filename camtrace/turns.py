"""Whose turn it is to be understood, where many connections speak at once.

`Turns` shares each turn of the reactor among all of them, in the order of reading. `Order` keeps in order what one
address says by several: who hangs up and connects anew is not understood before what it has said before.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from collections import deque
from collections.abc import Callable, Reversible
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

CROWDED_SECONDS = 0.01  # until it is looked again whether there is still a crowd
LOOK_SECONDS = 0.025  # between two looks at connections for which others wait; each is read meanwhile, if it says more
QUIET_LOOKS = 2  # in a row that find nothing left unread: another wait is over
MOST_ASKED = 50  # connections of an address, the youngest ones, whether they have much unread when another comes
MOST_UNREAD = 8 << 20  # bytes of an address that the kernels at both ends may hold: no connection waits for more


class Reactor(Protocol):
    """What is needed of it."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any: ...


class Speaker(Protocol):
    """A connection that may have read what there was no room for."""

    @property
    def waits(self) -> bool:
        """Whether it has read what is not understood yet."""
        ...

    def go_on(self, room: int) -> int:
        """Understand what waits, as far as there is room or in one piece; answers how much it was."""
        ...


class Sequel(Protocol):
    """A connection of an address that may have several, one after the other."""

    @property
    def waits(self) -> bool:
        """Whether it has read what is not understood yet."""
        ...

    @property
    def is_paused(self) -> bool:
        """Whether it is not read now: it may have more to say."""
        ...

    @property
    def read_bytes(self) -> int:
        """How much of it was ever read."""
        ...

    @property
    def unread_bytes(self) -> int:
        """How much the kernel holds of it now."""
        ...

    def let_in(self) -> None:
        """What it says may be understood from here on."""
        ...


S = TypeVar("S", bound=Speaker)
C = TypeVar("C", bound=Sequel)


def unread_bytes(transport: Any) -> int:
    """How much the kernel holds of a connection; 0 for one that is closed, or is none of the kernel's."""
    try:
        descriptor = transport.fileno()
        return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]) if descriptor >= 0 else 0
    except (AttributeError, OSError):
        return 0


class Turns(Generic[S]):
    """Shares the turns of the reactor among connections.

    `share`: how much of all of them is understood in one turn, in the unit of `take` and `go_on` (bytes, messages).
    `is_crowded`: whether nothing may be understood until what was is durable.
    """

    def __init__(self, reactor: Reactor, share: int, is_crowded: Callable[[], bool] = lambda: False) -> None:
        self._reactor = reactor
        self._share = share
        self._is_crowded = is_crowded
        self._room = 0  # in this turn
        self._call: Any = None
        self._waiting: deque[S] = deque()  # in order of reading

    @property
    def are_awaited(self) -> bool:
        """Whether any connection waits for its turn."""
        return bool(self._waiting)

    def take(self, count: int) -> bool:
        """Whether so much more may be understood now; if so, there is room for so much less in this turn.

        What was read first is understood first: there is no room while anybody waits.
        """
        if self._waiting or self._is_crowded():
            return False
        if self._call is None:
            self._room = self._share
            self._call = self._reactor.callLater(0, self._next)
        if self._room <= 0:
            return False
        self._room -= count
        return True

    def wait(self, connection: S) -> None:
        """It has read what there was no room for; it does not wait yet."""
        self._waiting.append(connection)
        if self._call is None:
            self._call_next()

    def finish(self) -> None:
        """Let all that wait go on at once, room or not: the server stops."""
        while self._waiting:
            self._go_on(self._share)

    def _next(self) -> None:
        self._call = None
        self._room = 0 if self._is_crowded() else self._share
        while self._waiting and self._room > 0:
            self._room -= self._go_on(self._room)
        if self._waiting:
            self._call_next()

    def _call_next(self) -> None:
        self._call = self._reactor.callLater(CROWDED_SECONDS if self._is_crowded() else 0, self._next)

    def _go_on(self, room: int) -> int:
        """The first goes on; it stays the first for as long as it has more."""
        first = self._waiting[0]
        count = first.go_on(room)
        if not first.waits and self._waiting and self._waiting[0] is first:  # what it said may have ended in `finish`
            self._waiting.popleft()
        return count


@dataclass(slots=True)
class _Place:
    """One connection in the queue of its address.

    `read`: bytes of it, at the last look; `until`: of the queue, for which it waits at most.
    """

    read: int
    waits: bool = False
    until: int = 0
    quiet: int = 0  # looks in a row that found nothing left unread


@dataclass(slots=True)
class _Queue(Generic[C]):
    """The connections of one address of which something may be unread, in order, and those that wait for them."""

    places: dict[C, _Place] = field(default_factory=dict)
    waiting: int = 0
    read: int = 0  # bytes, of them, while any waited


class Order(Generic[C]):
    """Lets what an address says by a new connection wait for what it has left unread in earlier ones.

    A new connection waits for those that are behind when it comes (see `hold`), until each is read to the end: it has
    ended, or has had no more to say than was read of it for `QUIET_LOOKS`. So a device that keeps several open is not
    held up by those that are silent or at their ease, and by one that never pauses only for `MOST_UNREAD` bytes. A
    connection that was let in never waits again. `full`: bytes that are read of one at once.
    """

    def __init__(self, reactor: Reactor, full: int) -> None:
        self._reactor = reactor
        self._full = full
        self._queues: dict[str, _Queue[C]] = {}
        self._awaited: dict[str, _Queue[C]] = {}  # those of them in which somebody waits
        self._call: Any = None

    def hold(self, peer: str, connection: C) -> None:
        """It is paused, waits for its turn, or has more than is read at once: who connects anew waits for it."""
        queue = self._queues.get(peer)
        if queue is None:
            queue = self._queues[peer] = _Queue()
        place = queue.places.get(connection)
        if place is None:
            queue.places[connection] = _Place(connection.read_bytes)
        else:
            place.quiet = 0

    def came(self, peer: str, connection: C, earlier: Reversible[C] = ()) -> bool:
        """It is new, after those: whether it has to wait. If so, it is let in when it need no longer."""
        for other in islice(reversed(earlier), MOST_ASKED):
            if other.unread_bytes > self._full:
                self.hold(peer, other)
        queue = self._queues.get(peer)
        if queue is None:
            return False
        queue.places[connection] = _Place(connection.read_bytes, waits=True, until=queue.read + MOST_UNREAD)
        queue.waiting += 1
        self._awaited[peer] = queue
        if self._call is None:
            self._call = self._reactor.callLater(LOOK_SECONDS, self._look)
        return True

    def understood(self, peer: str) -> None:
        """Something that waited is understood: it may have been the last that another waits for."""
        if peer in self._awaited:
            self._advance(peer, self._awaited[peer])

    def left(self, peer: str, connection: C) -> None:
        """It has ended, and all it has said is understood."""
        queue = self._queues.get(peer)
        if queue is None:
            return
        place = queue.places.pop(connection, None)
        if place is not None and place.waits:
            queue.waiting -= 1
        self._advance(peer, queue)

    def finish(self) -> None:
        """Let all in that wait: the server stops."""
        for peer, queue in tuple(self._awaited.items()):
            for connection, place in tuple(queue.places.items()):
                self._let_in(queue, connection, place)
            self._advance(peer, queue)
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _look(self) -> None:
        self._call = None
        for peer, queue in tuple(self._awaited.items()):
            for connection, place in queue.places.items():
                came = connection.read_bytes - place.read
                place.read += came
                queue.read += came
                place.quiet = 0 if connection.is_paused or came >= self._full else place.quiet + 1
            self._advance(peer, queue)
            for connection, place in queue.places.items():
                if place.until <= queue.read:
                    self._let_in(queue, connection, place)
            self._advance(peer, queue)
        if self._awaited and self._call is None:
            self._call = self._reactor.callLater(LOOK_SECONDS, self._look)

    def _advance(self, peer: str, queue: _Queue[C]) -> None:
        """Who is read to the end leaves the queue, from its head; who comes to its head is let in."""
        while queue.waiting:
            connection, place = next(iter(queue.places.items()))
            self._let_in(queue, connection, place)
            if connection.waits or place.quiet < QUIET_LOOKS:
                break
            del queue.places[connection]
        if not queue.waiting:
            self._awaited.pop(peer, None)
        if not queue.places:
            self._queues.pop(peer, None)

    @staticmethod
    def _let_in(queue: _Queue[C], connection: C, place: _Place) -> None:
        if place.waits:
            place.waits = False
            queue.waiting -= 1
            connection.let_in()
