"""Many small Klein apps as one site: each declares whole addresses, the first one that knows an address answers.

    class Cameras:
        app = new_app()

        def __init__(self, access: Access, directory: CameraDirectory) -> None:
            self.access = access
            self._directory = directory

        @requirer.require(app.route("/cameras/<int:number>", methods=["GET"]), visit=May("live"))
        async def camera(self, visit: Visit, number: int) -> str: ...

Routes may raise what `problems.py` knows (NotFound, Invalid, Forbidden ...) and answer text, bytes or klein.Response.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from klein import Klein, Requirer
from twisted.internet import defer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from camtrace.i18n import N_
from camtrace.web.headers import protect, sane_host
from camtrace.web.problems import IProblems, Problem, Problems, answer_failure

_WHILE_STARTING = (b"/static/", b"/api/v1/health")
_SAFE = (b"GET", b"HEAD", b"OPTIONS")

requirer = Requirer()  # `@requirer.require(app.route("/x", methods=["GET"]), visit=May("live"))`: see access.py


class HasApp(Protocol):
    """An object whose routes stand in `app`, made by `new_app()` at class level. It also has `access: Access`."""

    @property
    def app(self) -> Any: ...


def new_app() -> Klein:
    """A Klein app whose errors are told the site's way."""
    app = Klein()
    app.handle_errors(Exception)(answer_failure)  # type: ignore[arg-type]
    return app


class Route(NamedTuple):
    """A method and an address, such as GET and "/api/v1/cameras/<camera>", with the first line of its docstring."""

    method: str
    rule: str
    summary: str


def routes_of(app: Klein) -> Iterator[Route]:
    """Every route of `app`."""
    for rule in app.url_map.iter_rules():
        summary = (app.endpoints[str(rule.endpoint)].__doc__ or "").strip().partition("\n")[0]
        if rule.methods is None:  # it would swallow the methods of other routes, and unsafe ones unawares
            raise ValueError(f"the route {rule.rule} names no methods")
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield Route(method, rule.rule, summary)


class Apps(Resource):
    """The root of the site: guards every answer with headers and hands the request to the app that knows it.

    While `waiting_for` says what the server is busy with before it can serve (in words, for people), everything but
    static files and the health is answered by 503 and the code "starting". `share`: how much of it is done, in percent.
    """

    isLeaf = True
    changing = 0  # requests under way that may change something
    waiting_for = ""
    share: int | None = None

    def __init__(self, sites: Sequence[HasApp], problems: Problems) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._apps: list[Klein] = [site.app for site in sites]
        self._problems = problems
        self._sites = tuple(sites)  # a bound app holds its object weakly
        self._leaving = False
        self._settled: defer.Deferred[None] = defer.Deferred()
        self.routes()

    def routes(self) -> list[Route]:
        """Every route of the site."""
        return [route for app in self._apps for route in routes_of(app)]

    def render(self, request: Request) -> int:
        """Answer `request`, now or later."""
        protect(request)
        request.setComponent(IProblems, self._problems)
        if not sane_host(request):
            return self._tell(request, Problem(400, "invalid", "the Host header names no host"))
        if self.waiting_for and not request.path.startswith(_WHILE_STARTING):
            again = (("Retry-After", "2"),)
            return self._tell(request, Problem(503, "starting", self.waiting_for, headers=again, share=self.share))
        if self._leaving:
            again = (("Retry-After", "5"),)
            return self._tell(request, Problem(503, "unavailable", N_("CamTrace is being stopped."), headers=again))
        path = _path(request)
        if path is None:  # Klein would answer nothing at all
            return self._tell(request, Problem(404, "not_found", N_("There is nothing at this address.")))
        found = self._find(path, request.method.decode("ascii", "replace"))
        if isinstance(found, Problem):
            return self._tell(request, found)
        if request.method not in _SAFE:
            self.changing += 1
            request.notifyFinish().addBoth(self._answered)
        found.resource().render(request)
        return NOT_DONE_YET

    def _answered(self, _: object) -> None:
        self.changing -= 1
        if not self.changing and self._leaving:
            self._settled.callback(None)

    async def leave(self) -> None:
        """Answer nothing any more; returns when no request is under way that may change something."""
        self._leaving = True
        if self.changing:
            await self._settled

    def _find(self, path: str, method: str) -> Klein | Problem:
        """The app that answers, or why there is none."""
        known_elsewhere: set[str] = set()
        for app in self._apps:
            try:
                app.url_map.bind("").match(path, method=method)
            except NotFound:
                continue
            except MethodNotAllowed as error:
                known_elsewhere.update(error.valid_methods or ())
                continue
            except RequestRedirect:  # to the address with the right slashes: the app knows
                return app
            return app
        if known_elsewhere:
            headers = (("Allow", ", ".join(sorted(known_elsewhere))),)
            return Problem(405, "method_not_allowed", "Method Not Allowed", headers=headers)
        return Problem(404, "not_found", N_("There is nothing at this address."))

    def _tell(self, request: Request, problem: Problem) -> int:
        left = request.notifyFinish()
        left.addErrback(lambda _: None)

        async def tell() -> None:
            response = await self._problems.tell(request, problem)
            body = response._applyToRequest(request)
            if not left.called:
                request.write(body)
                request.finish()

        defer.Deferred.fromCoroutine(tell()).addErrback(request.processingFailed)
        return NOT_DONE_YET


def _path(request: Request) -> str | None:
    """The address, decoded; None if it is no UTF-8."""
    try:
        return "/" + b"/".join(request.postpath or []).decode()
    except UnicodeDecodeError:
        return None
