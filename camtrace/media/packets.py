"""What a camera's thread hands on: its tracks, and its packets in order."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import av


@dataclass(frozen=True, slots=True)
class SourceTrack:
    """One track as a camera sends it. `extradata` is libav's (Annex B for H.264 and H.265), may be empty.

    `codec`: "h264", "h265", "mpeg4", "mjpeg" or "aac" (G.711 has been turned into AAC before). Video comes first.
    """

    codec: str
    time_base: Fraction
    extradata: bytes = b""
    width: int = 0
    height: int = 0
    sample_rate: int = 0
    channels: int = 0


class PacketSink(Protocol):
    """Takes a camera's packets, in the camera's own thread; none of these may raise or block for long."""

    def begin(self, tracks: tuple[SourceTrack, ...]) -> None:
        """A connection is up: these tracks follow."""

    def packet(self, track: int, packet: av.Packet[Any], arrived_us: int) -> None:
        """A packet with pts and dts set, in `time_base` of its track; `arrived_us` is wall time on arrival.

        The packet belongs to the reader: a sink that changes its timestamps or stream puts them back.
        """

    def end(self, reason: str) -> None:
        """The connection is over."""
