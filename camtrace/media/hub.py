"""One connection's packets to everybody who wants them: recorder, live picture, motion.

A hub lives in the thread that reads its camera. Only its news cross to the reactor, and `abandon` is called from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import av

from camtrace import clock
from camtrace.media.packets import PacketSink, SourceTrack

_REPORT_SECONDS = 2.0


class Began(NamedTuple):
    """Pictures arrive (the second one is there: a camera that sends single ones never comes so far)."""

    codec: str
    width: int
    height: int


class Flowed(NamedTuple):
    """What came since the last report; `seconds` is its time, figures are of the video unless said."""

    packets: int  # of all tracks
    frames: int
    bytes: int
    seconds: float


class Remarked(NamedTuple):
    """Something worth a line in the journal: a code of `cameras/status.py` and its values."""

    code: str
    values: dict[str, str]


News = Began | Flowed | Remarked


class Hub:
    """A `PacketSink` that hands everything on to `sinks`, counts it and reports by `tell` every two seconds.

    A sink that raises never hurts another one: it is ended, and begun again at the next key frame.
    """

    def __init__(self, sinks: Sequence[PacketSink], tell: Callable[[News], object]) -> None:
        self._sinks = list(sinks)
        self._tell = tell
        self._resting: list[PacketSink] = []
        self._complained: set[int] = set()
        self._lock = threading.Lock()
        self._open = False
        self._abandoned = False
        self._tracks: tuple[SourceTrack, ...] = ()
        self._pictures = 0
        self._restart_count(clock.monotonic())

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        """Announce `tracks` to every sink."""
        with self._lock:
            if self._abandoned:
                return
            self._open = True
            self._tracks = tracks
            self._sinks, self._resting = self._sinks + self._resting, []
            self._each("begin", tracks)
        if self._pictures > 1:  # another size in the middle of the stream
            self._tell(Began(tracks[0].codec, tracks[0].width, tracks[0].height))

    def packet(self, track: int, packet: av.Packet[Any], arrived_us: int) -> None:
        """Hand `packet` to every sink."""
        with self._lock:
            if self._abandoned:
                return
            if self._resting and track == 0 and packet.is_keyframe:
                self._wake()
            self._each("packet", track, packet, arrived_us)
        self._count(track, packet.size)

    def end(self, reason: str) -> None:
        """Tell every sink that the announced tracks are over."""
        with self._lock:
            self._end(reason)
        self._report(clock.monotonic())

    def abandon(self, reason: str) -> bool:
        """From the reactor: the thread is stuck; end the sinks for it, and let nothing it does later count.

        False when it is in the middle of a sink at this very moment, and so not stuck at all.
        """
        if not self._lock.acquire(timeout=0.05):
            return False
        try:
            self._abandoned = True
            self._end(reason)
            return True
        finally:
            self._lock.release()

    def _end(self, reason: str) -> None:
        if self._open:
            self._open = False
            self._each("end", reason)

    def _each(self, method: str, *arguments: object) -> None:
        for sink in tuple(self._sinks):
            try:
                getattr(sink, method)(*arguments)
            except Exception as error:
                self._complain(sink, error)
                if method != "end":
                    self._rest(sink)

    def _rest(self, sink: PacketSink) -> None:
        self._sinks.remove(sink)
        self._resting.append(sink)
        with suppress(Exception):
            sink.end("internal")

    def _wake(self) -> None:
        awake, self._resting = self._resting, []
        for sink in awake:
            try:
                sink.begin(self._tracks)
                self._sinks.append(sink)
            except Exception as error:
                self._complain(sink, error)
                self._resting.append(sink)

    def _complain(self, sink: PacketSink, error: Exception) -> None:
        """Tell of a sink's first failure in this connection; the others are like it."""
        if id(sink) not in self._complained:
            self._complained.add(id(sink))
            self._tell(
                Remarked("sink_failed", {"part": type(sink).__name__, "error": f"{type(error).__name__}: {error}"})
            )

    def _count(self, track: int, size: int) -> None:
        self._packets += 1
        if track == 0:
            self._frames += 1
            self._bytes += size
            self._pictures += 1
            if self._pictures == 2:
                first = self._tracks[0]
                self._tell(Began(first.codec, first.width, first.height))
        now = clock.monotonic()
        if now - self._counted_from >= _REPORT_SECONDS:
            self._report(now)

    def _report(self, now: float) -> None:
        if self._packets:
            self._tell(Flowed(self._packets, self._frames, self._bytes, max(0.001, now - self._counted_from)))
        self._restart_count(now)

    def _restart_count(self, now: float) -> None:
        self._packets = self._frames = self._bytes = 0
        self._counted_from = now
