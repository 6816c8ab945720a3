"""etc/camtrace.toml read into frozen values: every fault reported at once, an unknown key is one."""

from __future__ import annotations

import os
import re
import socket
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from camtrace.config_values import Values
from camtrace.errors import ConfigError

LANGUAGES = ("en", "fr", "ru")
ENCODINGS = ("auto", "utf-8", "cp1252", "latin-1", "iso8859-15", "cp850", "cp858", "cp866", "cp1251", "koi8-r")
PRISMA_ENCODINGS = ("cp866", "cp1251", "utf-8", "koi8-r", "cp850", "cp1252")
DEFAULT_FTP_PASSWORD = "camera"
FEWEST_JOURNAL_DAYS = 31
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
    """Folders of footage and when to make room in them; how long rows of the database are kept, 0 for ever."""

    volumes: tuple[Path, ...] = (Path("footage"),)
    keep_free_gb: float = 2.0
    days: int = 0
    alarm_days: int = 0
    line_days: int = 730
    journal_days: int = 365
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
    values = Values(table)
    config = Config(
        site=Site(
            values.text("site", "name", "CamTrace"),
            values.zone("site", "timezone"),
            values.choice("site", "language", "en", LANGUAGES),
        ),
        listen=Listen(
            values.endpoint("listen", "web", "tcp:8000"),
            _pos_listeners(values),
            values.plain_listener("listen", "ftp", "tcp", "tcp:2121"),
            values.endpoint("listen", "rtsp", "tcp:8554"),
            values.endpoint("listen", "control", "tcp:8001"),
            values.plain_listener("listen", "prisma", "udp", "udp:21845"),
        ),
        data=Data(_directory(values, path, data)),
        database=DatabaseSettings(
            values.text("database", "dsn", ""),
            values.number("database", "wait_seconds", 600, 0, 86400),
            values.text("database", "user", ""),
        ),
        storage=Storage(
            values.paths("storage", "volumes", ("footage",)),
            values.number("storage", "keep_free_gb", 2.0, 0, 1e6),
            values.integer("storage", "days", 0, 0, 36500),
            values.integer("storage", "alarm_days", 0, 0, 36500),
            values.integer("storage", "line_days", 730, 0, 36500),
            _journal_days(values),
            values.integer("storage", "segment_seconds", 60, 2, 600),
        ),
        pos=Pos(
            values.sources("pos", "sources"),
            values.choice("pos", "encoding", "auto", ENCODINGS),
            values.encodings("pos", "encodings", ENCODINGS),
            values.integer("pos", "connections", 3000, 1, 100000),
            values.integer("pos", "ticket_minutes", 30, 1, 1440),
            values.integer("pos", "silent_minutes", 30, 1, 1440),
        ),
        prisma=Prisma(
            values.prisma_sources("prisma", "sources"),
            values.choice("prisma", "encoding", "cp866", PRISMA_ENCODINGS),
            values.integer("prisma", "receipt_minutes", 30, 1, 1440),
            values.integer("prisma", "silent_minutes", 5, 1, 1440),
        ),
        alarm=Alarm(
            values.sources("alarm", "allow", addresses_only=True),
            values.flag("alarm", "sender_too", False),
            values.integer("alarm", "connections", 500, 1, 100000),
        ),
        ftp=Ftp(
            values.word("ftp", "user", "camtrace"),
            values.word("ftp", "password", DEFAULT_FTP_PASSWORD),
            values.port_range("ftp", "passive_ports"),
            values.ipv4("ftp", "masquerade_address"),
            values.sources("ftp", "allow", addresses_only=True),
            values.integer("ftp", "connections", 300, 1, 10000),
            values.integer("ftp", "picture_mb", 8, 1, 64),
        ),
        rtsp=Rtsp(values.flag("rtsp", "anonymous", False)),
        web=Web(values.url("web", "url")),
        workers=Workers(values.integer("workers", "jobs", 4, 1, 64)),
        notices=tuple(f"[{name}] is not used by this version" for name in sorted(NOT_YET_SECTIONS & set(table))),
        source=path,
    )
    values.refuse_unknown(NOT_YET_SECTIONS)
    if values.problems:
        raise ConfigError([f"{path}: {problem}" if path else problem for problem in values.problems])
    return config


def _journal_days(values: Values) -> int:
    """Rules are tried on thirty days: what is known of cameras and of the server is kept for as long at least."""
    days = values.integer("storage", "journal_days", 365, 0, 36500)
    if 0 < days < FEWEST_JOURNAL_DAYS:
        values.fault("storage", "journal_days", f"must be 0 or at least {FEWEST_JOURNAL_DAYS}", days)
    return days


def _pos_listeners(values: Values) -> tuple[PosListener, ...]:
    found = values.get("listen", "pos", "tcp:8010")
    listeners = []
    for item in found if isinstance(found, list) else [found]:
        table = {"endpoint": item} if isinstance(item, str) else item
        if not isinstance(table, dict) or not isinstance(table.get("endpoint"), str):
            values.fault(
                "listen", "pos", 'must be an endpoint, or {endpoint = "tcp:8010", dialect = …, encoding = …}', item
            )
            continue
        for extra in sorted(set(table) - {"endpoint", "dialect", "encoding"}):
            values.problems.append(f"[listen] pos: unknown key {extra!r}")
        encoding = table.get("encoding", "")
        if "encoding" in table and encoding not in ENCODINGS:
            values.fault("listen", "pos", f"the encoding must be one of {', '.join(ENCODINGS)}", encoding)
        dialect = table.get("dialect", "camtrace")
        if not isinstance(dialect, str) or not dialect:
            values.fault("listen", "pos", "the dialect must be a name", dialect)
        values.check_endpoint("listen", "pos", table["endpoint"])
        if table["endpoint"]:
            listeners.append(PosListener(table["endpoint"], str(dialect), encoding))
    return tuple(listeners)


def _directory(values: Values, path: Path | None, override: Path | None) -> Path:
    named = Path(values.text("data", "directory", str(Data().directory)))
    return (override or (path.parent if path else Path()) / named).absolute()
