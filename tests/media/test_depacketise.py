"""Access units put together again: what was sent, whole or not at all, and whether a decoder can begin with it."""

from __future__ import annotations

import struct
from typing import NamedTuple

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clips import clip, load

from camtrace.media import depacketise, rtp
from camtrace.media.depacketise import Aac, Avc, Hevc, Latm, Mpeg4, Samples, latm_configuration
from camtrace.model import Sample
from camtrace.rtsp import rtp as sender

START = b"\0\0\0\1"
SPS, PPS, IDR, P = b"\x67\x42\xc0\x16", b"\x68\xcb\x8c", b"\x65\x88abcdefgh", b"\x41\x9aijklmnop"
RECOVERY = b"\x06\x05\x03abc\x06\x01\xc4\x80"  # another message before it
VPS, HSPS, HPPS = b"\x40\x01\x0c", b"\x42\x01\x01\x02", b"\x44\x01\xc1"
CRA, TRAIL = b"\x2a\x01pqrstuvwx", b"\x02\x01yzabcdef"


class Shown(NamedTuple):
    """An access unit as it was handed on."""

    data: bytes
    ticks: int
    key: bool


class Screen(list[Shown]):
    """Remembers what is handed on."""

    def __call__(self, data: bytes, ticks: int, key: bool) -> None:
        self.append(Shown(data, ticks, key))


def feed(payload: rtp.Payload, data: bytes, ticks: int = 0, marker: bool = False) -> None:
    """One payload, somewhere in a buffer."""
    payload.feed(bytearray(b"..") + data + b"\xff" * 8, 2, 2 + len(data), ticks, marker)


def annex_b(*units: bytes) -> bytes:
    return b"".join(START + unit for unit in units)


def fragments(unit: bytes, size: int) -> list[bytes]:
    """An H.264 unit in fragments (FU-A)."""
    head, body = bytes((unit[0] & 0xE0 | 28,)), unit[1:]
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    flags = [(0x80 if not place else 0) | (0x40 if place == len(cut) - 1 else 0) for place in range(len(cut))]
    return [head + bytes((flag | unit[0] & 31,)) + part for flag, part in zip(flags, cut, strict=True)]


def hevc_fragments(unit: bytes, size: int) -> list[bytes]:
    """An H.265 unit in fragments."""
    head, body, kind = bytes((unit[0] & 0x81 | 49 << 1, unit[1])), unit[2:], unit[0] >> 1 & 63
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    flags = [(0x80 if not place else 0) | (0x40 if place == len(cut) - 1 else 0) for place in range(len(cut))]
    return [head + bytes((flag | kind,)) + part for flag, part in zip(flags, cut, strict=True)]


def aggregate(header: bytes, *units: bytes) -> bytes:
    return header + b"".join(struct.pack("!H", len(unit)) + unit for unit in units)


