"""Dialects: what the presets make of their samples, any bytes in any pieces, patterns that are evil."""

from __future__ import annotations

import fnmatch
import json
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.errors import Invalid
from camtrace.model import Ticket
from camtrace.pos import guess, patterns
from camtrace.pos.dialect import DEFAULTS, Dialect, read_dialect
from camtrace.pos.escpos import CUT, DRAWER, Stripper
from camtrace.pos.framing import cutter
from camtrace.pos.patterns import fits
from camtrace.pos.presets import BY_NAME, PRESETS, Preset, shipped
from camtrace.pos.printed import printed
from camtrace.pos.reading import Reader, amount_of
from camtrace.pos.wire import FramingLost, Message, WireError, decode
from camtrace.tickets.grouping import Entry, Grouping

OWN = sorted(shipped())
ADDRESS = "10.0.0.9"


def dialect(**settings: Any) -> Dialect:
    return read_dialect("test", settings)


def said(dialect: Dialect, *lines: bytes) -> list[Message | None]:
    reader = Reader(dialect, ADDRESS)
    return [reader.read(line, dialect.encoding) for line in lines]


def brief(message: Message | None) -> tuple[Any, ...] | None:
    """Type, special, quantity, text or tender, amount, total."""
    if message is None:
        return None
    figures = [None if value is None else str(value) for value in (message.quantity, message.amount, message.total)]
    return message.type, message.special, figures[0], message.text or message.tender, *figures[1:]


def heard(name: str) -> list[Message]:
    """What the sample of a preset says."""
    preset = shipped()[name]
    cut, reader = cutter(preset), Reader(preset, ADDRESS)
    lines = cut.feed(BY_NAME[name].sample) + cut.flush()
    return [message for line in lines if (message := reader.read(line, preset.encoding)) is not None]


RECEIPT = [
    ("N", "", None, "EPICERIE DU PORT", None, None),
    ("N", "", None, "TEL 04.91.00.00.00", None, None),
    ("N", "", None, "VENDEUR: ANNE", None, None),
    ("N", "", None, "26/11/26 10:42  TICKET N° 1234", None, None),
    ("A", "", None, "TARTE POELEE", "16.00", None),
    ("A", "", "2", "BAGUETTE", "2.60", None),
    ("S", "ANNULE", None, "ANNULATION BAGUETTE", "-1.30", None),
    ("A", "", None, "CARTE POSTALE", "0.90", None),
    ("N", "", None, "SOUS-TOTAL", "18.20", None),
    ("T", "", None, "TOTAL", None, "18.20"),
    ("N", "", None, "ESPECES", "20.00", None),
    ("N", "", None, "RENDU", "1.80", None),
]


def test_a_receipt() -> None:
    lines = heard("receipt")
    assert list(map(brief, lines)) == [*RECEIPT, ("E", "", None, "MERCI DE VOTRE VISITE", None, None)]
    assert {line.source for line in lines} == {ADDRESS}
    assert [(line.ticket, line.seller) for line in lines[2:]] == [("", "ANNE"), *[("1234", "ANNE")] * 10]


def test_an_english_receipt() -> None:
    """Dollars before the amount, thousands, the letter of a tax; an article above how often it was bought."""
    lines = heard("receipt-en")
    assert list(map(brief, lines[4:])) == [
        ("A", "", None, "APPLE PIE", "4.50", None),
        ("N", "", None, "BAGUETTE", None, None),
        ("A", "", "2", "BAGUETTE", "2.60", None),
        ("A", "", None, "TELEVISION", "1234.00", None),
        ("S", "ANNULE", None, "VOID BAGUETTE", "-1.30", None),
        ("N", "", None, "SUBTOTAL", "1239.80", None),
        ("N", "", None, "TAX 5%", "61.70", None),
        ("T", "", None, "TOTAL", None, "1301.50"),
        ("N", "", None, "VISA", "1301.50", None),
        ("E", "", None, "THANK YOU FOR SHOPPING WITH US", None, None),
    ]
    assert (lines[-1].ticket, lines[-1].seller, lines[6].price) == ("4711", "ANN", Decimal("1.30"))


def test_a_receipt_printer() -> None:
    """The same text between control codes; the drawer and the cut are lines."""
    assert list(map(brief, heard("escpos"))) == [
        *RECEIPT,
        ("D", "", None, "", None, None),
        ("E", "", None, "", None, None),
    ]


