"""Decoder parameters that travel inside the stream: found at its key frames, compared with those in use. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_SETS = {"h264": (7, 8), "h265": (32, 33, 34)}
_START = b"\x00\x00\x01"


def parameter_sets(codec: str, data: bytes) -> list[bytes]:
    """The parameter sets (SPS and PPS, for H.265 VPS too) of an Annex B stream before its first picture.

    Each as a NAL unit without start code; none for other codecs.
    """
    return [unit for kind, unit in _units(codec, data) if kind in _SETS[codec]] if codec in _SETS else []


def merged(codec: str, extradata: bytes, found: Sequence[bytes]) -> bytes:
    """The extradata brought up to what a key frame said: the very same when it said nothing new.

    Annex B, as libav's RTSP gives it. Extradata in MP4's form (first byte 1) is left alone: there the packets carry no
    start codes, so nothing was found in them either.
    """
    known = parameter_sets(codec, extradata)
    if extradata[:1] == b"\x01" or set(found) <= set(known):
        return extradata
    said = {_kind(codec, unit) for unit in found}
    units = [unit for unit in known if _kind(codec, unit) not in said] + list(found)
    units.sort(key=lambda unit: _kind(codec, unit))
    return b"".join(b"\x00" + _START + unit for unit in units)


def _units(codec: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, unit) of the NAL units before the first slice."""
    start = data.find(_START)
    while start >= 0 and start + 3 < len(data):
        end = data.find(_START, start + 3)
        unit = data[start + 3 : end if end >= 0 else len(data)]
        kind = _kind(codec, unit)
        if 1 <= kind <= 5 if codec == "h264" else kind < 32:
            return
        yield kind, unit.rstrip(b"\x00")
        start = end


def _kind(codec: str, unit: bytes) -> int:
    if not unit:
        return -1
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
