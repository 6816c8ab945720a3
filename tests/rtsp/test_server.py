"""The server's answers and its pacing, on a clock that the test turns."""

from __future__ import annotations

import hashlib
import itertools
import re
from base64 import b64encode
from collections import deque
from datetime import timedelta
from typing import Any

import pytest
from support.clips import START, ClipFootage, ClipReading
from support.rtsp_client import Client, World
from support.rtsp_server import NoLive, People, Served, unix, user
from twisted.internet import defer
from twisted.logger import capturedLogs

from camtrace import clock
from camtrace.auth import PlayerSecret, Throttled
from camtrace.challenge import digest_response
from camtrace.errors import DatabaseUnavailable
from camtrace.events import SettingChanged
from camtrace.model import Chunk
from camtrace.rtsp.service import REVIEW_SECONDS
from camtrace.rtsp.session import LINGER, PAUSED_TIMEOUT, TIMEOUT

BASE = "rtsp://cam.example:8554/player/regul/3/"
URL = f"{BASE}?start={unix(START)}&stop={unix(START) + 600}"
UDP = "RTP/AVP;unicast;client_port=6000-6001"
DESCRIBE_SUB = b"DESCRIBE rtsp://h/live/3/sub RTSP/1.0\r\nCSeq: 1\r\n\r\n"
CLIP = "vtest_h264_baseline.mp4"  # 12 s, ten pictures a second, a key frame every second or so


class Scene:
    """A world with a server over one clip, and clients."""

    def __init__(self, footage: Any = None, **options: Any) -> None:
        self.world = World()
        self.footage = footage or ClipFootage(CLIP)
        self.served = Served(self.world, self.footage, **options)
        self.served.service.startService()

    def client(self) -> Client:
        """Another player."""
        return Client(self.served, self.world)

    @property
    def sessions(self) -> int:
        return len(self.served.service.sessions)


def npt(answer: Any) -> tuple[float, float]:
    """Both ends of an answer's Range."""
    matched = re.fullmatch(r"npt=([\d.]+)-([\d.]+)", answer.headers["range"])
    assert matched is not None, answer
    return float(matched[1]), float(matched[2])


def rtptime(answer: Any) -> int:
    """The timestamp an answer's RTP-Info announces."""
    return int(re.search(r"rtptime=(\d+)", answer.headers["rtp-info"])[1])


# ── playing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pace() -> None:
    """Pictures come at the pace of the recording, within a hundredth of a second; RTP-Info tells the first packet."""
    client = Scene().client()
    answer = client.start(URL)
    assert npt(answer) == (0, 12)
    client.turn(3)
    pictures = [frame for frame in client.rtp() if frame.marker]
    assert len(pictures) in (30, 31)
    first = client.rtp()[0]
    assert (
        answer.headers["rtp-info"]
        == f"url={BASE}@1709215200.000-1709215800.000/track1;seq={first.sequence};rtptime={first.timestamp}"
    )
    for number, picture in enumerate(pictures):
        assert picture.timestamp - first.timestamp == number * 9000
        assert -0.0101 < picture.at - pictures[0].at - number * 0.1 < 0.0101
    sequences = [frame.sequence for frame in client.rtp()]
    assert sequences == [(first.sequence + number) & 0xFFFF for number in range(len(sequences))]


def test_reports_and_end() -> None:
    """A sender report before the first packet and every five seconds, with the recording's wall time; BYE at the end.

    A few seconds later the session and the connection are over.
    """
    scene = Scene()
    client = scene.client()
    client.start(URL)
    client.turn(11.9)
    assert client.frames[0].is_rtcp
    reports = client.rtcp()
    assert [report.ntp - START.timestamp() for report in reports] == pytest.approx([0, 5, 10], abs=0.3)
    assert not any(report.is_bye for report in reports)
    client.turn(0.3)
    assert client.frames[-1].is_bye
    assert sum(frame.marker for frame in client.rtp()) == 120
    assert (scene.sessions, client.transport.lost) == (1, False)
    client.turn(LINGER + 1.1)
    assert (scene.sessions, client.transport.lost) == (0, True)
    assert scene.footage.opened[0].closed


def test_every_track_ends() -> None:
    """Sound and picture share one clock, and each says BYE."""
    client = Scene(ClipFootage("vtest_h264_aac.mp4")).client()
    client.start(URL)
    client.turn(4.3)
    assert [frame.channel for frame in client.frames if frame.is_rtcp and frame.is_bye] == [1, 3]
    assert client.rtcp(1)[0].ntp == client.rtcp(3)[0].ntp
    assert len(client.rtp(2)) == 64


def test_hole_is_skipped() -> None:
    """Over a hole RTP time runs on and the reports' wall time jumps; the announced duration leaves the hole out."""
    client = Scene(ClipFootage(CLIP, hole_seconds=3600)).client()
    assert npt(client.start(URL.replace("+600", ""))) == (0, 12)
    client.turn(12.3)
    stamps = [frame.timestamp for frame in client.rtp() if frame.marker]
    assert {second - first for first, second in itertools.pairwise(stamps)} == {9000}
    jumps = [report.ntp - START.timestamp() for report in client.rtcp()]
    assert max(jumps) > 3600
    assert client.frames[-1].is_bye


def test_hole_is_kept() -> None:
    """With gaps=keep the hole lasts as long as it lasted."""
    client = Scene(ClipFootage(CLIP, hole_seconds=30)).client()
    assert npt(client.start(URL + "&gaps=keep")) == (0, 42)
    client.turn(20)
    before = len(client.rtp())
    client.turn(10)
    assert len(client.rtp()) == before
    client.turn(12.5)
    pictures = [frame for frame in client.rtp() if frame.marker]
    assert pictures[-1].timestamp - pictures[0].timestamp == round(41.9 * 90_000)
    assert client.frames[-1].is_bye


