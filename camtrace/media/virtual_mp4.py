"""Segments as one MP4 file that nowhere exists as a whole: the initial boxes of the first, then everybody's fragments,
each with another time written into it. Nothing changes its length, so any byte can be asked for. Blocks: job pool.

Gaps are closed up: what follows one goes on where the picture before it ended, and a player shows no hole. With
*absolute* time every fragment keeps the wall time it was recorded at, gaps stay gaps (for Media Source Extensions).
Where the codec or its parameters change, the file ends.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from camtrace.media import boxes
from camtrace.media.mime import codec_string
from camtrace.model import Segment, Stretch, Track

_TOUCHING_US = 1_000_000
_REFERENCES = 0xFFFF  # a sidx counts them in 16 bits


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `stop` of a segment's file, which lie at byte `at` of the virtual one, in times moved by
    `shift_us`. `keys`: (offset, at_us) of its key frames."""

    path: Path
    start: int
    stop: int
    at: int
    shift_us: int
    keys: tuple[tuple[int, int], ...]
    ended_us: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a virtual MP4 consists of. `length` in bytes; `start_us`, `stop_us`: the wall time it covers."""

    head: bytes
    parts: tuple[Part, ...]
    tracks: tuple[Track, ...]
    length: int
    mime: str
    start_us: int
    stop_us: int


class _Cut(NamedTuple):
    """A segment, the bytes wanted of it, and the media time (of decoding, in microseconds) they span.

    `begins`: something was left out before it.
    """

    segment: Segment
    begins: bool
    start: int
    stop: int
    first_us: int
    end_us: int
    ended_us: int


def plan(stretches: Sequence[Stretch], *, absolute: bool) -> Plan | None:
    """Lay out `stretches`, which are in order and do not overlap.

    None when nothing is left. Raises OSError and BoxError.
    """
    init = b""
    tracks: tuple[Track, ...] = ()
    cuts: list[_Cut] = []
    for segment, first, stretch in (
        (segment, number == 0, wanted) for wanted in stretches for number, segment in enumerate(wanted.segments)
    ):
        with _path(segment).open("rb") as file:
            head = _initial(file)
            found = boxes.parse_init(head)
            if cuts and found != tracks:
                break
            init, tracks = init or head, found
            start = stretch.start if first and stretch.start else len(head)
            cut = _cut(file, segment, tracks, first, start, stretch.stop_us)
        if cut is not None:
            cuts.append(cut)
    if not cuts:
        return None
    parts = _placed(cuts, tracks, absolute)
    if not absolute:
        init += _sidx(parts, tracks[0])
    parts = tuple(replace(part, at=part.at + len(init)) for part in parts)
    names = ",".join(name for track in tracks if (name := codec_string(track.codec, track.config)))
    mime = f'video/mp4; codecs="{names}"' if names else "video/mp4"
    last = parts[-1]
    return Plan(init, parts, tracks, last.at + last.stop - last.start, mime, parts[0].keys[0][1], cuts[-1].ended_us)


def read(layout: Plan, offset: int, length: int) -> bytes:
    """Bytes of the virtual file; fewer at its end. Raises OSError and BoxError."""
    end = min(offset + length, layout.length)
    pieces = [layout.head[offset:end]]
    number = max(0, bisect_right([part.at for part in layout.parts], offset) - 1)
    for part in layout.parts[number:]:
        if part.at >= end:
            break
        with part.path.open("rb") as file:
            pieces += _bytes_of(file, part, layout.tracks, max(offset, part.at), end)
    return b"".join(pieces)


# ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _path(segment: Segment) -> Path:
    return Path(segment.volume) / segment.path


def _initial(file: BinaryIO) -> bytes:
    head = file.read(64 << 10)
    return head[: boxes.init_length(head)]


def _cut(
    file: BinaryIO, segment: Segment, tracks: tuple[Track, ...], begins: bool, start: int, stop_us: int
) -> _Cut | None:
    first = next(boxes.fragments(file, start, segment.bytes), None)
    if first is None:
        return None
    entries = boxes.parse_moof(first.moof, tracks)
    first_us = min(boxes.media_us(tracks[entry.track], entry.dts) for entry in entries)
    wall_us = segment.started_us - boxes.media_us(tracks[0], segment.start_ticks)
    tail = max([key.offset for key in segment.keyframes if start < key.offset and key.at_us <= stop_us], default=start)
    stop, end_us = tail, first_us
    for place in boxes.fragments(file, tail, segment.bytes):
        seen = boxes.glance(place.moof)
        if seen is not None:
            begins_us = boxes.media_us(tracks[0], seen.dts)
            if begins_us + wall_us >= stop_us:
                end_us = max(end_us, begins_us)  # what is wanted may end exactly at this key frame
                break
            end_us = boxes.media_us(tracks[0], seen.dts + seen.duration)
        stop = place.offset + place.length
    if stop == start:
        return None
    return _Cut(segment, begins, start, stop, first_us, end_us, min(segment.ended_us, end_us + wall_us))


def _placed(cuts: Sequence[_Cut], tracks: tuple[Track, ...], absolute: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    at, shift_us, last = 0, 0, None
    for cut in cuts:
        segment = cut.segment
        if absolute:
            shift_us = segment.started_us - boxes.media_us(tracks[0], segment.start_ticks)
        elif last is None:
            shift_us = -cut.first_us
        elif cut.begins or not _touching(last, segment):
            shift_us += last.end_us - cut.first_us
        keys = tuple((key.offset, key.at_us) for key in segment.keyframes if cut.start <= key.offset < cut.stop)
        if not keys or keys[0][0] != cut.start:
            keys = ((cut.start, segment.started_us), *keys)
        parts.append(Part(_path(segment), cut.start, cut.stop, at, shift_us, keys, cut.ended_us))
        at += cut.stop - cut.start
        last = cut
    return tuple(parts)


def _touching(last: _Cut, segment: Segment) -> bool:
    """Whether nothing is missing between what was cut and the segment after it."""
    return segment.run == last.segment.run and abs(segment.started_us - last.ended_us) <= _TOUCHING_US


def _bytes_of(file: BinaryIO, part: Part, tracks: tuple[Track, ...], offset: int, end: int) -> Iterator[bytes]:
    """The part's bytes between two bytes of the virtual file."""
    shifts = tuple(part.shift_us * track.timescale // 1_000_000 for track in tracks)
    wanted = part.start + offset - part.at
    enough = min(part.stop, part.start + end - part.at)
    walk_from = part.keys[max(0, bisect_right(part.keys, wanted, key=lambda key: key[0]) - 1)][0]
    for place in boxes.fragments(file, walk_from, part.stop):
        if place.offset >= enough:
            return
        if place.offset + place.length <= wanted:
            continue
        moved = boxes.retime(place.moof, shifts, (part.at + place.offset - part.start >> 4) + 1)
        behind = place.offset + len(moved)
        yield moved[max(0, wanted - place.offset) : max(0, enough - place.offset)]
        begin = max(wanted, behind)
        file.seek(begin)
        yield file.read(max(0, min(enough, place.offset + place.length) - begin))


def _sidx(parts: Sequence[Part], video: Track) -> bytes:
    """Where every group of pictures lies, so that a player knows the duration and seeks at once (ISO/IEC 14496-12,
    section 8.16.3)."""
    references = [reference for part in parts for reference in _references(part, every_key=True)]
    if len(references) > _REFERENCES:
        references = [reference for part in parts for reference in _references(part, every_key=False)]
    if len(references) > _REFERENCES or any(size >= 1 << 31 for size, _ in references):
        return b""
    body = struct.pack(">IIIQQHH", 1 << 24, 1, video.timescale, 0, 0, 0, len(references))
    rows = (
        struct.pack(">III", size, duration_us * video.timescale // 1_000_000, 0x9000_0000)
        for size, duration_us in references
    )
    content = body + b"".join(rows)
    return struct.pack(">I4s", len(content) + 8, b"sidx") + content


def _references(part: Part, *, every_key: bool) -> Iterator[tuple[int, int]]:
    """(bytes, microseconds) of each group of pictures, or of the whole part."""
    keys = part.keys if every_key else part.keys[:1]
    ends = [*keys[1:], (part.stop, part.ended_us)]
    for (offset, at_us), (end, end_us) in zip(keys, ends, strict=True):
        yield end - offset, max(0, end_us - at_us)
