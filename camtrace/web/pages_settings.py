"""The pages of who sets the server up, the journals of alarms, lost cameras and mails; exceptions and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klein import Response

from camtrace.i18n import LANGUAGE_NAMES
from camtrace.model import DEEDS
from camtrace.web.access import Access, May, Visit
from camtrace.web.pages_frame import Frame
from camtrace.web.routing import new_app, requirer
from camtrace.web.wording import CAUSE_WORDS, ENDING_WORDS, MAIL_KIND_WORDS, MAIL_STATE_WORDS


class SettingsPages:
    """`/calendars`, `/contacts`, `/people`, `/mail`, `/capture`, `/storage`, `/prisma`, the journals.

    And `/exceptions`, `/reports`.
    """

    app = new_app()

    def __init__(
        self, frame: Frame, access: Access, calendars: Callable[[], Sequence[str]] = lambda: ("always", "never")
    ) -> None:
        self._frame = frame
        self._calendars = calendars
        self.access = access

    @requirer.require(app.route("/alarms", methods=["GET"]), visit=May("alarms"))
    def alarms(self, visit: Visit) -> Response:
        return self._frame.page(visit, "alarms.html", "alarms", causes=_causes())

    @requirer.require(app.route("/disconnections", methods=["GET"]), visit=May("journal"))
    def disconnections(self, visit: Visit) -> Response:
        return self._frame.page(visit, "disconnections.html", "disconnections", {"endings": ENDING_WORDS})

    @requirer.require(app.route("/mail/journal", methods=["GET"]), visit=May("settings"))
    def mail_journal(self, visit: Visit) -> Response:
        kinds, states = MAIL_KIND_WORDS, MAIL_STATE_WORDS
        return self._frame.page(
            visit, "mail_journal.html", "mail_journal", {"kinds": kinds}, kinds=kinds, states=states
        )

    @requirer.require(app.route("/exceptions", methods=["GET"]), visit=May("exceptions"))
    def exceptions(self, visit: Visit) -> Response:
        facts = {"calendars": list(self._calendars()), "deeds": DEEDS}
        return self._frame.page(visit, "exceptions.html", "exceptions", facts)

    @requirer.require(app.route("/reports", methods=["GET"]), visit=May("exceptions"))
    def reports(self, visit: Visit) -> Response:
        return self._frame.page(visit, "reports.html", "reports")

    @requirer.require(app.route("/calendars", methods=["GET"]), visit=May("settings"))
    def calendars(self, visit: Visit) -> Response:
        return self._frame.page(visit, "calendars.html", "calendars")

    @requirer.require(app.route("/contacts", methods=["GET"]), visit=May("settings"))
    def contacts(self, visit: Visit) -> Response:
        return self._frame.page(visit, "contacts.html", "contacts")

    @requirer.require(app.route("/people", methods=["GET"]), visit=May("users"))
    def people(self, visit: Visit) -> Response:
        facts = {"languages": LANGUAGE_NAMES, "sees_all": visit.user.profile.cameras is None}
        return self._frame.page(visit, "people.html", "people", facts)

    @requirer.require(app.route("/mail", methods=["GET"]), visit=May("settings"))
    def mail(self, visit: Visit) -> Response:
        return self._frame.page(visit, "mail.html", "mail")

    @requirer.require(app.route("/capture", methods=["GET"]), visit=May("settings"))
    def capture(self, visit: Visit) -> Response:
        return self._frame.page(visit, "capture.html", "capture")

    @requirer.require(app.route("/storage", methods=["GET"]), visit=May("settings"))
    def storage(self, visit: Visit) -> Response:
        return self._frame.page(visit, "storage.html", "storage")

    @requirer.require(app.route("/prisma", methods=["GET"]), visit=May("settings"))
    def prisma(self, visit: Visit) -> Response:
        return self._frame.page(visit, "prisma.html", "prisma")


def _causes() -> dict[str, str]:
    """What alarms can be asked for by: words, and the causes that they mean, with commas between."""
    found: dict[str, list[str]] = {}
    for cause, words in CAUSE_WORDS.items():
        found.setdefault(words, []).append(cause)
    return {words: ",".join(causes) for words, causes in found.items()}
