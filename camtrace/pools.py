"""The only module that makes threads.

Two kinds: the *job* pool for short work (decode, snapshot, hashing, reading files), bounded; and *lanes*, one
long-lived daemon thread for one object (a camera, a volume's writer). Only bytes, numbers and frozen values
cross between a thread and the reactor.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

P = ParamSpec("P")
T = TypeVar("T")

# until a thread that computes lets the reactor go on: that waits so long behind each read and write, hundreds of them
# in a turn, so Python's own 5 ms make a turn of seconds while the spool is written
SWITCH_SECONDS = 0.0005


class Reactor(Protocol):
    """What a thread needs of the reactor."""

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> Any: ...


class Lane:
    """One daemon thread that runs calls one after the other, for as long as its object lives.

    The thread is made by the first call: the server is wired before it goes into the background, and no thread
    survives that, not even one that has not begun (Python 3.13).
    """

    log = Logger()

    def __init__(self, reactor: Reactor, name: str) -> None:
        self._reactor = reactor
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopped = False
        self._ended: defer.Deferred[None] = defer.Deferred()
        self._name = f"lane {name}"
        self._thread: threading.Thread | None = None

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> defer.Deferred[T]:
        """Run `function` in this thread after what was asked before; fires on the reactor with its result."""
        result: defer.Deferred[T] = defer.Deferred()
        if self._stopped:
            return defer.fail(RuntimeError("the lane is stopped"))

        def call() -> None:
            _run_and_answer(self._reactor, result, function, args, kwargs)

        self._begin()
        self._calls.put(call)
        return result

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> defer.Deferred[None]:
        """Finish what was asked, then end the thread. Fires when it has ended; a lane stuck in a call fires late."""
        if not self._stopped:
            self._stopped = True
            self._begin()
            self._calls.put(None)
        waiter: defer.Deferred[None] = defer.Deferred()
        self._ended.addBoth(lambda _: waiter.callback(None))
        return waiter

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
        try:
            self._reactor.callFromThread(self._ended.callback, None)
        except RuntimeError:  # the reactor is gone: nobody waits any more
            return


class Inbox(Generic[T]):
    """Items on their way from one thread to the reactor, bounded.

    `put` is called in the thread; `receive(items)` runs on the reactor with everything that came since, so that a busy
    thread costs one wake-up per turn and not one per item. A full inbox refuses (`put` answers False) and counts.
    """

    def __init__(self, reactor: Reactor, receive: Callable[[list[T]], Any], limit: int = 1000) -> None:
        self._reactor = reactor
        self._receive = receive
        self._limit = limit
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        self._waking = False
        self.dropped = 0

    def put(self, item: T) -> bool:
        """Queue `item` for the reactor; False when the inbox is full and the item was dropped and counted."""
        return self.put_all([item])

    def put_all(self, items: Sequence[T]) -> bool:
        """Queue `items` with one waking of the reactor; False when there was no room for some of them."""
        with self._lock:
            taken = items[: self._limit - len(self._items)]
            self._items.extend(taken)
            self.dropped += len(items) - len(taken)
            wake = bool(taken) and not self._waking
            self._waking = self._waking or wake
        if wake:
            self._reactor.callFromThread(self._deliver)
        return len(taken) == len(items)

    def _deliver(self) -> None:
        with self._lock:
            items = list(self._items)
            self._items.clear()
            self._waking = False
        if items:
            self._receive(items)


class Pools:
    """The job pool and the making of lanes and inboxes. `stop` lets running jobs end."""

    def __init__(self, reactor: Any, jobs: int = 4, waiting: int = 1000) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        self._reactor = reactor
        self._waiting = waiting
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._count = jobs
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def job(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> defer.Deferred[T]:
        """Run `function` in the job pool; fires on the reactor. Fails at once when too many jobs wait."""
        if self._stopping:
            return defer.fail(RuntimeError("the job pool is stopped"))
        if self._calls.qsize() >= self._waiting:
            return defer.fail(RuntimeError("too many jobs are waiting"))
        if not self._threads:
            for number in range(self._count):
                thread = threading.Thread(target=self._work, name=f"job {number + 1}", daemon=True)
                self._threads.append(thread)
                thread.start()
        result: defer.Deferred[T] = defer.Deferred()

        def call() -> None:
            _run_and_answer(self._reactor, result, function, args, kwargs)

        self._calls.put(call)
        return result

    def lane(self, name: str) -> Lane:
        """A new thread of its own for one object."""
        return Lane(self._reactor, name)

    def inbox(self, receive: Callable[[list[T]], Any], limit: int = 1000) -> Inbox[T]:
        """A bounded way from a thread to `receive(items)` on the reactor."""
        return Inbox(self._reactor, receive, limit)

    def answer(self, function: Callable[[Any], Any], value: object) -> None:
        """From a thread: call `function(value)` on the reactor, while there is one."""
        try:
            self._reactor.callFromThread(function, value)
        except RuntimeError:  # the reactor is gone: nobody waits any more
            return

    def waiting(self) -> int:
        """Jobs that wait for a thread."""
        return self._calls.qsize()

    def stop(self) -> None:
        """Take no further job; threads end after those already asked."""
        self._stopping = True
        for _ in self._threads:
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


class Inline:
    """The same interface without threads, for tests: a job runs at once, in the caller's turn."""

    def job(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> defer.Deferred[T]:
        """Run `function` now."""
        return defer.execute(function, *args, **kwargs)

    def stop(self) -> None:
        """Nothing to stop."""


def _run_and_answer(
    reactor: Reactor,
    result: defer.Deferred[Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """In a thread: call, then fire `result` on the reactor, unless somebody cancelled it meanwhile."""
    value: Any
    try:
        value = function(*args, **kwargs)
    except BaseException:
        value = Failure()

    def answer() -> None:
        if not result.called:
            result.callback(value)  # a Failure goes down the errback chain

    try:
        reactor.callFromThread(answer)
    except RuntimeError:  # the reactor is gone: nobody waits any more
        return
