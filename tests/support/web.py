"""A whole site on fakes that keep everything in memory, and the people who visit it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from support import log_search
from support.alarms import StoredAlarms, StoredCalendars
from support.contacts import SeenEvents, StoredBoxes
from support.mail_office import Shelf, office
from support.people import OPERATOR, StoredPeople
from support.prisma import PrismaShop
from support.rules import Shelves
from support.tills import Speech
from support.words import translations
from treq.testing import StubTreq
from twisted.internet import defer
from twisted.internet.task import Clock

from camtrace import clock
from camtrace.alarm.pictures import Pictures
from camtrace.alarm.service import Alarms
from camtrace.auth import Gate, Throttle
from camtrace.bus import Bus
from camtrace.config import Site
from camtrace.errors import Conflict, DatabaseUnavailable, NotFound
from camtrace.events import LineReceived, SettingChanged
from camtrace.intake import Ids
from camtrace.keeping.days import KeptDays
from camtrace.metrics import Metrics
from camtrace.model import (
    RIGHTS,
    Camera,
    CameraState,
    Disconnection,
    DisconnectionQuery,
    FootageKept,
    Gap,
    HitCount,
    JournalEntry,
    JournalQuery,
    Kept,
    Leaving,
    Line,
    LineSearch,
    MotionSettings,
    Moved,
    Profile,
    Removal,
    Sound,
    Span,
    Status,
    Ticket,
    User,
)
from camtrace.pools import Inline
from camtrace.tickets.overlay import Shown
from camtrace.tickets.trial import Trials
from camtrace.timetable import Timetable
from camtrace.vault import Vault
from camtrace.web.access import Access, Anyone, May, Visit
from camtrace.web.api.alarm_pictures import AlarmPicturesApi
from camtrace.web.api.alarms import AlarmsApi
from camtrace.web.api.calendars import CalendarsApi
from camtrace.web.api.cameras import CamerasApi
from camtrace.web.api.capture import CaptureApi
from camtrace.web.api.contact_boxes import ContactBoxesApi
from camtrace.web.api.dialects import DialectsApi
from camtrace.web.api.disconnections import DisconnectionsApi
from camtrace.web.api.events import EventsApi
from camtrace.web.api.exceptions import ExceptionsApi
from camtrace.web.api.footage import FootageApi
from camtrace.web.api.health import HealthApi
from camtrace.web.api.journal import JournalApi
from camtrace.web.api.lines import LinesApi
from camtrace.web.api.mail import MailApi
from camtrace.web.api.motion import MotionApi
from camtrace.web.api.openapi import OpenApi
from camtrace.web.api.prisma import PrismaApi
from camtrace.web.api.profiles import ProfilesApi
from camtrace.web.api.reports import ReportsApi
from camtrace.web.api.rules import RulesApi
from camtrace.web.api.searches import SearchesApi
from camtrace.web.api.sources import SourcesApi
from camtrace.web.api.storage import StorageApi
from camtrace.web.api.users import UsersApi
from camtrace.web.api.volumes import VolumesApi
from camtrace.web.live import LiveSocket
from camtrace.web.routing import new_app, requirer
from camtrace.web.site import Website
from camtrace.web.static import Static
from camtrace.web.voices import Voices

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
ADMINISTRATOR = Profile(1, "administrator", frozenset(RIGHTS))
VIEWER = Profile(3, "viewer", frozenset({"live", "replay"}))
FRONT = Camera(uid=101, id=1, name="Front till", url="rtsp://10.0.0.1/main", login="cam", overlay_ids=("1",))
BACK = Camera(uid=102, id=2, name="Stock", url="rtsp://10.0.0.2/main")
GONE = Camera(uid=90, id=1, name="Old till", url="rtsp://10.0.0.9/main", deleted_at=NOON - timedelta(days=3))


@cache
def password_hash() -> str:
    """The Argon2 hash of PASSWORD, made once, of the kind that is verified fast."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


