"""Which addresses may connect to a listener."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Generic, TypeVar

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
