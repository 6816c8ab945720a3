"""The shop's cash registers: each keeps a connection to the server and says its lines on the beat."""

from __future__ import annotations

from typing import Any

from twisted.application.internet import ClientService
from twisted.internet import defer, endpoints, protocol

from camtrace.demo.script import Till


class TillConnection:
    """One till on the network. What it says while the server is away is lost, as with most real ones."""

    def __init__(self, reactor: Any, till: Till, host: str, port: int) -> None:
        factory = protocol.Factory.forProtocol(protocol.Protocol)
        factory.noisy = False
        self._till = till
        self._peer: protocol.Protocol | None = None
        endpoint = endpoints.HostnameEndpoint(reactor, host, port)
        self._client = ClientService(endpoint, factory, prepareConnection=self._connection, clock=reactor)

    def start(self) -> None:
        """Connect, and go on connecting."""
        self._client.startService()

    def stop(self) -> defer.Deferred[Any]:
        """Hang up."""
        return defer.maybeDeferred(self._client.stopService)

    def connected(self) -> defer.Deferred[Any]:
        """Fires when the till has a connection."""
        return self._client.whenConnected()

    def beat(self, beat: int) -> None:
        """Say what the script has the till say now."""
        lines = self._till.lines(beat)
        transport = self._peer.transport if self._peer else None
        if lines and transport is not None and transport.connected:  # type: ignore[attr-defined]
            transport.writeSequence(lines)

    def _connection(self, peer: Any) -> None:
        self._peer = peer
