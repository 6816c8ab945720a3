"""What datagrams become: lines, what is refused and told, who spoke; and the port they come through."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from support.prisma import SettingsInMemory
from twisted.internet import defer, reactor, task
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace import window
from camtrace.complaints import Complaints
from camtrace.errors import Invalid, NotFound
from camtrace.events import LineReceived, TicketTied
from camtrace.metrics import Metrics
from camtrace.model import Line, Profile, User
from camtrace.prisma import protocol, service
from camtrace.prisma.admission import Admission, Allowance
from camtrace.prisma.protocol import EventPort, where
from camtrace.prisma.receipts import Receipts
from camtrace.prisma.registry import Registry
from camtrace.prisma.service import Datagram, EventSources
from camtrace.prisma.wire import LONGEST, Event, decode, encode
from camtrace.tickets.deeds import is_heard

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
PARIS = ZoneInfo("Europe/Paris")
USER = User(1, "anna", Profile(1, "administrator", frozenset()))
SALE = Event("KKM", "12", 6, "1042", "Иванова", "41", 1, "4600000000017", "17", "Батон", Decimal(5), Decimal(2))


class Facts:
    """Takes facts."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.durable: defer.Deferred[None] | None = None  # None: at once

    def record_all(self, facts: Sequence[LineReceived | TicketTied]) -> defer.Deferred[None]:
        self.all += facts
        return self.durable or defer.succeed(None)


class Cameras:
    def watching(self, source: str) -> tuple[int, ...]:
        return {"KKM:12": (7, 9)}.get(source, ())


