"""Profiles: what the users who have one may, and which cameras they see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from klein import Response

from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import ADMINISTRATOR, RIGHTS, Profile, User
from camtrace.notes import RIGHT_WORDS
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import answer, body_of
from camtrace.web.api.readers import text_of
from camtrace.web.api.shapes import Shape
from camtrace.web.ports import CameraDirectory, Note, People
from camtrace.web.routing import new_app, requirer

LONGEST_NAME = 64
_SHOWN_ONLY = ("id", "users", "fixed", "editable")
_text = text_of(LONGEST_NAME, needed=True)


class ProfilesApi:
    """`/api/v1/profiles`, for who has the right `users`. Nobody gives a right or a camera that they do not have."""

    app = new_app()

    def __init__(self, access: Access, directory: CameraDirectory, people: People, note: Note) -> None:
        self.access = access
        self._directory = directory
        self._people = people
        self._note = note

    @requirer.require(app.route("/api/v1/profiles", methods=["GET"]), visit=May("users"))
    async def list(self, visit: Visit) -> Response:
        """Every profile, in the order they were made."""
        found = await self._people.profiles()
        return answer({"items": [self._shape(one, users, visit.user) for one, users in found], "next": None})

    @requirer.require(app.route("/api/v1/profiles", methods=["POST"]), visit=May("users"))
    async def create(self, visit: Visit) -> Response:
        """Add a profile `name` that is as the one of the id `copy_of`, but for the `rights` and `cameras` sent."""
        body = body_of(visit.request)
        origin = await self._found(body.pop("copy_of", ""))
        if "name" not in body:
            raise Invalid(N_("a profile needs a name"), "name")
        wanted = self._read(body, replace(origin, id=0), visit.user)
        made = await self._people.create_profile(wanted, origin.id, visit.user)
        values = {"profile": made.name, "origin": origin.name}
        self._note("audit", "profile_added", values, user=visit.user.name)
        self._tell_rights(origin.rights, made, visit.user)
        return answer(self._shape(made, 0, visit.user), 201, Location=f"/api/v1/profiles/{made.id}")

    @requirer.require(app.route("/api/v1/profiles/<profile>", methods=["GET"]), visit=May("users"))
    async def show(self, visit: Visit, profile: str) -> Response:
        """One profile."""
        return await self._told((await self._found(profile)).id, visit.user)

    @requirer.require(app.route("/api/v1/profiles/<profile>", methods=["PATCH"]), visit=May("users"))
    async def change(self, visit: Visit, profile: str) -> Response:
        """Change the fields sent, at once for all who have it: `name`, `rights`, `cameras`."""
        known = await self._found(profile)
        wanted = self._read(body_of(visit.request), known, visit.user)
        if wanted != known:
            before = await self._people.change_profile(wanted, visit.user)
            if wanted.name != before.name:
                values = {"before": before.name, "profile": wanted.name}
                self._note("audit", "profile_renamed", values, user=visit.user.name)
            self._tell_rights(before.rights, wanted, visit.user)
            if wanted.cameras != before.cameras:
                self._note("audit", "profile_cameras_changed", {"profile": wanted.name}, user=visit.user.name)
        return await self._told(known.id, visit.user)

    @requirer.require(app.route("/api/v1/profiles/<profile>", methods=["DELETE"]), visit=May("users"))
    async def delete(self, visit: Visit, profile: str) -> Response:
        """Remove a profile that nobody has."""
        removed = await self._people.remove_profile((await self._found(profile)).id, visit.user)
        self._note("audit", "profile_removed", {"profile": removed.name}, user=visit.user.name)
        return Response(204, {"Cache-Control": "no-store"}, b"")

    # ── steps ──

    async def _found(self, id: Any) -> Profile:
        if not (isinstance(id, str) and id.isascii() and id.isdecimal() and len(id) < 10):
            raise NotFound(N_("there is no such profile"))
        return await self._people.profile(int(id))

    async def _told(self, id: int, asker: User) -> Response:
        users = {profile.id: (profile, users) for profile, users in await self._people.profiles()}
        if id not in users:
            raise NotFound(N_("there is no such profile"))
        return answer(self._shape(*users[id], asker))

    def _read(self, body: dict[str, Any], before: Profile, asker: User) -> Profile:
        fields: dict[str, Any] = {}
        for name, value in body.items():
            if name == "name":
                fields[name] = _text(value, name)
            elif name == "rights":
                fields[name] = _rights(value, name)
            elif name == "cameras":
                fields[name] = self._uids(value, name, before, asker)
            elif name not in _SHOWN_ONLY:
                raise Invalid(N_("a profile has no setting {field}"), name)
        return replace(before, **fields)

    def _uids(self, value: Any, name: str, before: Profile, asker: User) -> frozenset[int] | None:
        """The cameras of these numbers; those that were removed since stay where they were listed."""
        if value is None:
            return None
        if not isinstance(value, list):
            raise Invalid(N_("{field} must be a list of camera numbers, or null for all"), name)
        found = {uid for uid in before.cameras or () if self._directory.by_uid(uid) is None}
        for number in value:
            whole = isinstance(number, int) and not isinstance(number, bool)
            camera = self._directory.by_id(number) if whole else None
            if camera is None or not asker.may_see(camera.uid):
                raise Invalid(N_("{field} must be a list of camera numbers, or null for all"), name)
            found.add(camera.uid)
        return frozenset(found)

    def _tell_rights(self, before: frozenset[str], after: Profile, by: User) -> None:
        for right in RIGHTS:
            if (right in after.rights) != (right in before):
                text = "profile_right_given" if right in after.rights else "profile_right_taken"
                self._note("audit", text, {"profile": after.name, "right": RIGHT_WORDS[right]}, user=by.name)

    def _shape(self, profile: Profile, users: int, asker: User) -> Shape:
        """A profile. `fixed`: it stays as it is; `editable`: who asks may as much, and so may change it."""
        seen = None if profile.cameras is None else map(self._directory.by_uid, profile.cameras)
        fixed = profile.name == ADMINISTRATOR
        return {
            "id": str(profile.id),
            "name": profile.name,
            "rights": [right for right in RIGHTS if right in profile.rights],
            "cameras": None if seen is None else sorted(one.id for one in seen if one and asker.may_see(one.uid)),
            "users": users,
            "fixed": fixed,
            "editable": not fixed and asker.profile.covers(profile),
        }


def _rights(value: Any, name: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(right, str) and right in RIGHTS for right in value):
        raise Invalid(N_("{field} must be a list of: {choices}"), name, choices=", ".join(RIGHTS))
    return frozenset(value)
