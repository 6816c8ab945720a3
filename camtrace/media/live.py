"""The live pictures of the cameras' main or second streams, for browsers and for the RTSP server. On the reactor.

Fragments are cut, and key frames decoded, only while somebody watches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.media.boxes import BoxError, parse_fragment, parse_init
from camtrace.media.live_reading import LiveReading
from camtrace.media.live_sink import MAX_GOP_BYTES, Closed, Coded, Cut, Idle, LiveSink, Message, Opened, Still
from camtrace.media.mime import mime
from camtrace.media.packets import SourceTrack
from camtrace.media.picture import to_jpeg
from camtrace.metrics import Metrics
from camtrace.model import Track
from camtrace.pools import Pools

P = ParamSpec("P")

_INBOX = 500
# an older key frame is no present picture any more: then all pictures since are decoded
_FRESH_US = 3_000_000
_KEY_FRAMES = ("image/jpeg", b"", "key_frames")


class Viewer(Protocol):
    """A browser, as the live picture sees it; called on the reactor."""

    def live_started(self, mime: str, init: bytes, note: str) -> None: ...
    def live_fragment(self, data: bytes, key: bool, at_us: int) -> None: ...
    def live_ended(self, reason: str) -> None: ...


def _nothing() -> None:
    """For a reading of whose end nobody wants to hear."""


class Live:
    """What the cameras show at this moment: one for their main streams, one for their second ones."""

    def __init__(self, pools: Pools, metrics: Metrics) -> None:
        self._pools = pools
        self._channels: dict[int, Channel] = {}
        self._metrics = metrics

    @property
    def viewers(self) -> int:
        """How many watch."""
        return sum(channel.watched for channel in self._channels.values())

    def sink(self, camera_uid: int) -> LiveSink:
        """Where the camera's packets go; the same one over all its connections."""
        return self._channel(camera_uid).sink

    def watch(self, camera_uid: int, viewer: Viewer, stills: bool = False) -> Callable[[], None]:
        """Show the camera to `viewer` from the last key frame on; returns the call that ends it.

        `stills`: as JPEG pictures whatever the codec, key frames where it is not JPEG itself.
        """
        return self._channel(camera_uid).watch(viewer, stills)

    def open(self, camera_uid: int, closed: Callable[[], None] = _nothing) -> LiveReading | None:
        """The camera's samples from the last key frame on; None while it is away. `closed()`: the reading is over."""
        return self._channel(camera_uid).open(closed)

    def opened(self, camera_uid: int) -> defer.Deferred[None]:
        """Fires when `open` gives a reading; may be cancelled."""
        return self._channel(camera_uid).opened()

    async def picture(self, camera_uid: int) -> bytes | None:
        """The newest picture as JPEG; None while the camera is away. Raises CannotDecode."""
        return await self._channel(camera_uid).picture()

    def is_watched(self, camera_uid: int) -> bool:
        """Whether anybody watches the camera, or waits to."""
        channel = self._channels.get(camera_uid)
        return channel is not None and channel.is_watched

    def forget(self, camera_uid: int) -> None:
        """The camera was deleted: end who watches it."""
        channel = self._channels.pop(camera_uid, None)
        if channel is not None:
            channel.close("deleted")

    def _channel(self, camera_uid: int) -> Channel:
        if camera_uid not in self._channels:
            self._channels[camera_uid] = Channel(self._pools, self._metrics)
        return self._channels[camera_uid]


class _Watcher:
    """A viewer, whether it wants JPEG pictures only, and whether it has had a key frame since the last start."""

    def __init__(self, viewer: Viewer, stills: bool) -> None:
        self.viewer = viewer
        self.stills = stills
        self.synced = False
        self.started = False


