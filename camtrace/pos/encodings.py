"""Which encoding a till's letters are in: set for the till, for its address, for the listener, or for all. Pure.

What an administrator sets on the page of tills wins over the configuration.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import lru_cache

from camtrace.peers import Network

_AUTO = ("utf-8", "cp1252", "cp858", "cp1251")  # what `auto` may find
_PADDING = b"\0 \t"
_BOM = b"\xef\xbb\xbf"


class Encodings:
    """`[pos] encodings`: names of tills, addresses and networks, each with its encoding.

    A name is compared as bytes, before anything is decoded: those it has in its own encoding. It wins over an address,
    and a small network over one around it.
    """

    def __init__(self, of: Mapping[str, str] | None = None) -> None:
        self._names: dict[bytes, str] = {}
        self._set_names: dict[bytes, str] = {}
        self._set_peers: dict[str, str] = {}
        networks: list[tuple[Network, str]] = []
        for key, encoding in (of or {}).items():
            try:
                networks.append((ipaddress.ip_network(key.strip(), strict=False), encoding))
            except ValueError:
                self._names |= dict.fromkeys(_written(key, encoding), encoding)
        self._networks = sorted(networks, key=lambda pair: -pair[0].prefixlen)
        self._of_peer = lru_cache(maxsize=4096)(self._by_address)

    def set(self, encodings: Mapping[str, str]) -> None:
        """What is set while running, instead of what was: names of tills and addresses, each with its encoding."""
        self._set_peers = dict(encodings)
        self._set_names = {name: encoding for key, encoding in encodings.items() for name in _written(key, encoding)}

    def of(self, line: bytes, peer: str, otherwise: str) -> str:
        """The encoding of `line`, which came from the address `peer`."""
        if self._names or self._set_peers:
            name = line.removeprefix(_BOM).partition(b"|")[0].strip(_PADDING)
            found = self._set_names.get(name) or self._set_peers.get(peer) or self._names.get(name)
            if found is not None:
                return found
        return (self._of_peer(peer) if self._networks else None) or otherwise

    def _by_address(self, peer: str) -> str | None:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return None
        address = getattr(address, "ipv4_mapped", None) or address
        return next((encoding for network, encoding in self._networks if address in network), None)


def _written(name: str, encoding: str) -> Iterator[bytes]:
    """The bytes of a till's name in its own encoding."""
    for each in _AUTO if encoding == "auto" else (encoding,):
        yield name.strip().encode(each, "replace")
