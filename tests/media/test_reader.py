"""The reader against real cameras: what arrives is what was sent, and every failure has its name."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.cameras import (
    CLIPS,
    Babbler,
    Habits,
    HttpCamera,
    RtspCamera,
    SilentPort,
    as_mpeg4,
    gstreamer_missing,
    jpegs,
    looped,
    shortened,
    wait_until,
)
from support.ports import free_port

from camtrace.errors import StreamFailure
from camtrace.media.packets import SourceTrack
from camtrace.media.reader import read
from camtrace.media.source import Patience, Source

needs_gstreamer = pytest.mark.skipif(bool(gstreamer_missing()), reason=gstreamer_missing())
PATIENT = Patience(opening=30, silence=30, turn=0.2)  # a busy machine is no camera that fails
QUICK = Patience(opening=2.0, silence=2.0, turn=0.2)


class Collector:
    """A sink that remembers everything, as plain values."""

    def __init__(self) -> None:
        self.tracks: list[tuple[SourceTrack, ...]] = []
        self.packets: list[tuple[int, int, int, bool, bytes, int]] = []
        self.ends: list[str] = []

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        self.tracks.append(tracks)

    def packet(self, track: int, packet: av.Packet, arrived_us: int) -> None:
        self.packets.append((track, packet.dts, packet.pts, packet.is_keyframe, bytes(packet), arrived_us))

    def end(self, reason: str) -> None:
        self.ends.append(reason)

    def of(self, track: int) -> list[tuple[int, int, int, bool, bytes, int]]:
        return [packet for packet in self.packets if packet[0] == track]


class Reading:
    """The reader in a thread, which plays the camera's lane and then the sweep."""

    def __init__(self, url: str, patience: Patience = PATIENT, **options: str) -> None:
        self.sink = Collector()
        self.remarks: list[tuple[str, dict[str, str]]] = []
        self.failure: StreamFailure | None = None
        self._stop = threading.Event()
        self._url, self._options, self._patience = url, options, patience
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            source = Source.parse(self._url, **self._options)
            remark = lambda *said: self.remarks.append(said)  # noqa: E731
            reading = read(source, self.sink, self._stop.is_set, remark, self._patience)
            while reading is not None and reading.step():
                time.sleep(0.005)
        except StreamFailure as failure:
            self.failure = failure

    def until(self, true: Callable[[Collector], object], seconds: float = 15) -> Collector:
        try:
            wait_until(lambda: true(self.sink) or not self.thread.is_alive(), seconds)
            assert true(self.sink), self.failure
        finally:
            self.stop()
        return self.sink

    def stop(self) -> float:
        """Stop and join; how long it took."""
        began = time.monotonic()
        self._stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        return time.monotonic() - began

    def failed(self, seconds: float = 15) -> StreamFailure:
        self.thread.join(seconds)
        assert self.failure is not None, "no failure"
        return self.failure


def decoded(codec: str, extradata: bytes, packets: list[bytes]) -> list[str]:
    """A hash of each decoded picture."""
    decoder = av.CodecContext.create(codec, "r")
    decoder.extradata = extradata or None
    frames = [frame for packet in [*map(av.Packet, packets), None] for frame in decoder.decode(packet)]
    return [hashlib.sha1(frame.to_ndarray().tobytes()).hexdigest() for frame in frames]


def pictures_of(clip: Path) -> list[str]:
    with av.open(str(clip)) as container:
        return [hashlib.sha1(f.to_ndarray().tobytes()).hexdigest() for f in container.decode(video=0)]