class TestAvc:
    def test_single_units(self) -> None:
        """A picture is handed on at its marker, with all that came before it."""
        shown = Screen()
        payload = Avc(shown)
        for unit in (SPS, PPS):
            feed(payload, unit)
        feed(payload, IDR, marker=True)
        feed(payload, P, 3600, True)
        assert shown == [(annex_b(SPS, PPS, IDR), 0, True), (annex_b(P), 3600, False)]

    @pytest.mark.parametrize(("kind", "order"), [(24, b""), (25, b"\x12\x34")])
    def test_aggregates(self, kind: int, order: bytes) -> None:
        """STAP-A, and STAP-B with its decoding order number; empty and cut units are left out."""
        shown = Screen()
        payload = Avc(shown)
        feed(payload, aggregate(bytes((0x60 | kind,)) + order, SPS, b"", PPS, IDR) + b"\x00\x09\x41", marker=True)
        assert shown == [(annex_b(SPS, PPS, IDR), 0, True)]

    @pytest.mark.parametrize("size", range(1, 10))
    def test_fragments(self, size: int) -> None:
        shown = Screen()
        payload = Avc(shown)
        cut = fragments(IDR, size)
        for place, piece in enumerate(cut):
            feed(payload, piece, 0, place == len(cut) - 1)
        assert shown == [(annex_b(IDR), 0, True)]

    @pytest.mark.parametrize("missing", [0, 2, 4])
    @pytest.mark.parametrize("first", [b"", SPS])
    def test_a_lost_fragment(self, missing: int, first: bytes) -> None:
        """At the start, in the middle or at the end: the unit is not shown, and what is left is no key picture."""
        shown = Screen()
        payload = Avc(shown)
        if first:
            feed(payload, first)
        cut = fragments(IDR, 2)
        assert len(cut) == 5
        for place, piece in enumerate(cut):
            if place == missing:
                payload.gap()
            else:
                feed(payload, piece, 0, place == 4)
        feed(payload, P, 3600, True)
        assert shown == [((annex_b(first) if first else b"") + annex_b(P), 3600, False)]

    def test_a_lost_slice(self) -> None:
        """The other slices of the picture are shown."""
        shown = Screen()
        payload = Avc(shown)
        feed(payload, P)
        feed(payload, fragments(P, 3)[0])
        payload.gap()
        feed(payload, b"\x41\x01third", marker=True)
        assert shown == [(annex_b(P, b"\x41\x01third"), 0, False)]

    def test_a_fragment_that_never_ends(self) -> None:
        """Another unit begins instead."""
        shown = Screen()
        payload = Avc(shown)
        feed(payload, fragments(P, 3)[0])
        feed(payload, IDR, marker=True)
        feed(payload, fragments(P, 3)[1], 3600, True)  # of nothing
        assert shown == [(annex_b(P[:4], IDR), 0, True)]

    def test_without_markers(self) -> None:
        """A picture ends where another instant begins."""
        shown = Screen()
        payload = Avc(shown)
        for ticks in (0, 3600, 7200):
            feed(payload, P, ticks)
        assert [one.ticks for one in shown] == [0, 3600]

    def test_a_marker_on_every_slice(self) -> None:
        """After the first picture it is known, and pictures are whole."""
        shown = Screen()
        payload = Avc(shown)
        for ticks in (0, 3600, 7200, 10_800):
            for _ in range(3):
                feed(payload, P, ticks, True)
        assert [(one.ticks, one.data) for one in shown[-2:]] == [(3600, annex_b(P, P, P)), (7200, annex_b(P, P, P))]
        assert len(shown) == 4  # the first one in two

    def test_parameter_sets_with_a_marker(self) -> None:
        """Not a picture yet, whatever instant they are of."""
        for ticks in (0, 3600):
            shown = Screen()
            payload = Avc(shown)
            for unit in (SPS, PPS, RECOVERY):
                feed(payload, unit, ticks, True)
            feed(payload, P, 3600, True)
            assert shown == [(annex_b(SPS, PPS, RECOVERY, P), 3600, True)]

    @pytest.mark.parametrize(
        ("unit", "recovers"),
        [
            (RECOVERY, True),
            (b"\x06\x06\x01\xc4\x80", True),
            (b"\x06\xff\x05\x00\x06\x01\xc4\x80", True),
            (b"\x06\x05\xff\x01" + bytes(256) + b"\x06\x01\xc4\x80", True),
            (b"\x06\x05\x03\x06\x01\x06\x80", False),
            (b"\x06\x05\x30ab", False),
            (b"\x06\xff\xff", False),
            (b"\x06", False),
        ],
    )
    def test_recovery_point(self, unit: bytes, recovers: bool) -> None:
        """Cameras with gradual refresh send no IDR pictures; a decoder can begin at a recovery point."""
        shown = Screen()
        payload = Avc(shown)
        feed(payload, unit)
        feed(payload, P, 0, True)
        feed(payload, P, 3600, True)
        assert [one.key for one in shown] == [recovers, False]

    def test_a_lost_recovery_point(self) -> None:
        """It is that of the lost picture, not of the next."""
        shown = Screen()
        payload = Avc(shown)
        feed(payload, RECOVERY)
        payload.gap()
        feed(payload, P, 3600, True)
        feed(payload, RECOVERY, 7200)
        feed(payload, fragments(P, 4)[0], 7200)
        payload.gap()
        feed(payload, P, 10_800, True)
        assert [(one.ticks, one.key) for one in shown] == [(3600, False), (10_800, False)]

    def test_a_picture_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Memory has its bounds; the next picture is shown."""
        monkeypatch.setattr(depacketise, "_MAX_UNIT", 10_000)
        for pieces in ([fragments(P, 3)[0]] + [fragments(P, 3)[1]] * 200, [SPS] * 200, [P] * 200):
            shown = Screen()
            payload = Avc(shown)
            for piece in pieces:
                feed(payload, piece)
            assert len(payload._picture.parts) < 200
            feed(payload, P, 3600, True)
            feed(payload, IDR, 7200, True)
            assert shown[-1] == (annex_b(IDR), 7200, True)
            assert all(len(one.data) < 100 for one in shown)


class TestHevc:
    def test_units(self) -> None:
        shown = Screen()
        payload = Hevc(shown)
        for unit in (VPS, HSPS, HPPS):
            feed(payload, unit)
        feed(payload, CRA, marker=True)
        feed(payload, TRAIL, 3600, True)
        assert shown == [(annex_b(VPS, HSPS, HPPS, CRA), 0, True), (annex_b(TRAIL), 3600, False)]

    def test_aggregate(self) -> None:
        shown = Screen()
        payload = Hevc(shown)
        feed(payload, aggregate(b"\x60\x01", VPS, HSPS, b"", HPPS, CRA) + b"\x00\x09\x02", marker=True)
        assert shown == [(annex_b(VPS, HSPS, HPPS, CRA), 0, True)]

    @pytest.mark.parametrize("size", range(1, 10))
    def test_fragments(self, size: int) -> None:
        shown = Screen()
        payload = Hevc(shown)
        cut = hevc_fragments(CRA, size)
        for place, piece in enumerate(cut):
            feed(payload, piece, 0, place == len(cut) - 1)
        assert shown == [(annex_b(CRA), 0, True)]

    @pytest.mark.parametrize("missing", [0, 2, 4])
    def test_a_lost_fragment(self, missing: int) -> None:
        shown = Screen()
        payload = Hevc(shown)
        feed(payload, VPS)
        cut = hevc_fragments(CRA, 2)
        for place, piece in enumerate(cut):
            if place == missing:
                payload.gap()
            else:
                feed(payload, piece, 0, place == 4)
        feed(payload, TRAIL, 3600, True)
        assert shown == [(annex_b(VPS, TRAIL), 3600, False)]

    @pytest.mark.parametrize("kind", range(32))
    def test_keys(self, kind: int) -> None:
        """BLA, IDR and CRA pictures are where a decoder can begin."""
        shown = Screen()
        payload = Hevc(shown)
        feed(payload, bytes((kind << 1, 1)) + b"abc", marker=True)
        assert shown[0].key == (16 <= kind <= 21)


class TestMpeg4:
    def test_pictures(self) -> None:
        """Cut anywhere; whether one is coded for itself stands behind its start code."""
        shown = Screen()
        payload = Mpeg4(shown)
        intra, inter = b"\0\0\1\xb0\x01\0\0\1\xb6\x10abc", b"\0\0\1\xb6\x50abc"
        for ticks, picture in ((0, intra), (3600, inter)):
            for at in range(0, len(picture), 5):
                feed(payload, picture[at : at + 5], ticks, at + 5 >= len(picture))
        assert shown == [(intra, 0, True), (inter, 3600, False)]

    def test_loss(self) -> None:
        """A picture with a piece missing is not shown, wherever the piece was."""
        picture = b"\0\0\1\xb6\x10abcdefghij"
        pieces = [picture[at : at + 5] for at in range(0, 15, 5)]
        for missing in range(3):
            shown = Screen()
            payload = Mpeg4(shown)
            for place, piece in enumerate(pieces):
                if place == missing:
                    payload.gap()
                else:
                    feed(payload, piece, 0, place == 2)
            feed(payload, picture, 3600, True)
            assert shown == [(picture, 3600, True)]


class TestAac:
    def test_units(self) -> None:
        """AAC-hbr: one or several units a packet, 1,024 ticks each."""
        shown = Screen()
        payload = Aac(shown)
        feed(payload, struct.pack("!HH", 16, 3 << 3) + b"abc", 5000, True)
        feed(payload, struct.pack("!HHHH", 48, 1 << 3, 2 << 3, 3 << 3) + b"deefff", 6024, True)
        assert shown == [(b"abc", 5000, True), (b"d", 6024, True), (b"ee", 7048, True), (b"fff", 8072, True)]

    def test_low_bit_rate(self) -> None:
        """AAC-lbr: six bits for the size and two for the index."""
        shown = Screen()
        payload = Aac(shown, 6, 2)
        feed(payload, struct.pack("!HBB", 16, 2 << 2, 4 << 2) + b"aabbbb", 0, True)
        assert shown == [(b"aa", 0, True), (b"bbbb", 1024, True)]

    def test_bits_left_over(self) -> None:
        """Headers stand at the beginning of their bits, whatever follows."""
        shown = Screen()
        feed(Aac(shown), struct.pack("!HHB", 19, 3 << 3, 0) + b"abc", 0, True)
        assert shown == [(b"abc", 0, True)]

    def test_a_unit_in_several_packets(self) -> None:
        """Each piece tells the size of the whole; without markers another instant ends it, and order is kept."""
        header, unit = struct.pack("!HH", 16, 7 << 3), b"abcdefg"
        for marker in (True, False):
            shown = Screen()
            payload = Aac(shown)
            feed(payload, header + unit[:4], 0)
            feed(payload, header + unit[4:], 0, marker)
            feed(payload, struct.pack("!HH", 16, 9 << 3) + b"hi", 1024)
            payload.gap()
            feed(payload, struct.pack("!HH", 16, 2 << 3) + b"jk", 2048, True)
            assert shown == [(unit, 0, True), (b"jk", 2048, True)]

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_a_lost_piece(self, missing: int) -> None:
        shown = Screen()
        payload = Aac(shown)
        for place in range(3):
            if place == missing:
                payload.gap()
            else:
                feed(payload, struct.pack("!HH", 16, 9 << 3) + b"abc", 0, place == 2)
        assert shown == []

    @pytest.mark.parametrize(
        "data", [b"", b"\x00", b"\x00\x10", b"\x00\x10\x00\x00ab", b"\xff\xff\x00\x08a", b"\0\0ab"]
    )
    def test_nonsense(self, data: bytes) -> None:
        shown = Screen()
        if data:
            feed(Aac(shown), data, 0, True)
        assert all(one.data for one in shown)


class TestLatm:
    def test_units(self) -> None:
        """A length in bytes of 255 and a rest, then the unit; several in a packet, or one in several packets."""
        shown = Screen()
        payload = Latm(shown)
        long = bytes(range(256)) * 2
        feed(payload, b"\x03abc", 0, True)
        feed(payload, b"\x01d\x02ee", 1024, True)
        feed(payload, b"\xff\xff\x02" + long[:100], 3072)
        feed(payload, long[100:], 3072, True)
        assert shown == [(b"abc", 0, True), (b"d", 1024, True), (b"ee", 2048, True), (long, 3072, True)]

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_a_lost_piece(self, missing: int) -> None:
        """What lacks its beginning is not taken for a unit either."""
        shown = Screen()
        payload = Latm(shown)
        whole = b"\xff\x2d" + b"\x55" * 300
        for place in range(3):
            if place == missing:
                payload.gap()
            else:
                feed(payload, whole[place * 101 : place * 101 + 101], 0, place == 2)
        feed(payload, b"\x03abc", 1024, True)
        assert shown == [(b"abc", 1024, True)]

    def test_configuration(self) -> None:
        """The decoder's own, seven bits and eight further in (ISO/IEC 14496-3 table 1.42)."""
        config = latm_configuration(bytes.fromhex("400023203fc0"))
        assert config[:2] == b"\x11\x90"  # AAC LC, 48 kHz, two channels
        config = latm_configuration(bytes.fromhex("40002420adca00"))
        assert config[:2] == b"\x12\x10"  # 44.1 kHz

    @pytest.mark.parametrize(
        "text", ["", "40", "400023", "c00023203fc0", "410023203fc0", "408023203fc0", "000023203fc0"]
    )
    def test_other_configurations(self, text: str) -> None:
        """Another version, several frames, programs or layers."""
        with pytest.raises(ValueError, match="LATM"):
            latm_configuration(bytes.fromhex(text))


