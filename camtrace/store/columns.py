"""Many rows in one statement: each column goes as one string that PostgreSQL takes apart again.

`insert ... select ... from (select unnest(array), ...)` is the fastest insert on a connection that cannot
COPY, but turning lists into array literals one element at a time costs more than all the rest. Joining strings does
not. Most columns of a batch say the same in every row; such a one goes as a single value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_BETWEEN = "\x1e"
_NULL = "\x1f"
Column = Sequence[str | None]


def as_rows(types: Iterable[str], columns: Iterable[Column]) -> tuple[str, list[str | None]]:
    """SQL for the rows that `columns`, none of them empty, are made of, and its parameters.

    `types`: what PostgreSQL makes of the texts, column by column. The first column is never null. The two separators,
    which no text holds on purpose, become spaces.
    """
    wanted: list[str] = []
    once: list[str | None] = []
    packed: list[str] = []
    for kind, column in zip(types, columns, strict=True):
        if packed and _is_same(column):
            value = column[0]
            once.append(value and _without_separators(value))
            source = "%s"
        else:
            packed.append(_packed(column))
            source = f"c{len(packed)}"
        wanted.append(f"decode({source}, 'hex')" if kind == "bytea" else f"{source}::{kind}")
    arrays = ", ".join(
        f"unnest(string_to_array(%s, E'\\x1e', E'\\x1f')) as c{number}" for number in range(1, len(packed) + 1)
    )
    # an array of one empty text could not be told from an empty one: each ends with a null, whose row is left out
    return f"select {', '.join(wanted)} from (select {arrays}) rows where c1 is not null", [*once, *packed]


def _is_same(column: Column) -> bool:
    """Whether every row says the same."""
    return column[0] == column[-1] and column.count(column[0]) == len(column)


def _packed(column: Column) -> str:
    joined = _BETWEEN.join([_NULL if value is None else value for value in column])
    if joined.count(_BETWEEN) >= max(len(column), 1) or joined.count(_NULL) != column.count(None):
        return _packed([None if value is None else _without_separators(value) for value in column])
    return f"{joined}{_BETWEEN}{_NULL}"


def _without_separators(text: str) -> str:
    return text.replace(_BETWEEN, " ").replace(_NULL, " ")
