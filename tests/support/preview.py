"""The pages on a site of fakes, in a process of its own: cameras that play clips, a till that sells.

`python tests/support/preview.py PORT` serves it alone, to look at pages while working on them (anna, and `PASSWORD`).
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from support import log_search
from support.films import Film, FilmFootage, LiveFilms
from support.web import Disk, OldRows, WebShop
from support.words import static, templates
from twisted.internet import endpoints, reactor, task
from twisted.internet.stdio import StandardIO
from twisted.protocols import policies
from twisted.protocols.basic import LineReceiver

from camtrace import clock
from camtrace.config import Site
from camtrace.events import CameraStateChanged, LineMasked, LineReceived, RuleMet, SettingChanged, TillSilenceChanged
from camtrace.model import (
    Box,
    Camera,
    CameraState,
    ContactsState,
    Disconnection,
    HitCount,
    InputState,
    JournalEntry,
    Leaving,
    Line,
    LineSearch,
    LineTest,
    LinkState,
    MotionSettings,
    Moved,
    RegularRecording,
    Removal,
    Rule,
    RuleException,
    Status,
    Ticket,
)
from camtrace.pools import Inline
from camtrace.pos.wire import decode
from camtrace.prisma.protocol import EventPort
from camtrace.tickets.overlay import Overlay, Shown
from camtrace.tickets.service import Screens
from camtrace.web.api.alarm_pictures import AlarmPicturesApi
from camtrace.web.api.calendars import CalendarsApi
from camtrace.web.api.footage import FootageApi
from camtrace.web.api.lines import LinesApi
from camtrace.web.api.motion import MotionApi
from camtrace.web.api.prisma import PrismaApi
from camtrace.web.api.searches import SearchesApi
from camtrace.web.api.storage import StorageApi
from camtrace.web.api.volumes import VolumesApi
from camtrace.web.pages import Pages
from camtrace.web.pages_account import AccountPages
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame
from camtrace.web.pages_settings import SettingsPages
from camtrace.web.site import Website

GONE: dict[str, Any] = {"day": "2024-11-26", "tickets": 1871, "lines": 37412, "exceptions": 0}
MEDIA = Path(__file__).parent.parent / "media"
SECOND = timedelta(seconds=1)
KEPT_SINCE = datetime(2024, 11, 26)
GOODS = (
    ("148", "TARTE POELEE", "16.00"),
    ("165", "OEUF PARMESAN", "10.00"),
    ("201", "BAGUETTE TRADITION", "1.30"),
    ("377", "CAMEMBERT AOP 250G", "7.80"),
    ("412", "CAFE GRAINS 1KG", "18.90"),
)


def stored(rows: OldRows, since: datetime) -> OldRows:
    """What is kept, with journals that are to go."""
    rows.oldest = since
    told = since + timedelta(days=725)
    rows.removals["journals"] = Removal("journals", announced=since, announced_at=told)
    rows.older["lines"] = Leaving({"lines": 37412, "tickets": 1871, "exceptions": 0}, since)
    rows.older["footage"] = Leaving({"files": 8640, "bytes": 412 * 10**9}, since)
    return rows


class TillLog:
    """`LineStore` in memory, as exact about its questions as these tests need."""

    def __init__(self) -> None:
        self.stored: list[Line] = []
        self.sales: dict[int, Ticket] = {}

    async def search(
        self, wanted: LineSearch, after: Any = None, ascending: bool = False, limit: int = 100
    ) -> list[Line]:
        return log_search.found(self.stored, wanted, after, ascending, limit)

    async def hits(self, wanted: LineSearch, most: int = 10_000) -> list[HitCount]:
        return log_search.hits(self.stored, wanted, most)

    async def tickets(self, **q: Any) -> list[Ticket]:
        found = [t for t in self.sales.values() if not q.get("start") or q["start"] <= t.opened_at < q["stop"]]
        return [t for t in reversed(found) if not q.get("source") or t.source == q["source"]][: q["limit"]]

    async def ticket(self, id: int) -> Any:
        found = self.sales.get(id)
        return (found, [line for line in self.stored if line.ticket_id == id]) if found else None


class Till:
    """Sells by a fixed script, so that a test knows what stands where."""

    SCRIPT = (
        *(("A", n) for n in (0, 1, 1)), ("S", 1), ("A", 2), ("T", 0), ("D", 0), ("E", 0),
        ("A", 3), ("A", 4), ("A", 2), ("E", 0),
    )  # fmt: skip

    def __init__(self, shop: Any, log: TillLog) -> None:
        self._shop, self._log, self._place, self._ticket = shop, log, 0, 0
        self._overlay = Overlay()
        self._others: dict[str, Overlay] = {}
        self._screens = Screens(shop.bus)
        self.last = ""  # type of the line before

    def on_screen(self, source: str) -> Shown | None:
        overlay = self._overlay if source == "1" else self._others.get(source)
        return overlay.shown(clock.now()) if overlay else self._screens.on_screen(source)

    def mask(self) -> None:
        """The line of the script's till that came last is told without its digits."""
        shown = self.on_screen("1")
        if shown is not None:
            line = replace(shown.lines[-1], text=re.sub("[0-9]", "*", shown.lines[-1].text))
            self._overlay.mask(line)
            self._shop.bus.publish(LineMasked(clock.to_us(clock.now()) << 10, line))

    def say(self, at: Any, publish: bool = True) -> Line:
        """The next line of the script, received at `at`."""
        kind, which = self.SCRIPT[self._place % len(self.SCRIPT)]
        self._place += 1
        return self._ring(lambda: self._line(kind, which, at), at, publish)

    def speak(self, at: Any, text: str) -> Line:
        """A line of the till protocol from its type on, such as `A|1|148|TARTE|16,00`; the script stands still."""
        raw = f"1|0|7|0|{text}".encode()
        said = decode(raw)
        return self._ring(
            lambda: Line(
                **self._common(said.type, at, raw), quantity=said.quantity, code=said.code, text=said.text,
                amount=said.amount, special=said.special, tender=said.tender, total=said.total,
            ),
            at,
        )  # fmt: skip

    def other(self, source: str, ticket: int, at: Any, text: str, publish: bool) -> None:
        """A line of another till before the first camera, of a ticket with a number of its own."""
        raw = f"{source}|0|7|0|{text}".encode()
        said = decode(raw)
        common = {**self._common(said.type, at, raw), "source": source, "ticket_id": ticket}
        line = Line(
            **common, quantity=said.quantity, code=said.code, text=said.text, amount=said.amount,
            special=said.special, tender=said.tender, total=said.total,
        )  # fmt: skip
        sale = self._log.sales.get(ticket) or Ticket(id=ticket, protocol="pos", source=source, opened_at=at)
        closed_at = at if line.type == "E" else None
        self._log.sales[ticket] = replace(sale, closed_at=closed_at, line_count=sale.line_count + 1)
        self._log.stored.append(line)
        if publish:
            self._others.setdefault(source, Overlay()).add(line, self._log.sales[ticket])
            self._shop.bus.publish(LineReceived(line.id, line, self._log.sales[ticket]))

    def _ring(self, make: Callable[[], Line], at: Any, publish: bool = True) -> Line:
        if self.last in ("", "E"):
            self._ticket = clock.to_us(at)
            self._log.sales[self._ticket] = Ticket(id=self._ticket, protocol="pos", source="1", opened_at=at)
        line = make()
        self.last = line.type
        self._log.stored.append(line)
        sale = self._log.sales[self._ticket]
        total = sale.total if line.total is None else (sale.total or Decimal()) + line.total
        closed_at = at if line.type == "E" else None
        sale = replace(sale, closed_at=closed_at, total=total, line_count=sale.line_count + 1)
        self._log.sales[self._ticket] = sale
        self._overlay.add(line, sale)
        if publish:
            self._shop.bus.publish(LineReceived(line.id, line, self._log.sales[self._ticket]))
        return line

    def _line(self, kind: str, which: int, at: Any) -> Line:
        code, text, price = GOODS[which]
        common = self._common(kind, at, b"1|0|7|0|A|1|148|X|16,00")
        if kind == "A":
            return Line(**common, quantity=Decimal(1), code=code, text=text, amount=Decimal(price))
        if kind == "S":
            return Line(**common, quantity=Decimal(1), code=code, text=text, special="ANNULE")
        if kind == "D":
            return Line(**common, amount=Decimal("10.00"))
        return Line(
            **common, tender="ESPECES" if kind == "T" else "CHEQUES", amount=Decimal("20.00"), total=Decimal("17.30")
        )

    def _common(self, kind: str, at: Any, raw: bytes) -> dict[str, Any]:
        return {
            "id": clock.to_us(at) << 10, "received_at": at, "protocol": "pos", "source": "1", "seller": "7",
            "ticket_id": self._ticket, "type": kind, "cameras": (101,), "raw": raw,
        }  # fmt: skip


