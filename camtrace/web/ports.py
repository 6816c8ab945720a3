"""What the web needs of the rest of the program, as wide as the noun needs. `application.py` brings the real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from camtrace.mail.settings import MailSettings
from camtrace.model import (
    Alarm,
    AlarmMark,
    AlarmNow,
    AlarmQuery,
    Calendar,
    Camera,
    CameraState,
    ContactBox,
    ContactsState,
    DaysPlan,
    DaysSet,
    Disconnection,
    DisconnectionQuery,
    ExceptionQuery,
    FootageKept,
    Gap,
    HeardSource,
    HitCount,
    JournalEntry,
    JournalQuery,
    Kept,
    Line,
    LineSearch,
    MailQuery,
    MailRights,
    Member,
    MotionSettings,
    Moved,
    Profile,
    QueuedMail,
    Recipient,
    Rule,
    RuleException,
    SavedSearch,
    Sound,
    SourceSettings,
    Span,
    StoredDialect,
    Ticket,
    Trace,
    Trigger,
    User,
)
from camtrace.pos.wire import Message, WireError
from camtrace.prisma.catalogue import Catalogue, Kind
from camtrace.tickets.hits import Hit
from camtrace.tickets.overlay import Shown

T = TypeVar("T")
Fields = Mapping[str, Any]


class Gate(Protocol):
    """Passwords, sessions and tokens."""

    async def check_password(self, name: str, password: str, peer: str) -> User: ...
    async def open_session(self, user: User, peer: str) -> str: ...
    async def user_of_session(self, token: str) -> User | None: ...
    async def close_session(self, token: str) -> None: ...
    async def user_of_token(self, token: str) -> User | None: ...
    def user_of_token_lately(self, token: str) -> User | None: ...
    async def setup_wanted(self) -> bool: ...
    async def link_valid(self, code: str) -> bool: ...
    async def redeem_setup(self, code: str, name: str, password: str) -> User: ...
    async def change_password(self, user: User, password: str) -> None: ...
    async def new_player_password(self, user: User) -> str: ...
    async def link_user(self, code: str) -> User | None: ...
    async def redeem_password_link(self, code: str, password: str) -> User: ...
    def csrf(self, session_token: str) -> str: ...


class Passwords(Protocol):
    """Hashes of passwords; codes of links by which people set theirs, with digest and end. Raises Invalid."""

    async def hashed(self, password: str) -> str: ...
    def new_password_link(self) -> tuple[str, bytes, datetime]: ...


class People(Protocol):
    """Users and profiles in the database. `by` is the user who asks: nobody gives more than they have.

    Every change raises NotFound, Conflict or Overreach with nothing changed. `change` sets `name`, `profile` (a name),
    `email`, `language`, `locked` or `password_hash`; `change_profile` returns the profile as it was before.
    """

    async def members(self) -> list[Member]: ...
    async def member(self, id: int) -> Member: ...
    async def create(
        self,
        name: str,
        profile: str,
        password_hash: str,
        at: datetime,
        by: User | None = None,
        *,
        email: str = "",
        language: str = "",
    ) -> Member: ...
    async def change(self, id: int, fields: Fields, by: User | None = None) -> Member: ...
    async def remove(self, id: int, by: User | None = None) -> User: ...
    async def add_link(self, id: int, digest: bytes, expires_at: datetime, by: User | None = None) -> Member: ...
    async def end_tokens(self, id: int, by: User | None = None) -> User: ...
    async def profiles(self) -> list[tuple[Profile, int]]: ...
    async def profile(self, id: int) -> Profile: ...
    async def create_profile(self, profile: Profile, copy_of: int, by: User | None = None) -> Profile: ...
    async def change_profile(self, profile: Profile, by: User | None = None) -> Profile: ...
    async def remove_profile(self, id: int, by: User | None = None) -> Profile: ...


class CameraDirectory(Protocol):
    """The existing cameras and what they do now, from memory; `refresh` returns when it is as the database."""

    def by_id(self, id: int) -> Camera | None: ...
    def by_uid(self, uid: int) -> Camera | None: ...
    def all(self) -> list[Camera]: ...
    def watching(self, source: str) -> tuple[int, ...]: ...
    def state(self, uid: int) -> CameraState: ...
    async def refresh(self) -> None: ...


class CameraStore(Protocol):
    """Cameras in the database. `fields` are attributes of `model.Camera`, the password sealed.

    `create` gives the lowest free number unless `id` is among the fields; it and `update` raise Conflict when a number
    is taken, `update` and `delete` NotFound. `by_uid` knows deleted cameras too; `deleted` lists those, latest first.
    """

    async def create(self, fields: Fields, at: datetime) -> Camera: ...
    async def update(self, uid: int, fields: Fields) -> Camera: ...
    async def delete(self, uid: int, at: datetime) -> Camera: ...
    async def deleted(self) -> list[Camera]: ...
    async def by_uid(self, uid: int) -> Camera | None: ...


class Mp4(Protocol):
    """Footage as one MP4 file that nowhere exists as a whole."""

    length: int
    mime: str
    start: datetime
    stop: datetime

    async def read(self, offset: int, length: int) -> bytes: ...


class Footage(Protocol):
    """What was recorded. `kind` is "regular", "alarm" or "all"."""

    async def spans(self, camera_uid: int, kind: str, start: datetime, stop: datetime) -> list[Span]: ...
    async def gaps(self, camera_uid: int, start: datetime, stop: datetime) -> list[Gap]: ...
    async def mp4(
        self, camera: Camera, kind: str, start: datetime, stop: datetime, *, absolute: bool = False
    ) -> Mp4 | None: ...
    async def sound(self, camera: Camera, start: datetime, stop: datetime) -> Sound | None: ...
    async def picture(self, camera: Camera, at: datetime) -> bytes | None: ...


class LiveViewer(Protocol):
    """Who watches a camera live; called on the reactor."""

    def live_started(self, mime: str, init: bytes, note: str) -> None: ...
    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None: ...
    def live_ended(self, reason: str) -> None: ...


class Live(Protocol):
    """What the cameras send now; with `stills` as JPEG pictures, key frames where the codec is another."""

    def watch(self, camera_uid: int, viewer: LiveViewer, stills: bool = False) -> Callable[[], None]: ...
    async def picture(self, camera_uid: int) -> bytes | None: ...


class SubStreams(Protocol):
    """The cameras' second streams, connected while watched; the main stream is shown where there is none."""

    def watch(self, camera_uid: int, viewer: LiveViewer, stills: bool = False) -> Callable[[], None]: ...