@needs_gstreamer
class TestRtsp:
    @pytest.mark.parametrize("transport", ["tcp", "udp"])
    @pytest.mark.parametrize(
        ("codec", "clip"),
        [
            ("h264", "vtest_h264_baseline.mp4"),
            ("h264", "vtest_h264_main_bframes.mp4"),
            ("h265", "vtest_h265.mp4"),
            ("mjpeg", "vtest_mjpeg.mkv"),
        ],
    )
    def test_every_picture_arrives(self, codec: str, clip: str, transport: str) -> None:
        """From the first key frame on every picture is there, its stamps complete and growing."""
        with RtspCamera(CLIPS / clip, codec=codec) as camera:
            sink = Reading(camera.url, transport=transport).until(lambda got: len(got.packets) >= 16)
        (track,) = sink.tracks[0]
        assert (track.codec, track.width, track.height) == (codec, 640, 480)
        assert sink.packets[0][3], "the first packet is a key frame"
        dts = [packet[1] for packet in sink.packets]
        assert all(earlier < later for earlier, later in pairwise(dts))
        assert all(packet[2] >= packet[1] for packet in sink.packets)
        assert sink.ends == ["stopped"]
        if codec != "mjpeg":  # the payload of RFC 2435 rebuilds the JPEG headers
            decoder = {"h265": "hevc"}.get(codec, codec)
            seen = decoded(decoder, track.extradata, [packet[4] for packet in sink.packets])
            assert seen[:12] == pictures_of(CLIPS / clip)[:12]

    def test_stamps_follow_the_camera(self) -> None:
        """Pictures at 10 a second are 9,000 ticks apart, presented in order though decoded in another."""
        with RtspCamera(CLIPS / "vtest_h264_main_bframes.mp4") as camera:
            sink = Reading(camera.url).until(lambda got: len(got.packets) >= 20)
        shown = sorted(packet[2] for packet in sink.packets)[:14]  # behind them, some are not decoded yet
        gaps = {later - earlier for earlier, later in pairwise(shown)}
        assert all(abs(gap - 9000) <= 2 for gap in gaps), gaps

    def test_mpeg4(self) -> None:
        with RtspCamera(as_mpeg4(CLIPS / "vtest_h264_baseline.mp4"), codec="mpeg4") as camera:
            sink = Reading(camera.url).until(lambda got: len(got.packets) >= 12)
        (track,) = sink.tracks[0]
        assert (track.codec, track.width, track.height) == ("mpeg4", 640, 480)
        assert len(decoded("mpeg4", track.extradata, [packet[4] for packet in sink.packets])) >= 10

    @pytest.mark.parametrize("audio", ["aac", "pcmu", "pcma"])
    def test_sound(self, audio: str) -> None:
        """AAC goes through, G.711 becomes AAC; both decode, without a hole."""
        with RtspCamera(audio=audio) as camera:
            sink = Reading(camera.url).until(lambda got: len(got.of(1)) >= 30 and len(got.of(0)) >= 10)
        video, sound = sink.tracks[0]
        assert (video.codec, sound.codec) == ("h264", "aac")
        assert sound.sample_rate == (16000 if audio != "aac" else sound.sample_rate)
        decoder = av.CodecContext.create("aac", "r")
        decoder.extradata = sound.extradata
        samples = sum(f.samples for p in sink.of(1) for f in decoder.decode(av.Packet(p[4])))
        assert samples >= 25 * 1024
        steps = [later[1] - earlier[1] for earlier, later in pairwise(sink.of(1))]
        expected = 1024 * sound.time_base.denominator // sound.sample_rate
        assert sorted(steps)[len(steps) // 2] == pytest.approx(expected, abs=expected // 10)

    def test_other_sound_is_left_out(self) -> None:
        with RtspCamera(audio="opus") as camera:
            reading = Reading(camera.url)
            sink = reading.until(lambda got: len(got.packets) >= 5)
        assert [track.codec for track in sink.tracks[0]] == ["h264"]
        assert reading.remarks == [("audio_ignored", {"codec": "opus"})]

    @pytest.mark.parametrize("auth", ["basic", "digest"])
    def test_login(self, auth: str) -> None:
        with RtspCamera(auth=auth, login="o p", password="p@ss:w/rd#é") as camera:
            reading = Reading(camera.url, login="o p", password="p@ss:w/rd#é")
            reading.until(lambda got: len(got.packets) >= 3)
            refused = Reading(camera.url, login="o p", password="wrong").failed()
            assert (refused.kind, refused.status) == ("unauthorized", 401)
            assert "wrong" not in f"{refused} {refused.detail}"

    def test_wrong_path(self) -> None:
        with RtspCamera() as camera:
            failure = Reading(camera.url + "x").failed()
        assert (failure.kind, failure.status, failure.port) == ("not_found", 404, camera.port)

    def test_declared_codec(self) -> None:
        with RtspCamera(codec="mpeg4") as camera:
            failure = Reading(camera.url, codec="h264").failed()
        assert (failure.kind, failure.detail) == ("declared_codec", "mpeg4")

    def test_cut(self) -> None:
        with RtspCamera() as camera:
            reading = Reading(camera.url)
            wait_until(lambda: len(reading.sink.packets) > 3)
            camera.kill()
            assert reading.failed().kind == "ended"
        assert reading.sink.ends == ["ended"]

    @pytest.mark.parametrize("transport", ["tcp", "udp"])
    def test_silent(self, transport: str) -> None:
        """A camera that falls silent is given up after the patience; one that goes on in time is not."""
        with RtspCamera() as camera:
            reading = Reading(camera.url, QUICK, transport=transport)
            wait_until(lambda: len(reading.sink.packets) > 3)
            camera.freeze()
            time.sleep(0.7)  # shorter than the patience: it must survive this
            camera.thaw()
            seen = len(reading.sink.packets)
            wait_until(lambda: len(reading.sink.packets) > seen + 3)
            camera.freeze()
            began = time.monotonic()
            assert reading.failed().kind == "timeout"
            assert time.monotonic() - began >= QUICK.silence - QUICK.turn
            camera.thaw()

    def test_stop_in_time(self) -> None:
        """At once while pictures come; from a silent camera when the socket gives up, which its feed does not await."""
        with RtspCamera() as camera:
            reading = Reading(camera.url, Patience())
            wait_until(lambda: len(reading.sink.packets) > 3)
            assert reading.stop() < 1
            silent = Reading(camera.url, Patience())
            wait_until(lambda: len(silent.sink.packets) > 3)
            camera.freeze()
            assert silent.stop() < Patience().opening + 1
            camera.thaw()

    def test_the_end_of_the_clip_is_an_end(self) -> None:
        with RtspCamera(shortened(CLIPS / "vtest_h264_baseline.mp4"), codec="h264") as camera:
            assert Reading(camera.url).failed().kind == "ended"


class TestRtspLiars:
    def test_refused(self) -> None:
        failure = Reading(f"rtsp://127.0.0.1:{free_port()}/x").failed()
        assert failure.kind == "refused"

    def test_black_hole(self) -> None:
        port = SilentPort()
        try:
            failure = Reading(f"rtsp://u:geheim@127.0.0.1:{port.port}/x", QUICK).failed()
        finally:
            port.stop()
        assert failure.kind == "timeout"
        assert "geheim" not in f"{failure} {failure.detail}"

    def test_name(self) -> None:
        assert Reading("rtsp://no-such-camera.invalid/x").failed().kind == "name"

    @pytest.mark.parametrize("url", ["", "camera", "ftp://h/x", "rtsp://", "rtsp://h:99999/x", "http://[::1/x"])
    def test_bad_url(self, url: str) -> None:
        assert Reading(url).failed().kind == "bad_url"

    @pytest.mark.parametrize(
        ("answer", "kind", "status"),
        [
            (b"RTSP/1.0 403 Forbidden\r\n%CSEQ%\r\n\r\n", "status", 403),
            (b"RTSP/1.0 453 Not Enough Bandwidth\r\n%CSEQ%\r\n\r\n", "status", 453),
            (b"RTSP/1.0 503 Busy\r\n%CSEQ%\r\n\r\n", "status", 503),
            (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>hello</html>", "broken", 0),
        ],
    )
    def test_lies(self, answer: bytes, kind: str, status: int) -> None:
        liar = Babbler(answer)
        try:
            failure = Reading(f"rtsp://127.0.0.1:{liar.port}/x").failed()
        finally:
            liar.stop()
        assert (failure.kind, failure.status) == (kind, status)


PLAIN = Habits()
HABITS = {
    "plain": PLAIN,
    "dashes in the header": Habits(header="multipart/x-mixed-replace; boundary=--myboundary"),
    "quoted": Habits(header='multipart/x-mixed-replace;boundary="myboundary"'),
    "space before the equals sign": Habits(header="multipart/x-mixed-replace; boundary =--myboundary"),
    "no dashes at all": Habits(delimiter="myboundary"),
    "no first delimiter": Habits(first_delimiter=False),
    "lower case": Habits(length_name="content-length"),
    "no length": Habits(length_name=""),
    "no length, no first delimiter": Habits(length_name="", first_delimiter=False),
    "another boundary": Habits(header="multipart/x-mixed-replace; boundary=other"),
    "line feeds": Habits(line_end="\n"),
    "http 1.1": Habits(version="HTTP/1.1", line_end="\r\n"),
    "chunked": Habits(version="HTTP/1.1", chunked=True),
    "icy": Habits(version="ICY"),
}


class TestHttp:
    @pytest.mark.parametrize("name", HABITS)
    def test_habits(self, name: str) -> None:
        """Every habit of real cameras gives the same pictures, byte for byte."""
        with HttpCamera(habits=HABITS[name]) as camera:
            sink = Reading(camera.url).until(lambda got: len(got.packets) >= 5)
            assert [packet[4] for packet in sink.packets[:5]] == camera.pictures[:5]
        (track,) = sink.tracks[0]
        assert (track.codec, track.width, track.height) == ("mjpeg", 320, 240)

    def test_stamps_are_those_of_arrival(self) -> None:
        with HttpCamera() as camera:
            sink = Reading(camera.url).until(lambda got: len(got.packets) >= 10)
        for earlier, later in pairwise(sink.packets):
            assert later[1] > earlier[1]
            assert (later[1] - earlier[1]) / 90_000 == pytest.approx((later[5] - earlier[5]) / 1e6, abs=0.005)

    @pytest.mark.parametrize("auth", ["basic", "digest"])
    def test_login(self, auth: str) -> None:
        with HttpCamera(habits=Habits(auth=auth, password="p@ss é")) as camera:
            reading = Reading(camera.url + "?camera=1&x=a,b", login="viewer", password="p@ss é")
            reading.until(lambda got: len(got.packets) >= 2)
            refused = Reading(camera.url, login="viewer", password="wrong").failed()
        assert (refused.kind, refused.status) == ("unauthorized", 401)

    def test_redirection(self) -> None:
        with HttpCamera() as camera:
            camera.habits.redirect = f"http://127.0.0.1:{camera.port}/moved"
            Reading(camera.url).until(lambda got: len(got.packets) >= 2)
            camera.habits.redirect = "http://127.0.0.1:{camera.port}/again"
            camera.habits.redirect = camera.url
            assert Reading(camera.url).failed().kind == "status"

    @pytest.mark.parametrize(
        ("habits", "kind", "status"),
        [
            (Habits(status=404), "not_found", 404),
            (Habits(status=503), "status", 503),
            (Habits(fault="html"), "not_video", 200),
            (Habits(fault="single"), "single_picture", 200),
            (Habits(fault="once"), "single_picture", 0),
            (Habits(fault="black_hole"), "timeout", 0),
            (Habits(fault="cut", pictures=3), "ended", 0),
            (Habits(fault="silent", pictures=3), "timeout", 0),
        ],
    )
    def test_failures(self, habits: Habits, kind: str, status: int) -> None:
        with HttpCamera(habits=habits) as camera:
            reading = Reading(camera.url, QUICK if kind == "timeout" else PATIENT)
            failure = reading.failed()
        assert (failure.kind, failure.status) == (kind, status)
        assert len(reading.sink.packets) == (3 if habits.pictures else 1 if habits.fault == "once" else 0)

    def test_declared_codec(self) -> None:
        with HttpCamera() as camera:
            failure = Reading(camera.url, codec="h264").failed()
        assert (failure.kind, failure.detail) == ("declared_codec", "mjpeg")

    def test_another_size_is_announced(self) -> None:
        small, large = jpegs()[:3], [jpeg_of(640, 480)] * 3
        with HttpCamera(small + large) as camera:
            sink = Reading(camera.url).until(lambda got: len(got.tracks) >= 2 and len(got.packets) > 4)
        assert [(t[0].width, t[0].height) for t in sink.tracks[:2]] == [(320, 240), (640, 480)]
        assert sink.ends[0] == "codec"

    def test_stop_in_time(self) -> None:
        with HttpCamera(habits=Habits(fault="silent", pictures=2)) as camera:
            reading = Reading(camera.url, Patience())
            wait_until(lambda: len(reading.sink.packets) == 2)
            assert reading.stop() < 1


def jpeg_of(width: int, height: int) -> bytes:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "jpeg")
    return out.getvalue()


@needs_gstreamer
def test_parameter_sets_in_band() -> None:
    """Sets repeated at each key frame are no change; the session goes on."""
    clip = looped(CLIPS / "vtest_h264_baseline.mp4")
    with RtspCamera(clip, sets_in_band=True) as camera:
        sink = Reading(camera.url).until(lambda got: sum(packet[3] for packet in got.packets) >= 3, 30)
    assert len(sink.tracks) == 1
