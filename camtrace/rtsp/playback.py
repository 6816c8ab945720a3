"""A presentation that was opened, and a session that plays it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from camtrace import clock
from camtrace.model import Camera, Span, Track
from camtrace.rtsp import jpeg, rtp
from camtrace.rtsp.access import Refusal
from camtrace.rtsp.delivery import Outlet
from camtrace.rtsp.pacer import Pacer
from camtrace.rtsp.player import Cursor, Feed, Player
from camtrace.rtsp.ports import Reading
from camtrace.rtsp.session import Session, State
from camtrace.rtsp.timeline import Timeline
from camtrace.rtsp.urls import Target
from camtrace.rtsp.wire import ClockRange, NptRange

_ROUNDING = 0.002  # seconds by which a player's end of the range may miss ours


@dataclass(slots=True)
class Presentation:
    """Footage or a live feed that was opened for a player. `tracks` are those RTP can carry, in the SDP's order."""

    target: Target
    camera: Camera
    cursor: Cursor
    tracks: tuple[Track, ...]
    timeline: Timeline

    @property
    def live(self) -> bool:
        return self.target.kind == "live"

    def npt(self) -> str:
        """The range its SDP announces."""
        if self.live:
            return "now-"
        duration = self.timeline.duration
        return "0-" if duration is None else f"0-{duration:.3f}"


class NotOffered(Exception):
    """No track of the footage can be sent by RTP; the text says why, fit for a person."""


async def carried(cursor: Cursor) -> tuple[Track, ...]:
    """The tracks of a reading that RTP can carry. Raises NotOffered when the picture cannot be."""
    offered = []
    reason = "it has neither picture nor sound"
    for track in cursor.reading.tracks:
        try:
            rtp.packetiser(track)
            if track.codec == "mjpeg":
                await _check_pictures(cursor, track)
        except ValueError as error:
            reason = str(error)
        else:
            offered.append(track)
    if not offered or not any(track.is_video for track in offered):
        raise NotOffered(reason)
    return tuple(offered)


async def _check_pictures(cursor: Cursor, track: Track) -> None:
    """Look at the first picture: every further one of a camera is made alike."""
    chunk = await cursor.peek()
    first = next((sample for sample in chunk.samples if sample.track == track.index), None) if chunk else None
    if first is not None:
        jpeg.parse(first.data)


