"""The live socket, over a fake transport with the real HTTP and WebSocket underneath."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from support.web import NOON, Browser, WebShop, sale
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from camtrace.errors import DatabaseUnavailable
from camtrace.events import (
    CameraStateChanged,
    LineMasked,
    RuleMet,
    SettingChanged,
    SourceAppeared,
    TicketTied,
    TillSilenceChanged,
)
from camtrace.model import CameraState, RuleException, SourceSettings, Status
from camtrace.tickets.overlay import Shown
from camtrace.tickets.tally import Tally
from camtrace.web.live_page import GOING_AWAY, MESSAGE_LIMIT, NOT_ALLOWED, SESSION_ENDED, TOO_SLOW
from camtrace.web.outbox import INIT, JPEG, KEY

KEPT = {"days": 730, "held": None}
NAMES = {"1": "Front till", "2": "Stock"}
MIME = 'video/mp4; codecs="avc1.64001f"'


class _Wire(StringTransport):
    """A socket that can be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True
        self.loseConnection()

    def setTcpNoDelay(self, on: bool) -> None:
        """As if."""


class Page:
    """A browser's page with an open socket: sends wishes and keeps what comes."""

    def __init__(self, shop: WebShop, session: str = "", token: str = "", origin: str = "http://shop") -> None:
        self.wire = _Wire(peerAddress=IPv4Address("TCP", "127.0.0.1", 50000))
        self.wire.hostAddr = IPv4Address("TCP", "127.0.0.1", 80)
        self.channel = shop.website.site().buildProtocol(None)
        self.channel.makeConnection(self.wire)
        self.connection = WSConnection(ConnectionType.CLIENT)
        self.events: list[Any] = []
        headers = [(b"Origin", origin.encode())] if origin else []
        if session:
            headers.append((b"Cookie", b"camtrace_80=" + session.encode()))
        if token:
            headers.append((b"Authorization", b"Bearer " + token.encode()))
        self._send(Request("shop", "/live/socket", extra_headers=headers))

    def say(self, **wish: Any) -> list[dict[str, Any]]:
        """Send a wish; the JSON messages that come back at once."""
        self._send(Message(json.dumps(wish)))
        return self.told()

    def told(self) -> list[dict[str, Any]]:
        """The JSON messages that came since."""
        return [json.loads(event.data) for event in self._new() if isinstance(event, TextMessage)]

    def media(self) -> list[tuple[int, int, int, bytes]]:
        """The binary messages that came since: channel, flags, instant, payload."""
        found = [bytes(event.data) for event in self._new() if isinstance(event, BytesMessage)]
        return [
            (int.from_bytes(m[:2], "big"), m[2], int.from_bytes(m[4:12], "big", signed=True), m[12:]) for m in found
        ]

    def closed(self) -> int | None:
        """The code the server closed with."""
        codes = [event.code for event in self._new() if isinstance(event, CloseConnection)]
        return codes[0] if codes else None

    def all(self) -> list[Any]:
        """Every event since."""
        return self._new()

    def raw(self, data: bytes) -> None:
        """Send bytes that are no message."""
        self.channel.dataReceived(data)

    def leave(self) -> None:
        """Close the connection without a word."""
        self.channel.connectionLost(Failure(ConnectionDone()))

    def _send(self, event: Any) -> None:
        self.channel.dataReceived(self.connection.send(event))

    def _new(self) -> list[Any]:
        data = self.wire.value()
        self.wire.clear()
        if data:
            self.connection.receive_data(data)
        return list(self.connection.events())


class LiveCase(SynchronousTestCase):
    """A site and a page of anna's."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shop = WebShop(self.clock)
        self.session, _ = self.shop.session()

    def open(self, **who: str) -> Page:
        """A page whose socket is open."""
        page = Page(self.shop, **(who or {"session": self.session}))
        events = page.all()
        self.assertIsInstance(events[0], AcceptConnection)
        hello = json.loads(events[1].data)
        self.assertEqual((hello["is"], hello["version"]), ("hello", 1))
        return page


class DoorTests(LiveCase):
    """Who gets a socket."""

    def _refused(self, **who: str) -> int:
        event = Page(self.shop, **who).all()[0]
        self.assertIsInstance(event, RejectConnection)
        return int(event.status_code)

    def test_nobody(self) -> None:
        """Without a session there is no socket."""
        self.assertEqual(self._refused(), 401)

    def test_other_site(self) -> None:
        """Another site's page gets none, although the browser sends the cookie."""
        self.assertEqual(self._refused(session=self.session, origin="http://evil.example"), 403)
        self.assertEqual(self._refused(session=self.session, origin="null"), 403)

    def test_programs(self) -> None:
        """A bearer token opens one from anywhere."""
        self.open(token=self.shop.token("boris"), origin="")

    def test_no_websocket(self) -> None:
        """A plain GET is told so."""
        answer = Browser(self.shop, session=self.session).get("/live/socket", headers={"Origin": "http://shop"})
        self.assertEqual(answer.code, 400)
        self.flushLoggedErrors()


