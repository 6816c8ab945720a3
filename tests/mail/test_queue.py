"""The queue on a real database, a clock that is set by hand, and a post that does as it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet
from support.database import DatabaseCase
from support.needs import needs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from camtrace.errors import DatabaseUnavailable
from camtrace.mail.queue import Queue, delay_seconds
from camtrace.mail.settings import MailSettings
from camtrace.mail.smtp import MailTrouble, Server
from camtrace.model import MailQuery, Outgoing, QueuedMail
from camtrace.store.mails import MailStore
from camtrace.vault import Vault

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VAULT = Vault(Fernet.generate_key())
SETTINGS = MailSettings("mail.shop", 587, "starttls", True, "cam", VAULT.seal("secret"), "cam@shop.example")


def mail(key: str, **more: Any) -> Outgoing:
    values = {"kind": "alarm", "recipient": f"{key}@shop.example", "subject": f"about {key}"}
    return Outgoing(key=key, message=b"Subject: x\r\n\r\n" + key.encode() + b"\r\n", **(values | more))


class Box:
    """A post: keeps what it is given, or fails with what `troubles` holds for a recipient."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.servers: list[Server] = []
        self.troubles: dict[str, MailTrouble] = {}
        self.tried: list[str] = []
        self.hang: Deferred[None] | None = None
        self.slow: Deferred[None] | None = None  # what a trouble waits for
        self._waiting: list[Deferred[None]] = []

    async def deliver(
        self, server: Server, sender: str, recipient: str, data: bytes, entrust: Callable[[], Awaitable[None]]
    ) -> None:
        self.tried.append(recipient)
        self.servers.append(server)
        self._tell()
        trouble = self.troubles.get(recipient) or self.troubles.get("*")
        if trouble is not None:
            if self.slow is not None:
                await self.slow
            raise trouble
        await entrust()
        if self.hang is not None:
            await self.hang
        self.got.append((recipient, data))

    def next_try(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


@needs("postgresql")
class QueueTests(DatabaseCase):
    """States, tries, crashes."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("truncate mail, mail_fact, mail_lost, mail_count")
        self.clock, self.box, self.notes = Clock(), Box(), []
        self.settings = SETTINGS
        self.rows = MailStore(self.database)
        self.queue = self._queue()

    def _queue(self) -> Queue:
        return Queue(self.rows, self.box, lambda: self.settings, VAULT, self._note, self.clock, "Shop", self._now)

    def _now(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds())

    def _note(self, kind: str, text: str, values: Any, camera_uid: int | None = None, user: str = "") -> None:
        assert kind == "mail"
        self.notes.append((text, dict(values)))

    async def _start(self) -> None:
        await self.queue.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.queue.stop()))

    async def _until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """The queue works on the real database: look until it is there, `timeout` is the limit."""
        while not await condition():
            await deferLater(reactor, 0.005)

    async def _states(self) -> dict[str, str]:
        return {one.subject.removeprefix("about "): one.state for one in await self.rows.page(MailQuery(), 100)}

    async def _become(self, **wanted: str) -> list[QueuedMail]:
        async def there() -> bool:
            return {key: value for key, value in (await self._states()).items() if key in wanted} == wanted

        await self._until(there)
        return await self.rows.page(MailQuery(), 100)

    async def _idle(self) -> None:
        """The queue sleeps."""

        async def sleeps() -> bool:
            return bool(self.clock.getDelayedCalls())

        await self._until(sleeps)

    async def test_sent_once(self) -> None:
        """In order of arrival, signed with the sender, and emptied; the password reaches the post only."""
        await self._start()
        self.assertIsNotNone(await self.rows.take("f1", NOON, [mail("a"), mail("b")]))
        self.queue.wake()
        for row in await self._become(a="sent", b="sent"):
            self.assertEqual((row.attempts, row.message, row.ended_at), (1, b"", NOON))
        self.assertEqual([to for to, _ in self.box.got], ["a@shop.example", "b@shop.example"])
        self.assertTrue(self.box.got[0][1].startswith(b"From: Shop <cam@shop.example>\r\nSubject: x"))
        self.assertEqual(self.box.servers[0].password, "secret")
        self.assertNotIn("secret", repr(self.box.servers[0]) + repr(self.settings))

    async def test_a_fact_told_twice(self) -> None:
        """One mail a fact and recipient."""
        self.assertEqual(len(await self.rows.take("f1", NOON, [mail("a")]) or []), 1)
        self.assertIsNone(await self.rows.take("f1", NOON, [mail("a")]))
        first = await self.rows.take("f2", NOON, [mail("b")])
        self.assertEqual(await self.rows.take("f3", NOON, [mail("b")]), first)
        self.assertEqual(len(await self.rows.page(MailQuery(), 10)), 2)

    async def test_tried_again(self) -> None:
        """A recipient that is put off waits longer each time and holds nobody else up."""
        self.box.troubles["a@shop.example"] = MailTrouble("busy", "450 later")
        await self.rows.take("f1", NOON, [mail("a"), mail("b")])
        await self._start()
        rows = {one.subject: one for one in await self._become(a="queued", b="sent")}
        self.assertEqual((rows["about a"].problem, rows["about a"].said), ("busy", "450 later"))
        self.assertEqual(rows["about a"].next_at, NOON + timedelta(minutes=1))
        await self._idle()
        again = self.box.next_try()
        self.clock.advance(60)
        await again
        await self._idle()
        [row] = [one for one in await self.rows.page(MailQuery(), 10) if one.subject == "about a"]
        self.assertEqual((row.attempts, row.next_at), (2, NOON + timedelta(minutes=3)))
        self.assertEqual(self.notes, [])
        del self.box.troubles["a@shop.example"]
        self.clock.advance(120)
        await self._become(a="sent", b="sent")

    async def test_delays(self) -> None:
        self.assertEqual([delay_seconds(n) for n in (0, 1, 5, 6, 99)], [60, 120, 1920, 3600, 3600])

    async def test_the_server_is_away(self) -> None:
        """One try for all, journaled once; when it is back, all leave, and that is journaled."""
        self.box.troubles["*"] = MailTrouble("refused")
        await self.rows.take("f1", NOON, [mail("a"), mail("b"), mail("c")])
        await self._start()
        await self._until_tried(1)
        self.assertEqual(self.notes, [("mail_trouble_refused", {"host": "mail.shop", "port": 587, "said": ""})])
        for tries in (2, 3):
            await self._idle()
            self.clock.advance(delay_seconds(tries - 2))
            await self._until_tried(tries)
        self.assertEqual(len(self.notes), 1)
        self.box.troubles = {}
        await self._idle()
        self.clock.advance(delay_seconds(2))
        await self._idle()
        self.clock.advance(600)
        await self._become(a="sent", b="sent", c="sent")
        self.assertEqual(self.notes[1:], [("mail_works_again", {"host": "mail.shop"})])

    async def _until_tried(self, times: int) -> None:
        async def tried() -> bool:
            return len(self.box.tried) >= times

        await self._until(tried)
        await self._idle()

    async def test_mended_settings_act_at_once(self) -> None:
        """Who repairs a password need not wait an hour."""
        self.box.troubles["*"] = MailTrouble("auth", "535 no")
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()
        await self._until_tried(1)
        self.box.troubles = {}
        await self.queue.settings_changed()
        await self._become(a="sent")

    async def test_settings_that_are_mended_during_a_try(self) -> None:
        """What fails by those of before is tried by the new ones at once."""
        self.box.troubles["*"], slow = MailTrouble("auth", "535 no"), Deferred()
        self.box.slow = slow
        await self.rows.take("f1", NOON, [mail("a")])
        trying = self.box.next_try()
        await self._start()
        await trying
        self.box.troubles = {}
        await self.queue.settings_changed()
        slow.callback(None)
        await self._become(a="sent")
        self.assertEqual(self.notes, [])

    async def test_refused_for_good(self) -> None:
        """What will never be taken is given up at once, with the server's words in the journal."""
        self.box.troubles["a@shop.example"] = MailTrouble("recipient", "550 nobody", final=True)
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()
        [row] = await self._become(a="failed")
        self.assertEqual((row.said, row.message), ("550 nobody", b""))
        self.assertEqual([text for text, _ in self.notes], ["mail_refused_recipient"])
        self.assertEqual(self.notes[0][1]["said"], "550 nobody")

    async def test_given_up_after_days(self) -> None:
        self.box.troubles["*"] = MailTrouble("timeout")
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()
        await self._until_tried(1)
        self.clock.advance(3 * 24 * 3600 + 1)
        await self._become(a="failed")
        self.assertIn("mail_given_up", [text for text, _ in self.notes])

    async def test_switched_off(self) -> None:
        """Without a host nothing leaves; a host lets everything leave."""
        self.settings = MailSettings()
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()
        await self._idle()
        self.assertEqual(self.box.tried, [])
        self.settings = SETTINGS
        await self.queue.settings_changed()
        await self._become(a="sent")

    async def test_killed_while_the_text_went_out(self) -> None:
        """Found on its way, it is sent once more and no third time; what was not on its way is simply sent."""
        ids = await self.rows.take("f1", NOON, [mail("a"), mail("b")]) or []
        await self.rows.sending(ids[0])
        await self._start()
        await self._become(a="sent", b="sent")
        self.assertEqual(sorted(self.box.tried), ["a@shop.example", "b@shop.example"])
        self.assertEqual(self.notes, [])
        ids = await self.rows.take("f2", NOON, [mail("c")]) or []
        for _ in range(2):
            self.assertEqual(await self.rows.recover(NOON), [])
            await self.rows.sending(ids[0])
            if _ == 0:
                continue
        # the first recovery found nothing on its way, the second one did: this is the third start
        await self.queue.stop()
        self.queue = self._queue()
        await self.queue.start()
        [row] = [one for one in await self.rows.page(MailQuery(), 10) if one.subject == "about c"]
        self.assertEqual((row.state, row.problem), ("failed", "doubtful"))
        self.assertEqual([text for text, _ in self.notes], ["mail_doubtful"])
        self.assertNotIn("c@shop.example", self.box.tried)

    async def test_stopped_while_the_text_goes_out(self) -> None:
        """A stop waits a moment for the answer; without one the mail is found on its way at the next start."""
        self.box.hang = Deferred()
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()
        await self._become(a="sending")
        stopping = Deferred.fromCoroutine(self.queue.stop())
        self.assertNoResult(stopping)
        self.clock.advance(2)
        await stopping
        self.assertEqual(await self._states(), {"a": "sending"})
        self.box.hang = None
        self.queue = self._queue()
        await self.queue.start()
        await self._become(a="sent")
        self.assertEqual(len(self.box.got), 1)

    async def test_a_password_of_another_key(self) -> None:
        """A restored database without its key: told, and nothing is sent without a login."""
        self.settings = MailSettings("mail.shop", 25, login="x", password=b"nonsense", sender="cam@shop.example")
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()

        async def told() -> bool:
            return bool(self.notes)

        await self._until(told)
        self.assertEqual((self.notes[0][0], self.box.tried), ("mail_trouble_sealed", []))

    async def test_the_database_goes_as_the_text_should_leave(self) -> None:
        """The mail did not leave; it is tried again, and not taken for one that may have."""

        class Failing(MailStore):
            fails = True

            async def sending(self, id: int) -> None:
                await super().sending(id)
                if self.fails:
                    raise DatabaseUnavailable("gone after it was written")

        self.rows = Failing(self.database)
        self.queue = self._queue()
        await self.rows.take("f1", NOON, [mail("a")])
        await self._start()
        await self._until_tried(1)
        self.rows.fails = False
        self.assertEqual((await self._states(), self.box.got), ({"a": "queued"}, []))
        self.clock.advance(5)
        [row] = await self._become(a="sent")
        self.assertEqual((len(self.box.got), row.attempts), (1, 2))

    async def test_a_fault_of_ours(self) -> None:
        """A mail that cannot be sent for a reason nobody thought of does not hold the others up."""
        self.box.troubles["a@shop.example"] = ZeroDivisionError()  # type: ignore[assignment]
        await self.rows.take("f1", NOON, [mail("a"), mail("b")])
        await self._start()
        await self._become(a="queued", b="sent")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_pages_and_sweeping(self) -> None:
        """The list goes on where it ended; what is old and over is forgotten, what waits is not."""
        for number in range(3):
            await self.rows.take(f"f{number}", NOON + timedelta(seconds=number), [mail(f"m{number}")])
        first = await self.rows.page(MailQuery(), 2)
        rest = await self.rows.page(MailQuery(), 2, (first[-1].queued_at, first[-1].id))
        self.assertEqual([one.subject for one in [*first, *rest]], ["about m2", "about m1", "about m0"])
        await self.rows.sent(rest[0].id, NOON)
        await self.rows.sweep(NOON + timedelta(days=31))
        self.assertEqual((len(await self.rows.page(MailQuery(), 10)), await self.rows.waiting()), (2, 2))
