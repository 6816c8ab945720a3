"""What is administered about people: users and profiles, each change in one transaction that keeps the rules.

The rules: there is always an administrator who can sign in; the profile `administrator` stays as it is; nobody gives a
right or a camera that they do not have, nor touches a person or a profile that may more than they do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import psycopg2.errors

from camtrace.errors import Conflict, NotFound, Overreach
from camtrace.i18n import N_
from camtrace.model import ADMINISTRATOR, Member, Profile, User
from camtrace.overreach import refuse_administrator, refuse_on_oneself, refuse_to_give, refuse_to_touch
from camtrace.store.database import Database
from camtrace.store.users import USER_COLUMNS, profile_of, user_of

T = TypeVar("T")

_MEMBER = f"""
    select {USER_COLUMNS}, a.created_at, a.email, a.seen_at,
        (select count(*) from token t where t.account_id = a.id),
        (select l.expires_at from password_link l where l.account_id = a.id)
    from account a join profile p on p.id = a.profile_id
"""
_PROFILE = "select id, name, rights, cameras from profile"
_SIGN_IN = f"""
    select 1 from account a join profile p on p.id = a.profile_id
    where p.name = '{ADMINISTRATOR}' and not a.locked and a.password_hash <> '' limit 1
"""
_MAIL = "mail_alarms, mail_lost, mail_contacts, mail_purge, mail_life, mail_rules"


class People:
    """The tables `account` and `profile`, for who administers them.

    `by` is the user who asks, None for the console, which may everything but take the last administrator away. What
    `by` may is read anew in the transaction. Every change raises NotFound, Conflict or Overreach with nothing changed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── users ──

    async def members(self) -> list[Member]:
        """Every user, by name."""
        return [_member(row) for row in await self._database.query(f"{_MEMBER} order by lower(a.name)")]

    async def member(self, id: int) -> Member:
        """One user."""
        found = await self._database.query(f"{_MEMBER} where a.id = %s", (id,))
        if not found:
            raise NotFound(N_("there is no such user"))
        return _member(found[0])

    async def create(
        self,
        name: str,
        profile: str,
        password_hash: str,
        at: datetime,
        by: User | None = None,
        *,
        email: str = "",
        language: str = "",
    ) -> Member:
        """A new user. Without a password hash nobody can sign in as that user before a link set one."""

        async def work(cursor: Any, giver: Profile | None) -> int:
            given = await _named(cursor, profile)
            refuse_to_give(giver, given)
            try:
                await cursor.execute(
                    "insert into account (name, profile_id, password_hash, created_at, email, language)"
                    " values (%s, %s, %s, %s, %s, %s) returning id",
                    (name, given.id, password_hash, at, email, language),
                )
            except psycopg2.errors.UniqueViolation as error:
                raise Conflict(N_("there is already a user {name}"), "name", name=name) from error
            id = int(cursor.fetchall()[0][0])
            await _notify(cursor, "user", name)
            return id

        return await self.member(await self._changed("create user", by, work))

    async def change(self, id: int, fields: Mapping[str, Any], by: User | None = None) -> Member:
        """Set `name`, `profile` (a name), `email`, `language`, `locked` or `password_hash` of a user.

        A lock and another password end the user's sessions; another password ends the link to set one, too. With
        another name the player password is worth nothing any more: its secrets are made of the name (RFC 7616, 3.4.2).
        """

        async def work(cursor: Any, giver: Profile | None) -> None:
            user = await _touched(cursor, id, giver)
            refuse_on_oneself(user, fields, by)
            columns = dict(fields)
            if "profile" in columns:
                given = await _named(cursor, columns.pop("profile"))
                refuse_to_give(giver, given)
                columns["profile_id"] = given.id
            if columns.get("name", user.name) != user.name:
                columns["player_ha1"] = b""
            changes = ", ".join(f"{name} = %s" for name in columns)
            try:
                await cursor.execute(f"update account set {changes} where id = %s", (*columns.values(), id))
            except psycopg2.errors.UniqueViolation as error:
                name = columns["name"]
                raise Conflict(N_("there is already a user {name}"), "name", name=name) from error
            if columns.get("locked") or "password_hash" in columns:
                await cursor.execute("delete from session where account_id = %s", (id,))
            if "password_hash" in columns:
                await cursor.execute("delete from password_link where account_id = %s", (id,))
            await _keep_an_administrator(cursor, user)
            await _notify(cursor, "user", user.name)

        if fields:
            await self._changed("change user", by, work)
        return await self.member(id)

    async def remove(self, id: int, by: User | None = None) -> User:
        """Remove a user with sessions, tokens, saved searches; what the journals tell of them stays."""

        async def work(cursor: Any, giver: Profile | None) -> User:
            user = await _touched(cursor, id, giver)
            if by is not None and by.id == id:
                raise Conflict(N_("you cannot remove yourself"))
            await cursor.execute("delete from account where id = %s", (id,))
            await _keep_an_administrator(cursor, user)
            await _notify(cursor, "user", user.name)
            return user

        return await self._changed("remove user", by, work)

    async def add_link(self, id: int, digest: bytes, expires_at: datetime, by: User | None = None) -> Member:
        """Remember a link by which the user sets a password; the one before is worth nothing any more."""

        async def work(cursor: Any, giver: Profile | None) -> None:
            user = await _touched(cursor, id, giver)
            refuse_on_oneself(user, {"password_hash": ""}, by)
            await cursor.execute("delete from password_link where account_id = %s", (id,))
            await cursor.execute("insert into password_link values (%s, %s, %s)", (digest, id, expires_at))

        await self._changed("add password link", by, work)
        return await self.member(id)

    async def end_tokens(self, id: int, by: User | None = None) -> User:
        """Take every bearer token of a user back."""

        async def work(cursor: Any, giver: Profile | None) -> User:
            user = await _touched(cursor, id, giver)
            await cursor.execute("delete from token where account_id = %s", (id,))
            await _notify(cursor, "user", user.name)
            return user

        return await self._changed("end tokens", by, work)

    # ── profiles ──

    async def profiles(self) -> list[tuple[Profile, int]]:
        """Every profile with the number of its users, in the order they were made."""
        rows = await self._database.query(
            "select p.id, p.name, p.rights, p.cameras, count(a.id) from profile p"
            " left join account a on a.profile_id = p.id group by p.id order by p.id"
        )
        return [(profile_of(row[:4]), row[4]) for row in rows]

    async def profile(self, id: int) -> Profile:
        """One profile."""
        found = await self._database.query(f"{_PROFILE} where id = %s", (id,))
        if not found:
            raise NotFound(N_("there is no such profile"))
        return profile_of(found[0])

    async def create_profile(self, profile: Profile, copy_of: int, by: User | None = None) -> Profile:
        """Add `profile`, whose id is given here; what its users get by mail is as with the profile `copy_of`."""

        async def work(cursor: Any, giver: Profile | None) -> Profile:
            refuse_to_give(giver, await _known(cursor, copy_of))
            refuse_to_give(giver, profile)
            await _refuse_name(cursor, profile)
            await cursor.execute(
                f"insert into profile (name, rights, cameras, {_MAIL})"
                f" select %s, %s, %s, {_MAIL} from profile where id = %s returning id",
                (*_row(profile), copy_of),
            )
            id = int(cursor.fetchall()[0][0])
            await _notify(cursor, "profile", profile.name)
            return replace(profile, id=id)

        return await self._changed("create profile", by, work)

    async def change_profile(self, profile: Profile, by: User | None = None) -> Profile:
        """Give the profile of this id another name, other rights, other cameras; returns it as it was before."""

        async def work(cursor: Any, giver: Profile | None) -> Profile:
            before = await _known(cursor, profile.id)
            refuse_administrator(before)
            refuse_to_touch(giver, before)
            refuse_to_give(giver, profile)
            await _refuse_name(cursor, profile)
            await cursor.execute(
                "update profile set name = %s, rights = %s, cameras = %s where id = %s", (*_row(profile), profile.id)
            )
            await _notify(cursor, "profile", profile.name)
            return before

        return await self._changed("change profile", by, work)

    async def remove_profile(self, id: int, by: User | None = None) -> Profile:
        """Remove a profile that nobody has."""

        async def work(cursor: Any, giver: Profile | None) -> Profile:
            profile = await _known(cursor, id)
            refuse_administrator(profile)
            refuse_to_touch(giver, profile)
            try:
                await cursor.execute("delete from profile where id = %s", (id,))
            except psycopg2.errors.ForeignKeyViolation as error:
                raise Conflict(N_("somebody has this profile: give them another one first")) from error
            await _notify(cursor, "profile", profile.name)
            return profile

        return await self._changed("remove profile", by, work)

    async def _changed(self, name: str, by: User | None, work: Callable[[Any, Profile | None], Awaitable[T]]) -> T:
        """Run `work(cursor, giver)` alone among all changes of people; `giver` is the profile that `by` has then."""

        async def alone(cursor: Any) -> T:
            await cursor.execute("select 1 from profile where name = %s for no key update", (ADMINISTRATOR,))
            giver = None
            if by is not None:
                await cursor.execute(
                    "select p.id, p.name, p.rights, p.cameras from account a join profile p on p.id = a.profile_id"
                    " where a.id = %s and not a.locked",
                    (by.id,),
                )
                found = cursor.fetchall()
                giver = profile_of(found[0]) if found else Profile(0, "", frozenset(), frozenset())
                if "users" not in giver.rights:  # taken away since the request was let in
                    raise Overreach(N_("your profile lacks the right {right}"), right="users")
            return await work(cursor, giver)

        return await self._database.transaction(name, alone)


