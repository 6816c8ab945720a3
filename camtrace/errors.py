"""The few exceptions that cross packages. Each says what was wrong, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{(\w+)\}")


def filled(text: str, values: Mapping[str, object]) -> str:
    """`text` with its {places} filled from `values`; a place that nobody gave stays."""
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), text)


class CamTraceError(Exception):
    """Root of the errors CamTrace raises on purpose: the text is fit for a person.

    `text` is a message id where it can be told in other languages, `values` fill its {places}; `str()` is English.
    """

    def __init__(self, text: str = "", **values: str | int) -> None:
        super().__init__(filled(text, values))
        self.text = text
        self.values = values


class ConfigError(CamTraceError):
    """The configuration cannot be used. `problems` holds every fault found, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class StartError(CamTraceError):
    """The server cannot start: busy port, unusable folder, absent or newer database."""


class DatabaseUnavailable(CamTraceError):
    """The database does not answer now; the same call may work later."""


class FactRefused(CamTraceError):
    """The database answers, and refuses what a fact holds: it goes to quarantine and is not tried again."""


class NotFound(CamTraceError):
    """What was asked for does not exist (any more)."""


class Invalid(CamTraceError):
    """A value given by a person or a program cannot be accepted.

    `field` names the value (dotted for nested ones), or is empty when the fault concerns the whole. It fills {field}.
    """

    def __init__(self, text: str, field: str = "", **values: str | int) -> None:
        super().__init__(text, field=field, **values)
        self.field = field


class Conflict(CamTraceError):
    """The change contradicts what is already there (a name in use, a number taken). `field` names the value, if one."""

    def __init__(self, text: str, field: str = "", **values: str | int) -> None:
        super().__init__(text, field=field, **values)
        self.field = field


class Overreach(CamTraceError):
    """Somebody would give more than they have, or touch a person or a profile that may more than they do."""


class StreamFailure(CamTraceError):
    """A camera's stream could not be opened or ended.

    `kind` is one of `FAILURE_KINDS`; `status` the HTTP or RTSP status code where one was received (else 0);
    `detail` technical words for the journal, free of credentials.
    """

    def __init__(self, kind: str, host: str, port: int, status: int = 0, detail: str = "") -> None:
        super().__init__(f"{kind} at {host}:{port}" + (f" (status {status})" if status else ""))
        self.kind = kind
        self.host = host
        self.port = port
        self.status = status
        self.detail = detail


FAILURE_KINDS = (
    "bad_url",  # not a URL this server can open
    "name",  # the host's name does not resolve
    "refused",  # connection refused: nothing listens there
    "timeout",  # no answer in time (black hole, or silent in the middle of the stream)
    "unauthorized",  # 401: wrong or missing login
    "not_found",  # 404: no such stream
    "status",  # another HTTP or RTSP error status, given in `status`
    "not_video",  # it answers with something that is no video (an HTML page)
    "single_picture",  # it sends single pictures instead of a stream
    "codec",  # a codec that cannot be recorded
    "declared_codec",  # another codec than the one declared for the camera
    "ended",  # the stream ended or was cut
    "broken",  # bytes that cannot be understood
    "internal",  # a fault of this program; `detail` says which
)
