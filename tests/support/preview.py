"""The pages on a site of fakes, in a process of its own: cameras that play clips, a till that sells.

`python tests/support/preview.py PORT` serves it alone, to look at pages while working on them (anna, and `PASSWORD`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from support.web import WebShop
from twisted.internet import endpoints, reactor, task
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver

from camtrace import assets, clock, i18n
from camtrace.config import Site
from camtrace.events import CameraStateChanged, LineReceived
from camtrace.media.mux import FragmentMuxer
from camtrace.media.packets import SourceTrack
from camtrace.model import Camera, CameraState, Gap, JournalEntry, Line, RegularRecording, Span, Status, Ticket
from camtrace.web.api.cameras import CamerasApi
from camtrace.web.api.footage import FootageApi
from camtrace.web.api.journal import JournalApi
from camtrace.web.api.lines import LinesApi
from camtrace.web.api.volumes import VolumesApi
from camtrace.web.pages import Pages
from camtrace.web.pages_account import AccountPages
from camtrace.web.pages_door import Door
from camtrace.web.pages_frame import Frame
from camtrace.web.site import Website
from camtrace.web.static import Static
from camtrace.web.templating import Templates

MEDIA = Path(__file__).parent.parent / "media"
SECOND = timedelta(seconds=1)
HOLE = (timedelta(minutes=50), timedelta(minutes=45))  # before the start: nothing was recorded in between
GOODS = (
    ("148", "TARTE POELEE", "16.00"),
    ("165", "OEUF PARMESAN", "10.00"),
    ("201", "BAGUETTE TRADITION", "1.30"),
    ("377", "CAMEMBERT AOP 250G", "7.80"),
    ("412", "CAFE GRAINS 1KG", "18.90"),
)


def packets(clip: Path) -> tuple[SourceTrack, list[tuple[bytes, float, float, bool]]]:
    """The video of a clip: its track and (bytes, dts, pts, key) with times in seconds."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        track = SourceTrack("h264", Fraction(1, 90000), bytes(context.extradata or b""), context.width, context.height)
        found = [
            (
                bytes(packet),
                float(packet.dts * packet.time_base),
                float(packet.pts * packet.time_base),
                packet.is_keyframe,
            )
            for packet in container.demux(stream)
            if packet.size
        ]
    return track, found


