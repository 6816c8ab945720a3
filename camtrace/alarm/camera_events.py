"""What cameras tell of themselves by ONVIF becomes alarms: each camera that is set so is asked by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.alarm.asking import Asking
from camtrace.alarm.contacts import Watch
from camtrace.alarm.links import REASONS, LinkFailure
from camtrace.alarm.onvif import Message, Told, meaning
from camtrace.alarm.onvif_client import LASTS_SECONDS, LEAVE_SECONDS
from camtrace.alarm.ports import Cameras, Note, Raise, Secrets
from camtrace.alarm.senders import host_of
from camtrace.i18n import N_
from camtrace.metrics import Metrics
from camtrace.model import Camera, Contact, ContactsState, InputState, LinkState

LEAST_PULL_SECONDS = 0.2  # a camera that answers at once without having anything to tell is not asked more often
# what lasts is prolonged after half of what its alarm records, no more often and no less than that, and for so long at
# most without a word of the camera: the end of it may be lost
LEAST_SECONDS, MOST_SECONDS, LONGEST_SECONDS = 1.0, 5.0, 300.0
MOST_INPUTS, MOST_KEYS = 64, 500
_CONNECTION = ("address", "url", "http_port", "login", "password")


class Source(Protocol):
    """A camera's event service: `onvif_client.Camera`. All methods raise LinkFailure."""

    async def subscribe(self) -> None: ...
    async def pull(self) -> list[Message]: ...
    async def renew(self) -> None: ...
    async def unsubscribe(self) -> None: ...


Open = Callable[[str, str, str], Source]
"""Makes the source of a device service's address, login and password."""


