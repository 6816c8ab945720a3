"""Who waits to be understood, whose turn it is, and who has to give way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from camtrace.prisma.queues import FairQueue
from camtrace.prisma.service import Datagram
from camtrace.prisma.wire import SIZE

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SENDERS = st.sampled_from("abcdefg")


def said(peer: str, number: int, packets: int = 1) -> Datagram:
    """The sender's datagram of that number, with so many packets."""
    return Datagram(b"%d" % number + b" " * (packets * SIZE - len(str(number))), peer, NOON, 0.0)


@given(st.lists(st.one_of(st.tuples(SENDERS, st.integers(1, 32)), st.integers(1, 200)), max_size=60))
def test_each_in_its_order_and_none_lost(deeds: list[tuple[str, int] | int]) -> None:
    queue = FairQueue(1_000_000)
    sent: dict[str, list[int]] = {}
    came: dict[str, list[int]] = {}
    waiting = 0

    def take(count: int) -> None:
        nonlocal waiting
        taken = queue.take(count)
        packets = sum(len(each.data) // SIZE for each in taken)
        assert min(count, waiting) <= packets < count + 32
        waiting -= packets
        for each in taken:
            came.setdefault(each.peer, []).append(int(each.data))

    for number, deed in enumerate(deeds):
        if isinstance(deed, int):
            take(deed)
        else:
            peer, packets = deed
            assert not queue.append(said(peer, number, packets))
            sent.setdefault(peer, []).append(number)
            waiting += packets
        assert len(queue) == waiting
    while queue:
        take(100)
    assert came == sent


@given(st.lists(st.tuples(SENDERS, st.integers(1, 32)), max_size=80), st.integers(60, 400))
def test_there_is_never_more_than_may_wait(deeds: list[tuple[str, int]], most: int) -> None:
    """Who has to give way had no less than any other, loses its latest, and each loss is told."""
    queue = FairQueue(most)
    sent: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for number, (peer, packets) in enumerate(deeds):
        lost.update(queue.append(said(peer, number, packets)))
        sent[peer] += 1
        assert len(queue) <= most
    came = Counter(each.peer for each in queue.take(1_000_000))
    assert sent == came + lost


def test_who_says_little_comes_first() -> None:
    """Before one of whom much is left to understand; but that one is not silenced."""
    queue = FairQueue(100_000)
    for number in range(1000):
        queue.append(said("loud", number))
    assert len(queue.take(100)) == 100
    for number in range(100):
        queue.append(said("quiet", number))
    taken = queue.take(132)
    assert [int(each.data) for each in taken if each.peer == "quiet"] == list(range(99))
    assert [int(each.data) for each in taken if each.peer == "loud"] == list(range(100, 133))


def test_alike_ones_take_turns() -> None:
    queue = FairQueue(100_000)
    for number in range(500):
        for peer in "abc":
            queue.append(said(peer, number))
    assert Counter(each.peer for each in queue.take(300)) == {"a": 100, "b": 100, "c": 100}


def test_the_loudest_gives_way() -> None:
    """Where all is full the one of whom most waits loses its latest, and room is made for many at once."""
    queue = FairQueue(100)
    for number in range(20):
        queue.append(said("quiet", number))
    for number in range(80):
        assert not queue.append(said("loud", number))
    assert queue.append(said("quiet", 20)) == {"loud": 40}
    kept = queue.take(1000)
    assert [int(each.data) for each in kept if each.peer == "loud"] == list(range(40))
    assert [int(each.data) for each in kept if each.peer == "quiet"] == list(range(21))