RUSSIAN = [
    ("N", "", None, "МАГАЗИН №5", None, None),
    ("N", "", None, "КАССИР: ПЕТРОВА", None, None),
    ("A", "", None, "ХЛЕБ", "42.00", None),
    ("A", "", "2", "МОЛОКО", "170.00", None),
    ("S", "ANNULE", None, "СТОРНО ХЛЕБ", "-42.00", None),
    ("T", "", None, "ИТОГ", None, "170.00"),
    ("N", "", None, "НАЛИЧНЫМИ", "200.00", None),
]


def test_russian_receipts() -> None:
    lines = heard("receipt-ru")
    assert list(map(brief, lines)) == [*RUSSIAN, ("E", "", None, "СПАСИБО ЗА ПОКУПКУ", None, None)]
    assert {line.seller for line in lines[1:]} == {"ПЕТРОВА"}
    assert list(map(brief, heard("escpos-ru"))) == [
        *RUSSIAN,
        ("D", "", None, "", None, None),
        ("E", "", None, "", None, None),
    ]


def test_a_fiscal_receipt() -> None:
    """What an article costs stands in the line below it."""
    lines = heard("receipt-ru-fiscal")
    assert list(map(brief, lines[4:10])) == [
        ("N", "", None, "ХЛЕБ РЖАНОЙ", None, None),
        ("A", "", "1.000", "ХЛЕБ РЖАНОЙ", "42.00", None),
        ("N", "", None, "МОЛОКО 3,2% 1Л", None, None),
        ("A", "", "2.000", "МОЛОКО 3,2% 1Л", "170.00", None),
        ("T", "", None, "ИТОГ", None, "212.00"),
        ("N", "", None, "НАЛИЧНЫМИ", "300.00", None),
    ]
    assert [line.type for line in lines[10:]] == ["N", "N", "N", "E"]
    assert (lines[7].price, lines[7].ticket, lines[7].seller) == (Decimal("85.00"), "152", "ИВАНОВА А.П.")


def test_a_table() -> None:
    lines = heard("semicolon")
    assert [(line.source, line.ticket, line.seller, line.code) for line in lines] == [
        ("2", "431", "ANNE", "148"),
        ("2", "431", "ANNE", "165"),
        ("2", "431", "ANNE", "165"),
        ("2", "431", "ANNE", ""),
    ]
    assert list(map(brief, lines)) == [
        ("A", "", "1", "TARTE", "16.00", None),
        ("A", "", "2", "OEUF", "5.00", None),
        ("S", "ANNULE", "2", "OEUF", "-5.00", None),
        ("E", "", None, "CARTE", "16.00", None),
    ]


def test_a_table_of_tabulators() -> None:
    """An empty field at the end of a line is one, and a comma is none."""
    lines = heard("tab")
    assert list(map(brief, lines)) == [
        ("A", "", "1", "PIE, LARGE", "16.00", None),
        ("D", "", None, "", None, None),
        ("E", "", None, "CASH", "16.00", None),
    ]
    assert {(line.source, line.ticket, line.seller) for line in lines} == {("5", "88", "TOM")}
    own = dialect(separator="\t", fields=["ticket", "source", "text", "amount"])
    (line,) = said(own, b"\t7\tA\x01B\t1,30")  # the first is empty
    assert line and (line.source, line.ticket, line.text) == ("7", "", "A\ufffdB")


def test_json_lines() -> None:
    lines = heard("json")
    assert list(map(brief, lines)) == [
        ("A", "", "1", "TARTE", "16.00", None),
        ("S", "ANNULE", None, "TARTE", None, None),
        ("E", "", None, "CASH", "20.00", "0.00"),
    ]
    assert [(line.source, line.ticket, line.seller) for line in lines] == [("3", "77", "Zoe")] * 3


def test_xml_lines() -> None:
    """What the element around says goes on for its lines; it begins and ends the ticket."""
    lines = heard("xml")
    assert list(map(brief, lines)) == [
        ("N", "", None, "", None, None),
        ("A", "", "1", "TARTE & CO", "16.00", None),
        ("T", "", None, "CASH", "20.00", "16.00"),
        ("E", "", None, "", None, None),
    ]
    assert [(line.source, line.ticket, line.seller, line.opens) for line in lines] == [
        ("4", "12", "LEA", True),
        *[("4", "12", "LEA", False)] * 3,
    ]


