"""Where a camera's stream is read from, and how its failures are named."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit, urlunsplit

from camtrace.errors import StreamFailure

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Source:
    """A stream's address and login. `url` holds no credentials. `codec` is the declared codec, "" for any.

    `transport`: "tcp" or "udp", for RTSP only.
    """

    url: str
    scheme: str
    host: str
    port: int
    login: str = ""
    password: str = field(default="", repr=False)
    transport: str = "tcp"
    codec: str = ""

    @classmethod
    def parse(cls, url: str, login: str = "", password: str = "", transport: str = "tcp", codec: str = "") -> Source:
        """The source named by `url`; credentials inside it count where `login` is empty. Raises StreamFailure."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:  # its text quotes the URL, the password perhaps
            raise StreamFailure("bad_url", "", 0, detail="host or port cannot be read") from None
        scheme, host = parts.scheme.lower(), parts.hostname or ""
        if scheme not in _PORTS or not host:
            raise StreamFailure("bad_url", host, port or 0, detail="a camera's URL begins with rtsp:// or http://")
        if not login and parts.username:
            login, password = unquote(parts.username), unquote(parts.password or "")
        place = f"[{host}]" if ":" in host else host
        netloc = place if port is None else f"{place}:{port}"
        bare = urlunsplit((scheme, netloc, parts.path or "/", parts.query, ""))
        return cls(bare, scheme, host, port or _PORTS[scheme], login, password, transport, codec)

    def moved(self, url: str) -> Source:
        """The same stream at another address; the login goes along only to the same host. Raises StreamFailure."""
        there = Source.parse(url, transport=self.transport, codec=self.codec)
        if there.login or there.host != self.host:
            return there
        return replace(there, login=self.login, password=self.password)

    def failure(self, kind: str, status: int = 0, detail: str = "") -> StreamFailure:
        """A StreamFailure at this source's host and port."""
        return StreamFailure(kind, self.host, self.port, status, detail)

    def resolve(self) -> list[tuple[socket.AddressFamily, str]]:
        """The host's addresses. Blocks as long as the name service wants: for a camera's own thread only."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise self.failure("name", detail=getattr(error, "strerror", "") or str(error)) from None
        return [(family, str(address[0])) for family, _, _, _, address in found]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a camera may take, in seconds.

    `opening`: to connect and to answer. `silence`: without a picture. `turn`: how often a blocked read looks whether
    it shall stop.
    """

    opening: float = 5.0
    silence: float = 10.0
    turn: float = 0.5


# what a reader tells besides packets: a code and its values
Remark = Callable[[str, dict[str, str]], None]
Stopped = Callable[[], bool]
