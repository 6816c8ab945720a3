"""Brings a database to this program's schema: numbered, commented SQL files, each in a transaction of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from camtrace.errors import StartError
from camtrace.store.database import Database

FOLDER = Path(__file__).resolve().parent / "migrations"
_LOCK = 0x43616D54  # "CamT": two servers on one database do not migrate at once
_NAME = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. `digest` is the SHA-256 of its text in hex."""

    number: int
    name: str
    sql: str
    digest: str


def read(folder: Path = FOLDER) -> list[Migration]:
    """The steps in `folder`, by number."""
    steps = []
    for path in sorted(folder.glob("*.sql")):
        if match := _NAME.fullmatch(path.name):
            sql = path.read_text(encoding="utf-8")
            steps.append(Migration(int(match[1]), path.stem, sql, hashlib.sha256(sql.encode()).hexdigest()))
    return steps


async def migrate(
    database: Database, steps: list[Migration] | None = None, progress: Callable[[str], None] = lambda text: None
) -> list[str]:
    """Apply the steps that are missing; returns their names. Raises StartError if the database is newer or altered."""
    steps = read() if steps is None else steps

    async def prepare(cursor: Any) -> dict[int, str]:
        await cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        await cursor.execute(
            "create table if not exists migration"
            " (number int primary key, name text not null, digest text not null, applied_at timestamptz not null)"
        )
        await cursor.execute("select number, digest from migration order by number")
        return dict(cursor.fetchall())

    applied = await database.transaction("read schema version", prepare)
    _refuse_strangers(applied, steps)
    done = []
    for step in steps:
        if step.number not in applied:
            progress(step.name)
            if await database.transaction(f"migration {step.name}", partial(_apply, step)):
                done.append(step.name)
    return done


def _refuse_strangers(applied: dict[int, str], steps: list[Migration]) -> None:
    known = {step.number: step for step in steps}
    newest = max(known, default=0)
    for number, digest in applied.items():
        if number > newest:
            raise StartError(
                f"the database is newer than this program (schema {number}, this program knows {newest}):"
                " install the newer program, or restore a backup"
            )
        if number in known and known[number].digest != digest:
            raise StartError(f"the schema step {known[number].name} is not the one this database was made with")


async def _apply(step: Migration, cursor: Any) -> bool:
    await cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    await cursor.execute("select 1 from migration where number = %s", (step.number,))
    if cursor.fetchall():  # another process was faster
        return False
    await cursor.execute(step.sql)
    await cursor.execute(
        "insert into migration (number, name, digest, applied_at) values (%s, %s, %s, now())",
        (step.number, step.name, step.digest),
    )
    return True
