"""The control channel's messages: `alarm 5,23,8` as text, `/alarm?idlist=3,11` by HTTP. Pure.

Sources: CamTrace manual, chapters 2.3 and 2.4; docs/protocols/alarm.md. Cameras send their message as it was typed, so
case, spaces, the French spelling `alarme` and every way of ending a line are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

MAX_LINE = 4096
MAX_MESSAGE = 500  # characters of what a camera says that are kept
MOST_CAMERAS = 256
_COMMAND = re.compile(r"alarme?(?![^\W_])[\s:=]*(.*)", re.IGNORECASE | re.DOTALL)
_BETWEEN_IDS = re.compile(r"[\s,;]+")
_HIGHEST = 2**31 - 1
_ENDS = re.compile(rb"[\r\n\x00]")


class Call(NamedTuple):
    """What a message asks for: alarm on these cameras, or, without `ids_given`, on the one that sends it.

    `unknown`: what stood among the ids and is none. `message`: the sender's words, for people.
    """

    ids: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()
    ids_given: bool = False
    message: str = ""


class WireError(ValueError):
    """The sender said something that is no message of this channel. `code` says in a word why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Splitter:
    """Cuts a stream of bytes into text messages, never holding more than one of MAX_LINE bytes.

    LF, CR and NUL end a message, and so does `flush`: many cameras send no end at all.
    """

    def __init__(self) -> None:
        self._held = b""

    @property
    def holds(self) -> bytes:
        """What has come of the next message."""
        return self._held

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes. Raises WireError for one that is too long; nothing may follow."""
        *whole, self._held = _ENDS.split(self._held + data)
        if any(len(message) > MAX_LINE for message in (*whole, self._held)):
            self._held = b""
            raise WireError(f"a message is longer than {MAX_LINE} bytes", "long")
        return [message for message in whole if message.strip()]

    def flush(self) -> list[bytes]:
        """The message that nothing ended."""
        held, self._held = self._held, b""
        return [held] if held.strip() else []


def parse(message: bytes) -> Call:
    """What one text message asks for. Raises WireError for anything that does not begin with `alarm`."""
    text = message.decode("utf-8", "replace").strip()
    found = _COMMAND.fullmatch(text)
    if found is None:
        raise WireError("it does not begin with “alarm”", "text")
    ids, unknown = _ids(found[1])
    return Call(ids, unknown, bool(found[1].strip()), _shortened(text))


def from_parameters(parameters: Iterable[tuple[str, str]]) -> Call:
    """What the parameters of a request to `/alarm`, from its query and its form, ask for.

    All but `idlist` are the sender's words; empty ones say nothing.
    """
    ids: list[int] = []
    unknown: list[str] = []
    ids_given = False
    words = []
    for name, value in parameters:
        if name.strip().lower() == "idlist":
            ids_given = ids_given or bool(value.strip())
            known, others = _ids(value)
            ids += known
            unknown += others
        elif value.strip():
            words.append(value.strip() if name.lower() == "message" else f"{name.strip()}: {value.strip()}")
    kept = tuple(dict.fromkeys(ids))[:MOST_CAMERAS]
    return Call(kept, tuple(unknown), ids_given, _shortened(", ".join(words)))


def _ids(text: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The numbers in a list, each once, and what is none."""
    words = [word for word in _BETWEEN_IDS.split(text.strip()) if word]
    numbers = [word for word in words if word.isascii() and word.isdigit() and 0 < int(word[:11]) <= _HIGHEST]
    ids = tuple(dict.fromkeys(map(int, numbers)))[:MOST_CAMERAS]
    return ids, tuple(_shortened(word) for word in words if word not in numbers)


def _shortened(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= MAX_MESSAGE else f"{printable[: MAX_MESSAGE - 1]}…"
