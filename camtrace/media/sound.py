"""The sound of segments as an MP4 of its own, not transcoded, for pictures that a browser draws one by one. Blocks: job
pool.

Every fragment keeps the wall time it was recorded at. Samples are chosen by their own time, not by the fragment that
holds them, so that two pieces asked for one after the other join without a hole. Where the sound's layout changes it
ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from camtrace.media import boxes
from camtrace.media.mime import codec_string
from camtrace.model import Segment, Sound, Track

_LATE_US = 2_000_000  # so much sound may lie away from the pictures it belongs to
_HEAD = 64 << 10


class _Run(NamedTuple):
    """Samples of a fragment that lie on end, at `ticks` of wall time: bytes from `offset` of the file on, and
    (duration, size) of each."""

    ticks: int
    offset: int
    samples: tuple[tuple[int, int], ...]


def extract(segments: Sequence[Segment], offset: int, start_us: int, stop_us: int) -> Sound | None:
    """The sound that begins between two instants; None without any.

    `segments` are in order; the first is read from byte `offset` on (0: its first fragment). Raises OSError and
    BoxError.
    """
    head, track = b"", None
    pieces: list[bytes] = []
    began_us = ended_us = start_us
    for number, segment in enumerate(segments):
        with (Path(segment.volume) / segment.path).open("rb") as file:
            init = file.read(_HEAD)
            init = init[: boxes.init_length(init)]
            tracks = boxes.parse_init(init)
            own = next((one for one in tracks if not one.is_video), None)
            if own is None:
                continue
            if track is not None and own != track:
                break
            start = offset if number == 0 and offset else len(init)
            for run in _runs(file, segment, tracks, own, start, start_us, stop_us):
                if track is None:
                    head, track = _head(init, own), own
                    began_us = boxes.media_us(own, run.ticks)
                file.seek(run.offset)
                data = file.read(sum(size for _, size in run.samples))
                pieces.append(_fragment(len(pieces) + 1, own, run, data))
                ended_us = boxes.media_us(own, run.ticks + sum(duration for duration, _ in run.samples))
    if track is None:
        return None
    mime = f'audio/mp4; codecs="{codec_string(track.codec, track.config)}"'
    return Sound(b"".join((head, *pieces)), mime, began_us, ended_us)


def _runs(
    file: BinaryIO, segment: Segment, tracks: tuple[Track, ...], own: Track, start: int, start_us: int, stop_us: int
) -> Iterator[_Run]:
    """What lies between two instants in one file."""
    shift_us = segment.started_us - boxes.media_us(tracks[0], segment.start_ticks)
    shift = shift_us * own.timescale // 1_000_000
    for place in boxes.fragments(file, start, segment.bytes):
        seen = boxes.glance(place.moof)
        if seen is not None and boxes.media_us(tracks[0], seen.dts) + shift_us >= stop_us + _LATE_US:
            return
        ticks = offset = 0
        samples: list[tuple[int, int]] = []
        for entry in boxes.parse_moof(place.moof, tracks):
            if entry.track != own.index or not start_us <= boxes.media_us(own, entry.dts + shift) < stop_us:
                continue
            at = place.offset + entry.offset
            if samples and at != offset + sum(size for _, size in samples):
                yield _Run(ticks, offset, tuple(samples))
                samples = []
            if not samples:
                ticks, offset = entry.dts + shift, at
            samples.append((entry.duration, entry.size))
        if samples:
            yield _Run(ticks, offset, tuple(samples))


# ── boxes (ISO/IEC 14496-12) ─────────────────────────────────────────────────────────────────────────────────────


def _head(init: bytes, track: Track) -> bytes:
    """`ftyp`+`moov` with this track alone."""
    ftyp, moov = boxes.boxes(init)
    inside = list(boxes.boxes(init, moov.body, moov.stop))
    traks = [box for box in inside if box.kind == b"trak"]
    kept = [init[box.start : box.stop] for box in inside if box.kind == b"mvhd"]
    kept.append(init[traks[track.index].start : traks[track.index].stop])
    for extends in (box for box in inside if box.kind == b"mvex"):
        defaults = [
            init[box.start : box.stop]
            for box in boxes.boxes(init, extends.body, extends.stop)
            if box.kind == b"trex" and init[box.body + 4 : box.body + 8] == struct.pack(">I", track.index + 1)
        ]
        kept.append(_box(b"mvex", *defaults))
    return init[ftyp.start : ftyp.stop] + _box(b"moov", *kept)


def _fragment(number: int, track: Track, run: _Run, data: bytes) -> bytes:
    """One `moof`+`mdat`."""
    rows = b"".join(struct.pack(">II", *row) for row in run.samples)
    length = 8 + 16 + 8 + 16 + 20 + 20 + len(rows)  # moof, mfhd, traf, tfhd, tfdt, trun
    return _box(
        b"moof",
        _box(b"mfhd", struct.pack(">II", 0, number)),
        _box(
            b"traf",
            _box(b"tfhd", struct.pack(">II", 0x020000, track.index + 1)),  # offsets count from the moof
            _box(b"tfdt", struct.pack(">IQ", 1 << 24, run.ticks)),
            _box(b"trun", struct.pack(">III", 0x301, len(run.samples), length + 8), rows),
        ),
    ) + _box(b"mdat", data)


def _box(kind: bytes, *content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, content)), kind) + b"".join(content)