def test_objects_in_objects() -> None:
    sale, end = heard("json-nested")
    assert (brief(sale), sale.code, sale.barcode) == (("A", "", "2", "PÂTE", "8.20", None), "148", "3017620422003")
    assert (sale.price, sale.seller, end.seller) == (Decimal("4.10"), "Léa", "Léa")
    assert (brief(end), end.card) == (("E", "", None, "CARD", None, "8.20"), "************1111")
    assert b"3017620422003" in sale.raw


def test_elements_of_their_own() -> None:
    lines = heard("xml-elements")
    assert list(map(brief, lines)) == [("A", "", None, "TARTE", "16.00", None), ("E", "", None, "CB", None, "16.00")]
    assert {(line.source, line.ticket) for line in lines} == {("8", "31")}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_what_a_till_speaks_is_guessed(preset: Preset) -> None:
    """By its sample, by a part of it, and by two in a row."""
    whole, cut = preset.sample * 2, preset.sample[: len(preset.sample) * 9 // 10]
    for sample in (preset.sample, whole, cut):
        best = guess.likely(sample)[0]
        assert best == preset.name or (preset.name, best) == ("receipt-en", "receipt")
    bread = " AU BON PAIN\n NO 4512\n BAGUETTE      1,30\n A REGLER      1,30\n CB            1,30\n A TRÈS BIENTÔT\n"
    assert {guess.likely(bread.encode(encoding))[0] for encoding in ("utf-8", "cp1252", "cp858")} == {"receipt"}
    assert guess.likely(b"") == guess.likely(b"\x01\x02\x03\n") == []


def test_the_example_of_the_protocol_is_the_built_in_one() -> None:
    assert [decode(line).type for line in BY_NAME["camtrace"].sample.splitlines()] == list("AAASTDE")
    assert all(preset.words and preset.sample for preset in PRESETS)


def test_the_built_in_protocol_can_be_written_as_a_dialect() -> None:
    """With layouts by type it gives the same messages."""
    tender = ["source", "ticket", "seller", "customer", "type", "tender", "amount", "total"]
    own = dialect(layouts={"T": tender, "E": tender, "D": [*tender[:5], "amount"]})
    same = [
        line for line in BY_NAME["camtrace"].sample.splitlines() if b"|S|" not in line
    ]  # there ANNULE stands in the amount's place
    for line, message in zip(same, said(own, *same), strict=True):
        before = decode(line)
        assert message is not None and brief(message) == brief(before) and message.source == before.source


# ── any bytes, in any pieces ──

SAMPLES = st.sampled_from([preset.sample for preset in PRESETS])
STREAM = st.lists(st.one_of(SAMPLES, st.binary(max_size=60)), max_size=3).map(b"".join)


@pytest.mark.parametrize("name", OWN)
@settings(deadline=None, max_examples=12)
@given(stream=STREAM, cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_any_cut_gives_the_same_lines(name: str, stream: bytes, cuts: list[int]) -> None:
    preset = shipped()[name]
    whole = cutter(preset)
    expected = whole.feed(stream) + whole.flush()
    pieces = cutter(preset)
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    found: list[bytes] = []
    for start, stop in pairwise(places):
        found += pieces.feed(stream[start:stop])
    assert found + pieces.flush() == expected


@pytest.mark.parametrize("name", OWN)
@settings(deadline=None, max_examples=12)
@given(lines=st.lists(st.one_of(st.binary(max_size=80), SAMPLES), max_size=5))
def test_no_bytes_are_a_fault_of_the_program(name: str, lines: list[bytes]) -> None:
    """Each line is understood, left out, or refused in words; what is kept can be stored."""
    preset = shipped()[name]
    reader = Reader(preset, ADDRESS)
    for line in lines:
        try:
            message = reader.read(line, preset.encoding)
        except WireError as error:
            assert str(error) and error.code
        else:
            if message is not None:
                stored = "".join((message.source, message.text, message.tender, message.ticket, message.code))
                assert "\0" not in stored and stored.encode()


JUNK = st.sampled_from([b"", b"\n", b"\xff\xfe\x00\n", b"{\n", b"<x\n", b"TOTAL\n", b"|||||\n", b"----\n"])


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@settings(deadline=None, max_examples=10)
@given(junk=st.lists(JUNK, min_size=1, max_size=5))
def test_every_line_is_of_one_ticket(preset: Preset, junk: list[bytes]) -> None:
    """Whatever stands between the tickets: lines are counted without a hole, each end closes the ticket it is in."""
    own = shipped().get(preset.name)
    cut, reader = cutter(own), Reader(own, ADDRESS) if own else None
    grouping = Grouping(count(1).__next__)
    tickets: dict[int, Ticket] = {}
    kept = 0
    for number, line in enumerate(cut.feed(preset.sample.join([*junk, b""])) + cut.flush()):
        try:
            message = decode(line) if own is None or reader is None else reader.read(line, own.encoding)
        except WireError:
            continue
        if message is None:
            continue
        kept += 1
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        settled = message.amount if message.total is None else message.total
        ticket = grouping.place(
            Entry(
                "pos",
                message.source,
                at,
                message.ticket,
                message.seller,
                settled if message.type in ("T", "E") else None,
                message.type == "E",
                message.type == "D",
                message.opens,
            )
        )
        assert ticket.line_count == (tickets[ticket.id].line_count if ticket.id in tickets else 0) + 1
        assert (ticket.closed_at is not None) == (
            message.type == "E" or (message.type == "D" and ticket.line_count == 1)
        )
        tickets[ticket.id] = ticket
    assert sum(ticket.line_count for ticket in tickets.values()) == kept
    ends = [ticket for ticket in tickets.values() if ticket.closed_at is not None and ticket.line_count > 1]
    assert len(ends) >= len(junk)  # of each sample one


def test_a_line_without_end_is_bounded() -> None:
    """Fields and receipts are short; an object may be longer."""
    for name, most in (("receipt", 4096), ("json", 16384)):
        cut = cutter(shipped()[name])
        assert cut.feed(b"x" * most) == []
        with pytest.raises(FramingLost):
            cut.feed(b"x")


def test_other_ends_of_lines() -> None:
    assert cutter(dialect(line_end="\x03")).feed(b"\x02one\x03\x02two\x03") == [b"\x02one", b"\x02two"]
    (message,) = said(dialect(kind="receipt", line_end="\x03"), b"\x02PAIN 1,30")
    assert brief(message) == ("A", "", None, "PAIN", "1.30", None)


# ── patterns ──

GLOBS = st.text("ab*?", max_size=8)


@given(pattern=GLOBS, text=st.text("ab", max_size=10))
def test_wildcards_are_those_of_everybody(pattern: str, text: str) -> None:
    assert fits(pattern, text) == bool(re.fullmatch(fnmatch.translate(pattern), text))


def test_evil_patterns_are_linear() -> None:
    """What a backtracking engine would not finish within a life."""
    evil = [
        {"match": "regex", "text": "^(a+)+$", "means": "A"},
        {"match": "regex", "text": "(a|a|aa)*b", "means": "A"},
        {"match": "regex", "text": "(.*a){20}b", "means": "A"},
        {"match": "wildcard", "text": "*a" * 20 + "*b", "means": "A"},
    ]
    own = dialect(kind="receipt", rules=evil)
    began = time.perf_counter()
    said(own, *[b"a" * 4000 + b"c"] * 20)
    assert time.perf_counter() - began < 10


def test_without_the_library_only_regular_expressions_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "re2", None)
    with pytest.raises(Invalid, match="google-re2"):
        dialect(end=[{"match": "regex", "text": "x"}])
    assert len(shipped()) == len(OWN)


def test_rules_name_parts() -> None:
    """The first rule that fits counts; what it names goes before what the line's form says."""
    own = dialect(
        kind="receipt",
        rules=[
            {"match": "regex", "text": r"TICKET (?P<ticket>\d+) CAISSE (?P<source>\w+)", "means": "N"},
            {"match": "regex", "text": r"^(?P<code>\d{5}) (?P<text>\D+) (?P<amount>[\d,]+)$", "means": "A"},
            {"match": "exact", "text": "tiroir", "means": "D"},
        ],
    )
    head, article, drawer = said(own, b"TICKET 77 CAISSE 2B", b"10022 TARTE 4,50", b"TIROIR")
    assert head and article and drawer
    assert (head.type, article.source, article.ticket) == ("N", "2B", "77")
    assert (article.code, article.text, article.amount) == ("10022", "TARTE", Decimal("4.50"))
    assert (drawer.type, drawer.source) == ("D", "2B")
    strict = dialect(kind="receipt", case_sensitive=True, rules=[{"match": "exact", "text": "tiroir", "means": "D"}])
    assert [message and message.type for message in said(strict, b"TIROIR", b"tiroir")] == ["N", "D"]


@pytest.mark.parametrize(
    ("wanted", "line", "parts"),
    [
        ("TICKET {ticket}", b"TICKET 0012", ("0012", "", "")),
        ("*TICKET N° {ticket}*CAISSE {source}", "26/11 TICKET N° 0012  LE 5 CAISSE 2B".encode(), ("0012", "2B", "")),
        ("ticket {ticket}*", b"TICKET  0012 of 7", ("0012", "", "")),
        ("{ticket}/{seller}", b"7/Anna Lena", ("7", "", "Anna Lena")),
        ("TICKET {ticket}", b"TICKET RESTAURANT", None),
        ("SERVI PAR ?? {seller}", b"SERVI PAR ME ZOE", ("", "", "ZOE")),
        ("{colour}*", b"{colour} 7", ("", "", "")),
        ("VENDEUR {seller}", b"VENDEUR ANNE    1,30", ("", "", "ANNE")),
    ],
)
def test_wildcards_name_parts(wanted: str, line: bytes, parts: tuple[str, str, str] | None) -> None:
    """As they are written in the line, whatever the letters of the pattern; before a * it is a single word."""
    (found,) = said(dialect(kind="receipt", source="-", rules=[{"text": wanted, "means": "T"}]), line)
    assert found and found.type == ("N" if parts is None else "T")
    assert (found.ticket, found.source.removeprefix("-"), found.seller) == (parts or ("", "", ""))


@given(pattern=st.lists(st.sampled_from(["{ticket}", "{seller}", "*", "?", "a", "b"]), max_size=6), text=st.text("ab "))
def test_parts_do_not_change_what_fits(pattern: list[str], text: str) -> None:
    """What fits with names fits without them; each part stands in the line."""
    own = patterns.pattern("wildcard", "".join(dict.fromkeys(pattern)), "", True, "x", ("ticket", "seller"))
    found = own.find(patterns.look(text, text, True))
    if found is not None:
        assert fits(re.sub(r"\{\w+\}", "*", own.text), text)
        assert all(value and value in text for value in found.values())


@pytest.mark.parametrize("text", ["CARTE", "2 x CARTE", "carte"])
def test_words_of_a_receipt_are_matched_without_the_amount(text: str) -> None:
    own = dialect(kind="receipt", rules=[{"match": "exact", "text": "CARTE", "means": "N"}])
    (pays, sells) = said(own, f"{text}        16,00".encode(), b"CARTE POSTALE      1,00")
    assert pays and sells and (pays.type, sells.type) == ("N", "A")


def test_tickets_begin_end_and_are_cancelled() -> None:
    """Lines outside of tickets are left out where that is set; before the first end nothing is known."""
    own = dialect(
        kind="receipt",
        start=[{"text": "BEGIN*"}],
        end=[{"text": "END"}],
        cancel=[{"text": "VOID"}],
        ignore=[{"text": "PAGE*"}],
        outside="ignore",
    )
    found = said(own, b"RUM 1,00", b"END", b"ADVERT", b"BEGIN 5", b"PAGE 1", b"GIN 2,00", b"VOID", b"END", b"BEGIN 6")
    assert [message and (message.type, message.special, message.opens) for message in found] == [
        ("A", "", False),
        ("E", "", False),
        None,
        ("N", "", True),
        None,
        ("A", "", False),
        ("E", "ANNULE", False),
        None,
        ("N", "", True),
    ]


def test_a_till_without_a_name_has_that_of_its_address() -> None:
    for source, expected in (("", ADDRESS), ("Bar", "Bar"), ("till {address}", f"till {ADDRESS}")):
        (message,) = said(dialect(kind="receipt", source=source), b"GIN 2,00")
        assert message and message.source == expected


# ── amounts ──


@pytest.mark.parametrize(
    ("sent", "sign", "digits", "meant"),
    [
        ("1.234", ",", 0, "1234"),
        ("1.234,5", ",", 0, "1234.5"),
        ("1,234", ".", 0, "1234"),
        ("1,234.50", ".", 0, "1234.50"),
        ("1600", "auto", 2, "16.00"),
        ("-1600", "auto", 2, "-16.00"),
        ("16,00", "auto", 2, "16.00"),
        ("x", "auto", 2, None),
    ],
)
def test_amounts(sent: str, sign: str, digits: int, meant: str | None) -> None:
    found = amount_of(sent, sign, digits)
    assert (None if found is None else str(found)) == meant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TARTE 16,00", ("TARTE", None, None, "16,00")),
        ("TARTE          17,30 €", ("TARTE", None, None, "17,30")),
        ("TARTE          17,30€ B", ("TARTE", None, None, "17,30")),
        ("TARTE  1 234,50", ("TARTE", None, None, "1 234,50")),
        ("VIS LOT 4 120,00", ("VIS LOT 4", None, None, "120,00")),
        ("TARTE .......... 16,00 *", ("TARTE", None, None, "16,00")),
        ("REMISE    5,00-", ("REMISE", None, None, "-5,00")),
        ("2 x 1,30       2,60", ("", "2", "1,30", "2,60")),
        ("2 x 1,30", ("2 x 1,30", "2", "1,30", None)),
        ("0,350 kg x 12,00/kg     4,20", ("", "0,350", "12,00", "4,20")),
        ("POMMES 0,350 kg x 12,00   4,20", ("POMMES", "0,350", "12,00", "4,20")),
        ("BAGUETTE    2    1,30   2,60", ("BAGUETTE", "2", "1,30", "2,60")),
        ("BAGUETTE   x2   2,60", ("BAGUETTE", "2", None, "2,60")),
        ("2   BAGUETTE    2,60", ("BAGUETTE", "2", None, "2,60")),
        ("7 UP 1.50", ("7 UP", None, None, "1.50")),
        ("TEL 04.91.00.00.00", ("TEL 04.91.00.00.00", None, None, None)),
        ("26.11.26", ("26.11.26", None, None, None)),
        ("LE 26/11/2026 A 14:32", ("LE 26/11/2026 A 14:32", None, None, None)),
        ("TVA 20,00%", ("TVA 20,00%", None, None, None)),
    ],
)
def test_lines_of_receipts(text: str, found: tuple[str | None, ...]) -> None:
    read = printed(text, False)
    assert tuple(read.get(name) for name in ("text", "quantity", "price", "amount")) == found


