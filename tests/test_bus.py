"""Who subscribed hears, in order, and nobody hurts another."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from camtrace.bus import Bus


@dataclass(frozen=True)
class Rang:
    """A fact."""

    times: int


class RangTwice(Rang):
    """Another fact, though related."""


class BusTests(SynchronousTestCase):
    """Subscribing, publishing, failing."""

    def setUp(self) -> None:
        self.bus = Bus()
        self.heard: list[object] = []

    def test_by_exact_type(self) -> None:
        """Listeners of the fact's own type hear it, in order of subscription; no others."""
        self.bus.subscribe(Rang, lambda fact: self.heard.append(("first", fact.times)))
        self.bus.subscribe(Rang, lambda fact: self.heard.append(("second", fact.times)))
        self.bus.subscribe(RangTwice, lambda fact: self.heard.append("no"))
        self.bus.publish(Rang(3))
        self.assertEqual(self.heard, [("first", 3), ("second", 3)])

    def test_unsubscribe(self) -> None:
        """Who left hears nothing more; leaving twice is nothing; leaving while being told is safe."""
        leave = self.bus.subscribe(Rang, lambda fact: (self.heard.append(1), leave()))
        self.bus.subscribe(Rang, lambda fact: self.heard.append(2))
        self.bus.publish(Rang(1))
        self.bus.publish(Rang(1))
        leave()
        self.assertEqual(self.heard, [1, 2, 2])

    def test_failure(self) -> None:
        """A listener that fails is logged; the others and the publisher do not notice."""
        self.bus.subscribe(Rang, lambda fact: 1 / 0)
        self.bus.subscribe(Rang, self.heard.append)
        self.bus.publish(Rang(1))
        self.assertEqual(self.heard, [Rang(1)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_coroutine(self) -> None:
        """A coroutine function is started at once and not waited for; its late failure is logged too."""
        later: defer.Deferred[None] = defer.Deferred()

        async def listen(fact: Rang) -> None:
            self.heard.append("began")
            await later
            raise ZeroDivisionError

        self.bus.subscribe(Rang, listen)
        self.bus.subscribe(Rang, lambda fact: self.heard.append("next"))
        self.bus.publish(Rang(1))
        self.assertEqual(self.heard, ["began", "next"])
        later.callback(None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_nobody(self) -> None:
        """A fact without listeners is no trouble."""
        self.bus.publish(Rang(1))
