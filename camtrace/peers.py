"""Which addresses may connect to a listener, and how many of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

C = TypeVar("C")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def plain_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` is, without scope, IPv4 when it is IPv4 inside IPv6; None for a name or a path."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Peers:
    """Addresses and networks (`192.168.1.0/24`) that may connect; None lets everybody in.

    Raises ValueError for an entry that is neither.
    """

    def __init__(self, allowed: Iterable[str] | None = None) -> None:
        entries = None if allowed is None else [entry.strip() for entry in allowed]
        self._networks = None if entries is None else [ipaddress.ip_network(entry, strict=False) for entry in entries]
        self.admits = lru_cache(maxsize=4096)(self._admits)

    def _admits(self, host: str) -> bool:
        """Whether a connection from `host` is accepted; one through a socket in the file system is."""
        address = plain_address(host)
        if self._networks is None or address is None:
            return True
        return any(address in network for network in self._networks)


class Silent(Generic[C]):
    """Connections that have said nothing useful yet, by address: where all places are taken, some give way."""

    def __init__(self) -> None:
        self._of: dict[str, dict[C, None]] = {}  # in order of coming

    def add(self, peer: str, connection: C) -> None:
        """One has come."""
        self._of.setdefault(peer, {})[connection] = None

    def discard(self, peer: str, connection: C) -> None:
        """It has said something, or has ended."""
        known = self._of.get(peer, {})
        known.pop(connection, None)
        if not known:
            self._of.pop(peer, None)

    def to_give_way(self, newcomer: str) -> tuple[str, C] | None:
        """The oldest one of the address that has most, and that address; None where the newcomer has hardly fewer."""
        if not self._of:
            return None
        peer = max(self._of, key=lambda each: len(self._of[each]))
        if len(self._of[peer]) < len(self._of.get(newcomer, ())) + 2:
            return None
        return peer, next(iter(self._of[peer]))


class Full(NamedTuple):
    """Why there is no place: a code, the limit that is reached, and both in words for the log."""

    code: str
    most: int
    reason: str


class Places(Generic[C]):
    """The places of a listener: `most` connections in all, `most_of_one` of one address.

    Where all are taken, one that has said nothing useful gives its place up to another address, see `Silent`:
    `give_way` tells that and ends it.
    """

    def __init__(self, most: int, most_of_one: int, give_way: Callable[[str, C], object]) -> None:
        self.taken: set[C] = set()
        self.of: dict[str, dict[C, None]] = {}  # by address, in order of coming
        self.most = most
        self._most_of_one = most_of_one
        self._give_way = give_way
        self._silent: Silent[C] = Silent()

    def refused(self, peer: str) -> Full | None:
        """Why there is no place for one more of `peer`; None if there is, as somebody may have given one up."""
        if len(self.of.get(peer, ())) >= (most := self._most_of_one):
            return Full("too_many", most, f"it has {most} connections open")
        if len(self.taken) >= (most := self.most) and not self._make_room(peer):
            return Full("crowd", most, f"{most} connections are open")
        return None

    def take(self, peer: str, connection: C) -> None:
        """One has come. It may have to give way until it has spoken."""
        self.taken.add(connection)
        self.of.setdefault(peer, {})[connection] = None
        self._silent.add(peer, connection)

    def spoke(self, peer: str, connection: C) -> None:
        """It has said something useful, or what may be: it keeps its place."""
        self._silent.discard(peer, connection)

    def said_nothing(self, peer: str, connection: C) -> None:
        """What it said was nothing useful: it is one of those that may have to give way."""
        if connection in self.taken:
            self._silent.add(peer, connection)

    def free(self, peer: str, connection: C) -> None:
        """It has ended; or it had given way, and nothing is to be done."""
        if connection not in self.taken:
            return
        self.taken.discard(connection)
        self._silent.discard(peer, connection)
        del self.of[peer][connection]
        if not self.of[peer]:
            del self.of[peer]

    def _make_room(self, peer: str) -> bool:
        found = self._silent.to_give_way(peer)
        if found is None:
            return False
        self.free(*found)
        self._give_way(*found)
        return True