class Accounts:
    """People, sessions and tokens in dicts; `away` makes every question fail as without a database."""

    def __init__(self, *users: User) -> None:
        self.users = {user.name: user for user in users}
        self.sessions: dict[bytes, str] = {}
        self.tokens: dict[bytes, str] = {}
        self.links: set[bytes] = set()
        self.password_links: dict[bytes, str] = {}
        self.away = False

    def _user(self, name: str | None) -> User | None:
        if self.away:
            raise DatabaseUnavailable("the database is away")
        return self.users.get(name or "")

    async def by_name(self, name: str) -> User | None:
        return self._user(name)

    async def count(self) -> int:
        return len(self.users)

    async def create(self, name: str, profile: str, password_hash: str, at: datetime) -> User:
        user = User(len(self.users) + 1, name, ADMINISTRATOR, password_hash)
        self.users[name] = user
        return user

    async def set_password(self, user_id: int, password_hash: str) -> None:
        user = self._change(user_id, password_hash=password_hash)
        self.sessions = {digest: name for digest, name in self.sessions.items() if name != user.name}

    async def has_player_secrets(self) -> bool:
        return any(user.player_ha1 for user in self.users.values())

    async def set_player_ha1(self, user_id: int, sealed: bytes) -> None:
        self._change(user_id, player_ha1=sealed)

    def _change(self, user_id: int, **fields: Any) -> User:
        user = next(user for user in self.users.values() if user.id == user_id)
        self.users[user.name] = replace(user, **fields)
        return user

    async def open_session(self, digest: bytes, user_id: int, peer: str, at: datetime) -> None:
        self.sessions[digest] = next(user.name for user in self.users.values() if user.id == user_id)

    async def session(self, digest: bytes, not_before: datetime, at: datetime) -> User | None:
        return self._user(self.sessions.get(digest))

    async def close_session(self, digest: bytes) -> None:
        self.sessions.pop(digest, None)

    async def add_token(self, digest: bytes, user_id: int, at: datetime) -> None:
        self.tokens[digest] = next(user.name for user in self.users.values() if user.id == user_id)

    async def token(self, digest: bytes) -> User | None:
        return self._user(self.tokens.get(digest))

    async def add_link(self, digest: bytes, at: datetime, expires_at: datetime) -> None:
        self.links = {digest}

    async def link_valid(self, digest: bytes, at: datetime) -> bool:
        return digest in self.links

    async def redeem_link(self, digest: bytes, name: str, password_hash: str, at: datetime) -> User | None:
        if digest not in self.links:
            return None
        self.links.clear()
        return await self.create(name, "administrator", password_hash, at)

    async def link_user(self, digest: bytes, at: datetime) -> User | None:
        user = self._user(self.password_links.get(digest))
        return user if user is not None and not user.locked else None

    async def redeem_password_link(self, digest: bytes, password_hash: str, at: datetime) -> User | None:
        user = await self.link_user(digest, at)
        if user is None:
            return None
        del self.password_links[digest]
        return self._change(user.id, password_hash=password_hash)


class Cameras:
    """Directory and store of cameras in one list. What is stored shows only after `refresh`, as in real life."""

    def __init__(self, *cameras: Camera) -> None:
        self.stored = list(cameras)
        self._known = [camera for camera in cameras if camera.deleted_at is None]
        self.states = {camera.uid: CameraState(camera.uid, Status.ACTIVE, "", NOON) for camera in cameras}

    def by_id(self, id: int) -> Camera | None:
        return next((camera for camera in self._known if camera.id == id), None)

    def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self._known if camera.uid == uid), None)

    def all(self) -> list[Camera]:
        return sorted(self._known, key=lambda camera: camera.id)

    def watching(self, source: str) -> tuple[int, ...]:
        return tuple(camera.uid for camera in self._known if source in camera.overlay_ids)

    def state(self, uid: int) -> CameraState:
        return self.states.get(uid, CameraState(uid, Status.INACTIVE, "starting", NOON))

    async def refresh(self) -> None:
        self._known = [camera for camera in self.stored if camera.deleted_at is None]


