"""Samples to RTP packets, judged by an unpacking written from the RFCs."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clips import clip, load

from camtrace.model import Sample, Track
from camtrace.rtsp import rtp
from camtrace.rtsp.delivery import runs

SPS, PPS = b"\x67\x42\xc0\x16\xd9", b"\x68\xcb\x8c\xb2"
AVCC = b"\x01\x42\xc0\x16\xff\xe1\x00\x05" + SPS + b"\x01\x00\x04" + PPS
VPS, HSPS, HPPS = b"\x40\x01\x0c", b"\x42\x01\x01\x02", b"\x44\x01\xc1"
HVCC = (
    bytes(22)
    + b"\x03"
    + b"".join(
        bytes((0x80 | one[0] >> 1,)) + b"\x00\x01" + len(one).to_bytes(2, "big") + one for one in (VPS, HSPS, HPPS)
    )
)
H264 = Track(0, "h264", 90_000, AVCC)
H265 = Track(0, "h265", 90_000, HVCC)


def sample(data: bytes, key: bool = False) -> Sample:
    """A sample of these bytes."""
    return Sample(0, 0, 0, 0, 0, key, data)


def units(*parts: bytes) -> bytes:
    """NAL units as MP4 stores them."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def payloads(track: Track, one: Sample, largest: int) -> list[bytes]:
    """The RTP payloads of a sample; each fits."""
    cut = [bytes(header) + bytes(payload) for header, payload in rtp.packetiser(track)(one, largest)]
    assert all(len(payload) <= largest for payload in cut)
    return cut


def joined(cut: list[bytes], hevc: bool) -> list[bytes]:
    """NAL units from payloads (RFC 6184 section 5.8, RFC 7798 section 4.4.3)."""
    size = 2 if hevc else 1
    found: list[bytes] = []
    held: bytearray | None = None
    for payload in cut:
        kind = (payload[0] >> 1) & 63 if hevc else payload[0] & 31
        if kind != (49 if hevc else 28):
            assert held is None
            found.append(payload)
            continue
        flags = payload[size]
        if flags & 0x80:
            assert held is None
            first = (payload[0] & 0x81) | (flags & 63) << 1 if hevc else (payload[0] & 0xE0) | flags & 31
            held = bytearray([first, *payload[1:size]])
        assert held is not None
        held += payload[size + 1 :]
        if flags & 0x40:
            assert not flags & 0x80
            found.append(bytes(held))
            held = None
    assert held is None
    return found


@given(st.lists(st.binary(min_size=3, max_size=400), min_size=1, max_size=5), st.integers(20, 300), st.booleans())
def test_nal_units_survive(bodies: list[bytes], largest: int, hevc: bool) -> None:
    """Whatever the sizes, the receiver gets the same NAL units, no fragment both first and last."""
    parts = [(b"\x02\x01" if hevc else b"\x41") + body for body in bodies]
    cut = payloads(H265 if hevc else H264, sample(units(*parts)), largest)
    assert joined(cut, hevc) == parts


def test_parameter_sets_before_key_frames() -> None:
    """In-band before each key frame, unless it brings its own."""
    idr, delimiter = b"\x65\x01\x02", b"\x09\x10"
    assert payloads(H264, sample(units(idr), key=True), 100) == [SPS, PPS, idr]
    assert payloads(H264, sample(units(delimiter, SPS, PPS, idr), key=True), 100) == [delimiter, SPS, PPS, idr]
    assert payloads(H264, sample(units(delimiter, idr), key=True), 100) == [SPS, PPS, delimiter, idr]
    picture = b"\x26\x01\x09"
    assert payloads(H265, sample(units(picture), key=True), 100) == [VPS, HSPS, HPPS, picture]
    assert payloads(H265, sample(units(VPS, HSPS, HPPS, picture), key=True), 100) == [VPS, HSPS, HPPS, picture]


@pytest.mark.parametrize("name", ["vtest_h264_baseline.mp4", "vtest_h265.mp4"])
def test_real_clips(name: str) -> None:
    """Every NAL unit of a real clip, through small packets."""
    tracks, samples = load(clip(name))
    for one in samples[:40]:
        parts, at = [], 0
        while at < len(one.data):
            length = int.from_bytes(one.data[at : at + 4], "big")
            parts.append(one.data[at + 4 : at + 4 + length])
            at += 4 + length
        found = joined(payloads(tracks[0], one, 500), tracks[0].codec == "h265")
        assert found[len(found) - len(parts) :] == parts


def test_mpeg4() -> None:
    """Cut anywhere; the headers go before a key frame that lacks them."""
    config = b"\0\0\1\xb0\x01\0\0\1\xb5\x09"
    track = Track(0, "mpeg4", 90_000, config)
    picture = b"\0\0\1\xb6" + bytes(range(200))
    assert b"".join(payloads(track, sample(picture, key=True), 50)) == config + picture
    assert b"".join(payloads(track, sample(picture), 50)) == picture
    assert b"".join(payloads(track, sample(config + picture, key=True), 50)) == config + picture


