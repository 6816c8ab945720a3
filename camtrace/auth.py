"""Who somebody is and what they may: passwords, sessions, tokens, player secrets, one-time links."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from camtrace import clock
from camtrace.errors import CamTraceError, Invalid
from camtrace.events import SettingChanged
from camtrace.i18n import N_
from camtrace.model import User
from camtrace.pools import Pools
from camtrace.vault import Vault

REALM = "CamTrace"
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
LONGEST_NAME = 64
LINK_HOURS = 24
PASSWORD_LINK_HOURS = 72  # who is to set a password may not be at work before the day after tomorrow
SESSION_DAYS = 30
TRIES = 5  # wrong passwords by one name or one address before waiting
TRY_SECONDS = 60  # … within this time, and how long the wait is
LATELY_SECONDS = 600  # for so long a token that was accepted counts where the database cannot be asked
CACHE_SECONDS = 60  # a password that was right is believed again without Argon2: players log in on every request

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified when the name is unknown, so that the time of the answer does not tell which names exist."""
    return _hasher.hash(secrets.token_urlsafe(16))


class Refused(CamTraceError):
    """The name or the password is wrong, or the link has been used. The text is fit for the person who tried."""


class Throttled(CamTraceError):
    """Too many wrong tries: the next one is looked at in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(N_("too many wrong tries: wait {seconds} seconds"), seconds=seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class PlayerSecret:
    """What RTSP Digest needs: HA1 = H(name:CamTrace:player password), in hex (RFC 7616 section 3.4.2)."""

    user: User
    ha1_md5: str
    ha1_sha256: str


class Accounts(Protocol):
    """The store of people, as `Gate` needs it. Digests are SHA-256 of the secret."""

    async def by_name(self, name: str) -> User | None: ...
    async def count(self) -> int: ...
    async def create(self, name: str, profile: str, password_hash: str, at: datetime) -> User: ...
    async def set_password(self, user_id: int, password_hash: str) -> None: ...
    async def set_player_ha1(self, user_id: int, sealed: bytes) -> None: ...
    async def has_player_secrets(self) -> bool: ...
    async def open_session(self, digest: bytes, user_id: int, peer: str, at: datetime) -> None: ...
    async def session(self, digest: bytes, not_before: datetime, at: datetime) -> User | None: ...
    async def close_session(self, digest: bytes) -> None: ...
    async def add_token(self, digest: bytes, user_id: int, at: datetime) -> None: ...
    async def token(self, digest: bytes) -> User | None: ...
    async def add_link(self, digest: bytes, at: datetime, expires_at: datetime) -> None: ...
    async def link_valid(self, digest: bytes, at: datetime) -> bool: ...
    async def redeem_link(self, digest: bytes, name: str, password_hash: str, at: datetime) -> User | None: ...
    async def link_user(self, digest: bytes, at: datetime) -> User | None: ...
    async def redeem_password_link(self, digest: bytes, password_hash: str, at: datetime) -> User | None: ...


class Throttle:
    """Counts wrong tries by key (a name, an address) and says how long the next one must wait."""

    def __init__(self, seconds: Callable[[], float] = clock.monotonic, keys: int = 10_000) -> None:
        self._seconds = seconds
        self._limit = keys
        self._wrong: dict[str, deque[float]] = {}

    def wait(self, key: str) -> int:
        """Whole seconds until `key` may try again; 0 if at once."""
        tries = self._recent(key)
        return 0 if len(tries) < TRIES else max(1, round(tries[0] + TRY_SECONDS - self._seconds()))

    def wrong(self, key: str) -> None:
        """A wrong try by `key`."""
        tries = self._recent(key)
        tries.append(self._seconds())
        while len(tries) > TRIES:
            tries.popleft()
        self._wrong.pop(key, None)
        self._wrong[key] = tries
        while len(self._wrong) > self._limit:  # the oldest first: memory stays bounded under a flood of names
            del self._wrong[next(iter(self._wrong))]

    def right(self, key: str) -> None:
        """Forget the wrong tries of `key`."""
        self._wrong.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        tries = self._wrong.get(key, deque())
        while tries and tries[0] <= self._seconds() - TRY_SECONDS:
            tries.popleft()
        return tries


class LatelyAccepted:
    """Whose tokens were accepted in the last minutes, by the tokens' digests, in memory only."""

    def __init__(self, seconds: Callable[[], float] = clock.monotonic) -> None:
        self._seconds = seconds
        self._until: dict[bytes, tuple[float, User]] = {}
        self.generation = 0  # grows when all is forgotten

    def add(self, digest: bytes, user: User) -> None:
        """The token was accepted now."""
        self._until = {key: entry for key, entry in self._until.items() if entry[0] > self._seconds()}
        self._until[digest] = (self._seconds() + LATELY_SECONDS, user)

    def get(self, digest: bytes) -> User | None:
        """The user whose token was accepted lately; None for every other token."""
        until, user = self._until.get(digest, (0.0, None))
        return user if until > self._seconds() else None

    def drop(self, digest: bytes) -> None:
        """The token was refused."""
        self._until.pop(digest, None)

    def clear(self) -> None:
        """Users or their tokens were changed."""
        self._until.clear()
        self.generation += 1


