"""When a contact has left its resting state. Pure.

A contact that opens or closes bounces for some milliseconds. Leaving counts at once, so that a short pulse is not lost;
to count again, the contact must have been at rest for a while.
"""

from __future__ import annotations

from camtrace.model import InputState

REST_SECONDS = 0.5


class Watch:
    """One contact. `normally`: "open" or "closed"."""

    def __init__(self, normally: str) -> None:
        self._rests_closed = normally == "closed"
        self._closed: bool | None = None
        self._resting_since: float | None = None

    def take(self, closed: bool, seconds: float, *, changed: bool = False) -> bool:
        """It was found so at the instant `seconds`; whether it has left its resting state with that.

        What it is found to be at first is no change, unless it is known to have `changed`.
        """
        first, self._closed = self._closed is None, closed
        if closed == self._rests_closed:
            if first:
                self._resting_since = float("-inf")
            elif self._resting_since is None:
                self._resting_since = seconds
            return False
        since, self._resting_since = self._resting_since, None
        return (first and changed) or (since is not None and seconds - since >= REST_SECONDS)

    def state(self, token: str = "") -> InputState:
        """As it was last found."""
        return InputState(self._closed, self._closed is not None and self._closed != self._rests_closed, token)