def cameras() -> list[tuple[Camera, CameraState]]:
    """A shop of four cameras: H.264 with a till, JPEG, H.265 as key frames, one lost."""
    now = clock.now()
    url = "rtsp://192.168.10.2{}/main"
    made = [
        Camera(uid=101, id=1, name="Till 1", url=url.format(1), login="camtrace", overlay_ids=("1",)),
        Camera(uid=102, id=2, name="Entrance", url="http://192.168.10.22/video.mjpg", overlay_ids=("KKM:12",)),
        Camera(uid=105, id=3, name="Car park", url=url.format(3)),
        Camera(uid=104, id=4, name="Delivery yard", url=url.format(4), regular=RegularRecording("always", 30)),
    ]
    states = [
        CameraState(101, Status.ACTIVE, "playing", now, "", "h264", 768, 576, 10.0, 900_000.0),
        CameraState(102, Status.ACTIVE, "playing", now, "", "mjpeg", 320, 240, 8.0, 2_000_000.0),
        CameraState(105, Status.ACTIVE, "playing", now, "", "h265", 2560, 1440, 25.0, 4_000_000.0),
        CameraState(104, Status.ERROR, "unauthorized", now - timedelta(minutes=31)),
    ]
    return list(zip(made, states, strict=True))


def losses() -> list[Disconnection]:
    """The last times cameras were lost: one that lasts, a short one, one over a restart, one of a removed camera."""
    now, minute = clock.now(), timedelta(minutes=1)
    yard = {"camera_uid": 104, "camera_id": 4, "camera_name": "Delivery yard"}
    gone = {"camera_uid": 90, "camera_id": 2, "camera_name": "Old till", "camera_deleted_at": now - 2 * 1440 * minute}
    return [
        Disconnection(id=4, **yard, lost_at=now - 31 * minute, reason="ended", last_reason="unauthorized"),
        Disconnection(
            id=3, **yard, lost_at=now - 200 * minute, back_at=now - 199 * minute, reason="timeout",
            last_reason="timeout", ending="back",
        ),
        Disconnection(
            id=2, **yard, lost_at=now - 1500 * minute, back_at=now - 1300 * minute, reason="refused",
            last_reason="refused", ending="stopped",
        ),
        Disconnection(
            id=1, **gone, lost_at=now - 2 * 1500 * minute, back_at=now - 2 * 1440 * minute, reason="declared_codec",
            detail="mpeg4", last_reason="declared_codec", last_detail="mpeg4", ending="removed",
        ),
    ]  # fmt: skip


