"""The nouns of CamTrace as frozen values. Rows become these in `store/`, and only these travel between packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

# ── cameras ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RegularRecording:
    """When regular recording is on. `days` is its retention in days (None: until the disk wants room)."""

    calendar: str = "always"
    days: int | None = None


@dataclass(frozen=True, slots=True)
class AlarmRecording:
    """What an alarm records: from `pre_seconds` before the first trigger to `post_seconds` after the last.

    The calendars say when an alarm of the camera is recorded, shown on the live pages, and mailed. `days` is the
    retention of what alarms recorded (None: as the server is set).
    """

    calendar: str = "always"
    pre_seconds: int = 5
    post_seconds: int = 20
    days: int | None = None
    popup_calendar: str = "always"
    mail_calendar: str = "never"


class Point(NamedTuple):
    """A place in a picture: 0, 0 is its upper left corner, 1, 1 its lower right one."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of a picture that motion detection looks at, or with `exclude` overlooks. `polygon`: 3 to 20 corners."""

    name: str
    polygon: tuple[Point, ...]
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """How the server detects motion in a camera's pictures. Without a zone to look at, the whole picture counts.

    `sensitivity`: to differences of light, 0 to 100. `object_size`: from which on something counts, in per mille of
    the picture. `history_seconds`: how long what was seen stays the reference; what stands still for longer becomes
    part of it. `minimum_seconds`: how long something must move before it is motion.
    """

    enabled: bool = False
    zones: tuple[Zone, ...] = ()
    sensitivity: int = 50
    object_size: int = 3
    history_seconds: int = 10
    minimum_seconds: float = 0.6


class Box(NamedTuple):
    """A moving object: the rectangle around it as parts of the picture, and its own area in per mille of it."""

    x: float
    y: float
    width: float
    height: float
    size: float


class Moved(NamedTuple):
    """What one picture was found to hold. `level`: how much of what is looked at moves, 0 to 100.

    `boxes`: the largest first, those too small to count included. `motion`: something large enough has moved for long
    enough. `zones`: names of those it moves in.
    """

    camera_uid: int
    at_us: int
    level: float
    boxes: tuple[Box, ...] = ()
    motion: bool = False
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A digital input, of a contact box by its place, of a camera by its `token`.

    `normally`: "open" or "closed", its resting state. Leaving it raises an alarm on `cameras` (uids); where a camera's
    own input names none, on that camera. One that is not `enabled` raises none.
    """

    name: str = ""
    normally: str = "open"
    cameras: tuple[int, ...] = ()
    enabled: bool = True
    token: str = ""


@dataclass(frozen=True, slots=True)
class CameraEvents:
    """What a camera is asked to tell by ONVIF, and what of it raises an alarm."""

    enabled: bool = False
    motion: bool = True
    audio: bool = False
    tampering: bool = True
    inputs: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraMail:
    """When mails say that the camera is lost: by its calendar, once it has been lost for `grace_seconds`.

    `most_per_hour`: so many alarms of the camera are mailed one by one; the others of the hour are told together.
    """

    lost_calendar: str = "never"
    grace_seconds: int = 60
    most_per_hour: int = 20


@dataclass(frozen=True, slots=True)
class Camera:
    """A device. `uid` is never reused; `id` is the public number, unique among existing cameras.

    `password` is sealed by the vault (empty: none). `codec` is the declared codec, "" for any. `volume` names the
    folder its footage goes to ("" for the first). `overlay_ids` are the sources whose lines belong to it.
    """

    uid: int
    id: int
    name: str
    model: str = ""
    address: str = ""
    http_port: int = 80
    channel: int = 1
    url: str = ""
    sub_url: str = ""
    transport: str = "tcp"
    codec: str = ""
    login: str = ""
    password: bytes = field(default=b"", repr=False)
    volume: str = ""
    overlay_ids: tuple[str, ...] = ()
    regular: RegularRecording = RegularRecording()
    alarm: AlarmRecording = AlarmRecording()
    mail: CameraMail = CameraMail()
    motion: MotionSettings = MotionSettings()
    events: CameraEvents = CameraEvents()
    stop_streams_automatically: bool = False
    deleted_at: datetime | None = None


class Status(StrEnum):
    """What a camera's connection is worth at this moment."""

    ACTIVE = "active"  # pictures arrive
    INACTIVE = "inactive"  # no answer, or no picture that can be used as it is set
    ERROR = "error"  # it answers with an HTTP or RTSP error
    IGNORED = "ignored"  # not connected on purpose (volume absent, switched off)


