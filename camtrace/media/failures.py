"""libav's errors under our own names, without the URL they quote."""

from __future__ import annotations

import errno

import av

from camtrace.errors import StreamFailure
from camtrace.media.source import Source

_STATUS = {
    av.error.HTTPBadRequestError: ("status", 400),
    av.error.HTTPUnauthorizedError: ("unauthorized", 401),
    av.error.HTTPForbiddenError: ("status", 403),
    av.error.HTTPNotFoundError: ("not_found", 404),
}
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ETIMEDOUT}


def silence_libav() -> None:
    """No line of libav's log is let through: it quotes URLs with their passwords."""
    av.logging.set_level(None)


def name(error: av.error.FFmpegError, source: Source, *, waited: float, patience: float) -> StreamFailure:
    """The StreamFailure for libav's `error`. `waited`: seconds in the call that failed; `patience`: those it had.

    Status codes that libav does not tell apart become kind "status" with status 0.
    """
    words = error.strerror or type(error).__name__
    for kind_of_error, (kind, status) in _STATUS.items():
        if isinstance(error, kind_of_error):
            return source.failure(kind, status, words)
    if isinstance(error, (av.error.HTTPOtherClientError, av.error.HTTPServerError)):
        return source.failure("status", 0, words)
    if isinstance(error, ConnectionRefusedError):
        return source.failure("refused", detail=words)
    if isinstance(error, av.error.ExitError) or waited >= patience * 0.9 or error.errno in _UNREACHABLE:
        return source.failure("timeout", detail=words)
    if isinstance(error, (av.error.EOFError, ConnectionError, BrokenPipeError)):
        return source.failure("ended", detail=words)
    return source.failure("broken", detail=words)
