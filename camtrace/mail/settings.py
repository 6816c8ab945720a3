"""How mails are sent, as an administrator sets it: checked value by value, each fault with its field's name. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from camtrace.errors import Invalid
from camtrace.i18n import N_

SECURITIES = ("none", "starttls", "tls")
RHYTHMS = ("never", "day", "week")
USUAL_PORTS = {"none": 25, "starttls": 587, "tls": 465}
LONGEST_ADDRESS = 254
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|[0-9A-Fa-f:.]{2,45}")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server, and the mails that belong to no camera.

    No mail is sent while `host` is empty. `security`: "none", "starttls" (587) or "tls" from the first byte (465).
    `verify`: whether the server's certificate is checked. `password` is sealed by the vault. `purge`: mail that
    recordings were erased to make room. `life`: how often the server says that it is alive, at `life_hour` of the
    shop's clock (on Mondays, where once a week). `since`: when that was set; earlier signs of life are not made up for.
    """

    host: str = ""
    port: int = 25
    security: str = "none"
    verify: bool = True
    login: str = ""
    password: bytes = field(default=b"", repr=False)
    sender: str = ""
    purge: bool = True
    life: str = "day"
    life_hour: int = 8
    since: datetime | None = None

    @property
    def on(self) -> bool:
        """Whether mails are sent at all."""
        return bool(self.host and self.sender)


def from_json(value: Mapping[str, Any] | None) -> MailSettings:
    """What `to_json` made; what is missing has its default, what is unknown is left out."""
    known = {name: value[name] for name in MailSettings.__dataclass_fields__ if value is not None and name in value}
    if "password" in known:
        known["password"] = base64.b64decode(known["password"])
    if known.get("since"):
        known["since"] = datetime.fromisoformat(known["since"])
    return MailSettings(**known)


def to_json(settings: MailSettings) -> dict[str, Any]:
    """The settings as they are stored; the password stays sealed."""
    since = settings.since.isoformat() if settings.since else None
    return {**asdict(settings), "password": base64.b64encode(settings.password).decode(), "since": since}


def changed(
    settings: MailSettings, body: Mapping[str, Any], seal: Callable[[str], bytes], at: datetime
) -> MailSettings:
    """`settings` with what `body` sets; `password` is clear text there. Raises Invalid with the field's name.

    Another host without a password forgets the one that was given for the host before: it is not that host's business.
    """
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name not in _READERS:
            raise Invalid(N_("mails have no setting {field}"), name)
        values[name] = _READERS[name](value, name)
    if "password" in values:
        values["password"] = seal(values["password"])
    elif values.get("host", settings.host) != settings.host:
        values["password"] = b""
    if "security" in values and "port" not in values and settings.port == USUAL_PORTS[settings.security]:
        values["port"] = USUAL_PORTS[values["security"]]
    new = replace(settings, **values)
    if new.host and not new.sender:
        raise Invalid(N_("mails need the address of a sender"), "sender")
    if (new.on, new.life, new.life_hour) != (settings.on, settings.life, settings.life_hour):
        new = replace(new, since=at)
    return new


def read_email(value: Any, name: str) -> str:
    """A mail address as SMTP sends it, "" for none; a domain of other letters in its ASCII form. Raises Invalid."""
    if not isinstance(value, str):
        raise Invalid(N_("{field} must be a text"), name)
    local, _, domain = value.strip().rpartition("@")
    if not value.strip():
        return ""
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError as error:
        raise Invalid(N_("{field} must be a mail address such as name@shop.example"), name) from error
    address = f"{local}@{domain}"
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain) or len(address) > LONGEST_ADDRESS:
        raise Invalid(N_("{field} must be a mail address such as name@shop.example"), name)
    return address


# ── readers of single fields ──


def _host(value: Any, name: str) -> str:
    text = _text(253)(value, name).strip("[]")
    if text and not _HOST.fullmatch(text):
        raise Invalid(N_("{field} must be a host name or an IP address, without http:// and without a port"), name)
    return text


def _text(most: int) -> Callable[[Any, str], str]:
    def read(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise Invalid(N_("{field} must be a text"), name)
        if len(value) > most or not value.isprintable():
            raise Invalid(N_("{field} must be a text of at most {most} printable characters"), name, most=most)
        return value if name == "password" else value.strip()

    return read


def _whole(low: int, high: int) -> Callable[[Any, str], int]:
    def read(value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Invalid(N_("{field} must be a whole number from {low} to {high}"), name, low=low, high=high)
        return value

    return read


def _one_of(choices: tuple[str, ...]) -> Callable[[Any, str], str]:
    def read(value: Any, name: str) -> str:
        if value not in choices:
            raise Invalid(N_("{field} must be one of: {choices}"), name, choices=", ".join(choices))
        return str(value)

    return read


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(N_("{field} must be true or false"), name)
    return value


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "host": _host,
    "port": _whole(1, 65535),
    "security": _one_of(SECURITIES),
    "verify": _flag,
    "login": _text(256),
    "password": _text(256),
    "sender": read_email,
    "purge": _flag,
    "life": _one_of(RHYTHMS),
    "life_hour": _whole(0, 23),
}
