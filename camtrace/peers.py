"""Which addresses may connect to a listener."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

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
