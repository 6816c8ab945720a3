"""Users and profiles as rows, and the rules that hold whoever changes them, and however many at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.database import DatabaseCase
from support.watching import until
from twisted.internet import defer

from camtrace.errors import Conflict, NotFound, Overreach
from camtrace.model import RIGHTS, MailRights, Profile, User
from camtrace.store.people import People
from camtrace.store.users import SEEN_EVERY, Users

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NEW = Profile(0, "Till manager", frozenset({"live", "lines", "cards"}), frozenset({101}))


class PeopleCase(DatabaseCase):
    """Anna, an administrator, and the profiles of every server."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate account, setup_link cascade")
        await self.database.execute("delete from profile where id > 3")
        await self.database.execute(
            "update profile set rights = '{live,replay}', cameras = null, name = 'viewer' where id = 3"
        )
        self.users, self.people = Users(self.database), People(self.database)
        self.anna = await self.made("anna", "administrator")

    async def made(self, name: str, profile: str, password_hash: str = "x") -> User:
        return (await self.people.create(name, profile, password_hash, NOON)).user

    async def named(self, name: str) -> Profile:
        return next(profile for profile, _ in await self.people.profiles() if profile.name == name)

    async def manager(self, *rights: str, cameras: frozenset[int] | None = None) -> User:
        """Somebody with a profile of their own, who may administer people and has these rights."""
        viewer = await self.named("viewer")
        profile = Profile(0, "manager", frozenset({"users", *rights}), cameras)
        await self.people.create_profile(profile, viewer.id)
        return await self.made("mia", "manager")


