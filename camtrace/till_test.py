"""`camtrace pos-test`: a till to try a server with, and a server to try a till with."""

from __future__ import annotations

import argparse
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from camtrace.errors import Invalid
from camtrace.pos.check import Check, Finding
from camtrace.pos.dialect import BUILT_IN, Dialect, read_dialect
from camtrace.pos.presets import BY_NAME
from camtrace.pos.wire import ENCODINGS

PORT = 8010
GOODS = (
    ("148", "TARTE POELÉE", 1600),
    ("165", "ŒUF PARMESAN", 1000),
    ("201", "BAGUETTE TRADITION", 130),
    ("377", "CAMEMBERT AOP 250G", 780),
    ("412", "CAFÉ GRAINS 1KG", 1890),
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add what can be said after `pos-test`."""
    top = commands.add_parser("pos-test", help="tills: send sales to a server, or check what a till sends")
    actions = top.add_subparsers(required=True, metavar="ACTION")
    sender = actions.add_parser("send", help="send sales to a server, as a till does")
    sender.add_argument("server", nargs="?", default="127.0.0.1", help="HOST or HOST:PORT (127.0.0.1:8010)")
    sender.add_argument("--till", default="1", help="name of the till (1)")
    sender.add_argument("--tickets", type=int, default=1, help="how many (1); 0 for no end")
    sender.add_argument("--pace", type=float, default=1.0, help="seconds from line to line (1)")
    sender.add_argument("--encoding", choices=ENCODINGS[1:], default="utf-8")
    sender.add_argument("--example", action="store_true", help="the example of the protocol's page, and nothing else")
    sender.set_defaults(run=send)
    checker = actions.add_parser("check", help="say what is wrong with the lines in a file")
    checker.add_argument("file", help='"-" reads the input')
    checker.set_defaults(run=check)
    listener = actions.add_parser("listen", help="say what is wrong with what tills send to a port")
    listener.add_argument("--port", type=int, default=PORT, help="a free one; the server's own is taken while it runs")
    listener.add_argument("--seconds", type=float, default=0, help="how long (0: until Ctrl+C)")
    listener.set_defaults(run=listen)
    for action in (checker, listener):
        action.add_argument("--dialect", choices=list(BY_NAME), default=BUILT_IN)


def run(arguments: argparse.Namespace) -> int:
    """Do it; returns the exit status: 1 where something is wrong."""
    try:
        return int(arguments.run(arguments))
    except Invalid as error:
        print(f"camtrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def send(arguments: argparse.Namespace) -> int:
    """Send sales at a till's pace."""
    host, _, port = arguments.server.rpartition(":") if arguments.server.count(":") == 1 else (arguments.server, "", "")
    if port and not port.isdigit():
        raise Invalid(f"{arguments.server} is no HOST:PORT")
    try:
        connection = socket.create_connection((host, int(port or PORT)), timeout=10)
    except (OSError, OverflowError) as error:
        raise Invalid(f"nothing listens at {host}, port {port or PORT}: {error}") from error
    lines = example() if arguments.example else sales(arguments.till, arguments.tickets)
    with connection:
        for place, line in enumerate(lines):
            if place and arguments.pace > 0:
                time.sleep(arguments.pace)
            try:
                connection.sendall(line.encode(arguments.encoding, "replace") + b"\n")
            except OSError as error:
                raise Invalid(f"the server closed the connection ({error}): see its journal") from error
            print(line, flush=True)
    return 0


def example() -> list[str]:
    """The lines of the protocol's page."""
    return BY_NAME[BUILT_IN].sample.decode().splitlines()


def sales(till: str, tickets: int) -> Iterator[str]:
    """Lines of so many sales; 0 for no end. Each third has an article that is cancelled."""
    number = 0
    while not tickets or number < tickets:
        number += 1
        total = 0
        for item in range(2 + number % 4):
            code, text, cents = GOODS[(number * 3 + item) % len(GOODS)]
            total += cents
            yield f"{till}|0|7|0|A|1|{code}|{text}|{_amount(cents)}"
        if number % 3 == 0:
            total -= cents
            yield f"{till}|0|7|0|S|1|{code}|{text}|ANNULE"
        yield f"{till}|0|7|0|D|{_amount(total)}"
        yield f"{till}|{number}|7|0|E|ESPECES|{_amount(total)}|{_amount(total)}"


def _amount(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


def check(arguments: argparse.Namespace) -> int:
    """Look at a file."""
    try:
        data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
    except OSError as error:
        raise Invalid(f"{arguments.file} cannot be read: {error.strerror}") from error
    checked = Check(_dialect(arguments.dialect))
    _tell(checked.feed(data))
    _tell(checked.end())
    return _verdict(checked)


def listen(arguments: argparse.Namespace) -> int:
    """Look at what arrives at a port."""
    dialect = _dialect(arguments.dialect)
    try:
        door = socket.create_server(("", arguments.port))
    except (OSError, OverflowError) as error:
        raise Invalid(f"port {arguments.port} cannot be used: {error}") from error
    print(f"listening on port {door.getsockname()[1]}; Ctrl+C ends it", flush=True)
    until = time.monotonic() + arguments.seconds if arguments.seconds else float("inf")
    errors = 0
    with selectors.DefaultSelector() as waiting, door:
        waiting.register(door, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(min(left, 1.0)):
                if key.data is None:
                    connection, peer = door.accept()
                    print(f"{peer[0]} connects", flush=True)
                    waiting.register(connection, selectors.EVENT_READ, Check(dialect, peer[0]))
                    continue
                data = _received(key.fileobj)
                checked: Check = key.data
                if data:
                    sys.stdout.write(data.decode("utf-8", "replace"))
                    _tell(checked.feed(data, time.monotonic()))
                else:
                    waiting.unregister(key.fileobj)
                    _tell(checked.end())
                    errors += _verdict(checked)
    return 1 if errors else 0


def _received(connection: object) -> bytes:
    assert isinstance(connection, socket.socket)
    try:
        data = connection.recv(65536)
    except OSError:
        data = b""
    if not data:
        connection.close()
    return data


ACTIONS = (send, check, listen)


def _dialect(name: str) -> Dialect | None:
    return None if name == BUILT_IN else read_dialect(name, BY_NAME[name].definition)


def _tell(findings: Iterator[Finding]) -> None:
    for finding in findings:
        print(f"  {finding}", flush=True)


def _verdict(checked: Check) -> int:
    good = checked.lines - checked.errors
    print(f"{checked.lines} lines, {good} understood, {checked.errors} not", flush=True)
    return 1 if checked.errors or not checked.lines else 0