class WatchTests(LiveCase):
    """Pictures, lines and states of the cameras a page shows."""

    def test_introduction(self) -> None:
        """A watch is answered by sources, state and what stands on the tills' screens."""
        fact = sale(1)
        self.shop.screens.shown["1"] = Shown([fact.line], fact.ticket, Tally.of([fact.line]))
        watching, state, screen = self.open().say(do="watch", channel=5, camera=1)
        self.assertEqual(watching, {"is": "watching", "channel": 5, "camera": 1, "sources": ["1"]})
        self.assertEqual((state["is"], state["camera"], state["status"]), ("state", 1, "active"))
        self.assertEqual((screen["is"], screen["source"]), ("screen", "1"))
        self.assertEqual([line["text"] for line in screen["lines"]], ["BREAD"])
        self.assertEqual((screen["ticket"]["id"], screen["tally"]["articles"]), ("7", 1))

    def test_empty_screen(self) -> None:
        """Where nothing stands on the screen there is no ticket."""
        screen = self.open().say(do="watch", channel=5, camera=1)[-1]
        self.assertEqual((screen["lines"], screen["ticket"], screen["tally"]), ([], None, None))

    def test_pictures(self) -> None:
        """The form, the initialisation segment, then fragments with flags and instants."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        (viewer,) = self.shop.live.viewers[101]
        viewer.live_started(MIME, b"init", "")
        events = page.all()
        self.assertEqual(json.loads(events[0].data), {"is": "media", "channel": 5, "mime": MIME, "note": ""})
        self.assertEqual(bytes(events[1].data)[12:], b"init")
        self.assertEqual(events[1].data[2], INIT)
        viewer.live_fragment(b"moof1", True, 1_000_000)
        viewer.live_fragment(b"moof2", False, 1_040_000)
        self.assertEqual(page.media(), [(5, KEY, 1_000_000, b"moof1"), (5, 0, 1_040_000, b"moof2")])
        viewer.live_ended("refused")
        self.assertEqual(page.told(), [{"is": "ended", "channel": 5, "reason": "refused"}])

    def test_single_pictures(self) -> None:
        """JPEG pictures are marked as such and have no initialisation segment."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        (viewer,) = self.shop.live.viewers[101]
        viewer.live_started("image/jpeg", b"", "key_frames")
        self.assertEqual(page.told()[0]["note"], "key_frames")
        viewer.live_fragment(b"\xff\xd8", True, 5)
        self.assertEqual(page.media(), [(5, KEY | JPEG, 5, b"\xff\xd8")])

    def test_without_pictures(self) -> None:
        """A page may want lines and states only."""
        self.open().say(do="watch", channel=5, camera=1, media=False)
        self.assertEqual(self.shop.live.viewers, {})

    def test_pictures_where_the_browser_plays_no_video(self) -> None:
        """A page may ask for JPEG pictures whatever the camera sends."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1, stills=True)
        page.say(do="watch", channel=6, camera=1)
        page.say(do="watch", channel=7, camera=1, stream="sub", stills=True)
        self.assertEqual((self.shop.live.stills, self.shop.sub_streams.stills), ([True, False], [True]))

    def test_second_stream(self) -> None:
        """A wall asks for the second stream; another word is no stream."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1, stream="sub")
        self.assertEqual(self.shop.live.viewers, {})
        (viewer,) = self.shop.sub_streams.viewers[101]
        viewer.live_started("image/jpeg", b"", "")
        self.assertEqual(page.told(), [{"is": "media", "channel": 5, "mime": "image/jpeg", "note": ""}])
        page.say(do="watch", channel=5, camera=1, stream="main")
        self.assertEqual((len(self.shop.live.viewers[101]), self.shop.sub_streams.viewers[101]), (1, []))
        page.say(do="watch", channel=6, camera=1, stream="sub")
        page.leave()
        self.assertEqual((self.shop.live.viewers[101], self.shop.sub_streams.viewers[101]), ([], []))
        (problem,) = self.open().say(do="watch", channel=7, camera=1, stream="third")
        self.assertEqual((problem["is"], problem["channel"], problem["code"]), ("problem", 7, "invalid"))

    def test_lines(self) -> None:
        """A line reaches the pages that show a camera which watched it, and no other."""
        page, other = self.open(), self.open()
        page.say(do="watch", channel=5, camera=1)
        other.say(do="watch", channel=5, camera=2)
        fact = sale(3, uids=(101, 90))
        self.shop.bus.publish(fact)
        (message,) = page.told()
        self.assertEqual((message["is"], message["cameras"]), ("line", [1]))
        self.assertEqual((message["line"]["text"], message["line"]["id"]), ("BREAD", str(fact.id)))
        self.assertEqual((message["ticket"]["id"], message["ticket"]["state"]), ("7", "open"))
        self.assertIsNone(message["tally"])  # nothing stands on the screen of these tests
        self.assertEqual(other.told(), [])

    def test_a_ticket_that_is_tied(self) -> None:
        """What stands on the screen is told anew, to who shows it."""
        page, other = self.open(), self.open()
        page.say(do="watch", channel=5, camera=1)
        other.say(do="watch", channel=5, camera=2)
        fact = sale(3)
        tied = replace(fact.ticket, linked=900)
        self.shop.bus.publish(TicketTied(9, tied))
        self.assertEqual(page.told(), [])  # it stands nowhere
        self.shop.screens.shown["1"] = Shown([fact.line], tied, Tally.of([fact.line]))
        self.shop.bus.publish(TicketTied(9, tied))
        (message,) = page.told()
        self.assertEqual((message["is"], message["channel"], message["source"]), ("screen", 5, "1"))
        self.assertEqual((len(message["lines"]), message["ticket"]["linked"]), (1, "900"))
        self.assertEqual(other.told(), [])

    def test_a_line_that_is_masked_afterwards(self) -> None:
        """The screen is told anew where it stands there, and no more than that."""
        page, fact = self.open(), sale(3)
        page.say(do="watch", channel=5, camera=1)
        masked = replace(fact.line, text="CB ****")
        self.shop.screens.shown["1"] = Shown([masked], fact.ticket, Tally.of([masked]))
        self.shop.bus.publish(LineMasked(9, replace(masked, id=1)))
        self.assertEqual(page.told(), [])
        self.shop.bus.publish(LineMasked(9, masked))
        (message,) = page.told()
        self.assertEqual((message["is"], [line["text"] for line in message["lines"]]), ("screen", ["CB ****"]))

    def test_what_rules_find(self) -> None:
        """It reaches every page of who may see exceptions, and one of the cameras."""
        page = self.open()
        boris = self.open(session=self.shop.session("boris")[0])
        exception = RuleException(id=9, rule_id=1, rule="Voids", at=NOON, source="1", cameras=(102,), popup=True)
        self.shop.bus.publish(RuleMet(9, exception))
        (message,) = page.told()
        self.assertEqual((message["is"], message["exception"]["cameras"]), ("exception", [2]))
        self.assertTrue(message["exception"]["popup"])
        self.assertEqual(boris.told(), [])
        user = self.shop.users.users["boris"]
        profile = replace(user.profile, rights=user.profile.rights | {"exceptions"})
        self.shop.users.users["boris"] = replace(user, profile=profile)
        self.shop.bus.publish(SettingChanged("profile", profile.name))
        self.shop.bus.publish(RuleMet(9, exception))
        self.assertEqual(boris.told(), [])  # his camera is another
        self.shop.bus.publish(RuleMet(9, replace(exception, cameras=(101, 102))))
        (message,) = boris.told()
        self.assertEqual(message["exception"]["cameras"], [1])

    def test_states(self) -> None:
        """A change of state is told at once."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        self.shop.bus.publish(CameraStateChanged(1, CameraState(101, Status.ERROR, "refused", NOON)))
        (message,) = page.told()
        self.assertEqual((message["status"], message["code"]), ("error", "refused"))

    def test_leave(self) -> None:
        """A channel that is left is silent; its number may be used again."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        page.say(do="leave", channel=5)
        self.assertEqual(self.shop.live.viewers[101], [])
        self.shop.bus.publish(sale(3))
        self.assertEqual(page.told(), [])
        self.assertEqual(page.say(do="watch", channel=5, camera=2)[0]["camera"], 2)

    def test_same_channel_again(self) -> None:
        """A second watch on a channel replaces the first."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        page.say(do="watch", channel=5, camera=2)
        self.assertEqual((self.shop.live.viewers[101], len(self.shop.live.viewers[102])), ([], 1))

    def test_settings(self) -> None:
        """Who asks is told what is set for tills, and of each change: only of what is another."""
        page, other = self.open(), self.open()
        (told,) = page.say(do="settings", language="fr")
        self.assertEqual((told.pop("kept")["lines"], told), (KEPT, {"is": "settings", "tills": {}, "cameras": NAMES}))
        self.shop.speech.settings["1"] = SourceSettings("1", "Bar")
        ensureDeferred(self.shop.speech.reload())
        self.assertEqual(page.told(), [{"is": "settings", "tills": {"1": {"label": "Bar"}}}])
        ensureDeferred(self.shop.speech.reload())
        self.assertEqual((page.told(), other.told()), ([], []))
        user, boris = self.shop.users.users["anna"], self.open(session=self.shop.session("boris")[0])
        self.assertNotIn("kept", boris.say(do="settings")[0], "how long things are kept is for who may set it")
        ensureDeferred(self.shop.kept_days.change("lines", 800, user))
        self.shop.socket.settings_changed()
        (told,) = page.told()
        self.assertEqual((told["kept"]["lines"], boris.told()), (KEPT | {"days": 800}, []))
        self.assertEqual(page.say(do="settings", language="xx")[0]["code"], "invalid")

    def test_a_cameras_name(self) -> None:
        """Pages that follow the settings are told of another name, and of cameras that come: of those that are seen."""
        user = self.shop.users.users["boris"]
        self.shop.users.users["boris"] = replace(user, profile=replace(user.profile, cameras=frozenset({102})))
        page, boris = self.open(), self.open(session=self.shop.session("boris")[0])
        page.say(do="settings")
        self.assertEqual(boris.say(do="settings")[0]["cameras"], {"2": NAMES["2"]})
        stored = self.shop.cameras.stored
        stored[0] = replace(stored[0], name="Entrée")

        async def away() -> None:
            raise DatabaseUnavailable("the database is away")

        stopped = self.patch(self.shop.cameras, "refresh", away)
        self.shop.bus.publish(SettingChanged("camera", "101"))  # it is said again when the database is back
        self.assertEqual((page.told(), self.flushLoggedErrors()), ([], []))
        stopped.restore()
        self.shop.bus.publish(SettingChanged("camera", "101"))
        self.assertEqual(page.told(), [{"is": "settings", "cameras": {**NAMES, "1": "Entrée"}}])
        self.assertEqual(boris.told(), [])

    def test_sources(self) -> None:
        """Who may set tills up is told that one appeared, or fell silent."""
        page = self.open()
        boris = self.open(session=self.shop.session("boris")[0])
        page.say(do="settings")
        boris.say(do="settings")
        self.shop.bus.publish(SourceAppeared("KKM:9"))
        self.shop.bus.publish(TillSilenceChanged("KKM:9", NOON))
        self.assertEqual(page.told(), [{"is": "source", "source": "KKM:9"}] * 2)
        self.assertEqual(boris.told(), [])

    def test_who_reads_lines_only(self) -> None:
        """Settings reach who shows no camera; pictures, lines and alarms take the right `live`."""
        user = self.shop.users.users["boris"]
        session = self.shop.session("boris")[0]
        for rights, code in ((frozenset(), 403), (frozenset({"lines"}), None)):
            self.shop.users.users["boris"] = replace(user, profile=replace(user.profile, rights=rights))
            if code:
                event = Page(self.shop, session=session).all()[0]
                self.assertEqual(event.status_code, code)
                continue
            page = self.open(session=session)
            told = {"is": "settings", "tills": {}, "cameras": {"1": NAMES["1"]}}
            self.assertEqual(page.say(do="settings"), [told])
            self.assertEqual(page.say(do="watch", channel=5, camera=1)[0]["code"], "not_found")

    def test_clock(self) -> None:
        """The server's time, with the question's number."""
        (message,) = self.open().say(do="clock", sent=12.5)
        self.assertEqual((message["is"], message["sent"]), ("clock", 12.5))
        self.assertGreater(message["at_us"], 1_700_000_000_000_000)

    def test_problems(self) -> None:
        """What cannot be done is told, and the socket stays."""
        page = self.open(session=self.shop.session("boris")[0])
        for wish, code in (
            ({"do": "watch", "channel": 1, "camera": 2}, "not_found"),
            ({"do": "watch", "channel": 1, "camera": 99}, "not_found"),
            ({"do": "watch", "channel": 1, "camera": "1"}, "not_found"),
            ({"do": "watch", "channel": -1, "camera": 1}, "invalid"),
            ({"do": "watch", "channel": True, "camera": 1}, "invalid"),
            ({"do": "dance"}, "unknown"),
        ):
            (message,) = page.say(**wish)
            self.assertEqual((message["is"], message["code"]), ("problem", code), wish)

    def test_too_many(self) -> None:
        """A page shows a bounded number of cameras."""
        page = self.open()
        for number in range(64):
            page.say(do="watch", channel=number, camera=2)
        self.assertEqual(page.say(do="watch", channel=64, camera=2)[0]["code"], "too_many")

    def test_gone(self) -> None:
        """When the page goes, nobody is left watching."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        page.leave()
        self.assertEqual(self.shop.live.viewers[101], [])
        self.shop.bus.publish(sale(3))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertIn("camtrace_web_live_pages 0", self.shop.metrics.text())