class UserTests(PeopleCase):
    """Made, changed, removed."""

    async def test_made_changed_removed(self) -> None:
        """Each field; what else is known of the user; what goes with the user."""
        heard: list[str] = []
        await self.database.listen("config", heard.append)
        made = await self.people.create("Boris", "viewer", "", NOON, self.anna, email="b@shop.example", language="fr")
        self.assertEqual((made.user.profile.name, made.email, made.user.language), ("viewer", "b@shop.example", "fr"))
        self.assertEqual((made.has_password, made.seen_at, made.tokens, made.created_at), (False, None, 0, NOON))
        boris = made.user.id
        await self.users.add_token(b"t", boris, NOON)
        await self.users.open_session(b"s", boris, "1.2.3.4", NOON)
        until_then = NOON + timedelta(days=3)
        self.assertEqual((await self.people.add_link(boris, b"l", until_then, self.anna)).link_until, until_then)
        changed = await self.people.change(
            boris, {"profile": "operator", "email": "", "language": "", "password_hash": "y"}, self.anna
        )
        self.assertEqual((changed.user.profile.name, changed.email, changed.user.language), ("operator", "", ""))
        self.assertEqual((changed.has_password, changed.seen_at, changed.tokens), (True, NOON, 1))
        self.assertEqual((changed.link_until, await self.users.session(b"s", NOON - timedelta(1), NOON)), (None, None))
        await self.people.end_tokens(boris, self.anna)
        self.assertIsNone(await self.users.token(b"t"))
        await self.users.add_token(b"t", boris, NOON)
        self.assertEqual((await self.people.remove(boris, self.anna)).name, "Boris")
        self.assertEqual([one.user.name for one in await self.people.members()], ["anna"])
        self.assertIsNone(await self.users.token(b"t"))
        await until(lambda: heard == ["user Boris"] * 4)
        for work in (self.people.remove(boris), self.people.member(boris), self.people.change(boris, {"locked": True})):
            with self.assertRaises(NotFound):
                await work

    async def test_another_name(self) -> None:
        """Sessions and tokens stay; the secrets of players, which are made of the name, go. Case is no other name."""
        boris = await self.made("boris", "viewer")
        await self.users.add_token(b"t", boris.id, NOON)
        await self.users.set_player_ha1(boris.id, b"secrets")
        with self.assertRaises(Conflict) as taken:
            await self.people.change(boris.id, {"name": "ANNA", "email": "b@shop.example"}, self.anna)
        self.assertEqual(taken.exception.field, "name")
        same = await self.people.change(boris.id, {"name": "boris", "email": ""}, self.anna)
        self.assertEqual((same.user.name, same.user.player_ha1), ("boris", b"secrets"))
        renamed = await self.people.change(boris.id, {"name": "Boris B."}, self.anna)
        self.assertEqual((renamed.user.id, renamed.user.name, renamed.user.player_ha1), (boris.id, "Boris B.", b""))
        found = await self.users.token(b"t")
        self.assertEqual(found and found.name, "Boris B.")
        self.assertIsNone(await self.users.by_name("boris"))

    async def test_a_lock_ends_sessions(self) -> None:
        """They do not come back when the lock is taken off; tokens are refused as long as it lasts."""
        boris = await self.made("boris", "viewer")
        await self.users.open_session(b"s", boris.id, "1.2.3.4", NOON)
        await self.people.change(boris.id, {"locked": True}, self.anna)
        await self.people.change(boris.id, {"locked": False}, self.anna)
        self.assertIsNone(await self.users.session(b"s", NOON - timedelta(1), NOON))

    async def test_refused(self) -> None:
        """A name that is taken in any case of its letters, a profile that is none."""
        with self.assertRaises(Conflict) as refused:
            await self.made("ANNA", "viewer")
        self.assertEqual(refused.exception.field, "name")
        for name in ("emperor", "\0"):
            with self.assertRaises(NotFound):
                await self.made("boris", name)

    async def test_seen(self) -> None:
        """When somebody was last there is written once in five minutes, and outlives the session."""
        await self.users.open_session(b"s", self.anna.id, "1.2.3.4", NOON)
        for seconds, seen in ((60, NOON), (300, NOON + SEEN_EVERY), (400, NOON + SEEN_EVERY)):
            at = NOON + timedelta(seconds=seconds)
            self.assertIsNotNone(await self.users.session(b"s", NOON - timedelta(1), at))
            self.assertEqual((await self.people.member(self.anna.id)).seen_at, seen)
        await self.users.close_session(b"s")
        self.assertEqual((await self.people.member(self.anna.id)).seen_at, NOON + SEEN_EVERY)

    async def test_a_link_sets_a_password_once(self) -> None:
        """The newest one, in time, and not of who is locked; every session ends."""
        boris = await self.made("boris", "viewer", "")
        end = NOON + timedelta(days=3)
        await self.people.add_link(boris.id, b"old", end, self.anna)
        await self.people.add_link(boris.id, b"new", end, self.anna)
        for digest, at in ((b"old", NOON), (b"new", end)):
            self.assertIsNone(await self.users.link_user(digest, at))
            self.assertIsNone(await self.users.redeem_password_link(digest, "hash", at))
        await self.people.change(boris.id, {"locked": True})
        self.assertIsNone(await self.users.link_user(b"new", NOON))
        self.assertIsNone(await self.users.redeem_password_link(b"new", "hash", NOON))
        await self.people.change(boris.id, {"locked": False})
        await self.people.add_link(boris.id, b"new", end, self.anna)
        await self.users.open_session(b"s", boris.id, "1.2.3.4", NOON)
        found = await self.users.link_user(b"new", NOON)
        self.assertEqual(found and found.name, "boris")
        user = await self.users.redeem_password_link(b"new", "hash", NOON)
        self.assertEqual(user and user.password_hash, "hash")
        self.assertIsNone(await self.users.session(b"s", NOON - timedelta(1), NOON))
        self.assertIsNone(await self.users.redeem_password_link(b"new", "other", NOON))


