"""Where datagrams wait to be understood: who says little is not held up by who says much."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from camtrace.prisma.service import Datagram
from camtrace.prisma.wire import SIZE

QUANTUM = 60  # packets of one sender in a row: no less than the longest datagram has
KEPT = 0.9  # of what may wait, after some had to be dropped: that is dear and is done for many at once


@dataclass(slots=True)
class _Flow:
    """What waits of one sender, and how many packets more it may say in this round."""

    credit: int
    packets: int = 0
    waiting: deque[Datagram] = field(default_factory=deque)


class FairQueue:
    """At most `most` packets; a datagram counts for as many as would fill it, so that memory is bounded.

    Senders, told apart by address, take turns as the flows of RFC 8290 (4.1 and 4.2) do: one of whom nothing waited
    comes first, once, then those who have more, each for `QUANTUM` packets in its round. What one sender says stays in
    order. Where more would wait, those of whom most wait lose their latest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._packets = 0
        self._flows: dict[str, _Flow] = {}
        self._new: deque[str] = deque()
        self._old: deque[str] = deque()

    def __len__(self) -> int:
        """Packets that wait."""
        return self._packets

    def append(self, datagram: Datagram) -> Counter[str]:
        """It waits behind what its sender has said before. Answers how many datagrams were dropped, by sender."""
        flow = self._flows.get(datagram.peer)
        if flow is None:
            flow = self._flows[datagram.peer] = _Flow(QUANTUM)
            self._new.append(datagram.peer)
        flow.waiting.append(datagram)
        count = packets_in(datagram)
        flow.packets += count
        self._packets += count
        return self._drop() if self._packets > self._most else Counter()

    def take(self, packets: int) -> list[Datagram]:
        """Those whose turn it is, until there are so many packets or a few more, or none is left."""
        taken: list[Datagram] = []
        while packets > 0 and self._packets:
            turn = self._new or self._old
            peer = turn[0]
            flow = self._flows[peer]
            if not flow.waiting or flow.credit <= 0:
                turn.popleft()
                if flow.waiting or turn is self._new:  # none is new twice in a round
                    flow.credit += QUANTUM if flow.credit <= 0 else 0
                    self._old.append(peer)
                else:
                    del self._flows[peer]
                continue
            datagram = flow.waiting.popleft()
            count = packets_in(datagram)
            flow.packets -= count
            flow.credit -= count
            self._packets -= count
            packets -= count
            taken.append(datagram)
        if not self._packets:
            self._flows.clear()
            self._new.clear()
            self._old.clear()
        return taken

    def _drop(self) -> Counter[str]:
        """The latest half of those of whom most waits, until there is room again."""
        dropped: Counter[str] = Counter()
        for peer, flow in sorted(self._flows.items(), key=lambda item: item[1].packets, reverse=True):
            if self._packets <= self._most * KEPT:
                break
            most = flow.packets // 2
            while flow.packets > most:
                count = packets_in(flow.waiting.pop())
                flow.packets -= count
                self._packets -= count
                dropped[peer] += 1
        return dropped


def packets_in(datagram: Datagram) -> int:
    """How many packets would fill it, at least one."""
    return max(1, len(datagram.data) // SIZE)
