"""RTP as a receiver sees it: order, loss, wrapping numbers, and reports; nothing twice, nothing out of order."""

from __future__ import annotations

import random
import struct
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtrace.media import rtp
from camtrace.media.depacketise import Avc, Hevc
from camtrace.rtsp.rtp import Stream

SOURCE = 0xABCD1234


def packet(
    sequence: int,
    payload: bytes = b"x",
    *,
    stamp: int = 1000,
    kind: int = 96,
    marker: bool = False,
    source: int = SOURCE,
    first: int = 0x80,
    behind: bytes = b"",
) -> bytearray:
    """An RTP packet; `first`: the byte with version and flags, `behind`: what they announce behind the header."""
    header = struct.pack("!BBHII", first, kind | marker << 7, sequence & 0xFFFF, stamp & 0xFFFFFFFF, source)
    return bytearray(header + behind + payload)


class Fed(NamedTuple):
    """What a payload was given."""

    data: bytes
    ticks: int
    marker: bool


class Noted:
    """A payload that remembers what it was given; a gap is None."""

    def __init__(self) -> None:
        self.got: list[Fed | None] = []

    def feed(self, data: bytearray, at: int, end: int, ticks: int, marker: bool) -> None:
        assert 0 <= at < end <= len(data)
        self.got.append(Fed(bytes(data[at:end]), ticks, marker))

    def gap(self) -> None:
        self.got.append(None)

    @property
    def data(self) -> list[bytes | None]:
        return [fed and fed.data for fed in self.got]

    @property
    def numbers(self) -> list[int]:
        return [int(fed.data) for fed in self.got if fed is not None]


def received(*packets: bytearray, reordering: int = 0) -> tuple[Noted, rtp.Receiver]:
    noted = Noted()
    receiver = rtp.Receiver(96, noted, reordering)
    for one in packets:
        receiver.packet(bytearray(b"..") + one + b"..", 2, 2 + len(one))
    return noted, receiver


def numbered(*sequences: int) -> list[bytearray]:
    return [packet(sequence, str(sequence & 0xFFFF).encode()) for sequence in sequences]


def test_in_order() -> None:
    """Payload, ticks and marker go on."""
    noted, receiver = received(packet(7, b"a"), packet(8, b"b", marker=True), packet(9, b"c", stamp=4600))
    assert noted.got == [Fed(b"a", 1000, False), Fed(b"b", 1000, True), Fed(b"c", 4600, False)]
    assert receiver.lost == 0


def test_loss() -> None:
    """What is missing is told where it is missing, and counted."""
    noted, receiver = received(*numbered(1, 2, 5, 6))
    assert noted.data == [b"1", b"2", None, b"5", b"6"]
    assert receiver.lost == 2


def test_twice_and_late() -> None:
    """A packet that came already, or comes too late, is passed over."""
    for reordering in (0, 32):
        noted, receiver = received(*numbered(10, 11, 11, 10, 9, 12), reordering=reordering)
        assert noted.data == [b"10", b"11", b"12"]
        assert receiver.lost == 0


def test_sequence_wraps() -> None:
    noted, receiver = received(*numbered(0xFFFE, 0xFFFF, 0, 2))
    assert noted.data == [b"65534", b"65535", b"0", None, b"2"]
    assert receiver.lost == 1


def test_swapped() -> None:
    """Within the window everything is put in order, over the wrap too."""
    noted, receiver = received(*numbered(0xFFFE, 1, 0, 0xFFFF, 3, 2), reordering=8)
    assert noted.numbers == [0xFFFE, 0xFFFF, 0, 1, 2, 3]
    assert (None in noted.got, receiver.lost) == (False, 0)


def test_beyond_the_window() -> None:
    """When too many wait, only what they wait for is given up; when it comes yet, it is too late."""
    noted, receiver = received(*numbered(1, 3, 4, 6, 7), reordering=3)
    assert noted.data == [b"1", None, b"3", b"4"]
    for late in numbered(2, 5):
        receiver.packet(late, 0, len(late))
    assert noted.data == [b"1", None, b"3", b"4", b"5", b"6", b"7"]
    assert receiver.lost == 1


