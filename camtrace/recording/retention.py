"""What has to be deleted, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from camtrace.model import Segment

_DAY_US = 86_400_000_000


def expiry_us(now_us: int, days: int | None, default_days: int) -> int | None:
    """Footage that ended before this instant is to go; None where it may stay until the disk wants room.

    `days` is the camera's own wish (None: none), `default_days` that of all (0: none).
    """
    wanted = days if days is not None else default_days
    return now_us - wanted * _DAY_US if wanted > 0 else None


def for_room(oldest: Iterable[Segment], missing_bytes: int) -> list[Segment]:
    """As many of `oldest`, in their order, as it takes to gain `missing_bytes`."""
    chosen: list[Segment] = []
    for segment in oldest:
        if missing_bytes <= 0:
            break
        chosen.append(segment)
        missing_bytes -= segment.bytes
    return chosen
