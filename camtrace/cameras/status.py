"""What a camera's connection is worth, in codes and in words. Pure.

`error` is a camera that answers with an error status; `inactive` one that does not answer, or sends nothing that can be
used as it is set; `ignored` one the server does not try.
"""

from __future__ import annotations

from typing import NamedTuple

from camtrace.errors import StreamFailure
from camtrace.i18n import N_
from camtrace.model import Status


class Verdict(NamedTuple):
    """A status with its reason, a key of `REASONS`, and what fills it."""

    status: Status
    reason: str
    detail: str = ""


# what a camera does, as it follows its name, or the words that it is lost or not connected; `{detail}` is filled
REASONS = {
    "": N_("sends pictures"),
    "connecting": N_("is being connected"),
    "bad_url": N_("has an address that cannot be read: it begins with rtsp:// or http://"),
    "unknown_model": N_("is of a model without a known picture address: give its picture address"),
    "name": N_("has a name that the network does not know"),
    "refused": N_("does not answer: nothing listens at its address and port"),
    "timeout": N_("does not answer"),
    "unauthorized": N_("answers, but wants another password"),
    "not_found": N_("answers, but has no picture at this address"),
    "status": N_("answers with an error"),
    "not_video": N_("answers with a page instead of a picture: its address leads elsewhere"),
    "single_picture": N_("sends single pictures: set it to motion mode"),
    "codec": N_("sends a kind of picture that cannot be recorded: {detail}"),
    "declared_codec": N_("sends another kind of picture than declared: {detail}"),
    "ended": N_("stopped sending"),
    "broken": N_("sends what cannot be understood"),
    "internal": N_("could not be read because of a fault of this program"),
    "volume": N_("waits for the disk of its pictures, which is absent"),
    "resting": N_("is connected only while somebody looks or an alarm is recorded"),
    "off": N_("is switched off here"),
}

_ERRORS = ("unauthorized", "not_found", "status", "internal")
# kinds whose `detail` is a fact about the camera; of the others it is technical and for the journal only
_TELLING = ("codec", "declared_codec")


def judge(failure: StreamFailure) -> Verdict:
    """What a failed connection says about the camera."""
    status = Status.ERROR if failure.kind in _ERRORS else Status.INACTIVE
    reason = failure.kind if failure.kind in REASONS else "internal"
    if reason in _TELLING:
        return Verdict(status, reason, failure.detail)
    return Verdict(status, reason, str(failure.status) if failure.status >= 300 else "")
