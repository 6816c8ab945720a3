"""The demo's films: one minute of each camera, rendered and encoded once, kept in a file, looped for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from camtrace.demo import h264, mjpeg, sound
from camtrace.demo.script import BEATS_PER_SECOND, LOOP, Till
from camtrace.errors import StartError

KEY_EVERY = 2 * BEATS_PER_SECOND
Draw = Callable[[int], Image.Image]

_X264 = (
    f"keyint={KEY_EVERY}:min-keyint={KEY_EVERY}:scenecut=0:bframes=0:ref=1:weightp=0:cabac=0:no-deblock=1:slices=1"
    ":threads=1:merange=8:me=hex:subme=4:crf=24:annexb=1"
)


@dataclass(frozen=True, slots=True)
class Film:
    """One loop. `pictures` are H.264 slices without start code, or JPEGs without end.

    `head` are the parameter sets of H.264; `sounds` are raw AAC frames, `sound_config` their AudioSpecificConfig.
    """

    head: tuple[bytes, ...]
    pictures: tuple[bytes, ...]
    sounds: tuple[bytes, ...] = ()
    sound_config: bytes = b""


def kept(path: Path, make: Callable[[], Film]) -> Film:
    """The film of a file, or a new one that is then kept there.

    A file made by another version of these modules, or a damaged one, is replaced.
    """
    version = _version()
    try:
        return _load(path.read_bytes(), version)
    except (OSError, ValueError):
        film = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(_dump(film, version))
    fresh.replace(path)
    return film


def h264_film(draw: Draw, till: Till) -> Film:
    """Draw and encode a loop as H.264, with the till's sounds as AAC. Raises StartError without an H.264 encoder."""
    try:
        encoder = VideoCodecContext.create("libx264", "w")
    except (av.FFmpegError, ValueError) as error:
        raise StartError("this PyAV has no H.264 encoder (libx264): install the PyAV wheel of PyPI") from error
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, BEATS_PER_SECOND)
    encoder.framerate = Fraction(BEATS_PER_SECOND)
    encoder.options = {"preset": "medium", "profile": "baseline", "x264-params": _X264}
    stream = b""
    for position in range(LOOP):
        image = draw(position)
        if not position:
            encoder.width, encoder.height = image.size
        frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        frame.pts = position
        stream += b"".join(bytes(packet) for packet in encoder.encode(frame))
    stream += b"".join(bytes(packet) for packet in encoder.encode(None))
    units = list(_units(stream))
    pictures = tuple(unit for unit in units if unit[0] & 0x1F in (1, h264.IDR))
    head = tuple(next(unit for unit in units if unit[0] & 0x1F == kind) for kind in (7, 8))
    sounds, config = _aac(sound.loop(till))
    return Film(head, pictures, sounds, config)


def jpeg_film(draw: Draw) -> Film:
    """Draw and encode a loop as JPEG pictures that await their caption."""
    return Film((), tuple(mjpeg.open_ended(draw(position)) for position in range(LOOP)))


def _aac(samples: sound.Samples) -> tuple[tuple[bytes, ...], bytes]:
    """One loop of AAC frames that joins its own end: encoded three times over, the middle is kept."""
    encoder = AudioCodecContext.create("aac", "w")
    encoder.sample_rate = sound.RATE
    encoder.layout = "mono"
    encoder.format = "fltp"
    encoder.bit_rate = 32_000
    encoder.open()
    frames = []
    for number, part in enumerate(np.tile(samples, 3).reshape(-1, 1, sound.FRAME)):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="mono")
        frame.sample_rate = sound.RATE
        frame.pts = number * sound.FRAME
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    late = 1  # the encoder's first frame holds what was before the beginning
    middle = frames[sound.FRAMES + late : 2 * sound.FRAMES + late]
    return tuple(middle), bytes(encoder.extradata or b"")[:2]  # the rest says that there is no SBR


def _units(stream: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B stream."""
    for unit in stream.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01"):
        if unit:
            yield unit


def _version() -> str:
    """Changes with whatever the films are made from."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _dump(film: Film, version: str) -> bytes:
    parts = (*film.head, *film.pictures, *film.sounds, film.sound_config)
    lengths = [len(part) for part in parts]
    counts = [len(film.head), len(film.pictures), len(film.sounds)]
    return json.dumps({"version": version, "counts": counts, "lengths": lengths}).encode() + b"\n" + b"".join(parts)


def _load(data: bytes, version: str) -> Film:
    head, _, rest = data.partition(b"\n")
    table = json.loads(head)
    if table["version"] != version or len(rest) != sum(table["lengths"]):
        raise ValueError("another version, or incomplete")
    parts, at = [], 0
    for length in table["lengths"]:
        parts.append(rest[at : at + length])
        at += length
    heads, pictures, sounds = table["counts"]
    return Film(
        tuple(parts[:heads]),
        tuple(parts[heads : heads + pictures]),
        tuple(parts[heads + pictures : heads + pictures + sounds]),
        parts[-1],
    )
