"""Mails, as they are queued and sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

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
class MailQuery:
    """Mails queued in [start, stop], of a kind, in a state, about one of these cameras; None for any.

    `words`: each must occur in the subject, the recipient or the mail server's answer, ignoring case and accents.
    """

    kind: str | None = None
    state: str | None = None
    camera_uids: Sequence[int] | None = None
    start: datetime | None = None
    stop: datetime | None = None
    words: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlarms:
    """Alarms of a camera that were not mailed one by one, since it had too many."""

    camera_uid: int
    alarm_ids: tuple[int, ...]
    first_at: datetime
    last_at: datetime
