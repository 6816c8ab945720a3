"""A camera's settings as a person or program gives them: checked one by one, each fault with its field's name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from camtrace.errors import Invalid
from camtrace.i18n import N_
from camtrace.model import (
    AlarmRecording,
    Camera,
    CameraEvents,
    CameraMail,
    MotionSettings,
    Point,
    RegularRecording,
    Zone,
)
from camtrace.web.api.contact_fields import MOST_CONTACTS, Uids, read_contacts
from camtrace.web.api.readers import address, flag, one_of, text_of, whole
from camtrace.web.ports import Volume

CODECS = ("", "h264", "h265", "mpeg4", "mjpeg")
TRANSPORTS = ("tcp", "udp")
SCHEMES = ("rtsp", "http", "https")
CALENDARS = ("always", "never")
MOST_ZONES, FEWEST_CORNERS, MOST_CORNERS = 8, 3, 20
_SHOWN_ONLY = frozenset({"uid", "status", "has_password", "deleted_at"})

Fields = dict[str, Any]


def read_fields(
    body: Mapping[str, Any],
    camera: Camera | None = None,
    calendars: Collection[str] = CALENDARS,
    volumes: Sequence[Volume] = (),
    uids: Uids = lambda number: None,
) -> Fields:
    """The attributes of `model.Camera` that `body` sets; `password` is clear text.

    `camera` is the one to be changed, None for a new one; `volumes` are those of the configuration, `uids` gives the
    uid of the camera with a number. Raises Invalid with the field's name. What is only shown is ignored in a camera
    that was read and is sent back whole, that is with its uid, and refused otherwise. A login inside a URL is taken out
    of it, since URLs are shown and passwords are not.
    """
    fields: Fields = {}
    sent_back = camera is not None and body.get("uid") == str(camera.uid)
    for name, value in body.items():
        if name in _SHOWN_ONLY:
            if not sent_back:
                raise Invalid(N_("{field} cannot be set"), name)
            continue
        if name == "regular":
            fields[name] = _regular(value, camera.regular if camera else RegularRecording(), calendars)
        elif name == "alarm":
            fields[name] = _alarm(value, camera.alarm if camera else AlarmRecording(), calendars)
        elif name == "mail":
            fields[name] = _mail(value, camera.mail if camera else CameraMail(), calendars)
        elif name == "motion":
            fields[name] = read_motion(value, camera.motion if camera else MotionSettings())
        elif name == "events":
            fields[name] = _events(value, camera.events if camera else CameraEvents(), uids)
        elif name == "volume":
            fields[name] = _volume(value, camera.volume if camera else "", volumes)
        elif name in _READERS:
            fields[name] = _READERS[name](value, name)
        else:
            raise Invalid(N_("a camera has no setting {field}"), name)
    _take_login_out(fields)
    _check_whole(fields, camera)
    return fields


def with_fields(camera: Camera, fields: Fields) -> Camera:
    """`camera` with these attributes, its sealed password left as it is."""
    return replace(camera, **{name: value for name, value in fields.items() if name != "password"})


def _check_whole(fields: Fields, camera: Camera | None) -> None:
    whole = with_fields(camera or Camera(uid=0, id=0, name=""), fields)
    if not whole.name:
        raise Invalid(N_("a camera needs a name"), "name")
    if not whole.url and not (whole.model and whole.address):
        raise Invalid(N_("give the address of the camera's picture, or its model and network address"), "url")


def _take_login_out(fields: Fields) -> None:
    for name in ("url", "sub_url"):
        parts = urlsplit(fields.get(name) or "")
        if "@" in parts.netloc:
            fields[name] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            if parts.username and not fields.get("login"):
                fields["login"] = unquote(parts.username)
                fields["password"] = unquote(parts.password or "")


# ── readers of single fields ──


def _password(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > 256 or not value.isprintable():
        raise Invalid(N_("{field} must be a text of at most {most} printable characters"), name, most=256)
    return value


def _url(value: Any, name: str) -> str:
    text = text_of(2000)(value, name)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(N_("{field} must look like rtsp://host/path or http://host/path"), name) from error
    if parts.scheme.lower() not in SCHEMES or not host or " " in text:
        raise Invalid(N_("{field} must look like rtsp://host/path or http://host/path"), name)
    return text


def _overlay_ids(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > 64:
        raise Invalid(N_("{field} must be a list of at most {most} names"), name, most=64)
    read = text_of(64, needed=True)
    return tuple(dict.fromkeys(read(item, name) for item in value))


def _regular(value: Any, before: RegularRecording, calendars: Collection[str]) -> RegularRecording:
    given = _nested(value, "regular", ("calendar", "days"))
    calendar = _calendar(given.get("calendar", before.calendar), "regular.calendar", calendars)
    days = given.get("days", before.days)
    return RegularRecording(calendar, None if days is None else whole(1, 3650)(days, "regular.days"))


def _alarm(value: Any, before: AlarmRecording, calendars: Collection[str]) -> AlarmRecording:
    known = ("calendar", "pre_seconds", "post_seconds", "days", "popup_calendar", "mail_calendar")
    given = {**asdict(before), **_nested(value, "alarm", known)}
    return AlarmRecording(
        _calendar(given["calendar"], "alarm.calendar", calendars),
        whole(0, 300)(given["pre_seconds"], "alarm.pre_seconds"),
        whole(0, 3600)(given["post_seconds"], "alarm.post_seconds"),
        None if given["days"] is None else whole(1, 3650)(given["days"], "alarm.days"),
        _calendar(given["popup_calendar"], "alarm.popup_calendar", calendars),
        _calendar(given["mail_calendar"], "alarm.mail_calendar", calendars),
    )


def _mail(value: Any, before: CameraMail, calendars: Collection[str]) -> CameraMail:
    given = _nested(value, "mail", ("lost_calendar", "grace_seconds", "most_per_hour"))
    return CameraMail(
        _calendar(given.get("lost_calendar", before.lost_calendar), "mail.lost_calendar", calendars),
        whole(0, 86_400)(given.get("grace_seconds", before.grace_seconds), "mail.grace_seconds"),
        whole(1, 1000)(given.get("most_per_hour", before.most_per_hour), "mail.most_per_hour"),
    )


def read_motion(value: Any, before: MotionSettings) -> MotionSettings:
    """`before` with the settings of motion detection that `value` sets. Raises Invalid with the field's name."""
    readers: dict[str, Callable[[Any, str], Any]] = {
        "enabled": flag,
        "zones": _zones,
        "sensitivity": whole(0, 100),
        "object_size": whole(0, 1000),
        "history_seconds": whole(1, 3600),
        "minimum_seconds": _seconds(0, 60),
    }
    given = _nested(value, "motion", tuple(readers))
    return replace(before, **{name: readers[name](each, f"motion.{name}") for name, each in given.items()})


