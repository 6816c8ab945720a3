"""A camera's tracks on their way to the sink: which are taken, how sound lies beside the picture, and how it ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from support.clips import clip, load
from support.scripted_camera import ScriptedCamera, obliging, reply

from camtrace.errors import StreamFailure
from camtrace.media import rtp, rtsp_input
from camtrace.media.packets import SourceTrack
from camtrace.media.rtsp_input import RtspStream, open_rtsp
from camtrace.media.sdp import Media
from camtrace.media.source import Patience, Source
from camtrace.rtsp import rtp as sender

VIDEO = Media("video", 96, "h264", 90_000)
AAC = {"mode": "AAC-hbr", "config": "1408", "sizelength": "13", "indexlength": "3"}
SOUND = Media("audio", 97, "mpeg4-generic", 16_000, format=AAC)
SECOND = 1_000_000
WALL = 1_709_215_200 * SECOND


class Clock:
    """The stream's clock, set by hand."""

    def __init__(self) -> None:
        self.seconds = 500.0

    def monotonic(self) -> float:
        return self.seconds

    def now_us(self) -> int:
        return WALL + int(self.seconds * SECOND)


class Camera:
    """An open session of which the test says what comes: the stream's client and transport in one."""

    source = Source.parse("rtsp://camera/stream")
    reordering = 0

    def __init__(self) -> None:
        self.tracks: list[tuple[rtp.Receiver, Callable[[bytearray, int, int], None]]] = []
        self.arrives: Callable[[], None] = lambda: None
        self.coming: list[tuple[int, int, bytes]] = []
        self.done: list[str] = []
        self.alive = False

    def setup(self, control: str, receiver: rtp.Receiver, report: Callable[[bytearray, int, int], None]) -> None:
        self.tracks.append((receiver, report))

    def play(self) -> None:
        self.done.append("play")

    def keep_alive(self) -> bool:
        self.done += ["alive"] * self.alive
        return self.alive

    def close(self) -> None:
        self.done.append("close")

    def read(self) -> None:
        coming, self.coming = self.coming, []
        self.arrives()
        for number, place, data in coming:
            receiver, report = self.tracks[number]
            (report if place else receiver.packet)(bytearray(data), 0, len(data))


class Kept:
    """A sink that keeps the times of what comes, in seconds, and the order of all."""

    def __init__(self) -> None:
        self.tracks: tuple[SourceTrack, ...] = ()
        self.times: list[list[float]] = [[], []]
        self.ends: list[str] = []

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        self.tracks = tracks

    def packet(self, track: int, packet: Any, arrived_us: int) -> None:
        self.times[track].append(float(packet.dts * self.tracks[track].time_base))

    def end(self, reason: str) -> None:
        self.ends.append(reason)


