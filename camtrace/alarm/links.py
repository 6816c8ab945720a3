"""What the connection to a contact box, or to a camera's events, is worth, in codes and in words. Pure."""

from __future__ import annotations

from camtrace.errors import CamTraceError
from camtrace.i18n import N_

# what a box or a camera does, as it follows its name
REASONS = {
    "answers": N_("answers"),
    "subscribed": N_("tells of its events"),
    "connecting": N_("is being connected"),
    "off": N_("is switched off here"),
    "no_address": N_("has no network address set here"),
    "name": N_("has a name that the network does not know"),
    "refused": N_("does not answer: nothing listens at its address and port"),
    "timeout": N_("does not answer"),
    "unreachable": N_("cannot be reached: no way leads to its address"),
    "ended": N_("hung up"),
    "broken": N_("answers what cannot be understood"),
    "internal": N_("could not be asked because of a fault of this program"),
    # of contact boxes (Modbus Application Protocol 1.1b3, section 7)
    "no_function": N_("does not have such inputs: choose the other kind"),
    "no_input": N_("has no input at one of these places: correct the first one or how many there are"),
    "gateway": N_("does not reach the device behind it: correct the unit"),
    "broken_down": N_("reports a fault of its own"),
    "busy": N_("is busy"),
    "exception": N_("refuses the question (exception {detail})"),
    # of cameras' events
    "unauthorized": N_("wants another user name or password for its events"),
    "no_onvif": N_("has no ONVIF service there: switch it on in the camera, or correct the port of its pages"),
    "no_events": N_("does not tell of events by ONVIF"),
    "fault": N_("refuses to tell of its events ({detail})"),
    "status": N_("answers with status {detail}"),
    "too_long": N_("answers more than can be taken in"),
}  # fmt: skip

FLAP_SECONDS = 600.0  # a loss is told again when it was told so long before
OTHER_SECONDS = 60.0  # the same loss, for another reason
REMIND_SECONDS = 3600.0  # the same loss for the same reason

_EXCEPTIONS = {
    1: "no_function",
    2: "no_input",
    3: "no_input",
    4: "broken_down",
    6: "busy",
    10: "gateway",
    11: "gateway",
}


class LinkFailure(CamTraceError):
    """A contact box, or a camera's events, cannot be had now. `kind` is a key of REASONS, `detail` fills it."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(REASONS[kind], detail=detail)
        self.kind = kind
        self.detail = detail


class Tidings:
    """What the journal is told of a connection: that it was lost, why, and that it is back; not too often."""

    def __init__(self) -> None:
        self._told = ""  # why it is lost, as far as the journal knows
        self._told_at = float("-inf")

    def lost(self, kind: str, seconds: float) -> bool:
        """It cannot be had, at the instant `seconds`; whether the journal is to be told now."""
        if not self._told:
            least = FLAP_SECONDS
        else:
            least = REMIND_SECONDS if kind == self._told else OTHER_SECONDS
        if seconds - self._told_at < least:
            return False
        self._told, self._told_at = kind, seconds
        return True

    def back(self) -> bool:
        """It is there again; whether the journal is to be told."""
        told, self._told = self._told, ""
        return told != ""


def refusal(exception_code: int) -> LinkFailure:
    """What a Modbus exception says."""
    return LinkFailure(_EXCEPTIONS.get(exception_code, "exception"), str(exception_code))
