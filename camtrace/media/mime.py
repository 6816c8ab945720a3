"""How a browser names what a live feed or a file contains (RFC 6381)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from camtrace.media.packets import SourceTrack

_SPS = re.compile(rb"\x00\x00\x01[\x07\x27\x47\x67](...)", re.DOTALL)


def mime(tracks: Sequence[SourceTrack]) -> str:
    """`video/mp4; codecs="avc1.64001f,mp4a.40.2"` for these tracks."""
    names = (codec_string(track.codec, track.extradata) for track in tracks)
    return f'video/mp4; codecs="{",".join(name for name in names if name)}"'


def codec_string(codec: str, extradata: bytes) -> str:
    """One track's name: profile, constraints and level for H.264, the object type for AAC; "" where there is none.

    `extradata`: Annex B parameter sets or an avcC record for H.264, AudioSpecificConfig for AAC.
    """
    if codec == "aac":
        return f"mp4a.40.{extradata[0] >> 3 if extradata else 2}"
    if codec != "h264":
        return ""
    if extradata[:1] == b"\x01":
        return f"avc1.{extradata[1:4].hex()}"
    found = _SPS.search(extradata)
    return f"avc1.{found[1].hex()}" if found else ""