class Show:
    """A camera that films and listens, and the stream that takes it, in steps of a tenth of a second."""

    def __init__(self, clock: Clock, *chosen: Media) -> None:
        self.clock, self.camera, self.sink = clock, Camera(), Kept()
        both: Any = self.camera
        self.stream = RtspStream(both, both, list(chosen or (VIDEO, SOUND)), self.sink, Patience(silence=5))
        (track, *_), samples = load(clip("vtest_h264_baseline.mp4"))
        self._samples, self._cut = samples, sender.packetiser(track)
        self.picture, self.sound = sender.Stream(96, 1, 100), sender.Stream(97, 2, 200)
        self.pictures = self.units = 0
        self.picture_origin, self.sound_origin = 1000, 77

    def tenth(self, picture: bool = True, sound: bool = True) -> None:
        """The next picture, and the sound of its time."""
        if picture:
            one = self._samples[self.pictures % len(self._samples)]
            self._send(0, self.picture, self._cut(one, 1400), self.picture_origin + self.pictures * 9000)
            self.pictures += 1
        while sound and self.units * 1024 < (self.clock.seconds - 500) * 16_000:
            piece = (b"\x00\x10\x00\x18", memoryview(b"abc"))
            self._send(1, self.sound, [piece], self.sound_origin + self.units * 1024)
            self.units += 1
        self.clock.seconds += 0.1
        self.stream.step()

    def report(self, track: int, at_us: int, stamp: int, bye: bool = False) -> None:
        stream = self.sound if track else self.picture
        self.camera.coming.append((track, 1, stream.report(at_us, stamp, bye)))

    def _send(self, track: int, stream: sender.Stream, pieces: list[sender.Piece], stamp: int) -> None:
        self.camera.coming += [(track, 0, b"".join(one)) for one in stream.datagrams(pieces, stamp)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    hands = Clock()
    monkeypatch.setattr(rtsp_input, "clock", hands)
    return hands


def test_both_tracks(clock: Clock) -> None:
    """Picture and sound run beside each other, close to when they came; signs of life and the end go through."""
    show = Show(clock)
    for _ in range(30):
        show.tenth()
    assert [track.codec for track in show.sink.tracks] == ["h264", "aac"]
    pictures, sound = show.sink.times
    assert (len(pictures), len(sound)) == (30, show.units)
    assert pictures[-1] == pytest.approx(3.0, abs=0.11)
    assert sound[-1] == pytest.approx(2.9, abs=0.2)
    show.camera.alive = True
    show.tenth()
    show.stream.close("stopped")
    assert show.sink.ends == ["stopped"]
    assert show.camera.done == ["play", "alive", "alive", "close", "close"]


@pytest.mark.parametrize(("apart_us", "moved"), [(500_000, 0.5), (-400_000, -0.4), (50_000, 0), (3_000_000, 0)])
def test_sound_follows_the_camera(clock: Clock, apart_us: int, moved: float) -> None:
    """Once the camera has told both times, sound lies where it says; nonsense and what nobody hears move nothing."""
    show = Show(clock)
    for _ in range(10):
        show.tenth()
    picture_us = WALL + 77 * SECOND
    show.report(0, picture_us, show.picture_origin)
    show.tenth()
    show.report(1, picture_us + apart_us, show.sound_origin)
    for _ in range(20):
        show.tenth()
    pictures, sound = show.sink.times
    assert sound[-1] - pictures[-1] == pytest.approx(moved, abs=0.2)
    assert all(former < later for former, later in itertools.pairwise(sound))


def test_one_report_alone(clock: Clock) -> None:
    """Says nothing about the other; nor does one that comes before there is anything."""
    show = Show(clock)
    show.report(1, WALL, 0)
    show.stream.step()
    for _ in range(10):
        show.tenth()
    show.report(0, WALL, show.picture_origin)
    for _ in range(10):
        show.tenth()
    pictures, sound = show.sink.times
    assert sound[-1] - pictures[-1] == pytest.approx(0, abs=0.2)


def test_goodbye(clock: Clock) -> None:
    """The picture's is the end, behind what came with it; the sound's is not."""
    show = Show(clock)
    show.tenth()
    show.report(1, WALL, 0, bye=True)
    show.tenth()
    show.report(0, WALL, 0, bye=True)
    with pytest.raises(StreamFailure) as caught:
        show.tenth()
    assert (caught.value.kind, len(show.sink.times[0])) == ("ended", 3)


def test_sound_alone_is_silence(clock: Clock) -> None:
    """A camera that shows nothing any more is given up, however much it says."""
    show = Show(clock)
    for _ in range(20):
        show.tenth()
    for _ in range(49):
        show.tenth(picture=False)
    show.tenth()
    with pytest.raises(StreamFailure) as caught:
        for _ in range(60):
            show.tenth(picture=False)
    assert caught.value.kind == "timeout"
    assert clock.seconds == pytest.approx(512.0, abs=0.2)


def test_another_source(clock: Clock) -> None:
    """An encoder that begins anew in the middle: the stamps go on where time is."""
    show = Show(clock, VIDEO)
    for _ in range(10):
        show.tenth(sound=False)
    show.picture = sender.Stream(96, 3, 40_000)
    show.picture_origin = 123_456_789
    clock.seconds += 2
    show.pictures = 0  # with a key frame
    for _ in range(20):
        show.tenth(sound=False)
    times = show.sink.times[0]
    assert len(times) == 30
    assert all(former < later for former, later in itertools.pairwise(times))
    assert times[-1] == pytest.approx(clock.seconds - 500, abs=0.2)


# ── what is chosen ───────────────────────────────────────────────────────────────────────────────────────────────

H264 = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:picture\r\n"
VP8 = "m=video 0 RTP/AVP 98\r\na=rtpmap:98 VP8/90000\r\n"
METADATA = "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n"
OPUS = "m=audio 0 RTP/AVP 99\r\na=rtpmap:99 OPUS/48000/2\r\na=control:opus\r\n"
PCMU = "m=audio 0 RTP/AVP 0\r\na=control:pcmu\r\n"


def opened(*tracks: str, codec: str = "") -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """Which tracks are asked for, and what is remarked."""
    remarks: list[tuple[str, dict[str, str]]] = []
    with ScriptedCamera() as camera:
        body = "v=0\r\ns=-\r\n" + "".join(tracks)
        camera.script = lambda request: reply(200, body=body) if request.method == "DESCRIBE" else obliging(request)
        source = Source.parse(camera.url, codec=codec)
        stream = open_rtsp(
            source, Kept(), lambda: False, lambda *said: remarks.append(said), Patience(opening=2, turn=0.05)
        )
        stream.close("stopped")
        setups = [one.url.rpartition("/")[2] for one in camera.requests if one.method == "SETUP"]
    return setups, remarks


def test_which_tracks() -> None:
    """The first picture, and the first sound that can be recorded; what is passed over is told."""
    assert opened(METADATA, PCMU, H264, H264) == (["picture", "pcmu"], [])
    assert opened(H264, OPUS, PCMU) == (["picture", "pcmu"], [("audio_ignored", {"codec": "opus"})])
    assert opened(H264, OPUS, codec="h264") == (["picture"], [("audio_ignored", {"codec": "opus"})])


@pytest.mark.parametrize(
    ("tracks", "codec", "kind", "detail"),
    [
        ((), "", "not_video", "no video track"),
        ((PCMU, METADATA), "", "not_video", "no video track"),
        ((VP8,), "", "codec", "vp8"),
        (("m=video 0 RTP/AVP 120\r\n",), "", "codec", "payload type 120"),
        ((H264,), "h265", "declared_codec", "h264"),
    ],
)
def test_no_picture_to_record(tracks: tuple[str, ...], codec: str, kind: str, detail: str) -> None:
    with pytest.raises(StreamFailure) as caught:
        opened(*tracks, codec=codec)
    assert (caught.value.kind, caught.value.detail) == (kind, detail)


def test_a_refused_track() -> None:
    """The connection is given back."""
    with ScriptedCamera(lambda request: reply(461) if request.method == "SETUP" else obliging(request)) as camera:
        for transport in ("tcp", "udp"):
            source = Source.parse(camera.url, transport=transport)
            with pytest.raises(StreamFailure, match="461"):
                open_rtsp(source, Kept(), lambda: False, lambda *said: None, Patience(opening=2, turn=0.05))
