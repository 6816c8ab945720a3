"""Port numbers that nobody else in the run is given, and that the kernel gives to no connection."""

from __future__ import annotations

import fcntl
import socket

from support import shared

# below those that Linux gives to whoever asks for any port: between the choice and its use none can be taken
_FIRST, _LAST = 22_000, 32_000


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Port numbers nobody listens on, by TCP or UDP, at this moment."""
    found: list[int] = []
    with (shared.folder() / "ports").open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        number = int(counter.read() or _FIRST + shared.number() * 131 % (_LAST - _FIRST))
        while len(found) < count:
            if _is_free(address, number):
                found.append(number)
            number = number + 1 if number + 1 < _LAST else _FIRST
        counter.truncate(0)
        counter.write(str(number))
    return found


def free_port(address: str = "127.0.0.1") -> int:
    """One port number nobody listens on."""
    return free_ports(1, address)[0]


def _is_free(address: str, number: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as one:
            try:
                one.bind((address, number))
            except OSError:
                return False
    return True