class Channel:
    """The live picture of one camera."""

    log = Logger()

    def __init__(self, pools: Pools, metrics: Metrics) -> None:
        self._pools = pools
        self._metrics = metrics
        self._inbox = pools.inbox(self._receive, limit=_INBOX)
        self.sink = LiveSink(self._inbox.put)
        self._watchers: list[_Watcher] = []
        self._readings: list[LiveReading] = []
        self._awaiting: list[defer.Deferred[None]] = []
        self._start: tuple[str, bytes, str] | None = None
        self._tracks: tuple[Track, ...] = ()
        self._since_key: list[Cut] = []
        self._bytes_since_key = 0
        self._decoding = False
        self._snapshot: tuple[int, bytes] = (0, b"")

    @property
    def watched(self) -> int:
        """How many watch."""
        return len(self._watchers) + len(self._readings)

    @property
    def is_watched(self) -> bool:
        """Whether anybody watches, or waits to."""
        return bool(self._watchers or self._readings or self._awaiting)

    # ── who watches ──

    def watch(self, viewer: Viewer, stills: bool = False) -> Callable[[], None]:
        """Show it to `viewer`; what was sent since the last key frame comes at once."""
        watcher = _Watcher(viewer, stills)
        self._watchers.append(watcher)
        self._say_what_is_wanted()
        if self._suits(watcher):
            self._begin(watcher)
            for cut in self._since_key:
                self._show(watcher, cut)
        elif stills and (newest := self.sink.newest()) and (tracks := self.sink.tracks):
            self._still(Still(tracks[0], newest[0].data, newest[0].arrived_us))

        def stop() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)
                self._say_what_is_wanted()

        return stop

    def opened(self) -> defer.Deferred[None]:
        """Fires when there are samples to open."""
        if self.sink.layout:
            return defer.succeed(None)
        awaiting: defer.Deferred[None] = defer.Deferred(self._await_no_more)
        self._awaiting.append(awaiting)
        self._say_what_is_wanted()
        return awaiting

    def open(self, closed: Callable[[], None]) -> LiveReading | None:
        """The samples from the last key frame on."""
        layout = self.sink.layout
        if not layout:
            return None

        def over(reading: LiveReading) -> None:
            self._close_reading(reading)
            closed()

        reading = LiveReading(layout, clock.now(), over, self._count_dropped)
        self._readings.append(reading)
        self._say_what_is_wanted()
        if self._tracks == layout:
            for cut in self._since_key if self._start is None or self._start[0] != "image/jpeg" else ():
                self._read(cut, [reading])
        return reading

    def close(self, reason: str) -> None:
        """End everybody."""
        self._receive([Closed(reason)])
        self._watchers.clear()
        self._say_what_is_wanted()

    def _await_no_more(self, awaiting: defer.Deferred[None]) -> None:
        self._awaiting.remove(awaiting)
        self._say_what_is_wanted()

    def _close_reading(self, reading: LiveReading) -> None:
        if reading in self._readings:
            self._readings.remove(reading)
            self._say_what_is_wanted()

    def _count_dropped(self, samples: int) -> None:
        self._metrics.add("camtrace_live_dropped_samples_total", samples)

    def _say_what_is_wanted(self) -> None:
        watched = bool(self._watchers)
        moving = any(not watcher.stills for watcher in self._watchers)
        self.sink.want(fragments=bool(moving or self._readings or self._awaiting), stills=watched)
        if not watched and self._start is not None and self._start[0] == "image/jpeg":
            self._forget_start()  # the next picture starts it again; fragments go on until the thread says `Idle`

    def _forget_start(self) -> None:
        self._start, self._tracks, self._since_key = None, (), []

    # ── what comes from the camera's thread ──

    def _receive(self, messages: list[Message]) -> None:
        for message in messages:
            match message:
                case Opened():
                    self._opened(message)
                case Cut():
                    self._cut(message)
                case Still():
                    self._still(message)
                case Idle():
                    self._forget_start()
                case Closed(reason):
                    self._closed(reason)

    def _opened(self, opened: Opened) -> None:
        try:
            self._tracks = parse_init(opened.init)
        except BoxError:
            self._tracks = ()
        self._since_key, self._bytes_since_key = [], 0
        for reading in tuple(self._readings):
            reading.restart(self._tracks)
        if opened.tracks[0].codec == "h264":
            self._announce(mime(opened.tracks), opened.init, "")
        awaiting, self._awaiting = self._awaiting, []
        for one in awaiting:
            one.callback(None)
        self._say_what_is_wanted()

    def _cut(self, cut: Cut) -> None:
        if self._readings:
            self._read(cut, self._readings)
        if self._start is None or self._start[0] == "image/jpeg":
            return
        self._remember(cut)
        for watcher in tuple(self._watchers):
            if not watcher.stills:
                self._show(watcher, cut)

    def _still(self, still: Still) -> None:
        if still.track.codec == "h264":  # which moves for those who can play it
            self._begin_stills()
        elif self._watchers and self._start is None:
            self._announce("image/jpeg", b"", "" if still.track.codec == "mjpeg" else "key_frames")
        if not any(watcher.started and self._sees_stills(watcher) for watcher in self._watchers):
            return
        if still.track.codec == "mjpeg":
            self._show_still(still.data, still.at_us)
        elif not self._decoding:
            self._decoding = True
            decoded = self._pools.job(to_jpeg, still.track.codec, still.track.extradata, [(still.data, 0)], 0)
            decoded.addCallback(self._show_still, still.at_us).addErrback(lambda _: None)
            decoded.addBoth(self._decoded)

    def _decoded(self, _: object) -> None:
        self._decoding = False

    def _closed(self, reason: str) -> None:
        self._forget_start()
        for reading in tuple(self._readings):
            reading.end()
        for watcher in tuple(self._watchers):
            if watcher.started:
                watcher.started = watcher.synced = False
                self._tell(watcher, watcher.viewer.live_ended, reason)

    def _announce(self, mime: str, init: bytes, note: str) -> None:
        self._start = (mime, init, note)
        for watcher in tuple(self._watchers):
            if self._suits(watcher):
                self._begin(watcher)

    def _begin(self, watcher: _Watcher) -> None:
        assert self._start is not None
        watcher.started, watcher.synced = True, False
        self._tell(watcher, watcher.viewer.live_started, *self._start)

    def _begin_stills(self) -> None:
        for watcher in tuple(self._watchers):
            if watcher.stills and not watcher.started:
                watcher.started, watcher.synced = True, False
                self._tell(watcher, watcher.viewer.live_started, *_KEY_FRAMES)

    def _suits(self, watcher: _Watcher) -> bool:
        """Whether what has started can be shown to this viewer."""
        return self._start is not None and (not watcher.stills or self._start[0] == "image/jpeg")

    def _sees_stills(self, watcher: _Watcher) -> bool:
        return watcher.stills or (self._start is not None and self._start[0] == "image/jpeg")

    def _remember(self, cut: Cut) -> None:
        if cut.key:
            self._since_key, self._bytes_since_key = [], 0
        self._bytes_since_key += len(cut.data)
        if self._bytes_since_key > MAX_GOP_BYTES and not cut.key:
            self._since_key = []
        elif cut.key or self._since_key:
            self._since_key.append(cut)

    def _show(self, watcher: _Watcher, cut: Cut) -> None:
        watcher.synced = watcher.synced or cut.key
        if watcher.synced:
            self._tell(watcher, watcher.viewer.live_fragment, cut.data, cut.key, cut.at_us)

    def _tell(self, watcher: _Watcher, tell: Callable[P, None], *values: P.args, **named: P.kwargs) -> None:
        """A viewer that fails is shown nothing more; the others, and the players, do not notice."""
        if watcher not in self._watchers:  # it failed, or left, a moment ago
            return
        try:
            tell(*values, **named)
        except Exception:
            self.log.failure("a viewer of live pictures failed and is shown no more")
            if watcher in self._watchers:
                self._watchers.remove(watcher)
                self._say_what_is_wanted()

    def _show_still(self, picture: bytes, at_us: int) -> None:
        cut = Cut(picture, True, at_us)
        if self._start is not None and self._start[0] == "image/jpeg":
            self._remember(cut)
        for watcher in tuple(self._watchers):
            if watcher.started and self._sees_stills(watcher):
                self._show(watcher, cut)

    def _read(self, cut: Cut, readings: list[LiveReading]) -> None:
        try:
            samples = parse_fragment(cut.data, self._tracks, lambda _track, _pts: cut.at_us)
        except BoxError:
            return
        for reading in tuple(readings):
            reading.add(samples, cut.key)

    # ── still pictures ──

    async def picture(self) -> bytes | None:
        """The newest picture as JPEG."""
        pictures, tracks = self.sink.newest(), self.sink.tracks
        if not pictures or not tracks:
            return None
        chosen = _worth_decoding(pictures)
        newest = chosen[-1]
        if tracks[0].codec == "mjpeg":
            return newest.data
        if self._snapshot[0] != newest.arrived_us:
            packets = [(coded.data, coded.pts) for coded in chosen]
            wanted = max(coded.pts for coded in chosen)
            jpeg = await self._decode(tracks[0], packets, wanted)
            self._snapshot = (newest.arrived_us, jpeg)
        return self._snapshot[1]

    def _decode(self, track: SourceTrack, packets: list[tuple[bytes, int]], pts: int) -> defer.Deferred[bytes]:
        return self._pools.job(to_jpeg, track.codec, track.extradata, packets, pts)


def _worth_decoding(pictures: tuple[Coded, ...]) -> tuple[Coded, ...]:
    """The key frame alone as long as it is fresh, else all up to the newest picture."""
    age_us = pictures[-1].arrived_us - pictures[0].arrived_us
    return pictures if age_us > _FRESH_US else pictures[:1]
