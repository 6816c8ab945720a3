"""Where datagrams wait to be understood: who says little is not held up by who says much."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from camtrace.prisma.service import Datagram
from camtrace.prisma.wire import packets_in

LOUD_TURN = 4  # every so many datagrams one of those who say most: they are slowed down, and not silenced
KEPT = 0.9  # of what may wait, after some had to be dropped: room is made for many at once


@dataclass(slots=True)
class _Flow:
    """What waits of one sender, and how many packets that is."""

    waiting: deque[Datagram] = field(default_factory=deque)
    packets: int = 0


class FairQueue:
    """At most `most` packets of clipped datagrams, so that memory is bounded.

    Of senders, told apart by address, the one of whom the least waits comes first; those of whom about as much waits,
    up to twice, take turns. What one sender says stays in order. Where more would wait than may, those of whom most
    waits lose their latest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._packets = 0
        self._turn = 0
        self._flows: dict[str, _Flow] = {}
        # senders by the binary digits of how many packets wait of them, each class in the order of their turns
        self._classes: list[dict[str, None]] = [{} for _ in range(32)]

    def __len__(self) -> int:
        """Packets that wait."""
        return self._packets

    def append(self, datagram: Datagram) -> Counter[str]:
        """It waits behind what its sender has said before. Answers how many datagrams were dropped, by sender."""
        flow = self._flows.get(datagram.peer)
        if flow is None:
            flow = self._flows[datagram.peer] = _Flow()
        flow.waiting.append(datagram)
        self._grow(datagram.peer, flow, packets_in(datagram.data))
        return self._drop() if self._packets > self._most else Counter()

    def take(self, packets: int) -> list[Datagram]:
        """Those whose turn it is, until there are so many packets or a few more, or none is left."""
        taken: list[Datagram] = []
        while packets > 0 and self._packets:
            self._turn += 1
            peer = self._loudest() if self._turn % LOUD_TURN == 0 else self._quietest()
            flow = self._flows[peer]
            datagram = flow.waiting.popleft()
            count = packets_in(datagram.data)
            del self._classes[flow.packets.bit_length()][peer]  # its next turn is behind the others'
            self._grow(peer, flow, -count)
            packets -= count
            taken.append(datagram)
        return taken

    def _quietest(self) -> str:
        return next(peer for peers in self._classes for peer in peers)

    def _loudest(self) -> str:
        return next(peer for peers in reversed(self._classes) for peer in peers)

    def _grow(self, peer: str, flow: _Flow, packets: int) -> None:
        """So many packets more wait of this sender, or fewer: it is put where it belongs now."""
        self._packets += packets
        before = flow.packets.bit_length()
        flow.packets += packets
        now = flow.packets.bit_length()
        if now != before:
            self._classes[before].pop(peer, None)
        if not flow.waiting:
            del self._flows[peer]
            self._classes[now].pop(peer, None)
        else:
            self._classes[now].setdefault(peer)

    def _drop(self) -> Counter[str]:
        """The latest half of those of whom most waits, until there is room again."""
        dropped: Counter[str] = Counter()
        while self._packets > self._most * KEPT:
            peer = self._loudest()
            flow = self._flows[peer]
            most, gone = flow.packets // 2, 0
            while flow.packets - gone > most:
                gone += packets_in(flow.waiting.pop().data)
                dropped[peer] += 1
            self._grow(peer, flow, -gone)
        return dropped
