"""Contact boxes: what their inputs raise, what is said of those that fail; on a clock of our own, then a real box."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.modbus_box import modbus_box
from twisted.internet import defer, protocol, reactor, task
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase, TestCase

from camtrace.alarm import modbus
from camtrace.alarm.contact_boxes import ContactBoxes
from camtrace.alarm.links import LinkFailure
from camtrace.errors import DatabaseUnavailable
from camtrace.metrics import Metrics
from camtrace.model import Alarm, Camera, Contact, ContactBox

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DOOR, YARD = Camera(uid=11, id=1, name="Door"), Camera(uid=12, id=2, name="Yard")
CAMIO = ContactBox(
    id=1,
    name="CamIO 1",
    host="10.0.0.50",
    contacts=(
        Contact("Back door", cameras=(11, 12)),
        Contact("Panic", "closed", (12,)),
        Contact(cameras=(11, 99)),
        Contact("Unused", cameras=(11,), enabled=False),
    ),
)
OTHER = ContactBox(id=2, name="CamIO 2", host="10.0.0.51", contacts=(Contact("Gate", cameras=(11,)),))


class Rows:
    def __init__(self, *boxes: ContactBox) -> None:
        self.boxes = list(boxes)
        self.away = False

    async def all(self) -> list[ContactBox]:
        if self.away:
            raise DatabaseUnavailable("away")
        return list(self.boxes)


class Known:
    def all(self) -> list[Camera]:
        return [DOOR, YARD]

    def by_id(self, id: int) -> Camera | None:
        return next((camera for camera in self.all() if camera.id == id), None)

    def by_uid(self, uid: int) -> Camera | None:
        return next((camera for camera in self.all() if camera.uid == uid), None)


class Wired:
    """A box: its inputs, why it fails, and how often it was connected to and asked."""

    def __init__(self, *closed: bool) -> None:
        self.closed = list(closed)
        self.failure: str = ""
        self.silent = False
        self.open = self.connected = self.asked = 0

    async def connect(self) -> Wired:
        if self.failure:
            raise LinkFailure(self.failure)
        self.connected += 1
        self.open += 1
        return self

    async def read(self, box: ContactBox) -> list[bool]:
        self.asked += 1
        if self.failure:
            raise LinkFailure(self.failure)
        if self.silent:
            await defer.Deferred()
        return list(self.closed)

    def close(self) -> None:
        self.open -= 1


class BoxCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = task.Clock()
        self.rows = Rows(CAMIO)
        self.wired = {"10.0.0.50": Wired(False, True, False, False), "10.0.0.51": Wired(False)}
        self.box = self.wired["10.0.0.50"]
        self.raised: list[tuple[list[int], str, str, str]] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.failing = False
        self.boxes = ContactBoxes(
            self.rows,
            Known(),
            lambda box: self.wired[box.host].connect(),
            self.raise_alarm,
            lambda kind, text, values, camera_uid=None: self.notes.append((text, dict(values))),
            Metrics(),
            self.clock,
            now=lambda: NOON + timedelta(seconds=self.clock.seconds()),
            chance=lambda: 0.5,
        )

    def raise_alarm(
        self, cameras: Iterable[Camera], cause: str, origin: str = "", message: str = "", at: datetime | None = None
    ) -> defer.Deferred[list[Alarm]]:
        self.raised.append(([camera.id for camera in cameras], cause, origin, message))
        return defer.fail(ValueError("refused")) if self.failing else defer.succeed([])

    def start(self) -> None:
        self.successResultOf(defer.ensureDeferred(self.boxes.start()))

    def load(self) -> None:
        self.successResultOf(defer.ensureDeferred(self.boxes.load()))

    def run_for(self, seconds: float) -> None:
        self.clock.pump([0.1] * round(seconds * 10))

    # ── alarms ──

    def test_an_input_that_leaves_its_state_alarms_its_cameras(self) -> None:
        self.start()
        self.run_for(1)
        self.assertEqual(self.raised, [])
        self.box.closed = [True, True, False, False]
        self.run_for(0.2)
        self.assertEqual(self.raised, [([1, 2], "contact", "Back door (box CamIO 1, input 1)", "closed")])
        self.run_for(5)
        self.assertEqual(len(self.raised), 1)
        self.box.closed = [True, False, True, True]
        self.run_for(0.2)
        told = [([2], "contact", "Panic (box CamIO 1, input 2)", "opened")]
        self.assertEqual(self.raised[1:], [*told, ([1], "contact", "box CamIO 1, input 3", "closed")])

    def test_it_is_asked_in_its_rhythm(self) -> None:
        self.start()
        self.run_for(2.05)
        self.assertIn(self.box.asked, (10, 11))

    def test_an_alarm_that_is_lost_stops_nothing(self) -> None:
        self.failing = True
        self.start()
        for closed in (True, False, True):
            self.box.closed[0] = closed
            self.run_for(1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
        self.assertEqual(len(self.raised), 2)

    def test_what_changed_while_it_was_lost_alarms_once_it_is_back(self) -> None:
        self.start()
        self.run_for(1)
        self.box.failure = "ended"
        self.run_for(1)
        self.box.failure, self.box.closed[0] = "", True
        self.run_for(5)
        self.assertEqual([origin for _, _, origin, _ in self.raised], ["Back door (box CamIO 1, input 1)"])

    # ── failures ──

    def test_lost_and_back_are_told_with_the_reason(self) -> None:
        self.start()
        self.run_for(1)
        self.assertEqual(self.boxes.state(1).link.status, "active")
        self.box.failure = "timeout"
        self.run_for(60)
        state = self.boxes.state(1)
        self.assertEqual((state.link.status, state.link.code), ("inactive", "timeout"))
        self.assertLess(state.link.since, NOON + timedelta(seconds=2))
        self.assertEqual([one.closed for one in state.inputs], [None] * 4)
        self.assertEqual([text for text, _ in self.notes], ["contact_box_lost"])
        self.assertEqual(self.notes[0][1]["why"], "does not answer")
        self.box.failure = ""
        self.run_for(60)
        self.assertEqual([text for text, _ in self.notes], ["contact_box_lost", "contact_box_back"])
        self.assertEqual([one.closed for one in self.boxes.state(1).inputs], [False, True, False, False])

    def test_it_is_tried_more_and_more_seldom(self) -> None:
        tried: list[float] = []
        self.box.connect = lambda: self._refuse(tried)  # type: ignore[method-assign]
        self.start()
        self.run_for(400)
        pauses = [round(after - before) for before, after in itertools.pairwise(tried)]
        self.assertEqual(pauses[:8], [1, 2, 4, 8, 16, 32, 60, 60])

    async def _refuse(self, tried: list[float]) -> Any:
        tried.append(self.clock.seconds())
        raise LinkFailure("refused")

    def test_a_bad_box_delays_no_other(self) -> None:
        self.rows.boxes.append(OTHER)
        self.box.silent = True
        self.start()
        self.run_for(1)
        self.wired["10.0.0.51"].closed = [True]
        self.run_for(0.2)
        self.assertEqual([origin for _, _, origin, _ in self.raised], ["Gate (box CamIO 2, input 1)"])

    def test_a_fault_of_ours_is_one_of_that_box(self) -> None:
        self.box.closed = [False]  # fewer than there are
        self.start()
        self.run_for(1)
        self.assertEqual(self.boxes.state(1).link.code, "internal")
        self.assertTrue(self.flushLoggedErrors(ValueError))
        self.box.closed = [False] * 4
        self.run_for(10)
        self.assertEqual(self.boxes.state(1).link.code, "answers")

    # ── settings ──

    def test_changes_act_at_once(self) -> None:
        self.start()
        self.run_for(1)
        self.rows.boxes = [replace(CAMIO, name="Yard", enabled=False)]
        self.load()
        self.assertEqual((self.boxes.state(1).link.status, self.box.open), ("off", 0))
        self.rows.boxes = [CAMIO, OTHER]
        self.load()
        self.run_for(1)
        self.assertEqual([box.name for box in self.boxes.all()], ["CamIO 1", "CamIO 2"])
        self.rows.boxes = []
        self.load()
        self.assertEqual((self.boxes.all(), self.box.open), ([], 0))
        self.assertIsNone(self.boxes.by_id(1))
        self.assertEqual(self.boxes.state(1).link.status, "off")

    def test_another_name_forgets_no_state(self) -> None:
        """A door that opens while somebody renames it is not missed."""
        self.start()
        self.run_for(1)
        self.rows.boxes = [replace(CAMIO, contacts=(replace(CAMIO.contacts[0], name="Rear"), *CAMIO.contacts[1:]))]
        self.box.closed[0] = True
        self.load()
        self.run_for(0.3)
        self.assertEqual([origin for _, _, origin, _ in self.raised], ["Rear (box CamIO 1, input 1)"])

    def test_another_host_is_another_box(self) -> None:
        self.start()
        self.run_for(1)
        self.wired["10.0.0.52"] = Wired(True, True, True, True)
        self.rows.boxes = [replace(CAMIO, host="10.0.0.52")]
        self.load()
        self.run_for(1)
        self.assertEqual(self.raised, [])

    def test_the_database_may_be_away(self) -> None:
        self.start()
        self.rows.away = True
        self.successResultOf(defer.ensureDeferred(self.boxes.changed()))
        self.rows.away, self.rows.boxes = False, [OTHER]
        self.run_for(6)
        self.assertEqual([box.id for box in self.boxes.all()], [2])

    def test_stop_leaves_nothing(self) -> None:
        self.rows.boxes = [CAMIO, OTHER]
        self.wired["10.0.0.51"].failure = "refused"
        self.start()
        self.run_for(3)
        self.successResultOf(defer.ensureDeferred(self.boxes.stop()))
        self.assertEqual((self.box.open, self.clock.getDelayedCalls()), (0, []))


class LinkCase(SynchronousTestCase):
    """The connection, on a transport of our own."""

    def setUp(self) -> None:
        self.clock = task.Clock()
        self.link = modbus.ModbusLink(self.clock)
        self.transport = StringTransport()
        self.link.makeConnection(self.transport)

    def ask(self, **changes: Any) -> defer.Deferred[list[bool]]:
        return defer.Deferred.fromCoroutine(self.link.read(replace(CAMIO, **changes)))

    def test_the_question(self) -> None:
        self.ask(unit=7, first=16)
        self.assertEqual(self.transport.value().hex(" "), "00 01 00 00 00 06 07 02 00 10 00 04")

    def test_coils(self) -> None:
        self.ask(reads="coils")
        self.assertEqual(self.transport.value()[7], 1)

    def test_the_answer_in_pieces_from_another_unit(self) -> None:
        asked = self.ask()
        for byte in bytes.fromhex("0001 0000 0004 ff 02 01 05"):
            self.link.dataReceived(bytes([byte]))
        self.assertEqual(self.successResultOf(asked), [True, False, True, False])

    def fails_with(self, answer: bytes) -> str:
        asked = self.ask()
        self.link.dataReceived(answer)
        return str(self.failureResultOf(asked, LinkFailure).value.kind)

    def test_an_exception(self) -> None:
        self.assertEqual(self.fails_with(bytes.fromhex("0001 0000 0003 01 82 02")), "no_input")

    def test_another_protocol(self) -> None:
        self.assertEqual(self.fails_with(b"HTTP/1.1 400 Bad Request\r\n"), "broken")

    def test_too_few_inputs(self) -> None:
        self.assertEqual(self.fails_with(bytes.fromhex("0001 0000 0003 01 02 00")), "broken")

    def test_the_answer_to_another_question_is_none(self) -> None:
        asked = self.ask()
        self.link.dataReceived(bytes.fromhex("0009 0000 0004 01 02 01 0f"))
        self.assertNoResult(asked)
        self.link.dataReceived(bytes.fromhex("0001 0000 0004 01 02 01 02"))
        self.assertEqual(self.successResultOf(asked), [False, True, False, False])

    def test_silence(self) -> None:
        asked = self.ask()
        self.clock.advance(modbus.ANSWER_SECONDS + 0.1)
        self.assertEqual(self.failureResultOf(asked, LinkFailure).value.kind, "timeout")
        self.assertTrue(self.transport.disconnected)

    def test_hanging_up(self) -> None:
        asked = self.ask()
        self.link.connectionLost(protocol.connectionDone)
        self.assertEqual(self.failureResultOf(asked, LinkFailure).value.kind, "ended")
        self.assertEqual(self.failureResultOf(self.ask(), LinkFailure).value.kind, "ended")

    @given(st.lists(st.binary(max_size=300), max_size=6))
    def test_whatever_comes(self, pieces: list[bytes]) -> None:
        """Any bytes end as inputs or as a failure in words, and nothing grows."""
        link = modbus.ModbusLink(self.clock)
        link.makeConnection(StringTransport())
        asked = defer.Deferred.fromCoroutine(link.read(CAMIO))
        for piece in pieces:
            link.dataReceived(piece)
        link.connectionLost(protocol.connectionDone)
        outcome: list[Any] = []
        asked.addBoth(outcome.append)
        found = outcome[0] if isinstance(outcome[0], list) else outcome[0].value
        self.assertTrue(isinstance(found, LinkFailure) or len(found) == 4)
        self.assertLessEqual(len(link._held), 2 * modbus.LONGEST_FRAME)


class RealBoxCase(TestCase):
    """A box of pymodbus' own server, in a process of its own."""

    timeout = 120

    def setUp(self) -> None:
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.box = stack.enter_context(modbus_box())
        self.waiters: list[tuple[Callable[[], object], defer.Deferred[None]]] = []
        self.raised: list[str] = []
        self.notes: list[str] = []
        self.rows = Rows(replace(CAMIO, host="127.0.0.1", port=self.box.port, interval_ms=50))
        self.boxes = ContactBoxes(
            self.rows,
            Known(),
            lambda box: modbus.connect(reactor, box),
            self.raise_alarm,
            lambda kind, text, values, camera_uid=None: self.notes.append(text),
            Metrics(),
            reactor,
            chance=lambda: 0.0,
        )

    def raise_alarm(self, cameras: Any, cause: str, origin: str = "", message: str = "", at: Any = None) -> Any:
        self.raised.append(origin)
        return defer.succeed([])

    async def until(self, is_so: Callable[[], object]) -> None:
        while not is_so():
            await task.deferLater(reactor, 0.01, lambda: None)

    async def status(self, code: str) -> None:
        await self.until(lambda: self.boxes.state(1).link.code == code)

    async def _live(self) -> None:
        self.box.set("inputs", 0, 1)
        await self.boxes.start()
        await self.status("answers")
        self.box.set("inputs", 1, 1)
        await self.until(lambda: self.raised)
        self.assertEqual(self.raised, ["Back door (box CamIO 1, input 1)"])
        self.assertEqual([one.closed for one in self.boxes.state(1).inputs], [True, True, False, False])
        self.rows.boxes = [replace(self.rows.boxes[0], first=300)]
        await self.boxes.load()
        await self.status("no_input")
        self.rows.boxes = [replace(self.rows.boxes[0], first=0, reads="coils")]
        await self.boxes.load()
        await self.status("answers")
        self.box.end()
        await self.status("refused")
        self.assertIn("contact_box_lost", self.notes)
        await self.boxes.stop()

    def test_a_real_box(self) -> defer.Deferred[None]:
        return defer.Deferred.fromCoroutine(self._live())
