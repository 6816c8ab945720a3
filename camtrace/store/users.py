"""People: users, profiles, sessions, tokens, one-time links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg2.errors

from camtrace.errors import Conflict, NotFound
from camtrace.i18n import N_
from camtrace.model import MailRights, Profile, Recipient, User
from camtrace.overreach import refuse_to_touch
from camtrace.store.database import Database

SEEN_EVERY = timedelta(minutes=5)  # how closely it is kept when somebody was last there
USER_COLUMNS = "a.id, a.name, a.password_hash, a.player_ha1, a.locked, a.language, p.id, p.name, p.rights, p.cameras"
_FROM = "from account a join profile p on p.id = a.profile_id"
_USER = f"select {USER_COLUMNS} {_FROM}"

_RECIPIENT = """
    select a.name, a.email, a.language, p.name, a.locked, p.cameras,
        p.mail_alarms, p.mail_lost, p.mail_contacts, p.mail_purge, p.mail_life, p.mail_rules
    from account a join profile p on p.id = a.profile_id
"""

_NOTIFY = "select pg_notify('config', 'user ' || name) from account where id = %s"


class Users:
    """The tables `account`, `profile`, `session`, `token`, `setup_link`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_name(self, name: str) -> User | None:
        """The user of that name, whatever its case."""
        return _one(await self._database.query(f"{_USER} where lower(a.name) = lower(%s)", (_text(name),)))

    async def all(self) -> list[User]:
        """Every user, by name."""
        return [user_of(row) for row in await self._database.query(f"{_USER} order by lower(a.name)")]

    async def count(self) -> int:
        """How many users there are."""
        return int((await self._database.query("select count(*) from account"))[0][0])

    async def create(self, name: str, profile: str, password_hash: str, at: datetime) -> User:
        """A new user with that profile. Raises Conflict (name taken) or NotFound (no such profile)."""

        async def work(cursor: Any) -> None:
            await _insert_user(cursor, name, profile, password_hash, at)
            await cursor.execute("delete from setup_link")
            await cursor.execute("select pg_notify('config', %s)", (f"user {name}",))

        await self._database.transaction("create user", work)
        user = await self.by_name(name)
        assert user is not None
        return user

    async def set_password(self, user_id: int, password_hash: str) -> None:
        """Replace the login password; every session of the user ends, and the link to set one."""

        async def work(cursor: Any) -> None:
            await cursor.execute("update account set password_hash = %s where id = %s", (password_hash, user_id))
            await cursor.execute("delete from session where account_id = %s", (user_id,))
            await cursor.execute("delete from password_link where account_id = %s", (user_id,))
            await cursor.execute(_NOTIFY, (user_id,))

        await self._database.transaction("set password", work)

    async def set_player_ha1(self, user_id: int, sealed: bytes) -> None:
        """Replace the sealed Digest secrets."""

        async def work(cursor: Any) -> None:
            await cursor.execute("update account set player_ha1 = %s where id = %s", (sealed, user_id))
            await cursor.execute(_NOTIFY, (user_id,))

        await self._database.transaction("set player password", work)

    async def has_player_secrets(self) -> bool:
        """Whether any user who is not locked has a player password."""
        return bool(await self._database.query("select 1 from account where player_ha1 <> '' and not locked limit 1"))

    # ── mails ──

    async def recipients(self) -> list[Recipient]:
        """Every user with where mails go and which ones are allowed, by name."""
        return [_recipient(row) for row in await self._database.query(f"{_RECIPIENT} order by lower(a.name)")]

    async def without_address(self) -> list[str]:
        """Names of the users, not locked, whose profile gets mails and who have no address to send them to."""
        return [one.name for one in await self.recipients() if one.rights.any and not one.email and not one.locked]

    async def set_email(self, name: str, email: str, by: User | None = None) -> None:
        """Say where the mails of a user go ("": nowhere). Raises NotFound, and Overreach where `by` may less."""

        async def work(cursor: Any) -> None:
            await cursor.execute(f"{_USER} where lower(a.name) = lower(%s)", (_text(name),))
            user = _one(cursor.fetchall())
            if user is None:
                raise NotFound(N_("there is no user {name}"), name=name)
            refuse_to_touch(None if by is None else by.profile, user.profile)
            await cursor.execute("update account set email = %s where id = %s", (email, user.id))
            await cursor.execute("select pg_notify('config', %s)", (f"user {user.name}",))

        await self._database.transaction("set mail address", work)

    async def mail_rights(self) -> dict[str, MailRights]:
        """What the users of each profile get by mail, by the profile's name."""
        rows = await self._database.query(
            "select name, mail_alarms, mail_lost, mail_contacts, mail_purge, mail_life, mail_rules"
            " from profile order by id"
        )
        return {row[0]: _mail_rights(row[1:]) for row in rows}

    async def set_mail_rights(self, profile: str, rights: MailRights, by: User | None = None) -> None:
        """Say what the users of a profile get by mail. Raises NotFound, and Overreach where `by` may less."""

        async def work(cursor: Any) -> None:
            await cursor.execute("select id, name, rights, cameras from profile where name = %s", (_text(profile),))
            for row in cursor.fetchall():
                refuse_to_touch(None if by is None else by.profile, profile_of(row))
            await cursor.execute(
                "update profile set mail_alarms = %s, mail_lost = %s, mail_contacts = %s, mail_purge = %s,"
                " mail_life = %s, mail_rules = %s where name = %s returning name",
                (
                    None if rights.alarms is None else sorted(rights.alarms),
                    None if rights.lost is None else sorted(rights.lost),
                    rights.contacts,
                    rights.purge,
                    rights.life,
                    rights.rules,
                    _text(profile),
                ),
            )
            if not cursor.fetchall():
                raise NotFound(N_("there is no profile {name}"), name=profile)
            await cursor.execute("select pg_notify('config', %s)", (f"profile {profile}",))

        await self._database.transaction("set mail rights", work)

    # ── sessions and tokens ──

    async def open_session(self, digest: bytes, user_id: int, peer: str, at: datetime) -> None:
        """Remember a session by the digest of its token; old ones are swept on the way."""
        await self._database.execute(
            "with here as (update account set seen_at = %s where id = %s)"
            " insert into session (digest, account_id, peer, created_at, seen_at) values (%s, %s, %s, %s, %s)",
            (at, user_id, digest, user_id, peer, at, at),
        )

    async def session(self, digest: bytes, not_before: datetime, at: datetime) -> User | None:
        """The user of the session, if it began after `not_before`; who was there is remembered every SEEN_EVERY."""
        sql = f"select {USER_COLUMNS}, s.seen_at {_FROM} join session s on s.account_id = a.id"
        found = await self._database.query(f"{sql} where s.digest = %s and s.created_at > %s", (digest, not_before))
        if not found:
            return None
        *row, seen_at = found[0]
        if at - seen_at >= SEEN_EVERY:
            await self._database.execute(
                "with here as (update session set seen_at = %s where digest = %s returning account_id)"
                " update account set seen_at = %s from here where id = here.account_id",
                (at, digest, at),
            )
        return user_of(tuple(row))

    async def close_session(self, digest: bytes) -> None:
        """Forget a session."""
        await self._database.execute("delete from session where digest = %s", (digest,))

    async def sweep_sessions(self, before: datetime) -> None:
        """Forget sessions that began before `before`."""
        await self._database.execute("delete from session where created_at < %s", (before,))

    async def add_token(self, digest: bytes, user_id: int, at: datetime) -> None:
        """Remember a bearer token by its digest."""
        await self._database.execute(
            "insert into token (digest, account_id, created_at) values (%s, %s, %s)", (digest, user_id, at)
        )

    async def token(self, digest: bytes) -> User | None:
        """The user of a bearer token."""
        sql = f"{_USER} join token t on t.account_id = a.id where t.digest = %s"
        return _one(await self._database.query(sql, (digest,)))

    # ── one-time links ──

    async def add_link(self, digest: bytes, at: datetime, expires_at: datetime) -> None:
        """Remember a one-time link; earlier ones are forgotten."""

        async def work(cursor: Any) -> None:
            await cursor.execute("delete from setup_link")
            await cursor.execute("insert into setup_link values (%s, %s, %s)", (digest, at, expires_at))

        await self._database.transaction("add link", work)

    async def link_valid(self, digest: bytes, at: datetime) -> bool:
        """Whether the link is there and not too old."""
        sql = "select 1 from setup_link where digest = %s and expires_at > %s"
        return bool(await self._database.query(sql, (digest, at)))

    async def redeem_link(self, digest: bytes, name: str, password_hash: str, at: datetime) -> User | None:
        """Use the link up and make the administrator `name`; None if the link is not good. Raises Conflict."""

        async def work(cursor: Any) -> bool:
            await cursor.execute(
                "delete from setup_link where digest = %s and expires_at > %s returning 1", (digest, at)
            )
            if not cursor.fetchall():
                return False
            await _insert_user(cursor, name, "administrator", password_hash, at)
            await cursor.execute("delete from setup_link")
            await cursor.execute("select pg_notify('config', %s)", (f"user {name}",))
            return True

        return await self.by_name(name) if await self._database.transaction("redeem link", work) else None

    # ── links by which one person sets a password ──

    async def link_user(self, digest: bytes, at: datetime) -> User | None:
        """Whose password the link sets; None if it is not there or too old, or the user is locked."""
        sql = f"{_USER} join password_link l on l.account_id = a.id"
        return _one(
            await self._database.query(
                f"{sql} where l.digest = %s and l.expires_at > %s and not a.locked", (digest, at)
            )
        )

    async def redeem_password_link(self, digest: bytes, password_hash: str, at: datetime) -> User | None:
        """Use the link up and give its user this password; None if the link is not good. Every session ends."""

        async def work(cursor: Any) -> str | None:
            await cursor.execute(
                "with used as (delete from password_link where digest = %s and expires_at > %s returning account_id)"
                " update account set password_hash = %s from used where id = used.account_id and not locked"
                " returning id, name",
                (digest, at, password_hash),
            )
            found = cursor.fetchall()
            if not found:
                return None
            user_id, name = found[0]
            await cursor.execute("delete from session where account_id = %s", (user_id,))
            await cursor.execute(_NOTIFY, (user_id,))
            return str(name)

        name = await self._database.transaction("redeem password link", work)
        return None if name is None else await self.by_name(name)


