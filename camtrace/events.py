"""Every fact CamTrace knows: frozen, named in the past tense, mutated by nobody.

Facts with an `id` are durable: they go through `Intake.record`, which publishes them once committed or spooled.
The others are published directly on the `Bus`, after what they tell of has reached the disk or the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from camtrace.model import Alarm, CameraState, Gap, JournalEntry, Line, RuleException, Segment, Ticket, Trigger


@dataclass(frozen=True, slots=True)
class LineReceived:
    """A till or another source said a line. `ticket` is the sale as it stands with this line in it."""

    id: int
    line: Line
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class LineMasked:
    """What came behind a line showed that it holds part of a card's number: `line` is without it."""

    id: int
    line: Line


@dataclass(frozen=True, slots=True)
class TicketTied:
    """A ticket was tied to another source's by what came after its own lines: `ticket` as it stands now."""

    id: int
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class CameraStateChanged:
    """A camera's status or its reason is another than before."""

    id: int
    state: CameraState


@dataclass(frozen=True, slots=True)
class Noted:
    """Something was written into a journal."""

    id: int
    entry: JournalEntry


@dataclass(frozen=True, slots=True)
class AlarmTriggered:
    """A trigger started an alarm, or prolonged one: `alarm` is as it stands with this trigger in it."""

    id: int
    alarm: Alarm
    trigger: Trigger

    @property
    def begins(self) -> bool:
        """Whether this trigger is the alarm's first."""
        return self.alarm.triggers == 1


@dataclass(frozen=True, slots=True)
class AlarmEnded:
    """An alarm's time is over without a further trigger."""

    id: int
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class AlarmAcknowledged:
    """Somebody has seen an alarm and said so."""

    id: int
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class RuleMet:
    """A rule was met by what a till said."""

    id: int
    exception: RuleException


DURABLE = (
    LineReceived,
    LineMasked,
    TicketTied,
    CameraStateChanged,
    Noted,
    AlarmTriggered,
    AlarmEnded,
    AlarmAcknowledged,
    RuleMet,
)


@dataclass(frozen=True, slots=True)
class SegmentFinished:
    """A segment's file is closed, on the disk and in the index."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class GapBegan:
    """Recording that should run does not, from now on."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class GapEnded:
    """Recording runs again; the gap is complete."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class VolumeStateChanged:
    """A volume is "ok", "full" (recording on it stopped), or "absent"."""

    volume: str
    state: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class TillSilenceChanged:
    """A till has been silent `since` then though it should speak; or, None, it is not any more."""

    source: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SourceAppeared:
    """A source spoke that had not spoken since the server runs, or was refused until now."""

    source: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """Something an administrator edits was changed, by whatever road.

    `kind`: camera, contact_box, calendar, rule, user, profile, setting, dialect or source.
    """

    kind: str
    key: str
