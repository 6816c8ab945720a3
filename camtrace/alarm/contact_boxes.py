"""Contact boxes: each asked for its inputs by itself, so that one that does not answer delays no other."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.alarm.asking import Asking
from camtrace.alarm.contacts import Watch
from camtrace.alarm.links import REASONS, LinkFailure
from camtrace.alarm.ports import Cameras, ContactRows, Inputs, Note, Raise
from camtrace.errors import DatabaseUnavailable
from camtrace.i18n import N_
from camtrace.metrics import Metrics
from camtrace.model import Camera, ContactBox, ContactsState, InputState, LinkState

CAUSE = "contact"
RETRY_SECONDS = 5.0
Connect = Callable[[ContactBox], Awaitable[Inputs]]


class ContactBoxes:
    """All boxes. `say` puts a sentence into the language of the site, for what is kept with alarms."""

    log = Logger()

    def __init__(
        self,
        rows: ContactRows,
        cameras: Cameras,
        connect: Connect,
        raise_alarm: Raise,
        note: Note,
        metrics: Metrics,
        reactor: Any,
        *,
        say: Callable[[str], str] = str,
        now: Callable[[], datetime] = clock.now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._rows = rows
        self._cameras = cameras
        self._connect = connect
        self._raise = raise_alarm
        self._note = note
        self._reactor = reactor
        self._say = say
        self._now = now
        self._chance = chance
        self._boxes: dict[int, _Box] = {}
        self._turn = defer.DeferredLock()
        self._again: Any = None
        self._running = False
        metrics.gauge("camtrace_contact_boxes", self._figures)

    # ── life ──

    async def start(self) -> None:
        """Ask every box from now on. Raises DatabaseUnavailable."""
        self._running = True
        await self.load()

    async def stop(self) -> None:
        """Ask none any more; connections end at once."""
        self._running = False
        if self._again is not None and self._again.active():
            self._again.cancel()
        for id in tuple(self._boxes):
            self._boxes.pop(id).stop()

    async def load(self) -> None:
        """Bring the boxes up to the database. Raises DatabaseUnavailable."""
        await self._turn.acquire()
        try:
            wanted = {box.id: box for box in await self._rows.all()} if self._running else {}
            if not self._running:
                return
            for id in tuple(self._boxes):
                if id not in wanted or wanted[id] != self._boxes[id].box:
                    former = self._boxes.pop(id)
                    former.stop()
                    if id in wanted:
                        self._begin(wanted[id], former)
            for id, box in wanted.items():
                if id not in self._boxes:
                    self._begin(box, None)
        finally:
            self._turn.release()

    async def changed(self) -> None:
        """Somebody changed a box; the database is asked until it answers."""
        try:
            await self.load()
        except DatabaseUnavailable:
            if self._running and (self._again is None or not self._again.active()):
                self._again = self._reactor.callLater(RETRY_SECONDS, lambda: defer.ensureDeferred(self.changed()))

    # ── what there is ──

    def all(self) -> list[ContactBox]:
        """Every box, by name."""
        return sorted((one.box for one in self._boxes.values()), key=lambda box: (box.name, box.id))

    def by_id(self, id: int) -> ContactBox | None:
        """The box of this id."""
        one = self._boxes.get(id)
        return one.box if one is not None else None

    def state(self, id: int) -> ContactsState:
        """What the box's connection is worth, and its inputs as they were last found."""
        one = self._boxes.get(id)
        return one.state() if one is not None else ContactsState(LinkState("off", "off", self._now()))

    def _figures(self) -> list[tuple[dict[str, str], float]]:
        states = [one.link.status for one in self._boxes.values()]
        return [({"status": status}, states.count(status)) for status in ("active", "inactive", "off")]

    # ── inside ──

    def _begin(self, box: ContactBox, former: _Box | None) -> None:
        self._boxes[box.id] = one = _Box(box, self)
        if former is not None:
            one.take_over(former)
        if box.enabled:
            one.start()

    def left(self, box: ContactBox, place: int, closed: bool) -> None:
        """An input of `box` has left its resting state."""
        contact = box.contacts[place]
        cameras = [camera for camera in map(self._cameras.by_uid, contact.cameras) if camera is not None]
        values = {"name": contact.name, "box": box.name, "place": place + 1}
        sentence = N_("{name} (box {box}, input {place})") if contact.name else N_("box {box}, input {place}")
        origin = self._say(sentence).format_map(values)
        message = self._say(N_("closed") if closed else N_("opened"))
        self._alarm(cameras, origin, message)

    def _alarm(self, cameras: Sequence[Camera], origin: str, message: str) -> None:
        if not cameras:
            return
        raised = self._raise(cameras, CAUSE, origin, message, self._now())
        raised.addErrback(lambda failure: self.log.failure("the alarm of {origin} was lost", failure, origin=origin))


class _Box:
    """One box, as it is set."""

    def __init__(self, box: ContactBox, boxes: ContactBoxes) -> None:
        self.box = box
        self._boxes = boxes
        self._reactor = boxes._reactor
        self._watches = [Watch(contact.normally) for contact in box.contacts]
        device = f"the contact box {box.name}"
        self._asking = Asking(device, self._ask, self, boxes._reactor, boxes._now, boxes._chance, enabled=box.enabled)

    @property
    def link(self) -> LinkState:
        return self._asking.link

    def take_over(self, former: _Box) -> None:
        """What is known of inputs that are the same after a change of others, or of names."""
        same = ("host", "port", "unit", "reads", "first")
        if any(getattr(self.box, name) != getattr(former.box, name) for name in same):
            return
        self._asking.tidings = former._asking.tidings
        pairs = zip(self.box.contacts, former.box.contacts, strict=False)
        for place, (contact, before) in enumerate(pairs):
            if contact.normally == before.normally:
                self._watches[place] = former._watches[place]

    def start(self) -> None:
        self._asking.start()

    def stop(self) -> None:
        self._asking.stop()

    def state(self) -> ContactsState:
        if self.link.status != "active":
            return ContactsState(self.link, tuple(InputState() for _ in self._watches))
        return ContactsState(self.link, tuple(watch.state() for watch in self._watches))

    async def _ask(self) -> None:
        """Ask the box until that fails."""
        link = await self._boxes._connect(self.box)
        try:
            while True:
                began = self._reactor.seconds()
                self._found(await link.read(self.box))
                pause = self.box.interval_ms / 1000 - (self._reactor.seconds() - began)
                await task.deferLater(self._reactor, max(0.0, pause))
        finally:
            link.close()

    def _found(self, closed: Sequence[bool]) -> None:
        self._asking.answers("answers")
        now = self._reactor.seconds()
        for place, (watch, is_closed) in enumerate(zip(self._watches, closed, strict=True)):
            if watch.take(is_closed, now) and self.box.contacts[place].enabled:
                self._boxes.left(self.box, place, is_closed)

    def back(self) -> None:
        self._tell("contact_box_back")

    def lost(self, failure: LinkFailure) -> None:
        self._tell("contact_box_lost", why=REASONS[failure.kind], detail=failure.detail)

    def _tell(self, text: str, **values: str) -> None:
        named = {"box": self.box.name, "host": self.box.host, "port": self.box.port, **values}
        self._boxes._note("system", text, named)