class Film:
    """A clip that plays for ever: picture N is due at a known second."""

    def __init__(self, clip: Path) -> None:
        self.track, self._packets = packets(clip)
        self.length = self._packets[-1][1] - self._packets[0][1] + (self._packets[1][1] - self._packets[0][1])

    def mp4(self, start_us: int, stop_us: int, frames: bool = False) -> tuple[list[bytes], list[tuple[int, bool]]]:
        """[init, fragment …] of the pictures due in this span, from the key frame before it, with wall time inside."""
        pieces: list[bytes] = []
        times: list[tuple[int, bool]] = []
        muxer = FragmentMuxer((self.track,), pieces.append, frame_fragments=frames)
        for data, dts, pts, key in self._due(start_us / 1e6, stop_us / 1e6):
            packet = av.Packet(data)
            packet.time_base, packet.is_keyframe = Fraction(1, 90000), key
            packet.dts, packet.pts = int(dts * 90000), int(pts * 90000)
            muxer.mux(0, packet, packet.dts, packet.pts)
            times.append((int(pts * 1e6), key))
        muxer.close()
        return pieces, times

    def _due(self, start: float, stop: float) -> Iterator[tuple[bytes, float, float, bool]]:
        turn = int(start // self.length)
        all_of_it = []
        while turn * self.length < stop:
            all_of_it += [
                (d, dts + turn * self.length, pts + turn * self.length, key) for d, dts, pts, key in self._packets
            ]
            turn += 1
        keys = [dts for _, dts, _, key in all_of_it if key and dts <= start]
        first = keys[-1] if keys else all_of_it[0][1]
        return (one for one in all_of_it if first <= one[1] < stop)


def jpeg(film: Film, at: float) -> bytes:
    """The picture due at the second `at`, or half a second before: decoding is dear here."""
    return _jpeg(film, int(at * 2) / 2)


@lru_cache(maxsize=256)
def _jpeg(film: Film, at: float) -> bytes:
    pieces, _ = film.mp4(int(at * 1e6), int((at + 0.2) * 1e6))
    with av.open(BytesIO(b"".join(pieces))) as container:
        frame = next(container.decode(video=0))
        out = BytesIO()
        frame.to_image().save(out, "JPEG", quality=80)
    return out.getvalue()


class LiveFilms:
    """`Live` by films; a camera can be taken away with `lose`."""

    def __init__(self, films: dict[int, Film], stills: set[int]) -> None:
        self._films, self._stills, self._lost = films, stills, set()
        self._viewers: dict[int, list[Any]] = {}

    def watch(self, camera_uid: int, viewer: Any) -> Any:
        if camera_uid not in self._films or camera_uid in self._lost:
            return lambda: None
        loop = task.LoopingCall(self._show, camera_uid, viewer, state := {"sent": 0, "begun": False})
        self._viewers.setdefault(camera_uid, []).append((viewer, loop))
        loop.start(0.1)
        state["loop"] = loop
        return lambda: loop.running and loop.stop()

    def _show(self, uid: int, viewer: Any, state: dict[str, Any]) -> None:
        film, now = self._films[uid], clock.now_us()
        if uid in self._stills:
            if not state["begun"]:
                viewer.live_started("image/jpeg", b"", "key_frames" if uid == 105 else "")
                state["begun"] = True
            if now - state["sent"] > 400_000:
                state["sent"] = now
                viewer.live_fragment(jpeg(film, now / 1e6), True, now)
            return
        since = state["sent"] or now - 500_000
        pieces, times = film.mp4(since, now + 500_000, frames=True)  # what ends a file is not sent
        if not state["begun"]:
            viewer.live_started('video/mp4; codecs="avc1.64001f"', pieces[0], "")
            state["begun"] = True
        for piece, (at, key) in zip(pieces[1:], times, strict=False):
            if state["sent"] < at <= now:
                viewer.live_fragment(piece, key, at)
                state["sent"] = at

    def lose(self, uid: int) -> None:
        self._lost.add(uid)
        for viewer, loop in self._viewers.pop(uid, []):
            if loop.running:
                loop.stop()
                viewer.live_ended("refused")

    async def picture(self, camera_uid: int) -> bytes | None:
        if camera_uid not in self._films:
            return None
        return jpeg(self._films[camera_uid], clock.now_us() / 1e6)


class Mp4Bytes:
    """An MP4 in memory."""

    mime = "video/mp4"

    def __init__(self, content: bytes, start: Any, stop: Any) -> None:
        self._content, self.length, self.start, self.stop = content, len(content), start, stop

    async def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]