@dataclass(frozen=True, slots=True)
class CameraState:
    """Status with its reason, a code of `cameras/status.py` that is put into words by `i18n`; `detail` fills it."""

    camera_uid: int
    status: Status
    reason: str
    since: datetime
    detail: str = ""
    codec: str = ""
    width: int = 0
    height: int = 0
    frames_per_second: float = 0.0
    bits_per_second: float = 0.0


# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream inside a segment or a live feed.

    `codec`: "h264", "h265", "mpeg4", "mjpeg" or "aac". `timescale`: ticks per second of its samples. `config`: the
    decoder configuration as MP4 stores it: avcC or hvcC record, VOL header, AudioSpecificConfig; b"" for MJPEG.
    """

    index: int
    codec: str
    timescale: int
    config: bytes = b""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0

    @property
    def is_video(self) -> bool:
        return self.codec != "aac"


class Sample(NamedTuple):
    """One coded picture or audio frame, as MP4 stores it (H.264/H.265: 4-byte length before each NAL unit).

    `at_us`: wall time of presentation in microseconds since the epoch. `dts`, `pts`, `duration`: media time in ticks
    of its track.
    """

    track: int
    at_us: int
    dts: int
    pts: int
    duration: int
    key: bool
    data: bytes


class Chunk(NamedTuple):
    """Samples of one read, in decoding order. `tracks` is the layout they were coded with.

    `discontinuity`: time is missing before them (a gap, or another run).
    """

    samples: tuple[Sample, ...]
    tracks: tuple[Track, ...]
    discontinuity: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """One whole moof+mdat inside a segment's file, as the index knows it.

    `offset`, `length`: bytes in the file. `at_us`: wall time of its first video picture. `duration_us`: of its video.
    In a segment's table of key frames, length and duration reach up to the next key frame.
    """

    offset: int
    length: int
    at_us: int
    duration_us: int
    key: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a camera's stream. It begins at a key frame; `started_us`/`ended_us` are wall time.

    `run` names the unbroken run it belongs to: a restart, a lost camera, a clock step or a codec change starts a new
    one. `start_ticks` is the media time (track 0 ticks) that corresponds to `started_us`. `open` while it grows.
    `bytes` is the end of the last whole fragment. `kind`: "regular", or "alarm" for what only an alarm wanted.
    """

    id: int
    camera_uid: int
    stream: str
    run: int
    volume: str
    path: str
    started_us: int
    ended_us: int
    start_ticks: int
    bytes: int
    tracks: tuple[Track, ...]
    keyframes: tuple[Fragment, ...] = ()
    open: bool = False
    kind: str = "regular"


def key_frames(places: Sequence[tuple[int, int]], ended_us: int, stop: int) -> tuple[Fragment, ...]:
    """The table of key frames that lie at (offset, at_us), of a segment that ends at `ended_us` and byte `stop`."""
    ends = [*places[1:], (stop, ended_us)] if places else []
    return tuple(
        Fragment(offset, end - offset, at_us, end_us - at_us, True)
        for (offset, at_us), (end, end_us) in zip(places, ends, strict=True)
    )


class Stretch(NamedTuple):
    """Footage to be read on end: from byte `start` of the first of `segments` (0: its first fragment) to `stop_us`."""

    segments: Sequence[Segment]
    start: int
    stop_us: int


