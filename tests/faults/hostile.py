"""Tills, gateways and alarm senders at their worst, all mixed, until killed: `hostile.py POS PRISMA CONTROL SEED`."""

from __future__ import annotations

import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

PACKET = 277  # bytes of a Prisma event
WORDS = "TARTE AUX POMMES|Хлеб ржаной|Crème brûlée|4111 1111 1111 1111"


class Hostile:
    """One sender of everything that is wrong."""

    def __init__(self, pos: int, prisma: int, control: int, seed: int) -> None:
        self._pos, self._prisma, self._control = pos, prisma, control
        self._chance = random.Random(seed)
        self._name = f"H{seed}"

    def act(self) -> None:
        """Do one bad thing after the other."""
        deeds: list[Callable[[], object]] = [
            lambda: self.say(b"x" * self._chance.randrange(1 << 21)),
            lambda: self.say(self._chance.randbytes(self._chance.randrange(1 << 16))),
            lambda: self.say(f"{self._name}|0|7|0|A|1|1|TARTE|16,00\n".encode("utf-16-le") * 40),
            lambda: self.say(self.lines(200, self._chance.choice(("cp866", "koi8-r", "cp1252", "utf-8")))),
            lambda: self.say(b"".join(b"%d%d|0|7|0|A\n" % (self._chance.getrandbits(60), n) for n in range(50))),
            lambda: self.say(b"\0\r\n|||||\n|0|7|0|E\n" * 500),
            lambda: self.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            self.second_of_lines,
            self.crowd,
            self.drip,
            self.reset,
            self.datagrams,
            self.datagrams,
            lambda: self.say(b"alarm 1,2,999999999999\n" * 300, self._control),
            lambda: self.say(self._chance.randbytes(6000), self._control),
            lambda: self.say(b"POST /alarm HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", self._control),
        ]
        while True:
            with suppress(OSError):
                self._chance.choice(deeds)()
            time.sleep(0.02)

    def lines(self, count: int, encoding: str) -> bytes:
        """Lines of tills that nobody knows."""
        words = WORDS.split("|")
        return b"".join(
            f"{self._name}|0|7|0|{self._chance.choice('ASDTEX')}|1|{n}|{self._chance.choice(words)}|1,00\n".encode(
                encoding, "replace"
            )
            for n in range(count)
        )

    def connect(self, port: int = 0) -> socket.socket:
        """From one of many addresses."""
        connection = socket.socket()
        connection.settimeout(3)
        with suppress(OSError):
            connection.bind((f"127.3.{self._chance.randrange(4)}.{1 + self._chance.randrange(250)}", 0))
        connection.connect(("127.0.0.1", port or self._pos))
        return connection

    def say(self, data: bytes, port: int = 0) -> None:
        """All of it, then goodbye."""
        with self.connect(port) as connection:
            connection.sendall(data)

    def second_of_lines(self) -> None:
        """A till in a hurry: 1,000 lines a second."""
        with self.connect() as connection:
            for n in range(100):
                connection.sendall(self.lines(10, "utf-8"))
                time.sleep(0.01)
                if n == self._chance.randrange(300):
                    return

    def crowd(self) -> None:
        """Two hundred connections that begin a line and end."""
        held = []
        with suppress(OSError):
            for _ in range(200):
                held.append(self.connect())
                held[-1].send(b"half|0|7")
        for connection in held:
            connection.close()

    def drip(self) -> None:
        """A byte at a time."""
        with self.connect() as connection:
            for byte in self.lines(2, "cp866"):
                connection.send(bytes((byte,)))
                time.sleep(0.001)

    def reset(self) -> None:
        """In the middle of a line."""
        connection = self.connect()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.send(self.lines(3, "utf-8")[:-7])
        connection.close()

    def datagrams(self) -> None:
        """Of any length and content, from any address: nonsense, half of events, events years ago."""
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.bind((f"127.4.{self._chance.randrange(250)}.{1 + self._chance.randrange(250)}", 0))
            for _ in range(40):
                number = self._chance.randrange(1000, 9999)
                event = b"KKM%-6d%-4d" % (number, self._chance.choice((4, 6, 5, 60, 999)))
                event = event.ljust(PACKET - 16) + b"010170000000012 "
                sender.sendto(
                    self._chance.choice(
                        (
                            self._chance.randbytes(self._chance.randrange(60_000)),
                            event[: self._chance.randrange(PACKET)],
                            event,
                            event * self._chance.randrange(1, 60),
                            b"\xff" * PACKET,
                            b"",
                        )
                    ),
                    ("127.0.0.1", self._prisma),
                )
                time.sleep(0.001)


def main() -> None:
    """Six of them."""
    pos, prisma, control, seed = map(int, sys.argv[1:])
    for number in range(6):
        sender = Hostile(pos, prisma, control, seed + number)
        threading.Thread(target=sender.act, daemon=True).start()
    sys.stdin.read()  # until who started this ends


if __name__ == "__main__":
    main()
