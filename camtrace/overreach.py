"""What nobody may do to users and profiles, whoever asks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from camtrace.errors import Conflict, Overreach
from camtrace.i18n import N_
from camtrace.model import ADMINISTRATOR, Profile, User


def refuse_to_touch(giver: Profile | None, profile: Profile) -> None:
    """Raise Overreach unless `giver` (None: the console) may as much as `profile`, or as whose who have it."""
    if giver is not None and not giver.covers(profile):
        raise Overreach(
            N_("the profile {profile} allows more than you may: only who may as much changes it and its users"),
            profile=profile.name,
        )


def refuse_to_give(giver: Profile | None, profile: Profile) -> None:
    """Raise Overreach where `profile` has a right or a camera that `giver` (None: the console) has not."""
    if giver is not None and not giver.covers(profile):
        raise Overreach(N_("nobody can give a right or a camera that they do not have themselves"))


def refuse_on_oneself(user: User, fields: Mapping[str, Any], by: User | None) -> None:
    """Raise Conflict where `by` does to themselves what only somebody else can."""
    if by is None or by.id != user.id:
        return
    if fields.get("locked"):
        raise Conflict(N_("you cannot lock yourself"), "locked")
    if fields.get("profile", user.profile.name) != user.profile.name:
        raise Conflict(N_("somebody else must give you another profile"), "profile")
    if "password_hash" in fields:
        raise Conflict(N_("you change your own password on the page “My account”"), "password")


def refuse_administrator(profile: Profile) -> None:
    """Raise Conflict for the profile that stays as it is."""
    if profile.name == ADMINISTRATOR:
        raise Conflict(N_("the administrators' profile always has every right and every camera, and keeps its name"))
