"""Reading fragmented MP4 without libav: the boxes of ISO/IEC 14496-12 that our own muxer writes.

Pure. Cut or damaged bytes raise `BoxError`; nothing else is raised whatever the bytes are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, ParamSpec, TypeVar

from camtrace.errors import CamTraceError
from camtrace.model import Sample, Track

P = ParamSpec("P")
T = TypeVar("T")


class BoxError(CamTraceError):
    """These bytes are no whole fragmented MP4; the text says where they fail."""


class Box(NamedTuple):
    """A box: its four letters, and where it, its content and what follows it begin."""

    kind: bytes
    start: int
    body: int
    stop: int


class Entry(NamedTuple):
    """One sample as a `moof` describes it. Times in ticks of its track; `offset` is counted from the moof."""

    track: int
    dts: int
    pts: int
    duration: int
    key: bool
    offset: int
    size: int


class Glance(NamedTuple):
    """What the first track of a fragment begins with and how long it is, in ticks."""

    dts: int
    pts: int
    duration: int
    key: bool


class FragmentPlace(NamedTuple):
    """A whole `moof`+`mdat` in a file: where it lies, and its moof."""

    offset: int
    length: int
    moof: bytes


_NOT_SYNC = 0x10000  # sample_is_non_sync_sample
_MAX_MOOF = 1 << 20
_VIDEO_ENTRIES = {b"avc1": "h264", b"avc3": "h264", b"hvc1": "h265", b"hev1": "h265"}
_OBJECT_TYPES = {0x20: "mpeg4", 0x40: "aac", 0x6C: "mjpeg"}  # ISO/IEC 14496-1, objectTypeIndication


def boxes(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[Box]:
    """The boxes that fill `data[start:stop]` exactly."""
    stop = len(data) if stop is None else stop
    while start < stop:
        if stop - start < 8:
            raise BoxError(f"a box header is cut at byte {start}")
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            if stop - start < 16:
                raise BoxError(f"a box header is cut at byte {start}")
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        if size < header or start + size > stop:
            raise BoxError(f"box {kind!r} at byte {start} claims {size} bytes of {stop - start}")
        yield Box(kind, start, start + header, start + size)
        start += size


def parse_init(data: bytes) -> tuple[Track, ...]:
    """The tracks of an initial `ftyp`+`moov`."""
    moov = _only(data, b"moov", 0, len(data))
    tracks = [
        _guarded(_track, data, box, index)
        for index, box in enumerate(b for b in boxes(data, moov.body, moov.stop) if b.kind == b"trak")
    ]
    if not tracks:
        raise BoxError("a moov without a track")
    return tuple(tracks)


def init_length(data: bytes) -> int:
    """How many bytes at the beginning of a file are its `ftyp`+`moov`; the rest may be cut anywhere."""
    end = 0
    for kind in (b"ftyp", b"moov"):
        if len(data) < end + 8:
            raise BoxError("the file ends in its first boxes")
        size, found = struct.unpack_from(">I4s", data, end)
        if found != kind or size < 8:
            raise BoxError(f"{found!r} where {kind!r} is expected")
        end += size
    if end > len(data):
        raise BoxError("the file ends in its moov")
    return end


def parse_moof(moof: bytes, tracks: tuple[Track, ...]) -> list[Entry]:
    """The samples a `moof` describes, track after track, each in decoding order."""
    top = _only(moof, b"moof", 0, len(moof))
    entries: list[Entry] = []
    for traf in boxes(moof, top.body, top.stop):
        if traf.kind == b"traf":
            entries += _guarded(_traf, moof, traf, len(tracks))
    return entries


def parse_fragment(
    data: bytes, tracks: tuple[Track, ...], at_us: Callable[[Track, int], int] | None = None
) -> list[Sample]:
    """The samples of one whole `moof`+`mdat`, track after track, each in decoding order.

    `at_us(track, pts)` gives their wall time; without it media time is taken for wall time.
    """
    at_us = at_us or media_us
    whole = list(boxes(data))
    if [box.kind for box in whole] != [b"moof", b"mdat"]:
        raise BoxError("not one moof and its mdat")
    moof, mdat = whole
    samples = []
    for entry in parse_moof(data[: moof.stop], tracks):
        if entry.offset < mdat.body or entry.offset + entry.size > mdat.stop:
            raise BoxError("a sample lies outside its mdat")
        coded = data[entry.offset : entry.offset + entry.size]
        instant = at_us(tracks[entry.track], entry.pts)
        samples.append(Sample(entry.track, instant, entry.dts, entry.pts, entry.duration, entry.key, coded))
    return samples


def glance(data: bytes) -> Glance | None:
    """The first track's part of a fragment, read without building its samples; None where it has none."""
    top = _only(data, b"moof", 0, len(data))
    for traf in boxes(data, top.body, top.stop):
        if traf.kind == b"traf":
            found = _guarded(_glance, data, traf)
            if found is not None:
                return found
    return None


def media_us(track: Track, ticks: int) -> int:
    """Media time in microseconds."""
    return ticks * 1_000_000 // track.timescale