def test_pause_and_resume() -> None:
    """Nothing comes while paused; a PLAY without Range goes on with the next picture."""
    client = Scene().client()
    client.start(URL)
    client.turn(2.05)
    assert client.ask("PAUSE", BASE).status == 200
    seen = [frame for frame in client.rtp() if frame.marker]
    client.turn(30, 0.1)
    assert len([frame for frame in client.rtp() if frame.marker]) == len(seen)
    answer = client.ask("PLAY", BASE)
    assert npt(answer) == (2.1, 12)
    client.turn(11)
    pictures = [frame for frame in client.rtp() if frame.marker]
    assert len(pictures) == 120
    assert pictures[len(seen)].timestamp == rtptime(answer) == seen[-1].timestamp + 9000


def test_seek() -> None:
    """A PLAY with Range while playing goes to the key frame before; RTP time and sequence run on."""
    scene = Scene()
    client = scene.client()
    client.start(URL)
    client.turn(1.05)
    last = client.rtp()[-1]
    keys = sorted((chunk.samples[0].at_us - clock.to_us(START)) / 1e6 for chunk in scene.footage.chunks)
    answer = client.ask("PLAY", BASE, "Range: npt=7.350-")
    assert npt(answer) == (max(key for key in keys if key <= 7.35), 12)
    before = len(client.rtp())
    client.turn(0.05)
    first = client.rtp()[before]
    assert first.sequence == (last.sequence + 1) & 0xFFFF
    assert first.timestamp == rtptime(answer)
    assert 0 < first.timestamp - last.timestamp <= 9000
    assert client.ask("PLAY", BASE, "Range: npt=0-").headers["range"] == "npt=0.000-12.000"


def test_seek_by_clock_and_end_of_range() -> None:
    """Wall time is answered in wall time; a range that ends early ends the playing there."""
    client = Scene().client()
    answer = client.start(URL, "RTP/AVP/TCP;interleaved=0-1", "Range: clock=20240229T140000Z-20240229T140002Z")
    assert answer.headers["range"] == "clock=20240229T140000.000Z-20240229T140002.000Z"
    client.turn(3)
    assert sum(frame.marker for frame in client.rtp()) == 20
    assert client.frames[-1].is_bye
    assert client.ask("PLAY", BASE, "Range: npt=0-1").status == 200
    client.turn(3)
    assert sum(frame.marker for frame in client.rtp()) == 30


def test_seek_after_the_end() -> None:
    """During the last seconds of its life an ended session plays again."""
    scene = Scene()
    client = scene.client()
    client.start(URL)
    client.turn(13)
    assert client.ask("PLAY", BASE, "Range: npt=0-").status == 200
    client.turn(LINGER + 5)
    assert scene.sessions == 1
    assert sum(frame.marker for frame in client.rtp()) > 200


def test_slow_client_stands_still() -> None:
    """While the client's buffer is full nothing is read for it; then it goes on where it stood, without a burst."""
    scene = Scene(ClipFootage(CLIP, times=4))
    client = scene.client()
    client.start(URL)
    client.turn(1.05)
    client.transport.producer.pauseProducing()
    seen, read = len(client.frames), scene.footage.opened[0]._next
    client.turn(20, 0.1)
    assert (len(client.frames), scene.footage.opened[0]._next) == (seen, read)
    client.transport.producer.resumeProducing()
    client.turn(1)
    assert sum(frame.marker for frame in client.rtp()) <= 23
    assert scene.sessions == 1


def test_stuck_client_is_let_go() -> None:
    """A client that takes nothing for a minute is gone."""
    scene = Scene(ClipFootage(CLIP, times=10))
    client = scene.client()
    client.start(URL)
    client.turn(1)
    client.transport.producer.pauseProducing()
    client.turn(TIMEOUT + 3, 0.1)
    assert scene.sessions == 0
    assert client.transport.lost
    assert not client.transport.aborted
    client.turn(10, 0.1)
    assert client.transport.aborted  # its buffer never emptied


def test_reading_ahead_is_bounded() -> None:
    """No more than about two chunks are in memory, however long the recording."""
    scene = Scene(ClipFootage(CLIP, times=20))
    client = scene.client()
    client.start(URL)
    client.turn(5)
    chunks = scene.footage.opened[0].chunks
    ahead = chunks[scene.footage.opened[0]._next].samples[0].at_us - clock.to_us(START) - 5_000_000
    assert ahead < 4_000_000


def test_failing_disk_ends_the_playback() -> None:
    """An error of the reading is logged and ends the playback with BYE; the server lives."""
    scene = Scene()
    client = scene.client()
    client.start(URL)

    async def fail() -> None:
        raise OSError("the disk is gone")

    scene.footage.opened[0].next = fail
    client.turn(4)
    assert client.frames[-1].is_bye
    assert client.ask("OPTIONS", "*").status == 200


class Broken:
    """Something that fails, the first `times` it is called."""

    def __init__(self, call: Any, times: int = 1_000_000) -> None:
        self.call = call
        self.left = times

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Fail, or do what is asked."""
        self.left -= 1
        if self.left >= 0:
            raise AttributeError("'Port' object has no attribute 'socket'")
        return self.call(*values, **named)


def breaks(client: Client, scene: Scene, what: str, times: int = 1_000_000) -> Broken:
    """Let a method of the outlet of the client's first track fail."""
    playback = scene.served.service.sessions.get(client.session)
    assert playback is not None
    broken = Broken(getattr(playback.outlets()[0], what), times)
    setattr(playback.outlets()[0], what, broken)
    return broken


