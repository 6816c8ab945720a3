"""The one door to the database."""

from __future__ import annotations

from functools import partial

import psycopg2
from support.cluster import cluster
from support.database import DatabaseCase
from twisted.internet import defer, reactor, task

from camtrace.errors import DatabaseUnavailable, StartError
from camtrace.store import migrate
from camtrace.store.database import Database


class TransactionTests(DatabaseCase):
    """A transaction is all or nothing."""

    async def setUp(self) -> None:
        await super().setUp()
        await self.database.execute("create table if not exists thing (n int)")
        await self.database.execute("truncate thing")

    async def test_commits(self) -> None:
        """What the work did stands after it returned."""

        async def work(cursor):
            await cursor.execute("insert into thing values (1)")
            await cursor.execute("select n from thing")
            return cursor.fetchall()

        self.assertEqual(await self.database.transaction("insert", work), [(1,)])
        self.assertEqual(await self.rows("select n from thing"), [(1,)])

    async def test_rolls_back(self) -> None:
        """Nothing of a failed work stands."""

        async def work(cursor):
            await cursor.execute("insert into thing values (1)")
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            await self.database.transaction("fail", work)
        self.assertEqual(await self.rows("select n from thing"), [])

    async def test_cancelled_caller(self) -> None:
        """A browser that leaves in the middle of a transaction does not cut it in two."""

        async def work(cursor):
            await cursor.execute("insert into thing values (1)")
            await cursor.execute("select pg_sleep(0.2)")
            await cursor.execute("insert into thing values (2)")

        running = defer.Deferred.fromCoroutine(self.database.transaction("slow", work))
        reactor.callLater(0.05, running.cancel)
        with self.assertRaises(defer.CancelledError):
            await running
        while len(await self.rows("select n from thing")) < 2:
            await task.deferLater(reactor, 0.02)


class AwayTests(DatabaseCase):
    """The database goes away and comes back."""

    async def test_connections_cut(self) -> None:
        """After every connection was cut, calls fail as DatabaseUnavailable, then work again by themselves."""
        heard: list[str] = []
        await self.database.listen("config", heard.append)
        others = (
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}' and pid <> pg_backend_pid()"
        )
        cluster().run(others.format(self.database_name))
        failures = 0
        while not heard:
            try:
                await self.database.query("select 1")
            except DatabaseUnavailable:
                failures += 1
            await task.deferLater(reactor, 0.02)
        self.assertGreater(failures, 0)
        self.assertEqual(heard, [""])
        for _ in range(10):
            while True:
                try:
                    self.assertEqual(await self.database.query("select 1"), [(1,)])
                    break
                except DatabaseUnavailable:
                    await task.deferLater(reactor, 0.05)
        await self.database.execute("notify config, 'camera 1'")
        while len(heard) < 2:
            await task.deferLater(reactor, 0.02)
        self.assertEqual(heard[1], "camera 1")
        await self.recovered()

    async def recovered(self) -> None:
        """Until all connections are back: those that are not would leave a timer behind."""
        while any(one.detector.connectionIsDead for one in self.database._connections()):
            await task.deferLater(reactor, 0.05)

    async def test_reconnected_under_a_statement(self) -> None:
        """The connection of a statement under way is thrown away: that is no fault of the statement."""

        async def work(cursor):
            await cursor.execute("select pg_sleep(60)")

        alone = partial(self.database.execute, "select pg_sleep(60)")
        for slow in (alone, partial(self.database.transaction, "slow", work)):
            asked = defer.ensureDeferred(slow())
            pool = self.database._pool
            (busy,) = set(pool._all) - set(pool.connections)
            while not busy._cursors:
                await task.deferLater(reactor, 0.01)
            again = busy.detector.reconnect()
            with self.assertRaises(DatabaseUnavailable):
                await asked
            await again
            await self.recovered()
        self.flushLoggedErrors(psycopg2.InterfaceError)  # of the rollback

    async def test_nobody_there(self) -> None:
        """A database that stays away ends the start with one clear sentence."""
        database = Database("host=/nonexistent user=camtrace", reactor)
        with self.assertRaisesRegex(StartError, "does not answer"):
            await database.start(wait_seconds=0.1)


class MigrationTests(DatabaseCase):
    """The schema is brought forward, never backward."""

    async def test_applied_once(self) -> None:
        """A database with the current schema is left as it is."""
        self.assertEqual(await migrate.migrate(self.database), [])

    async def test_failing_step(self) -> None:
        """A step that fails leaves nothing of itself."""
        steps = [*migrate.read(), migrate.Migration(9000, "9000_bad", "create table bad (n int); select 1/0", "x")]
        with self.assertRaises(psycopg2.Error):
            await migrate.migrate(self.database, steps)
        self.assertEqual(await self.rows("select to_regclass('bad')"), [(None,)])

    async def test_newer(self) -> None:
        """A newer database is refused with the reason."""
        await self.database.execute("insert into migration values (9999, 'future', 'x', now())")
        self.addCleanup(lambda: defer.ensureDeferred(self._forget()))
        with self.assertRaisesRegex(StartError, "newer than this program"):
            await migrate.migrate(self.database)

    async def _forget(self) -> None:
        await self.database.execute("delete from migration where number = 9999")
