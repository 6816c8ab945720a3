"""Alarms, what raises them, and the contact boxes that do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from camtrace.model.cameras import Contact

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
class AlarmQuery:
    """Alarms that touch [start, stop], of one of these cameras, with one of these causes; None for any.

    `words`: each must occur in a trigger's message or origin, ignoring case and accents. `seen`: whether somebody said
    so.
    """

    camera_uids: Sequence[int] | None = None
    causes: Sequence[str] | None = None
    start: datetime | None = None
    stop: datetime | None = None
    words: Sequence[str] = ()
    seen: bool | None = None


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
