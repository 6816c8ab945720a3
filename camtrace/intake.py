"""Where a fact becomes durable, and only then known: `Intake.record(fact)`.

A fact that arrives alone is committed at once. What arrives meanwhile forms the next batch, which begins 20 ms after
the one before it, or as soon as it has 1,000 facts, but never while that one is under way. When the database does not
answer, batches go to the spool on the local disk, and everything follows them through it until it is drained, so that
order holds. The rows carry the ids given here on arrival and every insert ignores an id it knows, so a batch may be
written twice and is stored once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.bus import Bus
from camtrace.errors import DatabaseUnavailable
from camtrace.events import Noted
from camtrace.metrics import Metrics
from camtrace.model import JournalEntry
from camtrace.spool import Fact, Spool

BATCH_FACTS = 1000
LEAST_FACTS = 50  # of the spool, for a database that is too slow for more
COLLECT_SECONDS = 0.02
WARN_SECONDS = 60.0
LAST_PATIENCE_SECONDS = 1.0  # for a database that does not answer while the server stops: the spool takes the rest


class Ids:
    """Numbers for facts: 63 bits, time-ordered (microseconds shifted by ten), strictly increasing in this process."""

    def __init__(self, now_us: Callable[[], int] = clock.now_us) -> None:
        self._now_us = now_us
        self._last = 0

    def next(self) -> int:
        """The next id. A clock that stands still or steps back does not make it repeat."""
        self._last = max(self._now_us() << 10, self._last + 1)
        return self._last

    def start_after(self, last: int) -> None:
        """Give only ids greater than `last`, the greatest one an earlier process stored."""
        self._last = max(self._last, last)


class FactStore(Protocol):
    """The database, as Intake needs it.

    Both raise `DatabaseUnavailable` when it does not answer. Whatever else `write` raises (`FactRefused`, as a rule) is
    taken for a fault of what the facts hold.
    """

    def prepare(self, facts: Sequence[Fact]) -> None:
        """These very `facts` are written next: what that takes can be done while the database is busy with others."""
        ...

    def write(self, facts: Sequence[Fact]) -> Awaitable[None]:
        """Commit all of `facts` in one transaction; a fact that is already there is left as it is."""
        ...

    def quarantine(self, fact: Fact, reason: str) -> Awaitable[bool]:
        """Keep `fact` as it is, out of the way; False if it was already kept."""
        ...


class Scheduler(Protocol):
    """What Intake needs of the reactor: to be called later."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any: ...


# a fact that waits to become durable, and who waits for that
Arrival = tuple[Fact, defer.Deferred[None] | None]


