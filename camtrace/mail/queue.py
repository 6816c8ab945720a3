"""The queue: each mail is sent once, tried again while it cannot be, and given up after some days.

A mail is "queued" until the mail server waits for its text, "sending" from then on, "sent" at the server's word. What
a crash left "sending" may have arrived or not: it is sent once more under the same Message-ID, by which a mail program
knows it again, and no third time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import DatabaseUnavailable
from camtrace.mail import wire
from camtrace.mail.nap import Nap
from camtrace.mail.ports import Note, Post, Reactor, Rows, Secrets
from camtrace.mail.settings import MailSettings
from camtrace.mail.smtp import MailTrouble, Server
from camtrace.model import QueuedMail

FIRST_DELAY_SECONDS = 60.0
LONGEST_DELAY_SECONDS = 3600.0
GIVE_UP = timedelta(days=3)
KEEP = timedelta(days=30)
SWEEP = timedelta(hours=1)
LAST_SECONDS = 2.0
IDLE_SECONDS = 300.0
DATABASE_SECONDS = 5.0


class Queue:
    """Sends what is queued, one mail after the other. `settings()` gives those in force, `name` is the sender's."""

    log = Logger()

    def __init__(
        self,
        rows: Rows,
        post: Post,
        settings: Callable[[], MailSettings],
        secrets: Secrets,
        note: Note,
        reactor: Reactor,
        name: str,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._rows = rows
        self._post = post
        self._settings = settings
        self._changes = 0  # of the settings
        self._secrets = secrets
        self._note = note
        self._now = now
        self._name = name
        self._reactor = reactor
        self._nap = Nap(reactor)
        self._running = False
        self._ended: defer.Deferred[None] | None = None
        self._delivering: defer.Deferred[None] | None = None
        self._handing_in = False
        self._swept_at: datetime | None = None
        self._troubles = 0  # in a row, of the mail server
        self._not_before: datetime | None = None

    async def start(self) -> None:
        """Take up what an earlier process left. Raises DatabaseUnavailable."""
        for mail in await self._rows.recover(self._now()):
            self._note("mail", "mail_doubtful", _named(mail))
        self._running = True
        self._ended = defer.Deferred.fromCoroutine(self._run())

    async def stop(self) -> None:
        """Send no more. A mail whose text is on its way has a moment to arrive, another is left for the next start."""
        self._running = False
        self._nap.wake()
        last = self._reactor.callLater(LAST_SECONDS if self._handing_in else 0, self._cancel)
        if self._ended is not None:
            await self._ended
        if last.active():
            last.cancel()

    def _cancel(self) -> None:
        if self._delivering is not None:
            self._delivering.cancel()

    def wake(self) -> None:
        """Something was queued."""
        self._nap.wake()

    async def settings_changed(self) -> None:
        """What kept mails from leaving may be mended: try them now."""
        self._changes += 1
        self._troubles, self._not_before = 0, None
        await self._rows.hasten(self._now())
        self._nap.wake()

    async def _run(self) -> None:
        while self._running:
            try:
                seconds = await self._step()
            except DatabaseUnavailable:
                seconds = DATABASE_SECONDS
            except Exception:
                self.log.failure("the queue of mails failed; it goes on")
                seconds = FIRST_DELAY_SECONDS
            if seconds > 0 and self._running:
                await self._nap.sleep(seconds)

    async def _step(self) -> float:
        """Send the next mail if one is due; returns how many seconds to wait then."""
        now = self._now()
        for old in await self._rows.give_up(now - GIVE_UP, now):
            self._note("mail", "mail_given_up", {**_named(old), "days": GIVE_UP.days, "said": old.said})
        if self._swept_at is None or now - self._swept_at >= SWEEP:
            await self._rows.sweep(now - KEEP)
            self._swept_at = now
        if not self._settings().on:
            return IDLE_SECONDS
        if self._not_before is not None and now < self._not_before:
            return (self._not_before - now).total_seconds()
        mail = await self._rows.due(now)
        if mail is not None:
            await self._send(mail)
            return 0
        due = await self._rows.next_due()
        return IDLE_SECONDS if due is None else min(IDLE_SECONDS, max(0.05, (due - self._now()).total_seconds()))

    async def _send(self, mail: QueuedMail) -> None:
        settings, changes = self._settings(), self._changes

        async def entrust() -> None:
            await self._rows.sending(mail.id)
            self._handing_in = True

        try:
            server = opened(settings, self._secrets)
            data = wire.signed(mail.message, settings.sender, self._name)
            delivery = self._post.deliver(server, settings.sender, mail.recipient, data, entrust)
            self._delivering = defer.Deferred.fromCoroutine(_awaited(delivery))
            await self._delivering
        except defer.CancelledError:
            return  # the server stops
        except MailTrouble as trouble:
            await self._failed(mail, trouble, changes)
        except (
            DatabaseUnavailable
        ):  # it could not be entrusted, and did not leave: whatever was written of that is undone
            again = self._now() + timedelta(seconds=DATABASE_SECONDS)
            await self._until_written(lambda: self._rows.put_off(mail.id, again, "", ""))
        except Exception:
            self.log.failure("mail {id} could not be sent", id=mail.id)
            later = self._now() + timedelta(seconds=delay_seconds(mail.attempts))
            await self._until_written(lambda: self._rows.put_off(mail.id, later, "internal", ""))
        else:
            await self._sent(mail)
        finally:
            self._delivering, self._handing_in = None, False

    async def _sent(self, mail: QueuedMail) -> None:
        if self._troubles:
            self._note("mail", "mail_works_again", {"host": self._settings().host})
        self._troubles, self._not_before = 0, None
        await self._until_written(lambda: self._rows.sent(mail.id, self._now()))

    async def _failed(self, mail: QueuedMail, trouble: MailTrouble, changes: int) -> None:
        if trouble.final:
            self._note("mail", f"mail_refused_{trouble.kind}", {**_named(mail), "said": trouble.said}, mail.camera_uid)
            await self._until_written(lambda: self._rows.failed(mail.id, self._now(), trouble.kind, trouble.said))
            return
        settings = self._settings()
        seconds = delay_seconds(mail.attempts)
        if trouble.of_the_server and changes != self._changes:
            seconds = 0.0  # it was the trouble of settings that were changed meanwhile
        elif trouble.of_the_server:
            if not self._troubles:
                values: dict[str, str | int | float] = {
                    "host": settings.host,
                    "port": settings.port,
                    "said": trouble.said,
                }
                self._note("mail", f"mail_trouble_{trouble.kind}", values)
            seconds = delay_seconds(self._troubles)
            self._troubles += 1
            self._not_before = self._now() + timedelta(seconds=seconds)
        again = self._now() + timedelta(seconds=seconds)
        await self._until_written(lambda: self._rows.put_off(mail.id, again, trouble.kind, trouble.said))

    async def _until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write an outcome down, however long the database is away: a mail that was sent must not be sent again."""
        while True:
            try:
                await write()
                return
            except DatabaseUnavailable:
                if not self._running:
                    return
                await self._nap.sleep(DATABASE_SECONDS)


def delay_seconds(tries: int) -> float:
    """How long to wait after `tries` earlier tries that failed: a minute, then twice as long each time, an hour."""
    return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(tries, 10))


def opened(settings: MailSettings, secrets: Secrets) -> Server:
    """The mail server with its password in clear text. Raises MailTrouble when that cannot be opened."""
    try:
        password = secrets.unseal(settings.password)
    except ValueError as error:
        raise MailTrouble("sealed") from error
    return Server(settings.host, settings.port, settings.security, settings.verify, settings.login, password)


async def _awaited(delivery: Awaitable[None]) -> None:
    await delivery


def _named(mail: QueuedMail) -> dict[str, str | int | float]:
    return {"recipient": mail.recipient, "subject": mail.subject}
