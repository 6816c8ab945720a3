"""Cameras' events by ONVIF: what raises alarms, on a clock of our own; then over HTTP with a camera that misbehaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet
from support import onvif_answers as answers
from support.onvif_camera import LOGIN, PASSWORD, OnvifCamera
from twisted.internet import defer, reactor, task
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web import server

from camtrace.alarm import onvif_client
from camtrace.alarm.camera_events import LONGEST_SECONDS, CameraEvents, device_service
from camtrace.alarm.links import LinkFailure
from camtrace.alarm.onvif import Message
from camtrace.alarm.onvif_client import HttpPost
from camtrace.metrics import Metrics
from camtrace.model import Alarm, AlarmRecording, Camera, Contact
from camtrace.model import CameraEvents as Events
from camtrace.vault import Vault

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VAULT = Vault(Fernet.generate_key())
INPUTS = (Contact("Back door", token="DI_1"), Contact("", "closed", (12,), token="DI_2"))
DOOR = Camera(
    uid=11,
    id=1,
    name="Door",
    address="192.168.10.21",
    login=LOGIN,
    password=VAULT.seal(PASSWORD),
    alarm=AlarmRecording(post_seconds=20),
    events=Events(enabled=True, inputs=INPUTS),
)
YARD = Camera(uid=12, id=2, name="Yard", url="rtsp://10.0.0.2/main")
MOTION = "RuleEngine/CellMotionDetector/Motion"
CROSSED = "RuleEngine/LineDetector/Crossed"
INPUT = "Device/Trigger/DigitalInput"


def motion(state: bool | None, operation: str = "Changed", rule: str = "Till") -> Message:
    data = {} if state is None else {"IsMotion": str(state).lower()}
    return Message(MOTION, operation, {"Rule": rule}, data)


def input_is(token: str, closed: bool, operation: str = "Changed") -> Message:
    return Message(INPUT, operation, {"InputToken": token}, {"LogicalState": str(closed).lower()})


class Known:
    def __init__(self, *cameras: Camera) -> None:
        self.cameras = list(cameras)

    def all(self) -> list[Camera]:
        return self.cameras

    def by_id(self, id: int) -> Camera | None:
        return next((camera for camera in self.cameras if camera.id == id), None)

    def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self.cameras if camera.uid == uid), None)


class Scripted:
    """A source that a test plays: what it was asked, and the pull that waits."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, str, str]] = []
        self.asked: list[str] = []
        self.failure: LinkFailure | None = None
        self.renewing: LinkFailure | None = None
        self.pulling: defer.Deferred[list[Message]] | None = None

    def open(self, home: str, login: str, password: str) -> Scripted:
        self.opened.append((home, login, password))
        return self

    async def subscribe(self) -> None:
        self.asked.append("subscribe")
        if self.failure:
            raise self.failure

    async def pull(self) -> list[Message]:
        self.asked.append("pull")
        self.pulling = defer.Deferred()
        return await self.pulling

    async def renew(self) -> None:
        self.asked.append("renew")
        if self.renewing:
            raise self.renewing

    async def unsubscribe(self) -> None:
        self.asked.append("unsubscribe")

    def tell(self, *messages: Message) -> None:
        assert self.pulling is not None
        pulling, self.pulling = self.pulling, None
        pulling.callback(list(messages))

    def fail(self, kind: str) -> None:
        assert self.pulling is not None
        pulling, self.pulling = self.pulling, None
        pulling.errback(LinkFailure(kind))


class EventCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = task.Clock()
        self.known = Known(DOOR, YARD)
        self.source = Scripted()
        self.raised: list[tuple[list[int], str, str, str]] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.failing = False
        self.events = CameraEvents(
            self.known,
            self.source.open,
            self.raise_alarm,
            VAULT,
            lambda kind, text, values, camera_uid=None: self.notes.append((text, dict(values))),
            Metrics(),
            self.clock,
            now=lambda: NOON + timedelta(seconds=self.clock.seconds()),
            chance=lambda: 0.5,
        )
        self.successResultOf(defer.ensureDeferred(self.events.start()))

    def raise_alarm(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]:
        self.raised.append(([camera.id for camera in cameras], cause, origin, message))
        return defer.fail(ValueError("refused")) if self.failing else defer.succeed([])

    def tell(self, *messages: Message) -> None:
        self.source.tell(*messages)
        self.clock.advance(1)

    def change(self, **settings: Any) -> None:
        door = self.known.cameras[0]
        self.known.cameras[0] = replace(door, events=replace(door.events, **settings))
        self.events.refresh()

    # ── what raises alarms ──

    def test_it_asks_with_the_cameras_own_login(self) -> None:
        self.assertEqual(self.source.opened, [("http://192.168.10.21:80/onvif/device_service", LOGIN, PASSWORD)])
        self.assertEqual(self.events.state(11).link.code, "subscribed")
        self.assertEqual(self.events.state(12).link.code, "off")

    def test_motion_alarms_and_is_prolonged_while_it_lasts(self) -> None:
        self.tell(motion(True))
        self.assertEqual(self.raised, [([1], "camera_motion", "192.168.10.21", "Till")])
        self.clock.pump([1] * 9)
        self.assertEqual(len(self.raised), 3)
        self.tell(motion(False))
        self.clock.pump([1] * 20)
        self.assertEqual(len(self.raised), 3)

    def test_motion_without_an_end_is_not_prolonged_for_ever(self) -> None:
        self.tell(motion(True))
        self.clock.pump([1] * 1000)
        self.assertEqual(len(self.raised), LONGEST_SECONDS / 5)
        self.assertLess(len(self.clock.getDelayedCalls()), 2)

    def test_what_it_begins_with(self) -> None:
        self.tell(motion(False, "Initialized"), motion(True, "Initialized", "Yard"))
        self.assertEqual([message for *_, message in self.raised], ["Yard"])

    def test_what_is_gone_ends(self) -> None:
        self.tell(motion(True))
        self.tell(motion(None, "Deleted"))
        self.clock.pump([1] * 20)
        self.assertEqual(len(self.raised), 1)

    def test_what_merely_happens_alarms_once_a_second(self) -> None:
        crossed = Message(CROSSED, "", {"Rule": "Gate"}, {"ObjectId": "7"})
        self.tell(crossed, crossed)
        self.tell(crossed, Message(CROSSED, "Initialized", {"Rule": "Gate"}, {}))
        self.assertEqual([message for *_, message in self.raised], ["Gate", "Gate"])

    def test_only_what_is_wanted_alarms(self) -> None:
        sound = Message("AudioAnalytics/Audio/DetectedSound", "Changed", {}, {"IsSoundDetected": "true"})
        cover = Message("RuleEngine/TamperDetector/Tamper", "Changed", {}, {"IsTamper": "true"})
        self.tell(sound, cover)
        self.assertEqual([cause for _, cause, *_ in self.raised], ["tampering"])
        self.change(audio=True, tampering=False, motion=False)
        self.tell(sound, motion(True))
        self.clock.pump([1] * 10)
        self.assertEqual({cause for _, cause, *_ in self.raised[1:]}, {"audio"})
        self.assertEqual(len(self.source.opened), 1)  # the choice needs no other subscription

    def test_inputs_alarm_their_cameras(self) -> None:
        self.tell(input_is("DI_1", False, "Initialized"), input_is("DI_2", True, "Initialized"), input_is("DI_3", True))
        self.assertEqual(self.raised, [])
        self.tell(input_is("DI_1", True), input_is("DI_2", False))
        told = [([1], "input", "Back door (camera 1, input DI_1)", "closed")]
        self.assertEqual(self.raised, [*told, ([2], "input", "camera 1, input DI_2", "opened")])
        seen = [(one.token, one.closed, one.away) for one in self.events.state(11).inputs]
        self.assertEqual(seen, [("DI_1", True, True), ("DI_2", False, True), ("DI_3", True, True)])

    def test_an_input_that_changes_first_thing_alarms(self) -> None:
        self.tell(input_is("DI_1", True))
        self.assertEqual(len(self.raised), 1)

    def test_an_input_open_from_the_beginning_alarms_nobody(self) -> None:
        self.tell(input_is("DI_1", True, "Initialized"))
        self.assertEqual(self.raised, [])

    def test_what_an_input_did_while_the_camera_was_lost_counts(self) -> None:
        self.tell(input_is("DI_1", False, "Initialized"))
        self.source.fail("ended")
        self.clock.pump([1] * 3)
        self.tell(input_is("DI_1", True, "Initialized"))
        self.assertEqual(len(self.raised), 1)

    def test_another_resting_state_is_no_change(self) -> None:
        self.tell(input_is("DI_1", True, "Initialized"))
        self.change(inputs=(replace(INPUTS[0], normally="closed"),))
        self.assertEqual(self.events.state(11).inputs[0].away, False)
        self.tell(input_is("DI_1", False))
        self.assertEqual(len(self.raised), 1)

    def test_an_alarm_that_is_lost_stops_nothing(self) -> None:
        self.failing = True
        self.tell(motion(True))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.events.state(11).link.code, "subscribed")

    # ── the connection ──

    def test_it_renews_once_a_minute(self) -> None:
        for _ in range(13):
            self.clock.advance(10)
            self.tell()
        self.assertEqual(self.source.asked.count("renew"), 2)

    def test_a_camera_that_cannot_renew_is_left_alone(self) -> None:
        self.source.renewing = LinkFailure("fault", "no")
        for _ in range(20):
            self.clock.advance(10)
            self.tell()
        self.assertEqual((self.source.asked.count("renew"), self.source.asked.count("subscribe")), (1, 1))

    def test_a_subscription_that_is_lost_is_made_anew(self) -> None:
        self.source.fail("fault")
        self.assertEqual(self.events.state(11).link.code, "fault")
        self.clock.pump([0.5] * 4)
        self.assertEqual(self.source.asked.count("subscribe"), 2)
        self.assertEqual(self.events.state(11).link.code, "subscribed")
        self.assertEqual([text for text, _ in self.notes], ["camera_events_lost", "camera_events_back"])
        self.assertEqual(self.notes[0][1]["name"], "Door")

    def test_it_is_tried_more_and_more_seldom(self) -> None:
        self.source.failure = LinkFailure("unauthorized")
        self.source.fail("ended")
        self.clock.pump([1] * 130)
        self.assertIn(self.source.asked.count("subscribe"), range(7, 10))
        self.assertEqual([values["why"] for _, values in self.notes][-1], self.words("unauthorized"))

    @staticmethod
    def words(code: str) -> str:
        return LinkFailure(code).text

    def test_a_camera_that_answers_at_once_is_not_asked_without_end(self) -> None:
        before = self.source.asked.count("pull")
        for _ in range(20):
            if self.source.pulling is not None:
                self.source.tell()
            self.clock.advance(0.05)
        self.assertLess(self.source.asked.count("pull") - before, 7)

    def test_another_login_is_another_connection(self) -> None:
        self.known.cameras[0] = replace(DOOR, login="other")
        self.events.refresh()
        self.assertEqual([login for _, login, _ in self.source.opened], [LOGIN, "other"])
        self.assertIn("unsubscribe", self.source.asked)

    def test_switched_off_it_is_unsubscribed(self) -> None:
        self.tell(motion(True))
        self.change(enabled=False)
        self.assertEqual((self.source.asked[-1], self.clock.getDelayedCalls()), ("unsubscribe", []))
        self.assertEqual(self.events.state(11).link.status, "off")

    def test_stop(self) -> None:
        self.tell(motion(True))
        self.successResultOf(defer.ensureDeferred(self.events.stop()))
        self.assertEqual((self.source.asked[-1], self.clock.getDelayedCalls()), ("unsubscribe", []))
        self.events.refresh()
        self.assertEqual(len(self.source.opened), 1)

    def test_a_camera_without_an_address(self) -> None:
        self.known.cameras[0] = replace(DOOR, address="", url="")
        self.events.refresh()
        self.assertEqual(self.events.state(11).link.code, "no_address")

    def test_addresses_of_the_device_service(self) -> None:
        self.assertEqual(device_service(YARD), "http://10.0.0.2:80/onvif/device_service")
        six = replace(DOOR, address="fd00::1", http_port=8080)
        self.assertEqual(device_service(six), "http://[fd00::1]:8080/onvif/device_service")