def _events(value: Any, before: CameraEvents, uids: Uids) -> CameraEvents:
    given = _nested(value, "events", ("enabled", "motion", "audio", "tampering", "inputs"))
    changes: Fields = {name: flag(each, f"events.{name}") for name, each in given.items() if name != "inputs"}
    if "inputs" in given:
        changes["inputs"] = read_contacts(given["inputs"], "events.inputs", uids, MOST_CONTACTS, tokens=True)
    return replace(before, **changes)


def _seconds(low: int, high: int) -> Callable[[Any, str], float]:
    def read(value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise Invalid(N_("{field} must be a number from {low} to {high}"), name, low=low, high=high)
        return round(float(value), 2)

    return read


def _zones(value: Any, name: str) -> tuple[Zone, ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_ZONES:
        raise Invalid(N_("{field} must be a list of at most {most} zones"), name, most=MOST_ZONES)
    return tuple(_zone(zone, f"{name}.{number}") for number, zone in enumerate(value))


def _zone(value: Any, name: str) -> Zone:
    given = _nested(value, name, ("name", "polygon", "exclude"))
    corners = given.get("polygon")
    if not isinstance(corners, list | tuple) or not FEWEST_CORNERS <= len(corners) <= MOST_CORNERS:
        few, most = FEWEST_CORNERS, MOST_CORNERS
        raise Invalid(N_("{field} must be a list of {low} to {high} corners"), f"{name}.polygon", low=few, high=most)
    polygon = tuple(_corner(corner, f"{name}.polygon") for corner in corners)
    return Zone(
        text_of(64)(given.get("name", ""), f"{name}.name"),
        polygon,
        flag(given.get("exclude", False), f"{name}.exclude"),
    )


def _corner(value: Any, name: str) -> Point:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_part, value)):
        raise Invalid(N_("{field}: a corner is a pair of numbers from 0 to 1"), name)
    return Point(*(round(float(part), 4) for part in value))


def _is_part(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= 1


def _nested(value: Any, name: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(N_("{field} must be an object"), name)
    for key in value:
        if key not in known:
            raise Invalid(N_("a camera has no setting {field}"), f"{name}.{key}")
    return value


def _volume(value: Any, before: str, volumes: Sequence[Volume]) -> str:
    """A volume of the configuration, mounted or not; what the camera is set to already may be sent back."""
    name = text_of(1000)(value, "volume")
    if name not in ("", before) and not any(volume.is_called(name) for volume in volumes):
        names = ", ".join(volume.name for volume in volumes)
        raise Invalid(N_("{field} must be empty or one of this server's volumes: {names}"), "volume", names=names)
    return name


def _calendar(value: Any, name: str, calendars: Collection[str]) -> str:
    if not isinstance(value, str) or value not in calendars:
        raise Invalid(N_("{field} must name a calendar: {names}"), name, names=", ".join(sorted(calendars)))
    return value


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "id": whole(1, 99_999),
    "name": text_of(100, needed=True),
    "model": text_of(64),
    "address": address,
    "http_port": whole(1, 65535),
    "channel": whole(1, 256),
    "url": _url,
    "sub_url": _url,
    "transport": one_of(TRANSPORTS),
    "codec": one_of(CODECS),
    "login": text_of(128),
    "password": _password,
    "overlay_ids": _overlay_ids,
    "stop_streams_automatically": flag,
}
