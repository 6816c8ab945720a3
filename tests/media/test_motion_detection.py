"""From a camera's packets to what moves: what is decoded, what is left out, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.cameras import RtspCamera, gstreamer_missing, looped
from support.packets import CLIPS, Clip
from support.watching import Heard, until
from twisted.internet import defer, reactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace.media.feeds import Feeds
from camtrace.media.live import Live
from camtrace.media.motion_detection import EASE_SECONDS, LATE_SECONDS, MotionDetection
from camtrace.media.motion_sink import MOST_US, STALL_US, MotionSink
from camtrace.metrics import Metrics
from camtrace.model import MotionSettings, Moved
from camtrace.pools import Pools

UID = 7
NOON_US = 1_772_625_600_000_000
SETTINGS = MotionSettings(enabled=True)
BASELINE, B_FRAMES, JPEGS = "vtest_h264_baseline.mp4", "vtest_h264_main_bframes.mp4", "vtest_mjpeg.mkv"


class Jobs:
    """A pool whose jobs are done when the test says, and an inbox that delivers at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[defer.Deferred[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.refusing = False
        self.by_itself = True

    def job(self, function: Callable[..., Any], *args: Any) -> defer.Deferred[Any]:
        if self.refusing:
            return defer.fail(RuntimeError("too many jobs are waiting"))
        if self.by_itself:
            return defer.execute(function, *args)
        self.asked.append((defer.Deferred(), function, args))
        return self.asked[-1][0]

    def inbox(self, receive: Callable[[list[Any]], Any], limit: int = 1000) -> Any:
        class Inbox:
            def put(self, item: Any) -> bool:
                receive([item])
                return True

        return Inbox()

    def do(self) -> None:
        done, function, args = self.asked.pop(0)
        try:
            done.callback(function(*args))
        except Exception:
            done.errback(Failure())


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.jobs, self.metrics = Jobs(), Metrics()
        self.stalled: list[int] = []
        jobs: Any = self.jobs
        self.detection = MotionDetection(jobs, self.metrics, self.stalled.append, seconds=lambda: self.now)
        self.seen: list[Moved] = []

    def watch(self, settings: MotionSettings = SETTINGS) -> Callable[[], None]:
        return self.detection.watch(UID, settings, self.seen.append)

    def play(self, sink: MotionSink, name: str = BASELINE, since_us: int = NOON_US, seconds: float = 99) -> int:
        """A clip in the pace of its packets; returns when it is over."""
        clip = Clip(CLIPS / name)
        sink.begin(clip.tracks)
        coming = [one for one in clip.packets if one.at_us < seconds * 1e6]
        for one in coming:
            sink.packet(one.track, one.packet, since_us + one.at_us)
        return since_us + coming[-1].at_us

    def main(self) -> MotionSink:
        return self.detection.main.sink(UID)

    def sub(self) -> MotionSink:
        return self.detection.sub.sink(UID)


class Looking(Case):
    def test_people_walk(self) -> None:
        """Five pictures a second, with the instants of their packets, and motion in them."""
        self.watch()
        self.play(self.main())
        self.assertTrue(any(moved.motion for moved in self.seen))
        self.assertTrue(all(moved.camera_uid == UID for moved in self.seen))
        steps = {b.at_us - a.at_us for a, b in zip(self.seen, self.seen[1:], strict=False)}
        self.assertEqual(steps, {200_000})
        self.assertEqual(self.metrics.value("camtrace_motion_pictures_total"), len(self.seen))
        self.assertEqual(self.detection.dropped(), [({}, 0)])

    def test_every_codec(self) -> None:
        for name in (B_FRAMES, JPEGS, "vtest_h265.mp4"):
            self.seen.clear()
            stop = self.watch()
            self.play(self.main(), name)
            self.main().end("over")
            stop()
            self.assertTrue(any(moved.motion for moved in self.seen), name)
            instants = [moved.at_us for moved in self.seen]
            self.assertEqual(instants, sorted(set(instants)), name)
            self.assertGreater(len(instants), 35, name)

    def test_nobody_wants_to_know(self) -> None:
        """Nothing is kept, and nothing decoded; who leaves hears no more."""
        self.play(self.main())
        self.assertIsNone(self.main().take())
        stop = self.watch()
        stop()
        stop()
        self.play(self.main())
        self.assertEqual(self.seen, [])
        self.assertEqual(self.detection.figures(), [({"pictures": "all"}, 0), ({"pictures": "key_frames"}, 0)])

    def test_each_by_settings_of_its_own(self) -> None:
        others: list[Moved] = []
        self.watch()
        self.detection.watch(UID, MotionSettings(object_size=1000), others.append)
        self.play(self.main())
        self.assertEqual([moved.at_us for moved in self.seen], [moved.at_us for moved in others])
        self.assertFalse(any(moved.motion for moved in others))
        self.assertEqual(self.metrics.value("camtrace_motion_pictures_total"), len(self.seen))

    def test_a_listener_that_fails(self) -> None:
        def fail(moved: Moved) -> None:
            raise ZeroDivisionError

        self.detection.watch(UID, SETTINGS, fail)
        self.watch()
        self.play(self.main())
        self.assertTrue(self.seen)
        self.assertTrue(self.flushLoggedErrors(ZeroDivisionError))

    def test_the_second_stream_is_preferred(self) -> None:
        """The main one is looked at until the second one flows, and again when it ends."""
        self.watch()
        clip = Clip(CLIPS / BASELINE)
        self.main().begin(clip.tracks)
        self.sub().begin(clip.tracks)
        for one in clip.packets[:20]:
            self.main().packet(0, one.packet, NOON_US + one.at_us)
        self.assertTrue(self.main().flows)
        self.assertIsNone(self.sub().take())
        for one in clip.packets[:20]:
            self.sub().packet(0, one.packet, NOON_US + 2_000_000 + one.at_us)
            self.main().packet(0, one.packet, NOON_US + 2_000_000 + one.at_us)
        self.assertFalse(self.main().flows)
        self.sub().end("lost")
        pictures = len(self.seen)
        for one in clip.packets[:20]:
            self.main().packet(0, one.packet, NOON_US + 4_000_000 + one.at_us)
        self.assertGreater(len(self.seen), pictures)

    def test_a_second_stream_that_stalls(self) -> None:
        """Connected and silent, it hides nothing for longer than some seconds, and that is told once; when it goes on,
        it is looked at again."""
        self.watch()
        clip = Clip(CLIPS / BASELINE)
        self.sub().begin(clip.tracks)
        self.main().begin(clip.tracks)

        def both(since: float, until: float, sub: bool) -> None:
            for one in clip.packets:
                at_us = NOON_US + one.at_us
                if since <= one.at_us / 1e6 < until:
                    if sub:
                        self.sub().packet(0, one.packet, at_us)
                    self.main().packet(0, one.packet, at_us)

        both(0, 2, sub=True)
        self.assertFalse(self.main().flows)
        before = len(self.seen)
        both(2, 2 + STALL_US / 1e6 - 0.2, sub=False)
        self.assertEqual((len(self.seen), self.stalled), (before, []))
        both(2 + STALL_US / 1e6 - 0.2, 9.9, sub=False)
        self.assertGreater(len(self.seen), before + 10)
        self.assertEqual(self.stalled, [UID])
        both(9.9, 12, sub=True)
        self.assertFalse(self.main().flows)
        self.assertEqual(self.stalled, [UID])

    def test_a_damaged_stream(self) -> None:
        """Broken pictures are left out; the next whole one is seen."""
        self.watch()
        clip = Clip(CLIPS / BASELINE)
        sink = self.main()
        sink.begin(clip.tracks)
        for number, one in enumerate(clip.packets):
            if number % 3 == 1:
                continue
            sink.packet(0, one.packet, NOON_US + one.at_us)
        self.assertGreater(len(self.seen), 20)

    def test_a_clock_set_back(self) -> None:
        """An hour back, and detection goes on."""
        self.watch()
        self.play(self.main(), seconds=5)
        self.seen.clear()
        self.play(self.main(), since_us=NOON_US - 3_600_000_000)
        self.assertTrue(any(moved.motion for moved in self.seen))

    def test_forgotten(self) -> None:
        self.watch()
        sink = self.main()
        self.detection.forget(UID)
        self.play(sink)
        self.assertEqual(self.seen, [])


class Pace(Case):
    def test_one_job_for_a_camera_and_few_at_once(self) -> None:
        for uid in (1, 2, 3):
            self.detection.watch(uid, SETTINGS, self.seen.append)
        self.jobs.by_itself = False
        for uid in (1, 2, 3):
            self.play(self.detection.main.sink(uid), seconds=2)
        self.assertEqual(len(self.jobs.asked), 2)
        while self.jobs.asked:
            self.assertLessEqual(len(self.jobs.asked), 2)
            self.jobs.do()
        self.assertEqual({moved.camera_uid for moved in self.seen}, {1, 2, 3})

    def test_the_newest_wins(self) -> None:
        """Without jobs no more than some seconds wait; what is older goes, counted, up to a key frame."""
        self.watch()
        self.jobs.by_itself = False
        end = self.play(self.main())
        ((_, dropped),) = self.detection.dropped()
        self.assertGreater(dropped, 50)
        taken = self.main().take()
        assert taken is not None
        self.assertLessEqual(end - taken.packets[0].at_us, MOST_US)
        self.assertGreater(taken.packets[-1].at_us, end - 200_000)

    def test_key_frames_alone_when_jobs_are_late(self) -> None:
        """For a while; then all pictures again, and for twice as long if that was too soon."""
        self.watch()
        self.jobs.by_itself = False
        at = self.play(self.main(), seconds=1)
        self.now += LATE_SECONDS + 1
        while self.jobs.asked:
            self.jobs.do()
        self.assertEqual(self.detection.figures()[1], ({"pictures": "key_frames"}, 1))
        self.jobs.by_itself = True
        self.seen.clear()
        at = self.play(self.main(), since_us=at + 1)
        keys = sum(one.packet.is_keyframe for one in Clip(CLIPS / BASELINE).packets)
        self.assertEqual(len(self.seen), keys)
        self.assertGreater(self.detection.dropped()[0][1], 50)
        self.now += EASE_SECONDS
        at = self.play(self.main(), since_us=at + 1_000_000)
        self.assertEqual(self.detection.figures()[1], ({"pictures": "key_frames"}, 0))
        self.seen.clear()
        at = self.play(self.main(), since_us=at + 1_000_000)
        self.assertGreater(len(self.seen), 40)

        self.jobs.refusing = True
        at = self.play(self.main(), since_us=at + 1_000_000)
        self.jobs.refusing = False
        self.now += EASE_SECONDS + 1
        at = self.play(self.main(), since_us=at + 1_000_000)
        self.assertEqual(self.detection.figures()[1], ({"pictures": "key_frames"}, 1))
        self.now += EASE_SECONDS
        self.play(self.main(), since_us=at + 1_000_000)
        self.assertEqual(self.detection.figures()[1], ({"pictures": "key_frames"}, 0))
        self.assertEqual(self.metrics.value("camtrace_motion_eased_total"), 2)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_jpeg_pictures_in_between_are_not_kept(self) -> None:
        self.watch()
        self.jobs.by_itself = False
        self.play(self.main(), JPEGS, seconds=2)
        taken = self.main().take()
        assert taken is not None
        self.assertEqual(len(taken.packets), 10)


class Threads(TestCase):
    """The real pool."""

    @pytest.mark.skipif(bool(gstreamer_missing()), reason=gstreamer_missing())
    async def test_a_real_camera(self) -> None:
        """Over RTSP, beside the live picture."""
        pools, heard = Pools(reactor), Heard()
        self.addCleanup(pools.stop)
        detection = MotionDetection(pools, Metrics())
        feeds = Feeds(reactor, pools, Metrics(), Live(pools, Metrics()), motion=detection.main)
        camera = RtspCamera(looped(CLIPS / BASELINE))
        self.addCleanup(camera.stop)
        seen: list[Moved] = []
        self.addCleanup(detection.watch(UID, SETTINGS, seen.append))
        feed = feeds.open(UID, camera.url, [], heard)
        self.addCleanup(feed.stop)
        await until(lambda: any(moved.motion for moved in seen) or heard.ends, 30)
        self.assertEqual(heard.ends, [])
        await feed.stop()
        self.assertFalse(detection.main.sink(UID).flows)

    async def test_in_the_pool(self) -> None:
        pools = Pools(reactor, jobs=2)
        self.addCleanup(pools.stop)
        detection = MotionDetection(pools, Metrics())
        seen: list[Moved] = []
        self.addCleanup(detection.watch(UID, SETTINGS, seen.append))
        sink, clip, lane = detection.main.sink(UID), Clip(CLIPS / BASELINE), pools.lane("camera")
        await lane.run(sink.begin, clip.tracks)
        for one in clip.packets:
            at_us = NOON_US + one.at_us
            await lane.run(sink.packet, one.track, one.packet, at_us)
            await until(lambda: at_us - (seen[-1].at_us if seen else NOON_US) < 1_000_000)  # noqa: B023
        self.assertTrue(any(moved.motion for moved in seen))
        await lane.stop()
