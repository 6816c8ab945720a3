"""Contact boxes an administrator set up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import psycopg2.errors

from camtrace.errors import Conflict, NotFound
from camtrace.i18n import N_
from camtrace.model import Contact, ContactBox
from camtrace.store.database import Database

_FIELDS = ["name", "host", "port", "unit", "reads", "first", "interval_ms", "enabled", "contacts"]
_COLUMNS = ", ".join(["id", *_FIELDS])


class ContactStore:
    """The table `contact_box`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[ContactBox]:
        """Every contact box, by name."""
        return [_box(row) for row in await self._database.query(f"select {_COLUMNS} from contact_box order by name")]

    async def create(self, box: ContactBox) -> ContactBox:
        """Add `box`, whose id is given here. Raises Conflict when its name is taken."""
        marks = ", ".join(["%s"] * len(_FIELDS))
        sql = f"insert into contact_box ({', '.join(_FIELDS)}) values ({marks}) returning {_COLUMNS}"
        return await self._changed("create contact box", sql, _row(box))

    async def update(self, box: ContactBox) -> ContactBox:
        """Give the box of this id other settings. Raises NotFound, and Conflict when its name is taken."""
        changes = ", ".join(f"{name} = %s" for name in _FIELDS)
        sql = f"update contact_box set {changes} where id = %s returning {_COLUMNS}"
        return await self._changed("update contact box", sql, [*_row(box), box.id])

    async def delete(self, id: int) -> ContactBox:
        """Remove a box. Raises NotFound."""
        sql = f"delete from contact_box where id = %s returning {_COLUMNS}"
        return await self._changed("delete contact box", sql, [id])

    async def _changed(self, name: str, sql: str, values: Sequence[Any]) -> ContactBox:
        async def work(cursor: Any) -> ContactBox:
            try:
                await cursor.execute(sql, values)
            except psycopg2.errors.UniqueViolation as error:
                raise Conflict(N_("another contact box has this name"), "name") from error
            found = cursor.fetchall()
            if not found:
                raise NotFound(N_("this contact box does not exist any more"))
            box = _box(found[0])
            await cursor.execute("select pg_notify('config', %s)", (f"contact_box {box.id}",))
            return box

        return await self._database.transaction(name, work)


def read_contacts(stored: Sequence[Mapping[str, Any]]) -> tuple[Contact, ...]:
    """Digital inputs as they are stored."""
    return tuple(Contact(**{**contact, "cameras": tuple(contact["cameras"])}) for contact in stored)


def _row(box: ContactBox) -> list[Any]:
    values = {name: getattr(box, name) for name in _FIELDS}
    values["contacts"] = json.dumps([asdict(contact) for contact in box.contacts])
    return list(values.values())


def _box(row: tuple[Any, ...]) -> ContactBox:
    values = dict(zip(["id", *_FIELDS], row, strict=True))
    return ContactBox(**{**values, "contacts": read_contacts(values["contacts"])})
