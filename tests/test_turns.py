"""Whose turn it is: shares of a turn of the reactor, and what one address says by several connections."""

from __future__ import annotations

import socket
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from camtrace.turns import (
    CROWDED_SECONDS,
    LOOK_SECONDS,
    MOST_ASKED,
    MOST_UNREAD,
    QUIET_LOOKS,
    Order,
    Turns,
    unread_bytes,
)

FULL = 100  # bytes at once that are much, in these tests


class Speaker:
    """A connection with so many messages, which can be parted or only be taken in one piece."""

    def __init__(self, name: str, count: int, said: list[str], in_one: bool = False) -> None:
        self.name, self.count, self._said, self._in_one = name, count, said, in_one

    @property
    def waits(self) -> bool:
        return self.count > 0

    def go_on(self, room: int) -> int:
        count = self.count if self._in_one else min(self.count, room)
        self.count -= count
        self._said += [self.name] * count
        return count


class Shop:
    """Turns of three messages each, of speakers that say all they have at once; the reactor as well, turn by turn."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.is_crowded = False
        self.said: list[str] = []
        self.turns: Turns[Speaker] = Turns(self, 3, lambda: self.is_crowded)

    def callLater(self, delay: float, callable: Callable[[], None]) -> object:
        self.calls.append((delay, callable))
        return callable

    def speak(self, name: str, count: int, in_one: bool = False) -> None:
        speaker = Speaker(name, count, self.said, in_one)
        while speaker.waits and self.turns.take(count if in_one else 1):
            speaker.go_on(1)
        if speaker.waits:
            self.turns.wait(speaker)

    def turn(self) -> str:
        """What is said in the next turn of the reactor."""
        self.said.clear()
        calls, self.calls = self.calls, []
        assert len(calls) < 2
        for _, call in calls:
            call()
        return "".join(self.said)


def test_a_turn_is_shared_in_the_order_of_reading() -> None:
    shop = Shop()
    shop.speak("a", 4)
    shop.speak("b", 4)
    shop.speak("c", 1)
    assert ("".join(shop.said), shop.turns.are_awaited) == ("aaa", True)
    assert [shop.turn() for _ in range(3)] == ["abb", "bbc", ""]
    assert (shop.turns.are_awaited, shop.calls) == (False, [])


def test_what_is_in_one_piece_may_take_more_than_there_is_room_for() -> None:
    shop = Shop()
    shop.speak("a", 2, in_one=True)
    shop.speak("b", 5, in_one=True)
    shop.speak("c", 1, in_one=True)
    assert ("".join(shop.said), shop.turn(), shop.turn()) == ("aabbbbb", "c", "")


def test_the_stop_comes_while_one_goes_on() -> None:
    """What it says may be the last that the stop waits for: all others are then finished behind its back."""
    shop = Shop()
    shop.speak("a", 4)
    shop.speak("b", 1)

    class Last(Speaker):
        def go_on(self, room: int) -> int:
            count = super().go_on(room)
            if count:
                shop.turns.finish()
            return count

    shop.turns.wait(Last("c", 1, shop.said))
    shop.speak("d", 2)
    assert (shop.turn(), shop.turns.are_awaited) == ("abcdd", False)
    shop.speak("e", 1)
    assert "".join(shop.said) == "abcdde"


def test_who_speaks_later_does_not_overtake_who_waits() -> None:
    shop = Shop()
    shop.speak("a", 4)
    shop.speak("b", 1)
    assert "".join(shop.said) == "aaa"
    assert shop.turn() == "ab"
    shop.is_crowded = True
    shop.speak("c", 1)
    shop.is_crowded = False
    shop.speak("d", 1)
    assert shop.turn() == "cd"


def test_a_crowd_is_waited_for() -> None:
    """It is looked again now and then; nothing is said meanwhile."""
    shop = Shop()
    shop.is_crowded = True
    shop.speak("a", 2)
    for _ in range(3):
        assert shop.calls[0][0] == CROWDED_SECONDS
        assert shop.turn() == ""
    shop.is_crowded = False
    assert shop.turn() == "aa"


def test_at_the_end_all_is_said_crowd_or_not() -> None:
    shop = Shop()
    shop.is_crowded = True
    shop.speak("a", 5)
    shop.speak("b", 2)
    shop.turns.finish()
    assert ("".join(shop.said), shop.turns.are_awaited, shop.turn()) == ("aaaaabb", False, "")


@given(st.lists(st.one_of(st.booleans(), st.tuples(st.sampled_from("abc"), st.integers(1, 9)), st.none())))
def test_all_is_said_in_order(deeds: list[bool | tuple[str, int] | None]) -> None:
    """Whatever is said when, in a crowd (True) or not, in whichever turn (None): in the order of saying, once."""
    shop, spoken, wanted = Shop(), [], []
    for number, deed in enumerate(deeds):
        if isinstance(deed, bool):
            shop.is_crowded = deed
        elif deed is None:
            shop.turn()
            spoken += shop.said
            shop.said.clear()
        else:
            name = f"{deed[0]}{number}"
            wanted += [name] * deed[1]
            shop.speak(name, deed[1])
            spoken += shop.said
            shop.said.clear()
    shop.is_crowded = False
    while shop.calls:
        shop.turn()
        assert len(shop.said) <= 3
        spoken += shop.said
        shop.said.clear()
    assert spoken == wanted


class Sequel:
    """A connection of an address: what was read of it, and whether it may be understood."""

    def __init__(self, shop: Addresses, peer: str = "till") -> None:
        self.peer, self._shop = peer, shop
        self.read_bytes = self.unread_bytes = 0
        self.is_paused = self.waits = False
        self.is_let_in = not shop.order.came(peer, self, shop.open)
        shop.open.append(self)

    def speak(self, count: int = 10) -> Sequel:
        """Say so many bytes: they wait where it is not let in."""
        self.read_bytes += count
        self.waits = self.waits or not self.is_let_in
        return self

    def let_in(self) -> None:
        assert not self.is_let_in, "let in twice"
        self.is_let_in = True
        self._shop.let_in.append(self)

    def understood(self) -> None:
        self.waits = False
        self._shop.order.understood(self.peer)

    def pause(self) -> None:
        self.is_paused = True
        self._shop.order.hold(self.peer, self)

    def end(self) -> None:
        self.is_paused = self.waits = False
        self._shop.open.remove(self)
        self._shop.order.left(self.peer, self)


class Addresses:
    """An order of connections under a clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.order: Order[Sequel] = Order(self.clock, FULL)
        self.let_in: list[Sequel] = []
        self.open: list[Sequel] = []

    def connect(self, peer: str = "till") -> Sequel:
        return Sequel(self, peer)

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(LOOK_SECONDS)


