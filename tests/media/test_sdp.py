"""Session descriptions as cameras and servers send them, and what a control attribute means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camtrace.media.sdp import Media, address, number, parse

AXIS = """v=0
o=- 18302136176423040195 1 IN IP4 10.0.0.9
s=Session streamed with GStreamer
i=rtsp-server
t=0 0
a=tool:GStreamer
a=type:broadcast
a=range:npt=now-
a=control:rtsp://10.0.0.9/axis-media/media.amp?videocodec=h264
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
b=AS:50000
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;profile-level-id=4d0029;sprop-parameter-sets=Z00AKeKQDwBE/LgLcBAQGkHiRFQ=,aO48gA==
a=ts-refclk:local
a=mediaclk:sender
a=recvonly
a=control:rtsp://10.0.0.9/axis-media/media.amp/stream=0?videocodec=h264
a=framerate:25.000000
a=transform:1.000000,0.000000,0.000000;0.000000,1.000000,0.000000;0.000000,0.000000,1.000000
m=audio 0 RTP/AVP 97
a=rtpmap:97 MPEG4-GENERIC/16000/1
a=fmtp:97 streamtype=5;profile-level-id=2;mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;indexdeltalength=3
a=control:rtsp://10.0.0.9/axis-media/media.amp/stream=1?videocodec=h264
"""
HIKVISION = """v=0
o=- 1109162014219182 1109162014219192 IN IP4 x.y.z.w
s=Media Presentation
e=NONE
b=AS:5100
t=0 0
a=control:rtsp://10.0.0.9:554/Streaming/Channels/101/
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
b=AS:5000
a=recvonly
a=x-dimensions:1920,1080
a=control:rtsp://10.0.0.9:554/Streaming/Channels/101/trackID=1
a=rtpmap:96 H265/90000
a=fmtp:96 sprop-sps=QgEBAWAAAAMAsAAAAwAAAwB7oAPAgBDlja5JMvwCAAADAAIAAAMAUEI=; sprop-pps=RAHA8vA8kA==
m=audio 0 RTP/AVP 8
a=recvonly
a=control:rtsp://10.0.0.9:554/Streaming/Channels/101/trackID=2
a=rtpmap:8 PCMA/8000
a=Media_header:MEDIAINFO=494D4B48010300000400050011710110401F000000FA000000000000000000000000000000000000;
a=appversion:1.0
"""
SONY = """v=0
o=- 1 1 IN IP4 10.0.0.9
s=Sony RTSP Server
c=IN IP4 0.0.0.0
t=0 0
a=range:npt=now-
m=video 0 RTP/AVP 105
a=rtpmap:105 MP4V-ES/90000
a=control:trackID=1
a=fmtp:105 profile-level-id=245; config=000001B0F5000001B509000001000000012000C888B2C0A8
a=framerate:30.0
m=audio 0 RTP/AVP 0
a=control:trackID=2
"""
GSTREAMER = """v=0
o=- 7 1 IN IP4 127.0.0.1
s=Session streamed with GStreamer
t=0 0
a=control:*
m=video 0 RTP/AVP 26
c=IN IP4 0.0.0.0
a=framesize:26 2592-1944
a=rtpmap:26 JPEG/90000
a=control:stream=0
"""
LIVE555 = """v=0
o=- 1700000000 1 IN IP4 127.0.0.1
s=Matroska video+audio+(optional)subtitles, streamed by the LIVE555 Media Server
t=0 0
a=tool:LIVE555 Streaming Media v2023.05.10
a=type:broadcast
a=control:*
a=range:npt=0-60.000
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
b=AS:500
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;profile-level-id=42C01E;sprop-parameter-sets=Z0LAHtkA,aMuMsg==
a=control:track1
m=audio 0 RTP/AVP 97
a=rtpmap:97 MP4A-LATM/48000/2
a=fmtp:97 cpresent=0;config=400023203FC0
a=control:track2
"""


def test_axis() -> None:
    """Absolute controls with the query behind the track; parameters keep their equals signs."""
    found = parse(AXIS)
    assert found.control == "rtsp://10.0.0.9/axis-media/media.amp?videocodec=h264"
    video, sound = found.media
    assert (video.kind, video.payload_type, video.encoding, video.clock_rate) == ("video", 96, "h264", 90_000)
    assert video.control == "rtsp://10.0.0.9/axis-media/media.amp/stream=0?videocodec=h264"
    assert video.format["sprop-parameter-sets"] == "Z00AKeKQDwBE/LgLcBAQGkHiRFQ=,aO48gA=="
    assert (sound.encoding, sound.clock_rate, sound.channels) == ("mpeg4-generic", 16_000, 1)
    assert (sound.format["mode"], sound.format["config"]) == ("AAC-hbr", "1408")


def test_hikvision() -> None:
    """Attributes in another order, a size, and a payload type that has a name of its own."""
    video, sound = parse(HIKVISION).media
    assert (video.encoding, video.size) == ("h265", (1920, 1080))
    assert video.format == {
        "sprop-sps": "QgEBAWAAAAMAsAAAAwAAAwB7oAPAgBDlja5JMvwCAAADAAIAAAMAUEI=",
        "sprop-pps": "RAHA8vA8kA==",
    }
    assert (sound.payload_type, sound.encoding, sound.clock_rate) == (8, "pcma", 8000)


def test_sony() -> None:
    """MPEG-4, relative controls, no control of the session, and sound that needs no rtpmap."""
    found = parse(SONY)
    video, sound = found.media
    assert (found.control, video.encoding, video.control) == ("", "mp4v-es", "trackID=1")
    assert video.format["config"].startswith("000001B0")
    assert (sound.encoding, sound.clock_rate, sound.channels, sound.control) == ("pcmu", 8000, 1, "trackID=2")


def test_gstreamer() -> None:
    """JPEG of more than 2,040 pixels; the session is `*`."""
    found = parse(GSTREAMER)
    assert found.control == "*"
    assert found.media == (Media("video", 26, "jpeg", 90_000, 1, "stream=0", {}, (2592, 1944)),)


def test_live555() -> None:
    """A tool's own words in the session, LATM in the sound."""
    video, sound = parse(LIVE555).media
    assert (video.control, sound.control) == ("track1", "track2")
    assert (sound.encoding, sound.clock_rate, sound.channels) == ("mp4a-latm", 48_000, 2)
    assert sound.format == {"cpresent": "0", "config": "400023203FC0"}


