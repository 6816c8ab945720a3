"""Many rows in one statement: each column goes as one string that PostgreSQL takes apart again.

`insert ... select ... from unnest(array, array, ...)` is the fastest insert on a connection that cannot COPY, but
turning lists into array literals one element at a time costs more than all the rest. Joining strings does not.
"""

from __future__ import annotations

from collections.abc import Iterable

_BETWEEN = "\x1e"
_NULL = "\x1f"


def packed(values: Iterable[str | None]) -> str:
    """A column as one parameter of `unpacked`. The two separators, which no text holds on purpose, become spaces."""
    column = list(values)
    joined = _BETWEEN.join([_NULL if value is None else value for value in column])
    if joined.count(_BETWEEN) >= max(len(column), 1) or joined.count(_NULL) != column.count(None):
        return packed([None if value is None else _without_separators(value) for value in column])
    return f"{joined}{_BETWEEN}{_NULL}"


def unpacked(types: Iterable[str]) -> str:
    """SQL for a row source with columns c1, c2 ... of these types, from as many `packed` parameters.

    Each array ends with a null (an array cannot be told from one of a single empty text without it): the rows must be
    filtered by a column that is never null otherwise.
    """
    kinds = list(types)
    arrays = ", ".join(["string_to_array(%s, E'\\x1e', E'\\x1f')"] * len(kinds))
    names = ", ".join(f"c{number}" for number in range(1, len(kinds) + 1))
    values = ", ".join(
        f"c{number}::{kind}" if kind != "bytea" else f"decode(c{number}, 'hex')" for number, kind in enumerate(kinds, 1)
    )
    return f"select {values} from unnest({arrays}) rows ({names}) where c1 is not null"


def _without_separators(text: str) -> str:
    return text.replace(_BETWEEN, " ").replace(_NULL, " ")
