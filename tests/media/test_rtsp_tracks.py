"""What of a description becomes a track, and what puts it together."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.media import depacketise, rtp_jpeg, rtsp_tracks
from camtrace.media.packets import SourceTrack
from camtrace.media.sdp import Media, parse


def media(encoding: str, kind: str = "video", rate: int = 90_000, **given: str) -> Media:
    """A track on offer; underscores in the names of its parameters stand for hyphens."""
    return Media(kind, 96, encoding, rate, format={name.replace("_", "-"): text for name, text in given.items()})


def nothing(data: bytes, ticks: int, key: bool) -> None:
    """Nobody looks."""


def test_pictures() -> None:
    """Parameter sets behind start codes, in the order decoders want them; none where there are none."""
    h264 = media("h264", sprop_parameter_sets="Z0LAHtkA, aMuMsg,!,=")
    assert rtsp_tracks.video_codec(h264) == "h264"
    sets = b"\0\0\0\1\x67\x42\xc0\x1e\xd9\x00\0\0\0\1\x68\xcb\x8c\xb2"
    assert rtsp_tracks.video_track(h264) == SourceTrack("h264", Fraction(1, 90_000), sets)
    h265 = media("h265", sprop_pps="RAE=", sprop_vps="QAE=", sprop_sps="QgE=")
    expected = b"".join(b"\0\0\0\1" + unit for unit in (b"\x40\x01", b"\x42\x01", b"\x44\x01"))
    assert rtsp_tracks.video_track(h265).extradata == expected
    assert rtsp_tracks.video_track(media("mp4v-es", config="000001B0F5")).extradata == b"\0\0\1\xb0\xf5"
    for encoding, broken in (("h264", {}), ("h264", {"sprop_parameter_sets": "é,"}), ("mp4v-es", {"config": "0x"})):
        assert rtsp_tracks.video_track(media(encoding, **broken)).extradata == b""


@pytest.mark.parametrize(
    ("encoding", "payload"),
    [
        ("h264", depacketise.Avc),
        ("h265", depacketise.Hevc),
        ("mp4v-es", depacketise.Mpeg4),
        ("jpeg", rtp_jpeg.Jpeg),
    ],
)
def test_how_pictures_are_put_together(encoding: str, payload: type) -> None:
    assert isinstance(rtsp_tracks.video_payload(media(encoding), nothing), payload)


@pytest.mark.parametrize("encoding", ["", "vp8", "mp2t", "vnd.onvif.metadata", "pcmu"])
def test_no_pictures(encoding: str) -> None:
    assert rtsp_tracks.video_codec(media(encoding)) == ""


def test_sound() -> None:
    """Rate and channels are those of the decoder's configuration; time runs at the track's own rate."""
    aac = media("mpeg4-generic", "audio", 16_000, mode="AAC-hbr", config="1408", sizelength="13", indexlength="3")
    expected = SourceTrack("aac", Fraction(1, 16_000), b"\x14\x08", sample_rate=16_000, channels=1)
    assert rtsp_tracks.aac_track(aac) == expected
    assert isinstance(rtsp_tracks.sound_payload(aac, nothing), depacketise.Aac)
    (latm,) = parse(
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 MP4A-LATM/48000/2\na=fmtp:97 cpresent=0;config=400023203FC0"
    ).media
    track = rtsp_tracks.aac_track(latm)
    assert track is not None
    assert (track.sample_rate, track.channels, track.extradata[:2]) == (48_000, 2, b"\x11\x90")
    assert isinstance(rtsp_tracks.sound_payload(latm, nothing), depacketise.Latm)
    assert isinstance(rtsp_tracks.sound_payload(media("pcma", "audio", 8000), nothing), depacketise.Samples)


@pytest.mark.parametrize(
    "one",
    [
        media("mpeg4-generic", "audio", mode="AAC-hbr"),
        media("mpeg4-generic", "audio", mode="CELP-cbr", config="1408"),
        media("mpeg4-generic", "audio", mode="AAC-hbr", config="14"),
        media("mpeg4-generic", "audio", mode="AAC-hbr", config="xx"),
        media("mp4a-latm", "audio", config="400023203FC0"),
        media("mp4a-latm", "audio", cpresent="0", config="c00023203FC0"),
        media("opus", "audio"),
    ],
)
def test_no_sound(one: Media) -> None:
    """Without a configuration, or with one in another place than where it is understood."""
    assert rtsp_tracks.aac_track(one) is None


@pytest.mark.parametrize(
    ("size", "index"), [("6", "2"), ("13", "3"), ("", ""), ("x", "y"), ("9" * 12, "9" * 12), ("0", "3")]
)
def test_sizes_of_headers(size: str, index: str) -> None:
    """As described; where that makes no sense, as everybody has them."""
    got: list[bytes] = []
    aac = media("mpeg4-generic", "audio", 8000, mode="AAC", config="1588", sizelength=size, indexlength=index)
    payload = rtsp_tracks.sound_payload(aac, lambda data, ticks, key: got.append(data))
    data = bytearray(b"\x00\x08\x0cabc" if size == "6" else b"\x00\x10\x00\x18abc")
    payload.feed(data, 0, len(data), 0, True)
    assert got == [b"abc"]


@given(
    st.sampled_from(["h264", "h265", "mp4v-es", "jpeg", "mpeg4-generic", "mp4a-latm", "pcmu"]),
    st.dictionaries(
        st.sampled_from(
            ["sprop-parameter-sets", "sprop-vps", "config", "cpresent", "mode", "sizelength", "indexlength"]
        ),
        st.text(max_size=12) | st.sampled_from(["0", "AAC-hbr", "400023203FC0", "1408", "Z0I=", "²"]),
    ),
)
def test_garbage(encoding: str, given: dict[str, str]) -> None:
    """Whatever a description says, there is a track or none."""
    one = Media("any", 96, encoding, format=given)
    if rtsp_tracks.video_codec(one):
        rtsp_tracks.video_track(one)
        rtsp_tracks.video_payload(one, nothing)
    else:
        rtsp_tracks.aac_track(one)
        rtsp_tracks.sound_payload(one, nothing)
