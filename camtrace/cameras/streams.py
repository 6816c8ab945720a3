"""Where each maker's cameras have their stream. Pure.

Sources: the VAPIX video streaming chapter and the 241Q manual (Axis), the SNC CGI command manuals (Sony), the M1 and
M10 help pages (Mobotix).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from camtrace.model import Camera


@dataclass(frozen=True, slots=True)
class Maker:
    """A family of cameras. `pattern` finds it in the model's name; `paths` gives the stream by declared codec.

    A path is `http` or `rtsp` with `{channel}`; the one for "" is what the family speaks when nothing is declared.
    """

    name: str
    pattern: re.Pattern[str]
    paths: dict[str, str]


def _maker(name: str, pattern: str, **paths: str) -> Maker:
    return Maker(
        name, re.compile(pattern, re.IGNORECASE), {"" if key == "any" else key: path for key, path in paths.items()}
    )


_AXIS_MJPEG = "http:/axis-cgi/mjpg/video.cgi?camera={channel}"

MAKERS = (
    # the first generations know nothing but MJPEG, and must be in "motion" mode
    _maker("Axis (first generations)", r"axis.*\b(2100|2110|2120|2130|2400|2401|2411|2420|2460)\b", any=_AXIS_MJPEG),
    _maker(
        "Axis",
        r"\baxis\b",
        any=_AXIS_MJPEG,
        mpeg4="rtsp:/mpeg4/{channel}/media.amp",
        h264="rtsp:/axis-media/media.amp?videocodec=h264&camera={channel}",
        h265="rtsp:/axis-media/media.amp?videocodec=h265&camera={channel}",
    ),
    _maker(
        "Sony",
        r"\bsony\b|\bsnc-",
        any="http:/image",
        mjpeg="http:/mjpeg",
        mpeg4="rtsp:/media/video1",
        h264="rtsp:/media/video1",
    ),
    _maker("Mobotix", r"\bmobotix\b", any="http:/control/faststream.jpg?stream=full&fps=0"),
)


def maker_of(model: str) -> Maker | None:
    """The family a model's name belongs to; None for one that is not known."""
    return next((maker for maker in MAKERS if maker.pattern.search(model)), None)


def stream_url(camera: Camera) -> str:
    """The address of the camera's main stream: the one given, else its model's; "" when neither says."""
    if camera.url:
        return camera.url
    maker = maker_of(camera.model)
    if maker is None or not camera.address:
        return ""
    path = maker.paths.get(camera.codec) or maker.paths.get("mjpeg" if camera.codec == "mjpeg" else "", maker.paths[""])
    scheme, _, rest = path.format(channel=camera.channel).partition(":")
    host = f"[{camera.address}]" if ":" in camera.address else camera.address
    port = f":{camera.http_port}" if scheme == "http" and camera.http_port != 80 else ""
    return f"{scheme}://{host}{port}{rest}"


def without_login(url: str) -> str:
    """The URL fit for a journal: no user, no password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
