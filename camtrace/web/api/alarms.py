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
from camtrace.model import CAUSES, Alarm, AlarmQuery, Camera, Trigger, User
from camtrace.web.access import Access, May, Visit
from camtrace.web.answers import Position, Query, answer, body_of, page_of, read_instant
from camtrace.web.api.shapes import Shape, alarm_shape, mark_shape
from camtrace.web.csv_file import Cell, send_csv
from camtrace.web.ports import Alarms, AlarmStore, CameraDirectory
from camtrace.web.routing import new_app, requirer
from camtrace.web.voices import Voice, Voices, words_of
from camtrace.web.whose import Graves, uids_asked
from camtrace.web.wording import CAUSE_WORDS

MOST_CAMERAS = 256
LONGEST_MESSAGE = 500
MOST_MESSAGES = 20  # of one alarm in a file
MARKS, MOST_MARKS = 300, 2000
MOST_MARKED = 20_000  # alarms that are joined into marks; of more, the latest
LONGEST_MARKED = timedelta(days=32)
AHEAD = timedelta(seconds=5)  # how far a program's clock may be before ours


_HEADS = (
    N_("Begin"),
    N_("End"),
    N_("Seconds"),
    N_("Camera"),
    N_("Name"),
    N_("Cause"),
    N_("Message"),
    N_("Triggers"),
    N_("Seen by"),
    N_("Seen at"),
)


class AlarmsApi:
    """`/api/v1/alarms`."""

    app = new_app()

    def __init__(
        self,
        reactor: Any,
        access: Access,
        directory: CameraDirectory,
        graves: Graves,
        store: AlarmStore,
        alarms: Alarms,
        voices: Voices,
    ) -> None:
        self.access = access
        self._reactor = reactor
        self._directory = directory
        self._graves = graves
        self._store = store
        self._alarms = alarms
        self._voices = voices

    @requirer.require(app.route("/api/v1/alarms", methods=["GET"]), visit=May("alarms"))
    async def recent(self, visit: Visit) -> Response:
        """Alarms that touch the span, newest first, of the cameras this user may see."""
        query = Query(visit.request)
        limit = query.limit()
        found = await self._wanted(query, await self._asked(visit), limit + 1, query.cursor())
        triggers = await self._store.triggers([alarm.id for alarm in found[:limit]])
        return page_of(found, limit, lambda alarm: alarm_shape(alarm, triggers[alarm.id], self._directory), _place)

    @requirer.require(app.route("/api/v1/alarms.csv", methods=["GET"]), visit=May("alarms"))
    async def as_file(self, visit: Visit) -> Response | None:
        """The same as a file for spreadsheets."""
        query, voice = Query(visit.request), self._voices.voice(visit.request, visit.user.language)
        camera_uids = await self._asked(visit)
        names: dict[int, str] = {}

        async def page(limit: int, before: Position | None) -> list[tuple[Alarm, list[Trigger]]]:
            found = await self._wanted(query, camera_uids, limit, before)
            triggers = await self._store.triggers([alarm.id for alarm in found], MOST_MESSAGES)
            for uid in {alarm.camera_uid for alarm in found} - set(names):
                camera = await self._graves.by_uid(uid)
                names[uid] = camera.name if camera is not None else ""
            return [(alarm, triggers[alarm.id]) for alarm in found]

        def row(pair: tuple[Alarm, list[Trigger]]) -> Sequence[Cell]:
            return self._row(voice, *pair, names[pair[0].camera_uid])

        return await send_csv(
            visit, self._reactor, voice, N_("Alarms"), _HEADS, page, row, lambda pair: _place(pair[0])
        )

    @requirer.require(app.route("/api/v1/alarms/marks", methods=["GET"]), visit=May("alarms"))
    async def marks(self, visit: Visit) -> Response:
        """Where alarms lie between `start` and `stop`, the first one first: `most` marks at most, close ones joined."""
        query = Query(visit.request)
        start, stop = query.span()
        if stop - start > LONGEST_MARKED:
            raise Invalid(N_("ask for {days} days at most"), "stop", days=LONGEST_MARKED.days)
        most = query.integer("most", 1, MOST_MARKS, MARKS) or MARKS
        found = await self._store.marks(await self._asked(visit), start, stop, most, MOST_MARKED)
        return answer({"items": [mark_shape(mark, self._directory) for mark in found], "next": None})

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

    async def _asked(self, visit: Visit) -> Sequence[int] | None:
        """The uids of the cameras whose alarms are wanted; None for all there ever were."""
        camera = Query(visit.request).text("camera")
        return await uids_asked(camera, visit.user, self._directory, self._graves)

    async def _wanted(
        self, query: Query, camera_uids: Sequence[int] | None, limit: int, before: Position | None
    ) -> list[Alarm]:
        seen = query.choice("seen", ("0", "1"))
        wanted = AlarmQuery(
            camera_uids=camera_uids,
            causes=query.choices("cause", CAUSES),
            start=query.instant("start"),
            stop=query.instant("stop"),
            words=words_of(query.text("text")),
            seen=None if seen is None else seen == "1",
        )
        return await self._store.alarms(wanted, limit, before)

    def _row(self, voice: Voice, alarm: Alarm, triggers: Sequence[Trigger], name: str) -> Sequence[Cell]:
        camera, end = self._directory.by_uid(alarm.camera_uid), alarm.ended_at or alarm.until
        causes = [voice.spoken.gettext(CAUSE_WORDS.get(cause, cause)) for cause in alarm.causes]
        messages = [trigger.message for trigger in triggers if trigger.message]
        return (
            voice.instant(alarm.started_at),
            None if alarm.ended_at is None else voice.instant(alarm.ended_at),
            round((end - alarm.started_at).total_seconds()),
            camera.id if camera is not None else None,
            name,
            ", ".join(dict.fromkeys(causes)),
            " | ".join(dict.fromkeys(messages)),
            alarm.triggers,
            alarm.acknowledged_by,
            None if alarm.acknowledged_at is None else voice.instant(alarm.acknowledged_at),
        )

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
        return await alarm_numbered(number, user, self._store, self._directory)

    async def _shapes(self, alarms: Sequence[Alarm]) -> list[Shape]:
        triggers = await self._store.triggers([alarm.id for alarm in alarms])
        return [alarm_shape(alarm, triggers[alarm.id], self._directory) for alarm in alarms]


async def alarm_numbered(number: str, user: User, store: AlarmStore, directory: CameraDirectory) -> Alarm:
    """The alarm of this id. Raises NotFound, also for one of a camera that is not for `user`."""
    could_be = re.fullmatch(r"[0-9]{1,19}", number) and int(number) < 2**63
    alarm = await store.by_id(int(number)) if could_be else None
    exists = alarm is not None and directory.by_uid(alarm.camera_uid) is not None
    if alarm is None or not user.may_see(alarm.camera_uid) or not (exists or user.may("cameras")):
        raise NotFound(N_("this alarm does not exist"))
    return alarm


def _place(alarm: Alarm) -> Position:
    return alarm.started_at, alarm.id