class Notes:
    """A journal."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, kind: str, text: str, values: Mapping[str, Any], *, user: str = "") -> object:
        self.all.append((text, values))
        return None


class ServiceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.now, self.seconds = NOON, 0.0
        self.facts, self.metrics, self.rows, self.notes = Facts(), Metrics(), SettingsInMemory(), Notes()
        self.registry = Registry(self.rows, self.notes)
        self.sources = self.make()

    def make(self, **more: Any) -> EventSources:
        ids = count(1).__next__
        complaints = Complaints("prisma", self.notes, lambda: self.seconds)
        return EventSources(
            self.facts,
            Cameras(),
            self.registry,
            Receipts(ids),
            ids,
            self.metrics,
            complaints,
            PARIS,
            now=lambda: self.now,
            seconds=lambda: self.seconds,
            **more,
        )

    def send(self, *datagrams: bytes, peer: str = "10.0.0.5", after: float = 1.0) -> list[Line]:
        before = len(self.facts.all)
        for datagram in datagrams:
            self.seconds += after
            self.now += timedelta(seconds=after)
            said = self.sources.received([Datagram(datagram, peer, self.now, self.seconds)])
            self.successResultOf(said)
        return [fact.line for fact in self.facts.all[before:]]

    def say(self, code: int, receipt: str = "41", **more: Any) -> Line:
        (line,) = self.send(encode(Event("KKM", "12", code, receipt=receipt)._replace(**more)))
        return line

    def do(self, work: Any) -> Any:
        return self.successResultOf(defer.Deferred.fromCoroutine(work))


class Lines(ServiceCase):
    def test_a_line_with_all_it_needs(self) -> None:
        event = SALE._replace(amount=Decimal("10.00"), total=Decimal("15.50"), day=date(2026, 3, 4), hour=time(13, 0))
        (line,) = self.send(encode(event))
        (fact,) = self.facts.all
        self.assertEqual(
            line,
            Line(
                id=fact.id,
                received_at=NOON + timedelta(seconds=1),
                sent_at=NOON,
                protocol="prisma",
                source="KKM:12",
                peer="10.0.0.5",
                ticket="41",
                ticket_id=fact.ticket.id,
                seller="Иванова",
                seller_code="1042",
                type="6",
                position=1,
                code="17",
                barcode="4600000000017",
                text="Батон",
                quantity=Decimal(2),
                price=Decimal(5),
                amount=Decimal("10.00"),
                total=Decimal("15.50"),
                raw=encode(event),
                cameras=(7, 9),
            ),
        )
        self.assertEqual((fact.ticket.number, fact.ticket.total), ("41", Decimal("15.50")))

    def test_several_in_a_datagram(self) -> None:
        lines = self.send(encode(SALE) + encode(SALE._replace(position=2)))
        self.assertEqual([line.position for line in lines], [1, 2])
        self.assertEqual(lines[1].received_at - lines[0].received_at, TICK)
        self.assertEqual(self.metrics.value("camtrace_prisma_datagrams_total"), 1)
        self.assertEqual(self.metrics.value("camtrace_prisma_events_total"), 2)

    def test_what_stands_out(self) -> None:
        """Cancelled lines, and those of a return."""
        self.assertEqual([self.say(code).special for code in (4, 6, 9, 18, 25, 5)], ["", "", *["ANNULE"] * 3, ""])
        self.assertEqual([self.say(code, "42").special for code in (46, 66, 47)], ["RETOUR", "RETOUR", ""])

    def test_the_log_only(self) -> None:
        """A heartbeat belongs to the receipt and not on the screen; one that the shop ignores is only counted."""
        self.say(4)
        self.assertEqual(self.say(60, "0").flags, ("hidden",))
        self.do(self.registry.change_event(60, {"display": "ignore"}, USER))
        self.assertEqual(self.send(encode(Event("KKM", "12", 60))), [])
        self.assertEqual(self.metrics.value("camtrace_prisma_ignored_total"), 1)
        self.assertEqual(self.sources.seen()[0].heartbeat_at, self.now)

    def test_links_and_flags(self) -> None:
        attempt = self.say(16, cashier="Anna")
        deed = self.say(18, cashier="Boris")
        self.assertEqual((deed.follows, deed.flags), (attempt.id, ("other_seller",)))
        self.say(4, "42")
        self.assertEqual(self.say(37, "41").flags, ("hidden", "late"))

    def test_a_dispensers_receipt(self) -> None:
        self.send(encode(Event("TRK", "3", 305, receipt="9")))
        self.say(4)
        self.say(309, goods_code="TRK 03", barcode="9")
        pump, *_, linked = self.facts.all
        self.assertEqual(linked.ticket.linked, pump.ticket.id)
        self.say(309, goods_code="4")
        self.assertEqual(self.facts.all[-1].ticket.linked, pump.ticket.id)

    def test_a_dispensers_receipt_that_comes_behind_its_link(self) -> None:
        """The till's ticket is tied when it comes, though nothing more is said of that."""
        self.say(4)
        self.say(309, goods_code="TRK 03", barcode="9")
        self.say(5)
        self.sources.received([Datagram(encode(Event("TRK", "3", 305, receipt="9")), "10.0.0.6", self.now, 99)])
        ended, pump, tied = self.facts.all[-3:]
        self.assertIsInstance(tied, TicketTied)
        self.assertEqual((tied.ticket.id, tied.ticket.linked), (ended.ticket.id, pump.ticket.id))
        self.assertEqual(tied.ticket.line_count, 3)
        self.assertEqual(self.metrics.value("camtrace_prisma_events_total"), 4)

    def test_motion_at_a_till(self) -> None:
        """A line of tills that are known to speak, in the receipt that is open, in the log only."""
        self.say(4)
        self.successResultOf(self.sources.motion(["1", "KKM:12", "KKM:99"], NOON))
        line = self.facts.all[-1].line
        self.assertEqual(len(self.facts.all), 2)
        self.assertEqual((line.type, line.source, line.sent_at, line.flags), ("130", "KKM:12", NOON, ("hidden",)))
        self.assertEqual(line.ticket_id, self.facts.all[0].ticket.id)

    def test_a_rule_that_was_met(self) -> None:
        """A line of the till's receipt, with the rule's name, that closes nothing; as the shop has set its display."""

        def met(source: str = "KKM:12", receipt: str = "") -> None:
            self.successResultOf(self.sources.rule_met(source, "Over 20", receipt, "Иванова", NOON))

        self.say(4, receipt="41")
        opened = self.facts.all[0].ticket.id
        self.do(self.registry.change_event(61, {"closing": True}, USER))
        met(receipt="41")
        met("1")
        met("KKM:99")
        line, ticket = self.facts.all[-1].line, self.facts.all[-1].ticket
        self.assertEqual((len(self.facts.all), line.type, line.text, line.seller), (2, "61", "Over 20", "Иванова"))
        self.assertEqual((line.sent_at, line.flags, ticket.id, ticket.closed_at), (NOON, ("hidden",), opened, None))
        self.assertFalse(is_heard(line))
        self.say(5, receipt="41")
        met(receipt="41")
        self.assertEqual(self.facts.all[-1].ticket.id, opened)
        met()
        self.assertEqual(self.facts.all[-1].ticket.kind, "event")
        self.do(self.registry.change_event(61, {"display": "ignore"}, USER))
        met()
        self.assertEqual(len(self.facts.all), 5)

    def test_card_numbers(self) -> None:
        line = self.say(31, card="4111111111111111", card_type="VIS")
        self.assertEqual((line.card, line.tender), ("*" * 12 + "1111", "VIS"))
        self.assertNotIn(b"411111111111", line.raw)


