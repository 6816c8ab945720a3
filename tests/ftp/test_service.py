"""What arrivals mean, on fakes."""

from __future__ import annotations

from datetime import UTC, datetime

from support.ftp import World, jpeg
from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from camtrace.ftp import service
from camtrace.ftp.messages import Arrival, Fault
from camtrace.ftp.names import which
from camtrace.ftp.service import REASONS
from camtrace.model import Camera
from camtrace.notes import TEXTS

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
PICTURE = jpeg()


def arrival(name: str = "image1.jpg", picture: bytes = PICTURE) -> Arrival:
    return Arrival("10.0.0.5", name, AT, len(picture), picture)


class FtpReceiverTests(SynchronousTestCase):
    """Arrivals in, alarms out."""

    def setUp(self) -> None:
        self.world = World()
        self.receiver = self.world.receiver()

    def test_an_alarm_with_its_picture(self) -> None:
        """At the instant at which the file came; the picture is handed on for the mail."""
        self.receiver.received([arrival()])
        self.assertEqual(self.world.raised, [(1, "10.0.0.5", "image1.jpg")])
        self.assertEqual(self.world.instants, [AT])
        self.assertEqual(self.world.pictures, [(101, PICTURE)])
        value = self.world.metrics.value
        self.assertEqual((value("camtrace_ftp_uploads_total"), value("camtrace_ftp_pictures_total")), (1, 1))
        self.assertEqual(value("camtrace_ftp_bytes_total"), len(PICTURE))

    def test_without_a_picture(self) -> None:
        """What is no whole picture is an alarm all the same."""
        self.receiver.received([arrival(picture=b"")])
        self.assertEqual((len(self.world.raised), self.world.pictures), (1, []))
        self.assertEqual(self.world.metrics.value("camtrace_ftp_pictures_total"), 0)

    def test_two_cameras_at_one_address(self) -> None:
        """The name tells them apart; without one, what to set is told once, with how often it was."""
        self.world.cameras = [Camera(uid=5, id=1, name="a"), Camera(uid=6, id=2, name="b", channel=2)]
        self.receiver.received([arrival("image2_1.jpg"), arrival("alarm.jpg"), arrival("alarm.jpg")])
        self.assertEqual(self.world.raised, [(2, "10.0.0.5", "image2_1.jpg")])
        values = {"address": "10.0.0.5", "count": 1, "name": "alarm.jpg", "numbers": "1, 2"}
        self.assertEqual(self.world.notes, [("ftp_unnamed", values)])
        self.assertEqual(self.world.count("unnamed"), 2)
        self.receiver.received([arrival("image80.jpg")])
        self.assertEqual((self.world.notes[-1][0], self.world.count("ambiguous")), ("ftp_ambiguous", 1))

    def test_a_stranger(self) -> None:
        """An address where there is no camera raises nothing, and is told."""
        self.world.cameras = []
        self.receiver.received([arrival()])
        self.assertEqual((self.world.raised, self.world.notes[0][0]), ([], "ftp_stranger"))

    def test_a_crowd(self) -> None:
        """Triggers that are not durable yet are waited for; too many pictures of them are not kept."""
        waiting: list[defer.Deferred[None]] = []

        def durable() -> defer.Deferred[None]:
            waiting.append(defer.Deferred())
            return waiting[-1]

        self.world.durable = durable
        self.patch(service, "CROWD", 3)
        self.patch(service, "PICTURE_BYTES", 2 * len(PICTURE))
        self.receiver.received([arrival(), arrival()])
        self.assertFalse(self.receiver.is_crowded)
        self.receiver.received([arrival()])
        self.assertTrue(self.receiver.is_crowded)
        self.assertEqual(self.world.count("memory"), 1)
        settled = defer.Deferred.fromCoroutine(self.receiver.settled())
        for one in waiting:
            self.assertNoResult(settled)
            one.callback(None)
        self.successResultOf(settled)
        self.assertEqual((len(self.world.raised), len(self.world.pictures)), (3, 2))
        self.assertFalse(self.receiver.is_crowded)
        self.receiver.received([arrival()])
        waiting[-1].callback(None)
        self.assertEqual(len(self.world.pictures), 3)

    def test_a_fault_of_ours(self) -> None:
        """One that cannot be raised is logged, and the next one is."""
        self.world.durable = lambda: defer.fail(ZeroDivisionError())
        self.receiver.received([arrival()])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.world.durable = lambda: defer.succeed(None)
        self.receiver.received([arrival()])
        self.assertEqual(len(self.world.pictures), 1)

    def test_faults(self) -> None:
        """Each is counted; those that somebody can mend are in the journal, in words."""
        for code in REASONS:
            self.receiver.complain([Fault("10.0.0.6", code, "detail")])
            self.assertEqual(self.world.count(code), 1)
        told = {text for text, _ in self.world.notes}
        self.assertEqual(told, {f"ftp_{code}" for code, words in REASONS.items() if words})
        for _, values in self.world.notes:
            self.assertEqual(values["address"], "10.0.0.6")

    def test_every_sentence(self) -> None:
        """All that is told can be read, with the values that it gets."""
        codes = [code for code, words in REASONS.items() if words]
        values = {"address": "a", "count": 1, "detail": "d", "name": "n", "numbers": "1, 2"}
        for code in [*codes, "stranger", "unnamed", "ambiguous"]:
            TEXTS[f"ftp_{code}"].format_map(values)

    def test_reasons_of_names(self) -> None:
        """What names.py says is counted under that name."""
        self.assertEqual(which("", []), (None, "stranger"))
        self.assertIn('reason="stranger"} 0', self.world.metrics.text())
