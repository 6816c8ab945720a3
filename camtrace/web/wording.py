"""Codes of the journals in the words of the pages, for files that the server writes itself."""

from __future__ import annotations

from camtrace.i18n import N_

CAUSE_WORDS = {
    "tcp": N_("alarm message"),
    "http": N_("alarm message"),
    "ftp": N_("picture from the camera"),
    "motion": N_("movement"),
    "camera_motion": N_("movement, seen by the camera"),
    "audio": N_("sound"),
    "tampering": N_("the camera was covered or turned"),
    "contact": N_("contact"),
    "input": N_("contact at the camera"),
    "program": N_("another program"),
    "rule": N_("a rule"),
}
"""What raised an alarm."""

ENDING_WORDS = {
    "": N_("lost now"),
    "back": N_("back"),
    "ignored": N_("not tried any more"),
    "removed": N_("the camera was removed"),
    "stopped": N_("until CamTrace was stopped, at least"),
}
"""How a camera's being lost ended."""

MAIL_KIND_WORDS = {
    "alarm": N_("alarm"),
    "digest": N_("several alarms"),
    "contact": N_("contact"),
    "lost": N_("camera lost"),
    "back": N_("camera back"),
    "purge": N_("recordings erased"),
    "life": N_("sign of life"),
}
"""What a mail is about."""

MAIL_STATE_WORDS = {
    "queued": N_("waits"),
    "sending": N_("is being sent"),
    "sent": N_("sent"),
    "failed": N_("not sent"),
}
"""What became of a mail."""

KIND_WORDS = {
    "system": N_("System"),
    "camera": N_("Cameras"),
    "alarm": N_("Alarms"),
    "mail": N_("Mails"),
    "audit": N_("People"),
}
"""The kinds of the journal's entries."""
