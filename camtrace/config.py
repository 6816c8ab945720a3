"""etc/camtrace.toml read into frozen values: every fault reported at once, an unknown key is one."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from twisted.internet import endpoints

from camtrace.errors import ConfigError

LANGUAGES = ("en", "fr", "ru")
ENCODINGS = ("auto", "utf-8", "cp1252", "latin-1", "iso8859-15", "cp850", "cp858", "cp866", "cp1251", "koi8-r")
PRISMA_ENCODINGS = ("cp866", "cp1251", "utf-8", "koi8-r", "cp850", "cp1252")
DEFAULT_FTP_PASSWORD = "camera"
# where a package or an administrator puts the file, the first that is there
INSTALLED = (Path("/etc/camtrace/camtrace.toml"), Path("/usr/local/etc/camtrace/camtrace.toml"))
# sections that a later version brings: accepted, so that one file serves both, and told at the start
NOT_YET_SECTIONS = {"mail"}


@dataclass(frozen=True, slots=True)
class Site:
    """The place CamTrace watches."""

    name: str = "CamTrace"
    timezone: str = "Europe/Paris"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PosListener:
    """One endpoint tills connect to, the dialect they speak there, and their encoding ("": that of `[pos]`)."""

    endpoint: str
    dialect: str = "camtrace"
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Listen:
    """Twisted endpoint strings; "" turns a listener off."""

    web: str = "tcp:8000"
    pos: tuple[PosListener, ...] = (PosListener("tcp:8010"),)
    ftp: str = "tcp:2121"
    rtsp: str = "tcp:8554"
    control: str = "tcp:8001"
    prisma: str = "udp:21845"


@dataclass(frozen=True, slots=True)
class Data:
    """Where everything but the footage lies."""

    directory: Path = Path("/var/lib/camtrace")


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """`dsn`: a libpq connection string; "" runs the private server, as account `user` when CamTrace is root."""

    dsn: str = ""
    wait_seconds: float = 600
    user: str = ""


@dataclass(frozen=True, slots=True)
class Storage:
    """Folders of footage and when to make room in them."""

    volumes: tuple[Path, ...] = (Path("footage"),)
    keep_free_gb: float = 2.0
    days: int = 0
    alarm_days: int = 0
    segment_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Pos:
    """How tills are understood. `encodings`: of single tills, by name or address, as pairs."""

    sources: tuple[str, ...] | None = None
    encoding: str = "auto"
    encodings: tuple[tuple[str, str], ...] = ()
    connections: int = 3000
    ticket_minutes: int = 30
    silent_minutes: int = 30


@dataclass(frozen=True, slots=True)
class Prisma:
    """How Prisma's event sources are understood. `sources`: who may speak, None for anybody."""

    sources: tuple[str, ...] | None = None
    encoding: str = "cp866"
    receipt_minutes: int = 30
    silent_minutes: int = 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """The control channel. `allow`: addresses and networks that may raise alarms, None for all."""

    allow: tuple[str, ...] | None = None
    sender_too: bool = False
    connections: int = 500


@dataclass(frozen=True, slots=True)
class Ftp:
    """How cameras send alarm pictures. `passive_ports`: first and last, None for any; `allow`: None for anybody.

    `masquerade_address`: the IPv4 address that PASV tells, "" for the one that the camera reached.
    """

    user: str = "camtrace"
    password: str = field(default=DEFAULT_FTP_PASSWORD, repr=False)
    passive_ports: tuple[int, int] | None = None
    masquerade_address: str = ""
    allow: tuple[str, ...] | None = None
    connections: int = 300
    picture_mb: int = 8

    @property
    def uses_default_password(self) -> bool:
        """Whether the password is still the one that everybody knows."""
        return self.password == DEFAULT_FTP_PASSWORD


@dataclass(frozen=True, slots=True)
class Rtsp:
    """How players are served."""

    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Web:
    """How browsers are served."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class Workers:
    """Threads for decoding, snapshots, hashing and reading files."""

    jobs: int = 4


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. `notices` are sentences to log at the start; `source` is the file it came from."""

    site: Site = Site()
    listen: Listen = Listen()
    data: Data = Data()
    database: DatabaseSettings = DatabaseSettings()
    storage: Storage = Storage()
    pos: Pos = Pos()
    prisma: Prisma = Prisma()
    alarm: Alarm = Alarm()
    ftp: Ftp = Ftp()
    rtsp: Rtsp = Rtsp()
    web: Web = Web()
    workers: Workers = Workers()
    notices: tuple[str, ...] = ()
    source: Path | None = field(default=None, compare=False)

    def volume_folders(self) -> tuple[Path, ...]:
        """The volumes' folders; relative ones lie in the data directory."""
        return tuple(self.data.directory / folder for folder in self.storage.volumes)

    def web_address(self) -> str:
        """The address of the pages, for links: `[web] url`, else this machine's name and the listener's port."""
        if self.web.url:
            return self.web.url.rstrip("/")
        scheme, _, rest = self.listen.web.partition(":")
        port = next((part for part in rest.split(":") if part.isdigit()), "8000")
        host = re.search(r"interface=([^:]+)", rest)
        return f"{'https' if scheme == 'ssl' else 'http'}://{host[1] if host else socket.gethostname()}:{port}"