class CameraEvents:
    """All cameras' events. `say` puts a sentence into the language of the site, for what is kept with alarms."""

    def __init__(
        self,
        cameras: Cameras,
        open_source: Open,
        raise_alarm: Raise,
        secrets: Secrets,
        note: Note,
        metrics: Metrics,
        reactor: Any,
        *,
        say: Callable[[str], str] = str,
        now: Callable[[], datetime] = clock.now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.cameras = cameras
        self.open_source = open_source
        self.raise_alarm = raise_alarm
        self.secrets = secrets
        self.note = note
        self.reactor = reactor
        self.say = say
        self.now = now
        self.chance = chance
        self._asked: dict[int, _Asked] = {}
        self._leaving: set[defer.Deferred[None]] = set()
        self._running = False
        metrics.gauge("camtrace_camera_events", self._figures)

    async def start(self) -> None:
        """Ask the cameras that are set so."""
        self._running = True
        self.refresh()

    async def stop(self) -> None:
        """Ask none any more; returns within 1 s."""
        self._running = False
        for uid in tuple(self._asked):
            self._leave(uid)
        await defer.DeferredList(list(self._leaving))

    def refresh(self) -> None:
        """Cameras were added, changed or deleted."""
        if not self._running:
            return
        wanted = {camera.uid: camera for camera in self.cameras.all() if camera.events.enabled}
        for uid, asked in tuple(self._asked.items()):
            if uid not in wanted or _differs(asked.camera, wanted[uid]):
                self._leave(uid)
        for uid, camera in wanted.items():
            if uid in self._asked:
                self._asked[uid].changed(camera)
            else:
                self._asked[uid] = _Asked(camera, self)
                self._asked[uid].start()

    def state(self, uid: int) -> ContactsState:
        """What the connection to the camera's events is worth, and what it said of its inputs."""
        asked = self._asked.get(uid)
        return asked.state() if asked is not None else ContactsState(LinkState("off", "off", self.now()))

    def _leave(self, uid: int) -> None:
        leaving = self._asked.pop(uid).stop()
        self._leaving.add(leaving)
        leaving.addBoth(lambda _: self._leaving.discard(leaving))

    def _figures(self) -> list[tuple[dict[str, str], float]]:
        states = [asked.link.status for asked in self._asked.values()]
        return [({"status": status}, states.count(status)) for status in ("active", "inactive")]


class _Asked:
    """One camera."""

    log = Logger()

    def __init__(self, camera: Camera, around: CameraEvents) -> None:
        self.camera = camera
        self._around = around
        self._reactor = around.reactor
        device = f"the events of camera {camera.id}"
        self._asking = Asking(
            device, self._ask, self, around.reactor, around.now, around.chance, over=self._forget_the_source
        )
        self._source: Source | None = None
        self._inputs: dict[str, Watch] = {}
        self._lasting: dict[str, Any] = {}  # what is under way, by key: the call that prolongs its alarm
        self._until: dict[str, float] = {}  # of what is under way: until when it counts without a word
        self._raised: dict[str, float] = {}  # of what has no state: when it was last told

    # ── life ──

    def start(self) -> None:
        self._asking.start()

    def stop(self) -> defer.Deferred[None]:
        """Fires when the camera was told, or did not hear it."""
        self._asking.stop()
        self._forget_what_lasts()
        leaving = defer.Deferred.fromCoroutine(self._unsubscribe())
        return leaving.addTimeout(LEAVE_SECONDS, self._reactor).addErrback(lambda _: None)

    def changed(self, camera: Camera) -> None:
        """The camera is set anew, its connection left as it is."""
        before = {contact.token: contact.normally for contact in self.camera.events.inputs}
        self.camera = camera
        for contact in camera.events.inputs:
            if before.get(contact.token, "open") != contact.normally:
                known = self._inputs.pop(contact.token, None)
                if known is not None and (closed := known.state().closed) is not None:
                    self._watch(contact.token).take(closed, self._reactor.seconds())

    def state(self) -> ContactsState:
        told = [watch.state(token) for token, watch in sorted(self._inputs.items())]
        if self.link.status != "active":
            told = [InputState(token=one.token) for one in told]
        return ContactsState(self.link, tuple(told))

    async def _ask(self) -> None:
        """Subscribe, and listen until that fails."""
        home = device_service(self.camera)
        if not home:
            raise LinkFailure("no_address")
        self._source = source = self._around.open_source(home, self.camera.login, self._password())
        await source.subscribe()
        self._asking.answers("subscribed")
        renewed, renews = self._reactor.seconds(), True
        while True:
            asked = self._reactor.seconds()
            messages = await source.pull()
            for message in messages:
                self._heard(message)
            if renews and self._reactor.seconds() - renewed >= LASTS_SECONDS / 2:
                renewed = self._reactor.seconds()
                renews = await self._renew(source)
            if self._reactor.seconds() - asked < LEAST_PULL_SECONDS:
                await task.deferLater(self._reactor, LEAST_PULL_SECONDS)

    async def _renew(self, source: Source) -> bool:
        """False for a camera that does not know how: it prolongs by itself, or is subscribed to again."""
        try:
            await source.renew()
        except LinkFailure as failure:
            if failure.kind != "fault":
                raise
            return False
        return True

    async def _unsubscribe(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            await source.unsubscribe()

    def _password(self) -> str:
        try:
            return self._around.secrets.unseal(self.camera.password)
        except ValueError:  # the camera will refuse it, which says what to do: enter it again
            return ""

    # ── what it says ──

    def _heard(self, message: Message) -> None:
        told = meaning(message)
        if told is None:
            return
        if told.cause == "input":
            self._heard_input(told)
        elif told.gone or told.active is False:
            self._end(told.key)
        elif not self._wants(told.cause):
            return
        elif told.active is None:
            self._happened(told)
        else:
            self._lasts(told)

    def _wants(self, cause: str) -> bool:
        events = self.camera.events
        return {"camera_motion": events.motion, "audio": events.audio, "tampering": events.tampering}[cause]

    def _heard_input(self, told: Told) -> None:
        known = told.token in self._inputs
        if told.active is None or told.gone or not (known or len(self._inputs) < MOST_INPUTS):
            return
        left = self._watch(told.token).take(told.active, self._reactor.seconds(), changed=not told.initial)
        contact = self._contact(told.token)
        if not left or contact is None or not contact.enabled:
            return
        own = [self.camera.uid] if not contact.cameras else contact.cameras
        cameras = [camera for camera in map(self._around.cameras.by_uid, own) if camera is not None]
        values = {"name": contact.name, "number": self.camera.id, "token": contact.token}
        sentence = (
            N_("{name} (camera {number}, input {token})") if contact.name else N_("camera {number}, input {token}")
        )
        message = self._around.say(N_("closed") if told.active else N_("opened"))
        self._raise(cameras, "input", self._around.say(sentence).format_map(values), message)

    def _watch(self, token: str) -> Watch:
        if token not in self._inputs:
            contact = self._contact(token)
            self._inputs[token] = Watch(contact.normally if contact is not None else "open")
        return self._inputs[token]

    def _contact(self, token: str) -> Contact | None:
        return next((contact for contact in self.camera.events.inputs if contact.token == token), None)

    def _happened(self, told: Told) -> None:
        now = self._reactor.seconds()
        if told.initial or now - self._raised.get(told.key, float("-inf")) < LEAST_SECONDS:
            return
        if len(self._raised) >= MOST_KEYS:
            self._raised.clear()
        self._raised[told.key] = now
        self._raise([self.camera], told.cause, host_of(self.camera), told.rule)

    def _lasts(self, told: Told) -> None:
        self._until[told.key] = self._reactor.seconds() + LONGEST_SECONDS
        if told.key not in self._lasting and len(self._lasting) < MOST_KEYS:
            self._prolong(told)

    def _prolong(self, told: Told) -> None:
        if self._reactor.seconds() >= self._until[told.key] or not self._wants(told.cause):
            self._end(told.key)
            return
        interval = min(max(self.camera.alarm.post_seconds / 2, LEAST_SECONDS), MOST_SECONDS)
        self._lasting[told.key] = self._reactor.callLater(interval, self._prolong, told)
        self._raise([self.camera], told.cause, host_of(self.camera), told.rule)

    def _end(self, key: str) -> None:
        call = self._lasting.pop(key, None)
        self._until.pop(key, None)
        if call is not None and call.active():
            call.cancel()

    def _forget_what_lasts(self) -> None:
        for key in tuple(self._lasting):
            self._end(key)

    def _raise(self, cameras: Iterable[Camera], cause: str, origin: str, message: str) -> None:
        raised = self._around.raise_alarm(cameras, cause, origin, message, self._around.now())
        raised.addErrback(
            lambda failure: self.log.failure("an event of camera {number} was lost", failure, number=self.camera.id)
        )

    # ── what the connection is worth ──

    @property
    def link(self) -> LinkState:
        return self._asking.link

    def back(self) -> None:
        self._tell("camera_events_back")

    def lost(self, failure: LinkFailure) -> None:
        self._tell("camera_events_lost", why=REASONS[failure.kind], detail=failure.detail)

    def _forget_the_source(self) -> None:
        self._source = None
        self._forget_what_lasts()

    def _tell(self, text: str, **values: str) -> None:
        named = {"number": self.camera.id, "name": self.camera.name, **values}
        self._around.note("camera", text, named, camera_uid=self.camera.uid)


def device_service(camera: Camera) -> str:
    """The address of a camera's ONVIF device service (Core Specification, section 5.1.1); "" without its host."""
    host = host_of(camera)
    if not host:
        return ""
    return f"http://{f'[{host}]' if ':' in host else host}:{camera.http_port}/onvif/device_service"


def _differs(former: Camera, camera: Camera) -> bool:
    return any(getattr(former, name) != getattr(camera, name) for name in _CONNECTION)