@dataclass(frozen=True, slots=True)
class Span:
    """Wall time, from `start` to `stop`, that can be replayed without a break."""

    start: datetime
    stop: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Time that should have been recorded and was not. `stop` is None while it lasts."""

    camera_uid: int
    start: datetime
    stop: datetime | None
    cause: str


GAP_CAUSES = ("camera", "restart", "disk", "clock", "overload", "codec", "settings")


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────

CAUSES = ("tcp", "http", "ftp", "motion", "camera_motion", "audio", "tampering", "contact", "input", "program", "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts or prolongs an alarm. `origin`: who told of it, an address or a name. `message`: in its words."""

    at: datetime
    cause: str
    origin: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A period on one camera: begun by a trigger, prolonged by further ones, ended some time after the last.

    `until` is when it ends unless another trigger comes, and the end of what is recorded of it. `recorded_from`: from
    where on its footage is kept; None while no trigger wanted that. `triggers` counts them, `causes` are in the order
    of their first. `popup`, `mail`: whether it is shown and mailed, by the camera's calendars.
    """

    id: int
    camera_uid: int
    started_at: datetime
    last_at: datetime
    until: datetime
    ended_at: datetime | None = None
    recorded_from: datetime | None = None
    causes: tuple[str, ...] = ()
    triggers: int = 1
    popup: bool = False
    mail: bool = False
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None

    @property
    def state(self) -> str:
        return "active" if self.ended_at is None else "ended"


NORMALLY = ("open", "closed")
READS = ("inputs", "coils")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactBox:
    """A device with digital inputs that is asked for them by Modbus/TCP.

    `unit`: the device behind a gateway. `reads`: whether they are its discrete inputs or its coils. `contacts`: its
    inputs from number `first` on (counted from 0), asked for every `interval_ms`.
    """

    id: int
    name: str
    host: str
    port: int = 502
    unit: int = 1
    reads: str = "inputs"
    first: int = 0
    interval_ms: int = 200
    enabled: bool = True
    contacts: tuple[Contact, ...] = (Contact(),)


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the connection to a contact box, or to a camera's events, is worth.

    `status`: "active", "inactive", or "off" on purpose. `code` is a key of `alarm.links.REASONS`, `detail` fills it.
    """

    status: str
    code: str
    since: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InputState:
    """A digital input as it was last seen: None while that is not known. `away`: it has left its resting state."""

    closed: bool | None = None
    away: bool = False
    token: str = ""


@dataclass(frozen=True, slots=True)
class ContactsState:
    """A contact box, or a camera's events, now. `inputs`: those of the box in order, those a camera told of."""

    link: LinkState
    inputs: tuple[InputState, ...] = ()


class AlarmNow(NamedTuple):
    """An alarm as it stands, with the newest of its triggers where that is known."""

    alarm: Alarm
    newest: Trigger | None = None


class AlarmMark(NamedTuple):
    """Where alarms lie on a line of time: one, or as many as `alarms` that lie close together.

    `camera_uids` and `causes` are in the order of their first.
    """

    start: datetime
    stop: datetime
    camera_uids: tuple[int, ...]
    causes: tuple[str, ...]
    alarms: int


# ── when something applies ───────────────────────────────────────────────────────────────────────────────────────


