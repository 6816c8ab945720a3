"""Users, as who administers them sees and changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klein import Response

from camtrace import clock, i18n
from camtrace.auth import check_name
from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.mail.settings import read_email
from camtrace.model import Member, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.readers import flag, one_of, text_of
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import Note, Passwords, People
from camtrace.web.routing import new_app, requirer

LONGEST_NAME = 64
NOTED = {  # what stands in the journal when this is changed; a name, a lock and a profile have words of their own
    "email": "mail_address_changed",
    "language": "user_language_changed",
    "password_hash": "user_password_changed",
}
_SHOWN_ONLY = ("id", "created_at", "seen_at", "has_password", "tokens", "link_until", "own", "editable")
_text = text_of(LONGEST_NAME, needed=True)
READERS: dict[str, Callable[[Any, str], Any]] = {
    "profile": _text,
    "email": read_email,
    "language": one_of(("", *i18n.LANGUAGES)),
    "locked": flag,
}


class UsersApi:
    """`/api/v1/users`, for who has the right `users`. Nobody changes a user whose profile allows more than theirs."""

    app = new_app()

    def __init__(self, access: Access, people: People, passwords: Passwords, note: Note) -> None:
        self.access = access
        self._people = people
        self._passwords = passwords
        self._note = note

    @requirer.require(app.route("/api/v1/users", methods=["GET"]), visit=May("users"))
    async def list(self, visit: Visit) -> Response:
        """Every user, by name."""
        found = await self._people.members()
        return answer({"items": [member_shape(one, visit.user) for one in found], "next": None})

    @requirer.require(app.route("/api/v1/users", methods=["POST"]), visit=May("users"))
    async def create(self, visit: Visit) -> Response:
        """Add a user; without a `password` the answer has a `link` by which the person sets one."""
        fields = await self._read({"name": "", **body_of(visit.request)})
        if "profile" not in fields:
            raise Invalid(N_("a user needs a profile"), "profile")
        if fields.pop("locked", False):
            raise Invalid(N_("a new user is not locked"), "locked")
        name, profile = fields.pop("name"), fields.pop("profile")
        password_hash = fields.pop("password_hash", "")
        made = await self._people.create(name, profile, password_hash, clock.now(), visit.user, **fields)
        self._note("audit", "user_added", {"person": name, "profile": profile}, user=visit.user.name)
        link = {} if password_hash else await self._link(made, visit)
        shape = member_shape(await self._people.member(made.user.id), visit.user)
        return answer({**shape, **link}, 201, Location=f"/api/v1/users/{made.user.id}")

    @requirer.require(app.route("/api/v1/users/<user>", methods=["GET"]), visit=May("users"))
    async def show(self, visit: Visit, user: str) -> Response:
        """One user."""
        return answer(member_shape(await self._found(user), visit.user))

    @requirer.require(app.route("/api/v1/users/<user>", methods=["PATCH"]), visit=May("users"))
    async def change(self, visit: Visit, user: str) -> Response:
        """Change the fields sent, at once: `name`, `profile`, `email`, `language`, `locked`, `password`."""
        before = await self._found(user)
        fields = await self._read(body_of(visit.request))
        changed = {name: value for name, value in fields.items() if value != _stored(before, name)}
        after = await self._people.change(before.user.id, changed, visit.user)
        for name in changed:
            self._tell(name, before, after, visit.user)
        return answer(member_shape(after, visit.user))

    @requirer.require(app.route("/api/v1/users/<user>", methods=["DELETE"]), visit=May("users"))
    async def delete(self, visit: Visit, user: str) -> Response:
        """Remove a user, with sessions, tokens and kept searches."""
        removed = await self._people.remove((await self._found(user)).user.id, visit.user)
        self._note("audit", "user_removed", {"person": removed.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    @requirer.require(app.route("/api/v1/users/<user>/link", methods=["POST"]), visit=May("users"))
    async def make_link(self, visit: Visit, user: str) -> Response:
        """Make a `link`, good once, by which the person sets a password; the password until now stays until then."""
        member = await self._found(user)
        link = await self._link(member, visit)
        return answer({**member_shape(await self._people.member(member.user.id), visit.user), **link}, 201)

    @requirer.require(app.route("/api/v1/users/<user>/tokens", methods=["DELETE"]), visit=May("users"))
    async def end_tokens(self, visit: Visit, user: str) -> Response:
        """Take all bearer tokens of a user back."""
        changed = await self._people.end_tokens((await self._found(user)).user.id, visit.user)
        self._note("audit", "user_tokens_ended", {"person": changed.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    # ── steps ──

    async def _found(self, id: str) -> Member:
        if not (id.isascii() and id.isdecimal() and len(id) < 10):
            raise NotFound(N_("there is no such user"))
        return await self._people.member(int(id))

    async def _read(self, body: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in body.items():
            if name in READERS:
                fields[name] = READERS[name](value, name)
            elif name == "password":
                if not isinstance(value, str):
                    raise Invalid(N_("{field} must be a text"), name)
                fields["password_hash"] = await self._passwords.hashed(value)
            elif name == "name":
                fields["name"] = _text(value, name)
                check_name(fields["name"])
            elif name not in _SHOWN_ONLY:
                raise Invalid(N_("a user has no setting {field}"), name)
        return fields

    async def _link(self, member: Member, visit: Visit) -> Shape:
        code, digest, until = self._passwords.new_password_link()
        await self._people.add_link(member.user.id, digest, until, visit.user)
        self._note("audit", "user_link_made", {"person": member.user.name}, user=visit.user.name)
        return {"link": f"/password?code={code}"}

    def _tell(self, name: str, before: Member, after: Member, by: User) -> None:
        values = {"person": after.user.name}
        if name == "profile":
            values |= {"before": before.user.profile.name, "profile": after.user.profile.name}
            self._note("audit", "user_profile_changed", values, user=by.name)
        elif name == "name":
            self._note("audit", "user_renamed", {"former": before.user.name, **values}, user=by.name)
        elif name == "locked":
            self._note("audit", "user_locked" if after.user.locked else "user_unlocked", values, user=by.name)
        else:
            self._note("audit", NOTED[name], values, user=by.name)


def _stored(member: Member, name: str) -> Any:
    """What a user's field is now; a password is always another one."""
    user = member.user
    known = {"email": member.email, "language": user.language, "locked": user.locked}
    return {"name": user.name, "profile": user.profile.name, **known}.get(name)


def member_shape(member: Member, asker: User) -> Shape:
    """A user. `own`: it is who asks; `editable`: who asks may as much, and so may change it."""
    user = member.user
    return {
        "id": str(user.id),
        "name": user.name,
        "profile": user.profile.name,
        "email": member.email,
        "language": user.language,
        "locked": user.locked,
        "created_at": member.created_at,
        "seen_at": member.seen_at,
        "has_password": member.has_password,
        "link_until": member.link_until,
        "tokens": member.tokens,
        "own": user.id == asker.id,
        "editable": asker.profile.covers(user.profile),
    }
