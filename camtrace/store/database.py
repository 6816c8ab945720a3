"""The one door to PostgreSQL: queries, named transactions, notifications, reconnection."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from psycopg2 import errorcodes
from twisted.internet import defer, task
from twisted.internet.error import ConnectionClosed
from twisted.logger import Logger
from twisted.python.failure import Failure
from txpostgres import reconnection, txpostgres

from camtrace import clock
from camtrace.errors import DatabaseUnavailable, StartError

T = TypeVar("T")
Work = Callable[[Any], Awaitable[T]]

RETRY_SECONDS = 0.5
POLL_SECONDS = 0.1
STOP_SECONDS = 1
# faults of the connection: the same statement may succeed later. All others are the statement's own
_CONNECTION_FAULTS = (psycopg2.OperationalError, psycopg2.InterfaceError)


class _Detector(reconnection.DeadConnectionDetector):
    """Reconnects every half second for ever, until the database is closed on purpose."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reconnectionIterator=self._delays, reactor=reactor)
        self.closed = False

    def _delays(self) -> Iterator[float]:
        while True:
            yield RETRY_SECONDS

    def reconnect(self) -> Any:
        if self.closed:
            return defer.succeed(None)
        reconnecting = super().reconnect()
        self.closed = False  # it closed what was left of the old connection, which is not the end of this one
        return reconnecting


class _Watchable(psycopg2.extensions.connection):
    """A connection that gives the reactor a descriptor of its own to watch.

    When the server dies libpq closes its socket behind the reactor's back, which then fails to forget the number. The
    next socket with that number, a camera's or a till's, would never be heard. A duplicate stays valid until it is no
    longer watched.
    """

    _own = -1

    def fileno(self) -> int:
        try:
            socket = super().fileno()
            if socket >= 0 and not (self._own >= 0 and os.path.sameopenfile(socket, self._own)):
                self._forget()
                self._own = os.dup(socket)
        except (psycopg2.Error, OSError):  # libpq has closed it
            pass
        return self._own

    def _forget(self) -> None:
        if self._own >= 0:
            os.close(self._own)
            self._own = -1

    def __del__(self) -> None:
        self._forget()


class _Connection(txpostgres.Connection):
    connectionFactory = staticmethod(partial(psycopg2.connect, connection_factory=_Watchable))

    def __init__(self, reactor: Any = None, cooperator: Any = None) -> None:
        super().__init__(reactor, cooperator, _Detector(reactor))

    def close(self) -> Any:
        self.detector.closed = True
        return super().close()

    def doRead(self) -> Exception | None:
        """What is answered ends the connection; raised, it would stand in the log as a fault of the program."""
        try:
            super().doRead()
        except psycopg2.Error as error:
            return error
        return None


class _Idle(set[Any]):
    """The connections nobody uses; one that is known to be dead is given away last."""

    def pop(self) -> Any:
        living = next((one for one in self if not one.detector.connectionIsDead), None)
        if living is None:
            return super().pop()
        self.remove(living)
        return living


class _Pool(txpostgres.ConnectionPool):
    connectionFactory = _Connection
    connections: Any

    def __init__(self, dsn: str, reactor: Any, connections: int) -> None:
        self.reactor = reactor  # before the constructor, which would install the global one
        super().__init__(None, dsn, min=connections)
        self._all = tuple(self.connections)
        self.connections = _Idle(self.connections)

    def any_lives(self) -> bool:
        """Whether not all connections are known to be dead."""
        return not all(one.detector.connectionIsDead for one in self._all)

    async def drained(self) -> None:
        """Returns when no statement is under way; none can begin afterwards."""
        for _ in range(self.min):
            await self._semaphore.acquire()


