"""The journals' sentences, and the way to write one: `note("camera", "camera_added", {...})`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger

from camtrace import clock
from camtrace.events import Noted
from camtrace.i18n import N_, Translations
from camtrace.intake import Ids, Intake
from camtrace.model import JournalEntry

# message id → sentence; the braces are filled by the entry's values
TEXTS = {
    "started": N_("CamTrace {version} started."),
    "stopped": N_("CamTrace was stopped."),
    "fact_quarantined": N_("The database refused a record ({fact} {id}): {reason}. It is kept apart, as it was."),
    "camera_added": N_("{user} added camera {number}, {name}."),
    "camera_changed": N_("{user} changed camera {number}, {name}."),
    "camera_deleted": N_("{user} removed camera {number}, {name}. Its recordings stay until their time is over."),
    "till_on_web_port": N_("The till at {address} uses the web port: set port {port} in the till."),
}


class Notes:
    """Writes journals through the intake, so that an entry is durable before anybody reads it."""

    log = Logger()

    def __init__(self, intake: Intake, ids: Ids) -> None:
        self._intake = intake
        self._ids = ids

    def __call__(
        self, kind: str, text: str, values: Mapping[str, Any], camera_uid: int | None = None, user: str = ""
    ) -> defer.Deferred[None]:
        """Write an entry of `kind` (model.JOURNAL_KINDS); `text` is a key of TEXTS. Fires when it is durable."""
        entry = JournalEntry(
            id=self._ids.next(),
            at=clock.now(),
            kind=kind,
            text=text,
            values={name: value if isinstance(value, int | float) else str(value) for name, value in values.items()},
            camera_uid=camera_uid,
            user=user,
        )
        recorded = self._intake.record(Noted(entry.id, entry))
        return recorded.addErrback(lambda failure: self.log.warn("not in the journal: {why}", why=failure.value))


def words(entry: JournalEntry, spoken: Translations) -> str:
    """The entry as a sentence in the language of `spoken`."""
    sentence = spoken.gettext(TEXTS.get(entry.text, entry.text))
    try:
        return sentence.format_map({"user": entry.user, **entry.values})
    except (KeyError, ValueError, IndexError):  # written by another version: better raw than not at all
        return f"{sentence} {entry.values}"
