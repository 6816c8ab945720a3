"""PostgreSQL for tests: one cluster per run, a template with the schema, a database per test class."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from camtrace.store import migrate
from camtrace.store.database import Database
from camtrace.store.embedded import find_binaries

_numbers = itertools.count(1)


class Cluster:
    """A throw-away PostgreSQL of this test run, in a folder of its own."""

    def __init__(self) -> None:
        binaries = find_binaries()
        assert binaries is not None, "no PostgreSQL found: the caller must ask support.needs first"
        self.folder = Path(tempfile.mkdtemp(prefix="camtrace-test-"))
        run_as = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            run_as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        self.folder.chmod(0o700)
        common = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **run_as}
        data = self.folder / "data"
        options = ["-U", "camtrace", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([binaries / "initdb", "-D", data, *options], check=True, **common)
        self.process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            start_new_session=True,
            **common,
        )
        atexit.register(self.remove)
        self.make("camtrace_template")

    def dsn(self, name: str) -> str:
        return f"host={self.folder} user=camtrace dbname={name}"

    def make(self, name: str, template: str = "template0") -> None:
        """Create database `name` from `template`."""
        self.run(f"create database {name} template {template}")

    def drop(self, name: str) -> None:
        self.run(f"drop database if exists {name} with (force)")

    def run(self, sql: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction; waits for a server that has just been launched."""
        deadline = time.monotonic() + 30
        while True:
            try:
                connection = psycopg2.connect(self.dsn(database))
                break
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)  # a starting server offers no event to wait for
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


_cluster: Cluster | None = None


def cluster() -> Cluster:
    """The cluster of this run, made when first asked for, with the current schema in its template."""
    global _cluster
    if _cluster is None:
        _cluster = Cluster()
        connection = psycopg2.connect(_cluster.dsn("camtrace_template"))
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
    return _cluster


class DatabaseCase(TestCase):
    """A test case with `self.database`, open on an empty database of the class's own that has the current schema.

    Tests of one class share the database: one that needs a table empty truncates it.
    """

    timeout = 60

    @classmethod
    def setUpClass(cls) -> None:
        cls.database_name = f"test_{next(_numbers)}"
        cluster().make(cls.database_name, "camtrace_template")

    @classmethod
    def tearDownClass(cls) -> None:
        cluster().drop(cls.database_name)

    async def setUp(self) -> None:
        self.dsn = cluster().dsn(self.database_name)
        self.database = Database(self.dsn, reactor, connections=3)
        await self.database.start(wait_seconds=20)
        self.addCleanup(lambda: self.database.stop())

    async def rows(self, sql: str, args: object = None) -> list[tuple]:
        return await self.database.query(sql, args)
