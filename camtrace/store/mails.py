"""The queue of mails, and what was turned into mails already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from camtrace.model import HeldAlarms, MailQuery, Outgoing, QueuedMail
from camtrace.store.database import Database
from camtrace.store.matching import Conditions, holds, pattern

HOUR = timedelta(hours=1)
_NAMES = (
    "id",
    "kind",
    "recipient",
    "subject",
    "camera_uid",
    "state",
    "attempts",
    "queued_at",
    "next_at",
    "ended_at",
    "problem",
    "said",
)
_COLUMNS = ", ".join(_NAMES)


class MailStore:
    """The tables `mail`, `mail_fact`, `mail_lost`, `mail_count`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── from facts to mails: each of these commits what it takes together with the mails that speak of it ──

    async def take(
        self,
        key: str,
        at: datetime,
        mails: Sequence[Outgoing],
        *,
        next_at: datetime | None = None,
        camera_uid: int | None = None,
        alarm_id: int | None = None,
        most_per_hour: int | None = None,
    ) -> list[int] | None:
        """Queue the mails about the fact `key`; returns their ids, one for each of `mails`.

        None if it was taken before. None too if it is the camera's `alarm_id` and `most_per_hour` of its alarms were
        mailed within the hour: it is held for a summary then. `next_at`: when they may leave, now if none is given.
        """

        async def work(cursor: Any) -> list[int] | None:
            if camera_uid is not None:
                await cursor.execute("select pg_advisory_xact_lock(%s, %s)", (0x43616D4D, camera_uid % 2**31))
            await cursor.execute(
                "insert into mail_fact (key, at, camera_uid, alarm_id) values (%s, %s, %s, %s)"
                " on conflict (key) do nothing returning key",
                (key, at, camera_uid, alarm_id),
            )
            if not cursor.fetchall():
                return None
            if most_per_hour is not None and mails:
                await cursor.execute(
                    "select count(*) from mail_fact where camera_uid = %s and at > %s and alarm_id is not null"
                    " and state = 'mailed' and key <> %s",
                    (camera_uid, at - HOUR, key),
                )
                if cursor.fetchall()[0][0] >= most_per_hour:
                    await cursor.execute("update mail_fact set state = 'held' where key = %s", (key,))
                    return None
            return await _queue(cursor, mails, at, next_at)

        return await self._database.transaction("take mail", work)

    async def take_numbered(
        self, key: str, at: datetime, name: str, write: Callable[[int], Sequence[Outgoing]]
    ) -> list[int] | None:
        """Queue the mails that `write` makes of the next number of `name`; None if `key` was taken before."""

        async def work(cursor: Any) -> list[int] | None:
            await cursor.execute(
                "insert into mail_fact (key, at) values (%s, %s) on conflict (key) do nothing returning key", (key, at)
            )
            if not cursor.fetchall():
                return None
            await cursor.execute(
                "insert into mail_count (name, value) values (%s, 1)"
                " on conflict (name) do update set value = mail_count.value + 1 returning value",
                (name,),
            )
            return await _queue(cursor, write(cursor.fetchall()[0][0]), at, None)

        return await self._database.transaction("take numbered mail", work)

    async def taken(self, key: str) -> bool:
        """Whether the fact `key` was turned into mails."""
        return bool(await self._database.query("select 1 from mail_fact where key = %s", (key,)))

    async def lost(self, camera_uid: int, since: datetime, at: datetime, mails: Sequence[Outgoing]) -> list[int] | None:
        """Queue the mails that say the camera is lost; None if that was said and it has not been back since."""

        async def work(cursor: Any) -> list[int] | None:
            await cursor.execute(
                "insert into mail_lost (camera_uid, since) values (%s, %s)"
                " on conflict (camera_uid) do nothing returning camera_uid",
                (camera_uid, since),
            )
            return await _queue(cursor, mails, at, None) if cursor.fetchall() else None

        return await self._database.transaction("camera lost mail", work)

    async def back(
        self, camera_uid: int, at: datetime, write: Callable[[datetime], Sequence[Outgoing]]
    ) -> list[int] | None:
        """Queue the mails that `write` makes of since when the camera was lost; None if nobody was told that it was."""

        async def work(cursor: Any) -> list[int] | None:
            await cursor.execute("delete from mail_lost where camera_uid = %s returning since", (camera_uid,))
            found = cursor.fetchall()
            return await _queue(cursor, write(found[0][0]), at, None) if found else None

        return await self._database.transaction("camera back mail", work)

    async def held(self, before: datetime) -> list[HeldAlarms]:
        """The alarms that wait for a summary, of each camera whose first one is from before `before`."""
        rows = await self._database.query(
            "select camera_uid, array_agg(alarm_id order by at), min(at), max(at) from mail_fact where state = 'held'"
            " group by camera_uid having min(at) <= %s order by camera_uid",
            (before,),
        )
        return [
            HeldAlarms(camera_uid=uid, alarm_ids=tuple(dict.fromkeys(ids)), first_at=first, last_at=last)
            for uid, ids, first, last in rows
        ]

    async def summarise(self, held: HeldAlarms, at: datetime, mails: Sequence[Outgoing]) -> list[int] | None:
        """Queue the mails that tell of `held` together; None if that was done before."""

        async def work(cursor: Any) -> list[int] | None:
            await cursor.execute(
                "update mail_fact set state = 'told' where state = 'held' and camera_uid = %s and alarm_id = any(%s)"
                " returning key",
                (held.camera_uid, list(held.alarm_ids)),
            )
            return await _queue(cursor, mails, at, None) if cursor.fetchall() else None

        return await self._database.transaction("summary mail", work)

    async def unmailed_alarms(self, since: datetime) -> list[int]:
        """Ids of alarms after `since` that should have been mailed and were not: the server died in between."""
        rows = await self._database.query(
            "select a.id from alarm a where a.mail and a.last_at > %s"
            " and not exists (select from mail_fact f where f.key = 'alarm:' || a.id) order by a.started_at, a.id",
            (since,),
        )
        return [row[0] for row in rows]

    # ── the queue ──

    async def rewrite(self, id: int, message: bytes, next_at: datetime) -> bool:
        """Give a mail that was not tried yet another text, and let it leave at `next_at`; False if it is too late."""
        rows = await self._database.query(
            "update mail set message = %s, next_at = least(next_at, %s)"
            " where id = %s and state = 'queued' and attempts = 0 returning id",
            (message, next_at, id),
        )
        return bool(rows)

    async def due(self, at: datetime) -> QueuedMail | None:
        """The mail that should leave first, with its text; None if none should yet."""
        rows = await self._database.query(
            f"select {_COLUMNS}, message from mail where state = 'queued' and next_at <= %s"
            " order by next_at, id limit 1",
            (at,),
        )
        return _mail(rows[0]) if rows else None

    async def next_due(self) -> datetime | None:
        """When the next mail may leave."""
        rows = await self._database.query("select min(next_at) from mail where state = 'queued'")
        due: datetime | None = rows[0][0]
        return due

    async def sending(self, id: int) -> None:
        """The mail's text goes out from now on: whether it arrived is known by the answer only."""
        await self._database.execute("update mail set state = 'sending' where id = %s", (id,))

    async def sent(self, id: int, at: datetime) -> None:
        """The mail server has taken it."""
        await self._database.execute(
            "update mail set state = 'sent', attempts = attempts + 1, ended_at = %s, message = '', problem = '',"
            " said = '' where id = %s",
            (at, id),
        )

    async def put_off(self, id: int, next_at: datetime, problem: str, said: str) -> None:
        """It could not be sent now: try again at `next_at`."""
        await self._database.execute(
            "update mail set state = 'queued', attempts = attempts + 1, next_at = %s, problem = %s, said = %s"
            " where id = %s",
            (next_at, problem, said, id),
        )

    async def failed(self, id: int, at: datetime, problem: str, said: str) -> None:
        """It will not be tried again."""
        await self._database.execute(
            "update mail set state = 'failed', attempts = attempts + 1, ended_at = %s, message = '', problem = %s,"
            " said = %s where id = %s",
            (at, problem, said, id),
        )

    async def recover(self, at: datetime) -> list[QueuedMail]:
        """After a crash: mails found on their way are tried once more; returns those found so a second time, failed."""
        rows = await self._database.query(
            "update mail set state = case when doubtful then 'failed' else 'queued' end, doubtful = true, next_at = %s,"
            " ended_at = case when doubtful then %s end, problem = case when doubtful then 'doubtful' else problem end,"
            " message = case when doubtful then '' else message end"
            f" where state = 'sending' returning {_COLUMNS}",
            (at, at),
        )
        return [mail for mail in map(_mail, rows) if mail.state == "failed"]

    async def give_up(self, queued_before: datetime, at: datetime) -> list[QueuedMail]:
        """End the mails that were queued before that instant and could not be sent; returns them."""
        rows = await self._database.query(
            "update mail set state = 'failed', ended_at = %s, message = '' where state = 'queued' and queued_at < %s"
            f" returning {_COLUMNS}",
            (at, queued_before),
        )
        return [_mail(row) for row in rows]

    async def hasten(self, at: datetime) -> None:
        """Let every mail that a fault held up leave at once: the fault may be mended."""
        await self._database.execute(
            "update mail set next_at = %s where state = 'queued' and attempts > 0 and next_at > %s", (at, at)
        )

    async def sweep(self, before: datetime) -> None:
        """Forget what ended before that instant."""

        async def work(cursor: Any) -> None:
            await cursor.execute("delete from mail where ended_at < %s", (before,))
            await cursor.execute("delete from mail_fact where at < %s and state <> 'held'", (before,))

        await self._database.transaction("sweep mails", work)

    async def page(self, query: MailQuery, limit: int, before: tuple[datetime, int] | None = None) -> list[QueuedMail]:
        """Mails without their text, those queued last first; `before`: the last one of the page before."""
        wanted = Conditions()
        wanted.add_given("kind = %s", query.kind)
        wanted.add_given("state = %s", query.state)
        wanted.add_given("camera_uid = any(%s)", None if query.camera_uids is None else list(query.camera_uids))
        wanted.add_given("queued_at >= %s", query.start)
        wanted.add_given("queued_at <= %s", query.stop)
        for word in query.words:
            wanted.add_any((holds(column), pattern(word)) for column in ("subject", "recipient", "said"))
        if before is not None:
            wanted.add("(queued_at, id) < (%s, %s)", *before)
        rows = await self._database.query(
            f"select {_COLUMNS} from mail where {wanted} order by queued_at desc, id desc limit %s",
            [*wanted.values, limit],
        )
        return [_mail(row) for row in rows]

    async def waiting(self) -> int:
        """How many mails are on their way."""
        rows = await self._database.query("select count(*) from mail where state in ('queued', 'sending')")
        return int(rows[0][0])


async def _queue(cursor: Any, mails: Sequence[Outgoing], at: datetime, next_at: datetime | None) -> list[int]:
    """Queue mails in the caller's transaction; one whose key is there already is left alone."""
    ids = []
    for mail in mails:
        await cursor.execute(
            "insert into mail (key, kind, recipient, subject, message, camera_uid, queued_at, next_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (key) do update set key = excluded.key returning id",
            (
                mail.key,
                mail.kind,
                mail.recipient,
                mail.subject,
                mail.message,
                mail.camera_uid,
                at,
                next_at or at,
            ),
        )
        ids.append(cursor.fetchall()[0][0])
    return ids


def _mail(row: tuple[Any, ...]) -> QueuedMail:
    values = dict(zip(_NAMES, row, strict=False))
    message = bytes(row[len(_NAMES)]) if len(row) > len(_NAMES) else b""
    return QueuedMail(message=message, **values)