# ── inside a transaction that holds the lock ──


async def _touched(cursor: Any, id: int, giver: Profile | None) -> User:
    await cursor.execute(
        f"select {USER_COLUMNS} from account a join profile p on p.id = a.profile_id where a.id = %s", (id,)
    )
    found = cursor.fetchall()
    if not found:
        raise NotFound(N_("there is no such user"))
    user = user_of(found[0])
    refuse_to_touch(giver, user.profile)
    return user


async def _keep_an_administrator(cursor: Any, user: User) -> None:
    """Refuse what was done to `user`, as it was before, if no administrator can sign in any more."""
    if user.profile.name == ADMINISTRATOR and not user.locked and user.password_hash:
        await cursor.execute(_SIGN_IN)
        if not cursor.fetchall():
            raise Conflict(
                N_("{name} is the last administrator who can sign in: make another one first"), name=user.name
            )


async def _refuse_name(cursor: Any, profile: Profile) -> None:
    await cursor.execute("select 1 from profile where lower(name) = lower(%s) and id <> %s", (profile.name, profile.id))
    if cursor.fetchall():
        raise Conflict(N_("there is already a profile {name}"), "name", name=profile.name)


async def _named(cursor: Any, name: str) -> Profile:
    await cursor.execute(f"{_PROFILE} where name = %s", (name.replace("\0", "\ufffd"),))
    found = cursor.fetchall()
    if not found:
        raise NotFound(N_("there is no profile {name}"), name=name)
    return profile_of(found[0])


async def _known(cursor: Any, id: int) -> Profile:
    await cursor.execute(f"{_PROFILE} where id = %s", (id,))
    found = cursor.fetchall()
    if not found:
        raise NotFound(N_("there is no such profile"))
    return profile_of(found[0])


async def _notify(cursor: Any, kind: str, name: str) -> None:
    await cursor.execute("select pg_notify('config', %s)", (f"{kind} {name}",))


def _row(profile: Profile) -> tuple[Any, ...]:
    cameras = None if profile.cameras is None else sorted(profile.cameras)
    return profile.name, sorted(profile.rights), cameras


def _member(row: tuple[Any, ...]) -> Member:
    *user, created_at, email, seen_at, tokens, link_until = row
    return Member(user_of(tuple(user)), created_at, email, seen_at, tokens, link_until)
