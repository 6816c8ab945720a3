"""When what moves becomes an alarm, and what follows a camera's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.alarm.motion import MotionAlarms
from camtrace.model import Alarm, AlarmRecording, Camera, MotionSettings, Moved

NOON_US = 1_772_625_600_000_000
ON = MotionSettings(enabled=True)
DOOR = Camera(uid=11, id=1, name="Door", motion=ON)
TILL = Camera(uid=12, id=2, name="Till")


class Cameras:
    def __init__(self, *cameras: Camera) -> None:
        self.known = list(cameras)

    def all(self) -> list[Camera]:
        return self.known

    def by_id(self, id: int) -> Camera | None:
        return next((camera for camera in self.known if camera.id == id), None)

    def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self.known if camera.uid == uid), None)


class Detection:
    """Whom it would tell, by camera and settings."""

    def __init__(self) -> None:
        self.watched: list[tuple[int, MotionSettings, Callable[[Moved], object]]] = []

    def watch(self, camera_uid: int, settings: MotionSettings, listener: Any) -> Callable[[], None]:
        self.watched.append(one := (camera_uid, settings, listener))
        return lambda: self.watched.remove(one)


class SecondStreams:
    def __init__(self) -> None:
        self.held: list[int] = []

    def hold(self, camera_uid: int) -> Callable[[], None]:
        self.held.append(camera_uid)
        return lambda: self.held.remove(camera_uid)


class MotionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.cameras = Cameras(DOOR, TILL)
        self.detection, self.second_streams = Detection(), SecondStreams()
        self.raised: list[tuple[list[int], str, str, str, float]] = []
        self.failing = False
        self.alarms = MotionAlarms(self.cameras, self.detection, self.second_streams, self.raise_alarm)
        defer.ensureDeferred(self.alarms.start())

    def raise_alarm(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]:
        assert at is not None
        numbers = [camera.id for camera in cameras]
        self.raised.append((numbers, cause, origin, message, (clock.to_us(at) - NOON_US) / 1e6))
        return defer.fail(ValueError("refused")) if self.failing else defer.succeed([])

    def see(self, seconds: float, motion: bool, *zones: str) -> None:
        (_, _, listener), *_ = self.detection.watched
        listener(Moved(DOOR.uid, NOON_US + int(seconds * 1e6), 3.0, (), motion, zones))

    def change(self, *cameras: Camera) -> None:
        self.cameras.known = list(cameras)
        self.alarms.refresh()


class Raising(MotionCase):
    def test_begins_and_goes_on(self) -> None:
        """A trigger when motion begins, in whose zones, and one every five seconds while it lasts."""
        for tenth in range(0, 200, 2):
            self.see(tenth / 10, 2 <= tenth / 10 < 15, "door", "shelf")
        self.assertEqual([at for *_, at in self.raised], [2, 7, 12])
        self.assertEqual(self.raised[0][:4], ([1], "motion", "", "door, shelf"))

    def test_half_of_what_an_alarm_records(self) -> None:
        """Where alarms record six seconds, they are prolonged every three."""
        for post_seconds, interval in ((6, 3), (1, 1), (0, 1), (600, 5)):
            self.raised.clear()
            self.change(replace(DOOR, alarm=AlarmRecording(post_seconds=post_seconds)))
            for second in range(11):
                self.see(second, True)
            self.see(11, False)
            self.assertEqual([at for *_, at in self.raised], list(range(0, 11, interval)), post_seconds)

    def test_motion_again(self) -> None:
        """Each beginning counts, however soon."""
        for at, motion in ((1, True), (1.2, False), (1.4, True)):
            self.see(at, motion)
        self.assertEqual([at for *_, at in self.raised], [1, 1.4])

    def test_a_clock_set_back(self) -> None:
        self.see(5000, True)
        self.see(1400, True)
        self.assertEqual(len(self.raised), 2)

    def test_what_is_not_durable(self) -> None:
        """It is logged, and the next one is tried."""
        self.failing = True
        self.see(1, True)
        self.see(6, True)
        self.assertEqual(len(self.raised), 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)


class Following(MotionCase):
    def watched(self) -> list[tuple[int, MotionSettings]]:
        return [(uid, settings) for uid, settings, _ in self.detection.watched]

    def test_only_cameras_that_are_set_so(self) -> None:
        self.assertEqual(self.watched(), [(11, ON)])
        self.assertEqual(self.second_streams.held, [11])

    def test_settings_act_at_once(self) -> None:
        """Switched on, changed, switched off, deleted; what did not change goes on as it is."""
        before = self.detection.watched[0]
        fine = replace(ON, sensitivity=80)
        self.change(replace(DOOR, name="Entrance"), replace(TILL, motion=ON))
        self.assertIs(self.detection.watched[0], before)
        self.assertEqual(self.watched(), [(11, ON), (12, ON)])
        self.change(replace(DOOR, motion=fine), TILL)
        self.assertEqual(self.watched(), [(11, fine)])
        self.assertEqual(self.second_streams.held, [11])
        self.change(TILL)
        self.assertEqual((self.watched(), self.second_streams.held), ([], []))

    def test_a_new_name_in_the_alarm(self) -> None:
        """The camera as it is now is alarmed."""
        self.change(replace(DOOR, id=9))
        self.see(1, True)
        self.assertEqual(self.raised[0][0], [9])

    def test_stopped(self) -> None:
        self.successResultOf(defer.ensureDeferred(self.alarms.stop()))
        self.assertEqual((self.watched(), self.second_streams.held), ([], []))
        self.alarms.refresh()
        self.assertEqual(self.watched(), [])

    def test_who_looks_on(self) -> None:
        """By settings of their own, of a camera that raises none."""
        seen: list[Moved] = []
        stop = self.alarms.subscribe(TILL.uid, seen.append, ON)
        self.assertEqual(self.watched()[-1], (12, ON))
        self.assertEqual(self.second_streams.held, [11, 12])
        self.detection.watched[-1][2](moved := Moved(12, NOON_US, 1.0))
        self.assertEqual(seen, [moved])
        stop()
        self.assertEqual((self.watched(), self.second_streams.held), ([(11, ON)], [11]))