class ChangeTests(LiveCase):
    """What an administrator changes acts on open pages."""

    def test_camera_deleted(self) -> None:
        """A deleted camera's channel ends."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        self.successResultOf(_deferred(self.shop.rows.delete(101, NOON)))
        self.shop.bus.publish(SettingChanged("camera", "101"))
        self.assertEqual(page.told(), [{"is": "ended", "channel": 5, "reason": "gone"}])
        self.assertEqual(self.shop.live.viewers[101], [])

    def test_other_sources(self) -> None:
        """A camera given to another till says so."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        self.successResultOf(_deferred(self.shop.rows.update(101, {"overlay_ids": ("2",)})))
        self.shop.bus.publish(SettingChanged("camera", "101"))
        self.assertEqual(page.told()[0], {"is": "watching", "channel": 5, "camera": 1, "sources": ["2"]})

    def test_session_ended(self) -> None:
        """Who logs out loses the open sockets at the next look, and the page knows why."""
        page = self.open()
        self.successResultOf(_deferred(self.shop.gate.close_session(self.session)))
        self.clock.advance(20)
        self.assertEqual(page.closed(), SESSION_ENDED)

    def test_user_changed(self) -> None:
        """A user who is locked loses them at once."""
        page = self.open()
        del self.shop.users.users["anna"]
        self.shop.bus.publish(SettingChanged("user", "anna"))
        self.assertEqual(page.closed(), SESSION_ENDED)

    def test_profile_changed(self) -> None:
        """A camera that is taken away is not shown any more; without the right to live pictures the socket ends."""
        page = self.open(session=self.shop.session("boris")[0])
        page.say(do="watch", channel=5, camera=1)
        profile = self.shop.people.known[3]
        self.successResultOf(_deferred(self.shop.people.change_profile(replace(profile, cameras=frozenset({102})))))
        self.assertEqual(page.told(), [{"is": "ended", "channel": 5, "reason": "gone"}])
        self.assertEqual(self.shop.live.viewers[101], [])
        self.successResultOf(_deferred(self.shop.people.change_profile(replace(profile, rights=frozenset({"lines"})))))
        self.assertEqual(page.closed(), SESSION_ENDED)

    def test_database_away(self) -> None:
        """While the database is away open pages stay."""
        page = self.open()
        self.shop.users.away = True
        self.clock.advance(20)
        self.assertIsNone(page.closed())

    def test_server_stops(self) -> None:
        """Pages are told to look again; one that does not answer is cut off."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        self.shop.socket.stop()
        self.assertEqual(page.closed(), GOING_AWAY)
        self.assertEqual(self.shop.live.viewers[101], [])
        self.clock.advance(5)
        self.assertTrue(page.wire.aborted)


class PeerTests(LiveCase):
    """Pages that are slow, silent or senseless."""

    def test_slow_page(self) -> None:
        """While the transport is full pictures wait, then are left out up to a key frame; lines are not."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        (viewer,) = self.shop.live.viewers[101]
        page.wire.producer.pauseProducing()
        big = b"x" * (1 << 20)
        viewer.live_fragment(big, True, 1)
        for number in range(6):
            viewer.live_fragment(big, False, number)
        self.shop.bus.publish(sale(3))
        viewer.live_fragment(b"fresh", True, 9)
        self.assertEqual(page.all(), [])
        page.wire.producer.resumeProducing()
        events = page.all()
        self.assertEqual([json.loads(event.data)["is"] for event in events[:2]], ["line", "dropped"])
        self.assertEqual(json.loads(events[1].data), {"is": "dropped", "channel": 5, "count": 7})
        self.assertEqual(bytes(events[2].data)[12:], b"fresh")
        self.assertEqual(self.shop.metrics.value("camtrace_web_live_dropped_total", camera=1), 7)

    def test_page_that_never_reads(self) -> None:
        """A page that lets a thousand lines wait is closed and cut off."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        page.wire.producer.pauseProducing()
        for number in range(1100):
            self.shop.bus.publish(sale(number + 1))
        self.assertEqual(page.closed(), TOO_SLOW)
        self.clock.advance(5)
        self.assertTrue(page.wire.aborted)

    def test_ping(self) -> None:
        """A quiet page is asked whether it lives; one that answers stays, one that does not is dropped."""
        page, dead = self.open(), self.open()
        for _ in range(4):
            self.clock.advance(20)
            ping = next(event for event in page.all() if isinstance(event, Ping))
            page._send(Pong(ping.payload))
        self.assertFalse(page.wire.aborted)
        self.assertTrue(dead.wire.aborted)

    def test_long_message(self) -> None:
        """A message without end is not collected."""
        page = self.open()
        page._send(Message("x" * 40_000, message_finished=False))
        page._send(Message("x" * 40_000, message_finished=False))
        self.assertEqual(page.closed(), NOT_ALLOWED)
        self.assertLess(40_000, MESSAGE_LIMIT)

    def test_senseless_messages(self) -> None:
        """What is no JSON object, or binary, ends the socket."""
        for message in ("", "{", "[]", "7", '"x"', "{}", '{"do": "watch"}', "[" * 20_000, b"\0\1"):
            page = self.open()
            page._send(Message(message))
            self.assertEqual(page.closed(), NOT_ALLOWED, message[:10])

    def test_senseless_bytes(self) -> None:
        """Bytes that are no WebSocket's end the connection, quietly."""
        page = self.open()
        page.raw(b"\xff" * 64)
        self.assertTrue(page.wire.aborted or page.wire.disconnecting)

    def test_goodbye(self) -> None:
        """A page that closes properly is answered."""
        page = self.open()
        page._send(CloseConnection(1000))
        self.assertTrue(page.wire.disconnecting)

    def test_pictures_for_a_page_that_has_gone(self) -> None:
        """Who takes nothing more is cut off and noted once, in few words: no footage gets into the log."""
        page = self.open()
        page.say(do="watch", channel=5, camera=1)
        (viewer,) = self.shop.live.viewers[101]
        viewer.live_started(MIME, b"init", "")
        page._send(CloseConnection(1000))
        with capturedLogs() as events:
            for at in range(3):
                viewer.live_fragment(b"footage" * 15_000, True, at)
        told = [formatEvent(event) for event in events]
        self.assertEqual(told, ["the live page of 127.0.0.1 takes nothing more (LocalProtocolError)"])
        self.assertTrue(page.wire.aborted)
        self.assertLess(sum(len(repr(event)) for event in events), 2000)

    def test_broken_frames_are_not_logged(self) -> None:
        """Neither is what a page sends that is no WebSocket's."""
        page = self.open()
        with capturedLogs() as events:
            page.raw(b"\xff" * 60_000)
        self.assertLess(sum(len(repr(event)) for event in events), 2000)


def _deferred(coroutine: Any) -> Any:
    return Deferred.fromCoroutine(coroutine)


class SilenceTests(SynchronousTestCase):
    """Tills that are silent though they should speak."""

    def test_told_to_pages_that_show_one_of_its_cameras(self) -> None:
        shop = WebShop(Clock())
        shop.silences["1"] = NOON
        session, _ = shop.session()
        page, other = Page(shop, session=session), Page(shop, session=session)
        for one in (page, other):
            one.all()  # the handshake
        told = page.say(do="watch", channel=3, camera=1, pictures="")
        silent = {"is": "silence", "channel": 3, "source": "1", "since": "2026-11-20T12:00:00.000000Z"}
        self.assertEqual([one for one in told if one["is"] == "silence"], [silent])
        other.say(do="watch", channel=1, camera=2, pictures="")
        shop.bus.publish(TillSilenceChanged("1", None))
        self.assertEqual([one for one in page.told() if one["is"] == "silence"], [{**silent, "since": None}])
        self.assertEqual(other.told(), [])