def test_a_full_window_hears_the_same_again() -> None:
    """A packet that waits already takes no second place."""
    noted, receiver = received(*numbered(1, 3, 4, 4, 3, 2), reordering=2)
    assert noted.data == [b"1", b"2", b"3", b"4"]
    noted, receiver = received(*numbered(1, 4, 5, 3, 5, 6), reordering=2)
    assert noted.data == [b"1", None, b"3", b"4", b"5", b"6"]
    assert receiver.lost == 1


def test_counts_anew() -> None:
    """A jump in the numbers is one gap, what waited comes before it."""
    noted, receiver = received(*numbered(1, 3, 20_000, 20_001), reordering=8)
    assert noted.data == [b"1", None, b"3", None, b"20000", b"20001"]
    assert receiver.lost == 2


@settings(max_examples=200)
@given(
    st.integers(0, 0xFFFF),
    st.integers(1, 120),
    st.randoms(use_true_random=False),
    st.sampled_from([0, 1, 4, 32]),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_any_network(first: int, count: int, luck: random.Random, reordering: int, loss: float) -> None:
    """Packets lost, doubled and shifted at will: nothing twice, nothing out of order, all counted."""
    places = [
        (place + luck.uniform(0, 40), place)
        for place in range(1, count)
        for _ in range(luck.choice((1, 1, 2)))
        if luck.random() >= loss
    ]
    order = [0, *(place for _, place in sorted(places))]
    noted = Noted()
    receiver = rtp.Receiver(96, noted, reordering)
    for place in order:
        one = packet(first + place, str(place).encode(), stamp=place // 5 * 3600)
        receiver.packet(one, 0, len(one))
    numbers = noted.numbers
    assert numbers == sorted(set(numbers))
    assert all(fed.ticks == int(fed.data) // 5 * 3600 for fed in noted.got if fed)
    for before, fed, number in zip(
        [None, *noted.got], noted.got, (fed and int(fed.data) for fed in noted.got), strict=False
    ):
        if before is not None and fed is not None:
            assert number == int(before.data) + 1, "a gap that is not told"
    assert receiver.lost == numbers[-1] + 1 - len(numbers)


@settings(max_examples=200)
@given(st.integers(0, 0xFFFF), st.integers(1, 200), st.randoms(use_true_random=False))
def test_within_the_window_nothing_is_lost(first: int, count: int, luck: random.Random) -> None:
    """A network that shifts packets by less than the window changes nothing."""
    order = sorted(range(1, count), key=lambda place: place + luck.uniform(0, 15))
    packets = [packet(first + place, str(place).encode()) for place in [0, *order]]
    noted, receiver = received(*packets, reordering=rtp.REORDERING)
    assert noted.data == [str(place).encode() for place in range(count)]
    assert receiver.lost == 0


def test_stamps_wrap() -> None:
    """Ticks run on over the end of the 32 bits, and back below their beginning."""
    top = (1 << 32) - 1800
    noted, receiver = received(packet(1, stamp=top), packet(2, stamp=1800), packet(3, stamp=top), packet(4, stamp=5400))
    assert [fed.ticks - top for fed in noted.got if fed] == [0, 3600, 0, 7200]
    assert receiver.ticks_of(1800) == top + 3600
    noted, receiver = received(packet(1, stamp=100), packet(2, stamp=top), packet(3, stamp=200))
    assert [fed.ticks for fed in noted.got if fed] == [100, -1800, 200]


def test_another_source() -> None:
    """A source that follows another begins with a gap, at an instant far behind everything before."""
    noted, _ = received(packet(1, b"a"), packet(9, b"b", source=1, stamp=50), packet(10, b"c", source=1, stamp=150))
    assert noted.data == [b"a", None, b"b", b"c"]
    first, second, third = (fed.ticks for fed in noted.got if fed)
    assert second > first + 1_000_000
    assert third == second + 100
    noted, receiver = received(*numbered(1, 3), packet(9, b"9", source=1), reordering=4)
    assert noted.data == [b"1", None, b"3", None, b"9"]
    assert receiver.lost == 1


def test_around_the_payload() -> None:
    """Contributing sources, a header extension and padding are no payload."""
    extension = b"\xbe\xde\x00\x02" + bytes(8)
    noted, _ = received(
        packet(1, b"abc"),
        packet(2, b"abc\0\0\3", first=0xA0),
        packet(3, b"abc", first=0x82, behind=bytes(8)),
        packet(4, b"abc", first=0x90, behind=extension),
        packet(5, b"abc\0\0\0\4", first=0xB3, behind=bytes(12) + extension, marker=True),
        packet(6, b"abc"),
    )
    assert noted.data == [b"abc"] * 6
    assert [fed.marker for fed in noted.got if fed] == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    "empty",
    [
        packet(2, b""),
        packet(2, b"\x09", first=0xA0),
        packet(2, b"\xff", first=0xA0),
        packet(2, b"x", first=0x8F),
        packet(2, b"\xbe\xde\x00\x09", first=0x90),
        packet(2, b"x", first=0x90),
    ],
)
def test_nothing_in_it(empty: bytearray) -> None:
    """A packet whose payload is empty, or lies behind its end, counts and says nothing."""
    noted, receiver = received(packet(1, b"a"), empty, packet(3, b"b"))
    assert (noted.data, receiver.lost) == ([b"a", b"b"], 0)


def test_other_payload_types() -> None:
    """Comfort noise among the sound is no gap; another track's packets, and RTCP, are nothing."""
    noted, receiver = received(
        packet(1, b"a"),
        packet(2, b"noise", kind=13, stamp=77),
        packet(3, b"b"),
        packet(900, b"other", kind=97, source=5),
        bytearray(rtp.receiver_report(9)),
        packet(4, b"c"),
    )
    assert noted.data == [b"a", b"b", b"c"]
    assert {fed.ticks for fed in noted.got if fed} == {1000}
    assert receiver.lost == 0


@given(st.lists(st.binary(max_size=40) | st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=30))))
def test_garbage(packets: list[bytes | tuple[int, int, bytes]]) -> None:
    """Damaged packets never raise, whatever they do to the stream; and what goes on has its bounds."""
    noted = Noted()
    receiver = rtp.Receiver(96, noted, 4)
    for sequence, one in enumerate(packets):
        data = one if isinstance(one, bytes) else bytes(packet(sequence, one[2], first=one[0], kind=one[1] & 127))
        receiver.packet(bytearray(data), 0, len(data))


