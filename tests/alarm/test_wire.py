"""The control channel's messages, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.alarm.wire import MAX_LINE, MAX_MESSAGE, Call, Splitter, WireError, from_parameters, parse

STREAM = b"alarm 5\r\nalarme 5,23,8\x00ALARM  7 , 9\ralarm\n\n \x00nonsense\nalarm 1"


def pieces(data: bytes, *cuts: int) -> list[bytes]:
    """The messages of `data`, cut at these places, its end included."""
    splitter, found, start = Splitter(), [], 0
    for cut in (*sorted(cuts), len(data)):
        found += splitter.feed(data[start:cut])
        start = cut
    return found + splitter.flush()


WHOLE = [b"alarm 5", b"alarme 5,23,8", b"ALARM  7 , 9", b"alarm", b"nonsense", b"alarm 1"]


def test_every_cut_gives_the_same_messages() -> None:
    for first in range(len(STREAM) + 1):
        for second in range(first, len(STREAM) + 1, 3):
            assert pieces(STREAM, first, second) == WHOLE


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_any_cut(data: bytes, cuts: list[int]) -> None:
    assert pieces(data, *(cut for cut in cuts if cut <= len(data))) == pieces(data)


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        (b"alarm 5", (5,)),
        (b"alarm 5,23,8", (5, 23, 8)),
        (b"Alarme 5 , 23 ,8 ", (5, 23, 8)),
        (b"  ALARM:5", (5,)),
        (b"alarm\t5;5 8", (5, 8)),
        (b"alarm=3", (3,)),
        (b"alarm 007", (7,)),
    ],
)
def test_ids(message: bytes, ids: tuple[int, ...]) -> None:
    call = parse(message)
    assert (call.ids, call.unknown, call.ids_given) == (ids, (), True)


def test_without_ids_it_is_the_sender() -> None:
    for message in (b"alarm", b" alarme ", b"ALARM:"):
        assert parse(message)[:3] == ((), (), False)


def test_what_is_no_id_is_told() -> None:
    call = parse(b"alarm 5,x,-3,0,99999999999999999999,\xc2\xb2,8")
    assert call.ids == (5, 8) and call.ids_given
    assert call.unknown == ("x", "-3", "0", "99999999999999999999", "\xb2")
    call = parse(b"alarm Motion in the yard")
    assert call.ids == () and call.ids_given and call.unknown[0] == "Motion"


@pytest.mark.parametrize("message", [b"alarmed 5", b"hello", b"5", b"T1|148|||A", b"\xff\xfe", b"alarm5"])
def test_anything_else_is_no_message(message: bytes) -> None:
    with pytest.raises(WireError) as caught:
        parse(message)
    assert caught.value.code == "text"


def test_too_long() -> None:
    splitter = Splitter()
    splitter.feed(b"x" * MAX_LINE)
    with pytest.raises(WireError) as caught:
        splitter.feed(b"x")
    assert caught.value.code == "long"
    with pytest.raises(WireError):
        Splitter().feed(b"a" * (MAX_LINE + 1) + b"\nalarm 5\n")


@given(st.binary(max_size=200))
def test_any_message_is_a_call_or_an_error(message: bytes) -> None:
    try:
        call = parse(message)
    except WireError:
        return
    assert all(0 < id < 2**31 for id in call.ids) and len(call.message) <= MAX_MESSAGE


def test_parameters() -> None:
    given_ = [("Eventname", "back door"), ("Message", "somebody is there"), ("idlist", "3,11"), ("empty", "")]
    assert from_parameters(given_) == Call((3, 11), (), True, "Eventname: back door, somebody is there")
    assert from_parameters([("IDLIST", "3"), ("idlist", " 4,3 , z")]) == Call((3, 4), ("z",), True, "")
    assert from_parameters([("idlist", "")]) == Call((), (), False, "")
    assert from_parameters([]) == Call()


def test_words_are_kept_short_and_printable() -> None:
    message = from_parameters([("Message", "a\x1b[31m\nb" + "x" * 2000)]).message
    assert len(message) == MAX_MESSAGE and message.isprintable() and message.endswith("…")
