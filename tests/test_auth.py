"""Who gets in, who waits, who is refused."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from support.database import DatabaseCase
from support.watching import until
from twisted.internet import defer, reactor
from twisted.trial.unittest import SynchronousTestCase

from camtrace import auth
from camtrace.errors import Conflict, Invalid, NotFound
from camtrace.events import SettingChanged
from camtrace.pools import Pools
from camtrace.store.people import People
from camtrace.store.users import Users
from camtrace.vault import Vault

GOOD = "correct horse battery"


class ThrottleTests(SynchronousTestCase):
    """Guessing is slow."""

    def test_wait_and_forgive(self) -> None:
        """Five wrong tries in a minute make the sixth wait; the minute passes and the wait is over."""
        now = [100.0]
        throttle = auth.Throttle(lambda: now[0])
        for _ in range(auth.TRIES):
            self.assertEqual(throttle.wait("anna"), 0)
            throttle.wrong("anna")
        self.assertEqual(throttle.wait("anna"), 60)
        self.assertEqual(throttle.wait("boris"), 0)
        now[0] += 61
        self.assertEqual(throttle.wait("anna"), 0)

    def test_bounded(self) -> None:
        """A flood of names costs bounded memory."""
        throttle = auth.Throttle(lambda: 0.0, keys=10)
        for number in range(100):
            throttle.wrong(f"name {number}")
        self.assertLessEqual(len(throttle._wrong), 10)


class GateTests(DatabaseCase):
    """The gate on the real tables."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate account, setup_link cascade")
        self.patch(auth, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        auth._nobody.cache_clear()
        self.addCleanup(auth._nobody.cache_clear)
        self.pools = Pools(reactor, jobs=1)
        self.addCleanup(self.pools.stop)
        self.now = [0.0]
        self.vault = Vault(Fernet.generate_key())
        self.lately = auth.LatelyAccepted(lambda: self.now[0])
        throttle = auth.Throttle(lambda: self.now[0])
        self.gate = auth.Gate(Users(self.database), self.vault, self.pools, throttle, self.lately)

    async def test_setup(self) -> None:
        """The one-time link makes the first administrator, once."""
        self.assertTrue(await self.gate.setup_wanted())
        code = await self.gate.new_link()
        self.assertTrue(await self.gate.link_valid(code))
        with self.assertRaises(Invalid):
            await self.gate.redeem_setup(code, "anna", "short")
        user = await self.gate.redeem_setup(code, "anna", GOOD)
        self.assertTrue(user.may("cameras"))
        self.assertFalse(await self.gate.setup_wanted())
        with self.assertRaises(auth.Refused):
            await self.gate.redeem_setup(code, "boris", GOOD)

    async def test_link_dies_with_first_user(self) -> None:
        """A user made on the command line ends the printed link."""
        code = await self.gate.new_link()
        await self.gate.create_user("anna", "viewer", GOOD)
        self.assertFalse(await self.gate.link_valid(code))

    async def test_passwords(self) -> None:
        """Right in any case of the name; wrong refused; too many wrong ones wait, right ones too."""
        await self.gate.create_user("Anna", "operator", GOOD)
        self.assertEqual((await self.gate.check_password("anna", GOOD, "1.2.3.4")).name, "Anna")
        for _ in range(auth.TRIES):
            with self.assertRaises(auth.Refused):
                await self.gate.check_password("anna", "nonsense", "1.2.3.4")
        with self.assertRaises(auth.Throttled):
            await self.gate.check_password("anna", GOOD, "1.2.3.4")
        self.now[0] += 61
        await self.gate.check_password("anna", GOOD, "1.2.3.4")

    async def test_unknown_name(self) -> None:
        """Who does not exist is refused in the same words, and throttled the same."""
        for _ in range(auth.TRIES):
            with self.assertRaisesRegex(auth.Refused, "name or the password is wrong"):
                await self.gate.check_password("nobody\0", GOOD, "1.2.3.4")
        with self.assertRaises(auth.Throttled):
            await self.gate.check_password("anna", GOOD, "1.2.3.4")

    async def test_changed_password(self) -> None:
        """The old password and the old sessions end at once."""
        user = await self.gate.create_user("anna", "viewer", GOOD)
        session = await self.gate.open_session(user, "1.2.3.4")
        await self.gate.check_password("anna", GOOD, "1.2.3.4")
        await self.gate.change_password(user, GOOD + "!")
        with self.assertRaises(auth.Refused):
            await self.gate.check_password("anna", GOOD, "1.2.3.4")
        self.assertIsNone(await self.gate.user_of_session(session))

    async def test_sessions_and_tokens(self) -> None:
        """They open, close, and end with the lock."""
        user = await self.gate.create_user("anna", "viewer", GOOD)
        session, token = await self.gate.open_session(user, "1.2.3.4"), await self.gate.new_token(user)
        self.assertEqual((await self.gate.user_of_session(session)).name, "anna")
        self.assertEqual((await self.gate.user_of_token(token)).name, "anna")
        self.assertIsNone(await self.gate.user_of_token(session))
        await People(self.database).change(user.id, {"locked": True})
        self.assertIsNone(await self.gate.user_of_token(token))
        await People(self.database).change(user.id, {"locked": False})
        await self.gate.close_session(session)
        self.assertIsNone(await self.gate.user_of_session(session))
        self.assertNotEqual(self.gate.csrf("a"), self.gate.csrf("b"))

    async def test_tokens_lately(self) -> None:
        """A token counts ten minutes after it was accepted, not longer, and not once it was refused."""
        user = await self.gate.create_user("anna", "viewer", GOOD)
        token, unused = await self.gate.new_token(user), await self.gate.new_token(user)
        self.assertIsNone(self.gate.user_of_token_lately(token))
        await self.gate.user_of_token(token)
        self.now[0] = auth.LATELY_SECONDS - 1.0
        found = self.gate.user_of_token_lately(token)
        assert found is not None
        self.assertEqual(found.name, "anna")
        for wrong in (unused, "", token[:-1]):
            self.assertIsNone(self.gate.user_of_token_lately(wrong))
        self.assertNotIn(token, repr(vars(self.lately)))
        self.now[0] = auth.LATELY_SECONDS
        self.assertIsNone(self.gate.user_of_token_lately(token))
        await self.gate.user_of_token(token)
        await People(self.database).change(user.id, {"locked": True})
        await self.gate.user_of_token(token)
        self.assertIsNone(self.gate.user_of_token_lately(token))

    async def test_changes_end_what_was_accepted_lately(self) -> None:
        """Whatever is changed of users or profiles; an answer that was under way meanwhile does not count either."""
        user = await self.gate.create_user("anna", "viewer", GOOD)
        token = await self.gate.new_token(user)
        for kind, kept in (("camera", True), ("user", False), ("profile", False)):
            await self.gate.user_of_token(token)
            self.gate.setting_changed(SettingChanged(kind, "x"))
            self.assertEqual(self.gate.user_of_token_lately(token) is not None, kept)
        under_way = defer.ensureDeferred(self.gate.user_of_token(token))
        self.gate.setting_changed(SettingChanged("user", "anna"))
        await under_way
        self.assertIsNone(self.gate.user_of_token_lately(token))

    async def test_changes_are_told(self) -> None:
        """Who listens to the database hears of every change of a user."""
        heard: list[str] = []
        await self.database.listen("config", heard.append)
        user = await self.gate.create_user("anna", "viewer", GOOD)
        await self.gate.change_password(user, GOOD + "!")
        await self.gate.new_player_password(user)
        await People(self.database).change(user.id, {"locked": True})
        await until(lambda: heard == ["user anna"] * 4)

    async def test_player_password(self) -> None:
        """The Digest secrets are those of the password shown, and sealed in the table."""
        user = await self.gate.create_user("anna", "viewer", GOOD)
        self.assertIsNone(await self.gate.player_secret("anna"))
        self.assertFalse(await self.gate.digest_wanted())
        password = await self.gate.new_player_password(user)
        secret = await self.gate.player_secret("anna")
        self.assertTrue(await self.gate.digest_wanted())
        self.assertEqual(secret.ha1_md5, hashlib.md5(f"anna:CamTrace:{password}".encode()).hexdigest())
        stored = (await self.rows("select player_ha1 from account"))[0][0]
        self.assertNotIn(secret.ha1_md5.encode(), bytes(stored))
        await People(self.database).change(user.id, {"locked": True})
        self.assertFalse(await self.gate.digest_wanted())

    async def test_password_link(self) -> None:
        """Who was given no password cannot sign in before the link has set one; it sets one once, and no short one."""
        boris = (await People(self.database).create("boris", "viewer", "", datetime(2026, 11, 20, tzinfo=UTC))).user
        for password in ("", GOOD):
            with self.assertRaises(auth.Refused):
                await self.gate.check_password("boris", password, "1.2.3.4")
        code, digest, end = self.gate.new_password_link()
        self.assertIsNone(await self.gate.link_user(code))
        await People(self.database).add_link(boris.id, digest, end)
        self.assertEqual((await self.gate.link_user(code)).name, "boris")
        with self.assertRaises(Invalid):
            await self.gate.redeem_password_link(code, "short")
        await self.gate.redeem_password_link(code, GOOD)
        self.assertEqual((await self.gate.check_password("boris", GOOD, "1.2.3.4")).name, "boris")
        with self.assertRaises(auth.Refused):
            await self.gate.redeem_password_link(code, GOOD + "!")
        self.assertNotIn(code.encode(), digest)
        self.assertEqual((await self.gate.user("boris")).id, boris.id)
        await People(self.database).change(boris.id, {"locked": True})
        self.assertIsNone(await self.gate.user("boris"))

    async def test_refusals(self) -> None:
        """A taken name, a poor name, a missing profile."""
        await self.gate.create_user("anna", "viewer", GOOD)
        with self.assertRaises(Conflict):
            await self.gate.create_user("ANNA", "viewer", GOOD)
        with self.assertRaises(Invalid):
            await self.gate.create_user("a:b", "viewer", GOOD)
        with self.assertRaises(NotFound):
            await self.gate.create_user("boris", "emperor", GOOD)

    async def test_old_session(self) -> None:
        """A session ends by its age."""
        user = await self.gate.create_user("anna", "viewer", GOOD)
        session = await self.gate.open_session(user, "1.2.3.4")
        await self.database.execute("update session set created_at = %s", (datetime(2020, 1, 1, tzinfo=UTC),))
        self.assertIsNone(await self.gate.user_of_session(session))
