"""Dialects: what the presets make of their samples, any bytes in any pieces, patterns that are evil."""

from __future__ import annotations

import fnmatch
import json
import re
import time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.errors import Invalid
from camtrace.pos import patterns
from camtrace.pos.dialect import DEFAULTS, Dialect, read_dialect
from camtrace.pos.escpos import CUT, DRAWER, Stripper
from camtrace.pos.framing import cutter
from camtrace.pos.patterns import fits
from camtrace.pos.presets import BY_NAME, PRESETS, shipped
from camtrace.pos.reading import Reader, amount_of
from camtrace.pos.wire import FramingLost, Message, WireError, decode

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
    ("A", "", None, "TARTE POELEE", "16.00", None),
    ("A", "", "2", "BAGUETTE", "2.60", None),
    ("S", "ANNULE", None, "ANNULATION BAGUETTE", "-1.30", None),
    ("N", "", None, "SOUS-TOTAL", "17.30", None),
    ("T", "", None, "TOTAL", None, "17.30"),
    ("N", "", None, "ESPECES", "20.00", None),
    ("N", "", None, "RENDU", "2.70", None),
]


def test_a_receipt() -> None:
    assert list(map(brief, heard("receipt"))) == [*RECEIPT, ("E", "", None, "MERCI DE VOTRE VISITE", None, None)]
    assert {message.source for message in heard("receipt")} == {ADDRESS}


def test_a_receipt_printer() -> None:
    """The same text between control codes; the drawer and the cut are lines."""
    assert list(map(brief, heard("escpos"))) == [
        *RECEIPT,
        ("D", "", None, "", None, None),
        ("E", "", None, "", None, None),
    ]


def test_a_russian_receipt() -> None:
    assert list(map(brief, heard("receipt-ru"))) == [
        ("N", "", None, "МАГАЗИН №5", None, None),
        ("A", "", None, "ХЛЕБ", "42.00", None),
        ("A", "", "2", "МОЛОКО", "170.00", None),
        ("S", "ANNULE", None, "СТОРНО ХЛЕБ", "-42.00", None),
        ("T", "", None, "ИТОГ", None, "170.00"),
        ("N", "", None, "НАЛИЧНЫМИ", "200.00", None),
        ("E", "", None, "СПАСИБО ЗА ПОКУПКУ", None, None),
    ]


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
@settings(deadline=None, max_examples=40)
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
@settings(deadline=None, max_examples=40)
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
    assert time.perf_counter() - began < 1


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


# ── what shall not get in ──


def test_card_numbers_are_masked_and_barcodes_are_not() -> None:
    card, barcode = "4111111111111111", "4000000000006"  # both pass Luhn's check
    sent = json.dumps({"till": "3", "type": "end", "tender": f"CB {card}", "code": barcode}).encode()
    (message,) = said(shipped()["json"], sent)
    assert message and message.tender == "CB ************1111" and message.code == barcode
    assert card.encode() not in message.raw and barcode.encode() in message.raw
    (escaped,) = said(shipped()["json"], rb'{"till": "3", "type": "note", "text": "\u0034111 1111 1111 1111"}')
    assert escaped and escaped.text == "**** **** **** 1111"


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
