"""Whether a camera can be reached at all: where its address points, what its name means, whether its port answers."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import defer, endpoints, error, protocol

from camtrace.errors import StreamFailure

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def place(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a stream's URL. Raises StreamFailure of kind "bad_url"."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:  # its text quotes the URL, the password perhaps
        raise StreamFailure("bad_url", "", 0, detail="host or port cannot be read") from None
    if scheme not in _PORTS or not host:
        raise StreamFailure("bad_url", host, port or 0, detail="a camera's URL begins with rtsp:// or http://")
    return scheme, host, port or _PORTS[scheme]


async def resolve(reactor: Any, host: str) -> str:
    """The host's first address. Raises StreamFailure of kind "name"."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return str(await reactor.resolve(host, (2, 2)))
    except (error.DNSLookupError, defer.TimeoutError, OSError) as problem:
        raise StreamFailure("name", host, 0, detail=type(problem).__name__) from None


async def knock(reactor: Any, host: str, address: str, port: int, seconds: float) -> None:
    """Connect to the camera and hang up without a word. Raises StreamFailure of kind "refused" or "timeout"."""
    endpoint = endpoints.HostnameEndpoint(reactor, address, port, timeout=seconds)
    try:
        silent: Any = await endpoints.connectProtocol(endpoint, protocol.Protocol())
    except error.ConnectionRefusedError:
        raise StreamFailure("refused", host, port) from None
    except (error.ConnectError, error.TimeoutError, defer.CancelledError) as problem:
        raise StreamFailure("timeout", host, port, detail=type(problem).__name__) from None
    silent.transport.loseConnection()