@pytest.mark.parametrize("transport", ["RTP/AVP/TCP;unicast;interleaved=0-1", UDP])
def test_a_failing_player_ends_alone(transport: str) -> None:
    """Sending to one of three fails: that one is told of the end and let go, the others get every picture and end."""
    scene = Scene(ClipFootage("vtest_h264_aac.mp4"))
    clients = [scene.client() for _ in range(3)]
    for client in clients:
        client.start(URL, transport if client is clients[1] else "RTP/AVP/TCP;unicast;interleaved=0-1")
    scene.world.turn(1)
    with capturedLogs() as logs:
        broken = breaks(clients[1], scene, "send")
        scene.world.turn(4)
    assert [event["log_format"] for event in logs if "log_failure" in event] == ["a playback failed and is ended"]
    assert broken.left == 999_999  # it was not tried again
    for client in clients:
        client.read()
    for client in (clients[0], clients[2]):
        assert sum(frame.marker for frame in client.rtp()) == 40
        assert [frame.channel for frame in client.frames if frame.is_rtcp and frame.is_bye] == [1, 3]
    if transport == UDP:
        assert [port.sent[-1][-8:-4] == b"\x81\xcb\x00\x01" for port in scene.world.ports] == [False, True] * 2
    else:
        assert [frame.channel for frame in clients[1].frames if frame.is_rtcp and frame.is_bye] == [1, 3]
    scene.world.turn(LINGER, 0.1)
    assert scene.sessions == 0
    assert all(client.transport.lost for client in clients)
    assert all(reading.closed for reading in scene.footage.opened)
    assert not any(port.open for port in scene.world.ports)


def test_a_failing_player_is_told_of_the_end_as_far_as_it_goes() -> None:
    """Not even BYE can be said on one track: it is on the other; a seek back is answered and plays."""
    scene = Scene(ClipFootage("vtest_h264_aac.mp4"))
    client = scene.client()
    client.start(URL)
    client.turn(1)
    breaks(client, scene, "send", 1)
    breaks(client, scene, "control", 1)
    with capturedLogs():
        client.turn(1)
    assert [frame.channel for frame in client.frames if frame.is_rtcp and frame.is_bye] == [3]
    seen = len(client.rtp())
    assert client.ask("PLAY", BASE, "Range: npt=0-").status == 200
    client.turn(1)
    assert len(client.rtp()) > seen + 5


def test_failing_while_it_stands_still() -> None:
    """A player that the client stopped, or that fails once the client takes again what is sent, ends like others."""
    scene = Scene()
    client, paused = scene.client(), scene.client()
    client.start(URL)
    paused.start(URL)
    client.turn(1.05)
    paused.read()
    waiting: defer.Deferred[Chunk | None] = defer.Deferred()
    scene.footage.opened[1].next = lambda: waiting
    client.transport.producer.pauseProducing()
    scene.world.turn(2)
    assert paused.ask("PAUSE", BASE).status == 200
    with capturedLogs() as logs:
        breaks(client, scene, "send")
        client.transport.producer.resumeProducing()
        strange = scene.footage.chunks[0].samples[0]._replace(pts="no number")  # type: ignore[arg-type]
        waiting.callback(Chunk((strange,), scene.footage.tracks))
        scene.world.turn(0.1)
    assert [event["log_format"] for event in logs if "log_failure" in event] == ["a playback failed and is ended"] * 2
    for one in (client, paused):
        one.read()
        assert one.frames[-1].is_bye
        assert one.ask("OPTIONS", "*").status == 200
    scene.world.turn(LINGER + 1.1, 0.1)
    assert scene.sessions == 0


def test_failing_to_end_keeps_nobody() -> None:
    """What cannot be given back at the end of a session is logged: others still expire, and the server stops."""
    scene = Scene()
    clients = [scene.client() for _ in range(4)]
    for client in clients:
        client.start(URL)
    breaks(clients[0], scene, "close")
    playback = scene.served.service.sessions.get(clients[1].session)
    assert playback is not None
    with capturedLogs() as logs:
        playback.expired = Broken(playback.expired)  # type: ignore[method-assign]
        clients[1].protocol.close = Broken(clients[1].protocol.close, 1)  # type: ignore[method-assign]
        scene.world.turn(1.5, 0.1)
        assert (scene.sessions, clients[1].transport.lost) == (3, False)
        scene.world.turn(1, 0.1)
        assert clients[1].transport.lost
        clients[0].ask("PAUSE", BASE)
        clients[2].ask("PAUSE", BASE)
        scene.world.turn(PAUSED_TIMEOUT + 2, 0.5)
        assert scene.sessions == 0
        scene.client().start(URL)
        last = scene.client()
        last.start(URL)
        breaks(last, scene, "close")
        scene.served.service.stopService()
    assert scene.sessions == 0
    assert all(reading.closed for reading in scene.footage.opened)
    assert [event["log_format"][:24] for event in logs if "log_failure" in event] == [
        "session {id} does not kn",
        "a connection without a s",
        "session {id} did not end",
        "session {id} did not end",
    ]


class Feeding:
    """A live reading fed by the test."""

    def __init__(self, footage: ClipFootage) -> None:
        self.tracks = footage.tracks
        self.start = START
        self.stop = None
        self.closed = False
        self._chunks: deque[Chunk] = deque()
        self._asked: defer.Deferred[None] | None = None

    def put(self, chunk: Chunk) -> None:
        """A camera sent this."""
        self._chunks.append(chunk)
        if self._asked is not None:
            asked, self._asked = self._asked, None
            asked.callback(None)

    async def next(self) -> Chunk | None:
        """Wait for the camera."""
        if not self._chunks and not self.closed:
            self._asked = defer.Deferred()
            await self._asked
        return self._chunks.popleft() if self._chunks else None

    def close(self) -> None:
        """Give it back."""
        self.closed = True
        if self._asked is not None:
            asked, self._asked = self._asked, None
            asked.callback(None)


def test_live() -> None:
    """Each picture goes out when it comes; the range has no end; the end of the camera is the end of the session."""
    footage = ClipFootage(CLIP)
    reading = Feeding(footage)
    scene = Scene(footage, live=NoLive(reading))
    client = scene.client()
    answer = client.start("rtsp://h/live/3")
    assert b"a=range:npt=now-" in client.answers[0].body
    assert client.answers[0].headers["content-base"] == "rtsp://h/live/3/"
    assert answer.headers["range"] == "npt=now-"
    samples = [sample for chunk in footage.chunks for sample in chunk.samples]
    for number, sample in enumerate(samples[:20]):
        reading.put(Chunk((sample,), footage.tracks))
        client.turn(0.02)
        assert sum(frame.marker for frame in client.rtp()) == number + 1
    assert client.rtp()[0].timestamp == rtptime(answer)
    reading.close()
    client.turn(0.05)
    assert client.frames[-1].is_bye