def test_aac() -> None:
    """One access unit a packet with its size, or the size in each fragment (RFC 3640 section 3.2.3)."""
    track = Track(0, "aac", 16_000, b"\x14\x08", sample_rate=16_000, channels=1)
    assert payloads(track, sample(b"abc"), 100) == [b"\x00\x10\x00\x18abc"]
    cut = payloads(track, sample(bytes(250)), 100)
    assert [len(one) for one in cut] == [100, 100, 62]
    assert all(one[:4] == b"\x00\x10" + (250 << 3).to_bytes(2, "big") for one in cut)


def test_unknown_codec_and_broken_configuration() -> None:
    """Refused at DESCRIBE, not at the first picture."""
    for track in (Track(0, "vp9", 90_000), Track(0, "h264", 90_000, b"\x01"), Track(0, "h265", 90_000, b"")):
        with pytest.raises(ValueError, match=r"."):
            rtp.packetiser(track)


def test_stream() -> None:
    """Sequence numbers run on and wrap, the last packet of a frame carries the marker; framed alike."""
    pieces: list[rtp.Piece] = [(b"h", b"one"), (b"", memoryview(b"two"))]
    stream = rtp.Stream(96, 0xABCD, 0xFFFF)
    assert [b"".join(packet) for packet in stream.datagrams(pieces, 1234)] == [
        struct.pack("!BBHII", 0x80, 96, 0xFFFF, 1234, 0xABCD) + b"hone",
        struct.pack("!BBHII", 0x80, 96 | 0x80, 0, 1234, 0xABCD) + b"two",
    ]
    assert (stream.sequence, stream.packets, stream.octets) == (1, 2, 7)
    out: list[bytes | memoryview] = []
    stream = rtp.Stream(96, 0xABCD, 0xFFFF)
    stream.interleaved(pieces, 1234, 2, out)
    expected = [rtp.framed(2, b"".join(packet)) for packet in rtp.Stream(96, 0xABCD, 0xFFFF).datagrams(pieces, 1234)]
    assert b"".join(out) == b"".join(expected)
    assert (stream.sequence, stream.packets, stream.octets) == (1, 2, 7)


def test_sender_report() -> None:
    """SR, SDES with CNAME, BYE: whole 32-bit words, and the wall time as NTP (RFC 3550 section 6.4.1)."""
    stream = rtp.Stream(96, 7, 0)
    stream.datagrams([(b"", b"12345")], 1)
    packet = stream.report(1_709_215_200_500_000, 99, bye=True)
    ssrc, seconds, fraction, timestamp, packets, octets = struct.unpack_from("!IIIIII", packet, 4)
    assert (ssrc, timestamp, packets, octets) == (7, 99, 1, 5)
    assert (seconds - 2_208_988_800, fraction) == (1_709_215_200, 1 << 31)
    kinds, at = [], 0
    while at < len(packet):
        kinds.append(packet[at + 1])
        at += 4 * (int.from_bytes(packet[at + 2 : at + 4], "big") + 1)
    assert (kinds, at) == ([200, 202, 203], len(packet))
    assert b"\x01\x08camtrace\x00" in packet


def test_receiver_reports() -> None:
    """A compound packet's reports; what is no RTCP is none."""
    report = struct.pack("!BBHI IIIIII", 0x81, 201, 7, 5, 7, (64 << 24) | 12, 9, 33, 0, 0)
    assert rtp.parse_reports(report) == [rtp.Reception(7, 64, 12, 33)]
    assert rtp.parse_reports(b"\x80\xc9\x00\x01\x00\x00\x00\x05") == []
    assert rtp.parse_reports(rtp.Stream(96, 7, 0).report(0, 1)) == []
    for broken in (b"", b"\x80", report[:-4], b"\x80\x60" + bytes(10), b"ping"):
        assert rtp.parse_reports(broken) is None


@given(st.binary(max_size=100))
def test_receiver_reports_of_garbage(data: bytes) -> None:
    """Whatever a client sends."""
    rtp.parse_reports(data)


@given(st.lists(st.integers(1, 4), max_size=200))
def test_runs(sizes: list[int]) -> None:
    """Packets sent by one call: all there, in order, of one size but for a shorter last one, within 64 kB."""
    packets: list[rtp.Datagram] = [(b"header", bytes((number & 255,)) * size) for number, size in enumerate(sizes)]
    found = list(runs(packets))
    assert [packet for run in found for packet in run] == packets
    for run in found:
        assert len(run) * (rtp.UDP_PAYLOAD + 12) < 65_507
        assert all(len(packet[1]) == len(run[0][1]) for packet in run[:-1])
        assert len(run[-1][1]) <= len(run[0][1])
