"""What the tills' lines become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from camtrace.cards import written_as_usual
from camtrace.events import LineMasked, LineReceived
from camtrace.metrics import Metrics
from camtrace.model import Line
from camtrace.pos import service
from camtrace.pos.admission import Admission
from camtrace.pos.capture import Capture, Captured
from camtrace.pos.presets import shipped
from camtrace.pos.reading import Reader
from camtrace.pos.service import Tills
from camtrace.tickets.deeds import is_heard
from camtrace.tickets.grouping import Grouping
from camtrace.window import MOST

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class Facts:
    """Takes facts; `failing` refuses them."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.failing = False
        self.durable: defer.Deferred[None] | None = None  # None: at once

    def record_all(self, facts: Sequence[LineReceived | LineMasked]) -> defer.Deferred[None]:
        self.all += facts
        return defer.fail(ValueError("refused")) if self.failing else self.durable or defer.succeed(None)


class Cameras:
    def watching(self, source: str) -> tuple[int, ...]:
        return {"1": (7, 9)}.get(source, ())


class ServiceCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = NOON
        self.facts, self.metrics = Facts(), Metrics()
        self.bad: list[tuple[bytes, str]] = []
        self.tills = self.make()

    def make(self, **more: Any) -> Tills:
        ids = count(1).__next__
        return Tills(self.facts, Cameras(), Grouping(ids), ids, self.metrics, now=lambda: self.now, **more)

    def say(self, *lines: bytes, peer: str = "10.0.0.5") -> list[Line]:
        before = len(self.facts.all)
        said = self.tills.received(lines, peer, "auto", lambda line, error: self.bad.append((line, str(error))))
        self.successResultOf(said)
        return [fact.line for fact in self.facts.all[before:]]