class Instants(ServiceCase):
    def sent(self, day: date | None, hour: time | None) -> datetime | None:
        return self.say(6, day=day, hour=hour).sent_at

    def test_the_senders_clock(self) -> None:
        """In the shop's zone; what is missing is the server's."""
        self.assertEqual(self.sent(date(2026, 7, 1), time(14, 5)), datetime(2026, 7, 1, 12, 5, tzinfo=UTC))
        self.assertEqual(self.sent(None, time(12, 59, 59)), datetime(2026, 3, 4, 11, 59, 59, tzinfo=UTC))
        self.assertEqual(self.sent(None, None), self.now)
        self.assertEqual(self.sent(date(2026, 3, 3), None), self.now - timedelta(days=1))

    def test_around_midnight_and_the_doubled_hour(self) -> None:
        self.now = datetime(2026, 3, 3, 23, 0, 2, tzinfo=UTC)  # 0:00:02 in Paris
        self.assertEqual(self.sent(None, time(23, 59, 58)), datetime(2026, 3, 3, 22, 59, 58, tzinfo=UTC))
        for hour in (0, 1):
            self.now = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
            self.seconds += 3600
            self.assertEqual(self.sent(date(2026, 10, 25), time(2, 30)), datetime(2026, 10, 25, hour, 30, tzinfo=UTC))

    def test_instants_increase(self) -> None:
        self.sources.resume({"KKM:12": NOON + timedelta(hours=1), "1": NOON})
        self.assertEqual(self.say(6).received_at, NOON + timedelta(hours=1) + TICK)
        self.assertEqual([seen.source for seen in self.sources.seen()], ["KKM:12"])