def test_second_stream() -> None:
    """`/live/3/sub` is answered once the second stream is there, and is another presentation than the main one."""
    footage = ClipFootage(CLIP)
    reading = Feeding(footage)
    scene = Scene(footage)
    client = scene.client()
    assert client.send(DESCRIBE_SUB) == []
    scene.served.sub.asked.pop().callback(reading)
    client.turn(0.05)
    assert client.answers[0].headers["content-base"] == "rtsp://h/live/3/sub/"
    client.ask("SETUP", "rtsp://h/live/3/sub/track1", "Transport: RTP/AVP/TCP;interleaved=0-1")
    client.ask("PLAY", "rtsp://h/live/3/sub/")
    reading.put(footage.chunks[0])
    client.turn(0.05)
    assert client.rtp()
    assert scene.served.sub.asked == []
    assert client.ask("TEARDOWN", "rtsp://h/live/3/sub/").status == 200
    assert reading.closed


def test_no_second_stream_and_no_main_one() -> None:
    """A camera that gives no picture at all; and a player that hangs up while it waits leaves nothing open."""
    footage = ClipFootage(CLIP)
    scene = Scene(footage)
    client = scene.client()
    client.send(DESCRIBE_SUB)
    scene.served.sub.asked.pop().callback(None)
    client.turn(0.05)
    assert client.answers[0].status == 503
    client.send(DESCRIBE_SUB)
    client.protocol.connectionLost()
    reading = Feeding(footage)
    scene.served.sub.asked.pop().callback(reading)
    assert reading.closed


def test_live_pause() -> None:
    """A paused live session asks the camera for nothing more; TEARDOWN gives the feed back."""
    footage = ClipFootage(CLIP)
    reading = Feeding(footage)
    client = Scene(footage, live=NoLive(reading)).client()
    client.start("rtsp://h/live/3")
    reading.put(footage.chunks[0])
    client.ask("PAUSE", "rtsp://h/live/3/")
    seen = len(client.frames)
    reading.put(footage.chunks[1])
    client.turn(1)
    assert len(client.frames) == seen
    client.ask("PLAY", "rtsp://h/live/3/")
    client.turn(0.05)
    assert len(client.frames) > seen
    assert client.ask("TEARDOWN", "rtsp://h/live/3/").status == 200
    assert reading.closed


def test_no_live_picture() -> None:
    """A camera that gives none now."""
    assert Scene().client().ask("DESCRIBE", "rtsp://h/live/3").status == 503


# ── transports ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_udp() -> None:
    """RTP from an even port, RTCP from the next, to the ports asked for; receiver reports keep the session."""
    scene = Scene(ClipFootage(CLIP, times=20))
    client = scene.client()
    client.start(URL, UDP)
    data, control = scene.world.ports
    assert (data.number % 2, control.number) == (0, data.number + 1)
    client.turn(0.05)
    assert (data.sent_to, control.sent_to) == (("192.0.2.7", 6000), ("192.0.2.7", 6001))
    for _ in range(4):
        client.turn(TIMEOUT / 2, 0.05)
        control.protocol.datagramReceived(b"\x80\xc9\x00\x01\x00\x00\x00\x05", ("192.0.2.7", 6001))
    assert scene.sessions == 1
    assert max(len(packet) for packet in data.sent) <= 1412
    client.turn(TIMEOUT + 2, 0.05)
    assert scene.sessions == 0
    assert not data.open
    assert not control.open


def test_udp_says_the_end_again() -> None:
    """A lost BYE would leave a player waiting for ever: it is told twice more, unless it closes or goes on.

    The first waits a little: taken from another socket, it could overtake the last picture in the player.
    """
    scene = Scene()
    torn_down, sought, _silent = clients = [scene.client() for _ in range(3)]
    for client in clients:
        client.start(URL, UDP)

    def byes() -> list[int]:
        controls = [port for port in scene.world.ports if port.number % 2]
        return [sum(packet[-8:-4] == b"\x81\xcb\x00\x01" for packet in port.sent) for port in controls]

    scene.world.turn(12.1)
    assert byes() == [0, 0, 0]
    scene.world.turn(0.5)
    assert byes() == [1, 1, 1]
    assert torn_down.ask("TEARDOWN", BASE).status == 200
    assert sought.ask("PLAY", BASE, "Range: npt=6-").status == 200
    scene.world.turn(0.5)
    assert byes() == [1, 1, 2]
    scene.world.turn(4)
    assert byes() == [1, 1, 3]
    assert scene.sessions == 2


def test_udp_outlives_its_connection() -> None:
    """Without its connection a session over UDP goes on, until nothing listens at the client."""
    scene = Scene()
    client = scene.client()
    client.start(URL, UDP)
    client.turn(1)
    client.protocol.connectionLost()
    assert scene.sessions == 1
    scene.world.ports[0].protocol.connectionRefused()
    assert scene.sessions == 0


def test_udp_client_found_gone_while_sending() -> None:
    """The refusal comes in the middle of a picture, from the port that is written to: nothing more is sent by it."""
    scene = Scene()
    other, client = scene.client(), scene.client()
    other.start(URL)
    client.start(URL, UDP)
    scene.world.turn(1)
    client.protocol.connectionLost()
    data, control = scene.world.ports
    write, packets = data.write, len(data.sent)

    def refused(datagram: bytes, addr: Any = None) -> None:
        write(datagram, addr)
        data.protocol.connectionRefused()

    data.write = refused  # type: ignore[method-assign]
    scene.world.turn(0.2)
    assert len(data.sent) == packets + 1
    assert (data.open, control.reading, scene.sessions) == (False, False, 1)
    scene.world.turn(12)
    assert not control.open
    other.read()
    assert sum(frame.marker for frame in other.rtp()) == 120
    assert other.frames[-1].is_bye