class MotionLevels(Protocol):
    """What is seen to move."""

    def subscribe(
        self, camera_uid: int, listener: Callable[[Moved], object], settings: MotionSettings
    ) -> Callable[[], None]: ...


class LineStore(Protocol):
    """The external log. Lists are newest first (by instant, then id) unless `ascending`.

    `after` is the (instant, id) of the last one already seen, in the order asked for. `hits` counts the newest lines
    found by the hour, oldest first; None where that takes too long.
    """

    async def search(
        self,
        wanted: LineSearch,
        after: tuple[datetime, int] | None = None,
        ascending: bool = False,
        limit: int = 100,
    ) -> list[Line]: ...

    async def hits(self, wanted: LineSearch, most: int = 10_000) -> list[HitCount] | None: ...

    async def tickets(
        self,
        *,
        start: datetime | None = None,
        stop: datetime | None = None,
        camera_uids: Sequence[int] | None = None,
        source: str | None = None,
        number: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        after: tuple[datetime, int] | None = None,
        limit: int = 100,
    ) -> list[Ticket]: ...

    async def ticket(self, id: int) -> tuple[Ticket, list[Line]] | None: ...


class SavedSearches(Protocol):
    """Searches that people keep. `save` gives None to who keeps `most` others, `delete` tells whether it was.

    `rename` gives None where there is none of this id. Raises Conflict if another has the name.
    """

    async def all(self, user_id: int) -> list[SavedSearch]: ...
    async def save(self, user_id: int, name: str, query: str, most: int) -> SavedSearch | None: ...
    async def rename(self, user_id: int, id: int, name: str) -> SavedSearch | None: ...
    async def delete(self, user_id: int, id: int) -> bool: ...


