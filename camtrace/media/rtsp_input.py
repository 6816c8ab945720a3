"""A camera's RTSP stream: opened in a thread of its own, then read a little at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from camtrace import clock
from camtrace.media import rtp, rtsp_tracks, sdp
from camtrace.media.audio import Transcoder
from camtrace.media.packets import PacketSink
from camtrace.media.rtsp_client import RtspClient, open_session
from camtrace.media.rtsp_transport import Datagrams, Interleaved, Transport
from camtrace.media.session import Session, TrackFeed
from camtrace.media.source import Patience, Remark, Source, Stopped
from camtrace.media.timeline import Timeline

# between picture and sound no more can be put right: then one of the camera's clocks means something else
_MOST_APART_US = 2_000_000
_NOTICED_US = 80_000  # less than this nobody hears, and is not worth a jump


def open_rtsp(source: Source, sink: PacketSink, stopped: Stopped, remark: Remark, patience: Patience) -> RtspStream:
    """Connect and ask for the pictures, which waits for the camera. Raises StreamFailure, Stop."""
    client, description = open_session(source, stopped, patience)
    transport: Transport = Datagrams(client) if source.transport == "udp" else Interleaved(client)
    try:
        return RtspStream(client, transport, _choose(description, source, remark), sink, patience)
    except BaseException:
        transport.close()
        client.close()
        raise


def _choose(description: sdp.Description, source: Source, remark: Remark) -> list[sdp.Media]:
    """The picture, and the sound that goes with it if it can be recorded. Raises StreamFailure."""
    video = next((media for media in description.media if media.kind == "video"), None)
    if video is None:
        raise source.failure("not_video", detail="no video track")
    codec = rtsp_tracks.video_codec(video)
    if not codec:
        raise source.failure("codec", detail=video.encoding or f"payload type {video.payload_type}")
    if source.codec and source.codec != codec:
        raise source.failure("declared_codec", detail=codec)
    for media in description.media:
        if media.kind != "audio":
            continue
        if media.encoding in rtsp_tracks.G711 or rtsp_tracks.aac_track(media) is not None:
            return [video, media]
        remark("audio_ignored", {"codec": media.encoding})
    return [video]


class _Arrival:
    """When what is being taken arrived: wall time, and the time that never steps."""

    def __init__(self) -> None:
        self.mark()

    def mark(self) -> None:
        self.at_us = clock.now_us()
        self.monotonic_us = int(clock.monotonic() * 1e6)


class _Track:
    """One track of the stream: its packets on their way to the session."""

    def __init__(self, number: int, media: sdp.Media, session: Session, arrival: _Arrival, reordering: int) -> None:
        payload = rtsp_tracks.sound_payload if number else rtsp_tracks.video_payload
        self.receiver = rtp.Receiver(media.payload_type, payload(media, self.unit), reordering)
        self.units = 0
        self.over = False
        self._number = number
        self._session = session
        self._arrival = arrival
        self._rate = media.clock_rate
        self._first_us: tuple[int, int] | None = None  # in the camera's time, and when it arrived
        self._camera_us: int | None = None  # the camera's wall time at tick 0
        self._shift = 0

    def unit(self, data: bytes, ticks: int, key: bool) -> None:
        """A whole picture, or frame of sound."""
        self.units += 1
        if self._first_us is None:
            self._first_us = self._us(ticks), self._arrival.monotonic_us
        at = self._arrival
        self._session.packet(self._number, data, ticks + self._shift, key, at.at_us, at.monotonic_us)

    def report(self, data: bytearray, at: int, end: int) -> None:
        """An RTCP packet."""
        found = rtp.read_reports(data[at:end])
        self.over = self.over or found.bye
        if found.at_us is not None and self.units:
            self._camera_us = found.at_us - self._us(self.receiver.ticks_of(found.stamp))

    def follow(self, other: _Track) -> None:
        """Lie beside `other` as the camera's own clock says, once it has told both (RFC 3550 section 6.4.1).

        Until then the first arrival of each counts, which is off by what the camera held back of one of them.
        """
        if self._shift or self._camera_us is None or other._camera_us is None:
            return
        if self._first_us is None or other._first_us is None:
            return
        camera_us = self._camera_us + self._first_us[0] - other._camera_us - other._first_us[0]
        apart_us = camera_us - (self._first_us[1] - other._first_us[1])
        if _NOTICED_US < abs(apart_us) < _MOST_APART_US:
            self._shift = apart_us * self._rate // 1_000_000

    def _us(self, ticks: int) -> int:
        return ticks * 1_000_000 // self._rate


class RtspStream:
    """The chosen tracks of a session, the video first, on their way to `sink`."""

    def __init__(
        self, client: RtspClient, transport: Transport, chosen: list[sdp.Media], sink: PacketSink, patience: Patience
    ) -> None:
        """Asks for the tracks, which waits for the camera. Raises StreamFailure, Stop."""
        self._client = client
        self._transport = transport
        self._silence = patience.silence
        self._arrival = _Arrival()
        client.arrives = self._arrival.mark
        self._session = Session(_feeds(chosen, self._arrival.monotonic_us), sink)
        self._tracks: list[_Track] = []
        for number, media in enumerate(chosen):
            track = _Track(number, media, self._session, self._arrival, transport.reordering)
            transport.setup(media.control, track.receiver, track.report)
            self._tracks.append(track)
        client.play()
        self._seen, self._heard = 0, clock.monotonic()

    def step(self) -> None:
        """Take what has come, without waiting. Raises StreamFailure at the end, Stop when asked to stop."""
        self._transport.read()
        video, *others = self._tracks
        now = clock.monotonic()
        if video.units != self._seen:
            self._seen, self._heard = video.units, now
        elif now - self._heard > self._silence:  # sound alone is not enough
            raise self._client.source.failure("timeout", detail="the camera sends no picture any more")
        if video.over:
            raise self._client.source.failure("ended", detail="the camera said goodbye")
        for other in others:
            other.follow(video)
        if self._client.keep_alive():
            self._transport.keep_alive()

    def close(self, reason: str) -> None:
        """Hang up, and tell the sink why."""
        self._session.end(reason)
        self._transport.close()
        self._client.close()


def _feeds(chosen: list[sdp.Media], origin_us: int) -> list[TrackFeed]:
    picture = rtsp_tracks.video_track(chosen[0])
    feeds = [TrackFeed(picture, Timeline(picture.time_base, origin_us))]
    return feeds + [_sound_feed(media, origin_us) for media in chosen[1:]]


def _sound_feed(media: sdp.Media, origin_us: int) -> TrackFeed:
    track = rtsp_tracks.aac_track(media)
    base = Fraction(1, media.clock_rate)
    timeline: Timeline[Any] = Timeline(base, origin_us, 20_000)
    if track is not None:
        return TrackFeed(track, timeline)
    transcoder = Transcoder(rtsp_tracks.G711[media.encoding], base, media.clock_rate, media.channels)
    return TrackFeed(transcoder.track, timeline, transcoder.convert)
