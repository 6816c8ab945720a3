"""The session description (RFC 4566) of a presentation, from its tracks. Pure."""

from __future__ import annotations

from base64 import b64encode

from camtrace.model import Track
from camtrace.rtsp import rtp


def describe(tracks: tuple[Track, ...], host: str, version: int, npt: str, name: str = "CamTrace") -> bytes:
    """The SDP of `tracks`, each under the relative control `trackN`, N being its place counted from 1.

    `npt` is the range in normal play time, `0-12.480`, or `now-` for live pictures; `version` tells two descriptions
    of one URL apart. Raises ValueError for a track that RTP does not carry.
    """
    title = " ".join(name.split()) or "CamTrace"
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- {version} {version} IN {family} {host}",
        f"s={title}",
        f"c=IN {family} {'::' if family == 'IP6' else '0.0.0.0'}",
        "t=0 0",
        "a=control:*",
        f"a=range:npt={npt}",
    ]
    for number, track in enumerate(tracks, 1):
        lines += _media(track, number)
    return ("\r\n".join(lines) + "\r\n").encode()


def _media(track: Track, number: int) -> list[str]:
    kind = rtp.payload_type(track)
    encoding, parameters = _ENCODINGS[track.codec](track)
    lines = [f"m={'video' if track.is_video else 'audio'} 0 RTP/AVP {kind}", f"a=rtpmap:{kind} {encoding}"]
    if parameters:
        lines.append(f"a=fmtp:{kind} {parameters}")
    return [*lines, f"a=control:track{number}"]


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _h264(track: Track) -> tuple[str, str]:
    sets = rtp.avc_parameter_sets(track.config)
    profile = track.config[1:4].hex().upper()
    sprop = ",".join(_text(one) for one in sets)
    return "H264/90000", f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sprop}"


def _h265(track: Track) -> tuple[str, str]:
    sets = rtp.hevc_parameter_sets(track.config)
    named = ((name, ",".join(_text(one) for one in sets.get(kind, []))) for name, kind in _HEVC_SETS)
    return "H265/90000", ";".join(f"{name}={value}" for name, value in named if value)


_HEVC_SETS = (("sprop-vps", 32), ("sprop-sps", 33), ("sprop-pps", 34))


def _mpeg4(track: Track) -> tuple[str, str]:
    level = track.config[4] if track.config[:4] == b"\0\0\1\xb0" else 1
    return "MP4V-ES/90000", f"profile-level-id={level};config={track.config.hex().upper()}"


def _mjpeg(track: Track) -> tuple[str, str]:
    return "JPEG/90000", ""


def _aac(track: Track) -> tuple[str, str]:
    parameters = "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3"
    return f"MPEG4-GENERIC/{rtp.clock_rate(track)}/{track.channels or 1}", f"{parameters};config={track.config.hex()}"


_ENCODINGS = {"h264": _h264, "h265": _h265, "mpeg4": _mpeg4, "mjpeg": _mjpeg, "aac": _aac}
