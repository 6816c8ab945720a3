"""Pictures that cameras sent with their alarms: in memory, for the mail, and then forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from camtrace import clock

KEPT_SECONDS = 900.0  # a mail goes out within that, or leaves without
MOST_BYTES = 64 << 20


class Pictures:
    """The last picture of each alarm, while it is young; the oldest go when there are too many."""

    def __init__(self, seconds: Callable[[], float] = clock.monotonic, most_bytes: int = MOST_BYTES) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._kept: OrderedDict[int, tuple[float, bytes]] = OrderedDict()

    def keep(self, alarm_id: int, jpeg: bytes) -> None:
        """Remember this picture instead of an older one of that alarm."""
        self._kept.pop(alarm_id, None)
        self._kept[alarm_id] = (self._seconds(), jpeg)
        self._forget()

    def of(self, alarm_id: int) -> bytes | None:
        """The picture that came with this alarm."""
        self._forget()
        kept = self._kept.get(alarm_id)
        return kept[1] if kept is not None else None

    def _forget(self) -> None:
        size = sum(len(jpeg) for _, jpeg in self._kept.values())
        while self._kept:
            alarm_id, (at, jpeg) = next(iter(self._kept.items()))
            if size <= self._most_bytes and self._seconds() - at < KEPT_SECONDS:
                return
            del self._kept[alarm_id]
            size -= len(jpeg)