@pytest.mark.parametrize("text", [AXIS, HIKVISION, SONY, GSTREAMER, LIVE555])
def test_line_ends(text: str) -> None:
    """CRLF, bare LF, both, a bare CR, and blanks before a line's end are one."""
    lines = text.splitlines()
    mixed = "".join(line + ("\r\n" if place % 2 else "\n") for place, line in enumerate(lines))
    for other in ("\r\n".join(lines), "\r".join(lines), mixed, " \r\n".join(lines), "\r\n\r\n".join(lines)):
        assert parse(other) == parse(text)


def test_habits() -> None:
    """Tabs, capitals, parameters in two lines, other payload types beside the chosen one."""
    (video,) = parse(
        "m=Video 49170/2 RTP/AVP 96 97\na=RTPMAP:96\th264/90000\na=rtpmap:97 VP8/90000\n"
        "a=fmtp:96 Packetization-Mode=1;;\na=fmtp:96  sprop-parameter-sets=Z0I=,aM4=; \na=fmtp:97 max-fr=30\n"
        "a=recvonly\nx\n=\na=\na=:\nm\n"
    ).media
    assert (video.kind, video.encoding) == ("video", "h264")
    assert video.format == {"packetization-mode": "1", "sprop-parameter-sets": "Z0I=,aM4="}


@pytest.mark.parametrize(
    "line",
    [
        "m=",
        "m=video",
        "m=video 0 RTP/AVP",
        "m=video 0 RTP/AVP x",
        "m=video 0 RTP/AVP ²",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/0",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/³/²",
        "m=video 0 RTP/AVP 96\na=rtpmap:96",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/" + "9" * 5000,
        "m=video 0 RTP/AVP 96\na=framesize:96 " + "9" * 5000 + "-1",
        "m=video 0 RTP/AVP 96\na=x-dimensions:,",
    ],
)
def test_nonsense_in_a_line(line: str) -> None:
    """A track of which something cannot be read has the usual in its place."""
    (media,) = parse(line).media
    assert (media.clock_rate, media.channels, media.size) == (90_000, 1, (0, 0))


@given(st.text() | st.lists(st.sampled_from(["m=", "a=", "rtpmap:", "fmtp:", "9", "²", " ", "/", ";", "=", "\n"])))
def test_garbage(text: str | list[str]) -> None:
    """Nothing that comes raises."""
    parse("".join(text))


@given(st.text(alphabet="0123456789²٣ -+_", max_size=12))
def test_numbers(text: str) -> None:
    """Only plain digits, and not too many."""
    assert number(text, -1) == (int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1)


@pytest.mark.parametrize(
    ("base", "control", "whole"),
    [
        ("rtsp://h/stream/", "track1", "rtsp://h/stream/track1"),
        ("rtsp://h/stream", "track1", "rtsp://h/stream/track1"),
        ("rtsp://h/stream", "*", "rtsp://h/stream"),
        ("rtsp://h/stream?a=b", "", "rtsp://h/stream?a=b"),
        ("rtsp://h/stream?a=b", "trackID=1", "rtsp://h/stream?a=b/trackID=1"),
        ("rtsp://h/stream", "RTSP://other/stream/track1?a=b", "RTSP://other/stream/track1?a=b"),
        ("rtsps://h/stream", "rtsps://h/stream/track1", "rtsps://h/stream/track1"),
        ("rtsp://h/stream", "/track1", "rtsp://h/stream/track1"),
    ],
)
def test_addresses(base: str, control: str, whole: str) -> None:
    """Absolute ones are taken as they are; others go behind the base, its query included."""
    assert address(base, control) == whole
