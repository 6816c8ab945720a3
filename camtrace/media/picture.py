"""Coded pictures into JPEG. Each call makes its own decoder, so it may run in any thread of the pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import av
from av.video.reformatter import ColorRange

from camtrace.errors import CamTraceError
from camtrace.model import Sample, Track

_DECODERS = {"h264": "h264", "h265": "hevc", "mpeg4": "mpeg4", "mjpeg": "mjpeg"}
# libav's scale from 2 (best) to 31; 4 is what cameras send at "good"
_QUALITY = 4


class CannotDecode(CamTraceError):
    """These bytes give no picture."""


def decode_jpeg(track: Track, samples: Sequence[Sample], at_us: int) -> bytes:
    """The picture shown at `at_us` as JPEG.

    `samples`: of this video track, in decoding order from a key frame on; the picture with the greatest `at_us` not
    after the one asked is taken, else the first. MJPEG goes through untouched. Raises CannotDecode.
    """
    video = [sample for sample in samples if sample.track == track.index]
    if not video:
        raise CannotDecode("no picture at this instant")
    wanted = max((sample for sample in video if sample.at_us <= at_us), key=lambda one: one.at_us, default=video[0])
    if track.codec == "mjpeg":
        return wanted.data
    packets = []
    for sample in video:
        packets.append((sample.data, sample.pts))
        if sample is wanted:
            break
    return to_jpeg(track.codec, track.config, packets, wanted.pts)


def to_jpeg(codec: str, extradata: bytes, packets: Iterable[tuple[bytes, int]], pts: int) -> bytes:
    """Decode `packets` (data, pts) from a key frame on and encode the one at `pts`, or the nearest before it.

    `extradata` as MP4 stores it, or Annex B when the packets are. Raises CannotDecode.
    """
    best: Any = None
    for frame in _frames(decoder_of(codec, extradata), packets):
        if best is None or (frame.pts is not None and best.pts <= frame.pts <= pts):
            best = frame
    if best is None:
        raise CannotDecode(f"the {codec} picture cannot be decoded")
    return _encode(best)


class Shape(NamedTuple):
    """What a key frame tells of its stream. `reorders`: there are B-frames."""

    width: int
    height: int
    reorders: bool


def shape(codec: str, extradata: bytes, key_frame: bytes) -> Shape:
    """What a key frame tells when it is decoded. Raises CannotDecode."""
    decoder = decoder_of(codec, extradata)
    for frame in _frames(decoder, [(key_frame, 0)]):
        return Shape(frame.width, frame.height, bool(decoder.has_b_frames))
    raise CannotDecode(f"the {codec} key frame cannot be decoded")


def decoder_of(codec: str, extradata: bytes) -> Any:
    """A decoder that makes no threads of its own; `extradata` as in `to_jpeg`."""
    decoder: Any = av.CodecContext.create(_DECODERS[codec], "r")
    decoder.thread_count = 1
    if extradata:
        decoder.extradata = extradata
    return decoder


def _frames(decoder: Any, packets: Iterable[tuple[bytes, int]]) -> Iterable[Any]:
    decoded = False
    for data, pts in packets:
        packet: Any = av.Packet(data)
        packet.pts = pts
        try:
            frames = decoder.decode(packet)
        except av.error.FFmpegError:  # a damaged picture; the next may decode
            continue
        yield from frames
        decoded = True
    if decoded:
        try:
            yield from decoder.decode(None)
        except av.error.FFmpegError:
            return


def _encode(frame: Any) -> bytes:
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.flags |= 0x2  # AV_CODEC_FLAG_QSCALE
    encoder.global_quality = _QUALITY * 118  # FF_QP2LAMBDA
    try:
        picture = frame.reformat(format="yuvj420p", dst_color_range=ColorRange.JPEG)
        picture.pts = 0
        return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])
    except (av.error.FFmpegError, ValueError) as error:
        raise CannotDecode(f"the picture cannot be encoded: {error}") from error
