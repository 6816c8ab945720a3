"""The real server in a process of its own: `twistd -n camtrace` on a data folder of the test's."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue

import psycopg2
from argon2 import PasswordHasher
from support.cluster import copy_of_cluster
from support.ports import free_ports

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
READY = "CamTrace is ready"
START_SECONDS = 120


class Server:
    """One CamTrace server: its folder, its ports, its process, and a token of an administrator.

    Its private database has been made already, unless it is to be the `first` start on its folder or `dsn` names
    another one: to make one takes longer than all else of a start.
    """

    def __init__(
        self,
        dsn: str = "",
        extra: str = "",
        folder: Path | None = None,
        keep_free_gb: float = 0.1,
        first: bool = False,
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="camtrace-server-"))
        self.folder.chmod(0o711)
        self.web, self.pos, self.ftp, self.rtsp, self.control, self.prisma = free_ports(6)
        self.dsn = dsn
        self.config = self.folder / "camtrace.toml"
        self.config.write_text(
            f"""
[site]
timezone = "Europe/Paris"
[listen]
web = "tcp:{self.web}:interface=127.0.0.1"
pos = "tcp:{self.pos}:interface=127.0.0.1"
ftp = "tcp:{self.ftp}:interface=127.0.0.1"
rtsp = "tcp:{self.rtsp}:interface=127.0.0.1"
control = "tcp:{self.control}:interface=127.0.0.1"
prisma = "udp:{self.prisma}:interface=127.0.0.1"
[data]
directory = "data"
[database]
dsn = "{dsn}"
wait_seconds = 20
[storage]
keep_free_gb = {keep_free_gb}
{extra}
"""
        )
        if not dsn and not first and folder is None:
            self._make_database()
        self.process: subprocess.Popen[str] | None = None
        self.output: list[str] = []
        self._lines: Queue[str | None] = Queue()
        self.token = ""

    def _make_database(self) -> None:
        """What the first start on a folder leaves behind: the private database with the current schema."""
        home = self.folder / "data" / "database"
        home.mkdir(parents=True)
        home.parent.chmod(0o711)
        home.chmod(0o700)
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        copy_of_cluster(home / "cluster")

    # ── life ──

    def start(self, wait: bool = True, account: pwd.struct_passwd | None = None) -> Server:
        """Start the process, as `account` if one is given; with `wait`, return when it says that it is ready."""
        change = [f"--uid={account.pw_uid}", f"--gid={account.pw_gid}"] if account is not None else []
        command = [BIN / "twistd", "-n", "--pidfile=", *change, "camtrace", "--config", self.config]
        self._lines = Queue()
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        threading.Thread(target=self._read, args=(self.process, self._lines), daemon=True).start()
        if wait:
            self.wait_for(READY)
        return self

    def _read(self, process: subprocess.Popen[str], lines: Queue[str | None]) -> None:
        for line in process.stdout:
            self.output.append(line.rstrip("\n"))
            lines.put(line)
        lines.put(None)

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> str:
        """The next line of output that holds `text`."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except Empty:
                raise AssertionError(f"no {text!r} within {seconds} s:\n" + "\n".join(self.output[-40:])) from None
            if line is None:
                raise AssertionError(f"the server ended without {text!r}:\n" + "\n".join(self.output[-40:]))
            if text in line:
                return line

    def stop(self, seconds: float = 60) -> int:
        """SIGTERM, and wait; the exit status, 0 when all was in order.

        twistd ends by the very signal that stopped it, once everything is down.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        return 0 if status == -signal.SIGTERM else status

    def kill(self) -> None:
        """kill -9: nothing is put in order."""
        self.process.kill()
        self.process.wait(20)

    def remove(self) -> None:
        """Stop whatever still runs, the private database too, and take the folder away."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        with suppress(OSError):  # it may be gone, or just coming
            if self.postmaster:
                os.kill(self.postmaster, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ── its private database ──

    @property
    def postmaster(self) -> int:
        """The process id of PostgreSQL's first process; 0 while there is none."""
        try:
            text = (self.folder / "data" / "database" / "cluster" / "postmaster.pid").read_text()
        except OSError:
            return 0
        return int(text.partition("\n")[0].strip() or 0)

    @contextmanager
    def halted_database(self) -> Iterator[None]:
        """PostgreSQL is there and does not answer."""
        first = self.postmaster
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        halted = [first, *map(int, children)]
        for pid in halted:
            with suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in halted:
                with suppress(OSError):
                    os.kill(pid, signal.SIGCONT)

    # ── as an administrator and as a program ──

    def command(self, *words: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run `camtrace WORDS` on this server's configuration."""
        return subprocess.run(
            [BIN / "camtrace", "--config", self.config, *words],
            capture_output=True,
            text=True,
            check=check,
            input=text,
            timeout=90,
        )

    def administrator(self, name: str = "admin", password: str = "correct horse battery") -> str:
        """Make an administrator and a token of theirs; later calls carry it.

        Straight in the running server's database, with a password that is verified fast; else by two commands, which
        take longer.
        """
        if self.process is None or self.process.poll() is not None:
            self.command("user", "create", name, "--profile", "administrator", "--password-file", "-", text=password)
            self.token = self.command("token", "create", name).stdout.splitlines()[-1]
            return self.token
        sql = (
            "insert into account (name, profile_id, password_hash, created_at)"
            " select %s, id, %s, now() from profile where name = 'administrator'"
        )
        self._write(sql, name, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password))
        self.token = self.new_token(name)
        return self.token

    def new_token(self, name: str) -> str:
        """A token of the user `name`, straight in the running server's database."""
        token = secrets.token_urlsafe(32)
        sql = "insert into token (digest, account_id, created_at) select %s, id, now() from account where name = %s"
        self._write(sql, hashlib.sha256(token.encode()).digest(), name)
        return token

    def _write(self, sql: str, *values: object) -> None:
        """Have the running server's database write one row."""
        connection = psycopg2.connect(self.dsn or self._private_dsn())
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            assert cursor.rowcount == 1, values
        connection.close()

    def _private_dsn(self) -> str:
        home = self.folder / "data" / "database"
        if (pointer := self.folder / "data" / "database.path").exists():
            home = Path(pointer.read_text().strip())
        sockets = (home / "cluster" / "postmaster.pid").read_text().splitlines()[4]
        return f"host={sockets} user=camtrace dbname=postgres"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    def call(self, method: str, path: str, body: object = None, timeout: float = 60) -> tuple[int, object]:
        """An API call: its status and its decoded answer (bytes when it is no JSON)."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=timeout) as answer:
                return answer.status, _decoded(answer)
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error)

    def get(self, path: str) -> object:
        """The answer of a GET that must succeed."""
        status, answer = self.call("GET", path)
        assert status == 200, (status, answer)
        return answer

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self.get("/metrics").decode()
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, values))


def _decoded(answer: object) -> object:
    data = answer.read()
    return json.loads(data) if "json" in answer.headers.get("Content-Type", "") else data