class CameraRows:
    """The camera store over the same list."""

    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras

    async def create(self, fields: Mapping[str, Any], at: datetime) -> Camera:
        used = {camera.id for camera in self._cameras.stored if camera.deleted_at is None}
        lowest = min(set(range(1, len(used) + 2)) - used)
        if fields.get("id") in used:
            raise Conflict("another camera has the number {number}", "id", number=fields["id"])
        camera = Camera(uid=200 + len(self._cameras.stored), **{"id": lowest, **fields})
        self._cameras.stored.append(camera)
        return camera

    async def update(self, uid: int, fields: Mapping[str, Any]) -> Camera:
        found = self._find(uid)
        existing = [camera for camera in self._cameras.stored if camera.deleted_at is None]
        if any(other.id == fields.get("id") and other is not found for other in existing):
            raise Conflict("another camera has the number {number}", "id", number=fields["id"])
        return self._replace(found, **fields)

    async def delete(self, uid: int, at: datetime) -> Camera:
        return self._replace(self._find(uid), deleted_at=at, password=b"")

    async def deleted(self) -> list[Camera]:
        return [camera for camera in self._cameras.stored if camera.deleted_at is not None]

    async def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self._cameras.stored if camera.uid == uid), None)

    def _find(self, uid: int) -> Camera:
        for camera in self._cameras.stored:
            if camera.uid == uid and camera.deleted_at is None:
                return camera
        raise NotFound("this camera does not exist any more")

    def _replace(self, camera: Camera, **fields: Any) -> Camera:
        changed = replace(camera, **fields)
        self._cameras.stored[self._cameras.stored.index(camera)] = changed
        return changed


@dataclass
class Clip:
    """An MP4 whose content is known."""

    content: bytes
    start: datetime = NOON
    stop: datetime = NOON + timedelta(seconds=60)
    mime: str = 'video/mp4; codecs="avc1.64001f"'
    reads: int = 0

    @property
    def length(self) -> int:
        return len(self.content)

    async def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return self.content[offset : offset + length]


class Recorded:
    """Footage of cameras by uid; every question is kept in `asked`."""

    def __init__(self) -> None:
        self.clips: dict[int, Clip] = {}
        self.pictures: dict[int, bytes] = {}
        self.sounds: dict[int, Sound] = {}
        self.asked: list[tuple[Any, ...]] = []

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]:
        self.asked.append(("spans", camera_uid, kind, start, stop))
        return [Span(NOON, NOON + timedelta(seconds=30))] if camera_uid in self.clips else []

    async def gaps(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]:
        return [Gap(camera_uid, NOON + timedelta(seconds=30), None, "camera")] if camera_uid in self.clips else []

    async def mp4(
        self, camera: Camera, kind: str, start: datetime, stop: datetime, *, absolute: bool = False
    ) -> Clip | None:
        self.asked.append(("mp4", camera.uid, kind, start, stop, absolute))
        return self.clips.get(camera.uid)

    async def sound(self, camera: Camera, start: datetime, stop: datetime) -> Sound | None:
        self.asked.append(("sound", camera.uid, start, stop))
        return self.sounds.get(camera.uid)

    async def picture(self, camera: Camera, at: datetime) -> bytes | None:
        self.asked.append(("picture", camera.uid, at))
        return self.pictures.get(camera.uid)


class Watched:
    """Live cameras: the test plays the camera through `viewers`."""

    def __init__(self) -> None:
        self.viewers: dict[int, list[Any]] = {}
        self.pictures: dict[int, bytes] = {}
        self.stills: list[bool] = []  # what each viewer wished

    def watch(self, camera_uid: int, viewer: Any, stills: bool = False) -> Callable[[], None]:
        self.stills.append(stills)
        viewers = self.viewers.setdefault(camera_uid, [])
        viewers.append(viewer)
        return lambda: viewers.remove(viewer)

    async def picture(self, camera_uid: int) -> bytes | None:
        return self.pictures.get(camera_uid)


class Seen:
    """What moves: the test tells `listeners`, by camera, with the settings each came with."""

    def __init__(self) -> None:
        self.listeners: list[tuple[int, Callable[[Moved], object], MotionSettings]] = []

    def subscribe(
        self, camera_uid: int, listener: Callable[[Moved], object], settings: MotionSettings
    ) -> Callable[[], None]:
        self.listeners.append(one := (camera_uid, listener, settings))
        return lambda: self.listeners.remove(one)