class FilmFootage:
    """`Footage` by films: four hours until now, with a hole."""

    def __init__(self, films: dict[int, Film]) -> None:
        self._films = films
        self._born = clock.now()

    async def spans(self, camera_uid: int, kind: str, start: Any, stop: Any) -> list[Span]:
        if camera_uid not in self._films:
            return []
        b = self._born
        whole = [(b - timedelta(hours=4), b - HOLE[0]), (b - HOLE[1], clock.now())]
        return [Span(max(f, start), min(t, stop)) for f, t in whole if max(f, start) < min(t, stop)]

    async def gaps(self, camera_uid: int, start: Any, stop: Any) -> list[Gap]:
        if camera_uid not in self._films:
            return []
        return [Gap(camera_uid, self._born - HOLE[0], self._born - HOLE[1], "camera")]

    async def mp4(self, camera: Camera, kind: str, start: Any, stop: Any, *, absolute: bool = False) -> Any:
        if not await self.spans(camera.uid, kind, start, stop):
            return None
        film = self._films[camera.uid]
        pieces, _ = film.mp4(clock.to_us(start), clock.to_us(stop))
        return Mp4Bytes(b"".join(pieces), start, stop)

    async def picture(self, camera: Camera, at: Any) -> bytes | None:
        return jpeg(self._films[camera.uid], clock.to_us(at) / 1e6) if camera.uid in self._films else None


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
        self.screen: list[Line] = []

    def on_screen(self, source: str) -> list[Line]:
        return list(self.screen) if source == "1" else []

    def say(self, at: Any, publish: bool = True) -> Line:
        """The next line of the script, received at `at`."""
        kind, which = self.SCRIPT[self._place % len(self.SCRIPT)]
        self._place += 1
        if not self.screen or self.screen[-1].type == "E":
            self.screen = []
            self._ticket = clock.to_us(at)
            self._log.sales[self._ticket] = Ticket(id=self._ticket, protocol="pos", source="1", opened_at=at)
        line = self._line(kind, which, at)
        self.screen.append(line)
        self._log.stored.append(line)
        sale = self._log.sales[self._ticket]
        self._log.sales[self._ticket] = replace(
            sale, closed_at=at if kind == "E" else None, line_count=len(self.screen)
        )
        if publish:
            self._shop.bus.publish(LineReceived(line.id, line, self._log.sales[self._ticket]))
        return line

    def _line(self, kind: str, which: int, at: Any) -> Line:
        code, text, price = GOODS[which]
        common: dict[str, Any] = {
            "id": clock.to_us(at) << 10, "received_at": at, "protocol": "pos", "source": "1", "seller": "7",
            "ticket_id": self._ticket, "type": kind, "cameras": (101,), "raw": b"1|0|7|0|A|1|148|X|16,00",
        }  # fmt: skip
        if kind == "A":
            return Line(**common, quantity=Decimal(1), code=code, text=text, amount=Decimal(price))
        if kind == "S":
            return Line(**common, quantity=Decimal(1), code=code, text=text, special="ANNULE")
        if kind == "D":
            return Line(**common, amount=Decimal("10.00"))
        return Line(
            **common, tender="ESPECES" if kind == "T" else "CHEQUES", amount=Decimal("20.00"), total=Decimal("17.30")
        )


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
        shop.socket.live, shop.socket.screens = self.live, self.till
        self._sell_the_past()
        named: dict[str, Any] = {"name": "Till 1", "number": 1}
        shop.journal.stored = [
            JournalEntry(id=2, at=clock.now(), kind="audit", text="camera_added", values=named, user="anna"),
            JournalEntry(id=1, at=clock.now() - timedelta(days=1), kind="system", text="stopped"),
        ]
        static = Static(assets.web() / "static")
        templates = Templates(assets.web() / "templates", i18n.load(assets.web() / "locale"), static.url)
        frame = Frame(templates, Site("Marché Sud", "Europe/Paris"), shop.cameras)
        door = Door(frame, shop.access)
        footage = FilmFootage(films)
        api = [
            CamerasApi(shop.access, shop.cameras, shop.rows, shop.vault, Looked(), shop._note),
            FootageApi(reactor, shop.access, shop.cameras, shop.rows, footage, self.live),
            LinesApi(shop.access, shop.cameras, shop.rows, self.log),
            JournalApi(shop.access, shop.cameras, shop.journal),
            VolumesApi(shop.access, list),
            shop.socket,
        ]
        pages = Pages(frame, shop.access, shop.cameras, shop.rows)
        account = AccountPages(frame, shop.access, shop._note, lambda: 8554)
        self.website = Website(reactor, pages=[static, door, pages, account], api=api, error_page=door.error_page)

    def _sell_the_past(self) -> None:
        at = clock.now() - timedelta(hours=3)
        while at < clock.now() - timedelta(seconds=20):
            self.till.say(at, publish=False)
            at += SECOND * (7 if self.till.screen[-1].type != "E" else 90)

    def sell(self) -> Line:
        """One more line now."""
        return self.till.say(clock.now())

    def lose(self, uid: int) -> None:
        """Camera `uid` is lost."""
        state = CameraState(uid, Status.ERROR, "refused", clock.now())
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
        elif order == "lose":
            self._site.lose(int(argument))
            self._say("lost")
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