@pytest.mark.parametrize(
    "evil", ["1 " * 2000, "1 111 " * 700, " " * 4000 + "x", "x" * 4000, "1,11 x " * 580, "9" * 4000]
)
def test_no_line_of_a_receipt_takes_long(evil: str) -> None:
    began = time.process_time()
    for _ in range(20):
        printed(evil + "1,00", False)
    assert time.process_time() - began < 0.5


def test_tills_of_one_connection_do_not_mix() -> None:
    """What one tells of its ticket is not the other's, and is still known when it speaks again."""
    sent = [
        b'{"till": "3", "ticket": 77, "seller": "Zoe", "text": "TARTE"}',
        b'{"till": "4", "text": "OEUF"}',
        b'{"till": "3", "type": "end"}',
        b'{"till": "3", "text": "VERRE"}',
    ]
    lines = said(shipped()["json"], *sent)
    assert [line and (line.source, line.ticket, line.seller) for line in lines] == [
        ("3", "77", "Zoe"),
        ("4", "", ""),
        ("3", "77", "Zoe"),
        ("3", "", ""),
    ]


def test_a_ticket_that_begins_forgets_the_one_before_of_its_till() -> None:
    """Another till has spoken since, and the ticket before was never ended."""
    sent = [b'<ticket till="4" ticket="12" seller="LEA">', b'<line till="5" text="B"/>', b'<ticket till="4">']
    lines = said(shipped()["xml"], *sent)
    assert [line and (line.source, line.ticket, line.seller) for line in lines] == [
        ("4", "12", "LEA"),
        ("5", "", ""),
        ("4", "", ""),
    ]


