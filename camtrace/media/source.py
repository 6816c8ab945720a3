"""Where a camera's stream is read from, and how its failures are named."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

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
        except ValueError as error:
            raise StreamFailure("bad_url", "", 0, detail=str(error)) from None
        scheme, host = parts.scheme.lower(), parts.hostname or ""
        if scheme not in _PORTS or not host:
            raise StreamFailure("bad_url", host, port or 0, detail="a camera's URL begins with rtsp:// or http://")
        if not login and parts.username:
            login, password = unquote(parts.username), unquote(parts.password or "")
        place = f"[{host}]" if ":" in host else host
        netloc = place if port is None else f"{place}:{port}"
        bare = urlunsplit((scheme, netloc, parts.path or "/", parts.query, ""))
        return cls(bare, scheme, host, port or _PORTS[scheme], login, password, transport, codec)

    @property
    def url_with_login(self) -> str:
        """For libav's open call only; never log it, never keep it."""
        if not self.login:
            return self.url
        scheme, rest = self.url.split("://", 1)
        return f"{scheme}://{quote(self.login, safe='')}:{quote(self.password, safe='')}@{rest}"

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

    `opening`: to connect and to answer; over RTSP also for a blocked read. `silence`: without a picture. `turn`: how
    often a blocked read over HTTP looks whether it shall stop.
    """

    opening: float = 5.0
    silence: float = 10.0
    turn: float = 0.5


# what a reader tells besides packets: a code and its values
Remark = Callable[[str, dict[str, str]], None]
Stopped = Callable[[], bool]