class Looked:
    """`Probe` that always finds the same camera."""

    async def test(self, camera: Camera, password: str) -> dict[str, Any]:
        figures = {"codec": "h264", "width": 768, "height": 576}
        steps = [
            ("port", "ok", "{host}:{port} answers in {milliseconds} ms", {"host": "x", "port": 554, "milliseconds": 3}),
            ("pictures", "ok", "Pictures arrive: {codec}, {width} × {height}", figures),
        ]
        return {"ok": True, "steps": [dict(zip(("code", "result", "text", "values"), s, strict=True)) for s in steps]}


class Walkers:
    """Somebody of 20 per mille who walks to and fro before every camera."""

    def subscribe(self, camera_uid: int, listener: Callable[[Moved], object], settings: MotionSettings) -> Any:
        def look() -> None:
            at_us = clock.now_us()
            box = Box(abs(at_us / 5e6 % 1.6 - 0.8), 0.4, 0.08, 0.3, 20.0)
            motion = settings.object_size <= box.size
            zones = tuple(zone.name for zone in settings.zones if not zone.exclude)
            listener(Moved(camera_uid, at_us, 2.4, (box,), motion, zones if motion else ()))

        loop = task.LoopingCall(look)
        loop.start(0.2)
        return loop.stop


@cache
def _film() -> Film:
    """What all cameras show."""
    return Film(MEDIA / "vtest_h264_baseline.mp4")


