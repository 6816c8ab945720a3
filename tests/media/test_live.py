"""The live picture: begins at a key frame, plays in a decoder, is cut only while somebody watches."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import av
import pytest
from support.cameras import CLIPS, HttpCamera, RtspCamera, gstreamer_missing, looped
from support.watching import Heard, Viewer, until
from twisted.internet import defer, reactor
from twisted.trial.unittest import TestCase

from camtrace import clock
from camtrace.media.feeds import Feed, Feeds
from camtrace.media.live import Live
from camtrace.media.live_reading import LiveReading
from camtrace.media.mime import codec_string
from camtrace.media.picture import CannotDecode, decode_jpeg, to_jpeg
from camtrace.metrics import Metrics
from camtrace.model import Sample, Track
from camtrace.pools import Pools

UID = 7
needs_gstreamer = pytest.mark.skipif(bool(gstreamer_missing()), reason=gstreamer_missing())


class LiveTests(TestCase):
    """A camera, and who watches it."""

    def setUp(self) -> None:
        self.pools = Pools(reactor)
        self.metrics = Metrics()
        self.live = Live(self.pools, self.metrics)
        self.feeds = Feeds(reactor, self.pools, self.metrics, self.live)
        self.addCleanup(self.pools.stop)

    async def connect(self, url: str) -> Feed:
        heard = Heard()
        feed = self.feeds.open(UID, url, [], heard)
        self.addCleanup(feed.stop)
        await until(lambda: heard.began_with or heard.ends)
        self.assertEqual(heard.ends, [])
        return feed

    def camera(self, clip: str = "vtest_h264_main_bframes.mp4", codec: str = "h264", audio: str = "") -> RtspCamera:
        camera = RtspCamera(looped(CLIPS / clip), codec=codec, audio=audio)
        self.addCleanup(camera.stop)
        return camera

    @needs_gstreamer
    async def test_browser(self) -> None:
        """H.264 with sound: fragments that a decoder plays from the first on, each one frame."""
        await self.connect(self.camera("vtest_h264_baseline.mp4", audio="pcmu").url)
        viewer = Viewer()
        stop = self.live.watch(UID, viewer)
        await until(lambda: len(viewer.fragments) > 40)
        stop()
        ((mime, note),) = viewer.starts
        self.assertRegex(mime, r'^video/mp4; codecs="avc1\.42[0-9a-f]{4},mp4a\.40\.2"$')
        self.assertEqual(note, "")
        self.assertTrue(viewer.fragments[0][1], "the first fragment is a key frame")
        with av.open(io.BytesIO(viewer.init + b"".join(data for data, _, _ in viewer.fragments))) as container:
            frames = list(container.decode())
        pictures = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
        self.assertGreaterEqual(len(pictures), 8)
        self.assertEqual((pictures[0].width, pictures[0].height), (640, 480))
        self.assertLess(abs(viewer.fragments[-1][2] - clock.now_us()), 2_000_000)
        seen = len(viewer.fragments)
        second = Viewer()
        self.live.watch(UID, second)
        await until(lambda: len(second.fragments) > 10)
        self.assertEqual(len(viewer.fragments), seen, "who stopped gets nothing more")

    @needs_gstreamer
    async def test_late_viewer_begins_at_the_last_key_frame(self) -> None:
        """Who comes in the middle gets what came since the key frame at once, then goes on without a hole."""
        await self.connect(self.camera().url)
        first = Viewer()
        self.live.watch(UID, first)
        await until(lambda: sum(key for _, key, _ in first.fragments) >= 2 and not first.fragments[-1][1])
        late = Viewer()
        self.live.watch(UID, late)
        self.assertTrue(late.fragments and late.fragments[0][1], "it begins at once, at a key frame")
        await until(lambda: len(late.fragments) > 12)
        await until(lambda: len(first.fragments) >= len(late.fragments))
        common = [data for data, _, _ in first.fragments][-len(late.fragments) :]
        self.assertEqual(common, [data for data, _, _ in late.fragments])

    @needs_gstreamer
    async def test_nothing_is_cut_for_nobody(self) -> None:
        await self.connect(self.camera().url)
        sink = self.live.sink(UID)
        stop = self.live.watch(UID, Viewer())
        await until(lambda: sink._cutting)
        stop()
        await until(lambda: not sink._cutting)

    @needs_gstreamer
    async def test_h265_as_key_frames(self) -> None:
        await self.connect(self.camera("vtest_h265.mp4", "h265").url)
        viewer = Viewer()
        self.live.watch(UID, viewer)
        await until(lambda: len(viewer.fragments) >= 2)
        self.assertEqual(viewer.starts, [("image/jpeg", "key_frames")])
        self.assertTrue(all(data[:2] == b"\xff\xd8" and key for data, key, _ in viewer.fragments))

    @needs_gstreamer
    async def test_h264_as_key_frames_for_who_asks(self) -> None:
        """A browser that cannot play it gets pictures at once, nothing is cut for it, and others are not disturbed."""
        await self.connect(self.camera("vtest_h264_baseline.mp4").url)
        await until(lambda: self.live.sink(UID).newest())
        still, moving = Viewer(), Viewer()
        self.live.watch(UID, still, stills=True)
        await until(lambda: len(still.fragments) >= 2)
        self.assertEqual(still.starts, [("image/jpeg", "key_frames")])
        self.assertTrue(all(data[:2] == b"\xff\xd8" and key for data, key, _ in still.fragments))
        self.assertFalse(self.live.sink(UID)._cutting)
        stop = self.live.watch(UID, moving)
        await until(lambda: len(moving.fragments) > 10)
        seen = len(still.fragments)
        await until(lambda: len(still.fragments) > seen)
        self.assertEqual((len(still.starts), [note for _, note in moving.starts]), (1, [""]))
        self.assertTrue(all(data[4:8] == b"moof" for data, _, _ in moving.fragments))
        stop()
        self.live.sink(UID).end("refused")
        await until(lambda: still.ends)
        self.assertEqual((still.ends, moving.ends), (["refused"], []))

    async def test_mjpeg_for_who_asks_for_pictures(self) -> None:
        """They are pictures already: all of them."""
        with HttpCamera() as camera:
            await self.connect(camera.url)
            viewer = Viewer()
            self.live.watch(UID, viewer, stills=True)
            await until(lambda: len(viewer.fragments) >= 5)
            self.assertEqual(viewer.starts, [("image/jpeg", "")])

    async def test_mjpeg(self) -> None:
        with HttpCamera() as camera:
            await self.connect(camera.url)
            viewer = Viewer()
            self.live.watch(UID, viewer)
            await until(lambda: len(viewer.fragments) >= 5)
            self.assertEqual(viewer.starts, [("image/jpeg", "")])
            self.assertTrue(all(data in camera.pictures for data, _, _ in viewer.fragments))
            self.assertIn(await self.live.picture(UID), camera.pictures)

    async def test_a_failing_viewer(self) -> None:
        """One that fails at the start, at a picture or at the end is shown no more; the others see all of it."""
        failing = {}
        for name in ("live_started", "live_fragment", "live_ended"):
            failing[name] = Viewer()
            setattr(failing[name], name, self.fail_always)
            self.live.watch(UID, failing[name])
        viewer = Viewer()
        self.live.watch(UID, viewer)
        with HttpCamera() as camera:
            feed = await self.connect(camera.url)
            await until(lambda: len(viewer.fragments) >= 5)
            self.assertEqual(self.live.viewers, 2)
            feed.stop()
            await until(lambda: viewer.ends)
        self.assertEqual(self.live.viewers, 1)
        self.assertEqual(failing["live_started"].fragments, [])
        self.assertGreaterEqual(len(failing["live_ended"].fragments), 5)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)

    def fail_always(self, *_: object) -> None:
        """A fault of the program."""
        raise ZeroDivisionError

    async def test_lost_and_back(self) -> None:
        """A viewer stays: it hears of the end, and of the next start."""
        viewer = Viewer()
        self.live.watch(UID, viewer)
        with HttpCamera() as camera:
            feed = await self.connect(camera.url)
            await until(lambda: viewer.fragments)
            await feed.stop()
            await until(lambda: viewer.ends == ["stopped"])
            self.assertIsNone(await self.live.picture(UID))
            self.assertIsNone(self.live.open(UID))
            await self.connect(camera.url)
            await until(lambda: len(viewer.starts) == 2)
        self.live.forget(UID)
        self.assertEqual(viewer.ends[-1], "deleted")

    async def test_opened(self) -> None:
        """`opened` fires when a reading can be had, for every codec; a reading tells once that it is over."""
        cancelled = self.live.opened(UID)
        cancelled.cancel()
        self.failureResultOf(cancelled, defer.CancelledError)
        opened = self.live.opened(UID)
        self.assertIsNone(self.live.open(UID))
        with HttpCamera() as camera:
            feed = await self.connect(camera.url)
            await opened
            self.successResultOf(self.live.opened(UID))
            over: list[str] = []
            first = self.live.open(UID, lambda: over.append("first"))
            second = self.live.open(UID, lambda: over.append("second"))
            assert first is not None and second is not None
            self.assertEqual(self.live.viewers, 2)
            first.close()
            first.close()
            self.assertEqual((over, self.live.viewers), (["first"], 1))
            await feed.stop()
            await until(lambda: over == ["first", "second"])

    @needs_gstreamer
    async def test_samples(self) -> None:
        """For the RTSP server: samples from a key frame on, in order, until the camera is gone."""
        feed = await self.connect(self.camera(audio="aac").url)
        await until(lambda: self.live.open(UID) is not None)
        reading = self.live.open(UID)
        assert reading is not None
        self.assertEqual([track.codec for track in reading.tracks], ["h264", "aac"])
        samples: list[Sample] = []
        while len(samples) < 60:
            chunk = await reading.next()
            assert chunk is not None
            samples += chunk.samples
        self.assertTrue(samples[0].key and samples[0].track == 0)
        for track in (0, 1):
            stamps = [sample.dts for sample in samples if sample.track == track][1:]  # the very first waited for PLAY
            steps = {later - earlier for earlier, later in pairwise(stamps)}
            self.assertEqual(steps, {9000} if track == 0 else {1024}, stamps)
        video = [sample for sample in samples if sample.track == 0]
        self.assertEqual(decode_jpeg(reading.tracks[0], video, video[-1].at_us)[:2], b"\xff\xd8")
        await feed.stop()
        while await reading.next() is not None:
            pass

    @needs_gstreamer
    async def test_picture(self) -> None:
        await self.connect(self.camera().url)
        jpeg = await self.live.picture(UID)
        assert jpeg is not None
        with av.open(io.BytesIO(jpeg)) as container:
            self.assertEqual(container.streams.video[0].width, 640)
        self.assertIsNone(await self.live.picture(99))


class ReadingTests(TestCase):
    """A reader of live samples who may be slow."""

    def setUp(self) -> None:
        self.dropped = 0
        self.track = Track(0, "h264", 90_000)
        self.reading = LiveReading((self.track,), clock.now(), lambda _: None, self._drop)

    def _drop(self, count: int) -> None:
        self.dropped += count

    def sample(self, number: int, key: bool, size: int = 10) -> list[Sample]:
        return [Sample(0, number, number, number, 1, key, bytes(size))]

    def test_begins_at_a_key_frame(self) -> None:
        self.reading.add(self.sample(1, False), False)
        self.reading.add(self.sample(2, True), True)
        self.reading.add(self.sample(3, False), False)
        chunk = self.successResultOf(self.next())
        self.assertEqual([sample.dts for sample in chunk.samples], [2, 3])

    def test_slow(self) -> None:
        """A reader that is behind loses up to a key frame, is told so, and it is counted."""
        self.reading.add(self.sample(1, True), True)
        for number in range(2, 6):
            self.reading.add(self.sample(number, False, 3 << 20), False)
        self.reading.add(self.sample(7, True), True)
        chunk = self.successResultOf(self.next())
        self.assertEqual([sample.dts for sample in chunk.samples], [7])
        self.assertTrue(chunk.discontinuity)
        self.assertEqual(self.dropped, 4)

    def test_waits_and_ends(self) -> None:
        waiting = self.next()
        self.assertNoResult(waiting)
        self.reading.add(self.sample(1, True), True)
        self.assertEqual(len(self.successResultOf(waiting).samples), 1)
        self.reading.close()
        self.assertIsNone(self.successResultOf(self.next()))

    def test_another_layout_ends_it(self) -> None:
        self.reading.restart((Track(0, "h265", 90_000),))
        self.assertIsNone(self.successResultOf(self.next()))

    def next(self) -> defer.Deferred[Any]:
        return defer.ensureDeferred(self.reading.next())


def samples_of(clip: str) -> tuple[Track, list[Sample]]:
    with av.open(str(CLIPS / clip)) as container:
        stream = container.streams.video[0]
        codec = {"hevc": "h265"}.get(stream.codec_context.name, stream.codec_context.name)
        track = Track(0, codec, stream.time_base.denominator, bytes(stream.codec_context.extradata or b""), 640, 480)
        samples = [
            Sample(0, int(p.pts * p.time_base * 1_000_000), p.dts or 0, p.pts, 1, p.is_keyframe, bytes(p))
            for p in container.demux(stream)
            if p.size
        ]
    return track, samples


@pytest.mark.parametrize("clip", ["vtest_h264_baseline.mp4", "vtest_h264_main_bframes.mp4", "vtest_h265.mp4"])
def test_the_right_picture(clip: str) -> None:
    """The picture at an instant is the one shown then, with B-frames too."""
    track, samples = samples_of(clip)
    with av.open(str(CLIPS / clip)) as container:
        shown = [(frame.time, frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    for at_us in (0, 750_000, 1_000_000, 1_450_000):
        jpeg = decode_jpeg(track, samples, at_us)
        with av.open(io.BytesIO(jpeg)) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="gray")
        differences = {time: abs(gray.astype(int) - picture.astype(int)).mean() for time, gray in shown[:25]}
        best = min(differences, key=lambda time: differences[time])
        assert best == pytest.approx(max(time for time, _ in shown if time <= at_us / 1e6 + 1e-6))
        assert differences[best] < 8


def test_damaged_pictures() -> None:
    track, samples = samples_of("vtest_h264_baseline.mp4")
    with pytest.raises(CannotDecode):
        to_jpeg("h264", track.config, [(b"\x00\x00\x00\x05abcde", 0)], 0)
    with pytest.raises(CannotDecode):
        decode_jpeg(track, [], 0)
    damaged = [*samples[:5], samples[5]._replace(data=b"\x00\x00\x00\x04\x41abc"), *samples[6:8]]
    assert decode_jpeg(track, damaged, samples[7].at_us)[:2] == b"\xff\xd8"


def test_mjpeg_goes_through() -> None:
    sample = Sample(0, 5, 0, 0, 1, True, b"\xff\xd8picture")
    assert decode_jpeg(Track(0, "mjpeg", 90_000), [sample], 9) is sample.data


def test_codec_names() -> None:
    assert codec_string("h264", b"\x01\x64\x00\x1f\xff") == "avc1.64001f"
    assert codec_string("h264", b"\x00\x00\x00\x01\x67\x42\xc0\x1e\x01\x00\x00\x00\x01\x68") == "avc1.42c01e"
    assert codec_string("h264", b"") == ""
    assert codec_string("aac", b"\x12\x10") == "mp4a.40.2"
    assert codec_string("aac", b"") == "mp4a.40.2"
