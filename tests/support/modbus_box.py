"""A contact box: pymodbus' own server in a process of its own. `python modbus_box.py` prints its port.

It is told on its standard input, a line each: `inputs 0 1 …` and `coils 0 1 …` set them from number 0 on.
Eight of each exist at unit 1.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FUNCTIONS = {"coils": 1, "inputs": 2}


class BoxProcess:
    """The box as a test sees it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port

    def set(self, kind: str, *closed: int) -> None:
        """Close and open inputs; returns when that is so."""
        self._say(f"{kind} {' '.join(map(str, closed))}")

    def end(self) -> None:
        """Switch it off."""
        self._process.kill()
        self._process.wait()

    def _say(self, words: str) -> None:
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None and answers is not None
        pipe.write(words + "\n")
        pipe.flush()
        assert answers.readline() == "done\n"


@contextmanager
def modbus_box() -> Iterator[BoxProcess]:
    """A box that runs."""
    command = [sys.executable, str(Path(__file__).resolve())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield BoxProcess(process, int(process.stdout.readline()))
        finally:
            process.kill()


async def _serve(orders: IO[str]) -> None:
    from pymodbus.server import ModbusTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    bits = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
    words = [SimData(0, values=[0] * 8, datatype=DataType.REGISTERS)]
    device = SimDevice(1, simdata=(bits, bits, words, words))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, orders.readline):
        kind, *closed = line.split()
        await server.async_setValues(1, FUNCTIONS[kind], 0, [each == "1" for each in closed])
        print("done", flush=True)
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(_serve(sys.stdin))