class Jobs(Protocol):
    """Runs work that takes a while beside the reactor."""

    def job(self, function: Callable[..., T], *args: Any) -> Awaitable[T]: ...


class Screens(Protocol):
    """What stands on the screen now for a source: its open or just closed ticket; None if nothing does."""

    def on_screen(self, source: str) -> Shown | None: ...


class Alarms(Protocol):
    """Raises alarms, and takes note of who has seen one."""

    def trigger(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> Awaitable[list[Alarm]]: ...
    async def acknowledge(self, id: int, user: str) -> Alarm: ...
    def advised_post_seconds(self, camera_uid: int) -> int | None: ...


class AlarmStore(Protocol):
    """Alarms in the database, newest first. `before`: the (instant, id) of the last one of the page before."""

    async def by_id(self, id: int) -> Alarm | None: ...
    async def alarms(
        self, query: AlarmQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[Alarm]: ...
    async def triggers(self, alarm_ids: Sequence[int], most: int = ...) -> dict[int, list[Trigger]]: ...
    async def marks(
        self, camera_uids: Sequence[int] | None, start: datetime, stop: datetime, most: int, limit: int
    ) -> list[AlarmMark]:
        """Where the `limit` latest alarms lie that touch [start, stop], in order: `most` marks, close ones joined."""


class AlarmPictures(Protocol):
    """The pictures that came with alarms, for as long as they are kept."""

    def of(self, alarm_id: int) -> bytes | None: ...


class CalendarStore(Protocol):
    """Calendars in the database, but for the built-in ones. Raise Conflict and NotFound."""

    async def all(self) -> list[Calendar]: ...
    async def create(self, calendar: Calendar) -> None: ...
    async def update(self, calendar: Calendar) -> None: ...
    async def delete(self, name: str) -> None: ...


class Calendars(Protocol):
    """All calendars, from memory; `load` returns when it is as the database."""

    @property
    def names(self) -> list[str]: ...
    def applies(self, name: str, at: datetime | None = None) -> bool: ...
    async def load(self) -> None: ...


class ContactStore(Protocol):
    """Contact boxes in the database. Raise Conflict and NotFound."""

    async def create(self, box: ContactBox) -> ContactBox: ...
    async def update(self, box: ContactBox) -> ContactBox: ...
    async def delete(self, id: int) -> ContactBox: ...


class ContactBoxes(Protocol):
    """All contact boxes with their state, from memory; `load` returns when they are as the database."""

    def all(self) -> list[ContactBox]: ...
    def by_id(self, id: int) -> ContactBox | None: ...
    def state(self, id: int) -> ContactsState: ...
    async def load(self) -> None: ...


class CameraEvents(Protocol):
    """What cameras tell of themselves."""

    def state(self, uid: int) -> ContactsState: ...


class RuleStore(Protocol):
    """Exception rules and what they found, newest first. Raise Conflict and NotFound."""

    async def all(self) -> list[Rule]: ...
    async def by_id(self, id: int) -> Rule | None: ...
    async def create(self, rule: Rule) -> Rule: ...
    async def update(self, rule: Rule) -> Rule: ...
    async def delete(self, id: int) -> Rule: ...
    async def exceptions(
        self, query: ExceptionQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[RuleException]: ...
    async def exception(self, id: int) -> RuleException | None: ...
    async def counts(self, query: ExceptionQuery, by: str = "rule") -> list[tuple[str, str, int]]: ...
    async def review(
        self,
        id: int,
        user: str,
        at: datetime,
        verdict: str | None = None,
        comment: str | None = None,
        before: str | None = None,
    ) -> RuleException: ...


class ReportStore(Protocol):
    """Figures over the external log: keys, kind, how often, the sum of the amounts. Raises Invalid."""

    async def figures(
        self,
        by: Sequence[str],
        start: datetime,
        stop: datetime,
        zone: str,
        kinds: Mapping[str, Sequence[Trace]],
        camera_uids: Sequence[int] | None = None,
    ) -> list[tuple[tuple[str, ...], str, int, Decimal | None]]: ...


class Outcome(Protocol):
    """What a rule that is tried was found to meet so far."""

    @property
    def share(self) -> float: ...
    @property
    def lines(self) -> int: ...
    @property
    def tickets(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def hits(self) -> Sequence[Hit]: ...
    @property
    def by_source(self) -> Counter[str]: ...
    @property
    def by_hour(self) -> Mapping[datetime, int]: ...


class Trials(Protocol):
    """Tries rules on the past."""

    async def run(
        self,
        rule: Rule,
        start: datetime,
        stop: datetime,
        most: int,
        may_read: Callable[[Line], bool],
        tell: Callable[[Outcome], Awaitable[None]],
    ) -> Outcome: ...


class Unseen(Protocol):
    """At which sources, each with the uids of its cameras, nobody can tell whether something moves."""

    def __call__(self, rule: Rule, sources: Iterable[tuple[str, tuple[int, ...]]]) -> list[str]: ...


class DialectStore(Protocol):
    """Dialects of tills in the database, but for the presets. Raise Conflict and NotFound."""

    async def all(self) -> list[StoredDialect]: ...
    async def create(self, dialect: StoredDialect) -> None: ...
    async def update(self, dialect: StoredDialect) -> None: ...
    async def delete(self, name: str) -> None: ...


class SourceStore(Protocol):
    """What is set for tills, and what they said."""

    async def change(self, source: str, fields: Fields) -> None: ...
    async def heard(self, since: datetime) -> Sequence[HeardSource]: ...


class Silences(Protocol):
    """Since when a till has been silent though it should speak; None if it is not. After how long that is told."""

    def since(self, source: str) -> datetime | None: ...
    def minutes(self, source: str) -> int: ...


class SourceBook(Protocol):
    """What is set for each till, from memory."""

    def of(self, source: str) -> SourceSettings: ...
    def all(self) -> Sequence[SourceSettings]: ...


Offset = Callable[[str], timedelta]
NamedSources = Callable[[], Iterable[SourceSettings]]  # what is set for sources, with the names people gave them
TillName = Callable[[str], str]  # what people call a source, "" where it has no other name than its own
"""How much later than a source's lines the picture shows what they tell of."""


class Sender(Protocol):
    """An address from which tills speak, since the server runs."""

    address: str
    first_at: datetime
    last_at: datetime
    lines: int
    bad: int
    source: str
    dialect: str
    fault: str
    wrong_port_at: datetime | None


class Senders(Protocol):
    """Those that have spoken, the one that spoke last first."""

    @property
    def senders(self) -> Sequence[Sender]: ...


class Captured(Protocol):
    """Bytes that came from `sender` on a connection, or a line in a `dialect` with its message or its problem."""

    @property
    def at(self) -> datetime: ...
    @property
    def sender(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def again(self) -> bool: ...
    @property
    def connection(self) -> int: ...
    @property
    def dialect(self) -> str: ...
    @property
    def message(self) -> Message | None: ...
    @property
    def problem(self) -> WireError | None: ...
    @property
    def shown(self) -> str: ...


class Capture(Protocol):
    """What tills send, card numbers masked."""

    def watch(self, listener: Callable[[Any], object]) -> Callable[[], None]: ...


Reload = Callable[[], Awaitable[None]]
"""Makes what was changed in the database act at once; returns when it does."""


class JournalStore(Protocol):
    """The journals, newest first. `before`: the (instant, id) of the last entry of the page before."""

    async def entries(
        self, query: JournalQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[JournalEntry]: ...


class DisconnectionStore(Protocol):
    """When cameras were lost, the latest first. `before`: the (instant, id) of the last one of the page before."""

    async def page(
        self, query: DisconnectionQuery, limit: int = 100, before: tuple[datetime, int] | None = None
    ) -> list[Disconnection]: ...


class KeptRows(Protocol):
    """How long rows were kept, and what they take: `store.old_rows.OldRows`."""

    async def kept(self, what: str) -> Kept: ...
    async def footage(self) -> list[FootageKept]: ...
    async def database_bytes(self) -> int: ...


class KeptDays(Protocol):
    """For how many days each kind is kept, 0 for ever; None: as in the file. Raises Invalid and Conflict."""

    def of(self, what: str) -> DaysSet: ...
    async def plan(self, what: str, days: int | None) -> DaysPlan: ...
    async def change(
        self, what: str, days: int | None, user: User, confirmed: bool = False, before: int | None = None
    ) -> DaysPlan: ...


class Volume(Protocol):
    """A disk for footage. `state`: "ok", "full" (recording on it stopped) or "absent"."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def free_bytes(self) -> int: ...
    def is_called(self, name: str) -> bool: ...


class Probe(Protocol):
    """Tries a camera that is being set up, with settings that are not saved (`password` in clear text)."""

    async def test(self, camera: Camera, password: str) -> Fields: ...


class History(Protocol):
    """What became durable after the fact `fact_id`, with the facts' ids, by id: lines, states, journal entries.

    Alarms come once each, as they stand, with the last fact that told of them.
    """

    async def since(
        self, fact_id: int, limit: int
    ) -> Sequence[tuple[int, Line | CameraState | JournalEntry | AlarmNow]]: ...


class MailTrouble(Protocol):
    """Why a mail was not taken: `kind` is the end of a key `mail_trouble_…` of `notes.TEXTS`, `said` by the server."""

    kind: str
    said: str


class MailOffice(Protocol):
    """How mails are sent, what became of them, who gets which. What is set may raise Invalid or NotFound."""

    async def settings(self) -> MailSettings: ...
    async def change(self, body: Fields, user: User) -> MailSettings: ...
    async def with_changes(self, body: Fields) -> MailSettings: ...
    async def test(self, body: Fields, user: User) -> MailTrouble | None: ...
    async def queue(
        self, query: MailQuery, limit: int, before: tuple[datetime, int] | None = None
    ) -> list[QueuedMail]: ...
    async def waiting(self) -> int: ...
    async def recipients(self) -> list[Recipient]: ...
    async def set_email(self, name: str, email: Any, user: User) -> None: ...
    async def rights(self) -> dict[str, MailRights]: ...
    async def set_rights(self, profile: str, rights: MailRights, user: User) -> None: ...


class Seal(Protocol):
    """Encrypts secrets for storage, and opens them."""

    def seal(self, secret: str) -> bytes: ...
    def unseal(self, sealed: bytes) -> str: ...


class Note(Protocol):
    """Writes into a journal: `text` is a message id, `values` fill its braces."""

    def __call__(
        self, kind: str, text: str, values: Fields, *, camera_uid: int | None = None, user: str = ""
    ) -> object: ...


Check = Callable[[], Awaitable[tuple[bool, str]]]
"""Whether a part of the server is well, and a sentence about it."""


# ── Prisma ──


class SeenSource(Protocol):
    """A Prisma source that spoke. `refused`: what it says is not taken. `heartbeat_at`: of its last sign of life."""

    @property
    def source(self) -> str: ...
    @property
    def peer(self) -> str: ...
    @property
    def first_at(self) -> datetime: ...
    @property
    def last_at(self) -> datetime: ...
    @property
    def events(self) -> int: ...
    @property
    def refused(self) -> bool: ...
    @property
    def heartbeat_at(self) -> datetime | None: ...


class EventSources(Protocol):
    """Who spoke Prisma."""

    def seen(self) -> Sequence[SeenSource]: ...


class RegisteredSource(Protocol):
    """What the shop has set for a source."""

    @property
    def name(self) -> str: ...
    @property
    def encoding(self) -> str: ...


class PrismaRegistry(Protocol):
    """What the shop has set about Prisma. What is set may raise Invalid or NotFound."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def sources(self) -> Mapping[str, RegisteredSource]: ...
    async def change_event(self, code: int, body: Fields, user: User) -> Kind: ...
    async def reset_event(self, code: int, user: User) -> Kind: ...
    async def register(self, source: str, body: Fields, user: User) -> RegisteredSource: ...
    async def forget(self, source: str, user: User) -> None: ...
