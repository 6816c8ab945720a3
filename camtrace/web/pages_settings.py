"""The pages of who sets the server up: calendars, mails and tills; and the journal of alarms."""

from __future__ import annotations

from klein import Response

from camtrace.model import CAUSES
from camtrace.web.access import Access, May, Visit
from camtrace.web.pages_frame import Frame
from camtrace.web.routing import new_app, requirer


class SettingsPages:
    """`/alarms`, `/calendars`, `/mail`, `/capture`; what is on them comes by the API."""

    app = new_app()

    def __init__(self, frame: Frame, access: Access) -> None:
        self._frame = frame
        self.access = access

    @requirer.require(app.route("/alarms", methods=["GET"]), visit=May("alarms"))
    def alarms(self, visit: Visit) -> Response:
        return self._frame.page(visit, "alarms.html", "alarms", causes=CAUSES)

    @requirer.require(app.route("/calendars", methods=["GET"]), visit=May("settings"))
    def calendars(self, visit: Visit) -> Response:
        return self._frame.page(visit, "calendars.html", "calendars")

    @requirer.require(app.route("/mail", methods=["GET"]), visit=May("settings"))
    def mail(self, visit: Visit) -> Response:
        return self._frame.page(visit, "mail.html", "mail")

    @requirer.require(app.route("/capture", methods=["GET"]), visit=May("settings"))
    def capture(self, visit: Visit) -> Response:
        return self._frame.page(visit, "capture.html", "capture")
