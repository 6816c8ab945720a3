"""The table of a segment's key frames, packed: about four bytes each.

Per key frame two numbers, as variable-length integers (seven bits a byte, the lowest first): the bytes since the one
before, and by how many microseconds the step of time differs from the step before (zigzag), which is nearly always 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from camtrace.model import Fragment, key_frames


def pack(keyframes: Sequence[Fragment], started_us: int) -> bytes:
    """The table of key frames whose times are counted from `started_us`."""
    packed = bytearray()
    offset, at_us, step = 0, started_us, 0
    for frame in keyframes:
        change = frame.at_us - at_us - step
        _put(packed, frame.offset - offset)
        _put(packed, change << 1 if change >= 0 else -change << 1 | 1)
        offset, step, at_us = frame.offset, frame.at_us - at_us, frame.at_us
    return bytes(packed)


def unpack(packed: bytes, started_us: int, ended_us: int, stop: int) -> tuple[Fragment, ...]:
    """The key frames of a segment that ends at `ended_us` and byte `stop`; each reaches up to the next one."""
    places: list[tuple[int, int]] = []
    offset, at_us, step = 0, started_us, 0
    numbers = _numbers(packed)
    for distance, zigzag in zip(numbers, numbers, strict=True):
        offset += distance
        step += -(zigzag >> 1) if zigzag & 1 else zigzag >> 1
        at_us += step
        places.append((offset, at_us))
    return key_frames(places, ended_us, stop)


def _put(packed: bytearray, number: int) -> None:
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)


def _numbers(packed: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield number
            number = shift = 0
