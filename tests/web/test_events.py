"""Server-sent events, over a fake transport with the real HTTP underneath."""

from __future__ import annotations

from dataclasses import replace

from support.events import Reader
from support.web import NOON, Browser, WebShop, sale
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.events import CameraStateChanged, LineMasked, Noted
from camtrace.model import CameraState, JournalEntry, Status


class EventsTests(SynchronousTestCase):
    """What happens, as it happens."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shop = WebShop(self.clock)
        self.token = self.shop.token()

    def test_stream(self) -> None:
        """Lines, states and journal entries with their facts' ids."""
        reader = Reader(self.shop, self.token)
        self.assertIn(b"200 OK", reader.head)
        self.assertIn(b"text/event-stream", reader.head)
        fact = sale(1)
        self.shop.bus.publish(fact)
        self.shop.bus.publish(CameraStateChanged(fact.id + 1, CameraState(101, Status.ERROR, "refused", NOON)))
        entry = JournalEntry(id=fact.id + 2, at=NOON, kind="system", text="started")
        self.shop.bus.publish(Noted(entry.id, entry))
        events = reader.events()
        self.assertEqual(
            [event[:2] for event in events],
            [
                (str(fact.id), "line"),
                (str(fact.id + 1), "camera"),
                (str(fact.id + 2), "journal"),
            ],
        )
        self.assertEqual(events[0][2]["amount"], "16.00")
        self.assertEqual((events[1][2]["camera"], events[1][2]["status"]), (1, "error"))
        self.shop.bus.publish(LineMasked(fact.id + 3, replace(fact.line, text="CB ****")))
        ((id, kind, line),) = reader.events()
        self.assertEqual((id, kind, line["id"], line["text"]), (str(fact.id + 3), "line", str(fact.id), "CB ****"))

    def test_resume(self) -> None:
        """After a break the store gives what was missed; what is published meanwhile comes once, in order."""
        facts = [sale(number) for number in range(1, 1203)]
        self.shop.past.facts = [(fact.id, fact.line) for fact in facts]
        reader = Reader(self.shop, self.token, Last_Event_ID=str(facts[1].id))
        self.shop.bus.publish(facts[-1])
        self.shop.bus.publish(sale(2000))
        seen = [int(event[0]) for event in reader.events()]
        self.assertEqual(seen, [fact.id for fact in facts[2:]] + [sale(2000).id])

    def test_from_now(self) -> None:
        """Without a last id the stream begins now."""
        self.shop.past.facts = [(sale(1).id, sale(1).line)]
        self.assertEqual(Reader(self.shop, self.token).events(), [])

    def test_bad_id(self) -> None:
        """An id that is no fact's is refused."""
        browser = Browser(self.shop, token=self.token)
        for text in ("x", "-1", "9" * 30):
            self.assertEqual(browser.get("/api/v1/events", headers={"Last-Event-ID": text}).code, 400)

    def test_own_cameras_only(self) -> None:
        """A viewer hears of the cameras of the profile and of nothing else."""
        boris = self.shop.users.users["boris"]
        profile = replace(boris.profile, rights=boris.profile.rights | {"lines"})
        self.shop.users.users["boris"] = replace(boris, profile=profile)
        reader = Reader(self.shop, self.shop.token("boris"))
        self.shop.bus.publish(sale(1, uids=(102,)))
        self.shop.bus.publish(sale(2, uids=(101,)))
        self.shop.bus.publish(CameraStateChanged(5, CameraState(102, Status.ERROR, "refused", NOON)))
        entry = JournalEntry(id=6, at=NOON, kind="system", text="started")
        self.shop.bus.publish(Noted(6, entry))
        self.assertEqual([int(event[0]) for event in reader.events()], [sale(2).id])

    def test_heartbeat(self) -> None:
        """A comment now and then shows that the line is up."""
        reader = Reader(self.shop, self.token)
        reader.events()
        self.clock.advance(15)
        self.assertIn(b": still here", reader.wire.value())

    def test_reader_that_does_not_read(self) -> None:
        """Who lets a thousand events wait is cut off."""
        reader = Reader(self.shop, self.token)
        reader.wire.producer.pauseProducing()
        for number in range(1, 1001):
            self.shop.bus.publish(sale(number))
        self.assertFalse(reader.wire.aborted)
        for number in range(1001, 1004):
            self.shop.bus.publish(sale(number))
        self.assertTrue(reader.wire.aborted)

    def test_slow_reader(self) -> None:
        """What waited while the reader was busy comes in order."""
        reader = Reader(self.shop, self.token)
        reader.wire.producer.pauseProducing()
        for number in range(1, 10):
            self.shop.bus.publish(sale(number))
        reader.wire.producer.resumeProducing()
        self.assertEqual([int(event[0]) for event in reader.events()], [sale(number).id for number in range(1, 10)])

    def test_leaving(self) -> None:
        """When the reader goes, nothing of it stays."""
        reader = Reader(self.shop, self.token)
        self.assertEqual(len(self.shop.events._streams), 1)
        reader.leave()
        self.assertEqual(len(self.shop.events._streams), 0)
        self.assertFalse(self.shop.bus._listeners[Noted])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_server_stops(self) -> None:
        """The stream ends when the server does."""
        reader = Reader(self.shop, self.token)
        self.shop.events.stop()
        self.assertTrue(reader.wire.value().endswith(b"0\r\n\r\n"))