# ── several packets at once ──────────────────────────────────────────────────────────────────────────────────────


class Shown(list[tuple[bytes, int, bool]]):
    """Pictures as they were put together."""

    def __call__(self, data: bytes, ticks: int, key: bool) -> None:
        self.append((data, ticks, key))


FRAGMENTS = st.tuples(
    st.sampled_from([b"\x7c\x85", b"\x7c\x05", b"\x7c\x05", b"\x7c\x05", b"\x7c\x45", b"\x41\x05", b"\x5c\x01", b""]),
    st.sampled_from([0, 1, 6, 6, 6]),
    st.sampled_from([False, False, False, False, True]),
    st.sampled_from([1, 1, 1, 1, 1, 2, 0, -1]),
    st.sampled_from([0x80, 0x80, 0x80, 0x80, 0xA0]),
    st.sampled_from([0, 0, 0, 0, 3600]),
)


@settings(max_examples=400)
@given(st.lists(st.tuples(FRAGMENTS, st.integers(1, 7)), max_size=16), st.booleans(), st.integers(0xFFF0, 0x1000F))
def test_runs(cut: list[tuple[tuple[bytes, int, bool, int, int, int], int]], hevc: bool, sequence: int) -> None:
    """Packets of one size taken together give exactly what they give one by one."""
    packets, stamp = [], 0
    for number, ((header, size, marker, step, first, pause), times) in enumerate(cut):
        for _ in range(times):
            sequence, stamp = sequence + step, stamp + pause
            body = (b"\x62\x01" + header[1:] if hevc and header else header) + bytes([number] * size)
            packets.append(packet(sequence, body, marker=marker, first=first, stamp=stamp))
    singly, together = Shown(), Shown()
    payload = Hevc if hevc else Avc
    one, many = rtp.Receiver(96, payload(singly)), rtp.Receiver(96, payload(together))
    for each in packets:
        one.packet(each, 0, len(each))
    stream = bytearray(b"".join(struct.pack("!BBH", 0x24, 0, len(each)) + each for each in packets))
    at = 0
    while at < len(stream):
        stride = 4 + int.from_bytes(stream[at + 2 : at + 4], "big")
        count = 1
        while stream[at + count * stride : at + count * stride + 4] == stream[at : at + 4]:
            count += 1
        taken = many.run(stream, at + 4, stride, count)
        assert 0 <= taken <= count
        if not taken:
            many.packet(stream, at + 4, at + stride)
        at += max(1, taken) * stride
    last = packet(sequence + 1, b"\x02\x01z" if hevc else b"\x41z", stamp=stamp + 7200, marker=True)
    for receiver in (one, many):
        receiver.packet(last, 0, len(last))
    assert together == singly
    assert many.lost == one.lost


