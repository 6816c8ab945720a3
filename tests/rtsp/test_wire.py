"""RTSP bytes to messages and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.rtsp.wire import (
    MAX_HEAD,
    ClockRange,
    Interleaved,
    NptRange,
    Parser,
    Request,
    Response,
    TransportOffer,
    WireError,
    parse_range,
    parse_transport,
    session_header,
    session_id,
)

TALK = (
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    b"$\x01\x00\x04\x80\xc9\x00\x00"
    b"\r\nSET_PARAMETER rtsp://h/live/1 RTSP/1.0\r\ncseq:2\r\nContent-Length: 5\r\nUser-Agent: a\r\n b\r\n\r\nhello"
    b"$\x00\x00\x00"
    b"PLAY rtsp://h/live/1 RTSP/1.0\nCSeq: 3\nSession: abc;timeout=60\n\n"
)
SAID = [
    Request("OPTIONS", "*", {"cseq": "1"}),
    Interleaved(1, b"\x80\xc9\x00\x00"),
    Request("SET_PARAMETER", "rtsp://h/live/1", {"cseq": "2", "content-length": "5", "user-agent": "a b"}, b"hello"),
    Interleaved(0, b""),
    Request("PLAY", "rtsp://h/live/1", {"cseq": "3", "session": "abc;timeout=60"}),
]


def test_every_cut() -> None:
    """Where the network cuts the bytes makes no difference."""
    for cut in range(len(TALK) + 1):
        parser = Parser()
        assert [*parser.feed(TALK[:cut]), *parser.feed(TALK[cut:])] == SAID


def test_byte_by_byte() -> None:
    """Nor does the number of cuts."""
    parser = Parser()
    assert [message for byte in TALK for message in parser.feed(bytes((byte,)))] == SAID


@pytest.mark.parametrize("capture", sorted((Path(__file__).parent / "captures").glob("*.txt")), ids=lambda p: p.stem)
def test_captured_requests_cut_everywhere(capture: Path) -> None:
    """What real players sent, cut at every byte."""
    lines = [line[3:] for line in capture.read_text().splitlines() if line.startswith("C: ") and "<" not in line[:5]]
    data = "".join(
        ("\r\n" if number and " RTSP/1.0" in line else "") + line + "\r\n" for number, line in enumerate(lines)
    )
    whole = list(Parser().feed(data.encode() + b"\r\n"))
    assert len(whole) == sum(" RTSP/1.0" in line for line in lines)
    for cut in range(len(data)):
        parser = Parser()
        assert [*parser.feed(data[:cut].encode()), *parser.feed(data[cut:].encode() + b"\r\n")] == whole


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_garbage_never_hurts(pieces: list[bytes]) -> None:
    """Whatever comes, the parser answers with messages or with WireError, and holds no more than one message."""
    parser = Parser()
    try:
        for piece in pieces:
            list(parser.feed(piece))
    except WireError:
        pass
    assert len(parser._held) <= 65_539 + 200


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1 what\r\n\r\n",
        b"S|1|2|Article\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        b"PLAY rtsp://h/ RTSP/1.0\r\nno colon\r\n\r\n",
        b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\x00\r\n\r\n",
        b"PLAY rtsp://h/ RTSP/1.0\r\nContent-Length: -1\r\n\r\n",
        b"PLAY rtsp://h/ RTSP/1.0\r\nContent-Length: 99999999999\r\n\r\n",
        b"PLAY rtsp://h/ RTSP/1.0\r\n" + b"X: y\r\n" * MAX_HEAD,
        b"PLAY rtsp://h/ RTSP/1.0\r\nX: " + b"y" * MAX_HEAD,
    ],
)
def test_framing_lost(data: bytes) -> None:
    """What is no RTSP is said at once, not when the buffer is full."""
    with pytest.raises(WireError):
        list(Parser().feed(data))


def test_messages_before_the_fault_count() -> None:
    """A good request is handed over before the garbage behind it is complained of."""
    messages = Parser().feed(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\ngarbage\r\n\r\n")
    assert next(messages) == Request("OPTIONS", "*", {"cseq": "1"})
    with pytest.raises(WireError):
        next(messages)


def test_response() -> None:
    """Status line, CSeq, headers in order, length of the body; a line break in a value cannot make a header."""
    response = Response(200, [("Public", "OPTIONS"), ("X", "a\r\nEvil: 1")], b"body")
    expected = b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nPublic: OPTIONS\r\nX: aEvil: 1\r\nContent-Length: 4\r\n\r\nbody"
    assert response.serialise("7") == expected
    assert Response(404, reason="no\nsuch").serialise("") == b"RTSP/1.0 404 nosuch\r\n\r\n"


@pytest.mark.parametrize(
    ("value", "offers"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", [TransportOffer(True, (0, 1))]),
        ("RTP/AVP/TCP", [TransportOffer(True, None)]),
        ("RTP/AVP/UDP;unicast;client_port=5618-5619", [TransportOffer(False, (5618, 5619))]),
        ('rtp/avp;unicast;client_port=5000;mode="PLAY"', [TransportOffer(False, (5000, 5001))]),
        ("RTP/AVP;multicast", []),
        ("RTP/AVP;unicast", []),
        ("RTP/AVP;unicast;client_port=70000-70001", []),
        ("RTP/AVP;unicast;client_port=5000-5001;mode=RECORD", []),
        ("RAW/RAW/UDP;unicast;client_port=5000-5001", []),
        ("", []),
        (
            "RTP/AVP;multicast,RTP/AVP;client_port=6-7,RTP/AVP/TCP;interleaved=2-3",
            [TransportOffer(False, (6, 7)), TransportOffer(True, (2, 3))],
        ),
    ],
)
def test_transport(value: str, offers: list[TransportOffer]) -> None:
    """The offers this server can take, in order."""
    assert parse_transport(value) == offers


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("npt=0.000-", NptRange(0, None)),
        ("npt=0-4", NptRange(0, 4)),
        ("npt=0.000-3.000", NptRange(0, 3)),
        ("npt=1:02:03.5-", NptRange(3723.5, None)),
        ("npt=now-", NptRange(None, None)),
        ("npt=-5", NptRange(0, 5)),
        ("npt=3-4;time=19970123T143720Z", NptRange(3, 4)),
        ("clock=20240229T140000.250Z-", ClockRange(datetime(2024, 2, 29, 14, 0, 0, 250000, UTC), None)),
        (
            "clock=20240229T140000Z-20240229T141000Z",
            ClockRange(datetime(2024, 2, 29, 14, tzinfo=UTC), datetime(2024, 2, 29, 14, 10, tzinfo=UTC)),
        ),
    ],
)
def test_range(value: str, parsed: object) -> None:
    """Normal play time and clock time."""
    assert parse_range(value) == parsed


@pytest.mark.parametrize(
    "value",
    ["", "npt", "npt=4", "npt=5-4", "npt=a-b", "smpte=0:0:1-", "clock=2024-", "clock=20241329T140000Z-", "npt=1e9-"],
)
def test_range_refused(value: str) -> None:
    """Malformed, inverted and foreign ranges."""
    with pytest.raises(ValueError, match=r"."):
        parse_range(value)


@given(st.text(max_size=60))
def test_headers_of_any_text(text: str) -> None:
    """Header values of whatever text parse or raise ValueError."""
    parse_transport(text)
    try:
        parse_range(text)
    except ValueError:
        pass


def test_range_text() -> None:
    """As answered."""
    assert NptRange(0, 4).text() == "npt=0.000-4.000"
    assert NptRange(None, None).text() == "npt=now-"
    start = datetime(2024, 2, 29, 14, 0, 0, 250000, UTC)
    assert ClockRange(start, None).text() == "clock=20240229T140000.250Z-"


def test_session() -> None:
    """No space before timeout, which ffmpeg would not find; parameters are no part of the name."""
    assert session_header("abc", 60) == ("Session", "abc;timeout=60")
    assert session_id(Request("PLAY", "*", {"session": "abc;timeout=60"})) == "abc"
    assert session_id(Request("PLAY", "*")) == ""
