"""Who may speak to the till receiver: `[pos] sources`."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from camtrace.peers import Peers


class Admission:
    """`"any"`, or a list of addresses, networks (`192.168.1.0/24`) and names of tills.

    Where the list has addresses, a till must connect from one of them; where it has names, a line must bear one of
    them.
    """

    def __init__(self, sources: str | Sequence[str] = "any") -> None:
        entries = [] if sources == "any" else [sources] if isinstance(sources, str) else list(sources)
        networks = [entry for entry in entries if _is_network(entry)]
        self._names = {entry.strip() for entry in entries} - {network.strip() for network in networks}
        self._any = sources == "any"
        self.peer = Peers(None if self._any or (self._names and not networks) else networks).admits

    def source(self, name: str) -> bool:
        """Whether lines of the till of this name are accepted."""
        return self._any or not self._names or name in self._names


def _is_network(entry: str) -> bool:
    try:
        ipaddress.ip_network(entry.strip(), strict=False)
    except ValueError:
        return False
    return True
