"""Session descriptions."""

from __future__ import annotations

import pytest
from support.clips import clip, load

from camtrace.model import Track
from camtrace.rtsp import sdp


def lines(*tracks: Track, npt: str = "0-4.000", host: str = "127.0.0.1") -> list[str]:
    """The lines of a description; each ends as the RFC wants."""
    text = sdp.describe(tracks, host, 5, npt, " Till\n3 ").decode()
    assert text.endswith("\r\n")
    return text[:-2].split("\r\n")


def test_h264_and_aac() -> None:
    """Session part, then each track under its own control; rtpmap follows the media line."""
    tracks, _ = load(clip("vtest_h264_aac.mp4"))
    found = lines(*tracks)
    assert found[:7] == [
        "v=0",
        "o=- 5 5 IN IP4 127.0.0.1",
        "s=Till 3",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=0-4.000",
    ]
    assert found[7:9] == ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000"]
    assert found[9].startswith("a=fmtp:96 packetization-mode=1;profile-level-id=42C0")
    assert found[9].count(",") == 1
    assert found[10:13] == ["a=control:track1", "m=audio 0 RTP/AVP 97", "a=rtpmap:97 MPEG4-GENERIC/16000/1"]
    assert "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=14" in found[13]
    assert found[14] == "a=control:track2"


def test_h265() -> None:
    """All three parameter sets."""
    tracks, _ = load(clip("vtest_h265.mp4"))
    found = lines(*tracks, npt="now-")
    assert "a=range:npt=now-" in found
    assert "a=rtpmap:96 H265/90000" in found
    (parameters,) = [line for line in found if line.startswith("a=fmtp")]
    assert [part.split("=")[0] for part in parameters.split(" ")[1].split(";")] == [
        "sprop-vps",
        "sprop-sps",
        "sprop-pps",
    ]


def test_mpeg4_and_mjpeg() -> None:
    """The profile comes from the headers; JPEG has its own payload type."""
    config = b"\0\0\1\xb0\xf3\0\0\1\xb5\x09"
    found = lines(Track(0, "mpeg4", 90_000, config))
    assert found[8:10] == ["a=rtpmap:96 MP4V-ES/90000", f"a=fmtp:96 profile-level-id=243;config={config.hex().upper()}"]
    found = lines(Track(0, "mjpeg", 90_000), host="::1")
    assert found[1] == "o=- 5 5 IN IP6 ::1"
    assert found[7:] == ["m=video 0 RTP/AVP 26", "a=rtpmap:26 JPEG/90000", "a=control:track1"]


def test_broken_configuration() -> None:
    """A track that cannot be described is refused."""
    with pytest.raises(ValueError, match=r"cut"):
        lines(Track(0, "h264", 90_000, b""))
