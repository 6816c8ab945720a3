"""Who may speak to the till receiver: `[pos] sources`. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Admission:
    """`"any"`, or a list of addresses, networks (`192.168.1.0/24`) and names of tills.

    Where the list has addresses, a till must connect from one of them; where it has names, a line must bear one of
    them.
    """

    def __init__(self, sources: str | Sequence[str] = "any") -> None:
        entries = [] if sources == "any" else [sources] if isinstance(sources, str) else list(sources)
        self._any = sources == "any"
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip(), strict=False))
            except ValueError:
                self._names.add(entry.strip())
        self.peer = lru_cache(maxsize=4096)(self._peer)

    def _peer(self, host: str) -> bool:
        """Whether a connection from this address is accepted."""
        if self._any or (not self._networks and self._names):
            return True
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:  # not an internet address: a socket in the file system, guarded by its permissions
            return True
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)

    def source(self, name: str) -> bool:
        """Whether lines of the till of this name are accepted."""
        return self._any or not self._names or name in self._names
