"""The pages of who is signed in. Each is drawn once here; what moves on it comes by the API and the live socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from klein import Response

from camtrace import clock, i18n
from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import Camera
from camtrace.notes import TEXTS
from camtrace.web.access import Access, May, Visit
from camtrace.web.api.camera_fields import FEWEST_CORNERS, MOST_CORNERS, MOST_ZONES
from camtrace.web.pages_frame import THEMES, Frame, field, go, keep_choice, own_address
from camtrace.web.ports import CameraDirectory
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import Graves, camera_named
from camtrace.web.wording import KIND_WORDS

_FIRST_PAGES = (
    ("replay", "/replay"),
    ("lines", "/log"),
    ("cameras", "/cameras"),
    ("journal", "/journal"),
    ("", "/account"),
)


async def _no_sources() -> Sequence[str]:
    return ()


class Pages:
    """Live, wall, replay, tickets, cameras, journal.

    `graves` finds cameras that were deleted too; `sources` gives the names of the known tills, `calendars` of those.
    """

    app = new_app()

    def __init__(
        self,
        frame: Frame,
        access: Access,
        directory: CameraDirectory,
        graves: Graves,
        sources: Callable[[], Awaitable[Sequence[str]]] = _no_sources,
        calendars: Callable[[], Sequence[str]] = lambda: ("always", "never"),
    ) -> None:
        self._frame = frame
        self._directory = directory
        self._graves = graves
        self._sources = sources
        self._calendars = calendars
        self.access = access

    @requirer.require(app.route("/", methods=["GET"]), visit=May())
    async def home(self, visit: Visit) -> Response:
        if visit.user.may("live"):
            cameras = self._frame.visible(visit)
            return go(f"/live/{cameras[0].id}") if cameras else self._frame.page(visit, "first_camera.html", "live")
        return go(next(address for right, address in _FIRST_PAGES if not right or visit.user.may(right)))

    @requirer.require(app.route("/live/<int:number>", methods=["GET"]), visit=May("live"))
    async def live(self, visit: Visit, number: int) -> Response:
        camera = self._camera(visit, number)
        return self._frame.page(visit, "live.html", "live", {"camera": number}, camera=camera, whole_window=True)

    @requirer.require(app.route("/wall", methods=["GET"]), visit=May("live"))
    async def wall(self, visit: Visit) -> Response:
        if not self._frame.visible(visit):
            return self._frame.page(visit, "first_camera.html", "wall")
        return self._frame.page(visit, "wall.html", "wall", whole_window=True)

    @requirer.require(app.route("/replay", methods=["GET"]), visit=May("replay"))
    async def replay_first(self, visit: Visit) -> Response:
        cameras = self._frame.visible(visit)
        if not cameras:
            return self._frame.page(visit, "first_camera.html", "replay")
        return go(f"/replay/{cameras[0].id}")

    @requirer.require(app.route("/replay/<name>", methods=["GET"]), visit=May("replay"))
    async def replay(self, visit: Visit, name: str) -> Response:
        """`name` is a camera's number, or `uid:UID`, by which what a removed camera left is seen."""
        camera = await camera_named(name, visit.user, self._directory, self._graves)
        cameras = self._frame.visible(visit)
        facts = {"replayed": _replayed(camera)}
        return self._frame.page(
            visit, "replay.html", "replay", facts, camera=camera, cameras=cameras, whole_window=True
        )

    @requirer.require(app.route("/log", methods=["GET"]), visit=May("lines"))
    async def log(self, visit: Visit) -> Response:
        cameras = self._frame.visible(visit)
        tied = {name for camera in cameras for name in camera.overlay_ids}
        known = await self._sources() if visit.user.profile.cameras is None else ()
        return self._frame.page(visit, "log.html", "log", sources=sorted(tied | set(known)), cameras=cameras)

    @requirer.require(app.route("/cameras", methods=["GET"]), visit=May("cameras"))
    async def cameras(self, visit: Visit) -> Response:
        return self._frame.page(visit, "cameras.html", "cameras")

    @requirer.require(app.route("/cameras/new", methods=["GET"]), visit=May("cameras"))
    async def new_camera(self, visit: Visit) -> Response:
        return self._frame.page(
            visit, "camera.html", "cameras", {"camera": None}, camera=None, calendars=self._calendars()
        )

    @requirer.require(app.route("/cameras/<int:number>", methods=["GET"]), visit=May("cameras"))
    async def camera(self, visit: Visit, number: int) -> Response:
        camera = self._camera(visit, number)
        facts = {"camera": number}
        return self._frame.page(visit, "camera.html", "cameras", facts, camera=camera, calendars=self._calendars())

    @requirer.require(app.route("/cameras/<int:number>/motion", methods=["GET"]), visit=May("cameras"))
    async def motion(self, visit: Visit, number: int) -> Response:
        camera = self._camera(visit, number)
        facts = {"camera": number, "zones": MOST_ZONES, "corners": [FEWEST_CORNERS, MOST_CORNERS]}
        return self._frame.page(visit, "motion.html", "cameras", facts, camera=camera)

    @requirer.require(app.route("/journal", methods=["GET"]), visit=May("journal"))
    async def journal(self, visit: Visit) -> Response:
        return self._frame.page(visit, "journal.html", "journal", {"journal": TEXTS}, kinds=KIND_WORDS)

    @requirer.require(app.route("/settings", methods=["POST"]), visit=May())
    async def settings(self, visit: Visit) -> Response:
        language, theme = field(visit.request, "language"), field(visit.request, "theme")
        if language in i18n.LANGUAGES:
            keep_choice(visit.request, "language", language)
        if theme in (*THEMES, "auto"):
            keep_choice(visit.request, "theme", theme.removeprefix("auto"))
        return go(own_address(field(visit.request, "back")))

    def _camera(self, visit: Visit, number: int) -> Camera:
        for camera in self._frame.visible(visit):
            if camera.id == number:
                return camera
        raise NotFound(N_("there is no camera {number}"), number=number)


def _replayed(camera: Camera) -> dict[str, Any]:
    """What the replay's scripts know of their camera. `key` is how the API calls it."""
    removed = camera.deleted_at
    return {
        "key": str(camera.id) if removed is None else f"uid:{camera.uid}",
        "id": camera.id,
        "name": camera.name,
        "overlay_ids": list(camera.overlay_ids),
        "removed": None if removed is None else clock.to_us(removed) // 1000,
    }