class OverHttpCase(TestCase):
    """The whole way, to a camera on this machine."""

    timeout = 120

    def setUp(self) -> None:
        self.camera = OnvifCamera()
        self.port = reactor.listenTCP(0, server.Site(self.camera), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(self._close)
        self.raised: list[str] = []
        self.known = Known(replace(DOOR, address="127.0.0.1", http_port=self.port.getHost().port))
        self.http = HttpPost(reactor)
        self.events = CameraEvents(
            self.known,
            lambda home, login, password: onvif_client.Camera(self.http, home, login, password),
            self.raise_alarm,
            VAULT,
            lambda kind, text, values, camera_uid=None: None,
            Metrics(),
            reactor,
            chance=lambda: 0.0,
        )

    async def _closed(self) -> None:
        await self.events.stop()
        self.camera.hang_up()
        await defer.maybeDeferred(self.port.stopListening)
        await task.deferLater(reactor, 0, lambda: None)

    def _close(self) -> defer.Deferred[None]:
        return defer.Deferred.fromCoroutine(self._closed())

    def raise_alarm(self, cameras: Any, cause: str, origin: str = "", message: str = "", at: Any = None) -> Any:
        self.raised.append(cause)
        return defer.succeed([])

    async def until(self, code: str) -> None:
        while self.events.state(11).link.code != code:
            await task.deferLater(reactor, 0.01, lambda: None)

    async def walk(self) -> None:
        """Somebody walks before the camera, and that is known."""
        await self.camera.pulled()
        before = len(self.raised)
        self.camera.tell(
            answers.notification(f"tns1:{MOTION}", "Changed", "Rule=Till", "IsMotion=true"),
            answers.notification(f"tns1:{MOTION}", "Changed", "Rule=Till", "IsMotion=false"),
        )
        await self.camera.pulled()
        self.assertEqual(self.raised[before:], ["camera_motion"])

    def run_with(self, work: Any, **attributes: Any) -> defer.Deferred[None]:
        for name, value in attributes.items():
            setattr(self.camera, name, value)

        async def whole() -> None:
            await self.events.start()
            await work()

        return defer.Deferred.fromCoroutine(whole())

    def test_the_whole_way(self) -> defer.Deferred[None]:
        async def work() -> None:
            await self.walk()
            first = ["GetSystemDateAndTime", "GetServices", "CreatePullPointSubscription", "PullMessages"]
            self.assertEqual(self.camera.asked[:4], first)
            self.camera.forget()
            await self.until("fault")
            await self.walk()  # it is subscribed to again
            self.camera.hang_up()
            await self.until("ended")
            await self.walk()
            began = reactor.seconds()  # type: ignore[attr-defined]
            await self.events.stop()
            self.assertLess(reactor.seconds() - began, 1)  # type: ignore[attr-defined]
            self.assertEqual((self.camera.lives, self.camera.asked[-1]), (False, "Unsubscribe"))

        return self.run_with(work)

    def test_a_clock_an_hour_ahead_and_parameters(self) -> defer.Deferred[None]:
        return self.run_with(self.walk, ahead=timedelta(hours=1), parameters=True)

    def test_an_old_camera_with_http_digest_that_renews_nothing(self) -> defer.Deferred[None]:
        return self.run_with(self.walk, ahead=timedelta(days=-900), http_digest=True, old=True, renews=False)

    def fails_with(self, code: str, **attributes: Any) -> defer.Deferred[None]:
        async def work() -> None:
            await self.until(code)

        return self.run_with(work, **attributes)

    def test_another_password(self) -> defer.Deferred[None]:
        return self.fails_with("unauthorized", password="other")

    def test_another_password_by_http(self) -> defer.Deferred[None]:
        return self.fails_with("unauthorized", password="other", http_digest=True)

    def test_no_onvif(self) -> defer.Deferred[None]:
        return self.fails_with("no_onvif", instead={"GetSystemDateAndTime": (404, b"<html>Not found</html>")})

    def test_a_page(self) -> defer.Deferred[None]:
        return self.fails_with("no_onvif", instead={"GetSystemDateAndTime": (200, b"<html>Welcome</html>")})

    def test_no_events(self) -> defer.Deferred[None]:
        nothing = (200, answers.body("<a/>"))
        return self.fails_with("no_events", instead={"GetServices": nothing, "GetCapabilities": nothing})

    def test_an_answer_without_end(self) -> defer.Deferred[None]:
        endless = (200, b"x" * (onvif_client.LONGEST_ANSWER + 1))
        return self.fails_with("too_long", instead={"CreatePullPointSubscription": endless})

    def test_a_broken_one(self) -> defer.Deferred[None]:
        return self.fails_with(
            "broken", instead={"CreatePullPointSubscription": (200, answers.AXIS_SUBSCRIPTION[:300])}
        )

    def test_an_error_of_its_web_server(self) -> defer.Deferred[None]:
        return self.fails_with("status", instead={"GetServices": (503, b"busy")})

    def test_nobody_there(self) -> defer.Deferred[None]:
        async def work() -> None:
            await self.port.stopListening()
            self.camera.hang_up()
            await self.until("refused")

        self.known.cameras[0] = replace(self.known.cameras[0], http_port=self.port.getHost().port)
        return self.run_with(work)

    def test_silence(self) -> defer.Deferred[None]:
        """A camera that takes a question and says nothing is given up in time."""
        self.patch(onvif_client, "ANSWER_SECONDS", 0.1)
        self.patch(onvif_client, "PULL_SECONDS", 0.1)
        return self.fails_with("timeout")
