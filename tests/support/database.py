"""A database for tests of the store: one per test class, with the current schema."""

from __future__ import annotations

import itertools

from support.cluster import cluster
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from camtrace.store.database import Database

_numbers = itertools.count(1)


class DatabaseCase(TestCase):
    """A test case with `self.database`, open on an empty database of the class's own that has the current schema.

    Tests of one class share the database: one that needs a table empty truncates it.
    """

    timeout = 120

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
