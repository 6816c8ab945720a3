"""A camera's MJPEG over HTTP, read in the camera's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from camtrace import clock
from camtrace.media import jpeg
from camtrace.media.camera_socket import Stop
from camtrace.media.http_client import Connection, Head, open_stream
from camtrace.media.multipart import MultipartError, Splitter, boundary_of
from camtrace.media.packets import PacketSink, SourceTrack
from camtrace.media.source import Patience, Source, Stopped

_TIME_BASE = Fraction(1, 90_000)


def read_http(source: Source, sink: PacketSink, stopped: Stopped, patience: Patience) -> None:
    """Read until `stopped()`; then return. Raises StreamFailure when the stream fails or ends."""
    if source.codec not in ("", "mjpeg"):
        raise source.failure("declared_codec", detail="mjpeg")
    try:
        connection, head = open_stream(source, stopped, patience)
    except Stop:
        return
    pictures = Pictures(sink)
    reason = "ended"
    try:
        for picture in _pictures(connection, head, source, patience):
            pictures.add(picture)
        raise source.failure("single_picture" if pictures.count == 1 else "ended", detail="the camera ended its answer")
    except Stop:
        reason = "stopped"
    except (MultipartError, jpeg.BrokenJpeg) as error:
        raise source.failure("broken", detail=str(error)) from None
    finally:
        connection.close()
        pictures.end(reason)


def _pictures(connection: Connection, head: Head, source: Source, patience: Patience) -> Iterator[bytes]:
    """The pictures of the answer. Raises StreamFailure, Stop, MultipartError."""
    kind = head.value("content-type")
    boundary = boundary_of(kind)
    if boundary is None:
        if kind.lower().startswith("image/"):
            raise source.failure("single_picture", head.status, kind)
        if kind and not kind.lower().startswith("application/octet-stream"):
            raise source.failure("not_video", head.status, kind)
    splitter = Splitter(boundary or b"")
    seen = clock.monotonic()
    for data in connection.body(head):
        pictures = splitter.feed(data)
        now = clock.monotonic()
        if pictures:
            seen = now
        elif now - seen > patience.silence:  # bytes, but no picture among them
            raise source.failure("timeout", detail="the camera sends no picture any more")
        yield from pictures


class Pictures:
    """Hands JPEG pictures to the sink as packets of one track, stamped by their arrival. `count`: so far."""

    def __init__(self, sink: PacketSink) -> None:
        self._sink = sink
        self._size = (0, 0)
        self._origin_us = int(clock.monotonic() * 1e6)
        self._last = -1
        self.count = 0

    def add(self, picture: bytes) -> None:
        """A picture just arrived. Raises BrokenJpeg for the first one; later ones that are broken are passed over."""
        arrived_us, monotonic_us = clock.now_us(), int(clock.monotonic() * 1e6)
        try:
            size = jpeg.size(picture)
        except jpeg.BrokenJpeg:
            if not self.count:
                raise
            return
        self._announce(size)
        packet: Any = av.Packet(picture)
        self._last = max(self._last + 1, (monotonic_us - self._origin_us) * 9 // 100)
        packet.time_base = _TIME_BASE
        packet.pts = packet.dts = self._last
        packet.is_keyframe = True
        self.count += 1
        self._sink.packet(0, packet, arrived_us)

    def end(self, reason: str) -> None:
        """The connection is over."""
        if self.count:
            self._sink.end(reason)

    def _announce(self, size: tuple[int, int]) -> None:
        if size == self._size:
            return
        if self.count:
            self._sink.end("codec")
        self._size = size
        self._sink.begin((SourceTrack("mjpeg", _TIME_BASE, b"", *size),))
