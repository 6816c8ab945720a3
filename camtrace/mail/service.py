"""From facts to mails: who is told of what, and when."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable
from camtrace.events import AlarmTriggered, CameraStateChanged, Noted, SettingChanged
from camtrace.i18n import Translations
from camtrace.mail import compose, life, wire
from camtrace.mail.nap import Nap
from camtrace.mail.ports import AlarmRows, Calendars, Cameras, People, Picture, Reactor, Rows, SettingRows
from camtrace.mail.queue import Queue
from camtrace.mail.settings import MailSettings, from_json
from camtrace.model import Alarm, Camera, CameraState, HeldAlarms, Outgoing, Recipient, Status, Trigger

SETTING = "mail"
PICTURE_SECONDS = 10.0  # how long an alarm's mail waits for its picture
PICTURE_RETRY_SECONDS = 1.0
MOST_PICTURE_BYTES = 5_000_000
TICK_SECONDS = 60.0
RETRY_SECONDS = 5.0
CATCH_UP = timedelta(days=1)
SUMMARY_AFTER = timedelta(hours=1)
MOST_REMEMBERED = 1000
_CONTACT, _RULE = "contact", "rule"


class Mails:
    """Listens to what happens and queues the mails about it. `authors`: one for each language, `language`: the site's.

    What was heard is turned into mails in order; while the database is away it waits, and what a crash then loses is
    found again at the next start, for alarms in the database and for cameras by their state.
    """

    log = Logger()

    def __init__(
        self,
        bus: Bus,
        rows: Rows,
        people: People,
        alarm_rows: AlarmRows,
        setting_rows: SettingRows,
        cameras: Cameras,
        calendars: Calendars,
        report: life.Reporter,
        authors: Mapping[str, compose.Author],
        language: str,
        reactor: Reactor,
        picture: Picture | None = None,
        now: Callable[[], datetime] = clock.now,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._bus = bus
        self._rows = rows
        self._people = people
        self._alarm_rows = alarm_rows
        self._setting_rows = setting_rows
        self._cameras = cameras
        self._calendars = calendars
        self._report = report
        self._authors = authors
        self._language = language
        self._reactor = reactor
        self._picture = picture
        self._now = now
        self._new_id = new_id
        self._queue: Queue | None = None
        self._settings = MailSettings()
        self._unsubscribe: list[Callable[[], None]] = []
        self._running = False
        self._heard: deque[Callable[[], Awaitable[None]]] = deque()
        self._nap = Nap(reactor)
        self._worker: defer.Deferred[None] | None = None
        self._pictures: set[defer.Deferred[None]] = set()
        self._alarms_heard: dict[int, set[str]] = {}  # of which kind it was told
        self._graces: dict[int, tuple[datetime, Any]] = {}
        self._tick: Any = None

    @property
    def settings(self) -> MailSettings:
        """Those in force."""
        return self._settings

    # ── life ──

    async def start(self, queue: Queue) -> None:
        """Listen, catch up with what a crash lost, and send through `queue`. Raises DatabaseUnavailable."""
        self._settings = from_json(await self._setting_rows.get(SETTING))
        self._queue = queue
        self._running = True
        self._unsubscribe = [
            self._bus.subscribe(AlarmTriggered, self._alarm_triggered),
            self._bus.subscribe(CameraStateChanged, self._state_changed),
            self._bus.subscribe(Noted, self._noted),
            self._bus.subscribe(SettingChanged, self._setting_changed),
        ]
        for id in await self._rows.unmailed_alarms(self._now() - CATCH_UP):
            self._hear(lambda id=id: self._missed_alarm(id))  # type: ignore[misc]
        for camera in self._cameras.all():
            self._state_is(self._cameras.state(camera.uid))
        await queue.start()
        self._worker = defer.Deferred.fromCoroutine(self._work())
        self._ticked()

    async def stop(self) -> None:
        """Listen no more; what was heard is turned into mails if the database answers."""
        self._running = False
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        for _, call in self._graces.values():
            call.cancel()
        self._graces = {}
        if self._tick is not None and self._tick.active():
            self._tick.cancel()
        for waiting in tuple(self._pictures):
            waiting.cancel()
        self._nap.wake()
        if self._worker is not None:
            await self._worker
        if self._queue is not None:
            await self._queue.stop()

    def _hear(self, work: Callable[[], Awaitable[None]]) -> None:
        self._heard.append(work)
        self._nap.wake()

    async def _work(self) -> None:
        """Do what was heard, in order."""
        while self._running or self._heard:
            if not self._heard:
                await self._nap.sleep(TICK_SECONDS)
                continue
            try:
                await self._heard[0]()
            except DatabaseUnavailable:
                if not self._running:
                    return
                await self._nap.sleep(RETRY_SECONDS)
                continue
            except Exception:
                self.log.failure("a mail could not be written")
            self._heard.popleft()

    def _queued(self, ids: Sequence[int] | None) -> None:
        if ids and self._queue is not None:
            self._queue.wake()

    # ── settings ──

    def _setting_changed(self, fact: SettingChanged) -> None:
        if fact.kind == "setting" and fact.key in ("", SETTING):
            self._hear(self.reload)

    async def reload(self) -> None:
        """Take over the settings as they are in the database."""
        settings = from_json(await self._setting_rows.get(SETTING))
        if settings != self._settings:
            self._settings = settings
            if self._queue is not None:
                await self._queue.settings_changed()

    # ── alarms ──

    def _alarm_triggered(self, fact: AlarmTriggered) -> None:
        """Once for an alarm; and once for the first exception in it, where it had begun for another cause."""
        alarm, trigger = fact.alarm, fact.trigger
        if not alarm.mail:
            return
        causes = self._alarms_heard.setdefault(alarm.id, set())
        if len(self._alarms_heard) > MOST_REMEMBERED:
            self._alarms_heard.pop(next(iter(self._alarms_heard)))
        if not causes:
            self._hear(lambda: self._tell_alarm(alarm, trigger))
        if trigger.cause == _RULE and _RULE not in causes and not fact.begins:
            self._hear(lambda: self._tell_alarm(alarm, trigger, _RULE))
        causes.add(_RULE if trigger.cause == _RULE else "")

    async def _missed_alarm(self, id: int) -> None:
        alarm = await self._alarm_rows.by_id(id)
        if alarm is not None:
            triggers = (await self._alarm_rows.triggers([id])).get(id)
            await self._tell_alarm(alarm, triggers[0] if triggers else None)

    async def _tell_alarm(self, alarm: Alarm, trigger: Trigger | None, only: str = "") -> None:
        """`only` "rule": it goes on by an exception, of which those are told who get exceptions."""
        camera = self._cameras.by_uid(alarm.camera_uid)
        gets = (lambda one: one.gets_rules_of(alarm.camera_uid)) if only else (lambda one: _gets(one, alarm))
        told = await self._recipients(gets) if camera is not None else []
        fact = ":".join(filter(None, ("alarm", str(alarm.id), only)))
        letters = [(one, *self._alarm_letter(camera, alarm, trigger, one)) for one in told] if camera else []
        ids, at = [self._new_id() for _ in letters], self._now()

        def write(number: int, picture: bytes | None) -> Outgoing:
            person, kind, letter = letters[number]
            key = f"{fact}:{person.name}"
            return self._outgoing(key, kind, person, letter, ids[number], at, alarm.camera_uid, picture)

        waits = self._picture is not None and self._running
        shown_at = trigger.at if trigger is not None else alarm.started_at
        queued = await self._rows.take(
            fact,
            at,
            [write(number, None) for number in range(len(letters))],
            next_at=at + timedelta(seconds=PICTURE_SECONDS) if waits else None,
            camera_uid=alarm.camera_uid,
            alarm_id=alarm.id,
            most_per_hour=camera.mail.most_per_hour if camera is not None else None,
        )
        self._queued(queued)
        if queued and waits:
            waiting = defer.Deferred.fromCoroutine(self._add_picture(alarm, shown_at, queued, write))
            self._pictures.add(waiting)
            waiting.addErrback(self._picture_failed).addBoth(lambda _: self._pictures.discard(waiting))

    async def _add_picture(
        self, alarm: Alarm, at: datetime, queued: Sequence[int], write: Callable[[int, bytes | None], Outgoing]
    ) -> None:
        """Put the alarm's picture into its mails as soon as there is one; they leave without it after some seconds."""
        assert self._picture is not None
        deadline = self._now() + timedelta(seconds=PICTURE_SECONDS)
        picture: bytes | None = None
        while picture is None and self._now() < deadline:
            picture = await self._picture(alarm, at)
            if picture is None:
                pause: defer.Deferred[None] = defer.Deferred()
                call = self._reactor.callLater(PICTURE_RETRY_SECONDS, pause.callback, None)
                try:
                    await pause
                finally:
                    if call.active():
                        call.cancel()
        if picture is None or len(picture) > MOST_PICTURE_BYTES:
            return
        for number, id in enumerate(queued):
            await self._rows.rewrite(id, write(number, picture).message, self._now())
        self._queued(queued)

    def _picture_failed(self, failure: Any) -> None:
        if not failure.check(defer.CancelledError, DatabaseUnavailable):
            self.log.failure("a mail goes without its picture", failure)

    def _alarm_letter(
        self, camera: Camera, alarm: Alarm, trigger: Trigger | None, person: Recipient
    ) -> tuple[str, wire.Letter]:
        author = self._author(person)
        cause = trigger.cause if trigger is not None else next(iter(alarm.causes), "")
        if cause == _CONTACT:
            return "contact", author.contact(camera, alarm, trigger)
        if cause == _RULE and trigger is not None:
            return "alarm", author.exception(camera, trigger)
        return "alarm", author.alarm(camera, alarm, trigger)

    async def _summarise(self, held: HeldAlarms) -> None:
        """Tell of the alarms that had no mail of their own."""
        camera, at = self._cameras.by_uid(held.camera_uid), self._now()
        listed = [await self._alarm_rows.by_id(id) for id in held.alarm_ids[: compose.MOST_ROWS]] if camera else []
        alarms = [alarm for alarm in listed if alarm is not None]
        told: dict[str, tuple[Recipient, list[Alarm]]] = {}
        for person in await self._recipients(lambda one: True) if alarms else []:
            theirs = [alarm for alarm in alarms if _gets(person, alarm)]
            if theirs:
                told[person.name] = person, theirs
        mails = []
        for person, theirs in told.values():
            assert camera is not None
            count = len(held.alarm_ids) if len(theirs) == len(alarms) else len(theirs)
            letter = self._author(person).digest(camera, theirs, count, held.first_at, held.last_at)
            key = f"digest:{held.camera_uid}:{held.alarm_ids[0]}:{person.name}"
            mails.append(self._outgoing(key, "digest", person, letter, self._new_id(), at, held.camera_uid))
        self._queued(await self._rows.summarise(held, at, mails))

    # ── cameras lost and back ──

    def _state_changed(self, fact: CameraStateChanged) -> None:
        self._state_is(fact.state)

    def _state_is(self, state: CameraState) -> None:
        uid = state.camera_uid
        down = state.status in (Status.INACTIVE, Status.ERROR) and state.reason != "connecting"
        if down and uid not in self._graces:
            camera = self._cameras.by_uid(uid)
            if camera is not None:
                lasting = (self._now() - state.since).total_seconds()
                seconds = max(0.0, camera.mail.grace_seconds - lasting)
                self._graces[uid] = (state.since, self._reactor.callLater(seconds, self._grace_over, uid))
        elif not down and state.reason != "connecting" and uid in self._graces:
            self._graces.pop(uid)[1].cancel()
        if state.status == Status.ACTIVE:
            self._hear(lambda: self._tell_back(uid, state.since))

    def _grace_over(self, uid: int) -> None:
        since, _ = self._graces.pop(uid)
        state = self._cameras.state(uid)
        if state.status in (Status.INACTIVE, Status.ERROR):
            self._hear(lambda: self._tell_lost(uid, since, state))

    async def _tell_lost(self, uid: int, since: datetime, state: CameraState) -> None:
        camera = self._cameras.by_uid(uid)
        if camera is None or not self._calendars.applies(camera.mail.lost_calendar, since):
            return
        mails, at = [], self._now()
        for person in await self._recipients(lambda one: one.gets_loss_of(uid)):
            letter = self._author(person).lost(camera, state, since)
            key = f"lost:{uid}:{clock.to_us(since)}:{person.name}"
            mails.append(self._outgoing(key, "lost", person, letter, self._new_id(), at, uid))
        if mails:
            self._queued(await self._rows.lost(uid, since, at, mails))

    async def _tell_back(self, uid: int, back_at: datetime) -> None:
        camera = self._cameras.by_uid(uid)
        told = await self._recipients(lambda one: one.gets_loss_of(uid)) if camera is not None else []
        at = self._now()

        def write(since: datetime) -> list[Outgoing]:
            mails = []
            for person in told:
                assert camera is not None
                letter = self._author(person).back(camera, since, back_at)
                key = f"back:{uid}:{clock.to_us(since)}:{person.name}"
                mails.append(self._outgoing(key, "back", person, letter, self._new_id(), at, uid))
            return mails

        self._queued(await self._rows.back(uid, at, write))

    # ── the server ──

    def _noted(self, fact: Noted) -> None:
        if fact.entry.text == "footage_made_room":
            self._hear(lambda: self._tell_purge(fact.entry.at, fact.entry.values))

    async def _tell_purge(self, at: datetime, values: Mapping[str, str | int | float]) -> None:
        """Once a day for each volume: a full disk makes room all day long."""
        volume = str(values.get("volume", ""))
        zone = next(iter(self._authors.values())).place.zone
        key = f"purge:{volume}:{at.astimezone(zone).date()}"
        wanted = self._settings.on and self._settings.purge
        mails = []
        for person in await self._recipients(lambda one: one.rights.purge) if wanted else []:
            letter = self._author(person).purge(
                volume, _instant(values.get("until")), int(values.get("files", 0)), int(values.get("megabytes", 0))
            )
            mails.append(self._outgoing(f"{key}:{person.name}", "purge", person, letter, self._new_id(), self._now()))
        if mails:
            self._queued(await self._rows.take(key, self._now(), mails))

    async def _tell_life(self) -> None:
        """The sign of life that is due, if it was not sent: after a restart, too."""
        settings = self._settings
        zone = next(iter(self._authors.values())).place.zone
        due = life.latest_due(settings, self._now(), zone)
        if not settings.on or due is None or await self._rows.taken(key := f"life:{due.isoformat()}"):
            return
        told = await self._recipients(lambda one: one.rights.life)
        if not told:
            return
        report = await self._report.report(life.period_start(settings, due, zone), due)

        def write(number: int) -> list[Outgoing]:
            mails = []
            for person in told:
                may_see = None if person.cameras is None else tuple(person.cameras)
                letter = self._author(person).life(number, report, may_see)
                mails.append(
                    self._outgoing(f"{key}:{person.name}", "life", person, letter, self._new_id(), self._now())
                )
            return mails

        self._queued(await self._rows.take_numbered(key, self._now(), "life", write))

    def _ticked(self) -> None:
        self._hear(self._tell_life)
        self._hear(self._look_for_summaries)
        self._tick = self._reactor.callLater(TICK_SECONDS, self._ticked)

    async def _look_for_summaries(self) -> None:
        for held in await self._rows.held(self._now() - SUMMARY_AFTER):
            await self._summarise(held)

    # ── writing ──

    async def _recipients(self, wanted: Callable[[Recipient], bool]) -> list[Recipient]:
        """Who gets a mail: by profile, with an address, not locked; nobody while mails are off."""
        if not self._settings.on:
            return []
        found: Iterable[Recipient] = await self._people.recipients()
        return [one for one in found if one.email and not one.locked and wanted(one)]

    def _author(self, person: Recipient) -> compose.Author:
        return self._authors.get(person.language) or self._authors[self._language]

    def _outgoing(
        self,
        key: str,
        kind: str,
        person: Recipient,
        letter: wire.Letter,
        id: str,
        at: datetime,
        camera_uid: int | None = None,
        picture: bytes | None = None,
    ) -> Outgoing:
        author = self._author(person)
        mail = wire.message(letter, author.spoken.language, person.email, author.message_id(id), at, picture)
        return Outgoing(
            key=key,
            kind=kind,
            recipient=person.email,
            subject=letter.subject,
            message=wire.raw(mail),
            camera_uid=camera_uid,
        )


def authors(
    place: compose.Place, translations: Mapping[str, Translations], reasons: Mapping[str, str]
) -> dict[str, compose.Author]:
    """One author for each language."""
    return {language: compose.Author(place, spoken, reasons) for language, spoken in translations.items()}


def _gets(one: Recipient, alarm: Alarm) -> bool:
    uid = alarm.camera_uid
    return (
        one.gets_alarms_of(uid)
        or (_CONTACT in alarm.causes and one.gets_contacts_of(uid))
        or (_RULE in alarm.causes and one.gets_rules_of(uid))
    )


def _instant(value: str | int | float | None) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