class Hours(NamedTuple):
    """Part of a day by the site's clock, in minutes since midnight: from `start` up to, not including, `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """Days from `first` to `last`, both included, that have hours of their own instead of their weekday's."""

    first: date
    last: date
    hours: tuple[Hours, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When something applies. `week`: the hours of each weekday, Monday first."""

    name: str
    week: tuple[tuple[Hours, ...], ...] = ((),) * 7
    special_days: tuple[SpecialDays, ...] = ()


ALWAYS = Calendar("always", ((Hours(0, 1440),),) * 7)
NEVER = Calendar("never")

# ── text sources ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class StoredDialect:
    """A dialect of tills as the database has it; `pos.dialect.read_dialect` reads its definition."""

    name: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What is set for a till or another source, by the name its lines bear.

    `label`: its name on the pages, "" for that one. `dialect`: "" for that of its listener. `clear_seconds`: silence
    after which its screen is cleared. `offset_ms`: how much later than its lines the picture shows what they tell of,
    below zero where it shows it earlier. `burst_since`: since when it sends whole tickets at once.

    `hours`: the calendar by which it is open and should speak, "" for none. `silent_minutes`: silence after which it is
    told of, 0 for what is set for all. `heartbeats`: it sends signs of life. `silent_since`: it was told to be silent.
    """

    source: str
    label: str = ""
    dialect: str = ""
    clear_seconds: int = 300
    offset_ms: int = 0
    burst_since: datetime | None = None
    hours: str = ""
    silent_minutes: int = 0
    heartbeats: bool = False
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeardSource:
    """A source that has said something: since when, when last, and how many `lines` of late."""

    source: str
    protocol: str
    since: datetime
    last_at: datetime
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One POS line or one Prisma event, with the instant it was received. The contract's line, less its links.

    `received_at` strictly increases per source. `ticket` is the number as the till gives it ("" when it gives none),
    `ticket_id` the sale it was grouped into. `cameras` are the uids of the cameras that watched the source then.
    `raw` is what arrived, card numbers masked.

    `seller_code`: the seller's number beside the name. `follows`: the id of the attempt that this line answers, 0 for
    none. `flags`: words of LINE_FLAGS.
    """

    id: int
    received_at: datetime
    protocol: str
    source: str
    peer: str = ""
    sent_at: datetime | None = None
    ticket: str = ""
    ticket_id: int = 0
    seller: str = ""
    customer: str = ""
    type: str = ""
    special: str = ""
    position: int | None = None
    code: str = ""
    barcode: str = ""
    text: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    total: Decimal | None = None
    tender: str = ""
    discount: Decimal | None = None
    card: str = ""
    raw: bytes = b""
    cameras: tuple[int, ...] = ()
    seller_code: str = ""
    follows: int = 0
    flags: tuple[str, ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Whether it stands in the log only, not on the screens."""
        return "hidden" in self.flags


# hidden: in the log, not on screens; late: came after another ticket had begun; other_seller: not the ticket's own
LINE_FLAGS = ("hidden", "late", "other_seller")
TICKET_KINDS = ("sale", "return", "event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The lines of one sale of one source. `closed_at` is None while it is open.

    `kind`: one of TICKET_KINDS; an event is a single line outside of any sale. `linked`: the id of another source's
    ticket that belongs to it, a dispenser's to a till's; 0 for none.
    """

    id: int
    protocol: str
    source: str
    number: str = ""
    opened_at: datetime
    closed_at: datetime | None = None
    seller: str = ""
    total: Decimal | None = None
    line_count: int = 0
    kind: str = "sale"
    linked: int = 0

    @property
    def state(self) -> str:
        return "open" if self.closed_at is None else "closed"


# ── exception rules ──────────────────────────────────────────────────────────────────────────────────────────────

DEEDS = (
    "begin",
    "article",
    "void",
    "ticket_void",
    "return",
    "discount",
    "gift",
    "loss",
    "price_change",
    "quantity_change",
    "manual_entry",
    "drawer",
    "no_sale",
    "subtotal",
    "payment",
    "cash",
    "change",
    "end",
    "denied",
    "card_denied",
    "discount_card",
    "suspended",
    "reprint",
    "prohibited",
    "outside",
    "cash_limit",
    "money",
    "sign_on",
    "long_shift",
    "report",
    "aside",
    "other",
)
RULE_KINDS = ("line", "ticket", "window", "absence", "number")
MEASURES = ("count", "sum", "ratio", "tickets", "tills")
PERS = ("seller", "source", "card", "all")
WHENS = ("after", "before")
NUMBERINGS = ("gap", "repeat")
VERDICTS = ("", "checking", "harmless", "real")


@dataclass(frozen=True, slots=True)
class LineTest:
    """Which lines are meant: all that is given must hold, of a list any.

    `deeds`: kinds of deed, of `DEEDS`. `articles`: a code, or part of a text. Amounts and discounts without their sign.
    `price`: of one piece. `discount_percent`: so many of a hundred at least. `paying`: only once the payment of the
    ticket has begun. `calendar`: it must apply then, with `outside` it must not.
    """

    deeds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    specials: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    sellers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    quantity_min: Decimal | None = None
    quantity_max: Decimal | None = None
    discount_min: Decimal | None = None
    discount_max: Decimal | None = None
    calendar: str = "always"
    outside: bool = False
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    discount_percent: Decimal | None = None
    paying: bool = False


@dataclass(frozen=True, slots=True)
class TicketTest:
    """What a whole ticket is like. `has`, `also`: deeds, of each list it has one at least; `lacks`: none of these.

    `voids_percent`: so many of a hundred articles are cancelled again. `unfinished`: its end never came.
    `pause_min`: for so many seconds nothing was said in the midst of it. `change_off`: what was handed back is wrong by
    so much at least. `silence_seconds`: how long after its last line a ticket without an end is taken for left.
    """

    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    total_min: Decimal | None = None
    total_max: Decimal | None = None
    lines_min: int | None = None
    lines_max: int | None = None
    seconds_min: int | None = None
    seconds_max: int | None = None
    voids_percent: int | None = None
    unfinished: bool = False
    also: tuple[str, ...] = ()
    pause_min: int | None = None
    change_off: Decimal | None = None
    silence_seconds: int = 1800


@dataclass(frozen=True, slots=True)
class WindowTest:
    """How often, within `seconds`, per seller, source or card, or in all: a count of lines, of their tickets or their
    tills, the sum of their amounts, or how many there are to a hundred lines of the deeds `among`, once there are
    `base` of those."""

    seconds: int = 600
    per: str = "seller"
    measure: str = "count"
    at_least: Decimal = Decimal(3)
    among: tuple[str, ...] = ("article",)
    base: int = 20


@dataclass(frozen=True, slots=True)
class AbsenceTest:
    """That none of `deeds` came at the same till within `seconds`, "after" the line or "before" it."""

    seconds: int = 30
    when: str = "after"
    deeds: tuple[str, ...] = ("article", "payment", "end")


@dataclass(frozen=True, slots=True)
class NumberTest:
    """How the numbers of a till's tickets follow on one another: some are missing ("gap"), one comes again ("repeat").

    `most`: numbers that are missing; a longer jump is another count.
    """

    looks_for: str = "gap"
    most: int = 100


@dataclass(frozen=True, slots=True)
class StillTest:
    """That nothing moved in `zone` ("" for the picture) of the till's cameras, or of one, for `seconds` before.

    With 0 seconds it is not asked.
    """

    seconds: int = 0
    zone: str = ""
    camera: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition over lines. `kind` says which of the tests count besides `lines`. `alarm`: raised on the cameras.

    `popup`: who looks at a live page is told.

    `changed_at`: what was said before does not concern the rule as it is now.
    """

    id: int = 0
    name: str = ""
    enabled: bool = False
    kind: str = "line"
    lines: LineTest = LineTest()
    ticket: TicketTest = TicketTest()
    window: WindowTest = WindowTest()
    absence: AbsenceTest = AbsenceTest()
    still: StillTest = StillTest()
    number: NumberTest = NumberTest()
    alarm: bool = True
    popup: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleException:
    """One time a rule was met, at the instant of the line `line_id`. `lines`: those it was met by, the latest of many.

    `text`, `amount`: of that line. `figure`: what was counted, summed, or the percentage. `cameras`: uids of those that
    watched the source then. `verdict`: what somebody found on looking at it, "" while nobody has.
    """

    id: int
    rule_id: int
    rule: str
    at: datetime
    source: str
    seller: str = ""
    ticket: str = ""
    ticket_id: int = 0
    line_id: int = 0
    lines: tuple[int, ...] = ()
    deed: str = ""
    text: str = ""
    amount: Decimal | None = None
    figure: Decimal | None = None
    cameras: tuple[int, ...] = ()
    alarm: bool = False
    popup: bool = False
    verdict: str = ""
    comment: str = ""
    reviewed_by: str = ""
    reviewed_at: datetime | None = None


class Named(NamedTuple):
    """Lines whose `field` is one of `values`: till, ticket, seller, customer, type, special, tender, code, barcode."""

    field: str
    values: tuple[str, ...]


class Comparison(NamedTuple):
    """Lines whose `field`, amount or quantity, is so in relation to `value`. `sign`: =, >, >=, < or <=."""

    field: str
    sign: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Trace:
    """Lines that are the trace of a deed: those of this protocol and type.

    `special`: marked exactly so, None for any mark; `unlike`: not marked so. `alone`: a drawer's line outside of any
    ticket, or inside of one. `settled` means, by itself, the one line that stands for each ticket that was paid: the
    first in the name of its seller. `none_of` means, by itself, what is the trace of none of these.
    """

    protocol: str = ""
    type: str = ""
    special: str | None = None
    unlike: str = ""
    alone: bool | None = None
    settled: bool = False
    none_of: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSearch:
    """What lines are wanted: those that fit all that is set. An empty sequence asks for nothing, but for `camera_uids`.

    Received from `start` to `stop`, or before `before`; at `hours`, in minutes since midnight by the clock of `zone`
    (those that end before they begin go over midnight; several mean any). `camera_uids`: watched by one of these.
    `texts` are parts of article, tender, seller or mark, ignoring case and accents; `without` are such as do not occur.
    `sources` and `exactly`: written so. `names` are as people write them: case and accents do not count where there are
    few different ones. `deeds`: the trace of one of these. `excluded…`, `unwatched`: lines that do not fit, and that
    none of these cameras watched.
    """

    start: datetime | None = None
    stop: datetime | None = None
    before: datetime | None = None
    hours: tuple[tuple[int, int], ...] = ()
    zone: tzinfo = UTC
    camera_uids: tuple[int, ...] | None = None
    sources: tuple[str, ...] = ()
    ticket_id: int | None = None
    exactly: tuple[Named, ...] = ()
    names: tuple[Named, ...] = ()
    excluded: tuple[Named, ...] = ()
    excluded_exactly: tuple[Named, ...] = ()
    deeds: tuple[Trace, ...] = ()
    excluded_deeds: tuple[Trace, ...] = ()
    unwatched: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()


class HitCount(NamedTuple):
    """How many lines were found in the hour that begins at `at`."""

    at: datetime
    lines: int


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that a person keeps under a name."""

    id: int
    name: str
    query: str


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of rights. `cameras` are uids it may see; None means all, later ones included."""

    id: int
    name: str
    rights: frozenset[str]
    cameras: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person with one profile. `password_hash` is Argon2id; `player_ha1` are sealed Digest secrets."""

    id: int
    name: str
    profile: Profile
    password_hash: str = field(default="", repr=False)
    player_ha1: bytes = field(default=b"", repr=False)
    locked: bool = False
    language: str = ""

    def may(self, right: str) -> bool:
        return right in self.profile.rights

    def may_see(self, camera_uid: int) -> bool:
        return self.profile.cameras is None or camera_uid in self.profile.cameras


@dataclass(frozen=True, slots=True)
class MailRights:
    """What the users of a profile get by mail.

    `alarms`, `lost`: uids of the cameras whose alarms and whose loss they are told of; None means all, empty none.
    """

    alarms: frozenset[int] | None = frozenset()
    lost: frozenset[int] | None = frozenset()
    contacts: bool = False
    purge: bool = False
    life: bool = False
    rules: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything at all that they get."""
        flags = (self.contacts, self.purge, self.life, self.rules)
        return self.alarms != frozenset() or self.lost != frozenset() or any(flags)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user as mails see one. `cameras`: uids the user may see, None for all; `email`: "" for none."""

    name: str
    email: str
    language: str = ""
    profile: str = ""
    locked: bool = False
    cameras: frozenset[int] | None = None
    rights: MailRights = MailRights()

    def may_see(self, camera_uid: int) -> bool:
        return self.cameras is None or camera_uid in self.cameras

    def gets_alarms_of(self, camera_uid: int) -> bool:
        """Whether mails about alarms of this camera go to this user."""
        return self.may_see(camera_uid) and (self.rights.alarms is None or camera_uid in self.rights.alarms)

    def gets_contacts_of(self, camera_uid: int) -> bool:
        """Whether mails about alarms of this camera that a contact box raised go to this user."""
        return self.may_see(camera_uid) and self.rights.contacts

    def gets_rules_of(self, camera_uid: int) -> bool:
        """Whether mails about alarms of this camera that an exception rule raised go to this user."""
        return self.may_see(camera_uid) and self.rights.rules

    def gets_loss_of(self, camera_uid: int) -> bool:
        """Whether mails about this camera being lost and back go to this user."""
        return self.may_see(camera_uid) and (self.rights.lost is None or camera_uid in self.rights.lost)


RIGHTS = (
    "live",  # watch cameras live
    "replay",  # watch recordings
    "export",  # download footage
    "lines",  # search the external log
    "journal",  # read the journals
    "alarms",  # see alarms, say that one was seen, raise one
    "cards",  # see the last four digits of card numbers
    "exceptions",  # see what the rules found on tickets and judge it, read the reports
    "cameras",  # add, change, delete cameras
    "users",  # manage users and profiles
    "settings",  # change the server's settings
)


# ── mails ────────────────────────────────────────────────────────────────────────────────────────────────────────

MAIL_KINDS = ("alarm", "contact", "lost", "back", "purge", "life", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A mail for one person, written and not yet queued. `key`: what is queued once only, whoever says it again.

    `message` is all of it but its From, which is the sender as it is set when the mail leaves.
    """

    key: str
    kind: str
    recipient: str
    subject: str
    message: bytes = field(repr=False)
    camera_uid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMail:
    """A mail in the queue. `state`: "queued", "sending" from when its text goes out, then "sent" or "failed".

    `problem`, `said`: why the last try failed, as a code of `mail.smtp`, and the mail server's own words.
    """

    id: int
    kind: str
    recipient: str
    subject: str
    message: bytes = field(default=b"", repr=False)
    camera_uid: int | None = None
    state: str = "queued"
    attempts: int = 0
    queued_at: datetime
    next_at: datetime
    ended_at: datetime | None = None
    problem: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlarms:
    """Alarms of a camera that were not mailed one by one, since it had too many."""

    camera_uid: int
    alarm_ids: tuple[int, ...]
    first_at: datetime
    last_at: datetime


# ── journal ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What the server did or suffered. `text` is a message id of the catalogue, `values` fill its braces."""

    id: int
    at: datetime
    kind: str
    text: str
    values: dict[str, str | int | float] = field(default_factory=dict)
    camera_uid: int | None = None
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnection:
    """Time in which a camera was lost. `camera_id`, `camera_name`: as it is called, or was when it was deleted.

    `reason`, `detail`: why it was lost, as in `CameraState`; `last_reason`, `last_detail`: what was wrong last.
    `back_at` is None while it lasts. `ending`: one of `ENDINGS`; after "stopped" it is only known how long at least.
    """

    id: int
    camera_uid: int
    camera_id: int
    camera_name: str
    camera_deleted_at: datetime | None = None
    lost_at: datetime
    back_at: datetime | None = None
    reason: str
    detail: str = ""
    last_reason: str
    last_detail: str = ""
    ending: str = ""


ENDINGS = ("", "back", "ignored", "removed", "stopped")
JOURNAL_KINDS = ("system", "camera", "alarm", "mail", "audit")
