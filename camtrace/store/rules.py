"""Exception rules, and what they found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg2.errors

from camtrace import factcode
from camtrace.errors import Conflict, NotFound
from camtrace.events import RuleMet
from camtrace.i18n import N_
from camtrace.model import ExceptionQuery, Rule, RuleException
from camtrace.store.database import Database
from camtrace.store.line_texts import searchable

MOST_RULES = 200
_FIELDS = ("name", "enabled", "kind", "definition", "changed_at")
_COLUMNS = ", ".join(("id", *_FIELDS))
_AT_ONCE = 200  # rows of one statement
_MOST_NAMES = 10_000
_NEAR = "interval '5 minutes'"  # further from its line than the offset of a till can be
_REVIEW = ("verdict", "comment", "reviewed_by", "reviewed_at")
_NAMES = tuple(RuleException.__dataclass_fields__)
_MET = tuple(name for name in _NAMES if name not in _REVIEW)


class RuleStore:
    """The tables `rule` and `rule_exception`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── rules ──

    async def all(self) -> list[Rule]:
        """Every rule, by name."""
        return [_rule(row) for row in await self._database.query(f"select {_COLUMNS} from rule order by name, id")]

    async def by_id(self, id: int) -> Rule | None:
        """The rule of this id."""
        rows = await self._database.query(f"select {_COLUMNS} from rule where id = %s", (id,))
        return _rule(rows[0]) if rows else None

    async def create(self, rule: Rule) -> Rule:
        """Add `rule`, whose id is given here. Raises Conflict when its name is taken, or when there are too many."""
        marks = ", ".join(["%s"] * len(_FIELDS))
        sql = f"insert into rule ({', '.join(_FIELDS)}) values ({marks}) returning {_COLUMNS}"

        async def work(cursor: Any) -> Rule:
            await cursor.execute("select count(*) from rule")
            if cursor.fetchall()[0][0] >= MOST_RULES:
                raise Conflict(N_("there are {most} rules, more are not possible"), most=MOST_RULES)
            return await _changed(cursor, sql, _row(rule))

        return await self._database.transaction("create rule", work)

    async def update(self, rule: Rule) -> Rule:
        """Give the rule of this id other settings. Raises NotFound, and Conflict when its name is taken."""
        changes = ", ".join(f"{name} = %s" for name in _FIELDS)
        sql = f"update rule set {changes} where id = %s returning {_COLUMNS}"

        async def work(cursor: Any) -> Rule:
            return await _changed(cursor, sql, [*_row(rule), rule.id])

        return await self._database.transaction("update rule", work)

    async def delete(self, id: int) -> Rule:
        """Remove a rule; what it found stays. Raises NotFound."""

        async def work(cursor: Any) -> Rule:
            return await _changed(cursor, f"delete from rule where id = %s returning {_COLUMNS}", [id])

        return await self._database.transaction("delete rule", work)

    # ── exceptions ──

    @staticmethod
    async def insert(cursor: Any, facts: Sequence[RuleMet]) -> None:
        """Write what rules found, in the caller's transaction; what is there already stays as it is."""
        marks = f"({', '.join(['%s'] * len(_MET))})"
        for place in range(0, len(facts), _AT_ONCE):
            some = facts[place : place + _AT_ONCE]
            await cursor.execute(
                f"insert into rule_exception ({', '.join(_MET)}) values {', '.join([marks] * len(some))}"
                " on conflict do nothing",
                [_column(getattr(fact.exception, name)) for fact in some for name in _MET],
            )

    async def exceptions(
        self, query: ExceptionQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[RuleException]:
        """Exceptions, newest first. `before`: the instant and id of the last one of the page before."""
        where, values = await self._where(query)
        if before is not None:
            where += " and (at, id) < (%s, %s)"
            values += before
        rows = await self._database.query(
            f"select {', '.join(_NAMES)} from rule_exception where {where} order by at desc, id desc limit %s",
            [*values, limit],
        )
        return [_exception(row) for row in rows]

    async def exception(self, id: int) -> RuleException | None:
        """The exception of this id."""
        rows = await self._database.query(f"select {', '.join(_NAMES)} from rule_exception where id = %s", (id,))
        return _exception(rows[0]) if rows else None

    async def met_since(self, start: datetime, limit: int = 100_000) -> set[tuple[int, int]]:
        """Rule and line of each exception from `start` on."""
        rows = await self._database.query(
            "select rule_id, line_id from rule_exception where at >= %s order by at desc limit %s", (start, limit)
        )
        return {(rule, line) for rule, line in rows}

    async def alarmed_since(self, start: datetime, limit: int = 10_000) -> list[tuple[RuleException, set[datetime]]]:
        """Exceptions that raise alarms, from `start` on, and when alarms were raised in their rule's name near them."""
        rows = await self._database.query(
            f"select {', '.join(_NAMES)}, array(select trigger.at from alarm join trigger on alarm_id = alarm.id"
            " where camera_uid = any(found.cameras) and started_at > found.at - interval '1 day'"
            f" and started_at < found.at + {_NEAR} and cause = 'rule' and origin = found.rule"
            f" and trigger.at between found.at - {_NEAR} and found.at + {_NEAR})"
            " from rule_exception found where alarm and at >= %s order by at, id limit %s",
            (start, limit),
        )
        return [(_exception(row[:-1]), set(row[-1])) for row in rows]

    async def counts(self, query: ExceptionQuery, by: str = "rule") -> list[tuple[str, str, int]]:
        """How many exceptions there are, `by` rule (id), seller or source, and verdict."""
        key = {"rule": "rule_id::text", "seller": "seller", "source": "source"}[by]
        where, values = await self._where(query)
        return await self._database.query(
            f"select {key}, verdict, count(*) from rule_exception where {where} group by 1, 2 order by 1, 2", values
        )

    async def _where(self, query: ExceptionQuery) -> tuple[str, list[Any]]:
        """The conditions that are asked for, and their values."""
        uids = query.camera_uids
        asked = [
            ("at >= %s", query.start),
            ("at <= %s", query.stop),
            ("cameras && %s::bigint[]", None if uids is None else list(uids)),
            ("rule_id = %s", query.rule_id),
            ("source = %s", query.source),
            ("seller = any(%s)", await self._spelled(query.seller)),
            ("verdict = %s", query.verdict),
        ]
        wanted = [(sql, value) for sql, value in asked if value is not None]
        return " and ".join(sql for sql, _ in wanted) or "true", [value for _, value in wanted]

    async def _spelled(self, seller: str | None) -> list[str] | None:
        """How this seller's name is written, whatever the capitals and accents; None where nobody is asked for."""
        if seller is None:
            return None
        known = await self._database.query(
            "select distinct seller from rule_exception order by seller limit %s", (_MOST_NAMES,)
        )
        return [seller, *(name for (name,) in known if searchable(name) == searchable(seller))]

    async def review(
        self,
        id: int,
        user: str,
        at: datetime,
        verdict: str | None = None,
        comment: str | None = None,
        before: str | None = None,
    ) -> RuleException:
        """Say what an exception was found to be; None: as it is. `before`: only while that is its verdict.

        Raises NotFound, and Conflict where somebody else has judged it.
        """
        rows = await self._database.query(
            "update rule_exception set verdict = coalesce(%s, verdict), comment = coalesce(%s, comment),"
            " reviewed_by = %s, reviewed_at = %s where id = %s and verdict = coalesce(%s, verdict)"
            f" returning {', '.join(_NAMES)}",
            (verdict, comment, user, at, id, before),
        )
        if rows:
            return _exception(rows[0])
        found = await self.exception(id)
        if found is None:
            raise NotFound(N_("this exception does not exist"))
        raise Conflict(N_("{user} has judged it meanwhile"), "verdict", user=found.reviewed_by)


async def _changed(cursor: Any, sql: str, values: Sequence[Any]) -> Rule:
    try:
        await cursor.execute(sql, values)
    except psycopg2.errors.UniqueViolation as error:
        raise Conflict(N_("another rule has this name"), "name") from error
    found = cursor.fetchall()
    if not found:
        raise NotFound(N_("this rule does not exist any more"))
    rule = _rule(found[0])
    await cursor.execute("select pg_notify('config', %s)", (f"rule {rule.id}",))
    return rule


def _row(rule: Rule) -> list[Any]:
    plain = factcode.plain(rule)
    definition = {name: value for name, value in plain.items() if name not in ("id", *_FIELDS)}
    return [rule.name, rule.enabled, rule.kind, json.dumps(definition), rule.changed_at]


def _rule(row: tuple[Any, ...]) -> Rule:
    id, name, enabled, kind, definition, changed_at = row
    plain = {**definition, "id": id, "name": name, "enabled": enabled, "kind": kind, "changed_at": None}
    rule = factcode.restored(Rule, plain)
    return Rule(**{**{each: getattr(rule, each) for each in Rule.__dataclass_fields__}, "changed_at": changed_at})


def _column(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _exception(row: tuple[Any, ...]) -> RuleException:
    values = dict(zip(_NAMES, row, strict=True))
    return RuleException(**{**values, "lines": tuple(values["lines"]), "cameras": tuple(values["cameras"])})
