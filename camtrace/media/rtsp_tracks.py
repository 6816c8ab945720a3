"""What a camera offers over RTSP, chosen and described: its picture, and the sound that goes with it. Pure.

Decoder parameters come from the description where it has them (RFC 6184 section 8.1, RFC 7798 section 7.1, RFC 6416
section 7, RFC 3640 section 4.1).
"""

from __future__ import annotations

import base64
import binascii
from fractions import Fraction

from camtrace.media import depacketise, rtp, rtp_jpeg, sdp
from camtrace.media.packets import SourceTrack

_VIDEO = {"h264": "h264", "h265": "h265", "mp4v-es": "mpeg4", "jpeg": "mjpeg"}
G711 = {"pcmu": "pcm_mulaw", "pcma": "pcm_alaw"}
_START = b"\0\0\0\1"
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def video_codec(media: sdp.Media) -> str:
    """The codec of a video track under our name, "" for one that cannot be recorded."""
    return _VIDEO.get(media.encoding, "")


def video_track(media: sdp.Media) -> SourceTrack:
    """The video as its description tells it; width and height follow from the first key frame."""
    codec, given = _VIDEO[media.encoding], media.format
    extradata = b""
    if codec == "h264":
        extradata = _parameter_sets(given.get("sprop-parameter-sets", ""))
    elif codec == "h265":
        names = ("sprop-vps", "sprop-sps", "sprop-pps")
        extradata = b"".join(_parameter_sets(given.get(name, "")) for name in names)
    elif codec == "mpeg4":
        extradata = _hex(given.get("config", ""))
    return SourceTrack(codec, Fraction(1, media.clock_rate), extradata)


def video_payload(media: sdp.Media, emit: depacketise.Emit) -> rtp.Payload:
    """What puts the pictures together again."""
    codec = _VIDEO[media.encoding]
    if codec == "h264":
        return depacketise.Avc(emit)
    if codec == "h265":
        return depacketise.Hevc(emit)
    return rtp_jpeg.Jpeg(emit, media.size) if codec == "mjpeg" else depacketise.Mpeg4(emit)


def aac_track(media: sdp.Media) -> SourceTrack | None:
    """The sound of an AAC track; None when it is something else, or its description does not say enough."""
    config = _hex(media.format.get("config", ""))
    if media.encoding == "mp4a-latm":
        if media.format.get("cpresent", "1") != "0":
            return None
        try:
            config = depacketise.latm_configuration(config)
        except ValueError:
            return None
    elif media.encoding != "mpeg4-generic" or not media.format.get("mode", "").lower().startswith("aac"):
        return None
    if len(config) < 2:
        return None
    rate = _RATES[index] if (index := (config[0] & 7) << 1 | config[1] >> 7) < len(_RATES) else media.clock_rate
    channels = config[1] >> 3 & 15
    return SourceTrack(
        "aac", Fraction(1, media.clock_rate), config, sample_rate=rate, channels=channels or media.channels
    )


def sound_payload(media: sdp.Media, emit: depacketise.Emit) -> rtp.Payload:
    """What puts the frames of sound together again."""
    if media.encoding in G711:
        return depacketise.Samples(emit)
    if media.encoding == "mp4a-latm":
        return depacketise.Latm(emit)
    size, index = (sdp.number(media.format.get(name, "")) for name in ("sizelength", "indexlength"))
    return depacketise.Aac(emit, size, min(index, 32)) if 0 < size <= 32 else depacketise.Aac(emit)


def _parameter_sets(text: str) -> bytes:
    """Base64 units, separated by commas, each behind a start code; what is none is left out."""
    units = []
    for word in map(str.strip, text.split(",")):
        try:
            units.append(base64.b64decode(word + "=" * (-len(word) % 4)))
        except (binascii.Error, ValueError):
            continue
    return b"".join(_START + unit for unit in units if unit)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
