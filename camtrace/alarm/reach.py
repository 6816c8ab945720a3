"""Why there is no connection, as a person would look for it."""

from __future__ import annotations

from twisted.internet import error
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from camtrace.alarm.links import LinkFailure


def unreached(reason: BaseException) -> LinkFailure:
    """The failure that this error of a connection means."""
    if isinstance(reason, ResponseNeverReceived | ResponseFailed):
        first = next(iter(reason.reasons), reason)
        reason = first.value if isinstance(first, Failure) and first.value is not None else reason
    if isinstance(reason, LinkFailure):
        return reason
    if isinstance(reason, error.DNSLookupError | ValueError | UnicodeError):
        return LinkFailure("name")
    if isinstance(reason, error.ConnectionRefusedError):
        return LinkFailure("refused")
    if isinstance(reason, error.TimeoutError | error.TCPTimedOutError):
        return LinkFailure("timeout")
    if isinstance(reason, error.ConnectionDone | error.ConnectionLost | error.ConnectionAborted):
        return LinkFailure("ended")
    if isinstance(reason, error.ConnectError):
        return LinkFailure("unreachable")
    return LinkFailure("broken")
