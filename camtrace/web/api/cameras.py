"""Cameras: what there is, what it does, adding, changing, trying, deleting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klein import Response

from camtrace import clock
from camtrace.errors import NotFound
from camtrace.i18n import N_
from camtrace.model import Camera
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer, body_of
from camtrace.web.api.camera_fields import Fields, read_fields, with_fields
from camtrace.web.api.shapes import Shape, camera_shape, state_shape, told_shape
from camtrace.web.ports import (
    Alarms,
    Calendars,
    CameraDirectory,
    CameraEvents,
    CameraStore,
    Note,
    Probe,
    Seal,
    Volume,
)
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import camera_named, seen_by


class CamerasApi:
    """`/api/v1/cameras`: the settings."""

    app = new_app()

    def __init__(
        self,
        access: Access,
        directory: CameraDirectory,
        store: CameraStore,
        vault: Seal,
        probe: Probe,
        note: Note,
        volumes: Callable[[], Sequence[Volume]],
        calendars: Calendars,
        alarms: Alarms,
        events: CameraEvents,
    ) -> None:
        """`volumes()` gives those of the configuration."""
        self.access = access
        self._directory = directory
        self._store = store
        self._vault = vault
        self._probe = probe
        self._note = note
        self._volumes = volumes
        self._calendars = calendars
        self._alarms = alarms
        self._events = events

    @requirer.require(app.route("/api/v1/cameras", methods=["GET"]), visit=May())
    async def list(self, visit: Visit) -> Response:
        """The cameras this user may see, by number; with `deleted=1` those that were deleted, the latest first."""
        cameras = seen_by(visit.user, self._directory)
        if Query(visit.request).flag("deleted"):
            kept = await self._store.deleted() if visit.user.may("cameras") else []
            cameras = [camera for camera in kept if visit.user.may_see(camera.uid)]
        return answer({"items": [self._shape(visit, camera) for camera in cameras], "next": None})

    @requirer.require(app.route("/api/v1/cameras", methods=["POST"]), visit=May("cameras"))
    async def create(self, visit: Visit) -> Response:
        """Add a camera; `name` and `url`, or `model` and `address`, suffice. `id`: else the lowest free."""
        camera = await self._store.create(self._sealed(self._fields(visit)), clock.now())
        self._noted(visit, "camera_added", camera)
        await self._directory.refresh()
        return answer(self._shape(visit, camera), 201, Location=f"/api/v1/cameras/{camera.id}")

    @requirer.require(app.route("/api/v1/cameras/<camera>", methods=["GET"]), visit=May())
    async def show(self, visit: Visit, camera: str) -> Response:
        """One camera."""
        return answer(self._shape(visit, await self._named(visit, camera)))

    @requirer.require(app.route("/api/v1/cameras/<camera>", methods=["PATCH"]), visit=May("cameras"))
    async def change(self, visit: Visit, camera: str) -> Response:
        """Change the fields sent, at once. A password that is not sent stays; an empty one is removed.

        What is as it was already is no change, and not noted as one.
        """
        found = await self._existing(visit, camera)
        fields = self._fields(visit, found)
        if "password" in fields and self._is_password(fields["password"], found):
            del fields["password"]
        if "password" not in fields and with_fields(found, fields) == found:
            return answer(self._shape(visit, found))
        changed = await self._store.update(found.uid, self._sealed(fields))
        self._noted(visit, "camera_changed", changed)
        await self._directory.refresh()
        return answer(self._shape(visit, changed))

    @requirer.require(app.route("/api/v1/cameras/<camera>", methods=["DELETE"]), visit=May("cameras"))
    async def delete(self, visit: Visit, camera: str) -> Response:
        """Delete a camera. Its footage and lines stay under `uid:UID`; its number is free for another one."""
        found = await self._existing(visit, camera)
        await self._store.delete(found.uid, clock.now())
        self._noted(visit, "camera_deleted", found)
        await self._directory.refresh()
        return Response(204, {"Cache-Control": "no-store"}, b"")

    @requirer.require(app.route("/api/v1/cameras/<camera>/status", methods=["GET"]), visit=May())
    async def status(self, visit: Visit, camera: str) -> Response:
        """What the camera's connection is worth now, with the reason."""
        found = await self._existing(visit, camera)
        advice = self._alarms.advised_post_seconds(found.uid)
        state = state_shape(self._directory.state(found.uid))
        events = told_shape(self._events.state(found.uid)) if visit.user.may("cameras") else None
        return answer({"id": found.id, **state, "advised_post_seconds": advice, "events": events})

    @requirer.require(app.route("/api/v1/cameras/test", methods=["POST"]), visit=May("cameras"))
    async def test_new(self, visit: Visit) -> Response:
        """Try the settings sent, without saving them."""
        fields = self._fields(visit)
        return await self._tested(with_fields(Camera(uid=0, id=0, name=""), fields), fields.get("password", ""))

    @requirer.require(app.route("/api/v1/cameras/<camera>/test", methods=["POST"]), visit=May("cameras"))
    async def test_changed(self, visit: Visit, camera: str) -> Response:
        """Try an existing camera with the changes sent (or `{}`), without saving them."""
        found = await self._existing(visit, camera)
        fields = self._fields(visit, found)
        password = fields["password"] if "password" in fields else self._vault.unseal(found.password)
        return await self._tested(with_fields(found, fields), password)

    # ── steps ──

    def _fields(self, visit: Visit, camera: Camera | None = None) -> Fields:
        return read_fields(body_of(visit.request), camera, self._calendars.names, self._volumes(), self._uid)

    async def _tested(self, camera: Camera, password: str) -> Response:
        return answer(await self._probe.test(camera, password))

    def _sealed(self, fields: Fields) -> Fields:
        if "password" in fields:
            return {**fields, "password": self._vault.seal(fields["password"])}
        return fields

    def _is_password(self, given: str, camera: Camera) -> bool:
        try:
            return given == self._vault.unseal(camera.password)
        except ValueError:  # sealed by another key: any new one helps
            return False

    async def _named(self, visit: Visit, name: str) -> Camera:
        return await camera_named(name, visit.user, self._directory, self._store)

    async def _existing(self, visit: Visit, name: str) -> Camera:
        camera = await self._named(visit, name)
        if camera.deleted_at is not None:
            raise NotFound(N_("this camera was deleted"))
        return camera

    def _shape(self, visit: Visit, camera: Camera) -> Shape:
        exists = self._directory.by_uid(camera.uid) is not None
        state = self._directory.state(camera.uid) if exists else None
        return camera_shape(camera, visit.user, self._directory, state)

    def _uid(self, number: int) -> int | None:
        camera = self._directory.by_id(number)
        return camera.uid if camera is not None else None

    def _noted(self, visit: Visit, text: str, camera: Camera) -> None:
        values = {"name": camera.name, "number": camera.id}
        self._note("audit", text, values, camera_uid=camera.uid, user=visit.user.name)
