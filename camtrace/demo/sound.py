"""What the first camera hears: the scanner's beep, a lower one for a cancellation, the drawer's bell, a quiet room."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from camtrace.demo.script import BEATS_PER_SECOND, LOOP, Till

Samples = npt.NDArray[np.float32]

RATE = 32_000  # of which a minute holds a whole number of AAC frames
FRAME = 1024
FRAMES = LOOP // BEATS_PER_SECOND * RATE // FRAME


def loop(till: Till) -> Samples:
    """One minute of a till's sounds, -1 to 1, mono; it begins with the loop."""
    room = np.random.default_rng(8010).normal(0, 0.0015, FRAMES * FRAME)
    for beat in range(LOOP):
        sale, seconds = till.moment(beat)
        for step in sale.steps:
            if step.at == seconds:
                _mix(room, _sound(step.type), beat * RATE // BEATS_PER_SECOND)
    return room.astype(np.float32)


def _sound(kind: str) -> npt.NDArray[Any]:
    match kind:
        case "A":
            return _tone(1975, 0.10, decay=4)
        case "S":
            return np.concatenate((_tone(660, 0.12, decay=3), _tone(494, 0.18, decay=4)))
        case "D":
            return _tone(2637, 0.9, decay=5) + 0.5 * _tone(3520, 0.9, decay=7)
        case _:
            return 0.4 * _tone(1319, 0.08, decay=4)


def _tone(hertz: float, seconds: float, decay: float) -> npt.NDArray[Any]:
    time = np.arange(int(seconds * RATE)) / RATE
    fade = np.exp(-decay * time / seconds) * np.minimum(1, time * 400)
    return 0.22 * np.sin(2 * np.pi * hertz * time) * fade


def _mix(room: npt.NDArray[Any], sound: npt.NDArray[Any], at: int) -> None:
    """Add a sound; what is longer than the loop goes on at its beginning."""
    places = (at + np.arange(sound.size)) % room.size
    room[places] += sound
