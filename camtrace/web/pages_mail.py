"""Mails: the page of who sets how they are sent and sees what became of them."""

from __future__ import annotations

from klein import Response

from camtrace.web.access import Access, May, Visit
from camtrace.web.pages_frame import Frame
from camtrace.web.routing import new_app, requirer


class MailPages:
    """`/mail`; what is on it comes by the API."""

    app = new_app()

    def __init__(self, frame: Frame, access: Access) -> None:
        self._frame = frame
        self.access = access

    @requirer.require(app.route("/mail", methods=["GET"]), visit=May("settings"))
    def mail(self, visit: Visit) -> Response:
        return self._frame.page(visit, "mail.html", "mail")