class PreviewSite:
    """The whole of it, by the clock of `zone`."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        film = _film()
        films = {101: film, 102: film, 105: film}
        self.shop = shop = WebShop(reactor)
        known = cameras()
        shop.cameras.stored = [camera for camera, _ in known]
        shop.cameras._known = list(shop.cameras.stored)
        shop.cameras.states = {state.camera_uid: state for _, state in known}
        self.log = TillLog()
        self.till = Till(shop, self.log)
        self.live = LiveFilms(films, {102, 105})
        shop.socket.live = shop.socket.sub_streams = self.live
        shop.socket.screens = self.till
        self._sell_the_past()
        named: dict[str, Any] = {"name": "Till 1", "number": 1}
        lost = {**named, "address": "192.168.10.21", "status": 503}
        shop.journal.stored = [
            JournalEntry(id=3, at=clock.now(), kind="camera", text="camera_lost_status", values=lost, camera_uid=101),
            JournalEntry(id=4, at=clock.now(), kind="system", text="lines_gone", values=GONE),
            JournalEntry(id=2, at=clock.now(), kind="audit", text="camera_added", values=named, user="anna"),
            JournalEntry(id=1, at=clock.now() - timedelta(days=1), kind="system", text="stopped"),
        ]
        shop.losses.stored = losses()
        since = KEPT_SINCE.replace(tzinfo=ZoneInfo(zone))
        frame = Frame(
            templates(),
            Site("Marché Sud", zone),
            shop.cameras,
            event_names=lambda language: shop.prisma.registry.catalogue.names(language),
            sources=shop.speech.book.all,
            kept_since={"lines": since, "journals": since}.get,
        )
        shop.socket.settings = frame.settings
        shop.prisma.registry._rows.changed = lambda: reactor.callLater(0, shop.socket.settings_changed)
        shop.old_rows.changed = lambda: reactor.callLater(0, shop.socket.settings_changed)
        shop.bus.subscribe(LineReceived, self._event)
        self.printer = shop.speech.connect(shop.speech.listener("camtrace"), "192.168.10.40")
        door = Door(frame, shop.access, shop._note)
        footage = FilmFootage(films)
        api = [
            shop.cameras_api(Looked(), lambda: [Disk("/mnt/a")]),
            *shop.journals(reactor),
            AlarmPicturesApi(
                shop.access, shop.cameras, shop.rows, shop.stored_alarms, shop.pictures, footage, self.live
            ),
            CalendarsApi(shop.access, shop.calendars, shop.timetable, shop._note),
            shop.boxes_api(),
            FootageApi(reactor, shop.access, shop.cameras, shop.rows, footage, self.live),
            LinesApi(
                reactor,
                shop.access,
                shop.cameras,
                shop.speech.book.offset,
                shop.speech.book.all,
                shop.rows,
                self.log,
                shop.voices,
                Inline(),
                "Marché Sud",
                lambda: since,
            ),
            SearchesApi(shop.access, shop.searches),
            VolumesApi(shop.access, list),
            StorageApi(
                shop.access,
                lambda: [Disk("/mnt/a", free_bytes=212 * 10**9)],
                stored(shop.old_rows, since),
                shop.kept_days,
            ),
            *shop.rule_apis(reactor, zone),
            MotionApi(reactor, shop.access, shop.cameras, Walkers()),
            PrismaApi(shop.access, shop.cameras, shop.prisma.registry, shop.prisma.sources, shop.silences),
            *shop.tills_api(),
            shop.socket,
        ]
        pages = Pages(frame, shop.access, shop.cameras, shop.rows, calendars=lambda: shop.timetable.names)
        account = AccountPages(frame, shop.access, shop._note, lambda: 8554)
        shop.shelf.fill()
        shop.rules.lines = self.log.stored
        self._find_exceptions()
        mail = SettingsPages(frame, shop.access)
        self.website = Website(
            reactor, pages=[static(), door, pages, account, mail], api=api, error_page=door.error_page
        )

    def _sell_the_past(self) -> None:
        at = clock.now() - timedelta(hours=3)
        while at < clock.now() - timedelta(seconds=20):
            self.till.say(at, publish=False)
            at += SECOND * (7 if self.till.last != "E" else 90)

    def _find_exceptions(self) -> None:
        """What a rule found in the past that was sold, and the figures of a report."""
        rule = Rule(id=1, name="Line cancelled over 5", enabled=True, lines=LineTest(deeds=("void",)))
        self.shop.rules.rules[1] = rule
        voids = [line for line in self.log.stored if line.special == "ANNULE"]
        self.shop.rules.found = [
            RuleException(
                id=line.id, rule_id=1, rule=rule.name, at=line.received_at, source="1", seller="7", deed="void",
                ticket_id=line.ticket_id, line_id=line.id, lines=(line.id,), text=line.text, amount=Decimal("10.00"),
                cameras=(101,), alarm=True, verdict="" if place else "harmless",
            )
            for place, line in enumerate(voids)
        ]  # fmt: skip
        for place, name in enumerate(("Anna", "Boris", "Chloé", "Dora", "7")):
            deeds = (("sale", 300 - 20 * place), ("voids", 9 + 11 * place), ("returns", 2), ("no_sales", place))
            for past in range(7):
                today = (clock.now() - timedelta(days=past)).astimezone(ZoneInfo(self._zone)).date().isoformat()
                self.shop.rules.counted += [
                    ((name, today), deed, -(-count // (7 + past % 3)), Decimal(count)) for deed, count in deeds if count
                ]

    def find(self, line: Line) -> None:
        """A rule that tells who looks was met by `line`."""
        exception = RuleException(
            id=clock.now_us(), rule_id=1, rule="Line cancelled over 5", at=line.received_at, source=line.source,
            seller=line.seller, deed="void", ticket_id=line.ticket_id, line_id=line.id, lines=(line.id,),
            text=line.text or "TARTE", amount=Decimal("10.00"), cameras=line.cameras, popup=True,
        )  # fmt: skip
        self.shop.rules.found.append(exception)
        self.shop.bus.publish(RuleMet(exception.id, exception))

    def open_events(self) -> int:
        """Listen for Prisma events; the port's number."""
        port = EventPort(reactor, self.shop.prisma.sources, "udp:0:interface=127.0.0.1").bind()
        return int(port.getHost().port)

    def _event(self, fact: LineReceived) -> None:
        if fact.line.protocol == "prisma":
            self.log.stored.append(fact.line)
            self.log.sales[fact.ticket.id] = fact.ticket

    def sell(self) -> Line:
        """One more line now."""
        return self.till.say(clock.now())

    def tie(self, uid: int, tills: tuple[str, ...]) -> None:
        """Other tills stand before camera `uid`."""
        self._set(uid, overlay_ids=tills)

    def call(self, uid: int, name: str) -> None:
        """Camera `uid` is called `name`."""
        self._set(uid, name=name)

    def _set(self, uid: int, **fields: Any) -> None:
        cameras = self.shop.cameras
        cameras.stored = [replace(each, **fields) if each.uid == uid else each for each in cameras.stored]
        cameras._known = list(cameras.stored)
        self.shop.bus.publish(SettingChanged("camera", str(uid)))

    def lose(self, uid: int) -> None:
        """Camera `uid` is lost."""
        state = CameraState(uid, Status.ERROR, "refused", clock.now())
        self.shop.cameras.states[uid] = state
        self.shop.bus.publish(CameraStateChanged(clock.now_us(), state))
        self.live.lose(uid)

    def ignore(self, uid: int) -> None:
        """The disk of camera `uid` is absent."""
        state = CameraState(uid, Status.IGNORED, "volume", clock.now())
        self.shop.cameras.states[uid] = state
        self.shop.bus.publish(CameraStateChanged(clock.now_us(), state))
        self.live.lose(uid)


