"""A camera's RTSP stream, read by libav in the camera's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av

from camtrace import clock
from camtrace.media import failures
from camtrace.media.audio import Transcoder
from camtrace.media.packets import PacketSink, SourceTrack
from camtrace.media.session import Session, TrackFeed
from camtrace.media.source import Patience, Remark, Source, Stopped
from camtrace.media.timeline import Timeline

# Little probing: the default delays the first packets by up to 0.8 s, and with them their time of arrival.
_OPTIONS = {"analyzeduration": "0", "probesize": "5000", "fpsprobesize": "0"}
_VIDEO = {"h264": "h264", "hevc": "h265", "mpeg4": "mpeg4", "mjpeg": "mjpeg"}
_G711 = ("pcm_mulaw", "pcm_alaw")


def read_rtsp(source: Source, sink: PacketSink, stopped: Stopped, remark: Remark, patience: Patience) -> None:
    """Read until `stopped()`; then return. Raises StreamFailure when the stream fails or ends."""
    source.resolve()  # libav's error for an unknown name is just an input/output error
    if stopped():
        return
    container = _open(source, patience)
    try:
        if stopped():
            return
        video, audio = _choose(container, source, remark)
        session = Session(_feeds(video, audio), sink)
        reason = "ended"
        try:
            _pump(
                container,
                [stream for stream in (video, audio) if stream is not None],
                session,
                source,
                stopped,
                patience,
            )
            reason = "stopped"
        finally:
            session.end(reason)
    finally:
        container.close()


def _open(source: Source, patience: Patience) -> Any:
    began = clock.monotonic()
    # reads are timed by libav's sockets: PyAV's own read timeout takes the interpreter's lock at every look at the
    # clock, several times a network packet, and dozens of cameras would do nothing but wait for each other
    sockets = str(int(patience.opening * 1_000_000))
    options = {**_OPTIONS, "rtsp_transport": source.transport, "timeout": sockets}
    try:
        return av.open(source.url_with_login, options=options, timeout=(patience.opening, None))
    except av.error.FFmpegError as error:
        waited = clock.monotonic() - began
        raise failures.name(error, source, waited=waited, patience=patience.opening) from None
    except (ValueError, OSError) as error:  # PyAV's own checks; their text may quote the URL
        raise source.failure("broken", detail=type(error).__name__) from None


def _choose(container: Any, source: Source, remark: Remark) -> tuple[Any, Any | None]:
    """The video stream and the sound that goes with it, if it can be recorded."""
    if not container.streams.video:
        raise source.failure("not_video", detail="no video track")
    video = container.streams.video[0]
    found = video.codec_context.name
    if found not in _VIDEO:
        raise source.failure("codec", detail=found)
    if source.codec and source.codec != _VIDEO[found]:
        raise source.failure("declared_codec", detail=_VIDEO[found])
    for audio in container.streams.audio:
        codec = audio.codec_context.name
        if codec in _G711 or (codec == "aac" and audio.codec_context.extradata):
            return video, audio
        remark("audio_ignored", {"codec": codec})
    return video, None


def _feeds(video: Any, audio: Any | None) -> list[TrackFeed]:
    origin_us = int(clock.monotonic() * 1e6)
    context = video.codec_context
    track = SourceTrack(
        _VIDEO[context.name], video.time_base, bytes(context.extradata or b""), context.width, context.height
    )
    feeds = [TrackFeed(track, Timeline(video.time_base, origin_us))]
    if audio is None:
        return feeds
    sound = audio.codec_context
    timeline: Timeline[av.Packet[Any]] = Timeline(audio.time_base, origin_us, 20_000)
    if sound.name in _G711:
        transcoder = Transcoder(sound.name, audio.time_base, sound.sample_rate, sound.channels)
        return [*feeds, TrackFeed(transcoder.track, timeline, transcoder.convert)]
    spoken = SourceTrack(
        "aac", audio.time_base, bytes(sound.extradata), sample_rate=sound.sample_rate, channels=sound.channels
    )
    return [*feeds, TrackFeed(spoken, timeline)]


def _pump(
    container: Any, streams: list[Any], session: Session, source: Source, stopped: Stopped, patience: Patience
) -> None:
    numbers = {stream.index: number for number, stream in enumerate(streams)}
    always_key = streams[0].codec_context.name == "mjpeg"
    heard = clock.monotonic()
    for packet in _packets(container, streams, source, stopped, patience):
        now = clock.monotonic()
        if packet is not None and packet.size:
            number = numbers[packet.stream_index]
            if number == 0:
                heard = now
                if always_key:
                    packet.is_keyframe = True
            session.packet(number, packet)
        if now - heard > patience.silence:  # sound alone is not enough
            raise source.failure("timeout", detail="the camera sends no picture any more")


def _packets(
    container: Any, streams: list[Any], source: Source, stopped: Stopped, patience: Patience
) -> Iterator[Any | None]:
    """Packets as they come, and None each time a read ran out of time. Raises StreamFailure at the end."""
    while not stopped():
        try:
            for packet in container.demux(streams):
                if stopped():
                    return
                yield packet
        except (av.error.ExitError, av.error.TimeoutError):  # the same container can be read on
            yield None
            continue
        except av.error.FFmpegError as error:
            raise failures.name(error, source, waited=0, patience=patience.opening) from None
        raise source.failure("ended", detail="the camera closed the connection")
