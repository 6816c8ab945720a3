"""What an RTSP URL asks for, in every form that players make of it. Pure.

A player combines the URL it was given with the track's name by rules of its own, so one presentation arrives as
`/player/regul/3/?start=1&stop=2/track1`, `/player/regul/3/track1?start=1&stop=2`, `/player/regul/3/track1` (query
lost) or even `/player/regul/track1` (camera lost). What is lost is filled in by the connection's last DESCRIBE.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

from camtrace.errors import Invalid, NotFound

DEFAULT_SECONDS = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRACK = re.compile(r"/?track(?:ID=)?(\d{1,3})$", re.IGNORECASE)
_FIXED = re.compile(r"@(-?\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)?(-keep)?")
_KINDS = {"regul": "regular", "alarm": "alarm"}


@dataclass(frozen=True, slots=True)
class Period:
    """Wall time to play. `stop` None: on into the growing recording. `keep_gaps`: holes keep their length."""

    start: datetime
    stop: datetime | None
    keep_gaps: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A presentation: `kind` is "regular", "alarm" or "live"; live has no period, nor has a URL that gives none."""

    kind: str
    camera_id: int
    period: Period | None = None
    stream: str = "main"

    def path(self) -> str:
        """The path that names exactly this presentation, with a slash at its end and nothing in a query."""
        if self.kind == "live":
            return f"/live/{self.camera_id}/" + ("sub/" if self.stream == "sub" else "")
        name = next(word for word, kind in _KINDS.items() if kind == self.kind)
        path = f"/player/{name}/{self.camera_id}/"
        if self.period is None:
            return path
        stop = "" if self.period.stop is None else _seconds(self.period.stop)
        return f"{path}@{_seconds(self.period.start)}-{stop}{'-keep' if self.period.keep_gaps else ''}/"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request URL says.

    `target` is None when the camera was lost on the way; `track` is the number after `track`, None for the whole
    presentation; `text` is path and query without the track, to tell whether two URLs say the same.
    """

    target: Target | None
    track: int | None = None
    text: str = ""

    def within(self, described: Asked | None) -> Target | None:
        """The target, completed by what the same connection described before."""
        if described is None or described.target is None or self.target is None:
            return self.target or (described.target if described else None)
        same = self.target.kind == described.target.kind and self.target.camera_id == described.target.camera_id
        lost = self.target.period is None and self.target.stream == described.target.stream
        return described.target if same and (lost or self.text == described.text) else self.target


def parse(url: str, now: datetime) -> Asked:
    """Read a request URL; periods relative to the present are counted back from `now`.

    Raises Invalid for parameters that cannot be used, NotFound for a path that names nothing this server has.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Invalid("the URL cannot be read", "url") from error
    query, track = _strip_track(parts.query)
    path = parts.path
    if track is None:
        path, track = _strip_track(parts.path)
    steps = [unquote(step) for step in path.split("/") if step]
    target = _target(steps, _parameters(query), now, track)
    return Asked(target, track, "/".join(steps) + "?" + query)


