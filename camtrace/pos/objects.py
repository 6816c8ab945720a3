"""What stands in a line of JSON or XML, by path: numbers as they are written, nothing that can grow. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from camtrace.pos.wire import WireError

MOST_DEPTH = 32  # elements in elements


def of_json(text: str) -> dict[str, str]:
    """The values of an object by path: `till.id`, `items.0.price`. Raises WireError."""
    try:
        whole = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise WireError("it is no JSON object", "json") from error
    if not isinstance(whole, dict):
        raise WireError("it is no JSON object", "json")
    return dict(_leaves(whole, "", 0))


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inside if depth < MOST_DEPTH else ():
            yield from _leaves(each, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif value is not None:
        yield path, str(value)


def of_xml(text: str) -> dict[str, str]:
    """The texts and attributes of an element by path: `@till`, `article.price`, `article.@code`, `.` for its own.

    Declarations of entities and documents are refused, so nothing in it can grow or refer elsewhere. Raises WireError.
    """
    values: dict[str, str] = {}
    path: list[str] = []

    def begins(name: str, attributes: dict[str, str]) -> None:
        if len(path) >= MOST_DEPTH:
            raise WireError("its elements are nested too deep", "xml")
        path.append(name.rpartition(":")[2])
        prefix = ".".join(path[1:])
        for key, value in attributes.items():
            values.setdefault(f"{prefix}.@{key}" if prefix else f"@{key}", value)
        values.setdefault("name()", name)

    def ends(name: str) -> None:
        path.pop()

    def says(words: str) -> None:
        place = ".".join(path[1:]) or "."
        values[place] = values.get(place, "") + words

    def refuse(*_: object) -> None:
        raise WireError("it declares a document type, which is not accepted", "xml")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begins, ends, says
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise WireError("it is no XML element", "xml") from error
    return {key: value.strip() for key, value in values.items()}