# ── what shall not get in ──


def test_card_numbers_are_masked_and_barcodes_are_not() -> None:
    card, barcode = "4111111111111111", "4000000000006"  # both pass Luhn's check
    sent = json.dumps({"till": "3", "type": "end", "tender": f"CB {card}", "code": barcode}).encode()
    (message,) = said(shipped()["json"], sent)
    assert message and message.tender == "CB ************1111" and message.code == barcode
    assert card.encode() not in message.raw and barcode.encode() in message.raw
    both = json.dumps({"till": "3", "code": barcode, "barcode": "3017620422003", "card": "7085000000000000 1"}).encode()
    (fuel,) = said(shipped()["json"], both)
    assert fuel and fuel.card == "*************000 1" and fuel.barcode == "3017620422003"  # Luhn's check or not
    assert b"7085000" not in fuel.raw and all(kept.encode() in fuel.raw for kept in (barcode, fuel.barcode))
    (escaped,) = said(shipped()["json"], rb'{"till": "3", "type": "note", "text": "\u0034111 1111 1111 1111"}')
    assert escaped and escaped.text == "**** **** **** 1111"
    assert escaped.raw == b'{"till": "3", "type": "note", "text": "**** **** **** 1111"}'


_CARD = "4111 1111 1111 1111"
_ESCAPES = {
    "json": lambda sign, form: (sign, rf"\u{ord(sign):04x}", rf"\u{ord(sign):04X}", rf"\uff1{sign}")[form],
    "xml": lambda sign, form: (sign, f"&#{ord(sign)};", f"&#x{ord(sign):x};", f"&#{0xFF10 + int(sign)};")[form],
}