class Refused(ServiceCase):
    def test_bad_packets(self) -> None:
        """Counted by their fault; the journal is told once, with the address."""
        self.send(b"", b"KKM1a    6   ", b"KKM1b    6   ", b"?", encode(SALE))
        self.assertEqual(len(self.facts.all), 1)
        for reason, number in (("short", 2), ("number", 2), ("mode", 0)):
            self.assertEqual(self.metrics.value("camtrace_prisma_errors_total", reason=reason), number)
        self.assertEqual([text for text, _ in self.notes.all], ["prisma_short", "prisma_number"])
        self.assertEqual(self.notes.all[1][1], {"address": "10.0.0.5", "count": 1, "sample": "KKM1a    6"})

    def test_repeated_by_the_network(self) -> None:
        """Byte for byte the same within two seconds; without date and time within a fifth of one."""
        dated = encode(SALE._replace(day=date(2026, 3, 4), hour=time(13, 0)))
        self.assertEqual(len(self.send(dated, dated, dated, encode(SALE), after=0.5)), 2)
        self.assertEqual(len(self.send(dated, after=3)), 1)
        self.assertEqual(len(self.send(encode(SALE), encode(SALE), after=0.1)), 1)
        self.assertEqual(len(self.send(encode(SALE), encode(SALE), after=0.3)), 2)
        self.assertEqual(self.metrics.value("camtrace_prisma_repeated_total"), 3)

    def test_repeated_while_senders_take_turns(self) -> None:
        """One whose turn comes late is compared with itself, whatever a quicker neighbour has said meanwhile."""
        late = encode(SALE._replace(day=date(2026, 3, 4), hour=time(13, 0)))
        other = encode(SALE._replace(number="13"))
        arrived = [(late, "10.0.0.5", 1.0), (other, "10.0.0.6", 9.0), (late, "10.0.0.5", 1.1), (late, "10.0.0.5", 3.2)]
        for data, peer, seconds in arrived:
            self.seconds = max(9.0, self.seconds + 0.5)
            self.successResultOf(self.sources.received([Datagram(data, peer, NOON, seconds)]))
        self.assertEqual([fact.line.source for fact in self.facts.all], ["KKM:12", "KKM:13", "KKM:12"])

    def test_a_flood(self) -> None:
        """One sender may say so much; others are not touched, and the journal is told once."""
        self.sources = self.make(allowance=Allowance(burst=10, rate=1))
        packets = [encode(SALE._replace(position=number)) for number in range(50)]
        self.assertEqual(len(self.send(*packets, after=0.01)), 10)
        self.assertEqual(len(self.send(encode(SALE), peer="10.0.0.6")), 1)
        self.assertEqual(self.metrics.value("camtrace_prisma_errors_total", reason="flood"), 40)
        self.assertEqual([text for text, _ in self.notes.all], ["prisma_flood"])
        self.assertEqual(len(self.send(encode(SALE), after=30)), 1)

    def test_a_gateway_of_a_chain(self) -> None:
        """10,000 a second from one address for a minute, none left out; one that says thrice as much is held back."""
        allowance, loud = Allowance(), Allowance()
        self.assertTrue(all(allowance.take("10.0.0.5", place / 10_000) for place in range(600_000)))
        taken = sum(loud.take("10.0.0.5", place / 30_000) for place in range(600_000))
        self.assertLess(taken, 360_000)
        self.assertTrue(loud.take("10.0.0.6", 20))

    def test_strangers_make_room(self) -> None:
        """Where too many have spoken the refused one that spoke longest ago is forgotten, and nobody that is known."""
        self.patch(service, "MOST_SOURCES", 3)
        self.sources = self.make(admission=Admission(["10.0.0.5"]))
        self.say(3)
        for number in ("20", "21", "20", "22"):
            self.send(encode(SALE._replace(number=number)), peer="10.0.0.6", after=3)
        self.assertEqual([seen.source for seen in self.sources.seen()], ["KKM:12", "KKM:20", "KKM:22"])
        self.do(self.registry.register("KKM:20", {}, USER))
        self.send(encode(SALE._replace(number="23")), encode(SALE._replace(number="24")), peer="10.0.0.6")
        self.assertEqual([seen.source for seen in self.sources.seen()], ["KKM:12", "KKM:20", "KKM:24"])
        self.assertEqual(self.metrics.value("camtrace_prisma_errors_total", reason="crowd"), 0)

    def test_strangers_are_forgotten(self) -> None:
        """A refused one that was silent for a month goes as soon as another speaks, though there is room."""
        self.sources = self.make(admission=Admission(["10.0.0.5"]))
        self.say(3)
        for number, days in (("20", 0), ("21", 20), ("20", 5), ("22", 15)):
            self.send(encode(SALE._replace(number=number)), peer="10.0.0.6", after=days * 86400)
        self.assertEqual([seen.source for seen in self.sources.seen()], ["KKM:12", "KKM:20", "KKM:21", "KKM:22"])
        self.send(encode(SALE._replace(number="23")), peer="10.0.0.6", after=10 * 86400 + 10)
        self.assertEqual([seen.source for seen in self.sources.seen()], ["KKM:12", "KKM:20", "KKM:22", "KKM:23"])

    def test_a_clock_that_is_years_off(self) -> None:
        """Kept as it was told, counted, and told once with the sender; the neighbour's line is found where it was."""
        wrong = SALE._replace(number="9", day=date(1998, 1, 1), hour=time(9, 0))
        lines = self.send(encode(wrong), encode(SALE), encode(wrong._replace(position=2)))
        self.assertEqual([line.source for line in lines], ["KKM:9", "KKM:12", "KKM:9"])
        self.assertEqual(lines[0].sent_at, datetime(1998, 1, 1, 8, tzinfo=UTC))
        self.assertEqual([line.received_at for line in lines], [NOON + timedelta(seconds=s) for s in (1, 2, 3)])
        self.assertEqual(self.metrics.value("camtrace_prisma_wrong_clock_total"), 2)
        (note,) = self.notes.all
        told = {"address": "10.0.0.5", "count": 1, "source": "KKM:9", "told": "1998-01-01 09:00"}
        self.assertEqual(note, ("prisma_clock", told))

    def test_what_the_kernel_dropped(self) -> None:
        for lost in (5, 9):
            self.sources.dropped("udp:21845", lost)
        self.assertEqual(self.notes.all, [("prisma_lost", {"address": "udp:21845", "count": 1, "lost": 5})])

    def test_more_than_memory_should_hold(self) -> None:
        self.patch(window, "MOST", 2)
        self.sources = self.make()
        durable = self.facts.durable = defer.Deferred()
        events = [Datagram(encode(SALE._replace(position=number)), "10.0.0.5", NOON, 0.0) for number in range(3)]
        self.sources.received(events[:2])
        self.assertFalse(self.sources.is_crowded)
        self.facts.durable = defer.Deferred()
        self.sources.received(events[2:])
        self.assertTrue(self.sources.is_crowded)
        durable.callback(None)
        self.assertFalse(self.sources.is_crowded)
        self.facts.durable = None
        self.sources.crowded("10.0.0.5", 40)
        self.patch(service, "MOST_SOURCES", 1)
        self.assertEqual(len(self.send(encode(SALE), encode(SALE._replace(number="13")), after=3)), 1)
        self.assertEqual(self.metrics.value("camtrace_prisma_errors_total", reason="crowd"), 41)
        self.assertEqual([text for text, _ in self.notes.all], ["prisma_crowd"])

    def test_forged_sources_keep_nobody_out_for_good(self) -> None:
        """Where all places are taken, who is registered speaks at once, others when a forged one was silent an hour."""
        self.patch(service, "MOST_SOURCES", 3)
        self.do(self.registry.register("KKM:12", {}, USER))
        self.send(*(encode(SALE._replace(number=str(number))) for number in range(500, 503)))
        self.assertEqual(self.send(encode(SALE._replace(number="13"))), [])
        self.assertEqual(len(self.send(encode(SALE))), 1)
        self.assertEqual(len(self.send(encode(SALE._replace(number="500", receipt="42")), after=3000)), 1)
        self.assertEqual(len(self.send(encode(SALE._replace(number="13")), after=700)), 1)
        self.assertEqual([seen.source for seen in self.sources.seen()], ["KKM:12", "KKM:13", "KKM:500", "KKM:502"])
        self.assertEqual(self.metrics.value("camtrace_prisma_errors_total", reason="crowd"), 1)

    def test_our_own_clock_that_was_wrong(self) -> None:
        """Put back by years it is followed; by minutes, instants go on increasing."""
        first = self.say(4)
        self.now -= timedelta(minutes=5)
        self.assertEqual(self.say(6).received_at, first.received_at + timedelta(microseconds=1))
        self.now -= timedelta(days=4000)
        self.assertEqual(self.say(5).received_at, self.now)

    def test_a_datagram_of_any_length(self) -> None:
        """What stands far behind a packet is neither read nor kept."""
        (line,) = self.send(encode(SALE) + b"x" * 16_000)
        self.assertEqual((line.text, len(line.raw)), ("Батон", LONGEST))

    def test_strangers(self) -> None:
        """They are seen and not taken, until somebody registers them."""
        self.sources = self.make(admission=Admission(["10.0.0.0/24", "KKM:1"]))
        self.assertEqual(self.send(encode(SALE)), [])
        (seen,) = self.sources.seen()
        self.assertTrue(seen.refused)
        self.assertEqual(self.notes.all[0][1]["source"], "KKM:12")
        self.do(self.registry.register("KKM:12", {"encoding": "cp1251"}, USER))
        self.assertEqual(self.send(encode(SALE, "cp1251"))[0].text, "Батон")
        self.assertFalse(self.sources.seen()[0].refused)

    def test_who_may_speak(self) -> None:
        cases: list[tuple[list[str] | None, str, str, bool]] = [
            (None, "KKM:1", "203.0.113.9", True),
            (["10.0.0.0/24"], "KKM:1", "10.0.0.9", True),
            (["10.0.0.0/24"], "KKM:1", "10.0.1.9", False),
            (["kkm:01"], "KKM:1", "203.0.113.9", True),
            (["KKM:1"], "KKM:2", "203.0.113.9", False),
            (["10.0.0.1", "KKM:1"], "KKM:1", "10.0.0.2", False),
        ]
        for entries, source, peer, may in cases:
            self.assertEqual(Admission(entries).admits(source, peer), may, (entries, source, peer))


