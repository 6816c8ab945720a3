"""Facts go up: who is interested in a kind of fact subscribes to its type here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.logger import Logger
from twisted.python.failure import Failure

F = TypeVar("F")


class Bus:
    """Hands each published fact to the listeners of its type, in order of subscription.

    A listener that fails is logged and never hurts another one, nor the publisher. A listener may be a coroutine
    function: it is then started at once and not waited for.
    """

    log = Logger()

    def __init__(self) -> None:
        self._listeners: dict[type, tuple[Callable[[Any], Any], ...]] = {}

    def subscribe(self, kind: type[F], listener: Callable[[F], Any]) -> Callable[[], None]:
        """Call `listener(fact)` for each later fact of exactly this type; returns the call that unsubscribes."""
        self._listeners[kind] = (*self._listeners.get(kind, ()), listener)

        def unsubscribe() -> None:
            listeners = list(self._listeners[kind])
            if listener in listeners:
                listeners.remove(listener)
                self._listeners[kind] = tuple(listeners)

        return unsubscribe

    def publish(self, fact: object) -> None:
        """Tell every listener of this fact's type."""
        for listener in self._listeners.get(type(fact), ()):
            try:
                result = listener(fact)
            except Exception:
                self._failed(Failure(), listener, fact)
            else:
                if hasattr(result, "__await__"):
                    defer.ensureDeferred(result).addErrback(self._failed, listener, fact)

    def _failed(self, failure: Failure, listener: Callable[[Any], Any], fact: object) -> None:
        self.log.failure("listener {listener} failed on {fact}", failure, listener=listener, fact=type(fact).__name__)