def test_samples() -> None:
    """G.711: every packet by itself."""
    shown = Screen()
    payload = Samples(shown)
    feed(payload, b"abc", 0)
    payload.gap()
    feed(payload, b"def", 160)
    assert shown == [(b"abc", 0, True), (b"def", 160, True)]


@settings(max_examples=300)
@given(
    st.sampled_from([Avc, Hevc, Mpeg4, Aac, Latm, Samples]),
    st.lists(st.tuples(st.binary(min_size=1, max_size=24), st.integers(0, 3), st.booleans()) | st.none()),
)
def test_garbage(kind: type[Avc], payloads: list[tuple[bytes, int, bool] | None]) -> None:
    """Nothing that comes raises, and nothing empty goes on."""
    shown = Screen()
    payload = kind(shown)
    for one in payloads:
        if one is None:
            payload.gap()
        else:
            feed(payload, *one)
    assert all(unit.data for unit in shown)


# ── there and back ───────────────────────────────────────────────────────────────────────────────────────────────


def sent(samples: list[Sample], cut: sender.Packetiser, largest: int) -> list[bytes]:
    """The RTP packets of samples, as this program's own server sends them."""
    stream = sender.Stream(96, 7, 0xFFF0)
    return [
        b"".join(packet)
        for number, one in enumerate(samples)
        for packet in stream.datagrams(cut(one, largest), number * 3600)
    ]