def test_udp_range() -> None:
    """Ports from a range, and a refusal when it is used up."""
    scene = Scene(udp_ports=(50_001, 50_004))
    taken: set[int] = set()
    listen = scene.world.listenUDP

    def once(number: int, protocol: Any, interface: str = "") -> Any:
        from twisted.internet.error import CannotListenError

        if number in taken:
            raise CannotListenError(interface, number, OSError())
        taken.add(number)
        return listen(number, protocol, interface)

    scene.world.listenUDP = once  # type: ignore[method-assign]
    client = scene.client()
    assert "server_port=50002-50003" in client.ask("SETUP", f"{URL}/track1", f"Transport: {UDP}").headers["transport"]
    assert scene.client().ask("SETUP", f"{URL}/track1", f"Transport: {UDP}").status == 461
    assert scene.sessions == 1


def test_from_udp_to_tcp() -> None:
    """ffmpeg without UDP data pauses, then sets up anew by TCP without naming the session: it starts over."""
    scene = Scene()
    client = scene.client()
    client.start(URL, UDP)
    client.turn(1)
    assert client.ask("PAUSE", BASE).status == 200
    answer = client.ask(
        "SETUP",
        f"{BASE}@1709215200.000-1709215800.000/track1",
        "Session: ",
        "Transport: RTP/AVP/TCP;unicast;interleaved=0-1",
    )
    assert answer.status == 200
    assert scene.sessions == 1
    assert client.ask("PLAY", BASE, "Range: npt=0-").status == 200
    client.turn(1)
    assert client.rtp()
    assert not any(port.open for port in scene.world.ports)


def test_from_udp_to_tcp_in_the_same_session() -> None:
    """GStreamer names it: the track is moved."""
    scene = Scene()
    client = scene.client()
    client.start(URL, UDP)
    client.turn(1)
    client.ask("PAUSE", BASE)
    assert client.ask("SETUP", f"{BASE}track1", "Transport: RTP/AVP/TCP;unicast;interleaved=4-5").status == 200
    client.ask("PLAY", BASE)
    client.turn(1)
    assert client.rtp(4)
    assert not any(port.open for port in scene.world.ports)


def test_setup_without_describe() -> None:
    """Everything needed stands in the URL; a single track needs no name; the server picks free channels."""
    client = Scene().client()
    answer = client.ask("SETUP", URL, "Transport: RTP/AVP/TCP;unicast")
    assert answer.headers["transport"].startswith("RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=")
    assert client.ask("PLAY", URL).status == 200


def test_two_sessions_on_one_connection() -> None:
    """Each is called by its name."""
    scene = Scene()
    client = scene.client()
    first = client.ask("SETUP", f"{URL}/track1", "Transport: RTP/AVP/TCP;interleaved=0-1").headers["session"]
    client.session = ""
    other = URL.replace("stop=", "stop=1")
    second = client.ask("SETUP", f"{other}/track1", "Transport: RTP/AVP/TCP;interleaved=2-3").headers["session"]
    assert scene.sessions == 2
    for session in (first, second):
        assert client.ask("PLAY", BASE, f"Session: {session}").status == 200
    client.turn(0.5)
    assert client.rtp(0)
    assert client.rtp(2)


# ── asking wrongly ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "status", "reason"),
    [
        (f"{BASE}?start={unix(START) - 900}&stop={unix(START) - 600}", 404, "nothing is recorded of camera 3"),
        (f"{BASE}?start={unix(START) + 600}&stop={unix(START) + 700}", 404, "nothing is recorded of camera 3"),
        (BASE, 404, "nothing is recorded of camera 3"),
        (f"{BASE}?start={unix(START) + 90 * 86400}", 404, "in the future"),
        (f"{BASE}?start={unix(START)}&stop={unix(START) - 1}", 400, "stop must lie after start"),
        (f"{BASE}?start={unix(START)}&stop={unix(START)}", 400, "stop must lie after start"),
        (f"{BASE}?start=soon", 400, "Unix seconds"),
        (URL.replace("regul", "alarm"), 404, "nothing is recorded"),
        (URL.replace("/3/", "/99/"), 404, "there is no camera 99"),
        ("rtsp://h/", 404, "/player/regul/CAMERA"),
        ("*", 404, "/player/regul/CAMERA"),
        ("rtsp://h/player/regul/track1", 404, "names no camera"),
        ("rtsp://[::1/player/regul/3", 400, "cannot be read"),
    ],
)
def test_nothing_to_describe(url: str, status: int, reason: str) -> None:
    """Each with its reason in words."""
    scene = Scene()
    answer = scene.client().ask("DESCRIBE", url)
    assert answer.status == status
    assert reason in answer.reason
    assert scene.served.metrics.value("camtrace_rtsp_refusals_total", status=status) == 1


