"""Telephone sound (G.711) into AAC, which MP4 and browsers take."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from camtrace.media.packets import SourceTrack
from camtrace.media.timeline import Stamped

_RATE = 16_000
_BIT_RATE = 32_000
# sound may be this far from where its samples, counted, would put it before it is placed anew
_TOLERANCE = _RATE // 5


class Transcoder:
    """Turns the packets of one G.711 track into AAC at 16 kHz, mono.

    Stamps are counted in samples, so that there is no click where packets jitter; missing packets move them on.
    """

    def __init__(self, codec: str, time_base: Fraction, sample_rate: int = 8000, channels: int = 1) -> None:
        self._in_base = time_base
        decoder: Any = av.CodecContext.create(codec, "r")
        decoder.sample_rate, decoder.layout = sample_rate, "mono" if channels == 1 else "stereo"
        self._decoder = decoder
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=_RATE)
        self._encoder: Any = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = _RATE, "mono", "fltp"
        self._encoder.bit_rate = _BIT_RATE
        self._encoder.time_base = Fraction(1, _RATE)
        self._encoder.open()
        self._fed = 0
        self._base: int | None = None
        self._last = -1
        self.track = SourceTrack(
            "aac", Fraction(1, _RATE), bytes(self._encoder.extradata or b""), sample_rate=_RATE, channels=1
        )

    def convert(self, stamped: Stamped[av.Packet[Any]]) -> list[Stamped[av.Packet[Any]]]:
        """The AAC packets that this packet completes, stamped in 1/16000 s."""
        self._place(stamped.pts)
        made: list[Stamped[av.Packet[Any]]] = []
        try:
            for frame in self._decoder.decode(stamped.packet):
                frame.pts = None
                for resampled in self._resampler.resample(frame):
                    made += self._encode(resampled, stamped.arrived_us)
        except av.error.FFmpegError:  # a damaged packet of sound is worth no reconnection
            return made
        return made

    def _place(self, pts: int) -> None:
        wanted = int(pts * self._in_base * _RATE)
        if self._base is None or abs(self._base + self._fed - wanted) > _TOLERANCE:
            self._base = wanted - self._fed

    def _encode(self, frame: Any, arrived_us: int) -> list[Stamped[av.Packet[Any]]]:
        assert self._base is not None
        frame.pts, frame.time_base = self._fed, Fraction(1, _RATE)
        self._fed += frame.samples
        made = []
        for packet in self._encoder.encode(frame):
            at = max(self._last + 1, self._base + (packet.pts or 0))
            self._last = at
            packet.pts = packet.dts = at
            packet.is_keyframe = True
            made.append(Stamped(packet, at, at, arrived_us))
        return made