class Database:
    """A pool of connections to one database. Every public call may raise `DatabaseUnavailable`.

    The result of a call may be cancelled (a browser left): the statement itself runs on to its end, since cancelling
    inside libpq blocks and would leave half of a transaction to chance.
    """

    log = Logger()

    def __init__(self, dsn: str, reactor: Any, connections: int = 5) -> None:
        self._dsn = dsn
        self._reactor = reactor
        self._count = connections
        self._pool: _Pool | None = None
        self._listener: Any = None
        self._observers: dict[str, Callable[[str], None]] = {}
        self.is_up = False  # whether the latest statement reached the database

    async def start(self, wait_seconds: float = 600, progress: Callable[[str], None] = lambda text: None) -> None:
        """Connect; a server that is not up yet is awaited `wait_seconds`. Raises StartError after that."""
        deadline = clock.monotonic() + wait_seconds
        while True:
            try:
                self._pool = await self._open_pool()
                return
            except psycopg2.Error as error:
                reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                if clock.monotonic() >= deadline:
                    raise StartError(f"the database does not answer: {reason}") from error
                progress(reason)
            await task.deferLater(self._reactor, min(RETRY_SECONDS, max(0, deadline - clock.monotonic())))

    async def stop(self) -> None:
        """Close every connection. Statements under way have a second to finish."""
        for connection in [self._listener, *self._connections()]:
            if connection is not None:
                connection.detector.closed = True
        if self._listener is not None:
            _close_quietly(self._listener)
            self._listener = None
        if self._pool is not None:
            pool, self._pool = self._pool, None
            drained = defer.Deferred.fromCoroutine(pool.drained())
            drained.addTimeout(STOP_SECONDS, self._reactor)
            with suppress(defer.TimeoutError):
                await drained
            _close_quietly(pool)

    async def query(self, sql: str, args: Sequence[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement that only reads, in its own transaction, and return its rows.

        It is run again on another connection when its own turns out to be dead: after the database was away, each
        connection learns of that only when it is used.
        """
        for _ in range(self._count):
            try:
                return list(await self._call("runQuery", sql, args))
            except DatabaseUnavailable as error:
                if isinstance(error.__cause__, reconnection.ConnectionDead):
                    if self._pool is None or not self._pool.any_lives():
                        raise
                    await task.deferLater(self._reactor, POLL_SECONDS)  # those that live are busy
        return list(await self._call("runQuery", sql, args))

    async def execute(self, sql: str, args: Sequence[Any] | dict[str, Any] | None = None) -> None:
        """Run one statement that returns no rows."""
        await self._call("runOperation", sql, args)

    async def transaction(self, name: str, work: Work[T]) -> T:
        """Run `await work(cursor)` in one transaction: committed when it returns, rolled back when it raises.

        `work` may not be repeated by this method, and must not keep the cursor.
        """

        def interaction(cursor: Any) -> defer.Deferred[T]:
            return defer.Deferred.fromCoroutine(_as_coroutine(work(cursor)))

        try:
            return await self._call("runInteraction", interaction)
        except DatabaseUnavailable:
            raise
        except psycopg2.Error as error:
            self.log.warn("transaction {name} failed: {error}", name=name, error=str(error).strip())
            raise

    async def listen(self, channel: str, observer: Callable[[str], None]) -> None:
        """Call `observer(payload)` on each notification on `channel`, also after reconnections.

        After a reconnection it is called with "" once, since notifications may have been missed.
        """
        self._observers[channel] = observer
        if self._listener is None:
            self._listener = _Connection(self._reactor)
            self._listener.addNotifyObserver(self._notified)
            self._listener.detector.addRecoveryHandler(self._relisten)
            await self._listener.connect(self._dsn)
        await self._listener.runOperation(f"listen {channel}")

    async def answers(self, seconds: float = 5) -> bool:
        """Whether the database answers a trivial question within `seconds`."""
        question = defer.Deferred.fromCoroutine(self.query("select 1"))
        question.addTimeout(seconds, self._reactor)
        try:
            await question
        except (DatabaseUnavailable, defer.TimeoutError, psycopg2.Error):
            return False
        return True

    async def _open_pool(self) -> _Pool:
        pool = _Pool(self._dsn, self._reactor, self._count)
        opened: list[Any] = []
        try:
            for connection in pool.connections:
                await connection.connect(self._dsn)
                opened.append(connection)
        except BaseException:
            for connection in opened:
                _close_quietly(connection)
            raise
        return pool

    def _connections(self) -> set[Any]:
        return set(self._pool.connections) if self._pool is not None else set()

    async def _call(self, method: str, *args: Any) -> Any:
        if self._pool is None:
            raise DatabaseUnavailable("the database is not open")
        try:
            answer = await self._ask(self._pool, method, *args)
        except DatabaseUnavailable:
            self.is_up = False
            raise
        self.is_up = True
        return answer

    async def _ask(self, pool: _Pool, method: str, *args: Any) -> Any:
        try:
            return await _shield(getattr(pool, method)(*args))
        except (reconnection.ConnectionDead, ConnectionClosed) as error:  # closed: thrown away under the statement
            raise DatabaseUnavailable("the database is away") from error
        except txpostgres.RollbackFailed as error:
            raise DatabaseUnavailable("the database went away in a transaction") from error
        except _CONNECTION_FAULTS as error:
            if error.pgcode == errorcodes.QUERY_CANCELED:
                raise
            raise DatabaseUnavailable(str(error).strip() or "the database is away") from error

    def _notified(self, notification: Any) -> None:
        observer = self._observers.get(notification.channel)
        if observer is not None:
            observer(notification.payload)

    async def _listen_again(self) -> None:
        for channel, observer in self._observers.items():
            await self._listener.runOperation(f"listen {channel}")
            observer("")

    def _relisten(self) -> defer.Deferred[None]:
        return defer.Deferred.fromCoroutine(self._listen_again())


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _shield(running: defer.Deferred[T]) -> defer.Deferred[T]:
    """A Deferred with the same outcome, whose cancellation leaves `running` alone."""
    outcome: defer.Deferred[T] = defer.Deferred()

    def succeeded(value: T) -> None:
        if not outcome.called:
            outcome.callback(value)

    def failed(failure: Failure) -> None:
        if outcome.called:
            Database.log.failure("a statement nobody waits for any more failed", failure)
        else:
            outcome.errback(failure)

    running.addCallbacks(succeeded, failed)
    return outcome


def _close_quietly(closable: Any) -> None:
    try:
        closable.close()
    except Exception as error:  # a dead connection cannot be closed properly, and need not be
        Database.log.debug("closing: {error}", error=str(error))