@pytest.mark.parametrize("method", ["PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "SETUP"])
def test_unknown_session(method: str) -> None:
    """454, whatever is asked of it."""
    answer = Scene().client().ask(method, URL, "Session: 12345678", "Transport: RTP/AVP/TCP")
    assert (answer.status, answer.reason) == (454, "Session Not Found")


def test_no_cseq() -> None:
    """Refused, and the connection goes on."""
    client = Scene().client()
    (answer,) = client.send(b"OPTIONS * RTSP/1.0\r\n\r\n")
    assert (answer.status, answer.reason) == (400, "the request has no CSeq")
    assert client.ask("OPTIONS", "*").status == 200


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff\xfe garbage\n", b"S|12|Bread|1|2.00\r\n", b"GET / HTTP/1.1 x\r\n\r\n", b"A" * 20_000]
)
def test_garbage(garbage: bytes) -> None:
    """400 and the end, also behind a good request."""
    client = Scene().client()
    assert client.ask("OPTIONS", "*").status == 200
    assert client.send(garbage)[-1].status == 400
    assert client.transport.lost


def test_http() -> None:
    """A browser is told that this is not its port."""
    (answer,) = Scene().client().send(b"GET / HTTP/1.1\r\nHost: x\r\nCSeq: 1\r\n\r\n")
    assert answer.status == 505


def test_half_a_request() -> None:
    """A client that never ends its request is let go after a minute."""
    client = Scene().client()
    client.send(b"DESCRIBE rtsp://h/player/reg")
    client.turn(61, 1)
    assert client.transport.lost


def test_a_head_that_comes_drop_by_drop() -> None:
    """Bytes alone are no sign of life: without a whole request the client is let go just the same."""
    client = Scene().client()
    client.send(b"DESCRIBE rtsp://h/player/reg")
    for _ in range(61):
        client.send(b"u")
        client.turn(1, 1)
    assert client.transport.lost


@pytest.mark.parametrize("line", [b"X-More: " + b"a" * 1000 + b"\r\n", b"a" * 1000])
def test_an_endless_head(line: bytes) -> None:
    """A head that grows for ever, by headers or by one of 60 kB and more, is answered 400 at 16 kB, and closed."""
    client = Scene().client()
    client.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: ")
    sent = 0
    while not client.transport.lost and sent < 60_000:
        client.send(line)
        sent += len(line)
    assert sent < 18_000
    assert [(answer.status, answer.reason) for answer in client.answers] == [(400, "the request's head is too long")]
    for _ in range(100):
        assert client.send(line) == []
    assert len(client.protocol._parser._held) < 20_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Transport: RTP/AVP;multicast"], 461),
        ([], 461),
        (["Transport: RTP/AVP/TCP;interleaved=0-1", "Require: onvif-replay"], 551),
    ],
)
def test_setup_refused(headers: list[str], status: int) -> None:
    """What cannot be had leaves nothing behind."""
    scene = Scene()
    assert scene.client().ask("SETUP", f"{URL}/track1", *headers).status == status
    assert scene.sessions == 0


def test_setup_of_a_missing_track() -> None:
    """There is no track 7."""
    scene = Scene()
    client = scene.client()
    answer = client.ask("SETUP", f"{URL}/track7", "Transport: RTP/AVP/TCP")
    assert (answer.status, answer.reason) == (404, "there is no track 7")
    client.start(URL)
    assert client.ask("SETUP", f"{URL}/track7", "Session: ", "Transport: RTP/AVP/TCP").status == 404
    client.protocol.connectionLost()
    assert scene.sessions == 0
    assert all(reading.closed for reading in scene.footage.opened)


@pytest.mark.parametrize("text", ["npt=30-", "npt=5-2", "smpte=0:1-", "npt=x", "clock=20250101T000000Z-"])
def test_range_refused(text: str) -> None:
    """457, and what plays goes on."""
    client = Scene().client()
    client.start(URL)
    client.turn(1)
    assert client.ask("PLAY", BASE, f"Range: {text}").status == 457
    before = len(client.frames)
    client.turn(1)
    assert len(client.frames) > before


def test_wrong_state_and_unknown_method() -> None:
    """455 names what may be asked, 501 what this server speaks."""
    client = Scene().client()
    client.start(URL)
    answer = client.ask("SETUP", f"{BASE}track1", "Transport: RTP/AVP/TCP;interleaved=0-1")
    assert (answer.status, answer.headers["allow"]) == (455, "PLAY, PAUSE")
    answer = client.ask("RECORD", BASE)
    assert answer.status == 501
    assert "DESCRIBE" in answer.headers["public"]


def test_parameters() -> None:
    """Empty is a sign of life; the position is told; nothing else is known."""
    client = Scene().client()
    assert client.ask("GET_PARAMETER", BASE).status == 200
    client.start(URL)
    client.turn(2.05)
    assert client.ask("GET_PARAMETER", BASE).body == b""
    assert client.ask("SET_PARAMETER", BASE).status == 200
    assert client.ask("GET_PARAMETER", BASE, body=b"position\r\n").body == b"position: npt=2.100-\r\n"
    assert client.ask("GET_PARAMETER", BASE, body=b"colour\r\n").status == 451
    assert client.ask("SET_PARAMETER", BASE, body=b"colour: red\r\n").status == 451


def test_scale_is_one() -> None:
    """Any speed asked for is answered with the real one."""
    client = Scene().client()
    answer = client.start(URL, "RTP/AVP/TCP;interleaved=0-1", "Scale: 4.000000", "Speed: 2")
    assert (answer.headers["scale"], answer.headers["speed"]) == ("1", "1")


def test_options_before_anything() -> None:
    """OPTIONS of the server or of a URL, without a login."""
    client = Scene(gate=People()).client()
    for url in ("*", URL):
        answer = client.ask("OPTIONS", url)
        assert answer.headers["public"].split(", ")[:2] == ["OPTIONS", "DESCRIBE"]


def test_not_carried_is_noted_rarely() -> None:
    """The reason goes into the journal, not at every try of a player."""
    scene = Scene(ClipFootage("vtest_mjpeg.mkv"))
    client = scene.client()
    for _ in range(3):
        answer = client.ask("DESCRIBE", URL)
        assert (answer.status, answer.reason[:21]) == (415, "the pictures use Huff")
    assert [(kind, text, camera_uid) for kind, text, _, camera_uid in scene.served.notes] == [
        ("system", "rtsp_not_offered", 1003)
    ]
    scene.world.advance(3601)
    scene.client().ask("DESCRIBE", URL)
    assert len(scene.served.notes) == 2