def fragments(file: BinaryIO, start: int, stop: int) -> Iterator[FragmentPlace]:
    """The whole fragments between two byte offsets of a file; ends before the first that is cut or no fragment.

    Reads the headers and skips the pictures.
    """
    while start + 16 <= stop:
        moof_length = _header_at(file, start, b"moof")
        if moof_length is None or moof_length > _MAX_MOOF or start + moof_length + 8 > stop:
            return
        file.seek(start)
        moof = file.read(moof_length)
        mdat_length = _header_at(file, start + moof_length, b"mdat")
        if mdat_length is None or start + moof_length + mdat_length > stop:
            return
        length = moof_length + mdat_length
        yield FragmentPlace(start, length, moof)
        start += length


def retime(moof: bytes, shifts: tuple[int, ...], sequence: int) -> bytes:
    """The same moof, of the same length, each track's time moved by its shift (ticks), numbered `sequence`."""
    patched = bytearray(moof)
    top = _only(moof, b"moof", 0, len(moof))
    for box in boxes(moof, top.body, top.stop):
        if box.kind == b"mfhd":
            _guarded(struct.pack_into, ">I", patched, box.body + 4, sequence & 0xFFFFFFFF)
        elif box.kind == b"traf":
            _guarded(_shift, patched, moof, box, shifts)
    return bytes(patched)


# ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _guarded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return function(*args, **kwargs)
    except (struct.error, IndexError, ZeroDivisionError, OverflowError) as error:
        raise BoxError(f"a damaged box: {error}") from error


def _only(data: bytes, kind: bytes, start: int, stop: int) -> Box:
    """The first box of this kind."""
    for box in boxes(data, start, stop):
        if box.kind == kind:
            return box
    raise BoxError(f"no {kind!r} box between bytes {start} and {stop}")


def _inside(data: bytes, box: Box, *path: bytes) -> Box:
    for kind in path:
        box = _only(data, kind, box.body, box.stop)
    return box


def _header_at(file: BinaryIO, offset: int, kind: bytes) -> int | None:
    """The size of the box at `offset` if it is of this kind."""
    file.seek(offset)
    header = file.read(8)
    if len(header) < 8 or header[4:] != kind:
        return None
    size = int.from_bytes(header[:4], "big")
    return size if size >= 8 else None


def _track(data: bytes, trak: Box, index: int) -> Track:
    tkhd = _inside(data, trak, b"tkhd")
    (number,) = struct.unpack_from(">I", data, tkhd.body + (20 if data[tkhd.body] == 1 else 12))
    if number != index + 1:
        raise BoxError(f"track number {number} where {index + 1} is expected")
    media = _inside(data, trak, b"mdia")
    mdhd = _inside(data, media, b"mdhd")
    (timescale,) = struct.unpack_from(">I", data, mdhd.body + (20 if data[mdhd.body] == 1 else 12))
    if not timescale:
        raise BoxError("a track without a time scale")
    stsd = _inside(data, media, b"minf", b"stbl", b"stsd")
    entry = next(boxes(data, stsd.body + 8, stsd.stop), None)
    if entry is None:
        raise BoxError("a track without a sample description")
    if entry.kind == b"mp4a":
        return _audio(data, entry, index, timescale)
    return _video(data, entry, index, timescale)


def _video(data: bytes, entry: Box, index: int, timescale: int) -> Track:
    width, height = struct.unpack_from(">HH", data, entry.body + 24)
    details = entry._replace(body=entry.body + 78)
    if entry.kind in _VIDEO_ENTRIES:
        codec = _VIDEO_ENTRIES[entry.kind]
        record = _inside(data, details, b"avcC" if codec == "h264" else b"hvcC")
        config = data[record.body : record.stop]
    elif entry.kind == b"mp4v":
        codec, config = _descriptor(data, _inside(data, details, b"esds"))
    else:
        raise BoxError(f"a sample description {entry.kind!r} that is none of ours")
    return Track(index, codec, timescale, config, width, height)


def _audio(data: bytes, entry: Box, index: int, timescale: int) -> Track:
    channels, _, _, rate = struct.unpack_from(">HHII", data, entry.body + 16)
    codec, config = _descriptor(data, _inside(data, entry._replace(body=entry.body + 28), b"esds"))
    return Track(index, codec, timescale, config, sample_rate=rate >> 16, channels=channels)


def _descriptor(data: bytes, esds: Box) -> tuple[str, bytes]:
    """Codec and decoder configuration of an `esds` (ISO/IEC 14496-1, section 7.2.6)."""
    body, end = _tagged(data, esds.body + 4, 0x03)
    flags = data[body + 2]
    body += 3 + (2 if flags & 0x80 else 0) + (1 + data[body + 3] if flags & 0x40 else 0) + (2 if flags & 0x20 else 0)
    body, end = _tagged(data, body, 0x04)
    codec = _OBJECT_TYPES.get(data[body], "")
    if not codec:
        raise BoxError(f"object type {data[body]:#x} is none of ours")
    body += 13
    if body >= end or data[body] != 0x05:
        return codec, b""
    body, end = _tagged(data, body, 0x05)
    return codec, data[body:end]