@given(st.sampled_from(("json", "xml")), st.lists(st.integers(0, 3), min_size=16, max_size=16), st.integers(0, 4))
def test_no_escape_tells_a_card_number(kind: str, forms: list[int], space: int) -> None:
    """However each digit is written, the line as it is kept does not tell it, and is read as before otherwise."""
    spaces = {"json": (" ", r"\u0020", r"\u00a0", r"\t", r"\n"), "xml": (" ", "&#32;", "&#160;", "&#xA0;", "\t")}[kind]
    groups = ["".join(_ESCAPES[kind](sign, forms.pop()) for sign in group) for group in _CARD.split()]
    card = spaces[space].join(groups)
    ean = "".join(_ESCAPES[kind](sign, 1) for sign in "4000000000006")
    line = {
        "json": f'{{"till": "3", "type": "end", "tender": "CB {card}", "code": "{ean}"}}',
        "xml": f'<line till="3" type="end" tender="CB {card}" code="{ean}"/>',
    }[kind]
    (message,) = said(shipped()[kind], line.encode())
    (again,) = said(shipped()[kind], message.raw)
    for told in (message, again):
        assert [told.type, told.code, told.source] == ["E", "4000000000006", "3"]
        assert re.sub("[^0-9*]", "", told.tender) == "************1111"