class LastAdministratorTests(PeopleCase):
    """Somebody can always administer the server."""

    async def test_whatever_is_done(self) -> None:
        """The last one is not locked, demoted or removed, by the console neither; who cannot sign in does not count."""
        locked = await self.made("boris", "administrator")
        await self.people.change(locked.id, {"locked": True})
        await self.made("carla", "administrator", "")  # has not set a password yet
        for work in (
            self.people.change(self.anna.id, {"locked": True}),
            self.people.change(self.anna.id, {"profile": "viewer"}),
            self.people.remove(self.anna.id),
        ):
            with self.assertRaisesRegex(Conflict, "anna is the last administrator who can sign in"):
                await work
        self.assertEqual((await self.people.member(self.anna.id)).user, self.anna)
        await self.people.change(locked.id, {"locked": False})
        await self.people.remove(self.anna.id)

    async def test_two_at_once(self) -> None:
        """Two who would take each other's place away: one of them stays, whatever the order."""
        for ways in (("lock", "lock"), ("lock", "remove"), ("remove", "demote")):
            boris = await self.made("boris", "administrator")
            pair = (self.anna, boris)
            deeds = [self._deed(way, user.id) for way, user in zip(ways, pair, strict=True)]
            done = await defer.DeferredList([defer.Deferred.fromCoroutine(deed) for deed in deeds], consumeErrors=True)
            self.assertEqual(sorted(well for well, _ in done), [False, True], ways)
            (failure,) = [value for well, value in done if not well]
            self.assertIsInstance(failure.value, Conflict)
            await self.database.execute("truncate account cascade")
            self.anna = await self.made("anna", "administrator")

    async def test_two_who_lock_each_other(self) -> None:
        """On the pages, the second is no administrator any more when it is looked at."""
        boris = await self.made("boris", "administrator")
        deeds = [
            self.people.change(boris.id, {"locked": True}, self.anna),
            self.people.change(self.anna.id, {"locked": True}, boris),
        ]
        done = await defer.DeferredList([defer.Deferred.fromCoroutine(deed) for deed in deeds], consumeErrors=True)
        self.assertEqual(sorted(well for well, _ in done), [False, True])
        self.assertEqual(sum(one.user.locked for one in await self.people.members()), 1)

    def _deed(self, way: str, id: int) -> Any:
        if way == "remove":
            return self.people.remove(id)
        return self.people.change(id, {"locked": True} if way == "lock" else {"profile": "viewer"})


class ProfileTests(PeopleCase):
    """What profiles may."""

    async def test_made_changed_removed(self) -> None:
        """From a copy, with what its users get by mail."""
        heard: list[str] = []
        await self.database.listen("config", heard.append)
        made = await self.people.create_profile(NEW, 1, self.anna)
        self.assertEqual(made, replace(NEW, id=made.id))
        rights = await self.users.mail_rights()
        self.assertEqual(rights["Till manager"], rights["administrator"])
        changed = replace(made, name="Shift", rights=frozenset({"live"}), cameras=None)
        self.assertEqual(await self.people.change_profile(changed, self.anna), made)
        self.assertEqual(await self.people.profile(made.id), changed)
        boris = await self.made("boris", "Shift")
        self.assertEqual((await self.people.profiles())[-1], (changed, 1))
        with self.assertRaisesRegex(Conflict, "somebody has this profile"):
            await self.people.remove_profile(made.id, self.anna)
        await self.people.remove(boris.id)
        await self.people.remove_profile(made.id, self.anna)
        with self.assertRaises(NotFound):
            await self.people.profile(made.id)
        await until(lambda: [word for word in heard if word.startswith("profile")] == [
            "profile Till manager", "profile Shift", "profile Shift"])  # fmt: skip

    async def test_names(self) -> None:
        """No two in whatever case; an own name in other letters is no other's."""
        made = await self.people.create_profile(NEW, 3)
        for work in (
            self.people.create_profile(replace(NEW, name="VIEWER"), 3),
            self.people.change_profile(replace(made, name="Operator")),
        ):
            with self.assertRaisesRegex(Conflict, "already a profile"):
                await work
        await self.people.change_profile(replace(made, name="till Manager"))

    async def test_administrators_stay(self) -> None:
        """Their profile is not changed, renamed or removed, by the console neither."""
        profile = await self.named("administrator")
        self.assertEqual((profile.rights, profile.cameras), (frozenset(RIGHTS), None))
        for work in (
            self.people.change_profile(replace(profile, rights=profile.rights - {"cards"})),
            self.people.change_profile(replace(profile, name="boss"), self.anna),
            self.people.remove_profile(profile.id, self.anna),
        ):
            with self.assertRaisesRegex(Conflict, "administrators' profile"):
                await work