class Settings(ServiceCase):
    def test_kept_and_read_again(self) -> None:
        self.do(self.registry.register("KKM:12", {"name": "Till by the door", "encoding": "utf-8"}, USER))
        self.do(self.registry.change_event(451, {"name": "Back door"}, USER))
        again = Registry(self.rows, self.notes)
        self.do(again.setting_changed("prisma_events"))
        self.assertEqual(
            (again.sources, again.catalogue.changes), (self.registry.sources, self.registry.catalogue.changes)
        )
        self.do(self.registry.forget("KKM:12", USER))
        self.do(self.registry.reset_event(451, USER))
        self.assertEqual(self.rows.stored, {"prisma_events": {}, "prisma_sources": {}})
        self.assertEqual(len(self.notes.all), 4)
        for wrong in (
            self.registry.forget("KKM:12", USER),
            self.registry.register("till", {}, USER),
            self.registry.register("KKM:1", {"encoding": "x"}, USER),
            self.registry.register("KKM:1", {"color": "x"}, USER),
            self.registry.change_event(0, {}, USER),
        ):
            self.failureResultOf(defer.Deferred.fromCoroutine(wrong), Invalid, NotFound)

    def test_signs_of_life(self) -> None:
        """All that is taken is one, stored or not; what the server writes itself and what is refused is none."""
        alive: list[tuple[Any, ...]] = []
        self.sources = self.make(admission=Admission(["10.0.0.5"]), alive=lambda *told: alive.append(told))
        self.say(3)
        self.do(self.registry.change_event(60, {"display": "ignore"}, USER))
        self.send(encode(Event("KKM", "12", 60)))
        self.send(encode(Event("KKM", "12", 60)), peer="10.0.0.6", after=3)
        self.successResultOf(self.sources.motion(["KKM:12"], self.now))
        self.assertEqual([(source, beat) for source, _, beat in alive], [("KKM:12", False), ("KKM:12", True)])


