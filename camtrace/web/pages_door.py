"""The pages of who is not signed in: sign in, the first user's set-up, one's own password by a link, error pages."""

from __future__ import annotations

from klein import Response
from twisted.web.server import Request

from camtrace.auth import SHORTEST_PASSWORD, Refused, Throttled
from camtrace.errors import Conflict, DatabaseUnavailable, Invalid, filled
from camtrace.web.access import Access, Anyone, May, Visit
from camtrace.web.pages_frame import Frame, field, go, own_address, pause_words
from camtrace.web.ports import Note
from camtrace.web.problems import Problem
from camtrace.web.routing import new_app, requirer


class Door:
    """Lets people in and out. `error_page` draws the page of a problem for `problems.Problems`."""

    app = new_app()

    def __init__(self, frame: Frame, access: Access, note: Note) -> None:
        self._frame = frame
        self.access = access
        self._note = note

    @requirer.require(app.route("/login", methods=["GET"]), request=Anyone())
    async def login(self, request: Request) -> Response:
        if await self._nobody_exists():
            return self._setup_page(request, usable=False, first=True)
        return self._login_page(request)

    @requirer.require(app.route("/login", methods=["POST"]), request=Anyone())
    async def sign_in(self, request: Request) -> Response:
        try:
            await self.access.log_in(request, field(request, "name").strip(), field(request, "password"))
        except Throttled as error:
            return self._login_page(request, 429, pause_words(self._frame.spoken(request), error.seconds))
        except Refused:
            if await self._nobody_exists():
                return self._setup_page(request, usable=False, first=True)
            words = self._frame.spoken(request).gettext("Name and password do not go together.")
            return self._login_page(request, 401, words)
        return go(own_address(field(request, "next")))

    @requirer.require(app.route("/logout", methods=["POST"]), visit=May())
    async def sign_out(self, visit: Visit) -> Response:
        await self.access.log_out(visit)
        return go("/login")

    @requirer.require(app.route("/setup", methods=["GET"]), request=Anyone())
    async def first_steps(self, request: Request) -> Response:
        code = field(request, "code")
        usable = bool(code) and await self.access.link_valid(code)
        return self._setup_page(request, usable=usable, first=not usable and await self._nobody_exists())

    @requirer.require(app.route("/setup", methods=["POST"]), request=Anyone())
    async def set_up(self, request: Request) -> Response:
        name, password = field(request, "name").strip(), field(request, "password")
        _ = self._frame.spoken(request).gettext
        if not await self.access.link_valid(field(request, "code")):
            return self._setup_page(request, usable=False, first=await self._nobody_exists())
        if not name:
            return self._setup_page(request, _("A name is needed."), "name")
        if len(password) < SHORTEST_PASSWORD:
            return self._setup_page(request, _("This password is shorter than 12 characters."), "password")
        if password != field(request, "again"):
            return self._setup_page(request, _("The two passwords are not the same."), "password")
        try:
            await self.access.set_up(request, field(request, "code"), name, password)
        except (Invalid, Conflict) as error:
            return self._setup_page(request, filled(_(error.text), error.values), error.field or "password")
        except Refused:  # somebody else was faster
            return self._setup_page(request, usable=False)
        return go("/")

    @requirer.require(app.route("/password", methods=["GET"]), request=Anyone())
    async def own_password(self, request: Request) -> Response:
        return await self._password_page(request)

    @requirer.require(app.route("/password", methods=["POST"]), request=Anyone())
    async def set_own_password(self, request: Request) -> Response:
        password, _ = field(request, "password"), self._frame.spoken(request).gettext
        if len(password) < SHORTEST_PASSWORD:
            return await self._password_page(request, _("This password is shorter than 12 characters."))
        if password != field(request, "again"):
            return await self._password_page(request, _("The two passwords are not the same."))
        try:
            user = await self.access.set_password(request, field(request, "code"), password)
        except Invalid as error:
            return await self._password_page(request, filled(_(error.text), error.values))
        except Refused:
            return await self._password_page(request)
        self._note("audit", "user_password_set", {}, user=user.name)
        return go("/")

    def error_page(self, request: Request, problem: Problem) -> str:
        """The page that tells of `problem`."""
        _ = self._frame.spoken(request).gettext
        if problem.code == "starting":
            page = self._frame.open_page(request, "starting.html", progress=_(problem.message), share=problem.share)
            return bytes(page.body).decode()
        told = {
            403: ("lock", _("You may not see this page"), _("The person who runs CamTrace can change this.")),
            404: ("search", _("There is nothing here"), _("The address is wrong, or what it meant is gone.")),
            503: (
                "clock",
                _("CamTrace cannot reach its data"),
                _("Cameras are still recorded and tickets are kept. This page will work again by itself."),
            ),
        }
        ours = (
            "warn",
            _("This page could not be drawn"),
            _("Something in CamTrace failed, not you. Recording is not touched."),
        )
        image, headline, explanation = told.get(problem.status, ours)
        response = self._frame.open_page(
            request,
            "error.html",
            image=image,
            headline=headline,
            explanation=explanation,
            detail=filled(_(problem.text or problem.message), problem.values),
            waits=problem.status == 503,
            address="/" if problem.status in (403, 404) else request.uri.decode("ascii", "replace"),
            action=_("To the first page") if problem.status in (403, 404) else _("Try again"),
        )
        body: bytes = response.body
        return body.decode()

    def _login_page(self, request: Request, status: int = 200, refusal: str = "") -> Response:
        return self._frame.open_page(
            request,
            "login.html",
            status,
            next=own_address(field(request, "next")),
            name=field(request, "name"),
            refusal=refusal,
        )

    async def _password_page(self, request: Request, problem: str = "") -> Response:
        """The form of who sets the own password by a link; without a user the link is not good."""
        user = await self.access.link_user(field(request, "code"))
        return self._frame.open_page(
            request,
            "password.html",
            400 if problem else 200,
            code=field(request, "code"),
            name="" if user is None else user.name,
            problem=problem,
        )

    async def _nobody_exists(self) -> bool:
        """Whether the first user is still to be made; while the database is away nobody knows, and people sign in."""
        try:
            return await self.access.setup_wanted()
        except DatabaseUnavailable:
            return False

    def _setup_page(
        self, request: Request, problem: str = "", at: str = "", *, usable: bool = True, first: bool = False
    ) -> Response:
        """The form of the first user; not `usable`: what is wrong with the link. `first`: nobody exists yet."""
        return self._frame.open_page(
            request,
            "setup.html",
            400 if problem else 200,
            code=field(request, "code"),
            name=field(request, "name"),
            problem=problem,
            problem_field=at,
            usable=usable,
            first=first,
        )