class Front(policies.WrappingFactory):
    """Leads each connection to the site as it stands then."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self.site = PreviewSite(zone)
        super().__init__(self.site.website.site())

    def renew(self) -> None:
        """A site as on its first day. Who is signed in stays so; connections to the site of before end."""
        sessions = self.site.shop.users.sessions
        self.site = PreviewSite(self._zone)
        self.site.shop.users.sessions.update(sessions)
        self.wrappedFactory = self.site.website.site()
        for connection in list(self.protocols):
            connection.transport.abortConnection()


class Orders(LineReceiver):
    """What a test tells the site on its standard input; each order is answered by a line."""

    delimiter = b"\n"

    def __init__(self, front: Front) -> None:
        self._front = front

    @property
    def _site(self) -> PreviewSite:
        return self._front.site

    def lineReceived(self, line: bytes) -> None:
        order, _, argument = line.decode().partition(" ")
        if order == "renew":
            self._front.renew()
            self._say("renewed")
        elif order == "sell":
            sold = self._site.sell()
            self._say(f"{sold.type} {sold.text or sold.tender}")
        elif order == "forget":  # what rules found
            self._site.shop.rules.found = []
            self._say("forgotten")
        elif order == "find":
            self._site.find(self._site.sell())
            self._say("found")
        elif order == "say":
            self._site.till.speak(clock.now(), argument)
            self._say("said")
        elif order == "mask":
            self._site.till.mask()
            self._say("masked")
        elif order == "tills":  # whose lines stand before which camera: 101 1,2 …
            uid, _, names = argument.partition(" ")
            self._site.tie(int(uid), tuple(filter(None, names.split(","))))
            self._say("tied")
        elif order == "call":  # a camera by another name: 101 Door
            uid, _, name = argument.partition(" ")
            self._site.call(int(uid), name)
            self._say("called")
        elif order == "other":  # a till says: SOURCE TICKET now|SECONDS LINE
            source, ticket, when, text = argument.split(" ", 3)
            now = clock.now() if when == "now" else datetime.fromtimestamp(float(when), UTC)
            self._site.till.other(source, int(ticket), now, text, when == "now")
            self._say("said")
        elif order == "alarm":
            camera, _, message = argument.partition(" ")
            watched = self._site.shop.cameras.by_uid(int(camera))
            self._site.shop.alarms.trigger([watched] if watched else [], "http", "192.168.10.21", message)
            self._say("alarmed")
        elif order == "prisma":
            self._say(str(self._site.open_events()))
        elif order == "silent":  # a till, or one that speaks again
            shop, now = self._site.shop, clock.now()
            if shop.silences.pop(argument, None) is None:
                shop.silences[argument] = now
            shop.bus.publish(TillSilenceChanged(argument, shop.silences.get(argument)))
            self._say("told")
        elif order == "contacts":  # which inputs of which box are closed: 1 0 1 …
            box, *closed = argument.split()
            self._site.shop.boxes.closed[int(box)] = [each == "1" for each in closed]
            self._say("set")
        elif order == "events":  # what the inputs of which camera are: 101 DI_1=1 …
            uid, *inputs = argument.split()
            told = [
                InputState(state == "1", state == "1", token) for token, state in (each.split("=") for each in inputs)
            ]
            link = LinkState("active", "subscribed", clock.now())
            self._site.shop.camera_events.states[int(uid)] = ContactsState(link, tuple(told))
            self._say("set")
        elif order == "alarms":  # so many, a minute apart, on a camera, up to now
            camera, _, count = argument.partition(" ")
            for ago in range(int(count), 0, -1):
                at = clock.now() - timedelta(minutes=ago)
                self._site.shop.alarms.trigger([self._site.shop.cameras.by_uid(int(camera))], "motion", at=at)
            self._say("alarmed")
        elif order == "picture":  # one of its own for the newest alarm
            newest = max(self._site.shop.stored_alarms.by_number)
            self._site.shop.pictures.keep(newest, Path(argument).read_bytes())
            self._say("kept")
        elif order == "print":
            self._site.printer.dataReceived(base64.b64decode(argument))
            self._say("printed")
        elif order == "lose":
            self._site.lose(int(argument))
            self._say("lost")
        elif order == "ignore":
            self._site.ignore(int(argument))
            self._say("ignored")
        else:
            self._say("what?")

    def connectionLost(self, reason: object = None) -> None:
        pass

    def _say(self, words: str) -> None:
        self.transport.write(words.encode() + b"\n")


def main(port: int, zone: str) -> None:
    """Serve on 127.0.0.1:`port`, for a test (port 0, orders on standard input) or for somebody who looks."""
    front = Front(zone)
    link = endpoints.TCP4ServerEndpoint(reactor, port, interface="127.0.0.1").listen(front)
    link.addCallback(lambda listening: print(f"ready {listening.getHost().port}", flush=True))
    if port:
        task.LoopingCall(lambda: front.site.sell()).start(4, now=False)
    else:
        StandardIO(Orders(front))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    number, zone = (*sys.argv[1:3], "Europe/Paris")[:2]
    main(int(number), zone)