def test_a_run_is_taken() -> None:
    """The middle of a large unit is; the rest is not, and a payload that cannot is never asked."""
    pieces = [b"\x7c\x85ab"] + [b"\x7c\x05ab"] * 9 + [b"\x7c\x45ab"]
    stream = bytearray(
        b"".join(b"\x24\0\0\x10" + packet(place, piece, marker=place == 10) for place, piece in enumerate(pieces))
    )
    shown = Shown()
    receiver = rtp.Receiver(96, Avc(shown))
    assert receiver.takes_runs
    assert receiver.run(stream, 4, 20, 11) == 0
    receiver.packet(stream, 4, 20)
    assert receiver.run(stream, 24, 20, 10) == 9
    receiver.packet(stream, 204, 220)
    assert shown == [(b"\0\0\0\1\x65" + b"ab" * 11, 1000, True)]
    plain = rtp.Receiver(96, Noted())
    assert not plain.takes_runs
    assert plain.run(stream, 4, 20, 11) == 0


# ── reports ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sender_report() -> None:
    """The wall time of an RTP timestamp, as a server of our own tells it; then goodbye."""
    stream = Stream(96, SOURCE, 0)
    at_us = 1_709_215_200_123_456
    found = rtp.read_reports(stream.report(at_us, 90_000))
    assert found.at_us is not None
    assert abs(found.at_us - at_us) <= 1
    assert (found.stamp, found.bye) == (90_000, False)
    assert rtp.read_reports(stream.report(at_us, 90_000, bye=True)).bye


def test_reports_that_say_nothing() -> None:
    """Nothing, another version, a sign of life, an unknown kind."""
    for data in (b"", b"\x80", bytes(40), rtp.receiver_report(7), b"\x80\xcc\x00\x01" + bytes(4)):
        assert rtp.read_reports(data) == rtp.Reports()


def test_cut_reports() -> None:
    """What is cut off anywhere says what it says whole, or nothing."""
    whole = Stream(96, SOURCE, 0).report(1_709_215_200_000_000, 5, bye=True)
    for end in range(len(whole)):
        found = rtp.read_reports(whole[:end])
        assert not found.bye
        assert (found.at_us is None) == (end < 28)


@given(st.binary(max_size=120))
def test_garbage_for_a_report(data: bytes) -> None:
    rtp.read_reports(data)
    rtp.read_reports(b"\x80\xc8" + data)


def test_receiver_report() -> None:
    """Two whole packets, every one as long as it says (RFC 3550 section 6.1)."""
    data, at, kinds = rtp.receiver_report(0xDEADBEEF), 0, []
    while at < len(data):
        first, kind, words = struct.unpack_from("!BBH", data, at)
        assert first >> 6 == 2
        kinds.append(kind)
        at += 4 * (words + 1)
    assert (at, kinds) == (len(data), [201, 202])
