"""The page for till programmers tells the truth: its examples are read from it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from camtrace.pos import dialect, presets, wire

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "protocols" / "pos.md").read_text(encoding="utf-8")


def examples(kind: str) -> list[list[str]]:
    """The lines of each block of that kind."""
    return [block.splitlines() for block in re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]


def said(lines: list[str]) -> list[wire.Message]:
    return [wire.decode(line.encode()) for line in lines]


def test_the_first_ticket() -> None:
    messages = said(examples("pos")[0])
    assert [message.type for message in messages] == list("AAASTDE")
    assert sum(message.total for message in messages if message.total is not None) == Decimal("26.00")


def test_a_ticket_given_up() -> None:
    (message,) = said(examples("pos")[1])
    assert (message.type, message.special) == ("E", "ANNULE")


def test_an_unknown_type() -> None:
    assert said(examples("pos")[2])[0].text == "anything|that the till|wants to say"


def test_amounts() -> None:
    amounts = ["16.00", "16.00", "1234.50", "-5.00", "-5.00", "16.00", "16.00", "16.00"]
    assert [str(message.amount) for message in said(examples("pos")[3])] == amounts
    assert said(examples("pos")[3])[-1].quantity == Decimal("0.350")


def test_tolerances() -> None:
    heard = [(m.type, m.special, m.text, m.amount and str(m.amount)) for m in said(examples("pos")[4])]
    assert heard == [
        ("S", "ANNULE", "VERRE", None),
        ("A", "", "VERRE", "16.00"),
        ("A", "", "VERRE", None),
        ("A", "", "VERRE", "16.00"),
        ("A", "", "VERRE", "16.00"),
        ("A", "", "VERRE|A PIED", "16.00"),
        ("S", "RETOUR", "VERRE", "-16.00"),
        ("E", "", "", None),
    ]


def test_what_else_a_till_has_to_say() -> None:
    """The lines in the table of what a till may say besides."""
    part = PAGE.partition("What else a till has to say")[2].partition("Any other type")[0]
    returned, discount = said([line.replace("\\|", "|") for line in re.findall(r"`(1\\\|.*?)`", part)])
    assert (returned.special, returned.amount, returned.text) == ("RETOUR", Decimal("-10.00"), "OEUF PARMESAN")
    assert (discount.type, discount.special, discount.amount) == ("S", "", Decimal("-1.00"))
    assert str(said(["1||||A|1||X|16"])[0].amount) == "16"  # whole units, and fields may be empty


@pytest.mark.parametrize("line", examples("pos-refused")[0])
def test_refused(line: str) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(line.encode())


def test_card_numbers() -> None:
    (sent,), (stored,) = examples("pos")[5], examples("pos-raw")[0]
    assert wire.decode(sent.encode()).raw.decode() == stored


def test_the_figures_of_the_text() -> None:
    assert f"longer than {wire.MAX_LINE:,} bytes" in PAGE
    for word in wire.SPECIAL_WORDS:
        assert f"`{word}`" in PAGE


def test_dialects() -> None:
    """Every preset, every setting and every part of a line is explained."""
    part = PAGE.partition("## Dialects")[2]
    for name in presets.BY_NAME:
        assert f"| `{name}` |" in part
    for name in dialect.DEFAULTS:
        assert re.search(rf"^\| (?:`\w+`, )*`{name}`", part, re.MULTILINE), name
    for name in dialect.NAMES:
        assert re.search(rf"\b{name}\b", part), name
