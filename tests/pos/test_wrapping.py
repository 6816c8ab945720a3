"""Card numbers that a narrow printer wraps over two lines: gone, with nothing else, and no line waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from camtrace.cards import is_card
from camtrace.model import Line
from camtrace.pos.wire import Message, WireError, decode
from camtrace.pos.wrapping import AWAITED, MOST_AWAITED, Cuts, Wraps

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def both_ways(printed: bool, first: str, second: str) -> tuple[str, str]:
    """Two lines read at once; where they come one by one it is the same in the end."""
    sent = [first.encode(), second.encode()]
    together = Wraps(printed).feed(sent)
    try:
        before, behind = (plain(line) if printed else decode(line) for line in sent)
    except WireError:
        assert together == sent
        return first, second
    if [before.raw, behind.raw] != sent:  # one of them is a card's number by itself, of 13 or 14 digits
        return together[0].decode(), together[1].decode()
    cuts, line = Cuts(), spoken(before)
    cuts.keep(line)
    cut = cuts.see(behind, NOON)
    assert together == (sent if cut is None else [cut.before.raw, cut.message.raw])
    if cut is not None:
        assert (cut.before.id, cut.message.type) == (line.id, behind.type)
    return together[0].decode(), together[1].decode()


def plain(line: bytes) -> Message:
    """A line of a receipt."""
    return Message("1", "", "", "", "N", line, text=line.decode().strip())


def spoken(message: Message, at: datetime = NOON) -> Line:
    return Line(
        id=7, received_at=at, protocol="pos", source=message.source, type=message.type, text=message.text,
        tender=message.tender, raw=message.raw,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("printed", "first", "second", "masked"),
    [
        (False, "1|0|7|0|N|CB 4111 1111 1111", "1|0|7|0|N|1111", "1|0|7|0|N|CB **** **** **** 1|0|7|0|N|****"),
        (False, "1|0|7|0|N|CB 41111111", "1|0|7|0|N|11111111 OK", "1|0|7|0|N|CB ******** 1|0|7|0|N|******** OK"),
        (
            False,
            "1|0|7|0|A|1|5|CARTE 4111-1111|0,00",
            "1|0|7|0|a|1|5|1111-1111|0,00",
            "1|0|7|0|A|1|5|CARTE ****-****|0,00 1|0|7|0|a|1|5|****-****|0,00",
        ),
        (
            False,
            "1|0|7|0|T|CB 411111|16,00",
            "1|0|7|0|E|1111111111|0",
            "1|0|7|0|T|CB ******|16,00 1|0|7|0|E|**********|0",
        ),
        (True, "CARTE 4111 1111 11", "11 1111     16,00", "CARTE **** **** ** ** ****     16,00"),
        (True, "CARTE 411111111111", "1111", "CARTE ************ ****"),
        (True, "AMEX 3782 822463", "10005", "AMEX **** ****** *****"),
        (True, "2026 4111 1111", "1111 1111", "2026 **** **** **** ****"),
        (True, "CARTE 6304 0000 0000", "0000 000", "CARTE **** **** **** **** ***"),
        (True, "DINERS 3000 000000", "0004", "DINERS **** ****** ****"),
    ],
)
def test_masked(printed: bool, first: str, second: str, masked: str) -> None:
    assert " ".join(both_ways(printed, first, second)) == masked


@pytest.mark.parametrize(
    ("printed", "first", "second"),
    [
        (True, "REF 411111111111", "1111 POMMES"),  # twelve digits, and four that count something
        (True, "REF 411111111111", "1111,00"),
        (True, "STYLO 4006381333931", "148 GOMMES"),  # an EAN
        (True, "40063813", "50063814"),  # two short ones
        (True, "CB 4111 1111 1111", "1112"),  # fails Luhn
        (False, "1|0|7|0|A|1|41111111|VERRE|16,00", "1|0|7|0|A|1|11111111|VERRE|16,00"),  # codes
        (False, "1|0|7|0|T|CB|41111111", "1|0|7|0|E|11111111|1"),  # an amount
        (False, "1|0|7|0|D|41111111", "1|0|7|0|N|11111111"),
        (False, "1|0|7|0|A|1|4111|", "|"),
        (False, "CB 41111111", "11111111"),  # no lines at all
    ],
)
def test_left_alone(printed: bool, first: str, second: str) -> None:
    assert both_ways(printed, first, second) == (first, second)


@given(
    st.sampled_from(("4", "51", "55", "6", "2201", "22")),
    st.text("0123456789", min_size=15, max_size=15),
    st.integers(4, 14),
    st.sampled_from((" ", "-", "\u00a0", ".")),
    st.booleans(),
)
@example("4", "1" * 15, 8, " ", False)
def test_wherever_a_printed_number_is_cut(issuer: str, more: str, cut: int, sign: str, printed: bool) -> None:
    """In its groups, at any place that leaves half a group or more of them on either side."""
    digits = f"{issuer}{more}"[:15]
    digits = next(f"{digits}{last}" for last in "0123456789" if is_card(f"{digits}{last}".encode()))
    groups = sign.join(digits[at : at + 4] for at in range(0, 16, 4))
    place = cut + (cut - 1) // 4
    first, second = groups[:place].rstrip(sign), groups[place:].lstrip(sign)
    head = "" if printed else "1|0|7|0|N|"
    found = both_ways(printed, f"{head}CARTE {first}", f"{head}{second}")
    assert not any(letter.isdigit() for line in found for letter in line.removeprefix(head))
    wraps = Wraps(printed)
    together = wraps.feed([f"{head}CARTE {first}".encode(), f"{head}{second}".encode(), b"x"])
    assert not any(48 <= byte <= 57 for line in together for byte in line.removeprefix(head.encode()))


@given(st.lists(st.text("4123 0-,|ANx", max_size=30), max_size=6), st.booleans(), st.lists(st.booleans(), max_size=6))
def test_never_more_than_digits(texts: list[str], printed: bool, apart: list[bool]) -> None:
    """Whatever comes, and in however many reads: no line is lost or moved, and only digits become stars."""
    lines = [f"1|0|7|0|{text}".encode() for text in texts]
    wraps, found = Wraps(printed), []
    for at, line in enumerate(lines):
        if at < len(apart) and apart[at]:
            found += wraps.feed([])
        found += wraps.feed([line])
    assert [len(line) for line in found] == [len(line) for line in lines]
    pairs = [pair for one, other in zip(found, lines, strict=True) for pair in zip(one, other, strict=True)]
    assert all(new == old or (new == 42 and 48 <= old <= 57) for new, old in pairs)


@given(
    st.from_regex(r"[0-9]{8}|[0-9]{12,14}", fullmatch=True), st.from_regex(r"[0-9]{1,7}([.,][0-9]{2})?", fullmatch=True)
)
def test_barcodes_and_amounts(code: str, amount: str) -> None:
    """An article's code stays, wherever it stands; so does an amount at the beginning of the next line."""
    assume(len(code) != 12 or len(amount) != 4)
    for first, second in (
        (f"1|0|7|0|A|1|{code}|VERRE|{amount}", f"1|0|7|0|A|1|{code}|VERRE|{amount}"),
        (f"1|0|7|0|A|1|{code}|VERRE {code}|{amount}", f"1|0|7|0|T|CB|{amount}|{amount}"),
    ):
        assert both_ways(False, first, second) == (first, second)
    assert both_ways(True, code, f"{amount} VERRE") == (code, f"{amount} VERRE")


def test_what_is_looked_for_and_how_long() -> None:
    """The next line of the same till only, within a minute; of a few thousand tills."""
    cuts, first = Cuts(), spoken(decode(b"1|0|7|0|N|CB 4111 1111"))
    rest = decode(b"1|0|7|0|N|1111 1111")
    assert cuts.see(rest, NOON) is None
    cuts.keep(first)
    assert cuts.see(decode(b"2|0|7|0|N|1111 1111"), NOON) is None
    assert cuts.see(rest, NOON + AWAITED) is not None
    assert cuts.see(rest, NOON) is None  # once
    cuts.keep(first)
    assert cuts.see(rest, NOON + AWAITED * 2) is None
    cuts.keep(first)
    for number in range(MOST_AWAITED):
        cuts.keep(replace(first, source=f"till {number}"))
    assert cuts.see(rest, NOON) is None
    assert cuts.see(rest._replace(source="till 3"), NOON) is not None


def test_more_groups_than_a_card_has() -> None:
    assert both_ways(True, "AMEX 3782 822463 10005 7", "12") == ("AMEX 3782 822463 10005 7", "12")
