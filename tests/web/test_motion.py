"""What moves, as server-sent events, over a fake transport with the real HTTP underneath."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from support.web import NOON, Browser, WebShop
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from camtrace import clock
from camtrace.model import RIGHTS, Box, MotionSettings, Moved, Point, Profile, Zone
from camtrace.web.api.motion import MOST_READERS
from camtrace.web.event_stream import HEARTBEAT_SECONDS

LEVEL = "/api/v1/cameras/1/motion/level"
TRIANGLE = [[0, 0], [1, 0], [0.5, 1]]


class Reader:
    """A page that reads the stream."""

    def __init__(self, shop: WebShop, path: str) -> None:
        self.wire = StringTransport()
        self.channel = shop.website.site().buildProtocol(None)
        self.channel.makeConnection(self.wire)
        head = f"GET {path} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {shop.token()}\r\n\r\n"
        self.channel.dataReceived(head.encode())

    def events(self) -> list[dict[str, Any]]:
        """What came since."""
        lines = self.wire.value().decode().splitlines()
        self.wire.clear()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]

    def leave(self) -> None:
        self.channel.connectionLost(Failure(ConnectionDone()))


def moved(number: int, motion: bool = True) -> Moved:
    box = Box(0.25, 0.5, 0.1, 0.2, 12.5)
    return Moved(101, clock.to_us(NOON) + number, 3.14159, (box,), motion, ("door",) if motion else ())


class LevelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.shop = WebShop(self.clock)

    def test_the_right_is_taken(self) -> None:
        """The stream ends at once with the right to it, and with the sight of its camera."""
        keeper = Profile(7, "keeper", frozenset(RIGHTS))
        for changed in (replace(keeper, rights=frozenset({"live"})), replace(keeper, cameras=frozenset({102}))):
            self.shop.people.known[7] = keeper
            self.shop.users.users["anna"] = replace(self.shop.users.users["anna"], profile=keeper)
            reader = Reader(self.shop, LEVEL)
            self.shop.motion.listeners[0][1](moved(1))
            self.assertEqual(len(reader.events()), 1)
            self.successResultOf(Deferred.fromCoroutine(self.shop.people.change_profile(changed)))
            self.assertEqual(self.shop.motion.listeners, [])

    def test_stream(self) -> None:
        """Each picture, with the camera's settings; it is over when the page leaves."""
        reader = Reader(self.shop, LEVEL)
        ((uid, tell, settings),) = self.shop.motion.listeners
        self.assertEqual((uid, settings), (101, MotionSettings()))
        self.assertIn(b"text/event-stream", reader.wire.value())
        tell(moved(0))
        tell(moved(1, motion=False))
        shown, still = reader.events()
        box = [0.25, 0.5, 0.1, 0.2, 12.5]
        self.assertEqual((shown["level"], shown["boxes"], shown["motion"]), (3.14, [box], True))
        self.assertEqual((shown["at"], shown["zones"]), (clock.iso(NOON), ["door"]))
        self.assertEqual((still["motion"], still["zones"]), (False, []))
        reader.leave()
        self.clock.advance(HEARTBEAT_SECONDS)
        self.assertEqual(self.shop.motion.listeners, [])

    def test_settings_to_be_tried(self) -> None:
        """They are checked as those of a camera are, and change nothing."""
        zones = [{"name": "door", "polygon": TRIANGLE}]
        Reader(self.shop, f"{LEVEL}?settings={quote(json.dumps({'sensitivity': 80, 'zones': zones}))}")
        ((_, _, settings),) = self.shop.motion.listeners
        triangle = (Point(0, 0), Point(1, 0), Point(0.5, 1))
        self.assertEqual(settings, MotionSettings(sensitivity=80, zones=(Zone("door", triangle),)))
        self.assertEqual(self.shop.cameras.by_id(1).motion, MotionSettings())
        anna = Browser(self.shop, token=self.shop.token())
        for wrong, field in (("{", "settings"), ("[]", "motion"), ('{"sensitivity":101}', "motion.sensitivity")):
            answer = anna.get(f"{LEVEL}?settings={quote(wrong)}")
            self.assertEqual((answer.code, answer.json["error"]["field"]), (400, field))

    def test_a_page_that_reads_slowly(self) -> None:
        """Only the newest picture waits for it."""
        reader = Reader(self.shop, LEVEL)
        ((_, tell, _),) = self.shop.motion.listeners
        reader.wire.producer.pauseProducing()
        for number in range(5):
            tell(moved(number))
        reader.events()
        reader.wire.producer.resumeProducing()
        self.assertLessEqual(len(reader.events()), 2)

    def test_who_may(self) -> None:
        boris = Browser(self.shop, token=self.shop.token("boris"))
        self.assertEqual(boris.get(LEVEL).code, 403)
        anna = Browser(self.shop, token=self.shop.token())
        for wrong in ("99", "x", "²", "9" * 5000):
            self.assertEqual(anna.get(LEVEL.replace("1/m", f"{quote(wrong)}/m")).code, 404)

    def test_not_too_many(self) -> None:
        for _ in range(MOST_READERS):
            Reader(self.shop, LEVEL)
        self.assertEqual(Browser(self.shop, token=self.shop.token()).get(LEVEL).code, 503)

    def test_the_server_stops(self) -> None:
        Reader(self.shop, LEVEL)
        self.shop.levels.stop()
        self.assertEqual(self.shop.motion.listeners, [])


class CameraTests(SynchronousTestCase):
    def test_round_trip(self) -> None:
        """What is set is shown; what is not sent stays; a camera sent back whole is unchanged."""
        shop = WebShop()
        anna = Browser(shop, token=shop.token())
        zones = [{"name": "door", "polygon": TRIANGLE, "exclude": True}]
        sent = {"enabled": True, "zones": zones, "minimum_seconds": 1}
        shown = anna.ask("PATCH", "/api/v1/cameras/1", json={"motion": sent}).json
        self.assertEqual(
            shown["motion"],
            {
                **sent,
                "sensitivity": MotionSettings().sensitivity,
                "object_size": MotionSettings().object_size,
                "history_seconds": MotionSettings().history_seconds,
            },
        )
        changed = anna.ask("PATCH", "/api/v1/cameras/1", json={"motion": {"sensitivity": 7}}).json
        self.assertEqual(changed["motion"], {**shown["motion"], "sensitivity": 7})
        self.assertEqual(anna.ask("PATCH", "/api/v1/cameras/1", json=changed).json, changed)
        self.assertNotIn("motion", Browser(shop, token=shop.token("boris")).get("/api/v1/cameras/1").json)