class Log:
    """The external log; the questions asked are kept."""

    def __init__(self) -> None:
        self.stored: list[Line] = []
        self.sales: list[Ticket] = []
        self.asked: list[dict[str, Any]] = []
        self.wanted: list[LineSearch] = []
        self.counts = True  # whether hits are counted in time

    async def search(
        self, wanted: LineSearch, after: Any = None, ascending: bool = False, limit: int = 100
    ) -> list[Line]:
        self.wanted.append(wanted)
        return log_search.found(self.stored, wanted, after, ascending, limit)

    async def hits(self, wanted: LineSearch, most: int = 10_000) -> list[HitCount] | None:
        self.wanted.append(wanted)
        return log_search.hits(self.stored, wanted, most) if self.counts else None

    async def tickets(self, **asked: Any) -> list[Ticket]:
        self.asked.append(asked)
        return self.sales[: asked["limit"]]

    async def ticket(self, id: int) -> tuple[Ticket, list[Line]] | None:
        found = [sale for sale in self.sales if sale.id == id]
        return (found[0], [line for line in self.stored if line.ticket_id == id]) if found else None


class Entries:
    """A journal."""

    def __init__(self) -> None:
        self.stored: list[JournalEntry] = []

    async def entries(
        self, query: JournalQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[JournalEntry]:
        found = [
            entry
            for entry in self.stored
            if query.kind in (None, entry.kind)
            and (query.start is None or entry.at >= query.start)
            and (query.stop is None or entry.at <= query.stop)
            and (query.camera_uids is None or entry.camera_uid in query.camera_uids)
            and all(entry.text in texts or word in f"{entry.values} {entry.user}" for word, texts in query.words)
        ]
        return [entry for entry in found if before is None or (entry.at, entry.id) < before][:limit]


class Losses:
    """When cameras were lost; how many were asked for is kept."""

    def __init__(self) -> None:
        self.stored: list[Disconnection] = []
        self.limits: list[int] = []

    async def page(
        self, query: DisconnectionQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[Disconnection]:
        self.limits.append(limit)
        return [
            one
            for one in self.stored
            if (query.camera_uids is None or one.camera_uid in query.camera_uids)
            and (before is None or (one.lost_at, one.id) < before)
            and all(word in one.camera_name or one.reason in codes for word, codes in query.words)
        ][:limit]


class Past:
    """What became durable before."""

    def __init__(self) -> None:
        self.facts: list[tuple[int, Any]] = []

    async def since(self, fact_id: int, limit: int) -> Sequence[tuple[int, Any]]:
        return [pair for pair in self.facts if pair[0] > fact_id][:limit]


DAYS = {"footage": 30, "alarms": 0, "lines": 730, "journals": 365}


class OldRows:
    """What is kept in the database, and for how long; `older` is what would go of each kind."""

    def __init__(self) -> None:
        self.removals: dict[str, Removal] = {}
        self.oldest: datetime | None = None
        self.older: dict[str, Leaving] = {}
        self.changed: Callable[[], object] = lambda: None

    async def all(self) -> dict[str, Removal]:
        return dict(self.removals)

    async def set(self, what: str, days: Any, held: Any, announced: Any, announced_at: Any) -> None:
        before = self.removals.get(what, Removal(what))
        self.removals[what] = replace(before, days=days, held=held, announced=announced, announced_at=announced_at)
        self.changed()

    async def leaving(self, what: str, before: datetime) -> Leaving:
        return self.older.get(what, Leaving({}))

    async def kept(self, what: str) -> Kept:
        return Kept(self.removals.get(what, Removal(what)), self.oldest)

    async def footage(self) -> list[FootageKept]:
        return [FootageKept("/mnt/a", 5 * 10**9, self.oldest)]

    async def database_bytes(self) -> int:
        return 1_234_000_000


class OldFootage:
    """Recordings that would go."""

    def __init__(self, rows: OldRows) -> None:
        self._rows = rows

    async def leaving(self, days: int, alarm_days: int) -> Leaving:
        return self._rows.older.get("footage", Leaving({}))


@dataclass
class Disk:
    """A volume for footage."""

    name: str
    state: str = "ok"
    why: str = ""
    free_bytes: int = 5

    def is_called(self, name: str) -> bool:
        return name in (self.name, self.name.rpartition("/")[2])


class OnScreen:
    """What stands on the tills' screens."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}

    def on_screen(self, source: str) -> Shown | None:
        return self.shown.get(source)


class Silent(dict[str, datetime]):
    """Which tills are silent, since when."""

    def since(self, source: str) -> datetime | None:
        return self.get(source)

    def minutes(self, source: str) -> int:
        return 30


class Tried:
    """Tests cameras: says what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Camera, str]] = []

    async def test(self, camera: Camera, password: str) -> Mapping[str, Any]:
        self.given.append((camera, password))
        return {"ok": True, "codec": "h264"}