def test_a_card_number_that_a_comment_hides_takes_the_line_s_digits_with_it() -> None:
    line = b'<line till="3"><type>note</type><text>4111 1111<!-- no --> 1111 1111</text></line>'
    own = dialect(kind="xml", keys={"source": "@till", "type": "type", "text": "text"}, types={"note": "N"})
    (message,) = said(own, line)
    assert message.text == "**** **** **** 1111"
    assert message.raw == b'<line till="*"><type>note</type><text>**** ****<!-- no --> **** ****</text></line>'


def test_card_numbers_that_a_separator_cuts() -> None:
    """Words beside words and the amounts behind them; codes and two amounts are left alone."""
    own = dialect(separator=";", fields=["source", "type", "code", "text", "tender", "amount", "total"])

    def tells(line: bytes) -> tuple[bytes, str, str]:
        (message,) = said(own, line)
        return message.raw, message.text, message.tender

    assert tells(b"1;N;;CB 41111111;11111111;1") == (b"1;N;;CB ********;****1111;1", "CB ********", "****1111")
    assert tells(b"1;N;;CB 4111 1111;1111 1111") == (b"1;N;;CB **** ****;**** 1111", "CB **** ****", "**** 1111")
    assert tells(b"1;E;;CB;CB 41111111;11111111;2")[0] == b"1;E;;CB;CB ********;****1111;2"
    for line in (b"1;A;41111111;11111111", b"1;A;5;X;Y;41111111;11111111", b"1;A;5;X;CB 411111111111;1111"):
        assert tells(line)[0] == line


