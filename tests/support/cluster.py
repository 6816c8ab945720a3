"""PostgreSQL clusters with the schema: one is made in a run, each process that wants one has a copy of it."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from support import shared

from camtrace.store import migrate
from camtrace.store.embedded import find_binaries

_COMMON: dict[str, Any] = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _account() -> dict[str, Any]:
    """Whom PostgreSQL runs as: not root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """The server of the cluster in `folder`/data, which listens in `folder` and need not outlive a power cut."""
    options = ["-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    return subprocess.Popen([_binaries() / "postgres", *options], start_new_session=True, **_COMMON, **_account())


@cache
def _binaries() -> Path:
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL found: the caller must ask support.needs first"
    return binaries


def _make(folder: Path) -> None:
    """A cluster in `folder`/data, made as the server makes its own, whose database `postgres` has the schema."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    options = ["-U", "camtrace", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([_binaries() / "initdb", "-D", folder / "data", *options], check=True, **_COMMON, **_account())
    process = _start(folder)
    try:
        connection = _connection(f"host={folder} user=camtrace dbname=postgres")
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "create table migration"
                " (number int primary key, name text not null, digest text not null, applied_at timestamptz not null)"
            )
            for step in migrate.read():
                cursor.execute(step.sql)
                cursor.execute(
                    "insert into migration values (%s, %s, %s, now())", (step.number, step.name, step.digest)
                )
        connection.close()
    finally:
        process.send_signal(signal.SIGINT)  # in order: it is copied, not repaired
        assert process.wait(30) == 0


def _connection(dsn: str) -> Any:
    """A connection; waits for a server that has just been launched."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg2.connect(dsn)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # a starting server offers no event to wait for


def copy_of_cluster(place: Path) -> None:
    """Put a cluster with the current schema in its database `postgres` at `place`; its parent is the account's."""
    made = shared.once("cluster", _make)
    subprocess.run(["cp", "-a", made / "data", place], check=True)


class Cluster:
    """A throw-away PostgreSQL of this process, in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="camtrace-test-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.folder.chmod(0o700)
        copy_of_cluster(self.folder / "data")
        self.process = _start(self.folder)
        atexit.register(self.remove)
        connection = _connection(self.dsn("template1"))  # nobody may be in what is copied
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("create database camtrace_template template postgres")
        connection.close()

    def dsn(self, name: str) -> str:
        return f"host={self.folder} user=camtrace dbname={name}"

    def make(self, name: str, template: str = "template0") -> None:
        """Create database `name` from `template`."""
        self.run(f"create database {name} template {template}")

    def drop(self, name: str) -> None:
        self.run(f"drop database if exists {name} with (force)")

    def run(self, sql: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction."""
        connection = _connection(self.dsn(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
        finally:
            connection.close()

    def remove(self) -> None:
        """Stop the server and take its folder away."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def cluster() -> Cluster:
    """The cluster of this process, made when first asked for, with the current schema in its template."""
    return Cluster()