class PlainPages:
    """The least that pages are: a login form, a guarded page, a thing to change."""

    app = new_app()

    def __init__(self, access: Access) -> None:
        self.access = access

    @requirer.require(app.route("/login", methods=["GET"]), request=Anyone())
    async def login(self, request: Any) -> str:
        return "log in"

    @requirer.require(app.route("/login", methods=["POST"]), request=Anyone())
    async def log_in(self, request: Any) -> str:
        name, password = (request.args.get(key, [b""])[0].decode() for key in (b"name", b"password"))
        await self.access.log_in(request, name, password)
        return "welcome"

    @requirer.require(app.route("/logout", methods=["POST"]), visit=May())
    async def log_out(self, visit: Visit) -> str:
        await self.access.log_out(visit)
        return "bye"

    @requirer.require(app.route("/me", methods=["GET"]), visit=May())
    async def me(self, visit: Visit) -> str:
        return f"{visit.user.name} {visit.csrf}"

    @requirer.require(app.route("/fail", methods=["GET"]), visit=May())
    async def fail(self, visit: Visit) -> str:
        raise ZeroDivisionError("on purpose")


class WebShop:
    """A site with two cameras, an administrator `anna` and a viewer `boris` who sees only camera 1."""

    def __init__(self, reactor: Any = None, static: Path | None = None) -> None:
        reactor = reactor or Clock()
        self.users = Accounts(
            User(1, "anna", ADMINISTRATOR, password_hash()),
            User(2, "boris", replace(VIEWER, cameras=frozenset({101})), password_hash()),
        )
        self.vault = Vault(Fernet.generate_key())
        self.seconds = [0.0]
        self.gate = Gate(self.users, self.vault, Inline(), Throttle(lambda: self.seconds[0]))  # type: ignore[arg-type]
        self.access = Access(self.gate)
        self.bus, self.metrics = Bus(), Metrics()
        self.bus.subscribe(SettingChanged, self.access.setting_changed)
        boris = self.users.users["boris"].profile
        self.people = StoredPeople(self.users, self.bus, ADMINISTRATOR, OPERATOR, boris)
        self.cameras = Cameras(replace(FRONT, password=self.vault.seal("secret")), BACK, GONE)
        self.rows = CameraRows(self.cameras)
        self.footage, self.live, self.log, self.journal = Recorded(), Watched(), Log(), Entries()
        self.past, self.screens, self.probe, self.sub_streams = Past(), OnScreen(), Tried(), Watched()
        self.stored_alarms, self.calendars = StoredAlarms(self.bus), StoredCalendars()
        self.timetable = Timetable(self.calendars.all, ZoneInfo("Europe/Paris"))
        self.alarms = Alarms(
            self.stored_alarms,
            self.cameras,
            self.timetable,
            self.stored_alarms,
            Ids().next,
            self.metrics,
            reactor,
        )
        self.boxes, self.camera_events = StoredBoxes(), SeenEvents()
        self.losses, self.pictures = Losses(), Pictures()
        self.voices = Voices(translations(), Site("Shop", "Europe/Paris"))
        self.searches = log_search.KeptSearches()
        self.notes: list[tuple[Any, ...]] = []
        self.shelf = Shelf()
        self.rules = Shelves()
        self.health: dict[str, Any] = {"database": self._well}
        self.volumes: list[Any] = []
        self.old_rows = OldRows()
        self.kept_days = KeptDays(self.old_rows, OldFootage(self.old_rows), self._note, UTC, DAYS)
        self.kept_since: datetime | None = None
        self.tills_at_the_door: list[str] = []
        self.speech = Speech(self.cameras, self._note)
        offset = self.speech.book.offset
        self.socket = LiveSocket(
            reactor,
            self.access,
            self.cameras,
            offset,
            self.live,
            self.sub_streams,
            self.screens,
            self.bus,
            self.metrics,
            lambda source: self.silences.since(source),
            lambda language: {"tills": {each.source: {"label": each.label} for each in self.speech.book.all()}},
            self.kept_days.all_wanted,
        )
        self.speech.reloaded = self.socket.settings_changed
        self.prisma = PrismaShop(self.bus, self.cameras, self._note)
        self.motion = Seen()
        self.silences = Silent()
        self.spoken: set[str] = set()
        self.captures = CaptureApi(reactor, self.access, self.speech.capture)
        self.levels = MotionApi(reactor, self.access, self.cameras, self.motion)
        self.events = EventsApi(reactor, self.access, self.cameras, offset, self.bus, self.past)
        api = [
            HealthApi(reactor, self.access, self.health, self.metrics),
            self.cameras_api(self.probe, lambda: self.volumes),
            *self.journals(reactor),
            AlarmPicturesApi(
                self.access, self.cameras, self.rows, self.stored_alarms, self.pictures, self.footage, self.live
            ),
            CalendarsApi(self.access, self.calendars, self.timetable, self._note),
            self.boxes_api(),
            FootageApi(reactor, self.access, self.cameras, self.rows, self.footage, self.live),
            PrismaApi(self.access, self.cameras, self.prisma.registry, self.prisma.sources, self.silences),
            LinesApi(
                reactor,
                self.access,
                self.cameras,
                offset,
                self.speech.book.all,
                self.rows,
                self.log,
                self.voices,
                Inline(),
                "Marché Sud",
                lambda: self.kept_since,
            ),
            SearchesApi(self.access, self.searches),
            *self.rule_apis(reactor),
            VolumesApi(self.access, lambda: self.volumes),
            StorageApi(self.access, lambda: self.volumes, self.old_rows, self.kept_days),
            *self.tills_api(),
            self.levels,
            self.events,
            self.socket,
            OpenApi(self.access, lambda: self.website.root.routes()),
        ]
        pages: list[Any] = [PlainPages(self.access)]
        if static is not None:
            pages.append(Static(static))
        self.website = Website(reactor, pages=pages, api=api, till_at_the_door=self.tills_at_the_door.append)

    def journals(self, reactor: Any) -> list[Any]:
        """The APIs of the journals."""
        around = (reactor, self.access, self.cameras, self.rows)
        return [
            AlarmsApi(*around, self.stored_alarms, self.alarms, self.voices),
            DisconnectionsApi(*around, self.losses, self.voices),
            JournalApi(*around, self.journal, self.voices),
            UsersApi(self.access, self.people, self.gate, self._note),
            ProfilesApi(self.access, self.cameras, self.people, self._note),
            MailApi(*around, office(self.shelf, self.vault, self._note), self.voices),
        ]

    def tills_api(self) -> list[Any]:
        """The API of tills and dialects."""
        speech = self.speech
        return [
            DialectsApi(self.access, speech.dialects, speech.book, self._note, speech.reload, self.spoken),
            SourcesApi(
                self.access,
                self.cameras,
                speech,
                speech.book,
                speech.dialects,
                speech.tills,
                self._note,
                speech.reload,
                self.timetable,
                self.silences,
            ),
            self.captures,
        ]

    def cameras_api(self, probe: Any, volumes: Callable[[], Sequence[Any]]) -> CamerasApi:
        """The API of the cameras' settings."""
        return CamerasApi(
            self.access,
            self.cameras,
            self.rows,
            self.vault,
            probe,
            self._note,
            volumes,
            self.timetable,
            self.alarms,
            self.camera_events,
        )

    def rule_apis(self, reactor: Any, zone: str = "Europe/Paris") -> list[Any]:
        """The APIs of rules, exceptions and reports."""
        trials = Trials(self.rules, self.rules, self.rules, self.timetable, self.cameras, self.speech.book.offset)
        unseen = self.rules.unseen
        return [
            RulesApi(
                reactor,
                self.access,
                self.cameras,
                self.speech.book.offset,
                self.rules,
                trials,
                unseen,
                self.timetable,
                self._note,
            ),
            ExceptionsApi(
                reactor,
                self.access,
                self.cameras,
                self.speech.book.offset,
                self.till_name,
                self.rows,
                self.rules,
                self._note,
                self.voices,
            ),
            ReportsApi(self.access, self.rules, zone, self.till_name, self.voices),
        ]

    def till_name(self, source: str) -> str:
        return self.speech.book.of(source).label

    def boxes_api(self) -> ContactBoxesApi:
        """The API of contact boxes."""
        return ContactBoxesApi(self.access, self.cameras, self.boxes, self.boxes, self._note)

    @staticmethod
    async def _well() -> tuple[bool, str]:
        return True, "answers"

    def _note(
        self, kind: str, text: str, values: Mapping[str, Any], *, camera_uid: int | None = None, user: str = ""
    ) -> None:
        self.notes.append((kind, text, dict(values), camera_uid, user))

    def token(self, name: str = "anna") -> str:
        """A new bearer token of that user."""
        return _now(self.gate.new_token(self.users.users[name]))

    def session(self, name: str = "anna") -> tuple[str, str]:
        """A new session of that user: the cookie's value and the CSRF token."""
        cookie = _now(self.gate.open_session(self.users.users[name], "127.0.0.1"))
        return cookie, self.gate.csrf(cookie)


