"""Alarms on a line of time: as many marks as can be told apart, however many alarms there were."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from camtrace.model import AlarmMark


def joined(marks: Sequence[AlarmMark], most: int) -> list[AlarmMark]:
    """At most `most` marks for all of these, in order: those with the least time between them become one."""
    in_order = sorted(marks, key=lambda mark: mark.start)
    if len(in_order) <= most:
        return in_order
    pauses = []
    reached = in_order[0].stop
    for place, mark in enumerate(in_order[1:], 1):
        pauses.append((mark.start - reached, place))
        reached = max(reached, mark.stop)
    breaks = sorted(place for _, place in heapq.nlargest(most - 1, pauses))
    ends = [*breaks, len(in_order)]
    return [_one(in_order[first:end]) for first, end in zip([0, *breaks], ends, strict=True)]


def _one(marks: Sequence[AlarmMark]) -> AlarmMark:
    return AlarmMark(
        marks[0].start,
        max(mark.stop for mark in marks),
        tuple(dict.fromkeys(uid for mark in marks for uid in mark.camera_uids)),
        tuple(dict.fromkeys(cause for mark in marks for cause in mark.causes)),
        sum(mark.alarms for mark in marks),
    )