class OverreachTests(PeopleCase):
    """Who may administer people and is no administrator."""

    async def test_nobody_gives_more_than_they_have(self) -> None:
        """Neither to others nor to themselves, neither rights nor cameras; nor touches who may more."""
        mia = await self.manager("live", cameras=frozenset({101, 102}))
        own, viewer = mia.profile, await self.named("viewer")
        guard = await self.people.create_profile(Profile(0, "guard", frozenset({"live"}), frozenset({101})), viewer.id)
        boris = await self.made("boris", "guard")
        refused = (
            self.people.change(boris.id, {"profile": "administrator"}, mia),
            self.people.change(boris.id, {"profile": "viewer"}, mia),  # all cameras
            self.people.create("carla", "operator", "x", NOON, mia),
            self.people.change(self.anna.id, {"password_hash": "known"}, mia),
            self.people.change(self.anna.id, {"locked": True}, mia),
            self.people.change(self.anna.id, {"email": "mia@shop.example"}, mia),
            self.people.add_link(self.anna.id, b"l", NOON, mia),
            self.people.end_tokens(self.anna.id, mia),
            self.people.remove(self.anna.id, mia),
            self.people.change_profile(replace(own, rights=own.rights | {"cards"}), mia),
            self.people.change_profile(replace(guard, cameras=None), mia),
            self.people.change_profile(replace(guard, cameras=frozenset({103})), mia),
            self.people.change_profile(replace(viewer, rights=frozenset(), cameras=frozenset()), mia),
            self.people.remove_profile(viewer.id, mia),
            self.people.create_profile(replace(guard, name="x"), viewer.id, mia),  # a copy of what mia has not
            self.people.create_profile(replace(guard, name="x", rights=frozenset({"settings"})), guard.id, mia),
        )
        for work in refused:
            with self.assertRaises(Overreach):
                await work
        self.assertEqual((await self.people.member(self.anna.id)).user, self.anna)
        await self.people.change(boris.id, {"locked": True, "password_hash": "y"}, mia)
        await self.people.change_profile(replace(guard, cameras=frozenset({101, 102})), mia)
        await self.people.create("carla", "manager", "x", NOON, mia)  # as much as mia has

    async def test_mails_of_who_may_more(self) -> None:
        """Their address would bring mia the pictures of cameras that mia does not see."""
        mia = await self.manager("live", cameras=frozenset({101}))
        for work in (
            self.users.set_email("anna", "mia@shop.example", mia),
            self.users.set_mail_rights("viewer", MailRights(alarms=None), mia),
        ):
            with self.assertRaises(Overreach):
                await work
        await self.users.set_email("mia", "mia@shop.example", mia)
        await self.users.set_mail_rights("manager", MailRights(life=True), mia)
        await self.users.set_email("mia", "", self.anna)

    async def test_oneself(self) -> None:
        """What only somebody else may do."""
        for fields in ({"locked": True}, {"profile": "viewer"}, {"password_hash": "y"}):
            with self.assertRaises(Conflict):
                await self.people.change(self.anna.id, fields, self.anna)
        for work in (
            self.people.remove(self.anna.id, self.anna),
            self.people.add_link(self.anna.id, b"l", NOON, self.anna),
        ):
            with self.assertRaises(Conflict):
                await work
        await self.people.change(self.anna.id, {"email": "a@shop.example", "profile": "administrator"}, self.anna)

    async def test_what_was_taken_away_meanwhile(self) -> None:
        """A request that was let in before the right was taken changes nothing any more."""
        mia = await self.manager("live")
        boris = await self.made("boris", "viewer")
        await self.people.change_profile(replace(mia.profile, rights=frozenset({"live"})))
        with self.assertRaises(Overreach):
            await self.people.change(boris.id, {"locked": True}, mia)
        await self.people.remove(mia.id)
        with self.assertRaises(Overreach):
            await self.people.change(boris.id, {"locked": True}, mia)


RIGHT_SETS = st.frozensets(st.sampled_from(RIGHTS))
CAMERA_SETS = st.none() | st.frozensets(st.integers(1, 4))
PROFILES = st.builds(Profile, st.just(1), st.just("p"), RIGHT_SETS, CAMERA_SETS)


@given(PROFILES, PROFILES, PROFILES, st.sampled_from(RIGHTS), st.integers(1, 6))
def test_covering_is_having_as_much(one: Profile, other: Profile, third: Profile, right: str, camera: int) -> None:
    """It is what the users may and see, nothing else; it is an order."""
    assert one.covers(one)
    if one.covers(other):
        mine, theirs = User(1, "a", one), User(2, "b", other)
        assert mine.may(right) or not theirs.may(right)
        assert mine.may_see(camera) or not theirs.may_see(camera)
        assert not other.covers(third) or one.covers(third)
    else:
        seen = all(User(1, "a", one).may_see(uid) or not User(2, "b", other).may_see(uid) for uid in range(1, 7))
        assert not (other.rights <= one.rights and seen)
