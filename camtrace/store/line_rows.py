"""Rows of the external log as lines."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from camtrace.model import Line

LINE_COLUMNS = tuple(field.name for field in fields(Line))


def line_of(row: tuple[Any, ...]) -> Line:
    """The line of a row whose columns are `LINE_COLUMNS`."""
    values = dict(zip(LINE_COLUMNS, row, strict=True))
    values["raw"] = bytes(values["raw"])
    values["cameras"] = tuple(values["cameras"])
    values["flags"] = tuple(values["flags"])
    return Line(**values)


def in_order(by: str, ascending: bool) -> str:
    """SQL that puts rows in order of the column `by` ("" for none) and of their ids."""
    direction = "asc" if ascending else "desc"
    return "order by " + ", ".join(f"{column} {direction}" for column in (by, "id") if column)
