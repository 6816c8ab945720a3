"""One connection's packets: begun at a key frame, announced anew when the stream changes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from support.cameras import CLIPS

from camtrace import clock
from camtrace.media.packets import SourceTrack
from camtrace.media.session import Session, TrackFeed
from camtrace.media.timeline import Timeline

BASE = Fraction(1, 90_000)


class Sink:
    """What a session says, in order."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        self.said.append(("begin", tracks))

    def packet(self, track: int, packet: Any, arrived_us: int) -> None:
        self.said.append((track, packet.is_keyframe))

    def end(self, reason: str) -> None:
        self.said.append(("end", reason))

    @property
    def begins(self) -> list[tuple[SourceTrack, ...]]:
        return [one[1] for one in self.said if one[0] == "begin"]


def annexb(clip: str) -> list[tuple[bytes, bool]]:
    """The clip's packets as RTSP delivers them, parameter sets in band."""
    with av.open(str(CLIPS / clip)) as container:
        stream = container.streams.video[0]
        convert = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        packets = [out for p in container.demux(stream) if p.size for out in convert.filter(p)]
        return [(bytes(packet), packet.is_keyframe) for packet in packets]


BASELINE, MAIN = annexb("vtest_h264_baseline.mp4"), annexb("vtest_h264_main_bframes.mp4")


def session(sink: Sink, *more: TrackFeed) -> Session:
    video = TrackFeed(SourceTrack("h264", BASE), Timeline(BASE, 0))
    return Session([video, *more], sink)


def send(to: Session, packets: list[tuple[bytes, bool]], start: int = 0) -> None:
    for number, (data, key) in enumerate(packets, start):
        to.packet(0, data, number * 9000, key, clock.now_us(), int(clock.monotonic() * 1e6))


def test_described_by_its_key_frame() -> None:
    """Without a description by the camera, the first key frame gives it; what came before is left out."""
    sink = Sink()
    to = session(sink)
    send(to, [*BASELINE[1:4], *BASELINE[:5]])
    to.end("stopped")
    ((track,),) = sink.begins
    assert (track.width, track.height) == (640, 480)
    assert track.extradata.startswith(b"\0\0\0\1\x67")
    assert sink.said[1] == (0, True)
    assert len(sink.said) == 1 + 5 + 1
    assert sink.said[-1] == ("end", "stopped")


def test_other_parameters_begin_anew() -> None:
    """A stream that changes in the middle ends what was announced, at a key frame."""
    sink = Sink()
    to = session(sink)
    send(to, [*BASELINE[:5], *MAIN[:5], *MAIN[:1]])
    assert len(sink.begins) == 2
    at = sink.said.index(("end", "codec"))
    assert sink.said[at + 1][0] == "begin" and sink.said[at + 2] == (0, True)
    assert sink.begins[0][0].extradata != sink.begins[1][0].extradata


def test_silent_sound_does_not_hold_up() -> None:
    """A track that says nothing is left out, and joins at a key frame once it speaks."""
    sink = Sink()
    sound = TrackFeed(SourceTrack("aac", Fraction(1, 16_000), b"\x14\x08", sample_rate=16_000, channels=1),
                      Timeline(Fraction(1, 16_000), 0))  # fmt: skip
    to = session(sink, sound)
    to._since_us = 0
    send(to, BASELINE[:3])
    assert sink.said == [], "it waits a moment for the sound"
    to._since_us -= 2_000_000
    send(to, BASELINE[3:5], 3)
    assert [track.codec for track in sink.begins[0]] == ["h264"]
    to.packet(1, b"sound", 0, True, clock.now_us(), int(clock.monotonic() * 1e6))
    assert (1, True) not in sink.said
    send(to, BASELINE[:2], 5)
    assert [track.codec for track in sink.begins[1]] == ["h264", "aac"]


def test_damaged_first_key_frame() -> None:
    """A key frame that cannot be decoded describes nothing; the next one does."""
    sink = Sink()
    to = session(sink)
    send(to, [(b"\0\0\0\1\x65broken", True), (b"\0\0\0\1\x41x", False), *BASELINE[:3]])
    ((track,),) = sink.begins
    assert track.width == 640
    assert len(sink.said) == 1 + 3


def test_never_begun_never_ended() -> None:
    sink = Sink()
    session(sink).end("ended")
    assert sink.said == []