def installed() -> Path | None:
    """The configuration file of this machine's server: the first of `INSTALLED` that is there."""
    return next((path for path in INSTALLED if os.access(path, os.F_OK)), None)


def load(path: Path | None, data: Path | None = None) -> Config:
    """Read the file at `path` (None: all defaults); `data` overrides `[data] directory`. Raises ConfigError."""
    text = ""
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError([f"{path}: {error.strerror}"]) from error
        except UnicodeDecodeError as error:
            raise ConfigError([f"{path}: not UTF-8 text"]) from error
    return parse(text, path, data)


def parse(text: str, path: Path | None = None, data: Path | None = None) -> Config:
    """Read TOML `text`. Raises ConfigError with every problem found."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path or 'configuration'}: {error}"]) from error
    reader = _Reader(table)
    config = Config(
        site=Site(
            reader.text("site", "name", "CamTrace"),
            reader.zone("site", "timezone"),
            reader.choice("site", "language", "en", LANGUAGES),
        ),
        listen=Listen(
            reader.endpoint("listen", "web", "tcp:8000"),
            reader.pos_listeners(),
            reader.plain_listener("listen", "ftp", "tcp", "tcp:2121"),
            reader.endpoint("listen", "rtsp", "tcp:8554"),
            reader.endpoint("listen", "control", "tcp:8001"),
            reader.plain_listener("listen", "prisma", "udp", "udp:21845"),
        ),
        data=Data(reader.folder(path, data)),
        database=DatabaseSettings(
            reader.text("database", "dsn", ""),
            reader.number("database", "wait_seconds", 600, 0, 86400),
            reader.text("database", "user", ""),
        ),
        storage=Storage(
            reader.paths("storage", "volumes", ("footage",)),
            reader.number("storage", "keep_free_gb", 2.0, 0, 1e6),
            reader.integer("storage", "days", 0, 0, 36500),
            reader.integer("storage", "alarm_days", 0, 0, 36500),
            reader.integer("storage", "segment_seconds", 60, 2, 600),
        ),
        pos=Pos(
            reader.sources("pos", "sources"),
            reader.choice("pos", "encoding", "auto", ENCODINGS),
            reader.encodings("pos", "encodings"),
            reader.integer("pos", "connections", 3000, 1, 100000),
            reader.integer("pos", "ticket_minutes", 30, 1, 1440),
            reader.integer("pos", "silent_minutes", 30, 1, 1440),
        ),
        prisma=Prisma(
            reader.prisma_sources("prisma", "sources"),
            reader.choice("prisma", "encoding", "cp866", PRISMA_ENCODINGS),
            reader.integer("prisma", "receipt_minutes", 30, 1, 1440),
            reader.integer("prisma", "silent_minutes", 5, 1, 1440),
        ),
        alarm=Alarm(
            reader.sources("alarm", "allow", addresses_only=True),
            reader.flag("alarm", "sender_too", False),
            reader.integer("alarm", "connections", 500, 1, 100000),
        ),
        ftp=Ftp(
            reader.word("ftp", "user", "camtrace"),
            reader.word("ftp", "password", DEFAULT_FTP_PASSWORD),
            reader.port_range("ftp", "passive_ports"),
            reader.ipv4("ftp", "masquerade_address"),
            reader.sources("ftp", "allow", addresses_only=True),
            reader.integer("ftp", "connections", 300, 1, 10000),
            reader.integer("ftp", "picture_mb", 8, 1, 64),
        ),
        rtsp=Rtsp(reader.flag("rtsp", "anonymous", False)),
        web=Web(reader.url("web", "url")),
        workers=Workers(reader.integer("workers", "jobs", 4, 1, 64)),
        notices=reader.notices(),
        source=path,
    )
    reader.refuse_unknown()
    if reader.problems:
        raise ConfigError([f"{path}: {problem}" if path else problem for problem in reader.problems])
    return config


_LIKE_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3,}(/.*)?|[0-9.]+/[0-9]+|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/.*)?")
_PRISMA_SOURCE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,2}:[0-9]{1,6}")
_PORTS = re.compile(r"(?:port=)?([0-9]+)")


def _fits(name: str, encoding: str) -> bool:
    try:
        name.encode("utf-8" if encoding == "auto" else encoding)
    except UnicodeEncodeError:
        return False
    return True


class _Reader:
    """Takes values out of the parsed table one by one and remembers every fault."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.problems: list[str] = []
        self._table = table
        self._known: set[tuple[str, str]] = set()

    def _get(self, section: str, key: str, default: Any) -> Any:
        self._known.add((section, key))
        found = self._table.get(section, {})
        return found.get(key, default) if isinstance(found, dict) else default

    def _fault(self, section: str, key: str, wanted: str, value: Any) -> None:
        self.problems.append(f"[{section}] {key}: {wanted}, not {value!r}")

    def text(self, section: str, key: str, default: str) -> str:
        value = self._get(section, key, default)
        if isinstance(value, str):
            return value
        self._fault(section, key, "must be text", value)
        return default

    def word(self, section: str, key: str, default: str) -> str:
        """Text that a device sends on one line: neither empty nor with control characters in it. Never shown."""
        value = self._get(section, key, default)
        if isinstance(value, str) and value and value.isprintable():
            return value
        self.problems.append(f"[{section}] {key}: must be text on one line, and not empty")
        return default

    def port_range(self, section: str, key: str) -> tuple[int, int] | None:
        """The first and the last port; None for any."""
        value = self.text(section, key, "")
        found = re.fullmatch(r"([0-9]{1,5})\s*-\s*([0-9]{1,5})", value.strip())
        if found and 1024 <= int(found[1]) <= int(found[2]) <= 65535:
            return int(found[1]), int(found[2])
        if value:
            self._fault(section, key, 'must be a range such as "50000-50099", from 1024 to 65535', value)
        return None

    def ipv4(self, section: str, key: str) -> str:
        value = self.text(section, key, "")
        try:
            return str(ipaddress.IPv4Address(value)) if value else ""
        except ValueError:
            self._fault(section, key, "must be an address such as 203.0.113.7", value)
            return ""

    def url(self, section: str, key: str) -> str:
        value = self.text(section, key, "")
        if value and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
            self._fault(section, key, "must be an address such as https://cctv.shop", value)
        return value

    def flag(self, section: str, key: str, default: bool) -> bool:
        value = self._get(section, key, default)
        if isinstance(value, bool):
            return value
        self._fault(section, key, "must be true or false", value)
        return default

    def number(self, section: str, key: str, default: float, low: float, high: float) -> float:
        value = self._get(section, key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self._fault(section, key, f"must be a number from {low:g} to {high:g}", value)
        return default

    def integer(self, section: str, key: str, default: int, low: int, high: int) -> int:
        value = self._get(section, key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._fault(section, key, f"must be a whole number from {low} to {high}", value)
        return default

    def choice(self, section: str, key: str, default: str, choices: tuple[str, ...]) -> str:
        value = self._get(section, key, default)
        if value in choices:
            return str(value)
        self._fault(section, key, f"must be one of {', '.join(choices)}", value)
        return default

    def zone(self, section: str, key: str) -> str:
        value = self.text(section, key, "Europe/Paris")
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._fault(section, key, "must be a time zone such as Europe/Paris", value)
        return value

    def endpoint(self, section: str, key: str, default: str) -> str:
        value = self.text(section, key, default)
        self._check_endpoint(section, key, value)
        return value

    def _check_endpoint(self, section: str, key: str, value: str) -> None:
        if not value:
            return
        try:
            endpoints.serverFromString(None, value)
        except Exception as error:  # each endpoint parser raises as it likes, and files of "ssl:" may be missing
            self._fault(section, key, f"is no endpoint such as tcp:8000 or ssl:8443:privateKey=FILE ({error})", value)
            return
        kind, *parts = re.split(r"(?<!\\):", value)
        if kind in ("tcp", "tcp4", "tcp6", "ssl", "tls"):
            self._check_parts(section, key, value, parts)

    def _check_parts(self, section: str, key: str, value: str, parts: list[str]) -> None:
        port = next((match[1] for part in parts if (match := _PORTS.fullmatch(part))), "")
        if not port or int(port) > 65535:
            self._fault(section, key, "must have a port from 0 to 65535", value)
        for part in parts:
            name, _, interface = part.partition("=")
            if name == "interface":
                self._check_address(section, key, interface.replace("\\", ""))

    def plain_listener(self, section: str, key: str, kind: str, default: str = "") -> str:
        """`udp:PORT`, with `:interface=ADDRESS` or without."""
        value = self.text(section, key, default)
        found, *parts = re.split(r"(?<!\\):", value) if value else [kind, "0"]
        known = all(_PORTS.fullmatch(part) or part.startswith("interface=") for part in parts)
        if found != kind or not known or not parts:
            self._fault(section, key, f"must be {kind}:PORT, or {kind}:PORT:interface=ADDRESS", value)
        else:
            self._check_parts(section, key, value, parts)
        return value

    def pos_listeners(self) -> tuple[PosListener, ...]:
        value = self._get("listen", "pos", "tcp:8010")
        listeners = []
        for item in value if isinstance(value, list) else [value]:
            table = {"endpoint": item} if isinstance(item, str) else item
            if not isinstance(table, dict) or not isinstance(table.get("endpoint"), str):
                self._fault(
                    "listen", "pos", 'must be an endpoint, or {endpoint = "tcp:8010", dialect = …, encoding = …}', item
                )
                continue
            for extra in sorted(set(table) - {"endpoint", "dialect", "encoding"}):
                self.problems.append(f"[listen] pos: unknown key {extra!r}")
            encoding = table.get("encoding", "")
            if "encoding" in table and encoding not in ENCODINGS:
                self._fault("listen", "pos", f"the encoding must be one of {', '.join(ENCODINGS)}", encoding)
            dialect = table.get("dialect", "camtrace")
            if not isinstance(dialect, str) or not dialect:
                self._fault("listen", "pos", "the dialect must be a name", dialect)
            self._check_endpoint("listen", "pos", table["endpoint"])
            if table["endpoint"]:
                listeners.append(PosListener(table["endpoint"], str(dialect), encoding))
        return tuple(listeners)

    def folder(self, path: Path | None, override: Path | None) -> Path:
        value = Path(self.text("data", "directory", str(Data().directory)))
        if override is not None:
            return override.absolute()
        return ((path.parent if path else Path()) / value).absolute()

    def paths(self, section: str, key: str, default: tuple[str, ...]) -> tuple[Path, ...]:
        value = self._get(section, key, list(default))
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            self._fault(section, key, "must be a list of folders", value)
            return tuple(map(Path, default))
        if len(set(value)) != len(value):
            self._fault(section, key, "names a folder twice", value)
        return tuple(map(Path, value))

    def sources(self, section: str, key: str, addresses_only: bool = False) -> tuple[str, ...] | None:
        value = self._get(section, key, "any")
        if value == "any":
            return None
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            self._fault(section, key, 'must be "any" or a list of addresses', value)
            return None
        for item in value:
            self._check_address(section, key, item, also_names=not addresses_only)
        return tuple(value)

    def prisma_sources(self, section: str, key: str) -> tuple[str, ...] | None:
        found = self.sources(section, key)
        for item in found or ():
            if not _PRISMA_SOURCE.fullmatch(item.strip()):
                self._check_address(section, key, item, also_names=False)
        return found

    def encodings(self, section: str, key: str) -> tuple[tuple[str, str], ...]:
        value = self._get(section, key, {})
        if not isinstance(value, dict):
            self._fault(section, key, 'must be a table such as {"CAISSE 2" = "cp1251"}', value)
            return ()
        for name, encoding in value.items():
            if encoding not in ENCODINGS:
                self._fault(section, f"{key} {name!r}", f"must be one of {', '.join(ENCODINGS)}", encoding)
            elif not _fits(name, encoding):
                self.problems.append(f"[{section}] {key}: {name!r} cannot be written in {encoding}")
            self._check_address(section, key, name)
        return tuple(value.items())

    def _check_address(self, section: str, key: str, value: str, also_names: bool = True) -> None:
        """What looks like an address must be one: else it would be taken for the name of a till.

        `also_names`: whether anything else may stand there.
        """
        if not also_names or _LIKE_ADDRESS.fullmatch(value.strip()):
            try:
                ipaddress.ip_network(value.strip(), strict=False)
            except ValueError:
                self._fault(section, key, "must be an address such as 192.168.1.20 or 192.168.1.0/24", value)

    def notices(self) -> tuple[str, ...]:
        """What is set and belongs to a part that this version does not have."""
        return tuple(
            f"[{section}] is not used by this version" for section in sorted(NOT_YET_SECTIONS & set(self._table))
        )

    def refuse_unknown(self) -> None:
        """Every key nobody asked for is a fault: a typing error must not pass in silence."""
        sections = {section for section, _ in self._known}
        for section, found in self._table.items():
            if section in NOT_YET_SECTIONS:
                continue
            if not isinstance(found, dict):
                self.problems.append(f"{section}: must be a section, [{section}]")
            elif section not in sections:
                self.problems.append(f"[{section}]: unknown section")
            else:
                self.problems.extend(
                    f"[{section}] {key}: unknown key" for key in found if (section, key) not in self._known
                )
