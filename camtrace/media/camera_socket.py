"""One TCP or TLS connection to a camera, read in its own thread in turns, so that a stop is noticed while it waits."""

from __future__ import annotations

import socket
import ssl

from camtrace import clock
from camtrace.errors import StreamFailure
from camtrace.media.source import Patience, Source, Stopped

_SECURE = ("https", "rtsps")


class Stop(Exception):
    """The reader was asked to stop while it waited."""


class CameraSocket:
    """Connects on creation. Every method raises StreamFailure when the connection fails; waiting ones raise Stop."""

    def __init__(self, source: Source, stopped: Stopped, patience: Patience) -> None:
        self._source = source
        self._stopped = stopped
        self._turn = patience.turn
        self._opening = patience.opening
        self._socket = self._connect()
        self._socket.settimeout(self._turn)

    @property
    def addresses(self) -> tuple[str, str]:
        """Ours and the camera's IP address, as this connection uses them."""
        return str(self._socket.getsockname()[0]), str(self._socket.getpeername()[0])

    @property
    def in_records(self) -> bool:
        """Whether one read gives no more than a part of what is there: TLS hands out its records one by one."""
        return isinstance(self._socket, ssl.SSLSocket)

    def raise_if_stopped(self) -> None:
        """Raises Stop when the reader was asked to stop."""
        if self._stopped():
            raise Stop

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._failure(error) from None

    def receive(self, deadline: float, size: int = 65536) -> bytes:
        """Up to `size` bytes, b"" at the end; waits until `deadline` on the monotonic clock."""
        buffer = bytearray(size)
        return bytes(buffer[: self.receive_into(memoryview(buffer), deadline)])

    def receive_into(self, room: memoryview, deadline: float) -> int:
        """Fill `room` with what is there; 0 at the end. Waits until `deadline` on the monotonic clock."""
        while (count := self.take_into(room)) is None:
            if clock.monotonic() >= deadline:
                raise self._source.failure("timeout", detail="no bytes any more")
        return count

    def take_into(self, room: memoryview) -> int | None:
        """Fill `room` with what comes within one turn: how much, 0 at the end, None when nothing came."""
        self.raise_if_stopped()
        try:
            return self._socket.recv_into(room)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError as error:
            raise self._failure(error) from None

    def wait_no_more(self) -> None:
        """From now on a turn is no time at all."""
        self._socket.setblocking(False)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _connect(self) -> socket.socket:
        failure = self._source.failure("refused")
        for family, address in self._source.resolve():
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(self._opening)
            try:
                connection.connect((address, self._source.port))
                return self._secure(connection) if self._source.scheme in _SECURE else connection
            except OSError as error:
                connection.close()
                failure = self._failure(error)
        raise failure

    def _secure(self, connection: socket.socket) -> socket.socket:
        """TLS without a check of the certificate: cameras sign their own, and there is nobody else to ask."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(connection, server_hostname=self._source.host)

    def _failure(self, error: OSError) -> StreamFailure:
        words = error.strerror or type(error).__name__
        if isinstance(error, ConnectionRefusedError):
            return self._source.failure("refused", detail=words)
        if isinstance(error, (ConnectionError, ssl.SSLError)):
            return self._source.failure("ended", detail=words)
        return self._source.failure("timeout", detail=words)