def test_database_away() -> None:
    """503 in words, and the next request is answered."""
    scene = Scene()

    async def away(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("no")

    scene.footage.open = away
    client = scene.client()
    assert client.ask("DESCRIBE", URL).status == 503
    assert client.ask("OPTIONS", "*").status == 200


def test_a_flood_of_requests() -> None:
    """While an answer is awaited, no more than a few dozen requests are taken in."""
    scene = Scene()
    waiting: defer.Deferred[None] = defer.Deferred()

    async def slow(*_: Any, **__: Any) -> None:
        await waiting

    scene.footage.open = slow
    client = scene.client()
    client.send(f"DESCRIBE {URL} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    for number in range(40):
        client.send(f"OPTIONS * RTSP/1.0\r\nCSeq: {number + 2}\r\n\r\n".encode())
    assert client.transport.producerState == "paused"
    waiting.callback(None)
    client.read()
    assert client.transport.producerState == "producing"
    assert [int(answer.headers["cseq"]) for answer in client.answers] == list(range(1, 42))


def test_too_many_sessions() -> None:
    """453 when the server has as many players as it may."""
    scene = Scene()
    scene.served.service.sessions._most = 1
    assert scene.client().ask("SETUP", f"{URL}/track1", "Transport: RTP/AVP/TCP").status == 200
    assert scene.client().ask("SETUP", f"{URL}/track1", "Transport: RTP/AVP/TCP").status == 453
    assert scene.sessions == 1


def test_client_gone_while_opening() -> None:
    """The reading that was being opened for it is given back."""
    scene = Scene()
    waiting: defer.Deferred[None] = defer.Deferred()
    open_now = scene.footage.open

    async def slow(*values: Any, **named: Any) -> ClipReading | None:
        await waiting
        return await open_now(*values, **named)

    scene.footage.open = slow
    client = scene.client()
    client.send(f"DESCRIBE {URL} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    client.protocol.connectionLost()
    waiting.callback(None)
    assert all(reading.closed for reading in scene.footage.opened)


def test_client_gone() -> None:
    """A lost connection gives back what was read for it: described, set up, or playing."""
    scene = Scene()
    for _ in range(3):
        scene.client().ask("DESCRIBE", URL)
    clients = [scene.client() for _ in range(3)]
    for client in clients:
        client.start(URL)
    clients[0].turn(1)
    assert scene.sessions == 3
    for connection in list(scene.served.service._connections):
        connection.connectionLost()
    assert scene.sessions == 0
    assert len(scene.footage.opened) == 6
    assert all(reading.closed for reading in scene.footage.opened)


def test_stop() -> None:
    """Stopping says BYE to all, then closes; who does not take it is cut off."""
    scene = Scene()
    client = scene.client()
    client.start(URL)
    client.turn(1)
    stopped: list[None] = []
    scene.served.service.stopService().addCallback(stopped.append)
    client.read()
    assert client.frames[-1].is_bye
    assert client.transport.lost
    assert not stopped
    client.turn(2.1)
    assert client.transport.aborted
    assert stopped == [None]


def test_sessions_are_shown() -> None:
    """The gauge of the metrics page."""
    scene = Scene()
    scene.client().start(URL)
    assert "camtrace_rtsp_sessions 1\n" in scene.served.metrics.text()


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────


def secret(person: Any, password: str = "player password") -> PlayerSecret:
    """A user's Digest secrets."""
    text = f"{person.name}:CamTrace:{password}".encode()
    return PlayerSecret(person, hashlib.md5(text).hexdigest(), hashlib.sha256(text).hexdigest())


def basic(name: str, password: str) -> str:
    """An Authorization header."""
    return "Authorization: Basic " + b64encode(f"{name}:{password}".encode()).decode()


def digest(answer: Any, method: str, url: str, ha1: str, more: str = "", nonce: str = "") -> str:
    """An Authorization header for the challenge in `answer`."""
    nonce = nonce or re.search(r'nonce="(\w+)"', answer.headers["www-authenticate"])[1]
    fields = {"nonce": nonce} | ({"qop": "auth", "nc": "00000001", "cnonce": "x"} if "qop" in more else {})
    algorithm = "SHA-256" if "SHA-256" in more else "MD5"
    response = digest_response(ha1, method, url, fields, algorithm)
    return (
        f'Authorization: Digest username="anna", realm="CamTrace", nonce="{nonce}", uri="{url}", '
        f'response="{response}"{more}'
    )


@pytest.mark.parametrize("more", ["", ", algorithm=MD5", ", algorithm=SHA-256", ', qop=auth, nc=00000001, cnonce="x"'])
def test_digest(more: str) -> None:
    """The player password, by Digest; the nonce holds for the whole connection and for no other."""
    anna = user("anna", "replay")
    hidden = secret(anna)
    scene = Scene(gate=People(anna, hidden))
    client = scene.client()
    challenge = client.ask("DESCRIBE", URL)
    assert challenge.status == 401
    ha1 = hidden.ha1_sha256 if "SHA-256" in more else hidden.ha1_md5
    assert client.ask("DESCRIBE", URL, digest(challenge, "DESCRIBE", URL, ha1, more)).status == 200
    setup = f"{BASE}track1"
    header = digest(challenge, "SETUP", setup, ha1, more)
    assert client.ask("SETUP", setup, "Transport: RTP/AVP/TCP", header).status == 200
    assert client.ask("PLAY", BASE).status == 401
    assert client.ask("PLAY", BASE, digest(challenge, "PLAY", BASE, ha1, more)).status == 200
    other = scene.client().ask("DESCRIBE", URL, digest(challenge, "DESCRIBE", URL, ha1, more))
    assert other.status == 401


def test_digest_wrong() -> None:
    """A wrong password, another user, a missing response; the reason is one for all, and tells what is wanted."""
    anna = user("anna", "replay")
    client = Scene(gate=People(anna, secret(anna))).client()
    challenge = client.ask("DESCRIBE", URL)
    wrong = secret(anna, "wrong").ha1_md5
    assert challenge.reason == "Unauthorized"
    refused = client.ask("DESCRIBE", URL, digest(challenge, "DESCRIBE", URL, wrong))
    right = digest(challenge, "DESCRIBE", URL, secret(anna).ha1_md5)
    unknown = client.ask("DESCRIBE", URL, right.replace("anna", "bert"))
    assert refused.status == unknown.status == 401
    assert refused.reason == unknown.reason
    assert "the password for players is wanted here" in refused.reason
    assert client.ask("DESCRIBE", URL, "Authorization: Digest nonsense").status == 401
    assert client.ask("DESCRIBE", URL, right).status == 200


def test_basic() -> None:
    """The login password, by Basic; both ways in are offered, Digest first, once there is a player password."""
    anna = user("anna", "replay")
    people = People(anna, secret(anna))
    client = Scene(gate=people).client()
    client.send(f"DESCRIBE {URL} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    client.protocol.dataReceived(f"DESCRIBE {URL} RTSP/1.0\r\nCSeq: 2\r\n\r\n".encode())
    raw = client.transport.value().decode()
    assert raw.index("WWW-Authenticate: Digest") < raw.index("WWW-Authenticate: Basic")
    client.read()
    assert client.ask("DESCRIBE", URL, basic("anna", "secret")).status == 200
    assert client.ask("DESCRIBE", URL, basic("anna", "wrong")).status == 401
    assert client.ask("DESCRIBE", URL, "Authorization: Basic %%%").status == 401


def test_no_player_passwords() -> None:
    """While nobody has a player password Basic alone is offered: ffmpeg would choose Digest, and fail by it."""
    client = Scene(gate=People(user("anna", "replay"))).client()
    assert client.ask("DESCRIBE", URL).headers["www-authenticate"].startswith("Basic ")


def test_throttled() -> None:
    """Too many wrong tries are answered without looking at the password, with the time to wait."""
    people = People(user("anna", "replay"))

    async def throttled(name: str, password: str, peer: str) -> None:
        raise Throttled(17)

    people.check_password = throttled  # type: ignore[method-assign,assignment]
    answer = Scene(gate=people).client().ask("DESCRIBE", URL, basic("anna", "secret"))
    assert (answer.status, answer.headers["retry-after"]) == (403, "17")


@pytest.mark.parametrize(
    ("person", "url", "status"),
    [
        (user("anna", "replay"), URL, 200),
        (user("anna", "live"), URL, 403),
        (user("anna", "replay"), "rtsp://h/live/3", 403),
        (user("anna", "live"), "rtsp://h/live/3", 503),
        (user("anna", "replay", "live", cameras=frozenset({1004})), URL, 403),
        (user("anna", "replay", cameras=frozenset({1003})), URL, 200),
    ],
)
def test_rights(person: Any, url: str, status: int) -> None:
    """`replay` for recordings, `live` for live pictures, and only the cameras one may see."""
    client = Scene(gate=People(person)).client()
    assert client.ask("DESCRIBE", url, basic("anna", "secret")).status == status


def test_a_session_belongs_to_its_user() -> None:
    """Nobody else's login opens it."""
    people = People(user("anna", "replay"))
    scene = Scene(gate=people)
    client = scene.client()
    client.ask("SETUP", f"{URL}/track1", "Transport: RTP/AVP/TCP", basic("anna", "secret"))
    people.person = user("bert", "replay")
    other = scene.client()
    other.session = client.session
    assert other.ask("TEARDOWN", BASE, basic("bert", "secret")).status == 454
    assert scene.sessions == 1


def test_the_right_is_looked_at_again() -> None:
    """A right that was taken away no longer plays what was set up before."""
    people = People(user("anna", "replay"))
    client = Scene(gate=people).client()
    client.ask("SETUP", f"{URL}/track1", "Transport: RTP/AVP/TCP", basic("anna", "secret"))
    people.person = user("anna", "live")
    assert client.ask("PLAY", BASE, basic("anna", "secret")).status == 403


@pytest.mark.parametrize(
    "after",
    [None, user("anna", "live"), user("anna", "replay", cameras=frozenset({1004}))],
    ids=["locked or removed", "the right is taken", "the camera is taken"],
)
def test_playing_ends_with_the_right(after: Any) -> None:
    """At once, with BYE, when the server hears of the change; whose rights are as before plays on."""
    people = People(user("anna", "replay"))
    scene = Scene(gate=people)
    client = scene.client()
    play_as_anna(client, URL)
    client.turn(1)
    scene.served.service.setting_changed(SettingChanged("profile", "operator"))
    client.turn(1)
    assert (scene.sessions, client.transport.lost) == (1, False)
    people.person = after
    scene.served.service.setting_changed(SettingChanged("camera", "1003"))
    assert scene.sessions == 1
    scene.served.service.setting_changed(SettingChanged("user", "anna"))
    client.read()
    assert client.frames[-1].is_bye
    assert (scene.sessions, client.transport.lost) == (0, True)


def test_playing_is_looked_at_now_and_then() -> None:
    """What the server was not told of ends after twenty seconds; while the database is away it goes on."""
    people = People(user("anna", "replay"))
    scene = Scene(ClipFootage(CLIP, hole_seconds=3600), gate=people)
    client = scene.client()
    play_as_anna(client, URL + "&gaps=keep")
    known, people.user = people.user, away  # type: ignore[method-assign]
    client.turn(REVIEW_SECONDS + 1, step=0.1)
    assert scene.sessions == 1
    people.person, people.user = None, known  # type: ignore[method-assign]
    client.turn(REVIEW_SECONDS + 1, step=0.1)
    assert (scene.sessions, client.transport.lost) == (0, True)


def play_as_anna(client: Client, url: str) -> None:
    """Set up and play the picture, by Basic."""
    for method, path in (("SETUP", f"{url}/track1"), ("PLAY", BASE)):
        assert client.ask(method, path, "Transport: RTP/AVP/TCP", basic("anna", "secret")).status == 200


async def away(name: str) -> Any:
    """As without a database."""
    raise DatabaseUnavailable("the database is away")


def test_host_of_the_client_is_kept() -> None:
    """The Content-Base uses the host the client wrote, so that it holds behind a NAT; START stands in milliseconds."""
    url = URL.replace("cam.example:8554", "203.0.113.9:10554").replace(f"{unix(START)}&", f"{unix(START)}.25&")
    answer = Scene(now=lambda: START + timedelta(days=1)).client().ask("DESCRIBE", url)
    assert answer.headers["content-base"] == "rtsp://203.0.113.9:10554/player/regul/3/@1709215200.250-1709215800.000/"
