"""Tills of other dialects at a listener: what is set acts at once, per listener, address and till."""

from __future__ import annotations

from typing import Any

from support.tills import Speech
from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from camtrace.model import StoredDialect
from camtrace.pos.capture import Captured
from camtrace.pos.dialects import Dialects
from camtrace.pos.presets import BY_NAME

SEMICOLON = {"separator": ";", "fields": ["source", "type", "text", "amount"]}
CAMTRACE = b"1|0|7|0|A|1|148|TARTE|16,00\n"


class Cameras:
    def watching(self, source: str) -> tuple[int, ...]:
        return (7,) if source == "1" else ()


class DialectsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.notes: list[tuple[Any, ...]] = []
        self.speech = Speech(Cameras(), lambda *entry: self.notes.append(entry))
        self.reload()

    def reload(self) -> None:
        self.successResultOf(defer.ensureDeferred(self.speech.reload()))

    def set(self, source: str, **fields: Any) -> None:
        self.successResultOf(defer.ensureDeferred(self.speech.change(source, fields)))
        self.reload()

    def heard(self) -> list[tuple[str, str, str]]:
        """Source, type and words of what came since."""
        lines = [fact.line for fact in self.speech.facts]
        self.speech.facts.clear()
        return [(line.source, line.type, line.text or line.tender) for line in lines]

    def test_a_listener_of_printers(self) -> None:
        """From the printer's bytes to tickets, and the built-in protocol beside it."""
        printer = self.speech.connect(self.speech.listener("escpos"), "10.0.0.40")
        printer.dataReceived(BY_NAME["escpos"].sample)
        lines = [fact.line for fact in self.speech.facts]
        self.assertEqual("".join(line.type for line in lines), "NNNNAASANTNNDE")
        self.assertEqual({line.source for line in lines}, {"10.0.0.40"})
        ticket = self.speech.facts[-1].ticket
        self.assertEqual((str(ticket.total), ticket.line_count), ("18.20", 14))
        self.assertIsNotNone(ticket.closed_at)
        self.heard()
        self.speech.connect(self.speech.listener()).dataReceived(CAMTRACE)
        self.assertEqual(self.heard(), [("1", "A", "TARTE")])

    def test_a_change_acts_on_open_connections(self) -> None:
        """Set for the address while the till is connected; its half line is read as it was begun."""
        till = self.speech.connect(self.speech.listener())
        till.dataReceived(CAMTRACE + b"1|0|7|0|A|1|1|HAL")
        self.speech.dialects.rows["ours"] = StoredDialect("ours", SEMICOLON)
        self.set("10.0.0.5", dialect="ours")
        till.dataReceived(b"2;A;VERRE;1,00\n")
        self.assertEqual(self.heard(), [("1", "A", "TARTE"), ("1", "A", "HAL"), ("2", "A", "VERRE")])
        self.speech.dialects.rows["ours"] = StoredDialect("ours", {**SEMICOLON, "separator": "/"})
        self.reload()
        till.dataReceived(b"2/A/VERRE/1,00\n")
        self.assertEqual(self.heard(), [("2", "A", "VERRE")])
        self.set("10.0.0.5", dialect="")
        till.dataReceived(CAMTRACE)
        self.assertEqual(self.heard(), [("1", "A", "TARTE")])

    def test_a_till_of_its_own_dialect(self) -> None:
        """By its name, among others on one connection; and the built-in one among others."""
        other = {"fields": ["source", "ticket", "seller", "customer", "type", "text", "amount"]}
        self.speech.dialects.rows["short"] = StoredDialect("short", other)
        self.set("2", dialect="short")
        till = self.speech.connect(self.speech.listener())
        till.dataReceived(CAMTRACE + b"2|0|7|0|A|VERRE|1,00\n")
        self.assertEqual(self.heard(), [("1", "A", "TARTE"), ("2", "A", "VERRE")])
        self.set("1", dialect="camtrace")
        self.speech.connect(self.speech.listener("short")).dataReceived(CAMTRACE)
        self.assertEqual(self.heard(), [("1", "A", "TARTE")])

    def test_a_printer_that_connects_for_each_line(self) -> None:
        """What was told before goes on in the next connection."""
        xml = self.speech.listener("xml")
        for line in BY_NAME["xml"].sample.splitlines(keepends=True):
            printer = self.speech.connect(xml, "10.0.0.40")
            printer.dataReceived(line)
            printer.connectionLost()
        self.assertEqual([(fact.line.source, fact.line.ticket) for fact in self.speech.facts], [("4", "12")] * 4)
        self.assertEqual({fact.line.ticket_id for fact in self.speech.facts}, {self.speech.facts[0].ticket.id})

    def test_a_line_that_begins_a_ticket(self) -> None:
        """What was not ended goes on no further; a cut of the paper behind an end is no ticket of its own."""
        till = self.speech.connect(self.speech.listener("xml"))
        till.dataReceived(b'<ticket till="4"><line text="A"/></ticket>\n<ticket till="4">\n<line text="B"/>\n')
        till.dataReceived(b'<ticket till="4">\n<line text="C"/>\n</ticket>\n')
        counts = [(fact.ticket.id, fact.ticket.line_count) for fact in self.speech.facts[-5:]]
        one, two = counts[0][0], counts[2][0]
        self.assertNotEqual(one, two)
        self.assertEqual(counts, [(one, 1), (one, 2), (two, 1), (two, 2), (two, 3)])
        self.speech.facts.clear()
        definition = {**BY_NAME["escpos"].definition, "end": [{"text": "MERCI*"}]}
        self.speech.dialects.rows["paper"] = StoredDialect("paper", definition)
        self.reload()
        self.speech.connect(self.speech.listener("paper")).dataReceived(b"PAIN 1,30\nMERCI\n\x1dVB\x00PAIN 1,30\n")
        self.assertEqual("".join(fact.line.type for fact in self.speech.facts), "AEA")

    def test_two_printers_at_one_address(self) -> None:
        """Each connection has a place of its own in its ticket."""
        xml = self.speech.listener("xml")
        one, two = (self.speech.connect(xml, "10.0.0.40") for _ in range(2))
        one.dataReceived(b'<ticket till="A" ticket="1">\n')
        two.dataReceived(b'<ticket till="B" ticket="2">\n')
        one.dataReceived(b'<line type="item" text="x"/>\n')
        two.dataReceived(b'<line type="item" text="y"/>\n')
        self.assertEqual([source for source, _, _ in self.heard()], ["A", "B", "A", "B"])

    def test_what_cannot_be_used(self) -> None:
        """A dialect of a later version is left out and told; who should speak it speaks the built-in one."""
        self.speech.dialects.rows["later"] = StoredDialect("later", {"kind": "telepathy"})
        self.reload()
        self.assertEqual(self.speech.spoken.unknown(["later", "escpos", "camtrace"]), ["later"])
        self.speech.connect(self.speech.listener("later")).dataReceived(CAMTRACE)
        self.assertEqual(self.heard(), [("1", "A", "TARTE")])
        self.assertIsNone(Dialects(self.speech.book).named("later"))

    def test_what_is_wrong_is_told_in_the_journal(self) -> None:
        printer = self.speech.connect(self.speech.listener("json"))
        printer.dataReceived(b"{\n")
        self.assertEqual(self.notes[0][:2], ("system", "till_json"))
        printer.dataReceived(b"x" * 20000)
        self.assertEqual(self.notes[1][1:], ("till_long", {"address": "10.0.0.5", "count": 1, "limit": 16}))

    def test_senders(self) -> None:
        """Who spoke, in what, how well; and who knocks at the wrong door."""
        till = self.speech.connect(self.speech.listener())
        till.dataReceived(CAMTRACE + b"nonsense\n")
        (sender,) = self.speech.tills.senders
        self.assertEqual((sender.address, sender.source, sender.dialect), ("10.0.0.5", "1", "camtrace"))
        self.assertEqual((sender.lines, sender.bad, sender.fault), (1, 1, "fields"))
        till.dataReceived(CAMTRACE)
        self.assertEqual(self.speech.tills.senders[0].fault, "")
        self.speech.tills.at_wrong_port("10.0.0.8")
        self.assertEqual([each.address for each in self.speech.tills.senders], ["10.0.0.8", "10.0.0.5"])
        self.assertIsNotNone(self.speech.tills.senders[0].wrong_port_at)

    def test_bursts_are_found(self) -> None:
        till = self.speech.connect(self.speech.listener())
        for _ in range(4):
            till.dataReceived(BY_NAME["camtrace"].sample)
        self.assertEqual(self.speech.bursts, [("1", True)])

    def test_what_is_captured(self) -> None:
        """Bytes and lines, masked, of those that came while somebody looked."""
        listener = self.speech.listener()
        till = self.speech.connect(listener)
        till.dataReceived(CAMTRACE)
        seen: list[Captured] = []
        leave = self.speech.capture.watch(seen.append)
        till.dataReceived(b"1|0|7|0|E|CB 4111 1111 1111 ")
        till.dataReceived(b"1111|16,00|16,00\nnonsense 4111111111111111\n")
        raws = [each.raw for each in seen if not each.dialect]
        self.assertEqual(b"".join(raws), b"1|0|7|0|E|CB **** **** **** 1111|16,00|16,00\nnonsense ************1111\n")
        good, bad = (each for each in seen if each.dialect)
        self.assertEqual(good.message and good.message.tender, "CB **** **** **** 1111")
        self.assertEqual((bad.raw, bad.problem and bad.problem.code), (b"nonsense ************1111", "fields"))
        leave()
        till.dataReceived(CAMTRACE)
        self.assertEqual(len([each for each in seen if each.dialect]), 2)
