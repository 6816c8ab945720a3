"""The only reader of the time. Instants are aware UTC datetimes; `_us` values are microseconds since the epoch."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def now_us() -> int:
    """The present instant in microseconds since the epoch."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Seconds on a clock that never steps: for durations and timeouts only."""
    return time.monotonic()


def to_us(instant: datetime) -> int:
    """Microseconds since the epoch of an aware `instant`, exact."""
    return (instant - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The aware UTC instant `microseconds` after the epoch, exact."""
    return EPOCH + timedelta(microseconds=microseconds)


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`, as the API returns instants."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