class Intake:
    """Makes facts durable in order of arrival, then publishes them.

    `patience_seconds`: a commit that takes longer counts as unavailable, and its batch goes to the spool (should it
    succeed after all, the rows are simply there already). `retry_seconds`: between attempts while the database is away.
    """

    log = Logger()

    def __init__(
        self,
        store: FactStore,
        spool: Spool,
        bus: Bus,
        ids: Ids,
        scheduler: Scheduler,
        *,
        metrics: Metrics | None = None,
        patience_seconds: float = 5.0,
        retry_seconds: float = 0.5,
    ) -> None:
        self._store = store
        self._spool = spool
        self._bus = bus
        self._ids = ids
        self._scheduler = scheduler
        self._patience_seconds = patience_seconds
        self._retry_seconds = retry_seconds
        self._arrived: deque[Arrival] = deque()
        self._under_way: deque[list[Arrival]] = deque()  # batches that are not published yet
        self._accepting = _Loop(self._accept)
        self._draining = _Loop(self._drain)
        self._last_drain: defer.Deferred[None] | None = None
        self._stopping = False
        self._warned: dict[str, float] = {}
        self._pauses: set[_Pause] = set()
        self._timeouts: set[Any] = set()
        self._collecting: _Pause | None = None
        if metrics is not None:
            metrics.gauge("camtrace_spool_facts", lambda: [({}, spool.count)])

    @property
    def waiting(self) -> int:
        """Facts that arrived and are not taken into a batch yet: what says that senders must slow down."""
        return len(self._arrived)

    @property
    def waits_since(self) -> datetime | None:
        """When the oldest fact got its id that is not published yet; None while there is none."""
        first = self._under_way[0] if self._under_way else self._arrived
        return clock.from_us(first[0][0].id >> 10) if first else None

    def record(self, fact: Fact) -> defer.Deferred[None]:
        """Make `fact` durable and publish it; fires after that.

        Fails when the database refuses its content: it is then in quarantine, and nobody hears of it.
        """
        return self._enqueue([fact])

    def record_all(self, facts: Sequence[Fact]) -> defer.Deferred[None]:
        """Record what arrived together; fires when the last is durable and published, hence all before it.

        Cheaper than one by one for what comes by the thousand. Fails only if the last one is refused.
        """
        return self._enqueue(facts)

    def _enqueue(self, facts: Sequence[Fact]) -> defer.Deferred[None]:
        if self._stopping:
            return defer.fail(RuntimeError("the intake is stopped"))
        if not facts:
            return defer.succeed(None)
        done: defer.Deferred[None] = defer.Deferred()
        self._arrived.extend((fact, None) for fact in facts[:-1])
        self._arrived.append((facts[-1], done))
        if self._collecting is not None and len(self._arrived) >= BATCH_FACTS:
            self._collecting.end()
        self._accepting.start()
        return done

    async def start(self) -> None:
        """Bring what an earlier process left in the spool into the database; returns when it is all there."""
        await self._spool.open()
        if self._spool.count:
            self.log.info("the spool holds {count} facts of an earlier run", count=self._spool.count)
            self._draining.start()
            await self._draining.ended()

    async def stop(self) -> None:
        """Take no further fact, make durable what has arrived, leave the spool for the next start."""
        self._stopping = True
        self._patience_seconds = min(self._patience_seconds, LAST_PATIENCE_SECONDS)
        for timeout in self._timeouts:
            timeout.reset(self._patience_seconds)
        self._wake()
        await self._accepting.ended()
        await self._draining.ended()
        await self._spool.close()

    # ── accepting: arrival → durable → published ─────────────────────────────────────────────────────────────────

    async def _accept(self) -> None:
        done: list[Arrival] = []
        refused: dict[int, Exception] = {}
        following: list[Fact] = []
        while self._arrived:
            if self._last_drain is not None:
                await self._last_drain
            batch = [self._arrived.popleft() for _ in range(min(BATCH_FACTS, len(self._arrived)))]
            facts, following = following or [fact for fact, _ in batch], []
            self._under_way.append(batch)
            collected = self._scheduler.seconds() + COLLECT_SECONDS
            writing = defer.Deferred.fromCoroutine(self._make_durable(facts))
            # while the database has something to do: what was before it, and what is sure to come behind it
            self._publish(done, refused)
            if len(self._arrived) >= BATCH_FACTS and not self._spool.count:
                following = [fact for fact, _ in islice(self._arrived, BATCH_FACTS)]
                self._store.prepare(following)
            refused = await writing
            done = batch
            if len(self._arrived) < BATCH_FACTS or self._last_drain is not None:
                self._publish(done, refused)
                done = []
                if self._arrived:
                    await self._collect(collected - self._scheduler.seconds())

    async def _collect(self, seconds: float) -> None:
        """Let a batch grow, unless it is full or the server stops."""
        if seconds > 0 and len(self._arrived) < BATCH_FACTS and not self._stopping:
            self._collecting = _Pause(self._scheduler, seconds)
            await self._collecting.over
            self._collecting = None

    async def _make_durable(self, facts: Sequence[Fact]) -> dict[int, Exception]:
        """Answers why which facts were refused, by id."""
        if self._spool.count == 0:
            try:
                return await self._commit(facts)
            except DatabaseUnavailable as error:
                self._warn("the database is away, facts go to the spool: {error}", error=error)
            except Exception:  # a fault of the program's must not cost a fact
                self.log.failure("writing failed, facts go to the spool")
        while True:
            try:
                await self._spool.append(facts)
                self._draining.start()
                return {}
            except OSError as error:
                self._warn("neither the database nor the spool takes facts: {error}", error=error)
                if self._stopping:
                    return {fact.id: error for fact in facts}
            await self._sleep()
            with suppress(Exception):  # said above; the spool's turn again
                if self._spool.count == 0:
                    return await self._commit(facts)

    def _publish(self, batch: list[Arrival], refused: dict[int, Exception]) -> None:
        for fact, done in batch:
            reason = refused.get(fact.id) if refused else None
            if reason is None:
                self._bus.publish(fact)
            if done is None:
                continue
            if reason is None:
                done.callback(None)
            else:
                done.errback(reason)
        if batch and self._under_way and self._under_way[0] is batch:
            self._under_way.popleft()

    # ── draining: spool → database ───────────────────────────────────────────────────────────────────────────────

    async def _drain(self) -> None:
        """Bring the spool into the database, oldest first, until it is empty or the server stops.

        New facts go on arriving through the spool. Only its last batch makes them wait: once the database is known to
        answer and one batch holds all there is, nothing is appended behind it, so that the spool does become empty.
        """
        answers = False
        most = BATCH_FACTS
        while self._spool.count and not self._stopping:
            try:
                facts = await self._spool.first(most)
                if answers and len(facts) == self._spool.count:
                    self._last_drain = defer.Deferred()
                await self._commit(facts)
                await self._spool.drop()
                answers = True
                most = min(BATCH_FACTS, 2 * most)
            except Exception as error:
                answers = False
                most = max(LEAST_FACTS, most // 2)
                self._warn("{count} facts wait in the spool: {error!r}", count=self._spool.count, error=error)
            finally:
                self._let_go()
            if not answers:
                await self._sleep()
        if not self._spool.count:
            self._warned.clear()
            self.log.info("the spool is drained")

    def _warn(self, message: str, **fields: object) -> None:
        """Log `message` at once, and again once a minute while it is true."""
        now = clock.monotonic()
        if now - self._warned.get(message, -WARN_SECONDS) >= WARN_SECONDS:
            self._warned[message] = now
            self.log.warn(message, **fields)

    def _let_go(self) -> None:
        if self._last_drain is not None:
            waiter, self._last_drain = self._last_drain, None
            waiter.callback(None)

    # ── the database ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _commit(self, facts: Sequence[Fact]) -> dict[int, Exception]:
        """Write `facts`; a refused batch is halved until the offender is alone, which goes to quarantine."""
        if not facts:
            return {}
        try:
            await self._in_time(self._store.write(facts))
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if len(facts) == 1:
                await self._set_apart(facts[0], str(error))
                return {facts[0].id: error}
            middle = len(facts) // 2
            return await self._commit(facts[:middle]) | await self._commit(facts[middle:])
        return {}

    async def _set_apart(self, fact: Fact, reason: str) -> None:
        try:
            new = await self._in_time(self._store.quarantine(fact, reason))
        except DatabaseUnavailable:
            raise
        except Exception:  # the log is the last place; kept in the spool it would hold up all others for ever
            self.log.failure("{fact!r} was refused by the database, and by its quarantine", fact=fact)
            return
        kind = type(fact).__name__
        self.log.error("{kind} {id} was refused by the database: {reason}", kind=kind, id=fact.id, reason=reason)
        if new and not isinstance(fact, Noted) and not self._stopping:
            entry = JournalEntry(
                id=self._ids.next(),
                at=clock.now(),
                kind="system",
                text="fact_quarantined",
                values={"fact": kind, "id": str(fact.id), "reason": reason},
            )
            self.record(Noted(entry.id, entry))

    async def _in_time(self, answer: Awaitable[Any]) -> Any:
        """What `answer` gives, or `DatabaseUnavailable` when it takes too long; it is then left to end by itself."""
        asked: defer.Deferred[Any] = defer.ensureDeferred(answer)  # type: ignore[arg-type]
        result: defer.Deferred[Any] = defer.Deferred()

        def give_up() -> None:
            self._timeouts.discard(timeout)
            result.errback(DatabaseUnavailable(f"no answer in {self._patience_seconds:g} s"))

        timeout = self._scheduler.callLater(self._patience_seconds, give_up)
        self._timeouts.add(timeout)

        def answered(value: Any) -> None:
            if not result.called:
                self._timeouts.discard(timeout)
                timeout.cancel()
                result.callback(value)

        asked.addBoth(answered)
        return await result

    async def _sleep(self) -> None:
        """Until the next attempt, or the stop."""
        if self._stopping:
            return
        pause = _Pause(self._scheduler, self._retry_seconds)
        self._pauses.add(pause)
        await pause.over
        self._pauses.discard(pause)

    def _wake(self) -> None:
        for pause in tuple(self._pauses):
            pause.end()
        if self._collecting is not None:
            self._collecting.end()


class _Pause:
    """Some time, which may be cut short. `over` fires when it has passed."""

    def __init__(self, scheduler: Scheduler, seconds: float) -> None:
        self.over: defer.Deferred[None] = defer.Deferred()
        self._call = scheduler.callLater(seconds, self.over.callback, None)

    def end(self) -> None:
        """Let it be over now."""
        if self._call.active():
            self._call.cancel()
            self.over.callback(None)


class _Loop:
    """A coroutine function that runs at most once at a time."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._running = False
        self._waiters: list[defer.Deferred[None]] = []

    def start(self) -> None:
        """Run it, unless it runs."""
        if not self._running:
            self._running = True
            defer.Deferred.fromCoroutine(self._run())

    async def ended(self) -> None:
        """Returns when it does not run."""
        if self._running:
            waiter: defer.Deferred[None] = defer.Deferred()
            self._waiters.append(waiter)
            await waiter

    async def _run(self) -> None:
        try:
            await self._work()
        finally:
            self._running = False
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.callback(None)
