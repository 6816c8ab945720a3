"""The pages on a site of fakes, in a process of its own: cameras that play clips, a till that sells.

`python tests/support/preview.py PORT` serves it alone, to look at pages while working on them (anna, and `PASSWORD`).
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.films import Film, FilmFootage, LiveFilms
from support.mail_office import office
from support.web import Disk, WebShop
from twisted.internet import endpoints, reactor, task
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver

from camtrace import assets, clock, i18n
from camtrace.config import Site
from camtrace.events import CameraStateChanged, LineReceived
from camtrace.model import (
    Box,
    Camera,
    CameraState,
    JournalEntry,
    Line,
    MotionSettings,
    Moved,
    RegularRecording,
    Status,
    Ticket,
)
from camtrace.pos.wire import decode
from camtrace.tickets.overlay import Overlay, Shown
from camtrace.web.api.alarms import AlarmsApi
from camtrace.web.api.calendars import CalendarsApi
from camtrace.web.api.footage import FootageApi
from camtrace.web.api.journal import JournalApi
from camtrace.web.api.lines import LinesApi
from camtrace.web.api.mail import MailApi
from camtrace.web.api.motion import MotionApi
from camtrace.web.api.volumes import VolumesApi
from camtrace.web.pages import Pages
from camtrace.web.pages_account import AccountPages
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame
from camtrace.web.pages_settings import SettingsPages
from camtrace.web.site import Website
from camtrace.web.static import Static
from camtrace.web.templating import Templates

MEDIA = Path(__file__).parent.parent / "media"
SECOND = timedelta(seconds=1)
GOODS = (
    ("148", "TARTE POELEE", "16.00"),
    ("165", "OEUF PARMESAN", "10.00"),
    ("201", "BAGUETTE TRADITION", "1.30"),
    ("377", "CAMEMBERT AOP 250G", "7.80"),
    ("412", "CAFE GRAINS 1KG", "18.90"),
)


class TillLog:
    """`LineStore` in memory, as exact about its questions as these tests need."""

    def __init__(self) -> None:
        self.stored: list[Line] = []
        self.sales: dict[int, Ticket] = {}

    async def lines(self, **q: Any) -> list[Line]:
        found = [line for line in self.stored if self._fits(line, q)]
        if not q.get("ascending"):
            found.reverse()
        after = q.get("after")
        if after:
            found = [
                x
                for x in found
                if ((x.received_at, x.id) > after if q.get("ascending") else (x.received_at, x.id) < after)
            ]
        return found[: q["limit"]]

    def _fits(self, line: Line, q: dict[str, Any]) -> bool:
        words = f"{line.text} {line.tender} {line.seller}".lower()
        return (
            (not q.get("start") or line.received_at >= q["start"])
            and (not q.get("stop") or line.received_at < q["stop"])
            and (q.get("camera_uids") is None or bool(set(q["camera_uids"]) & set(line.cameras)))
            and (not q.get("source") or line.source == q["source"])
            and (not q.get("type") or line.type == q["type"])
            and (not q.get("text") or q["text"].lower() in words)
            and (q.get("amount_min") is None or (line.amount is not None and line.amount >= q["amount_min"]))
            and (q.get("amount_max") is None or (line.amount is not None and line.amount <= q["amount_max"]))
        )

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
        self.last = ""  # type of the line before

    def on_screen(self, source: str) -> Shown | None:
        return self._overlay.shown(clock.now()) if source == "1" else None

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
        Camera(uid=102, id=2, name="Entrance", url="http://192.168.10.22/video.mjpg"),
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


class PreviewSite:
    """The whole of it."""

    def __init__(self) -> None:
        film = Film(MEDIA / "vtest_h264_baseline.mp4")
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
            JournalEntry(id=2, at=clock.now(), kind="audit", text="camera_added", values=named, user="anna"),
            JournalEntry(id=1, at=clock.now() - timedelta(days=1), kind="system", text="stopped"),
        ]
        static = Static(assets.web() / "static")
        templates = Templates(assets.web() / "templates", i18n.load(assets.web() / "locale"), static.url)
        frame = Frame(templates, Site("Marché Sud", "Europe/Paris"), shop.cameras, sources=shop.speech.book.all)
        self.printer = shop.speech.connect(shop.speech.listener("camtrace"), "192.168.10.40")
        door = Door(frame, shop.access)
        footage = FilmFootage(films)
        api = [
            shop.cameras_api(Looked(), lambda: [Disk("/mnt/a")]),
            AlarmsApi(shop.access, shop.cameras, shop.rows, shop.stored_alarms, shop.alarms),
            CalendarsApi(shop.access, shop.calendars, shop.timetable, shop._note),
            FootageApi(reactor, shop.access, shop.cameras, shop.rows, footage, self.live),
            LinesApi(shop.access, shop.cameras, shop.rows, self.log),
            JournalApi(shop.access, shop.cameras, shop.journal),
            VolumesApi(shop.access, list),
            MailApi(shop.access, shop.cameras, office(shop.shelf, shop.vault, shop._note)),
            MotionApi(reactor, shop.access, shop.cameras, Walkers()),
            *shop.tills_api(),
            shop.socket,
        ]
        pages = Pages(frame, shop.access, shop.cameras, shop.rows, calendars=lambda: shop.timetable.names)
        account = AccountPages(frame, shop.access, shop._note, lambda: 8554)
        shop.shelf.fill()
        mail = SettingsPages(frame, shop.access)
        self.website = Website(reactor, pages=[static, door, pages, account, mail], api=api, error_page=door.error_page)

    def _sell_the_past(self) -> None:
        at = clock.now() - timedelta(hours=3)
        while at < clock.now() - timedelta(seconds=20):
            self.till.say(at, publish=False)
            at += SECOND * (7 if self.till.last != "E" else 90)

    def sell(self) -> Line:
        """One more line now."""
        return self.till.say(clock.now())

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


class Orders(LineReceiver):
    """What a test tells the site on its standard input; each order is answered by a line."""

    delimiter = b"\n"

    def __init__(self, site: PreviewSite) -> None:
        self._site = site

    def lineReceived(self, line: bytes) -> None:
        order, _, argument = line.decode().partition(" ")
        if order == "sell":
            sold = self._site.sell()
            self._say(f"{sold.type} {sold.text or sold.tender}")
        elif order == "say":
            self._site.till.speak(clock.now(), argument)
            self._say("said")
        elif order == "alarm":
            camera, _, message = argument.partition(" ")
            watched = self._site.shop.cameras.by_uid(int(camera))
            self._site.shop.alarms.trigger([watched] if watched else [], "http", "192.168.10.21", message)
            self._say("alarmed")
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


def main(port: int) -> None:
    """Serve on 127.0.0.1:`port`, for a test (port 0, orders on standard input) or for somebody who looks."""
    site = PreviewSite()
    link = endpoints.TCP4ServerEndpoint(reactor, port, interface="127.0.0.1").listen(site.website.site())
    link.addCallback(lambda listening: print(f"ready {listening.getHost().port}", flush=True))
    if port:
        task.LoopingCall(site.sell).start(4, now=False)
    else:
        StandardIO(Orders(site))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
