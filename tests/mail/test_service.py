"""Facts become mails: on a real database, with a clock set by hand and a post that keeps what it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

from support.database import DatabaseCase
from support.needs import needs
from support.words import translations
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock, deferLater

from camtrace.bus import Bus
from camtrace.cameras.status import REASONS
from camtrace.errors import DatabaseUnavailable, NotFound
from camtrace.events import AlarmTriggered, CameraStateChanged, Noted, SettingChanged
from camtrace.mail.compose import Place
from camtrace.mail.life import Reporter
from camtrace.mail.service import Mails, authors
from camtrace.mail.settings import MailSettings, to_json
from camtrace.model import (
    Alarm,
    Camera,
    CameraMail,
    CameraState,
    Gap,
    JournalEntry,
    MailQuery,
    MailRights,
    QueuedMail,
    Recipient,
    Span,
    Status,
    Trigger,
)
from camtrace.store.alarms import AlarmStore
from camtrace.store.mails import MailStore
from camtrace.store.people import People
from camtrace.store.settings import Settings
from camtrace.store.users import Users

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
FRONT = Camera(uid=101, id=1, name="Front till", mail=CameraMail("always", 60, 3))
BACK = Camera(uid=102, id=2, name="Back door", mail=CameraMail("never"))
ON = MailSettings(host="mail.shop", sender="cam@shop.example", life="never", since=NOON - timedelta(days=9))
JPEG = b"\xff\xd8picture\xff\xd9"


class Shop:
    """Cameras, what they do, and what was recorded."""

    def __init__(self) -> None:
        self.states: dict[int, CameraState] = {}

    def all(self) -> list[Camera]:
        return [FRONT, BACK]

    def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self.all() if camera.uid == uid), None)

    def state(self, uid: int) -> CameraState:
        return self.states.get(uid) or CameraState(uid, Status.INACTIVE, "connecting", NOON)

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]:
        return [Span(start, start + (stop - start) / 2)]

    async def gaps(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]:
        return []


class Weekdays:
    """Calendars: "never" never applies."""

    def applies(self, name: str, at: datetime | None = None) -> bool:
        return name != "never"


class Outbox:
    """A queue that is only woken."""

    def __init__(self) -> None:
        self.woken = 0
        self.told = 0

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    def wake(self) -> None:
        self.woken += 1

    async def settings_changed(self) -> None:
        self.told += 1


def alarm(id: int = 1, uid: int = 101, *, mail: bool = True, at: datetime = NOON, **more: Any) -> Alarm:
    values = {"causes": ("tcp",), **more}
    return Alarm(id=id, camera_uid=uid, started_at=at, last_at=at, until=at, mail=mail, **values)


@needs("postgresql")
class MailsTests(DatabaseCase):
    """Who is told of what."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute(
            "truncate mail, mail_fact, mail_lost, mail_count, account, setting, alarm, trigger cascade"
        )
        self.clock, self.bus, self.shop, self.outbox = Clock(), Bus(), Shop(), Outbox()
        self.rows, self.users, self.settings = MailStore(self.database), Users(self.database), Settings(self.database)
        self.picture: bytes | None = None
        self.pictures_asked = 0
        self.mails = self._mails()
        await self.settings.set("mail", to_json(ON))
        for name, profile, language in (("anna", "administrator", "en"), ("boris", "operator", "fr")):
            await self.users.create(name, profile, "x", NOON)
            await self.users.set_email(name, f"{name}@shop.example")
            await self.database.execute("update account set language = %s where name = %s", (language, name))
        await self._rights("operator", MailRights())

    def _mails(self, picture: bool = False, rows: Any = None) -> Mails:
        place = Place("Shop", PARIS, "https://cctv.shop")
        return Mails(
            self.bus,
            rows or self.rows,
            self.users,
            AlarmStore(self.database),
            self.settings,
            self.shop,
            Weekdays(),
            Reporter(self.shop, self.shop, list, "1.0"),
            authors(place, translations(), REASONS),
            "en",
            self.clock,
            self._picture if picture else None,
            self._now,
        )

    def _picture(self, _alarm: Alarm, _at: datetime) -> Deferred[bytes | None]:
        self.pictures_asked += 1
        return succeed(self.picture)

    def _now(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds())

    async def _rights(self, profile: str, rights: MailRights) -> None:
        await self.users.set_mail_rights(profile, rights)

    async def _start(self, **how: Any) -> None:
        if how:
            self.mails = self._mails(**how)
        await self.mails.start(self.outbox)  # type: ignore[arg-type]
        self.addCleanup(lambda: Deferred.fromCoroutine(self.mails.stop()))

    async def _stop(self) -> None:
        """Everything that was heard is done afterwards."""
        await self.mails.stop()

    def _trigger(self, what: Alarm, **more: Any) -> None:
        cause = what.causes[-1]
        self.bus.publish(AlarmTriggered(1, what, Trigger(at=what.last_at, cause=cause, **more)))

    def _state(self, uid: int, status: Status, reason: str = "", since: datetime | None = None) -> None:
        state = CameraState(uid, status, reason, since or self._now())
        self.shop.states[uid] = state
        self.bus.publish(CameraStateChanged(1, state))

    async def _queued(self) -> list[QueuedMail]:
        return list(reversed(await self.rows.page(MailQuery(), 100)))

    async def _said(self) -> list[tuple[str, str]]:
        return [(mail.recipient.partition("@")[0], mail.kind) for mail in await self._queued()]

    async def _text(self, mail: QueuedMail) -> EmailMessage:
        [[message]] = await self.rows_of("select message from mail where id = %s", (mail.id,))
        read: Any = message_from_bytes(bytes(message), policy=default)  # type: ignore[arg-type]
        return read  # type: ignore[no-any-return]

    async def rows_of(self, sql: str, args: object = None) -> list[tuple]:
        return await self.database.query(sql, args)

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        while not await condition():
            await deferLater(reactor, 0.005)

    # ── alarms ──

    async def test_one_mail_an_alarm(self) -> None:
        """The first trigger that is to be mailed, in the language of each; later ones and repeated facts add none."""
        await self._rights("operator", MailRights(alarms=frozenset({101})))
        await self._start()
        self._trigger(alarm(mail=False))
        self._trigger(alarm(triggers=2), message="door")
        self._trigger(alarm(triggers=3))
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "alarm"), ("boris", "alarm")])
        first, second = await self._queued()
        self.assertEqual((first.subject, second.subject), ("[Shop] Alarm: Front till", "[Shop] Alarme : Front till"))
        self.assertIn("door", (await self._text(first)).get_body(("plain",)).get_content())  # type: ignore[union-attr]
        self.mails = self._mails()
        await self._start()
        self._trigger(alarm())
        await self._stop()
        self.assertEqual(len(await self._queued()), 2)

    async def test_recipients_follow_the_profile(self) -> None:
        """All cameras, some, none; only those the profile may see; nobody locked, nobody without an address."""
        await self._rights("operator", MailRights(alarms=frozenset({102})))
        await self.users.create("carla", "viewer", "x", NOON)
        await self.users.set_email("carla", "carla@shop.example")
        await self._rights("viewer", MailRights(alarms=None))
        await self.database.execute("update profile set cameras = '{101}' where name = 'viewer'")
        self.addCleanup(lambda: self.database.execute("update profile set cameras = null where name = 'viewer'"))
        await self.users.create("dora", "administrator", "x", NOON)
        await self.users.create("emil", "administrator", "x", NOON)
        await self.users.set_email("emil", "emil@shop.example")
        emil = await self.users.by_name("emil")
        assert emil is not None
        await People(self.database).change(emil.id, {"locked": True})
        self.assertEqual(await self.users.without_address(), ["dora"])
        await self._start()
        self._trigger(alarm(1, 101))
        self._trigger(alarm(2, 102))
        await self._stop()
        self.assertEqual(
            await self._said(), [("anna", "alarm"), ("carla", "alarm"), ("anna", "alarm"), ("boris", "alarm")]
        )
        self.assertFalse(Recipient("x", "x@y", rights=MailRights()).gets_alarms_of(101))

    async def test_people_and_profiles_that_are_not_there(self) -> None:
        """Rights are read again as they were set; who does not exist is named."""
        rights = MailRights(None, frozenset({101, 102}), False, True, False)
        await self._rights("operator", rights)
        self.assertEqual((await self.users.mail_rights())["operator"], rights)
        self.assertTrue(rights.any and not MailRights().any)
        for attempt in (self.users.set_email("nobody", ""), self._rights("none", rights)):
            with self.assertRaises(NotFound):
                await attempt

    async def test_contact_boxes(self) -> None:
        """Who gets contacts is told of their alarms, whatever cameras' alarms are mailed otherwise; once."""
        await self._rights("operator", MailRights(contacts=True))
        await self._start()
        self._trigger(alarm(1, causes=("contact",)), origin="box 1", message="door open")
        self._trigger(alarm(2))
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "contact"), ("boris", "contact"), ("anna", "alarm")])

    async def test_exceptions(self) -> None:
        """Who gets exceptions is told of alarms that a rule raised, and of no others."""
        await self._rights("operator", MailRights(rules=True))
        await self._start()
        self._trigger(
            alarm(1, causes=("rule",)),
            origin="Line cancelled over 20",
            message="Line cancelled over 20 · 1 · 7 · TARTE",
        )
        self._trigger(alarm(2))
        joined = replace(alarm(2, causes=("motion", "rule")), triggers=2)
        for said in ("1 · 8 · PAIN", "1 · 8 · LAIT"):  # it goes on by exceptions: who gets these is told, once
            self._trigger(joined, origin="Returned", message=f"Returned · {said}")
        await self._stop()
        self.assertEqual(
            await self._said(),
            [("anna", "alarm"), ("boris", "alarm"), ("anna", "alarm"), ("anna", "alarm"), ("boris", "alarm")],
        )
        subjects = [mail.subject for mail in await self._queued()]
        for subject, said in (
            (subjects[1], "Line cancelled over 20 · 1 · 7 · TARTE"),
            (subjects[4], "Returned · 1 · 8 · PAIN"),
        ):
            self.assertRegex(subject, rf"Exception\s?: {said}\Z")  # each in his language

    async def test_the_picture_is_awaited(self) -> None:
        """A mail leaves as soon as its picture is there."""
        await self._start(picture=True)
        self._trigger(alarm())

        async def asked() -> bool:
            return self.pictures_asked > 0

        await self._until(asked)
        [mail] = await self._queued()
        self.assertEqual(mail.next_at, NOON + timedelta(seconds=10))
        self.picture = JPEG
        self.clock.advance(1)

        async def attached() -> bool:
            return (await self._queued())[0].next_at <= self._now()

        await self._until(attached)
        parts = [part for part in (await self._text(mail)).walk() if part.get_content_type() == "image/jpeg"]
        self.assertEqual([part.get_content() for part in parts], [JPEG])

    async def test_without_a_picture(self) -> None:
        """After some seconds it leaves without, and nobody asks any more."""
        await self._start(picture=True)
        self._trigger(alarm())

        async def asked() -> bool:
            return self.pictures_asked > 0

        await self._until(asked)
        for _ in range(20):
            self.clock.advance(1)
        self.assertEqual(self.pictures_asked, 10)
        self.assertIsNotNone(await self.rows.due(self._now()))

    async def test_too_many_alarms(self) -> None:
        """After three within an hour the others wait for a summary, which comes an hour after the first of them."""
        await self._start()
        for number in range(1, 8):
            what = alarm(number, at=self._now())
            await AlarmStore.insert(
                _Cursor(self.database), [AlarmTriggered(number, what, Trigger(at=NOON, cause="tcp"))]
            )
            self._trigger(what)
            self.clock.advance(1)

        async def held() -> bool:
            return (await self.rows_of("select count(*) from mail_fact where state = 'held'"))[0][0] == 4

        await self._until(held)
        self.assertEqual(await self._said(), [("anna", "alarm")] * 3)
        self.clock.advance(3600)

        async def told() -> bool:
            return len(await self._queued()) == 4

        await self._until(told)
        digest = (await self._queued())[-1]
        self.assertEqual((digest.kind, digest.subject), ("digest", "[Shop] 4 more alarms: Front till"))
        self.clock.advance(60)
        self._trigger(alarm(9, at=self._now()))
        await self._stop()
        self.assertEqual([kind for _, kind in await self._said()], ["alarm"] * 3 + ["digest", "alarm"])

    async def test_switched_off(self) -> None:
        """While there is no mail server alarms pass, and are not made up for later."""
        await self.settings.set("mail", to_json(MailSettings()))
        await self._start()
        self._trigger(alarm())
        await self._stop()
        self.assertTrue(await self.rows.taken("alarm:1"))
        await self.settings.set("mail", to_json(ON))
        self.mails = self._mails()
        await self._start()
        self._trigger(alarm())
        await self._stop()
        self.assertEqual(await self._said(), [])

    async def test_an_alarm_that_a_crash_left_unmailed(self) -> None:
        """It is durable before anybody hears of it, and found at the next start; one of long ago is left."""
        old = NOON - timedelta(days=2)
        for number, what in ((1, alarm(1)), (2, alarm(2, at=old)), (3, alarm(3, mail=False))):
            trigger = Trigger(at=what.started_at, cause="tcp", message="said")
            await AlarmStore.insert(_Cursor(self.database), [AlarmTriggered(number, what, trigger)])
        await self._start()
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "alarm")])
        body = (await self._text((await self._queued())[0])).get_body(("plain",))
        self.assertIn("said", body.get_content())  # type: ignore[union-attr]

    async def test_the_database_is_away(self) -> None:
        """What is heard meanwhile waits its turn."""
        rows = _Away(self.rows)
        await self._start(rows=rows)
        rows.away = True
        self._trigger(alarm(1))
        self._trigger(alarm(2))
        self.clock.advance(5)
        self.assertEqual(await self._said(), [])
        rows.away = False
        self.clock.advance(5)
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "alarm")] * 2)

    # ── cameras ──

    async def test_lost_and_back(self) -> None:
        """After its grace, once; back once; a camera whose calendar says never is not told of."""
        await self._rights("operator", MailRights(lost=frozenset({102})))
        await self._start()
        self._state(101, Status.INACTIVE, "timeout")
        self._state(102, Status.INACTIVE, "timeout")
        self.clock.advance(59)
        self._state(101, Status.ERROR, "unauthorized")
        self.clock.advance(1)
        self._state(101, Status.INACTIVE, "timeout")
        self.clock.advance(100)
        self._state(101, Status.ACTIVE)
        self._state(102, Status.ACTIVE)
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "lost"), ("anna", "back")])
        lost = (await self._text((await self._queued())[0])).get_body(("plain",))
        self.assertIn("wants another password", lost.get_content())  # type: ignore[union-attr]

    async def test_a_short_absence(self) -> None:
        """Within the grace, or switched off on purpose: nobody is told."""
        await self._start()
        for status in (Status.ACTIVE, Status.IGNORED):
            self._state(101, Status.INACTIVE, "timeout")
            self.clock.advance(59)
            self._state(101, status, "off" if status == Status.IGNORED else "")
            self.clock.advance(120)
        await self._stop()
        self.assertEqual(await self._said(), [])

    async def test_lost_over_a_restart(self) -> None:
        """A camera that is still lost is not told of again; that it is back is told by the next process."""
        await self._start()
        self._state(101, Status.INACTIVE, "timeout")
        self.clock.advance(60)
        await self._stop()
        self.mails = self._mails()
        await self._start()
        self._state(101, Status.INACTIVE, "refused")
        self.clock.advance(600)
        self._state(101, Status.ACTIVE)
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "lost"), ("anna", "back")])

    # ── the server ──

    async def test_purge(self) -> None:
        """Once a day and volume by the shop's clock, where it is wanted."""
        await self._start()
        for hours, volume in ((0, "/a"), (1, "/a"), (1, "/b"), (11, "/a")):
            values: dict[str, str | int | float] = {
                "until": "2026-11-01T00:00:00.000000Z",
                "volume": volume,
                "files": 7,
                "megabytes": 99,
            }
            at = NOON + timedelta(hours=hours)
            entry = JournalEntry(id=1, at=at, kind="system", text="footage_made_room", values=values)
            self.bus.publish(Noted(1, entry))
            self.bus.publish(Noted(2, replace(entry, text="footage_expired")))
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "purge")] * 3)

    async def test_signs_of_life(self) -> None:
        """At its hour, numbered without a gap, once; after a restart the one that was missed."""
        await self.settings.set("mail", to_json(replace(ON, life="day", life_hour=14)))
        await self._start()
        self.clock.advance(2 * 3600)  # 13:00 UTC is 14:00 there, on the way
        await self._stop()
        self.assertEqual(await self._said(), [("anna", "life")] * 2)  # yesterday's was missed, today's is due
        self.mails = self._mails()
        await self._start()
        await self._stop()
        self.clock.advance(2 * 24 * 3600)
        self.mails = self._mails()
        await self._start()
        await self._stop()
        subjects = [mail.subject for mail in await self._queued()]
        self.assertEqual([subject.partition(":")[0][-1] for subject in subjects], ["1", "2", "3"])
        body = (await self._text((await self._queued())[0])).get_body(("plain",))
        self.assertIn("50 % of the time recorded", body.get_content())  # type: ignore[union-attr]

    async def test_settings_are_followed(self) -> None:
        """What an administrator changes acts at once, and wakes the queue."""
        await self._start()
        await self.settings.set("mail", to_json(replace(ON, host="other.shop")))
        self.bus.publish(SettingChanged("setting", "other"))
        self.bus.publish(SettingChanged("setting", "mail"))
        await self._stop()
        self.assertEqual((self.mails.settings.host, self.outbox.told), ("other.shop", 1))


class _Cursor:
    """A cursor for one statement after the other."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def execute(self, sql: str, args: Any = None) -> None:
        await self._database.execute(sql, args)


class _Away:
    """Rows of a database that may be away."""

    def __init__(self, rows: MailStore) -> None:
        self._rows = rows
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise DatabaseUnavailable("away")
        return getattr(self._rows, name)
