"""Packets on their way to motion detection, in the camera's thread: kept until a job takes them, the newest first.

Nothing here waits: when jobs do not come for them, packets are dropped and counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import av

from camtrace.media.packets import SourceTrack
from camtrace.media.small_pictures import NEXT_US, Arrived

# jobs are asked for so often at most: what comes meanwhile is decoded in one go
GATHER_US = 250_000
# more than this waits for no job: it is too old to be looked at
MOST_BYTES = 4 << 20
MOST_US = 3_000_000
# a stream that flowed and brings nothing for so long does not flow any more
STALL_US = 3_000_000
# where every picture is a key frame, one a second stands for them
NEXT_KEY_US = 900_000


class Taken(NamedTuple):
    """What waited, in decoding order. `begin`: a decoder begins with it. `single`: key frames, that need no other."""

    packets: list[Arrived]
    track: SourceTrack
    begin: bool
    single: bool


class MotionSink:
    """A `PacketSink` of one camera's main or second stream, kept over its connections.

    `ready()` is called in the camera's thread when there is something to take. A sink that is `overshadowed(now_us)` by
    the camera's better one keeps nothing.
    """

    def __init__(self, ready: Callable[[], object], overshadowed: Callable[[int], bool] = lambda now_us: False) -> None:
        self._ready = ready
        self._overshadowed = overshadowed
        self._lock = threading.Lock()
        self._wanted = self._key_frames = False
        self._track: SourceTrack | None = None
        self._waiting: list[Arrived] = []
        self._bytes = self._newest_key = 0  # where the newest key frame waits
        self._needs_key = self._begin = True
        self._behind = False  # packets are being lost, up to the next key frame
        self._asked_us = 0
        self._kept_us = 0
        self._heard_us = 0
        self.flows = False  # pictures are kept, or would be
        self.dropped = 0

    def flows_at(self, now_us: int) -> bool:
        """Whether pictures are kept, or would be, and still come. From the camera's other thread."""
        return self.flows and abs(now_us - self._heard_us) < STALL_US

    def has_stalled(self, now_us: int) -> bool:
        """Whether it flowed, is still connected, and brings nothing."""
        return self.flows and not self.flows_at(now_us)

    # ── from the reactor ──

    def want(self, wanted: bool) -> None:
        """Keep packets from the next key frame on, or none any more."""
        with self._lock:
            self._wanted = wanted
            self._drop_all()

    def want_key_frames(self, only: bool) -> None:
        """Keep key frames only, or all pictures again from the next key frame on."""
        with self._lock:
            flows = self.flows
            self._drop_all()
            self._key_frames, self.flows = only, flows

    # ── in a job ──

    def take(self) -> Taken | None:
        """What waits; None if nothing does."""
        with self._lock:
            if not self._waiting or self._track is None:
                return None
            taken = Taken(self._waiting, self._track, self._begin, self._key_frames)
            self._waiting, self._bytes, self._newest_key, self._begin = [], 0, 0, False
            return taken

    # ── in the camera's thread ──

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        """A connection is up."""
        with self._lock:
            self._track = tracks[0]
            self._drop_all()

    def packet(self, track: int, packet: av.Packet[Any], arrived_us: int) -> None:
        """Keep it for a job, unless nobody wants it or too much waits."""
        if track != 0 or not self._wanted:
            return
        self._heard_us = arrived_us
        if self._overshadowed(arrived_us):
            if not self._needs_key:
                with self._lock:
                    self._drop_all()
            return
        with self._lock:
            kept = self._keep(packet, arrived_us)
        if kept and not 0 <= arrived_us - self._asked_us < GATHER_US:
            self._asked_us = arrived_us
            self._ready()

    def end(self, reason: str) -> None:
        """The connection is over."""
        with self._lock:
            self._track = None
            self._drop_all()

    # ── inside, locked ──

    def _keep(self, packet: av.Packet[Any], arrived_us: int) -> bool:
        assert self._track is not None
        key = bool(packet.is_keyframe)
        if self._waiting and (
            self._bytes + packet.size > MOST_BYTES or not 0 <= arrived_us - self._waiting[0].at_us <= MOST_US
        ):
            self._drop_oldest()
        if not key and (self._needs_key or self._key_frames):
            self.dropped += self._key_frames or self._behind
            return False
        if self._track.codec == "mjpeg":  # pictures that need no other: those in between are not even decoded
            if 0 <= arrived_us - self._kept_us < (NEXT_KEY_US if self._key_frames else NEXT_US):
                return False
            self._kept_us = arrived_us
        self._needs_key = self._behind = False
        self.flows = True
        if key:
            self._newest_key = len(self._waiting)
        self._waiting.append(Arrived(bytes(packet), arrived_us))
        self._bytes += packet.size
        return True

    def _drop_oldest(self) -> None:
        """Keep what came since the newest key frame, if anything was before it."""
        keep = self._newest_key or len(self._waiting)
        self.dropped += keep
        self._waiting, self._newest_key = self._waiting[keep:], 0
        self._bytes = sum(len(one.data) for one in self._waiting)
        self._needs_key = self._behind = not self._waiting

    def _drop_all(self) -> None:
        self._waiting, self._bytes, self._newest_key = [], 0, 0
        self._needs_key = self._begin = True
        self._behind = self.flows = False
