"""What an administrator does about mails: settings, a test, the queue, who gets what."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from camtrace import clock
from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.mail import compose, wire
from camtrace.mail.ports import Note, People, Post, Rows, Secrets, SettingRows
from camtrace.mail.queue import opened
from camtrace.mail.service import SETTING
from camtrace.mail.settings import MailSettings, changed, from_json, read_email, to_json
from camtrace.mail.smtp import MailTrouble
from camtrace.model import MailQuery, MailRights, QueuedMail, Recipient, User


class Office:
    """Reads and changes how mails are sent. `authors`: one for each language, `language`: the site's."""

    def __init__(
        self,
        setting_rows: SettingRows,
        rows: Rows,
        people: People,
        post: Post,
        secrets: Secrets,
        note: Note,
        authors: Mapping[str, compose.Author],
        language: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._setting_rows = setting_rows
        self._rows = rows
        self._people = people
        self._post = post
        self._secrets = secrets
        self._note = note
        self._authors = authors
        self._language = language
        self._now = now

    async def settings(self) -> MailSettings:
        """The settings as they are stored. Raises DatabaseUnavailable."""
        return from_json(await self._setting_rows.get(SETTING))

    async def change(self, body: Mapping[str, Any], user: User) -> MailSettings:
        """Set what `body` holds. Raises Invalid with the field's name."""
        before = await self.settings()
        after = changed(before, body, self._secrets.seal, self._now())
        if after != before:
            await self._setting_rows.set(SETTING, to_json(after))
            self._note("audit", "mail_settings_changed", {}, user=user.name)
        return after

    async def test(self, body: Mapping[str, Any], user: User) -> MailTrouble | None:
        """Send a mail to `to`, or to `user`, with what else `body` sets and is not saved; None if it was taken.

        Raises Invalid with the field's name.
        """
        body = dict(body)
        to = read_email(body.pop("to", ""), "to") or await self._address_of(user)
        if not to:
            raise Invalid(N_("the test needs an address to send to"), "to")
        settings = changed(await self.settings(), body, self._secrets.seal, self._now())
        if not settings.host:
            raise Invalid(N_("give the name of the mail server first"), "host")
        author, at = self._authors.get(user.language) or self._authors[self._language], self._now()
        id = author.message_id(str(uuid.uuid4()))
        mail = wire.message(author.test(at, user.name), author.spoken.language, to, id, at)
        data = wire.signed(wire.raw(mail), settings.sender, author.place.name)
        try:
            await self._post.deliver(opened(settings, self._secrets), settings.sender, to, data, _nothing)
        except MailTrouble as trouble:
            return trouble
        return None

    async def with_changes(self, body: Mapping[str, Any]) -> MailSettings:
        """The settings as `test` would use them."""
        given = {name: value for name, value in body.items() if name != "to"}
        return changed(await self.settings(), given, self._secrets.seal, self._now())

    async def queue(self, query: MailQuery, limit: int, before: tuple[datetime, int] | None = None) -> list[QueuedMail]:
        """Mails, those queued last first; `before`: the last one of the page before."""
        return await self._rows.page(query, limit, before)

    async def waiting(self) -> int:
        """How many mails are on their way."""
        return await self._rows.waiting()

    # ── people ──

    async def recipients(self) -> list[Recipient]:
        """Every user, with address and rights."""
        return await self._people.recipients()

    async def set_email(self, name: str, email: Any, user: User) -> None:
        """Say where the mails of the user `name` go. Raises Invalid, NotFound or Overreach."""
        await self._people.set_email(name, read_email(email, "email"), user)
        self._note("audit", "mail_address_changed", {"person": name}, user=user.name)

    async def rights(self) -> dict[str, MailRights]:
        """What each profile gets."""
        return await self._people.mail_rights()

    async def set_rights(self, profile: str, rights: MailRights, user: User) -> None:
        """Say what the users of a profile get. Raises NotFound or Overreach."""
        await self._people.set_mail_rights(profile, rights, user)
        self._note("audit", "mail_rights_changed", {"profile": profile}, user=user.name)

    async def _address_of(self, user: User) -> str:
        return next((one.email for one in await self._people.recipients() if one.name == user.name), "")


async def _nothing() -> None:
    """A test is in no queue."""
