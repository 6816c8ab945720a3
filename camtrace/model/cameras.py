"""Cameras, how they are recorded and watched, and how they are doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


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
