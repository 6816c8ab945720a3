"""Facts go up: who is interested in a kind of fact subscribes to its type here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.logger import Logger

F = TypeVar("F")


class Bus:
    """Hands each published fact to the listeners of its type, in order of subscription.

    A listener that fails is logged and never hurts another one, nor the publisher. A listener may be a coroutine
    function: it is then started at once and not waited for.
    """

    log = Logger()

    def __init__(self) -> None:
        self._listeners: dict[type, list[Callable[[Any], Any]]] = {}

    def subscribe(self, kind: type[F], listener: Callable[[F], Any]) -> Callable[[], None]:
        """Call `listener(fact)` for each later fact of exactly this type; returns the call that unsubscribes."""
        listeners = self._listeners.setdefault(kind, [])
        listeners.append(listener)

        def unsubscribe() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return unsubscribe

    def publish(self, fact: object) -> None:
        """Tell every listener of this fact's type."""
        for listener in tuple(self._listeners.get(type(fact), ())):
            defer.maybeDeferred(_call, listener, fact).addErrback(self._failed, listener, fact)

    def _failed(self, failure: Any, listener: Callable[[Any], Any], fact: object) -> None:
        self.log.failure("listener {listener} failed on {fact}", failure, listener=listener, fact=type(fact).__name__)


def _call(listener: Callable[[Any], Any], fact: object) -> Any:
    result = listener(fact)
    return defer.ensureDeferred(result) if hasattr(result, "__await__") else result
