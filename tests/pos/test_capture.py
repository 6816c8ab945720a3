"""What is captured: nothing while nobody looks, no card number ever, bursts, and words for programmers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from camtrace.model import Ticket
from camtrace.pos.bursts import Bursts
from camtrace.pos.capture import MOST_KEPT, Capture, Captured, MaskedStream
from camtrace.pos.check import Check
from camtrace.pos.presets import BY_NAME, shipped
from camtrace.pos.wire import decode, mask_stream

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CARDS = (
    b"4111111111111111",
    b"5500 0000 0000 0004",
    b"3400-0000-0000-009",
    b"41111111|11111111",
    b"5500 0000|0000 0004",
    b"\\u0034111111111111111",
    b"4111 1111 1111 111&#49;",
    b"&#x34;111&#32;1111 1111 1111",
    "４１１１１１１１１１１１１１１１".encode(),
)
WORDS = st.lists(st.one_of(st.sampled_from([*CARDS, b"|", b"\n", b"16,00", b" "]), st.binary(max_size=8)), max_size=12)


@settings(deadline=None)
@example(stream=b"CB \\u0034111111111111111", cuts=[5])  # behind the first sign of an escape
@example(stream=b"4111111111111111\0\0\0\0\\u0034111111111111111", cuts=[22])
@example(stream="CB ４１１１１１１１１１１１１１１１".encode(), cuts=[5])
@given(stream=WORDS.map(b"".join), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_masked_as_the_whole_however_it_was_cut(stream: bytes, cuts: list[int]) -> None:
    stream = b"x" + stream
    masked = MaskedStream()
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    shown = b"".join(masked.feed(stream[start:stop]) for start, stop in pairwise(places)) + masked.flush()
    assert shown == mask_stream(stream)


def test_who_looks_in_the_middle_of_a_number_sees_no_digit() -> None:
    assert MaskedStream().feed(b"1111 1111|16,00\n") == b"**** ****|16,00\n"
    endless = MaskedStream()
    assert endless.feed(b"a" + b"1" * 5000) == b"a" + mask_stream(b"1" * 904)[:904] + b"*" * 4096


def test_nothing_is_kept_while_nobody_looks() -> None:
    capture = Capture(lambda: NOON)
    assert not capture.active
    seen: list[Captured] = []
    leave = capture.watch(seen.append)
    message = decode(b"1|0|7|0|D|1,00")
    for _ in range(MOST_KEPT + 50):
        capture.line("10.0.0.5", "camtrace", message.raw, message)
    assert capture.active and len(seen) == MOST_KEPT + 50
    late: list[Captured] = []
    capture.watch(late.append)()
    assert len(late) == MOST_KEPT  # who comes second sees the last of it
    leave()
    assert not capture.active
    nothing: list[Captured] = []
    capture.watch(nothing.append)
    assert not nothing


# ── whole tickets at once ──


def sold(seconds: float, lines: int = 5, source: str = "1") -> Ticket:
    end = NOON + timedelta(seconds=seconds)
    return Ticket(id=1, protocol="pos", source=source, opened_at=NOON, closed_at=end, line_count=lines)


def test_three_tickets_at_once_are_a_habit() -> None:
    bursts = Bursts()
    assert [bursts.closed(sold(0.01)) for _ in range(5)] == [None, None, True, None, None]
    assert bursts.closed(sold(20)) is None
    assert [bursts.closed(sold(20)) for _ in range(3)] == [None, False, None]
    assert [bursts.closed(sold(0.01)) for _ in range(5)] == [None] * 5  # once an hour is enough
    later = [sold(0.01) for _ in range(2)]
    hour = timedelta(hours=1)
    later = [replace(one, opened_at=NOON + hour, closed_at=NOON + hour + timedelta(seconds=0.01)) for one in later]
    assert [bursts.closed(one) for one in later] == [True, None]


def test_short_tickets_and_other_tills_say_nothing() -> None:
    bursts = Bursts()
    for _ in range(9):
        assert bursts.closed(sold(0.0, lines=3)) is None
    assert [bursts.closed(sold(0.01, source=source)) for source in "121212"] == [None, None, None, None, True, True]


# ── words for who programs a till ──


def told(data: bytes, dialect: str = "") -> list[str]:
    check = Check(shipped()[dialect] if dialect else None)
    return [str(finding) for finding in (*check.feed(data), *check.end())]


@pytest.mark.parametrize("name", ["", *shipped()])
def test_the_samples_are_faultless(name: str) -> None:
    assert not [words for words in told(BY_NAME[name or "camtrace"].sample, name) if "error" in words]


def test_the_example_has_nothing_to_correct() -> None:
    assert told(BY_NAME["camtrace"].sample) == []
    assert told(b"1|0|7|0|A|1|1|V|1,00\n2|0|7|0|D|0\n1|0|7|0|E|ANNULE\n") == []  # two tills, a ticket given up


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"TOTAL 16,00\n", "line 1: error: 1 fields instead of 5"),
        (b"|0|7|0|A|1|1|V|1,00\n", "names no till"),
        (b"1|0|7|0|A|1|1|V\n", "field 8 is no amount"),
        (b"1|0|7|0|A|one|1|V|1,00\n", "field 5 is no quantity"),
        (b"1|0|7|0|A|1|1||1,00\n", "description, is empty"),
        (b"1|0|7|0|S|1|1|V\n", "neither ANNULE"),
        (b"1|0|7|0|E|CB\n", "total will not be known"),
        (b"1|0|7|0|X|hello\n", "type X is none of"),
        (b"1|0|7|0|A|1|1|A|B|1,00\n", "more than 9 fields"),
        (b"1|0|7|0|A|1|1|caf\xe9|1,00\n", "not UTF-8"),
        (b"1|0|7|0|E|CB 4111111111111111|1|1\n", "card number is masked"),
        (b"1|0|7|0|D|1,00\n01|0|7|0|D|1,00\n", "'01' is another till than '1'"),
        (b"1|0|7|0|D|1,00", "no end"),
        (b"1|0|7|0|D|1,00\n", "no ticket ends"),
        (b"1|0|7|0|E|CB|1|1\n1|0|7|0|A|1|1|V|1,00\n", "still open"),
        (b"1|0|7|0|E|CB|1|1\n1|0|7|0|D|1,00\n", "send D before its E"),
        (b"", "there is no line"),
        (b"x" * 5000, "longer than 4096 bytes"),
    ],
)
def test_what_is_wrong_is_said(sent: bytes, words: str) -> None:
    assert any(words in each for each in told(sent)), told(sent)


def test_lines_that_come_at_once_are_told() -> None:
    check = Check()
    findings = [str(each) for each in check.feed(BY_NAME["camtrace"].sample, at=7.0)]
    assert any("came at once" in each for each in findings)
