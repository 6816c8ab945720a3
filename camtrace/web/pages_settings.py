"""The pages of who sets the server up: calendars, contact boxes, mails; those of alarms, exceptions and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klein import Response

from camtrace.model import CAUSES, DEEDS
from camtrace.web.access import Access, May, Visit
from camtrace.web.pages_frame import Frame
from camtrace.web.routing import new_app, requirer


class SettingsPages:
    """`/alarms`, `/exceptions`, `/reports`, `/calendars`, `/contacts`, `/mail`; what is on them comes by the API.

    `calendars` gives the names of those there are.
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
        return self._frame.page(visit, "alarms.html", "alarms", causes=CAUSES)

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

    @requirer.require(app.route("/mail", methods=["GET"]), visit=May("settings"))
    def mail(self, visit: Visit) -> Response:
        return self._frame.page(visit, "mail.html", "mail")
