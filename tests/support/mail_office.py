"""Mails as an administrator meets them, on people and settings in memory and a post that does as it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from support.words import translations

from camtrace.errors import NotFound
from camtrace.mail.compose import Place
from camtrace.mail.office import Office
from camtrace.mail.service import authors
from camtrace.mail.smtp import MailTrouble, Server
from camtrace.model import MailQuery, MailRights, QueuedMail, Recipient, User

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Shelf:
    """Settings, people, the queue and the post in one."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}
        self.profiles = {
            "administrator": MailRights(None, None, True, True, True),
            "operator": MailRights(frozenset({101})),
            "viewer": MailRights(),
        }
        self.people = {
            "anna": Recipient("anna", "anna@shop.example", "en", "administrator"),
            "boris": Recipient("boris", "", "fr", "operator"),
        }
        self.mails: list[QueuedMail] = []
        self.trouble: MailTrouble | None = None
        self.sent: list[tuple[Server, str, str, bytes]] = []

    def fill(self) -> None:
        """Some mails, one of each state."""
        for number, (state, problem, said) in enumerate(
            [
                ("sent", "", ""),
                ("failed", "recipient", "550 5.1.1 nobody of this name"),
                ("queued", "busy", "450 later"),
            ]
        ):
            at = NOON + timedelta(minutes=number)
            self.mails.insert(
                0,
                QueuedMail(
                    id=number + 1,
                    kind="alarm",
                    recipient="anna@shop.example",
                    subject="[Shop] Alarm: Front till",
                    state=state,
                    attempts=1,
                    queued_at=at,
                    next_at=at + timedelta(minutes=1),
                    ended_at=None if state == "queued" else at,
                    problem=problem,
                    said=said,
                ),
            )

    async def get(self, name: str, default: Any = None) -> Any:
        return self.stored.get(name, default)

    async def set(self, name: str, value: Any) -> None:
        self.stored[name] = value

    async def recipients(self) -> list[Recipient]:
        return [replace(one, rights=self.profiles[one.profile]) for one in self.people.values()]

    async def set_email(self, name: str, email: str, by: User | None = None) -> None:
        if name not in self.people:
            raise NotFound("there is no user {name}", name=name)
        self.people[name] = replace(self.people[name], email=email)

    async def mail_rights(self) -> dict[str, MailRights]:
        return dict(self.profiles)

    async def set_mail_rights(self, profile: str, rights: MailRights, by: User | None = None) -> None:
        if profile not in self.profiles:
            raise NotFound("there is no profile {name}", name=profile)
        self.profiles[profile] = rights

    async def page(self, query: MailQuery, limit: int, before: tuple[datetime, int] | None = None) -> list[QueuedMail]:
        found = [one for one in self.mails if query.kind in (None, one.kind) and query.state in (None, one.state)]
        found = [one for one in found if all(word.lower() in one.subject.lower() for word in query.words)]
        return [one for one in found if before is None or (one.queued_at, one.id) < before][:limit]

    async def waiting(self) -> int:
        return sum(one.state == "queued" for one in self.mails)

    async def deliver(
        self, server: Server, sender: str, recipient: str, data: bytes, entrust: Callable[[], Awaitable[None]]
    ) -> None:
        await entrust()
        if self.trouble is not None:
            raise self.trouble
        self.sent.append((server, sender, recipient, data))


def office(shelf: Shelf, secrets: Any, note: Any) -> Office:
    """The real office on `shelf`."""
    place = Place("Shop", ZoneInfo("Europe/Paris"), "https://cctv.shop")
    known: Any = shelf
    voices = authors(place, translations(), {})
    return Office(known, known, known, known, secrets, note, voices, "en", lambda: NOON)
