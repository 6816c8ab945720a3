"""Packets that came twice: the network repeats some, and a sender may. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

# a packet that comes again, byte for byte, within so long is the same event: with the sender's date and time, without
DATED_SECONDS, UNDATED_SECONDS = 2.0, 0.2


class _Packet(NamedTuple):
    """When it came and when it was understood, in monotonic seconds, and for how long another is the same event."""

    seconds: float
    understood: float
    patience: float


class Repeats:
    """Remembers what was understood lately.

    Senders take turns: the instants at which packets are understood are not in the order of those at which they came.
    """

    def __init__(self) -> None:
        self._lately: OrderedDict[bytes, _Packet] = OrderedDict()  # what was understood last at the end
        self._understood = 0.0

    def begin(self, seconds: float) -> None:
        """What is understood from here on is understood at this monotonic second; what is too old is forgotten."""
        self._understood = seconds
        while self._lately:
            oldest = next(iter(self._lately))
            if seconds - self._lately[oldest].understood <= DATED_SECONDS:
                return
            del self._lately[oldest]

    def has(self, packet: bytes, seconds: float) -> bool:
        """Whether this packet, which came at that second, is one that came before; it is then remembered anew."""
        before = self._lately.pop(packet, None)
        if before is None or seconds - before.seconds > before.patience:
            return False
        self._lately[packet] = _Packet(seconds, self._understood, before.patience)
        return True

    def add(self, packet: bytes, seconds: float, dated: bool) -> None:
        """A packet says something. `dated`: with the sender's date and time."""
        self._lately[packet] = _Packet(seconds, self._understood, DATED_SECONDS if dated else UNDATED_SECONDS)
