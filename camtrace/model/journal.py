"""The journal and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


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
class JournalQuery:
    """Entries of a kind in [start, stop], about one of these cameras; None for any.

    `words`: each must occur in a value or the user's name, ignoring case and accents, or the entry's text must be
    among the message ids that come with it.
    """

    kind: str | None = None
    camera_uids: Sequence[int] | None = None
    start: datetime | None = None
    stop: datetime | None = None
    words: Sequence[tuple[str, Sequence[str]]] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectionQuery:
    """Disconnections that touch [start, stop], of one of these cameras; None for any.

    `words`: each must occur in the camera's name or the detail, ignoring case and accents, or a reason must be among
    those that come with it.
    """

    camera_uids: Sequence[int] | None = None
    start: datetime | None = None
    stop: datetime | None = None
    words: Sequence[tuple[str, Sequence[str]]] = ()


ENDINGS = ("", "back", "ignored", "removed", "stopped")
JOURNAL_KINDS = ("system", "camera", "alarm", "mail", "audit")
