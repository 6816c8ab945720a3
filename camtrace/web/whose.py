"""Which camera an address names, for whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import Camera, User
from camtrace.web.ports import CameraDirectory

_UID = re.compile(r"uid:(\d{1,19})")


class Graves(Protocol):
    """Finds a camera by uid, deleted ones too."""

    async def by_uid(self, uid: int) -> Camera | None: ...


async def camera_named(name: str, user: User, directory: CameraDirectory, graves: Graves) -> Camera:
    """The camera that `name` means: its number, or `uid:UID`, which also reaches one that was deleted.

    What a deleted camera left is for who may manage cameras and sees that camera. Raises NotFound, also for a camera
    that exists but is not for `user`: its number tells nothing.
    """
    if match := _UID.fullmatch(name):
        camera = await graves.by_uid(int(match[1]))
        if camera is not None and camera.deleted_at is not None and not user.may("cameras"):
            camera = None
    else:
        camera = directory.by_id(int(name)) if re.fullmatch(r"\d{1,9}", name) else None
    if camera is None or not user.may_see(camera.uid):
        raise NotFound(N_("there is no such camera"))
    return camera


async def uids_asked(
    camera: str | None, user: User, directory: CameraDirectory, graves: Graves
) -> Sequence[int] | None:
    """The uids of the cameras that are asked for: that one, or all that `user` may see; None for all there ever were.

    Raises NotFound.
    """
    if camera is not None:
        return [(await camera_named(camera, user, directory, graves)).uid]
    allowed = user.profile.cameras
    if allowed is not None:
        return sorted(allowed)
    if user.may("cameras"):
        return None
    return [each.uid for each in seen_by(user, directory)]


def seen_by(user: User, directory: CameraDirectory) -> list[Camera]:
    """The existing cameras that `user` may see, by number."""
    return [camera for camera in directory.all() if user.may_see(camera.uid)]
