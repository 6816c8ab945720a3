"""Facts as bytes and back: JSON that a later version of the program still reads.

The types come from the dataclasses' annotations. A field that the reader does not know is ignored, one that was not
written takes its default, so a fact spooled before an update is stored after it.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from camtrace import events

T = TypeVar("T")
_KINDS: dict[str, type] = {kind.__name__: kind for kind in events.DURABLE}


def encode(fact: Any) -> bytes:
    """One durable fact as UTF-8 JSON."""
    plain = {"kind": type(fact).__name__, "fact": _plain(fact)}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode(content: bytes) -> Any:
    """The fact that `encode` was given. Raises KeyError for a kind this program does not know."""
    plain = json.loads(content.decode("utf-8", "surrogatepass"))
    return _reader(_KINDS[plain["kind"]])(plain["fact"])


def plain(value: Any) -> Any:
    """A frozen value as what JSON has a form for."""
    return _plain(value)


def restored(kind: type[T], stored: Any) -> T:
    """The value of a dataclass that `plain` was given; fields that are missing have their defaults."""
    value: T = _reader(kind)(stored)  # type: ignore[arg-type]
    return value


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() if not isinstance(value, Enum):
            return value
        case Enum():
            return value.value
        case str():
            return value
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return {name: _plain(getattr(value, name)) for name in _names(value.__class__)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What turns the plain form of a value annotated `kind` into the value."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if type(None) in arguments:
            (other,) = (argument for argument in arguments if argument is not type(None))
            read = _reader(other)
            return lambda plain: None if plain is None else read(plain)
        return lambda plain: plain  # str | int | float: JSON tells them apart
    if origin is tuple:
        read = _reader(arguments[0])
        return lambda plain: tuple(read(item) for item in plain)
    if origin is dict:
        read = _reader(arguments[1])
        return lambda plain: {key: read(item) for key, item in plain.items()}
    if kind is bytes:
        return base64.b64decode
    if kind is datetime:
        return datetime.fromisoformat
    if dataclasses.is_dataclass(kind):
        return _record_reader(kind)  # type: ignore[arg-type]
    return kind


def _record_reader(kind: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _names(kind)}

    def read(plain: dict[str, Any]) -> Any:
        return kind(**{name: readers[name](item) for name, item in plain.items() if name in readers})

    return read
