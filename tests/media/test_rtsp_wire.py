"""The camera's side of an RTSP connection: wherever the network cuts it, the same messages and packets."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.media.rtsp_wire import Message, NotRtsp, Splitter

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\nWWW-Authenticate: a\r\nwww-authenticate: b\r\n\r\nv=0\n"
REQUEST = b"OPTIONS rtsp://h/x RTSP/1.0\r\nCSeq: 9\r\n\r\n"
Taken = Message | tuple[int, bytes]


def packet(channel: int, data: bytes) -> bytes:
    return struct.pack("!BBH", 0x24, channel, len(data)) + data


class Line:
    """A splitter, and what it gave. `runs`: whether channel 0 takes packets together, all but the last `keep`."""

    def __init__(self, runs: bool = False, keep: int = 0) -> None:
        self.got: list[Taken] = []
        self.run_lengths: list[int] = []
        self._keep = keep
        channels = {
            number: lambda data, at, end, number=number: self.got.append((number, bytes(data[at:end])))
            for number in range(4)
        }
        self.splitter = Splitter(channels, {0: self._run} if runs else {}, self.got.append)

    def _run(self, data: bytearray, at: int, stride: int, count: int) -> int:
        taken = max(0, count - self._keep)
        for start in range(at, at + taken * stride, stride):
            self.got.append((0, bytes(data[start : start + stride - 4])))
        self.run_lengths.append(taken)
        return taken

    def send(self, data: bytes) -> None:
        while data:
            room = self.splitter.room()
            count = min(len(room), len(data))
            assert count, "no room"
            room[:count] = data[:count]
            self.splitter.received(count)
            data = data[count:]


def test_answer() -> None:
    """Names in lower case, all their values, the body as text."""
    line = Line()
    line.send(ANSWER)
    (message,) = line.got
    assert isinstance(message, Message)
    assert (message.status, message.method, message.body) == (200, "", "v=0\n")
    assert message.headers["www-authenticate"] == ["a", "b"]
    assert (message.value("cseq"), message.value("session")) == ("1", "")


def test_request() -> None:
    """What a camera asks of us."""
    line = Line()
    line.send(REQUEST)
    assert line.got == [Message(0, "OPTIONS", {"cseq": ["9"]})]


WHOLE = packet(0, b"abc") + ANSWER + packet(1, b"") + packet(7, b"nobody's") + REQUEST + packet(0, b"RTSP/1.0 $\0\0\1")
GIVEN: list[Taken] = [
    (0, b"abc"),
    Message(200, "", {"cseq": ["1"], "content-length": ["4"], "www-authenticate": ["a", "b"]}, "v=0\n"),
    (1, b""),
    Message(0, "OPTIONS", {"cseq": ["9"]}),
    (0, b"RTSP/1.0 $\0\0\1"),
]


def test_every_cut() -> None:
    """Where the network cuts the bytes makes no difference."""
    for cut in range(len(WHOLE) + 1):
        line = Line()
        line.send(WHOLE[:cut])
        line.send(WHOLE[cut:])
        assert line.got == GIVEN
    line = Line()
    for at in range(len(WHOLE)):
        line.send(WHOLE[at : at + 1])
    assert line.got == GIVEN


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["\n", "\r\n"])
def test_line_ends(end: str, last: str) -> None:
    """CRLF, bare LF, and one after the other."""
    line = Line()
    line.send(f"RTSP/1.0 200 OK{end}CSeq: 1{end}Content-Length: 2{end}{last}hi".encode() + packet(0, b"x"))
    assert line.got == [Message(200, "", {"cseq": ["1"], "content-length": ["2"]}, "hi"), (0, b"x")]


def test_blanks_between() -> None:
    """Line ends and zeros between packets and messages are nothing."""
    line = Line()
    line.send(b"\r\n" + packet(0, b"a") + b"\r\n\r\n" + REQUEST + b"\0\0\n" + packet(0, b"b") + b"\r\n")
    line.send(packet(0, b"c"))
    assert [one for one in line.got if isinstance(one, tuple)] == [(0, b"a"), (0, b"b"), (0, b"c")]


def test_headers() -> None:
    """Values with colons, folded ones, lines without a colon, names of places in either code."""
    line = Line()
    for name in ("Åre".encode(), "Åre".encode("latin-1")):
        line.send(
            b'RTSP/1.0 401\r\nWWW-Authenticate : Digest realm="'
            + name
            + b'",\r\n\tnonce="a:b"\r\nnonsense\r\nX:\r\n\r\n'
        )
    expected = Message(401, "", {"www-authenticate": ['Digest realm="Åre", nonce="a:b"'], "x": [""]})
    assert line.got == [expected, expected]


@pytest.mark.parametrize("length", ["", "x", "-1", "²", "9" * 5000])
def test_no_length(length: str) -> None:
    """A length that is none means no body."""
    line = Line()
    line.send(f"RTSP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + packet(0, b"x"))
    assert [type(one) for one in line.got] == [Message, tuple]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", "no RTSP answer"),
        (b"RTSP/1.0 x\r\n\r\n", "no RTSP answer"),
        (b"RTSP/1.0 \xb2\xb2\r\n\r\n", "no RTSP answer"),
        (b"RTSP/1.0\r\n\r\n", "no RTSP answer"),
        (b"<html>", "no RTSP message"),
        (b"\xff\xd8\xff\xe0", "no RTSP message"),
        (b"RTSP/1.0 200 OK\r\nX: " + b"x" * 70_000, "an endless message"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 300_000, "too long"),
    ],
)
def test_no_rtsp(data: bytes, words: str) -> None:
    """What it is said, and at the latest when it is too much."""
    with pytest.raises(NotRtsp, match=words):
        Line().send(data)


def test_a_long_description() -> None:
    """A body of more than one read, behind packets."""
    line = Line()
    body = "a=x\r\n" * 20_000
    line.send(packet(0, b"a") * 50 + f"RTSP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    assert isinstance(line.got[-1], Message)
    assert line.got[-1].body == body


def test_the_buffer_fills() -> None:
    """Packets of every size, much more than fits: there is always room, and every byte comes through."""
    line = Line()
    sent = [bytes([number % 251]) * size for number, size in enumerate([65_535, 1, 65_535, 65_534, 40_000, 0, 7] * 20)]
    line.send(b"".join(packet(number % 4, data) for number, data in enumerate(sent)))
    assert line.got == [(number % 4, data) for number, data in enumerate(sent)]


def test_room_for_the_largest() -> None:
    """However much waits, the largest packet can still become whole."""
    line = Line()
    for size in (65_535, 65_535, 1000):
        data = packet(0, bytes(size))
        for at in range(0, len(data), 999):
            line.send(data[at : at + 999])
    assert [len(one[1]) for one in line.got if isinstance(one, tuple)] == [65_535, 65_535, 1000]


def test_runs() -> None:
    """Several packets of one size are offered together, and those not taken come one by one."""
    data = b"".join(packet(0, bytes((number,)) * 8) for number in range(10))
    for keep in (0, 1, 3, 10):
        line = Line(runs=True, keep=keep)
        line.send(data + packet(1, b"other") + data)
        whole: list[Taken] = [(0, bytes((number,)) * 8) for number in range(10)]
        assert line.got == [*whole, (1, b"other"), *whole]
        assert max(line.run_lengths) == max(0, 10 - keep)


def test_no_run_of_few() -> None:
    """Two or three are not worth it, nor are packets of another size or channel."""
    line = Line(runs=True)
    line.send(packet(0, b"ab") * 3 + packet(0, b"abc") * 3 + packet(1, b"abc") * 9)
    assert (len(line.got), line.run_lengths) == (15, [])


PIECES = st.one_of(
    st.tuples(st.integers(0, 4), st.binary(max_size=20)).map(lambda one: packet(*one)),
    st.tuples(st.integers(0, 1), st.binary(min_size=6, max_size=6)).map(lambda one: packet(*one) * 6),
    st.sampled_from([ANSWER, REQUEST, b"\r\n", b"\0"]),
)


@settings(max_examples=200)
@given(st.lists(PIECES, max_size=12), st.lists(st.integers(1, 60), max_size=20), st.integers(0, 3))
def test_any_cut(pieces: list[bytes], cuts: list[int], keep: int) -> None:
    """Cut anywhere, packets taken together or not: always the same."""
    whole = b"".join(pieces)
    reference, line = Line(), Line(runs=True, keep=keep)
    reference.send(whole)
    at = 0
    for cut in cuts:
        line.send(whole[at : at + cut])
        at += cut
    line.send(whole[at:])
    assert line.got == reference.got


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"$", b"RTSP/1.0 ", b"200", b"\r\n\r\n", b"\n\n", b":", b" "]))
)
def test_garbage(pieces: list[bytes]) -> None:
    """Nothing but NotRtsp is raised."""
    try:
        Line(runs=True).send(b"".join(pieces))
    except NotRtsp:
        return