class Port(TestCase):
    async def test_through_the_real_port(self) -> None:
        """Datagrams sent before the port is read wait; those of one turn come together; `leave` loses none."""
        taken: list[Datagram] = []
        arrived: defer.Deferred[None] = defer.Deferred()

        class Receiver:
            is_crowded = False

            def received(self, datagrams: Sequence[Datagram]) -> defer.Deferred[None]:
                taken.extend(datagrams)
                if len(taken) >= 300 and not arrived.called:
                    arrived.callback(None)
                return task.deferLater(reactor, 0.01)

            def dropped(self, endpoint: str, count: int) -> None:
                raise AssertionError(f"{count} were dropped")

            def crowded(self, peer: str, count: int) -> None:
                raise AssertionError(f"{peer} was left out")

        port = EventPort(reactor, Receiver(), "udp:0:interface=127.0.0.1")
        bound = port.bind()
        bound.stopReading()
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for number in range(300):
                sender.sendto(encode(SALE._replace(receipt=str(number))), ("127.0.0.1", bound.getHost().port))
        bound.startReading()
        await arrived
        self.assertEqual([decode(each.data).receipt for each in taken], [str(number) for number in range(300)])
        self.assertEqual({each.peer for each in taken}, {"127.0.0.1"})
        await bound.stopListening()
        await port.leave()
        self.assertEqual(port.lost(), 0)

    def test_what_waits_to_be_understood(self) -> None:
        """So many at a turn, none while the intake does not keep up; who says most gives way; a stop takes all."""
        taken: list[bytes] = []
        crowded: list[tuple[str, int]] = []

        class Receiver:
            is_crowded = False

            def received(self, datagrams: Sequence[Datagram]) -> defer.Deferred[None]:
                taken.extend(each.data for each in datagrams)
                return defer.succeed(None)

            def dropped(self, endpoint: str, count: int) -> None:
                raise AssertionError(f"{count} were dropped")

            def crowded(self, peer: str, count: int) -> None:
                crowded.append((peer, count))

        for name, value in (("AT_ONCE", 4), ("MOST_WAITING", 12)):
            self.patch(protocol, name, value)
        turns: list[tuple[float, Any]] = []
        clock, receiver = task.Clock(), Receiver()
        self.patch(clock, "callLater", lambda seconds, work: turns.append((seconds, work)) or turns[-1])
        port = EventPort(clock, receiver, "udp:0", seconds=clock.seconds)
        for number in range(11):
            port.datagramReceived(b"%d" % number, ("10.0.0.5", 1))
        turns.pop()[1]()
        self.assertEqual(taken, [b"0", b"1", b"2", b"3"])
        port.datagramReceived(b"neighbour", ("10.0.0.6", 1))
        receiver.is_crowded = True
        turns.pop()[1]()
        self.assertEqual((len(taken), turns[0][0]), (4, protocol.CROWDED_SECONDS))
        receiver.is_crowded = False
        turns.pop()[1]()
        self.assertEqual(taken[4:], [b"neighbour", b"4", b"5", b"6"])
        self.assertEqual(turns[0][0], 0)
        for number in range(11, 20):
            port.datagramReceived(b"%d" % number, ("10.0.0.5", 1))
        self.assertEqual(crowded, [("10.0.0.5", 7)])
        receiver.is_crowded = True
        self.successResultOf(defer.ensureDeferred(port.leave()))
        self.assertEqual(taken[8:], [b"7", b"8", b"9", b"10", b"11", b"12"])
        turns.pop()[1]()
        self.assertEqual((len(taken), turns), (14, []))

    def test_drops_are_looked_for(self) -> None:
        """What the kernel dropped is told when there is more of it."""
        told: list[tuple[str, int]] = []

        class Receiver:
            is_crowded = False

            def received(self, datagrams: Sequence[Datagram]) -> defer.Deferred[None]:
                return defer.succeed(None)

            def dropped(self, endpoint: str, count: int) -> None:
                told.append((endpoint, count))

            def crowded(self, peer: str, count: int) -> None:
                raise AssertionError(f"{peer} was left out")

        class Reactor(task.Clock):
            def listenUDP(self, number: int, *more: Any, **options: Any) -> Any:
                return reactor.listenUDP(0, *more, **options)

        clock, losses = Reactor(), iter((0, 4, 4, 6))
        port = EventPort(clock, Receiver(), "udp:21845:interface=127.0.0.1")
        self.patch(port, "lost", lambda: next(losses))
        bound = port.bind()
        self.addCleanup(bound.stopListening)
        clock.pump([30, 30, 30])
        self.assertEqual(told, [("udp:21845:interface=127.0.0.1", 4)])
        self.successResultOf(defer.ensureDeferred(port.leave()))
        self.assertEqual(told[1:], [("udp:21845:interface=127.0.0.1", 6)])

    def test_where(self) -> None:
        self.assertEqual(where("udp:21845"), (21845, ""))
        self.assertEqual(where(r"udp:port=21845:interface=\:\:1"), (21845, "::1"))