@pytest.mark.parametrize(
    "line",
    [
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]><line text="&b;"/>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><line/>',
        b"<line>" * 40 + b"</line>" * 40,
        b"<line",
        b"&b;",
    ],
)
def test_xml_that_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        said(shipped()["xml"], line)


@pytest.mark.parametrize("line", [b"[1]", b"{", b'"x"', b"[" * 5000, b'{"a":' * 3000])
def test_json_that_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        said(shipped()["json"], line)


def test_halves_of_letters_and_controls_in_json() -> None:
    (message,) = said(shipped()["json"], rb'{"till": "3", "text": "a\ud800b\u0000c"}')
    assert message and message.text == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"kind": "klingon"}, "kind"),
        ({"colour": 1}, "colour"),
        ({"kind": "json"}, "keys"),
        ({"keys": {"colour": "a"}}, "keys"),
        ({"separator": ""}, "separator"),
        ({"line_end": ""}, "line_end"),
        ({"fields": ["source", "source"]}, "fields"),
        ({"fields": []}, "fields"),
        ({"layouts": {"Q": ["source"]}}, "layouts"),
        ({"implied_decimals": 9}, "implied_decimals"),
        ({"implied_decimals": True}, "implied_decimals"),
        ({"types": {"x": "Q"}}, "types.x"),
        ({"end": [{"match": "regex", "text": "("}]}, "end.0"),
        ({"end": [{"match": "regex", "text": "(?P<colour>x)"}]}, "end.0"),
        ({"end": [{"match": "regex", "text": r"(a)\1"}]}, "end.0"),
        ({"end": [{"text": "*"}]}, "end.0"),
        ({"rules": [{"text": "x"}]}, "rules.0"),
        ({"rules": [{"text": "x", "means": "A"}] * 65}, "rules"),
        ({"case_sensitive": 1}, "case_sensitive"),
        ([], "definition"),
    ],
)
def test_definitions_that_are_refused(definition: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_dialect("x", definition)
    assert refused.value.field == field


def test_a_definition_is_told_whole() -> None:
    assert read_dialect("x", {"separator": ";"}).definition == {**DEFAULTS, "separator": ";"}


# ── printers' codes ──


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"\x1b@a\x1b!\x30b", b"ab"),
        (b"a\x1bd\x05b", b"a\nb"),
        (b"\x1b*\x21\x02\x00" + b"\n" * 6 + b"a", b"a"),
        (b"\x1dv0\x00\x02\x00\x03\x00" + b"\x0a" * 6 + b"a", b"a"),
        (b"\x1dk\x49\x0512345a", b"a"),
        (b"\x1dk\x0412345\x00a", b"a"),
        (b"\x1d(k\x03\x001C\x06a", b"a"),
        (b"\x1bD\x08\x10\x00a", b"a"),
        (b"a\x1dVB\x00b", b"a\n" + CUT + b"\nb"),
        (b"a\x1dV\x01b", b"a\n" + CUT + b"\nb"),
        (b"a\x1bib", b"a\n" + CUT + b"\nb"),
        (b"\x1bp\x00\x19\xfaa", b"\n" + DRAWER + b"\na"),
        (b"\x10\x14\x01\x00\x01a", b"\n" + DRAWER + b"\na"),
        (b"\x10\x04\x01a\x0cb", b"a\nb"),
        (b"a\tb\x00c", b"a\tbc"),
    ],
)
def test_control_codes(sent: bytes, text: bytes) -> None:
    assert Stripper().feed(sent) == text
    one_by_one = Stripper()
    assert b"".join(one_by_one.feed(bytes([byte])) for byte in sent) == text


def test_a_picture_that_never_ends_does_not_eat_the_text() -> None:
    """A length that no picture has is cut down."""
    stripper = Stripper()
    stripper.feed(b"\x1d8L\xff\xff\xff\xff" + b"x" * (4 << 20))
    assert stripper.feed(b"TOTAL") == b"TOTAL"