def base(url: str, target: Target) -> str:
    """The Content-Base of `target`: with the host as the client wrote it, so that it holds through a NAT."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    return f"rtsp://{host}{target.path()}"


def _strip_track(text: str) -> tuple[str, int | None]:
    """Take `/trackN` or `/trackID=N` (and slashes) off the end of a path or a query."""
    text = text.rstrip("/")
    matched = _TRACK.search(text)
    if matched is None:
        return text, None
    return text[: matched.start()].rstrip("/"), int(matched[1])


def _parameters(query: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in re.split("[&;]", query) if part)
    return {unquote(name).lower(): unquote(value).rstrip("/") for name, _, value in pairs}


def _target(steps: list[str], parameters: dict[str, str], now: datetime, track: int | None) -> Target | None:
    match steps:
        case ["live", camera, *rest] if rest in ([], ["main"], ["sub"]):
            return Target("live", _camera_id(camera), None, rest[0] if rest else "main")
        case ["player", word, camera] if word in _KINDS:
            return Target(_KINDS[word], _camera_id(camera), _period(parameters, now))
        case ["player", word, camera, fixed] if word in _KINDS and fixed.startswith("@"):
            return Target(_KINDS[word], _camera_id(camera), _fixed_period(fixed, parameters, now))
        case ["live"] | ["player"] | ["player", "regul" | "alarm"] if track is not None:
            return None  # GStreamer replaced the camera by the track
    raise NotFound("the path is /player/regul/CAMERA, /player/alarm/CAMERA or /live/CAMERA")


def _camera_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise NotFound("the camera is given by its number")
    return int(text)


def _period(parameters: dict[str, str], now: datetime) -> Period | None:
    """The period a query gives, None when it gives none."""
    known = {name: text for name, text in parameters.items() if name in ("start", "stop", "rstart", "rstop") and text}
    keep = parameters.get("gaps") == "keep"
    follow = parameters.get("follow") in ("1", "yes", "true")
    for name in ("start", "stop"):
        if name in known and "r" + name in known:
            raise Invalid(f"give either {name} or r{name}", name)
    if not known:
        return default_period(now, keep, follow) if keep or follow else None
    stop = _end(known, "stop", now)
    start = _end(known, "start", now)
    if start is None:
        start = (stop if "stop" in known and stop else now) - timedelta(seconds=DEFAULT_SECONDS)
    return check(Period(start, None if follow and stop is None else stop or now, keep), now)


def _end(known: dict[str, str], name: str, now: datetime) -> datetime | None:
    """One end of the period: absolute, relative, or not given."""
    if name in known:
        return _instant(known[name], name)
    if "r" + name in known:
        return now - timedelta(seconds=_number(known["r" + name], "r" + name))
    return None


def _fixed_period(text: str, parameters: dict[str, str], now: datetime) -> Period:
    matched = _FIXED.fullmatch(text)
    if matched is None:
        raise Invalid("the period in the path is @START-STOP in Unix seconds", "start")
    start = _instant(matched[1], "start")
    stop = _instant(matched[2], "stop") if matched[2] else None
    return check(Period(start, stop, bool(matched[3]) or parameters.get("gaps") == "keep"), now)


def default_period(now: datetime, keep_gaps: bool = False, follow: bool = False) -> Period:
    """What a URL without parameters means: the last minute."""
    return Period(now - timedelta(seconds=DEFAULT_SECONDS), None if follow else now, keep_gaps)


def check(period: Period, now: datetime) -> Period:
    """The same period, not reaching past `now`; raises for one that is inverted, empty or in the future."""
    if period.start > now:
        raise NotFound("the period lies in the future: nothing is recorded yet")
    if period.stop is not None and period.stop <= period.start:
        raise Invalid("the period is empty: stop must lie after start", "stop")
    return period if period.stop is None else replace(period, stop=min(period.stop, now))


def _instant(text: str, name: str) -> datetime:
    """Unix seconds with or without a fraction, or ISO 8601 (UTC when it names no zone)."""
    if re.fullmatch(r"-?\d+(\.\d*)?", text):
        return _from_seconds(_number(text, name), name)
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name} is given in Unix seconds or in ISO 8601", name) from error


def _number(text: str, name: str) -> float:
    if not re.fullmatch(r"-?\d{1,12}(\.\d{0,9})?", text):
        raise Invalid(f"{name} is given in seconds", name)
    return float(text)


def _from_seconds(seconds: float, name: str) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    except OverflowError as error:
        raise Invalid(f"{name} is out of bounds", name) from error


def _seconds(instant: datetime) -> str:
    """Unix seconds with three decimals."""
    milliseconds = round((instant - _EPOCH) / timedelta(milliseconds=1))
    sign, milliseconds = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    return f"{sign}{milliseconds // 1000}.{milliseconds % 1000:03d}"
