"""The states of an RTSP session (RFC 2326 appendix A.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

TIMEOUT = 60  # seconds of silence a session outlives, as the Session header announces
PAUSED_TIMEOUT = 600  # while paused: a person may have gone for a coffee
LINGER = 15  # seconds a session stays after its end, for a TEARDOWN or a seek back


class State(Enum):
    """What a session does."""

    INIT = "init"
    READY = "ready"
    PLAYING = "playing"
    PAUSED = "paused"


TRANSITIONS = {
    (State.INIT, "SETUP"): State.READY,
    (State.READY, "SETUP"): State.READY,
    (State.READY, "PLAY"): State.PLAYING,
    (State.READY, "PAUSE"): State.READY,
    (State.PLAYING, "PLAY"): State.PLAYING,
    (State.PLAYING, "PAUSE"): State.PAUSED,
    (State.PLAYING, "end"): State.READY,
    (State.PAUSED, "PLAY"): State.PLAYING,
    (State.PAUSED, "PAUSE"): State.PAUSED,
    (State.PAUSED, "SETUP"): State.PAUSED,
    (State.PAUSED, "end"): State.READY,
}


class NotNow(Exception):
    """The method has no meaning in the session's state. `allowed` are those that have."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__("this method has no meaning in this state")
        self.allowed = allowed


@dataclass(slots=True)
class Session:
    """One session's name, state and signs of life. Instants are seconds on a clock that never steps.

    Signs of life (`heard_at`) are requests, receiver reports, and over TCP what the client takes of the stream.
    """

    id: str
    heard_at: float
    state: State = State.INIT
    ended_at: float | None = None

    def move(self, step: str) -> None:
        """Enter the state that `step` (a method, or "end") leads to. Raises NotNow."""
        self.check(step)
        self.state = TRANSITIONS[self.state, step]

    def check(self, step: str) -> None:
        """Raise NotNow unless `step` has a meaning now."""
        if (self.state, step) not in TRANSITIONS:
            raise NotNow(tuple(method for state, method in TRANSITIONS if state is self.state and method != "end"))

    def expired(self, now: float) -> bool:
        """Whether the session is to be closed: its client is silent for too long, or its end is over."""
        if self.ended_at is not None:
            return now - self.ended_at >= LINGER
        silence = now - self.heard_at
        return silence >= (PAUSED_TIMEOUT if self.state is State.PAUSED else TIMEOUT)
