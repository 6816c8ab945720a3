"""How much may wait to become durable."""

from __future__ import annotations

from twisted.internet.task import Clock

from camtrace.window import LEAST, MOST, Window


class Receiver:
    """Takes all it may, and hears of it when it is durable."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.window = Window(self.clock.seconds)
        self.under_way: list[float] = []

    def fill(self) -> int:
        """As much as the window takes, 100 at a time; answers how much waits then."""
        while not self.window.is_full:
            self.under_way.append(self.window.enter(100))
        return len(self.under_way) * 100

    def store(self, count: int) -> None:
        """So much more is durable."""
        for _ in range(count // 100):
            self.window.leave(100, self.under_way.pop(0))


def test_a_quick_database_has_all_it_can_take() -> None:
    receiver = Receiver()
    for _ in range(10):
        assert receiver.fill() == MOST + 100
        receiver.clock.advance(0.1)
        receiver.store(1000)


def test_a_slow_one_is_given_what_it_takes_in_a_second() -> None:
    """1,400 a second: what waits is that, or half as much again; a quick one has all again."""
    receiver = Receiver()
    waited = []
    for _ in range(300):
        waited.append(receiver.fill())
        receiver.clock.advance(0.5)
        receiver.store(700)
    assert min(waited[10:]) > 1000 and max(waited[10:]) < 1400 * 1.5
    for _ in range(60):
        receiver.fill()
        receiver.clock.advance(0.1)
        receiver.store(1000)
    assert receiver.fill() == MOST + 100


def test_it_never_closes() -> None:
    """One that answers once in a minute is given a batch; what waited when the window closed closes it no further."""
    receiver = Receiver()
    receiver.fill()
    receiver.clock.advance(60)
    receiver.store(1000)
    receiver.clock.advance(0.1)
    receiver.store(receiver.fill())
    assert receiver.fill() == MOST // 2 + 100
    for _ in range(5):
        receiver.clock.advance(60)
        receiver.store(receiver.fill())
        receiver.fill()
    assert receiver.fill() == LEAST + 100
