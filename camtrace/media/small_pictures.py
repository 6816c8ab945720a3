"""A stream's packets as small grey pictures, a few a second, for who looks at what changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from camtrace.media.packets import SourceTrack
from camtrace.media.picture import decoder_of

if TYPE_CHECKING:
    import numpy as np  # only its names: a server that detects no motion does without it
    from numpy.typing import NDArray

# the longer side; enough to see somebody at the other end of a shop
LONGER_SIDE = 240
PERIOD_US = 200_000
# pictures come with some jitter: an interval of nine tenths is a whole one
NEXT_US = PERIOD_US * 9 // 10


class Arrived(NamedTuple):
    """A coded picture and when it came."""

    data: bytes
    at_us: int


class SmallPictures:
    """One stream's decoder. It may be used in one thread after the other, never in two at once."""

    def __init__(self, track: SourceTrack) -> None:
        self._decoder: Any = decoder_of(track.codec, track.extradata)
        self._last_us = 0

    def of(self, packets: Iterable[Arrived], all: bool = False) -> Iterator[tuple[NDArray[np.uint8], int]]:
        """The pictures in these packets, which follow the former ones in decoding order, with their instants.

        `all`: those too that the decoder would hold back; nothing can follow them.
        """
        for data, at_us in packets:
            packet: Any = av.Packet(data)
            packet.pts = at_us  # goes through the decoder with its picture, whatever the order
            yield from self._decoded(packet)
        if all:
            yield from self._decoded(None)

    def _decoded(self, packet: Any) -> Iterator[tuple[NDArray[np.uint8], int]]:
        try:
            frames = self._decoder.decode(packet)
        except av.error.FFmpegError:  # a damaged picture; the next may decode
            return
        for frame in frames:
            # behind a B-frame comes one that arrived before it; what is older still is of a clock that was set back
            if frame.pts is not None and not -1_000_000 < frame.pts - self._last_us < NEXT_US:
                self._last_us = frame.pts
                yield _small(frame), frame.pts


def _small(frame: Any) -> NDArray[np.uint8]:
    scale = LONGER_SIDE / max(frame.width, frame.height)
    width, height = max(8, round(frame.width * scale)), max(8, round(frame.height * scale))
    small: NDArray[np.uint8] = frame.reformat(width, height, "gray", interpolation="AREA").to_ndarray()
    return small
