"""Users and profiles in memory instead of a database, by the same rules, and what became of them published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from camtrace.bus import Bus
from camtrace.errors import Conflict, NotFound
from camtrace.events import SettingChanged
from camtrace.model import Member, Profile, User
from camtrace.overreach import refuse_administrator, refuse_on_oneself, refuse_to_give, refuse_to_touch

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OPERATOR = Profile(2, "operator", frozenset({"live", "replay", "export", "lines", "journal", "alarms", "exceptions"}))


class StoredPeople:
    """The administration of the people in `accounts`, whose users carry their profiles."""

    def __init__(self, accounts: Any, bus: Bus, *profiles: Profile) -> None:
        self._accounts = accounts
        self._bus = bus
        self.known = {profile.id: profile for profile in profiles}
        self.facts: dict[int, dict[str, Any]] = {}

    async def members(self) -> list[Member]:
        return [self._member(user) for user in sorted(self._users(), key=lambda user: user.name.lower())]

    async def member(self, id: int) -> Member:
        found = next((user for user in self._users() if user.id == id), None)
        if found is None:
            raise NotFound("there is no such user")
        return self._member(found)

    async def create(
        self, name: str, profile: str, password_hash: str, at: datetime, by: User | None = None, **facts: Any
    ) -> Member:
        given = self._named(profile)
        refuse_to_give(self._giver(by), given)
        if any(user.name.lower() == name.lower() for user in self._users()):
            raise Conflict("there is already a user {name}", "name", name=name)
        id = max(user.id for user in self._users()) + 1
        language = facts.pop("language", "")
        self._accounts.users[name] = User(id, name, given, password_hash, language=language)
        self.facts[id] = {"created_at": at, **facts}
        return await self.member(id)

    async def change(self, id: int, fields: Mapping[str, Any], by: User | None = None) -> Member:
        user = (await self.member(id)).user
        refuse_to_touch(self._giver(by), user.profile)
        refuse_on_oneself(user, fields, by)
        fields = dict(fields)
        if "profile" in fields:
            fields["profile"] = self._named(fields["profile"])
            refuse_to_give(self._giver(by), fields["profile"])
        if "email" in fields:
            self.facts.setdefault(id, {})["email"] = fields.pop("email")
        if "password_hash" in fields:
            self._unlink(id)
        if (name := fields.get("name", user.name)) != user.name:
            if any(other.name.lower() == name.lower() and other.id != id for other in self._users()):
                raise Conflict("there is already a user {name}", "name", name=name)
            del self._accounts.users[user.name]
            fields["player_ha1"] = b""
            for what in ("sessions", "tokens", "password_links"):
                known = getattr(self._accounts, what)
                setattr(self._accounts, what, {key: name if who == user.name else who for key, who in known.items()})
        self._accounts.users[name] = replace(user, **fields)
        if fields.get("locked") or "password_hash" in fields:
            self._forget("sessions", name)
        self._told("user", name)
        return await self.member(id)

    async def remove(self, id: int, by: User | None = None) -> User:
        user = (await self.member(id)).user
        refuse_to_touch(self._giver(by), user.profile)
        if by is not None and by.id == id:
            raise Conflict("you cannot remove yourself")
        del self._accounts.users[user.name]
        self._told("user", user.name)
        return user

    async def add_link(self, id: int, digest: bytes, expires_at: datetime, by: User | None = None) -> Member:
        user = (await self.member(id)).user
        refuse_to_touch(self._giver(by), user.profile)
        refuse_on_oneself(user, {"password_hash": ""}, by)
        self._unlink(id)
        self._accounts.password_links[digest] = user.name
        self.facts.setdefault(id, {})["link_until"] = expires_at
        return await self.member(id)

    async def end_tokens(self, id: int, by: User | None = None) -> User:
        user = (await self.member(id)).user
        refuse_to_touch(self._giver(by), user.profile)
        self._forget("tokens", user.name)
        self._told("user", user.name)
        return user

    async def profiles(self) -> list[tuple[Profile, int]]:
        return [(one, sum(user.profile.id == one.id for user in self._users())) for one in self.known.values()]

    async def profile(self, id: int) -> Profile:
        if id not in self.known:
            raise NotFound("there is no such profile")
        return self.known[id]

    async def create_profile(self, profile: Profile, copy_of: int, by: User | None = None) -> Profile:
        refuse_to_give(self._giver(by), await self.profile(copy_of))
        refuse_to_give(self._giver(by), profile)
        self._refuse_name(profile)
        made = replace(profile, id=max(self.known) + 1)
        self.known[made.id] = made
        return made

    async def change_profile(self, profile: Profile, by: User | None = None) -> Profile:
        before = await self.profile(profile.id)
        refuse_administrator(before)
        refuse_to_touch(self._giver(by), before)
        refuse_to_give(self._giver(by), profile)
        self._refuse_name(profile)
        self.known[profile.id] = profile
        for user in self._users():
            if user.profile.id == profile.id:
                self._accounts.users[user.name] = replace(user, profile=profile)
        self._told("profile", profile.name)
        return before

    async def remove_profile(self, id: int, by: User | None = None) -> Profile:
        profile = await self.profile(id)
        refuse_administrator(profile)
        refuse_to_touch(self._giver(by), profile)
        if any(user.profile.id == id for user in self._users()):
            raise Conflict("somebody has this profile: give them another one first")
        return self.known.pop(id)

    def _users(self) -> list[User]:
        return list(self._accounts.users.values())

    def _giver(self, by: User | None) -> Profile | None:
        return None if by is None else self._accounts.users[by.name].profile

    def _named(self, name: str) -> Profile:
        found = next((one for one in self.known.values() if one.name == name), None)
        if found is None:
            raise NotFound("there is no profile {name}", name=name)
        return found

    def _refuse_name(self, profile: Profile) -> None:
        if any(one.name.lower() == profile.name.lower() and one.id != profile.id for one in self.known.values()):
            raise Conflict("there is already a profile {name}", "name", name=profile.name)

    def _member(self, user: User) -> Member:
        tokens = sum(name == user.name for name in self._accounts.tokens.values())
        return Member(user, **{"created_at": NOON, **self.facts.get(user.id, {})}, tokens=tokens)

    def _unlink(self, id: int) -> None:
        self.facts.setdefault(id, {})["link_until"] = None
        name = next(user.name for user in self._users() if user.id == id)
        self._forget("password_links", name)

    def _forget(self, what: str, name: str) -> None:
        setattr(self._accounts, what, {key: who for key, who in getattr(self._accounts, what).items() if who != name})

    def _told(self, kind: str, name: str) -> None:
        self._bus.publish(SettingChanged(kind, name))