def test_nobody_waits_for_who_is_at_ease() -> None:
    """A device with several connections open, of another address than who is held back: nothing is looked at."""
    shop = Addresses()
    shop.connect("other").speak().pause()
    assert all(shop.connect().speak(FULL // 2).is_let_in for _ in range(3))
    assert shop.clock.getDelayedCalls() == []


def test_a_connection_waits_for_one_that_is_held_back_until_it_ends() -> None:
    shop = Addresses()
    first = shop.connect().speak()
    first.pause()
    second = shop.connect().speak()
    shop.look(99)
    assert not second.is_let_in
    first.end()
    assert second.is_let_in
    second.end()
    assert shop.connect().speak().is_let_in
    shop.look()
    assert shop.clock.getDelayedCalls() == []


def test_or_until_it_is_read_to_the_end() -> None:
    """It is read again and has little more to say, or nothing: not at once, for it may have had no time to."""
    shop = Addresses()
    first = shop.connect().speak()
    first.pause()
    second = shop.connect().speak()
    shop.look(5)
    first.is_paused = False
    shop.look()
    first.speak(FULL)
    shop.look(QUIET_LOOKS - 1)
    first.speak(FULL)
    shop.look(QUIET_LOOKS)
    assert not second.is_let_in
    first.speak(FULL - 1)
    shop.look()
    assert second.is_let_in
    first.pause()  # whoever was let in waits no more, and others wait for it no longer than it takes
    assert second.speak().is_let_in


def test_what_is_read_between_two_pauses_is_not_the_end() -> None:
    """It was paused at no look, but there was no time between two looks in which it was not."""
    shop = Addresses()
    first = shop.connect().speak()
    first.pause()
    second = shop.connect().speak()
    for _ in range(9):
        first.is_paused = False
        shop.look()
        first.speak(1).pause()
    assert not second.is_let_in


def test_what_it_read_itself_comes_first() -> None:
    """An earlier one that waits for its turn is waited for, although it is read and says nothing more."""
    shop = Addresses()
    first = shop.connect().speak()
    first.pause()
    first.waits, first.is_paused = True, False
    second = shop.connect().speak()
    shop.look(9)
    assert not second.is_let_in
    first.understood()
    assert second.is_let_in


def test_what_nobody_has_begun_to_read_comes_first() -> None:
    """An earlier one has sent more than will be read of it at once, when another comes. Of very many some are asked."""
    shop = Addresses()
    first = shop.connect()
    first.unread_bytes = FULL
    second = shop.connect()
    second.unread_bytes = FULL + 1
    third = shop.connect()
    assert (second.is_let_in, third.is_let_in) == (True, False)
    second.end()
    assert third.is_let_in
    third.end()
    first.unread_bytes = 2 * FULL
    shop.open += [Sequel(Addresses()) for _ in range(MOST_ASKED)]
    assert shop.connect().is_let_in


def test_what_the_kernel_holds() -> None:
    """What came and was not read; nothing of what is closed, or no connection of the kernel's."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"x" * 1000)
        near.recv(300)
        assert (unread_bytes(near), unread_bytes(far)) == (700, 0)
    assert (unread_bytes(near), unread_bytes(object())) == (0, 0)


def test_one_after_the_other() -> None:
    """Each waits for the one before it; those that have ended since go at once, as each is understood."""
    shop = Addresses()
    first = shop.connect().speak()
    first.pause()
    later = [shop.connect().speak() for _ in range(5)]
    first.end()
    assert shop.let_in == later[:1]
    for number, one in enumerate(later, 1):
        one.end()
        assert shop.let_in == later[: number + 1]


def test_many_that_stay_open_do_not_wait_for_each_other_in_turn() -> None:
    """They were read while they waited: as one is understood, the next is let in, without another look."""
    shop = Addresses()
    first = shop.connect().speak()
    first.pause()
    later = [shop.connect().speak() for _ in range(50)]
    shop.look(QUIET_LOOKS)
    first.end()
    for number, one in enumerate(later, 1):
        one.understood()
        assert shop.let_in == later[: number + 1]


def test_one_that_never_pauses_is_waited_for_only_so_long() -> None:
    """Nothing that the kernels may have held when the other came is overtaken."""
    shop = Addresses()
    first = shop.connect().speak(FULL)
    shop.order.hold("till", first)
    second, third = shop.connect().speak(), shop.connect().speak()
    first.speak(MOST_UNREAD - FULL)
    shop.look()
    assert not second.is_let_in
    first.speak(FULL)
    shop.look()
    assert shop.let_in == [second, third]
    shop.look()
    assert shop.clock.getDelayedCalls() == []


def test_at_the_end_all_are_let_in_in_order() -> None:
    shop = Addresses()
    for peer in ("till", "other"):
        shop.connect(peer).speak().pause()
    waiting = [shop.connect(peer).speak() for peer in ("till", "other", "till")]
    shop.order.finish()
    assert sorted(shop.let_in, key=waiting.index) == waiting
    assert [one for one in shop.let_in if one.peer == "till"] == [waiting[0], waiting[2]]
    shop.look()
    assert shop.clock.getDelayedCalls() == []
