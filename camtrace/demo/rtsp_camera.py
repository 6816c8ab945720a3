"""An IP camera of today: H.264 and AAC by RTSP (RFC 2326), interleaved or by UDP; one live stream for all players."""

from __future__ import annotations

import secrets
from typing import Any

from twisted.internet import protocol

from camtrace.demo import beat as pulse
from camtrace.demo import caption, h264, sound
from camtrace.demo.film import KEY_EVERY, Film
from camtrace.demo.script import BEATS_PER_SECOND, LOOP
from camtrace.model import Sample, Track
from camtrace.rtsp import rtp, sdp, wire

PATH = "/axis-media/media.amp"
_TIMEOUT = 60
_REPORT_EVERY = 5 * BEATS_PER_SECOND
_TICKS = 90_000 // BEATS_PER_SECOND
_TRACKS = 2


class RtspCamera(protocol.Factory):
    """The camera: on each beat it makes one picture and the sound that belongs to it, and hands them to its players."""

    noisy = False

    def __init__(self, film: Film, name: str) -> None:
        layout = h264.with_caption(*film.head)
        self.tracks = (
            Track(0, "h264", 90_000, _avcc(layout), layout.width * 16, layout.height * 16 + caption.HEIGHT),
            Track(1, "aac", sound.RATE, film.sound_config, sample_rate=sound.RATE, channels=1),
        )
        self.players: set[Player] = set()
        self.ports: list[Any] = []  # the UDP ports of the tracks, RTP and RTCP in turn
        self._film = film
        self._layout = layout
        self._name = name
        self._shown = " " * caption.CELLS
        self._cut = tuple(rtp.packetiser(track) for track in self.tracks)

    def buildProtocol(self, addr: Any) -> Player:
        """A connection of a player."""
        return Player(self)

    def listen_udp(self, reactor: Any, interface: str) -> None:
        """Open the ports that pictures and sound leave by when a player asks for UDP."""
        self.ports = [reactor.listenUDP(0, protocol.DatagramProtocol(), interface) for _ in range(2 * _TRACKS)]

    def beat(self, beat: int) -> None:
        """Send this beat's picture and sound to whoever plays."""
        picture = self._picture(beat)
        if not self.players:
            return
        samples = [(0, beat * _TICKS, picture), *self._sounds(beat)]
        for largest in {player.largest for player in self.players}:
            cut = [(track, ticks, self._cut[track](sample, largest)) for track, ticks, sample in samples]
            for player in [one for one in self.players if one.largest == largest]:
                player.send(beat, picture.key, cut)

    def _picture(self, beat: int) -> Sample:
        words = caption.text(self._name, pulse.instant(beat))
        picture = self._film.pictures[beat % LOOP]
        below = h264.caption_slice(self._layout, picture, words, self._shown)
        self._shown = words
        data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in (picture, below))
        return Sample(0, beat * pulse.BEAT_US, 0, 0, _TICKS, beat % KEY_EVERY == 0, data)

    def _sounds(self, beat: int) -> list[tuple[int, int, Sample]]:
        first, end = (number * sound.FRAMES // LOOP for number in (beat, beat + 1))
        frames = self._film.sounds
        return [
            (1, number * sound.FRAME, Sample(1, 0, 0, 0, sound.FRAME, True, frames[number % sound.FRAMES]))
            for number in range(first, end)
        ]


class Player(protocol.Protocol):
    """One RTSP connection: at most one session, which ends with it."""

    def __init__(self, camera: RtspCamera) -> None:
        self.largest = rtp.TCP_PAYLOAD
        self._camera = camera
        self._parser = wire.Parser()
        self._session = ""
        self._streams: dict[int, rtp.Stream] = {}
        self._channels: dict[int, int] = {}
        self._addresses: dict[int, tuple[str, int]] = {}
        self._waiting = True  # for a key picture
        self._full = False
        self._report_at = 0

    def connectionMade(self) -> None:
        """Learn when the network is slower than the picture."""
        self.transport.registerProducer(self, True)  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """Answer every request; what else comes (RTCP) is not needed."""
        try:
            for message in self._parser.feed(data):
                if isinstance(message, wire.Request):
                    answer = self._answer(message)
                    self.transport.write(answer.serialise(message.header("cseq")))  # type: ignore[union-attr]
        except wire.WireError:
            self.transport.loseConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Any = None) -> None:
        """The player is gone, and its session with it."""
        self._camera.players.discard(self)

    def send(self, beat: int, key: bool, cut: list[tuple[int, int, list[rtp.Piece]]]) -> None:
        """Send one beat. A player that is too slow misses whole groups of pictures."""
        self._waiting = (self._waiting or self._full) and not (key and not self._full)
        if self._waiting:
            return
        out: list[bytes | memoryview] = []
        for track, ticks, pieces in cut:
            if track not in self._streams:
                continue
            stream, timestamp = self._streams[track], ticks & 0xFFFFFFFF
            if track in self._addresses:
                for packet in stream.datagrams(pieces, timestamp):
                    self._camera.ports[2 * track].write(b"".join(packet), self._addresses[track])
            else:
                stream.interleaved(pieces, timestamp, self._channels[track], out)
        if beat >= self._report_at:
            self._report_at = beat + _REPORT_EVERY
            self._report(beat, out)
        if out:
            self.transport.write(b"".join(out))  # type: ignore[union-attr]

    def pauseProducing(self) -> None:
        """The connection is full."""
        self._full = True

    def resumeProducing(self) -> None:
        """The connection takes more."""
        self._full = False

    def stopProducing(self) -> None:
        """The connection ends."""
        self._full = True

    def _report(self, beat: int, out: list[bytes | memoryview]) -> None:
        """RTCP sender reports: which wall time belongs to which timestamp."""
        at_us = beat * pulse.BEAT_US
        for track, stream in self._streams.items():
            ticks = at_us * rtp.clock_rate(self._camera.tracks[track]) // 1_000_000
            packet = stream.report(at_us, ticks & 0xFFFFFFFF)
            if track in self._addresses:
                host, port = self._addresses[track]
                self._camera.ports[2 * track + 1].write(packet, (host, port + 1))
            else:
                out.append(rtp.framed(self._channels[track] + 1, packet))

    def _answer(self, request: wire.Request) -> wire.Response:
        match request.method:
            case "OPTIONS":
                return wire.Response(headers=[("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")])
            case "DESCRIBE":
                return self._describe(request)
            case "SETUP":
                return self._set_up(request)
            case "PLAY" if self._streams:
                self._camera.players.add(self)
                return wire.Response(headers=[wire.session_header(self._session, _TIMEOUT), ("Range", "npt=now-")])
            case "PLAY":
                return wire.Response(455)
            case "TEARDOWN":
                self._camera.players.discard(self)
                return wire.Response()
            case "GET_PARAMETER" | "SET_PARAMETER":
                return wire.Response()
            case _:
                return wire.Response(501)

    def _describe(self, request: wire.Request) -> wire.Response:
        if PATH not in request.url:
            return wire.Response(404)
        host = self.transport.getHost().host  # type: ignore[union-attr]
        body = sdp.describe(self._camera.tracks, host, 1, "now-", "Demo camera")
        base = request.url.partition("?")[0].rstrip("/") + "/"
        return wire.Response(headers=[("Content-Base", base), ("Content-Type", "application/sdp")], body=body)

    def _set_up(self, request: wire.Request) -> wire.Response:
        if PATH not in request.url or request.url[-7:] not in ("/track1", "/track2"):
            return wire.Response(404)
        track = int(request.url[-1]) - 1
        offers = wire.parse_transport(request.header("transport"))
        if not offers:
            return wire.Response(461)
        ssrc = secrets.randbits(32)
        kind = rtp.payload_type(self._camera.tracks[track])
        self._streams[track] = rtp.Stream(kind, ssrc, secrets.randbits(16))
        self._session = self._session or secrets.token_hex(8)
        agreed = self._agree(track, offers[0])
        headers = [("Transport", f"{agreed};ssrc={ssrc:08X}"), wire.session_header(self._session, _TIMEOUT)]
        return wire.Response(headers=headers)

    def _agree(self, track: int, offer: wire.TransportOffer) -> str:
        first, second = offer.ports or (2 * track, 2 * track + 1)
        if offer.tcp:
            self._channels[track] = first
            self._addresses.pop(track, None)
            return f"RTP/AVP/TCP;unicast;interleaved={first}-{second}"
        self.largest = rtp.UDP_PAYLOAD
        self._addresses[track] = (self.transport.getPeer().host, first)  # type: ignore[union-attr]
        ours = [port.getHost().port for port in self._camera.ports[2 * track : 2 * track + 2]]
        return f"RTP/AVP;unicast;client_port={first}-{second};server_port={ours[0]}-{ours[1]}"


def _avcc(layout: h264.Layout) -> bytes:
    """The parameter sets as an MP4 stores them (ISO/IEC 14496-15 section 5.3.3)."""
    sps, pps = layout.sps, layout.pps
    head = bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1])
    return head + len(sps).to_bytes(2, "big") + sps + b"\x01" + len(pps).to_bytes(2, "big") + pps