class Gate:
    """Every door asks here: pages, API, players, the command line."""

    def __init__(
        self,
        accounts: Accounts,
        vault: Vault,
        pools: Pools,
        throttle: Throttle | None = None,
        lately: LatelyAccepted | None = None,
    ) -> None:
        self._accounts = accounts
        self._vault = vault
        self._pools = pools
        self._throttle = throttle or Throttle()
        self._lately = lately or LatelyAccepted()
        self._csrf_key = vault.signing_key("csrf")
        self._cache_key = secrets.token_bytes(16)
        self._believed: dict[bytes, tuple[float, str]] = {}

    # ── passwords ──

    async def check_password(self, name: str, password: str, peer: str) -> User:
        """The user of that name and login password. Raises Refused or Throttled; `peer` is the address it came from."""
        keys = (f"name {name.casefold()[:LONGEST_NAME]}", f"peer {peer}")
        if wait := max(map(self._throttle.wait, keys)):
            raise Throttled(wait)
        user = await self._accounts.by_name(name)
        right = await self._verify(user, password)
        if not right or user is None:
            for key in keys:
                self._throttle.wrong(key)
            raise Refused(N_("The name or the password is wrong."))
        if user.locked:
            raise Refused(N_("This user is locked. An administrator can unlock it."))
        for key in keys:
            self._throttle.right(key)
        return user

    async def _verify(self, user: User | None, password: str) -> bool:
        stored = (user.password_hash if user is not None else "") or await self._pools.job(_nobody)
        digest = hmac.new(self._cache_key, f"{stored}\0{password}".encode(), hashlib.sha256).digest()
        until, _ = self._believed.get(digest, (0.0, ""))
        if user is not None and until > clock.monotonic():
            return True
        right = await self._pools.job(_password_is_right, stored, password[: LONGEST_PASSWORD + 1])
        if right and user is not None:
            self._believed = {key: entry for key, entry in self._believed.items() if entry[0] > clock.monotonic()}
            self._believed[digest] = (clock.monotonic() + CACHE_SECONDS, user.name)
        return right

    async def create_user(self, name: str, profile: str, password: str) -> User:
        """A new user. Raises Invalid on a poor name or password, Conflict when the name is taken."""
        check_name(name)
        return await self._accounts.create(name, profile, await self.hashed(password), clock.now())

    async def change_password(self, user: User, password: str) -> None:
        """Give `user` another login password."""
        await self._accounts.set_password(user.id, await self.hashed(password))

    async def hashed(self, password: str) -> str:
        """The Argon2id hash of a password that somebody chose. Raises Invalid when it is too short."""
        check_password_strength(password)
        return await self._pools.job(_hasher.hash, password)

    # ── players ──

    async def new_player_password(self, user: User) -> str:
        """Make, store and return a new player password of `user`; it cannot be read again later."""
        password = secrets.token_urlsafe(12)
        text = f"{user.name}:{REALM}:{password}".encode()
        sealed = self._vault.seal(json.dumps([hashlib.md5(text).hexdigest(), hashlib.sha256(text).hexdigest()]))
        await self._accounts.set_player_ha1(user.id, sealed)
        return password

    async def digest_wanted(self) -> bool:
        """Whether anybody may use a player password: players offered Digest never fall back to the login password."""
        return await self._accounts.has_player_secrets()

    async def player_secret(self, name: str) -> PlayerSecret | None:
        """The Digest secrets of user `name`; None if unknown, locked, or without a player password."""
        user = await self._accounts.by_name(name)
        if user is None or user.locked or not user.player_ha1:
            return None
        md5, sha256 = json.loads(self._vault.unseal(user.player_ha1))
        return PlayerSecret(user, md5, sha256)

    async def user(self, name: str) -> User | None:
        """The user of that name as it is now; None if there is none, or it is locked."""
        user = await self._accounts.by_name(name)
        return user if user is not None and not user.locked else None

    # ── sessions and tokens ──

    async def open_session(self, user: User, peer: str) -> str:
        """Begin a web session; the token is the cookie's value and is kept nowhere."""
        token = secrets.token_urlsafe(32)
        await self._accounts.open_session(_digest(token), user.id, peer, clock.now())
        return token

    async def user_of_session(self, token: str) -> User | None:
        """The user of a session; None if it is unknown, closed, too old, or its user is locked."""
        now = clock.now()
        user = await self._accounts.session(_digest(token), now - timedelta(days=SESSION_DAYS), now)
        return user if user is not None and not user.locked else None

    async def close_session(self, token: str) -> None:
        """End a session."""
        await self._accounts.close_session(_digest(token))

    async def new_token(self, user: User) -> str:
        """Make and store a bearer token for programs; it is shown once."""
        token = secrets.token_urlsafe(32)
        await self._accounts.add_token(_digest(token), user.id, clock.now())
        return token

    async def user_of_token(self, token: str) -> User | None:
        """The user of a bearer token; None if it is unknown or its user locked."""
        digest, generation = _digest(token), self._lately.generation
        user = await self._accounts.token(digest)
        if user is None or user.locked:
            self._lately.drop(digest)
            return None
        if generation == self._lately.generation:  # what was changed meanwhile is asked for again
            self._lately.add(digest, user)
        return user

    def user_of_token_lately(self, token: str) -> User | None:
        """The user of a token that the database accepted in the last minutes, for when it cannot be asked."""
        return self._lately.get(_digest(token))

    def setting_changed(self, fact: SettingChanged) -> None:
        """Users, profiles or tokens were changed: nothing that was accepted before counts."""
        if fact.kind in ("user", "profile"):
            self._lately.clear()

    def csrf(self, session_token: str) -> str:
        """The token a page of this session must send back with what it changes."""
        return hmac.new(self._csrf_key, session_token.encode(), hashlib.sha256).hexdigest()

    # ── the first user ──

    async def setup_wanted(self) -> bool:
        """Whether there is no user yet."""
        return await self._accounts.count() == 0

    async def new_link(self) -> str:
        """A one-time code that makes an administrator, good for a day. Every earlier code dies."""
        code = secrets.token_urlsafe(18)
        now = clock.now()
        await self._accounts.add_link(_digest(code), now, now + timedelta(hours=LINK_HOURS))
        return code

    async def link_valid(self, code: str) -> bool:
        """Whether `redeem_setup` would still take this code."""
        return await self._accounts.link_valid(_digest(code), clock.now())

    async def redeem_setup(self, code: str, name: str, password: str) -> User:
        """Make the administrator `name` by a one-time code. Raises Refused, Invalid or Conflict."""
        check_name(name)
        user = await self._accounts.redeem_link(_digest(code), name, await self.hashed(password), clock.now())
        if user is None:
            raise Refused(N_("This link has been used or is too old. `camtrace link` on the server prints a new one."))
        return user

    # ── links by which one person sets a password ──

    def new_password_link(self) -> tuple[str, bytes, datetime]:
        """A one-time code, its digest to be stored with a user, and until when it is good."""
        code = secrets.token_urlsafe(18)
        return code, _digest(code), clock.now() + timedelta(hours=PASSWORD_LINK_HOURS)

    async def link_user(self, code: str) -> User | None:
        """Whose password `redeem_password_link` would set; None if the code is not (any more) good."""
        return await self._accounts.link_user(_digest(code), clock.now())

    async def redeem_password_link(self, code: str, password: str) -> User:
        """Give the code's user this password, once. Raises Refused or Invalid."""
        user = await self._accounts.redeem_password_link(_digest(code), await self.hashed(password), clock.now())
        if user is None:
            raise Refused(N_("This link has been used or is too old. Who gave it to you can make a new one."))
        return user


def check_name(name: str) -> None:
    """Raise Invalid unless `name` can be a user's: printable, no colon (Basic and Digest forbid it), 1 to 64 long."""
    if not name or name != name.strip() or len(name) > LONGEST_NAME or ":" in name or not name.isprintable():
        raise Invalid(N_("A name has 1 to 64 characters, no colon, and no space at its ends."), "name")


def check_password_strength(password: str) -> None:
    """Raise Invalid unless `password` has 12 to 1024 characters."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(N_("A password has at least {least} characters."), "password", least=SHORTEST_PASSWORD)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _password_is_right(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
