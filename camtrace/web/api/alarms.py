"""Alarms: what happened on cameras, seen, acknowledged, raised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from klein import Response

from camtrace import clock
from camtrace.errors import Invalid, NotFound
from camtrace.i18n import N_
from camtrace.model import CAUSES, Alarm, Camera, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Query, answer, body_of, page_of, read_instant
from camtrace.web.api.shapes import Shape, alarm_shape
from camtrace.web.ports import Alarms, AlarmStore, CameraDirectory
from camtrace.web.routing import new_app, requirer
from camtrace.web.whose import Graves, camera_named, seen_by

MOST_CAMERAS = 256
LONGEST_MESSAGE = 500
AHEAD = timedelta(seconds=5)  # how far a program's clock may be before ours


class AlarmsApi:
    """`/api/v1/alarms`."""

    app = new_app()

    def __init__(
        self, access: Access, directory: CameraDirectory, graves: Graves, store: AlarmStore, alarms: Alarms
    ) -> None:
        self.access = access
        self._directory = directory
        self._graves = graves
        self._store = store
        self._alarms = alarms

    @requirer.require(app.route("/api/v1/alarms", methods=["GET"]), visit=May("alarms"))
    async def recent(self, visit: Visit) -> Response:
        """Alarms that touch the span, newest first, of the cameras this user may see."""
        query = Query(visit.request)
        limit = query.limit()
        found = await self._store.alarms(
            camera_uids=await self._asked(visit, query.text("camera")),
            cause=query.choice("cause", CAUSES),
            start=query.instant("start"),
            stop=query.instant("stop"),
            limit=limit + 1,
            before=query.cursor(),
        )
        triggers = await self._store.triggers([alarm.id for alarm in found[:limit]])
        return page_of(
            found,
            limit,
            lambda alarm: alarm_shape(alarm, triggers[alarm.id], self._directory),
            lambda alarm: (alarm.started_at, alarm.id),
        )

    @requirer.require(app.route("/api/v1/alarms", methods=["POST"]), visit=May("alarms"))
    async def raise_alarm(self, visit: Visit) -> Response:
        """Raise an alarm, or prolong one, on `cameras`; `at` may lie in the past. Answers each camera's alarm."""
        body = body_of(visit.request)
        for name in body:
            if name not in ("cameras", "camera", "cause", "message", "at"):
                raise Invalid(N_("an alarm has no field {field}"), name)
        cameras = self._named(visit, body)
        cause = body.get("cause", "program")
        if cause not in CAUSES:
            raise Invalid(N_("{field} must be one of: {choices}"), "cause", choices=", ".join(CAUSES))
        message = body.get("message", "")
        if not isinstance(message, str) or len(message) > LONGEST_MESSAGE:
            raise Invalid(N_("{field} must be text of at most {most} characters"), "message", most=LONGEST_MESSAGE)
        at = read_instant(str(body["at"]), "at") if body.get("at") is not None else None
        if at is not None and at > clock.now() + AHEAD:
            raise Invalid(N_("{field} must not lie in the future"), "at")
        raised = await self._alarms.trigger(cameras, cause, visit.user.name, message, at)
        return answer({"items": await self._shapes(raised), "next": None}, 201)

    @requirer.require(app.route("/api/v1/alarms/<alarm>", methods=["GET"]), visit=May("alarms"))
    async def show(self, visit: Visit, alarm: str) -> Response:
        """One alarm with what triggered it."""
        found = await self._found(visit.user, alarm)
        return answer((await self._shapes([found]))[0])

    @requirer.require(app.route("/api/v1/alarms/<alarm>/acknowledge", methods=["POST"]), visit=May("alarms"))
    async def acknowledge(self, visit: Visit, alarm: str) -> Response:
        """Say that this alarm was seen. Whoever says so first is kept."""
        found = await self._found(visit.user, alarm)
        seen = await self._alarms.acknowledge(found.id, visit.user.name)
        return answer((await self._shapes([seen]))[0])

    # ── steps ──

    async def _asked(self, visit: Visit, camera: str | None) -> Sequence[int] | None:
        """The uids of the cameras whose alarms are wanted; None for all there ever were."""
        if camera is not None:
            return [(await camera_named(camera, visit.user, self._directory, self._graves)).uid]
        allowed = visit.user.profile.cameras
        if allowed is not None:
            return sorted(allowed)
        if visit.user.may("cameras"):
            return None
        return [each.uid for each in seen_by(visit.user, self._directory)]

    def _named(self, visit: Visit, body: dict[str, Any]) -> Sequence[Camera]:
        """The cameras that `cameras`, a list of numbers, or `camera` means."""
        field = "cameras" if "cameras" in body else "camera"
        given = body.get(field)
        numbers = given if isinstance(given, list) else [given]
        if not numbers or len(numbers) > MOST_CAMERAS or not all(type(number) is int for number in numbers):
            raise Invalid(N_("{field} must be the numbers of cameras"), field)
        found = []
        for number in map(int, numbers):
            camera = self._directory.by_id(number)
            if camera is None or not visit.user.may_see(camera.uid):
                raise Invalid(N_("there is no camera {number}"), field, number=number)
            found.append(camera)
        return found

    async def _found(self, user: User, number: str) -> Alarm:
        alarm = await self._store.by_id(int(number)) if re.fullmatch(r"\d{1,19}", number) else None
        exists = alarm is not None and self._directory.by_uid(alarm.camera_uid) is not None
        if alarm is None or not user.may_see(alarm.camera_uid) or not (exists or user.may("cameras")):
            raise NotFound(N_("this alarm does not exist"))
        return alarm

    async def _shapes(self, alarms: Sequence[Alarm]) -> list[Shape]:
        triggers = await self._store.triggers([alarm.id for alarm in alarms])
        return [alarm_shape(alarm, triggers[alarm.id], self._directory) for alarm in alarms]
