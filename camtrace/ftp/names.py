"""Which camera a picture comes from, where several share an address: its file name says it. Pure.

A camera's base file name is `imageN`, N being its channel on an encoder, or the HTTP port it has behind a router.
Cameras add a suffix as they are set: none, the date and time, or a number, with a separator before it or without.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from camtrace.model import Camera

MAX_NAME = 200  # characters of a name that are kept
_BASE = re.compile(r"image([0-9]{1,60})(.*)", re.IGNORECASE | re.DOTALL)
# what cameras put behind the base name when they put nothing between
_SUFFIXES = re.compile(
    r"[0-9]{2}-[0-9]{2}-[0-9]{2}[ _T-].*"  # 07-06-01_12-30-05-11.jpg
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]).*"  # 2007-06-01-12-30.jpg
    r"|(?:[0-9]{2})?[0-9]{6}[_T-][0-9]{6}(?![0-9]).*"  # 070601_123005_01.jpg, 20070601T123005.jpg
    r"|[0-9]{14}(?![0-9]).*"  # 20070601123005.jpg
    r"|(?:[0-9]{2}|[0-9]{5}|[0-9]{7})(?:\.\w*)*",  # 01.jpg, 00001.jpg, 0000001.jpg
    re.DOTALL,
)


def last_part(path: str) -> str:
    """The file's name without the folders before it, printable and not too long."""
    name = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    printable = name if name.isprintable() else "".join(each if each.isprintable() else "?" for each in name)
    return printable if len(printable) <= MAX_NAME else f"{printable[: MAX_NAME - 1]}…"


def which(name: str, cameras: Sequence[Camera]) -> tuple[Camera | None, str]:
    """The one of `cameras`, all at one address, that sent a file of this name.

    None with a reason when that is not clear: "stranger" (there is no camera), "unnamed" (the name gives no number of
    theirs), "ambiguous" (it gives a number that several have).
    """
    if len(cameras) <= 1:
        return (cameras[0], "") if cameras else (None, "stranger")
    found = _BASE.match(last_part(name))
    if found is None:
        return None, "unnamed"
    number = _number(found[1], found[2], {n for camera in cameras for n in (camera.channel, camera.http_port)})
    if number is None:
        return None, "unnamed"
    camera = _camera(number, cameras)
    return (camera, "") if camera is not None else (None, "ambiguous")


def _number(digits: str, rest: str, known: set[int]) -> int | None:
    """The one of the `known` numbers that `digits` are, or begin with: a suffix may follow at once.

    All digits are one: that it is. Else the one after which a whole suffix of a known style stands; else the shortest.
    """
    if (whole := int(digits)) in known and str(whole) == digits:
        return whole
    begins = sorted((number for number in known if digits.startswith(str(number))), key=lambda n: len(str(n)))
    fitting = [number for number in begins if _SUFFIXES.fullmatch(digits[len(str(number)) :] + rest)]
    return next(iter(fitting or begins), None)


def _camera(number: int, cameras: Sequence[Camera]) -> Camera | None:
    """The camera that has this number. Of several, the one that no other number would tell from the rest."""
    having = [camera for camera in cameras if number in (camera.channel, camera.http_port)]
    if len(having) > 1:
        having = [camera for camera in having if not _has_another(number, camera, cameras)]
    return having[0] if len(having) == 1 else None


def _has_another(number: int, camera: Camera, cameras: Sequence[Camera]) -> bool:
    """Whether a number other than this one is this camera's alone."""
    for other in {camera.channel, camera.http_port} - {number}:
        if sum(other in (each.channel, each.http_port) for each in cameras) == 1:
            return True
    return False