def put_together(kind: type[Avc], packets: list[bytes]) -> list[Shown]:
    shown = Screen()
    receiver = rtp.Receiver(96, kind(shown))
    for one in packets:
        receiver.packet(bytearray(one), 0, len(one))
    assert receiver.lost == 0
    return shown


@pytest.mark.parametrize("largest", [100, 1400, 8000])
@pytest.mark.parametrize("name", ["vtest_h264_baseline.mp4", "vtest_h264_main_bframes.mp4", "vtest_h265.mp4"])
def test_real_clips(name: str, largest: int) -> None:
    """Every NAL unit of every picture comes back, however they are cut."""
    (track, *_), samples = load(clip(name))
    video = [one for one in samples if one.track == track.index][:40]
    shown = put_together(Hevc if track.codec == "h265" else Avc, sent(video, sender.packetiser(track), largest))
    assert [one.ticks for one in shown] == [number * 3600 for number in range(len(video))]
    assert [one.key for one in shown] == [one.key for one in video]
    for one, picture in zip(video, shown, strict=True):
        units, at = b"", 0
        while at < len(one.data):
            end = at + 4 + int.from_bytes(one.data[at : at + 4], "big")
            units += START + one.data[at + 4 : end]
            at = end
        assert picture.data.endswith(units)  # the parameter sets go before it


@pytest.mark.parametrize("largest", [100, 1400])
def test_real_mpeg4_and_sound(largest: int) -> None:
    """Pictures with their headers, and each frame of sound in its size; AAC decodes."""
    (video, sound), samples = load(clip("vtest_mpeg4_aac.mp4"))
    pictures = [one for one in samples if one.track == video.index]
    shown = put_together(Mpeg4, sent(pictures, sender.packetiser(video), largest))
    assert [one.key for one in shown] == [one.key for one in pictures]
    assert all(one.data.endswith(picture.data) for one, picture in zip(shown, pictures, strict=True))
    frames = [one for one in samples if one.track == sound.index]
    shown = put_together(Aac, sent(frames, sender.packetiser(sound), largest))
    assert [one.data for one in shown] == [one.data for one in frames]
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = sound.config
    assert sum(frame.samples for one in shown for frame in decoder.decode(av.Packet(one.data))) > 30_000
