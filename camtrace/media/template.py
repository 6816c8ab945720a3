"""A libav stream that describes a track, for a muxer to copy.

PyAV makes an output stream from an input stream, with its decoder configuration, or from an encoder; ours has neither:
the camera's packets are already coded, and its input stream may be gone or live in another thread. So the track is
described by a Matroska header of a few bytes (RFC 9559), and libav reads that.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import av

from camtrace.errors import CamTraceError
from camtrace.media.packets import SourceTrack

_CODEC_IDS = {
    "h264": b"V_MPEG4/ISO/AVC",
    "h265": b"V_MPEGH/ISO/HEVC",
    "mpeg4": b"V_MPEG4/ISO/ASP",
    "mjpeg": b"V_MJPEG",
    "aac": b"A_AAC",
}


class CannotMux(CamTraceError):
    """These tracks or this packet cannot be put into a fragmented MP4; the text says why."""


def open_template(track: SourceTrack) -> Any:
    """An input container whose only stream is `track`. Keep it open while an output made from it lives."""
    if track.codec not in _CODEC_IDS:
        raise CannotMux(f"codec {track.codec!r} cannot be recorded")
    options = {"analyzeduration": "0", "probesize": "32"}
    try:
        return av.open(io.BytesIO(_matroska(track)), format="matroska", options=options)
    except av.error.FFmpegError as error:
        raise CannotMux(f"libav does not understand the description of a {track.codec} track: {error}") from error


def _matroska(track: SourceTrack) -> bytes:
    """A Matroska file without a picture: EBML header, one track entry, one empty cluster."""
    if track.codec == "aac":
        kind, format_ = 2, _element(0xE1, _float(0xB5, track.sample_rate), _uint(0x9F, track.channels or 1))
    else:
        kind, format_ = 1, _element(0xE0, _uint(0xB0, track.width), _uint(0xBA, track.height))
    private = _element(0x63A2, track.extradata) if track.extradata else b""
    codec = _element(0x86, _CODEC_IDS[track.codec])
    entry = _element(0xAE, _uint(0xD7, 1), _uint(0x73C5, 1), _uint(0x83, kind), codec, private, format_)
    cluster = _element(0x1F43B675, _uint(0xE7, 0))
    doctype = (_element(0x4282, b"matroska"), _uint(0x4287, 4), _uint(0x4285, 2))
    head = _element(0x1A45DFA3, _uint(0x4286, 1), _uint(0x42F7, 1), _uint(0x42F2, 4), _uint(0x42F3, 8), *doctype)
    return head + _element(0x18538067, _element(0x1654AE6B, entry), cluster)


def _element(identifier: int, *content: bytes) -> bytes:
    body = b"".join(content)
    name = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    return name + (0x01 << 56 | len(body)).to_bytes(8, "big") + body


def _uint(identifier: int, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))


def _float(identifier: int, value: float) -> bytes:
    return _element(identifier, struct.pack(">d", value))