class Playback:
    """One session of one player: state, tracks set up, and the player that sends."""

    def __init__(self, presentation: Presentation, pacer: Pacer, user: str, owner: object) -> None:
        """`user` is the name it plays for ("" for nobody), `owner` the connection that set it up."""
        self.presentation = presentation
        self.session = Session(secrets.token_hex(8), pacer.seconds())
        self.user = user
        self.owner: object | None = owner
        self.closed = False
        self._pacer = pacer
        self._urls: dict[int, str] = {}
        self._player = Player(
            presentation.cursor,
            pacer,
            self._ended,
            paced=not presentation.live,
            keep_gaps=bool(presentation.target.period and presentation.target.period.keep_gaps),
        )

    # ── setting up ──

    def track(self, number: int | None) -> Track:
        """The track a SETUP means; a presentation of one track needs no number. Raises Refusal."""
        tracks = self.presentation.tracks
        if number is None and len(tracks) == 1:
            number = 1
        if number is None:
            raise Refusal(459)
        if not 0 < number <= len(tracks):
            raise Refusal(404, f"there is no track {number}")
        return tracks[number - 1]

    def has(self, track: Track) -> bool:
        """Whether the track was set up already."""
        return track.index in self._player.feeds

    def set_up(self, track: Track, outlet: Outlet, url: str) -> Feed:
        """Send `track` by `outlet` from now on, whatever was set up for it before."""
        self.session.move("SETUP")
        old = self._player.feeds.get(track.index)
        if old is not None:
            old.outlet.close()
        feed = Feed(track, outlet, rtp.payload_type(track), rtp.clock_rate(track))
        self._player.feeds[track.index] = feed
        self._urls[track.index] = url
        return feed

    def outlets(self) -> list[Outlet]:
        """Where its tracks go."""
        return [feed.outlet for feed in self._player.feeds.values()]

    # ── playing ──

    async def play(self, wanted: NptRange | ClockRange | None) -> tuple[list[tuple[str, str]], Callable[[], None]]:
        """Get ready to play from `wanted` (None: from where it stands).

        Answers the headers Range and RTP-Info of the answer, and what to call once the answer is written. Raises
        Refusal (457) for a range outside the presentation.
        """
        self.session.check("PLAY")
        at, until = self._ends(wanted)
        await self._player.cue(at, until)
        self.session.move("PLAY")
        self.session.ended_at = None
        self.heard()
        at_us, play_us = self._player.position()
        headers = [("Range", self._range(wanted, clock.from_us(at_us), until)), ("RTP-Info", self._rtp_info(play_us))]
        return headers, self._go

    def _go(self) -> None:
        if not self.closed and self.session.state is State.PLAYING:
            self._player.go()

    def _ends(self, wanted: NptRange | ClockRange | None) -> tuple[datetime | None, datetime | None]:
        timeline = self.presentation.timeline
        if wanted is None or self.presentation.live:
            return None, None
        if isinstance(wanted, ClockRange):
            if timeline.stop is not None and wanted.start > timeline.stop:
                raise Refusal(457, "the range begins after the recording's end")
            stop = wanted.stop if wanted.stop and timeline.stop and wanted.stop < timeline.stop else None
            return max(wanted.start, timeline.start), stop
        duration = timeline.duration
        if duration is not None and wanted.start is not None and wanted.start > duration + _ROUNDING:
            raise Refusal(457, f"the range begins after the recording's end ({duration:.3f} s)")
        at = None if wanted.start is None else timeline.instant(wanted.start)
        if wanted.stop is None or (duration is not None and wanted.stop >= duration - _ROUNDING):
            return at, None
        return at, timeline.instant(wanted.stop)

    def _range(self, wanted: NptRange | ClockRange | None, at: datetime, until: datetime | None) -> str:
        if self.presentation.live:
            return NptRange(None, None).text()
        timeline = self.presentation.timeline
        if isinstance(wanted, ClockRange):
            return ClockRange(at, until or timeline.stop).text()
        return NptRange(timeline.npt(at), timeline.npt(until) if until else timeline.duration).text()

    def _rtp_info(self, play_us: int) -> str:
        return ",".join(
            f"url={self._urls[index]};seq={feed.stream.sequence};rtptime={feed.timestamp(play_us)}"
            for index, feed in self._player.feeds.items()
        )

    def pause(self) -> None:
        """Stand still until the next PLAY."""
        self.session.move("PAUSE")
        self._player.pause()

    def resume(self) -> None:
        """The client takes again what is sent."""
        self._player.resume()

    def npt(self) -> float:
        """Where it stands, in seconds of play time."""
        return self.presentation.timeline.npt(clock.from_us(self._player.position()[0]))

    # ── living and ending ──

    def heard(self) -> None:
        """The client gave a sign of life."""
        self.session.heard_at = self._pacer.seconds()

    def expired(self) -> bool:
        """Whether it is to be closed now."""
        now = self._pacer.seconds()
        if self.session.state is State.PLAYING and self.owner is not None and self._over_tcp():
            taken = self._player.sent_at if self._player.blocked else now
            self.session.heard_at = max(self.session.heard_at, taken)
        return self.session.expired(now)

    def _over_tcp(self) -> bool:
        return all(not hasattr(outlet, "ports") for outlet in self.outlets())

    def _ended(self) -> None:
        if self.session.state is not State.READY:
            self.session.move("end")
        self.session.ended_at = self._pacer.seconds()

    def close(self, bye: bool = True) -> None:
        """End for good."""
        if not self.closed:
            self.closed = True
            self._player.close(bye and self.session.state in (State.PLAYING, State.PAUSED))


def timeline_of(reading: Reading, target: Target, spans: list[Span]) -> Timeline:
    """How play time and wall time of a reading belong together."""
    skips = target.period is not None and not target.period.keep_gaps and reading.stop is not None
    stop = reading.stop
    if stop is not None and stop <= reading.start:
        stop = reading.start + timedelta(milliseconds=1)
    return Timeline(reading.start, stop, spans if skips else ())
