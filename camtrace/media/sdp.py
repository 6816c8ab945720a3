"""Session descriptions (RFC 8866) as cameras send them in answer to DESCRIBE. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

# payload types that need no rtpmap (RFC 3551 section 6)
_STATIC = {
    0: ("pcmu", 8000),
    3: ("gsm", 8000),
    8: ("pcma", 8000),
    9: ("g722", 8000),
    14: ("mpa", 90000),
    26: ("jpeg", 90000),
    32: ("mpv", 90000),
    33: ("mp2t", 90000),
}
_SIZE = re.compile(r"\b([0-9]{1,5})\s*[-,x]\s*([0-9]{1,5})\b")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Media:
    """One track on offer. `encoding` in lower case; `format` the parameters of its payload, names in lower case.

    `size`: width and height, where an attribute tells them (0, 0 otherwise).
    """

    kind: str
    payload_type: int
    encoding: str = ""
    clock_rate: int = 90_000
    channels: int = 1
    control: str = ""
    format: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Description:
    """A session: its own control address and its tracks, in order."""

    control: str
    media: tuple[Media, ...]


def parse(text: str) -> Description:
    """Read a description; lines that mean nothing here are passed over, whatever is in them."""
    control = ""
    media: list[Media] = []
    for line in text.splitlines():
        kind, equals, value = line.strip().partition("=")
        if kind == "m" and equals:
            media.append(_media(value))
        elif kind == "a":
            name, _, rest = value.partition(":")
            if media:
                media[-1] = _attribute(media[-1], name.strip().lower(), rest.strip())
            elif name.strip().lower() == "control":
                control = rest.strip()
    return Description(control, tuple(media))


def number(text: str, otherwise: int = 0) -> int:
    """The decimal number `text` is; `otherwise` where it is none, or so long that it means nothing."""
    return int(text) if _NUMBER.fullmatch(text) else otherwise


def _media(value: str) -> Media:
    words = value.split()
    payload_type = number(words[3], -1) if len(words) > 3 else -1
    encoding, rate = _STATIC.get(payload_type, ("", 90_000))
    return Media(words[0].lower() if words else "", payload_type, encoding, rate)


def _attribute(media: Media, name: str, value: str) -> Media:
    if name == "control":
        return replace(media, control=value)
    if name in ("x-dimensions", "framesize"):  # "1920,1080", or "26 1920-1080"
        found = _SIZE.search(value)
        return replace(media, size=(int(found[1]), int(found[2]))) if found else media
    words = value.split(None, 1)
    if len(words) < 2 or number(words[0], -1) != media.payload_type:
        return media
    rest = words[1]
    if name == "rtpmap":
        return _mapped(media, rest)
    if name == "fmtp":
        pairs = (pair.partition("=") for pair in rest.split(";"))
        given = {key.strip().lower(): text.strip() for key, _, text in pairs if key.strip()}
        return replace(media, format={**media.format, **given})
    return media


def _mapped(media: Media, value: str) -> Media:
    encoding, *numbers = value.strip().split("/")
    rate, channels = (number(text.strip()) for text in [*numbers, "", ""][:2])
    rate, channels = rate or media.clock_rate, channels or 1
    return replace(media, encoding=encoding.strip().lower(), clock_rate=rate, channels=channels)


def address(base: str, control: str) -> str:
    """The address a control attribute names below `base`, as players and cameras understand each other.

    Not RFC 3986: everybody appends, so that a query in the base is kept.
    """
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    if control in ("", "*"):
        return base
    return base + ("" if base.endswith("/") or control.startswith("/") else "/") + control