def _tagged(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Beginning and end of the content of the descriptor at `at`."""
    if data[at] != tag:
        raise BoxError(f"descriptor {data[at]:#x} where {tag:#x} is expected")
    length, at = 0, at + 1
    for _ in range(4):
        byte, at = data[at], at + 1
        length = length << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    if at + length > len(data):
        raise BoxError("a descriptor is cut")
    return at, at + length


def _traf(moof: bytes, traf: Box, tracks: int) -> list[Entry]:
    track, defaults, clock = -1, (0, 0, 0), None
    entries: list[Entry] = []
    for box in boxes(moof, traf.body, traf.stop):
        if box.kind == b"tfhd":
            track, defaults = _tfhd(moof, box)
            if not 0 <= track < tracks:
                raise BoxError(f"a fragment of track {track + 1}, of {tracks}")
        elif box.kind == b"tfdt":
            (clock,) = struct.unpack_from(">Q" if moof[box.body] else ">I", moof, box.body + 4)
        elif box.kind == b"trun":
            if track < 0 or clock is None:
                raise BoxError("a trun before its tfhd and tfdt")
            entries += _trun(moof, box, track, clock, defaults)
            if entries:
                clock = entries[-1].dts + entries[-1].duration
    return entries


def _tfhd(moof: bytes, box: Box) -> tuple[int, tuple[int, int, int]]:
    """Track index, and the duration, size and flags of a sample that does not say its own."""
    flags, track = struct.unpack_from(">II", moof, box.body)
    at = box.body + 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    defaults = [0, 0, 0]
    for place, flag in enumerate((0x8, 0x10, 0x20)):
        if flags & flag:
            (defaults[place],) = struct.unpack_from(">I", moof, at)
            at += 4
    return track - 1, (defaults[0], defaults[1], defaults[2])


def _trun(moof: bytes, box: Box, track: int, clock: int, defaults: tuple[int, int, int]) -> list[Entry]:
    flags, count = struct.unpack_from(">II", moof, box.body)
    at, offset, first = box.body + 8, 0, None
    if flags & 0x1:
        (offset,) = struct.unpack_from(">i", moof, at)
        at += 4
    if flags & 0x4:
        (first,) = struct.unpack_from(">I", moof, at)
        at += 4
    signed = "i" if moof[box.body] else "I"
    layout = ">" + "".join(
        letter for flag, letter in ((0x100, "I"), (0x200, "I"), (0x400, "I"), (0x800, signed)) if flags & flag
    )
    width = struct.calcsize(layout)
    if count > len(moof) or at + count * width > box.stop:
        raise BoxError(f"a trun of {count} samples is cut")
    rows = struct.iter_unpack(layout, moof[at : at + count * width]) if width else iter([()] * count)
    entries = []
    for number, row in enumerate(rows):
        fields = iter(row)
        duration = next(fields) if flags & 0x100 else defaults[0]
        size = next(fields) if flags & 0x200 else defaults[1]
        own = next(fields) if flags & 0x400 else defaults[2]
        shown = clock + (next(fields) if flags & 0x800 else 0)
        if number == 0 and first is not None:
            own = first
        entries.append(Entry(track, clock, shown, duration, not own & _NOT_SYNC, offset, size))
        clock += duration
        offset += size
    return entries


def _glance(data: bytes, traf: Box) -> Glance | None:
    track, (duration, _, flags) = _tfhd(data, _inside(data, traf, b"tfhd"))
    if track != 0:
        return None
    tfdt = _inside(data, traf, b"tfdt")
    (dts,) = struct.unpack_from(">Q" if data[tfdt.body] else ">I", data, tfdt.body + 4)
    trun = _inside(data, traf, b"trun")
    has, count = struct.unpack_from(">II", data, trun.body)
    at = trun.body + 8 + (4 if has & 0x1 else 0)
    if has & 0x4:
        (flags,) = struct.unpack_from(">I", data, at)
        at += 4
    columns = [flag for flag in (0x100, 0x200, 0x400, 0x800) if has & flag]
    width = len(columns)
    if at + 4 * width * count > trun.stop:
        raise BoxError(f"a trun of {count} samples is cut")
    values = struct.unpack_from(f">{width * count}I", data, at)
    row = dict(zip(columns, values[:width], strict=True)) if count else {}
    shown = row.get(0x800, 0)
    if data[trun.body] and shown >= 1 << 31:
        shown -= 1 << 32
    total = sum(values[0::width]) if has & 0x100 else duration * count
    return Glance(dts, dts + shown, total, not row.get(0x400, flags) & _NOT_SYNC)


def _shift(patched: bytearray, moof: bytes, traf: Box, shifts: tuple[int, ...]) -> None:
    (number,) = struct.unpack_from(">I", moof, _inside(moof, traf, b"tfhd").body + 4)
    tfdt = _inside(moof, traf, b"tfdt")
    layout = ">Q" if moof[tfdt.body] else ">I"
    (ticks,) = struct.unpack_from(layout, moof, tfdt.body + 4)
    struct.pack_into(layout, patched, tfdt.body + 4, ticks + shifts[number - 1])