class Browser:
    """Asks the site without a socket. `token` or `session` says who asks."""

    def __init__(self, shop: WebShop, token: str = "", session: str = "") -> None:
        self._treq = StubTreq(shop.website.root)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        if session:
            self._headers["Cookie"] = f"camtrace_80={session}"

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **kwargs: Any) -> Answer:
        """The answer to one request; it must come at once."""
        address = f"http://shop{path}"
        sent = {**self._headers, **(headers or {})}
        asked = self._treq.request(method, address, headers=sent, allow_redirects=False, **kwargs)
        self._treq.flush()
        response = _now(asked)
        body = self._treq.content(response)
        self._treq.flush()
        return Answer(response.code, response.headers, _now(body))

    def get(self, path: str, **kwargs: Any) -> Answer:
        """The answer to a GET."""
        return self.ask("GET", path, **kwargs)


@dataclass
class Answer:
    """What came back."""

    code: int
    headers: Any
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; empty if absent."""
        return str((self.headers.getRawHeaders(name) or [""])[0])

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def _now(result: Any) -> Any:
    """The result of a coroutine or Deferred that needs nothing to happen first."""
    outcome: list[Any] = []
    defer.ensureDeferred(result).addBoth(outcome.append)
    assert outcome, "there is no result yet"
    if hasattr(outcome[0], "raiseException"):
        outcome[0].raiseException()
    return outcome[0]


def sale(number: int = 1, *, text: str = "BREAD", uids: tuple[int, ...] = (101,), **more: Any) -> LineReceived:
    """A line of till 1 with its ticket; `number` makes ids and instants."""
    at = NOON + timedelta(seconds=number)
    line = Line(
        id=clock.to_us(at) << 10,
        received_at=at,
        protocol="pos",
        source="1",
        ticket_id=7,
        type="A",
        text=text,
        quantity=Decimal(1),
        amount=Decimal("16.00"),
        raw=b"1|0|7|0|A|" + text.encode(),
        cameras=uids,
        **more,
    )
    ticket = Ticket(id=7, protocol="pos", source="1", number="0", opened_at=NOON, line_count=number)
    return LineReceived(line.id, line, ticket)