class Lines(ServiceCase):
    def test_a_line_with_all_it_needs(self) -> None:
        (line,) = self.say(b"1|42|7|3|A|2|148|TARTE|16,00")
        (fact,) = self.facts.all
        self.assertEqual(
            line,
            Line(
                id=fact.id,
                received_at=NOON,
                protocol="pos",
                source="1",
                peer="10.0.0.5",
                ticket="42",
                ticket_id=fact.ticket.id,
                seller="7",
                customer="3",
                type="A",
                position=1,
                code="148",
                text="TARTE",
                quantity=Decimal(2),
                amount=Decimal("16.00"),
                raw=b"1|42|7|3|A|2|148|TARTE|16,00",
                cameras=(7, 9),
            ),
        )
        self.assertEqual((fact.ticket.number, fact.ticket.line_count), ("42", 1))

    def test_what_was_settled(self) -> None:
        self.say(b"1|0|7|0|T|ESPECES|20,00|10,00", b"1|0|7|0|E|CHEQUES|16,00")
        self.assertEqual(self.facts.all[-1].ticket.total, 26)
        self.assertEqual(self.facts.all[-1].ticket.state, "closed")

    def test_a_card_number_over_two_lines(self) -> None:
        """Of one read neither line is told with a digit; of two the first is told anew. In any dialect."""
        said = {
            "": (b"1|0|7|0|N|CB 4111 1111", b"1|0|7|0|N|1111 1111"),
            "receipt": (b"CARTE 411111111111", b"1111"),
            "semicolon": (b"1;0;7;SALE;1;CARTE 4111 1111;1;0", b"1;0;7;SALE;1;1111 1111;1;0"),
            "json": (
                b'{"till":"1","type":"N","code":"4006381333931","text":"CARTE 4111\\u00201111"}',
                b'{"till":"1","type":"N","text":"1111-1111"}',
            ),
            "json-nested": (
                b'{"register":{"id":"1"},"event":"N","item":{"name":"CB 41111111"}}',
                b'{"register":{"id":"1"},"event":"N","item":{"name":"11111111 OK"}}',
            ),
            "xml": (
                b'<line till="1" type="N" text="CB 4111 11&#49;1"/>',
                b'<line till="1" type="N" text="1111 1111"/>',
            ),
        }
        for name, lines in said.items():
            for together in (True, False):
                dialect = shipped()[name] if name else None
                tills, reader = self.make(), Reader(dialect, "10.0.0.5") if dialect is not None else None
                self.facts.all.clear()
                for read in [lines] if together else [lines[:1], lines[1:]]:
                    self.successResultOf(tills.received(read, "10.0.0.5", "auto", lambda *bad: None, reader))
                first, second, *masked = self.facts.all
                self.assertEqual(len(masked), 0 if together else 1, name)
                if masked:
                    self.assertIsInstance(masked[0], LineMasked)
                    self.assertEqual(
                        masked[0].line, replace(first.line, text=masked[0].line.text, raw=masked[0].line.raw)
                    )
                for line in ((masked or [first])[0].line, second.line):
                    self.assertNotIn("1111", line.text, name)
                    self.assertNotIn(b"1111", written_as_usual(line.raw), name)
                    self.assertIn("****", line.text)
                kept = (masked or [first])[0].line
                self.assertEqual(b"4006381333931" in kept.raw, name == "json")
                self.assertEqual(kept.code, first.line.code)

    def test_who_looks_is_told_a_cut_number_anew(self) -> None:
        """Bytes and lines that were shown with part of it are told again without."""
        capture = Capture(lambda: self.now)
        self.tills = self.make(capture=capture)
        told: list[Captured] = []
        capture.watch(told.append)
        for line in (b"1|0|7|0|N|CB 4111 1111", b"1|0|7|0|N|1111 1111"):
            capture.read("10.0.0.5", 1, line + b"\n")
            self.say(line)
        (place,) = [at for at, one in enumerate(told) if one.again]
        self.assertEqual(place, 3)
        self.assertEqual([bool(one.dialect) for one in told[place + 1 :]], [False, True, False, True])
        for one in told[place + 1 :]:
            self.assertNotIn(b"1111", one.raw)
            self.assertNotIn("1111", one.shown + (one.message.text if one.message else ""))

    def test_what_the_server_adds(self) -> None:
        """Motion, and a rule that was met, in their place: in the log only, and no ticket is another for it."""
        self.say(b"1|42|7|0|A|1|148|TARTE|16,00", b"2|0|7|0|D")
        self.successResultOf(self.tills.motion(["1", "2", "9"]))
        moved, alone = self.facts.all[-2:]
        ticket = self.facts.all[0].ticket
        self.assertEqual((moved.line.type, moved.line.flags, moved.line.cameras), ("MOTION", ("hidden",), (7, 9)))
        self.assertEqual((moved.line.received_at, moved.ticket), (NOON + TICK, ticket))
        self.assertEqual((alone.ticket.kind, alone.ticket.state, alone.ticket.line_count), ("event", "closed", 1))
        ended = self.say(b"1|42|7|0|E|CB|16,00|16,00")[0]
        self.assertEqual((ended.ticket_id, ended.position), (ticket.id, 2))
        for id, same in ((ticket.id, True), (999, False)):
            self.successResultOf(self.tills.rule_met("1", "Over 10", "42", id, "7"))
            line = self.facts.all[-1].line
            self.assertEqual((line.type, line.text, line.ticket, line.seller), ("RULE", "Over 10", "42", "7"))
            self.assertEqual(line.ticket_id == ticket.id, same)
            self.assertFalse(is_heard(line))
        self.assertEqual(self.facts.all[-2].ticket.line_count, 2)
        self.assertEqual(self.say(b"1|0|7|0|A|1|1|X|1")[0].position, 1)
        self.assertTrue(is_heard(self.say(b"1|0|7|0|RULE|x")[0]))  # a till's own word
        self.assertEqual(self.metrics.value("camtrace_pos_lines_total"), 5)
        self.assertEqual((self.tills.speaks("1"), self.tills.speaks("9")), (True, False))

    def test_instants_increase_per_source(self) -> None:
        """Lines of one read, a clock that stands or steps back: each line has its own instant, in order."""
        first = self.say(b"1|0|7|0|A", b"1|0|7|0|A", b"2|0|7|0|A")
        self.assertEqual([line.received_at for line in first], [NOON, NOON + TICK, NOON])
        self.now -= timedelta(minutes=59)
        self.assertEqual(self.say(b"1|0|7|0|A")[0].received_at, NOON + 2 * TICK)
        self.now += timedelta(hours=2)
        self.assertEqual(self.say(b"1|0|7|0|A")[0].received_at, self.now)

    def test_a_clock_that_was_wrong(self) -> None:
        """Put back by hours or years it is followed, after a restart too; the order is that of the ids."""
        self.now += timedelta(days=4000)
        wrong = self.say(b"1|0|7|0|A")
        self.now = NOON
        right = self.say(b"1|0|7|0|A", b"1|0|7|0|A")
        self.assertEqual([line.received_at for line in right], [NOON, NOON + TICK])
        self.assertLess(wrong[0].id, right[0].id)
        self.assertEqual(right[0].ticket_id, wrong[0].ticket_id)
        again = self.tills = self.make()
        again.resume({"1": wrong[0].received_at})
        self.assertEqual(self.say(b"1|0|7|0|A")[0].received_at, NOON)

    def test_names_without_end(self) -> None:
        """Of one address so many are taken, of all so many; who was heard before goes on, whatever others do."""
        self.patch(service, "MOST_NAMES_OF_ONE", 3)
        self.patch(service, "MOST_NAMES", 5)
        self.tills.resume({"old": NOON - TICK})
        self.assertEqual(len(self.say(*(b"evil%d|0|7|0|A" % number for number in range(9)))), 3)
        self.assertEqual(
            {error for _, error in self.bad}, {"too many names of tills have come that were never heard before"}
        )
        self.assertEqual(len(self.say(b"old|0|7|0|A", b"evil2|0|7|0|A", b"old|0|7|0|E")), 3)
        self.assertEqual(len(self.say(*(b"%d|0|7|0|A" % number for number in range(4)), peer="10.0.0.6")), 2)
        self.assertEqual(len(self.say(b"0|0|7|0|A", peer="10.0.0.7")), 1)
        self.assertEqual(self.metrics.value("camtrace_pos_errors_total"), 6 + 2)

    def test_instants_increase_after_a_restart(self) -> None:
        self.tills.resume({"1": NOON + timedelta(seconds=5)})
        self.assertEqual(self.say(b"1|0|7|0|A")[0].received_at, NOON + timedelta(seconds=5) + TICK)

    def test_a_bad_line_does_not_hurt_the_sale(self) -> None:
        said = self.say(b"1|0|7|0|A|1|5|X|1,00", b"\xff\xfe\x00 garbage", b"1|0|7|0|E|CB|1,00|1,00")
        self.assertEqual([line.type for line in said], ["A", "E"])
        self.assertEqual(self.bad[0][0], b"\xff\xfe\x00 garbage")
        self.assertEqual(self.metrics.value("camtrace_pos_lines_total"), 2)
        self.assertEqual(self.metrics.value("camtrace_pos_errors_total"), 1)

    def test_a_line_that_did_not_become_durable_is_logged(self) -> None:
        """The connection goes on: the journal says what happened to the line."""
        self.facts.failing = True
        self.say(b"1|0|7|0|A")

    def test_crowded(self) -> None:
        """While so many of their lines are not durable; one that says nothing is not waited for."""
        durable = self.facts.durable = defer.Deferred()
        lines = [b"1|0|7|0|A"] * MOST
        self.tills.received([*lines, b"?"], "10.0.0.5", "utf-8", lambda line, fault: None)
        self.assertFalse(self.tills.is_crowded)
        self.facts.durable = None
        self.tills.received(lines[:1], "10.0.0.5", "utf-8", lambda line, fault: None)
        self.assertFalse(self.tills.is_crowded)
        self.facts.durable = defer.Deferred()
        self.tills.received(lines[:1], "10.0.0.5", "utf-8", lambda line, fault: None)
        self.assertTrue(self.tills.is_crowded)
        durable.callback(None)
        self.assertFalse(self.tills.is_crowded)

    def test_only_tills_that_are_listed(self) -> None:
        self.tills = self.make(admission=Admission(["1", "bar"]))
        said = self.say(b"1|0|7|0|A", b"2|0|7|0|A", b"bar|0|7|0|A")
        self.assertEqual([line.source for line in said], ["1", "bar"])
        self.assertEqual(self.bad, [(b"2|0|7|0|A", "its name is not among [pos] sources")])


class Sources(SynchronousTestCase):
    def test_who_may_speak(self) -> None:
        cases: list[tuple[str | list[str], str, bool, str, bool]] = [
            ("any", "203.0.113.9", True, "x", True),
            ([], "10.0.0.1", False, "x", True),
            (["10.0.0.1"], "10.0.0.1", True, "x", True),
            (["10.0.0.1"], "10.0.0.2", False, "x", True),
            (["10.0.0.0/24", "fe80::/10"], "10.0.0.200", True, "x", True),
            (["10.0.0.0/24", "fe80::/10"], "fe80::1%eth0", True, "x", True),
            (["10.0.0.0/24"], "::ffff:10.0.0.7", True, "x", True),
            (["10.0.0.0/24", "bar"], "10.0.0.7", True, "x", False),
            (["bar"], "10.0.0.7", True, "bar", True),
            (["10.0.0.1"], "local", True, "x", True),
        ]
        for sources, peer, peer_may, name, name_may in cases:
            admission = Admission(sources)
            self.assertEqual((admission.peer(peer), admission.source(name)), (peer_may, name_may), sources)
