"""What triggers mean, on fake facts and a clock of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet import defer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from camtrace.alarm.senders import Senders, host_of
from camtrace.alarm.service import Alarms, ControlChannel
from camtrace.alarm.wire import Call, from_parameters, parse
from camtrace.complaints import Complaints
from camtrace.errors import NotFound
from camtrace.events import AlarmAcknowledged, AlarmEnded, AlarmTriggered
from camtrace.intake import Ids
from camtrace.metrics import Metrics
from camtrace.model import Alarm, AlarmRecording, Camera

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


class Cameras:
    """Four cameras: two at one address, one behind a name."""

    def __init__(self) -> None:
        self.cameras = [
            Camera(uid=11, id=1, name="till", address="10.0.0.1"),
            Camera(uid=12, id=2, name="door", url="rtsp://10.0.0.2:554/x", alarm=AlarmRecording("never")),
            Camera(uid=13, id=3, name="encoder 1", address="10.0.0.3", channel=1),
            Camera(uid=14, id=4, name="encoder 2", address="10.0.0.3", channel=2),
            Camera(uid=15, id=5, name="yard", url="http://yard.shop/mjpg/video.mjpg"),
        ]

    def all(self) -> list[Camera]:
        return self.cameras

    def by_id(self, id: int) -> Camera | None:
        return next((camera for camera in self.cameras if camera.id == id), None)

    def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self.cameras if camera.uid == uid), None)


class Calendars:
    def applies(self, name: str, at: datetime | None = None) -> bool:
        return name != "never"


class Stored:
    """Facts, and the alarms they leave, as a database has them."""

    def __init__(self) -> None:
        self.facts: list[Any] = []
        self.alarms: dict[int, Alarm] = {}
        self.waiting: defer.Deferred[None] | None = None

    def record_all(self, facts: Sequence[Any]) -> defer.Deferred[None]:
        self.facts += facts
        self.alarms.update((fact.alarm.id, fact.alarm) for fact in facts)
        return self.waiting or defer.succeed(None)

    async def running(self) -> list[Alarm]:
        return [alarm for alarm in self.alarms.values() if alarm.ended_at is None]

    async def by_id(self, id: int) -> Alarm | None:
        return self.alarms.get(id)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.stored, self.metrics, self.cameras = Stored(), Metrics(), Cameras()
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.names = {"yard.shop": ["10.0.0.5"]}
        self.alarms = self.make()
        complaints = Complaints("control", lambda kind, text, values: self.notes.append((text, dict(values))))
        self.senders = Senders(self.cameras, self.resolve, self.clock.seconds)
        self.channel = ControlChannel(self.alarms, self.cameras, self.senders, complaints, self.metrics)
        self.complaints = complaints

    def make(self) -> Alarms:
        stored = self.stored
        return Alarms(stored, self.cameras, Calendars(), stored, Ids().next, self.metrics, self.clock, self.now)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock.seconds())

    async def resolve(self, host: str) -> list[str]:
        return self.names.get(host, [])

    def call(self, call: Call, peer: str = "10.9.9.9", channel: ControlChannel | None = None) -> list[int]:
        """The cameras that a message alarms."""
        calling = defer.ensureDeferred((channel or self.channel).called(call, peer, "tcp"))
        return [camera.id for camera in self.successResultOf(calling)]

    def facts(self, kind: type) -> list[Any]:
        return [fact for fact in self.stored.facts if isinstance(fact, kind)]


class AlarmTests(Case):
    """Triggers, ends, restarts."""

    def test_life(self) -> None:
        camera = self.cameras.by_id(1)
        (alarm,) = self.successResultOf(self.alarms.trigger([camera, camera], "motion", "zone 1"))
        self.assertEqual((alarm.camera_uid, alarm.recorded_from), (11, START - timedelta(seconds=5)))
        self.assertTrue(self.alarms.is_recorded(11))
        self.clock.advance(15)
        self.alarms.trigger([camera], "tcp")
        self.clock.advance(19.9)
        self.assertEqual(self.facts(AlarmEnded), [])
        self.clock.advance(0.2)
        (ended,) = self.facts(AlarmEnded)
        self.assertEqual((ended.alarm.id, ended.alarm.ended_at), (alarm.id, START + timedelta(seconds=35)))
        self.assertFalse(self.alarms.is_recorded(11))
        self.assertEqual([fact.begins for fact in self.facts(AlarmTriggered)], [True, False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_calendars_decide(self) -> None:
        """A camera whose alarms are not recorded has them all the same."""
        (alarm,) = self.successResultOf(self.alarms.trigger([self.cameras.by_id(2)], "tcp"))
        self.assertEqual((alarm.recorded_from, alarm.popup, alarm.mail), (None, True, False))
        self.assertFalse(self.alarms.is_recorded(12))

    def test_durable_first(self) -> None:
        self.stored.waiting = defer.Deferred()
        raised = self.alarms.trigger([self.cameras.by_id(1)], "tcp")
        self.assertNoResult(raised)
        self.stored.waiting.callback(None)
        self.assertEqual(len(self.successResultOf(raised)), 1)

    def test_future_is_now(self) -> None:
        (alarm,) = self.successResultOf(
            self.alarms.trigger([self.cameras.by_id(1)], "program", at=START + timedelta(days=1))
        )
        self.assertEqual(alarm.started_at, START)

    def test_restart(self) -> None:
        """An alarm whose time passed while the server was down ended when it should have; another goes on."""
        self.alarms.trigger([self.cameras.by_id(1)], "tcp")
        self.clock.advance(15)
        self.alarms.trigger([self.cameras.by_id(3)], "tcp")
        self.successResultOf(defer.ensureDeferred(self.alarms.stop()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(10)
        again = self.make()
        self.successResultOf(defer.ensureDeferred(again.start()))
        (ended,) = self.facts(AlarmEnded)
        self.assertEqual((ended.alarm.camera_uid, ended.alarm.ended_at), (11, START + timedelta(seconds=20)))
        self.assertTrue(again.is_recorded(13) and not again.is_recorded(11))
        self.clock.advance(10)
        self.assertEqual(len(self.facts(AlarmEnded)), 2)

    def test_acknowledged(self) -> None:
        (alarm,) = self.successResultOf(self.alarms.trigger([self.cameras.by_id(1)], "tcp"))
        seen = self.successResultOf(defer.ensureDeferred(self.alarms.acknowledge(alarm.id, "anna")))
        self.assertEqual(seen.acknowledged_by, "anna")
        again = self.successResultOf(defer.ensureDeferred(self.alarms.acknowledge(alarm.id, "boris")))
        self.assertEqual(again.acknowledged_by, "anna")
        self.assertEqual(len(self.facts(AlarmAcknowledged)), 1)
        self.failureResultOf(defer.ensureDeferred(self.alarms.acknowledge(5, "anna")), NotFound)


class ChannelTests(Case):
    """Which cameras a message is about."""

    def test_by_number(self) -> None:
        self.assertEqual(self.call(parse(b"alarm 1,3")), [1, 3])
        self.assertEqual(self.notes, [])

    def test_unknown_numbers(self) -> None:
        """The known ones apply, the rest is journaled with the sender's address."""
        self.assertEqual(self.call(parse(b"alarm 1,99,x")), [1])
        self.assertEqual(self.notes, [("control_ids", {"address": "10.9.9.9", "count": 1, "ids": "x, 99"})])

    def test_by_address(self) -> None:
        for peer, ids in (("10.0.0.1", [1]), ("10.0.0.2", [2]), ("::ffff:10.0.0.2", [2]), ("10.0.0.5", [5])):
            self.assertEqual(self.call(parse(b"alarm"), peer), ids)
        self.assertEqual(self.notes, [])

    def test_nobody_and_several_there(self) -> None:
        self.assertEqual(self.call(parse(b"alarm"), "10.0.0.77"), [])
        self.assertEqual(self.call(parse(b"alarm"), "10.0.0.3"), [])
        self.assertEqual([text for text, _ in self.notes], ["control_stranger", "control_ambiguous"])
        self.assertEqual(self.notes[1][1]["numbers"], "3, 4")
        self.assertEqual(self.stored.facts, [])

    def test_sender_too(self) -> None:
        channel = ControlChannel(
            self.alarms, self.cameras, self.senders, self.complaints, self.metrics, sender_too=True
        )
        call = from_parameters([("idlist", "3")])
        self.assertEqual(self.call(call, "10.0.0.1"), [3])
        self.assertEqual(self.call(call, "10.0.0.1", channel), [3, 1])
        self.assertEqual(self.call(call, "10.0.0.3", channel), [3])  # several there: only what was asked for
        self.assertEqual(self.notes, [])

    def test_what_is_kept_of_it(self) -> None:
        self.call(from_parameters([("idlist", "1"), ("Message", "the door")]), "10.0.0.9")
        (fact,) = self.facts(AlarmTriggered)
        trigger = fact.trigger
        self.assertEqual((trigger.cause, trigger.origin, trigger.message), ("tcp", "10.0.0.9", "the door"))

    def test_name_server_away(self) -> None:
        """What a name meant is remembered while nobody answers."""
        self.assertEqual(self.call(parse(b"alarm"), "10.0.0.5"), [5])
        self.names.clear()
        self.assertEqual(self.call(parse(b"alarm"), "10.0.0.5"), [5])
        self.clock.advance(1000)
        self.assertEqual(self.call(parse(b"alarm"), "10.0.0.5"), [5])
        self.names["yard.shop"] = ["10.0.0.6"]
        self.assertEqual(self.call(parse(b"alarm"), "10.0.0.6"), [5])


def test_hosts() -> None:
    for camera, host in (
        (Camera(1, 1, "a", address="10.0.0.1", url="rtsp://10.0.0.2/x"), "10.0.0.1"),
        (Camera(1, 1, "a", url="rtsp://user:pw@Yard.Shop:554/x"), "yard.shop"),
        (Camera(1, 1, "a", url="rtsp://[fe80::1]:554/x"), "fe80::1"),
        (Camera(1, 1, "a", url="rtsp://[broken"), ""),
        (Camera(1, 1, "a"), ""),
    ):
        assert host_of(camera) == host