async def _insert_user(cursor: Any, name: str, profile: str, password_hash: str, at: datetime) -> None:
    await cursor.execute("select id from profile where name = %s", (profile,))
    found = cursor.fetchall()
    if not found:
        raise NotFound(f"there is no profile {profile!r}")
    try:
        await cursor.execute(
            "insert into account (name, profile_id, password_hash, created_at) values (%s, %s, %s, %s)",
            (name, found[0][0], password_hash, at),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise Conflict(N_("there is already a user {name}"), "name", name=name) from error


def _text(value: str) -> str:
    return value.replace("\0", "\ufffd")  # PostgreSQL's text has no NUL; no name holds one either


def _one(rows: list[tuple[Any, ...]]) -> User | None:
    return user_of(rows[0]) if rows else None


def _recipient(row: tuple[Any, ...]) -> Recipient:
    name, email, language, profile, locked, cameras, *rights = row
    seen = None if cameras is None else frozenset(cameras)
    return Recipient(name, email, language, profile, locked, seen, _mail_rights(tuple(rights)))


def _mail_rights(row: tuple[Any, ...]) -> MailRights:
    alarms, lost, contacts, purge, life, rules = row
    return MailRights(
        None if alarms is None else frozenset(alarms),
        None if lost is None else frozenset(lost),
        contacts,
        purge,
        life,
        rules,
    )


def user_of(row: tuple[Any, ...]) -> User:
    """The user of a row of USER_COLUMNS."""
    identity, name, password_hash, player_ha1, locked, language, profile_id, profile, rights, cameras = row
    return User(
        id=identity,
        name=name,
        profile=profile_of((profile_id, profile, rights, cameras)),
        password_hash=password_hash,
        player_ha1=bytes(player_ha1),
        locked=locked,
        language=language,
    )


def profile_of(row: tuple[Any, ...]) -> Profile:
    """The profile of a row of id, name, rights and cameras."""
    id, name, rights, cameras = row
    return Profile(id, name, frozenset(rights), None if cameras is None else frozenset(cameras))
